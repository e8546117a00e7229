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
///
/// A contribution of no bytes is delivered when it has been computed.
#[must_use]
pub fn is_delivered(participation: &Participation) -> bool {
    let [_, compute, upload] = &participation.phases;
    let sends_nothing = upload.start.is_none()
        && compute.end.is_some()
        && matches!(
            participation.outcome,
            Some(Outcome::Merged | Outcome::Late | Outcome::Surplus | Outcome::Stale)
                | Some(Outcome::Unused | Outcome::Unfinished)
        );
    upload.end.is_some() || sends_nothing
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
    if matches!(
        books.scenario.method.schedule,
        RawSchedule::Synchronous { .. }
    ) {
        for cohort in cohorts.values() {
            mark_within_cohort(participations, cohort, factor, &mut marks);
        }
    } else {
        let window = SMALLEST_WINDOW.max(books.clients.len());
        mark_against_those_before(participations, window, factor, &mut marks);
    }
    for version in &books.versions {
        let waited = matches!(
            version.reason,
            CloseReason::AllArrived | CloseReason::Quorum
        );
        let cohort = version
            .version
            .checked_sub(1)
            .and_then(|start| cohorts.get(&(SERVER, start)));
        if let Some(cohort) = cohort.filter(|_| waited) {
            mark_critical(participations, cohort, version.closed, &mut marks);
        }
    }
    marks
}

/// The aggregator of the star.
const SERVER: ActorId = ActorId(0);

/// Places in the ledger by aggregator and start version.
type Cohorts = BTreeMap<(ActorId, u64), Vec<usize>>;

fn cohorts(participations: &[Participation]) -> Cohorts {
    let mut cohorts = Cohorts::new();
    for (place, participation) in participations.iter().enumerate() {
        let key = (participation.ticket.aggregator, participation.start_version);
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

fn mark_against_those_before(
    participations: &[Participation],
    window: usize,
    factor: f64,
    marks: &mut [StragglerMark],
) {
    let mut by_end: Vec<(bool, SimTime, usize, Known)> = participations
        .iter()
        .enumerate()
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
    let mut last: BTreeMap<ActorId, (Reference, VecDeque<Known>)> = BTreeMap::new();
    for (open, _, place, duration) in by_end {
        let (reference, ended) = last
            .entry(participations[place].ticket.aggregator)
            .or_default();
        marks[place].is_relative = reference.exceeded_by(duration, factor);
        if open {
            continue;
        }
        reference.insert(duration);
        ended.push_back(duration);
        if ended.len() > window
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
    let mut arrivals: Vec<(SimTime, usize)> = delivered
        .iter()
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
