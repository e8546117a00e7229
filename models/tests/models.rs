//! Architectures are read by name, laid out, and counted.

use fedstill_models::{
    Architecture, Dataset, Layout, ListedLayer, Optimizer, Shape, architectures, extract_features,
    predict_logits, sources,
};

fn layout(name: &str, features: usize, classes: usize) -> Layout {
    let architecture = Architecture::parse(name).unwrap();
    architecture.layout(Shape::Flat(features), classes).unwrap()
}

#[test]
fn a_named_perceptron_costs_what_a_hand_counts() {
    let layout = layout("mlp-32", 64, 10);
    // 64·32 + 32 + 32·10 + 10.
    assert_eq!(layout.parameter_count(), 2410);
    assert_eq!(layout.parameter_bytes(), 9640);
    // 2·64·32 + 32 (bias) + 32 (ReLU) + 2·32·10 + 10 (bias).
    assert_eq!(layout.forward_flops(), 4096 + 32 + 32 + 640 + 10);
    assert_eq!(layout.backward_flops(), 2 * 4810);
    assert_eq!(layout.train_flops(100), 3 * 4810 * 100);
    assert_eq!(layout.predict_flops(7), 7 * 4810);
    // Batch 8: 8·(64 + 32 + 10)·4 bytes of activations.
    assert_eq!(layout.activation_bytes(8), 3392);
    let memory = |optimizer| layout.training_memory_bytes(8, &optimizer);
    assert_eq!(memory(Optimizer::sgd(0.1)), 2 * 9640 + 3392);
    assert_eq!(memory(Optimizer::momentum(0.1, 0.9, 0.0)), 3 * 9640 + 3392);
    assert_eq!(memory(Optimizer::adam(0.1)), 4 * 9640 + 3392);
}

#[test]
fn the_2nn_of_mcmahan_has_its_published_number_of_parameters() {
    // McMahan et al. 2017: "199,210 total parameters".
    assert_eq!(layout("mlp-200-200", 784, 10).parameter_count(), 199_210);
}

#[test]
fn the_flat_vector_is_weights_then_bias_layer_by_layer() {
    let layout = layout("mlp-5-4", 3, 2);
    let shapes: Vec<_> = layout
        .parameter_shapes()
        .into_iter()
        .map(|tensor| (tensor.name, tensor.shape, tensor.offset))
        .collect();
    let expected = [
        ("0.weight", vec![5, 3], 0),
        ("0.bias", vec![5], 15),
        ("1.weight", vec![4, 5], 20),
        ("1.bias", vec![4], 40),
        ("2.weight", vec![2, 4], 44),
        ("2.bias", vec![2], 52),
    ]
    .map(|(name, shape, offset)| (name.to_owned(), shape, offset));
    assert_eq!(shapes, expected);
    assert_eq!(layout.parameter_count(), 54);
    let texts: Vec<_> = layout.layers().iter().map(|layer| layer.text()).collect();
    assert_eq!(
        texts,
        ["dense 5", "relu", "dense 4", "relu", "dense classes"]
    );
}

#[test]
fn fresh_parameters_fill_their_range_and_follow_their_seed() {
    let layout = layout("mlp-200", 100, 25);
    let parameters = layout.initial_parameters(3);
    assert_eq!(parameters.len(), layout.parameter_count());
    for layer in [&layout.layers()[0], &layout.layers()[2]] {
        let bound = 1.0 / (layer.input().size() as f32).sqrt();
        let values = &parameters[layer.parameters()];
        assert!(values.iter().all(|value| value.abs() <= bound));
        let n = values.len() as f32;
        let variance = values.iter().map(|value| value * value).sum::<f32>() / n;
        // A uniform in ±b has variance b²/3.
        assert!(
            (variance / (bound * bound / 3.0) - 1.0).abs() < 0.05,
            "{variance}"
        );
    }
    assert_eq!(parameters, layout.initial_parameters(3));
    assert_ne!(parameters, layout.initial_parameters(4));
}

