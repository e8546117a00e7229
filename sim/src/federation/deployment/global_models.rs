//! The models that an aggregator has: those of the clients' architectures where models travel, or
//! one of its own where it learns one.

use super::{ClientSpec, Deployment, DeploymentError, failed, optimizing};
use crate::federation::exchange::Kind;
use crate::kernel::ActorId;
use crate::scenario::{RawLocal, RawServerLearning, Scenario};
use fedstill_models::{Dataset, Layout, Optimizer};
use std::ops::Range;
use std::sync::Arc;

/// Which models there are, and whose they are.
#[derive(Debug, Default)]
pub(super) struct GlobalModels {
    layouts: Vec<Arc<Layout>>,
    /// By client, the place of its architecture; empty where the model is the server's own.
    of_client: Vec<usize>,
    /// Whether clients begin with the server's initial weights.
    pub(super) shared_start: bool,
}

impl GlobalModels {
    pub(super) fn of(
        scenario: &Scenario,
        kinds: &[Box<dyn Kind>],
        clients: &[ClientSpec],
        dataset: &Dataset,
    ) -> Result<Self, DeploymentError> {
        let travel = kinds.iter().any(|kind| kind.shares_initial_weights());
        let mut models = Self {
            shared_start: travel || (scenario.method.local.restart && !kinds.is_empty()),
            ..Self::default()
        };
        if travel {
            for client in clients {
                let known = models.layouts.iter().position(|l| **l == *client.layout);
                let place = known.unwrap_or_else(|| {
                    models.layouts.push(Arc::clone(&client.layout));
                    models.layouts.len() - 1
                });
                models.of_client.push(place);
            }
        } else if scenario.method.has_server_model()
            && let Some(server) = &scenario.method.server
        {
            let failed = failed("method.server.model");
            let layout = match &server.model {
                None => Arc::clone(&clients[0].layout),
                Some(model) => {
                    let architecture = model.architecture().map_err(|error| failed(&error))?;
                    let layout = architecture.layout(dataset.shape(), dataset.n_classes());
                    Arc::new(layout.map_err(|error| failed(&error))?)
                }
            };
            models.layouts.push(layout);
        }
        Ok(models)
    }
}

impl Deployment {
    /// The aggregator's models: one for each architecture of the clients where models travel, its
    /// own where it learns one, else none.
    pub(crate) fn global_layouts(&self) -> &[Arc<Layout>] {
        &self.global_models.layouts
    }

    /// Version 0 of those, one after the other, where there are any.
    pub(crate) fn initial_server_parameters(&self) -> Option<Vec<f32>> {
        let seed = self.world.seed("server", "initial weights");
        let layouts = self.global_layouts().iter();
        let parameters = layouts.map(|layout| layout.initial_parameters(seed));
        (!self.global_layouts().is_empty()).then(|| parameters.flatten().collect())
    }

    /// The place of a client's architecture among the aggregator's models; an aggregator has the
    /// first.
    pub(crate) fn architecture_of(&self, child: ActorId) -> usize {
        let client = self.client_of(child);
        client.map_or(0, |client| self.architecture_of_client(client))
    }

    /// The same of a client by its number.
    pub(crate) fn architecture_of_client(&self, client: usize) -> usize {
        self.global_models.of_client[client]
    }

    /// Where each of the aggregator's models lies among them all.
    pub(crate) fn global_places(&self) -> Vec<Range<usize>> {
        let mut end = 0;
        let layouts = self.global_layouts().iter();
        let place = |layout: &Arc<Layout>| {
            let start = end;
            end += layout.parameter_count();
            start..end
        };
        layouts.map(place).collect()
    }

    /// What the server learns with.
    pub(crate) fn server_optimizer(&self, learning: &RawServerLearning) -> Optimizer {
        let optimizer = learning.optimizer.clone();
        let local = RawLocal {
            optimizer,
            ..RawLocal::default()
        };
        optimizing::optimizer(&local, 0)
    }
}
