//! An array of numbers as a file holds it, and how its dimensions are taken for samples.

use super::error::{DataFileError, refuse};
use super::input::{Input, MOST_VALUES};
use super::scalar::Scalar;
use crate::shape::Shape;

/// Dimensions and bytes; the last dimension fastest unless it says otherwise.
#[derive(Debug)]
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) dimensions: Vec<usize>,
    pub(super) scalar: Scalar,
    /// First dimension fastest, as Fortran has it.
    pub(super) column_major: bool,
    pub(super) bytes: Vec<u8>,
}

impl Tensor {
    /// Reads what follows a header that has told dimensions and type.
    pub(super) fn read(
        input: &mut Input<'_>,
        dimensions: Vec<usize>,
        scalar: Scalar,
        column_major: bool,
    ) -> Result<Self, DataFileError> {
        let name = input.name.to_owned();
        let values = dimensions
            .iter()
            .try_fold(1_u64, |size, &side| size.checked_mul(side as u64));
        let values = match values {
            Some(0) => {
                return refuse(
                    &name,
                    format!(
                        "`{name}` is an array of {}, without values",
                        sides(&dimensions)
                    ),
                    "",
                    "was it written completely?",
                );
            }
            Some(values) if values <= MOST_VALUES => values,
            _ => {
                return refuse(
                    &name,
                    format!(
                        "`{name}` says that it is an array of {}, too many values",
                        sides(&dimensions)
                    ),
                    format!("a data set has at most {MOST_VALUES} values, 8 GB in memory"),
                    "it is damaged, or take fewer samples",
                );
            }
        };
        let bytes = input.read_to_end(values * scalar.size() as u64, "values")?;
        Ok(Self {
            name,
            dimensions,
            scalar,
            column_major,
            bytes,
        })
    }

    /// Samples along the first dimension, in the shape that the others say, or that is asked for.
    pub(super) fn into_samples(self, asked: Option<Shape>) -> Result<Samples, DataFileError> {
        let [count, ref inner @ ..] = self.dimensions[..] else {
            return refuse(
                &self.name,
                format!("`{}` is a single number", self.name),
                "expected samples along the first dimension",
                "save an array of at least two dimensions",
            );
        };
        let last_are_channels =
            matches!(*inner, [a, b, c] if is_colours(c) && !is_colours(a) && b > 1);
        let natural = match *inner {
            [] => Some(Shape::Flat(1)),
            [features] => Some(Shape::Flat(features)),
            [height, width] => Some(Shape::Image {
                channels: 1,
                height,
                width,
            }),
            [height, width, channels] if last_are_channels => Some(Shape::Image {
                channels,
                height,
                width,
            }),
            [channels, height, width] => Some(Shape::Image {
                channels,
                height,
                width,
            }),
            _ => None,
        };
        let size: usize = inner.iter().product();
        let shape = match (asked, natural) {
            (Some(asked), _) if asked.size() == size => asked,
            (Some(asked), _) => {
                return refuse(
                    &self.name,
                    format!(
                        "`{}` has samples of {size} features, not of the shape {asked}",
                        self.name
                    ),
                    format!(
                        "the array is {}; {asked} is {}",
                        sides(&self.dimensions),
                        asked.size()
                    ),
                    "give a `shape` of as many features, or none",
                );
            }
            (None, Some(natural)) => natural,
            (None, None) => {
                return refuse(
                    &self.name,
                    format!(
                        "`{}` is an array of {}: the shape of a sample is not clear",
                        self.name,
                        sides(&self.dimensions)
                    ),
                    "expected samples × features, × height × width, or × channels × height × width",
                    "say what a sample is, as in shape = \"128x6\"",
                );
            }
        };
        let mut values = self.scalar.features(&self.bytes);
        drop(self.bytes);
        if self.column_major {
            values = row_major(&values, &self.dimensions);
        }
        // Pixel by pixel, as Keras has it, to plane by plane.
        if last_are_channels && let (None, Shape::Image { channels, .. }) = (asked, shape) {
            values = values
                .chunks_exact(size)
                .flat_map(|sample| {
                    (0..channels)
                        .flat_map(move |channel| sample[channel..].iter().step_by(channels))
                })
                .copied()
                .collect();
        }
        Ok(Samples {
            name: self.name,
            count,
            shape,
            values,
        })
    }
}

/// Numbers of channels that are taken for colours.
fn is_colours(channels: usize) -> bool {
    matches!(channels, 1 | 3 | 4)
}

/// As in a message: `60000 × 28 × 28`.
pub(super) fn sides(dimensions: &[usize]) -> String {
    let sides: Vec<String> = dimensions.iter().map(usize::to_string).collect();
    sides.join(" × ")
}

/// Turns first-dimension-fastest into last-dimension-fastest.
pub(super) fn row_major<T: Copy>(values: &[T], dimensions: &[usize]) -> Vec<T> {
    let mut strides = Vec::with_capacity(dimensions.len());
    let mut stride = 1;
    for side in dimensions {
        strides.push(stride);
        stride *= side;
    }
    let mut index = vec![0; dimensions.len()];
    let mut place = 0;
    let mut turned = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        turned.push(values[place]);
        // Count up as an odometer does, the last wheel fastest.
        for axis in (0..dimensions.len()).rev() {
            index[axis] += 1;
            place += strides[axis];
            if index[axis] < dimensions[axis] {
                break;
            }
            place -= index[axis] * strides[axis];
            index[axis] = 0;
        }
    }
    turned
}

/// Features of samples, row-major.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) name: String,
    pub(super) count: usize,
    pub(super) shape: Shape,
    pub(super) values: Vec<f32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_rows() {
        // numpy: arange(24).reshape(2, 3, 4).flatten(order="F")
        let fortran = [
            0, 12, 4, 16, 8, 20, 1, 13, 5, 17, 9, 21, 2, 14, 6, 18, 10, 22, 3, 15, 7, 19, 11, 23,
        ];
        assert_eq!(row_major(&fortran, &[2, 3, 4]), (0..24).collect::<Vec<_>>());
    }
}