#[test]
fn names_are_read_back_and_wrong_ones_are_explained() {
    for (name, canonical) in [
        ("logistic", "logistic"),
        ("mlp", "logistic"),
        ("mlp-32", "mlp-32"),
        ("mlp-128-64", "mlp-128-64"),
        ("2nn", "2nn"),
        ("gru-16", "gru-16"),
    ] {
        let architecture = Architecture::parse(name).unwrap();
        assert_eq!(architecture.to_string(), canonical);
    }
    let message = |name: &str| Architecture::parse(name).unwrap_err().to_string();
    assert_eq!(
        message("logistik"),
        "unknown model `logistik`; known are `logistic`, `mlp-32`, `mlp-128-64`, `2nn`, \
         `cnn-mcmahan`, `lenet5`, `resnet8`, `depthwise-cnn`, `cnn1d`, `gru`, `gru-128`; did you \
         mean `logistic`?"
    );
    assert!(message("mpl-32").ends_with("did you mean `mlp-32`?"));
    assert!(!message("transformer").contains("did you mean"));
    for wrong in [
        "mlp-",
        "mlp-0",
        "mlp-32-",
        "mlp-a",
        "mlp--5",
        "mlp-1e3",
        "mlp-99999999999999999999",
    ] {
        assert!(message(wrong).contains("is no layer width"), "{wrong}");
    }
    assert!(message(&format!("mlp{}", "-8".repeat(40))).contains("40 hidden layers"));
}

#[test]
fn every_listed_model_and_data_set_can_be_had() {
    for known in architectures() {
        assert!(
            Architecture::parse(known.example).is_ok(),
            "{}",
            known.example
        );
    }
    assert_eq!(
        sources()
            .iter()
            .map(|source| source.name)
            .collect::<Vec<_>>(),
        [
            "digits",
            "synthetic",
            "idx",
            "cifar-10",
            "cifar-100",
            "npy",
            "npz",
            "csv"
        ]
    );
}

fn with_shape(name: &str, input: &str, classes: usize) -> Layout {
    let architecture = Architecture::parse(name).unwrap();
    architecture
        .layout(input.parse().unwrap(), classes)
        .unwrap()
}

fn listed(layers: &[&str]) -> Architecture {
    let text = |layer: &&str| ListedLayer::Text((*layer).to_owned());
    Architecture::from_layers(&layers.iter().map(text).collect::<Vec<_>>()).unwrap()
}

#[test]
fn the_library_has_the_published_numbers_of_parameters() {
    for (name, input, count) in [
        // McMahan et al. 2017: 199,210 and 1,663,370.
        ("2nn", "1x28x28", 199_210),
        ("cnn-mcmahan", "1x28x28", 1_663_370),
        // The LeNet of NIID-Bench, as Flower has it, on 28x28.
        ("lenet5", "1x28x28", 44_426),
        // By hand: 3·16·9 + 2·16 of the stem, blocks of 3x3 convolutions without biases and norms
        // of 2 a channel, two 1x1 shortcuts, 64·10 + 10.
        (
            "resnet8",
            "3x32x32",
            432 + 32
                + 2 * (16 * 16 * 9 + 32)
                + (16 * 32 * 9 + 64 + 32 * 32 * 9 + 64 + 16 * 32 + 64)
                + (32 * 64 * 9 + 128 + 64 * 64 * 9 + 128 + 32 * 64 + 128)
                + 650,
        ),
        // Stem; then 3x3 filters, one a channel, and 1x1 convolutions, norms after each.
        (
            "depthwise-cnn",
            "3x32x32",
            432 + 32
                + (16 * 9 + 32 + 16 * 32 + 64)
                + (32 * 9 + 64 + 32 * 64 + 128)
                + (64 * 9 + 128 + 64 * 128 + 256)
                + 1290,
        ),
        // 5·9·32 + 32, 5·32·64 + 64, 64·6 + 6.
        ("cnn1d", "128x9", 1472 + 10_304 + 650),
        // PyTorch's GRU of 64 on 9 channels: 3·64·(9 + 64 + 2).
        ("gru", "128x9", 14_400 + 650),
    ] {
        assert_eq!(
            with_shape(name, input, 10).parameter_count(),
            count,
            "{name}"
        );
    }
}

#[test]
fn a_convolution_costs_what_a_hand_counts() {
    let layout = with_shape("cnn-mcmahan", "1x28x28", 10);
    let flops: Vec<_> = layout
        .layers()
        .iter()
        .map(|layer| layer.forward_flops())
        .collect();
    let expected = [
        784 * 32 * (2 * 25 + 1),
        784 * 32,
        4 * 196 * 32,
        196 * 64 * (2 * 800 + 1),
        196 * 64,
        4 * 49 * 64,
        0,
        2 * 3136 * 512 + 512,
        512,
        2 * 512 * 10 + 10,
    ];
    assert_eq!(flops, expected);
    assert_eq!(layout.forward_flops(), expected.iter().sum::<u64>());
    assert_eq!(layout.backward_flops(), 2 * layout.forward_flops());
    // Kept for the backward pass: the input, and outputs of convolutions, pools and dense layers.
    let kept = 784 + 784 * 32 + 196 * 32 + 196 * 64 + 49 * 64 + 512 + 10;
    assert_eq!(layout.activation_bytes(2), 2 * 4 * kept);
    assert_eq!(layout.layers()[3].parameter_bytes(), 4 * (800 * 64 + 64));
}

