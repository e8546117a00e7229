//! Drawing: from the distributions of a scenario to its data set and clients.

use super::devices::Fleet;
use super::presence::{GroupPresence, Presence, instant};
use super::{ClientSpec, DeploymentError, failed};
use crate::kernel::Streams;
use crate::scenario::{
    Loaded, Quantity, RawClientGroup, RawModel, RawMoment, RawPartition, RawSource, Sampled,
    WeekTime,
};
use crate::time::{SimDuration, SimTime};
use fedstill_models::{Dataset, Layout, Partition, SyntheticSpec};
use std::collections::BTreeMap;
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
    // Clients of one model share its layout.
    let mut layouts: BTreeMap<String, Arc<Layout>> = BTreeMap::new();
    let fleet = Fleet::new(&group.device);
    let presences: Vec<_> = fleet
        .models()
        .iter()
        .map(|kind| Arc::new(GroupPresence::of(group, kind.battery(), start)))
        .collect();
    for index in 0..group.count {
        let site = group.site(index);
        let name = group.client_name(index);
        let told = site.and_then(|site| site.model.clone());
        let told = told.map(RawModel::Name);
        let model = told.as_ref().unwrap_or(&group.model);
        let label = model.label();
        let layout = match layouts.get(&label) {
            Some(layout) => Arc::clone(layout),
            None => {
                let architecture = model.architecture();
                let architecture = architecture.map_err(|error| failed(&place)(&error))?;
                let layout = architecture.layout(dataset.shape(), dataset.n_classes());
                let layout = Arc::new(layout.map_err(|error| failed(&place)(&error))?);
                layouts.insert(label.clone(), Arc::clone(&layout));
                layout
            }
        };
        let draw = Draw {
            name: &name,
            index,
            world,
        };
        let place = fleet.draw(&name, world);
        let kind = &fleet.models()[place];
        let own = (
            site.and_then(|site| site.speed),
            site.and_then(|site| site.memory),
        );
        let device = kind.draw(draw, own)?;
        let link = &group.link;
        let up = draw.value(site.and_then(|site| site.up), &link.up, "up")?;
        let down = draw.value(site.and_then(|site| site.down), &link.down, "down")?;
        let own = site.and_then(|site| site.latency);
        let latency = draw.value(own, &link.latency, "latency")?;
        let told_group = site.and_then(|site| site.group.clone());
        let moment = |moment: &Option<RawMoment>, purpose: &str| match moment {
            None => Ok(None),
            Some(moment) => instant(moment, index, group.count, |sampled| {
                draw.value(None, sampled, purpose)
            }),
        };
        let joins = moment(&group.join, "join")?.unwrap_or(SimTime::ZERO);
        let leaves = moment(&group.leave, "leave")?.unwrap_or(SimTime::MAX);
        let presence = &presences[place];
        let presence = match site {
            Some(site) if site.hours.is_some() || site.time_zone.is_some() => {
                Arc::new(presence.of_site(site.hours.as_ref(), site.time_zone))
            }
            _ => Arc::clone(presence),
        };
        let battery = kind.draw_battery(draw)?;
        clients.push(ClientSpec {
            device,
            device_name: kind.name.clone(),
            noise: kind.noise.clone().map(|noise| (noise, index)),
            name,
            group: told_group.unwrap_or_else(|| group.name.clone()),
            model: label,
            layout,
            presence: Presence {
                group: presence,
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

/// Whose value is drawn.
#[derive(Clone, Copy)]
pub(super) struct Draw<'a> {
    name: &'a str,
    index: usize,
    world: Streams,
}

impl<'a> Draw<'a> {
    /// Of one of a kind.
    pub(super) fn of(name: &'a str, world: Streams) -> Self {
        Self {
            name,
            index: 0,
            world,
        }
    }
}

impl Draw<'_> {
    /// The client's own value where it has one, or else one drawn from its group's, in base units.
    pub(super) fn value<Q: Quantity>(
        self,
        own: Option<Q>,
        sampled: &Sampled<Q>,
        purpose: &str,
    ) -> Result<f64, DeploymentError> {
        if let Some(own) = own {
            return Ok(own.base());
        }
        let mut stream = self.world.stream(self.name, purpose);
        sampled
            .draw(self.index, &mut stream)
            .map(Quantity::base)
            .map_err(|error| failed(&format!("{purpose} of {}", self.name))(&error))
    }
}
