//! Centroids of what clients predict: those with like predictions share one, every client is sent
//! all of them and learns the nearest (COMET, Cho et al. 2023, algorithm 1).

use super::folded_rows::something;
use super::shuffle::Shuffle;
use super::{Exchange, Folded, Held};
use crate::federation::knowledge::Piece;
use crate::kernel::{ActorId, Streams};
use fedstill_models::k_means;

/// The centroids, one after the other.
#[derive(Debug)]
pub(super) struct Centroids {
    count: usize,
    width: usize,
    centroids: Option<Piece>,
    streams: Streams,
    shuffle: Shuffle,
    folds: u64,
}

impl Centroids {
    /// `count` centroids of rows of `width` values; nothing is known yet.
    pub(super) fn new(count: usize, width: usize, streams: Streams, shuffle: Shuffle) -> Self {
        Self {
            count,
            width,
            centroids: None,
            streams,
            shuffle,
            folds: 0,
        }
    }
}

impl Exchange for Centroids {
    /// Where there are fewer different predictions than centroids, the first one stands again.
    fn fold(&mut self, contributions: &[Held<'_>]) -> Folded {
        let held = contributions.iter().filter(|held| held.weight > 0.0);
        let rows: Vec<&[f32]> = held.map(|held| &held.piece.values[..]).collect();
        let length = rows.first().map_or(0, |row| row.len());
        let k = self.count.min(rows.len());
        let seed = self
            .streams
            .seed("server", &format!("clusters {}", self.folds));
        self.folds += 1;
        // Contributions are finite, so that there is nothing else to refuse.
        let Ok(clusters) = k_means(&rows.concat(), length, k, seed) else {
            return Folded::default();
        };
        let centroids = clusters.centroids.chunks_exact(length);
        let mut shuffled = Vec::with_capacity(self.count * length);
        for centroid in centroids {
            shuffled.extend(self.shuffle.apply(centroid.to_vec(), self.width));
        }
        while shuffled.len() < self.count * length {
            shuffled.extend_from_within(..length);
        }
        self.centroids = something(shuffled);
        Folded::at(clusters.flops)
    }

    fn view(&self, _: ActorId) -> Option<Piece> {
        self.centroids.clone()
    }

    fn summary(&self) -> Option<Piece> {
        None
    }

    fn adopt(&mut self, _: &Piece) {
        unreachable!("refused where aggregators stand between")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(rows: &[[f32; 4]]) -> Vec<f32> {
        let pieces: Vec<Piece> = rows.iter().map(|r| Piece::of(r.to_vec())).collect();
        let held: Vec<Held<'_>> = (1..)
            .zip(&pieces)
            .map(|(child, piece)| Held {
                child: ActorId(child),
                piece,
                weight: 1.0,
                start_version: 0,
            })
            .collect();
        let mut centroids = Centroids::new(2, 2, Streams::new(1), Shuffle::never());
        assert_eq!(centroids.view(ActorId(1)), None);
        centroids.fold(&held);
        centroids
            .view(ActorId(1))
            .expect("centroids")
            .values
            .to_vec()
    }

    #[test]
    fn two_that_are_alike_share_a_centroid_and_the_third_has_its_own() {
        let values = folded(&[
            [0.75, 0.25, 0.0, 1.0],
            [0.25, 0.75, 1.0, 0.0],
            [0.75, 0.25, 0.5, 0.5],
        ]);
        let mut found: Vec<_> = values.chunks_exact(4).collect();
        found.sort_by(|a, b| b[0].total_cmp(&a[0]));
        assert_eq!(found, [[0.75, 0.25, 0.25, 0.75], [0.25, 0.75, 1.0, 0.0]]);
    }

    #[test]
    fn a_centroid_too_many_is_one_that_there_is() {
        let same = [0.75, 0.25, 0.0, 1.0];
        assert_eq!(
            folded(&[same, same]),
            [0.75, 0.25, 0.0, 1.0, 0.75, 0.25, 0.0, 1.0]
        );
    }
}
