//! A codec: whether its stages stand in their order and suit what travels.

use super::super::raw::{RawCodec, RawCodecStage, RawScaleGroup};
use super::super::tree::Value;
use super::findings::Findings;

/// What a codec is to carry, as far as codecs tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried {
    /// Values that take the place of the receiver's, such as parameters.
    Values,
    /// Values that are added to the receiver's, such as changes of parameters.
    Updates,
    /// Rows of values, such as prototypes, some of which may be missing.
    Rows,
    /// Rows of logits.
    Logits,
    /// Rows of probabilities.
    Probabilities,
}

impl Carried {
    fn has_rows(self) -> bool {
        !matches!(self, Self::Values | Self::Updates)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Values => "parameters",
            Self::Updates => "changes of parameters",
            Self::Rows => "rows of values",
            Self::Logits => "logits",
            Self::Probabilities => "probabilities",
        }
    }
}

/// The stages in their order; of the formats there is one.
fn rank(stage: &RawCodecStage) -> usize {
    match stage {
        RawCodecStage::Rows => 0,
        RawCodecStage::Delta => 1,
        RawCodecStage::TopK { .. } => 2,
        RawCodecStage::F32
        | RawCodecStage::F16
        | RawCodecStage::Bf16
        | RawCodecStage::Uniform { .. }
        | RawCodecStage::OneBit { .. }
        | RawCodecStage::HardLabels { .. }
        | RawCodecStage::SoftLabels { .. } => 3,
        RawCodecStage::Entropy => 4,
    }
}

const ORDER: &str = "the order is `rows`, `delta`, `top-k`, one format, `entropy`";

/// Checks the codec at `path`, such as `method.codec`.
pub(super) fn check(path: &str, codec: &RawCodec, carried: Carried, findings: &mut Findings<'_>) {
    let stages = codec.stages();
    if stages.is_empty() {
        findings.refuse(
            path,
            format!("`{path}` has no stage"),
            "expected at least one",
            "leave it out for `f32`",
        );
    }
    let is_list = findings
        .tree()
        .at(path)
        .is_some_and(|node| matches!(node.value, Value::Array(_)));
    let mut before: Option<&RawCodecStage> = None;
    for (index, stage) in stages.iter().enumerate() {
        let path = match is_list {
            true => format!("{path}.{index}"),
            false => path.to_owned(),
        };
        if let Some(before) = before {
            follows(&path, before, stage, findings);
        }
        keys(&path, stage, findings);
        suits(&path, stage, &stages[..index], carried, findings);
        before = Some(stage);
    }
    let is_whole = |stage: &RawCodecStage| {
        matches!(
            stage,
            RawCodecStage::Rows
                | RawCodecStage::Delta
                | RawCodecStage::F32
                | RawCodecStage::Uniform { bits: 32, .. }
        )
    };
    if stages.contains(&RawCodecStage::Delta) && stages.iter().all(is_whole) {
        findings.note(format!(
            "`{path}`: a difference in f32 takes as many bytes as the values; \
             `delta` shortens what comes after it, such as `top-k`, `uniform` or `entropy`"
        ));
    }
}

fn follows(path: &str, before: &RawCodecStage, stage: &RawCodecStage, findings: &mut Findings<'_>) {
    let (first, second) = (before.name(), stage.name());
    if rank(before) < rank(stage) {
        return;
    }
    let title = if first == second {
        format!("`{second}` twice")
    } else if rank(before) == rank(stage) {
        format!("`{first}` and `{second}` are both formats")
    } else {
        format!("`{second}` cannot come after `{first}`")
    };
    findings.refuse(path, title, "", ORDER);
}

