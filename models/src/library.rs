//! The architectures that have a name.

use crate::architecture::ArchitectureInfo;
use crate::layer::LayerSpec;

pub(crate) const ARCHITECTURES: [ArchitectureInfo; 11] = [
    ArchitectureInfo {
        example: "logistic",
        description: "logistic regression: one dense layer, no hidden layer (also `mlp`)",
    },
    ArchitectureInfo {
        example: "mlp-32",
        description: "multilayer perceptron, one hidden layer of 32 ReLU units; any width",
    },
    ArchitectureInfo {
        example: "mlp-128-64",
        description: "multilayer perceptron, hidden layers of 128 and 64 ReLU units; any widths",
    },
    ArchitectureInfo {
        example: "2nn",
        description: "the 2NN of McMahan et al. 2017: hidden layers of 200 and 200 ReLU units",
    },
    ArchitectureInfo {
        example: "cnn-mcmahan",
        description: "the CNN of McMahan et al. 2017: 5x5 convolutions of 32 and 64 filters, each with a max pool, and 512 ReLU units",
    },
    ArchitectureInfo {
        example: "lenet5",
        description: "after LeCun et al. 1998: 5x5 convolutions of 6 and 16 filters, each with a max pool, 120 and 84 ReLU units; from 16x16 on",
    },
    ArchitectureInfo {
        example: "resnet8",
        description: "residual network (He et al. 2016): three blocks of two 3x3 convolutions of 16, 32 and 64 filters, with group norms",
    },
    ArchitectureInfo {
        example: "depthwise-cnn",
        description: "after MobileNet (Howard et al. 2017): a 3x3 convolution and three depthwise separable ones up to 128 filters, with group norms",
    },
    ArchitectureInfo {
        example: "cnn1d",
        description: "for sensor series: convolutions over 5 steps of 32 and 64 filters, a max pool between them",
    },
    ArchitectureInfo {
        example: "gru",
        description: "for sensor series: a gated recurrent unit of 64 (`gru-64`)",
    },
    ArchitectureInfo {
        example: "gru-128",
        description: "for sensor series: a gated recurrent unit of 128; any width",
    },
];

/// The layers of a fixed name, without the one that leads to the classes.
pub(crate) fn layers(name: &str) -> Option<Vec<LayerSpec>> {
    Some(match name {
        "2nn" => perceptron(&[200, 200]),
        "cnn-mcmahan" => read(&[
            "conv2d 32 5x5 same",
            "relu",
            "max-pool 2x2",
            "conv2d 64 5x5 same",
            "relu",
            "max-pool 2x2",
            "flatten",
            "dense 512",
            "relu",
        ]),
        "lenet5" => read(&[
            "conv2d 6 5x5",
            "relu",
            "max-pool 2x2",
            "conv2d 16 5x5",
            "relu",
            "max-pool 2x2",
            "flatten",
            "dense 120",
            "relu",
            "dense 84",
            "relu",
        ]),
        "resnet8" => resnet8(),
        "depthwise-cnn" => depthwise(),
        "cnn1d" => read(&[
            "conv1d 32 5 same",
            "relu",
            "max-pool 2 same",
            "conv1d 64 5 same",
            "relu",
            "global-average-pool",
        ]),
        "gru" => gru(64),
        _ => return None,
    })
}

pub(crate) fn perceptron(widths: &[usize]) -> Vec<LayerSpec> {
    let layer = |&width| {
        let dense = LayerSpec::Dense {
            outputs: Some(width),
            bias: true,
        };
        [dense, LayerSpec::Relu]
    };
    widths.iter().flat_map(layer).collect()
}

pub(crate) fn gru(units: usize) -> Vec<LayerSpec> {
    vec![LayerSpec::Gru {
        units,
        sequence: false,
    }]
}

/// Three stages of one block, as the smallest of the CIFAR family; group norms of groups of
/// eight channels or less stand for its batch norms, which a federation's small batches spoil.
fn resnet8() -> Vec<LayerSpec> {
    let mut layers = read(&["conv2d 16 3x3 same no-bias", "group-norm 8", "relu"]);
    for (filters, stride) in [(16, 1), (32, 2), (64, 2)] {
        let body = read(&[
            &format!("conv2d {filters} 3x3 stride {stride} same no-bias"),
            "group-norm 8",
            "relu",
            &format!("conv2d {filters} 3x3 same no-bias"),
            "group-norm 8",
        ]);
        let shortcut = match stride {
            1 => Vec::new(),
            _ => read(&[
                &format!("conv2d {filters} 1x1 stride {stride} no-bias"),
                "group-norm 8",
            ]),
        };
        layers.push(LayerSpec::Residual { body, shortcut });
        layers.push(LayerSpec::Relu);
    }
    layers.push(LayerSpec::GlobalAveragePool);
    layers
}

fn depthwise() -> Vec<LayerSpec> {
    let mut layers = read(&["conv2d 16 3x3 same no-bias", "group-norm 8", "relu"]);
    for (filters, stride) in [(32, 1), (64, 2), (128, 2)] {
        layers.extend(read(&[
            &format!("depthwise-conv2d 3x3 stride {stride} same no-bias"),
            "group-norm 8",
            "relu",
            &format!("conv2d {filters} 1x1 no-bias"),
            "group-norm 8",
            "relu",
        ]));
    }
    layers.push(LayerSpec::GlobalAveragePool);
    layers
}

fn read(texts: &[&str]) -> Vec<LayerSpec> {
    texts
        .iter()
        .map(|text| LayerSpec::parse(text).expect("a layer of the library is well written"))
        .collect()
}
