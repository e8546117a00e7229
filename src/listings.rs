//! What can be named in a scenario: methods, models, data sets, and the schema.

use crate::Exit;
use crate::printer;
use fedstill_models::{Architecture, Dataset, architectures, sources};
use fedstill_sim::scenario::{PRESETS, Preset, schema as scenario_schema};

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

/// Lists the architectures, or shows one on the embedded digits.
pub(crate) fn models(name: Option<&str>) -> Exit {
    let Some(name) = name else {
        for architecture in architectures() {
            printer::result(format_args!(
                "{:<12} {}",
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
    let digits = Dataset::digits();
    let layout = match architecture.layout(digits.shape(), digits.n_classes()) {
        Ok(layout) => layout,
        Err(error) => {
            printer::error(error, None);
            return Exit::WrongInput;
        }
    };
    printer::result(format_args!(
        "{name} on digits ({} features, {} classes)\n",
        digits.n_features(),
        digits.n_classes()
    ));
    printer::result(format_args!(
        "{:<8} {:>8} {:>8} {:>12}",
        "layer", "inputs", "outputs", "parameters"
    ));
    for layer in layout.layers() {
        printer::result(format_args!(
            "{:<8} {:>8} {:>8} {:>12}",
            layer.text(),
            layer.input().size(),
            layer.output().size(),
            layer.parameters().len()
        ));
    }
    printer::result(format_args!(
        "\nparameters {}  bytes {}  FLOPs a sample: forward {}, backward {}",
        layout.parameter_count(),
        layout.parameter_bytes(),
        layout.forward_flops(),
        layout.backward_flops()
    ));
    Exit::Done
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