fn keys(path: &str, stage: &RawCodecStage, findings: &mut Findings<'_>) {
    match *stage {
        RawCodecStage::TopK { share, count, .. } => {
            if share.is_some() == count.is_some() {
                findings.refuse(
                    path,
                    match share {
                        Some(_) => "`top-k` has both `share` and `count`",
                        None => "`top-k` does not say how many values",
                    },
                    "expected `share` or `count`",
                    "write { kind = \"top-k\", share = 0.01 }",
                );
            }
            if let Some(share) = share {
                findings.number(
                    &format!("{path}.share"),
                    share,
                    |share| share > 0.0 && share <= 1.0,
                    "a share above 0, at most 1",
                    "0.01 sends a hundredth of the values",
                );
            }
            if let Some(count) = count {
                let way_out = "send at least one value";
                findings.not_zero(&format!("{path}.count"), &count, way_out);
            }
        }
        RawCodecStage::Uniform { bits, .. } if !(1..=16).contains(&bits) && bits != 32 => findings
            .refuse(
                &format!("{path}.bits"),
                format!("`{path}.bits` is {bits}"),
                "expected 1 to 16, or 32 for values as they are",
                "8 is usual",
            ),
        RawCodecStage::SoftLabels { bits } if !(1..=16).contains(&bits) => findings.refuse(
            &format!("{path}.bits"),
            format!("`{path}.bits` is {bits}"),
            "expected 1 to 16",
            "1 is a hard label; for probabilities as they are take `f32`",
        ),
        _ => {}
    }
    if let RawCodecStage::Uniform { per, .. } | RawCodecStage::OneBit { per, .. } = stage
        && let RawScaleGroup::Bucket { size } = per
    {
        let way_out = "512 is usual; leave `per` out for one range for all";
        findings.not_zero(&format!("{path}.per.size"), size, way_out);
    }
}

