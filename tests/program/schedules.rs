//! When versions are published, who works for them, and what becomes of what comes too
//! late, too often, too stale, or not at all.

use crate::desk::Desk;
use crate::tables::{Row, Tables};
use std::collections::BTreeMap;

const SECOND: u64 = 1_000_000_000;

/// A scenario of some groups of clients; `seconds` of computing follow from the speeds.
fn scenario(groups: &str, method: &str, stop: &str) -> String {
    format!(
        r#"
name = "sites"
seed = 8
stop = {{ {stop} }}

[data]
source = {{ kind = "synthetic", classes = 3, features = 4, samples = 330, separation = 3.0 }}
test = 60
public = 30
holdout = 0.0

{groups}

[server]
detection_delay = "7 s"
poll = "2 s"

[method]
{method}
"#
    )
}

/// A group of clients with `mlp-5` and 60 ms of latency each way.
///
/// Forward FLOPs of mlp-5 on 4 features and 3 classes: 2·4·5 + 5 + 5 + 2·5·3 + 3 = 83.
fn group(name: &str, count: usize, speed: &str, more: &str) -> String {
    format!(
        "[[clients]]\nname = \"{name}\"\ncount = {count}\nmodel = \"mlp-5\"\n\
         link = {{ up = \"1 Mbps\", down = \"1 Mbps\", latency = \"60 ms\" }}\n\
         device = {{ speed = \"{speed}\" }}\n{more}\n"
    )
}

fn run(scenario: &str) -> Tables {
    Desk::new().run(scenario, "out", &[])
}

fn with<'a>(tables: &'a Tables, column: &str, value: &str) -> Vec<Row<'a>> {
    let mut rows: Vec<_> = tables.rows("participations").collect();
    rows.retain(|row| row.text(column) == value);
    rows
}

fn outcomes(tables: &Tables) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for row in tables.rows("participations") {
        *counts.entry(row.text("outcome")).or_default() += 1;
    }
    counts
}

#[test]
fn clients_that_send_nothing_wait_for_their_version_all_the_same() {
    let groups = group("fast", 2, "1 MFLOP/s", "") + &group("slow", 1, "100 kFLOP/s", "");
    let tables = run(&scenario(
        &groups,
        "preset = \"local-only\"",
        "versions = 3",
    ));
    let sum = |table: &str, column: &str| -> u64 {
        let rows = tables.rows(table);
        rows.map(|row| row.nanos_if(column).unwrap_or(0)).sum()
    };
    let waited = sum("participations", "wait_s");
    assert!(waited > 0);
    assert_eq!(waited, sum("versions", "idle_client_s"));
    assert_eq!(waited, sum("clients", "waiting_version_s"));
}

