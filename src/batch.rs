//! `fedstill run`: one run after the other; one that fails does not end the batch.

use crate::Exit;
use crate::arguments::Run;
use crate::printer;
use crate::progress::RunBar;
use crate::summary;
use fedstill_sim::federation::{
    Deployment, Hooks, RunError, RunSettings, run as simulate, run_transfers,
};
use fedstill_sim::measures::Measures;
use fedstill_sim::records::{
    Existing, NetworkBooks, NetworkRecords, NetworkSummary, RecordError, RunRecords, RunSummary,
    Surroundings, find_complete, has_trace, prepare_output, write_network_run, write_run,
    write_runs_index,
};
use fedstill_sim::scenario::{Input, Plan, PlannedRun, load};
use fedstill_sim::traffic;
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Plans everything, then runs what is not there yet.
pub(crate) fn run(arguments: &Run) -> Exit {
    let planned = match load(&arguments.scenarios.files, &arguments.scenarios.overrides()) {
        Ok(planned) => planned,
        Err(problems) => {
            printer::problems(&problems);
            return Exit::WrongInput;
        }
    };
    if !can_be_drawn(&planned) {
        return Exit::WrongInput;
    }
    if let Err(error) = prepare_output(&arguments.out) {
        printer::error(&error, error.way_out());
        return Exit::WrongInput;
    }
    silence_panics();
    let threads = arguments.threads.map_or_else(cores, usize::from);
    let (mut failed, mut kept) = (0, 0);
    for (place, run) in planned.iter().enumerate() {
        let name = label(run, place, planned.len());
        if !arguments.quiet {
            for note in run.notes() {
                printer::note(format_args!("note: {note}"));
            }
        }
        let there = find_complete(&arguments.out, run.name(), run.run_id());
        let untraced = |there: &&PathBuf| arguments.trace && !has_trace(there);
        if let Some(there) = there.as_ref().filter(untraced)
            && !arguments.force
        {
            if !arguments.quiet {
                let there = there.display();
                printer::note(format_args!(
                    "{name}: run again for its trace, in place of {there}"
                ));
            }
        } else if let Some(there) = there.filter(|_| !arguments.force) {
            kept += 1;
            if !arguments.quiet {
                let there = there.display();
                printer::note(format_args!(
                    "{name}: already at {there} (--force runs it again)"
                ));
            }
            continue;
        }
        let ended = match run {
            Plan::Federation(federation) => run_one(arguments, run, federation, &name, threads),
            Plan::Network(network) => {
                let resolved = (network.resolved_toml(), network.inputs.as_slice());
                run_network(arguments, run, resolved, || traffic::run(network))
            }
            Plan::Transfers(federation) => {
                let resolved = (federation.resolved_toml(), federation.inputs.as_slice());
                run_network(arguments, run, resolved, || run_transfers(federation))
            }
        };
        match ended {
            Ok(()) => {}
            Err(failure) => {
                failed += 1;
                printer::error(format_args!("{name}: {}", failure.what), failure.way_out);
                if failure.ends_batch {
                    break;
                }
            }
        }
    }
    match write_runs_index(&arguments.out) {
        Ok(index) => {
            for damage in &index.skipped {
                let (path, what) = (damage.path.display(), &damage.what);
                printer::note(format_args!("note: {path} is left out of runs.csv: {what}"));
            }
            if !arguments.quiet && !arguments.json && planned.len() > 1 {
                printer::result(format_args!(
                    "{} runs, {kept} of them there before, {failed} failed; all in {}",
                    planned.len(),
                    index.path.display()
                ));
            }
        }
        Err(error) => {
            printer::error(&error, error.way_out());
            failed += 1;
        }
    }
    if failed > 0 {
        Exit::RunFailed
    } else {
        Exit::Done
    }
}

/// Whether every run's data can be split and its devices drawn; says which cannot.
///
/// Some mistakes, such as a partition that the data do not allow, show only here.
fn can_be_drawn(planned: &[Plan]) -> bool {
    let mut all = true;
    for plan in planned {
        let (Plan::Federation(run) | Plan::Transfers(run)) = plan else {
            continue;
        };
        if let Err(error) = Deployment::draw(run.scenario.clone()) {
            let (name, number) = (&run.scenario.name, run.number);
            printer::error(format_args!("{name} #{number}: {error}"), None);
            all = false;
        }
    }
    all
}

/// Why a run left no directory.
struct Failure {
    what: String,
    way_out: Option<&'static str>,
    /// The next run would fail in the same way.
    ends_batch: bool,
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        Self {
            what: error.to_string(),
            way_out: error.way_out(),
            ends_batch: matches!(error, RecordError::Storage { .. }),
        }
    }
}

