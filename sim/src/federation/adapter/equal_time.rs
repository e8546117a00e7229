//! Local epochs that follow the device's speed, so that all are done at about one time.
//!
//! A client k whose participation takes f_k beside its epochs, transfers above all, and e_k for an
//! epoch, does (t−f_k)/e_k epochs, brought between a least and a most number. t is a deadline, and
//! the number is rounded down to keep it; or it is the median over the clients of f_k + E·e_k, and
//! the number is rounded to the nearest, so that the median client does E. With f_k = 0 that is
//! E·t/t_k, t_k the time of E epochs: the partial work by which FedProx lets slow devices take part (Li
//! et al. 2020, arXiv 1812.06127, section 5.2), told beforehand. All times are those that
//! clients estimate when they register, or that the aggregator saw.

use crate::time::SimDuration;

/// What a client says of its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WorkEstimate {
    /// Of a participation without its epochs: transfers, distillation, predictions.
    pub(crate) fixed: SimDuration,
    /// Of an epoch on the client's own data.
    pub(crate) epoch: SimDuration,
}

impl WorkEstimate {
    fn seconds(&self, epochs: u32) -> f64 {
        self.fixed.as_secs_f64() + f64::from(epochs) * self.epoch.as_secs_f64()
    }
}

/// The rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct EqualTime {
    reference_seconds: f64,
    round_down: bool,
    least: u32,
    most: u32,
}

impl EqualTime {
    /// Epochs that end by the deadline, from `least` to `most`.
    pub(crate) fn by(deadline: SimDuration, least: u32, most: u32) -> Self {
        Self {
            reference_seconds: deadline.as_secs_f64(),
            round_down: true,
            least,
            most,
        }
    }

    /// Epochs that end when the median client ends `epochs`; `None` without a client.
    pub(crate) fn with_median(
        epochs: u32,
        clients: &[WorkEstimate],
        least: u32,
        most: u32,
    ) -> Option<Self> {
        let seconds = clients.iter().map(|client| client.seconds(epochs));
        let mut seconds: Vec<f64> = seconds.collect();
        seconds.sort_by(f64::total_cmp);
        let upper = *seconds.get(seconds.len() / 2)?;
        let lower = seconds[(seconds.len() - 1) / 2];
        Some(Self {
            reference_seconds: f64::midpoint(lower, upper),
            round_down: false,
            least,
            most,
        })
    }

    /// How many epochs this client does.
    pub(crate) fn epochs(&self, client: &WorkEstimate) -> u32 {
        let budget = self.reference_seconds - client.fixed.as_secs_f64();
        if budget <= 0.0 {
            return self.least;
        }
        let epochs = budget / client.epoch.as_secs_f64();
        let whole = match self.round_down {
            // Times are whole nanoseconds; three epochs that just fit are three.
            true => (epochs + 1e-9).floor(),
            false => epochs.round(),
        };
        // The cast saturates, so an epoch that takes no time gives the most.
        (whole as u32).clamp(self.least, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(fixed: f64, epoch: f64) -> WorkEstimate {
        let seconds = |seconds| SimDuration::from_secs_f64(seconds).expect("a length of time");
        WorkEstimate {
            fixed: seconds(fixed),
            epoch: seconds(epoch),
        }
    }

    fn epochs(rule: EqualTime, clients: &[WorkEstimate]) -> Vec<u32> {
        clients.iter().map(|client| rule.epochs(client)).collect()
    }

    #[test]
    fn the_median_client_does_what_was_asked_and_the_others_as_long() {
        let clients = [estimate(1.0, 2.0), estimate(1.0, 1.0), estimate(3.0, 5.0)];
        // With 4 epochs 9, 5 and 23 s; within 9 s: 8/2, 8/1, and 6/5 to the nearest.
        let rule = EqualTime::with_median(4, &clients, 1, 10).expect("three clients");
        assert_eq!(epochs(rule, &clients), [4, 8, 1]);
        let bounded = EqualTime::with_median(4, &clients, 2, 6).expect("three clients");
        assert_eq!(epochs(bounded, &clients), [4, 6, 2]);
        // Of two the mean: 7 s, 6/2 and 6/1.
        let two = EqualTime::with_median(4, &clients[..2], 1, 10).expect("two clients");
        assert_eq!(epochs(two, &clients[..2]), [3, 6]);
        assert_eq!(EqualTime::with_median(4, &[], 1, 10), None);
    }

    #[test]
    fn without_anything_fixed_it_is_the_ratio_of_times() {
        // E·t_ref/t_k with E = 5 and times of 5, 10 and 40 s for five epochs.
        let clients = [estimate(0.0, 1.0), estimate(0.0, 2.0), estimate(0.0, 8.0)];
        let rule = EqualTime::with_median(5, &clients, 1, 50).expect("three clients");
        assert_eq!(epochs(rule, &clients), [10, 5, 1]);
    }

    #[test]
    fn a_deadline_is_kept_where_the_least_allows() {
        let clients = [
            estimate(1.0, 2.0),
            estimate(1.0, 1.0),
            estimate(3.0, 5.0),
            estimate(9.0, 1.0),
            estimate(20.0, 1.0),
            estimate(1.0, 0.0),
        ];
        // Within 12 s: 5.5, 11, 1.8, 3, none, any number.
        let rule = EqualTime::by(SimDuration::from_nanos(12_000_000_000), 1, 30);
        assert_eq!(epochs(rule, &clients), [5, 11, 1, 3, 1, 30]);
    }
}
