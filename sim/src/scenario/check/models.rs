//! Models: layers that are understood, and that fit the data and each other.

use super::findings::Findings;
use crate::scenario::raw::{RawModel, RawScenario, RawSource};
use fedstill_models::{Dataset, Shape};

/// Data with samples of more numbers, or more classes, are refused for themselves.
const MOST_NUMBERS: usize = 1 << 31;

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
                match &why.layer {
                    Some(number) => findings.refuse(
                        &layer_path(&path, number),
                        format!("`{path}`: {why}"),
                        "expected a layer, such as `dense 64`",
                        "`docs/architectures.md` lists the layers",
                    ),
                    None => findings.refuse(
                        &path,
                        format!("`{path}`: {why}"),
                        "expected the name of a model, as in `mlp-64-32`, or { layers = [...] }",
                        "`fedstill models` lists the architectures",
                    ),
                }
                continue;
            }
        };
        // What is wrong with the data is told elsewhere; a model for them would mean nothing.
        let meant = 1..=MOST_NUMBERS;
        let Some((shape, classes)) = data
            .filter(|(shape, classes)| meant.contains(&shape.size()) && meant.contains(classes))
        else {
            continue;
        };
        if let Err(error) = architecture.layout(shape, classes) {
            let place = match &group.model {
                RawModel::Layers(layers) if layers.layers.is_some() => {
                    layer_path(&path, &error.number)
                }
                _ => path.clone(),
            };
            findings.refuse(
                &place,
                format!("`{path}` does not fit the data: {error}"),
                format!("a sample of the data has the shape {shape}"),
                "`fedstill models NAME --input SHAPE` shows a known model layer by layer",
            );
        }
    }
    one_model_a_name(raw, findings);
}

/// Where a layer stands: `2.1` is the first of the body of the block at 2, `2s1` the first of its
/// shortcut.
fn layer_path(path: &str, number: &str) -> String {
    let mut out = format!("{path}.layers");
    for part in number.split_inclusive(['.', 's']) {
        let list = part.chars().last();
        let place: usize = part.trim_end_matches(['.', 's']).parse().unwrap_or(1);
        out.push_str(&format!(".{}", place.saturating_sub(1)));
        match list {
            Some('.') => out.push_str(".residual"),
            Some('s') => out.push_str(".shortcut"),
            _ => {}
        }
    }
    out
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

pub(super) fn shape_and_classes(source: &RawSource) -> Option<(Shape, usize)> {
    let of = |dataset: &Dataset| (dataset.shape(), dataset.n_classes());
    match source {
        RawSource::Digits => Some(of(&Dataset::digits())),
        RawSource::Synthetic {
            features, classes, ..
        } => Some((Shape::Flat(*features), *classes)),
        files => Some(of(files.loaded()?.dataset()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::layer_path;

    #[test]
    fn a_layer_s_number_leads_to_its_place_in_the_file() {
        for (number, path) in [
            ("4", "m.layers.3"),
            ("2.1", "m.layers.1.residual.0"),
            ("2.3s12", "m.layers.1.residual.2.shortcut.11"),
        ] {
            assert_eq!(layer_path("m", number), path);
        }
    }
}
