//! Power-of-choice: of some candidates those of the highest loss (Cho, Wang and Joshi 2020,
//! arXiv 2010.01243).
//!
//! Candidates are drawn without replacement with probability n_k/Σn. The loss is the mean that
//! a client last reported, and infinite of one that has not worked: the paper's π_rpow-d, which
//! costs no message. In its π_pow-d the candidates are sent the model and report their losses
//! of it; that takes a step of the protocol between [`PowerOfChoice::candidates`] and [`keep`].

use super::drawing::{highest, weighted};
use super::report::Reports;
use super::rule::{Ask, Rule};
use crate::kernel::{ActorId, Stream};

/// The rule: d candidates for m who work.
#[derive(Debug)]
pub(super) struct PowerOfChoice {
    candidates: usize,
    size: usize,
}

impl PowerOfChoice {
    pub(super) fn new(candidates: usize, size: usize) -> Self {
        Self { candidates, size }
    }

    /// Who might work, where `count` will: ⌈count·d/m⌉, so that over-selection and the
    /// replacement of one choose as sharply as a cohort of m does.
    fn candidates(
        &self,
        there: &[ActorId],
        count: usize,
        reports: &Reports,
        stream: &mut Stream,
    ) -> Vec<ActorId> {
        let candidates = (count * self.candidates).div_ceil(self.size.max(1));
        let samples = |child| reports.of(child).samples as f64;
        weighted(there, samples, candidates.max(count), stream)
    }
}

/// The `count` of the highest loss; the unknown rank first, and ties are broken at random.
fn keep(
    candidates: Vec<ActorId>,
    loss: impl Fn(ActorId) -> Option<f64>,
    count: usize,
    stream: &mut Stream,
) -> Vec<ActorId> {
    let rank = |child| loss(child).unwrap_or(f64::INFINITY);
    highest(candidates, rank, count, stream)
}

impl Rule for PowerOfChoice {
    fn pick(&mut self, ask: Ask<'_>, stream: &mut Stream) -> Vec<ActorId> {
        let candidates = self.candidates(&ask.candidates, ask.count, ask.reports, stream);
        let reported = |child| ask.reports.of(child).loss.map(|loss| loss.mean);
        keep(candidates, reported, ask.count, stream)
    }
}
