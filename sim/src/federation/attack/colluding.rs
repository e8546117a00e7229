//! Attackers that know each other's honest contributions and send one thing made of them.
//! It needs all of them at once, so it is applied where they meet, before the rule.

use super::{Form, Honest, finite};
use statrs::distribution::{ContinuousCDF, Normal};

/// What colluding attackers send.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Collusion {
    /// μ − zσ of every value, over the attackers' honest contributions: off by so little that
    /// robust rules take it for one of the honest (Baruch, Baruch and Goldberg 2019, "A little
    /// is enough: circumventing defenses for distributed learning").
    LittleIsEnough {
        /// How many standard deviations; see [`largest_z`].
        z: f64,
    },
    /// −scale times their mean (Xie, Koyejo and Gupta 2020, "Fall of empires: breaking
    /// Byzantine-tolerant SGD by inner product manipulation").
    NegatedMean {
        /// 1 for the same size.
        scale: f64,
    },
}

/// What all attackers send instead of their `honest` contributions, which have one form and
/// width. A row that none of them has is a row of zeros.
///
/// Shifted probabilities are brought back above 0 and to the sum 1; negated ones are those of
/// the negated mean of their logarithms. Parameters are negated in what training added, and
/// counted from the mean of what was received.
pub(crate) fn collude(collusion: Collusion, honest: &[Honest<'_>]) -> Vec<f32> {
    let Some(longest) = honest.iter().max_by_key(|honest| honest.values.len()) else {
        return Vec::new();
    };
    let opened: Vec<Vec<(f64, bool)>> = honest
        .iter()
        .map(|honest| match collusion {
            Collusion::LittleIsEnough { .. } => honest.as_sent(),
            Collusion::NegatedMean { .. } => honest.open(),
        })
        .collect();
    let mut values = Vec::with_capacity(longest.values.len());
    let mut held = Vec::with_capacity(longest.values.len());
    for place in 0..longest.values.len() {
        let column = || {
            let at = |values: &Vec<(f64, bool)>| values.get(place).copied();
            let column = opened.iter().filter_map(at);
            column.filter(|(_, held)| *held).map(|(value, _)| value)
        };
        let count = column().count();
        let mean = column().sum::<f64>() / count.max(1) as f64;
        values.push(match collusion {
            Collusion::LittleIsEnough { z } => {
                let square = column().map(|value| (value - mean).powi(2)).sum::<f64>();
                mean - z * (square / count.max(1) as f64).sqrt()
            }
            Collusion::NegatedMean { scale } => -scale * mean,
        });
        held.push(count > 0);
    }
    for (row, held) in values
        .chunks_mut(longest.row_width())
        .zip(held.chunks(longest.row_width()))
    {
        if !held[0] {
            row.fill(0.0);
        } else if longest.form == Form::Probabilities {
            match collusion {
                Collusion::LittleIsEnough { .. } => normalise(row),
                Collusion::NegatedMean { .. } => super::softmax(row),
            }
        }
    }
    if let (Form::Parameters, Collusion::NegatedMean { .. }) = (longest.form, collusion) {
        let starts: Vec<&[f32]> = honest.iter().filter_map(|honest| honest.received).collect();
        for (place, value) in values.iter_mut().enumerate() {
            let start = starts.iter().filter_map(|start| start.get(place));
            let start: f64 = start.map(|start| f64::from(*start)).sum();
            *value += start / starts.len().max(1) as f64;
        }
    }
    values.into_iter().map(finite).collect()
}

/// The largest z at which enough honest children lie further out than the attackers for a
/// majority that looks honest (Baruch et al. 2019):
/// Φ⁻¹((n − m − s)/(n − m)) with s = ⌊n/2 + 1⌋ − m, of `children` n and `attackers` m.
/// `None` where the attackers are a majority by themselves, or no such z is above 0.
pub(crate) fn largest_z(children: usize, attackers: usize) -> Option<f64> {
    let honest = children.checked_sub(attackers)?;
    let supporters = (children / 2 + 1).checked_sub(attackers)?;
    let others = honest.checked_sub(supporters)?;
    if supporters == 0 || 2 * others <= honest {
        return None;
    }
    let share = others as f64 / honest as f64;
    Some(Normal::standard().inverse_cdf(share))
}

impl Honest<'_> {
    /// Every value as it is, and whether it lies in a row that the client has.
    fn as_sent(&self) -> Vec<(f64, bool)> {
        let width = self.row_width();
        let held: Vec<bool> = self.rows_held().collect();
        let values = self.values.iter().enumerate();
        let value = |(place, value): (usize, &f32)| (f64::from(*value), held[place / width]);
        values.map(value).collect()
    }
}

