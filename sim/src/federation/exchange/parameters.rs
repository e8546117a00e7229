//! Parameters: the weighted mean of models (McMahan et al. 2017, algorithm 1), or,
//! asynchronously, a mixture with each newcomer (Xie et al. 2019, algorithm 1).

use super::{
    AsynchronousFold, Beginning, Effort, Exchange, Folded, Held, Kind, Learner, Mixing, Predictor,
    add_weighted, rule_weight,
};
use crate::federation::deployment::Deployment;
use crate::federation::knowledge::{Form, Piece};
use crate::federation::local::LocalWork;
use crate::federation::run::Hooks;
use crate::kernel::ActorId;
use crate::scenario::{RawRule, RawStrand};
use fedstill_models::{Batch, Loss, ModelError, Term};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The strand.
#[derive(Debug)]
pub(super) struct Parameters {
    rule: RawRule,
}

impl Parameters {
    pub(super) fn new(strand: &RawStrand) -> Self {
        Self {
            rule: strand.rule.clone(),
        }
    }
}

impl Kind for Parameters {
    fn name(&self) -> &'static str {
        "parameters"
    }

    fn up(&self, deployment: &Deployment, client: usize) -> Form {
        Form::flat(deployment.client(client).layout.parameter_count())
    }

    fn effort(&self, _: &Deployment, _: usize, _: bool) -> Effort {
        Effort::default()
    }

    fn learner(&self, beginning: Beginning<'_>) -> Box<dyn Learner> {
        let proximal = beginning.deployment.scenario().method.local.proximal;
        Box::new(Received {
            model: beginning.received.map(|piece| Arc::clone(&piece.values)),
            proximal: proximal as f32,
        })
    }

    fn aggregator(&self, deployment: &Arc<Deployment>, _: Hooks) -> Box<dyn Exchange> {
        let model = deployment.initial_server_parameters();
        Box::new(Mean::new(model.expect("drawn where models travel")))
    }

    fn weight(&self, samples: u64) -> f64 {
        rule_weight(&self.rule, samples)
    }

    fn asynchronous_fold(&self) -> AsynchronousFold {
        AsynchronousFold::Mix
    }

    fn predictor(&self) -> Predictor {
        Predictor::Global
    }

    fn shares_initial_weights(&self) -> bool {
        true
    }
}

/// The model that training begins with and, where asked, stays near.
struct Received {
    model: Option<Arc<Vec<f32>>>,
    proximal: f32,
}

impl Learner for Received {
    fn start(&mut self, parameters: &mut Vec<f32>) {
        if let Some(model) = &self.model {
            parameters.clone_from(model);
        }
    }

    fn terms<'t>(&'t self, _: &'t Batch<'_>, terms: &mut Vec<Term<'t>>) {
        if let Some(anchor) = self.model.as_ref().filter(|_| self.proximal > 0.0) {
            terms.push(Term::new(self.proximal, Loss::Proximal { anchor }));
        }
    }

    fn contribute(&mut self, work: &mut LocalWork<'_>) -> Result<Piece, ModelError> {
        Ok(Piece::of(work.trainer.parameters()))
    }
}

/// The global model, as one flat vector.
#[derive(Debug)]
struct Mean {
    model: Arc<Vec<f32>>,
    /// Versions that contributions still under way started from.
    versions: BTreeMap<u64, Arc<Vec<f32>>>,
}

impl Mean {
    /// Starts from version 0's parameters.
    fn new(model: Vec<f32>) -> Self {
        let model = Arc::new(model);
        Self {
            versions: BTreeMap::from([(0, Arc::clone(&model))]),
            model,
        }
    }

    /// θ ← (1 − α)θ + αθₖ
    fn mix_in(&mut self, newcomer: &[f32], share: f64) {
        let mixed = |(old, new): (&f32, &f32)| {
            ((1.0 - share) * f64::from(*old) + share * f64::from(*new)) as f32
        };
        let model = self.model.iter().zip(newcomer).map(mixed);
        self.model = Arc::new(model.collect());
    }

