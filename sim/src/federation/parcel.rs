//! Parcels: knowledge as the bytes that cross the network.
//!
//! The length of a parcel's buffer is what the network carries and the tables count: a header of
//! [`HEADER_BYTES`], then the pieces that are there, by strand. Where several strands travel, each
//! piece has its length before it, 4 bytes.
//!
//! | bytes | field |
//! | --- | --- |
//! | 0–3 | `FDST` |
//! | 4 | format, 2 |
//! | 5 | number of strands |
//! | 6 | a bit for each strand whose piece follows |
//! | 7 | reserved |
//! | 8–15 | version: the sender's, or the one a contribution started from |
//! | 16–19 | own samples that a contribution learned from |
//! | 20–23 | mean loss of the last pass over them, f32; NaN where there is none |
//! | 24–27 | number of the list of public samples that the values are about |
//! | 28–31 | root of the mean squared loss, likewise |
//!
//! A piece is its values, 4 bytes each, and its scalars. Of rows that the sender need not all
//! have, a bit for each row says which follow.

use super::knowledge::{Form, Known, MOST_STRANDS, Piece};
use std::sync::Arc;

/// Bytes before the pieces.
pub const HEADER_BYTES: u64 = 32;

const MAGIC: [u8; 4] = *b"FDST";
const FORMAT: u8 = 2;

/// Bytes of a piece's length.
const LENGTH_BYTES: usize = 4;

/// An encoded parcel; cloning it copies no bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel(Arc<Vec<u8>>);

/// What a parcel says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Contents {
    /// The version it carries or started from.
    pub version: u64,
    /// Samples that a contribution learned from; 0 on the way down.
    pub samples: u64,
    /// How a contribution's model did on them while it trained.
    pub loss: Option<Losses>,
    /// Number of the list of public samples that the values are about; both ends draw
    /// the list from a seed agreed on beforehand.
    pub list: u64,
    /// The knowledge by strand; `None` where there is none yet.
    pub pieces: Vec<Option<Piece>>,
}

/// Losses that a client reports.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Losses {
    /// Mean over the samples of its last pass.
    pub mean: f32,
    /// Root of the mean squared loss, over batches.
    pub root_mean_square: f32,
}

impl Parcel {
    /// Encodes; a form for each strand.
    ///
    /// # Panics
    /// When a piece is not of its form, or there are more than [`MOST_STRANDS`].
    pub fn encode(contents: &Contents, forms: &[Form]) -> Self {
        assert_eq!(contents.pieces.len(), forms.len());
        assert!(forms.len() <= MOST_STRANDS);
        let present = contents.pieces.iter().zip(forms);
        let present = present.filter_map(|(piece, form)| Some((piece.as_ref()?, form)));
        let room: usize = present
            .clone()
            .map(|(_, form)| LENGTH_BYTES + most_bytes(form))
            .sum();
        let mut bytes = Vec::with_capacity(HEADER_BYTES as usize + room);
        bytes.extend_from_slice(&MAGIC);
        let known = Known::of(&contents.pieces);
        bytes.extend_from_slice(&[FORMAT, forms.len() as u8, known.bits(), 0]);
        bytes.extend_from_slice(&contents.version.to_le_bytes());
        let loss = contents.loss;
        let samples = u32::try_from(contents.samples).expect("samples fit memory");
        let list = u32::try_from(contents.list).expect("lists are drawn once a version");
        bytes.extend_from_slice(&samples.to_le_bytes());
        let mean = loss.map_or(f32::NAN, |loss| loss.mean);
        bytes.extend_from_slice(&mean.to_le_bytes());
        bytes.extend_from_slice(&list.to_le_bytes());
        let root = loss.map_or(f32::NAN, |loss| loss.root_mean_square);
        bytes.extend_from_slice(&root.to_le_bytes());
        for (piece, form) in present {
            let length_at = bytes.len();
            if forms.len() > 1 {
                bytes.extend_from_slice(&[0; LENGTH_BYTES]);
            }
            let begin = bytes.len();
            write_piece(piece, form, &mut bytes);
            if forms.len() > 1 {
                let length = u32::try_from(bytes.len() - begin).expect("a piece is below 4 GiB");
                bytes[length_at..begin].copy_from_slice(&length.to_le_bytes());
            }
        }
        Self(Arc::new(bytes))
    }