/// Brings values back above 0 and to the sum 1.
fn normalise(row: &mut [f64]) {
    row.iter_mut().for_each(|value| *value = value.max(0.0));
    let total: f64 = row.iter().sum();
    let even = 1.0 / row.len() as f64;
    for value in row {
        *value = if total > 0.0 { *value / total } else { even };
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_close, honest};
    use super::*;

    const LITTLE: Collusion = Collusion::LittleIsEnough { z: 2.0 };
    const NEGATED: Collusion = Collusion::NegatedMean { scale: 3.0 };

    #[test]
    fn a_little_is_so_many_standard_deviations_below_the_mean() {
        // (1, 2, 6): mean 3, variance (4 + 1 + 9)/3. (4, 4, 4): mean 4, no spread.
        let models = [[1.0, 4.0], [2.0, 4.0], [6.0, 4.0]];
        let models: Vec<Honest<'_>> = models
            .iter()
            .map(|model| honest(model, 0, Form::Parameters))
            .collect();
        let spread = (14.0_f64 / 3.0).sqrt();
        assert_close(&collude(LITTLE, &models), &[3.0 - 2.0 * spread, 4.0]);
    }

    #[test]
    fn a_row_counts_those_who_have_it() {
        let rows = [
            [1.0, 2.0, 5.0, 7.0],
            [3.0, 2.0, 0.0, 0.0],
            [2.0, 5.0, 0.0, 0.0],
        ];
        let rows = [0, 1, 2].map(|place| honest(&rows[place], 2, Form::Logits));
        // Means 2, 3 and variances 2/3, 2; the second row is the first client's alone.
        let expected = [
            2.0 - 2.0 * (2.0_f64 / 3.0).sqrt(),
            3.0 - 2.0 * 2_f64.sqrt(),
            5.0,
            7.0,
        ];
        assert_close(&collude(LITTLE, &rows), &expected);
        assert_close(&collude(NEGATED, &rows), &[-6.0, -9.0, -15.0, -21.0]);
        let nobody = [honest(&[0.0; 4], 2, Form::Logits); 2];
        assert_close(&collude(LITTLE, &nobody), &[0.0; 4]);
        let nobody = [honest(&[0.0; 4], 2, Form::Probabilities); 2];
        assert_close(&collude(NEGATED, &nobody), &[0.0; 4]);
        assert!(collude(LITTLE, &[]).is_empty());
    }

    #[test]
    fn probabilities_stay_probabilities() {
        // Means (0.5, 0.3, 0.2), deviations (0.2, 0.1, 0.1): (0.1, 0.1, 0) of 0.2.
        let rows = [[0.7, 0.2, 0.1], [0.3, 0.4, 0.3]];
        let rows = [0, 1].map(|place| honest(&rows[place], 3, Form::Probabilities));
        assert_close(&collude(LITTLE, &rows), &[0.5, 0.5, 0.0]);
        // ∝ the geometric means to the power −1: 1/√0.21, 1/√0.08, 1/√0.03.
        let once = Collusion::NegatedMean { scale: 1.0 };
        let inverse = [0.21_f64, 0.08, 0.03].map(|product| 1.0 / product.sqrt());
        let total: f64 = inverse.iter().sum();
        assert_close(&collude(once, &rows), &inverse.map(|p| p / total));
        // Where nothing is left above 0, they claim to know nothing.
        let far = Collusion::LittleIsEnough { z: 100.0 };
        assert_close(&collude(far, &rows), &[1.0 / 3.0; 3]);
    }

    #[test]
    fn negated_parameters_are_counted_from_those_received() {
        let models = [[2.0, 1.0], [4.0, 1.0]];
        let starts = [[1.0, 1.0], [1.0, 3.0]];
        let attackers = [0, 1].map(|place| Honest {
            received: Some(&starts[place]),
            ..honest(&models[place], 0, Form::Parameters)
        });
        // Added: (1, 0) and (3, −2), mean (2, −1); from (1, 2): 1 − 3·2, 2 + 3·1.
        assert_close(&collude(NEGATED, &attackers), &[-5.0, 5.0]);
    }

    #[test]
    fn the_largest_z_is_the_normal_quantile_of_the_supporters_needed() {
        // 50 children, 24 attackers: 2 supporters needed of 26. Φ(1.42) = 0.9222 and
        // Φ(1.43) = 0.9236 in the standard normal table; 24/26 = 0.9231.
        let z = largest_z(50, 24).expect("a minority");
        assert!((1.42..1.43).contains(&z), "{z}");
        // 50 and 12: 14 of 38; 24/38 = 0.6316; Φ(0.33) = 0.6293, Φ(0.34) = 0.6331.
        let z = largest_z(50, 12).expect("a minority");
        assert!((0.33..0.34).contains(&z), "{z}");
        // A majority needs no support; a lone one of many cannot have it.
        assert_eq!(largest_z(50, 26), None);
        assert_eq!(largest_z(4, 5), None);
        assert_eq!(largest_z(50, 0), None);
    }
}
