//! Feature widths: prototypes of different models are compared, so they have as many values.

use super::findings::Findings;
use super::models::shape_and_classes;
use crate::scenario::raw::{RawModel, RawRule, RawScenario};

/// Checks that all models hand as many features to their heads; where a head travels, that the
/// heads are alike. Models that do not fit the data are refused elsewhere.
pub(super) fn check(raw: &RawScenario, rule: &RawRule, findings: &mut Findings<'_>) {
    let Some((shape, classes)) = shape_and_classes(&raw.data.source) else {
        return;
    };
    let heads = matches!(rule, RawRule::TrainedHead { .. });
    let mut first: Option<(String, Cut)> = None;
    for (index, group) in raw.clients.iter().enumerate() {
        let rows = group.sites.iter().flat_map(|sites| &sites.rows);
        let own = rows.filter_map(|site| site.model.clone().map(RawModel::Name));
        for model in std::iter::once(group.model.clone()).chain(own) {
            let Ok(architecture) = model.architecture() else {
                continue;
            };
            let Ok(layout) = architecture.layout(shape, classes) else {
                continue;
            };
            let cut = Cut {
                width: layout.feature_width(),
                head: layout.head().len(),
            };
            let (name, before) = first.get_or_insert_with(|| (model.to_string(), cut));
            let title = if before.width != cut.width {
                format!(
                    "prototypes of different models are compared, so all need as many features: \
                     `{name}` has {}, `{model}` has {}",
                    before.width, cut.width
                )
            } else if heads && before.head != cut.head {
                format!(
                    "one head travels to all, and those of `{name}` and `{model}` differ: {} and \
                     {} parameters",
                    before.head, cut.head
                )
            } else {
                continue;
            };
            findings.refuse(
                &format!("clients.{index}.model"),
                title,
                format!("expected {} features", before.width),
                "models may differ, but not in what they hand to their last layer: `mlp-64-32` \
                 goes with `mlp-32`",
            );
            return;
        }
    }
}

/// Where a model is cut into extractor and head.
#[derive(Clone, Copy)]
struct Cut {
    width: usize,
    /// Parameters of the head.
    head: usize,
}
