//! Enough samples for the test set, the public set and every client.

use super::findings::Findings;
use super::sites;
use crate::scenario::raw::{RawPartition, RawScenario, RawSource};
use fedstill_models::{Dataset, Holding};

/// Features of all samples are held as 4-byte numbers in memory.
const LARGEST_DATA_BYTES: usize = 8_000_000_000;

/// Samples and classes of a data set.
pub(super) struct Size {
    pub(super) samples: usize,
    pub(super) classes: usize,
}

pub(super) fn size(source: &RawSource) -> Size {
    match *source {
        RawSource::Digits => {
            let digits = Dataset::digits();
            Size {
                samples: digits.len(),
                classes: digits.n_classes(),
            }
        }
        RawSource::Synthetic {
            samples, classes, ..
        } => Size { samples, classes },
    }
}

pub(super) fn check(raw: &RawScenario, clients: usize, findings: &mut Findings<'_>) {
    source(&raw.data.source, findings);
    findings.number(
        "data.holdout",
        raw.data.holdout,
        |share| (0.0..1.0).contains(&share),
        "a share from 0 up to, but not including, 1",
        "0.2 keeps a fifth of every client's samples as its own test set; 0 keeps none",
    );
    let Size { samples, classes } = size(&raw.data.source);
    let left = shares(raw, samples, findings);
    partition(raw, classes, findings);
    let Some(left) = left else { return };
    let (left, clients) = if sites::tell_samples(raw) {
        if !sites::samples(raw, findings) {
            return;
        }
        // The others share what these leave.
        let asked: Vec<_> = sites::holdings(raw).iter().map(Holding::asked).collect();
        let told: usize = asked.iter().flatten().sum();
        let sharing = asked.iter().filter(|asked| asked.is_none()).count();
        (left.saturating_sub(told), sharing)
    } else {
        (left, clients)
    };
    let each = match raw.data.partition {
        RawPartition::Dirichlet { min_samples, .. } => min_samples.max(1),
        _ => 1,
    };
    let needed = clients.saturating_mul(each);
    if clients > 0 && left < needed {
        let counted = format!(
            "{samples} samples - {} test - {} public{} = {left}",
            raw.data.test,
            raw.data.public,
            match samples - raw.data.test - raw.data.public - left {
                0 => String::new(),
                told => format!(" - {told} of the sites that tell theirs"),
            }
        );
        let problem = findings
            .problem(
                "data",
                format!("{left} samples are left for {clients} clients, too few"),
                counted,
            )
            .note(format!("every client needs at least {each}"))
            .way_out("take fewer clients, or a smaller `data.test` or `data.public`, or more data");
        findings.add(problem);
    }
}

fn source(source: &RawSource, findings: &mut Findings<'_>) {
    let RawSource::Synthetic {
        classes,
        features,
        samples,
        separation,
    } = *source
    else {
        return;
    };
    if classes < 2 {
        findings.refuse(
            "data.source.classes",
            format!("`data.source.classes` is {classes}"),
            "expected at least 2",
            "with one class there is nothing to tell apart",
        );
    }
    findings.not_zero(
        "data.source.features",
        &features,
        "give at least one feature",
    );
    findings.not_zero("data.source.samples", &samples, "give at least one sample");
    findings.number(
        "data.source.separation",
        separation,
        |distance| distance >= 0.0,
        "a number, zero or more",
        "1 makes classes that overlap, 4 makes them almost apart",
    );
    let bytes = samples.saturating_mul(features).saturating_mul(4);
    if bytes > LARGEST_DATA_BYTES {
        findings.refuse(
            "data.source.samples",
            format!("{samples} samples of {features} features do not fit in memory"),
            format!("they take {:.1} GB; the limit is 8 GB", bytes as f64 / 1e9),
            "take fewer samples or fewer features",
        );
    }
}

/// Samples left for the clients, where test and public set fit.
fn shares(raw: &RawScenario, samples: usize, findings: &mut Findings<'_>) -> Option<usize> {
    let test = raw.data.test;
    findings.not_zero(
        "data.test",
        &test,
        "without a global test set no model can be scored; leave the key out for 360",
    );
    if test >= samples {
        findings.refuse(
            "data.test",
            format!("`data.test` asks for {test} of {samples} samples"),
            format!("the data set has {samples}; the clients need some of them"),
            format!("ask for fewer, such as {}", samples / 5),
        );
        return None;
    }
    if raw.data.public >= samples - test {
        let left = samples - test;
        findings.refuse(
            "data.public",
            format!(
                "`data.public` asks for {} samples, but {left} are left",
                raw.data.public
            ),
            format!("{samples} samples - {test} test = {left}; the clients need some of them"),
            format!("ask for fewer, such as {}", left / 5),
        );
        return None;
    }
    Some(samples - test - raw.data.public)
}

fn partition(raw: &RawScenario, classes: usize, findings: &mut Findings<'_>) {
    match raw.data.partition {
        RawPartition::Iid => {}
        RawPartition::Dirichlet { alpha, .. } | RawPartition::Quantity { alpha } => {
            findings.number(
                "data.partition.alpha",
                alpha,
                |alpha| (1e-3..=1e6).contains(&alpha),
                "a number from 0.001 to 1000000",
                "0.1 is very uneven, 1 uneven, 100 almost even",
            );
        }
        RawPartition::Shards { labels } => {
            if labels == 0 || labels > classes {
                findings.refuse(
                    "data.partition.labels",
                    format!(
                        "`data.partition.labels` is {labels}, but the data has {classes} classes"
                    ),
                    format!("expected 1 to {classes}"),
                    "2 labels a client is the usual hard case",
                );
            }
        }
    }
}
