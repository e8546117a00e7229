//! The form of what flows between the layers of a model: flat, a series, or an image.

use std::fmt;
use std::str::FromStr;

/// The form of one sample, or of what one layer hands to the next.
///
/// Its numbers lie in the order of its name: a series step by step, and the *data* of an image
/// channel by channel (`channels × height × width`, as in CIFAR's files and in PyTorch). Between
/// the layers of a model an image lies with its channels innermost, where a patch of it is a few
/// long runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// So many features without an order.
    Flat(usize),
    /// `time × channels`: a reading of every channel at every step.
    Series {
        /// Number of steps.
        time: usize,
        /// Readings a step.
        channels: usize,
    },
    /// `channels × height × width`.
    Image {
        /// Values a pixel.
        channels: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
}

/// The most numbers that a shape may have: 2²⁸, a gigabyte of f32.
const MAX_SIZE: usize = 1 << 28;

impl Shape {
    /// How many numbers it has.
    pub fn size(&self) -> usize {
        match *self {
            Self::Flat(features) => features,
            Self::Series { time, channels } => time * channels,
            Self::Image {
                channels,
                height,
                width,
            } => channels * height * width,
        }
    }

    /// The channels of every place; all features of a flat shape.
    pub fn channels(&self) -> usize {
        match *self {
            Self::Flat(features) => features,
            Self::Series { channels, .. } | Self::Image { channels, .. } => channels,
        }
    }

    /// How many places have channels: pixels, steps, or one.
    pub(crate) fn places(&self) -> usize {
        match *self {
            Self::Flat(_) => 1,
            Self::Series { time, .. } => time,
            Self::Image { height, width, .. } => height * width,
        }
    }

    /// Whether every extent is above 0 and the whole within bounds.
    pub(crate) fn is_possible(&self) -> bool {
        let extents = match *self {
            Self::Flat(features) => [features, 1, 1],
            Self::Series { time, channels } => [time, channels, 1],
            Self::Image {
                channels,
                height,
                width,
            } => [channels, height, width],
        };
        let size = extents
            .iter()
            .try_fold(1_usize, |size, &extent| size.checked_mul(extent));
        size.is_some_and(|size| (1..=MAX_SIZE).contains(&size))
    }
}

impl fmt::Display for Shape {
    /// `64`, `128x9` or `1x28x28`, which [`Shape::from_str`] reads back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Flat(features) => write!(f, "{features}"),
            Self::Series { time, channels } => write!(f, "{time}x{channels}"),
            Self::Image {
                channels,
                height,
                width,
            } => write!(f, "{channels}x{height}x{width}"),
        }
    }
}

impl FromStr for Shape {
    type Err = ShapeSyntaxError;

    /// Reads `FEATURES`, `TIMExCHANNELS` or `CHANNELSxHEIGHTxWIDTH`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ShapeSyntaxError {
            text: text.to_owned(),
        };
        let extents: Vec<usize> = text
            .split('x')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(|_| wrong())?;
        let shape = match *extents {
            [features] => Self::Flat(features),
            [time, channels] => Self::Series { time, channels },
            [channels, height, width] => Self::Image {
                channels,
                height,
                width,
            },
            _ => return Err(wrong()),
        };
        if shape.is_possible() {
            Ok(shape)
        } else {
            Err(wrong())
        }
    }
}

/// Why a text is no [`Shape`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeSyntaxError {
    text: String,
}

impl fmt::Display for ShapeSyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no shape: expected features as in `64`, time x channels as in `128x9`, or channels x height x width as in `1x28x28`",
            self.text
        )
    }
}

impl std::error::Error for ShapeSyntaxError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_read_back_as_it_is_written() {
        for text in ["64", "128x9", "3x32x32"] {
            assert_eq!(text.parse::<Shape>().unwrap().to_string(), text);
        }
        assert_eq!("3x32x32".parse::<Shape>().unwrap().size(), 3072);
        for wrong in [
            "",
            "x",
            "0",
            "3x0",
            "1x2x3x4",
            "28 x 28",
            "-1",
            "99999999999x999999999",
        ] {
            assert!(wrong.parse::<Shape>().is_err(), "{wrong}");
        }
    }
}
