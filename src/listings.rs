//! What can be named in a scenario: methods, devices, models, data sets, and the schema.

use crate::Exit;
use crate::arguments::Models;
use crate::printer;
use fedstill_models::{Architecture, Layout, architectures, sources};
use fedstill_sim::scenario::{
    DEVICE_CLASSES, DeviceClass, PRESETS, Preset, Sampled, schema as scenario_schema,
};
use std::fmt::Write as _;

/// Lists the presets, or explains one.
pub(crate) fn methods(name: Option<&str>) -> Exit {
    let Some(name) = name else {
        printer::result(format_args!(
            "{:<12} {:<14} {:<12} {:<12} what it does",
            "method", "travels", "public data", "equal models"
        ));
        for preset in PRESETS {
            printer::result(format_args!(
                "{:<12} {:<14} {:<12} {:<12} {}",
                preset.name,
                preset.travels(),
                yes_or_no(preset.needs_public_data()),
                yes_or_no(preset.needs_equal_models()),
                preset.summary()
            ));
        }
        return Exit::Done;
    };
    let Some(preset) = Preset::find(name) else {
        let known: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
        let known = format!("known: {}", known.join(", "));
        printer::error(format_args!("no method is called `{name}`"), Some(&known));
        return Exit::WrongInput;
    };
    printer::result(format_args!(
        "{}\n  {}\n  paper: {}\n\n{}",
        preset.name,
        preset.summary(),
        preset.paper(),
        preset.toml.trim_end()
    ));
    Exit::Done
}

fn yes_or_no(needed: bool) -> &'static str {
    if needed { "yes" } else { "no" }
}

/// Lists the classes of devices, or shows one.
pub(crate) fn devices(name: Option<&str>) -> Exit {
    let Some(name) = name else {
        printer::result(format_args!(
            "{:<20} {:>14} {:>6} {:>10} {:>8} {:>8}  what it is",
            "device", "a core", "cores", "memory", "idle", "busy"
        ));
        for class in DEVICE_CLASSES {
            let device = class.device();
            let power = device.power.clone().unwrap_or_default();
            printer::result(format_args!(
                "{:<20} {:>14} {:>6} {:>10} {:>8} {:>8}  {}",
                class.name,
                constant(device.speed.as_ref()),
                device.cores,
                constant(device.memory.as_ref()),
                power.idle.to_string(),
                power.busy.to_string(),
                class.summary()
            ));
        }
        return Exit::Done;
    };
    let Some(class) = DeviceClass::find(name) else {
        let known: Vec<_> = DEVICE_CLASSES.iter().map(|class| class.name).collect();
        let known = format!("known: {}", known.join(", "));
        printer::error(
            format_args!("no device class is called `{name}`"),
            Some(&known),
        );
        return Exit::WrongInput;
    };
    printer::result(format_args!("{}\n\n{}", class.name, class.toml.trim_end()));
    Exit::Done
}

fn constant<Q: std::fmt::Display>(value: Option<&Sampled<Q>>) -> String {
    match value {
        Some(Sampled::Constant(value)) => value.to_string(),
        Some(_) => "drawn".to_owned(),
        None => "no limit".to_owned(),
    }
}

/// Lists the architectures, or shows one layer by layer.
pub(crate) fn models(arguments: &Models) -> Exit {
    let Some(name) = &arguments.name else {
        for architecture in architectures() {
            printer::result(format_args!(
                "{:<14} {}",
                architecture.example, architecture.description
            ));
        }
        return Exit::Done;
    };
    let architecture = match Architecture::parse(name) {
        Ok(architecture) => architecture,
        Err(error) => {
            printer::error(error, None);
            return Exit::WrongInput;
        }
    };
    let layout = match architecture.layout(arguments.input, arguments.classes as usize) {
        Ok(layout) => layout,
        Err(error) => {
            printer::error(error, Some("`--input SHAPE` says what the data look like"));
            return Exit::WrongInput;
        }
    };
    printer::result(layers(name, &layout));
    Exit::Done
}

/// What each layer of a model does, holds and costs.
fn layers(name: &str, layout: &Layout) -> String {
    let texts = layout.layers().iter().map(|layer| layer.text().len());
    let width = texts.max().unwrap_or(0).max("layer".len());
    let mut out = format!(
        "{name} on {} ({} features), {} classes\n\n{:<6} {:<width$} {:>12} {:>12} {:>12} {:>12} {:>14} {:>14} {:>12}\n",
        layout.input(),
        layout.n_features(),
        layout.n_classes(),
        "",
        "layer",
        "input",
        "output",
        "parameters",
        "bytes",
        "forward FLOPs",
        "backward FLOPs",
        "kept bytes",
    );
    for layer in layout.layers() {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{:<6} {:<width$} {:>12} {:>12} {:>12} {:>12} {:>14} {:>14} {:>12}",
            layer.number(),
            layer.text(),
            layer.input().to_string(),
            layer.output().to_string(),
            layer.parameters().len(),
            layer.parameter_bytes(),
            layer.forward_flops(),
            layer.backward_flops(),
            layer.activation_bytes(),
        );
    }
    if layout.residual_sums() > 0 {
        let sums = layout.residual_sums();
        let _ = writeln!(
            out,
            "{:<6} {:<width$} {:>12} {:>12} {:>12} {:>12} {:>14} {:>14} {:>12}",
            "",
            "sums of residual blocks",
            "",
            "",
            0,
            0,
            sums,
            2 * sums,
            4 * sums,
        );
    }
    let _ = write!(
        out,
        "\nparameters {}  bytes {}  FLOPs a sample: forward {}, backward {}\nhead: the last {} parameters, on {} features  kept for the backward pass: {} bytes a sample",
        layout.parameter_count(),
        layout.parameter_bytes(),
        layout.forward_flops(),
        layout.backward_flops(),
        layout.head().len(),
        layout.feature_width(),
        layout.activation_bytes(1),
    );
    out
}

/// Lists the data sets.
pub(crate) fn datasets() -> Exit {
    for source in sources() {
        printer::result(format_args!(
            "{:<10} {}\n{:<10} {}",
            source.name, source.description, "", source.origin
        ));
    }
    Exit::Done
}

/// Prints the schema.
pub(crate) fn schema() -> Exit {
    printer::result(scenario_schema().trim_end());
    Exit::Done
}
