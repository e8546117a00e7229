//! The layers of a model and where each keeps its numbers in the flat parameter vector.

use std::ops::Range;

use rand::Rng;

use crate::random::{Purpose, stream};

/// One dense layer `y = relu(x·Wᵀ + b)` (the last layer of a model has no ReLU).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenseLayer {
    /// Width of `x`.
    pub inputs: usize,
    /// Width of `y`.
    pub outputs: usize,
    /// Whether a ReLU follows.
    pub relu: bool,
    offset: usize,
}

impl DenseLayer {
    /// Where `W` lies in the flat vector: row-major `outputs × inputs`, as in PyTorch and dfdx.
    pub fn weights(&self) -> Range<usize> {
        self.offset..self.offset + self.inputs * self.outputs
    }

    /// Where `b` (`outputs` values) lies in the flat vector: right behind the weights.
    pub fn bias(&self) -> Range<usize> {
        let start = self.weights().end;
        start..start + self.outputs
    }
}

/// One named tensor of the flat parameter vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterShape {
    /// Layer and role, as in `0.weight`.
    pub name: String,
    /// Its dimensions; the last varies fastest.
    pub shape: Vec<usize>,
    /// Index of its first value in the flat vector.
    pub offset: usize,
}

/// The layers of a model for one data shape.
///
/// Between its participations a model is one flat `Vec<f32>`: layer by layer, weights, then bias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    layers: Vec<DenseLayer>,
}

impl Layout {
    pub(crate) fn multilayer_perceptron(
        n_features: usize,
        hidden: &[usize],
        n_classes: usize,
    ) -> Self {
        assert!(
            n_features > 0 && n_classes > 0,
            "a model needs inputs and outputs"
        );
        let mut layers = Vec::with_capacity(hidden.len() + 1);
        let (mut inputs, mut offset) = (n_features, 0);
        for (place, &outputs) in hidden.iter().chain([&n_classes]).enumerate() {
            let layer = DenseLayer {
                inputs,
                outputs,
                relu: place < hidden.len(),
                offset,
            };
            inputs = outputs;
            offset = layer.bias().end;
            layers.push(layer);
        }
        Self { layers }
    }

    /// The layers from input to output.
    pub fn layers(&self) -> &[DenseLayer] {
        &self.layers
    }

    /// Number of input features.
    pub fn n_features(&self) -> usize {
        self.layers[0].inputs
    }

    /// Number of logits.
    pub fn n_classes(&self) -> usize {
        self.layers[self.layers.len() - 1].outputs
    }

    /// Length of the flat parameter vector.
    pub fn parameter_count(&self) -> usize {
        self.layers[self.layers.len() - 1].bias().end
    }

    /// Every tensor of the flat vector, in its order.
    pub fn parameter_shapes(&self) -> Vec<ParameterShape> {
        let tensors = |(place, layer): (usize, &DenseLayer)| {
            [
                ParameterShape {
                    name: format!("{place}.weight"),
                    shape: vec![layer.outputs, layer.inputs],
                    offset: layer.weights().start,
                },
                ParameterShape {
                    name: format!("{place}.bias"),
                    shape: vec![layer.outputs],
                    offset: layer.bias().start,
                },
            ]
        };
        self.layers.iter().enumerate().flat_map(tensors).collect()
    }

    /// Fresh parameters: weights and biases uniform in ±1/√inputs, as dfdx and PyTorch
    /// initialise a linear layer (Kaiming uniform with a = √5).
    pub fn initial_parameters(&self, seed: u64) -> Vec<f32> {
        let mut draw = stream(seed, Purpose::InitialParameters);
        let mut parameters = Vec::with_capacity(self.parameter_count());
        for layer in &self.layers {
            let bound = 1.0 / (layer.inputs as f32).sqrt();
            parameters.extend(
                (0..layer.bias().end - layer.weights().start)
                    .map(|_| draw.gen_range(-bound..bound)),
            );
        }
        parameters
    }
}
