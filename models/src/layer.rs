//! Layers as a scenario writes them: one line of text each.

use std::fmt;

/// The widest layer that may be asked for: far above any client of a federation, low enough that
/// a slip of the keyboard is an error and not a lack of memory.
pub(crate) const MAX_WIDTH: usize = 65_536;

/// One layer, before the data fix what arrives at it.
#[derive(Clone, Debug, PartialEq)]
pub enum LayerSpec {
    /// `dense N [no-bias]`: a matrix product with all that arrives; `dense classes` has as many
    /// outputs as the data have classes.
    Dense {
        /// Width of the output; `None`: the number of classes.
        outputs: Option<usize>,
        /// Whether a bias is added.
        bias: bool,
    },
    /// `conv2d N KxK …`, or `depthwise-conv2d KxK …` with `filters` left out.
    Conv2d {
        /// Channels of the output; `None`: as many as arrive, each from its own channel.
        filters: Option<usize>,
        /// Extent, stride and padding.
        window: Window,
        /// Parts into which the channels are divided.
        groups: usize,
        /// Whether a bias is added.
        bias: bool,
    },
    /// `conv1d N K …`: over time.
    Conv1d {
        /// Channels of the output; `None`: as many as arrive, each from its own channel.
        filters: Option<usize>,
        /// Extent, stride and padding; one column wide.
        window: Window,
        /// Parts into which the channels are divided.
        groups: usize,
        /// Whether a bias is added.
        bias: bool,
    },
    /// `max-pool KxK …` or, over time, `max-pool K …`.
    MaxPool(Window),
    /// `average-pool KxK …` or, over time, `average-pool K …`; padding does not count.
    AveragePool(Window),
    /// `global-average-pool`: the mean of every channel.
    GlobalAveragePool,
    /// `relu`: max(x, 0).
    Relu,
    /// `gelu`: x·Φ(x), by its approximation with a hyperbolic tangent (Hendrycks and Gimpel 2016).
    Gelu,
    /// `tanh`
    Tanh,
    /// `flatten`: one row of numbers.
    Flatten,
    /// `layer-norm` (Ba et al. 2016): over everything of a sample, or over the channels of a step
    /// of a series; scale and shift are learned per channel of a place.
    LayerNorm,
    /// `group-norm G` (Wu and He 2018): over a group of channels at all places of a sample; scale
    /// and shift are learned per channel.
    GroupNorm {
        /// Number of groups.
        groups: usize,
    },
    /// `dropout P`: each value is 0 with probability P in training, and divided by 1−P otherwise.
    Dropout {
        /// Probability of 0.
        rate: f32,
    },
    /// `gru N [sequence]` (Cho et al. 2014, as in PyTorch): its last state, or those of all steps.
    Gru {
        /// Width of the state.
        units: usize,
        /// Whether the states of all steps are handed on.
        sequence: bool,
    },
    /// A body whose result is added to what arrived, or to what a shortcut makes of it (He et al.
    /// 2016).
    Residual {
        /// The layers of the body.
        body: Vec<LayerSpec>,
        /// The layers beside it; none: what arrived.
        shortcut: Vec<LayerSpec>,
    },
}

/// A window that moves over rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns.
    pub extent: (usize, usize),
    /// Steps between windows.
    pub stride: (usize, usize),
    /// Zeros around.
    pub padding: Padding,
    /// Whether one number was written for both extents.
    pub square: bool,
}

/// Zeros around an image or a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// So many rows above and below, and columns left and right.
    Explicit(usize, usize),
    /// As many as let the output have ⌈input/stride⌉ rows and columns; an odd one goes behind.
    Same,
}

/// The forms of a layer's text, with an example of each.
pub(crate) const FORMS: [(&str, &str); 16] = [
    ("dense", "dense 512"),
    ("conv2d", "conv2d 32 5x5 same"),
    ("depthwise-conv2d", "depthwise-conv2d 3x3 same"),
    ("conv1d", "conv1d 32 5 same"),
    ("depthwise-conv1d", "depthwise-conv1d 5 same"),
    ("max-pool", "max-pool 2x2"),
    ("average-pool", "average-pool 2x2"),
    ("global-average-pool", "global-average-pool"),
    ("relu", "relu"),
    ("gelu", "gelu"),
    ("tanh", "tanh"),
    ("flatten", "flatten"),
    ("layer-norm", "layer-norm"),
    ("group-norm", "group-norm 8"),
    ("dropout", "dropout 0.5"),
    ("gru", "gru 64"),
];

