//! How far a client's labels are from those of all clients together.

use super::Spread;
use crate::records::RunBooks;

/// The field's measures of label skew of one client.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelSkew {
    /// Shannon's entropy Σ −p log₂ p of the client's shares of labels, in bits.
    pub entropy: f64,
    /// Jensen–Shannon divergence between its shares and the pool's, in bits: 0 where they are the
    /// same, at most 1 (Lin 1991).
    pub divergence: f64,
    /// Total variation distance ½ Σ |p − q|: the share of its samples that would have to change
    /// their label.
    pub distance: f64,
}

impl LabelSkew {
    /// Of one client's numbers of labels and the pool's; `None` of a client without samples.
    #[must_use]
    pub fn of(counts: &[u64], pool: &[u64]) -> Option<Self> {
        let (own, all) = (shares(counts)?, shares(pool)?);
        let mut skew = Self {
            entropy: 0.0,
            divergence: 0.0,
            distance: 0.0,
        };
        for (&p, &q) in own.iter().zip(&all) {
            let middle = f64::midpoint(p, q);
            skew.entropy += surprise(p, p);
            // JS = ½ KL(p‖m) + ½ KL(q‖m) = −Σ m log m + ½ Σ p log p + ½ Σ q log q.
            skew.divergence += surprise(middle, middle) - 0.5 * (surprise(p, p) + surprise(q, q));
            skew.distance += 0.5 * (p - q).abs();
        }
        // Rounding may leave less than nothing of two equal shares.
        skew.divergence = skew.divergence.clamp(0.0, 1.0);
        Some(skew)
    }
}

/// −p log₂ q, which is 0 where p is.
fn surprise(p: f64, q: f64) -> f64 {
    if p > 0.0 { p * (1.0 / q).log2() } else { 0.0 }
}

fn shares(counts: &[u64]) -> Option<Vec<f64>> {
    let total: u64 = counts.iter().sum();
    let share = |count: &u64| *count as f64 / total as f64;
    (total > 0).then(|| counts.iter().map(share).collect())
}

/// Label skew of a whole partition.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionSkew {
    /// Numbers of training samples of each class at all clients together; a sample that several
    /// clients drew counts as often.
    pub pool: Vec<u64>,
    /// Of every client, in child order; `None` of one without samples.
    pub clients: Vec<Option<LabelSkew>>,
    /// Gini coefficient of the numbers of training samples; `None` of one client.
    pub size_gini: Option<f64>,
}

impl PartitionSkew {
    /// Of the clients of a run.
    #[must_use]
    pub fn of(books: &RunBooks) -> Self {
        let classes = books.clients.iter().map(|client| client.label_counts.len());
        let mut pool = vec![0; classes.max().unwrap_or(0)];
        for client in &books.clients {
            for (sum, count) in pool.iter_mut().zip(&client.label_counts) {
                *sum += count;
            }
        }
        let sizes = books.clients.iter().map(|client| client.n_train as f64);
        Self {
            clients: books
                .clients
                .iter()
                .map(|client| LabelSkew::of(&client.label_counts, &pool))
                .collect(),
            pool,
            size_gini: Spread::of(sizes.collect()).and_then(|spread| spread.gini()),
        }
    }

    /// Mean over the clients that have samples.
    #[must_use]
    pub fn mean(&self, figure: impl Fn(&LabelSkew) -> f64) -> Option<f64> {
        let values: Vec<f64> = self.clients.iter().flatten().map(figure).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() < 1e-12,
            "{found} is not {expected}"
        );
    }

    #[test]
    fn one_label_of_two_is_as_far_from_the_even_pool_as_the_textbook_says() {
        // JS((1, 0), (½, ½)) = 1 − ¾ log₂ 3 + ½ = 0.311278124459 (scipy.spatial.distance
        // .jensenshannon([1, 0], [.5, .5], 2) squared).
        let skew = LabelSkew::of(&[8, 0], &[50, 50]).unwrap();
        near(skew.entropy, 0.0);
        near(skew.divergence, 0.311_278_124_459_132_9);
        near(skew.distance, 0.5);
    }

    #[test]
    fn labels_in_the_pools_shares_are_not_skewed() {
        let skew = LabelSkew::of(&[1, 2, 1], &[25, 50, 25]).unwrap();
        near(skew.entropy, 1.5);
        near(skew.divergence, 0.0);
        near(skew.distance, 0.0);
    }

    #[test]
    fn shares_that_have_nothing_in_common_are_one_bit_apart() {
        let skew = LabelSkew::of(&[3, 0], &[0, 9]).unwrap();
        near(skew.divergence, 1.0);
        near(skew.distance, 1.0);
        assert_eq!(LabelSkew::of(&[0, 0], &[1, 1]), None);
    }
}