    /// θ ← θ + η/K Σ s(tₖ)(θₖ − θ_{start of k}) over the K newcomers (algorithm 1 of FedBuff).
    fn move_by_mean_change(&mut self, contributions: &[Held<'_>], rate: f64) {
        let mut change = vec![0.0; self.model.len()];
        for held in contributions {
            let start = &self.versions[&held.start_version];
            for ((sum, new), old) in change.iter_mut().zip(&*held.piece.values).zip(&**start) {
                *sum += held.weight * (f64::from(*new) - f64::from(*old));
            }
        }
        let factor = rate / contributions.len() as f64;
        let moved = self.model.iter().zip(change);
        let moved = moved.map(|(old, change)| (f64::from(*old) + factor * change) as f32);
        self.model = Arc::new(moved.collect());
    }
}

impl Exchange for Mean {
    /// θ ← Σ wₖθₖ / Σ wₖ, summed in f64 in child order: a multiply and an add a value.
    fn fold(&mut self, contributions: &[Held<'_>]) -> Folded {
        let total: f64 = contributions.iter().map(|held| held.weight).sum();
        if let [only] = contributions {
            // w·θ/w is θ, but not always to the last bit.
            self.model = Arc::clone(&only.piece.values);
        } else {
            let mut sums = vec![0.0; self.model.len()];
            for held in contributions {
                add_weighted(&mut sums, &held.piece.values, held.weight / total);
            }
            self.model = Arc::new(sums.into_iter().map(|sum| sum as f32).collect());
        }
        Folded::at(2 * (self.model.len() * contributions.len()) as u64)
    }

    fn mix(&mut self, contributions: &[Held<'_>], mixing: Mixing) -> Folded {
        match mixing {
            Mixing::Mixture { share } => {
                for held in contributions {
                    self.mix_in(&held.piece.values, share * held.weight);
                }
            }
            Mixing::MeanChange { rate } => self.move_by_mean_change(contributions, rate),
        }
        Folded::at(3 * (self.model.len() * contributions.len()) as u64)
    }

    fn view(&self, _: ActorId) -> Option<Piece> {
        self.summary()
    }

    fn model(&self) -> Option<Arc<Vec<f32>>> {
        Some(Arc::clone(&self.model))
    }

    fn published(&mut self, version: u64, oldest: u64) {
        self.versions.insert(version, Arc::clone(&self.model));
        self.versions = self.versions.split_off(&oldest);
    }

    fn summary(&self) -> Option<Piece> {
        Some(Piece {
            values: Arc::clone(&self.model),
            scalars: Vec::new(),
        })
    }

    fn adopt(&mut self, piece: &Piece) {
        self.model = Arc::clone(&piece.values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(child: u32, piece: &Piece, weight: f64) -> Held<'_> {
        Held {
            child: ActorId(child),
            piece,
            weight,
            start_version: 0,
        }
    }

    fn model(parameters: &Mean) -> Vec<f32> {
        parameters.model.to_vec()
    }

    #[test]
    fn the_mean_weighs_each_model_by_its_samples() {
        // (1·10 + 4·20 + 7·30) / 60 = 5; (0·10 + 6·20 + 0·30) / 60 = 2.
        let models = [[1.0, 0.0], [4.0, 6.0], [7.0, 0.0]].map(|m| Piece::of(m.to_vec()));
        let mut parameters = Mean::new(vec![9.0, 9.0]);
        let weighed = [
            held(1, &models[0], 10.0),
            held(2, &models[1], 20.0),
            held(3, &models[2], 30.0),
        ];
        assert_eq!(parameters.fold(&weighed).flops, 2 * 2 * 3);
        assert_eq!(model(&parameters), [5.0, 2.0]);
    }

    #[test]
    fn mixing_moves_the_model_by_its_share_and_a_share_of_one_replaces_it() {
        let newcomer = Piece::of(vec![3.0, -1.0]);
        let mut parameters = Mean::new(vec![1.0, 1.0]);
        // Half the share, stale enough for half the weight.
        parameters.mix(&[held(1, &newcomer, 0.5)], Mixing::Mixture { share: 0.5 });
        assert_eq!(model(&parameters), [1.5, 0.5]);
        parameters.mix(&[held(1, &newcomer, 1.0)], Mixing::Mixture { share: 1.0 });
        assert_eq!(model(&parameters), [3.0, -1.0]);
    }

    #[test]
    fn a_buffer_moves_the_model_by_the_mean_of_weighed_changes_since_their_own_starts() {
        let mut parameters = Mean::new(vec![1.0, 0.0]);
        let first = Piece::of(vec![3.0, 4.0]);
        parameters.mix(&[held(1, &first, 1.0)], Mixing::MeanChange { rate: 0.5 });
        // 1 + 0.5·2, 0 + 0.5·4
        assert_eq!(model(&parameters), [2.0, 2.0]);
        parameters.published(1, 0);
        let fresh = Piece::of(vec![4.0, 2.0]);
        let both = [
            Held {
                start_version: 1,
                ..held(2, &fresh, 1.0)
            },
            // Started from [1, 0] and is one version stale.
            held(3, &first, 0.5),
        ];
        parameters.mix(&both, Mixing::MeanChange { rate: 1.0 });
        // 2 + (1·(4−2) + 0.5·(3−1))/2, 2 + (1·0 + 0.5·4)/2
        assert_eq!(model(&parameters), [3.5, 3.0]);
        parameters.published(2, 1);
        assert_eq!(parameters.versions.keys().collect::<Vec<_>>(), [&1, &2]);
    }
}