/// The words behind a layer's name, taken one by one.
struct Words<'a> {
    words: std::iter::Peekable<std::str::SplitWhitespace<'a>>,
}

impl<'a> Words<'a> {
    fn number(&mut self, what: &str) -> Result<usize, String> {
        let word = self
            .words
            .next()
            .ok_or_else(|| format!("{what} is missing"))?;
        count(word, what)
    }

    /// `5` or `5x3`, and whether one number stands for both.
    fn pair(&mut self, what: &str, least: usize) -> Result<((usize, usize), bool), String> {
        let word = self
            .words
            .next()
            .ok_or_else(|| format!("{what} is missing"))?;
        let (pair, square) = match word.split_once('x') {
            None => (
                count_from(word, what, least).map(|extent| (extent, extent)),
                true,
            ),
            Some((rows, columns)) => (
                count_from(rows, what, least)
                    .and_then(|rows| Ok((rows, count_from(columns, what, least)?))),
                false,
            ),
        };
        Ok((pair?, square))
    }

    fn next(&mut self) -> Option<&'a str> {
        self.words.next()
    }
}

fn count(word: &str, what: &str) -> Result<usize, String> {
    count_from(word, what, 1)
}

fn count_from(word: &str, what: &str, least: usize) -> Result<usize, String> {
    match word.parse() {
        Ok(number) if (least..=MAX_WIDTH).contains(&number) => Ok(number),
        _ => Err(format!(
            "{what} must be a whole number from {least} to {MAX_WIDTH}, not `{word}`"
        )),
    }
}

impl LayerSpec {
    /// Reads one layer's text, such as `conv2d 32 5x5 same`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it and shows a right one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = Words {
            words: text.split_whitespace().peekable(),
        };
        let Some(name) = words.next() else {
            return Err("an empty layer; `dense 512` is one that can be written".to_owned());
        };
        let Some((_, example)) = FORMS.iter().find(|(known, _)| *known == name) else {
            return Err(unknown(name));
        };
        read(name, &mut words)
            .and_then(|layer| match words.next() {
                None => Ok(layer),
                Some(word) => Err(format!("`{word}` is not understood")),
            })
            .map_err(|why| format!("`{text}`: {why}; `{example}` is one that can be written"))
    }
}

fn unknown(name: &str) -> String {
    let nearest = FORMS
        .iter()
        .map(|(known, _)| (strsim::damerau_levenshtein(name, known), *known))
        .min_by_key(|&(distance, _)| distance)
        .filter(|&(distance, known)| distance <= known.len().div_ceil(2));
    match nearest {
        Some((_, nearest)) => format!("there is no layer `{name}`; did you mean `{nearest}`?"),
        None => {
            let known: Vec<_> = FORMS
                .iter()
                .map(|(known, _)| format!("`{known}`"))
                .collect();
            format!("there is no layer `{name}`; known are {}", known.join(", "))
        }
    }
}

fn read(name: &str, words: &mut Words<'_>) -> Result<LayerSpec, String> {
    Ok(match name {
        "dense" => {
            let outputs = match words.words.next_if_eq(&"classes") {
                Some(_) => None,
                None => Some(words.number("the width")?),
            };
            let options = options(words, &["no-bias"])?;
            LayerSpec::Dense {
                outputs,
                bias: options.bias,
            }
        }
        "conv2d" | "depthwise-conv2d" => {
            let depthwise = name != "conv2d";
            let filters = match depthwise {
                true => None,
                false => Some(words.number("the number of filters")?),
            };
            let (window, options) = window(words, false, depthwise)?;
            LayerSpec::Conv2d {
                filters,
                window,
                groups: options.groups,
                bias: options.bias,
            }
        }
        "conv1d" | "depthwise-conv1d" => {
            let depthwise = name != "conv1d";
            let filters = match depthwise {
                true => None,
                false => Some(words.number("the number of filters")?),
            };
            let (window, options) = window(words, true, depthwise)?;
            LayerSpec::Conv1d {
                filters,
                window,
                groups: options.groups,
                bias: options.bias,
            }
        }
        "max-pool" => LayerSpec::MaxPool(pool_window(words)?),
        "average-pool" => LayerSpec::AveragePool(pool_window(words)?),
        "global-average-pool" => LayerSpec::GlobalAveragePool,
        "relu" => LayerSpec::Relu,
        "gelu" => LayerSpec::Gelu,
        "tanh" => LayerSpec::Tanh,
        "flatten" => LayerSpec::Flatten,
        "layer-norm" => LayerSpec::LayerNorm,
        "group-norm" => LayerSpec::GroupNorm {
            groups: words.number("the number of groups")?,
        },
        "dropout" => {
            let word = words.next().ok_or("the probability is missing")?;
            match word.parse::<f32>() {
                Ok(rate) if (0.0..1.0).contains(&rate) => LayerSpec::Dropout { rate },
                _ => {
                    return Err(format!(
                        "the probability must be a number from 0 to below 1, not `{word}`"
                    ));
                }
            }
        }
        _ => LayerSpec::Gru {
            units: words.number("the width of the state")?,
            sequence: match words.next() {
                None => false,
                Some("sequence") => true,
                Some(word) => return Err(format!("`{word}` is not understood")),
            },
        },
    })
}

