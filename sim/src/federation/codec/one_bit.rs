//! `one-bit`: the sign of a value; its size is the mean magnitude of its group.
//!
//! x is decoded as sign(x)·Σ|x|/d, with 0 counted as positive: the scaled sign of
//! Karimireddy et al. 2019 (arXiv 1901.09847, algorithm 1), after 1-bit SGD
//! (Seide et al. 2014). By itself it is biased; error feedback mends that.
//!
//! Head: the scale of each group, f32. Body: a bit a value, 1 where negative.

use super::CodecError;
use super::buffer::{Draft, Packing, Reader, Symbols};
use super::groups;
use crate::scenario::RawScaleGroup;

pub(super) fn head_bytes(per: RawScaleGroup, count: usize, width: usize) -> u64 {
    4 * groups::number(per, count, width)
}

pub(super) fn symbols(packing: Packing) -> Symbols {
    Symbols { bits: 1, packing }
}

pub(super) fn write(
    values: &[f32],
    width: usize,
    per: RawScaleGroup,
    packing: Packing,
    draft: &mut Draft,
) {
    let size = groups::size(per, values.len(), width).max(1);
    for group in values.chunks(size) {
        let sum: f64 = group.iter().map(|&value| f64::from(value).abs()).sum();
        let scale = (sum / group.len() as f64) as f32;
        draft.head.extend_from_slice(&scale.to_le_bytes());
    }
    let signs = values.iter().map(|&value| u32::from(value < 0.0));
    symbols(packing).write(signs, &mut draft.body);
}

pub(super) fn read(
    count: usize,
    width: usize,
    per: RawScaleGroup,
    packing: Packing,
    reader: &mut Reader<'_>,
) -> Result<Vec<f32>, CodecError> {
    let mut head = Reader::new(reader.take(head_bytes(per, count, width))?);
    let signs = symbols(packing).read(count, reader)?;
    let mut values = Vec::with_capacity(count);
    for group in signs.chunks(groups::size(per, count, width).max(1)) {
        let scale = head.f32()?;
        if scale < 0.0 {
            return Err(CodecError::Malformed("a mean magnitude is negative"));
        }
        values.extend(
            group
                .iter()
                .map(|&sign| if sign == 1 { -scale } else { scale }),
        );
    }
    Ok(values)
}
