//! Sites: what is skewed, how much, and that the rest stays as it is.

use std::sync::Arc;

use fedstill_models::{Dataset, Normalisation, Normaliser, Site, View};

/// 20 000 samples of 2 features and 4 classes.
fn data() -> Dataset {
    let features = (0..40_000).map(|value| (value % 7) as f32).collect();
    let labels = (0..20_000).map(|sample| sample % 4).collect();
    Dataset::new("test", features, labels, 2, 4).unwrap()
}

fn row(view: View<'_>, index: u32) -> Vec<f32> {
    let mut row = Vec::new();
    view.gather(index, &mut row);
    row
}

#[test]
fn a_site_that_differs_in_nothing_sees_the_data_as_they_are() {
    let digits = Dataset::digits();
    let site = Site::default();
    let view = View::from(&digits).training_at(Some(&site));
    for index in [0, 7, 1796] {
        assert_eq!(row(view, index), digits.sample(index));
        assert_eq!(view.label(index), digits.label(index));
    }
}

#[test]
fn labels_are_wrong_as_often_as_asked_and_every_other_class_is_as_likely() {
    let data = data();
    let site = Site {
        label_noise: 0.3,
        seed: 5,
        ..Site::default()
    };
    let view = View::from(&data).training_at(Some(&site));
    let n = data.len() as f64;
    let mut shifts = [0.0; 4];
    for index in 0..data.len() as u32 {
        shifts[((view.label(index) + 4 - data.label(index)) % 4) as usize] += 1.0;
    }
    for (shift, expected) in shifts.iter().zip([0.7, 0.1, 0.1, 0.1]) {
        let margin = 4.0 * (expected * (1.0 - expected) / n).sqrt();
        assert!((shift / n - expected).abs() < margin, "{shifts:?}");
    }
    // What it is scored on is rightly labelled, and so are samples that all have.
    assert_eq!(View::from(&data).at(Some(&site)).label(3), data.label(3));
    let always = Site {
        label_noise: 1.0,
        ..site.clone()
    };
    let view = View::from(&data).training_at(Some(&always));
    assert!((0..1000).all(|index| view.label(index) != data.label(index)));
}

#[test]
fn noise_has_the_deviation_asked_for_and_is_the_same_whenever_it_is_asked_for() {
    let data = data();
    let site = |seed| Site {
        noise: 0.5,
        seed,
        ..Site::default()
    };
    let (one, other) = (site(1), site(2));
    let view = View::from(&data).at(Some(&one));
    let noise: Vec<f64> = (0..20_000)
        .flat_map(|index| {
            let sample = data.sample(index).to_vec();
            let noisy = row(view, index);
            noisy
                .into_iter()
                .zip(sample)
                .map(|(a, b)| f64::from(a - b))
                .collect::<Vec<_>>()
        })
        .collect();
    let n = noise.len() as f64;
    let mean = noise.iter().sum::<f64>() / n;
    let deviation = (noise.iter().map(|value| value * value).sum::<f64>() / n).sqrt();
    assert!(mean.abs() < 4.0 * 0.5 / n.sqrt(), "{mean}");
    assert!(
        (deviation - 0.5).abs() < 4.0 * 0.5 / (2.0 * n).sqrt(),
        "{deviation}"
    );
    assert_eq!(row(view, 17), row(view, 17));
    assert_ne!(row(view, 17), row(View::from(&data).at(Some(&other)), 17));
    // Samples that are the same for all carry no site's noise.
    assert_eq!(
        row(View::from(&data).in_form_of(Some(&one)), 17),
        data.sample(17)
    );
}

#[test]
fn contrast_and_brightness_act_about_the_samples_mean() {
    let data = Dataset::new("test", vec![1.0, 3.0, 5.0, 7.0], vec![0, 1], 2, 2).unwrap();
    let site = Site {
        contrast: 2.0,
        brightness: 0.5,
        ..Site::default()
    };
    let view = View::from(&data).at(Some(&site));
    assert_eq!(row(view, 0), [0.5, 4.5]);
    assert_eq!(row(view, 1), [4.5, 8.5]);
}

#[test]
fn images_are_turned_and_what_is_no_image_is_not() {
    // A quarter turn counterclockwise: numpy.rot90.
    let digits = Dataset::digits();
    let site = Site {
        rotation: 90.0,
        ..Site::default()
    };
    let turned = row(View::from(&digits).at(Some(&site)), 5);
    let image = digits.sample(5);
    for row in 0..8 {
        for column in 0..8 {
            let expected = image[column * 8 + (7 - row)];
            assert!((turned[row * 8 + column] - expected).abs() < 1e-5);
        }
    }
    let flat = data();
    assert_eq!(row(View::from(&flat).at(Some(&site)), 5), flat.sample(5));
}

#[test]
fn missing_features_are_zero_after_scaling_in_everything_that_the_site_sees() {
    let data = Dataset::new("test", vec![1.0, 10.0, 3.0, 30.0], vec![0, 1], 2, 2).unwrap();
    let normaliser = Normaliser::fit(Normalisation::Standard, &data, &[0, 1]);
    let site = Site {
        missing_features: Arc::new([1]),
        ..Site::default()
    };
    let view = View::plain(&data, Some(&normaliser));
    assert_eq!(row(view, 0), [-1.0, -1.0]);
    for view in [
        view.in_form_of(Some(&site)),
        view.at(Some(&site)),
        view.training_at(Some(&site)),
    ] {
        assert_eq!(row(view, 0), [-1.0, 0.0]);
    }
    let drawn = Site::draw_features(10, 4, 3);
    assert_eq!(drawn.len(), 4);
    assert!(drawn.is_sorted_by(|a, b| a < b) && drawn.iter().all(|&place| place < 10));
}

#[test]
fn classes_are_called_what_the_site_calls_them() {
    let data = data();
    let site = Site {
        names: Some(Arc::new([0, 1, 1, 2])),
        missing_classes: Arc::new([0]),
        ..Site::default()
    };
    let view = View::from(&data).at(Some(&site));
    assert_eq!([0, 1, 2, 3].map(|index| view.label(index)), [0, 1, 1, 2]);
    assert_eq!(view.class_counts(&[1, 2, 3, 5]), [0, 3, 1, 0]);
    assert!(!site.has_class(0) && site.has_class(1));
    for seed in 0..50 {
        let mut concept = Site::draw_concept(2, seed).to_vec();
        assert_eq!(concept, [1, 0], "the identity is no concept of its own");
        concept = Site::draw_concept(9, seed).to_vec();
        concept.sort_unstable();
        assert_eq!(concept, (0..9).collect::<Vec<_>>());
    }
}
