//! A labelled data set in memory: what clients, the public set and the tests are cut from.

use std::fmt;
use std::ops::Range;

use crate::shape::Shape;

/// `n` samples of `d` features with one class label each.
///
/// A data set is never copied per client: callers share it in an `Arc` and pass around sample
/// indices (`u32`).
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    name: String,
    features: Vec<f32>,
    labels: Vec<u32>,
    shape: Shape,
    n_features: usize,
    n_classes: usize,
    class_names: Vec<String>,
    feature_names: Vec<String>,
    groups: Option<Groups>,
    /// Samples from this one on are the test set that came with the data.
    test_from: usize,
}

impl Dataset {
    /// A data set from row-major `features` (`n × n_features`) and `n` `labels` below `n_classes`.
    ///
    /// # Errors
    /// When the sizes disagree, a label is out of range, or a feature is not a finite number.
    pub fn new(
        name: impl Into<String>,
        features: Vec<f32>,
        labels: Vec<u32>,
        n_features: usize,
        n_classes: usize,
    ) -> Result<Self, DatasetError> {
        if n_features == 0 {
            return Err(DatasetError::NoFeatures);
        }
        if labels.len() > u32::MAX as usize {
            return Err(DatasetError::TooManySamples {
                samples: labels.len(),
            });
        }
        if labels.len().checked_mul(n_features) != Some(features.len()) {
            return Err(DatasetError::Size {
                values: features.len(),
                samples: labels.len(),
                n_features,
            });
        }
        if let Some(sample) = labels.iter().position(|&label| label as usize >= n_classes) {
            return Err(DatasetError::Label {
                sample,
                label: labels[sample],
                n_classes,
            });
        }
        if let Some(place) = features.iter().position(|value| !value.is_finite()) {
            return Err(DatasetError::NotFinite {
                sample: place / n_features,
                feature: place % n_features,
            });
        }
        Ok(Self {
            name: name.into(),
            features,
            class_names: (0..n_classes).map(|class| class.to_string()).collect(),
            feature_names: Vec::new(),
            groups: None,
            test_from: labels.len(),
            labels,
            shape: Shape::Flat(n_features),
            n_features,
            n_classes,
        })
    }

    /// Rows without labels, such as the features that clients send: all are of one class that
    /// nobody asks for. Such rows can be predicted, and trained on with targets of one's own.
    ///
    /// # Errors
    /// Those of [`Dataset::new`].
    pub fn unlabelled(
        name: impl Into<String>,
        rows: Vec<f32>,
        n_features: usize,
    ) -> Result<Self, DatasetError> {
        let labels = vec![0; rows.len() / n_features.max(1)];
        Self::new(name, rows, labels, n_features, 1)
    }

    /// The same samples seen as images or series instead of flat rows.
    ///
    /// # Errors
    /// When the shape has another number of features.
    pub fn shaped(mut self, shape: Shape) -> Result<Self, DatasetError> {
        if shape.size() != self.n_features {
            return Err(DatasetError::Shape {
                shape,
                n_features: self.n_features,
            });
        }
        self.shape = shape;
        Ok(self)
    }

    /// With a test set of its own behind its samples.
    pub(crate) fn followed_by_test(mut self, test: Self) -> Self {
        debug_assert_eq!(self.n_features, test.n_features);
        self.test_from = self.labels.len();
        self.features.extend(test.features);
        self.labels.extend(test.labels);
        self
    }

    pub(crate) fn with_class_names(mut self, names: Vec<String>) -> Self {
        debug_assert_eq!(names.len(), self.n_classes);
        self.class_names = names;
        self
    }

    pub(crate) fn with_feature_names(mut self, names: Vec<String>) -> Self {
        debug_assert_eq!(names.len(), self.n_features);
        self.feature_names = names;
        self
    }

    pub(crate) fn with_groups(mut self, groups: Groups) -> Self {
        debug_assert_eq!(groups.of.len(), self.test_from);
        self.groups = Some(groups);
        self
    }

    /// The name that tables and messages use.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of samples `n`.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no sample at all.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Number of features `d` of each sample.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// What one sample looks like; it has [`Dataset::n_features`] values.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Number of classes; labels are below it. A class may have no sample.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// What each class is called: its number, or its name in the data.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// What each feature is called; empty where the data name none.
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// Who the samples before [`Dataset::given_test`] belong to, where the data say so.
    pub fn groups(&self) -> Option<&Groups> {
        self.groups.as_ref()
    }

