//! The embedded digits: 1797 handwritten digits of 8×8 pixels (origin and format in `data/digits`).

use crate::dataset::Dataset;
use crate::shape::Shape;

/// 64 pixels of 5 bits, then a label of 8 bits.
const RECORD_BYTES: usize = 41;
const PIXELS: usize = 64;
const PACKED: &[u8] = include_bytes!("../data/digits/digits.bin");

impl Dataset {
    /// The 1797 digits of UCI's *Optical Recognition of Handwritten Digits* (E. Alpaydin and
    /// C. Kaynak, 1998, CC BY 4.0) that scikit-learn ships: 64 features in \[0, 1\], 10 classes.
    ///
    /// Features are the pixel counts 0..=16 divided by 16, in row order of the 8×8 image.
    pub fn digits() -> Self {
        let samples = PACKED.len() / RECORD_BYTES;
        let mut features = Vec::with_capacity(samples * PIXELS);
        let mut labels = Vec::with_capacity(samples);
        for record in PACKED.chunks_exact(RECORD_BYTES) {
            for pixel in 0..PIXELS {
                let bit = 5 * pixel;
                // The label byte follows the last pixel, so two bytes always hold one pixel.
                let pair = u16::from_le_bytes([record[bit / 8], record[bit / 8 + 1]]);
                features.push(f32::from((pair >> (bit % 8)) & 31) / 16.0);
            }
            labels.push(u32::from(record[RECORD_BYTES - 1]));
        }
        let shape = Shape::Image {
            channels: 1,
            height: 8,
            width: 8,
        };
        Self::new("digits", features, labels, PIXELS, 10)
            .and_then(|digits| digits.shaped(shape))
            .expect("the embedded digits are complete: a test reads them all")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Figures from scikit-learn's digits.csv.gz, by an awk-like count outside this code.
    #[test]
    fn the_digits_are_those_of_scikit_learn() {
        let digits = Dataset::digits();
        assert_eq!(
            (digits.len(), digits.n_features(), digits.n_classes()),
            (1797, 64, 10)
        );
        let all: Vec<u32> = (0..1797).collect();
        assert_eq!(
            digits.class_counts(&all),
            [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
        );
        let ink: f32 = digits.features().iter().map(|value| value * 16.0).sum();
        assert_eq!(ink, 561_718.0);
        let first: Vec<f32> = digits.sample(0).iter().map(|value| value * 16.0).collect();
        assert_eq!(
            first[..16],
            [
                0., 0., 5., 13., 9., 1., 0., 0., 0., 0., 13., 15., 10., 15., 5., 0.
            ]
        );
        let last: Vec<f32> = digits
            .sample(1796)
            .iter()
            .map(|value| value * 16.0)
            .collect();
        assert_eq!(last[56..], [0., 1., 8., 12., 14., 12., 1., 0.]);
        assert_eq!((digits.label(0), digits.label(1796)), (0, 8));
    }
}
