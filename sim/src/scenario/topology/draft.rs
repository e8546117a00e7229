//! A blueprint in the making: what every format of file must hold to.

use super::file::FileError;
use super::policy;
use crate::network::topology::{Blueprint, PlannedLink, RouteWeight};
use crate::network::{self, Link};
use crate::scenario::quantity::{Bandwidth, Duration, Quantity, nearest};
use crate::scenario::raw::RawSharing;
use crate::time::SimDuration;
use std::collections::{BTreeMap, BTreeSet};

/// A longer name is taken for a mistake.
const LONGEST_NAME: usize = 200;

/// Light in optical fibre: the refractive index 1.468 of ITU-T G.652 fibre over the speed of light.
pub(super) const FIBRE_NANOSECONDS_PER_KM: f64 = 4_900.0;

/// No line on Earth is longer.
const LONGEST_KM: f64 = 1e6;

/// What the scenario says of links for which a file says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Defaults<'a> {
    pub(super) bandwidth: Option<Bandwidth>,
    pub(super) latency: Option<Duration>,
    pub(super) sharing: Option<RawSharing>,
    /// The attribute that holds a link's length in km.
    pub(super) length: Option<&'a str>,
    pub(super) nanoseconds_per_km: f64,
}

/// What a file says of a link.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Attributes {
    pub(super) bandwidth: Option<Bandwidth>,
    pub(super) latency: Option<Duration>,
    pub(super) sharing: Option<RawSharing>,
    pub(super) weight: Option<RouteWeight>,
    pub(super) length_km: Option<f64>,
}

impl Attributes {
    /// Takes in an attribute by its name; others than these four, and the one that the scenario
    /// names as the length, say nothing about a link's behaviour and are passed over.
    pub(super) fn set(
        &mut self,
        name: &str,
        text: &str,
        defaults: &Defaults<'_>,
    ) -> Result<(), FileError> {
        if defaults.length == Some(name) {
            self.length_km = Some(kilometres(name, text)?);
        }
        match name {
            "bandwidth" => self.bandwidth = Some(quantity(name, text)?),
            "latency" => self.latency = Some(quantity(name, text)?),
            "sharing" => self.sharing = Some(sharing(text)?),
            "weight" => self.weight = Some(weight(text)?),
            _ => {}
        }
        Ok(())
    }

    /// The one-way latency: the link's own, or else by its length, or else that of all links.
    fn latency(&self, defaults: &Defaults<'_>) -> Option<SimDuration> {
        let nanoseconds = match (self.latency, self.length_km) {
            (Some(latency), _) => latency.nanoseconds(),
            (None, Some(length)) => (length * defaults.nanoseconds_per_km).round() as u64,
            (None, None) => defaults.latency?.nanoseconds(),
        };
        Some(SimDuration::from_nanos(nanoseconds))
    }
}

fn kilometres(name: &str, text: &str) -> Result<f64, FileError> {
    let number = text.trim().parse::<f64>().ok();
    number
        .filter(|km| (0.0..=LONGEST_KM).contains(km))
        .ok_or_else(|| {
            FileError::new(
                format!("the {} `{}` is no length", shortened(name), shortened(text)),
                "expected a number of km from 0 to 1e6",
                "name the attribute that holds the length of a link: topology = { file = ..., length = \"dist\" }",
            )
        })
}

fn quantity<Q: Quantity>(name: &str, text: &str) -> Result<Q, FileError> {
    text.parse::<Q>().map_err(|error| {
        FileError::new(
            format!("the {name} `{}`: {}", shortened(text), error.message()),
            format!("expected {} with its unit", Q::WHAT),
            format!("write it as {}", Q::EXAMPLE),
        )
    })
}

fn sharing(text: &str) -> Result<RawSharing, FileError> {
    match text.trim() {
        "shared" => Ok(RawSharing::Shared),
        "split-duplex" => Ok(RawSharing::SplitDuplex),
        "fat-pipe" => Ok(RawSharing::FatPipe),
        other => Err(FileError::new(
            format!("a link cannot be `{}`", shortened(other)),
            "expected `shared`, `split-duplex` or `fat-pipe`",
            match nearest(other, ["shared", "split-duplex", "fat-pipe"]) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "split-duplex: each direction has its own bandwidth; shared: both share \
                         one; fat-pipe: each flow has all of it"
                    .to_owned(),
            },
        )),
    }
}

fn weight(text: &str) -> Result<RouteWeight, FileError> {
    let number = text.trim().parse::<f64>().ok();
    number.and_then(RouteWeight::new).ok_or_else(|| {
        FileError::new(
            format!("the weight `{}` cannot be used for routes", shortened(text)),
            "expected a number from 0 to 1e9",
            "the route with the smallest sum of weights is taken",
        )
    })
}

/// Text from a file may be junk of any length.
pub(super) fn shortened(text: &str) -> String {
    let mut letters = text.chars();
    let short: String = letters.by_ref().take(40).collect();
    let more = if letters.next().is_some() { "…" } else { "" };
    format!("{}{more}", short.escape_debug())
}

/// Nodes and links so far.
#[derive(Debug, Default)]
pub(super) struct Draft {
    blueprint: Blueprint,
    places: BTreeMap<String, usize>,
    pairs: BTreeSet<(usize, usize)>,
    link_names: BTreeSet<String>,
    server: Option<usize>,
}

