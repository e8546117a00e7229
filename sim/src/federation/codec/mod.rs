//! Codecs: how a piece of knowledge becomes bytes, and what a receiver makes of them.
//!
//! What the receiver learns from is what [`Codec::decode`] gives, and the length of
//! what [`Codec::encode`] gives is what the network carries. A codec is a pipeline
//! of stages, each of which may be missing, in this order:
//!
//! 1. `rows`: rows of zeros are not sent;
//! 2. `delta`: only the difference to what last arrived, the *reference*;
//! 3. `top-k`: only the largest magnitudes;
//! 4. a format: `f32`, `f16`, `bf16`, `uniform` or `one-bit`, or labels instead of
//!    values, `hard-labels` or `soft-labels`;
//! 5. `entropy`: what the others wrote, coded without loss.
//!
//! With error feedback a sender adds what the receiver did not get to what it sends
//! next (Seide et al. 2014; Karimireddy et al. 2019, arXiv 1901.09847).
//!
//! State is a value. Encoding gives bytes, and the state that the sender has *if
//! they arrive*; a sender whose bytes are lost keeps the state it had, as does the
//! receiver, which never saw them. One piece at a time is under way from a sender
//! to a receiver.

mod buffer;
mod delta;
mod entropy;
mod error;
mod format;
mod groups;
mod half_precision;
mod labels;
mod one_bit;
mod pipeline;
mod positions;
mod rows;
#[cfg(test)]
mod tests;
mod top_k;
mod uniform;

pub use error::CodecError;

use self::buffer::Packing;
use self::delta::{Arrived, pairwise};
use self::entropy::Opened;
use self::format::Format;
use self::labels::Labels;
use self::pipeline::{Pipeline, Shape, What};
use self::top_k::TopK;
use self::uniform::Uniform;
use crate::scenario::{RawCodec, RawCodecStage};
use std::sync::Arc;

/// How knowledge becomes bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Codec {
    pipeline: Pipeline,
    /// Whether the sender keeps what was lost.
    feedback: bool,
    entropy: bool,
}

/// What a sender remembers of one receiver; cloning it copies no values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sender {
    arrived: Arrived,
    /// What was given and did not arrive.
    residual: Option<Arc<[f32]>>,
}

/// What a receiver remembers of one sender; cloning it copies no values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Receiver {
    arrived: Arrived,
}

/// What goes out.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// What crosses the network.
    pub bytes: Vec<u8>,
    /// The sender's state once they have arrived; until then the one before holds.
    pub if_arrived: Sender,
}

/// What came in.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// What the receiver learns from.
    pub values: Vec<f32>,
    /// The receiver's state from now on.
    pub receiver: Receiver,
}

impl Codec {
    /// The codec of a scenario that has been checked; of stages that a check
    /// refuses together, the last counts.
    #[must_use]
    pub fn new(raw: &RawCodec) -> Self {
        let (mut rows, mut delta, mut entropy, mut feedback) = (false, false, false, false);
        let (mut top, mut format, mut labels) = (None, Format::F32, None);
        for stage in raw.stages() {
            match *stage {
                RawCodecStage::Rows => rows = true,
                RawCodecStage::Delta => delta = true,
                RawCodecStage::TopK {
                    share,
                    count,
                    feedback: keeps,
                } => {
                    let share = TopK::Share(share.unwrap_or(1.0));
                    top = Some(count.map_or(share, TopK::Count));
                    feedback |= keeps;
                }
                RawCodecStage::F32 | RawCodecStage::Uniform { bits: 32, .. } => {
                    format = Format::F32
                }
                RawCodecStage::F16 => format = Format::F16,
                RawCodecStage::Bf16 => format = Format::Bf16,
                RawCodecStage::Uniform {
                    bits,
                    rounding,
                    per,
                } => {
                    format = Format::Uniform(Uniform {
                        bits: bits.clamp(1, 16),
                        rounding,
                        per,
                    });
                }
                RawCodecStage::OneBit {
                    feedback: keeps,
                    per,
                } => {
                    format = Format::OneBit(per);
                    feedback |= keeps;
                }
                RawCodecStage::HardLabels { pad } => labels = Some(Labels::Hard(pad)),
                RawCodecStage::SoftLabels { bits } => {
                    let bits = bits.clamp(1, 16);
                    labels = Some(Labels::Soft { bits });
                }
                RawCodecStage::Entropy => entropy = true,
            }
        }
        let what = match labels {
            Some(labels) => What::Labels(labels),
            None => What::Values { top, format },
        };
        Self {
            // A difference to what the receiver has holds what was lost before:
            // adding it would count it twice.
            feedback: feedback && !delta && labels.is_none(),
            pipeline: Pipeline { rows, delta, what },
            entropy,
        }
    }

