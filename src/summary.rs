//! A run in a few lines for people, or as one JSON object.

use crate::progress::time;
use fedstill_sim::records::{NetworkSummary, RunSummary};
use std::fmt::Write;
use std::time::Duration;

/// Everything, for programs.
pub(crate) fn json(summary: &RunSummary) -> serde_json::Value {
    serde_json::to_value(summary).unwrap_or_else(|error| serde_json::json!(error.to_string()))
}

/// The same of a run of bare transfers.
pub(crate) fn network_json(summary: &NetworkSummary) -> serde_json::Value {
    serde_json::to_value(summary).unwrap_or_else(|error| serde_json::json!(error.to_string()))
}

/// Key figures, stragglers and fairness, for people.
pub(crate) fn text(summary: &RunSummary, wall: Duration) -> String {
    let mut text = Text(String::new());
    let run = &summary.run_id[..8.min(summary.run_id.len())];
    text.line(format_args!(
        "{} #{}  {}  run {run}, replication {}",
        summary.scenario, summary.number, summary.status, summary.replication
    ));
    if summary.status == "stalled" {
        text.line(format_args!(
            "  stalled: nothing was left to happen, or a simulated year passed, before the stop condition"
        ));
    }
    let count = |name: &str, scope: &str| summary.kpi(name, scope).unwrap_or(0.0);
    text.row(
        "simulated",
        format_args!(
            "{} in {} of wall time, {} clients, {} versions ({} failed)",
            time(count("run_time", "total")),
            time(wall.as_secs_f64()),
            summary.clients,
            count("versions", "total"),
            count("failed_versions", "total"),
        ),
    );
    text.accuracy(summary);
    text.row(
        "traffic",
        format_args!(
            "{} up, {} down; {} a client",
            bytes(count("up_bytes", "total")),
            bytes(count("down_bytes", "total")),
            bytes(count("up_bytes", "client_mean") + count("down_bytes", "client_mean")),
        ),
    );
    text.row(
        "compute",
        format_args!(
            "a client {} training, {} distilling, {} predicting; {:.1} kJ in all",
            flops(count("train_flops", "client_mean")),
            flops(count("distill_flops", "client_mean")),
            flops(count("infer_flops", "client_mean")),
            count("client_energy", "total") / 1e3,
        ),
    );
    text.row(
        "lost",
        format_args!(
            "{} participations dropped, {} wasted, {} for nothing",
            count("dropped_participations", "total"),
            count("wasted_participations", "total"),
            bytes(count("wasted_bytes", "total")),
        ),
    );
    text.benefit(summary);
    text.fairness(summary);
    text.stragglers(summary);
    text.line(format_args!("  tables in {}", summary.directory.display()));
    text.0
}

struct Text(String);

impl Text {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = self.0.write_fmt(line);
    }

    fn row(&mut self, name: &str, figures: std::fmt::Arguments<'_>) {
        self.line(format_args!("  {name:<11} {figures}"));
    }

    fn accuracy(&mut self, summary: &RunSummary) {
        let personal = [
            ("on the global test set", "accuracy_on_global"),
            ("on its own labels", "accuracy_on_matched"),
            ("on its own samples", "accuracy_on_own"),
        ];
        let known: Vec<String> = personal
            .into_iter()
            .filter_map(|(words, name)| {
                let value = summary.kpi(name, "personal")?;
                Some(format!("{value:.3} {words}"))
            })
            .collect();
        if !known.is_empty() {
            self.row("accuracy", format_args!("a client {}", known.join(", ")));
        }
        if let Some(value) = summary.kpi("accuracy_on_global", "global") {
            self.row("", format_args!("the aggregator's model {value:.3}"));
        }
        if let Some(at) = summary.kpi("time_to_target", "to_target") {
            self.row("target", format_args!("reached at {}", time(at)));
        }
    }

    fn benefit(&mut self, summary: &RunSummary) {
        let twins = [
            ("with as many passes", "equal_epochs_matched"),
            ("with as much time", "equal_time_matched"),
        ];
        for (words, scope) in twins {
            let Some(mean) = summary.kpi("benefit_mean", scope) else {
                continue;
            };
            let share = |name| summary.kpi(name, scope).unwrap_or(0.0) * 100.0;
            self.row(
                "benefit",
                format_args!(
                    "{mean:+.3} over learning alone {words}; {:.0} % gain, {:.0} % are harmed",
                    share("benefit_share_gaining"),
                    share("benefit_share_harmed"),
                ),
            );
        }
    }

    fn fairness(&mut self, summary: &RunSummary) {
        let Some(fairness) = &summary.fairness else {
            return;
        };
        let value =
            |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
        self.row(
            "fairness",
            format_args!(
                "worst decile {:.3}, best minus worst {}, deviation {}, Jain {} (accuracy, {})",
                fairness.worst_decile_mean,
                value(fairness.best_minus_worst),
                value(fairness.standard_deviation),
                value(fairness.jain),
                fairness.split,
            ),
        );
    }

    fn stragglers(&mut self, summary: &RunSummary) {
        if summary.worst_stragglers.is_empty() {
            return;
        }
        self.line(format_args!(
            "  stragglers  {:<16} {:>9} {:>9} {:>10} {:>10}  phase",
            "client", "waited", "last one", "slow", "longest"
        ));
        for straggler in &summary.worst_stragglers {
            self.row(
                "",
                format_args!(
                    "{:<16} {:>9} {:>8}x {:>9}x {:>10}  {}",
                    straggler.client_id,
                    time(straggler.blame_s.as_secs_f64()),
                    straggler.times_critical,
                    straggler.times_relative,
                    time(straggler.longest_s.as_secs_f64()),
                    straggler.phase.unwrap_or("-"),
                ),
            );
        }
    }
}

fn bytes(count: f64) -> String {
    scaled(count, &["B", "kB", "MB", "GB", "TB"])
}

fn flops(count: f64) -> String {
    scaled(
        count,
        &["FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP"],
    )
}

/// Three digits or so, with the largest unit below the value.
fn scaled(mut value: f64, units: &[&str]) -> String {
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1e3;
        unit += 1;
    }
    let digits = if unit == 0 || value >= 100.0 { 0 } else { 1 };
    format!("{value:.digits$} {}", units[unit])
}
