//! Drawing: from the distributions of a scenario to its data set and clients.

use super::presence::{ClientBattery, GroupPresence, Presence, instant};
use super::{ClientSpec, DeploymentError, failed};
use crate::device::{Device, Power};
use crate::kernel::Streams;
use crate::scenario::{
    Loaded, Quantity, RawClientGroup, RawMoment, RawPartition, RawSource, Sampled, WeekTime,
};
use crate::time::{SimDuration, SimTime};
use fedstill_models::{Dataset, Partition, SyntheticSpec};
use std::sync::Arc;

pub(super) fn load_dataset(
    source: &RawSource,
    world: Streams,
) -> Result<Arc<Dataset>, DeploymentError> {
    match source {
        RawSource::Digits => Ok(Arc::new(Dataset::digits())),
        &RawSource::Synthetic {
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
                .map(Arc::new)
                .map_err(|error| failed("data.source")(&error))
        }
        files => {
            let loaded = files.loaded().and_then(Loaded::dataset);
            Ok(Arc::clone(
                loaded.expect("files are read when a scenario is checked"),
            ))
        }
    }
}

impl RawPartition {
    /// The partition with its numbers.
    pub(crate) fn choice(&self) -> Partition {
        match *self {
            Self::Iid { size: None, .. } => Partition::Iid,
            Self::Iid {
                size: Some(size),
                replacement,
            } => Partition::Draw { size, replacement },
            Self::Dirichlet { alpha, min_samples } => Partition::Dirichlet { alpha, min_samples },
            Self::DirichletPerClient {
                alpha,
                size,
                replacement,
            } => Partition::Mixture {
                alpha,
                size,
                replacement,
            },
            Self::Shards { labels } => Partition::Shards {
                labels_per_client: labels,
            },
            Self::SortedShards { shards, size } => Partition::SortedShards { shards, size },
            Self::Quantity { alpha, min_samples } => Partition::Quantity { alpha, min_samples },
            Self::QuantityLognormal { sigma, min_samples } => {
                Partition::LogNormal { sigma, min_samples }
            }
            Self::QuantityZipf {
                exponent,
                min_samples,
            } => Partition::Zipf {
                exponent,
                min_samples,
            },
            Self::Natural { min_samples } => Partition::Natural { min_samples },
        }
    }
}

/// Draws the clients of a group. Each quantity of each client has a stream of its
/// own, so that changing one distribution moves no other draw.
pub(super) fn draw_group(
    group: &RawClientGroup,
    start: WeekTime,
    dataset: &Dataset,
    world: Streams,
    clients: &mut Vec<ClientSpec>,
) -> Result<(), DeploymentError> {
    let place = format!("clients `{}`", group.name);
    let architecture = group.model.architecture();
    let architecture = architecture.map_err(|error| failed(&place)(&error))?;
    let layout = architecture.layout(dataset.shape(), dataset.n_classes());
    let layout = Arc::new(layout.map_err(|error| failed(&place)(&error))?);
    let presence = Arc::new(GroupPresence::of(group, start));
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
        let moment = |moment: &Option<RawMoment>, purpose: &str| match moment {
            None => Ok(None),
            Some(moment) => instant(moment, index, group.count, |sampled| {
                draw(sampled, &name, index, purpose, world)
            }),
        };
        let joins = moment(&group.join, "join")?.unwrap_or(SimTime::ZERO);
        let leaves = moment(&group.leave, "leave")?.unwrap_or(SimTime::MAX);
        let battery = match &device.battery {
            None => None,
            Some(battery) => Some(ClientBattery {
                capacity: draw(&battery.capacity, &name, index, "battery capacity", world)?,
                level: draw(&battery.level, &name, index, "battery level", world)? / 100.0,
            }),
        };
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
            model: group.model.label(),
            layout: Arc::clone(&layout),
            presence: Presence {
                group: Arc::clone(&presence),
                index,
                joins,
                leaves,
            },
            battery,
            on_return: group.on_return,
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
