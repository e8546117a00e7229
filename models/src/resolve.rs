//! From the layers of an architecture and a shape of data to a layout, or to the layer that does
//! not fit.

use std::fmt;

use crate::layer::{LayerSpec, Padding, Window};
use crate::layout::{Layer, Layout, Piece, Start, Tensor};
use crate::operations::{Activation, Convolution, Gru, Normalization, Operation, Patches, Pooling};
use crate::shape::Shape;

/// The most parameters that a model may have: a gigabyte of f32.
const MAX_PARAMETERS: usize = 1 << 28;

/// Why layers do not fit the data, or each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError {
    /// Place of the layer, as in [`Layer::number`]; of a layer that nobody wrote, the place it
    /// would have.
    pub number: String,
    /// The layer's text.
    pub layer: String,
    /// The shape that arrives at it.
    pub arrived: Shape,
    /// What would fit.
    pub fits: String,
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            number,
            layer,
            arrived,
            fits,
        } = self;
        let what = match arrived {
            Shape::Flat(1) => "1 feature".to_owned(),
            Shape::Flat(features) => format!("{features} features"),
            Shape::Series { .. } => format!("a series of {arrived} (time x channels)"),
            Shape::Image { .. } => format!("an image of {arrived} (channels x height x width)"),
        };
        write!(f, "layer {number}, `{layer}`: {what} arrived; {fits}")
    }
}

impl std::error::Error for ShapeError {}

/// Lays the layers out for samples of shape `input`. The head begins at the dense layer that is
/// the `head`-th from the end.
pub(crate) fn resolve(
    layers: &[LayerSpec],
    head: usize,
    input: Shape,
    n_classes: usize,
) -> Result<Layout, ShapeError> {
    let mut resolver = Resolver {
        n_classes,
        layers: Vec::new(),
        parameters: 0,
        top: Vec::new(),
    };
    let mut shape = input;
    let mut program = Vec::new();
    for (place, spec) in layers.iter().enumerate() {
        let before = resolver.layers.len();
        shape = resolver.place(spec, (place + 1).to_string(), shape, &mut program)?;
        if matches!(spec, LayerSpec::Dense { .. }) {
            resolver.top.push(before);
        }
    }
    let from_end = resolver.top.len().saturating_sub(head.max(1));
    let head = resolver.top.get(from_end).copied().unwrap_or(0);
    Ok(Layout {
        input,
        channels_innermost: false,
        layers: resolver.layers,
        program,
        head,
    })
}

struct Resolver {
    n_classes: usize,
    layers: Vec<Layer>,
    parameters: usize,
    /// The dense layers outside residual blocks.
    top: Vec<usize>,
}

impl Resolver {
    fn list(
        &mut self,
        layers: &[LayerSpec],
        number: &str,
        joint: &str,
        mut shape: Shape,
    ) -> Result<(Vec<Piece>, Shape), ShapeError> {
        let mut pieces = Vec::new();
        for (place, spec) in layers.iter().enumerate() {
            let number = format!("{number}{joint}{}", place + 1);
            shape = self.place(spec, number, shape, &mut pieces)?;
        }
        Ok((pieces, shape))
    }

    fn place(
        &mut self,
        spec: &LayerSpec,
        number: String,
        arrived: Shape,
        pieces: &mut Vec<Piece>,
    ) -> Result<Shape, ShapeError> {
        let wrong = |fits: String| ShapeError {
            number: number.clone(),
            layer: spec.to_string(),
            arrived,
            fits,
        };
        if let LayerSpec::Residual { body, shortcut } = spec {
            let (body, output) = self.list(body, &number, ".", arrived)?;
            let (shortcut, beside) = self.list(shortcut, &number, "s", arrived)?;
            if output != beside {
                return Err(wrong(format!(
                    "its body makes {output} of it and its shortcut {beside}: they must agree to be added; a shortcut such as `conv2d {} 1x1` can bring what arrived to the body's shape",
                    output.channels()
                )));
            }
            pieces.push(Piece::Residual {
                body,
                shortcut,
                output,
            });
            return Ok(output);
        }
        let (operation, output, tensors) = fit(spec, arrived, self.n_classes).map_err(&wrong)?;
        if !output.is_possible() {
            return Err(wrong(format!(
                "{output} would leave it, more than can be worked with"
            )));
        }
        let layer = Layer {
            number: number.clone(),
            text: spec.to_string(),
            input: arrived,
            output,
            operation,
            tensors,
            offset: self.parameters,
        };
        self.parameters = layer.parameters().end;
        if self.parameters > MAX_PARAMETERS {
            return Err(wrong(format!(
                "with it the model has {} parameters; at most {MAX_PARAMETERS} are possible",
                self.parameters
            )));
        }
        let place = self.layers.len();
        self.layers.push(layer);
        match pieces.last_mut() {
            Some(Piece::Chain(chain)) if chain.end == place => chain.end += 1,
            _ => pieces.push(Piece::Chain(place..place + 1)),
        }
        Ok(output)
    }
}

