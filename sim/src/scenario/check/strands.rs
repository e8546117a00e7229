//! What travels: every kind of knowledge by itself, and whether they go together.

use super::codec::{self, Carried};
use super::findings::Findings;
use super::{public, sites, widths};
use crate::federation::MOST_STRANDS;
use crate::federation::codec::Codec;
use crate::scenario::presets::PRESETS;
use crate::scenario::raw::{
    RawDistillLoss, RawExchange, RawMethod, RawPrediction, RawPredictions, RawRule, RawScenario,
    RawSchedule, RawServerSends, RawStrand,
};

/// Checks every strand, and writes effective values over defaults that depend on the rest.
pub(super) fn check(raw: &mut RawScenario, clients: usize, findings: &mut Findings<'_>) {
    if raw.method.needs_equal_models() {
        equal_models(raw, findings);
    }
    let is_prototypes =
        |strand: &&RawStrand| matches!(strand.exchange, RawExchange::Prototypes { .. });
    if let Some(strand) = raw.method.strands().iter().find(is_prototypes) {
        widths::check(raw, &strand.rule, findings);
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
        prototypes(path, strand, findings);
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
            RawExchange::PublicLogits { .. } => Carried::Probabilities,
            RawExchange::ClassLogits {
                send: RawPrediction::Probabilities,
            } => Carried::Probabilities,
            RawExchange::ClassLogits {
                send: RawPrediction::Logits,
            } => Carried::Logits,
            RawExchange::Prototypes { .. } => Carried::Rows,
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
            // A preset's codec was not the user's wish, the shape of the federation was.
            let place = match (findings.is_explicit(&path.key(key)), &raw.method.peers) {
                (true, _) => path.key(key),
                (false, Some(_)) => "method.peers".to_owned(),
                (false, None) => "method.tier".to_owned(),
            };
            findings.refuse(
                &place,
                "a codec that remembers what it sent before, where there is more than one aggregator",
                "differences and feedback are kept between one server and its clients",
                "leave out `delta`, and set `feedback = false` where it stands; or leave out `tier` and `peers`",
            );
        }
    }
}

/// Rules that are made for prototypes, and those that are not.
fn prototypes(path: &StrandPath, strand: &RawStrand, findings: &mut Findings<'_>) {
    let name = strand.rule.name();
    let is_prototypes = matches!(strand.exchange, RawExchange::Prototypes { .. });
    if is_prototypes && matches!(strand.rule, RawRule::LeaveOneOut { .. }) {
        findings.refuse(
            &path.key("rule.kind"),
            "`leave-one-out` does not fold prototypes",
            "a client is scored by the nearest of them, and would lack the classes that it alone has",
            "take `rule = \"mean\"`",
        );
    } else if is_prototypes
        && !strand.rule.trains_on_prototypes()
        && !matches!(strand.rule, RawRule::Mean { .. })
    {
        findings.refuse(
            &path.key("rule.kind"),
            format!("`{name}` does not fold prototypes"),
            "it folds rows of predictions",
            "take `rule = \"mean\"`, `trained-prototypes` or `trained-head`",
        );
    }
    if !is_prototypes && strand.rule.trains_on_prototypes() {
        findings.refuse(
            &path.key("rule.kind"),
            format!("`{name}` trains on prototypes, and none travel here"),
            "expected `mean` or `leave-one-out`",
            "set `exchange = \"prototypes\"`, or take `rule = \"mean\"`",
        );
    }
    let (RawRule::TrainedHead { epochs, batch, lr }
    | RawRule::TrainedPrototypes {
        epochs, batch, lr, ..
    }) = &strand.rule
    else {
        return;
    };
    findings.not_zero(&path.key("rule.epochs"), epochs, "train at least once");
    let batch_key = path.key("rule.batch");
    findings.not_zero(&batch_key, batch, "a batch holds at least one sample");
    findings.number(
        &path.key("rule.lr"),
        *lr,
        |lr| lr > 0.0,
        "a learning rate above zero",
        "0.01 is usual",
    );
    if let RawRule::TrainedPrototypes { margin, .. } = &strand.rule {
        findings.number(
            &path.key("rule.margin"),
            *margin,
            |margin| margin >= 0.0,
            "a number, zero or more",
            "100 is the paper's",
        );
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
    let (reason, expected) = match (&strand.exchange, &distill.loss) {
        (
            RawExchange::ClassLogits {
                send: RawPrediction::Probabilities,
            },
            loss,
        ) if *loss != RawDistillLoss::CrossEntropy => (
            "`class-logits` sends probabilities, and this loss compares logits",
            "cross-entropy",
        ),
        (
            RawExchange::ClassLogits {
                send: RawPrediction::Logits,
            },
            loss,
        ) if !matches!(loss, RawDistillLoss::Kl { .. }) => (
            "`class-logits` sends logits here, of which a class that nobody has is left out",
            "kl",
        ),
        (RawExchange::Prototypes { .. }, loss)
            if *loss != RawDistillLoss::MeanSquared
                && !matches!(strand.rule, RawRule::TrainedHead { .. }) =>
        {
            (
                "prototypes are features, and learned by their mean squared error",
                "mean-squared",
            )
        }
        _ => return,
    };
    let key = path.key("distill.loss");
    findings.refuse(
        &key,
        reason,
        format!("expected `{expected}`"),
        format!("set `{key} = \"{expected}\"`"),
    );
}
