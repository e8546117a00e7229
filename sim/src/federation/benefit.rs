//! Benefit: a client's accuracy minus that of a twin that trained alone.

use super::deployment::Deployment;
use super::evaluation::score_client;
use super::local::train_alone;
use crate::kernel::{ComputePool, JobHandle};
use crate::records::{Benefit, ClientScore};
use crate::scenario::RawBenefit;
use crate::time::{SimDuration, SimTime};
use crate::world::Accounts;
use fedstill_models::ModelError;
use std::sync::Arc;

/// The benefit of every client: against the equal-epochs and the equal-time twin.
///
/// A twin has the client's initial weights, own data, batches and optimiser. One that
/// diverges leaves its client without a figure.
pub(crate) fn benefits(
    deployment: &Arc<Deployment>,
    accounts: &Accounts,
    completed: &[u64],
    scores: &[ClientScore],
    pool: &mut ComputePool,
) -> Vec<[Option<Benefit>; 2]> {
    let records = &deployment.scenario().records;
    let twins = [RawBenefit::EqualEpochs, RawBenefit::EqualTime];
    let mut jobs = Vec::new();
    for (client, completed) in completed.iter().enumerate() {
        let submitted = twins.map(|twin| {
            records.benefit.contains(&twin).then(|| {
                let wanted = match twin {
                    RawBenefit::EqualEpochs => *completed,
                    RawBenefit::EqualTime => {
                        let offline = accounts.client_times[client].offline();
                        participations_in(deployment, client, accounts.ended_at, offline)
                    }
                };
                submit(deployment, client, wanted, pool)
            })
        });
        jobs.push(submitted);
    }
    let outcome = |(client, twins): (usize, [Option<Twin>; 2])| {
        twins.map(|twin| twin.and_then(|twin| twin.benefit(scores.get(client)?)))
    };
    jobs.into_iter().enumerate().map(outcome).collect()
}

struct Twin {
    job: JobHandle,
    epochs: u64,
    capped: bool,
}

impl Twin {
    fn benefit(self, client: &ClientScore) -> Option<Benefit> {
        let score: Box<Option<ClientScore>> = self.job.collect().downcast().ok()?;
        let twin = (*score)?;
        let matched = client.matched_accuracy.zip(twin.matched_accuracy);
        Some(Benefit {
            matched: matched.map(|(client, twin)| client - twin),
            global: client.global.accuracy() - twin.global.accuracy(),
            epochs: self.epochs,
            capped: self.capped,
        })
    }
}

/// Participations' worth of own training that fit the time in which a device was there.
fn participations_in(
    deployment: &Deployment,
    client: usize,
    end: SimTime,
    offline: SimDuration,
) -> u64 {
    let spec = deployment.client(client);
    let there = end.saturating_since(SimTime::ZERO).saturating_sub(offline);
    let own = deployment.shard(client).train.len() as u64;
    let epochs = u64::from(deployment.epochs(client));
    let flops = spec.layout.train_flops(own * epochs);
    // At the mean speed of the run; which hours the device was there is left out.
    let done = there.as_secs_f64() * spec.device.mean_speed(SimTime::ZERO, end);
    done.round() as u64 / flops.max(1)
}

fn submit(
    deployment: &Arc<Deployment>,
    client: usize,
    wanted: u64,
    pool: &mut ComputePool,
) -> Twin {
    let epochs = u64::from(deployment.epochs(client));
    let most = (deployment.scenario().records.benefit_max_epochs / epochs).max(1);
    let participations = wanted.min(most);
    let deployment = Arc::clone(deployment);
    let job = pool.submit(
        SimTime::MAX,
        Box::new(move |cancellation| {
            let cancelled = || cancellation.is_cancelled();
            let alone = train_alone(&deployment, client, participations, &cancelled);
            let score = match alone {
                Ok(parameters) => Some(score_client(&deployment, client, &parameters.values())),
                Err(ModelError::Diverged { .. }) => None,
                Err(error) => unreachable!("twin of client {client}: {error}"),
            };
            Box::new(score)
        }),
    );
    Twin {
        job,
        epochs: participations * epochs,
        capped: wanted > most,
    }
}
