//! Data sets: synthetic mixtures are as hard as they say, and wrong numbers are refused.

use std::sync::Arc;

use fedstill_models::{
    Architecture, Dataset, DatasetError, Loss, Optimizer, SyntheticError, SyntheticSpec, Trainer,
    evaluate,
};

fn class_means(data: &Dataset) -> Vec<Vec<f64>> {
    let mut means = vec![vec![0.0; data.n_features()]; data.n_classes()];
    let mut counts = vec![0.0; data.n_classes()];
    for index in 0..data.len() as u32 {
        let class = data.label(index) as usize;
        counts[class] += 1.0;
        for (sum, &value) in means[class].iter_mut().zip(data.sample(index)) {
            *sum += f64::from(value);
        }
    }
    for (mean, count) in means.iter_mut().zip(counts) {
        mean.iter_mut().for_each(|value| *value /= count);
    }
    means
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).powi(2))
        .sum::<f64>()
        .sqrt()
}

#[test]
fn synthetic_classes_are_balanced_and_apart_by_the_separation() {
    let spec = SyntheticSpec {
        classes: 5,
        features: 8,
        samples: 50_000,
        separation: 4.0,
    };
    let data = Dataset::synthetic(&spec, 1).unwrap();
    let all: Vec<u32> = (0..50_000).collect();
    assert_eq!(data.class_counts(&all), [10_000; 5]);
    let means = class_means(&data);
    for a in 0..5 {
        for b in 0..a {
            // Each mean of 10 000 samples is off by about 0.01 a feature.
            let found = distance(&means[a], &means[b]);
            assert!(
                (found - 4.0).abs() < 0.1,
                "classes {a} and {b} are {found} apart"
            );
        }
    }
    let spread: f64 = (0..50_000)
        .map(|index| {
            (f64::from(data.sample(index)[3]) - means[data.label(index) as usize][3]).powi(2)
        })
        .sum();
    assert!((spread / 50_000.0 - 1.0).abs() < 0.03);
    assert_eq!(data, Dataset::synthetic(&spec, 1).unwrap());
    assert_ne!(data, Dataset::synthetic(&spec, 2).unwrap());
}

#[test]
fn more_classes_than_features_are_apart_on_average() {
    let spec = SyntheticSpec {
        classes: 60,
        features: 6,
        samples: 12_000,
        separation: 10.0,
    };
    let means = class_means(&Dataset::synthetic(&spec, 4).unwrap());
    let squares: Vec<f64> = (0..60)
        .flat_map(|a| (0..a).map(move |b| (a, b)))
        .map(|(a, b)| distance(&means[a], &means[b]).powi(2))
        .collect();
    let root = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
    assert!((root - 10.0).abs() < 0.3, "{root}");
}

#[test]
fn the_best_classifier_of_two_classes_errs_as_often_as_the_normal_tail_says() {
    // Φ(−1) = 0.158655 for two classes 2 standard deviations apart.
    let spec = SyntheticSpec {
        classes: 2,
        features: 10,
        samples: 60_000,
        separation: 2.0,
    };
    let data = Dataset::synthetic(&spec, 9).unwrap();
    let (train, test): (Vec<u32>, Vec<u32>) = (0..60_000).partition(|index| index % 2 == 0);
    let layout = Architecture::parse("logistic").unwrap();
    let layout = Arc::new(layout.layout(data.shape(), 2).unwrap());
    let fresh = layout.initial_parameters(0);
    let mut trainer = Trainer::new(layout.clone(), &fresh, &Optimizer::sgd(0.1), None, 0).unwrap();
    for epoch in 0..3 {
        trainer
            .epoch(&data, &train, 256, epoch, &|| false, |trainer, batch| {
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
    let (parameters, _) = trainer.into_parts().unwrap();
    let accuracy = evaluate(&layout, &parameters, &data, &test)
        .unwrap()
        .accuracy()
        .unwrap();
    // Four standard errors of a share of 30 000.
    assert!((1.0 - accuracy - 0.158_655).abs() < 0.0085, "{accuracy}");
}

#[test]
fn synthetic_numbers_out_of_range_are_refused() {
    let spec = SyntheticSpec {
        classes: 2,
        features: 2,
        samples: 4,
        separation: 1.0,
    };
    let draw = |spec| Dataset::synthetic(&spec, 0);
    assert!(matches!(
        draw(SyntheticSpec { classes: 0, ..spec }),
        Err(SyntheticError::Empty { .. })
    ));
    assert!(matches!(
        draw(SyntheticSpec {
            features: 0,
            ..spec
        }),
        Err(SyntheticError::Empty { .. })
    ));
    for separation in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(
            draw(SyntheticSpec { separation, ..spec }),
            Err(SyntheticError::Separation { .. })
        ));
    }
}

#[test]
fn numbers_that_make_no_data_set_are_refused() {
    let make = |features: &[f32], labels: &[u32], n_features| {
        Dataset::new("test", features.to_vec(), labels.to_vec(), n_features, 2).unwrap_err()
    };
    assert_eq!(
        make(&[0.0; 3], &[0, 1], 2),
        DatasetError::Size {
            values: 3,
            samples: 2,
            n_features: 2
        }
    );
    assert_eq!(make(&[], &[], 0), DatasetError::NoFeatures);
    assert_eq!(
        make(&[0.0; 2], &[0, 2], 1),
        DatasetError::Label {
            sample: 1,
            label: 2,
            n_classes: 2
        }
    );
    assert_eq!(
        make(&[0.0, 1.0, f32::NAN, 2.0], &[0, 1], 2),
        DatasetError::NotFinite {
            sample: 1,
            feature: 0
        }
    );
}
