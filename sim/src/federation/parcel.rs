//! Parcels: knowledge as the bytes that cross the network.
//!
//! The length of a parcel's buffer is what the network carries and the tables count: a header of
//! [`HEADER_BYTES`], then the pieces that are there, by strand. Where several strands travel, each
//! piece has its length before it, 4 bytes.
//!
//! | bytes | field |
//! | --- | --- |
//! | 0–3 | `FDST` |
//! | 4 | format, 3 |
//! | 5 | number of strands |
//! | 6 | a bit for each strand whose piece follows |
//! | 7 | reserved |
//! | 8–11 | version: the sender's, or the one a contribution started from |
//! | 12–15 | on the way down, one more than the number of the client's last participation whose contribution arrived; 0 for none |
//! | 16–19 | own samples that a contribution learned from |
//! | 20–23 | f32: mean loss on them during the work; NaN where it is not reported |
//! | 24–27 | number of the list of public samples that the values are about |
//! | 28–31 | f32: mean of the squares of those losses, likewise |
//!
//! A piece is its values as its codec writes them, and its scalars, 4 bytes each.

use super::codec::{Codec, Receiver, Sender};
use super::knowledge::{Form, Known, MOST_STRANDS, Piece};
use super::selection::LossReport;
use std::sync::Arc;

/// Bytes before the pieces.
pub const HEADER_BYTES: u64 = 32;

const MAGIC: [u8; 4] = *b"FDST";
const FORMAT: u8 = 3;

/// Bytes of a piece's length.
const LENGTH_BYTES: usize = 4;

/// How one strand's pieces cross the network one way.
#[derive(Debug, Clone)]
pub struct Wire {
    /// What they are.
    pub form: Form,
    /// How they become bytes.
    pub codec: Arc<Codec>,
}

impl Wire {
    /// The most bytes of a piece; all pieces of most codecs have as many.
    fn most_bytes(&self) -> usize {
        let values = self.codec.bound_bytes(self.form.values, self.form.width);
        values as usize + 4 * self.form.scalars
    }
}

/// A parcel, and what its codecs remember at the sender once it has arrived.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// What crosses the network.
    pub parcel: Parcel,
    /// By strand.
    pub if_arrived: Vec<Sender>,
}

/// An encoded parcel; cloning it copies no bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel(Arc<Vec<u8>>);

/// What a parcel says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Contents {
    /// The version it carries or started from.
    pub version: u64,
    /// Samples that a contribution learned from, fewer than 2³²; 0 on the way down.
    pub samples: u64,
    /// The losses on them while it trained, rounded to f32 on the way; where the selection needs
    /// them.
    pub loss: Option<LossReport>,
    /// On the way down: the number of the client's last participation whose contribution arrived.
    pub arrived: Option<u64>,
    /// Number of the list of public samples that the values are about; both ends draw
    /// the list from a seed agreed on beforehand. Fewer than 2³².
    pub list: u64,
    /// The knowledge by strand; `None` where there is none yet.
    pub pieces: Vec<Option<Piece>>,
}

impl Outgoing {
    /// Nothing at all.
    pub fn nothing() -> Self {
        Self {
            parcel: Parcel::nothing(),
            if_arrived: Vec::new(),
        }
    }
}

