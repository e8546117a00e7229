//! Predictions on public samples: how many, what is sent of them, and who learns what from them.

use super::findings::Findings;
use super::method::optimizer;
use super::strands::StrandPath;
use crate::scenario::raw::{
    RawDistillLoss, RawDistillOrder, RawExchange, RawMethod, RawPredictions, RawRule,
    RawSampleFilter, RawScenario, RawServerSends, RawStrand,
};

/// Checks a strand's public samples, and writes effective values over defaults that depend on the
/// rest.
pub(super) fn samples(
    exchange: &mut RawExchange,
    at: StrandPath,
    public: usize,
    rounds: bool,
    findings: &mut Findings<'_>,
) {
    let RawExchange::PublicLogits {
        samples,
        redraw,
        cache,
        ..
    } = exchange
    else {
        return;
    };
    let path = &at.key("exchange.samples");
    if public == 0 {
        none_set_aside("`public-logits`", &at.key("exchange.kind"), findings);
    } else if *samples == 0 {
        findings.not_zero(
            path,
            samples,
            "ask for at least one public sample a version",
        );
    } else if *samples > public {
        if findings.is_explicit(path) {
            let problem = findings
                .problem(
                    path,
                    format!("`{path}` asks for {samples} public samples, but there are {public}"),
                    format!("expected at most {public}"),
                )
                .and_at(
                    findings.tree().nearest_place("data.public"),
                    "this many are set aside",
                )
                .way_out(
                    "ask for fewer, raise `data.public`, or leave `samples` out for all of them",
                );
            findings.add(problem);
        } else {
            *samples = public;
        }
    }
    if *redraw && !rounds {
        if findings.is_explicit(&at.key("exchange.redraw")) {
            findings.refuse(
                &at.key("exchange.redraw"),
                "public samples cannot be drawn anew without rounds that all clients share",
                "expected `false`",
                "without versions that all clients share, one list of samples is fixed for the run; \
                 set `redraw = false`, or take a synchronous schedule",
            );
        } else {
            *redraw = false;
        }
    }
    if *cache > 0 && !rounds {
        if findings.is_explicit(&at.key("exchange.cache")) {
            findings.refuse(
                &at.key("exchange.cache"),
                "predictions cannot be cached without rounds that all clients share",
                "expected 0",
                "what one client alone had found would stand for everybody; leave `cache` out, or \
                 take a synchronous schedule without tiers",
            );
        } else {
            *cache = 0;
            findings.note(
                "predictions are not cached: without rounds that all clients share, what one \
                 client alone had found would stand for everybody",
            );
        }
    }
}

fn none_set_aside(who: &str, asked_at: &str, findings: &mut Findings<'_>) {
    let is_said = findings.tree().at("data.public").is_some();
    let problem = findings
        .problem(
            if is_said { "data.public" } else { "data" },
            format!("{who} needs public samples, and `data.public` is 0"),
            "no samples are set aside here",
        )
        .and_at(findings.tree().nearest_place(asked_at), "asked for here")
        .way_out(
            "set `data.public`, such as 300, or take a method without public data, such as `fd`",
        );
    findings.add(problem);
}

/// Checks what a strand sends and learns of public samples.
pub(super) fn strand(
    at: &StrandPath,
    strand: &RawStrand,
    method: &RawMethod,
    findings: &mut Findings<'_>,
) {
    let RawExchange::PublicLogits {
        sends,
        filter,
        cache,
        ..
    } = &strand.exchange
    else {
        if strand.distill.order == RawDistillOrder::Together {
            findings.refuse(
                &at.key("distill.order"),
                format!(
                    "`{}` has no public samples to learn together with own data",
                    strand.exchange.name()
                ),
                "expected `before`",
                "remove it, or take `exchange = \"public-logits\"`",
            );
        }
        return;
    };
    if let RawPredictions::Probabilities { temperature } = sends {
        findings.number(
            &at.key("exchange.sends.temperature"),
            *temperature,
            |temperature| temperature > 0.0,
            "a temperature above zero",
            "1 leaves the predictions as they are, 10 softens them",
        );
    }
    if let RawSampleFilter::DensityRatio {
        quantile,
        ridge,
        reference,
    } = filter
    {
        let way_out = "leave it out for 100";
        findings.not_zero(&at.key("exchange.filter.reference"), reference, way_out);
        findings.number(
            &at.key("exchange.filter.quantile"),
            *quantile,
            |quantile| (0.0..1.0).contains(&quantile),
            "a share from 0 up to, but not including, 1",
            "0.25 keeps what is as likely as the likeliest three quarters of own data",
        );
        findings.number(
            &at.key("exchange.filter.ridge"),
            *ridge,
            |ridge| ridge > 0.0,
            "a number above zero",
            "leave it out for 0.001",
        );
        probabilities(
            at,
            strand,
            "a filter leaves samples out, which takes probabilities",
            findings,
        );
    }
    if *cache > 0 {
        cached(at, strand, method, findings);
    }
}

