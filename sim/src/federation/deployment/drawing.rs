//! Drawing: from the distributions of a scenario to its data set and clients.

use super::{ClientSpec, DeploymentError, failed};
use crate::device::{Device, Power};
use crate::kernel::Streams;
use crate::scenario::{Quantity, RawClientGroup, RawPartition, RawSource, Sampled};
use crate::time::SimDuration;
use fedstill_models::{Architecture, Dataset, Partition, SyntheticSpec};
use std::sync::Arc;

pub(super) fn load_dataset(source: &RawSource, world: Streams) -> Result<Dataset, DeploymentError> {
    match *source {
        RawSource::Digits => Ok(Dataset::digits()),
        RawSource::Synthetic {
            classes,
            features,
            samples,
            separation,
        } => {
            let spec = SyntheticSpec {
                classes,
                features,
                samples,
                separation,
            };
            Dataset::synthetic(&spec, world.seed("data", "synthetic"))
                .map_err(|error| failed("data.source")(&error))
        }
    }
}

pub(super) fn partition_of(partition: &RawPartition) -> Partition {
    match *partition {
        RawPartition::Iid => Partition::Iid,
        RawPartition::Dirichlet { alpha, min_samples } => {
            Partition::Dirichlet { alpha, min_samples }
        }
        RawPartition::Shards { labels } => Partition::Shards {
            labels_per_client: labels,
        },
        RawPartition::Quantity { alpha } => Partition::Quantity { alpha },
    }
}

/// Draws the clients of a group. Each quantity of each client has a stream of its
/// own, so that changing one distribution moves no other draw.
pub(super) fn draw_group(
    group: &RawClientGroup,
    dataset: &Dataset,
    world: Streams,
    clients: &mut Vec<ClientSpec>,
) -> Result<(), DeploymentError> {
    let place = format!("clients `{}`", group.name);
    let architecture = Architecture::parse(&group.model).map_err(|error| failed(&place)(&error))?;
    let layout = architecture.layout(dataset.shape(), dataset.n_classes());
    let layout = Arc::new(layout.map_err(|error| failed(&place)(&error))?);
    for index in 0..group.count {
        let name = format!("{}-{index}", group.name);
        let device = &group.device;
        let flops_per_second = draw(&device.speed, &name, index, "speed", world)?;
        let memory_bytes = match &device.memory {
            Some(memory) => Some(draw(memory, &name, index, "memory", world)? as u64),
            None => None,
        };
        let up = draw(&group.link.up, &name, index, "up", world)?;
        let down = draw(&group.link.down, &name, index, "down", world)?;
        let latency = draw(&group.link.latency, &name, index, "latency", world)?;
        clients.push(ClientSpec {
            device: Device {
                flops_per_second,
                memory_bytes,
                power: Power {
                    idle: device.power.idle.base(),
                    busy: device.power.busy.base(),
                    transmit: device.power.transmit.base(),
                    receive: device.power.receive.base(),
                },
            },
            name,
            group: group.name.clone(),
            model: group.model.clone(),
            layout: Arc::clone(&layout),
            dropout: group.dropout.clone(),
            link: (
                up,
                down,
                SimDuration::from_secs_f64(latency).unwrap_or(SimDuration::MAX),
            ),
        });
    }
    Ok(())
}

fn draw<Q: Quantity>(
    sampled: &Sampled<Q>,
    name: &str,
    index: usize,
    purpose: &str,
    world: Streams,
) -> Result<f64, DeploymentError> {
    let mut stream = world.stream(name, purpose);
    sampled
        .draw(index, &mut stream)
        .map(Quantity::base)
        .map_err(|error| failed(&format!("{purpose} of {name}"))(&error))
}
