//! What can go wrong while a model is trained or asked.

use std::fmt;

/// Why a training step or a prediction has no result.
///
/// Only [`ModelError::Diverged`] can follow from a valid scenario; the others are mistakes of the
/// calling code.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ModelError {
    /// Loss, parameters or logits are no longer finite numbers.
    Diverged {
        /// Steps made before.
        steps: u64,
    },
    /// A slice of the wrong length.
    Length {
        /// What the slice holds.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length it should have.
        expected: usize,
    },
    /// A label outside `0..n_classes`.
    Label {
        /// The label.
        label: u32,
        /// Number of classes.
        n_classes: usize,
    },
    /// A temperature that is not positive and finite.
    Temperature {
        /// What was asked for.
        temperature: f32,
    },
    /// A model that is to be cut where no layer begins.
    Cut {
        /// The number of the layer.
        number: String,
    },
    /// An update without a forward pass before it.
    NoForwardPass,
    /// A number that must be above 0 and is not.
    NotPositive {
        /// What it is.
        what: &'static str,
        /// What was asked for.
        found: f64,
    },
    /// A decomposition of a matrix that did not converge.
    Decomposition,
    /// A mini-batch size of 0.
    EmptyBatch,
    /// dfdx refused an operation.
    Tensor {
        /// Its words.
        reason: String,
    },
}

/// Refuses a slice of another length than is needed.
pub(crate) fn check_length(
    what: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), ModelError> {
    if found == expected {
        Ok(())
    } else {
        Err(ModelError::Length {
            what,
            found,
            expected,
        })
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Diverged { steps } => write!(
                f,
                "training diverged after {steps} steps: loss or parameters are no finite numbers; a smaller learning rate may help"
            ),
            Self::Length {
                what,
                found,
                expected,
            } => {
                write!(f, "{what}: {found} values where {expected} are needed")
            }
            Self::Label { label, n_classes } => {
                write!(
                    f,
                    "label {label} is out of range: there are {n_classes} classes, numbered from 0"
                )
            }
            Self::Temperature { temperature } => {
                write!(
                    f,
                    "the temperature must be a number above 0, not {temperature}"
                )
            }
            Self::Cut { number } => write!(
                f,
                "no layer outside residual blocks has the number `{number}`, so that a head cannot begin there"
            ),
            Self::NoForwardPass => write!(f, "an update follows a forward pass in training"),
            Self::NotPositive { what, found } => {
                write!(f, "the {what} must be a number above 0, not {found}")
            }
            Self::Decomposition => write!(f, "the decomposition of a matrix did not converge"),
            Self::EmptyBatch => write!(f, "a mini-batch needs at least one sample"),
            Self::Tensor { reason } => write!(f, "tensor operation failed: {reason}"),
        }
    }
}

impl std::error::Error for ModelError {}

impl From<dfdx::tensor::CpuError> for ModelError {
    fn from(error: dfdx::tensor::CpuError) -> Self {
        Self::Tensor {
            reason: error.to_string(),
        }
    }
}