/// One run of bare transfers, with the files that repeat it.
fn run_network<E: std::fmt::Display>(
    arguments: &Run,
    plan: &Plan,
    (scenario_toml, inputs): (String, &[Input]),
    simulate: impl FnOnce() -> Result<NetworkBooks, E>,
) -> Result<(), Failure> {
    let started = wall_clock();
    let books = match catch_unwind(AssertUnwindSafe(simulate)) {
        Ok(Ok(books)) => books,
        Ok(Err(error)) => return Err(failure(&error)),
        Err(panic) => return Err(internal_error(plan, panic)),
    };
    let records = NetworkRecords {
        books: &books,
        scenario_toml: &scenario_toml,
        inputs,
        surroundings: &surroundings(1, since(started)),
        trace: arguments.trace,
    };
    let directory = write_network_run(&arguments.out, &records, existing(arguments))?;
    let summary = NetworkSummary::new(&books, &directory);
    if arguments.json {
        printer::result(summary::network_json(&summary));
    } else if !arguments.quiet {
        printer::result(&summary);
        say_trace(arguments, &directory);
    }
    Ok(())
}

fn surroundings(threads: usize, simulated: Duration) -> Surroundings {
    Surroundings {
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        processor_features: fedstill_sim::processor_features(),
        threads,
        wall_clock_s: BTreeMap::from([("simulation".to_owned(), simulated.as_secs_f64())]),
    }
}

fn existing(arguments: &Run) -> Existing {
    // What is there and has its trace was kept before.
    if arguments.force || arguments.trace {
        Existing::Replace
    } else {
        Existing::Keep
    }
}

fn run_one(
    arguments: &Run,
    plan: &Plan,
    run: &PlannedRun,
    name: &str,
    threads: usize,
) -> Result<(), Failure> {
    let visible = !arguments.quiet && !arguments.json;
    let bar = RunBar::new(name, &run.scenario, visible);
    let settings = RunSettings {
        threads,
        gather: arguments.trace,
        hooks: Hooks::default(),
    };
    let started = wall_clock();
    let mut show = |progress: &_| bar.show(progress);
    // A panic is an error of the program; the batch goes on, and the message says what repeats it.
    let books = catch_unwind(AssertUnwindSafe(|| {
        let books = simulate(run, settings, &mut show)?;
        let measures = Measures::of(&books);
        Ok::<_, RunError>((books, measures))
    }));
    bar.finish();
    let (books, measures) = match books {
        Ok(Ok(books)) => books,
        Ok(Err(error)) => return Err(failure(&error)),
        Err(panic) => return Err(internal_error(plan, panic)),
    };
    let simulated = since(started);
    let directory = write_run(
        &arguments.out,
        &RunRecords {
            books: &books,
            measures: &measures,
            scenario_toml: &run.resolved_toml(),
            inputs: &run.inputs,
            surroundings: &surroundings(threads, simulated),
            trace: arguments.trace,
        },
        existing(arguments),
    )?;
    let summary = RunSummary::new(&books, &measures, &directory);
    if arguments.json {
        printer::result(summary::json(&summary));
    } else if !arguments.quiet {
        printer::result(summary::text(&summary, simulated));
        say_trace(arguments, &directory);
    }
    Ok(())
}

/// Says where the trace is and how to look at it.
fn say_trace(arguments: &Run, directory: &Path) {
    if arguments.trace {
        let trace = directory.join("trace.json");
        printer::result(format_args!(
            "  trace in {} (open it in https://ui.perfetto.dev)",
            trace.display()
        ));
    }
}

fn failure(error: &dyn std::fmt::Display) -> Failure {
    Failure {
        what: error.to_string(),
        way_out: None,
        ends_batch: false,
    }
}

fn internal_error(run: &Plan, panic: Box<dyn Any + Send>) -> Failure {
    let said = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    Failure {
        what: format!(
            "internal error: {said}\n  this is a mistake of the program, not yours; run {} with seeds {} (world) and {} (dynamics) repeats it",
            run.run_id(),
            run.seeds().0,
            run.seeds().1
        ),
        way_out: None,
        ends_batch: false,
    }
}

/// A run's name and place in the batch.
fn label(run: &Plan, place: usize, runs: usize) -> String {
    let name = run.name();
    if runs == 1 {
        name.to_owned()
    } else {
        format!("{name} [{}/{runs}]", place + 1)
    }
}

/// Panics are caught and reported in the user's words; the default report would come before.
fn silence_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[expect(
    clippy::disallowed_methods,
    reason = "wall time goes into the manifest and the summary, never into a table"
)]
fn wall_clock() -> SystemTime {
    SystemTime::now()
}

fn since(started: SystemTime) -> Duration {
    wall_clock().duration_since(started).unwrap_or_default()
}
