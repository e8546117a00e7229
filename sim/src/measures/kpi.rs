//! One key figure of a run, and how it came about.

use serde::Serialize;
use std::borrow::Cow;

/// Whether a key figure has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KpiStatus {
    /// It has.
    Ok,
    /// The target was not reached: the value is censored at the end of the run, and empty.
    NotReached,
    /// Nothing to measure it by: no such model, no price, no twin, no target, nobody.
    Undefined,
}

impl KpiStatus {
    /// Its name in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotReached => "not_reached",
            Self::Undefined => "undefined",
        }
    }
}

/// One key figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kpi {
    /// What is measured.
    pub name: Cow<'static, str>,
    /// Of what: `total`, `client_mean`, `to_target`, a kind of model or of twin.
    pub scope: &'static str,
    /// The unit of the value.
    pub unit: Cow<'static, str>,
    /// The value, where the status is [`KpiStatus::Ok`].
    pub value: Option<f64>,
    /// Whether there is a value.
    pub status: KpiStatus,
}

/// Key figures in the order in which they are added.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kpis(Vec<Kpi>);

impl Kpis {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Kpi] {
        &self.0
    }

    /// One by name and scope.
    #[must_use]
    pub fn get(&self, name: &str, scope: &str) -> Option<&Kpi> {
        self.0
            .iter()
            .find(|kpi| kpi.name == name && kpi.scope == scope)
    }

    /// The value of one, where it has any.
    #[must_use]
    pub fn value(&self, name: &str, scope: &str) -> Option<f64> {
        self.get(name, scope)?.value
    }

    /// Adds one that is undefined where there is no (finite) value.
    pub(super) fn add(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        scope: &'static str,
        unit: impl Into<Cow<'static, str>>,
        value: impl Into<Option<f64>>,
    ) {
        let value = value.into().filter(|value| value.is_finite());
        let status = match value {
            Some(_) => KpiStatus::Ok,
            None => KpiStatus::Undefined,
        };
        self.push(name.into(), scope, unit.into(), value, status);
    }

    /// Adds one that waits for a target that was not reached.
    pub(super) fn add_not_reached(
        &mut self,
        name: &'static str,
        scope: &'static str,
        unit: &'static str,
    ) {
        self.push(name.into(), scope, unit.into(), None, KpiStatus::NotReached);
    }

    fn push(
        &mut self,
        name: Cow<'static, str>,
        scope: &'static str,
        unit: Cow<'static, str>,
        value: Option<f64>,
        status: KpiStatus,
    ) {
        self.0.push(Kpi {
            name,
            scope,
            unit,
            value,
            status,
        });
    }
}
