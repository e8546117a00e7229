//! What a person wants to know of a run at a glance.

use super::books::RunBooks;
use crate::device::Phase;
use crate::measures::{ALL, Grouping, Kpi, Measures, Split};
use crate::time::{SimDuration, SimTime};
use crate::world::Participation;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// How many stragglers are told.
const WORST: usize = 5;

/// A run at a glance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunSummary {
    /// Hash of the resolved scenario with its seeds.
    pub run_id: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Counts the runs of the scenario.
    pub number: u64,
    /// Counts the replications of a sweep point.
    pub replication: u32,
    /// How it ended.
    pub status: &'static str,
    /// When it ended.
    pub end_s: SimTime,
    /// Number of clients.
    pub clients: usize,
    /// Every key figure.
    pub kpis: Vec<Kpi>,
    /// The clients that held others up most, the worst first.
    pub worst_stragglers: Vec<WorstStraggler>,
    /// How evenly the final accuracy is spread; `None` without an evaluation.
    pub fairness: Option<FairnessGlance>,
    /// Where the tables are.
    pub directory: PathBuf,
}

/// A client that held others up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorstStraggler {
    /// The client.
    pub client_id: String,
    /// How often it was the last one that a version waited for.
    pub times_critical: u64,
    /// How often it took longer than the straggler factor times the median of the others.
    pub times_relative: u64,
    /// How long versions waited for it alone, in all.
    pub blame_s: SimDuration,
    /// Its longest participation.
    pub longest_s: SimDuration,
    /// The phase that made it late: the one that most of the blame falls on, or else the longest
    /// of its longest participation.
    pub phase: Option<&'static str>,
}

/// The spread of the final accuracy over all clients.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FairnessGlance {
    /// On which samples.
    pub split: &'static str,
    /// Mean over clients.
    pub mean: f64,
    /// Standard deviation; `None` of one client.
    pub standard_deviation: Option<f64>,
    /// Mean of the tenth of the clients that is worst off.
    pub worst_decile_mean: f64,
    /// Best client minus worst.
    pub best_minus_worst: Option<f64>,
    /// Jain's index.
    pub jain: Option<f64>,
}

impl RunSummary {
    /// Of a run whose records lie in `directory`.
    #[must_use]
    pub fn new(books: &RunBooks, measures: &Measures, directory: &Path) -> Self {
        Self {
            run_id: books.identity.run_id.clone(),
            scenario: books.identity.scenario.clone(),
            number: books.identity.number,
            replication: books.identity.replication,
            status: books.status.name(),
            end_s: books.accounts.ended_at,
            clients: books.clients.len(),
            kpis: measures.kpis.all().to_vec(),
            worst_stragglers: worst_stragglers(books, measures),
            fairness: [Split::Matched, Split::Global]
                .into_iter()
                .find_map(|split| fairness_glance(measures, split)),
            directory: directory.to_owned(),
        }
    }

    /// The value of a key figure, where it has one.
    #[must_use]
    pub fn kpi(&self, name: &str, scope: &str) -> Option<f64> {
        let mut kpis = self.kpis.iter();
        kpis.find(|kpi| kpi.name == name && kpi.scope == scope)?
            .value
    }
}