impl Parcel {
    /// Encodes; a wire for each strand. `senders` is what each strand's codec remembers of this
    /// receiver, nothing if it is empty; `seed` decides what codecs draw.
    ///
    /// # Panics
    /// When a piece is not of its form, or there are more than [`MOST_STRANDS`].
    pub fn encode(contents: &Contents, wires: &[Wire], senders: &[Sender], seed: u64) -> Outgoing {
        assert_eq!(contents.pieces.len(), wires.len());
        assert!(wires.len() <= MOST_STRANDS);
        let present = contents.pieces.iter().zip(wires);
        let present = present.filter_map(|(piece, wire)| piece.as_ref().map(|_| wire));
        let room: usize = present.map(|wire| LENGTH_BYTES + wire.most_bytes()).sum();
        let mut bytes = Vec::with_capacity(HEADER_BYTES as usize + room);
        bytes.extend_from_slice(&MAGIC);
        let known = Known::of(&contents.pieces);
        bytes.extend_from_slice(&[FORMAT, wires.len() as u8, known.bits(), 0]);
        let word = |number: u64| u32::try_from(number).expect("counts stay below 2^32");
        let loss = contents.loss;
        let arrived = contents.arrived.map_or(0, |number| number + 1);
        bytes.extend_from_slice(&word(contents.version).to_le_bytes());
        bytes.extend_from_slice(&word(arrived).to_le_bytes());
        bytes.extend_from_slice(&word(contents.samples).to_le_bytes());
        let mean = loss.map_or(f32::NAN, |loss| loss.mean as f32);
        bytes.extend_from_slice(&mean.to_le_bytes());
        bytes.extend_from_slice(&word(contents.list).to_le_bytes());
        let square = loss.map_or(f32::NAN, |loss| loss.mean_square as f32);
        bytes.extend_from_slice(&square.to_le_bytes());
        let mut if_arrived = Vec::with_capacity(wires.len());
        for (strand, (piece, wire)) in contents.pieces.iter().zip(wires).enumerate() {
            let sender = senders.get(strand).cloned().unwrap_or_default();
            let Some(piece) = piece else {
                if_arrived.push(sender);
                continue;
            };
            let length_at = bytes.len();
            if wires.len() > 1 {
                bytes.extend_from_slice(&[0; LENGTH_BYTES]);
            }
            let begin = bytes.len();
            if_arrived.push(write_piece(piece, wire, &sender, seed, &mut bytes));
            if wires.len() > 1 {
                let length = u32::try_from(bytes.len() - begin).expect("a piece is below 4 GiB");
                bytes[length_at..begin].copy_from_slice(&length.to_le_bytes());
            }
        }
        Outgoing {
            parcel: Self(Arc::new(bytes)),
            if_arrived,
        }
    }

    /// A message that carries nothing: not even a header crosses the network.
    pub fn nothing() -> Self {
        Self(Arc::default())
    }

    /// Which strands have a piece in it.
    pub fn known(&self) -> Known {
        Known::from_bits(self.0.get(6).copied().unwrap_or(0))
    }

    /// The number of the client's last participation whose contribution arrived, as the
    /// aggregator says.
    pub fn arrived(&self) -> Option<u64> {
        let word = self.0.get(12..16)?.try_into().ok()?;
        u64::from(u32::from_le_bytes(word)).checked_sub(1)
    }

    /// Decodes; `receivers` is what each strand's codec remembers of this sender, nothing if it is
    /// empty. Gives also what they remember from now on.
    ///
    /// # Panics
    /// If the bytes are not a parcel for these wires: both ends are this program.
    pub fn decode(&self, wires: &[Wire], receivers: &[Receiver]) -> (Contents, Vec<Receiver>) {
        let (header, mut body) = self.0.split_at(HEADER_BYTES as usize);
        assert_eq!(header[..5], [b'F', b'D', b'S', b'T', FORMAT]);
        assert_eq!(usize::from(header[5]), wires.len());
        let word = |at: usize| -> [u8; 4] { header[at..at + 4].try_into().expect("four bytes") };
        let number = |at: usize| u64::from(u32::from_le_bytes(word(at)));
        let mean = f32::from_le_bytes(word(20));
        let loss = (!mean.is_nan()).then(|| LossReport {
            mean: f64::from(mean),
            mean_square: f64::from(f32::from_le_bytes(word(28))),
        });
        let known = self.known();
        let mut next = Vec::with_capacity(wires.len());
        let mut pieces = Vec::with_capacity(wires.len());
        for (strand, wire) in wires.iter().enumerate() {
            let receiver = receivers.get(strand).cloned().unwrap_or_default();
            if !known.has(strand) {
                pieces.push(None);
                next.push(receiver);
                continue;
            }
            let length = if wires.len() > 1 {
                let (length, rest) = body.split_at(LENGTH_BYTES);
                body = rest;
                u32::from_le_bytes(length.try_into().expect("four bytes")) as usize
            } else {
                body.len()
            };
            let (piece, rest) = body.split_at(length);
            body = rest;
            let (piece, receiver) = read_piece(piece, wire, &receiver);
            pieces.push(Some(piece));
            next.push(receiver);
        }
        let contents = Contents {
            version: number(8),
            arrived: self.arrived(),
            samples: number(16),
            loss,
            list: number(24),
            pieces,
        };
        (contents, next)
    }

