//! Adapters: each by itself, and whether the method has what they change.

use super::findings::Findings;
use crate::scenario::raw::{
    RawAdapter, RawDistillLoss, RawMethod, RawReference, RawSchedule, RawTemperature,
};

/// Checks an adapter at `path`.
pub(super) fn check(
    path: &str,
    adapter: &RawAdapter,
    method: &RawMethod,
    findings: &mut Findings<'_>,
) {
    match adapter {
        RawAdapter::EqualTime {
            reference,
            least_epochs,
            most_epochs,
        } => {
            let key = |key: &str| format!("{path}.{key}");
            let deadline = matches!(
                method.schedule,
                RawSchedule::Synchronous {
                    deadline: Some(_),
                    ..
                }
            );
            if *reference == RawReference::Deadline && !deadline {
                findings.refuse(
                    &key("reference"),
                    "epochs are to end at the deadline, and the schedule has none",
                    "expected `median`",
                    "set `method.schedule.deadline`, or take `reference = \"median\"`",
                );
            }
            findings.not_zero(
                &key("least_epochs"),
                least_epochs,
                "train for at least one epoch",
            );
            if most_epochs < least_epochs {
                findings.refuse(
                    &key("most_epochs"),
                    format!("`{path}.most_epochs` is {most_epochs}, and `least_epochs` is {least_epochs}"),
                    format!("expected at least {least_epochs}"),
                    "equal numbers leave every client its epochs",
                );
            }
        }
        RawAdapter::Temperature { course } => {
            temperature(&format!("{path}.course"), course, findings);
            let strands = method.strands();
            let mut losses = strands.iter().map(|strand| &strand.distill.loss);
            if !losses.any(|loss| matches!(loss, RawDistillLoss::Kl { .. })) {
                findings.refuse(
                    path,
                    "nothing is distilled at a temperature here",
                    "expected a distillation loss of `kl`",
                    "set `method.local.distill.loss = \"kl\"`, or remove the adapter",
                );
            }
        }
    }
}

fn temperature(path: &str, course: &RawTemperature, findings: &mut Findings<'_>) {
    let (temperatures, length) = match *course {
        RawTemperature::Constant { temperature } => (vec![("temperature", temperature)], None),
        RawTemperature::Linear { from, to, length }
        | RawTemperature::Cosine { from, to, length }
        | RawTemperature::Exponential { from, to, length } => {
            (vec![("from", from), ("to", to)], Some(length))
        }
    };
    for (key, temperature) in temperatures {
        findings.number(
            &format!("{path}.{key}"),
            temperature,
            |temperature| temperature > 0.0,
            "a temperature above zero",
            "1 leaves the predictions as they are, 3 softens them",
        );
    }
    if let Some(length) = length {
        findings.not_zero(
            &format!("{path}.length"),
            &length,
            "the last temperature is reached after so many versions",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::problem::Source;
    use super::super::super::tree::parse_document;
    use super::*;
    use serde::Deserialize;
    use std::sync::Arc;

    #[derive(Deserialize)]
    struct Document {
        adapter: RawAdapter,
        method: RawMethod,
    }

    /// Whether the adapter is accepted.
    fn checked(adapter: &str) -> bool {
        let schedule = "schedule = \"synchronous\"";
        let exchange = "exchange = { kind = \"public-logits\", samples = 300 }\nlocal = { distill = { loss = \"kl\" } }";
        let text = format!("adapter = {adapter}\n[method]\n{exchange}\n{schedule}\n");
        let source = Arc::new(Source {
            name: "adapter.toml".to_owned(),
            text,
        });
        let tree = parse_document(&source).unwrap_or_else(|_| panic!("{}", source.text));
        let document = Document::deserialize(&tree);
        let Document { adapter, method } = document.unwrap_or_else(|error| panic!("{error}"));
        let mut findings = Findings::new(&tree);
        check("adapter", &adapter, &method, &mut findings);
        findings.into_parts().0.is_empty()
    }

    #[test]
    fn what_makes_sense_is_taken() {
        assert!(checked(r#"{ kind = "equal-time", most_epochs = 5 }"#));
        let course = r#"{ kind = "cosine", from = 4.0, to = 1.0, length = 20 }"#;
        assert!(checked(&format!(
            r#"{{ kind = "temperature", course = {course} }}"#
        )));
    }

    #[test]
    fn what_makes_none_is_refused() {
        for wrong in [
            r#"{ kind = "equal-time", reference = "deadline", most_epochs = 5 }"#,
            r#"{ kind = "equal-time", least_epochs = 0, most_epochs = 5 }"#,
            r#"{ kind = "equal-time", least_epochs = 3, most_epochs = 2 }"#,
            r#"{ kind = "temperature", course = { kind = "constant", temperature = 0.0 } }"#,
            r#"{ kind = "temperature", course = { kind = "linear", from = 1.0, to = -1.0, length = 5 } }"#,
            r#"{ kind = "temperature", course = { kind = "exponential", from = 3.0, to = 1.0, length = 0 } }"#,
        ] {
            assert!(!checked(wrong), "{wrong}");
        }
    }
}
