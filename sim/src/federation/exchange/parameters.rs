//! Parameters: the weighted mean of models (McMahan et al. 2017, algorithm 1), or,
//! asynchronously, a mixture with each newcomer (Xie et al. 2019, algorithm 1).

use super::{AsynchronousFold, Contribution, Exchange, Weighed, add_weighted};
use crate::kernel::ActorId;
use std::sync::Arc;

/// The global model, as one flat vector.
#[derive(Debug)]
pub(crate) struct Parameters {
    model: Arc<Vec<f32>>,
}

impl Parameters {
    /// Starts from version 0's parameters.
    pub(crate) fn new(model: Vec<f32>) -> Self {
        Self {
            model: Arc::new(model),
        }
    }
}

impl Exchange for Parameters {
    /// θ ← Σ wₖθₖ / Σ wₖ, summed in f64 in child order: a multiply and an add a value.
    fn fold(&mut self, contributions: &[Weighed<'_>]) -> u64 {
        let total: f64 = contributions.iter().map(|(_, weight)| weight).sum();
        if let [(only, _)] = contributions {
            // w·θ/w is θ, but not always to the last bit.
            self.model = Arc::clone(&only.values);
        } else {
            let mut sums = vec![0.0; self.model.len()];
            for (contribution, weight) in contributions {
                add_weighted(&mut sums, &contribution.values, weight / total);
            }
            self.model = Arc::new(sums.into_iter().map(|sum| sum as f32).collect());
        }
        2 * (self.model.len() * contributions.len()) as u64
    }

    /// θ ← (1 − α)θ + αθₖ
    fn mix(&mut self, contribution: &Contribution, share: f64) -> u64 {
        let mixed = |(old, new): (&f32, &f32)| {
            ((1.0 - share) * f64::from(*old) + share * f64::from(*new)) as f32
        };
        let model = self.model.iter().zip(contribution.values.iter()).map(mixed);
        self.model = Arc::new(model.collect());
        3 * self.model.len() as u64
    }

    fn asynchronous_fold(&self) -> AsynchronousFold {
        AsynchronousFold::Mix
    }

    fn view(&self, _: ActorId) -> Option<Vec<f32>> {
        Some(self.model.to_vec())
    }

    fn model(&self) -> Option<Arc<Vec<f32>>> {
        Some(Arc::clone(&self.model))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contribution(child: u32, values: [f32; 2], samples: u64) -> Contribution {
        Contribution {
            child: ActorId(child),
            values: Arc::new(values.to_vec()),
            samples,
            start_version: 0,
        }
    }

    #[test]
    fn the_mean_weighs_each_model_by_its_samples() {
        // (1·10 + 4·20 + 7·30) / 60 = 5; (0·10 + 6·20 + 0·30) / 60 = 2.
        let models = [
            contribution(1, [1.0, 0.0], 10),
            contribution(2, [4.0, 6.0], 20),
            contribution(3, [7.0, 0.0], 30),
        ];
        let mut parameters = Parameters::new(vec![9.0, 9.0]);
        let weighed: Vec<_> = models.iter().map(|c| (c, c.samples as f64)).collect();
        assert_eq!(parameters.fold(&weighed), 2 * 2 * 3);
        assert_eq!(parameters.view(ActorId(1)), Some(vec![5.0, 2.0]));
    }

    #[test]
    fn mixing_moves_the_model_by_its_share_and_a_share_of_one_replaces_it() {
        let newcomer = contribution(1, [3.0, -1.0], 5);
        let mut parameters = Parameters::new(vec![1.0, 1.0]);
        parameters.mix(&newcomer, 0.25);
        assert_eq!(parameters.view(ActorId(1)), Some(vec![1.5, 0.5]));
        parameters.mix(&newcomer, 1.0);
        assert_eq!(parameters.view(ActorId(1)), Some(vec![3.0, -1.0]));
    }
}