fn probabilities(at: &StrandPath, strand: &RawStrand, why: &str, findings: &mut Findings<'_>) {
    if !strand.contributed().are_probabilities() {
        findings.refuse(
            &at.key("exchange"),
            why,
            "this sends logits",
            match strand.exchange {
                RawExchange::ClassLogits { .. } => {
                    format!("set `{} = \"probabilities\"`", at.key("exchange.send"))
                }
                _ => format!("set `{} = \"probabilities\"`", at.key("exchange.sends")),
            },
        );
    }
}

/// What a cache does not go with.
fn cached(at: &StrandPath, strand: &RawStrand, method: &RawMethod, findings: &mut Findings<'_>) {
    let path = at.key("exchange.cache");
    let is_personal = matches!(
        strand.rule,
        RawRule::LeaveOneOut { .. }
            | RawRule::KnowledgeCoefficients { .. }
            | RawRule::Clusters { .. }
    );
    if is_personal {
        findings.refuse(
            &path,
            format!(
                "`{}` sends each client its own, and a cache holds what is the same for all",
                strand.rule.name()
            ),
            "expected 0",
            "leave `cache` out, or take another rule, such as `mean`",
        );
    }
    let server = method.server.as_ref();
    if server.is_some_and(|server| server.sends == RawServerSends::Predictions) {
        findings.refuse(
            &path,
            "the server's own predictions change with its model, and are not cached",
            "expected 0",
            "leave `cache` out, or set `method.server.sends = \"aggregate\"`",
        );
    }
}

/// Whether a rule goes with what is exchanged, and its numbers.
pub(super) fn rule(
    at: &StrandPath,
    strand: &RawStrand,
    method: &RawMethod,
    clients: usize,
    findings: &mut Findings<'_>,
) {
    let name = strand.rule.name();
    numbers(at, &strand.rule, clients, findings);
    let folds_rows = "it folds rows of predictions";
    match (&strand.rule, &strand.exchange) {
        (RawRule::Mean { .. }, _)
        | (RawRule::TrainedHead { .. } | RawRule::TrainedPrototypes { .. }, _)
        | (_, RawExchange::None | RawExchange::Prototypes { .. }) => {}
        (RawRule::LeaveOneOut { .. }, RawExchange::Parameters) => findings.refuse(
            &at.key("rule.kind"),
            "`leave-one-out` does not fold parameters",
            "each client would start from another model than its own was trained from",
            "take `rule = \"mean\"`, or exchange logits: `public-logits` or `class-logits`",
        ),
        (_, RawExchange::Parameters) => findings.refuse(
            &at.key("rule.kind"),
            format!("`{name}` does not fold parameters"),
            folds_rows,
            "take `rule = \"mean\"`, or exchange logits: `public-logits` or `class-logits`",
        ),
        (
            RawRule::KnowledgeCoefficients { .. } | RawRule::Clusters { .. },
            RawExchange::ClassLogits { .. },
        ) => findings.refuse(
            &at.key("rule.kind"),
            format!("`{name}` compares what clients predict of the same samples"),
            "`class-logits` are about each client's own",
            "take `exchange = \"public-logits\"`, or `rule = \"leave-one-out\"`",
        ),
        (
            RawRule::EntropyReduction { .. }
            | RawRule::EnhancedEntropyReduction { .. }
            | RawRule::UnambiguousMean { .. }
            | RawRule::KnowledgeCoefficients { .. }
            | RawRule::Clusters { .. },
            RawExchange::PublicLogits { .. } | RawExchange::ClassLogits { .. },
        ) => probabilities(
            at,
            strand,
            &format!("`{name}` folds probabilities"),
            findings,
        ),
        _ => {}
    }
    let is_personal = matches!(
        strand.rule,
        RawRule::KnowledgeCoefficients { .. } | RawRule::Clusters { .. }
    );
    if is_personal && !method.tier.is_empty() {
        let title = format!("`{name}` needs clients that contribute to the server itself");
        let why = "an aggregator between them would hand on a mean that is nobody's";
        not_here("method.tier", title, why, &at.key("rule.kind"), findings);
    }
    if matches!(strand.rule, RawRule::KnowledgeCoefficients { .. }) && method.peers.is_some() {
        let title = format!("`{name}` are learned at a server that knows all clients' predictions");
        let why = "here clients pass to each other";
        not_here("method.peers", title, why, &at.key("rule.kind"), findings);
    }
    if is_personal && method.server.is_some() {
        findings.refuse(
            "method.server",
            format!("under `{name}` there is no one teacher that the server could learn"),
            "expected no such table",
            "remove it, or take another rule, such as `mean`",
        );
    }
}

