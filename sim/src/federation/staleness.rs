//! What staleness costs a contribution in weight.

use crate::scenario::RawStaleness;

/// The weight s(t) of a contribution that started t versions ago, in (0, 1]
/// (Xie, Koyejo and Gupta 2019, "Asynchronous federated optimization", section 5.2).
pub fn staleness_weight(rule: &RawStaleness, versions: u64) -> f64 {
    let t = versions as f64;
    match *rule {
        RawStaleness::Constant => 1.0,
        RawStaleness::Polynomial { a } => (1.0 + t).powf(-a),
        RawStaleness::Hinge { b, .. } if t <= b => 1.0,
        RawStaleness::Hinge { a, b } => 1.0 / (a * (t - b) + 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_rules_give_the_values_of_the_paper_s_formulas() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-15, "{a} is not {b}");
        let polynomial = RawStaleness::Polynomial { a: 0.5 };
        let hinge = RawStaleness::Hinge { a: 10.0, b: 4.0 };
        close(staleness_weight(&RawStaleness::Constant, 100), 1.0);
        close(staleness_weight(&polynomial, 0), 1.0);
        close(staleness_weight(&polynomial, 3), 0.5);
        close(staleness_weight(&hinge, 4), 1.0);
        close(staleness_weight(&hinge, 5), 1.0 / 11.0);
        close(staleness_weight(&hinge, 8), 1.0 / 41.0);
    }
}
