//! An experiment on methods that exchange rows: each row is sent in another one's place. Knowledge
//! that helps by what it says must stop helping then; a mere regulariser would not.

use crate::federation::deployment::Deployment;
use crate::federation::run::Hooks;
use crate::kernel::Stream;
use rand::seq::SliceRandom;

/// Shuffles rows, or leaves them.
#[derive(Debug)]
pub(super) struct Shuffle(Option<Stream>);

impl Shuffle {
    /// As the hooks ask.
    pub(super) fn asked_by(hooks: Hooks, deployment: &Deployment) -> Self {
        let stream = || deployment.dynamics().stream("server", "shuffle");
        Self(hooks.shuffle_knowledge.then(stream))
    }

    /// Rows stay where they are.
    #[cfg(test)]
    pub(super) fn never() -> Self {
        Self(None)
    }

    /// An order drawn for so many rows; none where they stay.
    pub(super) fn order(&mut self, rows: usize) -> Option<Vec<usize>> {
        let stream = self.0.as_mut()?;
        let mut order: Vec<usize> = (0..rows).collect();
        order.shuffle(stream);
        Some(order)
    }

    /// The rows in an order drawn anew.
    pub(super) fn apply(&mut self, values: Vec<f32>, width: usize) -> Vec<f32> {
        match self.order(values.len() / width) {
            None => values,
            Some(order) => in_order(&values, width, &order),
        }
    }
}

/// The rows in this order.
pub(super) fn in_order(values: &[f32], width: usize, order: &[usize]) -> Vec<f32> {
    let rows = order.iter().map(|row| row * width..(row + 1) * width);
    rows.flat_map(|place| values[place].iter().copied())
        .collect()
}
