//! Samples sorted by label and dealt in shards, as McMahan et al. (2017) did with MNIST.

use rand::Rng;
use rand::seq::SliceRandom;

use super::by_class;
use crate::dirichlet::cut;

/// Deals `shards` shards of the sorted samples to each client by lot.
///
/// Within a class the samples keep their order in the data, as a stable sort leaves them. The
/// caller has checked that there are enough.
pub(super) fn deal(
    labels: &[u32],
    n_classes: usize,
    clients: usize,
    shards: usize,
    size: Option<usize>,
    draw: &mut impl Rng,
) -> Vec<Vec<u32>> {
    let sorted: Vec<u32> = by_class(labels, n_classes).into_iter().flatten().collect();
    let mut pieces: Vec<&[u32]> = match size {
        Some(size) => sorted.chunks_exact(size).collect(),
        None => {
            let count = clients * shards;
            let mut rest = sorted.as_slice();
            cut(sorted.len(), &vec![1.0 / count as f64; count])
                .into_iter()
                .map(|size| {
                    let (piece, others) = rest.split_at(size);
                    rest = others;
                    piece
                })
                .collect()
        }
    };
    pieces.shuffle(draw);
    pieces
        .chunks_exact(shards)
        .take(clients)
        .map(<[&[u32]]>::concat)
        .collect()
}