#[test]
fn a_depthwise_convolution_a_norm_and_a_recurrent_unit_cost_what_a_hand_counts() {
    let architecture = listed(&[
        "depthwise-conv2d 3x3 stride 2 same no-bias",
        "group-norm 2",
        "gelu",
        "average-pool 2x2",
    ]);
    let layout = architecture.layout("4x8x8".parse().unwrap(), 3).unwrap();
    let flops = |layout: &Layout| -> Vec<u64> {
        layout
            .layers()
            .iter()
            .map(|layer| layer.forward_flops())
            .collect()
    };
    // 16 places of 4 channels, each from 9; 7 and 8 a value; 4 places of 4 channels, each from 4.
    assert_eq!(
        flops(&layout),
        [64 * 18, 64 * 7, 64 * 8, 16 * 4, 2 * 16 * 3 + 3]
    );
    let layout = listed(&["gru 5"])
        .layout("7x3".parse().unwrap(), 2)
        .unwrap();
    // At each of 7 steps 3 gates of 5 from 3 and from 5, two biases, and the gates themselves.
    assert_eq!(
        flops(&layout)[0],
        7 * (2 * 15 * 3 + 2 * 15 * 5 + 2 * 15 + 14 * 5)
    );
    let block = ListedLayer::Residual {
        body: vec![ListedLayer::Text("dense 4".to_owned())],
        shortcut: Vec::new(),
    };
    let layout = Architecture::from_layers(&[block]).unwrap();
    let layout = layout.layout(Shape::Flat(4), 2).unwrap();
    // The block's product and bias, its sum, and the output.
    assert_eq!(layout.forward_flops(), 36 + 4 + 18);
    assert_eq!(layout.activation_bytes(1), 4 * (4 + 4 + 4 + 2));
}

#[test]
fn layers_that_do_not_fit_are_named_with_what_arrived_and_what_would_fit() {
    let message = |layers: &[&str], input: &str| {
        let layout = listed(layers).layout(input.parse().unwrap(), 10);
        layout.unwrap_err().to_string()
    };
    let conv = "conv2d 6 5x5";
    for (layers, input, expected) in [
        (
            &[conv, "relu", "max-pool 2x2", conv][..],
            "1x8x8",
            "layer 4, `conv2d 6 5x5`: an image of 6x2x2 (channels x height x width) arrived; its window of 5 rows needs at least 5 there; a smaller window, `same`, or one pool less would fit",
        ),
        (
            &[conv],
            "64",
            "layer 1, `conv2d 6 5x5`: 64 features arrived; it needs an image, channels x height x width; `conv1d` takes a series, `dense` takes anything",
        ),
        (
            &["conv1d 8 3"],
            "1x8x8",
            "layer 1, `conv1d 8 3`: an image of 1x8x8 (channels x height x width) arrived; it needs a series, time x channels; `conv2d` takes an image, `dense` takes anything",
        ),
        (
            &["dense 8", "gru 4"],
            "128x9",
            "layer 2, `gru 4`: 8 features arrived; it needs a series, time x channels",
        ),
        (
            &["conv2d 6 3x3", "group-norm 4"],
            "1x8x8",
            "layer 2, `group-norm 4`: an image of 6x6x6 (channels x height x width) arrived; the number of groups must divide its 6 channels",
        ),
        (
            &["conv2d 6 3x3 groups 2"],
            "3x8x8",
            "layer 1, `conv2d 6 3x3 groups 2`: an image of 3x8x8 (channels x height x width) arrived; the number of groups must divide the 3 channels that arrive and its 6 filters",
        ),
        (
            &["max-pool 2x2"],
            "128x9",
            "layer 1, `max-pool 2x2`: a series of 128x9 (time x channels) arrived; over time a window has one extent: write `2` without `x2`",
        ),
        (
            &["conv2d 4 3x3 padding 3"],
            "1x8x8",
            "layer 1, `conv2d 4 3x3 padding 3`: an image of 1x8x8 (channels x height x width) arrived; 3 rows of padding are too many for a window of 3: it would see nothing else",
        ),
        (
            &["dense 65536", "dense 65536"],
            "64",
            "layer 2, `dense 65536`: 65536 features arrived; with it the model has 4299292672 parameters; at most 268435456 are possible",
        ),
        (
            &["dense 32", "relu", "dense 7"],
            "64",
            "layer 3, `dense 7`: 32 features arrived; a dense layer at the end leads to the classes, and the data have 10; write `dense classes`, or leave the layer out and it is added",
        ),
    ] {
        assert_eq!(message(layers, input), expected);
    }
    let text = |layer: &str| ListedLayer::Text(layer.to_owned());
    let block = ListedLayer::Residual {
        body: vec![
            text("conv2d 4 3x3 same"),
            text("conv2d 8 3x3 stride 2 same"),
        ],
        shortcut: Vec::new(),
    };
    let of = |layers: &[ListedLayer], input: &str| {
        let layout = Architecture::from_layers(layers).unwrap();
        layout
            .layout(input.parse().unwrap(), 10)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        of(&[text("conv2d 4 1x1"), block.clone()], "1x8x8"),
        "layer 2, `residual [conv2d 4 3x3 same, conv2d 8 3x3 stride 2 same]`: an image of 4x8x8 \
         (channels x height x width) arrived; its body makes 8x4x4 of it and its shortcut 4x8x8: \
         they must agree to be added; a shortcut such as `conv2d 8 1x1` can bring what arrived to \
         the body's shape"
    );
    // A layer inside a block has a number too.
    let inner = ListedLayer::Residual {
        body: vec![text("relu"), text("conv2d 4 9x9")],
        shortcut: Vec::new(),
    };
    assert!(of(&[inner], "1x8x8").starts_with("layer 1.2, `conv2d 4 9x9`: "));
}

