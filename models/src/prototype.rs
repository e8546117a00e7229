//! Prototypes: the mean of each class, and prediction by the nearest one.

use crate::distance::squared_distance;
use crate::error::{ModelError, check_length};

/// Sums of rows by class, taken up batch by batch; in f64, in the order in which rows come.
///
/// The rows may be features (FedProto), probabilities (federated distillation) or logits.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassSums {
    width: usize,
    sums: Vec<f64>,
    counts: Vec<u64>,
}

impl ClassSums {
    /// No rows yet, of `width` values each, of `n_classes` classes.
    pub fn new(n_classes: usize, width: usize) -> Self {
        Self {
            width,
            sums: vec![0.0; n_classes * width],
            counts: vec![0; n_classes],
        }
    }

    /// Takes up one row a label.
    ///
    /// # Errors
    /// When the lengths disagree or a label is out of range; nothing is then taken up.
    pub fn add(&mut self, rows: &[f32], labels: &[u32]) -> Result<(), ModelError> {
        check_length("rows of classes", rows.len(), labels.len() * self.width)?;
        let n_classes = self.counts.len();
        if let Some(&label) = labels.iter().find(|&&label| label as usize >= n_classes) {
            return Err(ModelError::Label { label, n_classes });
        }
        for (place, &label) in labels.iter().enumerate() {
            let class = label as usize;
            self.counts[class] += 1;
            let sums = &mut self.sums[class * self.width..][..self.width];
            for (sum, &value) in sums.iter_mut().zip(&rows[place * self.width..]) {
                *sum += f64::from(value);
            }
        }
        Ok(())
    }

    /// Rows taken up of each class.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The mean of each class, row-major `classes × width`; zeros for a class without rows.
    pub fn means(&self) -> Vec<f32> {
        let mut means = Vec::with_capacity(self.sums.len());
        for (class, &count) in self.counts.iter().enumerate() {
            let sums = &self.sums[class * self.width..][..self.width];
            let share = 1.0 / count.max(1) as f64;
            means.extend(sums.iter().map(|sum| (sum * share) as f32));
        }
        means
    }
}

/// The mean of the rows of each class, `n_classes ×` the width of a row, and how many rows each
/// class has; zeros for a class without any.
///
/// # Errors
/// When there are no whole rows or a label is out of range.
pub fn class_means(
    rows: &[f32],
    labels: &[u32],
    n_classes: usize,
) -> Result<(Vec<f32>, Vec<u64>), ModelError> {
    let mut sums = ClassSums::new(n_classes, rows.len() / labels.len().max(1));
    sums.add(rows, labels)?;
    Ok((sums.means(), sums.counts))
}

/// How near each row of features is to the prototype of each class: −(mean over the width of
/// (h − prototype)²), the measure that FedProto (Tan et al. 2022) trains and predicts by. Row-major
/// `n × classes`, to be scored like logits; −∞ for a class that has no prototype.
///
/// `prototypes` are `classes × width`, and `present` says of each class whether it has one.
///
/// # Errors
/// When the lengths disagree.
pub fn nearest_prototype(
    features: &[f32],
    prototypes: &[f32],
    present: &[bool],
) -> Result<Vec<f32>, ModelError> {
    let width = (prototypes.len() / present.len().max(1)).max(1);
    check_length("prototypes", prototypes.len(), present.len() * width)?;
    let rows = features.len().div_ceil(width);
    check_length("features", features.len(), rows * width)?;
    let mut scores = Vec::with_capacity(rows * present.len());
    for row in features.chunks_exact(width) {
        let prototypes = prototypes.chunks_exact(width).zip(present);
        scores.extend(prototypes.map(|(prototype, &present)| match present {
            true => -(squared_distance(row, prototype) / width as f64) as f32,
            false => f32::NEG_INFINITY,
        }));
    }
    Ok(scores)
}

/// FLOPs of [`nearest_prototype`]: 3 for each value of each pair of a row and a prototype
/// (difference, square, sum).
pub fn nearest_prototype_flops(rows: u64, n_classes: usize, width: usize) -> u64 {
    3 * rows * (n_classes * width) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::{predicted_classes, score_logits};

    #[test]
    fn means_are_taken_by_class_and_batch_by_batch_alike() {
        let rows = [1.0, 2.0, 5.0, 6.0, 3.0, 0.0];
        let (means, counts) = class_means(&rows, &[2, 0, 2], 3).unwrap();
        assert_eq!(means, [5.0, 6.0, 0.0, 0.0, 2.0, 1.0]);
        assert_eq!(counts, [1, 0, 2]);
        let mut sums = ClassSums::new(3, 2);
        sums.add(&rows[..2], &[2]).unwrap();
        sums.add(&rows[2..], &[0, 2]).unwrap();
        assert_eq!((sums.means(), sums.counts()), (means, &counts[..]));
        assert!(sums.add(&rows, &[0, 1, 3]).is_err());
        assert!(sums.add(&rows, &[0, 1]).is_err());
        assert_eq!(sums.counts(), counts);
    }

    #[test]
    fn a_mean_of_many_rows_does_not_lose_the_last_ones() {
        // In f32 the sum would stand still at 2²⁴.
        let rows = vec![1.0; (1 << 24) + (1 << 23)];
        let mut sums = ClassSums::new(1, 1);
        sums.add(&rows, &vec![0; rows.len()]).unwrap();
        assert_eq!(sums.means(), [1.0]);
    }

    #[test]
    fn the_nearest_prototype_that_there_is_wins() {
        // Class 1 would be nearest, but nobody has it. By hand: (9+0)/2, (4+25)/2; (1+1)/2, (64+16)/2.
        let prototypes = [0.0, 0.0, 3.0, 0.0, 5.0, 5.0];
        let present = [true, false, true];
        let features = [3.0, 0.0, 1.0, -1.0, -3.0, 9.0];
        let scores = nearest_prototype(&features, &prototypes, &present).unwrap();
        let none = f32::NEG_INFINITY;
        assert_eq!(
            scores,
            [-4.5, none, -14.5, -1.0, none, -26.0, -45.0, none, -40.0]
        );
        assert_eq!(predicted_classes(&scores, 3), [0, 0, 2]);
        let found = score_logits(&scores, &[0, 1, 2], 3).unwrap();
        assert_eq!((found.correct, found.loss_sum), (2, None));
        assert!(nearest_prototype(&features[..5], &prototypes, &present).is_err());
        assert!(nearest_prototype(&features, &prototypes[..5], &present).is_err());
    }
}
