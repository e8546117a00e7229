//! Models: layers that are understood, and that fit the data and each other.

use super::findings::Findings;
use crate::scenario::raw::{RawModel, RawScenario, RawSource};
use fedstill_models::{Dataset, Shape};

/// Checks every group's model; its shapes where the data could be read.
pub(super) fn check(raw: &RawScenario, findings: &mut Findings<'_>) {
    let data = shape_and_classes(&raw.data.source);
    for (index, group) in raw.clients.iter().enumerate() {
        let path = format!("clients.{index}.model");
        if let RawModel::Layers(layers) = &group.model
            && layers.layers.is_some()
            && let Some(name) = &layers.name
        {
            super::clients::name(&format!("{path}.name"), "model", name, findings);
        }
        let architecture = match group.model.architecture() {
            Ok(architecture) => architecture,
            Err(why) => {
                findings.refuse(
                    &path,
                    format!("`{path}`: {why}"),
                    "expected the name of a model, as in `mlp-64-32`, or { layers = [...] }",
                    "`fedstill models` lists the architectures",
                );
                continue;
            }
        };
        let Some((shape, classes)) = data.filter(|(shape, classes)| shape.size() * classes > 0)
        else {
            continue;
        };
        if let Err(error) = architecture.layout(shape, classes) {
            findings.refuse(
                &path,
                format!("`{path}` does not fit the data: {error}"),
                format!("a sample of the data has the shape {shape}"),
                "`fedstill models NAME --input SHAPE` shows a model layer by layer",
            );
        }
    }
    one_model_a_name(raw, findings);
}

/// Tables tell models by their names, so one name is one model.
fn one_model_a_name(raw: &RawScenario, findings: &mut Findings<'_>) {
    for (index, group) in raw.clients.iter().enumerate() {
        let same_name = |other: &&crate::scenario::raw::RawClientGroup| {
            other.model.label() == group.model.label()
                && other.model.architecture() != group.model.architecture()
        };
        if let Some(first) = raw.clients[..index].iter().find(same_name) {
            let path = format!("clients.{index}.model");
            findings.refuse(
                &path,
                format!(
                    "groups `{}` and `{}` call different models `{}`",
                    first.name,
                    group.name,
                    group.model.label()
                ),
                "expected another `name`",
                "tables tell models apart by their names; give each list of layers its own",
            );
        }
    }
}

fn shape_and_classes(source: &RawSource) -> Option<(Shape, usize)> {
    let of = |dataset: &Dataset| (dataset.shape(), dataset.n_classes());
    match source {
        RawSource::Digits => Some(of(&Dataset::digits())),
        RawSource::Synthetic {
            features, classes, ..
        } => Some((Shape::Flat(*features), *classes)),
        files => Some(of(files.loaded()?.dataset()?)),
    }
}
