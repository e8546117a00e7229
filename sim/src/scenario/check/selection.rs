//! Who works: each rule's keys, and whether the rule goes with the rest of the method.

use super::findings::Findings;
use crate::scenario::raw::{RawExchange, RawScenario, RawSchedule, RawSelection};

const PATH: &str = "method.selection";

/// Checks the selection, fills in what follows from the rest, and tells how many
/// clients are wanted for a version.
pub(super) fn check(raw: &mut RawScenario, clients: usize, findings: &mut Findings<'_>) -> usize {
    let size = size(&raw.method.selection, clients, findings);
    if raw.method.selection.needs_losses() && raw.method.exchange == RawExchange::None {
        let name = raw.method.selection.name();
        findings.refuse(
            &format!("{PATH}.kind"),
            format!("`{name}` goes by the losses that clients report, and nothing travels here"),
            "expected a rule that needs no reports",
            "take `uniform` or `round-robin`, or an exchange other than `none`",
        );
    }
    let schedule = match raw.method.schedule {
        RawSchedule::Synchronous { deadline, .. } => deadline,
        _ => None,
    };
    match &mut raw.method.selection {
        RawSelection::PowerOfChoice { candidates, .. } => {
            let effective = candidates.unwrap_or((2 * size).min(clients));
            if effective < size || effective > clients {
                findings.refuse(
                    &format!("{PATH}.candidates"),
                    format!(
                        "`{PATH}.candidates` is {effective}; {size} are picked of them, and there \
                         are {clients} clients"
                    ),
                    format!("expected {size} to {clients}"),
                    "leave it out for twice as many as are picked",
                );
            }
            *candidates = Some(effective);
        }
        RawSelection::FedCs { deadline, .. } => {
            *deadline = deadline.or(schedule);
            match deadline {
                None => findings.refuse(
                    PATH,
                    "`fedcs` picks those who fit a deadline, and there is none",
                    "expected `deadline`, here or in a synchronous schedule",
                    "write selection = { kind = \"fedcs\", deadline = \"3 min\" }",
                ),
                Some(deadline) if deadline.is_zero() => findings.refuse(
                    &format!("{PATH}.deadline"),
                    format!("`{PATH}.deadline` is {deadline}: nobody fits it"),
                    "expected a time above zero",
                    "leave it out for the deadline of the schedule",
                ),
                Some(_) => {}
            }
        }
        selection => numbers(selection, clients, findings),
    }
    size
}

/// How many clients are wanted for a version.
fn size(selection: &RawSelection, clients: usize, findings: &mut Findings<'_>) -> usize {
    let name = selection.name();
    let most = clients.max(1);
    match selection.how_many() {
        (None, None) if selection.takes_all_it_can() => clients,
        (None, None) => {
            findings.refuse(
                PATH,
                format!("`{name}` selection does not say how many clients"),
                "expected `count` or `fraction`",
                format!("write selection = {{ kind = \"{name}\", count = 10 }}"),
            );
            clients
        }
        (Some(_), Some(_)) => {
            findings.refuse(
                &format!("{PATH}.fraction"),
                format!("`{name}` selection has both `count` and `fraction`"),
                "expected one of them",
                "remove one of the two keys",
            );
            clients
        }
        (Some(count), None) => {
            if count == 0 || count > clients {
                findings.refuse(
                    &format!("{PATH}.count"),
                    format!("`{PATH}.count` is {count}, and there are {clients} clients"),
                    format!("expected 1 to {clients}"),
                    "to select everyone take `selection = \"all\"`",
                );
            }
            count.clamp(1, most)
        }
        (None, Some(fraction)) => {
            findings.number(
                &format!("{PATH}.fraction"),
                fraction,
                |share| share > 0.0 && share <= 1.0,
                "a share above 0, at most 1",
                "0.1 selects a tenth of the clients",
            );
            selection.size(clients).clamp(1, most)
        }
    }
}

/// Numbers that stand by themselves.
fn numbers(selection: &mut RawSelection, clients: usize, findings: &mut Findings<'_>) {
    let path = |key: &str| format!("{PATH}.{key}");
    if let RawSelection::Oort { .. } = selection {
        oort(selection, findings);
        return;
    }
    // What nobody asked for is no mistake.
    if let RawSelection::Tifl { tiers, .. } = selection
        && !findings.is_explicit(&path("tiers"))
    {
        *tiers = (*tiers).min(clients.max(1));
    }
    match *selection {
        RawSelection::Tifl {
            tiers,
            interval,
            credits,
            ..
        } => {
            if tiers == 0 || tiers > clients {
                findings.refuse(
                    &path("tiers"),
                    format!("`{PATH}.tiers` is {tiers}, and there are {clients} clients"),
                    format!("expected 1 to {clients}"),
                    "5 is the paper's",
                );
            }
            findings.not_zero(
                &path("interval"),
                &interval,
                "probabilities are worked out anew after so many versions",
            );
            if let Some(credits) = credits {
                findings.not_zero(
                    &path("credits"),
                    &credits,
                    "leave it out to draw each tier without end",
                );
            }
        }
        RawSelection::Availability { least, .. } => {
            findings.number(
                &path("least"),
                least,
                |share| (0.0..1.0).contains(&share),
                "a share from 0 up to, but not including, 1",
                "0 leaves nobody out; who has never worked counts as 0.5",
            );
        }
        _ => {}
    }
}

fn oort(selection: &mut RawSelection, findings: &mut Findings<'_>) {
    let path = |key: &str| format!("{PATH}.{key}");
    // Who asks for little exploration wants no more than that in the end.
    if let RawSelection::Oort {
        exploration,
        least_exploration,
        ..
    } = selection
        && !findings.is_explicit(&path("least_exploration"))
    {
        *least_exploration = least_exploration.min(*exploration);
    }
    let RawSelection::Oort {
        exploration,
        exploration_decay,
        least_exploration,
        penalty,
        clip,
        cut_off,
        pace,
        window,
        ..
    } = *selection
    else {
        return;
    };
    let explores = findings.number(
        &path("exploration"),
        exploration,
        |share| (0.0..=1.0).contains(&share),
        "a share from 0 to 1",
        "0.9 is the paper's",
    );
    findings.number(
        &path("exploration_decay"),
        exploration_decay,
        |factor| factor > 0.0 && factor <= 1.0,
        "a factor above 0, at most 1",
        "0.98 is the paper's, 1 keeps the exploration as it is",
    );
    if explores {
        findings.number(
            &path("least_exploration"),
            least_exploration,
            |share| (0.0..=exploration).contains(&share),
            "a share from 0 to `exploration`",
            "leave it out for 0.2, or for `exploration` where that is less",
        );
    }
    findings.number(
        &path("penalty"),
        penalty,
        |exponent| exponent >= 0.0,
        "a number, zero or more",
        "2 is the paper's, 0 lets slow clients be",
    );
    for (key, value, usual) in [
        ("clip", clip, "0.95 is the paper's, 1 clips nothing"),
        ("cut_off", cut_off, "0.95 is the paper's"),
    ] {
        findings.number(
            &path(key),
            value,
            |share| share > 0.0 && share <= 1.0,
            "a share above 0, at most 1",
            usual,
        );
    }
    if let Some(pace) = pace
        && pace.is_zero()
    {
        findings.refuse(
            &path("pace"),
            format!("`{PATH}.pace` is {pace}: everyone is slower than that"),
            "expected a time above zero",
            "leave it out for a quantile of the durations seen",
        );
    }
    findings.not_zero(
        &path("window"),
        &window,
        "the utility of so many versions is compared with that of as many before",
    );
}