    /// Length of the buffer.
    pub fn bytes(&self) -> u64 {
        self.0.len() as u64
    }
}

/// Length of a parcel on these wires; `known` says which pieces are there. Where a piece's length
/// depends on its values, the most that it can be.
pub fn parcel_bytes(wires: &[Wire], known: Known) -> u64 {
    let present = wires.iter().enumerate().filter(|(s, _)| known.has(*s));
    let lengths = if wires.len() > 1 { LENGTH_BYTES } else { 0 };
    let pieces = present.map(|(_, wire)| (lengths + wire.most_bytes()) as u64);
    HEADER_BYTES + pieces.sum::<u64>()
}

fn write_piece(
    piece: &Piece,
    Wire { form, codec }: &Wire,
    sender: &Sender,
    seed: u64,
    bytes: &mut Vec<u8>,
) -> Sender {
    assert_eq!(piece.values.len(), form.values, "a piece has its form");
    assert_eq!(piece.scalars.len(), form.scalars, "a piece has its form");
    let write = |values: &[f32], bytes: &mut Vec<u8>| {
        let place = bytes.len();
        bytes.resize(place + 4 * values.len(), 0);
        // Into room that is there already: appending would ask about room every time.
        let (words, _) = bytes[place..].as_chunks_mut();
        for (word, value) in words.iter_mut().zip(values) {
            *word = value.to_le_bytes();
        }
    };
    let if_arrived = if codec.is_identity() {
        write(&piece.values, bytes);
        Sender::default()
    } else {
        let encoded = codec.encode(&piece.values, form.width, sender, seed);
        bytes.extend_from_slice(&encoded.bytes);
        encoded.if_arrived
    };
    write(&piece.scalars, bytes);
    if_arrived
}

fn read_piece(bytes: &[u8], Wire { form, codec }: &Wire, receiver: &Receiver) -> (Piece, Receiver) {
    let (values, scalars) = bytes.split_at(bytes.len() - 4 * form.scalars);
    let floats = |bytes: &[u8]| -> Vec<f32> {
        let (words, _) = bytes.as_chunks();
        words.iter().map(|word| f32::from_le_bytes(*word)).collect()
    };
    let (values, receiver) = if codec.is_identity() {
        let values = floats(values);
        assert_eq!(values.len(), form.values, "a piece has its form");
        (values, Receiver::default())
    } else {
        let decoded = codec.decode(values, form.values, form.width, receiver);
        let decoded = decoded.unwrap_or_else(|error| panic!("a parcel of our own: {error}"));
        (decoded.values, decoded.receiver)
    };
    let piece = Piece {
        values: Arc::new(values),
        scalars: floats(scalars),
    };
    (piece, receiver)
}

