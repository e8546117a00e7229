//! What is wrong with bytes that do not decode.

use std::fmt;

/// Why bytes do not decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodecError {
    /// They end too soon.
    TooShort,
    /// Bytes are left over.
    TooLong,
    /// They say what no encoder writes.
    Malformed(&'static str),
    /// They are a difference to something else than this receiver last decoded.
    OutOfStep {
        /// Which of its sender's arrivals they follow.
        sent: u8,
        /// Which one the receiver decoded last.
        held: u8,
    },
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => f.write_str("the encoded bytes end too soon"),
            Self::TooLong => f.write_str("bytes are left over after decoding"),
            Self::Malformed(what) => write!(f, "the encoded bytes are malformed: {what}"),
            Self::OutOfStep { sent, held } => write!(
                f,
                "a difference to arrival {sent} cannot be decoded after arrival {held}"
            ),
        }
    }
}

impl std::error::Error for CodecError {}
