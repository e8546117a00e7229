//! Shapes with chance, each from one stream.

use std::collections::BTreeSet;

use rand::RngExt;

use super::shape::{LinkKind, MOST, ShapeError, at_least, not_too_many, numbered_hosts};
use super::{Blueprint, PlannedLink};
use crate::kernel::Stream;
use crate::network::Link;
use crate::time::SimDuration;

/// How often a topology that falls apart is drawn again.
const DRAWS: u32 = 100;

fn not_connected(parameter: &'static str, found: String, way_out: String) -> ShapeError {
    ShapeError {
        parameter,
        found,
        expected: format!("a topology that holds together in one of {DRAWS} draws"),
        way_out,
    }
}

/// Draws until every node can be reached.
fn connected(
    mut draw: impl FnMut() -> Result<Blueprint, ShapeError>,
    hopeless: impl FnOnce() -> ShapeError,
) -> Result<Blueprint, ShapeError> {
    for _ in 0..DRAWS {
        let blueprint = draw()?;
        if blueprint.cut_off().is_none() {
            return Ok(blueprint);
        }
    }
    Err(hopeless())
}

pub(super) fn geometric(
    nodes: u32,
    radius: f64,
    link: &LinkKind,
    stream: &mut Stream,
) -> Result<Blueprint, ShapeError> {
    at_least("nodes", nodes, 2)?;
    if !(radius > 0.0 && radius <= 2.0) {
        return Err(ShapeError {
            parameter: "radius",
            found: format!("`radius` is {radius}"),
            expected: "a number above 0, up to 2, in sides of the square".to_owned(),
            way_out: "1.42 joins every pair".to_owned(),
        });
    }
    // Gupta and Kumar (1998): connected almost surely above √(ln n / (π n)).
    let n = f64::from(nodes);
    let enough = (n.ln() / (std::f64::consts::PI * n)).sqrt() * 1.5;
    connected(
        || one_geometric(nodes, radius, link, stream),
        || {
            not_connected(
                "radius",
                format!("with radius {radius} the {nodes} nodes never held together"),
                format!("a radius of {enough:.3} is usually enough for {nodes} nodes"),
            )
        },
    )
}

fn one_geometric(
    nodes: u32,
    radius: f64,
    link: &LinkKind,
    stream: &mut Stream,
) -> Result<Blueprint, ShapeError> {
    let mut blueprint = numbered_hosts(nodes, 2, 0)?;
    let points: Vec<[f64; 2]> = (0..nodes)
        .map(|_| [stream.random::<f64>(), stream.random::<f64>()])
        .collect();
    // Cells at least as wide as the radius: whoever is near stands in a cell beside.
    let cells = (1.0 / radius).floor().clamp(1.0, 1000.0) as usize;
    let cell_of = |[x, y]: [f64; 2]| {
        let along = |at: f64| ((at * cells as f64) as usize).min(cells - 1);
        (along(x), along(y))
    };
    let mut grid: Vec<Vec<usize>> = vec![Vec::new(); cells * cells];
    for (to, point) in points.iter().enumerate() {
        let (column, row) = cell_of(*point);
        for near_column in column.saturating_sub(1)..=(column + 1).min(cells - 1) {
            for near_row in row.saturating_sub(1)..=(row + 1).min(cells - 1) {
                for from in &grid[near_column * cells + near_row] {
                    let [x, y] = points[*from];
                    let distance = (point[0] - x).hypot(point[1] - y);
                    if distance <= radius {
                        let latency = link.latency.as_nanos() as f64 * distance;
                        let latency = SimDuration::from_nanos(latency.round() as u64);
                        let name = format!("n{from}--n{to}");
                        let (bandwidth, policy) = (link.bandwidth, link.policy);
                        blueprint.links.push(PlannedLink {
                            from: *from,
                            to,
                            link: Link::symmetric(name, bandwidth, latency, policy),
                            weight: None,
                        });
                    }
                }
            }
        }
        if blueprint.links.len() as u64 > MOST {
            not_too_many("radius", u64::from(nodes), blueprint.links.len() as u64)?;
        }
        grid[column * cells + row].push(to);
    }
    blueprint.links.sort_by_key(|link| (link.from, link.to));
    Ok(blueprint)
}

