//! Places: the node of a topology where the server stands, and each client.

use crate::network::topology::Blueprint;
use crate::scenario::raw::{RawAggregators, RawClientGroup, RawNames, RawServer};
use std::collections::BTreeMap;

/// Where everyone stands: places in a blueprint's list of nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Places {
    server: usize,
    /// By group, taken in turn; none where the group does not say.
    groups: Vec<Option<Vec<usize>>>,
    /// By group and row, where a file of sites says it.
    sites: Vec<Vec<Option<usize>>>,
    edge: Vec<usize>,
    /// Of the aggregators below the server, by tier.
    tiers: Vec<Vec<usize>>,
}

/// A name that no node of the topology has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownNode {
    /// The key that holds it.
    pub(crate) path: String,
    pub(crate) name: String,
    /// The group and the row, where it stands in a file of sites.
    pub(crate) site: Option<(usize, usize)>,
}

impl Places {
    /// Finds the nodes by their names.
    ///
    /// Whoever names none: the server stands at the topology's core, and the k-th client of all at
    /// the k-th of its edge nodes, which are taken in turn. So naming nodes for one group moves no
    /// client of another.
    ///
    /// # Errors
    /// Every name that is not known, in the order of the scenario.
    pub(crate) fn of(
        server: &RawServer,
        groups: &[RawClientGroup],
        aggregators: &[RawAggregators],
        blueprint: &Blueprint,
    ) -> Result<Self, Vec<UnknownNode>> {
        let known = blueprint.places();
        let mut unknown = Vec::new();
        let server = match &server.at {
            Some(name) => find(&known, name, "server.at".to_owned(), &mut unknown),
            None => Some(blueprint.core),
        };
        let mut places = Vec::with_capacity(groups.len());
        for (number, group) in groups.iter().enumerate() {
            let names = group.at.as_ref().map(RawNames::names);
            let path = |index: usize| match names {
                Some([_]) => format!("clients.{number}.at"),
                _ => format!("clients.{number}.at.{index}"),
            };
            places.push(names.map(|names| {
                let names = names.iter().enumerate();
                names
                    .filter_map(|(index, name)| find(&known, name, path(index), &mut unknown))
                    .collect()
            }));
        }
        let sites = sites(groups, &known, &mut unknown);
        let tiers = aggregators.iter().enumerate();
        let tiers = tiers.map(|(number, tier)| tier_nodes(number, tier, &known, &mut unknown));
        let tiers = tiers.collect();
        match server.filter(|_| unknown.is_empty()) {
            Some(server) => Ok(Self {
                server,
                groups: places,
                sites,
                edge: blueprint.edge.clone(),
                tiers,
            }),
            None => Err(unknown),
        }
    }

    pub(crate) fn server(&self) -> usize {
        self.server
    }

    /// Of the aggregators below the server, by tier.
    pub(crate) fn tiers(&self) -> &[Vec<usize>] {
        &self.tiers
    }

    /// Of the client with this index in its group and this number among all clients.
    pub(crate) fn client(&self, group: usize, index: usize, number: usize) -> usize {
        let own = self.sites.get(group).and_then(|rows| *rows.get(index)?);
        if let Some(own) = own {
            return own;
        }
        let (nodes, turn) = match self.groups.get(group).and_then(Option::as_ref) {
            Some(nodes) => (nodes, index),
            None => (&self.edge, number),
        };
        if nodes.is_empty() {
            return self.server;
        }
        nodes[turn % nodes.len()]
    }
}

/// Where the rows of files say that their sites stand.
fn sites(
    groups: &[RawClientGroup],
    known: &BTreeMap<&str, usize>,
    unknown: &mut Vec<UnknownNode>,
) -> Vec<Vec<Option<usize>>> {
    let mut all = Vec::with_capacity(groups.len());
    for (number, group) in groups.iter().enumerate() {
        let mut own = Vec::new();
        for index in 0..group.count {
            let Some(name) = group.site(index).and_then(|site| site.at.as_ref()) else {
                continue;
            };
            let before = unknown.len();
            own.resize(index, None);
            own.push(find(known, name, format!("clients.{number}.file"), unknown));
            if let Some(unknown) = unknown.get_mut(before) {
                unknown.site = Some((number, index));
            }
        }
        all.push(own);
    }
    all
}

/// The nodes of a tier of aggregators: each name is a node's, or the first part of the names of
/// several, `name-0`, `name-1`, ...
fn tier_nodes(
    number: usize,
    tier: &RawAggregators,
    known: &BTreeMap<&str, usize>,
    unknown: &mut Vec<UnknownNode>,
) -> Vec<usize> {
    let own = std::slice::from_ref(&tier.name);
    let names = tier.at.as_ref().map_or(own, RawNames::names);
    let mut nodes = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let numbered = (0..).map_while(|k: u32| known.get(&*format!("{name}-{k}")).copied());
        let before = nodes.len();
        if !known.contains_key(name.as_str()) {
            nodes.extend(numbered);
        }
        if nodes.len() == before {
            let path = match (&tier.at, names) {
                (None, _) => format!("method.tier.{number}.name"),
                (_, [_]) => format!("method.tier.{number}.at"),
                _ => format!("method.tier.{number}.at.{index}"),
            };
            nodes.extend(find(known, name, path, unknown));
        }
    }
    nodes
}

fn find(
    known: &BTreeMap<&str, usize>,
    name: &str,
    path: String,
    unknown: &mut Vec<UnknownNode>,
) -> Option<usize> {
    let found = known.get(name).copied();
    if found.is_none() {
        let name = name.to_owned();
        unknown.push(UnknownNode {
            path,
            name,
            site: None,
        });
    }
    found
}
