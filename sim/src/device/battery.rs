//! A battery: what a device draws empties it, charging fills it, and empty it takes the device off.

use super::{Availability, Pattern};
use crate::time::{SimDuration, SimTime};
use std::sync::Arc;

/// What a battery is, apart from its state.
#[derive(Debug, Clone, PartialEq)]
pub struct BatteryKind {
    /// Energy when full, in joules.
    pub capacity: f64,
    /// At or below this level, in joules, the device goes off.
    pub empty: f64,
    /// At this level it comes back; above `empty`.
    pub resume: f64,
    /// Below this level the device does not check in; it goes on with what it has begun.
    pub least: f64,
    /// Power from the charger, in watts.
    pub charge: f64,
    /// When the charger is plugged in, and where in the pattern the run begins; `None` is always.
    pub plugged: Option<(Arc<Pattern>, u64)>,
}

/// A battery with its level, worked out piece by piece: between two instants at which the charger
/// is plugged in or out, the device is there or not, or its draw changes, the level is a straight
/// line, so that the instant at which it crosses a threshold is one division.
///
/// Pieces begin and end where nobody asked anything, so that no answer depends on the questions.
#[derive(Debug, Clone)]
pub struct Battery {
    kind: Arc<BatteryKind>,
    piece: Piece,
    /// What the device draws while it is there, in watts.
    draw: f64,
    /// When the device was not there, begin and end, where that is to be remembered.
    absences: Option<Vec<(SimTime, SimTime)>>,
    /// Time offline when the draw last changed.
    offline_then: SimDuration,
}

/// The state where a piece begins.
#[derive(Debug, Clone, Copy)]
struct Piece {
    begin: SimTime,
    level: f64,
    /// Whether the device is on as far as the battery is concerned.
    on: bool,
    charged: f64,
    drawn: f64,
    offline: SimDuration,
}

/// How the level moves from where a piece begins, and until when.
#[derive(Debug, Clone, Copy)]
struct Course {
    online: bool,
    charge: f64,
    draw: f64,
    end: SimTime,
    /// Whether the battery is on from the end.
    on_then: bool,
}

impl Battery {
    /// A battery with this level, in joules, whose device draws `draw` watts.
    pub fn new(kind: Arc<BatteryKind>, level: f64, draw: f64) -> Self {
        let piece = Piece {
            begin: SimTime::ZERO,
            level: level.min(kind.capacity),
            on: level > kind.empty,
            charged: 0.0,
            drawn: 0.0,
            offline: SimDuration::ZERO,
        };
        Self {
            kind,
            piece,
            draw,
            absences: None,
            offline_then: SimDuration::ZERO,
        }
    }

    /// Remembers from now on when the device is not there.
    pub fn remember_absences(&mut self) {
        self.absences.get_or_insert_default();
    }

    /// When the device was not there, begin and end, up to the last change of draw; nothing unless
    /// it was to be remembered.
    pub fn absences(&self) -> &[(SimTime, SimTime)] {
        self.absences.as_deref().unwrap_or_default()
    }

    /// Whether the device is there: the schedule says so and the battery is not empty.
    pub fn is_online(&mut self, now: SimTime, schedule: &mut Availability) -> bool {
        self.begin_pieces_until(now, schedule);
        self.piece.on && schedule.is_online(now)
    }

    /// Whether the device is there and has enough in its battery to take on work.
    pub fn checks_in(&mut self, now: SimTime, schedule: &mut Availability) -> bool {
        self.is_online(now, schedule) && self.at(now, schedule).level >= self.kind.least
    }

    /// The first instant from `now` on at which the device may go off or the level turn; `None`
    /// is never.
    pub fn next_turn(&mut self, now: SimTime, schedule: &mut Availability) -> Option<SimTime> {
        if !self.is_online(now, schedule) {
            return Some(now);
        }
        let end = self.course(self.piece, schedule).end;
        (end < SimTime::MAX).then_some(end)
    }

