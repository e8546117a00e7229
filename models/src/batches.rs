//! Mini-batches: shuffled samples, gathered into rows.

use rand::seq::SliceRandom;

use crate::random::{Purpose, stream};
use crate::view::View;

/// One mini-batch.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Places of the samples in the indices that the epoch was given: what a target kept in the
    /// order of those indices is looked up by.
    pub positions: &'a [u32],
    /// Indices of the samples in the data set.
    pub indices: &'a [u32],
    /// Their features, row-major `batch × features`.
    pub features: &'a [f32],
    /// Their labels.
    pub labels: &'a [u32],
}

impl Batch<'_> {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Never true of a batch that an epoch hands out.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Appends to `rows` this batch's rows of `table`, which has `width` values a position.
    ///
    /// # Panics
    /// When the table has no row for a position.
    pub fn gather(&self, table: &[f32], width: usize, rows: &mut Vec<f32>) {
        for &position in self.positions {
            let start = position as usize * width;
            rows.extend_from_slice(&table[start..start + width]);
        }
    }
}

/// The samples of one epoch in a seeded order, batch by batch; the last may be smaller.
pub(crate) struct Batches<'a> {
    data: View<'a>,
    of: &'a [u32],
    size: usize,
    order: Vec<u32>,
    next: usize,
    indices: Vec<u32>,
    features: Vec<f32>,
    labels: Vec<u32>,
}

impl<'a> Batches<'a> {
    pub(crate) fn shuffled(data: View<'a>, indices: &'a [u32], size: usize, seed: u64) -> Self {
        let mut order: Vec<u32> = (0..indices.len() as u32).collect();
        order.shuffle(&mut stream(seed, Purpose::BatchOrder));
        Self {
            data,
            of: indices,
            size,
            order,
            next: 0,
            indices: Vec::with_capacity(size),
            features: Vec::with_capacity(size * data.dataset().n_features()),
            labels: Vec::with_capacity(size),
        }
    }

    pub(crate) fn next(&mut self) -> Option<Batch<'_>> {
        let start = self.next;
        let end = (start + self.size).min(self.order.len());
        if start == end {
            return None;
        }
        self.next = end;
        self.indices.clear();
        self.features.clear();
        self.labels.clear();
        for &position in &self.order[start..end] {
            let index = self.of[position as usize];
            self.indices.push(index);
            self.data.gather(index, &mut self.features);
            self.labels.push(self.data.label(index));
        }
        Some(Batch {
            positions: &self.order[start..end],
            indices: &self.indices,
            features: &self.features,
            labels: &self.labels,
        })
    }
}