/// A shape of the federation that something at `asked_at` does not go with.
fn not_here(shape: &str, title: String, why: &str, asked_at: &str, findings: &mut Findings<'_>) {
    let problem = findings
        .problem(shape, title, why)
        .and_at(findings.tree().nearest_place(asked_at), "asked for here")
        .way_out(format!("leave `{shape}` out, or take another method"));
    findings.add(problem);
}

fn numbers(at: &StrandPath, rule: &RawRule, clients: usize, findings: &mut Findings<'_>) {
    let key = |key: &str| at.key(&format!("rule.{key}"));
    match *rule {
        RawRule::Mean { .. }
        | RawRule::LeaveOneOut { .. }
        | RawRule::Median
        | RawRule::TrainedHead { .. }
        | RawRule::TrainedPrototypes { .. } => {}
        RawRule::TrimmedMean { share } => {
            findings.number(
                &key("share"),
                share,
                |share| (0.0..0.5).contains(&share),
                "a share from 0 up to, but not including, 0.5",
                "0.1 leaves out the largest and the smallest tenth",
            );
        }
        RawRule::Krum { attackers, keep } => {
            findings.not_zero(&key("keep"), &keep, "1 is Krum, more is multi-Krum");
            // Blanchard et al. 2017, proposition 1.
            if clients < 2 * attackers + 3 {
                findings.refuse(
                    &key("attackers"),
                    format!("of {clients} clients `krum` cannot tell {attackers} attackers apart"),
                    format!("expected at most {}", clients.saturating_sub(3) / 2),
                    "it needs at least 2·attackers + 3 clients",
                );
            }
        }
        RawRule::GeometricMedian {
            iterations,
            smoothing,
        } => {
            findings.not_zero(&key("iterations"), &iterations, "3 are usual");
            findings.number(
                &key("smoothing"),
                smoothing,
                |smoothing| smoothing > 0.0,
                "a distance above zero",
                "leave it out for 0.000001",
            );
        }
        RawRule::EntropyReduction { temperature } => {
            findings.number(
                &key("temperature"),
                temperature,
                |temperature| temperature > 0.0,
                "a temperature above zero",
                "0.1 sharpens, and is DS-FL's",
            );
        }
        RawRule::EnhancedEntropyReduction { exponent } => {
            findings.number(
                &key("exponent"),
                exponent,
                |exponent| exponent > 0.0,
                "a number above zero",
                "1 is the mean, 1.5 is SCARLET's",
            );
        }
        RawRule::UnambiguousMean { threshold } => {
            findings.number(
                &key("threshold"),
                threshold,
                |threshold| threshold > 0.0 && threshold <= 2.0,
                "a distance above 0, at most 2",
                "2 leaves nothing out",
            );
        }
        RawRule::KnowledgeCoefficients { penalty, rate } => {
            findings.number(
                &key("penalty"),
                penalty,
                |penalty| penalty >= 0.0,
                "a number, zero or more",
                "0.7 is KT-pFL's",
            );
            if let Some(rate) = rate {
                findings.number(
                    &key("rate"),
                    rate,
                    |rate| rate > 0.0,
                    "a rate above zero",
                    "leave it out for a step that is scaled to the gradient",
                );
            }
        }
        RawRule::Clusters { count } => {
            if count < 2 || count > clients {
                findings.refuse(
                    &key("count"),
                    format!(
                        "`{}` is {count}, and there are {clients} clients",
                        key("count")
                    ),
                    format!("expected 2 to {clients}"),
                    "one cluster is the mean; take `rule = \"mean\"` for that",
                );
            }
        }
    }
}