    /// A message that carries nothing: not even a header crosses the network.
    pub fn nothing() -> Self {
        Self(Arc::default())
    }

    /// Which strands have a piece in it.
    pub fn known(&self) -> Known {
        Known::from_bits(self.0.get(6).copied().unwrap_or(0))
    }

    /// Decodes.
    ///
    /// # Panics
    /// If the bytes are not a parcel of these forms: both ends are this program.
    pub fn decode(&self, forms: &[Form]) -> Contents {
        let (header, mut body) = self.0.split_at(HEADER_BYTES as usize);
        assert_eq!(header[..5], [b'F', b'D', b'S', b'T', FORMAT]);
        assert_eq!(usize::from(header[5]), forms.len());
        let word = |at: usize| -> [u8; 4] { header[at..at + 4].try_into().expect("four bytes") };
        let version = u64::from_le_bytes(header[8..16].try_into().expect("eight bytes"));
        let mean = f32::from_le_bytes(word(20));
        let loss = (!mean.is_nan()).then(|| Losses {
            mean,
            root_mean_square: f32::from_le_bytes(word(28)),
        });
        let known = self.known();
        let pieces = forms.iter().enumerate().map(|(strand, form)| {
            known.has(strand).then(|| {
                let length = if forms.len() > 1 {
                    let (length, rest) = body.split_at(LENGTH_BYTES);
                    body = rest;
                    u32::from_le_bytes(length.try_into().expect("four bytes")) as usize
                } else {
                    body.len()
                };
                let (piece, rest) = body.split_at(length);
                body = rest;
                read_piece(piece, form)
            })
        });
        let pieces = pieces.collect();
        Contents {
            version,
            samples: u64::from(u32::from_le_bytes(word(16))),
            loss,
            list: u64::from(u32::from_le_bytes(word(24))),
            pieces,
        }
    }

    /// Length of the buffer.
    pub fn bytes(&self) -> u64 {
        self.0.len() as u64
    }
}

/// Length of a parcel whose pieces have these forms; `known` says which are there. Of rows that
/// need not all travel, all.
pub fn parcel_bytes(forms: &[Form], known: Known) -> u64 {
    let present = forms.iter().enumerate().filter(|(s, _)| known.has(*s));
    let lengths = if forms.len() > 1 { LENGTH_BYTES } else { 0 };
    let pieces = present.map(|(_, form)| (lengths + most_bytes(form)) as u64);
    HEADER_BYTES + pieces.sum::<u64>()
}

fn most_bytes(form: &Form) -> usize {
    let bits = if form.sparse { form.row_count() } else { 0 };
    bits.div_ceil(8) + 4 * (form.values + form.scalars)
}

fn write_piece(piece: &Piece, form: &Form, bytes: &mut Vec<u8>) {
    assert_eq!(piece.values.len(), form.values, "a piece has its form");
    assert_eq!(piece.scalars.len(), form.scalars, "a piece has its form");
    let mut write = |values: &[f32]| {
        let place = bytes.len();
        bytes.resize(place + 4 * values.len(), 0);
        let (words, _) = bytes[place..].as_chunks_mut();
        for (word, value) in words.iter_mut().zip(values) {
            *word = value.to_le_bytes();
        }
    };
    if form.sparse {
        let rows = piece.values.chunks_exact(form.width);
        let held: Vec<bool> = rows.clone().map(is_held).collect();
        let bits = held.chunks(8).map(|held| {
            (0..)
                .zip(held)
                .fold(0, |byte, (i, h)| byte | u8::from(*h) << i)
        });
        bytes.extend(bits);
        for (row, _) in rows.zip(held).filter(|(_, held)| *held) {
            bytes.extend(row.iter().flat_map(|value| value.to_le_bytes()));
        }
        bytes.extend(piece.scalars.iter().flat_map(|value| value.to_le_bytes()));
    } else {
        write(&piece.values);
        write(&piece.scalars);
    }
}

