//! From `[network] topology` to a blueprint: shapes are drawn, files are read.

mod draft;
mod edge_list;
mod ends;
mod file;
mod graphml;
mod node_link;
mod places;

pub(crate) use ends::{End, Ends};
pub(crate) use file::{FileError, read};
pub(crate) use places::Places;

use super::quantity::{Bandwidth, Duration, Quantity};
use super::raw::{RawHostLink, RawNetwork, RawRoute, RawSharing, RawTopology, RawTransport};
use crate::kernel::Streams;
use crate::network::topology::{Blueprint, LinkKind, Shape, ShapeError, Tier};
use crate::network::{self, Graph, RouteMetric, SharingPolicy, Transport};
use crate::time::SimDuration;
use std::fmt;

/// Why there is no topology.
#[derive(Debug)]
pub(crate) enum TopologyError {
    /// A key of the scenario makes no sense.
    Shape(ShapeError),
    /// The file cannot be used.
    File(FileError),
}

impl fmt::Display for TopologyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape(error) => error.fmt(f),
            Self::File(error) => f.write_str(&error.title),
        }
    }
}

impl RawNetwork {
    /// The topology without clients; `None` for a star, which is nothing without them.
    pub(crate) fn blueprint(&self, world_seed: u64) -> Result<Option<Blueprint>, TopologyError> {
        if let RawTopology::File {
            file,
            bandwidth,
            latency,
            sharing,
            length,
            latency_per_km,
            text,
        } = &self.topology
        {
            let defaults = draft::Defaults {
                bandwidth: *bandwidth,
                latency: *latency,
                sharing: *sharing,
                length: length.as_deref(),
                nanoseconds_per_km: latency_per_km
                    .map_or(draft::FIBRE_NANOSECONDS_PER_KM, |one| one.base() * 1e9),
            };
            let blueprint = file::parse(file, text, &defaults).map_err(TopologyError::File)?;
            return Ok(Some(blueprint));
        }
        let shape = shape(&self.topology).map_err(TopologyError::Shape)?;
        let mut stream = Streams::new(world_seed).stream("network", "topology");
        shape
            .map(|shape| shape.draw(&mut stream))
            .transpose()
            .map_err(TopologyError::Shape)
    }

    /// The topology as a graph without clients, and the blueprint that it was built from; of a star
    /// its hub.
    pub(crate) fn core(&self, world_seed: u64) -> Result<(Graph, Blueprint), String> {
        let blueprint = self.blueprint(world_seed);
        let blueprint = blueprint.map_err(|error| format!("network.topology: {error}"))?;
        let blueprint = blueprint.unwrap_or_else(Blueprint::hub);
        let mut graph = Graph::default();
        graph.set_route_metric(self.metric());
        blueprint
            .add_to(&mut graph)
            .map_err(|error| format!("network.topology: {error}"))?;
        Ok((graph, blueprint))
    }

    /// What routes are the shortest by.
    pub(crate) fn metric(&self) -> RouteMetric {
        match self.route {
            RawRoute::Latency => RouteMetric::Latency,
            RawRoute::Hops => RouteMetric::Hops,
            RawRoute::Weight => RouteMetric::Weight,
        }
    }
}

impl RawTransport {
    /// The transport with every factor filled in.
    #[must_use]
    pub fn choice(&self) -> Transport {
        let (preset, factors) = match *self {
            Self::Fluid => return Transport::fluid(),
            Self::Cm02 {
                latency_factor,
                bandwidth_factor,
                weight_s,
                tcp_gamma,
                crosstraffic,
            } => (
                Transport::cm02(),
                (
                    latency_factor,
                    bandwidth_factor,
                    weight_s,
                    tcp_gamma,
                    crosstraffic,
                ),
            ),
            Self::Lv08 {
                latency_factor,
                bandwidth_factor,
                weight_s,
                tcp_gamma,
                crosstraffic,
            } => (
                Transport::lv08(),
                (
                    latency_factor,
                    bandwidth_factor,
                    weight_s,
                    tcp_gamma,
                    crosstraffic,
                ),
            ),
        };
        let (latency_factor, bandwidth_factor, weight_s, tcp_gamma, crosstraffic) = factors;
        Transport {
            latency_factor: latency_factor.unwrap_or(preset.latency_factor),
            bandwidth_factor: bandwidth_factor.unwrap_or(preset.bandwidth_factor),
            weight_s: weight_s.or(preset.weight_s),
            tcp_gamma: tcp_gamma.unwrap_or(preset.tcp_gamma),
            crosstraffic: crosstraffic.unwrap_or(preset.crosstraffic),
            bandwidth_at_start: preset.bandwidth_at_start,
        }
    }
}

