//! The progress bar on standard error.

use fedstill_sim::federation::Progress;
use fedstill_sim::scenario::Scenario;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar over one run.
pub(crate) struct RunBar {
    bar: ProgressBar,
    versions: Option<u64>,
    seconds: Option<f64>,
}

/// Steps of a bar; a run's progress is a share of it.
const STEPS: u64 = 1000;

impl RunBar {
    /// A bar for a run, `name` being its place in the batch; drawn only if `visible`.
    pub(crate) fn new(name: &str, scenario: &Scenario, visible: bool) -> Self {
        let target = if visible {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(STEPS), target);
        let style =
            ProgressStyle::with_template("{prefix} [{bar:24}] {percent:>3}%  {msg}  {eta} left")
                .expect("the template is a constant")
                .progress_chars("=> ");
        bar.set_style(style);
        bar.set_prefix(name.to_owned());
        Self {
            bar,
            versions: scenario.stop.versions,
            seconds: scenario.stop.time.map(|time| time.seconds()),
        }
    }

    /// Shows how far the run has come.
    pub(crate) fn show(&self, progress: &Progress) {
        let of_versions = self
            .versions
            .map(|versions| progress.version as f64 / versions as f64);
        let of_time = self
            .seconds
            .map(|seconds| progress.now.as_secs_f64() / seconds);
        // Whichever limit is nearer ends the run.
        let share = of_versions.unwrap_or(0.0).max(of_time.unwrap_or(0.0));
        self.bar.set_position((share * STEPS as f64) as u64);
        let accuracy = progress.accuracy.map_or(String::new(), |accuracy| {
            format!("  accuracy {accuracy:.3}")
        });
        self.bar.set_message(format!(
            "simulated {}  version {}{accuracy}",
            time(progress.now.as_secs_f64()),
            progress.version
        ));
    }

    /// Takes the bar away.
    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }
}

/// A length of time for people.
pub(crate) fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.0} µs", s * 1e6),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7200.0 => format!("{:.1} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} d", s / 86_400.0),
    }
}
