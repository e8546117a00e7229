//! SCAFFOLD's control variates (Karimireddy et al. 2020, algorithm 1): each side keeps an
//! estimate of its gradient, and a client trains with g − cₖ + c, its drift taken out.

use super::{Held, add_weighted, mean};

/// The server after a version.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Updated {
    /// θ
    pub(crate) model: Vec<f32>,
    /// c
    pub(crate) control: Vec<f32>,
    /// What it cost.
    pub(crate) flops: u64,
}

/// θ ← θ + η·mean(Δθₖ) and c ← c + participants/all · mean(Δcₖ).
///
/// The model's updates are averaged by weight (the paper's are equal), the controls' plainly.
pub(crate) fn server_update(
    model: &[f32],
    control: &[f32],
    deltas: &[Held<'_>],
    control_deltas: &[Held<'_>],
    all_clients: usize,
    lr: f64,
) -> Updated {
    let folded = mean(deltas, 0);
    let moved = |(theta, delta): (&f32, &f32)| (f64::from(*theta) + lr * f64::from(*delta)) as f32;
    // participants/all · Σ Δcₖ / participants
    let mut sums = vec![0.0; control.len()];
    for delta in control_deltas {
        add_weighted(&mut sums, delta.values, 1.0 / all_clients as f64);
    }
    let flops =
        folded.flops + 2 * (model.len() + control.len() * (control_deltas.len() + 1)) as u64;
    Updated {
        model: if folded.values.is_empty() {
            model.to_vec()
        } else {
            model.iter().zip(&folded.values).map(moved).collect()
        },
        control: control
            .iter()
            .zip(sums)
            .map(|(c, sum)| (f64::from(*c) + sum) as f32)
            .collect(),
        flops,
    }
}

/// cₖ⁺ = cₖ − c + (θ − θₖ)/(steps·η), the paper's option II, where θ is what the client was
/// sent, θₖ what it made of it in `steps` steps of plain descent at learning rate η: four
/// operations a value. Without a step the control stays.
pub(crate) fn client_control(
    own: &[f32],
    server: &[f32],
    received: &[f32],
    trained: &[f32],
    steps: u64,
    lr: f64,
) -> Vec<f32> {
    if steps == 0 || lr == 0.0 {
        return own.to_vec();
    }
    let scale = 1.0 / (steps as f64 * lr);
    let controls = own.iter().zip(server);
    let models = received.iter().zip(trained);
    let updated = |((own, server), (received, trained)): ((&f32, &f32), (&f32, &f32))| {
        let gradient = scale * (f64::from(*received) - f64::from(*trained));
        (f64::from(*own) - f64::from(*server) + gradient) as f32
    };
    controls.zip(models).map(updated).collect()
}

#[cfg(test)]
mod tests {
    use super::super::three_clients::{assert_close, equal, weighing};
    use super::*;

    #[test]
    fn the_server_moves_by_the_mean_and_its_control_by_the_share_that_took_part() {
        // Three of six. θ: (1, 2) + 0.5·((0.3+0.6−0.3)/3, (0−0.6+1.2)/3) = (1.1, 2.1).
        // c: (0, 1) + 3/6·((1+2+3)/3, (−3+0+0)/3) = (1, 0.5).
        let updated = server_update(
            &[1.0, 2.0],
            &[0.0, 1.0],
            &equal(&[[0.3, 0.0], [0.6, -0.6], [-0.3, 1.2]]),
            &equal(&[[1.0, -3.0], [2.0, 0.0], [3.0, 0.0]]),
            6,
            0.5,
        );
        assert_close(&updated.model, &[1.1, 2.1]);
        assert_close(&updated.control, &[1.0, 0.5]);
        // 12 for the mean, 4 for the step, 16 for the control.
        assert_eq!(updated.flops, 32);
    }

    #[test]
    fn weights_count_for_the_model_alone() {
        let deltas = [[1.0], [4.0]];
        let updated = server_update(
            &[0.0],
            &[0.0],
            &weighing(&deltas, &[2.0, 1.0]),
            &weighing(&deltas, &[2.0, 1.0]),
            2,
            1.0,
        );
        assert_close(&updated.model, &[2.0]);
        assert_close(&updated.control, &[2.5]);
        let nobody = server_update(&[7.0], &[1.0], &[], &[], 2, 1.0);
        assert_eq!((nobody.model, nobody.control), (vec![7.0], vec![1.0]));
    }

    #[test]
    fn a_client_s_control_becomes_its_mean_corrected_gradient() {
        // Two steps at 0.1 with gradients (1, −1), (3, 1), corrected by −cₖ + c = (0.5, −1):
        // θ moves by −0.1·((1.5 + 3.5), (−2 + 0)) = (−0.5, 0.2). What is left is the mean
        // gradient (2, 0).
        let control = client_control(&[1.0, 3.0], &[1.5, 2.0], &[1.0, 1.0], &[0.5, 1.2], 2, 0.1);
        assert_close(&control, &[2.0, 0.0]);
        let unmoved = client_control(&[1.0], &[2.0], &[0.0], &[0.0], 0, 0.1);
        assert_eq!(unmoved, [1.0]);
    }
}
