//! Shapes without chance.

use std::collections::BTreeSet;

use super::Blueprint;
use super::shape::{LinkKind, ShapeError, Tier, at_least, not_too_many, numbered_hosts};

/// Clients stand at the lowest tier, the server at the root.
pub(super) fn tree(tiers: &[Tier]) -> Result<Blueprint, ShapeError> {
    if tiers.is_empty() {
        return Err(ShapeError {
            parameter: "tiers",
            found: "`tiers` is empty".to_owned(),
            expected: "at least one tier".to_owned(),
            way_out: "for a tree of one tier write \
                      `tiers = [{ fan_out = 3, bandwidth = \"1 Gbps\", latency = \"5 ms\" }]`"
                .to_owned(),
        });
    }
    let mut names = BTreeSet::new();
    if let Some(again) = tiers.iter().find(|tier| !names.insert(&tier.name)) {
        return Err(ShapeError {
            parameter: "tiers",
            found: format!("two tiers are called `{}`", again.name),
            expected: "a name of its own for each tier".to_owned(),
            way_out: "its nodes are called after it; rename one of the two".to_owned(),
        });
    }
    let (mut width, mut nodes) = (1_u64, 1_u64);
    for tier in tiers {
        at_least("tiers", tier.fan_out, 1).map_err(|error| ShapeError {
            found: format!("`fan_out` of tier `{}` is 0", tier.name),
            ..error
        })?;
        width = width.saturating_mul(u64::from(tier.fan_out));
        nodes = nodes.saturating_add(width);
    }
    not_too_many("tiers", nodes, nodes)?;
    let mut blueprint = Blueprint::default();
    let mut above = vec![blueprint.add_node("root", true)];
    for tier in tiers {
        let mut below = Vec::new();
        for parent in above {
            for _ in 0..tier.fan_out {
                let child = blueprint.add_node(format!("{}-{}", tier.name, below.len()), true);
                tier.link.join(&mut blueprint, parent, child);
                below.push(child);
            }
        }
        above = below;
    }
    blueprint.edge = above;
    Ok(blueprint)
}

pub(super) fn ring(nodes: u32, link: &LinkKind) -> Result<Blueprint, ShapeError> {
    let mut blueprint = numbered_hosts(nodes, 3, u64::from(nodes))?;
    for node in 0..blueprint.nodes.len() {
        let next = (node + 1) % blueprint.nodes.len();
        link.join(&mut blueprint, node, next);
    }
    Ok(blueprint)
}

pub(super) fn line(nodes: u32, link: &LinkKind) -> Result<Blueprint, ShapeError> {
    let mut blueprint = numbered_hosts(nodes, 2, u64::from(nodes))?;
    for node in 1..blueprint.nodes.len() {
        link.join(&mut blueprint, node - 1, node);
    }
    Ok(blueprint)
}

pub(super) fn complete(nodes: u32, link: &LinkKind) -> Result<Blueprint, ShapeError> {
    let pairs = u64::from(nodes) * u64::from(nodes.saturating_sub(1)) / 2;
    let mut blueprint = numbered_hosts(nodes, 2, pairs)?;
    for from in 0..blueprint.nodes.len() {
        for to in from + 1..blueprint.nodes.len() {
            link.join(&mut blueprint, from, to);
        }
    }
    Ok(blueprint)
}

/// Clients stand at the hosts of the sites, the server at the core.
pub(super) fn sites(
    sites: u32,
    hosts: u32,
    local: &LinkKind,
    wide: &LinkKind,
) -> Result<Blueprint, ShapeError> {
    at_least("sites", sites, 1)?;
    at_least("hosts", hosts, 1)?;
    let nodes = 1 + u64::from(sites) * (1 + u64::from(hosts));
    not_too_many("sites", nodes, nodes)?;
    let mut blueprint = Blueprint::default();
    let core = blueprint.add_node("core", true);
    for site in 0..sites {
        let router = blueprint.add_node(format!("site-{site}"), false);
        wide.join(&mut blueprint, core, router);
        for host in 0..hosts {
            let host = blueprint.add_node(format!("site-{site}-{host}"), true);
            local.join(&mut blueprint, router, host);
            blueprint.edge.push(host);
        }
    }
    Ok(blueprint)
}
