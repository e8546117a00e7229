//! Who held the others up: relative stragglers, critical ones, and the tail of durations.

use super::censored::{Known, Reference};
use super::quantile::{median, quantile};
use crate::device::Phase;
use crate::kernel::ActorId;
use crate::records::{CloseReason, RunBooks};
use crate::scenario::RawSchedule;
use crate::time::{SimDuration, SimTime};
use crate::world::{Outcome, Participation};
use std::collections::{BTreeMap, VecDeque};

/// An asynchronous participation is compared with at least so many that ended before it.
const SMALLEST_WINDOW: usize = 20;

/// What a participation was to the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StragglerMark {
    /// Whether it took longer than the straggler factor times the median of its reference;
    /// `None` where cut participations leave that open or there is no reference.
    pub is_relative: Option<bool>,
    /// Whether its version waited for it last; `None` where the version did not close by an
    /// arrival after which all or a quorum were in.
    pub is_critical: Option<bool>,
    /// Of a critical one, the phase that exceeds the cohort's median of that phase most.
    pub critical_phase: Option<Phase>,
    /// Of a critical one, its arrival minus the one before; `None` where there was none before.
    pub blame: Option<SimDuration>,
}

/// Whether a contribution was delivered.
#[must_use]
pub fn is_delivered(participation: &Participation) -> bool {
    participation.arrival().is_some()
}

/// What is known of how long a participation took; `None` of one that never began to work
/// because its model did not fit.
fn known_duration(participation: &Participation) -> Option<Known> {
    let nanos = participation.duration()?.as_nanos() as f64;
    if participation.outcome == Some(Outcome::Unfit) {
        None
    } else if is_delivered(participation) {
        Some(Known::Exactly(nanos))
    } else {
        Some(Known::AtLeast(nanos))
    }
}

/// The marks of every participation, in the ledger's order.
#[must_use]
pub fn straggler_marks(books: &RunBooks) -> Vec<StragglerMark> {
    let participations = &books.accounts.participations;
    let mut marks = vec![StragglerMark::default(); participations.len()];
    let factor = books.scenario.records.straggler_factor;
    let cohorts = cohorts(participations);
    for ((aggregator, _), cohort) in &cohorts {
        if is_synchronous(books, *aggregator) {
            mark_within_cohort(participations, cohort, factor, &mut marks);
        }
    }
    mark_against_those_before(books, factor, &mut marks);
    for version in &books.versions {
        let waited = matches!(
            version.reason,
            CloseReason::AllArrived | CloseReason::Quorum
        );
        let cohort = version
            .version
            .checked_sub(1)
            .and_then(|start| cohorts.get(&(Some(version.aggregator), start)));
        if let Some(cohort) = cohort.filter(|_| waited) {
            mark_critical(participations, cohort, version.closed, &mut marks);
        }
    }
    marks
}

/// Whom a participation was for: `None` is the client itself, so that peers are compared with each
/// other.
fn aggregator(participation: &Participation) -> Option<ActorId> {
    let aggregator = participation.ticket.aggregator;
    (aggregator != participation.client).then_some(aggregator)
}

fn is_synchronous(books: &RunBooks, aggregator: Option<ActorId>) -> bool {
    let record = aggregator.and_then(|aggregator| books.aggregator(aggregator));
    match record {
        Some(record) => record.synchronous,
        None => matches!(
            books.scenario.method.schedule,
            RawSchedule::Synchronous { .. }
        ),
    }
}

/// Places in the ledger by aggregator and start version.
type Cohorts = BTreeMap<(Option<ActorId>, u64), Vec<usize>>;

fn cohorts(participations: &[Participation]) -> Cohorts {
    let mut cohorts = Cohorts::new();
    for (place, participation) in participations.iter().enumerate() {
        let key = (aggregator(participation), participation.start_version);
        cohorts.entry(key).or_default().push(place);
    }
    cohorts
}

fn mark_within_cohort(
    participations: &[Participation],
    cohort: &[usize],
    factor: f64,
    marks: &mut [StragglerMark],
) {
    let durations: Vec<(usize, Known)> = cohort
        .iter()
        .filter_map(|place| Some((*place, known_duration(&participations[*place])?)))
        .collect();
    let mut reference = Reference::default();
    for (_, duration) in &durations {
        reference.insert(*duration);
    }
    for (place, duration) in durations {
        marks[place].is_relative = reference.exceeded_by_member(duration, factor);
    }
}

