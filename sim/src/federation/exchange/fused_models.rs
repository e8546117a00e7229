//! Fused models: per architecture the mean of the clients' models, which the server then teaches
//! what all clients' models together predict on public samples (FedDF, Lin et al. 2020,
//! algorithms 1 and 3). Architectures may differ: they teach each other.

use super::parameters::Parameters;
use super::server_learning::Lesson;
use super::{
    AsynchronousFold, Beginning, Effort, Exchange, Folded, Held, Kind, Learner, Learning, Mixing,
    Predictor, plain,
};
use crate::federation::deployment::Deployment;
use crate::federation::knowledge::{Form, Piece};
use crate::federation::rule::group_means;
use crate::federation::run::Hooks;
use crate::kernel::{ActorId, Cancellation, Job, JobOutput};
use crate::scenario::{RawPredictions, RawServerLearning, RawStrand};
use crate::world::{Work, WorkKind};
use fedstill_models::{Layout, predict_logits};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The strand. At the client it is that of parameters.
#[derive(Debug)]
pub(super) struct FusedModels {
    parameters: Parameters,
}

impl FusedModels {
    pub(super) fn new(strand: &RawStrand) -> Self {
        Self {
            parameters: Parameters::new(strand),
        }
    }
}

impl Kind for FusedModels {
    fn name(&self) -> &'static str {
        self.parameters.name()
    }

    fn up(&self, deployment: &Deployment, client: usize) -> Form {
        self.parameters.up(deployment, client)
    }

    fn effort(&self, deployment: &Deployment, client: usize, known: bool) -> Effort {
        self.parameters.effort(deployment, client, known)
    }

    fn learner(&self, beginning: Beginning<'_>) -> Box<dyn Learner> {
        self.parameters.learner(beginning)
    }

    fn aggregator(&self, deployment: &Arc<Deployment>, _: Hooks) -> Box<dyn Exchange> {
        let server = deployment.scenario().method.server.clone();
        let first = deployment.initial_server_parameters();
        let mut rest = &first.expect("drawn where models travel")[..];
        let layouts = deployment.global_layouts().iter();
        let models = layouts.map(|layout| {
            let (model, others) = rest.split_at(layout.parameter_count());
            rest = others;
            Arc::new(model.to_vec())
        });
        Box::new(Fused {
            models: models.collect(),
            settings: server.expect("models are fused where the server learns"),
            version: 0,
            deployment: Arc::clone(deployment),
        })
    }

    fn weight(&self, samples: u64) -> f64 {
        self.parameters.weight(samples)
    }

    /// Every child's latest model is one of the teachers.
    fn asynchronous_fold(&self) -> AsynchronousFold {
        AsynchronousFold::Store
    }

    fn predictor(&self) -> Predictor {
        Predictor::Global
    }

    fn shares_initial_weights(&self) -> bool {
        true
    }
}

/// A model for each architecture.
struct Fused {
    deployment: Arc<Deployment>,
    models: Vec<Arc<Vec<f32>>>,
    settings: RawServerLearning,
    version: u64,
}

/// What the server knows of the clients' models, to be distilled.
struct Fusion {
    deployment: Arc<Deployment>,
    settings: RawServerLearning,
    version: u64,
    /// The clients' models, each with its architecture.
    teachers: Vec<(usize, Arc<Vec<f32>>)>,
    /// Their means by architecture.
    means: BTreeMap<usize, Vec<f32>>,
}

type Distilled = BTreeMap<usize, Vec<f32>>;

impl Fusion {
    fn layout(&self, architecture: usize) -> &Arc<Layout> {
        &self.deployment.global_layouts()[architecture]
    }

    /// FLOPs of the clients' models' predictions.
    fn predicting(&self) -> u64 {
        let samples = self.deployment.split().public.len() as u64;
        let teachers = self.teachers.iter();
        teachers
            .map(|(architecture, _)| self.layout(*architecture).predict_flops(samples))
            .sum()
    }

    fn lesson(&self, logits: &[f32]) -> Lesson {
        let list = &self.deployment.split().public;
        let purpose = self.version.to_string();
        Lesson::new(
            list,
            logits,
            RawPredictions::Logits,
            &self.settings,
            purpose,
        )
    }

