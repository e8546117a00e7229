//! The formats of values: what each writes and how long that is.

use super::CodecError;
use super::buffer::{Draft, Packing, Reader};
use super::uniform::Uniform;
use super::{half_precision, one_bit};
use crate::scenario::RawScaleGroup;

/// How values become symbols.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Format {
    /// Little-endian, to the bit.
    F32,
    F16,
    Bf16,
    Uniform(Uniform),
    OneBit(RawScaleGroup),
}

impl Format {
    pub(super) fn write(
        self,
        values: &[f32],
        width: usize,
        seed: u64,
        packing: Packing,
        draft: &mut Draft,
    ) {
        match self {
            Self::F32 => {
                let bytes = values.iter().flat_map(|value| value.to_le_bytes());
                draft.body.extend(bytes);
            }
            Self::F16 => half_precision::write_f16(values, draft),
            Self::Bf16 => half_precision::write_bf16(values, draft),
            Self::Uniform(uniform) => uniform.write(values, width, packing, seed, draft),
            Self::OneBit(per) => one_bit::write(values, width, per, packing, draft),
        }
    }

    pub(super) fn read(
        self,
        count: usize,
        width: usize,
        packing: Packing,
        reader: &mut Reader<'_>,
    ) -> Result<Vec<f32>, CodecError> {
        match self {
            Self::F32 => {
                let words = reader.take(4 * count as u64)?.chunks_exact(4);
                let value = |word: &[u8]| {
                    f32::from_le_bytes(word.try_into().expect("chunks of four bytes"))
                };
                Ok(words.map(value).collect())
            }
            Self::F16 => half_precision::read_f16(count, reader),
            Self::Bf16 => half_precision::read_bf16(count, reader),
            Self::Uniform(uniform) => uniform.read(count, width, packing, reader),
            Self::OneBit(per) => one_bit::read(count, width, per, packing, reader),
        }
    }

    /// Bytes of so many values: the same for all values.
    pub(super) fn bytes(self, count: usize, width: usize, packing: Packing) -> u64 {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => (self.symbol_bytes() * count) as u64,
            Self::Uniform(uniform) => {
                uniform.head_bytes(count, width) + uniform.symbols(packing).length(count)
            }
            Self::OneBit(per) => {
                one_bit::head_bytes(per, count, width) + one_bit::symbols(packing).length(count)
            }
        }
    }

    /// Bytes of a symbol that fills whole ones.
    pub(super) fn symbol_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Uniform(uniform) => uniform.symbols(Packing::Bytes).bytes(),
            Self::OneBit(_) => 1,
        }
    }
}
