//! A group's `model`: a name of the library, or layers.

use fedstill_models::{Architecture, ArchitectureError, ListedLayer};
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Deserialize as Derive, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// An architecture: a name of the library, such as `mlp-64-32` or `cnn-mcmahan`, or a table with layers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RawModel {
    /// A name of the library (`fedstill models`); input and output sizes come from the data.
    Name(String),
    /// Layers of your own, or a name with a head of its own.
    Layers(RawLayers),
}

/// Layers of your own, or a name with a head of its own.
#[derive(Debug, Clone, PartialEq, Derive, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct RawLayers {
    /// What tables call the model; without `layers` the name of an architecture of the library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Layers from input to output, such as `"conv2d 32 5x5 same"`; the dense layer to the classes is added unless the list ends with a dense layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<RawLayer>>,
    /// How many dense layers at the end are the head; the rest is the extractor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<usize>,
}

/// A layer, or a residual block.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RawLayer {
    /// One layer: `dense N`, `conv2d N KxK`, `depthwise-conv2d KxK`, `conv1d N K`, `depthwise-conv1d K`, `max-pool KxK`, `average-pool KxK`, `global-average-pool`, `relu`, `gelu`, `tanh`, `flatten`, `layer-norm`, `group-norm G`, `dropout P`, `gru N`.
    Text(String),
    /// Layers whose result is added to what arrived.
    Residual(RawResidual),
}

/// Layers whose result is added to what arrived.
#[derive(Debug, Clone, PartialEq, Derive, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawResidual {
    /// The layers.
    pub residual: Vec<RawLayer>,
    /// What what arrived goes through before it is added; nothing where it is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shortcut: Vec<RawLayer>,
}

/// What is wrong with a model, whatever the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongModel {
    /// The layer's place, where one is wrong: as in [`fedstill_models::Layer::number`].
    pub layer: Option<String>,
    why: String,
}

impl fmt::Display for WrongModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl From<ArchitectureError> for WrongModel {
    fn from(error: ArchitectureError) -> Self {
        let why = error.to_string();
        let layer = match error {
            ArchitectureError::Layer { number, .. } => Some(number),
            _ => None,
        };
        Self { layer, why }
    }
}

impl RawModel {
    /// The architecture, or what is wrong with it.
    ///
    /// # Errors
    /// A sentence that names the layer, where one is wrong.
    pub fn architecture(&self) -> Result<Architecture, WrongModel> {
        let (name, layers, head) = match self {
            Self::Name(name) => (Some(name), None, None),
            Self::Layers(RawLayers { name, layers, head }) => {
                (name.as_ref(), layers.as_ref(), *head)
            }
        };
        let architecture = match (layers, name) {
            (Some(layers), _) => Architecture::from_layers(&listed(layers)),
            (None, Some(name)) => Architecture::parse(name),
            (None, None) => {
                return Err(WrongModel {
                    layer: None,
                    why: "neither `layers` nor the `name` of a known model".to_owned(),
                });
            }
        };
        let architecture = match head {
            Some(head) => architecture.and_then(|architecture| architecture.with_head(head)),
            None => architecture,
        };
        Ok(architecture?)
    }

    /// What tables call it: its name, or for a list without one a name that no other list has.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Name(name)
            | Self::Layers(RawLayers {
                name: Some(name), ..
            }) => name.clone(),
            Self::Layers(layers) => {
                let written = format!("{layers:?}");
                let digest = Sha256::digest(written.as_bytes());
                format!("layers-{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2])
            }
        }
    }
}

fn listed(layers: &[RawLayer]) -> Vec<ListedLayer> {
    let layer = |layer: &RawLayer| match layer {
        RawLayer::Text(text) => ListedLayer::Text(text.clone()),
        RawLayer::Residual(RawResidual { residual, shortcut }) => ListedLayer::Residual {
            body: listed(residual),
            shortcut: listed(shortcut),
        },
    };
    layers.iter().map(layer).collect()
}

impl fmt::Display for RawModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label())
    }
}

/// Reads a string or a table, so that an error inside the table keeps its place.
struct TextOr<T, M> {
    expected: &'static str,
    text: fn(String) -> T,
    table: fn(M) -> T,
}

impl<'de, T, M: Deserialize<'de>> Visitor<'de> for TextOr<T, M> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        Ok((self.text)(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        M::deserialize(MapAccessDeserializer::new(map)).map(self.table)
    }
}

impl<'de> Deserialize<'de> for RawModel {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextOr {
            expected: "the name of a model, such as \"mlp-64-32\", or { layers = [...] }",
            text: Self::Name,
            table: Self::Layers,
        })
    }
}

impl<'de> Deserialize<'de> for RawLayer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextOr {
            expected: "a layer, such as \"dense 64\", or { residual = [...] }",
            text: Self::Text,
            table: Self::Residual,
        })
    }
}
