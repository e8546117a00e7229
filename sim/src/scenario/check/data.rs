//! Files of data are read; there are enough samples for the test set, the public set and every
//! client.

mod partition;

use super::findings::Findings;
use super::{sites, skew};
use crate::scenario::data::{DataSets, Loaded, SourceError};
use crate::scenario::raw::{RawScenario, RawSource};
use fedstill_models::{Dataset, Holding, Shape};
use std::path::Path;

/// Features of all samples are held as 4-byte numbers in memory.
const LARGEST_DATA_BYTES: usize = 8_000_000_000;

/// Samples of the global test set where nobody says how many.
const DEFAULT_TEST: usize = 360;

/// Samples, classes and groups of a data set.
#[derive(Debug, Clone, Copy)]
struct Size {
    samples: usize,
    /// Of those, in a test set with files of its own.
    given_test: usize,
    classes: usize,
    /// Writers, hospitals or devices, where the data tell them.
    groups: Option<usize>,
}

impl Size {
    fn of(dataset: &Dataset) -> Self {
        Self {
            samples: dataset.len(),
            given_test: dataset.given_test().len(),
            classes: dataset.n_classes(),
            groups: dataset.groups().map(|groups| groups.names().len()),
        }
    }

    /// `None` of files that could not be read.
    fn of_source(source: &RawSource) -> Option<Self> {
        match source {
            RawSource::Digits => Some(Self::of(&Dataset::digits())),
            RawSource::Synthetic {
                samples, classes, ..
            } => Some(Self {
                samples: *samples,
                given_test: 0,
                classes: *classes,
                groups: None,
            }),
            files => Some(Self::of(files.loaded()?.dataset()?)),
        }
    }

    /// Samples that are not in a test set with files of its own.
    fn to_share(self) -> usize {
        self.samples - self.given_test
    }
}

/// Checks `[data]`, reads its files, and writes the effective size of the test set.
pub(super) fn check(
    raw: &mut RawScenario,
    clients: usize,
    folder: &Path,
    sets: &mut DataSets,
    findings: &mut Findings<'_>,
) {
    source(&raw.data.source, findings);
    findings.number(
        "data.holdout",
        raw.data.holdout,
        |share| (0.0..1.0).contains(&share),
        "a share from 0 up to, but not including, 1",
        "0.2 keeps a fifth of every client's samples as its own test set; 0 keeps none",
    );
    if let Err(error) = sets.load(&mut raw.data.source, folder) {
        unreadable(error, findings);
    }
    let Some(size) = Size::of_source(&raw.data.source) else {
        return;
    };
    views(raw, findings);
    let left = shares(raw, size, findings);
    let sound = partition::check(&raw.data.partition, size.classes, findings);
    let (Some(left), true) = (left, sound) else {
        return;
    };
    let Some((left, clients, told)) = sites_take(raw, left, clients, findings) else {
        return;
    };
    let drawn = if size.given_test > 0 {
        String::new()
    } else {
        format!(" - {} test", raw.data.test.unwrap_or_default())
    };
    let counted = format!(
        "{} samples{drawn} - {} public{told} = {left}",
        size.to_share(),
        raw.data.public
    );
    partition::enough(
        &raw.data.partition,
        clients,
        left,
        counted,
        size.groups,
        findings,
    );
}

/// What the sites that tell their samples leave, for how many clients, and how that is told; `None`
/// where they ask for more than there is.
fn sites_take(
    raw: &RawScenario,
    left: usize,
    clients: usize,
    findings: &mut Findings<'_>,
) -> Option<(usize, usize, String)> {
    if !sites::tell_samples(raw) {
        return Some((left, clients, String::new()));
    }
    if !sites::samples(raw, findings) {
        return None;
    }
    let asked: Vec<_> = sites::holdings(raw).iter().map(Holding::asked).collect();
    let taken: usize = asked.iter().flatten().sum();
    let sharing = asked.iter().filter(|asked| asked.is_none()).count();
    let told = format!(" - {taken} of the sites that tell theirs");
    Some((left.saturating_sub(taken), sharing, told))
}

/// Checks how each group's data differ from the pool's, against what the data are.
fn views(raw: &RawScenario, findings: &mut Findings<'_>) {
    if raw.clients.iter().all(|group| group.data.is_plain()) {
        return;
    }
    let numbered = |count: usize| (0..count).map(|number| number.to_string()).collect();
    let (shape, classes, features): (Shape, Vec<String>, &[String]) = match &raw.data.source {
        RawSource::Synthetic {
            classes, features, ..
        } => (Shape::Flat(*features), numbered(*classes), &[]),
        RawSource::Digits => {
            let digits = Dataset::digits();
            (digits.shape(), numbered(digits.n_classes()), &[])
        }
        files => match files.loaded().and_then(Loaded::dataset) {
            Some(dataset) => (
                dataset.shape(),
                dataset.class_names().to_vec(),
                dataset.feature_names(),
            ),
            None => return,
        },
    };
    let form = skew::Form {
        shape,
        classes: &classes,
        features,
    };
    for (index, group) in raw.clients.iter().enumerate() {
        skew::check(
            &format!("clients.{index}.data"),
            &group.data,
            &form,
            findings,
        );
    }
}

fn unreadable(error: SourceError, findings: &mut Findings<'_>) {
    let path = if error.key.is_empty() {
        "data.source".to_owned()
    } else {
        format!("data.source.{}", error.key)
    };
    findings.refuse(&path, error.found, error.expected, error.way_out);
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
fn shares(raw: &mut RawScenario, size: Size, findings: &mut Findings<'_>) -> Option<usize> {
    let automatic = if size.given_test > 0 {
        size.given_test
    } else {
        DEFAULT_TEST
    };
    let test = *raw.data.test.get_or_insert(automatic);
    findings.not_zero(
        "data.test",
        &test,
        "without a global test set no model can be scored; leave the key out for 360",
    );
    let samples = size.to_share();
    let left = if size.given_test > 0 {
        if test > size.given_test {
            findings.refuse(
                "data.test",
                format!("`data.test` asks for {test} of {} samples", size.given_test),
                format!("the test set has {} in files of its own", size.given_test),
                "leave the key out for all of them",
            );
            return None;
        }
        samples
    } else {
        if test >= samples {
            findings.refuse(
                "data.test",
                format!("`data.test` asks for {test} of {samples} samples"),
                format!("the data set has {samples}; the clients need some of them"),
                format!("ask for fewer, such as {}", samples / 5),
            );
            return None;
        }
        samples - test
    };
    if raw.data.public >= left {
        let counted = if size.given_test > 0 {
            format!("the data set has {samples}")
        } else {
            format!("{samples} samples - {test} test = {left}")
        };
        findings.refuse(
            "data.public",
            format!(
                "`data.public` asks for {} samples, but {left} are left",
                raw.data.public
            ),
            format!("{counted}; the clients need some of them"),
            format!("ask for fewer, such as {}", left / 5),
        );
        return None;
    }
    Some(left - raw.data.public)
}