/// The clients with any mark, by blame, then by number of marks, then by longest participation.
fn worst_stragglers(books: &RunBooks, measures: &Measures) -> Vec<WorstStraggler> {
    let mut found: Vec<Tally> = books.clients.iter().map(|_| Tally::default()).collect();
    for (participation, mark) in books.accounts.participations.iter().zip(&measures.marks) {
        let Some(client) = books.client_place(participation.client) else {
            continue;
        };
        let tally = &mut found[client];
        tally.relative += u64::from(mark.is_relative == Some(true));
        if mark.is_critical == Some(true) {
            tally.critical += 1;
            let blame = mark.blame.unwrap_or_default();
            tally.blame += blame;
            if let Some(phase) = mark.critical_phase {
                tally.by_phase[phase as usize] += blame;
            }
        }
        let duration = participation.duration().unwrap_or_default();
        if duration > tally.longest {
            tally.longest = duration;
            tally.longest_phase = longest_phase(participation);
        }
    }
    let mut worst: Vec<(Tally, &str)> = found
        .into_iter()
        .zip(books.clients.iter().map(|client| client.name.as_str()))
        .filter(|(tally, _)| tally.critical + tally.relative > 0)
        .collect();
    // Stable: clients that are equal in all of it keep their order.
    worst.sort_by_key(|(tally, _)| {
        let marks = tally.critical + tally.relative;
        std::cmp::Reverse((tally.blame, marks, tally.longest))
    });
    worst.truncate(WORST);
    worst
        .into_iter()
        .map(|(tally, client)| WorstStraggler {
            client_id: client.to_owned(),
            times_critical: tally.critical,
            times_relative: tally.relative,
            blame_s: tally.blame,
            longest_s: tally.longest,
            phase: tally.phase().map(Phase::name),
        })
        .collect()
}

/// What is counted of one client.
#[derive(Debug, Default)]
struct Tally {
    critical: u64,
    relative: u64,
    blame: SimDuration,
    by_phase: [SimDuration; 3],
    longest: SimDuration,
    longest_phase: Option<Phase>,
}

impl Tally {
    fn phase(&self) -> Option<Phase> {
        longest_of(self.by_phase).or(self.longest_phase)
    }
}

fn longest_phase(participation: &Participation) -> Option<Phase> {
    longest_of(participation.phases.map(|span| {
        let end = span.end.or(participation.end);
        span.start
            .zip(end)
            .map_or(SimDuration::ZERO, |(start, end)| {
                end.saturating_since(start)
            })
    }))
}

/// The first phase with the greatest length, if any has one.
fn longest_of(lengths: [SimDuration; 3]) -> Option<Phase> {
    let phases = [Phase::Download, Phase::Compute, Phase::Upload];
    let (phase, length) = phases
        .into_iter()
        .zip(lengths)
        .rev()
        .max_by_key(|(_, length)| *length)?;
    (length > SimDuration::ZERO).then_some(phase)
}

fn fairness_glance(measures: &Measures, split: Split) -> Option<FairnessGlance> {
    let figures = measures.fairness.iter().filter(|figure| {
        figure.quantity == "accuracy"
            && figure.split == split.name()
            && figure.grouping == Grouping::Clients
            && figure.group == ALL
    });
    let last = figures.clone().map(|figure| figure.at).max()?;
    let value = |statistic| {
        figures
            .clone()
            .find(|figure| figure.at == last && figure.statistic == statistic)
            .map(|figure| figure.value)
    };
    Some(FairnessGlance {
        split: split.name(),
        mean: value("mean")?,
        standard_deviation: value("standard_deviation"),
        worst_decile_mean: value("worst_decile_mean")?,
        best_minus_worst: value("best_minus_worst"),
        jain: value("jain"),
    })
}