/// In the order of NetworkX's `watts_strogatz_graph`: neighbour by neighbour around the ring.
pub(super) fn small_world(
    nodes: u32,
    neighbours: u32,
    rewiring: f64,
    link: &LinkKind,
    stream: &mut Stream,
) -> Result<Blueprint, ShapeError> {
    if neighbours < 2 || !neighbours.is_multiple_of(2) || neighbours >= nodes {
        return Err(ShapeError {
            parameter: "neighbours",
            found: format!("`neighbours` is {neighbours}, of {nodes} nodes"),
            expected: "an even number from 2 to below the number of nodes".to_owned(),
            way_out: "4 joins each node to two on either side".to_owned(),
        });
    }
    if !(0.0..=1.0).contains(&rewiring) {
        return Err(ShapeError {
            parameter: "rewiring",
            found: format!("`rewiring` is {rewiring}"),
            expected: "a probability from 0 to 1".to_owned(),
            way_out: "0.1 gives a small world, 1 a random graph".to_owned(),
        });
    }
    let links = u64::from(nodes) * u64::from(neighbours / 2);
    not_too_many("nodes", u64::from(nodes), links)?;
    let draw = || {
        let mut blueprint = numbered_hosts(nodes, 3, links)?;
        let pair = |a: u32, b: u32| (a.min(b), a.max(b));
        let mut joined: BTreeSet<(u32, u32)> = BTreeSet::new();
        let mut degree = vec![neighbours; nodes as usize];
        for step in 1..=neighbours / 2 {
            joined.extend((0..nodes).map(|node| pair(node, (node + step) % nodes)));
        }
        for step in 1..=neighbours / 2 {
            for node in 0..nodes {
                let old = (node + step) % nodes;
                // A node that is joined to all others has nowhere to rewire to.
                if stream.random::<f64>() >= rewiring || degree[node as usize] >= nodes - 1 {
                    continue;
                }
                let new = loop {
                    let new = stream.random_range(0..nodes);
                    if new != node && !joined.contains(&pair(node, new)) {
                        break new;
                    }
                };
                joined.remove(&pair(node, old));
                joined.insert(pair(node, new));
                degree[old as usize] -= 1;
                degree[new as usize] += 1;
            }
        }
        for (from, to) in joined {
            link.join(&mut blueprint, from as usize, to as usize);
        }
        Ok(blueprint)
    };
    connected(draw, || {
        not_connected(
            "neighbours",
            format!("with {neighbours} neighbours rewired the {nodes} nodes never held together"),
            "give more neighbours, or rewire fewer".to_owned(),
        )
    })
}

/// As NetworkX's `barabasi_albert_graph`: begins with a star of m + 1 nodes, so it holds together.
pub(super) fn scale_free(
    nodes: u32,
    links_per_node: u32,
    link: &LinkKind,
    stream: &mut Stream,
) -> Result<Blueprint, ShapeError> {
    if links_per_node < 1 || links_per_node >= nodes {
        return Err(ShapeError {
            parameter: "links_per_node",
            found: format!("`links_per_node` is {links_per_node}, of {nodes} nodes"),
            expected: "at least 1, and fewer than nodes".to_owned(),
            way_out: "2 is usual".to_owned(),
        });
    }
    let links = u64::from(nodes - links_per_node) * u64::from(links_per_node);
    let mut blueprint = numbered_hosts(nodes, 2, links)?;
    let m = links_per_node as usize;
    // Each node as often as it has links: a draw from it prefers those with many.
    let mut ends: Vec<usize> = Vec::new();
    for leaf in 1..=m {
        link.join(&mut blueprint, 0, leaf);
        ends.extend([0, leaf]);
    }
    for new in m + 1..nodes as usize {
        let mut targets: Vec<usize> = Vec::with_capacity(m);
        while targets.len() < m {
            let target = ends[stream.random_range(0..ends.len())];
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        for target in targets {
            link.join(&mut blueprint, target, new);
            ends.extend([target, new]);
        }
    }
    Ok(blueprint)
}
