#![expect(missing_docs, reason = "a test")]
use fedstill_sim::federation::*;
use fedstill_sim::scenario::*;
#[test]
fn probe() {
    let p = std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/quickstart.toml"));
    for preset in ["fedmd", "fd", "local-only", "fedavg"] {
        for schedule in ["synchronous", "asynchronous"] {
            let mut sets = vec![format!("method.preset={preset:?}"), format!("method.schedule.kind={schedule:?}")];
            if preset == "fedavg" {
                sets.push("clients.1.model=\"mlp-32\"".into());
                sets.push("clients.2.model=\"mlp-32\"".into());
            }
            if schedule == "asynchronous" { sets.push("stop={time=\"400 s\"}".into()); sets.push("evaluation.every=\"20 s\"".into());}
            let runs = load(&[p.clone()], &Overrides { sets, ..Default::default() }).unwrap_or_else(|e| panic!("{e}"));
            let books = run(&runs[0], RunSettings { threads: 2, hooks: Hooks::default() }, &mut |_| {}).unwrap();
            println!("{preset} {schedule} {:?} at {} versions {} parts {} transfers {} bytes {}", books.status, books.accounts.ended_at, books.versions.len(), books.accounts.participations.len(), books.accounts.transfers.len(), books.accounts.transfers.iter().map(|t| t.carried_bytes).sum::<u64>());
            let mut outcomes = std::collections::BTreeMap::new();
            for p in &books.accounts.participations { *outcomes.entry(p.outcome.unwrap().name()).or_insert(0) += 1; }
            println!("   {outcomes:?}");
            for e in books.evaluations.iter().step_by(10.max(books.evaluations.len()/8)).chain(books.evaluations.last()) {
                let m = e.clients.iter().map(|c| c.global.accuracy()).sum::<f64>() / e.clients.len() as f64;
                print!("  {} v{} {m:.3}", e.at, e.version);
            }
            let b: Vec<_> = books.clients.iter().filter_map(|c| c.benefit[0].map(|b| b.global)).collect();
            println!("\n  benefit {:.3}", b.iter().sum::<f64>() / b.len() as f64);
        }
    }
}
