//! Class labels as files write them: whole numbers or names; and data sets made of both.

use std::collections::BTreeMap;

use super::error::{DataFileError, refuse};
use super::tensor::Samples;
use crate::dataset::{Dataset, Groups};

/// More classes than this are taken for a mistake, such as another column read as labels.
const MOST_CLASSES: i64 = 65_536;

/// The labels of one file.
#[derive(Debug)]
pub(super) struct Labels {
    pub(super) name: String,
    pub(super) values: Values,
}

/// How they are written.
#[derive(Debug)]
pub(super) enum Values {
    Whole(Vec<i64>),
    Names(Vec<String>),
}

/// What a label in a file stands for.
#[derive(Debug)]
struct Classes {
    names: Vec<String>,
    /// The number of the first class, where labels are numbers.
    first: Option<i64>,
}

impl Labels {
    fn len(&self) -> usize {
        match &self.values {
            Values::Whole(values) => values.len(),
            Values::Names(values) => values.len(),
        }
    }

    /// The classes that occur: numbered from 0, or from 1 where 0 does not occur.
    fn classes(&self) -> Result<Classes, DataFileError> {
        let values = match &self.values {
            Values::Names(values) => {
                let mut names = values.clone();
                names.sort_unstable();
                names.dedup();
                if names.len() as i64 > MOST_CLASSES {
                    return refuse(
                        &self.name,
                        format!("`{}` has {} different labels", self.name, names.len()),
                        format!("at most {MOST_CLASSES} classes"),
                        "was another column meant for the labels?",
                    );
                }
                return Ok(Classes { names, first: None });
            }
            Values::Whole(values) => values,
        };
        let least = values.iter().copied().min().unwrap_or(0);
        let most = values.iter().copied().max().unwrap_or(0);
        if let Some(sample) = values
            .iter()
            .position(|label| !(0..MOST_CLASSES).contains(label))
        {
            return refuse(
                &self.name,
                format!(
                    "label {} of sample {sample} in `{}` is out of range",
                    values[sample], self.name
                ),
                format!("expected whole numbers from 0 to {}", MOST_CLASSES - 1),
                "number the classes from 0",
            );
        }
        let first = least.min(1);
        Ok(Classes {
            names: (first..=most).map(|label| label.to_string()).collect(),
            first: Some(first),
        })
    }
}

impl Classes {
    /// Labels as numbers from 0.
    fn numbers(&self, labels: &Labels) -> Result<Vec<u32>, DataFileError> {
        let unknown = |label: &str, sample: usize| {
            let known = match self.names.len() {
                0..=12 => self.names.join(", "),
                n => format!("{} to {}", self.names[0], self.names[n - 1]),
            };
            refuse(
                &labels.name,
                format!(
                    "label {label} of sample {sample} in `{}` is no class of the training data",
                    labels.name
                ),
                format!("its classes are {known}"),
                "do both files belong to the same data set?",
            )
        };
        match &labels.values {
            Values::Whole(values) => {
                let first = self.first.unwrap_or(0);
                let number = |(sample, &label): (usize, &i64)| {
                    let number = label
                        .checked_sub(first)
                        .and_then(|n| usize::try_from(n).ok());
                    match number.filter(|&number| self.first.is_some() && number < self.names.len())
                    {
                        Some(number) => Ok(number as u32),
                        None => unknown(&label.to_string(), sample),
                    }
                };
                values.iter().enumerate().map(number).collect()
            }
            Values::Names(values) => {
                let places: BTreeMap<&str, u32> = self
                    .names
                    .iter()
                    .enumerate()
                    .map(|(place, name)| (name.as_str(), place as u32))
                    .collect();
                let number = |(sample, name): (usize, &String)| match places.get(name.as_str()) {
                    Some(&place) => Ok(place),
                    None => unknown(&format!("`{name}`"), sample),
                };
                values.iter().enumerate().map(number).collect()
            }
        }
    }
}

/// Training samples with labels, a test set where one is given, and who the samples belong to.
///
/// `names` are the classes where the format fixes them; otherwise they are those that occur.
pub(super) fn assemble(
    (samples, labels): (Samples, Labels),
    test: Option<(Samples, Labels)>,
    groups: Option<Groups>,
    names: Option<Vec<String>>,
) -> Result<Dataset, DataFileError> {
    let classes = match names {
        Some(names) => Classes {
            names,
            first: Some(0),
        },
        None => labels.classes()?,
    };
    let single = match &labels.values {
        Values::Whole(values) => values.iter().all(|label| *label == values[0]),
        Values::Names(values) => values.iter().all(|label| *label == values[0]),
    };
    if single {
        return refuse(
            &labels.name,
            format!("all labels of `{}` are the same", labels.name),
            "expected at least two classes",
            "was another column or file meant for the labels?",
        );
    }
    let shape = samples.shape;
    let file = samples.name.clone();
    let dataset = part(samples, &labels, &classes)?;
    let dataset = match test {
        None => dataset,
        Some((samples, labels)) => {
            if samples.shape != shape {
                return refuse(
                    &samples.name,
                    format!(
                        "`{}` has samples of the shape {}",
                        samples.name, samples.shape
                    ),
                    format!("the training samples are {shape}"),
                    "do both files belong to the same data set?",
                );
            }
            let test = part(samples, &labels, &classes)?;
            dataset.followed_by_test(test)
        }
    };
    let dataset = dataset.with_class_names(classes.names);
    let dataset = match groups {
        Some(groups) => dataset.with_groups(groups),
        None => dataset,
    };
    dataset
        .shaped(shape)
        .or_else(|error| refuse(&file, format!("`{file}`: {error}"), "", ""))
}

fn part(samples: Samples, labels: &Labels, classes: &Classes) -> Result<Dataset, DataFileError> {
    if samples.count != labels.len() {
        return refuse(
            &labels.name,
            format!(
                "`{}` has {} labels for the {} samples of `{}`",
                labels.name,
                labels.len(),
                samples.count,
                samples.name
            ),
            "expected one label a sample",
            "do both files belong together, training with training and test with test?",
        );
    }
    let numbers = classes.numbers(labels)?;
    let name = samples.name;
    let size = samples.shape.size();
    Dataset::new(&name, samples.values, numbers, size, classes.names.len()).or_else(|error| {
        refuse(
            &name,
            format!("`{name}`: {error}"),
            "features are finite numbers",
            "fill in or leave out samples with missing values",
        )
    })
}
