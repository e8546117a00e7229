//! Every operation has the values and the gradients of automatic differentiation in f64
//! (`golden/make_operations.py`), whichever way the parameters descend.

use std::sync::Arc;

use fedstill_models::{Architecture, Layout, ListedLayer, Loss, Optimizer, Trainer};

#[path = "../src/golden.rs"]
#[expect(
    dead_code,
    reason = "shared with the unit tests, which read labels too"
)]
mod golden;

use golden::Golden;

fn texts(layers: &[&str]) -> Vec<ListedLayer> {
    let text = |layer: &&str| ListedLayer::Text((*layer).to_owned());
    layers.iter().map(text).collect()
}

fn residual(body: &[&str], shortcut: &[&str]) -> Vec<ListedLayer> {
    vec![ListedLayer::Residual {
        body: texts(body),
        shortcut: texts(shortcut),
    }]
}

/// The networks of the script, by name: the shape of the data and the layers.
fn cases() -> Vec<(&'static str, &'static str, Vec<ListedLayer>)> {
    let plain: [(&str, &str, &[&str]); 21] = [
        (
            "dense",
            "7",
            &["dense 6", "relu", "dense 5 no-bias", "relu"],
        ),
        ("tanh", "6", &["dense 5", "tanh"]),
        ("gelu", "6", &["dense 5", "gelu"]),
        ("relu_first", "6", &["relu", "tanh"]),
        ("conv_valid", "2x6x5", &["conv2d 3 3x2", "relu"]),
        (
            "conv_same_pool",
            "1x7x6",
            &[
                "conv2d 3 5x5 same",
                "relu",
                "max-pool 2x2",
                "conv2d 4 3x3 same",
                "relu",
            ],
        ),
        (
            "conv_stride_padding",
            "3x8x7",
            &["conv2d 4 3x3 stride 2x3 padding 1"],
        ),
        (
            "conv_even_same",
            "2x5x6",
            &["conv2d 2 2x4 stride 2 same", "conv2d 3 2x2 same"],
        ),
        (
            "conv_groups",
            "4x5x5",
            &["conv2d 6 3x3 same groups 2", "relu", "conv2d 4 1x1 no-bias"],
        ),
        (
            "depthwise",
            "3x6x6",
            &[
                "conv2d 4 1x1",
                "depthwise-conv2d 3x3 stride 2 same",
                "relu",
                "conv2d 5 1x1",
            ],
        ),
        (
            "conv1d",
            "9x3",
            &[
                "conv1d 4 3 same",
                "relu",
                "max-pool 2",
                "conv1d 5 3 stride 2 padding 1",
            ],
        ),
        (
            "depthwise_conv1d",
            "8x3",
            &["conv1d 4 1", "depthwise-conv1d 5 same"],
        ),
        (
            "overlapping_max",
            "2x7x7",
            &["conv2d 3 3x3 same", "max-pool 3x3 stride 2 same"],
        ),
        (
            "average",
            "2x7x7",
            &["conv2d 3 3x3 same", "average-pool 3x3 stride 2 same"],
        ),
        (
            "global_average",
            "2x5x4",
            &["conv2d 4 3x3 same", "relu", "global-average-pool"],
        ),
        (
            "group_norm",
            "2x5x5",
            &["conv2d 6 3x3 same", "group-norm 3", "relu"],
        ),
        (
            "layer_norm_image",
            "2x4x4",
            &["conv2d 3 3x3", "layer-norm", "gelu"],
        ),
        ("layer_norm_flat", "6", &["dense 5", "layer-norm", "relu"]),
        (
            "layer_norm_series",
            "5x3",
            &["gru 4 sequence", "layer-norm"],
        ),
        ("gru", "6x3", &["gru 4"]),
        ("gru_stack", "5x2", &["gru 3 sequence", "gru 4"]),
    ];
    let mut cases: Vec<_> = plain
        .into_iter()
        .map(|(name, shape, layers)| (name, shape, texts(layers)))
        .collect();
    let block = residual(&["conv2d 3 3x3 same", "relu", "conv2d 3 3x3 same"], &[]);
    let layers = [
        texts(&["conv2d 3 3x3 same", "relu"]),
        block,
        texts(&["relu"]),
    ]
    .concat();
    cases.push(("residual", "2x5x5", layers));
    let block = residual(
        &["conv2d 4 3x3 stride 2 same", "relu", "conv2d 4 3x3 same"],
        &["conv2d 4 1x1 stride 2"],
    );
    cases.push(("shortcut", "3x6x6", [block, texts(&["relu"])].concat()));
    let inner = residual(&["conv2d 3 3x3 same"], &[]);
    let outer = ListedLayer::Residual {
        body: [inner, texts(&["tanh"])].concat(),
        shortcut: Vec::new(),
    };
    let layers = [texts(&["conv2d 3 1x1"]), vec![outer]].concat();
    cases.push(("nested", "2x4x4", layers));
    cases
}

/// Within 2·10⁻⁶ of the largest figure, some twenty units in its last place.
fn assert_near(golden: &Golden, name: &str, found: &[f32]) {
    let exact = golden.f64s(name).iter();
    let largest = exact.fold(1.0_f64, |largest, value| largest.max(value.abs()));
    golden.assert_near(name, found, 2e-6 * largest);
}

fn layout(shape: &str, layers: &[ListedLayer]) -> Arc<Layout> {
    let architecture = Architecture::from_layers(layers).unwrap();
    Arc::new(architecture.layout(shape.parse().unwrap(), 3).unwrap())
}

