//! `[data] partition`: numbers that make sense, and samples enough for every client.

use super::super::findings::Findings;
use crate::scenario::raw::RawPartition;

const CONCENTRATION: &str = "0.1 is very uneven, 1 uneven, 100 almost even";

/// Whether the numbers of a partition make sense by themselves.
pub(super) fn check(partition: &RawPartition, classes: usize, findings: &mut Findings<'_>) -> bool {
    let mut alpha = |alpha: f64| {
        findings.number(
            "data.partition.alpha",
            alpha,
            |alpha| (1e-3..=1e6).contains(&alpha),
            "a number from 0.001 to 1000000",
            CONCENTRATION,
        )
    };
    match *partition {
        RawPartition::Natural { .. } => true,
        RawPartition::Iid {
            size: None,
            replacement,
        } => {
            if replacement {
                findings.refuse(
                    "data.partition.replacement",
                    "clients that draw with replacement have no size",
                    "",
                    "say how many samples each draws, as in { kind = \"iid\", size = 16, \
                     replacement = true }",
                );
            }
            !replacement
        }
        RawPartition::Iid {
            size: Some(size), ..
        } => findings.not_zero("data.partition.size", &size, "give every client samples"),
        RawPartition::Dirichlet { alpha: found, .. }
        | RawPartition::Quantity { alpha: found, .. } => alpha(found),
        RawPartition::DirichletPerClient {
            alpha: found, size, ..
        } => {
            let fine = alpha(found);
            findings.not_zero("data.partition.size", &size, "give every client samples") && fine
        }
        RawPartition::QuantityLognormal { sigma, .. } => findings.number(
            "data.partition.sigma",
            sigma,
            |sigma| (0.0..=100.0).contains(&sigma),
            "a number from 0 to 100",
            "0.5 is uneven, 2 very uneven",
        ),
        RawPartition::QuantityZipf { exponent, .. } => findings.number(
            "data.partition.exponent",
            exponent,
            |exponent| (0.0..=100.0).contains(&exponent),
            "a number from 0 to 100",
            "with 1 the second client has half as much as the first, the third a third",
        ),
        RawPartition::SortedShards { shards, size } => {
            let fine = findings.not_zero(
                "data.partition.shards",
                &shards,
                "2 shards a client is the usual hard case",
            );
            size.is_none_or(|size| {
                findings.not_zero("data.partition.size", &size, "give every shard samples")
            }) && fine
        }
        RawPartition::Shards { labels } => {
            let fine = (1..=classes).contains(&labels);
            if !fine {
                findings.refuse(
                    "data.partition.labels",
                    format!(
                        "`data.partition.labels` is {labels}, but the data has {classes} classes"
                    ),
                    format!("expected 1 to {classes}"),
                    "2 labels a client is the usual hard case",
                );
            }
            fine
        }
    }
}

/// Whether the samples that are left, and whose they are, do for so many clients.
pub(super) fn enough(
    partition: &RawPartition,
    clients: usize,
    left: usize,
    counted: String,
    groups: Option<usize>,
    findings: &mut Findings<'_>,
) {
    if matches!(partition, RawPartition::Natural { .. }) && !natural(clients, groups, findings) {
        return;
    }
    let needed = partition.choice().needs(clients);
    if clients == 0 || left >= needed {
        return;
    }
    let (each, way_out) = match *partition {
        RawPartition::Iid {
            size: Some(size),
            replacement,
        }
        | RawPartition::DirichletPerClient {
            size, replacement, ..
        } => (
            size,
            if replacement {
                "take a smaller `size`: the samples of one client are different"
            } else {
                "take fewer clients or a smaller `size`, or let clients draw the same samples with \
                 replacement = true"
            },
        ),
        RawPartition::SortedShards { shards, size } => (
            shards.saturating_mul(size.unwrap_or(1)),
            "take fewer clients, or fewer or smaller shards",
        ),
        _ => (
            needed / clients,
            "take fewer clients, or a smaller `data.test` or `data.public`, or more data",
        ),
    };
    let problem = findings
        .problem(
            "data",
            format!("{left} samples are left for {clients} clients, too few"),
            counted,
        )
        .note(format!("every client needs at least {each}"))
        .way_out(way_out);
    findings.add(problem);
}

fn natural(clients: usize, groups: Option<usize>, findings: &mut Findings<'_>) -> bool {
    match groups {
        None => {
            findings.refuse(
                "data.partition.kind",
                "the data do not say whose a sample is",
                "`natural` makes each writer, hospital or device a client",
                "name the column of a CSV file with `client`, or take QMNIST's label file, which \
                 tells the writers",
            );
            false
        }
        Some(groups) if groups < clients => {
            findings.refuse(
                "data.partition",
                format!("the data tell of {groups} groups, too few for {clients} clients"),
                "each client is one of them",
                format!("take at most {groups} clients"),
            );
            false
        }
        Some(_) => true,
    }
}
