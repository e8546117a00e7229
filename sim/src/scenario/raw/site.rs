//! `[[clients]] data`: how the data of a group's sites differ from the pool's.

use super::super::spread::Spread;
use super::is_default;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the data of a group's sites differ from the pool's in more than their shares of labels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSiteData {
    /// Degrees by which a site's images are turned counterclockwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Spread>,
    /// Factor of each value's distance from the mean of its sample; 1 leaves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contrast: Option<Spread>,
    /// Added to each value of a sample, after the contrast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brightness: Option<Spread>,
    /// Standard deviation of Gaussian noise added to each value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<Spread>,
    /// Probability that a training sample has the label of another class, all being equally likely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_noise: Option<Spread>,
    /// Sites that call the classes otherwise, by a permutation drawn at random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concept_shift: Option<RawConceptShift>,
    /// Classes of which the sites have no samples: what is dealt to them is nobody's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_classes: Vec<RawName>,
    /// Classes that the sites call otherwise; two that are called the same are merged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renamed_classes: Vec<RawRenamedClass>,
    /// Features that the sites do not measure, by name or number from 0: they are 0 after scaling.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_features: Vec<RawName>,
    /// Share of features, drawn for each site, that it does not measure: they are 0 after scaling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_feature_share: Option<Spread>,
}

impl RawSiteData {
    /// Whether the sites have the pool's data as they are.
    pub(crate) fn is_plain(&self) -> bool {
        is_default(self)
    }
}

/// A class that the sites call otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRenamedClass {
    /// The class in the data.
    pub class: RawName,
    /// The class that the sites take it for.
    pub called: RawName,
}

/// Sites that call the classes otherwise, by a permutation drawn at random.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawConceptShift {
    /// Share of the group's sites, rounded to whole ones, drawn by lot.
    pub share: f64,
    /// Number of different permutations among them.
    #[serde(default = "one")]
    pub concepts: usize,
}

fn one() -> usize {
    1
}

/// A class or a feature: its name, or its number from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawName {
    /// Its number from 0.
    Number(u32),
    /// Its name in the data.
    Name(String),
}

impl RawName {
    /// Its place among `count` of these names, where it has one.
    pub(crate) fn place(&self, count: usize, names: &[String]) -> Option<u32> {
        let place = match self {
            Self::Number(number) => *number as usize,
            Self::Name(name) => names.iter().position(|known| known == name)?,
        };
        (place < count).then_some(place as u32)
    }
}

impl std::fmt::Display for RawName {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(out),
            Self::Name(name) => write!(out, "\"{name}\""),
        }
    }
}