    /// FLOPs of distilling without a stop.
    fn distilling(&self) -> u64 {
        let samples = self.deployment.split().public.len();
        // As many rows, whatever they will say.
        let lesson = self.lesson(&vec![1.0; samples * self.deployment.dataset().n_classes()]);
        let means = self.means.keys();
        means
            .map(|architecture| lesson.flops(self.layout(*architecture)))
            .sum()
    }

    /// The models taught, and the FLOPs of the steps made.
    fn distil(&self, cancelled: &dyn Fn() -> bool) -> (Distilled, u64) {
        let deployment = &self.deployment;
        let (public, data) = (&deployment.split().public, deployment.common_samples());
        let mut sums = vec![0.0f64; public.len() * deployment.dataset().n_classes()];
        for (architecture, model) in &self.teachers {
            let logits = predict_logits(self.layout(*architecture), model, data, public);
            let logits = logits.expect("a client's model fits the data");
            for (sum, logit) in sums.iter_mut().zip(logits) {
                *sum += f64::from(logit);
            }
        }
        let count = self.teachers.len() as f64;
        let mean: Vec<f32> = sums.iter().map(|sum| (sum / count) as f32).collect();
        let mut flops = 0;
        let lesson = self.lesson(&mean);
        let distilled = self.means.iter().map(|(architecture, mean)| {
            let layout = self.layout(*architecture);
            let (taught, steps) = lesson.teach(deployment, layout, mean, cancelled);
            flops += layout.train_flops(lesson.samples_in(steps));
            (*architecture, taught)
        });
        let distilled = distilled.collect();
        (distilled, flops)
    }
}

impl Exchange for Fused {
    fn fold(&mut self, contributions: &[Held<'_>]) -> Folded {
        let architecture = |held: &Held<'_>| self.deployment.architecture_of(held.child);
        let groups: Vec<usize> = contributions.iter().map(architecture).collect();
        let means = group_means(&plain(contributions), 0, &groups);
        let flops = means.values().map(|folded| folded.flops).sum();
        let means = means.into_iter();
        let teachers = groups.iter().zip(contributions);
        let fusion = Fusion {
            deployment: Arc::clone(&self.deployment),
            settings: self.settings.clone(),
            version: self.version,
            teachers: teachers
                .map(|(group, held)| (*group, Arc::clone(&held.piece.values)))
                .collect(),
            means: means
                .map(|(group, folded)| (group, folded.values))
                .collect(),
        };
        let predicting = (WorkKind::Infer, fusion.predicting());
        let (distilling, job): (u64, Job) = if self.settings.patience.is_some() {
            // How long it takes shows only in doing it.
            let (distilled, flops) = fusion.distil(&|| false);
            (flops, Box::new(move |_: &Cancellation| Box::new(distilled)))
        } else {
            let flops = fusion.distilling();
            let job = move |cancellation: &Cancellation| -> JobOutput {
                Box::new(fusion.distil(&|| cancellation.is_cancelled()).0)
            };
            (flops, Box::new(job))
        };
        Folded {
            flops,
            learning: Some(Learning {
                work: Work(vec![predicting, (WorkKind::Distill, distilling)]),
                job,
            }),
            rejected: Vec::new(),
        }
    }

    fn mix(&mut self, contributions: &[Held<'_>], _: Mixing) -> Folded {
        self.fold(contributions)
    }

    fn learned(&mut self, output: JobOutput) {
        let distilled: Box<Distilled> = output.downcast().expect("what its own job gives");
        for (architecture, model) in *distilled {
            self.models[architecture] = Arc::new(model);
        }
    }

    fn view(&self, child: ActorId) -> Option<Piece> {
        let model = &self.models[self.deployment.architecture_of(child)];
        Some(Piece {
            values: Arc::clone(model),
            scalars: Vec::new(),
        })
    }

    /// The models one after the other.
    fn model(&self) -> Option<Arc<Vec<f32>>> {
        Some(match &self.models[..] {
            [only] => Arc::clone(only),
            models => {
                let all = models.iter().flat_map(|model| model.iter().copied());
                Arc::new(all.collect())
            }
        })
    }

    fn published(&mut self, version: u64, _: u64) {
        self.version = version;
    }

    /// Of the one architecture that there is where aggregators stand between.
    fn summary(&self) -> Option<Piece> {
        self.view(ActorId(0))
    }

    fn adopt(&mut self, piece: &Piece) {
        self.models[0] = Arc::clone(&piece.values);
    }
}
