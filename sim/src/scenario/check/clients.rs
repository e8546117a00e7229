//! Groups of clients: names, numbers and models.

use super::dropout::availability;
use super::findings::Findings;
use super::sites;
use crate::scenario::raw::RawScenario;

/// Each client costs a few hundred bytes before it does anything.
const MOST_CLIENTS: usize = 10_000_000;

/// The number of clients, where it can be worked with.
pub(super) fn check(raw: &RawScenario, findings: &mut Findings<'_>) -> Option<usize> {
    if raw.clients.is_empty() {
        findings.refuse(
            "clients",
            "there are no client groups",
            "",
            "add a [[clients]] table with `name`, `count`, `model`, `device` and `link`",
        );
        return None;
    }
    for (index, group) in raw.clients.iter().enumerate() {
        let path = format!("clients.{index}");
        name(&format!("{path}.name"), "group", &group.name, findings);
        if let Some(first) = raw.clients[..index]
            .iter()
            .position(|other| other.name == group.name)
        {
            let before = findings
                .tree()
                .nearest_place(&format!("clients.{first}.name"));
            let problem = findings
                .problem(
                    &format!("{path}.name"),
                    format!("two client groups are called `{}`", group.name),
                    "again here",
                )
                .and_at(before, "first here")
                .way_out("give each group its own name: its clients are called after it");
            findings.add(problem);
        }
        findings.not_zero(
            &format!("{path}.count"),
            &group.count,
            "remove the group if it has no clients",
        );
        availability(&path, group, findings);
    }
    sites::check(raw, findings);
    count(raw, findings)
}

fn count(raw: &RawScenario, findings: &mut Findings<'_>) -> Option<usize> {
    let mut total = 0_usize;
    for (index, group) in raw.clients.iter().enumerate() {
        total = total.saturating_add(group.count);
        if total > MOST_CLIENTS {
            let memory = total.saturating_mul(256) as f64 / 1e9;
            findings.refuse(
                &format!("clients.{index}.count"),
                format!("{total} clients are too many"),
                format!("at most {MOST_CLIENTS} clients in all"),
                format!(
                    "a client takes about 256 bytes before it does anything, here {memory:.0} GB in \
                     all; simulate a sample of them"
                ),
            );
            return None;
        }
    }
    Some(total)
}

/// Whether a name can be part of a path and of a table.
pub(super) fn name(path: &str, what: &str, name: &str, findings: &mut Findings<'_>) {
    let odd = name
        .chars()
        .find(|letter| !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.')));
    let wrong = if name.is_empty() {
        "is empty".to_owned()
    } else if let Some(odd) = odd {
        format!("holds `{}`", odd.escape_default())
    } else if name.starts_with(['.', '-']) {
        "begins with a dot or a dash".to_owned()
    } else if name.len() > 100 {
        format!("is {} letters long, more than 100", name.len())
    } else if what == "group" && name == "all" {
        "is `all`, which stands for all groups together in the tables".to_owned()
    } else {
        return;
    };
    findings.refuse(
        path,
        format!("the name of the {what} {wrong}"),
        "expected letters, digits, `-`, `_` and `.`",
        "the name becomes part of file names and tables; choose a plain one",
    );
}
