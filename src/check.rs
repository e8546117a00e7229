//! `fedstill check`: what would run, and what it costs.

use crate::Exit;
use crate::arguments::Check;
use crate::printer;
use crate::progress::time;
use fedstill_sim::federation::{Deployment, Estimate, Range};
use fedstill_sim::network::Graph;
use fedstill_sim::scenario::{Plan, PlannedRun, RawTransfer, load};
use serde_json::json;

pub(crate) fn check(arguments: &Check) -> Exit {
    let planned = match load(&arguments.scenarios.files, &arguments.scenarios.overrides()) {
        Ok(planned) => planned,
        Err(problems) => {
            printer::problems(&problems);
            return Exit::WrongInput;
        }
    };
    let mut exit = Exit::Done;
    for plan in &planned {
        for note in plan.notes() {
            printer::note(format_args!("note: {note}"));
        }
        if let Err(error) = tell(plan, arguments.json) {
            let name = match plan {
                Plan::Network(_) => plan.name().to_owned(),
                Plan::Federation(run) | Plan::Transfers(run) => {
                    format!("{} #{}", run.scenario.name, run.number)
                }
            };
            printer::error(format_args!("{name}: {error}"), None);
            exit = Exit::WrongInput;
        }
    }
    if exit == Exit::Done && !arguments.json {
        let runs = if planned.len() == 1 { "run" } else { "runs" };
        printer::result(format_args!("{} {runs} would run", planned.len()));
    }
    exit
}

/// Says what would run.
fn tell(plan: &Plan, in_json: bool) -> Result<(), String> {
    match plan {
        Plan::Federation(run) => {
            let deployment = Deployment::draw(run.scenario.clone()).map_err(|e| e.to_string())?;
            let estimate = Estimate::of(&deployment);
            if in_json {
                printer::result(as_json(run, &estimate));
            } else {
                printer::result(as_text(run, &estimate));
            }
        }
        Plan::Network(run) => {
            let graph = run.scenario.graph()?;
            let transfers = &run.scenario.transfer;
            tell_transfers(run, &run.scenario.name, transfers, &graph, None, in_json);
            if !in_json && !run.scenario.compute.is_empty() {
                printer::result(format_args!(
                    "  {} computations on {} hosts",
                    run.scenario.compute.len(),
                    run.scenario.host.len()
                ));
            }
        }
        Plan::Transfers(run) => {
            let deployment = Deployment::draw(run.scenario.clone()).map_err(|e| e.to_string())?;
            let (transfers, clients) = (&run.scenario.transfer, Some(deployment.clients()));
            let graph = deployment.core();
            tell_transfers(run, &run.scenario.name, transfers, graph, clients, in_json);
        }
    }
    Ok(())
}

/// Says what a run of bare transfers would carry, and over what.
fn tell_transfers<S>(
    run: &PlannedRun<S>,
    name: &str,
    transfers: &[RawTransfer],
    graph: &Graph,
    clients: Option<usize>,
    in_json: bool,
) {
    let bytes: u64 = transfers.iter().map(|one| one.size.count()).sum();
    let (nodes, links) = (graph.node_count(), graph.link_count());
    if in_json {
        printer::result(json!({
            "run_id": run.run_id,
            "config_id": run.config_id,
            "scenario": name,
            "number": run.number,
            "replication": run.replication,
            "factors": run.factors,
            "clients": clients.unwrap_or(0),
            "nodes": nodes,
            "links": links,
            "transfers": transfers.len(),
            "bytes": bytes,
        }));
        return;
    }
    let mut over = format!("{nodes} nodes and {links} links");
    if let Some(clients) = clients {
        over.push_str(&format!(", where the server and {clients} clients stand"));
    }
    printer::result(format_args!(
        "{name} #{} (run {}, replication {})\n  {} transfers, {:.3} MB, over {over}",
        run.number,
        run.run_id,
        run.replication,
        transfers.len(),
        bytes as f64 / 1e6,
    ));
    if clients.is_some() {
        printer::result(
            "  only the network is simulated: nothing is learned while transfers are listed",
        );
    }
}

fn as_text(run: &PlannedRun, estimate: &Estimate) -> String {
    let mut lines = vec![format!(
        "{} #{} (run {}, replication {})",
        run.scenario.name, run.number, run.run_id, run.replication
    )];
    for (key, value) in &run.factors {
        lines.push(format!("  {key} = {value}"));
    }
    let stop = &run.scenario.stop;
    let versions = stop.versions.map(|versions| format!("{versions} versions"));
    let until = stop.time.map(|limit| time(limit.seconds()));
    let ends: Vec<_> = versions.into_iter().chain(until).collect();
    lines.push(format!(
        "  {} clients, until {}; one participation, least / median / most:",
        estimate.clients,
        ends.join(" or ")
    ));
    let mut row = |what: &str, range: Range, show: &dyn Fn(f64) -> String| {
        lines.push(format!(
            "    {what:<22} {:>12} {:>12} {:>12}",
            show(range.least),
            show(range.median),
            show(range.most)
        ));
    };
    let whole = |value: f64| format!("{value:.0}");
    row("training samples", estimate.samples, &whole);
    row("parameters", estimate.parameters, &whole);
    row("bytes down", estimate.download_bytes, &whole);
    row("bytes up", estimate.upload_bytes, &whole);
    row("MFLOP", estimate.flops, &|value| {
        format!("{:.2}", value / 1e6)
    });
    row("time, uncontended", estimate.seconds, &time);
    if estimate.unfit > 0 {
        lines.push(format!(
            "  {} clients cannot take part: their model does not fit their memory",
            estimate.unfit
        ));
    }
    lines.join("\n")
}

fn as_json(run: &PlannedRun, estimate: &Estimate) -> serde_json::Value {
    let range = |range: Range| json!([range.least, range.median, range.most]);
    json!({
        "run_id": run.run_id,
        "config_id": run.config_id,
        "scenario": run.scenario.name,
        "number": run.number,
        "replication": run.replication,
        "factors": run.factors,
        "clients": estimate.clients,
        "samples": range(estimate.samples),
        "parameters": range(estimate.parameters),
        "download_bytes": range(estimate.download_bytes),
        "upload_bytes": range(estimate.upload_bytes),
        "flops": range(estimate.flops),
        "seconds": range(estimate.seconds),
        "unfit": estimate.unfit,
    })
}
