//! `delta`: the difference to what last arrived, which both ends know.
//!
//! The reference is what the receiver *decoded* last, so that errors do not add
//! up: what a lossy stage lost is in the next difference again (EF21, Richtárik
//! et al. 2021, arXiv 2106.05203). It moves on when bytes have arrived, at the
//! sender and at the receiver alike. The first byte says which arrival a
//! difference is to; before the first the reference is nothing, and values go whole.

use super::CodecError;
use super::buffer::Reader;
use std::sync::Arc;

/// The last arrival, as both ends know it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Arrived {
    /// 0 before the first, then 1 to 255 in turn.
    number: u8,
    values: Option<Arc<[f32]>>,
}

impl Arrived {
    /// The reference for so many values: a piece of another length has none.
    pub(super) fn reference(&self, count: usize) -> Option<&[f32]> {
        let values = self.values.as_deref();
        values.filter(|values| values.len() == count)
    }

    /// The state once these values have arrived.
    pub(super) fn then(&self, values: &[f32]) -> Self {
        Self {
            number: self.number.checked_add(1).unwrap_or(1),
            values: Some(values.into()),
        }
    }

    pub(super) fn write_number(&self, out: &mut Vec<u8>) {
        out.push(self.number);
    }

    pub(super) fn check_number(&self, reader: &mut Reader<'_>) -> Result<(), CodecError> {
        let (sent, held) = (reader.byte()?, self.number);
        if sent == held {
            Ok(())
        } else {
            Err(CodecError::OutOfStep { sent, held })
        }
    }
}

/// Difference or sum of finite values, kept finite.
pub(super) fn pairwise(a: &[f32], b: &[f32], of: impl Fn(f32, f32) -> f32) -> Vec<f32> {
    debug_assert_eq!(a.len(), b.len());
    let pairs = a.iter().zip(b);
    pairs
        .map(|(&a, &b)| of(a, b).clamp(f32::MIN, f32::MAX))
        .collect()
}
