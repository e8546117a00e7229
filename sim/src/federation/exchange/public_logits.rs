//! Public logits: predictions on samples that everyone may see. Clients learn what the aggregator
//! made of everybody's, learn from their own data, and predict the samples of the next version
//! (FedMD, Li and Wang 2019, algorithm 1, and those after it). How they differ: what is sent of a
//! sample, what the rule makes of it, whether the server learns too, and what the client does
//! ([`super::public_student`]).

use super::cached_rows::{self, CachedRows, ClientCache, need_not_predict};
use super::centroids::Centroids;
use super::folded_rows::FoldedRows;
use super::personal_teachers::PersonalTeachers;
use super::public_student::Student;
use super::rows::{MeanRows, Sharing};
use super::sample_filter;
use super::server_student::ServerStudent;
use super::shuffle::Shuffle;
use super::{Beginning, Effort, Exchange, Kind, Learner, rule_weight};
use crate::federation::deployment::Deployment;
use crate::federation::knowledge::Form;
use crate::federation::run::Hooks;
use crate::scenario::{
    RawDistill, RawDistillOrder, RawExchange, RawMethod, RawPredictions, RawRule, RawSampleFilter,
    RawServerLearning, RawStrand,
};
use std::sync::Arc;

/// The strand.
#[derive(Debug)]
pub(super) struct PublicLogits {
    rule: RawRule,
    distill: RawDistill,
    sends: RawPredictions,
    /// What its predictions are when they reach the aggregator, and what a client receives.
    contributed: RawPredictions,
    received: RawPredictions,
    filter: RawSampleFilter,
    /// Versions that a prediction is cached for; 0 for no cache.
    cache: u64,
    server: Option<RawServerLearning>,
    restart: bool,
}

impl PublicLogits {
    pub(super) fn new(method: &RawMethod, strand: &RawStrand) -> Self {
        let RawExchange::PublicLogits {
            sends,
            filter,
            cache,
            ..
        } = strand.exchange
        else {
            unreachable!("made for such an exchange");
        };
        Self {
            rule: strand.rule.clone(),
            distill: strand.distill.clone(),
            sends,
            contributed: strand.contributed(),
            received: strand.received(method.server.as_ref()),
            filter,
            cache,
            server: method.server.clone(),
            restart: method.local.restart,
        }
    }

    /// Batch size of distillation: as asked, or min(256, P/8) (FedMD's choice).
    fn batch(&self, samples: usize) -> usize {
        let automatic = (samples / 8).clamp(1, 256);
        self.distill.batch.unwrap_or(automatic)
    }

    /// Centroids that a client is sent.
    fn centroids(&self) -> usize {
        match self.rule {
            RawRule::Clusters { count } => count,
            _ => 1,
        }
    }
}

impl Kind for PublicLogits {
    fn name(&self) -> &'static str {
        "public-logits"
    }

    fn up(&self, deployment: &Deployment, _: usize) -> Form {
        let (rows, width) = (deployment.list_length(), deployment.dataset().n_classes());
        match self.cache > 0 || self.filter != RawSampleFilter::None {
            true => Form::held_rows(rows, width),
            false => Form::rows(rows, width),
        }
    }

    fn down(&self, deployment: &Deployment, _: usize) -> Form {
        let (rows, width) = (deployment.list_length(), deployment.dataset().n_classes());
        let may_lack_rows = self.filter != RawSampleFilter::None
            || matches!(self.rule, RawRule::UnambiguousMean { .. });
        if self.cache > 0 {
            cached_rows::form(rows, width)
        } else if may_lack_rows {
            Form::held_rows(rows, width)
        } else {
            Form::rows(rows * self.centroids(), width)
        }
    }

    fn effort(&self, deployment: &Deployment, client: usize, known: bool) -> Effort {
        let layout = &deployment.client(client).layout;
        let samples = deployment.list_length();
        let mut effort = Effort {
            predict: layout.predict_flops(samples as u64)
                + sample_filter::flops(self.filter, deployment, client, samples),
            ..Effort::default()
        };
        if known {
            let epochs = u64::from(self.distill.epochs);
            let distill = layout.train_flops(samples as u64 * epochs);
            match self.distill.order {
                RawDistillOrder::Before => effort.digest = distill,
                RawDistillOrder::Together => effort.beside = distill,
            }
            if self.centroids() > 1 {
                // To see which centroid is nearest.
                effort.predict += layout.predict_flops(samples as u64);
            }
            effort.batch = self.batch(samples);
            effort.steps = samples.div_ceil(effort.batch) as u64 * epochs;
        }
        effort
    }

    fn learner(&self, beginning: Beginning<'_>) -> Box<dyn Learner> {
        let Beginning {
            deployment, client, ..
        } = beginning;
        let next = deployment.list_number(beginning.version);
        let mut stays = Vec::new();
        let mut cache = None;
        let mut received = beginning.received.map(|piece| piece.values.to_vec());
        if self.cache > 0 {
            let mut own = ClientCache::of(beginning.kept);
            if let Some(piece) = beginning.received {
                let list = deployment.list(beginning.list);
                let width = deployment.dataset().n_classes();
                received = Some(own.complete(piece, &list, width));
            }
            cache = Some(own);
            stays = need_not_predict(beginning.received, deployment.list_length());
        }
        Box::new(Student {
            received,
            received_are: self.received,
            centroids: self.centroids(),
            about: beginning.list,
            next,
            sends: self.sends,
            distill: deployment.distill_at(&self.distill, beginning.version),
            batch: self.batch(deployment.list_length()),
            restart: self.restart.then(|| deployment.initial_parameters(client)),
            filter: self.filter,
            stays,
            cache,
            pass: None,
        })
    }

    fn aggregator(&self, deployment: &Arc<Deployment>, hooks: Hooks) -> Box<dyn Exchange> {
        let width = deployment.dataset().n_classes();
        let shuffle = Shuffle::asked_by(hooks, deployment);
        let mut exchange: Box<dyn Exchange> = match self.rule {
            RawRule::Mean { .. } | RawRule::LeaveOneOut { .. } => {
                let sharing = Sharing::of(&self.rule);
                Box::new(MeanRows::for_strand(deployment, sharing, hooks))
            }
            RawRule::KnowledgeCoefficients { penalty, rate } => {
                let children = deployment.clients();
                let teachers = PersonalTeachers::new(children, width, penalty, rate, shuffle);
                Box::new(teachers)
            }
            RawRule::Clusters { count } => {
                let streams = deployment.dynamics();
                Box::new(Centroids::new(count, width, streams, shuffle))
            }
            _ => Box::new(FoldedRows::new(self.rule.clone(), width, shuffle)),
        };
        if self.cache > 0 {
            exchange = Box::new(CachedRows::new(exchange, deployment, width, self.cache));
        }
        match &self.server {
            None => exchange,
            Some(server) => Box::new(ServerStudent::new(
                exchange,
                deployment,
                server,
                self.contributed,
            )),
        }
    }

    fn weight(&self, samples: u64) -> f64 {
        rule_weight(&self.rule, samples)
    }
}
