//! Adapters: each by itself, and whether the method has what they change.

use super::findings::Findings;
use crate::scenario::raw::{
    RawAdapter, RawExchange, RawMethod, RawReference, RawSchedule, RawTemperature,
};

/// Checks an adapter at `path`, and fills in what follows from the rest.
pub(super) fn check(
    path: &str,
    adapter: &mut RawAdapter,
    method: &RawMethod,
    findings: &mut Findings<'_>,
) {
    match adapter {
        RawAdapter::GainPerByte { .. } => gain_per_byte(path, adapter, method, findings),
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
        }
    }
}

fn gain_per_byte(
    path: &str,
    adapter: &mut RawAdapter,
    method: &RawMethod,
    findings: &mut Findings<'_>,
) {
    let RawAdapter::GainPerByte {
        least_samples,
        most_samples,
        step,
        longest_interval,
        tolerance,
        smoothing,
    } = adapter
    else {
        return;
    };
    let key = |key: &str| format!("{path}.{key}");
    let RawExchange::PublicLogits { samples, .. } = method.exchange else {
        findings.refuse(
            path,
            "this adapter changes how many public samples travel, and none do",
            "expected the exchange `public-logits`",
            "remove it, or take `exchange = \"public-logits\"`",
        );
        return;
    };
    let most = most_samples.unwrap_or(samples);
    if most > samples {
        findings.refuse(
            &key("most_samples"),
            format!("`{path}.most_samples` is {most}, and the exchange has {samples}"),
            format!("expected at most {samples}"),
            "leave it out for as many as the exchange has",
        );
    } else if *least_samples == 0 || *least_samples > most {
        findings.refuse(
            &key("least_samples"),
            format!("`{path}.least_samples` is {least_samples}, and the most are {most}"),
            format!("expected 1 to {most}"),
            "equal numbers change only how often knowledge is exchanged",
        );
    }
    *most_samples = Some(most);
    findings.number(
        &key("step"),
        *step,
        |step| step > 1.0,
        "a factor above 1",
        "2 doubles and halves",
    );
    if !longest_interval.is_power_of_two() {
        findings.refuse(
            &key("longest_interval"),
            format!("`{path}.longest_interval` is {longest_interval}"),
            "expected 1, 2, 4, 8, ...",
            "intervals double, so that the rarer exchanges are among the more frequent",
        );
    }
    findings.number(
        &key("tolerance"),
        *tolerance,
        |share| (0.0..=1.0).contains(&share),
        "a share from 0 to 1",
        "0.5 spends less when a byte gains less than half of what it did",
    );
    findings.number(
        &key("smoothing"),
        *smoothing,
        |share| share > 0.0 && share <= 1.0,
        "a share above 0, at most 1",
        "1 compares with the last gain alone",
    );
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

    /// The adapter as it is filled in, and whether it is accepted.
    fn checked(adapter: &str) -> (RawAdapter, bool) {
        let schedule = "schedule = \"synchronous\"";
        let exchange = "exchange = { kind = \"public-logits\", samples = 300 }";
        let text = format!("adapter = {adapter}\n[method]\n{exchange}\n{schedule}\n");
        let source = Arc::new(Source {
            name: "adapter.toml".to_owned(),
            text,
        });
        let tree = parse_document(&source).unwrap_or_else(|_| panic!("{}", source.text));
        let document = Document::deserialize(&tree);
        let Document {
            mut adapter,
            method,
        } = document.unwrap_or_else(|error| panic!("{error}"));
        let mut findings = Findings::new(&tree);
        check("adapter", &mut adapter, &method, &mut findings);
        (adapter, findings.into_parts().0.is_empty())
    }

    #[test]
    fn what_makes_sense_is_taken_and_filled_in() {
        let (adapter, fine) = checked(r#"{ kind = "gain-per-byte", least_samples = 50 }"#);
        assert!(fine);
        let most = matches!(
            adapter,
            RawAdapter::GainPerByte {
                most_samples: Some(300),
                ..
            }
        );
        assert!(most, "{adapter:?}");
        assert!(checked(r#"{ kind = "equal-time", most_epochs = 5 }"#).1);
        let course = r#"{ kind = "cosine", from = 4.0, to = 1.0, length = 20 }"#;
        assert!(checked(&format!(r#"{{ kind = "temperature", course = {course} }}"#)).1);
    }

    #[test]
    fn what_makes_none_is_refused() {
        for wrong in [
            r#"{ kind = "gain-per-byte", least_samples = 0 }"#,
            r#"{ kind = "gain-per-byte", least_samples = 50, most_samples = 40 }"#,
            r#"{ kind = "gain-per-byte", least_samples = 50, most_samples = 301 }"#,
            r#"{ kind = "gain-per-byte", least_samples = 50, step = 1.0 }"#,
            r#"{ kind = "gain-per-byte", least_samples = 50, longest_interval = 6 }"#,
            r#"{ kind = "gain-per-byte", least_samples = 50, tolerance = 1.5 }"#,
            r#"{ kind = "gain-per-byte", least_samples = 50, smoothing = 0.0 }"#,
            r#"{ kind = "equal-time", reference = "deadline", most_epochs = 5 }"#,
            r#"{ kind = "equal-time", least_epochs = 0, most_epochs = 5 }"#,
            r#"{ kind = "equal-time", least_epochs = 3, most_epochs = 2 }"#,
            r#"{ kind = "temperature", course = { kind = "constant", temperature = 0.0 } }"#,
            r#"{ kind = "temperature", course = { kind = "linear", from = 1.0, to = -1.0, length = 5 } }"#,
            r#"{ kind = "temperature", course = { kind = "exponential", from = 3.0, to = 1.0, length = 0 } }"#,
        ] {
            assert!(!checked(wrong).1, "{wrong}");
        }
    }
}