    /// The first instant from `now` on at which the device is there; `None` is never. Not looked
    /// for beyond `horizon`.
    pub fn next_online(
        &mut self,
        now: SimTime,
        schedule: &mut Availability,
        horizon: SimTime,
    ) -> Option<SimTime> {
        self.begin_pieces_until(now, schedule);
        let mut piece = self.piece;
        let mut at = now;
        while !piece.on {
            if self.kind.charge == 0.0 {
                return None;
            }
            let course = self.course(piece, schedule);
            if course.end == SimTime::MAX {
                return None;
            }
            piece = self.after(piece, course, course.end);
            at = at.max(piece.begin);
            if at > horizon {
                return Some(at);
            }
        }
        // Until the schedule lets it come the device draws nothing.
        schedule.next_online(at, horizon)
    }

    /// Settles everything up to `now`; from there on the device draws `draw` watts. Gives the time
    /// offline since the draw last changed.
    pub fn set_draw(
        &mut self,
        now: SimTime,
        schedule: &mut Availability,
        draw: f64,
    ) -> SimDuration {
        self.begin_pieces_until(now, schedule);
        let course = self.course(self.piece, schedule);
        self.note(course, now);
        self.piece = self.at(now, schedule);
        self.draw = draw;
        let offline = self.piece.offline.saturating_sub(self.offline_then);
        self.offline_then = self.piece.offline;
        offline
    }

    /// The level at the last change of draw, in joules.
    pub fn level(&self) -> f64 {
        self.piece.level
    }

    /// The same as a share of the capacity.
    pub fn share(&self) -> f64 {
        (self.piece.level / self.kind.capacity).clamp(0.0, 1.0)
    }

    /// Energy taken from the charger until then, in joules.
    pub fn charged(&self) -> f64 {
        self.piece.charged
    }

    /// Energy drawn by the device until then, in joules.
    pub fn drawn(&self) -> f64 {
        self.piece.drawn
    }

    /// Goes on to the piece that `now` lies in.
    fn begin_pieces_until(&mut self, now: SimTime, schedule: &mut Availability) {
        loop {
            let course = self.course(self.piece, schedule);
            if course.end > now || course.end == SimTime::MAX {
                return;
            }
            self.note(course, course.end);
            self.piece = self.after(self.piece, course, course.end);
        }
    }

    /// Remembers a course that was followed until `end`, if the device was not there.
    fn note(&mut self, course: Course, end: SimTime) {
        let begin = self.piece.begin;
        let Some(absences) = &mut self.absences else {
            return;
        };
        if course.online || begin >= end {
            return;
        }
        match absences.last_mut() {
            Some((_, last)) if *last == begin => *last = end,
            _ => absences.push((begin, end)),
        }
    }

    /// The state at a time within the piece.
    fn at(&self, now: SimTime, schedule: &mut Availability) -> Piece {
        let course = self.course(self.piece, schedule);
        let on = self.piece.on;
        Piece {
            on,
            ..self.after(self.piece, course, now)
        }
    }

    fn course(&self, piece: Piece, schedule: &mut Availability) -> Course {
        let kind = &*self.kind;
        let there = schedule.stretch(piece.begin);
        let (plugged, plugged_until) = match &kind.plugged {
            None => (true, SimTime::MAX),
            Some((pattern, offset)) => {
                let stretch = pattern.stretch(piece.begin, *offset);
                (stretch.online, stretch.until)
            }
        };
        let online = piece.on && there.online;
        let draw = if online { self.draw } else { 0.0 };
        let charge = if plugged { kind.charge } else { 0.0 };
        let mut course = Course {
            online,
            charge,
            draw,
            end: there.until.min(plugged_until),
            on_then: piece.on,
        };
        let gain = charge - draw;
        // Off a nanosecond too early rather than too late, so that the level never falls below
        // the threshold, and on again a nanosecond too late.
        let crossing = match piece.on {
            true if gain < 0.0 => {
                let seconds = ((piece.level - kind.empty) / -gain).max(0.0);
                Some(after(piece.begin, (seconds * 1e9).floor()))
            }
            false if gain > 0.0 => {
                let seconds = ((kind.resume - piece.level) / gain).max(0.0);
                Some(after(piece.begin, (seconds * 1e9).ceil()))
            }
            _ => None,
        };
        if let Some(crossing) = crossing.filter(|crossing| *crossing <= course.end) {
            // At the end of time nothing happens any more.
            if crossing < SimTime::MAX {
                (course.end, course.on_then) = (crossing, !piece.on);
            }
        }
        course
    }