/// Whether a stage makes sense for what travels and after the stages before it.
fn suits(
    path: &str,
    stage: &RawCodecStage,
    before: &[RawCodecStage],
    carried: Carried,
    findings: &mut Findings<'_>,
) {
    let what = carried.name();
    let name = stage.name();
    let after_top = before
        .iter()
        .any(|stage| matches!(stage, RawCodecStage::TopK { .. }));
    let by_row = matches!(
        stage,
        RawCodecStage::Uniform {
            per: RawScaleGroup::Row,
            ..
        } | RawCodecStage::OneBit {
            per: RawScaleGroup::Row,
            ..
        }
    );
    if by_row && (after_top || !carried.has_rows()) {
        findings.refuse(
            &format!("{path}.per"),
            match after_top {
                true => "the values that `top-k` leaves are no rows".to_owned(),
                false => format!("{what} have no rows"),
            },
            "expected `all` or a bucket",
            "write per = { kind = \"bucket\", size = 512 }, or leave it out",
        );
    }
    if matches!(stage, RawCodecStage::Rows) && !carried.has_rows() {
        let way_out = "remove it; it suits prototypes and logits by class";
        findings.refuse(path, format!("{what} have no rows"), "", way_out);
    }
    let fits = match stage {
        RawCodecStage::HardLabels { .. } => {
            matches!(carried, Carried::Logits | Carried::Probabilities)
        }
        RawCodecStage::SoftLabels { .. } => carried == Carried::Probabilities,
        _ => true,
    };
    let is_label = matches!(
        stage,
        RawCodecStage::HardLabels { .. } | RawCodecStage::SoftLabels { .. }
    );
    if !fits {
        findings.refuse(
            path,
            format!("`{name}` cannot be made of {what}"),
            match stage {
                RawCodecStage::SoftLabels { .. } => "expected probabilities to travel",
                _ => "expected logits or probabilities to travel",
            },
            "take a format of values, such as `f16` or `uniform`",
        );
    } else if is_label && after_top {
        let title = format!("`{name}` needs whole rows, and `top-k` leaves single values");
        findings.refuse(path, title, "", "remove `top-k`");
    }
    if let RawCodecStage::TopK { feedback, .. } | RawCodecStage::OneBit { feedback, .. } = *stage {
        let after_delta = before.contains(&RawCodecStage::Delta);
        if after_delta && !feedback {
            findings.refuse(
                &format!("{path}.feedback"),
                format!("after `delta` nothing that `{name}` leaves out is lost"),
                "expected `true`",
                "leave it out: the next difference holds it",
            );
        } else if feedback && !after_delta && carried != Carried::Updates {
            findings.refuse(
                &format!("{path}.feedback"),
                format!(
                    "error feedback of `{name}` adds up what should take the place of what was sent"
                ),
                format!("{what} are no changes that can be caught up with"),
                "put `delta` before it, or set `feedback = false`",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::problem::Source;
    use super::super::super::tree::{Node, parse_document};
    use super::*;
    use serde::Deserialize;
    use std::sync::Arc;

    fn tree(text: &str) -> Node {
        let source = Arc::new(Source {
            name: "codec.toml".to_owned(),
            text: text.to_owned(),
        });
        parse_document(&source).unwrap_or_else(|_| panic!("not TOML: {text}"))
    }

    fn read(tree: &Node) -> Result<RawCodec, String> {
        let codec = tree.at("codec").expect("a key `codec`");
        RawCodec::deserialize(codec).map_err(|error| {
            let problem = error.under("codec").into_problem(|_| None);
            problem.render(false)
        })
    }

    /// Titles and notes, and how the first problem is shown.
    fn found(text: &str, carried: Carried) -> (Vec<String>, Vec<String>, String) {
        let tree = tree(text);
        let codec = read(&tree).unwrap_or_else(|error| panic!("{error}"));
        let mut findings = Findings::new(&tree);
        check("codec", &codec, carried, &mut findings);
        let (problems, notes) = findings.into_parts();
        let titles = problems.iter().map(|problem| problem.title().to_owned());
        let shown = problems.first().map(|problem| problem.render(false));
        (titles.collect(), notes, shown.unwrap_or_default())
    }

    #[test]
    fn one_stage_or_several_are_read_and_written_alike() {
        let top = RawCodecStage::TopK {
            share: Some(0.01),
            count: None,
            feedback: true,
        };
        for (text, stages, written) in [
            ("codec = \"f16\"", vec![RawCodecStage::F16], "\"f16\""),
            (
                "codec = { kind = \"f16\" }",
                vec![RawCodecStage::F16],
                "\"f16\"",
            ),
            ("codec = [\"f16\"]", vec![RawCodecStage::F16], "\"f16\""),
            (
                "codec = [\"delta\", { kind = \"top-k\", share = 0.01 }, \"entropy\"]",
                vec![RawCodecStage::Delta, top, RawCodecStage::Entropy],
                "[\"delta\", { kind = \"top-k\", share = 0.01, feedback = true }, \"entropy\"]",
            ),
        ] {
            let codec = read(&tree(text)).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(codec.stages(), stages);
            let tree = super::super::super::encode::encode(&codec);
            assert_eq!(tree.to_string(), written);
        }
        assert_eq!(RawCodec::default().stages(), [RawCodecStage::F32]);
    }

    #[test]
    fn what_cannot_be_read_is_shown_at_its_place() {
        for (text, parts) in [
            ("codec = \"f61\"", ["`codec` cannot be `f61`", "f16"]),
            (
                "codec = [\"delta\", \"topk\"]",
                ["`codec.1` cannot be `topk`", "top-k"],
            ),
            (
                "codec = { kind = \"uniform\", bit = 4 }",
                ["unknown key `bit` in `codec`", "bits"],
            ),
            (
                "codec = 16",
                ["`codec` is of the wrong type", "an integer `16`"],
            ),
        ] {
            let error = read(&tree(text)).expect_err("unreadable");
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
    }

    #[test]
    fn codecs_of_the_literature_pass() {
        use Carried::{Logits, Probabilities, Rows, Updates, Values};
        for (text, carried) in [
            ("codec = \"f32\"", Values),
            ("codec = { kind = \"uniform\", bits = 32 }", Values),
            ("codec = [\"rows\", \"f16\"]", Rows),
            (
                "codec = { kind = \"one-bit\", per = { kind = \"bucket\", size = 512 } }",
                Updates,
            ),
            (
                "codec = [{ kind = \"top-k\", share = 0.01 }, \"one-bit\", \"entropy\"]",
                Updates,
            ),
            (
                "codec = [\"delta\", { kind = \"top-k\", count = 10 }, { kind = \"uniform\", bits = 4 }, \"entropy\"]",
                Values,
            ),
            ("codec = [\"delta\", \"hard-labels\", \"entropy\"]", Logits),
            (
                "codec = [\"rows\", \"delta\", { kind = \"soft-labels\", bits = 2 }, \"entropy\"]",
                Probabilities,
            ),
            ("codec = { kind = \"uniform\", per = \"row\" }", Logits),
        ] {
            let (titles, notes, shown) = found(text, carried);
            assert!(
                titles.is_empty() && notes.is_empty(),
                "{text}: {shown}{notes:?}"
            );
        }
    }

    #[test]
    fn mistakes_are_named() {
        use Carried::{Logits, Probabilities, Updates, Values};
        for (text, carried, expected) in [
            ("codec = []", Values, "`codec` has no stage"),
            (
                "codec = [\"f16\", \"delta\"]",
                Values,
                "`delta` cannot come after `f16`",
            ),
            ("codec = [\"f16\", \"f16\"]", Values, "`f16` twice"),
            (
                "codec = [\"f16\", \"uniform\"]",
                Values,
                "`f16` and `uniform` are both formats",
            ),
            (
                "codec = [\"entropy\", \"f16\"]",
                Values,
                "`f16` cannot come after `entropy`",
            ),
            (
                "codec = \"top-k\"",
                Updates,
                "`top-k` does not say how many values",
            ),
            (
                "codec = { kind = \"top-k\", count = 1, share = 0.1 }",
                Updates,
                "`top-k` has both `share` and `count`",
            ),
            (
                "codec = { kind = \"top-k\", count = 0 }",
                Updates,
                "`codec.count` is 0",
            ),
            (
                "codec = [\"delta\", { kind = \"top-k\", share = 1.5 }]",
                Values,
                "`codec.1.share` is 1.5",
            ),
            (
                "codec = { kind = \"uniform\", bits = 24 }",
                Values,
                "`codec.bits` is 24",
            ),
            (
                "codec = { kind = \"soft-labels\", bits = 0 }",
                Probabilities,
                "`codec.bits` is 0",
            ),
            (
                "codec = { kind = \"uniform\", per = { kind = \"bucket\", size = 0 } }",
                Values,
                "`codec.per.size` is 0",
            ),
            (
                "codec = { kind = \"uniform\", per = \"row\" }",
                Values,
                "parameters have no rows",
            ),
            (
                "codec = [\"delta\", { kind = \"top-k\", count = 5 }, { kind = \"uniform\", per = \"row\" }]",
                Logits,
                "the values that `top-k` leaves are no rows",
            ),
            (
                "codec = \"rows\"",
                Updates,
                "changes of parameters have no rows",
            ),
            (
                "codec = \"hard-labels\"",
                Values,
                "`hard-labels` cannot be made of parameters",
            ),
            (
                "codec = \"soft-labels\"",
                Logits,
                "`soft-labels` cannot be made of logits",
            ),
            (
                "codec = [\"delta\", { kind = \"top-k\", count = 5 }, \"hard-labels\"]",
                Logits,
                "`hard-labels` needs whole rows, and `top-k` leaves single values",
            ),
            (
                "codec = \"one-bit\"",
                Values,
                "error feedback of `one-bit` adds up what should take the place of what was sent",
            ),
            (
                "codec = [\"delta\", { kind = \"one-bit\", feedback = false }]",
                Values,
                "after `delta` nothing that `one-bit` leaves out is lost",
            ),
        ] {
            let (titles, _, _) = found(text, carried);
            assert_eq!(titles, [expected], "{text}");
        }
    }

    #[test]
    fn a_mistake_is_shown_where_it_stands() {
        for text in [
            "codec = { kind = \"uniform\", bits = 24 }",
            "codec = [\"delta\", { kind = \"uniform\", bits = 24 }]",
        ] {
            let (_, _, shown) = found(text, Carried::Values);
            let marked = shown
                .lines()
                .find(|line| line.contains('^'))
                .expect("a mark");
            let line = shown
                .lines()
                .find(|line| line.contains("codec ="))
                .expect("an excerpt");
            let at = |line: &str, what: &str| line.find(what).map(|at| line[..at].chars().count());
            assert_eq!(at(marked, "^"), at(line, "24"), "{shown}");
        }
    }

    #[test]
    fn a_difference_that_shortens_nothing_is_noted() {
        for text in [
            "codec = \"delta\"",
            "codec = [\"delta\", { kind = \"uniform\", bits = 32 }]",
        ] {
            let (titles, notes, _) = found(text, Carried::Values);
            assert!(titles.is_empty());
            assert_eq!(notes.len(), 1, "{text}");
        }
    }
}