impl Draft {
    /// A node that the file declares.
    pub(super) fn declare(&mut self, name: &str, is_host: bool) -> Result<usize, FileError> {
        plain(name)?;
        if self.places.contains_key(name) {
            return Err(FileError::new(
                format!("two nodes are called `{name}`"),
                "again here",
                "give each node its own name",
            ));
        }
        let place = self.blueprint.add_node(name, is_host);
        self.places.insert(name.to_owned(), place);
        Ok(place)
    }

    /// The node where the file says that a server stands.
    pub(super) fn mark_server(&mut self, place: usize) -> Result<(), FileError> {
        let Some(first) = self.server.replace(place).filter(|first| *first != place) else {
            return Ok(());
        };
        let [first, second] = [first, place].map(|node| &self.blueprint.nodes[node].name);
        Err(FileError::new(
            format!("two nodes are marked as the server's: `{first}` and `{second}`"),
            "again here",
            "mark one of them, or none and say `at` in the scenario's [server]",
        ))
    }

    /// A node that must have been declared.
    pub(super) fn find(&self, name: &str) -> Result<usize, FileError> {
        self.places.get(name).copied().ok_or_else(|| {
            let near = nearest(name, self.places.keys().map(String::as_str));
            FileError::new(
                format!("a link ends at `{}`, which is no node", shortened(name)),
                "expected a node of this file",
                match near {
                    Some(near) => format!("did you mean `{near}`? or add the node"),
                    None => "add the node, or remove the link".to_owned(),
                },
            )
        })
    }

    /// A node that is there once it is named: edge lists declare none.
    pub(super) fn find_or_declare(&mut self, name: &str) -> Result<usize, FileError> {
        match self.places.get(name) {
            Some(place) => Ok(*place),
            None => self.declare(name, true),
        }
    }

    /// A link; `parallel` where the format can tell links between the same nodes apart.
    pub(super) fn link(
        &mut self,
        from: usize,
        to: usize,
        attributes: Attributes,
        defaults: &Defaults<'_>,
        parallel: bool,
    ) -> Result<(), FileError> {
        let ends = [from, to].map(|end| self.blueprint.nodes[end].name.clone());
        let [first, second] = &ends;
        if from == to {
            return Err(FileError::new(
                format!("a link joins `{first}` to itself"),
                "expected two different nodes",
                "remove it: a transfer from a host to itself crosses no link",
            ));
        }
        if !self.pairs.insert((from.min(to), from.max(to))) && !parallel {
            return Err(FileError::new(
                format!("`{first}` and `{second}` are joined twice"),
                "again here",
                "a link carries both directions: keep one of the two, with the sum of the bandwidths if both are real",
            ));
        }
        let missing = |what: &str, example: &str| {
            FileError::new(
                format!("the link from `{first}` to `{second}` has no {what}"),
                format!("expected a {what} with its unit, such as \"{example}\""),
                format!(
                    "add it to the link; for a .json or .graphml file the scenario can give one for \
                     all links without: topology = {{ file = ..., {what} = \"{example}\" }}"
                ),
            )
        };
        let rate = attributes.bandwidth.or(defaults.bandwidth);
        let rate = rate.ok_or_else(|| missing("bandwidth", "10 Mbps"))?;
        let latency = attributes.latency(defaults);
        let latency = latency.ok_or_else(|| missing("latency", "30 ms"))?;
        let bandwidth = network::Bandwidth::from_bits_per_second(rate.base()).map_err(|_| {
            FileError::new(
                format!("the link from `{first}` to `{second}` has a bandwidth of {rate}"),
                "expected 0.008 bit/s to 8e15 bit/s",
                "write it as 10 Mbps",
            )
        })?;
        let mut name = format!("{first}--{second}");
        let mut count = 1;
        while !self.link_names.insert(name.clone()) {
            count += 1;
            name = format!("{first}--{second}#{count}");
        }
        let policy = policy(attributes.sharing.or(defaults.sharing).unwrap_or_default());
        self.blueprint.links.push(PlannedLink {
            from,
            to,
            link: Link::symmetric(name, bandwidth, latency, policy),
            weight: attributes.weight,
        });
        Ok(())
    }

    /// The blueprint: a server stands where the file says, or else at the first host, and clients at
    /// all hosts.
    pub(super) fn finish(mut self) -> Result<Blueprint, FileError> {
        let nodes = &self.blueprint.nodes;
        let hosts: Vec<usize> = (0..nodes.len()).filter(|at| nodes[*at].is_host).collect();
        let Some(first) = hosts.first() else {
            return Err(FileError::new(
                "the topology has no hosts",
                "expected at least one node and one link",
                "transfers begin and end at hosts; add some",
            ));
        };
        self.blueprint.core = self.server.unwrap_or(*first);
        self.blueprint.edge = hosts;
        Ok(self.blueprint)
    }
}

fn plain(name: &str) -> Result<(), FileError> {
    let wrong = if name.trim().is_empty() {
        "a node has no name".to_owned()
    } else if name.len() > LONGEST_NAME {
        format!(
            "the name `{}` of a node is {} bytes long",
            shortened(name),
            name.len()
        )
    } else if name.chars().any(char::is_control) {
        format!(
            "the name `{}` of a node holds control characters",
            shortened(name)
        )
    } else {
        return Ok(());
    };
    Err(FileError::new(
        wrong,
        format!("expected a name of up to {LONGEST_NAME} bytes"),
        "names stand in tables; choose a short, plain one",
    ))
}
