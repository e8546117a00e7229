//! Models learn real data, and repeat themselves to the bit.

use std::cell::Cell;
use std::sync::Arc;

use fedstill_models::{
    Architecture, Clipping, Dataset, Layout, Loss, ModelError, Optimizer, OptimizerState,
    Partition, Split, Teacher, Term, Trainer, evaluate, predict_logits,
};

fn digits_split() -> (Dataset, Split) {
    let digits = Dataset::digits();
    let split = Split::draw(&digits, 360, 0, 0.0, &Partition::Iid, 1, 7).unwrap();
    (digits, split)
}

fn layout(name: &str, data: &Dataset) -> Arc<Layout> {
    let architecture = Architecture::parse(name).unwrap();
    Arc::new(architecture.layout(data.shape(), data.n_classes()).unwrap())
}

/// Trains on plain cross-entropy; epoch `e` is shuffled by seed `e`.
fn train_epochs(
    trainer: &mut Trainer,
    data: &Dataset,
    indices: &[u32],
    epochs: std::ops::Range<u64>,
) {
    for epoch in epochs {
        trainer
            .epoch(data, indices, 32, epoch, &|| false, |trainer, batch| {
                trainer.step(
                    batch.features,
                    &[Loss::CrossEntropy {
                        labels: batch.labels,
                    }
                    .into()],
                )
            })
            .unwrap();
    }
}

/// Parameters as bits: equality to the last one, NaN included.
fn bits(parameters: &[f32]) -> Vec<u32> {
    parameters.iter().map(|value| value.to_bits()).collect()
}

fn optimizers() -> [Optimizer; 3] {
    [
        Optimizer::sgd(0.1),
        Optimizer::momentum(0.1, 0.9, 1e-4),
        Optimizer::adam(1e-3),
    ]
}

#[test]
fn a_perceptron_learns_the_digits() {
    let (digits, split) = digits_split();
    for (name, optimizer) in [
        ("mlp-32", Optimizer::momentum(0.1, 0.9, 1e-4)),
        ("mlp-64-32", Optimizer::adam(3e-3)),
    ] {
        let layout = layout(name, &digits);
        let fresh = layout.initial_parameters(1);
        let mut trainer = Trainer::new(layout.clone(), &fresh, &optimizer, None, 0).unwrap();
        train_epochs(&mut trainer, &digits, &split.clients[0].train, 0..20);
        let (parameters, _) = trainer.into_parts().unwrap();
        let score = evaluate(&layout, &parameters, &digits, &split.test).unwrap();
        assert!(score.accuracy().unwrap() > 0.93, "{name}: {score:?}");
        let untrained = evaluate(&layout, &fresh, &digits, &split.test).unwrap();
        assert!(untrained.accuracy().unwrap() < 0.3, "{name}: {untrained:?}");
    }
}

#[test]
fn epochs_of_one_trainer_equal_epochs_with_the_state_kept_between() {
    let (digits, split) = digits_split();
    let train = &split.clients[0].train[..200];
    let layout = layout("mlp-32", &digits);
    for optimizer in optimizers() {
        let fresh = layout.initial_parameters(1);
        let mut whole = Trainer::new(layout.clone(), &fresh, &optimizer, None, 0).unwrap();
        train_epochs(&mut whole, &digits, train, 0..4);
        let mut parameters = fresh;
        let mut state: Option<OptimizerState> = None;
        for epoch in 0..4 {
            let mut part = Trainer::new(layout.clone(), &parameters, &optimizer, state, 0).unwrap();
            train_epochs(&mut part, &digits, train, epoch..epoch + 1);
            let (next, kept) = part.into_parts().unwrap();
            (parameters, state) = (next, Some(kept));
        }
        let (expected, expected_state) = whole.into_parts().unwrap();
        assert_eq!(bits(&parameters), bits(&expected), "{optimizer:?}");
        assert_eq!(state, Some(expected_state));
    }
}

#[test]
fn trainers_on_many_threads_at_once_give_the_bits_of_one_alone() {
    let (digits, split) = digits_split();
    for name in ["mlp-64-32", "resnet8"] {
        threads_give_the_bits_of_one(&layout(name, &digits), &digits, &split);
    }
}

fn threads_give_the_bits_of_one(layout: &Arc<Layout>, digits: &Dataset, split: &Split) {
    let train = &|seed: u64| {
        let fresh = layout.initial_parameters(seed);
        let mut trainer =
            Trainer::new(layout.clone(), &fresh, &Optimizer::sgd(0.1), None, seed).unwrap();
        train_epochs(
            &mut trainer,
            digits,
            &split.clients[0].train[..300],
            seed..seed + 2,
        );
        bits(&trainer.into_parts().unwrap().0)
    };
    let alone: Vec<_> = (0..6).map(train).collect();
    let together: Vec<_> = std::thread::scope(|scope| {
        let jobs: Vec<_> = (0..6)
            .map(|seed| scope.spawn(move || train(seed)))
            .collect();
        jobs.into_iter().map(|job| job.join().unwrap()).collect()
    });
    assert_eq!(alone, together);
    assert_ne!(alone[0], alone[1]);
}