    /// The state after a course has been followed until `end`.
    fn after(&self, piece: Piece, course: Course, end: SimTime) -> Piece {
        let time = end.saturating_since(piece.begin);
        let seconds = time.as_secs_f64();
        let drawn = course.draw * seconds;
        let charged = if course.charge > course.draw {
            // A full battery takes what the device draws and no more.
            let room = (self.kind.capacity - piece.level).max(0.0);
            drawn + ((course.charge - course.draw) * seconds).min(room)
        } else {
            course.charge * seconds
        };
        Piece {
            begin: end,
            level: piece.level + (charged - drawn),
            on: course.on_then,
            charged: piece.charged + charged,
            drawn: piece.drawn + drawn,
            offline: if course.online {
                piece.offline
            } else {
                piece.offline + time
            },
        }
    }
}

fn after(begin: SimTime, nanos: f64) -> SimTime {
    // A float that is too large becomes the largest integer: never.
    SimTime::from_nanos(begin.as_nanos().saturating_add(nanos as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Streams;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    fn at(seconds: u64) -> SimTime {
        SimTime::from_nanos(seconds * SECOND)
    }

    fn kind(charge: f64, windows: &[(u64, u64)], period: u64) -> Arc<BatteryKind> {
        let nanos = windows.iter().map(|(a, b)| (a * SECOND, b * SECOND));
        Arc::new(BatteryKind {
            capacity: 100.0,
            empty: 10.0,
            resume: 30.0,
            least: 50.0,
            charge,
            plugged: Some((Arc::new(Pattern::new(nanos, Some(period * SECOND))), 0)),
        })
    }

    #[test]
    fn absences_that_are_remembered_add_up_to_the_time_offline() {
        let hour = SimDuration::from_nanos(3600 * SECOND);
        let stream = Streams::new(3).stream("c", "availability");
        let mut schedule = Availability::exponential(hour, hour, stream);
        let kind = kind(3.0, &[(0, 1800)], 7200);
        let mut battery = Battery::new(kind, 500.0, 2.0);
        battery.remember_absences();
        let mut offline = SimDuration::ZERO;
        for step in 1..200 {
            let draw = [2.0, 5.0, 0.5][step as usize % 3];
            offline += battery.set_draw(at(step * 777), &mut schedule, draw);
        }
        let lengths = battery.absences().iter();
        let sum: SimDuration = lengths
            .map(|(begin, end)| end.saturating_since(*begin))
            .sum();
        assert_eq!(sum, offline);
        let apart = battery
            .absences()
            .windows(2)
            .all(|pair| pair[0].1 < pair[1].0);
        assert!(
            apart && battery.absences().len() > 5,
            "{:?}",
            battery.absences()
        );
    }

    #[test]
    fn a_battery_runs_empty_when_its_energy_is_drawn_and_comes_back_when_charged_enough() {
        // 60 J above empty at 2 W: 30 s. Plugged in at 100 s with 4 W: 20 J to resume take 5 s.
        let mut battery = Battery::new(kind(4.0, &[(100, 200)], 1000), 70.0, 2.0);
        let always = &mut Availability::Always;
        assert_eq!(battery.next_turn(SimTime::ZERO, always), Some(at(30)));
        assert!(battery.is_online(SimTime::from_nanos(30 * SECOND - 1), always));
        assert!(!battery.is_online(at(30), always));
        assert_eq!(
            battery.next_online(at(31), always, SimTime::MAX),
            Some(at(105))
        );
        assert!(battery.is_online(at(105), always));
        // From 30 J with 4 W against 2 W until 200 s: full at 100 J, since 70 J take 35 s.
        let offline = battery.set_draw(at(200), always, 2.0);
        assert_eq!(
            (battery.level(), offline),
            (100.0, SimDuration::from_nanos(75 * SECOND))
        );
        // Charged: 20 J while off, 70 J into the battery and 2 W for 95 s through it.
        assert!((battery.charged() - (20.0 + 70.0 + 190.0)).abs() < 1e-9);
        assert!((battery.drawn() - (60.0 + 190.0)).abs() < 1e-9);
    }

    #[test]
    fn below_the_least_level_a_device_is_there_and_takes_on_nothing() {
        let mut battery = Battery::new(kind(0.0, &[(0, 1)], 10), 52.0, 1.0);
        let always = &mut Availability::Always;
        assert!(battery.checks_in(at(2), always));
        assert!(!battery.checks_in(at(3), always) && battery.is_online(at(3), always));
        assert_eq!(battery.next_online(at(50), always, SimTime::MAX), None);
    }

    #[test]
    fn a_device_that_is_away_draws_nothing() {
        let mut battery = Battery::new(kind(0.0, &[(0, 1)], 10), 100.0, 1.0);
        let mut hours = Availability::Between {
            joins: at(40),
            leaves: at(60),
        };
        let offline = battery.set_draw(at(100), &mut hours, 0.0);
        assert_eq!(battery.level(), 80.0);
        assert_eq!(offline, SimDuration::from_nanos(80 * SECOND));
    }

    proptest! {
        /// Initial plus charged minus drawn is the level, drawn is the draw times the time online,
        /// and neither depends on what was asked in between.
        #[test]
        fn energy_is_conserved_and_no_answer_depends_on_the_questions(
            seed in 0..u64::MAX,
            level in 0.0..120.0_f64,
            charge in 0.0..5.0_f64,
            draws in proptest::collection::vec((0.0..6.0_f64, 1..100_000_u64), 1..40),
            asked in proptest::collection::vec(0..5_000_000_u64, 0..50),
        ) {
            let schedule = || Availability::exponential(
                SimDuration::from_nanos(80 * SECOND),
                SimDuration::from_nanos(20 * SECOND),
                Streams::new(seed).stream("c", "availability"),
            );
            let kind = kind(charge, &[(20, 50), (60, 90)], 150);
            let run = |asked: &[u64]| {
                let (mut schedule, mut online, mut drawn) = (schedule(), SimDuration::ZERO, 0.0);
                let mut battery = Battery::new(Arc::clone(&kind), level, draws[0].0);
                let (mut now, mut power) = (SimTime::ZERO, draws[0].0);
                let mut questions = asked.iter().map(|ms| SimTime::from_nanos(ms * 1_000_000)).peekable();
                for (next, length) in &draws {
                    let end = now + SimDuration::from_nanos(length * 1_234_567);
                    while let Some(question) = questions.next_if(|question| *question < end) {
                        let there = battery.is_online(question, &mut schedule);
                        let back = battery.next_online(question, &mut schedule, SimTime::MAX);
                        assert!(!there || back == Some(question));
                    }
                    let away = battery.set_draw(end, &mut schedule, *next);
                    let there = end.saturating_since(now).saturating_sub(away);
                    drawn += power * there.as_secs_f64();
                    online += there;
                    (now, power) = (end, *next);
                }
                (battery, online, drawn)
            };
            let (battery, online, drawn) = run(&[]);
            let initial = level.min(100.0);
            let law = initial + battery.charged() - battery.drawn() - battery.level();
            let scale = initial + battery.charged() + battery.drawn();
            prop_assert!(law.abs() <= 1e-9 * scale, "{law} J too many");
            prop_assert!((drawn - battery.drawn()).abs() <= 1e-9 * scale);
            // What is there at the start may be less than empty, and nothing takes from that.
            prop_assert!(battery.level() >= initial.min(10.0) - 1e-9 && battery.level() <= 100.0 + 1e-9);
            let mut asked = asked;
            asked.sort_unstable();
            let (other, other_online, _) = run(&asked);
            prop_assert_eq!(battery.level().to_bits(), other.level().to_bits());
            prop_assert_eq!(online, other_online);
        }
    }
}
