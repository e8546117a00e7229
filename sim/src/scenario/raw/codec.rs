//! `codec`: how knowledge becomes bytes, one stage or several in order.

use super::is_default;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fmt;

/// One stage, `"f16"`, or several in order, `["delta", { kind = "top-k", share = 0.01 }, "entropy"]`.
#[derive(Debug, Clone, PartialEq)]
pub struct RawCodec(Vec<RawCodecStage>);

impl RawCodec {
    /// Whether rows are decoded as probabilities, whatever they were.
    #[must_use]
    pub fn makes_labels(&self) -> bool {
        let label = |stage: &RawCodecStage| {
            matches!(
                stage,
                RawCodecStage::HardLabels { .. } | RawCodecStage::SoftLabels { .. }
            )
        };
        self.0.iter().any(label)
    }

    /// In the order given; may be empty, which a check refuses.
    #[must_use]
    pub fn stages(&self) -> &[RawCodecStage] {
        &self.0
    }
}

impl From<Vec<RawCodecStage>> for RawCodec {
    fn from(stages: Vec<RawCodecStage>) -> Self {
        Self(stages)
    }
}

impl Default for RawCodec {
    fn default() -> Self {
        Self(vec![RawCodecStage::F32])
    }
}

/// A stage between values and bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawCodecStage {
    /// Rows of zeros, such as the prototype of a class that the client does not have, are not sent: a bit a row says which are held.
    Rows,
    /// The difference to what was last sent and arrived; of labels those that changed.
    Delta,
    /// The values of largest magnitude; the others are decoded as 0.
    TopK {
        /// Their share of all values; give this or `count`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        share: Option<f64>,
        /// How many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<usize>,
        /// Add to the next values what was not sent of these; after `delta` the difference holds it anyway.
        #[serde(default = "yes")]
        feedback: bool,
    },
    /// 4 bytes a value, exactly.
    F32,
    /// 2 bytes a value: 5 bits of exponent, 11 of precision (IEEE 754 binary16).
    F16,
    /// 2 bytes a value: the exponent of f32, 8 bits of precision (bfloat16).
    Bf16,
    /// The nearest of 2^bits evenly spaced values between the least and the greatest.
    Uniform {
        /// Bits a value, 1 to 16; 32 is `f32`.
        #[serde(default = "eight")]
        bits: u32,
        /// To which neighbour a value between two steps goes.
        #[serde(default)]
        rounding: RawRounding,
        /// Which values share a least and a greatest.
        #[serde(default, skip_serializing_if = "is_default")]
        per: RawScaleGroup,
    },
    /// The sign of a value; its size is the mean magnitude.
    OneBit {
        /// Add to the next values what was lost of these; after `delta` the difference holds it anyway.
        #[serde(default = "yes")]
        feedback: bool,
        /// Which values share a mean magnitude.
        #[serde(default, skip_serializing_if = "is_default")]
        per: RawScaleGroup,
    },
    /// The class of the greatest value of each row, decoded as probability 1.
    HardLabels {
        /// How many bits a label fills.
        #[serde(default, skip_serializing_if = "is_default")]
        pad: RawLabelPad,
    },
    /// Of each row of probabilities the nearest whose entries are multiples of 1/(2^bits − 1) and sum to 1 (CFD).
    SoftLabels {
        /// Bits a class, 1 to 16.
        #[serde(default = "eight")]
        bits: u32,
    },
    /// What the stages before it wrote, range coded without loss.
    Entropy,
}

impl RawCodecStage {
    /// Its name in scenarios.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Delta => "delta",
            Self::TopK { .. } => "top-k",
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Uniform { .. } => "uniform",
            Self::OneBit { .. } => "one-bit",
            Self::HardLabels { .. } => "hard-labels",
            Self::SoftLabels { .. } => "soft-labels",
            Self::Entropy => "entropy",
        }
    }
}

/// To which neighbour a value between two steps goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawRounding {
    /// By chance, so that the mean over draws is the value itself.
    #[default]
    Stochastic,
    /// To the nearer one.
    Nearest,
}

/// Which values share a range or a scale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawScaleGroup {
    /// All that travel together.
    #[default]
    All,
    /// Those of one row: of a sample, or of a class.
    Row,
    /// So many in a row of the order of the values; suits parameters.
    Bucket {
        /// Values.
        size: usize,
    },
}

/// How many bits a label fills.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawLabelPad {
    /// As many as tell the classes apart: ⌈log2 C⌉.
    #[default]
    Bits,
    /// Whole bytes: 1 for up to 256 classes.
    Bytes,
}

fn yes() -> bool {
    true
}

fn eight() -> u32 {
    8
}

impl Serialize for RawCodec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [only] => only.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for RawCodec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Asks the scenario's decoder for one or several.
        deserializer.deserialize_tuple_struct("RawCodec", 1, Stages)
    }
}

struct Stages;

impl<'de> Visitor<'de> for Stages {
    type Value = RawCodec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stage, such as \"f16\", or a list of stages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut stages: A) -> Result<RawCodec, A::Error> {
        let mut found = Vec::new();
        while let Some(stage) = stages.next_element()? {
            found.push(stage);
        }
        Ok(RawCodec(found))
    }
}

impl JsonSchema for RawCodec {
    fn schema_name() -> Cow<'static, str> {
        "RawCodec".into()
    }

    /// The stage's own variants stand here too, so that a codec of one stage is a
    /// choice like any other when layers are merged.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<RawCodecStage>();
        let mut forms = match RawCodecStage::json_schema(generator).get("oneOf") {
            Some(Value::Array(variants)) => variants.clone(),
            _ => Vec::new(),
        };
        let names: Vec<Value> = forms
            .iter()
            .filter_map(|form| form.pointer("/properties/kind/const").cloned())
            .collect();
        forms.push(json!({ "type": "string", "enum": names }));
        forms.push(json!({ "type": "array", "minItems": 1 }));
        json_schema!({
            "description": "How knowledge becomes bytes: one stage, or several in order.",
            "anyOf": forms,
            "items": item,
            "examples": ["f16", ["delta", { "kind": "top-k", "share": 0.01 }, "entropy"]],
        })
    }
}
