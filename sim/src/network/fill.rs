//! Max-min fair shares by progressive filling, over classes of flows instead of single flows.
//!
//! The allocation is the one in which every flow runs at its own cap or crosses a saturated link on
//! which no flow is faster, or, with weights, has a larger rate × weight (Bertsekas & Gallager, *Data Networks*, 2nd ed., section 6.5.2). It is
//! found in the order of the links' levels: the link with the lowest fair share fixes its flows at
//! that share, which is then taken out of the other links that they cross. A link's level follows
//! from the caps below it, λ = (capacity − Σ caps ≤ λ) / number of caps > λ, by Newton's method from
//! below; on this concave piecewise-linear function it is monotone and ends.
//!
//! Sums are integers (see `filling.rs`), and links are taken by (level, number), so the result is a
//! function of which flows there are, not of the order in which they came.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::class::{Class, Classes};
use super::filling::Filling;
use super::fixed::Rate;
use super::links::{Links, ResourceId};

/// What progressive filling finds.
#[derive(Debug, Default)]
pub(super) struct Allocation {
    pub(super) classes: Vec<Filled>,
    /// The share of each link's capacity that its flows take together; not of links without any.
    pub(super) loads: Vec<(ResourceId, f64)>,
}

/// The new level of one class and the link that sets it (`None` if none binds).
#[derive(Debug)]
pub(super) struct Filled {
    pub(super) class: u32,
    pub(super) level: Rate,
    pub(super) limiting: Option<ResourceId>,
}

/// A link while the water rises.
pub(super) struct Basin {
    pub(super) resource: ResourceId,
    /// Capacity not yet taken by fixed classes, in parts of the filling.
    pub(super) left: u128,
    pub(super) classes: Vec<u32>,
    /// Whether a class was fixed since the level was worked out.
    stale: bool,
}

/// The fair share of every class that a change on the links `touched` can affect: those connected
/// with them through links on which flows compete.
///
/// Complexity: with L links, C classes and n flows a class in those components, about
/// O(L log L + (L + Σ links of a class) · C · n / 128).
pub(super) fn fill<F: Filling>(
    links: &Links,
    classes: &Classes,
    touched: &BTreeSet<ResourceId>,
) -> Allocation {
    let (mut basins, members) = component::<F>(links, classes, touched);
    let place: BTreeMap<ResourceId, usize> = basins
        .iter()
        .enumerate()
        .map(|(i, basin)| (basin.resource, i))
        .collect();
    let mut fixed: BTreeMap<u32, Option<(F::Level, ResourceId)>> =
        members.into_iter().map(|class| (class, None)).collect();

    let mut rising: BinaryHeap<Reverse<(F::Level, usize)>> =
        BinaryHeap::with_capacity(basins.len());
    for (i, basin) in basins.iter().enumerate() {
        if let Some(level) = F::level_of(basin, classes) {
            rising.push(Reverse((level, i)));
        }
    }
    while let Some(Reverse((level, i))) = rising.pop() {
        if basins[i].stale {
            // Fixing a class elsewhere can only have raised this level: look again, in its turn.
            basins[i].stale = false;
            basins[i].classes.retain(|class| fixed[class].is_none());
            if let Some(level) = F::level_of(&basins[i], classes) {
                rising.push(Reverse((level, i)));
            }
            continue;
        }
        let resource = basins[i].resource;
        for class in std::mem::take(&mut basins[i].classes) {
            fixed.insert(class, Some((level, resource)));
            let class = &classes.slots[class];
            take::<F>(class, F::rate(level, class), &mut basins, &place);
        }
    }
    for (class, _) in fixed.iter().filter(|(_, level)| level.is_none()) {
        take::<F>(&classes.slots[*class], Rate::UNLIMITED, &mut basins, &place);
    }
    let load = |basin: &Basin| {
        let capacity = links.rate(basin.resource).0 * F::PARTS;
        let taken = capacity.saturating_sub(basin.left);
        // A link that lets nothing through has no load.
        (basin.resource, taken as f64 / capacity.max(1) as f64)
    };
    let loads = basins.iter().map(load).collect();
    let classes = fixed
        .into_iter()
        .map(|(class, fixed)| Filled {
            class,
            level: fixed.map_or(Rate::UNLIMITED, |(level, _)| {
                F::rate(level, &classes.slots[class])
            }),
            limiting: fixed.map(|(_, resource)| resource),
        })
        .collect();
    Allocation { classes, loads }
}

/// Takes what the flows of a class have at `rate` out of the links that they cross.
fn take<F: Filling>(
    class: &Class,
    rate: Rate,
    basins: &mut [Basin],
    place: &BTreeMap<ResourceId, usize>,
) {
    let (count, sum) = class.caps.up_to(rate);
    let taken = sum + (class.caps.len() - count) as u128 * rate.0;
    for crossing in &class.links {
        let basin = &mut basins[place[&crossing.resource]];
        // Below zero only by what a float rounds.
        basin.left = basin.left.saturating_sub(F::parts(*crossing) * taken);
        basin.stale = true;
    }
}

/// The links and classes that competition connects with `touched`, links ascending.
fn component<F: Filling>(
    links: &Links,
    classes: &Classes,
    touched: &BTreeSet<ResourceId>,
) -> (Vec<Basin>, BTreeSet<u32>) {
    let mut seen: BTreeSet<ResourceId> = touched.clone();
    let mut open: Vec<ResourceId> = touched.iter().copied().collect();
    let mut members: BTreeSet<u32> = BTreeSet::new();
    let mut basins = Vec::new();
    while let Some(resource) = open.pop() {
        let on_link: Vec<u32> = classes.on(resource).collect();
        for class in &on_link {
            if members.insert(*class) {
                open.extend(
                    classes.slots[*class]
                        .links
                        .iter()
                        .map(|crossing| crossing.resource)
                        .filter(|link| seen.insert(*link)),
                );
            }
        }
        if !on_link.is_empty() {
            let left = links.rate(resource).0 * F::PARTS;
            basins.push(Basin {
                resource,
                left,
                classes: on_link,
                stale: false,
            });
        }
    }
    basins.sort_by_key(|basin| basin.resource);
    (basins, members)
}