struct Options {
    stride: Option<(usize, usize)>,
    padding: Option<Padding>,
    groups: usize,
    bias: bool,
}

/// The named words behind the numbers of a layer, in any order.
fn options(words: &mut Words<'_>, allowed: &[&str]) -> Result<Options, String> {
    let mut found = Options {
        stride: None,
        padding: None,
        groups: 1,
        bias: true,
    };
    while let Some(word) = words.next() {
        if !allowed.contains(&word) {
            return Err(format!("`{word}` is not understood"));
        }
        match word {
            "stride" => found.stride = Some(words.pair("the stride", 1)?.0),
            "padding" => {
                let (rows, columns) = words.pair("the padding", 0)?.0;
                found.padding = Some(Padding::Explicit(rows, columns));
            }
            "same" => found.padding = Some(Padding::Same),
            "groups" => found.groups = words.number("the number of groups")?,
            _ => found.bias = false,
        }
    }
    Ok(found)
}

fn window(
    words: &mut Words<'_>,
    series: bool,
    depthwise: bool,
) -> Result<(Window, Options), String> {
    let (extent, square) = if series {
        ((words.number("the width of the kernel")?, 1), true)
    } else {
        words.pair("the size of the kernel", 1)?
    };
    let allowed: &[&str] = if depthwise {
        &["stride", "padding", "same", "no-bias"]
    } else {
        &["stride", "padding", "same", "groups", "no-bias"]
    };
    let options = options(words, allowed)?;
    let mut stride = options.stride.unwrap_or((1, 1));
    let mut padding = options.padding.unwrap_or(Padding::Explicit(0, 0));
    if series {
        stride.1 = 1;
        if let Padding::Explicit(_, columns) = &mut padding {
            *columns = 0;
        }
    }
    let window = Window {
        extent,
        stride,
        padding,
        square,
    };
    Ok((window, options))
}

fn pool_window(words: &mut Words<'_>) -> Result<Window, String> {
    let (extent, square) = words.pair("the size of the window", 1)?;
    let options = options(words, &["stride", "padding", "same"])?;
    Ok(Window {
        extent,
        stride: options.stride.unwrap_or(extent),
        padding: options.padding.unwrap_or(Padding::Explicit(0, 0)),
        square,
    })
}

impl fmt::Display for LayerSpec {
    /// The canonical text, which [`LayerSpec::parse`] reads back; a residual block's is for
    /// readers only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dense { outputs, bias } => {
                match outputs {
                    Some(outputs) => write!(f, "dense {outputs}")?,
                    None => f.write_str("dense classes")?,
                }
                no_bias(f, *bias)
            }
            Self::Conv2d {
                filters,
                window,
                groups,
                bias,
            } => {
                match filters {
                    Some(filters) => write!(f, "conv2d {filters}")?,
                    None => write!(f, "depthwise-conv2d")?,
                }
                write_window(f, window, false, (1, 1))?;
                write_groups(f, *groups)?;
                no_bias(f, *bias)
            }
            Self::Conv1d {
                filters,
                window,
                groups,
                bias,
            } => {
                match filters {
                    Some(filters) => write!(f, "conv1d {filters}")?,
                    None => write!(f, "depthwise-conv1d")?,
                }
                write_window(f, window, true, (1, 1))?;
                write_groups(f, *groups)?;
                no_bias(f, *bias)
            }
            Self::MaxPool(window) => {
                write!(f, "max-pool")?;
                write_window(f, window, false, window.extent)
            }
            Self::AveragePool(window) => {
                write!(f, "average-pool")?;
                write_window(f, window, false, window.extent)
            }
            Self::GlobalAveragePool => f.write_str("global-average-pool"),
            Self::Relu => f.write_str("relu"),
            Self::Gelu => f.write_str("gelu"),
            Self::Tanh => f.write_str("tanh"),
            Self::Flatten => f.write_str("flatten"),
            Self::LayerNorm => f.write_str("layer-norm"),
            Self::GroupNorm { groups } => write!(f, "group-norm {groups}"),
            Self::Dropout { rate } => write!(f, "dropout {rate}"),
            Self::Gru { units, sequence } => {
                write!(f, "gru {units}{}", if *sequence { " sequence" } else { "" })
            }
            Self::Residual { body, shortcut } => {
                write!(f, "residual [")?;
                list(f, body)?;
                if !shortcut.is_empty() {
                    write!(f, "] shortcut [")?;
                    list(f, shortcut)?;
                }
                f.write_str("]")
            }
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, layers: &[LayerSpec]) -> fmt::Result {
    for (place, layer) in layers.iter().enumerate() {
        write!(f, "{}{layer}", if place == 0 { "" } else { ", " })?;
    }
    Ok(())
}