fn read_piece(bytes: &[u8], form: &Form) -> Piece {
    let floats = |bytes: &[u8]| -> Vec<f32> {
        let (words, _) = bytes.as_chunks();
        words.iter().map(|word| f32::from_le_bytes(*word)).collect()
    };
    let scalars_at = bytes.len() - 4 * form.scalars;
    let scalars = floats(&bytes[scalars_at..]);
    let values = if form.sparse {
        let (bits, held) = bytes[..scalars_at].split_at(form.row_count().div_ceil(8));
        let mut held = held.chunks_exact(4 * form.width);
        let mut values = vec![0.0; form.values];
        for (row, values) in values.chunks_exact_mut(form.width).enumerate() {
            if bits[row / 8] >> (row % 8) & 1 == 1 {
                values.copy_from_slice(&floats(held.next().expect("a row for each bit")));
            }
        }
        values
    } else {
        floats(&bytes[..scalars_at])
    };
    assert_eq!(values.len(), form.values, "a piece has its form");
    Piece {
        values: Arc::new(values),
        scalars,
    }
}

/// Whether a row is there.
pub(super) fn is_held(row: &[f32]) -> bool {
    row.iter().any(|value| *value != 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(pieces: Vec<Option<Piece>>) -> Contents {
        Contents {
            version: 0x0123_4567_89ab_cdef,
            samples: 70_000,
            loss: Some(Losses {
                mean: 0.25,
                root_mean_square: 0.5,
            }),
            list: 7,
            pieces,
        }
    }

    #[test]
    fn what_is_decoded_is_what_was_encoded_and_has_the_stated_length() {
        for piece in [None, Some(vec![1.5, -0.0, f32::MIN_POSITIVE])] {
            let forms = [Form::flat(3)];
            let contents = contents(vec![piece.map(Piece::of)]);
            let parcel = Parcel::encode(&contents, &forms);
            assert_eq!(parcel.decode(&forms), contents);
            let known = Known::of(&contents.pieces);
            assert_eq!(parcel.bytes(), parcel_bytes(&forms, known));
            assert_eq!(parcel.bytes(), 32 + if known.has(0) { 12 } else { 0 });
        }
        assert_eq!(Parcel::nothing().bytes(), 0);
    }

    #[test]
    fn of_several_strands_each_piece_has_its_length_before_it() {
        let forms = [Form::flat(2), Form::flat(5), Form::flat(1).and_scalars(1)];
        let last = Piece {
            scalars: vec![9.0],
            ..Piece::of(vec![3.0])
        };
        let mut contents = contents(vec![Some(Piece::of(vec![1.0, 2.0])), None, Some(last)]);
        contents.loss = None;
        let parcel = Parcel::encode(&contents, &forms);
        assert_eq!(parcel.decode(&forms), contents);
        // 32 of header, 4 + 2·4 and 4 + 2·4.
        assert_eq!(parcel.bytes(), 56);
        assert!(parcel.known().has(0) && !parcel.known().has(1) && parcel.known().has(2));
    }

    #[test]
    fn rows_that_the_sender_does_not_have_stay_at_home() {
        let forms = [Form::held_rows(10, 2).and_scalars(1)];
        let mut values = vec![0.0; 20];
        values[6..8].copy_from_slice(&[1.0, 0.0]);
        values[18..].copy_from_slice(&[0.0, -2.0]);
        let piece = Piece {
            scalars: vec![4.0],
            ..Piece::of(values)
        };
        let contents = contents(vec![Some(piece)]);
        let parcel = Parcel::encode(&contents, &forms);
        assert_eq!(parcel.decode(&forms), contents);
        // 32 of header, 10 bits, two rows of two values, a scalar.
        assert_eq!(parcel.bytes(), 32 + 2 + 16 + 4);
        assert_eq!(parcel_bytes(&forms, Known::ALL), 32 + 2 + 80 + 4);
    }
}
