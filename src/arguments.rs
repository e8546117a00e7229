//! The command line.

use clap::{Args, Parser, Subcommand};
use fedstill_models::Shape;
use fedstill_sim::scenario::Overrides;
use std::path::PathBuf;

/// Simulates federated distillation on heterogeneous systems.
///
/// Every client trains a real model on real data; time, network and devices are simulated.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit status: 0 done, 1 a run failed, 2 the input was wrong."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Simulate scenarios and write their tables.
    Run(Run),
    /// Check scenarios and say what would run, and what it costs.
    Check(Check),
    /// List the methods of the literature that a scenario can name, or explain one.
    Methods {
        /// One of them.
        name: Option<String>,
    },
    /// List the devices that a scenario can name, or show one with the sources of its figures.
    Devices {
        /// One of them, such as raspberry-pi-4.
        name: Option<String>,
    },
    /// List the architectures, or show one layer by layer.
    Models(Models),
    /// Measure how many FLOP/s this machine reaches, to put it into a scenario as a device.
    Calibrate(Calibrate),
    /// List the data sets.
    Datasets,
    /// Print the JSON schema of scenario files.
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct Models {
    /// One of them, such as mlp-64-32.
    pub(crate) name: Option<String>,
    /// Shape of the data: features, time x channels, or channels x height x width.
    #[arg(long, value_name = "SHAPE", default_value = "1x8x8")]
    pub(crate) input: Shape,
    /// Number of classes.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) classes: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Calibrate {
    /// Architectures; without any, those that fit the data.
    #[arg(value_name = "MODEL")]
    pub(crate) names: Vec<String>,
    /// Shape of the data: features, time x channels, or channels x height x width.
    #[arg(long, value_name = "SHAPE", default_value = "1x28x28")]
    pub(crate) input: Shape,
    /// Number of classes.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) classes: u32,
    /// Samples of a mini-batch.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) batch: u32,
    /// Seconds spent on each architecture.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) seconds: f64,
}

/// Which scenarios, and what is changed in them.
#[derive(Debug, Args)]
pub(crate) struct Scenarios {
    /// Scenario files.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Replace the scenarios' seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Replace the scenarios' number of replications.
    #[arg(long)]
    replications: Option<u32>,
    /// Set a key, as in `--set clients.0.count=5` or `--set 'method.preset="fd"'`.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Scenarios {
    pub(crate) fn overrides(&self) -> Overrides {
        Overrides {
            sets: self.set.clone(),
            seed: self.seed,
            replications: self.replications,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) scenarios: Scenarios,
    /// Folder for the runs.
    #[arg(long, default_value = "runs", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Threads that compute; the tables do not depend on it [default: one per core].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
    /// Print nothing but errors.
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Print one JSON object a run instead of a summary for people.
    #[arg(long)]
    pub(crate) json: bool,
    /// Also write trace.json, which Perfetto (ui.perfetto.dev) opens, and events.csv.
    #[arg(long)]
    pub(crate) trace: bool,
    /// Run again what is already there, and replace it.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) scenarios: Scenarios,
    /// Print one JSON object a run instead of a summary for people.
    #[arg(long)]
    pub(crate) json: bool,
}
