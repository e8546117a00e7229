//! Claims about shapes that come from outside: counts, degrees, distances.

use super::*;
use crate::kernel::Streams;
use crate::network::{Bandwidth, SharingPolicy};
use crate::time::SimDuration;

fn kind() -> LinkKind {
    LinkKind {
        bandwidth: Bandwidth::from_bits_per_second(1e9).unwrap(),
        latency: SimDuration::from_nanos(10_000_000),
        policy: SharingPolicy::SplitDuplex,
    }
}

fn drawn(shape: &Shape, seed: u64) -> Blueprint {
    let mut stream = Streams::new(seed).stream("network", "topology");
    let blueprint = shape.draw(&mut stream).unwrap();
    assert_eq!(blueprint.cut_off(), None, "{shape:?}");
    blueprint
        .add_to(&mut crate::network::Graph::default())
        .unwrap();
    blueprint
}

fn degrees(blueprint: &Blueprint) -> Vec<usize> {
    let mut degrees = vec![0; blueprint.nodes.len()];
    for link in &blueprint.links {
        degrees[link.from] += 1;
        degrees[link.to] += 1;
    }
    degrees
}

fn every_random_shape() -> [Shape; 3] {
    let link = kind();
    [
        Shape::Geometric {
            nodes: 200,
            radius: 0.2,
            link,
        },
        Shape::SmallWorld {
            nodes: 200,
            neighbours: 4,
            rewiring: 0.1,
            link,
        },
        Shape::ScaleFree {
            nodes: 200,
            links_per_node: 2,
            link,
        },
    ]
}

#[test]
fn regular_shapes_have_the_links_that_their_names_say() {
    let link = kind();
    for (shape, nodes, links) in [
        (Shape::Ring { nodes: 6, link }, 6, 6),
        (Shape::Line { nodes: 6, link }, 6, 5),
        (Shape::Complete { nodes: 6, link }, 6, 15),
        (
            Shape::Sites {
                sites: 3,
                hosts: 4,
                local: link,
                wide: link,
            },
            16,
            15,
        ),
    ] {
        let blueprint = drawn(&shape, 1);
        assert_eq!(
            (blueprint.nodes.len(), blueprint.links.len()),
            (nodes, links),
            "{shape:?}"
        );
    }
}

#[test]
fn a_tree_has_the_product_of_its_fan_outs_as_leaves() {
    let tier = |name: &str, fan_out| Tier {
        name: name.to_owned(),
        fan_out,
        link: kind(),
    };
    let tiers = vec![tier("region", 3), tier("edge", 2), tier("place", 4)];
    let tree = drawn(&Shape::Tree { tiers }, 1);
    assert_eq!(tree.nodes.len(), 1 + 3 + 6 + 24);
    assert_eq!(tree.links.len(), tree.nodes.len() - 1);
    assert_eq!(tree.edge.len(), 24);
    assert_eq!(tree.nodes[tree.core].name, "root");
    assert!(tree.edge.iter().all(|leaf| degrees(&tree)[*leaf] == 1));
}

#[test]
fn the_same_seed_gives_the_same_topology_and_another_seed_another() {
    for shape in every_random_shape() {
        assert_eq!(drawn(&shape, 5), drawn(&shape, 5));
        assert_ne!(drawn(&shape, 5).links, drawn(&shape, 6).links, "{shape:?}");
    }
}

#[test]
fn rewiring_keeps_the_number_of_links_and_joins_no_pair_twice() {
    for rewiring in [0.0, 0.3, 1.0] {
        let shape = Shape::SmallWorld {
            nodes: 100,
            neighbours: 6,
            rewiring,
            link: kind(),
        };
        let blueprint = drawn(&shape, 3);
        assert_eq!(blueprint.links.len(), 300);
        let mut pairs: Vec<_> = blueprint.links.iter().map(|l| (l.from, l.to)).collect();
        pairs.dedup();
        assert_eq!(pairs.len(), 300);
        let regular = degrees(&blueprint).iter().all(|degree| *degree == 6);
        assert_eq!(regular, rewiring == 0.0);
    }
}

/// m links for each node after the first m + 1, and hubs far above the mean of 2m.
#[test]
fn a_scale_free_topology_has_hubs() {
    let shape = Shape::ScaleFree {
        nodes: 2000,
        links_per_node: 2,
        link: kind(),
    };
    let blueprint = drawn(&shape, 4);
    assert_eq!(blueprint.links.len(), (2000 - 2) * 2);
    let degrees = degrees(&blueprint);
    assert!(*degrees.iter().max().unwrap() > 40);
    assert!(degrees.iter().filter(|degree| **degree == 2).count() > 800);
}

/// The share of pairs within r of each other in a unit square is πr² − 8r³/3 + r⁴/2.
#[test]
fn geometric_links_are_as_many_as_pairs_are_near_and_take_time_by_length() {
    let (nodes, radius) = (1000_u32, 0.1_f64);
    let shape = Shape::Geometric {
        nodes,
        radius,
        link: kind(),
    };
    let blueprint = drawn(&shape, 8);
    let r = radius;
    let near = std::f64::consts::PI * r * r - 8.0 * r.powi(3) / 3.0 + r.powi(4) / 2.0;
    let expected = near * f64::from(nodes) * f64::from(nodes - 1) / 2.0;
    let found = blueprint.links.len() as f64;
    assert!((found / expected - 1.0).abs() < 0.1, "{found} {expected}");
    // Lengths of links are nearly uniform over the disc: their mean is 2r/3 of the side.
    let total: f64 = blueprint
        .links
        .iter()
        .map(|planned| planned.link.latency.as_secs_f64() / 0.01)
        .sum();
    assert!((total / found - 2.0 * r / 3.0).abs() < 0.003);
    assert!(
        blueprint
            .links
            .iter()
            .all(|planned| planned.link.latency.as_nanos() <= 1_000_000)
    );
}

#[test]
fn what_cannot_hold_together_is_refused_with_a_way_out() {
    let shape = Shape::Geometric {
        nodes: 100,
        radius: 0.01,
        link: kind(),
    };
    let mut stream = Streams::new(1).stream("network", "topology");
    let error = shape.draw(&mut stream).unwrap_err();
    assert_eq!(error.parameter, "radius");
    assert!(error.way_out.contains("0.182"), "{}", error.way_out);
    for shape in [
        Shape::Ring {
            nodes: 2,
            link: kind(),
        },
        Shape::Complete {
            nodes: 100_000,
            link: kind(),
        },
        Shape::Tree { tiers: vec![] },
        Shape::ScaleFree {
            nodes: 3,
            links_per_node: 3,
            link: kind(),
        },
        Shape::SmallWorld {
            nodes: 10,
            neighbours: 3,
            rewiring: 0.1,
            link: kind(),
        },
    ] {
        assert!(shape.draw(&mut stream).is_err(), "{shape:?}");
    }
}
