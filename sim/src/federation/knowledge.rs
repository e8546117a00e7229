//! Knowledge between client and aggregator: one piece a strand.
//!
//! A method has *strands*: kinds of knowledge that travel together, each with its own rule and its
//! own loss. What one strand says at an instant is a [`Piece`].

use fedstill_models::all_finite;
use std::sync::Arc;

/// What one strand says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Piece {
    /// A flat vector, or rows one after the other; a row of zeros is one that the sender does not
    /// have.
    pub values: Arc<Vec<f32>>,
    /// Figures beside them, such as counts or losses.
    pub scalars: Vec<f32>,
}

impl Piece {
    /// Values alone.
    pub fn of(values: Vec<f32>) -> Self {
        Self {
            values: Arc::new(values),
            scalars: Vec::new(),
        }
    }

    /// Whether every number is finite.
    pub fn is_finite(&self) -> bool {
        all_finite(&self.values) && all_finite(&self.scalars)
    }
}

/// The form of a strand's pieces between one client and its aggregator, one way; both ends know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Form {
    /// Number of values.
    pub values: usize,
    /// Values a row; 0 where there are no rows.
    pub width: usize,
    /// Whether rows that the sender does not have stay at home.
    pub sparse: bool,
    /// Number of scalars.
    pub scalars: usize,
}

impl Form {
    /// A vector without rows.
    pub fn flat(values: usize) -> Self {
        Self {
            values,
            ..Self::default()
        }
    }

    /// Rows that all travel.
    pub fn rows(rows: usize, width: usize) -> Self {
        Self {
            values: rows * width,
            width,
            ..Self::default()
        }
    }

    /// Rows of which only those travel that the sender has.
    pub fn held_rows(rows: usize, width: usize) -> Self {
        Self {
            sparse: true,
            ..Self::rows(rows, width)
        }
    }

    /// With so many scalars beside.
    pub fn and_scalars(self, scalars: usize) -> Self {
        Self { scalars, ..self }
    }

    /// Number of rows.
    pub fn row_count(&self) -> usize {
        self.values.checked_div(self.width).unwrap_or(0)
    }
}

/// Which strands something is known of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known(u8);

/// The most strands that a method can have: a parcel's header has a bit for each.
pub const MOST_STRANDS: usize = 8;

impl Known {
    /// Of none.
    pub const NOTHING: Self = Self(0);
    /// Of all.
    pub const ALL: Self = Self(u8::MAX);

    /// Of those that have a piece here.
    pub fn of(pieces: &[Option<Piece>]) -> Self {
        let bits = pieces.iter().enumerate();
        Self(bits.fold(0, |bits, (strand, piece)| {
            bits | (u8::from(piece.is_some()) << strand)
        }))
    }

    /// Whether of this one.
    pub fn has(self, strand: usize) -> bool {
        self.0 >> strand & 1 == 1
    }

    pub(super) fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    pub(super) fn bits(self) -> u8 {
        self.0
    }
}
