//! The methods of the literature that `method.preset` can name.

use super::decode_error::DecodeError;
use super::problem::Source;
use super::raw::RawMethod;
use super::tree::{Node, parse_document};
use serde::Deserialize;
use std::sync::Arc;

/// A method of the literature as a layer of choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// What `method.preset` calls it.
    pub name: &'static str,
    /// The file as kept in `scenarios/methods/`.
    pub toml: &'static str,
}

/// Every preset, in the order in which `fedstill methods` lists them.
pub const PRESETS: &[Preset] = &[
    preset(
        "local-only",
        include_str!("../../../scenarios/methods/local-only.toml"),
    ),
    preset(
        "fedavg",
        include_str!("../../../scenarios/methods/fedavg.toml"),
    ),
    preset(
        "fedprox",
        include_str!("../../../scenarios/methods/fedprox.toml"),
    ),
    preset(
        "fedasync",
        include_str!("../../../scenarios/methods/fedasync.toml"),
    ),
    preset(
        "fedbuff",
        include_str!("../../../scenarios/methods/fedbuff.toml"),
    ),
    preset(
        "fedmd",
        include_str!("../../../scenarios/methods/fedmd.toml"),
    ),
    preset(
        "feddf",
        include_str!("../../../scenarios/methods/feddf.toml"),
    ),
    preset(
        "cronus",
        include_str!("../../../scenarios/methods/cronus.toml"),
    ),
    preset(
        "ds-fl",
        include_str!("../../../scenarios/methods/ds-fl.toml"),
    ),
    preset(
        "scarlet",
        include_str!("../../../scenarios/methods/scarlet.toml"),
    ),
    preset("cfd", include_str!("../../../scenarios/methods/cfd.toml")),
    preset(
        "selective-fd",
        include_str!("../../../scenarios/methods/selective-fd.toml"),
    ),
    preset(
        "kt-pfl",
        include_str!("../../../scenarios/methods/kt-pfl.toml"),
    ),
    preset(
        "comet",
        include_str!("../../../scenarios/methods/comet.toml"),
    ),
    preset("fd", include_str!("../../../scenarios/methods/fd.toml")),
    preset(
        "fedproto",
        include_str!("../../../scenarios/methods/fedproto.toml"),
    ),
    preset(
        "feddistill-plus",
        include_str!("../../../scenarios/methods/feddistill-plus.toml"),
    ),
    preset(
        "fedgh",
        include_str!("../../../scenarios/methods/fedgh.toml"),
    ),
    preset(
        "fedtgp",
        include_str!("../../../scenarios/methods/fedtgp.toml"),
    ),
];

const fn preset(name: &'static str, toml: &'static str) -> Preset {
    Preset { name, toml }
}

impl Preset {
    /// The preset of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// What it does, in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        self.about("summary")
    }

    /// The paper it follows.
    #[must_use]
    pub fn paper(&self) -> String {
        self.about("paper")
    }

    /// Its choices, with the defaults where it is silent.
    #[must_use]
    pub fn method(&self) -> RawMethod {
        let tree = self.tree();
        let method = tree.entry("method").map(|entry| &entry.node);
        let decoded = method.map_or_else(
            || Err(serde::de::Error::missing_field("method")),
            |node| -> Result<RawMethod, DecodeError> { RawMethod::deserialize(node) },
        );
        // The presets are part of the program; a test decodes each of them.
        decoded.unwrap_or_else(|error| panic!("preset `{}`: {error}", self.name))
    }

    /// What travels, by the name of its exchange.
    #[must_use]
    pub fn travels(&self) -> &'static str {
        self.method().exchange.name()
    }

    /// Whether it works on samples that everyone may see.
    #[must_use]
    pub fn needs_public_data(&self) -> bool {
        self.method().needs_public_data()
    }

    /// Whether all clients must have the same architecture.
    #[must_use]
    pub fn needs_equal_models(&self) -> bool {
        self.method().needs_equal_models()
    }

    fn about(&self, key: &str) -> String {
        self.tree()
            .at(key)
            .and_then(Node::text)
            .unwrap_or_default()
            .to_owned()
    }

    fn tree(&self) -> Node {
        let source = Arc::new(Source {
            name: format!("scenarios/methods/{}.toml", self.name),
            text: self.toml.to_owned(),
        });
        parse_document(&source)
            .unwrap_or_else(|problems| panic!("preset `{}`: {}", self.name, problems[0]))
    }

    /// The layer below the scenario file: its `[method]` table alone.
    pub(crate) fn layer(&self) -> Node {
        let mut tree = self.tree();
        if let super::tree::Value::Table(entries) = &mut tree.value {
            entries.retain(|entry| entry.key == "method");
        }
        tree
    }
}
