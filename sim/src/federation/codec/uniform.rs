//! `uniform`: b bits a value, evenly spaced between the least and the greatest.
//!
//! With s = (max − min)/(2^b − 1), a value x is sent as the whole number q near
//! (x − min)/s and decoded as min + q·s. `stochastic` takes the upper neighbour
//! with the probability of its nearness, ⌊(x − min)/s + u⌋ with u uniform in
//! [0, 1), so that the mean over draws is x: stochastic k-level quantisation of
//! Suresh et al. 2017 (arXiv 1611.00429). `nearest` is at most s/2
//! away. Ranges per bucket are those of QSGD (Alistarh et al. 2017, arXiv
//! 1610.02132), which scales by a norm instead.
//!
//! Head: min and max of each group, f32. Body: q of each value, b bits.

use super::CodecError;
use super::buffer::{Draft, Packing, Reader, Symbols};
use super::groups;
use crate::kernel::Stream;
use crate::scenario::{RawRounding, RawScaleGroup};
use rand::{Rng, SeedableRng};

/// The quantiser.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Uniform {
    /// 1 to 16.
    pub(super) bits: u32,
    pub(super) rounding: RawRounding,
    pub(super) per: RawScaleGroup,
}

impl Uniform {
    fn levels(self) -> u32 {
        (1 << self.bits) - 1
    }

    pub(super) fn head_bytes(self, count: usize, width: usize) -> u64 {
        8 * groups::number(self.per, count, width)
    }

    pub(super) fn write(
        self,
        values: &[f32],
        width: usize,
        packing: Packing,
        seed: u64,
        draft: &mut Draft,
    ) {
        let levels = f64::from(self.levels());
        let mut stream = match self.rounding {
            RawRounding::Stochastic => Some(Stream::seed_from_u64(seed)),
            RawRounding::Nearest => None,
        };
        let mut codes = Vec::with_capacity(values.len());
        let size = groups::size(self.per, values.len(), width).max(1);
        for group in values.chunks(size) {
            let least = group.iter().copied().fold(f32::INFINITY, f32::min);
            let most = group.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            draft.head.extend_from_slice(&least.to_le_bytes());
            draft.head.extend_from_slice(&most.to_le_bytes());
            // In f64 the range of any two f32 is finite.
            let (least, most) = (f64::from(least), f64::from(most));
            let steps = if most > least {
                levels / (most - least)
            } else {
                0.0
            };
            for &value in group {
                // Half a step up, rounded down, is the nearest.
                let up = match &mut stream {
                    Some(stream) => f64::from(stream.next_u32()) / 4_294_967_296.0,
                    None => 0.5,
                };
                let place = (f64::from(value) - least) * steps;
                codes.push((place + up).floor().min(levels) as u32);
            }
        }
        self.symbols(packing)
            .write(codes.into_iter(), &mut draft.body);
    }

    pub(super) fn read(
        self,
        count: usize,
        width: usize,
        packing: Packing,
        reader: &mut Reader<'_>,
    ) -> Result<Vec<f32>, CodecError> {
        let groups = groups::number(self.per, count, width);
        // What is missing is noticed before room is made for it.
        let mut head = Reader::new(reader.take(8 * groups)?);
        let codes = self.symbols(packing).read(count, reader)?;
        let levels = f64::from(self.levels());
        let mut values = Vec::with_capacity(count);
        let size = groups::size(self.per, count, width).max(1);
        for group in codes.chunks(size) {
            let (least, most) = (head.f32()?, head.f32()?);
            if least > most {
                return Err(CodecError::Malformed("a range runs backwards"));
            }
            let (least, range) = (f64::from(least), f64::from(most) - f64::from(least));
            values.extend(
                group
                    .iter()
                    .map(|&code| (least + range * (f64::from(code) / levels)) as f32),
            );
        }
        Ok(values)
    }

    pub(super) fn symbols(self, packing: Packing) -> Symbols {
        Symbols {
            bits: self.bits,
            packing,
        }
    }
}
