//! Draws without replacement.

use crate::kernel::{ActorId, Stream};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_distr::{Distribution, Exp1};

/// `count` of the candidates, each equally likely; all, in their order, where there are no more.
pub(super) fn uniform(
    mut candidates: Vec<ActorId>,
    count: usize,
    stream: &mut Stream,
) -> Vec<ActorId> {
    if count < candidates.len() {
        // A partial Fisher-Yates shuffle: the first `count` places are a uniform draw.
        for place in 0..count {
            let other = stream.random_range(place..candidates.len());
            candidates.swap(place, other);
        }
        candidates.truncate(count);
    }
    candidates
}

/// `count` of the candidates in any order, drawn one after the other, each time with probabilities in
/// proportion to the weights of those left; all where there are no more.
///
/// Whose weight is zero is drawn when nobody else is left. Weights are neither negative nor NaN.
///
/// An exponential time of rate w is the first of several with probability w/Σw, and forgets what
/// has passed, so the order of such times is the order of the draws (Efraimidis and Spirakis 2006,
/// whose u^(1/w) is e to minus such a time, and loses more digits).
pub(super) fn weighted(
    candidates: &[ActorId],
    weight: impl Fn(ActorId) -> f64,
    count: usize,
    stream: &mut Stream,
) -> Vec<ActorId> {
    if count >= candidates.len() {
        return candidates.to_vec();
    }
    let mut times: Vec<(f64, ActorId)> = candidates
        .iter()
        .map(|child| {
            let time: f64 = Exp1.sample(stream);
            // Far from underflow, so that those of weight zero differ in their times too.
            (time / weight(*child).max(1e-200), *child)
        })
        .collect();
    let order = |(a, first): &(f64, ActorId), (b, second): &(f64, ActorId)| {
        a.total_cmp(b).then(first.cmp(second))
    };
    times.select_nth_unstable_by(count, order);
    times.truncate(count);
    times.into_iter().map(|(_, child)| child).collect()
}

/// The `count` highest by a key, ties broken at random.
pub(super) fn highest(
    mut candidates: Vec<ActorId>,
    key: impl Fn(ActorId) -> f64,
    count: usize,
    stream: &mut Stream,
) -> Vec<ActorId> {
    candidates.shuffle(stream);
    let mut keyed: Vec<(f64, ActorId)> = candidates
        .into_iter()
        .map(|child| (key(child), child))
        .collect();
    // Stable, so that equals stay shuffled.
    keyed.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    keyed.truncate(count);
    keyed.into_iter().map(|(_, child)| child).collect()
}