type Fit = (Operation, Shape, Vec<Tensor>);

/// What a layer does with what arrives, or what would fit it.
fn fit(spec: &LayerSpec, arrived: Shape, n_classes: usize) -> Result<Fit, String> {
    let plain = |operation, output| Ok((operation, output, Vec::new()));
    match *spec {
        LayerSpec::Dense { outputs, bias } => {
            Ok(dense(arrived.size(), outputs.unwrap_or(n_classes), bias))
        }
        LayerSpec::Conv2d {
            filters,
            window,
            groups,
            bias,
        } => {
            if !matches!(arrived, Shape::Image { .. }) {
                return Err("it needs an image, channels x height x width; `conv1d` takes a series, `dense` takes anything".to_owned());
            }
            convolution(filters, &window, groups, bias, arrived)
        }
        LayerSpec::Conv1d {
            filters,
            window,
            groups,
            bias,
        } => {
            if !matches!(arrived, Shape::Series { .. }) {
                return Err("it needs a series, time x channels; `conv2d` takes an image, `dense` takes anything".to_owned());
            }
            convolution(filters, &window, groups, bias, arrived)
        }
        LayerSpec::MaxPool(window) => {
            let (patches, output) = windows(&pool_window(window, arrived)?, arrived)?;
            plain(Operation::Pooling(Pooling::Max(patches)), output)
        }
        LayerSpec::AveragePool(window) => {
            let (patches, output) = windows(&pool_window(window, arrived)?, arrived)?;
            plain(Operation::Pooling(Pooling::Average(patches)), output)
        }
        LayerSpec::GlobalAveragePool => {
            let extent = grid(arrived).ok_or(
                "it needs an image or a series; features without an order have no mean place",
            )?;
            let window = Window {
                extent,
                stride: extent,
                padding: Padding::Explicit(0, 0),
                square: false,
            };
            let (patches, _) = windows(&window, arrived)?;
            let output = Shape::Flat(arrived.channels());
            plain(Operation::Pooling(Pooling::Average(patches)), output)
        }
        LayerSpec::Relu => plain(Operation::Activation(Activation::Relu), arrived),
        LayerSpec::Gelu => plain(Operation::Activation(Activation::Gelu), arrived),
        LayerSpec::Tanh => plain(Operation::Activation(Activation::Tanh), arrived),
        LayerSpec::Flatten => plain(Operation::Flatten, Shape::Flat(arrived.size())),
        LayerSpec::LayerNorm => {
            let places = match arrived {
                Shape::Image { .. } => arrived.places(),
                _ => 1,
            };
            Ok(normalization(places, arrived.channels(), 1, arrived))
        }
        LayerSpec::GroupNorm { groups } => {
            let channels = arrived.channels();
            if !channels.is_multiple_of(groups) {
                return Err(format!(
                    "the number of groups must divide its {channels} channels"
                ));
            }
            Ok(normalization(arrived.places(), channels, groups, arrived))
        }
        LayerSpec::Dropout { rate } => plain(Operation::Dropout { rate }, arrived),
        LayerSpec::Gru { units, sequence } => {
            let Shape::Series { time, channels } = arrived else {
                return Err("it needs a series, time x channels".to_owned());
            };
            let gru = Gru {
                time,
                inputs: channels,
                units,
                sequence,
            };
            let output = if sequence {
                Shape::Series {
                    time,
                    channels: units,
                }
            } else {
                Shape::Flat(units)
            };
            let start = uniform(units);
            let tensor = |role, shape| Tensor { role, shape, start };
            let tensors = vec![
                tensor("input_weight", vec![3 * units, channels]),
                tensor("state_weight", vec![3 * units, units]),
                tensor("input_bias", vec![3 * units]),
                tensor("state_bias", vec![3 * units]),
            ];
            Ok((Operation::Gru(gru), output, tensors))
        }
        LayerSpec::Residual { .. } => unreachable!("a block is taken apart by its caller"),
    }
}

fn uniform(inputs: usize) -> Start {
    Start::Uniform(1.0 / (inputs as f32).sqrt())
}

fn dense(inputs: usize, outputs: usize, bias: bool) -> Fit {
    let start = uniform(inputs);
    let operation = Operation::Dense {
        inputs,
        outputs,
        bias,
    };
    let tensors = weight_and_bias(vec![outputs, inputs], outputs, bias, start);
    (operation, Shape::Flat(outputs), tensors)
}

fn weight_and_bias(shape: Vec<usize>, outputs: usize, bias: bool, start: Start) -> Vec<Tensor> {
    let mut tensors = vec![Tensor {
        role: "weight",
        shape,
        start,
    }];
    if bias {
        tensors.push(Tensor {
            role: "bias",
            shape: vec![outputs],
            start,
        });
    }
    tensors
}