fn no_bias(f: &mut fmt::Formatter<'_>, bias: bool) -> fmt::Result {
    f.write_str(if bias { "" } else { " no-bias" })
}

fn write_groups(f: &mut fmt::Formatter<'_>, groups: usize) -> fmt::Result {
    if groups == 1 {
        Ok(())
    } else {
        write!(f, " groups {groups}")
    }
}

fn write_window(
    f: &mut fmt::Formatter<'_>,
    window: &Window,
    series: bool,
    usual_stride: (usize, usize),
) -> fmt::Result {
    let one = |pair: (usize, usize), square: bool| {
        if series || square && pair.0 == pair.1 {
            pair.0.to_string()
        } else {
            format!("{}x{}", pair.0, pair.1)
        }
    };
    write!(f, " {}", one(window.extent, window.square))?;
    if window.stride != usual_stride {
        write!(f, " stride {}", one(window.stride, true))?;
    }
    match window.padding {
        Padding::Same => f.write_str(" same"),
        Padding::Explicit(0, 0) => Ok(()),
        Padding::Explicit(rows, columns) => write!(f, " padding {}", one((rows, columns), true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_read_back_as_it_is_written() {
        for text in [
            "dense 512",
            "dense 10 no-bias",
            "dense classes",
            "conv2d 32 5x5 same",
            "conv2d 32 3",
            "conv2d 64 3x1 stride 2 padding 1x0 groups 4 no-bias",
            "depthwise-conv2d 3x3 stride 2 same",
            "conv1d 32 5 stride 2 same",
            "depthwise-conv1d 5 padding 2",
            "max-pool 2x2",
            "max-pool 3x3 stride 2 same",
            "average-pool 4",
            "global-average-pool",
            "relu",
            "gelu",
            "tanh",
            "flatten",
            "layer-norm",
            "group-norm 8",
            "dropout 0.25",
            "gru 64",
            "gru 64 sequence",
        ] {
            assert_eq!(LayerSpec::parse(text).unwrap().to_string(), text);
        }
        // Every form that a message shows can be written.
        for (_, example) in FORMS {
            assert_eq!(LayerSpec::parse(example).unwrap().to_string(), example);
        }
    }

    #[test]
    fn a_wrong_layer_is_explained_and_a_right_one_shown() {
        for (text, message) in [
            ("", "an empty layer; `dense 512` is one that can be written"),
            (
                "dense",
                "`dense`: the width is missing; `dense 512` is one that can be written",
            ),
            (
                "dense 0",
                "`dense 0`: the width must be a whole number from 1 to 65536, not `0`; `dense 512` is one that can be written",
            ),
            (
                "conv2d 32",
                "`conv2d 32`: the size of the kernel is missing; `conv2d 32 5x5 same` is one that can be written",
            ),
            (
                "conv2d 32 5x5 sam",
                "`conv2d 32 5x5 sam`: `sam` is not understood; `conv2d 32 5x5 same` is one that can be written",
            ),
            (
                "relu 3",
                "`relu 3`: `3` is not understood; `relu` is one that can be written",
            ),
            (
                "dropout 1",
                "`dropout 1`: the probability must be a number from 0 to below 1, not `1`; `dropout 0.5` is one that can be written",
            ),
            ("rellu", "there is no layer `rellu`; did you mean `relu`?"),
        ] {
            assert_eq!(LayerSpec::parse(text).unwrap_err(), message);
        }
        assert!(
            LayerSpec::parse("attention 8")
                .unwrap_err()
                .contains("known are `dense`")
        );
    }
}