    /// Samples of the test set that came with the data; empty where none did.
    pub fn given_test(&self) -> Range<u32> {
        self.test_from as u32..self.labels.len() as u32
    }

    /// All features, row-major `n × d`.
    pub fn features(&self) -> &[f32] {
        &self.features
    }

    /// All labels, one a sample.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The `d` features of one sample.
    ///
    /// # Panics
    /// When `index` is not below [`Dataset::len`].
    pub fn sample(&self, index: u32) -> &[f32] {
        let start = index as usize * self.n_features;
        &self.features[start..start + self.n_features]
    }

    /// The label of one sample.
    ///
    /// # Panics
    /// When `index` is not below [`Dataset::len`].
    pub fn label(&self, index: u32) -> u32 {
        self.labels[index as usize]
    }

    /// How many of the samples named by `indices` each class has; `n_classes` counts.
    ///
    /// # Panics
    /// When an index is not below [`Dataset::len`].
    pub fn class_counts(&self, indices: &[u32]) -> Vec<u32> {
        let mut counts = vec![0; self.n_classes];
        for &index in indices {
            counts[self.label(index) as usize] += 1;
        }
        counts
    }
}

/// Who samples belong to, as the data say: writers, hospitals, devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    column: String,
    names: Vec<String>,
    of: Vec<u32>,
}

impl Groups {
    /// One name a sample; groups are numbered as they first occur.
    pub(crate) fn of(column: &str, samples: impl Iterator<Item = String>) -> Self {
        let mut numbers = std::collections::BTreeMap::new();
        let mut names = Vec::new();
        let of = samples
            .map(|name| {
                *numbers.entry(name).or_insert_with_key(|name| {
                    names.push(name.clone());
                    names.len() as u32 - 1
                })
            })
            .collect();
        Self {
            column: column.to_owned(),
            names,
            of,
        }
    }

    /// What the groups are, such as the column that told them.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// Their names, in the order in which they first occur.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The group of one sample.
    ///
    /// # Panics
    /// When `index` is not that of a sample with a group.
    pub fn group(&self, index: u32) -> u32 {
        self.of[index as usize]
    }
}

/// Why numbers do not make a [`Dataset`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatasetError {
    /// Samples without features.
    NoFeatures,
    /// More samples than a `u32` index can name.
    TooManySamples {
        /// Samples given.
        samples: usize,
    },
    /// The number of values is not samples × features.
    Size {
        /// Feature values given.
        values: usize,
        /// Labels given.
        samples: usize,
        /// Features of each sample.
        n_features: usize,
    },
    /// A shape of another number of features.
    Shape {
        /// The shape asked for.
        shape: Shape,
        /// Features of each sample.
        n_features: usize,
    },
    /// A label outside `0..n_classes`.
    Label {
        /// Index of the sample.
        sample: usize,
        /// Its label.
        label: u32,
        /// Number of classes.
        n_classes: usize,
    },
    /// A feature that is NaN or infinite.
    NotFinite {
        /// Index of the sample.
        sample: usize,
        /// Index of the feature.
        feature: usize,
    },
}

impl fmt::Display for DatasetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFeatures => write!(f, "a sample needs at least one feature"),
            Self::TooManySamples { samples } => {
                write!(
                    f,
                    "{samples} samples are more than the {} that can be indexed",
                    u32::MAX
                )
            }
            Self::Size {
                values,
                samples,
                n_features,
            } => write!(
                f,
                "{values} feature values do not make {samples} samples of {n_features} features"
            ),
            Self::Shape { shape, n_features } => write!(
                f,
                "a sample of {n_features} features has not the shape {shape}, which has {}",
                shape.size()
            ),
            Self::Label {
                sample,
                label,
                n_classes,
            } => write!(
                f,
                "sample {sample} has label {label}, but there are {n_classes} classes, numbered from 0"
            ),
            Self::NotFinite { sample, feature } => {
                write!(
                    f,
                    "feature {feature} of sample {sample} is not a finite number"
                )
            }
        }
    }
}

impl std::error::Error for DatasetError {}
