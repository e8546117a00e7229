//! What one sample looks like: a row of features, an image, or a time series.

use std::fmt;
use std::str::FromStr;

/// The shape of one sample. Its features lie in one row, the last dimension fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputShape {
    /// Features without an order.
    Flat {
        /// Number of features.
        features: usize,
    },
    /// `channels × height × width`, as PyTorch lays out an image.
    Image {
        /// Colours.
        channels: usize,
        /// Rows of pixels.
        height: usize,
        /// Pixels in a row.
        width: usize,
    },
    /// `time × channels`: all channels of the first step, then all of the second.
    Series {
        /// Number of steps.
        time: usize,
        /// Values of each step.
        channels: usize,
    },
}

impl InputShape {
    /// Number of features of one sample; saturates where it cannot be counted.
    pub fn features(&self) -> usize {
        match *self {
            Self::Flat { features } => features,
            Self::Image {
                channels,
                height,
                width,
            } => channels.saturating_mul(height).saturating_mul(width),
            Self::Series { time, channels } => time.saturating_mul(channels),
        }
    }

    /// What `place` of the row shares its scale with: its channel, or itself in a flat sample.
    pub fn channel(&self, place: usize) -> usize {
        match *self {
            Self::Flat { .. } => place,
            Self::Image { height, width, .. } => place / (height * width),
            Self::Series { channels, .. } => place % channels,
        }
    }

    /// Number of values that [`InputShape::channel`] can have.
    pub fn n_channels(&self) -> usize {
        match *self {
            Self::Flat { features } => features,
            Self::Image { channels, .. } | Self::Series { channels, .. } => channels,
        }
    }
}

/// `64`, `1x28x28`, `128x6`.
impl fmt::Display for InputShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Flat { features } => write!(f, "{features}"),
            Self::Image {
                channels,
                height,
                width,
            } => write!(f, "{channels}x{height}x{width}"),
            Self::Series { time, channels } => write!(f, "{time}x{channels}"),
        }
    }
}

/// Reads what [`InputShape`] displays as: one number is flat, two are a time series, three an
/// image.
impl FromStr for InputShape {
    type Err = InputShapeError;

    fn from_str(text: &str) -> Result<Self, InputShapeError> {
        let error = || InputShapeError {
            text: text.to_owned(),
        };
        let sides: Vec<usize> = text
            .split(['x', '×'])
            .map(|side| side.trim().parse().map_err(|_| error()))
            .collect::<Result<_, _>>()?;
        let shape = match sides[..] {
            [features] => Self::Flat { features },
            [time, channels] => Self::Series { time, channels },
            [channels, height, width] => Self::Image {
                channels,
                height,
                width,
            },
            _ => return Err(error()),
        };
        if shape.features() == 0 {
            return Err(error());
        }
        Ok(shape)
    }
}

/// A text that is no [`InputShape`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputShapeError {
    text: String,
}

impl fmt::Display for InputShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no shape of a sample: write `channels x height x width` of an image as \"3x32x32\", `time x channels` of a series as \"128x6\", or a number of features",
            self.text
        )
    }
}

impl std::error::Error for InputShapeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_reads_as_it_is_written() {
        for (text, features, channels) in [("64", 64, 64), ("128x6", 768, 6), ("3x32x32", 3072, 3)]
        {
            let shape: InputShape = text.parse().unwrap();
            assert_eq!(shape.to_string(), text);
            assert_eq!((shape.features(), shape.n_channels()), (features, channels));
        }
        for text in ["", "0", "3x0x2", "1x2x3x4", "-1", "a", "3x"] {
            assert!(text.parse::<InputShape>().is_err(), "{text}");
        }
    }

    #[test]
    fn channels_of_an_image_are_planes_and_of_a_series_they_alternate() {
        let image: InputShape = "2x1x3".parse().unwrap();
        let series: InputShape = "3x2".parse().unwrap();
        let channels = |shape: InputShape| (0..6).map(|i| shape.channel(i)).collect::<Vec<_>>();
        assert_eq!(channels(image), [0, 0, 0, 1, 1, 1]);
        assert_eq!(channels(series), [0, 1, 0, 1, 0, 1]);
    }
}
