//! The partition that the data themselves tell: one client a writer, a hospital, a device.

use std::collections::BTreeMap;

use rand::Rng;
use rand::seq::index;

use super::PartitionError;

/// One group for each client; where there are more, those are drawn and stay in their order.
pub(super) fn deal(
    groups: Option<&[u32]>,
    clients: usize,
    min_samples: usize,
    draw: &mut impl Rng,
) -> Result<Vec<Vec<u32>>, PartitionError> {
    let groups = groups.ok_or(PartitionError::NoGroups)?;
    let mut held: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (sample, &group) in groups.iter().enumerate() {
        held.entry(group).or_default().push(sample as u32);
    }
    held.retain(|_, samples| samples.len() >= min_samples);
    if held.len() < clients {
        return Err(PartitionError::TooFewGroups {
            groups: held.len(),
            clients,
            min_samples,
        });
    }
    let mut chosen = index::sample(draw, held.len(), clients).into_vec();
    chosen.sort_unstable();
    let mut all: Vec<Vec<u32>> = held.into_values().collect();
    Ok(chosen
        .into_iter()
        .map(|group| std::mem::take(&mut all[group]))
        .collect())
}