/// Marks those of aggregators that are not synchronous.
fn mark_against_those_before(books: &RunBooks, factor: f64, marks: &mut [StragglerMark]) {
    let participations = &books.accounts.participations;
    let window = |aggregator: Option<ActorId>| {
        let record = aggregator.and_then(|aggregator| books.aggregator(aggregator));
        let children = record.map_or(books.clients.len(), |record| record.children as usize);
        SMALLEST_WINDOW.max(children)
    };
    let mut by_end: Vec<(bool, SimTime, usize, Known)> = participations
        .iter()
        .enumerate()
        .filter(|(_, participation)| !is_synchronous(books, aggregator(participation)))
        .filter_map(|(place, participation)| {
            // What the end of the run cut short has not ended: it comes last and is no reference.
            let open =
                participation.outcome == Some(Outcome::Unfinished) && !is_delivered(participation);
            Some((
                open,
                participation.end?,
                place,
                known_duration(participation)?,
            ))
        })
        .collect();
    by_end.sort_by_key(|(open, end, place, _)| (*open, *end, *place));
    let mut last: BTreeMap<Option<ActorId>, (Reference, VecDeque<Known>)> = BTreeMap::new();
    for (open, _, place, duration) in by_end {
        let aggregator = aggregator(&participations[place]);
        let (reference, ended) = last.entry(aggregator).or_default();
        marks[place].is_relative = reference.exceeded_by(duration, factor);
        if open {
            continue;
        }
        reference.insert(duration);
        ended.push_back(duration);
        if ended.len() > window(aggregator)
            && let Some(oldest) = ended.pop_front()
        {
            reference.remove(oldest);
        }
    }
}

/// Marks the arrival that closed a version, and the others of its cohort as not critical.
fn mark_critical(
    participations: &[Participation],
    cohort: &[usize],
    closed: SimTime,
    marks: &mut [StragglerMark],
) {
    let delivered: Vec<usize> = cohort
        .iter()
        .copied()
        .filter(|place| is_delivered(&participations[*place]))
        .collect();
    // What arrived at that very instant but after the closing was not waited for.
    let waited_for = |place: &&usize| {
        let outcome = participations[**place].outcome;
        matches!(outcome, Some(Outcome::Merged | Outcome::Unused))
    };
    let mut arrivals: Vec<(SimTime, usize)> = delivered
        .iter()
        .filter(waited_for)
        .filter_map(|place| Some((participations[*place].end?, *place)))
        .filter(|(end, _)| *end <= closed)
        .collect();
    arrivals.sort_unstable();
    let Some((last_end, last)) = arrivals.pop() else {
        return;
    };
    // Otherwise the news of a loss closed it, and nobody was waited for to the end.
    if last_end != closed {
        return;
    }
    for place in cohort {
        marks[*place].is_critical = Some(*place == last);
    }
    marks[last].blame = arrivals
        .last()
        .map(|(before, _)| last_end.saturating_since(*before));
    marks[last].critical_phase = latest_phase(participations, &delivered, last);
}

/// The phase in which one exceeds the cohort's median of that phase most, if it does in any.
fn latest_phase(
    participations: &[Participation],
    delivered: &[usize],
    place: usize,
) -> Option<Phase> {
    let mut latest: Option<(Phase, f64)> = None;
    for phase in [Phase::Download, Phase::Compute, Phase::Upload] {
        // A phase in which nothing was to be done has no span.
        let length = |place: usize| {
            let span = participations[place].phases[phase as usize];
            match (span.start, span.end) {
                (Some(start), Some(end)) => end.saturating_since(start).as_nanos() as f64,
                _ => 0.0,
            }
        };
        let typical = median(delivered.iter().map(|other| length(*other)).collect())?;
        let excess = length(place) - typical;
        if excess > latest.map_or(0.0, |(_, most)| most) {
            latest = Some((phase, excess));
        }
    }
    latest.map(|(phase, _)| phase)
}

