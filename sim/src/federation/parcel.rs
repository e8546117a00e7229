//! Parcels: knowledge as the bytes that cross the network.
//!
//! The length of a parcel's buffer is what the network carries and the tables
//! count: a header of [`HEADER_BYTES`] and then the values, 4 bytes each.
//!
//! | bytes | field |
//! | --- | --- |
//! | 0–3 | `FDST` |
//! | 4 | format, 1 |
//! | 5 | codec, 0 for little-endian f32 |
//! | 6 | 1 where knowledge follows the header |
//! | 7 | 1 where the losses are given |
//! | 8–15 | version: the sender's, or the one a contribution started from |
//! | 16–19 | own samples that a contribution learned from |
//! | 20–23 | number of the list of public samples that the values are about |
//! | 24–27 | f32: mean loss on the own samples during the work |
//! | 28–31 | f32: mean of the squares of those losses |

use super::selection::LossReport;
use std::sync::Arc;

/// Bytes before the values.
pub const HEADER_BYTES: u64 = 32;

const MAGIC: [u8; 4] = *b"FDST";
const FORMAT: u8 = 1;
const CODEC_F32: u8 = 0;

/// An encoded parcel; cloning it copies no bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel(Arc<[u8]>);

/// What a parcel says.
#[derive(Debug, Clone, PartialEq)]
pub struct Contents {
    /// The version it carries or started from.
    pub version: u64,
    /// Samples that a contribution learned from, fewer than 2³²; 0 on the way down.
    pub samples: u64,
    /// Number of the list of public samples that the values are about; both ends draw
    /// the list from a seed agreed on beforehand. Fewer than 2³².
    pub list: u64,
    /// The losses on the own samples, rounded to f32 on the way; where the selection needs them.
    pub loss: Option<LossReport>,
    /// The knowledge; `None` where there is none yet.
    pub values: Option<Vec<f32>>,
}

impl Parcel {
    /// Encodes.
    pub fn encode(contents: &Contents) -> Self {
        let values = contents.values.as_deref().unwrap_or_default();
        let mut bytes = Vec::with_capacity(HEADER_BYTES as usize + 4 * values.len());
        bytes.extend_from_slice(&MAGIC);
        let has_values = u8::from(contents.values.is_some());
        let has_loss = u8::from(contents.loss.is_some());
        bytes.extend_from_slice(&[FORMAT, CODEC_F32, has_values, has_loss]);
        bytes.extend_from_slice(&contents.version.to_le_bytes());
        for field in [contents.samples, contents.list] {
            // Samples and versions are counted in memory, one by one.
            let field = u32::try_from(field).expect("fewer than 2^32");
            bytes.extend_from_slice(&field.to_le_bytes());
        }
        let losses = contents.loss.map(|loss| [loss.mean, loss.mean_square]);
        for loss in losses.unwrap_or_default() {
            bytes.extend_from_slice(&(loss as f32).to_le_bytes());
        }
        for value in values {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        Self(bytes.into())
    }

    /// A message that carries nothing: not even a header crosses the network.
    pub fn nothing() -> Self {
        Self(Arc::default())
    }

    /// Decodes.
    ///
    /// # Panics
    /// If the bytes are not a parcel's: both ends are this program.
    pub fn decode(&self) -> Contents {
        let (header, body) = self.0.split_at(HEADER_BYTES as usize);
        assert_eq!(header[..6], [b'F', b'D', b'S', b'T', FORMAT, CODEC_F32]);
        let word = |at: usize| header[at..at + 4].try_into().expect("four bytes");
        let count = |at: usize| u64::from(u32::from_le_bytes(word(at)));
        let loss = |at: usize| f64::from(f32::from_le_bytes(word(at)));
        let values = || {
            body.chunks_exact(4)
                .map(|word| f32::from_le_bytes(word.try_into().expect("four bytes")))
                .collect()
        };
        Contents {
            version: u64::from_le_bytes(header[8..16].try_into().expect("eight bytes")),
            samples: count(16),
            list: count(20),
            loss: (header[7] == 1).then(|| LossReport {
                mean: loss(24),
                mean_square: loss(28),
            }),
            values: (header[6] == 1).then(values),
        }
    }

    /// Length of the buffer.
    pub fn bytes(&self) -> u64 {
        self.0.len() as u64
    }
}

/// Length of a parcel with this many values.
pub fn parcel_bytes(values: usize) -> u64 {
    HEADER_BYTES + 4 * values as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_decoded_is_what_was_encoded_and_has_the_stated_length() {
        let losses = LossReport {
            mean: 2.25,
            mean_square: 6.5,
        };
        for (values, loss) in [
            (None, None),
            (Some(vec![]), Some(losses)),
            (Some(vec![1.5, -0.0, f32::MIN_POSITIVE]), Some(losses)),
        ] {
            let contents = Contents {
                version: 7,
                samples: u64::from(u32::MAX),
                list: 0x0123_4567,
                loss,
                values,
            };
            let parcel = Parcel::encode(&contents);
            assert_eq!(parcel.decode(), contents);
            let count = contents.values.as_ref().map_or(0, Vec::len);
            assert_eq!(parcel.bytes(), parcel_bytes(count));
        }
        assert_eq!(Parcel::nothing().bytes(), 0);
    }
}
