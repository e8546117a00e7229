//! Steps along terms on features, probabilities and parameters, against automatic
//! differentiation.

use std::sync::Arc;

use super::*;
use crate::architecture::Architecture;
use crate::golden::Golden;
use crate::objective::{Loss, Teacher};
use crate::shape::Shape;

struct Case {
    layout: Arc<Layout>,
    network: Golden,
    terms: Golden,
}

/// The network of `network.txt`: 4 inputs, 6 and 5 hidden units, 3 classes, a batch of 5.
fn case() -> Case {
    let architecture = Architecture::parse("mlp-6-5").unwrap();
    Case {
        layout: Arc::new(architecture.layout(Shape::Flat(4), 3).unwrap()),
        network: Golden::read(include_str!("../../tests/golden/network.txt")),
        terms: Golden::read(include_str!("../../tests/golden/terms.txt")),
    }
}

impl Case {
    fn trainer(&self, optimizer: &Optimizer) -> Trainer {
        let parameters = self.network.f32s("parameters");
        Trainer::new(self.layout.clone(), &parameters, optimizer, None, 0).unwrap()
    }

    /// Asserts value and gradient of a step, folded into the products and not.
    fn assert_step(&self, name: &str, step: impl Fn(&mut Trainer) -> StepResult) {
        // At a learning rate of 1 the first step is the gradient.
        for optimizer in [Optimizer::sgd(1.0), Optimizer::momentum(1.0, 0.9, 0.0)] {
            let before = self.network.f32s("parameters");
            let mut trainer = self.trainer(&optimizer);
            let result = step(&mut trainer);
            self.terms.assert_near(name, &[result.loss as f32], 1e-6);
            let after = trainer.parameters();
            let along: Vec<f32> = before.iter().zip(after).map(|(b, a)| b - a).collect();
            self.terms
                .assert_near(&format!("{name}.gradient"), &along, 1e-6);
        }
    }
}

#[test]
fn every_term_has_the_value_and_gradient_of_automatic_differentiation() {
    let case = case();
    let (x, labels) = (case.network.f32s("x"), case.network.labels("labels"));
    let hard = Loss::CrossEntropy { labels: &labels };
    let targets = case.terms.f32s("targets");
    let present: Vec<bool> = case
        .terms
        .f32s("present")
        .iter()
        .map(|&p| p != 0.0)
        .collect();
    let (direction, soft) = (case.terms.f32s("direction"), case.terms.f32s("soft"));
    let (anchor, teacher) = (case.network.f32s("anchor"), case.terms.f32s("teacher"));
    let feature = Loss::FeatureSquaredError {
        targets: &targets,
        present: &present,
    };
    let linear = Term::new(
        0.5,
        Loss::Linear {
            direction: &direction,
        },
    );
    let proximal = Term::new(0.25, Loss::Proximal { anchor: &anchor });
    let probability = Loss::ProbabilitySquaredError { targets: &soft };
    let distillation = |temperature, scale_by_temperature_squared| Loss::Distillation {
        teacher: Teacher::Logits(&teacher),
        temperature,
        scale_by_temperature_squared,
    };
    let (rows, of_rows) = (
        case.terms.f32s("head_rows"),
        case.terms.f32s("head_targets"),
    );
    let of_rows = Loss::ProbabilitySquaredError { targets: &of_rows };
    let of_head = Loss::OfHead {
        features: &rows,
        loss: &of_rows,
    };
    let cases: [(&str, &[Term<'_>]); 8] = [
        ("feature", &[hard.into(), Term::new(0.75, feature)]),
        ("linear", &[hard.into(), linear]),
        ("head", &[hard.into(), Term::new(2.0, of_head)]),
        (
            "fedhkd",
            &[
                hard.into(),
                Term::new(0.75, feature),
                Term::new(2.0, of_head),
            ],
        ),
        ("linear_proximal", &[hard.into(), linear, proximal]),
        ("probability", &[hard.into(), Term::new(0.5, probability)]),
        (
            "fedgkt",
            &[hard.into(), Term::new(0.5, distillation(3.0, true))],
        ),
        (
            "fml",
            &[
                Term::new(0.25, hard),
                Term::new(0.75, distillation(1.0, false)),
            ],
        ),
    ];
    for (name, objective) in cases {
        case.assert_step(name, |trainer| trainer.step(&x, objective).unwrap());
    }
}

#[test]
fn a_part_that_the_caller_works_out_joins_the_terms() {
    let case = case();
    let (x, labels) = (case.network.f32s("x"), case.network.labels("labels"));
    let targets = case.terms.f32s("targets");
    let present = case.terms.f32s("present");
    let hard = Loss::CrossEntropy { labels: &labels }.into();
    case.assert_step("feature", |trainer| {
        trainer.keep_features(true);
        let part = |outputs: Outputs<'_>| {
            let mut sum = 0.0;
            for (place, slot) in outputs.by_features.iter_mut().enumerate() {
                let difference = outputs.features[place] - targets[place];
                if present[place / 5] != 0.0 {
                    sum += f64::from(difference * difference);
                    *slot += 0.75 * 2.0 / 25.0 * difference;
                }
            }
            0.75 * sum / 25.0
        };
        let result = trainer.step_with(&x, &[hard], part).unwrap();
        case.terms.assert_near("features", trainer.features(), 1e-6);
        result
    });
    // The gradient of the cross-entropy by the logits, (p − y)/batch, given from outside.
    case.assert_step("linear", |trainer| {
        let direction = case.terms.f32s("direction");
        let linear = Loss::Linear {
            direction: &direction,
        };
        let part = |outputs: Outputs<'_>| {
            let mut sum = 0.0;
            let probabilities = crate::softmax::softmax(outputs.logits, 3, 1.0);
            for (row, &label) in labels.iter().enumerate() {
                for class in 0..3 {
                    let place = row * 3 + class;
                    let own = f32::from(u8::from(class == label as usize));
                    outputs.by_logits[place] += (probabilities[place] - own) / 5.0;
                }
                sum -= f64::from(probabilities[row * 3 + label as usize]).ln() / 5.0;
            }
            sum
        };
        trainer
            .step_with(&x, &[Term::new(0.5, linear)], part)
            .unwrap()
    });
}

