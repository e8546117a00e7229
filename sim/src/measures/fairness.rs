//! Fairness of a run: how evenly accuracy, work, bytes and energy fall on clients and groups.

use super::accuracy::{Split, instants};
use super::client_totals::{ClientTotals, Figure};
use super::inequality::{Spread, standard_deviation_beyond_chance};
use crate::records::{Evaluation, RunBooks};
use crate::time::SimTime;

/// Over what a statistic is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// Over clients: all of them, or those of one group.
    Clients,
    /// Over the means of the groups.
    Groups,
}

impl Grouping {
    /// Its name in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Clients => "client",
            Self::Groups => "group",
        }
    }
}

/// The name of all clients together.
pub const ALL: &str = "all";

/// What has no model or no samples behind it says so in its key.
pub const NONE: &str = "none";

/// One figure of fairness.
#[derive(Debug, Clone, PartialEq)]
pub struct FairnessFigure {
    /// When.
    pub at: SimTime,
    /// Whose models: `personal`, or `none` where no model is involved.
    pub model_scope: &'static str,
    /// Over what the statistic is taken.
    pub grouping: Grouping,
    /// The group, or `all`.
    pub group: String,
    /// What is spread.
    pub quantity: &'static str,
    /// How its spread is measured.
    pub statistic: &'static str,
    /// On which samples, or `none`.
    pub split: &'static str,
    /// How many values.
    pub n: u64,
    /// The figure.
    pub value: f64,
}

