//! Architectures: what a scenario writes, before the data fix the input and output sizes.

use std::fmt;
use std::str::FromStr;

use crate::layer::{LayerSpec, MAX_WIDTH};
use crate::layout::Layout;
use crate::library::{self, ARCHITECTURES};
use crate::resolve::{ShapeError, resolve};
use crate::shape::Shape;

/// The most hidden layers that a name, and the most layers that a list may have.
const MAX_HIDDEN: usize = 32;
const MAX_LAYERS: usize = 1000;

/// A model without its data: layers from input to output, with or without the one that leads to
/// the classes, and how many dense layers at the end are its head.
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    name: Option<String>,
    layers: Vec<LayerSpec>,
    head: usize,
}

/// One layer of a list: its text, or a residual block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListedLayer {
    /// A layer's text, such as `conv2d 32 5x5 same`.
    Text(String),
    /// Layers whose result is added to what arrived.
    Residual {
        /// The layers of the body.
        body: Vec<ListedLayer>,
        /// The layers that what arrived goes through before it is added; none for as it is.
        shortcut: Vec<ListedLayer>,
    },
}

/// A form of name that [`Architecture::parse`] understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchitectureInfo {
    /// A name that can be written as it is.
    pub example: &'static str,
    /// One line for a reader.
    pub description: &'static str,
}

/// Every form of architecture name, with an example of each.
pub fn architectures() -> &'static [ArchitectureInfo] {
    &ARCHITECTURES
}

impl Architecture {
    /// Reads the name of an architecture of the library, such as `2nn`, `mlp-128-64` or
    /// `lenet5`.
    ///
    /// # Errors
    /// When there is no such name; the message lists what is known.
    pub fn parse(name: &str) -> Result<Self, ArchitectureError> {
        let known = |layers, name: &str| Self {
            name: Some(name.to_owned()),
            layers,
            head: 1,
        };
        if name == "logistic" || name == "mlp" {
            return Ok(known(Vec::new(), "logistic"));
        }
        if let Some(widths) = name.strip_prefix("mlp-") {
            return Ok(known(perceptron(name, widths)?, name));
        }
        if let Some(units) = name.strip_prefix("gru-") {
            let units = width(name, units)?;
            return Ok(known(library::gru(units), name));
        }
        match library::layers(name) {
            Some(layers) => Ok(known(layers, name)),
            None => Err(ArchitectureError::Unknown {
                name: name.to_owned(),
            }),
        }
    }

    /// The architecture of listed layers.
    ///
    /// A list that ends with a dense layer leads to the classes itself: that layer is `dense
    /// classes`, or as wide as there are classes. To any other list such a layer is added.
    ///
    /// # Errors
    /// When a layer's text is not understood; the message names its place.
    pub fn from_layers(listed: &[ListedLayer]) -> Result<Self, ArchitectureError> {
        Ok(Self {
            name: None,
            layers: read_list(listed, "", "")?,
            head: 1,
        })
    }

    /// The same layers with a head that begins at the dense layer that is the `head`-th from the
    /// end.
    ///
    /// # Errors
    /// When there are not so many dense layers outside residual blocks.
    pub fn with_head(mut self, head: usize) -> Result<Self, ArchitectureError> {
        let dense = |layer: &&LayerSpec| matches!(layer, LayerSpec::Dense { .. });
        let most = self.layers.iter().filter(dense).count() + usize::from(!self.ends_dense());
        if !(1..=most).contains(&head) {
            return Err(ArchitectureError::Head { head, most });
        }
        self.head = head;
        Ok(self)
    }

    /// Its name in the library, where it has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// How many dense layers at the end are the head.
    pub fn head(&self) -> usize {
        self.head
    }

    fn ends_dense(&self) -> bool {
        matches!(self.layers.last(), Some(LayerSpec::Dense { .. }))
    }

    /// The layers for samples of a shape and a number of classes.
    ///
    /// # Errors
    /// When a layer does not fit what arrives at it.
    ///
    /// # Panics
    /// When there is no feature or no class.
    pub fn layout(&self, input: Shape, n_classes: usize) -> Result<Layout, ShapeError> {
        assert!(
            input.size() > 0 && n_classes > 0,
            "a model needs inputs and outputs"
        );
        let output = LayerSpec::Dense {
            outputs: None,
            bias: true,
        };
        let mut layers = self.layers.clone();
        if !self.ends_dense() {
            layers.push(output);
        }
        let layout = resolve(&layers, self.head, input, n_classes)?;
        let last = &layout.layers()[layout.layers().len() - 1];
        if last.output().size() != n_classes {
            return Err(ShapeError {
                number: last.number().to_owned(),
                layer: last.text().to_owned(),
                arrived: last.input(),
                fits: format!(
                    "a dense layer at the end leads to the classes, and the data have {n_classes}; write `dense classes`, or leave the layer out and it is added"
                ),
            });
        }
        Ok(layout)
    }
}

