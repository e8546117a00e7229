//! Claims about values that differ from client to client.

use super::*;
use crate::scenario::problem::Source;
use crate::scenario::quantity::{Bandwidth, Duration};
use crate::scenario::tree::parse_document;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use std::sync::Arc;

fn sampled<Q: Quantity>(text: &str) -> Sampled<Q> {
    let source = Arc::new(Source {
        name: "test".into(),
        text: format!("value = {text}"),
    });
    let tree = parse_document(&source).expect("TOML");
    Sampled::deserialize(tree.child("value").expect("a value")).expect("a sampled quantity")
}

fn draws(sampled: &Sampled<Duration>, count: usize) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut values: Vec<f64> = (0..count)
        .map(|index| sampled.draw(index, &mut rng).expect("a draw").seconds())
        .collect();
    values.sort_by(f64::total_cmp);
    values
}

/// Means from the textbook, each within five standard errors of 20 000 draws.
#[test]
fn draws_have_the_mean_of_their_distribution() {
    let cases = [
        (r#"{ dist = "uniform", low = "2 s", high = "4 s" }"#, 3.0),
        (r#"{ dist = "exponential", mean = "3 s" }"#, 3.0),
        (r#"{ dist = "gamma", mean = "3 s", shape = 2 }"#, 3.0),
        (r#"{ dist = "normal", mean = "10 s", sd = "1 s" }"#, 10.0),
        // exp(sigma^2 / 2)
        (
            r#"{ dist = "lognormal", median = "1 s", sigma = 0.5 }"#,
            1.133_148,
        ),
        // scale * Gamma(1 + 1/2)
        (
            r#"{ dist = "weibull", scale = "1 s", shape = 2 }"#,
            0.886_227,
        ),
        // shape * scale / (shape - 1)
        (r#"{ dist = "pareto", scale = "1 s", shape = 5 }"#, 1.25),
        (
            r#"{ dist = "triangular", low = "0 s", mode = "1 s", high = "5 s" }"#,
            2.0,
        ),
        // (low + 4 mode + high) / 6
        (
            r#"{ dist = "pert", low = "0 s", mode = "1 s", high = "5 s" }"#,
            1.5,
        ),
        (
            r#"{ dist = "beta", low = "1 s", high = "3 s", alpha = 2, beta = 2 }"#,
            2.0,
        ),
        (
            r#"{ dist = "inverse-gaussian", mean = "2 s", shape = "8 s" }"#,
            2.0,
        ),
        (
            r#"{ dist = "chi-squared", mean = "2 s", freedom = 4 }"#,
            2.0,
        ),
    ];
    for (text, mean) in cases {
        let values = draws(&sampled(text), 20_000);
        let found = values.iter().sum::<f64>() / values.len() as f64;
        let variance =
            values.iter().map(|v| (v - found).powi(2)).sum::<f64>() / (values.len() - 1) as f64;
        let error = (variance / values.len() as f64).sqrt();
        assert!(
            (found - mean).abs() < 5.0 * error,
            "{text}: {found}, not {mean}"
        );
    }
}

#[test]
fn the_median_of_a_lognormal_is_the_one_named() {
    let values = draws(
        &sampled(r#"{ dist = "lognormal", median = "30 ms", sigma = 0.8 }"#),
        20_001,
    );
    // Standard error of the median: 1.2533 * sigma / sqrt(n), relative.
    assert!((values[10_000] / 0.03 - 1.0).abs() < 5.0 * 1.2533 * 0.8 / 20_001_f64.sqrt());
}

#[test]
fn draws_stay_inside_their_bounds() {
    let wild = r#"{ dist = "cauchy", median = "5 s", scale = "50 s", min = "1 s", max = "9 s" }"#;
    let values = draws(&sampled(wild), 5_000);
    assert!(values[0] >= 1.0 && values[4_999] <= 9.0);
    // Never inside by chance: every draw is clamped to the bound it missed.
    let outside = r#"{ dist = "uniform", low = "20 s", high = "30 s", max = "9 s" }"#;
    assert_eq!(draws(&sampled(outside), 3), [9.0, 9.0, 9.0]);
}

#[test]
fn a_positive_quantity_is_never_zero_or_below() {
    let low: Sampled<Bandwidth> =
        sampled(r#"{ dist = "normal", mean = "1 Mbps", sd = "20 Mbps" }"#);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for index in 0..2_000 {
        assert!(low.draw(index, &mut rng).expect("a draw").bits_per_second() > 0.0);
    }
}

#[test]
fn every_family_can_be_written_and_read_back() {
    let texts = [
        r#"{ dist = "uniform", low = "2 s", high = "4 s", min = "3 s" }"#,
        r#"{ dist = "frechet", location = "0 s", scale = "1 s", shape = 3 }"#,
        r#"{ dist = "gumbel", location = "9 s", scale = "1 s" }"#,
        r#"{ dist = "skew-normal", location = "9 s", scale = "1 s", shape = 3.5 }"#,
        r#"{ dist = "student-t", location = "9 s", scale = "1 s", freedom = 5 }"#,
        r#"{ dist = "fisher-f", scale = "9 s", m = 3, n = 4 }"#,
        r#"{ dist = "normal-inverse-gaussian", location = "9 s", scale = "1 s", alpha = 2, beta = 1 }"#,
    ];
    for text in texts {
        let before: Sampled<Duration> = sampled(text);
        let written = crate::scenario::encode::encode(&before).to_string();
        assert_eq!(sampled::<Duration>(&written), before, "{written}");
    }
}
