//! `f16` and `bf16`: two bytes a value.
//!
//! A value becomes the nearest of IEEE 754 binary16 (5 bits of exponent) or of
//! bfloat16 (the exponent of f32), ties to even. What is beyond the greatest
//! finite one becomes that one, so that finite values stay finite.

use super::CodecError;
use super::buffer::{Draft, Reader};
use half::{bf16, f16};

pub(super) fn write_f16(values: &[f32], draft: &mut Draft) {
    for &value in values {
        let nearest = match f16::from_f32(value) {
            half if half.is_infinite() => f16::MAX.copysign(half),
            half => half,
        };
        draft.body.extend_from_slice(&nearest.to_le_bytes());
    }
}

pub(super) fn read_f16(count: usize, reader: &mut Reader<'_>) -> Result<Vec<f32>, CodecError> {
    let bytes = reader.take(2 * count as u64)?;
    Ok(pairs(bytes)
        .map(|pair| f16::from_le_bytes(pair).to_f32())
        .collect())
}

pub(super) fn write_bf16(values: &[f32], draft: &mut Draft) {
    for &value in values {
        let nearest = match bf16::from_f32(value) {
            half if half.is_infinite() => bf16::MAX.copysign(half),
            half => half,
        };
        draft.body.extend_from_slice(&nearest.to_le_bytes());
    }
}

pub(super) fn read_bf16(count: usize, reader: &mut Reader<'_>) -> Result<Vec<f32>, CodecError> {
    let bytes = reader.take(2 * count as u64)?;
    Ok(pairs(bytes)
        .map(|pair| bf16::from_le_bytes(pair).to_f32())
        .collect())
}

fn pairs(bytes: &[u8]) -> impl Iterator<Item = [u8; 2]> {
    bytes.chunks_exact(2).map(|pair| [pair[0], pair[1]])
}