/// Quantiles of the durations of what was delivered, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DurationTail {
    /// The median.
    pub p50: f64,
    /// 95 of 100 took no longer.
    pub p95: f64,
    /// 99 of 100 took no longer.
    pub p99: f64,
}

impl DurationTail {
    /// Of a run; `None` where nothing was delivered. Cut participations are left out.
    #[must_use]
    pub fn of(participations: &[Participation]) -> Option<Self> {
        let mut durations: Vec<f64> = participations
            .iter()
            .filter(|participation| is_delivered(participation))
            .filter_map(|participation| Some(participation.duration()?.as_secs_f64()))
            .collect();
        durations.sort_by(f64::total_cmp);
        Some(Self {
            p50: quantile(&durations, 0.5)?,
            p95: quantile(&durations, 0.95)?,
            p99: quantile(&durations, 0.99)?,
        })
    }

    /// p95/p50; `None` where the median is 0.
    #[must_use]
    pub fn p95_over_p50(&self) -> Option<f64> {
        (self.p50 > 0.0).then(|| self.p95 / self.p50)
    }

    /// p99/p50; `None` where the median is 0.
    #[must_use]
    pub fn p99_over_p50(&self) -> Option<f64> {
        (self.p50 > 0.0).then(|| self.p99 / self.p50)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::specimen::{self, lasting, participation, seconds};

    fn relative(marks: &[StragglerMark]) -> Vec<Option<bool>> {
        marks.iter().map(|mark| mark.is_relative).collect()
    }

    #[test]
    fn a_cut_member_leaves_open_who_is_slow_but_not_who_is_fast() {
        // Version 1: 7, 8, at least 4, and 13 s. The median lies between 7.5 and 10.5 s, 1.5
        // times it between 11.25 and 15.75. Version 2: 7, 8, 3 s. Then 6 s or more, alone.
        let marks = straggler_marks(&specimen::synchronous());
        let no = Some(false);
        assert_eq!(relative(&marks), [no, no, None, None, no, no, no, no]);
    }

    #[test]
    fn without_the_cut_one_the_slowest_is_a_straggler() {
        // 7, 8, 13: median 8, limit 12.
        let mut books = specimen::synchronous();
        books.accounts.participations.remove(2);
        let marks = straggler_marks(&books);
        assert_eq!(
            relative(&marks)[..3],
            [Some(false), Some(false), Some(true)]
        );
    }

    #[test]
    fn the_last_arrival_is_critical_and_blamed_for_the_gap_it_made() {
        let marks = straggler_marks(&specimen::synchronous());
        let critical: Vec<Option<bool>> = marks.iter().map(|mark| mark.is_critical).collect();
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(critical, [no, no, no, yes, no, yes, no, None]);
        // 13 after 8 s by an upload of 11 s among 2 s; 21 after 20 s by computing 5 s among 4 s.
        assert_eq!(
            (marks[3].blame, marks[3].critical_phase),
            (Some(lasting(5.0)), Some(Phase::Upload))
        );
        assert_eq!(
            (marks[5].blame, marks[5].critical_phase),
            (Some(lasting(1.0)), Some(Phase::Compute))
        );
        assert_eq!((marks[0].blame, marks[0].critical_phase), (None, None));
    }

    #[test]
    fn nobody_is_critical_when_a_deadline_or_the_news_of_a_loss_closed_the_version() {
        let mut books = specimen::synchronous();
        books.versions[0].reason = CloseReason::Deadline;
        books.versions[1].closed = seconds(30.0);
        let marks = straggler_marks(&books);
        assert!(
            marks
                .iter()
                .all(|mark| mark.is_critical.is_none() && mark.blame.is_none())
        );
    }

    #[test]
    fn what_arrives_after_a_quorum_is_not_what_closed_the_version() {
        let mut books = specimen::synchronous();
        books.versions[0].reason = CloseReason::Quorum;
        books.versions[0].closed = seconds(8.0);
        let marks = straggler_marks(&books);
        assert_eq!(marks[3].is_critical, Some(false));
        assert_eq!(
            (marks[1].is_critical, marks[1].blame),
            (Some(true), Some(lasting(1.0)))
        );
    }

    #[test]
    fn the_last_is_critical_to_its_own_aggregator() {
        let marks = straggler_marks(&specimen::tiers());
        let critical: Vec<Option<bool>> = marks.iter().map(|mark| mark.is_critical).collect();
        let (yes, no) = (Some(true), Some(false));
        // To the root the hospital, at 13 after 11 s; to the edge server clinic-1, at 8 after 7.
        assert_eq!(critical, [no, yes, no, yes]);
        assert_eq!(marks[1].blame, Some(lasting(2.0)));
        assert_eq!(marks[3].blame, Some(lasting(1.0)));
        // 11 and 13 s, 6 and 7 s: all of one cohort would have a median of 9, and 13 < 13.5.
        assert_eq!(relative(&marks), [no; 4]);
        let mut slower = specimen::tiers();
        slower.accounts.participations[3].end = Some(seconds(12.0));
        // 6 and 11 s: 11 < 1.5 · 8.5, until the edge server's is a schedule without cohorts.
        assert_eq!(relative(&straggler_marks(&slower))[3], no);
        slower.aggregators[1].synchronous = false;
        assert_eq!(relative(&straggler_marks(&slower))[2..], [None, yes]);
    }

    #[test]
    fn peers_of_one_version_are_compared_with_each_other() {
        // 7, 8 and at least 27 s: median 8, limit 12.
        let marks = straggler_marks(&specimen::peers());
        assert_eq!(relative(&marks), [Some(false), Some(false), Some(true)]);
    }

    #[test]
    fn an_asynchronous_one_is_compared_with_those_that_ended_before_it() {
        // Ends 4, 5, 10, 12, (cut) 18, 19, 24; durations 4, 5, 5, 8, at least 6, 9, 5.
        // The first has no reference; 5 ≤ 1.5·4; 5 ≤ 1.5·4.5; 8 > 1.5·5; at least 6 against
        // 1.5·5 is open; 9 > 1.5·5, the median of 4, 5, 5, ≥6, 8; 5 ≤ 1.5·5.5.
        let marks = straggler_marks(&specimen::asynchronous());
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(relative(&marks), [None, no, no, yes, None, yes, no]);
        assert!(marks.iter().all(|mark| mark.is_critical.is_none()));
    }

    #[test]
    fn the_window_forgets_what_ended_long_ago() {
        let mut books = specimen::asynchronous();
        // 30 that take 1 s, 20 that take 4 s, then one of 5 s: 5 > 1.5 · 1, but 5 < 1.5 · 4.
        let lengths = [1.0; 30].into_iter().chain([4.0; 20]).chain([5.0]);
        books.accounts.participations = lengths
            .zip(0_u64..)
            .map(|(length, id)| {
                let end = 100.0 + id as f64;
                let ends = [end - length, end - length, end];
                participation(id, 0, id, end - length, &ends, Outcome::Merged, end)
            })
            .collect();
        let marks = straggler_marks(&books);
        assert_eq!(marks[30].is_relative, Some(true));
        assert_eq!(marks[50].is_relative, Some(false));
    }

    #[test]
    fn one_that_never_fitted_neither_is_a_straggler_nor_a_reference() {
        let mut books = specimen::synchronous();
        books.accounts.participations[2].outcome = Some(Outcome::Unfit);
        let marks = straggler_marks(&books);
        assert_eq!(
            relative(&marks)[..4],
            [Some(false), Some(false), None, Some(true)]
        );
    }

    #[test]
    fn the_tail_is_that_of_delivered_durations() {
        // 7, 8, 13, 7, 8, 3: sorted 3 7 7 8 8 13; p50 7.5, p95 8 + 0.75·5, p99 8 + 0.95·5.
        let tail = DurationTail::of(&specimen::synchronous().accounts.participations).unwrap();
        assert!((tail.p50 - 7.5).abs() < 1e-12);
        assert!((tail.p95_over_p50().unwrap() - 11.75 / 7.5).abs() < 1e-12);
        assert!((tail.p99_over_p50().unwrap() - 12.75 / 7.5).abs() < 1e-12);
        assert_eq!(DurationTail::of(&[]), None);
    }
}
