//! What travels: every kind of knowledge by itself, and whether they go together.

use super::codec::{self, Carried};
use super::findings::Findings;
use super::{public, sites};
use crate::federation::MOST_STRANDS;
use crate::federation::codec::Codec;
use crate::scenario::presets::PRESETS;
use crate::scenario::raw::{
    RawDistillLoss, RawExchange, RawMethod, RawPredictions, RawScenario, RawSchedule,
    RawServerSends, RawStrand,
};

/// Checks every strand, and writes effective values over defaults that depend on the rest.
pub(super) fn check(raw: &mut RawScenario, clients: usize, findings: &mut Findings<'_>) {
    if raw.method.needs_equal_models() {
        equal_models(raw, findings);
    }
    // Lists are drawn by the versions of one aggregator.
    let rounds = matches!(raw.method.schedule, RawSchedule::Synchronous { .. })
        && raw.method.tier.is_empty()
        && raw.method.peers.is_none();
    let public = raw.data.public;
    let further = raw
        .method
        .also
        .iter_mut()
        .map(|strand| &mut strand.exchange);
    let exchanges = std::iter::once(&mut raw.method.exchange).chain(further);
    for (exchange, path) in exchanges.zip(StrandPath::all()) {
        public::samples(exchange, path, public, rounds, findings);
    }
    let strands = strands(&raw.method);
    number_of_strands(&strands, findings);
    public::server(raw, findings);
    for (path, strand) in &strands {
        public::rule(path, strand, &raw.method, clients, findings);
        public::strand(path, strand, &raw.method, findings);
        distill(path, strand, &raw.method, findings);
        codecs(path, strand, raw, findings);
    }
}

fn equal_models(raw: &RawScenario, findings: &mut Findings<'_>) {
    let Some(first) = raw.clients.first() else {
        return;
    };
    if raw.clients.iter().any(|group| group.sites.is_some()) {
        sites::equal_models(raw, findings);
        return;
    }
    let Some(other) = raw
        .clients
        .iter()
        .position(|group| group.model.architecture() != first.model.architecture())
    else {
        return;
    };
    let mixed: Vec<String> = PRESETS
        .iter()
        .filter(|preset| !preset.needs_equal_models())
        .map(|preset| format!("`{}`", preset.name))
        .collect();
    let method = match &raw.method.preset {
        Some(preset) => format!("method `{preset}`"),
        None => "the exchange".to_owned(),
    };
    let problem = findings
        .problem(
            &format!("clients.{other}.model"),
            format!("{method} exchanges parameters, so all clients need the same model"),
            format!(
                "group `{}` has `{}`",
                raw.clients[other].name, raw.clients[other].model
            ),
        )
        .and_at(
            findings.tree().nearest_place("clients.0.model"),
            format!("group `{}` has `{}`", first.name, first.model),
        )
        .way_out(format!(
            "give every group the same `model`, or take a method that allows mixed models: {}",
            mixed.join(", ")
        ));
    findings.add(problem);
}

/// The strands with the places where their keys stand.
fn strands(method: &RawMethod) -> Vec<(StrandPath, RawStrand)> {
    let further = method.also.iter().cloned();
    let strands = std::iter::once(method.first_strand()).chain(further);
    StrandPath::all().zip(strands).collect()
}

/// Where a strand's keys stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StrandPath {
    First,
    Also(usize),
}

impl RawStrand {
    /// What its codec is to carry, where rows are such predictions before it.
    fn carried(&self, rows: RawPredictions) -> Carried {
        match self.exchange {
            RawExchange::None | RawExchange::Parameters => Carried::Values,
            RawExchange::PublicLogits { .. } if !rows.are_probabilities() => Carried::Logits,
            RawExchange::PublicLogits { .. } | RawExchange::ClassLogits => Carried::Probabilities,
        }
    }
}

impl StrandPath {
    /// In the order of the strands, without end.
    fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::First).chain((0..).map(Self::Also))
    }

    pub(super) fn key(self, key: &str) -> String {
        match self {
            Self::First if key.starts_with("distill") => format!("method.local.{key}"),
            Self::First => format!("method.{key}"),
            Self::Also(place) => format!("method.also.{place}.{key}"),
        }
    }
}