/// KL to another model's logits.
fn kl(weight: f32, logits: &[f32]) -> Term<'_> {
    let loss = Loss::Distillation {
        teacher: Teacher::Logits(logits),
        temperature: 1.0,
        scale_by_temperature_squared: false,
    };
    Term::new(weight, loss)
}

#[test]
fn two_models_weigh_their_teaching_by_both_their_losses() {
    let case = case();
    let (x, labels) = (case.network.f32s("x"), case.network.labels("labels"));
    let (teacher, targets) = (case.terms.f32s("teacher"), case.terms.f32s("targets"));
    let hard = Loss::CrossEntropy { labels: &labels };
    // FedKD: between the halves of a step the weight is known, and the other model's logits.
    case.assert_step("fedkd", |student| {
        // The other model: no hidden layer, and parameters that turn a one-hot row into a row of
        // the teacher's logits.
        let other = Architecture::parse("logistic").unwrap();
        let other = Arc::new(other.layout(Shape::Flat(5), 3).unwrap());
        let mut parameters = vec![0.0; other.parameter_count()];
        for (place, &logit) in teacher.iter().enumerate() {
            parameters[(place % 3) * 5 + place / 3] = logit;
        }
        let one_hot: Vec<f32> = (0..25)
            .map(|place| f32::from(u8::from(place % 6 == 0)))
            .collect();
        let optimizer = Optimizer::sgd(0.1);
        let mut other = Trainer::new(other, &parameters, &optimizer, None, 0).unwrap();
        other.forward(&one_hot).unwrap();
        student.forward(&x).unwrap();
        let own = student.value(&[hard.into()]).unwrap();
        let sum = own + other.value(&[hard.into()]).unwrap();
        case.terms.assert_near("fedkd.sum", &[sum as f32], 1e-6);
        let weight = sum.recip() as f32;
        let hidden = Loss::FeatureSquaredError {
            targets: &targets,
            present: &[true; 5],
        };
        let objective = [
            hard.into(),
            kl(weight, other.logits()),
            Term::new(weight, hidden),
        ];
        let result = student.update(&objective).unwrap();
        // The student's logits are still those before its update.
        case.network.assert_near("logits", student.logits(), 1e-6);
        other
            .update(&[hard.into(), kl(weight, student.logits())])
            .unwrap();
        assert_ne!(other.parameters(), parameters);
        result
    });
}