/// Whether a row is there.
pub(super) fn is_held(row: &[f32]) -> bool {
    row.iter().any(|value| *value != 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{RawCodec, RawCodecStage};

    fn wires<const N: usize>(forms: [Form; N]) -> [Wire; N] {
        forms.map(|form| {
            let codec = Codec::new(&RawCodec::default());
            Wire {
                codec: Arc::new(if form.sparse {
                    codec.with_rows()
                } else {
                    codec
                }),
                form,
            }
        })
    }

    fn there_and_back(contents: &Contents, wires: &[Wire]) -> Parcel {
        let parcel = Parcel::encode(contents, wires, &[], 0).parcel;
        assert_eq!(parcel.decode(wires, &[]).0, *contents);
        parcel
    }

    fn contents(pieces: Vec<Option<Piece>>) -> Contents {
        Contents {
            version: 0x89ab_cdef,
            arrived: Some(0x0123_4567),
            samples: 70_000,
            loss: Some(LossReport {
                mean: 2.25,
                mean_square: 6.5,
            }),
            list: 7,
            pieces,
        }
    }

    #[test]
    fn what_is_decoded_is_what_was_encoded_and_has_the_stated_length() {
        for piece in [None, Some(vec![1.5, -0.0, f32::MIN_POSITIVE])] {
            let wires = wires([Form::flat(3)]);
            let contents = contents(vec![piece.map(Piece::of)]);
            let parcel = there_and_back(&contents, &wires);
            let known = Known::of(&contents.pieces);
            assert_eq!(parcel.bytes(), parcel_bytes(&wires, known));
            assert_eq!(parcel.bytes(), 32 + if known.has(0) { 12 } else { 0 });
        }
        assert_eq!(Parcel::nothing().bytes(), 0);
    }

    #[test]
    fn of_several_strands_each_piece_has_its_length_before_it() {
        let wires = wires([Form::flat(2), Form::flat(5), Form::flat(1).and_scalars(1)]);
        let last = Piece {
            scalars: vec![9.0],
            ..Piece::of(vec![3.0])
        };
        let mut contents = contents(vec![Some(Piece::of(vec![1.0, 2.0])), None, Some(last)]);
        (contents.loss, contents.arrived) = (None, None);
        let parcel = there_and_back(&contents, &wires);
        // 32 of header, 4 + 2·4 and 4 + 2·4.
        assert_eq!(parcel.bytes(), 56);
        assert!(parcel.known().has(0) && !parcel.known().has(1) && parcel.known().has(2));
    }

    #[test]
    fn rows_that_the_sender_does_not_have_stay_at_home() {
        let wires = wires([Form::held_rows(10, 2).and_scalars(1)]);
        let mut values = vec![0.0; 20];
        values[6..8].copy_from_slice(&[1.0, 0.0]);
        values[18..].copy_from_slice(&[0.0, -2.0]);
        let piece = Piece {
            scalars: vec![4.0],
            ..Piece::of(values)
        };
        let contents = contents(vec![Some(piece)]);
        let parcel = there_and_back(&contents, &wires);
        // 32 of header, 10 bits, two rows of two values, a scalar.
        assert_eq!(parcel.bytes(), 32 + 2 + 16 + 4);
        assert_eq!(parcel_bytes(&wires, Known::ALL), 32 + 2 + 80 + 4);
    }

    #[test]
    fn the_bytes_of_published_tables_are_those_of_the_values() {
        let values = |form: Form| parcel_bytes(&wires([form]), Known::ALL) - HEADER_BYTES;
        // Jeong et al. 2018, table 1: 16 versions up and down of 10 × 10 logits, and of 1 199 648
        // parameters, in bits.
        assert_eq!(2 * 16 * 8 * values(Form::rows(10, 10)), 102_400);
        assert_eq!(2 * 16 * 8 * values(Form::flat(1_199_648)), 1_228_439_552);
        // Sattler et al. 2020: 10 versions of 80 000 public samples × 10 classes, one way: 32.00 MB.
        assert_eq!(10 * values(Form::rows(80_000, 10)), 32_000_000);
    }

    #[test]
    fn a_piece_is_what_its_codec_makes_of_it() {
        let raw = RawCodec::from(vec![RawCodecStage::F16]);
        let codec = Arc::new(Codec::new(&raw));
        let form = Form::flat(2).and_scalars(1);
        let wires = [Wire { form, codec }];
        let piece = Piece {
            scalars: vec![0.1],
            ..Piece::of(vec![1.0, 0.1])
        };
        let parcel = Parcel::encode(&contents(vec![Some(piece)]), &wires, &[], 0).parcel;
        assert_eq!(parcel.bytes(), 32 + 2 * 2 + 4);
        let piece = parcel.decode(&wires, &[]).0.pieces.remove(0).unwrap();
        // The nearest binary16 to 0.1 is 0.0999755859375; scalars stay as they are.
        assert_eq!(*piece.values, [1.0, 0.099_975_586]);
        assert_eq!(piece.scalars, [0.1]);
    }
}
