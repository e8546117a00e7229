//! From scenario files and arguments to the runs they ask for.

use super::check::{self, Checked, NetworkScenario, Scenario};
use super::data::DataSets;
use super::decode_error::What;
use super::known_keys::meaning;
use super::layers::{Layer, Merged, merge};
use super::overrides::Overrides;
use super::problem::{Problem, Problems, Source};
use super::raw::{RawNetworkScenario, RawRun, RawScenario};
use super::resolved::{Identity, Input};
use super::sites;
use super::sweep;
use super::tree::{Entry, Node, Value, parse_document};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A larger scenario file is taken for a mistake.
const LARGEST_FILE_BYTES: u64 = 10_000_000;

/// One run to make: a point of a sweep in one replication.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedRun<S = Scenario> {
    /// What to simulate, with its seeds and its number of replication.
    pub scenario: S,
    /// Place among the runs of this scenario's name, from 1.
    pub number: usize,
    /// Replication, from 0.
    pub replication: u32,
    /// The same for all replications: 16 hexadecimal digits over everything but seeds.
    pub config_id: String,
    /// 16 hexadecimal digits over the resolved scenario, its seeds and its input columns.
    pub run_id: String,
    /// What was swept or set: key and value.
    pub factors: Vec<(String, String)>,
    /// What the user should know, such as keys that a later layer made void.
    pub notes: Vec<String>,
    /// Files to be written beside the resolved scenario.
    pub inputs: Vec<Input>,
}

impl PlannedRun {
    /// The scenario as a file: every default, choice and seed written out.
    ///
    /// Loading it beside its [`inputs`](Self::inputs) gives the same `run_id`.
    #[must_use]
    pub fn resolved_toml(&self) -> String {
        super::resolved::document(self)
    }
}

impl PlannedRun<NetworkScenario> {
    /// The scenario as a file: every default, choice and seed written out.
    ///
    /// Loading it beside its [`inputs`](Self::inputs) gives the same `run_id`.
    #[must_use]
    pub fn resolved_toml(&self) -> String {
        super::resolved::network_document(self)
    }
}

/// A run to make, by what it simulates.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// Clients that learn together.
    Federation(PlannedRun),
    /// Bare transfers over a network.
    Network(PlannedRun<NetworkScenario>),
    /// Bare transfers over the network of a federation, in which nothing is learned.
    Transfers(PlannedRun),
}

impl Plan {
    /// The run, where clients learn in it.
    #[must_use]
    pub fn federation(self) -> Option<PlannedRun> {
        match self {
            Self::Federation(run) => Some(run),
            Self::Network(_) | Self::Transfers(_) => None,
        }
    }

    /// Name of the scenario.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Federation(run) | Self::Transfers(run) => &run.scenario.name,
            Self::Network(run) => &run.scenario.name,
        }
    }

    /// 16 hexadecimal digits over the resolved scenario, its seeds and its inputs.
    #[must_use]
    pub fn run_id(&self) -> &str {
        match self {
            Self::Federation(run) | Self::Transfers(run) => &run.run_id,
            Self::Network(run) => &run.run_id,
        }
    }

    /// What the user should know.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        match self {
            Self::Federation(run) | Self::Transfers(run) => &run.notes,
            Self::Network(run) => &run.notes,
        }
    }

    /// Seeds of the world and of the dynamics.
    #[must_use]
    pub fn seeds(&self) -> (u64, u64) {
        match self {
            Self::Federation(run) | Self::Transfers(run) => {
                (run.scenario.world_seed(), run.scenario.dynamics_seed())
            }
            Self::Network(run) => (run.scenario.world_seed(), run.scenario.dynamics_seed()),
        }
    }

    /// What was swept or set: key and value.
    #[must_use]
    pub fn factors(&self) -> &[(String, String)] {
        match self {
            Self::Federation(run) | Self::Transfers(run) => &run.factors,
            Self::Network(run) => &run.factors,
        }
    }

    /// The run of another batch that its resolved file repeats.
    fn repeats(&self) -> Option<&RawRun> {
        match self {
            Self::Federation(run) | Self::Transfers(run) => run.scenario.run.as_ref(),
            Self::Network(run) => run.scenario.run.as_ref(),
        }
    }

    fn set_factors(&mut self, factors: Vec<(String, String)>) {
        match self {
            Self::Federation(run) | Self::Transfers(run) => run.factors = factors,
            Self::Network(run) => run.factors = factors,
        }
    }

    fn set_number(&mut self, number: usize) {
        match self {
            Self::Federation(run) | Self::Transfers(run) => run.number = number,
            Self::Network(run) => run.number = number,
        }
    }
}