/// A few lines of text without the last line feed.
impl fmt::Display for RunSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = |name| self.kpi(name, "total").unwrap_or_default();
        writeln!(
            f,
            "{} run {} ({}): {} versions with {} clients in {:.1} s of simulated time",
            self.scenario,
            self.number,
            self.status,
            total("versions"),
            self.clients,
            self.end_s.as_secs_f64()
        )?;
        let accuracies = [
            (
                "clients on the global test set",
                "accuracy_on_global",
                "personal",
            ),
            ("on their own label mix", "accuracy_on_matched", "personal"),
            ("global model", "accuracy_on_global", "global"),
        ];
        write!(f, "  accuracy    ")?;
        let mut separator = "";
        for (whose, kpi, scope) in accuracies {
            if let Some(value) = self.kpi(kpi, scope) {
                write!(f, "{separator}{:.1} % {whose}", 100.0 * value)?;
                separator = ", ";
            }
        }
        if separator.is_empty() {
            write!(f, "never evaluated")?;
        }
        writeln!(f)?;
        self.write_target(f)?;
        writeln!(
            f,
            "  traffic     {} up, {} down; energy {:.1} kJ",
            Megabytes(total("up_bytes")),
            Megabytes(total("down_bytes")),
            total("client_energy") / 1000.0
        )?;
        writeln!(
            f,
            "  outcomes    {} participations, {} merged, {} dropped, {} wasted ({})",
            total("participations"),
            total("participations_merged"),
            total("dropped_participations"),
            total("wasted_participations"),
            Megabytes(total("wasted_bytes"))
        )?;
        if let Some(fairness) = &self.fairness {
            writeln!(
                f,
                "  fairness    accuracy ({}): mean {:.3}, worst tenth {:.3}, best minus worst {:.3}, Jain {:.3}",
                fairness.split,
                fairness.mean,
                fairness.worst_decile_mean,
                fairness.best_minus_worst.unwrap_or_default(),
                fairness.jain.unwrap_or(1.0)
            )?;
        }
        self.write_stragglers(f)?;
        write!(f, "  tables      {}", self.directory.display())
    }
}

impl RunSummary {
    fn write_target(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kpis = self.kpis.iter();
        match kpis.find(|kpi| kpi.name == "time_to_target") {
            Some(Kpi {
                value: Some(value), ..
            }) => {
                writeln!(f, "  target      reached and held from {value:.1} s on")
            }
            Some(kpi) if kpi.status == crate::measures::KpiStatus::NotReached => {
                writeln!(f, "  target      not reached")
            }
            _ => Ok(()),
        }
    }

    fn write_stragglers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.worst_stragglers.is_empty() {
            return writeln!(f, "  stragglers  none");
        }
        for (place, straggler) in self.worst_stragglers.iter().enumerate() {
            let title = if place == 0 { "stragglers" } else { "" };
            writeln!(
                f,
                "  {title:<10}  {}: last {} times, slow {} times, {:.1} s of blame, longest {:.1} s{}",
                straggler.client_id,
                straggler.times_critical,
                straggler.times_relative,
                straggler.blame_s.as_secs_f64(),
                straggler.longest_s.as_secs_f64(),
                straggler
                    .phase
                    .map(|phase| format!(", mostly {phase}"))
                    .unwrap_or_default()
            )?;
        }
        Ok(())
    }
}

/// Bytes in units of 10⁶.
struct Megabytes(f64);

impl fmt::Display for Megabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} MB", self.0 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::specimen;

    #[test]
    fn the_worst_straggler_is_the_one_with_most_blame() {
        let books = specimen::synchronous();
        let measures = Measures::of(&books);
        let summary = RunSummary::new(&books, &measures, Path::new("runs/specimen/3-01234567"));
        let told: Vec<(&str, u64, String, Option<&str>)> = summary
            .worst_stragglers
            .iter()
            .map(|s| {
                (
                    s.client_id.as_str(),
                    s.times_critical,
                    s.blame_s.to_string(),
                    s.phase,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("hospital-0", 1, "5".to_owned(), Some("upload")),
                ("clinic-1", 1, "1".to_owned(), Some("compute")),
            ]
        );
        let fairness = summary.fairness.as_ref().unwrap();
        assert_eq!(fairness.split, "matched");
        assert_eq!(fairness.worst_decile_mean, 0.6);
        assert!((fairness.best_minus_worst.unwrap() - 0.4).abs() < 1e-12);
        let text = summary.to_string();
        for part in [
            "specimen run 3 (completed): 2 versions with 4 clients in 27.0 s",
            "80.0 % clients on the global test set",
            "reached and held from 10.0 s on",
            "hospital-0: last 1 times",
            "runs/specimen/3-01234567",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }
}