#[test]
fn an_epoch_visits_every_sample_once_and_keeps_the_last_smaller_batch() {
    let (digits, split) = digits_split();
    let train = &split.clients[0].train[..70];
    let layout = layout("logistic", &digits);
    let fresh = layout.initial_parameters(1);
    let mut trainer = Trainer::new(layout, &fresh, &Optimizer::sgd(0.1), None, 0).unwrap();
    let (mut visited, mut sizes) = (Vec::new(), Vec::new());
    let summary = trainer
        .epoch(&digits, train, 32, 5, &|| false, |trainer, batch| {
            sizes.push(batch.len());
            for (place, (&position, &index)) in
                batch.positions.iter().zip(batch.indices).enumerate()
            {
                assert_eq!(train[position as usize], index);
                assert_eq!(batch.labels[place], digits.label(index));
                assert_eq!(batch.features[place * 64..][..64], *digits.sample(index));
            }
            visited.extend_from_slice(batch.indices);
            trainer.step(
                batch.features,
                &[Loss::CrossEntropy {
                    labels: batch.labels,
                }
                .into()],
            )
        })
        .unwrap();
    assert_eq!(sizes, [32, 32, 6]);
    assert_eq!(
        (summary.steps, summary.samples, summary.cancelled),
        (3, 70, false)
    );
    assert!(!visited.is_sorted());
    visited.sort_unstable();
    assert_eq!(visited, train);
}

#[test]
fn a_cancelled_epoch_stops_between_steps() {
    let (digits, split) = digits_split();
    let layout = layout("logistic", &digits);
    let fresh = layout.initial_parameters(1);
    let mut trainer = Trainer::new(layout, &fresh, &Optimizer::sgd(0.1), None, 0).unwrap();
    let made = Cell::new(0);
    let summary = trainer
        .epoch(
            &digits,
            &split.clients[0].train,
            10,
            5,
            &|| made.get() == 3,
            |trainer, batch| {
                made.set(made.get() + 1);
                trainer.step(
                    batch.features,
                    &[Loss::CrossEntropy {
                        labels: batch.labels,
                    }
                    .into()],
                )
            },
        )
        .unwrap();
    assert_eq!(
        (summary.steps, summary.samples, summary.cancelled),
        (3, 30, true)
    );
}

#[test]
fn a_student_reaches_its_teacher_by_logits_alone() {
    let (digits, split) = digits_split();
    let train = &split.clients[0].train;
    let large = layout("mlp-64-32", &digits);
    let mut teacher = Trainer::new(
        large.clone(),
        &large.initial_parameters(1),
        &Optimizer::adam(3e-3),
        None,
        0,
    )
    .unwrap();
    train_epochs(&mut teacher, &digits, train, 0..15);
    let (teacher, _) = teacher.into_parts().unwrap();
    let knowledge = predict_logits(&large, &teacher, &digits, train).unwrap();
    let small = layout("mlp-32", &digits);
    let fresh = small.initial_parameters(2);
    let mut student = Trainer::new(small.clone(), &fresh, &Optimizer::adam(3e-3), None, 0).unwrap();
    let mut rows = Vec::new();
    for epoch in 0..30 {
        student
            .epoch(&digits, train, 32, epoch, &|| false, |student, batch| {
                rows.clear();
                batch.gather(&knowledge, 10, &mut rows);
                let distillation = Loss::Distillation {
                    teacher: Teacher::Logits(&rows),
                    temperature: 3.0,
                    scale_by_temperature_squared: true,
                };
                student.step(batch.features, &[Term::new(1.0, distillation)])
            })
            .unwrap();
    }
    let (student, _) = student.into_parts().unwrap();
    let score = evaluate(&small, &student, &digits, &split.test).unwrap();
    assert!(score.accuracy().unwrap() > 0.93, "{score:?}");
}

#[test]
fn training_that_diverges_is_an_error_and_no_panic() {
    let (digits, split) = digits_split();
    let layout = layout("mlp-32", &digits);
    let fresh = layout.initial_parameters(1);
    let mut trainer = Trainer::new(layout, &fresh, &Optimizer::sgd(1e30), None, 0).unwrap();
    let found = trainer.epoch(
        &digits,
        &split.clients[0].train,
        32,
        0,
        &|| false,
        |trainer, batch| {
            let loss = Loss::MeanSquaredError {
                targets: &vec![0.0; batch.len() * 10],
            };
            trainer.step(batch.features, &[loss.into()])
        },
    );
    assert!(
        matches!(found, Err(ModelError::Diverged { steps: 1..4 })),
        "{found:?}"
    );
}

