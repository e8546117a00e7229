//! `hard-labels` and `soft-labels`: rows of probabilities as points of a grid.
//!
//! Compressed federated distillation (CFD, Sattler et al. 2020, arXiv 2012.00632,
//! section on constrained quantisation): a row becomes the nearest point, in L1,
//! whose entries are multiples of 1/(2^b − 1) and sum to 1. With L = 2^b − 1 that
//! is ⌊L·p⌋ and one more for the largest remainders until the sum is L; among
//! equals the earlier class goes. b = 1 is the arg max: a hard label, decoded as
//! probability 1. After `delta` only rows whose point changed are sent.
//!
//! Body: a hard label of ⌈log2 C⌉ bits or whole bytes; a soft one as the
//! multiples of all classes but the last, b bits each. A difference to an earlier
//! arrival has in its head how many rows changed (u32) and which.

use super::CodecError;
use super::buffer::{Draft, Packing, Reader, Symbols};
use super::positions;
use crate::scenario::RawLabelPad;

/// How a row becomes symbols.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Labels {
    Hard(RawLabelPad),
    Soft {
        /// 1 to 16.
        bits: u32,
    },
}

impl Labels {
    pub(super) fn symbols(self, classes: usize, packing: Packing) -> Symbols {
        let needed = usize::BITS - classes.saturating_sub(1).leading_zeros();
        let bits = match self {
            Self::Hard(RawLabelPad::Bits) => needed,
            Self::Hard(RawLabelPad::Bytes) => needed.div_ceil(8) * 8,
            Self::Soft { bits } => bits,
        };
        Symbols { bits, packing }
    }

    /// Symbols of one row.
    fn symbols_per_row(self, classes: usize) -> usize {
        match self {
            Self::Hard(_) => 1,
            Self::Soft { .. } => classes.saturating_sub(1),
        }
    }

    /// The point of the grid, in the symbols that stand for it.
    fn quantise(self, row: &[f32]) -> Vec<u32> {
        match self {
            Self::Hard(_) => {
                let mut best = 0;
                for (class, value) in row.iter().enumerate() {
                    if *value > row[best] {
                        best = class;
                    }
                }
                vec![best as u32]
            }
            Self::Soft { bits } => {
                let mut multiples = nearest(row, (1 << bits) - 1);
                multiples.pop();
                multiples
            }
        }
    }

    /// The row that symbols stand for.
    fn row(self, symbols: &[u32], classes: usize) -> Result<Vec<f32>, CodecError> {
        match self {
            Self::Hard(_) => {
                let mut row = vec![0.0; classes];
                match row.get_mut(symbols[0] as usize) {
                    Some(value) => *value = 1.0,
                    None => return Err(CodecError::Malformed("a label is no class")),
                }
                Ok(row)
            }
            Self::Soft { bits } => {
                let levels = (1_u64 << bits) - 1;
                let sum: u64 = symbols.iter().map(|&multiple| u64::from(multiple)).sum();
                let last = levels
                    .checked_sub(sum)
                    .ok_or(CodecError::Malformed("probabilities sum to more than 1"))?;
                let all = symbols.iter().map(|&multiple| f64::from(multiple));
                let all = all.chain([last as f64]);
                Ok(all
                    .map(|multiple| (multiple / levels as f64) as f32)
                    .collect())
            }
        }
    }

    /// Writes rows; with a reference those that differ from it.
    pub(super) fn write(
        self,
        values: &[f32],
        classes: usize,
        reference: Option<&[f32]>,
        packing: Packing,
        draft: &mut Draft,
    ) {
        let rows = values.chunks(classes.max(1));
        let points: Vec<Vec<u32>> = rows.map(|row| self.quantise(row)).collect();
        let mut changed: Vec<usize> = (0..points.len()).collect();
        if let Some(reference) = reference {
            changed.retain(|&row| {
                let before = &reference[row * classes..(row + 1) * classes];
                self.row(&points[row], classes).as_deref() != Ok(before)
            });
            let count = changed.len() as u32;
            draft.head.extend_from_slice(&count.to_le_bytes());
            positions::write(&changed, points.len(), &mut draft.head);
        }
        let codes = changed.iter().flat_map(|&row| &points[row]).copied();
        self.symbols(classes, packing).write(codes, &mut draft.body);
    }

    /// Reads rows; those that did not change are the reference's.
    pub(super) fn read(
        self,
        rows: usize,
        classes: usize,
        reference: Option<&[f32]>,
        packing: Packing,
        reader: &mut Reader<'_>,
    ) -> Result<Vec<f32>, CodecError> {
        let (mut values, changed) = match reference {
            None => (vec![0.0; rows * classes], (0..rows).collect()),
            Some(reference) => {
                let changed = reader.u32()? as usize;
                let changed = positions::read(changed, rows, reader)?;
                (reference.to_vec(), changed)
            }
        };
        let per_row = self.symbols_per_row(classes);
        let symbols = self.symbols(classes, packing);
        let codes = symbols.read(changed.len() * per_row, reader)?;
        for (number, row) in changed.into_iter().enumerate() {
            let codes = &codes[number * per_row..(number + 1) * per_row];
            values[row * classes..(row + 1) * classes].copy_from_slice(&self.row(codes, classes)?);
        }
        Ok(values)
    }

    /// Bytes of so many rows.
    pub(super) fn bytes(self, rows: usize, classes: usize, packing: Packing) -> u64 {
        let listed = rows * self.symbols_per_row(classes);
        self.symbols(classes, packing).length(listed)
    }

    /// The most bytes that say which of so many rows changed.
    pub(super) fn changed_bound(rows: usize) -> u64 {
        // Where all changed, the positions are a bitmap; fewer need no more.
        4 + rows.div_ceil(8) as u64
    }
}

/// The multiples of 1/levels nearest to a row that sum to `levels`, by largest remainders.
fn nearest(row: &[f32], levels: u32) -> Vec<u32> {
    // Rounding leaves a softmax a little off its sum of 1.
    let total: f64 = row.iter().map(|&value| f64::from(value).max(0.0)).sum();
    let share = |value: f32| match total {
        0.0 => 1.0 / row.len() as f64,
        total => f64::from(value).max(0.0) / total,
    };
    let exact: Vec<f64> = row
        .iter()
        .map(|&value| share(value) * f64::from(levels))
        .collect();
    let mut multiples: Vec<u32> = exact.iter().map(|&value| value.floor() as u32).collect();
    let sum: u32 = multiples.iter().sum();
    let mut classes: Vec<usize> = (0..row.len()).collect();
    let remainder = |class: usize| exact[class] - exact[class].floor();
    // A stable sort: among equals the earlier class goes.
    classes.sort_by(|&a, &b| remainder(b).total_cmp(&remainder(a)));
    for &class in classes.iter().take(levels.saturating_sub(sum) as usize) {
        multiples[class] += 1;
    }
    multiples
}
