//! `[[clients]] data`: numbers that make sense, and classes and features that the data have.

use super::findings::Findings;
use crate::scenario::raw::{RawName, RawSiteData};
use crate::scenario::spread::Spread;
use fedstill_models::Shape;

/// What a site's data can differ in.
pub(super) struct Form<'a> {
    pub(super) shape: Shape,
    pub(super) classes: &'a [String],
    /// Empty where the data name none.
    pub(super) features: &'a [String],
}

/// Checks the data of one group; `path` is that of its table.
pub(super) fn check(path: &str, site: &RawSiteData, form: &Form<'_>, findings: &mut Findings<'_>) {
    let mut number =
        |key: &str, spread: &Option<Spread>, holds: fn(f64) -> bool, rule: &str, way_out: &str| {
            let Some(found) = spread.as_ref().and_then(|spread| spread.wrong(holds)) else {
                return;
            };
            let path = format!("{path}.{key}");
            findings.refuse(
                &path,
                format!("`{path}` is {found}"),
                format!("expected {rule}"),
                way_out,
            );
        };
    number(
        "rotation",
        &site.rotation,
        |angle| angle.abs() <= 360.0,
        "degrees from -360 to 360",
        "{ low = -45, high = 45 } turns each site's images by an angle of its own",
    );
    number(
        "contrast",
        &site.contrast,
        |factor| (0.0..=1000.0).contains(&factor),
        "a factor from 0 to 1000",
        "1 leaves the contrast as it is",
    );
    number(
        "brightness",
        &site.brightness,
        |shift| shift.abs() <= 1e6,
        "a number from -1000000 to 1000000",
        "0.1 makes pixels between 0 and 1 a tenth brighter",
    );
    number(
        "noise",
        &site.noise,
        |deviation| (0.0..=1e6).contains(&deviation),
        "a standard deviation from 0 to 1000000",
        "0.1 is visible in pixels between 0 and 1",
    );
    number(
        "label_noise",
        &site.label_noise,
        |rate| (0.0..=1.0).contains(&rate),
        "a probability from 0 to 1",
        "0.2 gives a fifth of the training samples a wrong label",
    );
    number(
        "missing_feature_share",
        &site.missing_feature_share,
        |share| (0.0..1.0).contains(&share),
        "a share from 0 up to, but not including, 1",
        "0.3 takes three of ten features away",
    );
    if site.rotation.is_some() && !matches!(form.shape, Shape::Image { .. }) {
        findings.refuse(
            &format!("{path}.rotation"),
            "only images can be turned",
            format!(
                "a sample of these data has the shape {}, not channels x height x width",
                form.shape
            ),
            "leave `rotation` out; `noise` and `brightness` skew any features",
        );
    }
    concept(path, site, form, findings);
    names(path, site, form, findings);
}

fn concept(path: &str, site: &RawSiteData, form: &Form<'_>, findings: &mut Findings<'_>) {
    let Some(shift) = &site.concept_shift else {
        return;
    };
    findings.number(
        &format!("{path}.concept_shift.share"),
        shift.share,
        |share| (0.0..=1.0).contains(&share),
        "a share from 0 to 1",
        "0.3 lets three of ten sites call the classes otherwise",
    );
    findings.not_zero(
        &format!("{path}.concept_shift.concepts"),
        &shift.concepts,
        "with 1 all these sites call the classes by the same other names",
    );
    if form.classes.len() < 2 {
        findings.refuse(
            &format!("{path}.concept_shift"),
            "a single class cannot be called otherwise",
            "expected data of at least 2 classes",
            "leave `concept_shift` out",
        );
    }
    if !site.renamed_classes.is_empty() {
        findings.refuse(
            &format!("{path}.concept_shift"),
            "the classes are renamed twice",
            "`renamed_classes` says what all sites of the group call them",
            "take one of the two, or two groups",
        );
    }
}

fn names(path: &str, site: &RawSiteData, form: &Form<'_>, findings: &mut Findings<'_>) {
    let classes = form.classes.len();
    let mut known = |place: String, name: &RawName| {
        if name.place(classes, form.classes).is_none() {
            unknown(&place, "class", name, classes, form.classes, findings);
        }
    };
    for (index, name) in site.missing_classes.iter().enumerate() {
        known(format!("{path}.missing_classes.{index}"), name);
    }
    for (index, renamed) in site.renamed_classes.iter().enumerate() {
        known(
            format!("{path}.renamed_classes.{index}.class"),
            &renamed.class,
        );
        known(
            format!("{path}.renamed_classes.{index}.called"),
            &renamed.called,
        );
    }
    let mut missing: Vec<u32> = site
        .missing_classes
        .iter()
        .filter_map(|name| name.place(classes, form.classes))
        .collect();
    missing.sort_unstable();
    missing.dedup();
    if missing.len() == classes {
        findings.refuse(
            &format!("{path}.missing_classes"),
            "every class is missing",
            "a site needs samples of at least one",
            "leave a class in",
        );
    }
    let features = form.shape.size();
    for (index, name) in site.missing_features.iter().enumerate() {
        if name.place(features, form.features).is_none() {
            let place = format!("{path}.missing_features.{index}");
            unknown(&place, "feature", name, features, form.features, findings);
        }
    }
    if site.missing_feature_share.is_some() && !site.missing_features.is_empty() {
        findings.refuse(
            &format!("{path}.missing_feature_share"),
            "missing features are both named and drawn",
            "`missing_features` names them",
            "take one of the two",
        );
    }
}

fn unknown(
    path: &str,
    what: &str,
    name: &RawName,
    count: usize,
    names: &[String],
    findings: &mut Findings<'_>,
) {
    let named = (!names.is_empty() && names.len() <= 20 && names[0] != "0")
        .then(|| format!(": {}", names.join(", ")));
    findings.refuse(
        path,
        format!("the data have no {what} {name}"),
        format!(
            "expected a number from 0 to {} or a name{}",
            count.saturating_sub(1),
            named.unwrap_or_default()
        ),
        format!("name a {what} of the data"),
    );
}
