//! Architectures by name: what a scenario writes, before the data fix the input and output sizes.

use std::fmt;
use std::str::FromStr;

use crate::layout::Layout;

/// The widest layer and the most layers that a name may ask for: far above any client of a
/// federation, low enough that a slip of the keyboard is an error and not a lack of memory.
const MAX_WIDTH: usize = 65_536;
const MAX_HIDDEN: usize = 32;

/// A family of models: a multilayer perceptron with its hidden widths.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Architecture {
    hidden: Vec<usize>,
}

/// A form of name that [`Architecture::parse`] understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchitectureInfo {
    /// A name that can be written as it is.
    pub example: &'static str,
    /// One line for a reader.
    pub description: &'static str,
}

const ARCHITECTURES: [ArchitectureInfo; 3] = [
    ArchitectureInfo {
        example: "logistic",
        description: "logistic regression: one dense layer, no hidden layer (also `mlp`)",
    },
    ArchitectureInfo {
        example: "mlp-32",
        description: "multilayer perceptron, one hidden layer of 32 ReLU units; any width",
    },
    ArchitectureInfo {
        example: "mlp-128-64",
        description: "multilayer perceptron, hidden layers of 128 and 64 ReLU units; any widths",
    },
];

/// Every form of architecture name, with an example of each.
pub fn architectures() -> &'static [ArchitectureInfo] {
    &ARCHITECTURES
}

impl Architecture {
    /// Reads `logistic`, `mlp` (the same) or `mlp-W1-W2-…` with hidden widths.
    ///
    /// # Errors
    /// When the name is none of these; the message lists what is known.
    pub fn parse(name: &str) -> Result<Self, ArchitectureError> {
        if name == "logistic" || name == "mlp" {
            return Ok(Self { hidden: Vec::new() });
        }
        let Some(widths) = name.strip_prefix("mlp-") else {
            return Err(ArchitectureError::Unknown {
                name: name.to_owned(),
            });
        };
        let hidden: Vec<usize> = widths
            .split('-')
            .map(|width| match width.parse() {
                Ok(width) if (1..=MAX_WIDTH).contains(&width) => Ok(width),
                _ => Err(ArchitectureError::Width {
                    name: name.to_owned(),
                    width: width.to_owned(),
                }),
            })
            .collect::<Result<_, _>>()?;
        if hidden.len() > MAX_HIDDEN {
            return Err(ArchitectureError::Depth {
                name: name.to_owned(),
                hidden: hidden.len(),
            });
        }
        Ok(Self { hidden })
    }

    /// The hidden widths, from input to output; none for logistic regression.
    pub fn hidden(&self) -> &[usize] {
        &self.hidden
    }

    /// The layers for given numbers of input features and classes.
    ///
    /// # Panics
    /// When either number is 0.
    pub fn layout(&self, n_features: usize, n_classes: usize) -> Layout {
        Layout::multilayer_perceptron(n_features, &self.hidden, n_classes)
    }
}

impl fmt::Display for Architecture {
    /// The canonical name, which [`Architecture::parse`] reads back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.hidden.is_empty() {
            return f.write_str("logistic");
        }
        f.write_str("mlp")?;
        self.hidden
            .iter()
            .try_for_each(|width| write!(f, "-{width}"))
    }
}

impl FromStr for Architecture {
    type Err = ArchitectureError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::parse(name)
    }
}

/// Why a name is no [`Architecture`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArchitectureError {
    /// A family that does not exist.
    Unknown {
        /// The name as written.
        name: String,
    },
    /// A hidden width that is no number from 1 to 65536.
    Width {
        /// The name as written.
        name: String,
        /// The part that is no width.
        width: String,
    },
    /// Too many hidden layers.
    Depth {
        /// The name as written.
        name: String,
        /// The hidden layers it asks for.
        hidden: usize,
    },
}

impl ArchitectureError {
    /// The example name nearest to what was written, where one is near.
    pub fn nearest(&self) -> Option<&'static str> {
        let Self::Unknown { name } = self else {
            return None;
        };
        ARCHITECTURES
            .iter()
            .map(|known| {
                (
                    strsim::damerau_levenshtein(name, known.example),
                    known.example,
                )
            })
            .min_by_key(|&(distance, _)| distance)
            .filter(|&(distance, example)| distance <= example.len().div_ceil(2))
            .map(|(_, example)| example)
    }
}

impl fmt::Display for ArchitectureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name } => {
                write!(f, "unknown model `{name}`; known are")?;
                for (place, known) in ARCHITECTURES.iter().enumerate() {
                    write!(
                        f,
                        "{} `{}`",
                        if place == 0 { "" } else { "," },
                        known.example
                    )?;
                }
                if let Some(nearest) = self.nearest() {
                    write!(f, "; did you mean `{nearest}`?")?;
                }
                Ok(())
            }
            Self::Width { name, width } => write!(
                f,
                "`{width}` in model `{name}` is no layer width: hidden widths are whole numbers from 1 to {MAX_WIDTH}, as in `mlp-128-64`"
            ),
            Self::Depth { name, hidden } => {
                write!(
                    f,
                    "model `{name}` has {hidden} hidden layers; at most {MAX_HIDDEN} are possible"
                )
            }
        }
    }
}

impl std::error::Error for ArchitectureError {}