/// All figures of a run: accuracy at every evaluation, the rest at its end.
///
/// A statistic that is undefined has no figure.
#[must_use]
pub fn fairness(books: &RunBooks, totals: &[ClientTotals]) -> Vec<FairnessFigure> {
    let groups = groups(books);
    let mut figures = Vec::new();
    for evaluation in instants(&books.evaluations) {
        for split in Split::ALL {
            let values = accuracies(evaluation, split);
            let quantity = Quantity {
                at: evaluation.at,
                model_scope: "personal",
                name: "accuracy",
                split: split.name(),
            };
            quantity.measure(&groups, &values, &mut figures);
        }
    }
    let at_end: [(&'static str, Figure); 5] = [
        ("participations", |client| client.selected as f64),
        ("merged_participations", |client| client.merged as f64),
        ("bytes", |client| {
            (client.down_bytes + client.up_bytes) as f64
        }),
        ("participation_energy_joules", |client| {
            client.participation_joules
        }),
        ("energy_joules", |client| client.joules),
    ];
    for (name, value) in at_end {
        let quantity = Quantity {
            at: books.accounts.ended_at,
            model_scope: NONE,
            name,
            split: NONE,
        };
        let values: Vec<Value> = totals
            .iter()
            .map(|client| Some((value(client), None)))
            .collect();
        quantity.measure(&groups, &values, &mut figures);
    }
    figures
}

/// The groups, by first client, with the places of their clients.
fn groups(books: &RunBooks) -> Vec<(&str, Vec<usize>)> {
    let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
    for (place, client) in books.clients.iter().enumerate() {
        match groups.iter_mut().find(|(name, _)| *name == client.group) {
            Some((_, places)) => places.push(place),
            None => groups.push((&client.group, vec![place])),
        }
    }
    groups
}

/// A client's value and, where it is a share of independent trials, their number.
type Value = Option<(f64, Option<u64>)>;

fn accuracies(evaluation: &Evaluation, split: Split) -> Vec<Value> {
    evaluation
        .clients
        .iter()
        .map(|client| {
            // Chance differs between clients only on samples of their own.
            let trials = client.own.filter(|_| split == Split::Own);
            Some((split.accuracy(client)?, trials.map(|score| score.samples)))
        })
        .collect()
}

/// What is measured, where and when.
struct Quantity {
    at: SimTime,
    model_scope: &'static str,
    name: &'static str,
    split: &'static str,
}

impl Quantity {
    fn measure(
        &self,
        groups: &[(&str, Vec<usize>)],
        values: &[Value],
        figures: &mut Vec<FairnessFigure>,
    ) {
        let everyone: Vec<(f64, Option<u64>)> = values.iter().filter_map(|v| *v).collect();
        self.spread(Grouping::Clients, ALL, &everyone, figures);
        let mut means = Vec::new();
        for (group, places) in groups {
            let members: Vec<(f64, Option<u64>)> = places
                .iter()
                .filter_map(|place| *values.get(*place)?)
                .collect();
            self.spread(Grouping::Clients, group, &members, figures);
            if let Some(spread) = Spread::of(members.iter().map(|(value, _)| *value).collect()) {
                means.push((spread.mean(), None));
            }
        }
        self.spread(Grouping::Groups, ALL, &means, figures);
    }

    fn spread(
        &self,
        grouping: Grouping,
        group: &str,
        values: &[(f64, Option<u64>)],
        figures: &mut Vec<FairnessFigure>,
    ) {
        let Some(spread) = Spread::of(values.iter().map(|(value, _)| *value).collect()) else {
            return;
        };
        let trials: Option<Vec<(f64, u64)>> = values
            .iter()
            .map(|(value, trials)| Some((*value, (*trials)?)))
            .collect();
        let statistics = [
            ("mean", Some(spread.mean())),
            ("standard_deviation", spread.standard_deviation()),
            (
                "standard_deviation_beyond_chance",
                trials.and_then(|shares| standard_deviation_beyond_chance(&shares)),
            ),
            ("worst_decile_mean", Some(spread.worst_decile_mean())),
            ("best_minus_worst", spread.best_minus_worst()),
            ("gini", spread.gini()),
            ("jain", spread.jain()),
            ("entropy", spread.entropy()),
        ];
        for (statistic, value) in statistics {
            if let Some(value) = value {
                figures.push(FairnessFigure {
                    at: self.at,
                    model_scope: self.model_scope,
                    grouping,
                    group: group.to_owned(),
                    quantity: self.name,
                    statistic,
                    split: self.split,
                    n: spread.count(),
                    value,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::specimen::{self, seconds};

    fn figures() -> Vec<FairnessFigure> {
        let books = specimen::synchronous();
        fairness(&books, &ClientTotals::of(&books))
    }

    fn value(
        figures: &[FairnessFigure],
        at: f64,
        grouping: Grouping,
        group: &str,
        key: (&str, &str, &str),
    ) -> Option<f64> {
        let (quantity, split, statistic) = key;
        let mut found = figures.iter().filter(|figure| {
            figure.at == seconds(at)
                && figure.grouping == grouping
                && figure.group == group
                && (figure.quantity, figure.split, figure.statistic) == (quantity, split, statistic)
        });
        let value = found.next().map(|figure| figure.value);
        assert!(found.next().is_none(), "keys tell figures apart");
        value
    }

    fn close(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!(
            (found - expected).abs() < 1e-12,
            "{found} instead of {expected}"
        );
    }

    #[test]
    fn accuracy_is_spread_over_clients_over_those_of_a_group_and_over_groups() {
        // At 10 s: clinics 0.8, 0.8, 0.85, the hospital 0.75.
        let figures = figures();
        let accuracy = |grouping, group, statistic| {
            value(
                &figures,
                10.0,
                grouping,
                group,
                ("accuracy", "global", statistic),
            )
        };
        close(accuracy(Grouping::Clients, "all", "mean"), 0.8);
        close(
            accuracy(Grouping::Clients, "all", "standard_deviation"),
            0.00125_f64.sqrt(),
        );
        close(
            accuracy(Grouping::Clients, "all", "worst_decile_mean"),
            0.75,
        );
        close(
            accuracy(Grouping::Clients, "clinic", "best_minus_worst"),
            0.05,
        );
        close(accuracy(Grouping::Clients, "hospital", "mean"), 0.75);
        assert_eq!(accuracy(Grouping::Clients, "hospital", "gini"), None);
        close(
            accuracy(Grouping::Groups, "all", "best_minus_worst"),
            2.45 / 3.0 - 0.75,
        );
    }

    #[test]
    fn chance_is_taken_out_only_where_samples_differ_between_clients() {
        // At 0 s: 1, 2, 3, 2 of 10 own samples. var = 0.005; chance (0.09+0.16+0.21+0.16)/40 = 0.0155.
        let figures = figures();
        let beyond = |split| {
            let key = ("accuracy", split, "standard_deviation_beyond_chance");
            value(&figures, 0.0, Grouping::Clients, "all", key)
        };
        close(beyond("own"), 0.0);
        assert_eq!(beyond("global"), None);
        assert_eq!(beyond("matched"), None);
        let key = ("accuracy", "own", "standard_deviation");
        close(
            value(&figures, 0.0, Grouping::Clients, "all", key),
            0.005_f64.sqrt(),
        );
    }

    #[test]
    fn work_bytes_and_energy_are_spread_at_the_end() {
        let figures = figures();
        let all = |quantity, statistic| {
            value(
                &figures,
                27.0,
                Grouping::Clients,
                "all",
                (quantity, "none", statistic),
            )
        };
        // Participations 3, 2, 1, 2: Jain 64/(4·18); bytes 4250, 3000, 1000, 3000.
        close(all("participations", "jain"), 64.0 / 72.0);
        close(all("bytes", "best_minus_worst"), 3250.0);
        // Joules 139, 124, 73, 92.
        close(all("energy_joules", "mean"), 428.0 / 4.0);
        close(
            all("participation_energy_joules", "worst_decile_mean"),
            10.0,
        );
        assert_eq!(all("accuracy", "mean"), None);
    }
}
