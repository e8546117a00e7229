//! `rows`: rows of zeros are rows that the sender does not hold, and are not sent.
//!
//! FedProto (Tan et al. 2022, arXiv 2105.00243) sends the prototypes of the
//! classes that a client has: 4·d bytes each. Here a bit a row says which.

use super::CodecError;
use super::buffer::Reader;

/// Length of the bitmap.
pub(super) fn bitmap_bytes(rows: usize) -> u64 {
    rows.div_ceil(8) as u64
}

/// The rows that have a value other than 0, in rising order.
pub(super) fn held(values: &[f32], width: usize) -> Vec<usize> {
    let rows = values.chunks(width).enumerate();
    rows.filter(|(_, row)| row.iter().any(|&value| value != 0.0))
        .map(|(number, _)| number)
        .collect()
}

/// Writes the bitmap, least significant bit first.
pub(super) fn write(held: &[usize], rows: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + rows.div_ceil(8), 0);
    for &row in held {
        out[start + row / 8] |= 1 << (row % 8);
    }
}

/// Reads the bitmap.
pub(super) fn read(rows: usize, reader: &mut Reader<'_>) -> Result<Vec<usize>, CodecError> {
    let bitmap = reader.take(bitmap_bytes(rows))?;
    let is_set = |row: usize| bitmap[row / 8] >> (row % 8) & 1 == 1;
    if (rows..8 * bitmap.len()).any(is_set) {
        return Err(CodecError::Malformed("a row beyond the last is held"));
    }
    Ok((0..rows).filter(|&row| is_set(row)).collect())
}

/// The held rows, one after the other.
pub(super) fn gather(values: &[f32], width: usize, held: &[usize]) -> Vec<f32> {
    held.iter()
        .flat_map(|&row| &values[row * width..(row + 1) * width])
        .copied()
        .collect()
}

/// The held rows at their places among rows of zeros.
pub(super) fn scatter(values: &[f32], width: usize, held: &[usize], count: usize) -> Vec<f32> {
    let mut whole = vec![0.0; count];
    for (row, values) in held.iter().zip(values.chunks(width)) {
        whole[row * width..(row + 1) * width].copy_from_slice(values);
    }
    whole
}
