//! `entropy`: what the stages before it wrote, range coded without loss.
//!
//! Each byte is eight binary decisions, the most significant first, and each
//! decision has a probability of its own for every beginning of the byte that led
//! to it. Probabilities are learned from what was coded so far by Krichevsky and
//! Trofimov's estimate (n₁ + ½)/(n + 1) (1981), so that no table travels. Head and
//! body learn apart, and so does each byte of a symbol that has several. The coder
//! is the range coder (Martin 1979) of the crate `constriction`.
//!
//! The first byte is 0 where the rest is as the stages wrote it, because coding
//! would not shorten it, and 1 where it is coded: then the lengths of head and
//! body follow (7 bits a byte, least significant first), and the coder's words,
//! without zeros at the end.

use super::CodecError;
use super::buffer::{Draft, Reader};
use constriction::stream::model::{DecoderModel, EncoderModel, EntropyModel};
use constriction::stream::queue::{DefaultRangeDecoder, DefaultRangeEncoder};
use constriction::stream::{Decode, Encode};
use std::borrow::Borrow;
use std::num::NonZeroU32;

/// Bits of a probability.
const PRECISION: usize = 16;
const WHOLE: u32 = 1 << PRECISION;
/// Counts are halved here, so that a probability stays within its precision.
const MOST: u32 = WHOLE;

const STORED: u8 = 0;
const CODED: u8 = 1;

/// What was coded, or written plainly.
pub(super) enum Opened<'a> {
    /// As the stages wrote it for the wire.
    Stored(&'a [u8]),
    /// As the stages wrote it for the coder, symbols in whole bytes.
    Coded(Vec<u8>),
}

/// Codes a draft whose symbols fill whole bytes; `plain` is the same without this stage.
pub(super) fn close(draft: &Draft, symbol_bytes: usize, plain: &[u8]) -> Vec<u8> {
    let mut coded = vec![CODED];
    for part in [&draft.head, &draft.body] {
        write_length(part.len() as u64, &mut coded);
    }
    let mut encoder = DefaultRangeEncoder::new();
    let mut code = |bytes: &[u8], symbol_bytes: usize| {
        let mut models = vec![Model::new(); symbol_bytes.max(1)];
        let places = models.len();
        for (at, &byte) in bytes.iter().enumerate() {
            models[at % places].encode(byte, &mut encoder);
        }
    };
    code(&draft.head, 1);
    code(&draft.body, symbol_bytes);
    // A vector grows as needed: writing its words cannot fail.
    let words = encoder.into_compressed().unwrap_or_default();
    let words: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    // What is missing at the end is read as zeros.
    let length = words
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1);
    coded.extend_from_slice(&words[..length]);
    if coded.len() <= plain.len() {
        return coded;
    }
    let mut stored = Vec::with_capacity(plain.len() + 1);
    stored.push(STORED);
    stored.extend_from_slice(plain);
    stored
}

/// The opposite of [`close`]; no more than `most` bytes come of it.
pub(super) fn open(bytes: &[u8], symbol_bytes: usize, most: u64) -> Result<Opened<'_>, CodecError> {
    let mut reader = Reader::new(bytes);
    match reader.byte()? {
        STORED => return Ok(Opened::Stored(reader.rest())),
        CODED => {}
        _ => return Err(CodecError::Malformed("neither coded nor stored")),
    }
    let (head, body) = (read_length(&mut reader)?, read_length(&mut reader)?);
    if head.checked_add(body).is_none_or(|both| both > most) {
        return Err(CodecError::Malformed("longer than these values can be"));
    }
    let words: Vec<u32> = reader
        .rest()
        .chunks(4)
        .map(|chunk| {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            u32::from_be_bytes(word)
        })
        .collect();
    // Reading words of a vector cannot fail.
    let mut decoder = DefaultRangeDecoder::from_compressed(words)
        .map_err(|_| CodecError::Malformed("no words of a range coder"))?;
    let mut opened = Vec::with_capacity((head + body) as usize);
    for (length, symbol_bytes) in [(head, 1), (body, symbol_bytes)] {
        let mut models = vec![Model::new(); symbol_bytes.max(1)];
        let places = models.len();
        for at in 0..length as usize {
            opened.push(models[at % places].decode(&mut decoder)?);
        }
    }
    Ok(Opened::Coded(opened))
}

/// The most bytes of what takes at most so many without this stage.
pub(super) fn bound(plain: u64) -> u64 {
    1 + plain
}

fn write_length(mut length: u64, out: &mut Vec<u8>) {
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

fn read_length(reader: &mut Reader<'_>) -> Result<u64, CodecError> {
    let mut length = 0;
    for shift in (0..63).step_by(7) {
        let byte = reader.byte()?;
        length |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(length);
        }
    }
    Err(CodecError::Malformed("a length without an end"))
}

/// Counts of zeros and ones for every beginning of a byte.
#[derive(Clone)]
struct Model {
    counts: Vec<[u32; 2]>,
}

impl Model {
    fn new() -> Self {
        Self {
            counts: vec![[0; 2]; 256],
        }
    }

    fn encode(&mut self, byte: u8, encoder: &mut DefaultRangeEncoder) {
        let mut beginning = 1;
        for shift in (0..8).rev() {
            let bit = byte >> shift & 1;
            encoder
                .encode_symbol(bit, self.decision(beginning))
                .expect("both decisions are possible, and a vector takes every word");
            self.learn(beginning, bit);
            beginning = beginning << 1 | usize::from(bit);
        }
    }

    fn decode(&mut self, decoder: &mut DefaultRangeDecoder) -> Result<u8, CodecError> {
        let mut beginning = 1;
        for _ in 0..8 {
            let bit = decoder
                .decode_symbol(self.decision(beginning))
                .map_err(|_| CodecError::Malformed("no symbols of a range coder"))?;
            self.learn(beginning, bit);
            beginning = beginning << 1 | usize::from(bit);
        }
        Ok(beginning as u8)
    }

    fn decision(&self, beginning: usize) -> Decision {
        let [zeros, ones] = self.counts[beginning].map(u64::from);
        let zero = (2 * zeros + 1) * u64::from(WHOLE) / (2 * (zeros + ones) + 2);
        Decision {
            zero: (zero as u32).clamp(1, WHOLE - 1),
        }
    }

    fn learn(&mut self, beginning: usize, bit: u8) {
        let counts = &mut self.counts[beginning];
        counts[usize::from(bit)] += 1;
        if counts[0] + counts[1] >= MOST {
            *counts = counts.map(|count| count / 2);
        }
    }
}

/// The probability of a zero, in units of 1/2^16.
#[derive(Clone, Copy)]
struct Decision {
    zero: u32,
}

impl Decision {
    fn side(self, bit: u8) -> (u32, NonZeroU32) {
        let (from, size) = if bit == 0 {
            (0, self.zero)
        } else {
            (self.zero, WHOLE - self.zero)
        };
        (from, NonZeroU32::new(size).expect("within 1 and 2^16 − 1"))
    }
}

impl EntropyModel<PRECISION> for Decision {
    type Symbol = u8;
    type Probability = u32;
}

impl EncoderModel<PRECISION> for Decision {
    fn left_cumulative_and_probability(
        &self,
        symbol: impl Borrow<u8>,
    ) -> Option<(u32, NonZeroU32)> {
        Some(self.side(*symbol.borrow()))
    }
}

impl DecoderModel<PRECISION> for Decision {
    fn quantile_function(&self, quantile: u32) -> (u8, u32, NonZeroU32) {
        let bit = u8::from(quantile >= self.zero);
        let (from, size) = self.side(bit);
        (bit, from, size)
    }
}