fn shape(topology: &RawTopology) -> Result<Option<Shape>, ShapeError> {
    let every = |bandwidth: &Bandwidth, latency: &Duration, sharing: &RawSharing| {
        link_kind("bandwidth", *bandwidth, *latency, *sharing)
    };
    let shape = match topology {
        RawTopology::Star | RawTopology::File { .. } => return Ok(None),
        RawTopology::Tree { tiers } => {
            let tier = |(number, tier): (usize, &super::raw::RawTier)| {
                Ok(Tier {
                    name: match &tier.name {
                        Some(name) => name.clone(),
                        None => format!("tier{}", number + 1),
                    },
                    fan_out: tier.fan_out,
                    link: link_kind("tiers", tier.bandwidth, tier.latency, tier.sharing)?,
                })
            };
            let tiers: Vec<Tier> = tiers
                .iter()
                .enumerate()
                .map(tier)
                .collect::<Result<_, _>>()?;
            Shape::Tree { tiers }
        }
        RawTopology::Ring {
            nodes,
            bandwidth,
            latency,
            sharing,
        } => Shape::Ring {
            nodes: *nodes,
            link: every(bandwidth, latency, sharing)?,
        },
        RawTopology::Line {
            nodes,
            bandwidth,
            latency,
            sharing,
        } => Shape::Line {
            nodes: *nodes,
            link: every(bandwidth, latency, sharing)?,
        },
        RawTopology::Complete {
            nodes,
            bandwidth,
            latency,
            sharing,
        } => Shape::Complete {
            nodes: *nodes,
            link: every(bandwidth, latency, sharing)?,
        },
        RawTopology::Geometric {
            nodes,
            radius,
            bandwidth,
            latency,
            sharing,
        } => Shape::Geometric {
            nodes: *nodes,
            radius: *radius,
            link: every(bandwidth, latency, sharing)?,
        },
        RawTopology::SmallWorld {
            nodes,
            neighbours,
            rewiring,
            bandwidth,
            latency,
            sharing,
        } => Shape::SmallWorld {
            nodes: *nodes,
            neighbours: *neighbours,
            rewiring: *rewiring,
            link: every(bandwidth, latency, sharing)?,
        },
        RawTopology::ScaleFree {
            nodes,
            links_per_node,
            bandwidth,
            latency,
            sharing,
        } => Shape::ScaleFree {
            nodes: *nodes,
            links_per_node: *links_per_node,
            link: every(bandwidth, latency, sharing)?,
        },
        RawTopology::Sites {
            sites,
            hosts,
            local,
            wide,
        } => {
            let kind = |parameter, link: &RawHostLink| {
                link_kind(parameter, link.bandwidth, link.latency, link.sharing)
            };
            Shape::Sites {
                sites: *sites,
                hosts: *hosts,
                local: kind("local", local)?,
                wide: kind("wide", wide)?,
            }
        }
    };
    Ok(Some(shape))
}

fn link_kind(
    parameter: &'static str,
    bandwidth: Bandwidth,
    latency: Duration,
    sharing: RawSharing,
) -> Result<LinkKind, ShapeError> {
    let found = bandwidth;
    let bandwidth =
        network::Bandwidth::from_bits_per_second(bandwidth.base()).map_err(|_| ShapeError {
            parameter,
            found: format!("a link has a bandwidth of {found}"),
            expected: "0.008 bit/s to 8e15 bit/s".to_owned(),
            way_out: "write it as \"10 Mbps\"".to_owned(),
        })?;
    Ok(LinkKind {
        bandwidth,
        latency: SimDuration::from_nanos(latency.nanoseconds()),
        policy: policy(sharing),
    })
}

fn policy(sharing: RawSharing) -> SharingPolicy {
    match sharing {
        RawSharing::Shared => SharingPolicy::Shared,
        RawSharing::SplitDuplex => SharingPolicy::SplitDuplex,
        RawSharing::FatPipe => SharingPolicy::FatPipe,
    }
}