/// Reads the files and plans every run; one mistake anywhere and there are none.
///
/// # Errors
/// Every mistake found in files, arguments and referenced columns.
pub fn load(paths: &[PathBuf], overrides: &Overrides) -> Result<Vec<Plan>, Problems> {
    let mut runs = Vec::new();
    let mut problems = Vec::new();
    let mut data = DataSets::default();
    for path in paths {
        match load_file(path, overrides, &mut data) {
            Ok(planned) => runs.extend(planned.into_iter().map(|run| (path, run))),
            Err(found) => problems.extend(found),
        }
    }
    if paths.is_empty() {
        problems.push(
            Problem::new("no scenario file is named")
                .way_out("name one, such as scenarios/quickstart.toml"),
        );
    }
    number(&mut runs, &mut problems);
    Problems::from_found(problems)?;
    Ok(runs.into_iter().map(|(_, run)| run).collect())
}

/// Numbers the runs of each scenario name, and refuses to make one twice.
fn number(runs: &mut [(&PathBuf, Plan)], problems: &mut Vec<Problem>) {
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for (path, run) in runs {
        let number = numbers.entry(run.name().to_owned()).or_default();
        *number += 1;
        // A resolved file says which run of its batch it repeats.
        let repeated = run.repeats().map(|repeated| repeated.number);
        run.set_number(repeated.unwrap_or(*number));
        if !seen.insert(run.run_id().to_owned()) {
            let factors: Vec<String> = run
                .factors()
                .iter()
                .map(|(key, value)| format!("{key} = {value}"))
                .collect();
            problems.push(
                Problem::new(format!(
                    "scenario `{}` asks for the same run twice{}",
                    run.name(),
                    if factors.is_empty() {
                        String::new()
                    } else {
                        format!(" ({})", factors.join(", "))
                    }
                ))
                .in_file(path.display().to_string())
                .way_out("remove the repeated sweep value, or name each file once"),
            );
        }
    }
}

fn load_file(
    path: &Path,
    overrides: &Overrides,
    data: &mut DataSets,
) -> Result<Vec<Plan>, Vec<Problem>> {
    let source = read(path).map_err(|problem| vec![problem])?;
    let mut document = parse_document(&source)?;
    let sets = overrides.assignments()?;
    let points = sweep::points(&mut document, &sets)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut runs = Vec::new();
    let mut problems: Vec<(Problem, String, usize)> = Vec::new();
    let count = points.len();
    for point in points {
        let swept = point
            .iter()
            .map(|a| format!("{} = {}", a.path, factor(&a.value)));
        let swept = swept.collect::<Vec<_>>().join(", ");
        let factors: Vec<(String, String)> = point
            .iter()
            .chain(&sets)
            .map(|assignment| (assignment.path.clone(), factor(&assignment.value)))
            .collect();
        let layers: Vec<Layer> = std::iter::once(Layer::Document(document.clone()))
            .chain(point.into_iter().map(Layer::Assignment))
            .chain(sets.iter().cloned().map(Layer::Assignment))
            .chain(overrides.counters().into_iter().map(Layer::Assignment))
            .collect();
        match plan_point(&layers, folder, data) {
            Ok(planned) => runs.extend(planned.into_iter().map(|mut run| {
                let repeated = run.repeats().map(repeated_factors).unwrap_or_default();
                run.set_factors(repeated.into_iter().chain(factors.clone()).collect());
                run
            })),
            Err(found) => {
                for problem in found {
                    match problems.iter_mut().find(|(told, _, _)| *told == problem) {
                        Some((_, _, points)) => *points += 1,
                        None => problems.push((problem, swept.clone(), 1)),
                    }
                }
            }
        }
    }
    if problems.is_empty() {
        return Ok(runs);
    }
    // The same mistake at several points of a sweep is told once.
    let told = problems.into_iter().map(|(problem, first, points)| {
        if points == count {
            problem
        } else {
            problem.note(format!(
                "in {points} of {count} points of the sweep, first where {first}"
            ))
        }
    });
    Err(told.collect())
}

/// What was swept or set in the run that a resolved file repeats.
fn repeated_factors(run: &RawRun) -> Vec<(String, String)> {
    let factors = run.factors.iter();
    factors
        .map(|factor| (factor.key.clone(), factor.value.clone()))
        .collect()
}