impl Architecture {
    /// The layers for rows of features of this shape, as the extractor of another model hands
    /// them on ([`Layout::feature_shape`]): what a server learns on top of its clients' extractors
    /// (split learning; FedGKT, He et al. 2020).
    ///
    /// # Errors
    /// When a layer does not fit what arrives at it.
    ///
    /// # Panics
    /// When there is no feature or no class.
    pub fn layout_on_features(
        &self,
        features: Shape,
        n_classes: usize,
    ) -> Result<Layout, ShapeError> {
        let mut layout = self.layout(features, n_classes)?;
        layout.channels_innermost = true;
        Ok(layout)
    }
}

fn perceptron(name: &str, widths: &str) -> Result<Vec<LayerSpec>, ArchitectureError> {
    let widths: Vec<usize> = widths
        .split('-')
        .map(|part| width(name, part))
        .collect::<Result<_, _>>()?;
    if widths.len() > MAX_HIDDEN {
        return Err(ArchitectureError::Depth {
            name: name.to_owned(),
            hidden: widths.len(),
        });
    }
    Ok(library::perceptron(&widths))
}

fn width(name: &str, width: &str) -> Result<usize, ArchitectureError> {
    match width.parse() {
        Ok(width) if (1..=MAX_WIDTH).contains(&width) => Ok(width),
        _ => Err(ArchitectureError::Width {
            name: name.to_owned(),
            width: width.to_owned(),
        }),
    }
}

fn read_list(
    listed: &[ListedLayer],
    number: &str,
    joint: &str,
) -> Result<Vec<LayerSpec>, ArchitectureError> {
    if listed.len() > MAX_LAYERS {
        return Err(ArchitectureError::Layer {
            number: format!("{number}{joint}{}", MAX_LAYERS + 1),
            why: format!("a list has at most {MAX_LAYERS} layers"),
        });
    }
    let read = |(place, layer): (usize, &ListedLayer)| {
        let number = format!("{number}{joint}{}", place + 1);
        match layer {
            ListedLayer::Text(text) => {
                LayerSpec::parse(text).map_err(|why| ArchitectureError::Layer { number, why })
            }
            ListedLayer::Residual { body, shortcut } => {
                if body.is_empty() {
                    return Err(ArchitectureError::Layer {
                        number,
                        why: "a residual block needs at least one layer".to_owned(),
                    });
                }
                Ok(LayerSpec::Residual {
                    body: read_list(body, &number, ".")?,
                    shortcut: read_list(shortcut, &number, "s")?,
                })
            }
        }
    };
    listed.iter().enumerate().map(read).collect()
}

impl fmt::Display for Architecture {
    /// The name, which [`Architecture::parse`] reads back, or the listed layers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            return f.write_str(name);
        }
        for (place, layer) in self.layers.iter().enumerate() {
            write!(f, "{}{layer}", if place == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl FromStr for Architecture {
    type Err = ArchitectureError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::parse(name)
    }
}

/// Why a name or a list is no [`Architecture`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArchitectureError {
    /// A name that does not exist.
    Unknown {
        /// The name as written.
        name: String,
    },
    /// A width that is no number from 1 to 65536.
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
    /// A listed layer that is not understood.
    Layer {
        /// Its place, as in [`crate::Layer::number`].
        number: String,
        /// What is wrong with it.
        why: String,
    },
    /// A head that is no number of dense layers.
    Head {
        /// The head asked for.
        head: usize,
        /// How many dense layers there are outside residual blocks.
        most: usize,
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
                "`{width}` in model `{name}` is no layer width: widths are whole numbers from 1 to {MAX_WIDTH}, as in `mlp-128-64`"
            ),
            Self::Depth { name, hidden } => {
                write!(
                    f,
                    "model `{name}` has {hidden} hidden layers; at most {MAX_HIDDEN} are possible"
                )
            }
            Self::Layer { number, why } => write!(f, "layer {number}: {why}"),
            Self::Head { head, most } => write!(
                f,
                "a head of {head} dense layers: the model has {most} outside residual blocks, so the head may have 1 to {most}"
            ),
        }
    }
}

impl std::error::Error for ArchitectureError {}
