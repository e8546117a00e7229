//! The encoded buffer: bytes, and bits least significant first.
//!
//! An encoder writes what precedes the values (positions, ranges) into the head
//! and the values' symbols into the body; on the wire the body follows the head.

use super::CodecError;

/// A buffer while it is written.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Positions, ranges, counts.
    pub(super) head: Vec<u8>,
    /// The symbols of the values, each [`Symbols::bytes`] long where they fill whole bytes.
    pub(super) body: Vec<u8>,
}

impl Draft {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.head;
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// How symbols lie in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// Without a gap, as they cross the network.
    Bits,
    /// Each in whole bytes, so that the entropy coder sees it as one.
    Bytes,
}

/// Symbols of so many bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Symbols {
    pub(super) bits: u32,
    pub(super) packing: Packing,
}

impl Symbols {
    /// Whole bytes that one symbol needs.
    pub(super) fn bytes(self) -> usize {
        self.bits.div_ceil(8) as usize
    }

    /// Length of so many.
    pub(super) fn length(self, count: usize) -> u64 {
        let count = count as u64;
        if self.packing == Packing::Bytes {
            count * self.bytes() as u64
        } else {
            (count * u64::from(self.bits)).div_ceil(8)
        }
    }

    pub(super) fn write(self, codes: impl Iterator<Item = u32>, out: &mut Vec<u8>) {
        if self.packing == Packing::Bytes {
            for code in codes {
                out.extend_from_slice(&code.to_le_bytes()[..self.bytes()]);
            }
            return;
        }
        let mut bits = BitWriter::new(out);
        for code in codes {
            bits.write(u64::from(code), self.bits);
        }
        bits.finish();
    }

    pub(super) fn read(
        self,
        count: usize,
        reader: &mut Reader<'_>,
    ) -> Result<Vec<u32>, CodecError> {
        let bytes = reader.take(self.length(count))?;
        if self.packing == Packing::Bits {
            let mut bits = BitReader::new(bytes);
            return (0..count)
                .map(|_| bits.read(self.bits).map(|code| code as u32))
                .collect();
        }
        if self.bits == 0 {
            return Ok(vec![0; count]);
        }
        let code = |bytes: &[u8]| {
            let mut whole = [0; 4];
            whole[..bytes.len()].copy_from_slice(bytes);
            match u32::from_le_bytes(whole) {
                code if code >> self.bits == 0 => Ok(code),
                _ => Err(CodecError::Malformed("a symbol has more than its bits")),
            }
        };
        bytes.chunks_exact(self.bytes()).map(code).collect()
    }
}

/// Appends bits to bytes.
pub(super) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    pending: u64,
    filled: u32,
}

impl<'a> BitWriter<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            pending: 0,
            filled: 0,
        }
    }

    /// The lowest `bits` of `value`, at most 56.
    pub(super) fn write(&mut self, value: u64, bits: u32) {
        debug_assert!(bits <= 56 && value >> bits == 0);
        self.pending |= value << self.filled;
        self.filled += bits;
        while self.filled >= 8 {
            self.out.push(self.pending as u8);
            self.pending >>= 8;
            self.filled -= 8;
        }
    }

    /// Fills the last byte with zeros.
    pub(super) fn finish(self) {
        if self.filled > 0 {
            self.out.push(self.pending as u8);
        }
    }
}

/// Reads bits of bytes.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    next: usize,
    pending: u64,
    filled: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            next: 0,
            pending: 0,
            filled: 0,
        }
    }

    /// The next bits, at most 56.
    pub(super) fn read(&mut self, bits: u32) -> Result<u64, CodecError> {
        while self.filled < bits {
            let byte = *self.bytes.get(self.next).ok_or(CodecError::TooShort)?;
            self.pending |= u64::from(byte) << self.filled;
            self.filled += 8;
            self.next += 1;
        }
        let value = self.pending & ((1 << bits) - 1);
        self.pending >>= bits;
        self.filled -= bits;
        Ok(value)
    }

    /// Bytes of which a bit has been read.
    pub(super) fn bytes_begun(&self) -> usize {
        self.next
    }
}

/// Reads a buffer from its beginning.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn take(&mut self, length: u64) -> Result<&'a [u8], CodecError> {
        let length = usize::try_from(length).map_err(|_| CodecError::TooShort)?;
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(CodecError::TooShort)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, CodecError> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn u32(&mut self) -> Result<u32, CodecError> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes(bytes.try_into().expect("four bytes")))
    }

    /// A finite number.
    pub(super) fn f32(&mut self) -> Result<f32, CodecError> {
        let value = f32::from_bits(self.u32()?);
        if value.is_finite() {
            Ok(value)
        } else {
            Err(CodecError::Malformed("a range or scale is not finite"))
        }
    }

    /// Everything must have been read.
    pub(super) fn finish(self) -> Result<(), CodecError> {
        match self.rest {
            [] => Ok(()),
            _ => Err(CodecError::TooLong),
        }
    }
}
