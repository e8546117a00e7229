//! A model's parameters between its participations.

use std::borrow::Cow;

use crate::operations::wide;

/// Whether every value is finite.
pub fn all_finite(values: &[f32]) -> bool {
    // Whole runs without leaving, so that a run is looked at on full vectors.
    wide(|| {
        let mut runs = values.chunks(256);
        runs.all(|run| run.iter().fold(true, |all, value| all & value.is_finite()))
    })
}

/// How precisely parameters are kept between participations. Training is always in f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// 4 bytes each, as they were trained.
    #[default]
    F32,
    /// bfloat16, 2 bytes each: the upper half of an f32, rounded to nearest, ties to even.
    Bf16,
}

/// Flat parameters as they are kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Stored {
    /// As they were trained.
    F32(Vec<f32>),
    /// As the upper halves of rounded f32.
    Bf16(Vec<u16>),
}

impl Stored {
    /// Keeps these parameters.
    pub fn new(parameters: Vec<f32>, precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32(parameters),
            Precision::Bf16 => Self::Bf16(parameters.into_iter().map(to_bf16).collect()),
        }
    }

    /// The parameters to train or ask a model with.
    pub fn values(&self) -> Cow<'_, [f32]> {
        match self {
            Self::F32(values) => Cow::Borrowed(values),
            Self::Bf16(halves) => {
                let value = |&half: &u16| f32::from_bits(u32::from(half) << 16);
                Cow::Owned(halves.iter().map(value).collect())
            }
        }
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        match self {
            Self::F32(values) => size_of_val(values.as_slice()),
            Self::Bf16(halves) => size_of_val(halves.as_slice()),
        }
    }
}

/// The nearest bfloat16; of two that are as near, the one with an even last digit.
fn to_bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        // Rounding could carry a NaN's digits into the infinities.
        return (bits >> 16) as u16 | 0x40;
    }
    let odd = (bits >> 16) & 1;
    ((bits + 0x7fff + odd) >> 16) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(value: f32) -> f32 {
        Stored::new(vec![value], Precision::Bf16).values()[0]
    }

    #[test]
    fn bfloat16_rounds_to_nearest_and_ties_to_even() {
        // 8 binary digits: between 1 and 2 the neighbours are 2⁻⁷ apart.
        let unit = 2_f32.powi(-7);
        for (value, nearest) in [
            (1.0, 1.0),
            (1.0 + unit, 1.0 + unit),
            // Half way to an even neighbour below, and above.
            (1.0 + unit / 2.0, 1.0),
            (1.0 + 1.5 * unit, 1.0 + 2.0 * unit),
            (1.0 + unit / 2.0 + 1e-6, 1.0 + unit),
            (1.0 + unit / 2.0 - 1e-6, 1.0),
            (-1.0 - 1.5 * unit, -1.0 - 2.0 * unit),
            // A carry into the exponent.
            (2.0 - unit / 4.0, 2.0),
            (0.0, 0.0),
            (f32::MAX, f32::INFINITY),
            (f32::NEG_INFINITY, f32::NEG_INFINITY),
        ] {
            assert_eq!(rounded(value), nearest, "{value}");
        }
        assert!(rounded(f32::NAN).is_nan());
        assert!(rounded(f32::from_bits(0x7f80_0001)).is_nan());
        assert!(rounded(-0.0).is_sign_negative());
    }

    #[test]
    fn a_value_that_is_not_finite_is_found_wherever_it_is() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for length in [1, 8, 255, 256, 257, 1000] {
                let mut values = vec![f32::MAX; length];
                assert!(all_finite(&values));
                for place in [0, length / 2, length - 1] {
                    values[place] = bad;
                    assert!(!all_finite(&values), "{bad} at {place} of {length}");
                    values[place] = f32::MIN_POSITIVE;
                }
            }
        }
        assert!(all_finite(&[]));
    }

    #[test]
    fn what_is_kept_in_halves_takes_half_the_memory() {
        let values: Vec<f32> = (0..1000).map(|place| place as f32 / 7.0).collect();
        let whole = Stored::new(values.clone(), Precision::F32);
        assert_eq!((whole.bytes(), &*whole.values()), (4000, &*values));
        let halves = Stored::new(values.clone(), Precision::Bf16);
        assert_eq!(halves.bytes(), 2000);
        // A half unit in the last of 8 digits, and what is rounded once stays.
        let kept = halves.values();
        assert!(
            kept.iter()
                .zip(&values)
                .all(|(kept, value)| (kept - value).abs() <= value / 256.0)
        );
        assert_eq!(Stored::new(kept.to_vec(), Precision::Bf16), halves);
    }
}
