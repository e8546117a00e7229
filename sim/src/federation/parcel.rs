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
//! | 7 | reserved |
//! | 8–15 | version: the sender's, or the one a contribution started from |
//! | 16–23 | own samples that a contribution learned from |
//! | 24–31 | number of the list of public samples that the values are about |

use std::sync::Arc;

/// Bytes before the values.
pub const HEADER_BYTES: u64 = 32;

const MAGIC: [u8; 4] = *b"FDST";
const FORMAT: u8 = 1;
const CODEC_F32: u8 = 0;

/// An encoded parcel; cloning it copies no bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel(Arc<Vec<u8>>);

/// What a parcel says.
#[derive(Debug, Clone, PartialEq)]
pub struct Contents {
    /// The version it carries or started from.
    pub version: u64,
    /// Samples that a contribution learned from; 0 on the way down.
    pub samples: u64,
    /// Number of the list of public samples that the values are about; both ends draw
    /// the list from a seed agreed on beforehand.
    pub list: u64,
    /// The knowledge; `None` where there is none yet.
    pub values: Option<Vec<f32>>,
}

impl Parcel {
    /// Encodes.
    pub fn encode(contents: &Contents) -> Self {
        let values = contents.values.as_deref().unwrap_or_default();
        let length = HEADER_BYTES as usize + 4 * values.len();
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(&MAGIC);
        let has_values = u8::from(contents.values.is_some());
        bytes.extend_from_slice(&[FORMAT, CODEC_F32, has_values, 0]);
        for field in [contents.version, contents.samples, contents.list] {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
        // Value by value into room that is there already: one copy, where appending would ask
        // about room every time.
        bytes.resize(length, 0);
        let (words, _) = bytes[HEADER_BYTES as usize..].as_chunks_mut();
        for (word, value) in words.iter_mut().zip(values) {
            *word = value.to_le_bytes();
        }
        Self(Arc::new(bytes))
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
        let field =
            |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().expect("eight bytes"));
        let values = || {
            let (words, _) = body.as_chunks();
            words.iter().map(|word| f32::from_le_bytes(*word)).collect()
        };
        Contents {
            version: field(8),
            samples: field(16),
            list: field(24),
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
        for values in [None, Some(vec![]), Some(vec![1.5, -0.0, f32::MIN_POSITIVE])] {
            let contents = Contents {
                version: 7,
                samples: u64::MAX,
                list: 0x0123_4567_89ab_cdef,
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
