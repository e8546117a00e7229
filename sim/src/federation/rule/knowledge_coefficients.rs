//! KT-pFL's knowledge coefficients (Zhang et al. 2021, "Parameterized knowledge transfer for
//! personalized federated learning"): each child has a teacher of its own,
//! a mean of everybody's predictions whose weights are learned. For rows of probabilities.

use super::{Folded, Held, is_present, mean};

/// c: how much child k's teacher takes from child m. Every row adds up to 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KnowledgeCoefficients {
    children: usize,
    /// Row k is child k's.
    values: Vec<f64>,
}

/// After a step a row is softmax(5c), as in the authors' code.
const SHARPNESS: f64 = 5.0;

impl KnowledgeCoefficients {
    /// Everybody takes as much from everybody.
    pub(crate) fn new(children: usize) -> Self {
        Self {
            children,
            values: vec![1.0 / children as f64; children * children],
        }
    }

    /// One step for the row of every child that contributed; gives the FLOPs.
    ///
    /// `contributions` holds one for every child, in order; one who has nothing has no values
    /// or no weight. Row k goes down the gradient of
    /// mean (Σₘ cₖₘpₘ − pₖ)² + `penalty`·mean (cₖₘ − 1/n)² over the n who contributed (the
    /// authors' penalty: 0.7), and is softmax(5c) then. What it gives those who have nothing
    /// stays, and the others share what is left.
    ///
    /// Without a `rate` the step is scaled as in the authors' code, by fives towards a mean
    /// absolute gradient of 0.01.
    pub(crate) fn step(
        &mut self,
        contributions: &[Held<'_>],
        penalty: f64,
        rate: Option<f64>,
    ) -> u64 {
        debug_assert_eq!(contributions.len(), self.children);
        let present: Vec<usize> = (0..self.children.min(contributions.len()))
            .filter(|&child| {
                let held = &contributions[child];
                held.weight > 0.0 && is_present(held.values)
            })
            .collect();
        let products = products(contributions, &present);
        let count = present.len();
        let length = present
            .iter()
            .map(|&child| contributions[child].values.len());
        let length = length.max().unwrap_or(0);
        for (own, &child) in present.iter().enumerate() {
            let place = |other: usize| child * self.children + present[other];
            let shared: f64 = (0..count).map(|other| self.values[place(other)]).sum();
            // A row may have given all to those who are away.
            let share = |other: usize| {
                if shared > 0.0 {
                    self.values[place(other)] / shared
                } else {
                    1.0 / count as f64
                }
            };
            let row: Vec<f64> = (0..count).map(share).collect();
            let gradient: Vec<f64> = (0..count)
                .map(|other| {
                    let column = (0..count).map(|from| row[from] * products[from * count + other]);
                    let error = column.sum::<f64>() - products[own * count + other];
                    let uneven = row[other] - 1.0 / count as f64;
                    2.0 * error / length as f64 + penalty * 2.0 * uneven / count as f64
                })
                .collect();
            let rate = rate.unwrap_or_else(|| rescaled(&gradient));
            let stepped: Vec<f64> = row
                .iter()
                .zip(&gradient)
                .map(|(c, slope)| SHARPNESS * (c - rate * slope))
                .collect();
            let most = stepped.iter().copied().fold(f64::MIN, f64::max);
            let total: f64 = stepped.iter().map(|c| (c - most).exp()).sum();
            for (other, c) in stepped.iter().enumerate() {
                self.values[child * self.children + present[other]] =
                    shared * (c - most).exp() / total;
            }
        }
        let (count, length) = (count as u64, length as u64);
        count * (count + 1) * length + 2 * count.pow(3) + 10 * count.pow(2)
    }

    /// The teacher of a child: Σₘ cₖₘpₘ over those that have the row, the weights adding up
    /// to 1. Its own prediction is part of it.
    pub(crate) fn teacher(&self, child: usize, contributions: &[Held<'_>], width: usize) -> Folded {
        let row = &self.values[child * self.children..(child + 1) * self.children];
        let weighed: Vec<Held<'_>> = contributions
            .iter()
            .zip(row)
            .filter(|(held, _)| held.weight > 0.0)
            .map(|(held, c)| Held {
                values: held.values,
                weight: *c,
            })
            .collect();
        mean(&weighed, width)
    }

    /// How much one child's teacher takes from another.
    #[cfg(test)]
    fn get(&self, child: usize, from: usize) -> f64 {
        self.values[child * self.children + from]
    }
}

/// Σ pₐp_b for every two who contributed: all that the gradients need.
fn products(contributions: &[Held<'_>], present: &[usize]) -> Vec<f64> {
    let count = present.len();
    let mut products = vec![0.0; count * count];
    for a in 0..count {
        for b in a..count {
            let pair = [present[a], present[b]].map(|child| contributions[child].values);
            let product = |(a, b): (&f32, &f32)| f64::from(*a) * f64::from(*b);
            let product = pair[0].iter().zip(pair[1]).map(product).sum();
            products[a * count + b] = product;
            products[b * count + a] = product;
        }
    }
    products
}

/// The authors' learning rate.
fn rescaled(gradient: &[f64]) -> f64 {
    const TARGET: f64 = 0.01;
    let mut size = gradient.iter().map(|slope| slope.abs()).sum::<f64>() / gradient.len() as f64;
    let mut rate = 1.0;
    for _ in 0..5 {
        if size > TARGET {
            size /= 5.0;
            rate /= 5.0;
        }
        if size < TARGET {
            size *= 5.0;
            rate *= 5.0;
        }
    }
    rate
}

#[cfg(test)]
mod tests {
    use super::super::golden::Golden;
    use super::super::three_clients::{ROWS, assert_close, equal, weighing};
    use super::*;

    fn row(coefficients: &KnowledgeCoefficients, child: usize) -> Vec<f32> {
        let row = (0..coefficients.children).map(|from| coefficients.get(child, from) as f32);
        row.collect()
    }

    #[test]
    fn at_first_every_teacher_is_the_plain_mean() {
        let coefficients = KnowledgeCoefficients::new(3);
        for child in 0..3 {
            let teacher = coefficients.teacher(child, &equal(&ROWS), 2);
            assert_close(&teacher.values, &[0.6, 0.4, 0.35, 0.65]);
        }
    }

    #[test]
    fn a_step_takes_more_from_those_who_predict_alike() {
        // One sample: p = (1, 0), (0.5, 0.5), (0, 1); the teacher of each is (0.5, 0.5).
        // Child 1: error (−0.5, 0.5); gradient 2/2·(error · pₘ) = (−0.5, 0, 0.5), no
        // penalty at 1/3. Rate 0.4: c = 1/3 + (0.2, 0, −0.2); softmax(5c) is that of
        // (1, 0, −1): e, 1, 1/e over their sum 4.0861612696304875.
        let rows = [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]];
        let mut coefficients = KnowledgeCoefficients::new(3);
        let flops = coefficients.step(&equal(&rows), 0.7, Some(0.4));
        let third = [
            0.665_240_955_774_821_9,
            0.244_728_471_054_797_65,
            0.090_030_573_170_380_46,
        ];
        assert_close(&row(&coefficients, 0), &third);
        // Child 2 errs nowhere.
        assert_close(&row(&coefficients, 1), &[1.0 / 3.0; 3]);
        assert_close(&row(&coefficients, 2), &[third[2], third[1], third[0]]);
        assert_eq!(flops, 3 * 4 * 2 + 2 * 27 + 90);
        // The teacher: 0.6652 + 0.2447/2.
        let teacher = coefficients.teacher(0, &equal(&rows), 2);
        let first = third[0] + third[1] / 2.0;
        assert_close(&teacher.values, &[first, 1.0 - first]);
    }

    #[test]
    fn steps_are_those_that_numpy_takes_along_numerical_gradients() {
        let golden = Golden::read(include_str!("../../../tests/golden/rules/rules.txt"));
        let predictions = golden.f32s("knowledge_coefficients.predictions");
        let contributions: Vec<Held<'_>> = predictions
            .chunks_exact(12)
            .map(|values| Held {
                values,
                weight: 1.0,
            })
            .collect();
        for (name, rate) in [("fixed", Some(2.0)), ("rescaled", None)] {
            let mut coefficients = KnowledgeCoefficients::new(4);
            for step in 1..=3 {
                coefficients.step(&contributions, 0.7, rate);
                let found: Vec<f32> = coefficients.values.iter().map(|&c| c as f32).collect();
                let name = format!("knowledge_coefficients.{name}.{step}");
                golden.assert_near(&name, &found, 1e-7);
            }
        }
    }

    #[test]
    fn who_is_away_keeps_what_it_had_and_the_others_share_the_rest() {
        let rows = [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]];
        let mut coefficients = KnowledgeCoefficients::new(3);
        coefficients.step(&weighing(&rows, &[1.0, 0.0, 1.0]), 0.7, Some(0.4));
        assert_close(&row(&coefficients, 1), &[1.0 / 3.0; 3]);
        // Of two, c = 1/2 each: error (−0.5, 0.5), gradient (−0.5, 0.5), c = (0.7, 0.3):
        // softmax(3.5, 1.5) = 1/(1 + e^−2), of the two thirds that they have.
        let alike = 2.0 / 3.0 * 0.880_797_077_977_882_4;
        assert_close(
            &row(&coefficients, 0),
            &[alike, 1.0 / 3.0, 2.0 / 3.0 - alike],
        );
        // Its teacher is made of those who are there.
        let teacher = coefficients.teacher(0, &weighing(&rows, &[1.0, 0.0, 1.0]), 2);
        assert_close(
            &teacher.values,
            &[0.880_797_077_977_882_4, 0.119_202_922_022_117_55],
        );
    }

    #[test]
    fn with_nobody_there_nothing_happens() {
        let mut coefficients = KnowledgeCoefficients::new(2);
        let before = coefficients.clone();
        assert_eq!(
            coefficients.step(&weighing(&[[1.0], [1.0]], &[0.0, 0.0]), 0.7, None),
            0
        );
        assert_eq!(coefficients, before);
    }
}