#[test]
fn every_operation_has_the_values_and_gradients_of_automatic_differentiation() {
    let golden = Golden::read(include_str!("golden/operations.txt"));
    for (name, shape, layers) in cases() {
        let of = |figure: &str| golden.f32s(&format!("{name}.{figure}"));
        let layout = layout(shape, &layers);
        let (parameters, x, targets) = (of("parameters"), of("x"), of("target"));
        assert_eq!(parameters.len(), layout.parameter_count(), "{name}");
        // At a learning rate of 1 the first step is the gradient: descending inside the
        // products, and by way of a gradient and a velocity.
        for optimizer in [Optimizer::sgd(1.0), Optimizer::momentum(1.0, 0.5, 0.0)] {
            let mut trainer =
                Trainer::new(layout.clone(), &parameters, &optimizer, None, 0).unwrap();
            let objective = [Loss::MeanSquaredError { targets: &targets }.into()];
            let result = trainer.step(&x, &objective).unwrap();
            assert_near(&golden, &format!("{name}.logits"), trainer.logits());
            assert_near(&golden, &format!("{name}.objective"), &[result.loss as f32]);
            let (after, _) = trainer.into_parts().unwrap();
            let step: Vec<f32> = parameters
                .iter()
                .zip(&after)
                .map(|(before, after)| before - after)
                .collect();
            assert_near(&golden, &format!("{name}.gradient"), &step);
        }
    }
}

#[test]
fn a_smaller_batch_sees_nothing_of_the_larger_one_before_it() {
    let golden = Golden::read(include_str!("golden/operations.txt"));
    for (name, shape, layers) in cases() {
        let of = |figure: &str| golden.f32s(&format!("{name}.{figure}"));
        let layout = layout(shape, &layers);
        let (x, targets) = (of("x"), of("target"));
        let trainer = |parameters: &[f32]| {
            Trainer::new(layout.clone(), parameters, &Optimizer::sgd(0.1), None, 0).unwrap()
        };
        let step = |trainer: &mut Trainer, rows: usize| {
            let targets = &targets[..rows * 3];
            let x = &x[..rows * layout.n_features()];
            trainer
                .step(x, &[Loss::MeanSquaredError { targets }.into()])
                .unwrap()
        };
        let mut used = trainer(&of("parameters"));
        step(&mut used, 3);
        let mut fresh = trainer(&used.parameters());
        assert_eq!(step(&mut used, 2), step(&mut fresh, 2), "{name}");
        assert_eq!(used.parameters(), fresh.parameters(), "{name}");
    }
}

#[test]
fn dropout_is_silent_when_asked_and_scales_what_it_keeps_in_training() {
    let layers = texts(&["dropout 0.25", "dense classes no-bias"]);
    let layout = layout("4000", &layers);
    // Three outputs, each the sum of all inputs: of ones, dropout keeps 4000 on average.
    let parameters = vec![1.0; layout.parameter_count()];
    let x = vec![1.0; 4000];
    let logits = |seed: u64| {
        let optimizer = Optimizer::sgd(0.0);
        let mut trainer =
            Trainer::new(layout.clone(), &parameters, &optimizer, None, seed).unwrap();
        let objective = [Loss::MeanSquaredError { targets: &[0.0; 3] }.into()];
        let mut all = Vec::new();
        for _ in 0..200 {
            trainer.step(&x, &objective).unwrap();
            all.push(f64::from(trainer.logits()[0]));
        }
        all
    };
    let seen = logits(1);
    assert_eq!(seen, logits(1));
    assert_ne!(seen, logits(2));
    let mean = seen.iter().sum::<f64>() / 200.0;
    let variance = seen.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 199.0;
    // A kept value is 1/(1−p), so the sum has variance n·p/(1−p); the mean of 200 is within 5 of
    // its standard errors, the variance within half of itself.
    let exact = 4000.0 * 0.25 / 0.75;
    assert!(
        (mean - 4000.0).abs() < 5.0 * (exact / 200.0_f64).sqrt(),
        "{mean}"
    );
    assert!((variance / exact - 1.0).abs() < 0.5, "{variance}");
    let data = fedstill_models::Dataset::new("ones", x.clone(), vec![0], 4000, 3).unwrap();
    let asked = fedstill_models::predict_logits(&layout, &parameters, &data, &[0]).unwrap();
    assert_eq!(asked, [4000.0; 3]);
}

#[test]
fn dropout_lets_through_the_gradient_of_what_it_kept() {
    // One weight a feature and a target far away: a weight moves exactly where its feature was
    // kept, by the gradient 2·(z − t)·x/(1−p).
    let layers = texts(&["dropout 0.5", "dense classes no-bias"]);
    let layout = layout("64", &layers);
    let parameters = vec![0.0; layout.parameter_count()];
    let x = vec![1.0; 64];
    let mut trainer = Trainer::new(layout, &parameters, &Optimizer::sgd(1.0), None, 3).unwrap();
    let targets = [30.0, 0.0, 0.0];
    trainer
        .step(&x, &[Loss::MeanSquaredError { targets: &targets }.into()])
        .unwrap();
    let after = trainer.parameters();
    let moved = after[..64].iter().filter(|value| **value != 0.0).count();
    assert!((16..48).contains(&moved), "{moved}");
    // 2·30/3 (mean over 3 classes) times the kept value of 2.
    assert!(
        after[..64]
            .iter()
            .all(|value| *value == 0.0 || *value == 40.0)
    );
    assert!(after[64..].iter().all(|value| *value == 0.0));
}
