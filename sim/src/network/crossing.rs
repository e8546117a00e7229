//! How much of its rate a flow takes on each link, and how large its share is beside others'.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fixed::Rate;
use super::links::ResourceId;

/// Parts in which the rate of a flow is counted on a link.
pub(super) const WHOLE: u32 = 20;
/// The part for acknowledgements on the way back: 0.05 of the rate.
const BACK: u32 = 1;

/// One link that a flow crosses, on its way, on the way back, or on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Crossing {
    pub(super) resource: ResourceId,
    /// What the flow takes here of its rate, in parts of [`WHOLE`].
    pub(super) parts: u32,
}

impl Crossing {
    /// The links of a route and of its way back, each once, ascending.
    pub(super) fn all(route: &[ResourceId], back: &[ResourceId]) -> Arc<[Crossing]> {
        let whole = |resource: &ResourceId| Crossing {
            resource: *resource,
            parts: WHOLE,
        };
        if back.is_empty() {
            if route.is_sorted_by(|a, b| a < b) {
                return route.iter().map(whole).collect();
            }
            let mut crossings: Vec<Crossing> = route.iter().map(whole).collect();
            crossings.sort_unstable();
            crossings.dedup();
            return crossings.into();
        }
        let mut parts: BTreeMap<ResourceId, u32> =
            route.iter().map(|link| (*link, WHOLE)).collect();
        for link in back {
            let parts = parts.entry(*link).or_default();
            if matches!(*parts, 0 | WHOLE) {
                *parts += BACK;
            }
        }
        parts
            .into_iter()
            .map(|(resource, parts)| Crossing { resource, parts })
            .collect()
    }

    /// Whether the bytes themselves come this way, and not only acknowledgements.
    pub(super) const fn carries_payload(self) -> bool {
        self.parts >= WHOLE
    }

    /// What the flow takes here of its rate.
    pub(super) fn part(self) -> f64 {
        f64::from(self.parts) / f64::from(WHOLE)
    }

    /// The rate of a flow that takes all of a link of this capacity.
    pub(super) fn rate_alone(self, capacity: Rate) -> Rate {
        if self.parts == WHOLE {
            return capacity;
        }
        Rate(capacity.0 * u128::from(WHOLE) / u128::from(self.parts))
    }
}

/// What one flow gets of a link beside others: 1 / w, in units of 2⁻⁶⁰ / s.
///
/// A whole number, so that sums of shares do not depend on the order of the flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Share(pub(super) u128);

impl Share {
    /// The share of a flow of weight `seconds`, from 10⁻⁹ on.
    pub(super) fn of_weight(seconds: f64) -> Share {
        let unit = (1_u64 << 60) as f64;
        Share(((unit / seconds).round() as u128).max(1))
    }
}
