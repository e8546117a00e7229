//! A cache of what was found for public samples (SCARLET, Azuma et al. 2025, section III): for so
//! many versions both ends go by it. Clients do not predict such a sample again, and a child is not
//! sent again what it has.
//!
//! A child has what it was sent with a version once a contribution that started from that version
//! has been folded; what was sent to no avail is sent again.

use super::{Exchange, Folded, Held, Kept, Mixing};
use crate::federation::deployment::Deployment;
use crate::federation::knowledge::{Form, Piece};
use crate::federation::parcel::is_held;
use crate::kernel::{ActorId, JobOutput};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Samples that a scalar tells about: whole numbers of so many bits are exact in f32.
const SAMPLES_A_SCALAR: usize = 24;

/// The form of what a child is sent: rows that it does not have, and for each sample of the next
/// list whether it need not be predicted.
pub(super) fn form(rows: usize, width: usize) -> Form {
    Form::held_rows(rows, width).and_scalars(rows.div_ceil(SAMPLES_A_SCALAR))
}

fn to_scalars(flags: &[bool]) -> Vec<f32> {
    let scalar = |flags: &[bool]| {
        let bits = (0..).zip(flags);
        bits.fold(0u32, |bits, (place, flag)| bits | u32::from(*flag) << place) as f32
    };
    flags.chunks(SAMPLES_A_SCALAR).map(scalar).collect()
}

fn from_scalars(scalars: &[f32], flags: usize) -> Vec<bool> {
    let flag = |place: usize| {
        let bits = scalars[place / SAMPLES_A_SCALAR] as u32;
        bits >> (place % SAMPLES_A_SCALAR) & 1 == 1
    };
    (0..flags).map(flag).collect()
}

/// The samples of each list, by its number.
type Lists = Box<dyn Fn(u64) -> Vec<u32>>;

/// What the aggregator found for a sample, and the version that it was found in.
#[derive(Debug, Clone)]
struct Found {
    version: u64,
    row: Vec<f32>,
}

/// Rows by another exchange, with a cache before it.
pub(super) struct CachedRows {
    inner: Box<dyn Exchange>,
    /// Versions that an entry is good for.
    duration: u64,
    width: usize,
    lists: Lists,
    cache: BTreeMap<u32, Found>,
    /// The last version published.
    version: u64,
    /// The knowledge: every sample of its list with the version that its row was found in.
    latest: Arc<Vec<(u32, u64)>>,
    /// The same of versions that contributions under way started from.
    versions: BTreeMap<u64, Arc<Vec<(u32, u64)>>>,
    /// What each child has: the version in which each sample's row was found.
    has: BTreeMap<ActorId, BTreeMap<u32, u64>>,
}

impl CachedRows {
    /// An empty cache before `inner`, whose rows have `width` values; an entry is good for
    /// `duration` versions.
    pub(super) fn new(
        inner: Box<dyn Exchange>,
        deployment: &Arc<Deployment>,
        width: usize,
        duration: u64,
    ) -> Self {
        let deployment = Arc::clone(deployment);
        let lists = Box::new(move |version| deployment.list(deployment.list_number(version)));
        Self::of_lists(inner, lists, width, duration)
    }

    fn of_lists(inner: Box<dyn Exchange>, lists: Lists, width: usize, duration: u64) -> Self {
        Self {
            inner,
            duration,
            width,
            lists,
            cache: BTreeMap::new(),
            version: 0,
            latest: Arc::default(),
            versions: BTreeMap::new(),
            has: BTreeMap::new(),
        }
    }

    /// Whether work that starts from the present version need not predict a sample.
    fn is_fresh(&self, sample: u32) -> bool {
        let found = self.cache.get(&sample);
        found.is_some_and(|found| found.version + self.duration > self.version)
    }

