//! Sites of files: names that no other client has, models, and samples that are there.

use super::findings::Findings;
use crate::kernel::Streams;
use crate::scenario::Scenario;
use crate::scenario::data::Loaded;
use crate::scenario::quantity::nearest;
use crate::scenario::raw::{RawClientGroup, RawModel, RawScenario, RawSource};
use crate::scenario::sites::{Sites, class_of};
use fedstill_models::{Dataset, Holding, HoldingError, Split, check_holdings, synthetic_labels};
use std::collections::BTreeMap;
use std::ops::Range;

/// After as many wrong rows the rest is most likely wrong in the same way.
const MOST_TOLD: usize = 10;

/// Replications whose pools are looked at before a run; each is looked at again when it is drawn.
const MOST_REPLICATIONS: u32 = 20;

pub(super) fn check(raw: &RawScenario, findings: &mut Findings<'_>) {
    let mut names: BTreeMap<&str, &Sites> = BTreeMap::new();
    for (index, group) in raw.clients.iter().enumerate() {
        let Some(sites) = group.sites.as_deref() else {
            continue;
        };
        if group.count > sites.rows.len() {
            findings.refuse(
                &format!("clients.{index}.count"),
                format!(
                    "`clients.{index}.count` is {}, but `{}` has {} sites",
                    group.count,
                    sites.file,
                    sites.rows.len()
                ),
                format!("expected at most {}", sites.rows.len()),
                "leave it out for all sites of the file",
            );
            continue;
        }
        let mut told = 0;
        for (row, site) in sites.rows[..group.count].iter().enumerate() {
            if told == MOST_TOLD {
                break;
            }
            if let Some(other) = ordinary(raw, &site.name) {
                told += 1;
                findings.add(sites.mistake(
                    row,
                    "name",
                    format!(
                        "{} is called `{}`, as a client of the group `{}` is",
                        sites.place(row),
                        site.name,
                        other.name
                    ),
                    "expected a name that no other client has",
                    "the tables tell clients apart by name; rename the site or the group",
                ));
            } else if let Some(other) = names.insert(&site.name, sites) {
                told += 1;
                let other = if other.file == sites.file {
                    // So are all the other rows.
                    told = MOST_TOLD;
                    "another group has the same file".to_owned()
                } else {
                    format!("`{}` has one of that name", other.file)
                };
                findings.add(sites.mistake(
                    row,
                    "name",
                    format!(
                        "{} is called `{}`, and {other}",
                        sites.place(row),
                        site.name
                    ),
                    "expected a name that no other client has",
                    "the tables tell clients apart by name; rename one of them",
                ));
            }
            if let Some(model) = &site.model
                && let Err(why) = RawModel::Name(model.clone()).architecture()
            {
                told += 1;
                findings.add(sites.mistake(
                    row,
                    "model",
                    format!("{}: {why}", sites.place(row)),
                    "expected the name of a model, as in `mlp-64-32`",
                    "`fedstill models` lists the architectures",
                ));
            }
        }
    }
}

/// The ordinary group that has a client of this name.
fn ordinary<'a>(raw: &'a RawScenario, name: &str) -> Option<&'a RawClientGroup> {
    let (group, number) = name.rsplit_once('-')?;
    let index: usize = number.parse().ok()?;
    // `x-007` and `x-+7` are no names of ours.
    (index.to_string() == number).then_some(())?;
    raw.clients
        .iter()
        .find(|other| other.sites.is_none() && other.name == group && index < other.count)
}

/// Where models travel, that all clients have the same.
pub(super) fn equal_models(raw: &RawScenario, findings: &mut Findings<'_>) {
    let mut first: Option<(RawModel, String)> = None;
    for (index, group) in raw.clients.iter().enumerate() {
        for place in 0..group.count {
            let sites = group.sites.as_deref();
            let site = sites.and_then(|sites| Some((sites, sites.rows.get(place)?)));
            let own = site.and_then(|(_, site)| site.model.clone());
            let own = own.map(RawModel::Name);
            let model = own.as_ref().unwrap_or(&group.model);
            let who = match site {
                Some((_, site)) => format!("site `{}`", site.name),
                None => format!("group `{}`", group.name),
            };
            let (before, whose) = first.get_or_insert_with(|| (model.clone(), who.clone()));
            if before == model || before.architecture() == model.architecture() {
                // Clients of a group without a file are alike.
                if site.is_none() {
                    break;
                }
                continue;
            }
            let title = format!(
                "where parameters are exchanged all clients need the same model; {whose} has \
                 `{before}`, {who} has `{model}`"
            );
            let way_out = "give all the same `model`, or exchange something else";
            match site.filter(|_| own.is_some()) {
                Some((sites, _)) => findings.add(sites.mistake(
                    place,
                    "model",
                    title,
                    format!("expected `{before}`"),
                    way_out,
                )),
                None => findings.refuse(
                    &format!("clients.{index}.model"),
                    title,
                    format!("expected `{before}`"),
                    way_out,
                ),
            }
            return;
        }
    }
}

/// How every client comes by its samples, in the order of the clients.
pub(super) fn holdings(raw: &RawScenario) -> Vec<Holding> {
    let classes = class_names(&raw.data.source);
    let groups = raw.clients.iter();
    groups.flat_map(|group| group.holdings(&classes)).collect()
}

