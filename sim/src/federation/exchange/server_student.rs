//! A model of the server's own, learned from what the rule made of the clients' predictions: the
//! global model of DS-FL, SCARLET and CFD. It is only scored (DS-FL, SCARLET), or clients are sent
//! what it predicts (CFD).

use super::server_learning::Lesson;
use super::{Exchange, Folded, Held, Learning, Mixing};
use crate::federation::deployment::Deployment;
use crate::federation::knowledge::Piece;
use crate::kernel::{ActorId, Cancellation, Job, JobOutput};
use crate::scenario::{RawPredictions, RawServerLearning, RawServerSends};
use crate::world::{Work, WorkKind};
use fedstill_models::{Layout, predict_logits, softmax};
use std::sync::Arc;

/// Another exchange, and a model that learns what it says.
pub(super) struct ServerStudent {
    inner: Box<dyn Exchange>,
    deployment: Arc<Deployment>,
    settings: RawServerLearning,
    are: RawPredictions,
    layout: Arc<Layout>,
    parameters: Arc<Vec<f32>>,
    /// What it predicts on the list that the knowledge is about, where clients are sent that.
    predictions: Option<Piece>,
    /// The last version published.
    version: u64,
    /// Whether it is the server: aggregators below it hand on what their children say.
    at_the_top: bool,
}

/// What a lesson gives.
struct Learned {
    parameters: Vec<f32>,
    predictions: Option<Vec<f32>>,
}

impl ServerStudent {
    /// An untaught model behind `inner`, whose rows are such predictions.
    pub(super) fn new(
        inner: Box<dyn Exchange>,
        deployment: &Arc<Deployment>,
        settings: &RawServerLearning,
        are: RawPredictions,
    ) -> Self {
        let layout = &deployment.global_layouts()[0];
        let parameters = deployment.initial_server_parameters();
        Self {
            inner,
            deployment: Arc::clone(deployment),
            settings: settings.clone(),
            are,
            layout: Arc::clone(layout),
            parameters: Arc::new(parameters.expect("drawn where the server learns")),
            predictions: None,
            version: 0,
            at_the_top: true,
        }
    }

    fn sends_predictions(&self) -> bool {
        self.at_the_top && self.settings.sends == RawServerSends::Predictions
    }
}

impl Exchange for ServerStudent {
    fn fold(&mut self, contributions: &[Held<'_>]) -> Folded {
        let mut folded = self.inner.fold(contributions);
        if !self.at_the_top {
            return folded;
        }
        let Some(rows) = self.inner.knowledge() else {
            return folded;
        };
        let list = self
            .deployment
            .list(self.deployment.list_number(self.version));
        let purpose = self.version.to_string();
        let lesson = Lesson::new(&list, &rows.values, self.are, &self.settings, purpose);
        let mut work = vec![(WorkKind::Distill, lesson.flops(&self.layout))];
        let may_stop_early = lesson.may_stop_early();
        let predict = self.sends_predictions();
        if predict {
            let flops = self.layout.predict_flops(list.len() as u64);
            work.push((WorkKind::Infer, flops));
        }
        let (deployment, layout) = (Arc::clone(&self.deployment), Arc::clone(&self.layout));
        let parameters = Arc::clone(&self.parameters);
        let learn = move |cancelled: &dyn Fn() -> bool| {
            let (parameters, steps) = lesson.teach(&deployment, &layout, &parameters, cancelled);
            let predictions = predict.then(|| {
                let data = deployment.common_samples();
                let logits = predict_logits(&layout, &parameters, data, &list);
                let logits = logits.expect("the model fits the data");
                softmax(&logits, layout.n_classes(), 1.0)
            });
            let flops = layout.train_flops(lesson.samples_in(steps));
            let learned = Learned {
                parameters,
                predictions,
            };
            (learned, flops)
        };
        let job: Job = if may_stop_early {
            // How long it takes shows only in doing it.
            let (learned, flops) = learn(&|| false);
            work[0].1 = flops;
            Box::new(move |_: &Cancellation| Box::new(learned))
        } else {
            Box::new(move |cancellation: &Cancellation| {
                Box::new(learn(&|| cancellation.is_cancelled()).0)
            })
        };
        folded.learning = Some(Learning {
            work: Work(work),
            job,
        });
        folded
    }

    fn stands(&mut self, at_the_top: bool) {
        self.at_the_top = at_the_top;
        self.inner.stands(at_the_top);
    }

    fn mix(&mut self, contributions: &[Held<'_>], _: Mixing) -> Folded {
        self.fold(contributions)
    }

    fn learned(&mut self, output: JobOutput) {
        let learned: Box<Learned> = output.downcast().expect("what its own job gives");
        self.parameters = Arc::new(learned.parameters);
        // Finite parameters can still overflow on a sample: then what it said before holds.
        let predictions = learned.predictions.map(Piece::of);
        self.predictions = predictions
            .filter(Piece::is_finite)
            .or(self.predictions.take());
    }

    fn view(&self, child: ActorId) -> Option<Piece> {
        match self.sends_predictions() {
            true => self.predictions.clone(),
            false => self.inner.view(child),
        }
    }

    fn model(&self) -> Option<Arc<Vec<f32>>> {
        Some(Arc::clone(&self.parameters))
    }

    fn published(&mut self, version: u64, oldest: u64) {
        self.version = version;
        self.inner.published(version, oldest);
    }

    fn summary(&self) -> Option<Piece> {
        self.inner.summary()
    }

    fn adopt(&mut self, piece: &Piece) {
        self.inner.adopt(piece);
    }
}