#[test]
fn listed_layers_that_are_not_understood_are_named() {
    let wrong = [
        ListedLayer::Text("conv2d 8 3x3".to_owned()),
        ListedLayer::Residual {
            body: vec![ListedLayer::Text("reluu".to_owned())],
            shortcut: Vec::new(),
        },
    ];
    assert_eq!(
        Architecture::from_layers(&wrong).unwrap_err().to_string(),
        "layer 2.1: there is no layer `reluu`; did you mean `relu`?"
    );
}

#[test]
fn the_dense_layer_to_the_classes_is_added_unless_the_list_ends_with_it() {
    let last = |layers: &[&str]| {
        let layout = listed(layers).layout(Shape::Flat(64), 10).unwrap();
        (layout.layers().len(), layout.n_classes())
    };
    assert_eq!(last(&[]), (1, 10));
    assert_eq!(last(&["dense 32", "relu"]), (3, 10));
    assert_eq!(last(&["dense 32", "relu", "dense classes"]), (3, 10));
    assert_eq!(last(&["dense 32", "relu", "dense 10"]), (3, 10));
}

#[test]
fn a_model_is_cut_into_extractor_and_head_at_a_dense_layer() {
    let layout = with_shape("lenet5", "1x28x28", 10);
    assert_eq!(
        (layout.head(), layout.feature_width()),
        (44_426 - 850..44_426, 84)
    );
    assert_eq!(layout.extractor(), 0..44_426 - 850);
    let larger = Architecture::parse("lenet5").unwrap().with_head(2).unwrap();
    let larger = larger.layout("1x28x28".parse().unwrap(), 10).unwrap();
    assert_eq!(
        (larger.head().len(), larger.feature_width()),
        (850 + 10_164, 120)
    );
    let none = Architecture::parse("lenet5").unwrap().with_head(4);
    assert_eq!(
        none.unwrap_err().to_string(),
        "a head of 4 dense layers: the model has 3 outside residual blocks, so the head may have 1 to 3"
    );
    let logistic = layout_of_logistic();
    assert_eq!((logistic.extractor(), logistic.feature_width()), (0..0, 64));
}

fn layout_of_logistic() -> Layout {
    layout("logistic", 64, 10)
}

#[test]
fn head_of_the_features_is_the_logits() {
    let digits = Dataset::digits();
    let samples: Vec<u32> = (0..300).collect();
    for (name, head) in [
        ("mlp-32-16", 1),
        ("mlp-32-16", 2),
        ("resnet8", 1),
        ("logistic", 1),
    ] {
        let architecture = Architecture::parse(name).unwrap().with_head(head).unwrap();
        let layout = architecture.layout(digits.shape(), 10).unwrap();
        let parameters = layout.initial_parameters(5);
        let features = extract_features(&layout, &parameters, &digits, &samples).unwrap();
        let width = layout.feature_width();
        assert_eq!(features.len(), 300 * width);
        // A model of the head's layers alone, on the features as data.
        let texts = ["dense 16", "relu"];
        let alone = if head == 2 {
            listed(&texts)
        } else {
            listed(&[])
        };
        let alone = alone.layout(Shape::Flat(width), 10).unwrap();
        let data = Dataset::new("features", features, vec![0; 300], width, 10).unwrap();
        assert_eq!(
            predict_logits(&alone, &parameters[layout.head()], &data, &samples).unwrap(),
            predict_logits(&layout, &parameters, &digits, &samples).unwrap(),
            "{name}"
        );
    }
}
