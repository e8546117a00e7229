//! The temperature of distillation as a function of the version.

use crate::scenario::RawTemperature;
use std::f64::consts::PI;

/// The temperature of work that starts from this version; after `length` versions it stays.
///
/// With s = min(v/length, 1): linear a + (b−a)·s; cosine b + (a−b)·(1+cos πs)/2, the course of
/// learning rates in Loshchilov and Hutter 2017 (arXiv 1608.03983, equation 5); exponential
/// a·(b/a)^s.
pub(crate) fn temperature(course: &RawTemperature, version: u64) -> f64 {
    let share = |length: u64| (version as f64 / length as f64).min(1.0);
    match *course {
        RawTemperature::Constant { temperature } => temperature,
        RawTemperature::Linear { from, to, length } => from + (to - from) * share(length),
        RawTemperature::Cosine { from, to, length } => {
            to + (from - to) * (1.0 + (PI * share(length)).cos()) / 2.0
        }
        RawTemperature::Exponential { from, to, length } => from * (to / from).powf(share(length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At versions 0, 2, 5, 10 and 99.
    fn course(course: RawTemperature) -> [f64; 5] {
        [0, 2, 5, 10, 99].map(|version| temperature(&course, version))
    }

    fn assert_near(found: [f64; 5], expected: [f64; 5]) {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
        }
    }

    #[test]
    fn every_course_goes_from_its_first_to_its_last_and_stays() {
        let (from, to, length) = (4.0, 1.0, 10);
        assert_near(
            course(RawTemperature::Constant { temperature: 3.0 }),
            [3.0; 5],
        );
        assert_near(
            course(RawTemperature::Linear { from, to, length }),
            [4.0, 3.4, 2.5, 1.0, 1.0],
        );
        // cos(π/5) = 0.809017
        assert_near(
            course(RawTemperature::Cosine { from, to, length }),
            [4.0, 3.713_525_5, 2.5, 1.0, 1.0],
        );
        // 4·4^(−1/5) = 2^(8/5)
        assert_near(
            course(RawTemperature::Exponential { from, to, length }),
            [4.0, 3.031_433_1, 2.0, 1.0, 1.0],
        );
    }
}
