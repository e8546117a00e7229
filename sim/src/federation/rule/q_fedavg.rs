//! q-FedAvg (Li et al. 2020, "Fair resource allocation in federated learning", algorithm 2):
//! the worse the shared model does for a client, the more that client's update counts.

use super::{Folded, add_weighted, squared_distance};

/// What a client made of the parameters it was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trained<'a> {
    /// θₖ, its parameters after training.
    pub(crate) values: &'a [f32],
    /// Fₖ, the mean loss on its own data of the parameters it was *sent*.
    pub(crate) loss: f64,
}

/// Added to a loss, as in the authors' code: without it a loss of 0 has no power below 1.
const NO_LOSS: f64 = 1e-10;

/// θ − Σ Δₖ / Σ hₖ with Δₖ = Fₖ^q·L(θ − θₖ) and
/// hₖ = q·Fₖ^(q−1)·‖L(θ − θₖ)‖² + L·Fₖ^q, where L = `lipschitz`, one over the clients'
/// learning rate. With q = 0 that is the plain mean of the θₖ, whatever L.
pub(crate) fn q_fedavg(model: &[f32], trained: &[Trained<'_>], q: f64, lipschitz: f64) -> Folded {
    let mut sums = vec![0.0; model.len()];
    let mut total = 0.0;
    // Σ Fₖ^q L θ − Σ Fₖ^q L θₖ
    for client in trained {
        let loss = client.loss + NO_LOSS;
        let emphasis = loss.powf(q) * lipschitz;
        add_weighted(&mut sums, model, emphasis);
        add_weighted(&mut sums, client.values, -emphasis);
        let squared = lipschitz.powi(2) * squared_distance(model, client.values);
        total += q * loss.powf(q - 1.0) * squared + emphasis;
    }
    let divisor = if total == 0.0 { 1.0 } else { total };
    let step = |(theta, sum): (&f32, f64)| (f64::from(*theta) - sum / divisor) as f32;
    let values = model.iter().zip(sums).map(step).collect();
    let flops = (model.len() * (6 * trained.len() + 2)) as u64;
    Folded::of_all(values, flops)
}

#[cfg(test)]
mod tests {
    use super::super::three_clients::assert_folded;
    use super::*;

    const MODEL: [f32; 2] = [1.0, 2.0];
    const MODELS: [[f32; 2]; 3] = [[0.0, 2.0], [1.0, 4.0], [2.0, 3.0]];

    fn clients(losses: [f64; 3]) -> Vec<Trained<'static>> {
        let trained = |(values, loss): (&'static [f32; 2], f64)| Trained { values, loss };
        MODELS.iter().zip(losses).map(trained).collect()
    }

    #[test]
    fn with_q_of_zero_it_is_the_plain_mean() {
        for lipschitz in [0.1, 1.0, 20.0] {
            let folded = q_fedavg(&MODEL, &clients([0.5, 1.0, 9.0]), 0.0, lipschitz);
            assert_folded(&folded, &[1.0, 3.0]);
        }
    }

    #[test]
    fn with_q_of_one_a_client_counts_by_its_loss() {
        // L = 2, losses 1, 2, 3. θ − θₖ = (1, 0), (0, −2), (−1, −1), squared 1, 4, 2.
        // Δ = 2·(1·(1,0) + 2·(0,−2) + 3·(−1,−1)) = (−4, −14).
        // h = (4·1 + 2·1) + (4·4 + 2·2) + (4·2 + 2·3) = 6 + 20 + 14 = 40.
        let folded = q_fedavg(&MODEL, &clients([1.0, 2.0, 3.0]), 1.0, 2.0);
        assert_folded(&folded, &[1.1, 2.35]);
        assert_eq!(folded.flops, 2 * 20);
    }

    #[test]
    fn with_q_of_two_it_counts_by_the_square() {
        // L = 1, losses 1, 2, 3: Δ = 1·(1,0) + 4·(0,−2) + 9·(−1,−1) = (−8, −17).
        // h = (2·1·1 + 1) + (2·2·4 + 4) + (2·3·2 + 9) = 3 + 20 + 21 = 44.
        let folded = q_fedavg(&MODEL, &clients([1.0, 2.0, 3.0]), 2.0, 1.0);
        assert_folded(&folded, &[1.0 + 8.0 / 44.0, 2.0 + 17.0 / 44.0]);
    }

    #[test]
    fn clients_without_loss_do_not_break_it() {
        // 0 to the power −1/2 times an update of 0 is not a number.
        let mut content = clients([0.0; 3]);
        content[0].values = &MODEL;
        let folded = q_fedavg(&MODEL, &content, 0.5, 1.0);
        assert_folded(&folded, &[1.0, 2.0]);
        assert_folded(&q_fedavg(&MODEL, &[], 1.0, 1.0), &[1.0, 2.0]);
    }
}