fn number_of_strands(strands: &[(StrandPath, RawStrand)], findings: &mut Findings<'_>) {
    if strands.len() > MOST_STRANDS {
        findings.refuse(
            "method.also",
            format!("{} kinds of knowledge travel", strands.len()),
            format!("expected at most {MOST_STRANDS}"),
            "leave some out",
        );
    }
    for (place, (path, strand)) in strands.iter().enumerate().skip(1) {
        if strand.exchange == RawExchange::None {
            findings.refuse(
                &path.key("exchange"),
                "a further exchange of `none` adds nothing",
                "expected knowledge that travels",
                "remove it",
            );
            continue;
        }
        let name = strand.exchange.name();
        let before = strands[..place].iter();
        if let Some((earlier, _)) = before.into_iter().find(|(_, s)| s.exchange.name() == name) {
            let problem = findings
                .problem(
                    &path.key("exchange"),
                    format!("`{name}` travels twice"),
                    "the second time here",
                )
                .and_at(
                    findings.tree().nearest_place(&earlier.key("exchange")),
                    "and before",
                )
                .way_out("give what travels together different kinds of exchange");
            findings.add(problem);
        }
    }
}

fn codecs(path: &StrandPath, strand: &RawStrand, raw: &RawScenario, findings: &mut Findings<'_>) {
    let sent = match strand.exchange {
        RawExchange::PublicLogits { sends, .. } => sends,
        _ => strand.contributed(),
    };
    let up = strand.carried(sent);
    codec::check(&path.key("codec"), &strand.codec, up, findings);
    if let Some(down) = &strand.codec_down {
        let server = raw.method.server.as_ref();
        let predicts = server.is_some_and(|s| s.sends == RawServerSends::Predictions);
        let carried = match predicts {
            true => Carried::Probabilities,
            false => strand.carried(strand.contributed()),
        };
        codec::check(&path.key("codec_down"), down, carried, findings);
    }
    let both = [
        ("codec", Some(&strand.codec)),
        ("codec_down", strand.codec_down.as_ref()),
    ];
    for (key, given) in both {
        let remembers = given.is_some_and(|raw| Codec::new(raw).has_state());
        let alone = raw.method.peers.is_none() && raw.method.tier.is_empty();
        if remembers && !alone {
            findings.refuse(
                &path.key(key),
                "a codec that remembers what it sent before, where there is more than one aggregator",
                "differences and feedback are kept between one server and its clients",
                "leave out `delta`, and set `feedback = false` where it stands; or leave out `tier` and `peers`",
            );
        }
    }
}

fn distill(path: &StrandPath, strand: &RawStrand, method: &RawMethod, findings: &mut Findings<'_>) {
    let distill = &strand.distill;
    findings.number(
        &path.key("distill.weight"),
        distill.weight,
        |weight| weight >= 0.0,
        "a number, zero or more",
        "1 weighs what is received as much as own data",
    );
    findings.not_zero(
        &path.key("distill.epochs"),
        &distill.epochs,
        "learn what is received at least once",
    );
    if let Some(batch) = distill.batch {
        findings.not_zero(
            &path.key("distill.batch"),
            &batch,
            "leave it out for min(256, samples/8)",
        );
    }
    let received = match strand.exchange {
        RawExchange::PublicLogits { .. } => strand.received(method.server.as_ref()),
        _ => RawPredictions::Logits,
    };
    public::loss(&path.key("distill.loss"), &distill.loss, received, findings);
    let by_class = matches!(strand.exchange, RawExchange::ClassLogits);
    if by_class && distill.loss != RawDistillLoss::CrossEntropy {
        findings.refuse(
            &path.key("distill.loss"),
            "`class-logits` sends probabilities, and this loss compares logits",
            "expected `cross-entropy`",
            format!("set `{} = \"cross-entropy\"`", path.key("distill.loss")),
        );
    }
}
