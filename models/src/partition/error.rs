//! Why samples cannot be dealt to clients as asked.

use std::fmt;

/// Why a partition is impossible.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PartitionError {
    /// Nobody to deal to.
    NoClients,
    /// A label outside `0..n_classes`.
    Label {
        /// The label.
        label: u32,
        /// Number of classes.
        n_classes: usize,
    },
    /// Not enough samples for everyone's minimum.
    TooFewSamples {
        /// Samples in the pool.
        samples: usize,
        /// Number of clients.
        clients: usize,
        /// Samples that each needs.
        min_samples: usize,
    },
    /// A concentration that is not positive and finite.
    Alpha {
        /// What was asked for.
        alpha: f64,
    },
    /// A standard deviation or exponent that is negative or not finite.
    Skew {
        /// What it is.
        what: &'static str,
        /// What was asked for.
        value: f64,
    },
    /// Clients without samples.
    Size {
        /// What was asked for.
        size: usize,
    },
    /// The data do not say whose a sample is.
    NoGroups,
    /// Fewer groups than clients.
    TooFewGroups {
        /// Groups with enough samples in the pool.
        groups: usize,
        /// Number of clients.
        clients: usize,
        /// Samples that each needs.
        min_samples: usize,
    },
    /// More labels a client than the pool has classes, or none.
    LabelsPerClient {
        /// What was asked for.
        labels_per_client: usize,
        /// Classes with at least one sample.
        classes: usize,
    },
    /// Fewer places than classes, so that samples would belong to nobody.
    UnheldClasses {
        /// Number of clients.
        clients: usize,
        /// Labels of each.
        labels_per_client: usize,
        /// Classes with at least one sample.
        classes: usize,
    },
    /// A class with fewer samples than clients that must hold it.
    ThinClass {
        /// The class.
        label: u32,
        /// Its samples.
        samples: usize,
        /// Clients that must hold it.
        holders: usize,
    },
}

impl fmt::Display for PartitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoClients => write!(
                f,
                "there are no clients to divide the data among; give at least one"
            ),
            Self::Label { label, n_classes } => {
                write!(
                    f,
                    "label {label} is out of range: there are {n_classes} classes, numbered from 0"
                )
            }
            Self::TooFewSamples {
                samples,
                clients,
                min_samples,
            } => write!(
                f,
                "{samples} samples are too few for {clients} clients with at least {min_samples} each; use fewer clients, a smaller test or public set, or more data"
            ),
            Self::Alpha { alpha } => {
                write!(
                    f,
                    "the Dirichlet concentration alpha must be a number above 0, not {alpha}"
                )
            }
            Self::Skew { what, value } => {
                write!(f, "{what} must be a number of 0 or more, not {value}")
            }
            Self::Size { size } => write!(
                f,
                "clients of {size} samples cannot learn; give at least one"
            ),
            Self::NoGroups => write!(
                f,
                "the data do not say whose a sample is; name the column of the client, or take labels that tell the writer"
            ),
            Self::TooFewGroups {
                groups,
                clients,
                min_samples,
            } => write!(
                f,
                "{groups} groups have at least {min_samples} samples, too few for {clients} clients that are one group each; use fewer clients, or a smaller test or public set"
            ),
            Self::LabelsPerClient {
                labels_per_client,
                classes,
            } => write!(
                f,
                "a client cannot hold {labels_per_client} labels of the {classes} in the data; choose 1 to {classes}"
            ),
            Self::UnheldClasses {
                clients,
                labels_per_client,
                classes,
            } => write!(
                f,
                "{clients} clients with {labels_per_client} labels each cannot hold all {classes} classes; use more clients or more labels a client"
            ),
            Self::ThinClass {
                label,
                samples,
                holders,
            } => write!(
                f,
                "class {label} has {samples} samples for the {holders} clients that must hold it; use fewer clients or fewer labels a client"
            ),
        }
    }
}

impl std::error::Error for PartitionError {}