/// Whether any site tells its samples.
pub(super) fn tell_samples(raw: &RawScenario) -> bool {
    let groups = raw
        .clients
        .iter()
        .filter_map(|group| Some((group.count, group.sites.as_ref()?)));
    let mut rows = groups.flat_map(|(count, sites)| sites.rows.iter().take(count));
    rows.any(|site| site.samples.is_some() || !site.class_samples.is_empty())
}

/// Whether the samples that sites tell are there; test and public set must fit.
pub(super) fn samples(raw: &RawScenario, findings: &mut Findings<'_>) -> bool {
    let names = class_names(&raw.data.source);
    let classes = names.len();
    for sites in raw
        .clients
        .iter()
        .filter_map(|group| group.sites.as_deref())
    {
        let mut columns = sites.class_columns();
        let unknown = columns.find(|(_, class)| class_of(class, &names).is_none());
        if let Some((column, class)) = unknown {
            findings.add(sites.header_mistake(
                column,
                format!(
                    "`{}` has a column `{column}`, but there is no class `{class}`",
                    sites.file
                ),
                match names.as_slice() {
                    [first, .., last] => {
                        format!("the data has {classes} classes, `{first}` to `{last}`")
                    }
                    _ => "the data has no such class".to_owned(),
                },
                match nearest(class, names.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `samples_{near}`?"),
                    None => "remove the column, or take data with that class".to_owned(),
                },
            ));
            return false;
        }
    }
    let holdings = holdings(raw);
    let whole = Scenario { raw: raw.clone() };
    let last = raw.replications.clamp(1, MOST_REPLICATIONS);
    for replication in raw.replication..raw.replication.saturating_add(last) {
        let world = Streams::new(whole.for_replication(replication).world_seed());
        let (labels, given) = labels(&raw.data.source, world);
        let pool = Split::pool_counts(
            &labels,
            classes,
            given,
            raw.data.test.unwrap_or_default(),
            raw.data.public,
            world.seed("data", "split"),
        );
        if let Err(error) = check_holdings(&holdings, &pool) {
            refuse(raw, &error, replication, findings);
            return false;
        }
    }
    true
}

/// The classes of the data, by name; none of files that could not be read.
fn class_names(source: &RawSource) -> Vec<String> {
    match source {
        RawSource::Digits => Dataset::digits().class_names().to_vec(),
        RawSource::Synthetic { classes, .. } => {
            (0..*classes).map(|class| class.to_string()).collect()
        }
        files => files
            .loaded()
            .and_then(Loaded::dataset)
            .map_or_else(Vec::new, |dataset| dataset.class_names().to_vec()),
    }
}

/// The label of every sample, and which samples are a test set of their own.
fn labels(source: &RawSource, world: Streams) -> (Vec<u32>, Range<u32>) {
    let of = |dataset: &Dataset| (dataset.labels().to_vec(), dataset.given_test());
    match source {
        RawSource::Digits => of(&Dataset::digits()),
        RawSource::Synthetic {
            classes, samples, ..
        } => {
            let seed = world.seed("data", "synthetic");
            (synthetic_labels(*classes, *samples, seed), 0..0)
        }
        files => files
            .loaded()
            .and_then(Loaded::dataset)
            .map_or_else(|| (Vec::new(), 0..0), |dataset| of(dataset)),
    }
}

fn refuse(raw: &RawScenario, error: &HoldingError, replication: u32, findings: &mut Findings<'_>) {
    let (HoldingError::Empty { client } | HoldingError::TooFew { client, .. }) = *error else {
        return;
    };
    let mut before = 0;
    let Some((sites, row)) = raw.clients.iter().find_map(|group| {
        let row = client.checked_sub(before)?;
        before += group.count;
        let sites = group.sites.as_deref().filter(|_| row < group.count)?;
        Some((sites, row))
    }) else {
        return;
    };
    let name = &sites.rows[row].name;
    let problem = match *error {
        HoldingError::TooFew {
            class,
            asked,
            left,
            pool,
            ..
        } => {
            let (column, of) = match class {
                Some(class) => {
                    let mut columns = sites.class_columns();
                    let names = class_names(&raw.data.source);
                    let column = columns.find(|(_, told)| class_of(told, &names) == Some(class));
                    let column = column.map_or_else(String::new, |(column, _)| column.to_owned());
                    (column, format!(" of class {}", names[class]))
                }
                None => ("samples".to_owned(), String::new()),
            };
            let others = match pool - left {
                0 => String::new(),
                taken => format!(", of which sites before take {taken}"),
            };
            let seed = match replication {
                0 => String::new(),
                _ => format!(" in replication {replication}"),
            };
            sites.mistake(
                row,
                &column,
                format!(
                    "{} asks for {asked} samples{of} for `{name}`, but {left} are left",
                    sites.place(row)
                ),
                format!(
                    "{pool}{of} are left after {} test and {} public samples{seed}{others}",
                    raw.data.test.unwrap_or_default(),
                    raw.data.public
                ),
                "ask for fewer, set fewer aside by `data.test` and `data.public`, or take more data",
            )
        }
        _ => sites.mistake(
            row,
            "name",
            format!("{} gives `{name}` no samples", sites.place(row)),
            "every client needs at least one",
            "leave all its cells of samples empty for a share by `data.partition`",
        ),
    };
    findings.add(problem);
}
