//! Peer to peer: what has no meaning without a server.

use super::findings::Findings;
use crate::scenario::raw::{RawScenario, RawScope, RawSelection};

pub(super) fn check(raw: &RawScenario, findings: &mut Findings<'_>) {
    if raw.method.peers.is_none() {
        return;
    }
    if !raw.method.tier.is_empty() {
        findings.refuse(
            "method.tier",
            "aggregators between a server and clients, and peers without a server",
            "expected `tier` or `peers`",
            "remove one of the two",
        );
    }
    for (place, strand) in raw.method.strands().iter().enumerate() {
        if strand.rule.trains_on_prototypes() {
            let path = match place {
                0 => "method.rule.kind".to_owned(),
                further => format!("method.also.{}.rule.kind", further - 1),
            };
            findings.refuse(
                &path,
                format!(
                    "`{}` is trained at a server, and there is none where clients pass to each other",
                    strand.rule.name()
                ),
                "expected `mean`",
                "take `rule = \"mean\"`, or the preset `fedproto`; or leave out `peers`",
            );
        }
    }
    if raw.method.selection != RawSelection::All {
        findings.refuse(
            "method.selection",
            "nobody selects where clients pass to each other",
            "every client works whenever it is online",
            "remove `selection`; `peers` says to whom each passes",
        );
    }
    if raw.server.device.is_some() {
        findings.refuse(
            "server.device",
            "there is no server where clients pass to each other",
            "expected no device of it",
            "remove it",
        );
    }
    let target = raw.evaluation.target.as_ref();
    if target.is_some_and(|target| target.scope == RawScope::Global) {
        findings.refuse(
            "evaluation.target.scope",
            "there is no global model where clients pass to each other",
            "expected `personal`",
            "leave `scope` out: the mean over the clients' models is looked at then",
        );
    }
}
