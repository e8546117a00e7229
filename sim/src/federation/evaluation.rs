//! Evaluation: scores models as they stood at an instant, beside simulated time.
//!
//! Scores are computed on the pool and read at the next evaluation. Only models that
//! have changed since the last one are scored again.

use super::deployment::Deployment;
use super::parcel::is_held;
use crate::kernel::{ComputePool, JobHandle};
use crate::measures::mean_accuracy;
use crate::records::{self, ClientScore, Score};
use crate::time::SimTime;
use fedstill_models::{
    Evaluation, Layout, ModelError, Stored, View, evaluate, extract_features, nearest_prototype,
    score_logits,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Scores all models of a federation from time to time.
pub(crate) struct Evaluator {
    deployment: Arc<Deployment>,
    global: Option<Arc<Vec<f32>>>,
    clients: Vec<Option<Own>>,
    changed: BTreeSet<Model>,
    pending: Option<Pending>,
    global_score: Option<Score>,
    client_scores: Vec<Option<ClientScore>>,
    done: Vec<records::Evaluation>,
    /// Evaluations in a row at or above the target.
    streak: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Model {
    Global,
    Client(usize),
}

/// What a client predicts with.
#[derive(Debug, Clone)]
struct Own {
    parameters: Arc<Stored>,
    /// Prototypes of which the nearest one says the class, instead of the head.
    companion: Option<Arc<Vec<f32>>>,
}

struct Pending {
    at: SimTime,
    version: u64,
    jobs: Vec<(Model, JobHandle)>,
}

/// What a scoring job gives: the aggregator's model, scored for every client where they use it, or
/// one client's.
enum Scores {
    Global(Score, Option<Vec<ClientScore>>),
    Client(ClientScore),
}

impl Evaluator {
    pub(crate) fn new(deployment: Arc<Deployment>) -> Self {
        let clients = deployment.clients();
        let mut changed = BTreeSet::new();
        if !deployment.predicts_with_global_model() {
            changed.extend((0..clients).map(Model::Client));
        }
        if deployment.has_global_model() {
            changed.insert(Model::Global);
        }
        Self {
            global: deployment.initial_server_parameters().map(Arc::new),
            clients: vec![None; clients],
            changed,
            pending: None,
            global_score: None,
            client_scores: vec![None; clients],
            done: Vec::new(),
            streak: 0,
            deployment,
        }
    }

    /// The aggregator has a new model.
    pub(crate) fn global_changed(&mut self, parameters: Arc<Vec<f32>>) {
        if self.deployment.has_global_model() {
            self.global = Some(parameters);
            self.changed.insert(Model::Global);
        }
    }

    /// A client has a new model; of no account where the aggregator's is used.
    pub(crate) fn client_changed(
        &mut self,
        client: usize,
        parameters: Arc<Stored>,
        companion: Option<Arc<Vec<f32>>>,
    ) {
        if !self.deployment.predicts_with_global_model() {
            self.clients[client] = Some(Own {
                parameters,
                companion,
            });
            self.changed.insert(Model::Client(client));
        }
    }

    /// The aggregator's model as it is now.
    #[cfg(test)]
    pub(crate) fn global_model(&self) -> Option<&Arc<Vec<f32>>> {
        self.global.as_ref()
    }

    /// The clients' own models as they are now, of those that have trained.
    #[cfg(test)]
    pub(crate) fn client_models(&self) -> Vec<Vec<f32>> {
        let models = self.clients.iter().flatten();
        models
            .map(|own| own.parameters.values().into_owned())
            .collect()
    }

    /// Whether nothing has been evaluated yet.
    pub(crate) fn is_unused(&self) -> bool {
        self.pending.is_none() && self.done.is_empty()
    }

    /// Reads the last evaluation's scores and begins a new one of the models as they are now.
    pub(crate) fn evaluate(&mut self, now: SimTime, version: u64, pool: &mut ComputePool) {
        let last = self.collect();
        // Needed when the next evaluation comes; the last distance is the best guess.
        let needed_at = now + now.saturating_since(last.unwrap_or(SimTime::ZERO));
        let submit = |model| {
            let deployment = Arc::clone(&self.deployment);
            let global = self.global.clone().filter(|_| model == Model::Global);
            let own = match model {
                Model::Global => None,
                Model::Client(client) => self.clients[client].clone(),
            };
            let job = pool.submit(
                needed_at,
                Box::new(move |_| Box::new(score(&deployment, model, global, own))),
            );
            (model, job)
        };
        let jobs = std::mem::take(&mut self.changed)
            .into_iter()
            .map(submit)
            .collect();
        self.pending = Some(Pending {
            at: now,
            version,
            jobs,
        });
    }

    /// Takes the scores of the evaluation under way; gives its time.
    pub(crate) fn collect(&mut self) -> Option<SimTime> {
        let pending = self.pending.take()?;
        for (model, job) in pending.jobs {
            let scores: Box<Scores> = job.collect().downcast().expect("a scoring job's scores");
            match (*scores, model) {
                (Scores::Global(global, clients), _) => {
                    self.global_score = Some(global);
                    if let Some(clients) = clients {
                        self.client_scores = clients.into_iter().map(Some).collect();
                    }
                }
                (Scores::Client(score), Model::Client(client)) => {
                    self.client_scores[client] = Some(score);
                }
                (Scores::Client(_), Model::Global) => unreachable!("scored as what it is"),
            }
        }
        let clients = self.client_scores.iter().flatten().cloned().collect();
        let evaluation = records::Evaluation {
            at: pending.at,
            version: pending.version,
            global: self.global_score,
            clients,
        };
        if let Some(target) = &self.deployment.scenario().evaluation.target {
            let value = mean_accuracy(&evaluation, target.scope, target.split.into());
            let hit = value.is_some_and(|value| value >= target.value);
            self.streak = if hit { self.streak + 1 } else { 0 };
        }
        self.done.push(evaluation);
        Some(pending.at)
    }

    /// Whether the target has been held as long as asked, by the scores read so far.
    pub(crate) fn target_reached(&self) -> bool {
        let target = &self.deployment.scenario().evaluation.target;
        target
            .as_ref()
            .is_some_and(|target| self.streak >= target.hold)
    }

    /// Mean client accuracy on the global test set, as last read.
    pub(crate) fn latest_accuracy(&self) -> Option<f64> {
        let clients = &self.done.last()?.clients;
        let sum: f64 = clients.iter().map(|client| client.global.accuracy()).sum();
        Some(sum / clients.len() as f64)
    }

    /// Evaluates the models as they are at the end, unless that was just done, and
    /// hands all evaluations over.
    pub(crate) fn finish(
        mut self,
        now: SimTime,
        version: u64,
        pool: &mut ComputePool,
    ) -> Vec<records::Evaluation> {
        let up_to_date = self.pending.as_ref().is_some_and(|p| p.at == now);
        if !(up_to_date && self.changed.is_empty()) {
            if up_to_date {
                // Models changed later in the instant of the last evaluation: it covers them.
                self.collect();
                self.done.pop();
            }
            self.evaluate(now, version, pool);
        }
        self.collect();
        self.done
    }
}

/// Scores the aggregator's model, or a client's own: that of its last participation, if any.
fn score(
    deployment: &Deployment,
    model: Model,
    global: Option<Arc<Vec<f32>>>,
    own: Option<Own>,
) -> Scores {
    match model {
        Model::Client(client) => {
            let own = own.unwrap_or_else(|| Own {
                parameters: Arc::new(deployment.initial_state(client)),
                companion: None,
            });
            let parameters = own.parameters.values();
            let scored = Scored {
                layout: &deployment.client(client).layout,
                parameters: &parameters,
                prototypes: own.companion.as_ref().map(|values| values.as_slice()),
            };
            Scores::Client(scored.at(deployment, client))
        }
        Model::Global => {
            let parameters = global.expect("scored only where there is a global model");
            let common = deployment.common_samples();
            let test = &deployment.split().test;
            let places = deployment.global_places();
            let scored = |architecture: usize| Scored {
                layout: &deployment.global_layouts()[architecture],
                parameters: &parameters[places[architecture].clone()],
                prototypes: None,
            };
            let scores: Vec<_> = (0..places.len())
                .map(|architecture| scored(architecture).on(common, test))
                .collect();
            let global = together(scores.iter().map(|(score, _)| *score));
            let score = |client| {
                let architecture = deployment.architecture_of_client(client);
                let scored = scored(architecture);
                let (global, per_class) = &scores[architecture];
                match deployment.site(client) {
                    Some(_) => scored.at(deployment, client),
                    None => ClientScore {
                        global: *global,
                        own: scored.on_own(deployment, client),
                        matched_accuracy: matched_accuracy(deployment, client, per_class),
                    },
                }
            };
            let clients = deployment
                .predicts_with_global_model()
                .then(|| (0..deployment.clients()).map(score).collect());
            Scores::Global(global, clients)
        }
    }
}

/// The mean score of the aggregator's models: every answer of each counts once.
fn together(mut scores: impl Iterator<Item = Score>) -> Score {
    let first = scores.next().expect("scored only where there is a model");
    scores.fold(first, |all, score| {
        let samples = all.samples + score.samples;
        let sum = all.loss * all.samples as f64 + score.loss * score.samples as f64;
        Score {
            samples,
            correct: all.correct + score.correct,
            loss: sum / samples as f64,
        }
    })
}

/// Scores a client's model, with its own head, on the three splits.
pub(crate) fn score_client(
    deployment: &Deployment,
    client: usize,
    parameters: &[f32],
) -> ClientScore {
    let scored = Scored {
        layout: &deployment.client(client).layout,
        parameters,
        prototypes: None,
    };
    scored.at(deployment, client)
}

/// A model that is scored, or its extractor with the nearest prototype.
struct Scored<'a> {
    layout: &'a Layout,
    parameters: &'a [f32],
    prototypes: Option<&'a [f32]>,
}

impl Scored<'_> {
    /// On the three splits of a client.
    fn at(&self, deployment: &Deployment, client: usize) -> ClientScore {
        let test = &deployment.split().test;
        let common = deployment.common_samples_at(client);
        let (global, per_class) = self.on(common, test);
        let of_its_kind = match deployment.site(client) {
            Some(site) if site.skews_samples() => {
                // The test set as it would be if it came from this site.
                let kept = test.iter().copied();
                let dataset = deployment.dataset();
                let kept: Vec<u32> = kept.filter(|s| site.has_class(dataset.label(*s))).collect();
                self.on(deployment.own_samples(client), &kept).1
            }
            _ => per_class,
        };
        ClientScore {
            global,
            own: self.on_own(deployment, client),
            matched_accuracy: matched_accuracy(deployment, client, &of_its_kind),
        }
    }

    fn on_own(&self, deployment: &Deployment, client: usize) -> Option<Score> {
        let own = &deployment.shard(client).test;
        let data = deployment.own_samples(client);
        (!own.is_empty()).then(|| self.on(data, own).0)
    }

    /// The score on some samples, and (samples, correct) per class.
    fn on(&self, data: View<'_>, samples: &[u32]) -> (Score, Vec<(u64, u64)>) {
        match self.evaluation(data, samples) {
            Ok(found) => {
                let score = Score {
                    samples: found.n,
                    correct: found.correct,
                    loss: found.mean_loss().unwrap_or(f64::NAN),
                };
                (score, found.per_class)
            }
            Err(ModelError::Diverged { .. }) => {
                let score = Score {
                    samples: samples.len() as u64,
                    correct: 0,
                    loss: f64::INFINITY,
                };
                let counts = data.class_counts(samples).into_iter();
                (score, counts.map(|count| (u64::from(count), 0)).collect())
            }
            Err(error) => unreachable!("scoring a model of a client: {error}"),
        }
    }

    fn evaluation(&self, data: View<'_>, samples: &[u32]) -> Result<Evaluation, ModelError> {
        let Some(prototypes) = self.prototypes else {
            return evaluate(self.layout, self.parameters, data, samples);
        };
        let features = extract_features(self.layout, self.parameters, data, samples)?;
        let rows = prototypes.chunks_exact(self.layout.feature_width());
        let present: Vec<bool> = rows.map(is_held).collect();
        let scores = nearest_prototype(&features, prototypes, &present)?;
        let labels: Vec<u32> = samples.iter().map(|sample| data.label(*sample)).collect();
        score_logits(&scores, &labels, present.len())
    }
}

/// Accuracy per class weighted by the client's label shares; classes without test
/// samples are left out.
fn matched_accuracy(
    deployment: &Deployment,
    client: usize,
    per_class: &[(u64, u64)],
) -> Option<f64> {
    let (mut sum, mut weight) = (0.0, 0.0);
    let counts = deployment.label_counts_known(client);
    for (count, (samples, correct)) in counts.iter().zip(per_class) {
        if *samples > 0 {
            sum += f64::from(*count) * *correct as f64 / *samples as f64;
            weight += f64::from(*count);
        }
    }
    (weight > 0.0).then(|| sum / weight)
}
