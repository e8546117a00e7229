//! `dropout`: rates and lengths of time that can be meant.

use super::findings::Findings;
use crate::scenario::raw::RawDropout;

/// A client that came and went more often would cost memory for every switch.
const SHORTEST_MEAN_SECONDS: f64 = 1e-3;

pub(super) fn dropout(path: &str, dropout: &RawDropout, findings: &mut Findings<'_>) {
    match *dropout {
        RawDropout::None => {}
        RawDropout::PerParticipation { rate } => {
            findings.number(
                &format!("{path}.rate"),
                rate,
                |rate| (0.0..=1.0).contains(&rate),
                "a probability from 0 to 1",
                "0.1 cuts one participation in ten",
            );
        }
        RawDropout::Exponential { up, down } => {
            for (key, mean) in [("up", up), ("down", down)] {
                if mean.seconds() < SHORTEST_MEAN_SECONDS {
                    findings.refuse(
                        &format!("{path}.{key}"),
                        format!("`{path}.{key}` is {mean}"),
                        "expected a mean time of a millisecond or more",
                        "for clients that are always there leave `dropout` out",
                    );
                }
            }
        }
    }
}