    /// The same, with rows of zeros staying at home.
    #[must_use]
    pub fn with_rows(mut self) -> Self {
        self.pipeline.rows = true;
        self
    }

    /// Whether values travel as they are, 4 bytes each.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        let as_they_are = What::Values {
            top: None,
            format: Format::F32,
        };
        self.pipeline.what == as_they_are
            && !(self.pipeline.rows || self.pipeline.delta || self.entropy)
    }

    /// Whether sender and receiver keep states from one piece to the next.
    #[must_use]
    pub fn has_state(&self) -> bool {
        self.pipeline.delta || self.feedback
    }

    /// Length of so many values in rows of `width` (0 where there are no rows), if
    /// it is the same for all values.
    ///
    /// # Panics
    /// If `width` does not divide the number of values.
    #[must_use]
    pub fn fixed_bytes(&self, values: usize, width: usize) -> Option<u64> {
        let shape = Shape::new(values, width);
        let is_fixed = self.pipeline.is_fixed() && !self.entropy;
        is_fixed.then(|| self.pipeline.bound(shape, Packing::Bits))
    }

    /// The most bytes of so many values in rows of `width` (0 where there are no rows).
    ///
    /// # Panics
    /// If `width` does not divide the number of values.
    #[must_use]
    pub fn bound_bytes(&self, values: usize, width: usize) -> u64 {
        let bound = self
            .pipeline
            .bound(Shape::new(values, width), Packing::Bits);
        if self.entropy {
            entropy::bound(bound)
        } else {
            bound
        }
    }

    /// Encodes finite values in rows of `width`; 0 where there are no rows, which
    /// labels take for one row.
    ///
    /// `seed` decides what stochastic rounding draws.
    ///
    /// # Panics
    /// If `width` does not divide the number of values.
    #[must_use]
    pub fn encode(&self, values: &[f32], width: usize, sender: &Sender, seed: u64) -> Encoded {
        debug_assert!(values.iter().all(|value| value.is_finite()));
        let shape = Shape::new(values.len(), width);
        // A piece of another length has nothing in common with what was lost.
        let residual = sender.residual.as_deref();
        let residual = residual.filter(|lost| self.feedback && lost.len() == values.len());
        let wanted = residual.map(|lost| pairwise(values, lost, |value, lost| value + lost));
        let wanted = wanted.as_deref().unwrap_or(values);
        let draft = |packing| {
            self.pipeline
                .write(wanted, values, shape, &sender.arrived, seed, packing)
        };
        let plain = draft(Packing::Bits).into_bytes();
        let mut if_arrived = Sender::default();
        if self.has_state() {
            let decoded = self
                .pipeline
                .read(&plain, shape, &sender.arrived, Packing::Bits)
                .expect("what was just written can be read");
            if self.pipeline.delta {
                if_arrived.arrived = sender.arrived.then(&decoded);
            }
            if self.feedback {
                let lost = pairwise(wanted, &decoded, |wanted, sent| wanted - sent);
                if_arrived.residual = Some(lost.into());
            }
        }
        let bytes = if self.entropy {
            let symbol_bytes = self.pipeline.symbol_bytes(shape);
            entropy::close(&draft(Packing::Bytes), symbol_bytes, &plain)
        } else {
            plain
        };
        Encoded { bytes, if_arrived }
    }

    /// Decodes `count` values in rows of `width`.
    ///
    /// # Errors
    /// If the bytes are not what an encoder writes for as many values, or are a
    /// difference to something else than what this receiver decoded last.
    ///
    /// # Panics
    /// If `width` does not divide `count`.
    pub fn decode(
        &self,
        bytes: &[u8],
        count: usize,
        width: usize,
        receiver: &Receiver,
    ) -> Result<Decoded, CodecError> {
        let shape = Shape::new(count, width);
        let read =
            |bytes: &[u8], packing| self.pipeline.read(bytes, shape, &receiver.arrived, packing);
        let values = if self.entropy {
            let symbol_bytes = self.pipeline.symbol_bytes(shape);
            let most = self.pipeline.bound(shape, Packing::Bytes);
            match entropy::open(bytes, symbol_bytes, most)? {
                Opened::Stored(plain) => read(plain, Packing::Bits)?,
                Opened::Coded(draft) => read(&draft, Packing::Bytes)?,
            }
        } else {
            read(bytes, Packing::Bits)?
        };
        // By itself f32 carries whatever it is given, to the bit.
        if !self.is_identity() && !values.iter().all(|value| value.is_finite()) {
            return Err(CodecError::Malformed("a value is not finite"));
        }
        let mut next = Receiver::default();
        if self.pipeline.delta {
            next.arrived = receiver.arrived.then(&values);
        }
        Ok(Decoded {
            values,
            receiver: next,
        })
    }
}