/// Whether a loss goes with what is received.
pub(super) fn loss(
    path: &str,
    loss: &RawDistillLoss,
    received: RawPredictions,
    findings: &mut Findings<'_>,
) {
    if let RawDistillLoss::Kl { temperature, .. } = loss {
        findings.number(
            &format!("{path}.temperature"),
            *temperature,
            |temperature| temperature > 0.0,
            "a temperature above zero",
            "1 leaves the predictions as they are, 3 softens them",
        );
    }
    let of_logits = matches!(
        loss,
        RawDistillLoss::MeanAbsolute | RawDistillLoss::MeanSquared
    );
    if of_logits && received.are_probabilities() {
        findings.refuse(
            path,
            "this loss compares logits, and probabilities are received",
            "expected `cross-entropy`, `kl` or `squared-probabilities`",
            format!("set `{path} = \"cross-entropy\"`"),
        );
    }
}

/// What the server learns, and whether there is anything to learn from.
pub(super) fn server(raw: &RawScenario, findings: &mut Findings<'_>) {
    let method = &raw.method;
    restart(method, findings);
    let Some(server) = &method.server else {
        return;
    };
    let path = "method.server";
    if method.peers.is_some() {
        let title = "there is no server that could learn".to_owned();
        let why = "here clients pass to each other";
        not_here("method.peers", title, why, path, findings);
    }
    let rows = method.strands().into_iter().find_map(|strand| {
        let public = matches!(strand.exchange, RawExchange::PublicLogits { .. });
        public.then(|| strand.contributed())
    });
    let travel = method
        .exchanges()
        .any(|exchange| matches!(exchange, RawExchange::Parameters));
    match rows {
        Some(sends) => {
            loss(&format!("{path}.loss"), &server.loss, sends, findings);
        }
        None if travel => {
            loss(
                &format!("{path}.loss"),
                &server.loss,
                RawPredictions::Logits,
                findings,
            );
            if raw.data.public == 0 {
                none_set_aside("a server that learns from clients' models", path, findings);
            }
            if server.model.is_some() {
                findings.refuse(
                    &format!("{path}.model"),
                    "the server has the clients' models where parameters travel",
                    "expected no model",
                    "remove it",
                );
            }
            if server.sends == RawServerSends::Predictions {
                findings.refuse(
                    &format!("{path}.sends"),
                    "clients are sent models where parameters travel",
                    "expected `aggregate`",
                    "remove it",
                );
            }
        }
        None => findings.refuse(
            path,
            "there is nothing that the server could learn from",
            "neither predictions on public samples nor parameters travel",
            "remove it, or take `exchange = \"public-logits\"`",
        ),
    }
    if let Some(model) = &server.model
        && let Err(why) = model.architecture()
    {
        findings.refuse(
            &format!("{path}.model"),
            format!("`{path}.model`: {why}"),
            "expected an architecture",
            "`fedstill models` lists them; left out, it is that of the first group of clients",
        );
    }
    optimizer(&server.optimizer, &format!("{path}.optimizer"), findings);
    let least = "learn at least once";
    findings.not_zero(&format!("{path}.epochs"), &server.epochs, least);
    for (key, value) in [("steps", server.steps), ("patience", server.patience)] {
        if let Some(value) = value {
            findings.not_zero(&format!("{path}.{key}"), &value, least);
        }
    }
    if let Some(batch) = server.batch {
        let way_out = "leave it out for min(256, samples/8)";
        findings.not_zero(&format!("{path}.batch"), &batch, way_out);
    }
}

fn restart(method: &RawMethod, findings: &mut Findings<'_>) {
    let starts_with_received = method
        .exchanges()
        .any(|exchange| matches!(exchange, RawExchange::Parameters));
    let learns_nothing = method.strands().is_empty();
    if method.local.restart && (starts_with_received || learns_nothing) {
        findings.refuse(
            "method.local.restart",
            match starts_with_received {
                true => "every participation begins with the parameters received",
                false => "where nothing is received, all that was learned would be lost",
            },
            "expected `false`",
            "remove it, or take `exchange = \"public-logits\"`",
        );
    }
}
