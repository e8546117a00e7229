//! `fedstill calibrate`: how fast this machine trains, as a device of a scenario.
//!
//! The only command whose result depends on the wall clock: nothing here reaches a simulation
//! but by way of a line that a person pastes into a scenario.

use crate::Exit;
use crate::arguments::Calibrate;
use crate::printer;
use fedstill_models::{Architecture, Layout, Loss, Optimizer, Trainer, architectures};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Trains each architecture for a while on this thread, and prints its effective FLOP/s.
pub(crate) fn calibrate(arguments: &Calibrate) -> Exit {
    if !(arguments.seconds.is_finite() && (0.0..=3600.0).contains(&arguments.seconds)) {
        printer::error(
            format_args!("--seconds {} is no time to measure for", arguments.seconds),
            Some("1 gives a fair figure; up to 3600 are possible"),
        );
        return Exit::WrongInput;
    }
    let named = !arguments.names.is_empty();
    let names: Vec<&str> = match named {
        true => arguments.names.iter().map(String::as_str).collect(),
        false => architectures().iter().map(|known| known.example).collect(),
    };
    let mut chosen = Vec::new();
    for name in names {
        match layout(name, arguments) {
            Ok(layout) => chosen.push((name, layout)),
            // Of all architectures, those are measured that the data allow.
            Err(_) if !named => {}
            Err(error) => {
                printer::error(error, Some("`--input SHAPE` says what the data look like"));
                return Exit::WrongInput;
            }
        }
    }
    printer::result(format_args!(
        "one core, {} of {} classes, batches of {}, plain SGD; FLOPs as `fedstill models` counts them\n",
        arguments.input, arguments.classes, arguments.batch
    ));
    for (name, layout) in chosen {
        match measure(Arc::new(layout), arguments) {
            Some((step, speed)) => printer::result(format_args!(
                "{name:<14} {:>10.1} us a step   device = {{ speed = \"{} GFLOP/s\" }}",
                step * 1e6,
                significant(speed / 1e9)
            )),
            None => printer::error(
                format_args!("{name}: training left the finite numbers"),
                None,
            ),
        }
    }
    Exit::Done
}

fn layout(name: &str, arguments: &Calibrate) -> Result<Layout, String> {
    let architecture = Architecture::parse(name).map_err(|error| error.to_string())?;
    architecture
        .layout(arguments.input, arguments.classes as usize)
        .map_err(|error| format!("{name}: {error}"))
}

/// Seconds of the median step, and FLOP/s.
fn measure(layout: Arc<Layout>, arguments: &Calibrate) -> Option<(f64, f64)> {
    let batch = arguments.batch as usize;
    let values = batch * layout.n_features();
    let x: Vec<f32> = (0..values)
        .map(|place| ((place * 7919 + 13) % 1000) as f32 / 1000.0)
        .collect();
    let labels: Vec<u32> = (0..arguments.batch)
        .map(|sample| sample % arguments.classes)
        .collect();
    let parameters = layout.initial_parameters(1);
    let optimizer = Optimizer::sgd(1e-4);
    let mut trainer = Trainer::new(Arc::clone(&layout), &parameters, &optimizer, None, 0).ok()?;
    let mut step = || {
        let labels = &labels;
        trainer.step(&x, &[Loss::CrossEntropy { labels }.into()])
    };
    // The first step takes memory, the next ones warm the caches.
    for _ in 0..3 {
        step().ok()?;
    }
    let began = wall_clock();
    let mut times = Vec::new();
    // So many steps a reading that the clock's grain does not matter.
    let first = wall_clock();
    step().ok()?;
    let steps = (Duration::from_millis(2).as_secs_f64() / since(first).max(1e-7)).ceil() as u32;
    while times.len() < 3 || since(began) < arguments.seconds {
        let start = wall_clock();
        for _ in 0..steps.max(1) {
            step().ok()?;
        }
        times.push(since(start) / f64::from(steps.max(1)));
    }
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    Some((
        median,
        layout.train_flops(u64::from(arguments.batch)) as f64 / median,
    ))
}

/// Three digits that mean something.
fn significant(value: f64) -> String {
    let digits = 2 - value.abs().max(1e-9).log10().floor() as i32;
    format!("{value:.*}", digits.clamp(0, 6) as usize)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a machine is measured with the wall clock, and only for a person to read"
)]
fn wall_clock() -> SystemTime {
    SystemTime::now()
}

fn since(started: SystemTime) -> f64 {
    wall_clock()
        .duration_since(started)
        .unwrap_or_default()
        .as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::significant;

    #[test]
    fn three_digits_are_kept() {
        for (value, text) in [
            (123.456, "123"),
            (12.3456, "12.3"),
            (1.23456, "1.23"),
            (0.123456, "0.123"),
            (4567.0, "4567"),
        ] {
            assert_eq!(significant(value), text);
        }
    }
}