    /// What each child had received when it contributed.
    fn acknowledge(&mut self, contributions: &[Held<'_>]) {
        for held in contributions {
            if let Some(sent) = self.versions.get(&held.start_version) {
                let has = self.has.entry(held.child).or_default();
                has.extend(sent.iter().copied());
            }
        }
    }

    /// The rows that are known of the latest list, but for those that are left out.
    fn rows(&self, leave_out: impl Fn(u32, u64) -> bool) -> Vec<f32> {
        let mut rows = Vec::with_capacity(self.latest.len() * self.width);
        for (sample, version) in &*self.latest {
            match self.cache.get(sample) {
                Some(found) if found.version == *version && !leave_out(*sample, *version) => {
                    rows.extend_from_slice(&found.row);
                }
                _ => rows.resize(rows.len() + self.width, 0.0),
            }
        }
        rows
    }
}

impl Exchange for CachedRows {
    fn fold(&mut self, contributions: &[Held<'_>]) -> Folded {
        self.acknowledge(contributions);
        let list = (self.lists)(self.version);
        let folded = self.inner.fold(contributions);
        let news = self.inner.knowledge();
        let news = news.map_or_else(Vec::new, |piece| piece.values.to_vec());
        let next = self.version + 1;
        let mut latest = Vec::with_capacity(list.len());
        for (place, sample) in list.iter().enumerate() {
            let row = news.get(place * self.width..(place + 1) * self.width);
            if let Some(row) = row.filter(|row| is_held(row)) {
                let row = row.to_vec();
                self.cache.insert(*sample, Found { version: next, row });
            }
            // 0, the version in which nothing was found, where nobody knows the sample.
            let found = self.cache.get(sample);
            latest.push((*sample, found.map_or(0, |found| found.version)));
        }
        self.latest = Arc::new(latest);
        folded
    }

    fn mix(&mut self, contributions: &[Held<'_>], _: Mixing) -> Folded {
        self.fold(contributions)
    }

    fn learned(&mut self, output: JobOutput) {
        self.inner.learned(output);
    }

    fn view(&self, child: ActorId) -> Option<Piece> {
        if self.latest.is_empty() {
            return None;
        }
        let has = self.has.get(&child);
        let rows =
            self.rows(|sample, version| has.is_some_and(|has| has.get(&sample) == Some(&version)));
        let next = (self.lists)(self.version);
        let fresh: Vec<bool> = next.iter().map(|sample| self.is_fresh(*sample)).collect();
        Some(Piece {
            values: Arc::new(rows),
            scalars: to_scalars(&fresh),
        })
    }

    fn published(&mut self, version: u64, oldest: u64) {
        self.version = version;
        self.versions.insert(version, Arc::clone(&self.latest));
        self.versions = self.versions.split_off(&oldest);
        self.inner.published(version, oldest);
    }

    /// All rows, those in the cache too.
    fn summary(&self) -> Option<Piece> {
        (!self.latest.is_empty()).then(|| Piece::of(self.rows(|_, _| false)))
    }

    fn adopt(&mut self, _: &Piece) {
        unreachable!("there is no cache where aggregators stand between")
    }
}

/// A client's end of the cache.
#[derive(Debug, Clone, Default)]
pub(super) struct ClientCache(BTreeMap<u32, Vec<f32>>);

impl ClientCache {
    /// As it was kept, or empty.
    pub(super) fn of(kept: Option<&Kept>) -> Self {
        let kept = kept.and_then(|kept| kept.downcast_ref::<Self>());
        kept.cloned().unwrap_or_default()
    }

    /// Keeps the rows received about these samples, and gives them with those that it had.
    pub(super) fn complete(&mut self, piece: &Piece, list: &[u32], width: usize) -> Vec<f32> {
        let mut rows = Vec::with_capacity(piece.values.len());
        for (sample, row) in list.iter().zip(piece.values.chunks_exact(width)) {
            if is_held(row) {
                self.0.insert(*sample, row.to_vec());
                rows.extend_from_slice(row);
            } else {
                match self.0.get(sample) {
                    Some(row) => rows.extend_from_slice(row),
                    None => rows.extend_from_slice(row),
                }
            }
        }
        rows
    }
}

/// For each sample of the next list, whether it need not be predicted.
pub(super) fn need_not_predict(piece: Option<&Piece>, samples: usize) -> Vec<bool> {
    match piece {
        None => vec![false; samples],
        Some(piece) => from_scalars(&piece.scalars, samples),
    }
}

#[cfg(test)]
mod tests {
    use super::super::folded_rows::FoldedRows;
    use super::super::shuffle::Shuffle;
    use super::*;
    use crate::scenario::RawRule;

    /// Two samples a list of three in all: 0 and 1, 1 and 2, 0 and 2, and so on.
    fn cached(duration: u64) -> CachedRows {
        let lists = |version| match version % 3 {
            0 => vec![0, 1],
            1 => vec![1, 2],
            _ => vec![0, 2],
        };
        let rule = RawRule::EnhancedEntropyReduction { exponent: 1.0 };
        let inner = FoldedRows::new(rule, 2, Shuffle::never());
        CachedRows::of_lists(Box::new(inner), Box::new(lists), 2, duration)
    }

    fn fold(cached: &mut CachedRows, from: &[(u32, [f32; 4])]) {
        let pieces: Vec<_> = from.iter().map(|(_, p)| Piece::of(p.to_vec())).collect();
        let held: Vec<Held<'_>> = from
            .iter()
            .zip(&pieces)
            .map(|((child, _), piece)| Held {
                child: ActorId(*child),
                piece,
                weight: 1.0,
                start_version: cached.version,
            })
            .collect();
        cached.fold(&held);
        let version = cached.version + 1;
        cached.published(version, version);
    }

    fn view(cached: &CachedRows, child: u32) -> (Vec<f32>, Vec<bool>) {
        let piece = cached.view(ActorId(child)).expect("something was found");
        (piece.values.to_vec(), need_not_predict(Some(&piece), 2))
    }

    const A: [f32; 2] = [0.75, 0.25];
    const B: [f32; 2] = [0.5, 0.5];
    const NONE: [f32; 2] = [0.0, 0.0];

    fn rows(rows: [[f32; 2]; 2]) -> [f32; 4] {
        [rows[0][0], rows[0][1], rows[1][0], rows[1][1]]
    }

    #[test]
    fn a_sample_in_the_cache_is_neither_predicted_nor_sent_again_to_who_has_it() {
        let mut cached = cached(2);
        assert_eq!(cached.view(ActorId(1)), None);
        fold(&mut cached, &[(1, rows([A, B])), (2, rows([A, B]))]);
        // Version 1: nobody has anything yet; of samples 1 and 2 the first is known.
        assert_eq!(view(&cached, 1), (rows([A, B]).to_vec(), vec![true, false]));
        // Child 1 alone works for version 2, and so has samples 0 and 1 now.
        fold(&mut cached, &[(1, rows([NONE, A]))]);
        // Of samples 1 and 2, child 1 is sent what is new, child 2 both.
        assert_eq!(view(&cached, 1).0, rows([NONE, A]));
        assert_eq!(view(&cached, 2).0, rows([B, A]));
        assert_eq!(cached.summary().expect("rows").values[..], rows([B, A]));
        // Sample 0 was found in version 1, and two versions on that is too old.
        assert_eq!(view(&cached, 1).1, [true, true]);
        fold(&mut cached, &[(1, rows([NONE, NONE]))]);
        assert_eq!(view(&cached, 1).1, [false, false]);
        // What is found anew is sent anew.
        fold(&mut cached, &[(1, rows([B, A]))]);
        assert_eq!(view(&cached, 1).0, rows([B, A]));
    }

    #[test]
    fn who_dropped_out_is_sent_again_what_it_may_not_have() {
        let mut cached = cached(9);
        fold(&mut cached, &[(1, rows([A, B])), (2, rows([A, B]))]);
        fold(&mut cached, &[(1, rows([NONE, A]))]);
        fold(&mut cached, &[(1, rows([NONE, NONE]))]);
        // Samples 0 and 2: child 1 was there all the time, child 2 only at first.
        assert_eq!(view(&cached, 1).0, rows([NONE, NONE]));
        assert_eq!(view(&cached, 2).0, rows([A, A]));
    }

    #[test]
    fn a_client_completes_what_it_is_sent_from_its_own_cache() {
        let mut own = ClientCache::default();
        let first = Piece::of(rows([A, B]).to_vec());
        assert_eq!(own.complete(&first, &[0, 1], 2), rows([A, B]));
        let second = Piece::of(rows([NONE, A]).to_vec());
        assert_eq!(own.complete(&second, &[1, 2], 2), rows([B, A]));
        let kept: Kept = Arc::new(own);
        let mut own = ClientCache::of(Some(&kept));
        let third = Piece::of(rows([NONE, NONE]).to_vec());
        assert_eq!(own.complete(&third, &[0, 2], 2), rows([A, A]));
    }

    #[test]
    fn flags_travel_as_whole_numbers() {
        let flags: Vec<bool> = (0..50).map(|place| place % 3 == 0).collect();
        let scalars = to_scalars(&flags);
        assert_eq!(scalars.len(), 3);
        assert!(scalars.iter().all(|scalar| scalar.fract() == 0.0));
        assert_eq!(from_scalars(&scalars, 50), flags);
    }
}