#[test]
fn a_prediction_moves_nothing_and_takes_the_place_of_a_forward_pass() {
    let case = case();
    let (x, labels) = (case.network.f32s("x"), case.network.labels("labels"));
    let hard = [Loss::CrossEntropy { labels: &labels }.into()];
    let mut trainer = case.trainer(&Optimizer::sgd(0.1));
    assert!(trainer.features().is_empty());
    trainer.keep_features(true);
    let logits = trainer.predict(&x).unwrap().to_vec();
    case.network.assert_near("logits", &logits, 1e-6);
    case.terms.assert_near("features", trainer.features(), 1e-6);
    assert_eq!(trainer.parameters(), case.network.f32s("parameters"));
    assert_eq!(trainer.update(&hard), Err(ModelError::NoForwardPass));
    trainer.forward(&x).unwrap();
    trainer.predict(&x[..4]).unwrap();
    assert_eq!(trainer.features().len(), 5);
    assert_eq!(trainer.update(&hard), Err(ModelError::NoForwardPass));
    trainer.keep_features(false);
    trainer.step(&x, &hard).unwrap();
    assert!(trainer.features().is_empty());
    let feature = Loss::FeatureSquaredError {
        targets: &[0.0; 25],
        present: &[true; 5],
    };
    assert!(trainer.value(&[feature.into()]).is_err());
}

#[test]
fn a_prediction_drops_nothing_out() {
    let layers = ["dense 64", "dropout 0.5"].map(|text| crate::ListedLayer::Text(text.into()));
    let layout = Architecture::from_layers(&layers).unwrap();
    let layout = Arc::new(layout.layout(Shape::Flat(4), 3).unwrap());
    let parameters = layout.initial_parameters(1);
    let optimizer = Optimizer::sgd(0.1);
    let mut trainer = Trainer::new(layout, &parameters, &optimizer, None, 0).unwrap();
    let x = [1.0, -2.0, 0.5, 3.0];
    let scored = trainer.predict(&x).unwrap().to_vec();
    assert_ne!(trainer.forward(&x).unwrap(), scored);
    assert_eq!(trainer.predict(&x).unwrap(), scored);
}

/// A convolution, a norm and a pool before a hidden layer and the classes.
fn convolutional() -> Layout {
    let layers = [
        "conv2d 4 3x3 same",
        "layer-norm",
        "relu",
        "max-pool 2x2",
        "global-average-pool",
        "dense 6",
        "tanh",
    ]
    .map(|text| crate::ListedLayer::Text(text.into()));
    let shape = Shape::Image {
        channels: 2,
        height: 6,
        width: 4,
    };
    Architecture::from_layers(&layers)
        .unwrap()
        .layout(shape, 3)
        .unwrap()
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count)
        .map(|place| ((place * 7919 + 13) % 1000) as f32 / 500.0 - 1.0)
        .collect()
}

#[test]
fn a_term_on_features_has_the_gradient_of_differences_wherever_the_model_is_cut() {
    for number in ["2", "4", "5", "6", "7", "8"] {
        let layout = Arc::new(convolutional().with_head_from(number).unwrap());
        let (batch, width) = (3, layout.feature_width());
        let parameters = layout.initial_parameters(4);
        let (x, targets) = (numbers(batch * 48), numbers(batch * width));
        let feature = Loss::FeatureSquaredError {
            targets: &targets,
            present: &[true, false, true],
        };
        let objective = [Term::new(2.0, feature)];
        let trainer = |parameters: &[f32]| {
            let mut trainer =
                Trainer::new(layout.clone(), parameters, &Optimizer::sgd(1.0), None, 0).unwrap();
            trainer.keep_features(true);
            trainer
        };
        let mut taken = trainer(&parameters);
        taken.step(&x, &objective).unwrap();
        let after = taken.parameters();
        assert_eq!(after[layout.head()], parameters[layout.head()]);
        let value = |place: usize, change: f32| {
            let mut moved = parameters.clone();
            moved[place] += change;
            let mut moved = trainer(&moved);
            moved.predict(&x).unwrap();
            moved.value(&objective).unwrap()
        };
        let mut steepest = 0.0_f64;
        for place in layout.extractor() {
            let slope = (value(place, 1e-3) - value(place, -1e-3)) / 2e-3;
            let gradient = f64::from(parameters[place] - after[place]);
            assert!(
                (slope - gradient).abs() < 2e-3,
                "{number}, {place}: {gradient}, not {slope}"
            );
            steepest = steepest.max(slope.abs());
        }
        assert!(steepest > 0.1, "{number}: {steepest}");
    }
}