fn normalization(places: usize, channels: usize, groups: usize, output: Shape) -> Fit {
    let tensor = |role, value| Tensor {
        role,
        shape: vec![channels],
        start: Start::Constant(value),
    };
    let operation = Operation::Normalization(Normalization {
        places,
        channels,
        groups,
    });
    (
        operation,
        output,
        vec![tensor("scale", 1.0), tensor("shift", 0.0)],
    )
}

/// Rows and columns over which windows move; a series is one column wide.
fn grid(shape: Shape) -> Option<(usize, usize)> {
    match shape {
        Shape::Flat(_) => None,
        Shape::Series { time, .. } => Some((time, 1)),
        Shape::Image { height, width, .. } => Some((height, width)),
    }
}

fn pool_window(mut window: Window, arrived: Shape) -> Result<Window, String> {
    match arrived {
        Shape::Flat(_) => Err("it needs an image or a series".to_owned()),
        Shape::Image { .. } => Ok(window),
        Shape::Series { .. } if window.square => {
            window.extent.1 = 1;
            window.stride.1 = 1;
            if let Padding::Explicit(_, columns) = &mut window.padding {
                *columns = 0;
            }
            Ok(window)
        }
        Shape::Series { .. } => Err(format!(
            "over time a window has one extent: write `{}` without `x{}`",
            window.extent.0, window.extent.1
        )),
    }
}

/// The windows over what arrives, and the shape of one value per channel and window.
fn windows(window: &Window, arrived: Shape) -> Result<(Patches, Shape), String> {
    let input = grid(arrived).ok_or("it needs an image or a series")?;
    let (rows, before_rows) = axis(window, |pair| pair.0, input.0, "rows")?;
    let (columns, before_columns) = axis(window, |pair| pair.1, input.1, "columns")?;
    if window.extent.0 * window.extent.1 > usize::from(u16::MAX) {
        return Err("its window has too many places; at most 65535 are possible".to_owned());
    }
    let channels = arrived.channels();
    let patches = Patches {
        channels,
        input,
        output: (rows, columns),
        kernel: window.extent,
        stride: window.stride,
        padding: (before_rows, before_columns),
    };
    let output = match arrived {
        Shape::Image { .. } => Shape::Image {
            channels,
            height: rows,
            width: columns,
        },
        _ => Shape::Series {
            time: rows,
            channels,
        },
    };
    Ok((patches, output))
}

/// Windows along one axis, and the zeros before the first place.
fn axis(
    window: &Window,
    of: impl Fn((usize, usize)) -> usize,
    extent: usize,
    what: &str,
) -> Result<(usize, usize), String> {
    let (kernel, stride) = (of(window.extent), of(window.stride));
    match window.padding {
        Padding::Same => {
            let windows = extent.div_ceil(stride);
            let covered = (windows - 1) * stride + kernel;
            Ok((windows, covered.saturating_sub(extent) / 2))
        }
        Padding::Explicit(rows, columns) => {
            let padding = of((rows, columns));
            if padding >= kernel {
                return Err(format!(
                    "{padding} {what} of padding are too many for a window of {kernel}: it would see nothing else"
                ));
            }
            let padded = extent + 2 * padding;
            if padded < kernel {
                return Err(format!(
                    "its window of {kernel} {what} needs at least {} there; a smaller window, `same`, or one pool less would fit",
                    kernel - 2 * padding
                ));
            }
            Ok(((padded - kernel) / stride + 1, padding))
        }
    }
}

fn convolution(
    filters: Option<usize>,
    window: &Window,
    groups: usize,
    bias: bool,
    arrived: Shape,
) -> Result<Fit, String> {
    let channels = arrived.channels();
    let depthwise = filters.is_none() || groups == channels && filters == Some(channels);
    let filters = filters.unwrap_or(channels);
    let groups = if depthwise { channels } else { groups };
    if !channels.is_multiple_of(groups) || !filters.is_multiple_of(groups) {
        return Err(format!(
            "the number of groups must divide the {channels} channels that arrive and its {filters} filters"
        ));
    }
    let (patches, output) = windows(window, arrived)?;
    let output = match output {
        Shape::Image { height, width, .. } => Shape::Image {
            channels: filters,
            height,
            width,
        },
        Shape::Series { time, .. } => Shape::Series {
            time,
            channels: filters,
        },
        Shape::Flat(_) => output,
    };
    let convolution = Convolution {
        patches,
        filters,
        groups,
        bias,
    };
    let (rows, columns) = window.extent;
    let series = matches!(arrived, Shape::Series { .. });
    let mut shape = if series {
        vec![rows]
    } else {
        vec![rows, columns]
    };
    if depthwise {
        shape.push(channels);
    } else {
        shape.insert(0, filters);
        shape.push(channels / groups);
    }
    let tensors = weight_and_bias(shape, filters, bias, uniform(convolution.filter_size()));
    let operation = if depthwise {
        Operation::Depthwise(convolution)
    } else {
        Operation::Convolution(convolution)
    };
    Ok((operation, output, tensors))
}
