//! Matrix products of plain slices, always on the calling thread.
//!
//! faer's product is safe to call, works on plain slices, and uses AVX-512 where the processor
//! has it. Of the kernels compared (`docs/performance.md`) it is the fastest at small batches.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

/// A matrix whose rows lie one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    values: &'a [f32],
    columns: usize,
    /// Distance between rows, at least `columns`.
    pitch: usize,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(values: &'a [f32], columns: usize) -> Self {
        Self {
            values,
            columns,
            pitch: columns,
        }
    }

    /// The columns from `first` on of rows that are `pitch` apart.
    pub(crate) fn within(values: &'a [f32], first: usize, columns: usize, pitch: usize) -> Self {
        let rows = values.len() / pitch;
        let end = if rows == 0 {
            first
        } else {
            (rows - 1) * pitch + first + columns
        };
        Self {
            values: &values[first..end],
            columns,
            pitch,
        }
    }

    fn matrix(self) -> MatRef<'a, f32> {
        let rows = self.values.len().div_ceil(self.pitch);
        if self.pitch == self.columns {
            MatRef::from_row_major_slice(self.values, rows, self.columns)
        } else {
            MatRef::from_row_major_slice_with_stride(self.values, rows, self.columns, self.pitch)
        }
    }
}

/// What a product does with what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Onto {
    /// Writes over it.
    Nothing,
    /// Adds to it.
    Sum,
}

impl From<Onto> for Accum {
    fn from(onto: Onto) -> Self {
        match onto {
            Onto::Nothing => Self::Replace,
            Onto::Sum => Self::Add,
        }
    }
}

/// `out (+)= left · right`.
pub(crate) fn multiply(out: RowsMut<'_>, onto: Onto, left: Rows<'_>, right: Rows<'_>) {
    run(out, onto, left.matrix(), right.matrix(), 1.0);
}

/// `out (+)= left · rightᵀ`.
pub(crate) fn multiply_transposed(out: RowsMut<'_>, onto: Onto, left: Rows<'_>, right: Rows<'_>) {
    run(out, onto, left.matrix(), right.matrix().transpose(), 1.0);
}

/// `out (+)= factor · leftᵀ · right`.
pub(crate) fn transposed_multiply(
    out: RowsMut<'_>,
    onto: Onto,
    factor: f32,
    left: Rows<'_>,
    right: Rows<'_>,
) {
    run(out, onto, left.matrix().transpose(), right.matrix(), factor);
}

fn run(out: RowsMut<'_>, onto: Onto, left: MatRef<'_, f32>, right: MatRef<'_, f32>, factor: f32) {
    matmul(out.matrix(), onto.into(), left, right, factor, Par::Seq);
}

/// A matrix to write into; see [`Rows`].
pub(crate) struct RowsMut<'a> {
    values: &'a mut [f32],
    columns: usize,
    pitch: usize,
}

impl<'a> RowsMut<'a> {
    pub(crate) fn new(values: &'a mut [f32], columns: usize) -> Self {
        Self {
            values,
            columns,
            pitch: columns,
        }
    }

    /// The columns from `first` on of rows that are `pitch` apart.
    pub(crate) fn within(
        values: &'a mut [f32],
        first: usize,
        columns: usize,
        pitch: usize,
    ) -> Self {
        let rows = values.len() / pitch;
        let end = if rows == 0 {
            first
        } else {
            (rows - 1) * pitch + first + columns
        };
        Self {
            values: &mut values[first..end],
            columns,
            pitch,
        }
    }

    fn matrix(self) -> MatMut<'a, f32> {
        let rows = self.values.len().div_ceil(self.pitch);
        if self.pitch == self.columns {
            MatMut::from_row_major_slice_mut(self.values, rows, self.columns)
        } else {
            // Not faer 0.23's strided rows: it takes the pitch for the distance of columns.
            MatMut::from_column_major_slice_with_stride_mut(
                self.values,
                self.columns,
                rows,
                self.pitch,
            )
            .transpose_mut()
        }
    }
}
