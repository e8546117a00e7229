//! FedBuff's server step (Nguyen et al. 2022, "Federated learning with buffered asynchronous
//! aggregation", algorithm 1).

use super::{Folded, Held, add_weighted};

/// θ + η/K · Σ sₖΔₖ, where Δₖ is what a client added to the parameters it was sent, the
/// weight sₖ is what its staleness leaves of it, and K is how many there are. The sum is
/// divided by K, not by Σ sₖ: where all are stale the step is short.
pub(crate) fn buffered_step(model: &[f32], deltas: &[Held<'_>], lr: f64) -> Folded {
    let mut sums = vec![0.0; model.len()];
    for delta in deltas {
        add_weighted(&mut sums, delta.values, delta.weight);
    }
    let scale = lr / deltas.len().max(1) as f64;
    let step = |(theta, sum): (&f32, f64)| (f64::from(*theta) + scale * sum) as f32;
    let values = model.iter().zip(sums).map(step).collect();
    let flops = 2 * (model.len() * (deltas.len() + 1)) as u64;
    Folded::of_all(values, flops)
}

#[cfg(test)]
mod tests {
    use super::super::three_clients::{assert_folded, weighing};
    use super::*;

    const DELTAS: [[f32; 2]; 3] = [[0.3, -0.6], [0.6, 0.0], [-0.8, 1.2]];

    #[test]
    fn fresh_updates_move_the_model_by_their_mean() {
        // (0.3 + 0.6 − 0.8)/3 and (−0.6 + 1.2)/3.
        let folded = buffered_step(&[1.0, 1.0], &weighing(&DELTAS, &[1.0; 3]), 1.0);
        assert_folded(&folded, &[1.0 + 0.1 / 3.0, 1.2]);
        assert_eq!(folded.flops, 16);
    }

    #[test]
    fn stale_updates_make_a_shorter_step() {
        // s(3) = 1/√4: 0.5·(0.3 + 0.6 + 2·−0.8)/3 = −0.7/6, 0.5·(−0.6 + 2·1.2)/3 = 0.3;
        // times 2.
        let folded = buffered_step(&[1.0, 1.0], &weighing(&DELTAS, &[0.5, 0.5, 1.0]), 2.0);
        assert_folded(&folded, &[1.0 - 0.7 / 3.0, 1.6]);
    }
}