/// As it stands in `factors.csv`: a string without its quotes.
fn factor(node: &Node) -> String {
    match &node.value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn plan_point(
    layers: &[Layer],
    folder: &Path,
    data: &mut DataSets,
) -> Result<Vec<Plan>, Vec<Problem>> {
    let Merged {
        mut tree,
        mut notes,
    } = merge(layers).map_err(|problem| vec![problem])?;
    if is_network_only(&tree) {
        let raw: RawNetworkScenario = decode(&tree)?;
        let checked = check::check_network(raw, &tree, folder)?;
        notes.extend(checked.notes.clone());
        let (first, count) = (checked.scenario.replication, checked.scenario.replications);
        let planned = (first..first + count).map(|replication| {
            let scenario = checked.scenario.for_replication(replication);
            let identity = Identity::of_network(&scenario);
            Plan::Network(planned(scenario, replication, identity, &notes, &checked))
        });
        return Ok(planned.collect());
    }
    let files = sites::fill(&mut tree, folder, &mut notes)?;
    let mut raw: RawScenario = decode(&tree)?;
    sites::attach(&mut raw, files);
    let checked = check::check(raw, &tree, folder, data)?;
    notes.extend(checked.notes.clone());
    let (first, count) = (checked.scenario.replication, checked.scenario.replications);
    let planned = (first..first + count).map(|replication| {
        let scenario = checked.scenario.for_replication(replication);
        let identity = Identity::of(&scenario);
        let only_transfers = !scenario.transfer.is_empty();
        let planned = planned(scenario, replication, identity, &notes, &checked);
        if only_transfers {
            Plan::Transfers(planned)
        } else {
            Plan::Federation(planned)
        }
    });
    Ok(planned.collect())
}

fn planned<S>(
    scenario: S,
    replication: u32,
    Identity { config_id, run_id }: Identity,
    notes: &[String],
    checked: &Checked<S>,
) -> PlannedRun<S> {
    PlannedRun {
        scenario,
        number: 0,
        replication,
        config_id,
        run_id,
        factors: Vec::new(),
        notes: notes.to_vec(),
        inputs: checked.inputs.clone(),
    }
}

/// Whether transfers or computations are listed and nothing of a federation is.
fn is_network_only(tree: &Node) -> bool {
    let has = |key: &str| tree.entry(key).is_some();
    ["transfer", "compute", "host"].into_iter().any(has)
        && !["data", "clients", "method"].into_iter().any(has)
}

/// Decodes; goes on past unknown keys, so that all of them are told at once.
fn decode<R: DeserializeOwned>(tree: &Node) -> Result<R, Vec<Problem>> {
    let mut tree = tree.clone();
    let mut problems = Vec::new();
    let mut tables: Vec<Vec<String>> = Vec::new();
    loop {
        match R::deserialize(&tree) {
            Ok(raw) if problems.is_empty() => return Ok(raw),
            Ok(_) => return Err(problems),
            Err(error) => {
                let unknown = matches!(error.what, What::UnknownKey { .. });
                let path = error.path.clone();
                // A misspelt key is also missing; once is enough.
                if tables.contains(&path) {
                    return Err(problems);
                }
                if let Some((_, table)) = path.split_last() {
                    tables.push(table.to_vec());
                }
                problems.push(error.into_problem(meaning));
                if !unknown || !remove(&mut tree, &path) {
                    return Err(problems);
                }
            }
        }
    }
}

fn remove(node: &mut Node, path: &[String]) -> bool {
    let Some((step, rest)) = path.split_first() else {
        return false;
    };
    match &mut node.value {
        Value::Array(items) => step
            .parse::<usize>()
            .ok()
            .and_then(|index| items.get_mut(index))
            .is_some_and(|item| remove(item, rest)),
        Value::Table(entries) if rest.is_empty() => {
            let before = entries.len();
            entries.retain(|Entry { key, .. }| key != step);
            entries.len() < before
        }
        Value::Table(entries) => entries
            .iter_mut()
            .find(|entry| entry.key == *step)
            .is_some_and(|entry| remove(&mut entry.node, rest)),
        _ => false,
    }
}

fn read(path: &Path) -> Result<Arc<Source>, Problem> {
    let name = path.display().to_string();
    let refuse = |title: String, way_out: &str| {
        Err(Problem::new(title).in_file(name.clone()).way_out(way_out))
    };
    let about = match fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return refuse(
                format!("there is no scenario file `{name}`"),
                "check the path; `scenarios/` holds files to begin with",
            );
        }
        Err(error) => {
            return refuse(
                format!("`{name}` cannot be read: {error}"),
                "check its permissions",
            );
        }
    };
    if about.is_dir() {
        return refuse(
            format!("`{name}` is a directory, not a scenario file"),
            "name the files in it, such as `fedstill run folder/*.toml`",
        );
    }
    if about.len() > LARGEST_FILE_BYTES {
        return refuse(
            format!(
                "`{name}` has {} bytes, too many for a scenario",
                about.len()
            ),
            "a scenario has at most 10 MB; was a data file named by mistake?",
        );
    }
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            return refuse(
                format!("`{name}` cannot be read: {error}"),
                "check its permissions",
            );
        }
    };
    let text = match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => text,
        _ => {
            return refuse(
                format!("`{name}` is not a text file (it is not UTF-8)"),
                "a scenario is a TOML file in UTF-8",
            );
        }
    };
    if text.trim().is_empty() {
        return refuse(
            format!("`{name}` is empty"),
            "a scenario needs at least `name`, `[data]`, `[[clients]]`, `[method]` and `[stop]`",
        );
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
    Ok(Arc::new(Source { name, text }))
}
