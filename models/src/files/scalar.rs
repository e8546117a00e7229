//! Numbers of any width and byte order, read as features or as whole numbers.

/// How one number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// 0 or 1.
    Bool,
    /// Whole numbers from 0, of so many bytes.
    Unsigned(usize),
    /// Whole numbers, of so many bytes.
    Signed(usize),
    /// IEEE floating point of 4 or 8 bytes.
    Float(usize),
}

/// A kind and its byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    pub(super) kind: Kind,
    pub(super) big_endian: bool,
}

impl Scalar {
    /// Bytes of one number.
    pub(super) fn size(self) -> usize {
        match self.kind {
            Kind::Bool => 1,
            Kind::Unsigned(size) | Kind::Signed(size) | Kind::Float(size) => size,
        }
    }

    /// As in a message: `32-bit floating point`.
    pub(super) fn name(self) -> String {
        let bits = 8 * self.size();
        match self.kind {
            Kind::Bool => "true or false".to_owned(),
            Kind::Unsigned(_) => format!("{bits}-bit whole numbers without sign"),
            Kind::Signed(_) => format!("{bits}-bit whole numbers"),
            Kind::Float(_) => format!("{bits}-bit floating point"),
        }
    }

    /// The numbers as features: single bytes are taken for pixels and scaled to \[0, 1\], all others
    /// stay as they are.
    pub(super) fn features(self, bytes: &[u8]) -> Vec<f32> {
        match self.kind {
            Kind::Unsigned(1) => bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect(),
            Kind::Float(4) => self.each(bytes, |bits| f32::from_bits(bits as u32)),
            Kind::Float(_) => self.each(bytes, |bits| f64::from_bits(bits) as f32),
            Kind::Signed(size) => self.each(bytes, |bits| signed(bits, size) as f32),
            _ => self.each(bytes, |bits| bits as f32),
        }
    }

    /// The numbers as whole numbers; the place of the first that is none (or does not fit).
    pub(super) fn whole(self, bytes: &[u8]) -> Result<Vec<i64>, usize> {
        let numbers: Vec<Option<i64>> = match self.kind {
            Kind::Float(4) => {
                self.each(bytes, |bits| whole(f64::from(f32::from_bits(bits as u32))))
            }
            Kind::Float(_) => self.each(bytes, |bits| whole(f64::from_bits(bits))),
            Kind::Signed(size) => self.each(bytes, |bits| Some(signed(bits, size))),
            _ => self.each(bytes, |bits| i64::try_from(bits).ok()),
        };
        let odd = numbers.iter().position(Option::is_none);
        odd.map_or_else(|| Ok(numbers.into_iter().flatten().collect()), Err)
    }

    /// Calls `read` with the bits of each number.
    fn each<T>(self, bytes: &[u8], read: impl Fn(u64) -> T) -> Vec<T> {
        let size = self.size();
        bytes
            .chunks_exact(size)
            .map(|chunk| {
                let mut wide = [0; 8];
                if self.big_endian {
                    wide[8 - size..].copy_from_slice(chunk);
                    read(u64::from_be_bytes(wide))
                } else {
                    wide[..size].copy_from_slice(chunk);
                    read(u64::from_le_bytes(wide))
                }
            })
            .collect()
    }
}

/// Extends the sign of a number of `size` bytes.
fn signed(bits: u64, size: usize) -> i64 {
    let shift = 64 - 8 * size as u32;
    ((bits << shift) as i64) >> shift
}

fn whole(number: f64) -> Option<i64> {
    let fits = number.fract() == 0.0 && number.abs() <= 2_f64.powi(53);
    fits.then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(kind: Kind, big_endian: bool) -> Scalar {
        Scalar { kind, big_endian }
    }

    #[test]
    fn numbers_are_read_in_either_byte_order_with_their_sign() {
        let big = scalar(Kind::Signed(2), true);
        assert_eq!(big.whole(&[0xff, 0xfe, 0x01, 0x00]), Ok(vec![-2, 256]));
        let little = scalar(Kind::Signed(2), false);
        assert_eq!(little.whole(&[0xfe, 0xff, 0x00, 0x01]), Ok(vec![-2, 256]));
        assert_eq!(little.features(&[0xfe, 0xff]), [-2.0]);
        let float = scalar(Kind::Float(8), true);
        assert_eq!(float.features(&1.5_f64.to_be_bytes()), [1.5]);
        assert_eq!(float.whole(&3.0_f64.to_be_bytes()), Ok(vec![3]));
        assert_eq!(float.whole(&3.5_f64.to_be_bytes()), Err(0));
        assert_eq!(float.whole(&f64::NAN.to_be_bytes()), Err(0));
        let large = scalar(Kind::Unsigned(8), false);
        assert_eq!(large.whole(&u64::MAX.to_le_bytes()), Err(0));
    }

    #[test]
    fn single_bytes_are_pixels_between_zero_and_one() {
        let pixels = scalar(Kind::Unsigned(1), true).features(&[0, 51, 255]);
        assert_eq!(pixels, [0.0, 0.2, 1.0]);
    }
}
