//! Architectures are read by name, laid out, and counted.

use fedstill_models::{Architecture, Layout, Optimizer, Shape, architectures, sources};

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
        ["digits", "synthetic"]
    );
}