#[test]
fn an_aggregator_that_hears_of_an_idle_client_does_not_wait_for_its_next_look() {
    // Nobody is in time for 1 ms, so every version fails; the next one opens when the
    // first of the last cohort has delivered, within a second and not after the poll's two.
    let groups = group("site", 3, "1 MFLOP/s", "");
    let method = "preset = \"fd\"\nschedule = { kind = \"synchronous\", deadline = \"1 ms\" }";
    let tables = run(&scenario(&groups, method, "versions = 4"));
    let versions: Vec<_> = tables.rows("versions").collect();
    let gap = |pair: &[Row<'_>]| pair[1].nanos("open_s") - pair[0].nanos("close_s");
    let gaps: Vec<u64> = versions.windows(2).map(gap).collect();
    assert!(gaps[0] > 0, "everybody is still at work: {gaps:?}");
    assert!(gaps.iter().all(|gap| *gap < SECOND), "{gaps:?}");
}

#[test]
fn a_grid_of_evaluations_neither_ends_a_run_nor_keeps_it_alive() {
    let groups = group("site", 3, "1 MFLOP/s", "");
    let fedmd = "preset = \"fedmd\"";
    let grid = "\n[evaluation]\nevery = \"50 ms\"\n";
    let tables = run(&scenario(
        &groups,
        &format!("{fedmd}{grid}"),
        "versions = 4",
    ));
    assert_eq!(tables.run().text("status"), "completed");
    assert_eq!(tables.run().count("n_versions"), 4);
    // Nobody can work, so nothing but the grid is left.
    let tiny = groups.replace("speed =", "memory = \"1 B\", speed =");
    let tables = run(&scenario(&tiny, &format!("{fedmd}{grid}"), "versions = 4"));
    assert_eq!(tables.run().text("status"), "stalled");
}

#[test]
fn a_version_closes_at_its_deadline_and_what_comes_after_is_late() {
    // 90 samples each, 3·83 FLOPs a sample: 22 410 FLOPs take the fast 0.02 s and the
    // slow 7.47 s, which is in the second of two versions of 5 s.
    let groups = group("fast", 2, "1 MFLOP/s", "") + &group("slow", 1, "3 kFLOP/s", "");
    let method = "preset = \"fd\"\nschedule = { kind = \"synchronous\", deadline = \"5 s\" }";
    let tables = run(&scenario(&groups, method, "versions = 4"));
    let versions: Vec<_> = tables.rows("versions").collect();
    let told: Vec<_> = versions
        .iter()
        .map(|version| {
            (
                version.text("close_reason"),
                version.count("n_selected"),
                version.count("n_merged"),
            )
        })
        .collect();
    // The slow one is not selected while it is busy with version 1: the fast ones alone
    // work for version 2, again and again, until it has delivered.
    assert_eq!(told[0], ("deadline", 3, 2));
    assert_eq!(told[1], ("all_arrived", 2, 2));
    assert_eq!(versions[0].nanos("close_s"), 5 * SECOND);
    let slow = with(&tables, "client_id", "slow-0");
    assert_eq!(
        slow[0].text("outcome"),
        "unfinished",
        "four versions end before 7.47 s"
    );

    let longer = run(&scenario(&groups, method, "time = \"30 s\""));
    let slow = with(&longer, "client_id", "slow-0");
    assert!(slow.len() >= 3);
    for row in &slow[..slow.len() - 1] {
        assert_eq!(row.text("outcome"), "late");
        assert_eq!(row.nanos("wait_s"), 0, "decided on arrival");
        assert_eq!(
            row.count("wasted_bytes"),
            row.count("down_bytes") + row.count("up_bytes")
        );
    }
    for version in longer.rows("versions") {
        let lasted = version.nanos("close_s") - version.nanos("open_s");
        match version.text("close_reason") {
            "deadline" => assert_eq!(lasted, 5 * SECOND),
            reason => assert!(reason == "all_arrived" && lasted < 5 * SECOND, "{reason}"),
        }
    }
    for row in with(&longer, "group", "fast") {
        assert!(["merged", "unfinished"].contains(&row.text("outcome")));
    }
}

#[test]
fn with_over_selection_a_version_closes_when_enough_are_in_and_the_rest_is_surplus() {
    // Two are wanted, ⌈2·1.5⌉ = 3 of four are selected.
    let groups: String = [
        ("a", "40 kFLOP/s"),
        ("b", "30 kFLOP/s"),
        ("c", "20 kFLOP/s"),
        ("d", "10 kFLOP/s"),
    ]
    .map(|(name, speed)| group(name, 1, speed, ""))
    .concat();
    let method = "preset = \"fd\"\nselection = { kind = \"uniform\", count = 2 }\n\
        schedule = { kind = \"synchronous\", over_select = 1.5 }";
    let tables = run(&scenario(&groups, method, "versions = 20"));
    assert!(outcomes(&tables)["surplus"] >= 5);
    for version in tables.rows("versions") {
        let start = (version.count("version") - 1).to_string();
        let cohort = with(&tables, "start_version", &start);
        assert_eq!(version.count("n_selected"), cohort.len() as u64);
        assert!(cohort.len() <= 3);
        let (mut merged, mut others): (Vec<_>, Vec<_>) = cohort
            .into_iter()
            .partition(|row| row.text("outcome") == "merged");
        merged.sort_by_key(|row| row.nanos("end_s"));
        let last = merged.last().expect("somebody delivers").nanos("end_s");
        assert_eq!(
            version.nanos("close_s"),
            last,
            "closed by the last one that was wanted"
        );
        assert_eq!(
            version.count("n_merged"),
            2.min(version.count("n_selected"))
        );
        let reason = if others.is_empty() {
            "all_arrived"
        } else {
            "quorum"
        };
        assert_eq!(version.text("close_reason"), reason);
        others.retain(|row| row.text("outcome") != "unfinished");
        for row in others {
            assert_eq!(row.text("outcome"), "surplus");
            assert!(row.nanos("end_s") >= version.nanos("close_s"));
        }
    }
}

/// Accuracy and loss of the global model by version.
fn global_scores(tables: &Tables) -> BTreeMap<u64, Vec<&str>> {
    let mut scores: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    let all = tables.rows("evaluations");
    for row in all.filter(|row| row.text("model_scope") == "global") {
        scores
            .entry(row.count("version"))
            .or_default()
            .push(row.text("value"));
    }
    scores
}

#[test]
fn a_version_with_too_few_contributions_fails_and_its_knowledge_stays() {
    // One always drops out, so that never two arrive.
    let drops = "dropout = { kind = \"per-participation\", rate = 1.0 }";
    let groups = group("here", 1, "1 MFLOP/s", "") + &group("gone", 1, "1 MFLOP/s", drops);
    let method = |minimum: u32| {
        format!("preset = \"fedavg\"\nschedule = {{ kind = \"synchronous\", minimum = {minimum} }}")
    };
    let tables = run(&scenario(&groups, &method(2), "versions = 3"));
    assert_eq!(tables.table("versions").len(), 3, "the counter advances");
    assert_eq!(tables.run().count("n_versions"), 0);
    assert_eq!(tables.run().count("n_failed_versions"), 3);
    for version in tables.rows("versions") {
        assert_eq!(
            (version.text("close_reason"), version.count("n_merged")),
            ("failed", 0)
        );
        let start = (version.count("version") - 1).to_string();
        let cohort = with(&tables, "start_version", &start);
        let lost = cohort
            .iter()
            .find(|row| row.text("group") == "gone")
            .expect("selected");
        assert!(lost.text("outcome").starts_with("dropped_"));
        // Nobody knows before the detection delay is over.
        assert_eq!(version.nanos("close_s"), lost.nanos("end_s") + 7 * SECOND);
        let here = cohort
            .iter()
            .find(|row| row.text("group") == "here")
            .expect("selected");
        assert_eq!(here.text("outcome"), "unused");
        assert_eq!(
            here.nanos("wait_s"),
            version.nanos("close_s") - here.nanos("end_s")
        );
        assert_eq!(here.nanos("wait_s"), version.nanos("idle_client_s"));
    }
    let scores = global_scores(&tables);
    assert_eq!(
        scores.len(),
        4,
        "evaluated at the start and after each version"
    );
    assert!(
        scores.values().all(|score| *score == scores[&0]),
        "{scores:?}"
    );

    // With one contribution being enough the same course of events is three versions.
    let tables = run(&scenario(&groups, &method(1), "versions = 3"));
    assert_eq!(tables.run().count("n_versions"), 3);
    assert_eq!(outcomes(&tables)["merged"], 3);
    let scores = global_scores(&tables);
    assert_ne!(scores[&0], scores[&1]);
}

#[test]
fn a_client_whose_model_does_not_fit_says_so_once_and_the_others_go_on() {
    // Parameters alone take 4·(5·5 + 6·3) = 172 bytes.
    let tight = group("tight", 1, "1 MFLOP/s\", memory = \"171 B", "");
    for schedule in ["synchronous", "asynchronous"] {
        let groups = group("roomy", 2, "1 MFLOP/s", "") + &tight;
        let method = format!("preset = \"fedavg\"\nschedule = \"{schedule}\"");
        let tables = run(&scenario(&groups, &method, "versions = 6"));
        assert_eq!(tables.run().text("status"), "completed");
        let unfit = with(&tables, "group", "tight");
        assert_eq!(unfit.len(), 1, "{schedule}: it is not asked again");
        assert_eq!(unfit[0].text("outcome"), "unfit");
        assert_eq!(unfit[0].text("compute_start_s"), "");
        assert_eq!(unfit[0].count("train_flops"), 0);
    }
}

#[test]
fn a_run_in_which_nobody_can_work_is_stalled_and_says_so() {
    let tight = group("tight", 3, "1 MFLOP/s\", memory = \"171 B", "");
    for schedule in ["synchronous", "asynchronous"] {
        let method = format!("preset = \"fedavg\"\nschedule = \"{schedule}\"");
        let text = scenario(&tight, &method, "versions = 6");
        let desk = Desk::new();
        let tables = desk.run(&text, "out", &[]);
        assert_eq!(tables.run().text("status"), "stalled");
        assert_eq!(outcomes(&tables), BTreeMap::from([("unfit", 3)]));
        assert_eq!(tables.run().count("n_versions"), 0);
        let file = desk.file("sites.toml", &text);
        let ended = desk.fedstill(&["run", &file, "--out", "said"]).well();
        assert!(ended.stdout.contains("stalled"), "{}", ended.stdout);
    }
}

#[test]
fn training_that_leaves_the_finite_numbers_is_an_outcome_and_no_number() {
    let groups = group("site", 2, "1 MFLOP/s", "");
    for preset in ["fedavg", "fedmd", "fd", "local-only"] {
        for schedule in ["synchronous", "asynchronous"] {
            let method = format!(
                "preset = \"{preset}\"\nschedule = \"{schedule}\"\n\
                 local = {{ optimizer = {{ kind = \"sgd\", lr = 1e30 }} }}"
            );
            // Reads every cell that should be a number, and finds it finite or missing.
            let tables = run(&scenario(&groups, &method, "versions = 5"));
            let what = format!("{preset}, {schedule}");
            assert_eq!(tables.run().text("status"), "diverged", "{what}");
            assert!(outcomes(&tables)["diverged"] >= 2, "{what}");
            for name in crate::tables::NAMES {
                for cell in tables.rows(name).flat_map(|row| row.cells) {
                    let word = cell.to_lowercase();
                    assert!(
                        !["nan", "inf", "-inf", "infinity"].contains(&word.as_str()),
                        "{what}: {name}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_too_stale_is_refused() {
    let groups: String = [
        ("a", "1 MFLOP/s"),
        ("b", "700 kFLOP/s"),
        ("c", "400 kFLOP/s"),
        ("slow", "20 kFLOP/s"),
    ]
    .map(|(name, speed)| group(name, 1, speed, ""))
    .concat();
    let limit = |most: &str| {
        let method = format!(
            "preset = \"fedavg\"\nschedule = {{ kind = \"asynchronous\"{most} }}\nlocal = {{ epochs = 1 }}"
        );
        run(&scenario(&groups, &method, "versions = 60"))
    };
    let free = limit("");
    let staleness = |row: &Row<'_>| row.count("staleness_versions");
    let most = |tables: &Tables| {
        with(tables, "outcome", "merged")
            .iter()
            .map(staleness)
            .max()
    };
    assert!(most(&free) > Some(3), "{:?}", most(&free));
    assert!(!outcomes(&free).contains_key("stale"));

    for allowed in [0, 1, 2, 3] {
        let strict = limit(&format!(", max_staleness = {allowed}"));
        assert!(most(&strict) <= Some(allowed), "{:?}", most(&strict));
        let stale = with(&strict, "outcome", "stale");
        assert!(!stale.is_empty());
        for row in stale {
            // Versions published by its arrival, the one that it started from among them.
            let published = strict.rows("versions");
            let published = published.filter(|v| v.nanos("close_s") <= row.nanos("end_s"));
            assert!(published.count() as u64 - row.count("start_version") > allowed);
            assert_eq!(row.text("merged_version"), "");
        }
    }
}

#[test]
fn a_lost_client_is_not_asked_again_before_its_loss_is_known() {
    let comes_and_goes = "dropout = { kind = \"exponential\", up = \"8 s\", down = \"3 s\" }";
    let groups = group("site", 4, "10 kFLOP/s", comes_and_goes);
    for schedule in ["synchronous", "asynchronous"] {
        let method =
            format!("preset = \"fedavg\"\nschedule = \"{schedule}\"\nlocal = {{ epochs = 1 }}");
        let tables = run(&scenario(&groups, &method, "time = \"400 s\""));
        let mut lost = 0;
        for client in tables.rows("clients") {
            assert!(client.nanos("offline_s") > 0);
            let own = with(&tables, "client_id", client.text("client_id"));
            for pair in own.windows(2) {
                if pair[0].text("outcome").starts_with("dropped_") {
                    lost += 1;
                    let known = pair[0].nanos("end_s") + 7 * SECOND;
                    assert!(pair[1].nanos("selected_s") >= known, "{schedule}");
                }
            }
        }
        assert!(lost >= 20, "{schedule}: {lost}");
        // Downloads of 0.12 s and computing of 1.7 s and more: it shows where they were lost.
        assert!(outcomes(&tables)["dropped_compute"] >= 10, "{schedule}");
    }
}

#[test]
fn never_more_are_at_work_than_the_concurrency_allows() {
    let drops = "dropout = { kind = \"per-participation\", rate = 0.2 }";
    let groups = group("fast", 3, "100 kFLOP/s", drops) + &group("slow", 3, "20 kFLOP/s", "");
    for (asked, most) in [(", concurrency = 1", 1), (", concurrency = 4", 4), ("", 6)] {
        let method = format!("preset = \"fd\"\nschedule = {{ kind = \"asynchronous\"{asked} }}");
        let tables = run(&scenario(&groups, &method, "versions = 40"));
        // From selection until the aggregator knows of the end.
        let mut changes = Vec::new();
        for row in tables.rows("participations") {
            let dropped = row.text("outcome").starts_with("dropped_");
            let known = row.nanos("end_s") + if dropped { 7 * SECOND } else { 0 };
            changes.push((known, -1));
            changes.push((row.nanos("selected_s"), 1));
        }
        // An end makes place for a beginning at the same instant.
        changes.sort_unstable();
        let (mut open, mut peak) = (0, 0);
        for (_, change) in changes {
            open += change;
            peak = peak.max(open);
        }
        assert_eq!(peak, most, "{asked}");
        assert!(
            outcomes(&tables)
                .keys()
                .any(|outcome| outcome.starts_with("dropped_"))
        );
    }
}