#[test]
fn an_evaluation_counts_by_class_and_sums_the_cross_entropy() {
    // A logistic model of all zeros: equal logits, so class 0 always, and a loss of ln 10 each.
    let (digits, split) = digits_split();
    let layout = layout("logistic", &digits);
    let score = evaluate(&layout, &vec![0.0; 650], &digits, &split.test).unwrap();
    let counts = digits.class_counts(&split.test);
    assert_eq!((score.n, score.correct), (360, u64::from(counts[0])));
    assert!((score.mean_loss().unwrap() - 10_f64.ln()).abs() < 1e-7);
    for (class, &(n, correct)) in score.per_class.iter().enumerate() {
        assert_eq!(n, u64::from(counts[class]));
        assert_eq!(correct, if class == 0 { n } else { 0 });
    }
    let nothing = evaluate(&layout, &vec![0.0; 650], &digits, &[]).unwrap();
    assert_eq!(
        (nothing.n, nothing.accuracy(), nothing.mean_loss()),
        (0, None, None)
    );
}

#[test]
fn convolutional_and_recurrent_models_learn_the_digits() {
    let (digits, split) = digits_split();
    // Each row of an image is a step of a series.
    let rows = digits.clone().shaped("8x8".parse().unwrap()).unwrap();
    let cases = [
        ("resnet8", &digits, 6),
        ("depthwise-cnn", &digits, 6),
        ("cnn-mcmahan", &digits, 3),
        ("gru", &rows, 15),
        ("cnn1d", &rows, 15),
    ];
    for (name, data, epochs) in cases {
        let layout = layout(name, data);
        let fresh = layout.initial_parameters(1);
        let optimizer = Optimizer::adam(3e-3);
        let mut trainer = Trainer::new(layout.clone(), &fresh, &optimizer, None, 0).unwrap();
        train_epochs(&mut trainer, data, &split.clients[0].train, 0..epochs);
        let (parameters, _) = trainer.into_parts().unwrap();
        let score = evaluate(&layout, &parameters, data, &split.test).unwrap();
        let accuracy = score.accuracy().unwrap();
        assert!(accuracy > 0.93, "{name}: {accuracy}");
    }
}

#[test]
fn descending_inside_the_products_goes_where_a_gradient_leads() {
    // A bound that nothing reaches makes the trainer take the way of a gradient.
    let unbound = |optimizer| Optimizer {
        clipping: Some(Clipping::Norm(1e30)),
        ..optimizer
    };
    let (digits, _) = digits_split();
    let samples = 0..20_u32;
    let labels: Vec<u32> = samples.clone().map(|index| digits.label(index)).collect();
    let x: Vec<f32> = samples
        .flat_map(|index| digits.sample(index).to_vec())
        .collect();
    for name in ["mlp-32", "resnet8"] {
        let layout = layout(name, &digits);
        let (fresh, anchor) = (layout.initial_parameters(1), layout.initial_parameters(2));
        let walk = |optimizer: &Optimizer| {
            let mut trainer = Trainer::new(layout.clone(), &fresh, optimizer, None, 0).unwrap();
            let labels = &labels;
            let objective = [
                Loss::CrossEntropy { labels }.into(),
                Term::new(0.7, Loss::Proximal { anchor: &anchor }),
            ];
            let mut losses = Vec::new();
            for _ in 0..5 {
                losses.push(trainer.step(&x, &objective).unwrap().loss);
            }
            (trainer.into_parts().unwrap().0, losses)
        };
        for optimizer in [Optimizer::sgd(0.1), Optimizer::momentum(0.1, 0.0, 0.3)] {
            let (folded, folded_losses) = walk(&optimizer);
            let (plain, plain_losses) = walk(&unbound(optimizer));
            let largest = |values: &[f32]| values.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
            let apart: Vec<f32> = folded.iter().zip(&plain).map(|(a, b)| a - b).collect();
            assert!(largest(&apart) < 2e-6, "{name}: {}", largest(&apart));
            for (a, b) in folded_losses.iter().zip(&plain_losses) {
                assert!((a - b).abs() < 1e-5, "{name}: {a} and {b}");
            }
            let moved: Vec<f32> = folded.iter().zip(&fresh).map(|(a, b)| a - b).collect();
            assert!(largest(&moved) > 0.001, "{name}");
        }
    }
}

#[test]
fn a_step_whose_loss_is_not_finite_leaves_the_parameters_as_they_were() {
    let (digits, _) = digits_split();
    for (name, optimizer) in [
        ("mlp-32", Optimizer::sgd(0.1)),
        ("resnet8", Optimizer::adam(0.1)),
    ] {
        let layout = layout(name, &digits);
        let fresh = layout.initial_parameters(1);
        let mut trainer = Trainer::new(layout, &fresh, &optimizer, None, 0).unwrap();
        let labels = &[3];
        let mut x = digits.sample(0).to_vec();
        x[20] = f32::NAN;
        let objective = [Loss::CrossEntropy { labels }.into()];
        let outcome = trainer.step(&x, &objective);
        assert_eq!(outcome, Err(ModelError::Diverged { steps: 0 }), "{name}");
        assert_eq!(bits(&trainer.parameters()), bits(&fresh), "{name}");
    }
}
