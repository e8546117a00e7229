//! The layers of a model for one shape of data, and where each keeps its numbers in the flat
//! parameter vector.

use std::ops::Range;

use rand::Rng;

use crate::operations::Operation;
use crate::random::{Purpose, stream};
use crate::shape::Shape;

/// One layer of a model whose shapes are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    pub(crate) number: String,
    pub(crate) text: String,
    pub(crate) input: Shape,
    pub(crate) output: Shape,
    pub(crate) operation: Operation,
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) offset: usize,
}

impl Layer {
    /// Its place in the list, from 1; `4.2` is the second layer of the residual block at 4, and
    /// `4s2` the second of its shortcut.
    pub fn number(&self) -> &str {
        &self.number
    }

    /// The layer as a scenario writes it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The shape that arrives.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// The shape that is handed on.
    pub fn output(&self) -> Shape {
        self.output
    }

    /// Where its parameters lie in the flat vector; empty for a layer without any.
    pub fn parameters(&self) -> Range<usize> {
        let count = self.tensors.iter().map(Tensor::len).sum::<usize>();
        self.offset..self.offset + count
    }
}

/// A parameter tensor and how it begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) role: &'static str,
    pub(crate) shape: Vec<usize>,
    pub(crate) start: Start,
}

impl Tensor {
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// What a fresh parameter is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Start {
    /// Uniform in ±bound.
    Uniform(f32),
    /// This value.
    Constant(f32),
}

/// One named tensor of the flat parameter vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterShape {
    /// Number among the layers with parameters, and role, as in `0.weight`.
    pub name: String,
    /// Its dimensions; the last varies fastest.
    pub shape: Vec<usize>,
    /// Index of its first value in the flat vector.
    pub offset: usize,
}

/// What runs after what.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    /// Layers one after the other, by their places in [`Layout::layers`].
    Chain(Range<usize>),
    /// The sum of a body and of a shortcut (nothing in it: what arrives).
    Residual {
        body: Vec<Piece>,
        shortcut: Vec<Piece>,
        output: Shape,
    },
}

/// The layers of a model for one data shape.
///
/// Between its participations a model is one flat `Vec<f32>`: layer by layer in the order of
/// [`Layout::layers`], of each layer the weights, then the bias. Weights lie as in
/// [`Layout::parameter_shapes`]: a dense layer's `outputs × inputs` as in PyTorch and dfdx; a
/// convolution's `filters × rows × columns × channels`, channels innermost; a depthwise one's
/// `rows × columns × channels`; a GRU's as in PyTorch, gates in the order reset, update, new.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    pub(crate) input: Shape,
    /// Whether rows arrive with the channels of an image innermost, as features do, and not as
    /// data have them.
    pub(crate) channels_innermost: bool,
    pub(crate) layers: Vec<Layer>,
    pub(crate) program: Vec<Piece>,
    pub(crate) head: usize,
}

impl Layout {
    /// Every layer in the order of its parameters; a residual block's own layers stand for it,
    /// body first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The shape of one sample.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// Number of input features.
    pub fn n_features(&self) -> usize {
        self.input.size()
    }

    /// Number of logits.
    pub fn n_classes(&self) -> usize {
        self.layers[self.layers.len() - 1].output.size()
    }

    /// Length of the flat parameter vector.
    pub fn parameter_count(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.parameters().end)
    }

    /// Where the head's parameters lie: those from its first layer to the end.
    pub fn head(&self) -> Range<usize> {
        self.extractor().end..self.parameter_count()
    }

    /// Where the extractor's parameters lie: all before the head's.
    pub fn extractor(&self) -> Range<usize> {
        let first = self.layers.get(self.head);
        0..first.map_or(self.parameter_count(), |layer| layer.offset)
    }

    /// How many features the extractor hands to the head.
    pub fn feature_width(&self) -> usize {
        self.feature_shape().size()
    }

    /// The shape of what the extractor hands to the head. Features of an image's shape lie
    /// `rows × columns × channels`, the channels innermost, and not as data do.
    pub fn feature_shape(&self) -> Shape {
        match self.layers.get(self.head) {
            Some(first) => first.input,
            None => self.layers.last().map_or(self.input, |last| last.output),
        }
    }

    /// Every tensor of the flat vector, in its order.
    pub fn parameter_shapes(&self) -> Vec<ParameterShape> {
        let with_parameters = self.layers.iter().filter(|layer| !layer.tensors.is_empty());
        let mut shapes = Vec::new();
        for (place, layer) in with_parameters.enumerate() {
            let mut offset = layer.offset;
            for tensor in &layer.tensors {
                shapes.push(ParameterShape {
                    name: format!("{place}.{}", tensor.role),
                    shape: tensor.shape.clone(),
                    offset,
                });
                offset += tensor.len();
            }
        }
        shapes
    }

    /// Fresh parameters: weights and biases uniform in ±1/√inputs of a unit, as dfdx and PyTorch
    /// initialise dense and convolutional layers (Kaiming uniform with a = √5); a GRU's in
    /// ±1/√units; norms begin with scale 1 and shift 0.
    pub fn initial_parameters(&self, seed: u64) -> Vec<f32> {
        let mut draw = stream(seed, Purpose::InitialParameters);
        let mut parameters = Vec::with_capacity(self.parameter_count());
        for tensor in self.layers.iter().flat_map(|layer| &layer.tensors) {
            match tensor.start {
                Start::Uniform(bound) => {
                    parameters.extend((0..tensor.len()).map(|_| draw.gen_range(-bound..bound)))
                }
                Start::Constant(value) => {
                    parameters.extend(std::iter::repeat_n(value, tensor.len()));
                }
            }
        }
        parameters
    }
}
