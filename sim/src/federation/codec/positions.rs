//! Which of so many positions are meant: the gaps between them, Rice coded.
//!
//! A gap g is ⌊g/2^r⌋ ones, a zero, and the r lowest bits of g: the Golomb code
//! of a power of two (Golomb 1966; Rice and Plaunt 1971), as for the positions in
//! sparse ternary compression (Sattler et al. 2019, arXiv 1903.02891). At random
//! positions it stays within some percent of log2 of the number of choices. Both
//! ends work r out of how many positions there are and how many are meant. With
//! most of them meant r is 0, and the code is a bitmap.

use super::CodecError;
use super::buffer::{BitReader, BitWriter, Reader};

/// The r that makes the longest code shortest, and that length in bits.
fn parameter(among: usize, meant: usize) -> (u32, u64) {
    let (meant, others) = (meant as u64, among.saturating_sub(meant) as u64);
    let longest = |r: u32| meant * (u64::from(r) + 1) + (others >> r);
    (0..32)
        .map(|r| (r, longest(r)))
        .min_by_key(|&(_, bits)| bits)
        .expect("there are parameters to choose from")
}

/// The most bytes that `meant` positions among `among` need.
pub(super) fn bound(among: usize, meant: usize) -> u64 {
    parameter(among, meant).1.div_ceil(8)
}

/// Writes positions in rising order.
pub(super) fn write(positions: &[usize], among: usize, out: &mut Vec<u8>) {
    let (r, _) = parameter(among, positions.len());
    let mut bits = BitWriter::new(out);
    let mut next = 0;
    for &position in positions {
        let gap = (position - next) as u64;
        let mut ones = gap >> r;
        while ones > 0 {
            let some = ones.min(32) as u32;
            bits.write((1 << some) - 1, some);
            ones -= u64::from(some);
        }
        bits.write(0, 1);
        bits.write(gap & ((1 << r) - 1), r);
        next = position + 1;
    }
    bits.finish();
}

/// Reads `meant` positions among `among`, in rising order.
pub(super) fn read(
    meant: usize,
    among: usize,
    reader: &mut Reader<'_>,
) -> Result<Vec<usize>, CodecError> {
    if meant > among {
        return Err(CodecError::Malformed("more positions than there are"));
    }
    let (r, _) = parameter(among, meant);
    let mut bits = BitReader::new(reader.rest());
    let mut positions = Vec::with_capacity(meant);
    let mut next = 0;
    for _ in 0..meant {
        let mut gap = 0;
        while bits.read(1)? == 1 {
            gap += 1 << r;
        }
        gap += bits.read(r)?;
        let position = next + gap;
        if position >= among as u64 {
            return Err(CodecError::Malformed("a position is beyond the last"));
        }
        positions.push(position as usize);
        next = position + 1;
    }
    reader.take(bits.bytes_begun() as u64)?;
    Ok(positions)
}
