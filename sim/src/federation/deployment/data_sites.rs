//! What each client's data differ in from the pool's, drawn once for the run.

use super::{ClientSpec, DeploymentError};
use crate::kernel::Streams;
use crate::scenario::{RawClientGroup, RawName, Scenario, Spread};
use fedstill_models::{Dataset, Shard, Site};
use std::sync::Arc;

/// The site of every client; empty where none differs in anything.
pub(super) fn draw_sites(
    scenario: &Scenario,
    clients: &[ClientSpec],
    dataset: &Dataset,
    world: Streams,
) -> Vec<Site> {
    if scenario.clients.iter().all(|group| group.data.is_plain()) {
        return Vec::new();
    }
    let mut rest = clients;
    let mut sites = Vec::with_capacity(clients.len());
    for group in &scenario.clients {
        let (own, others) = rest.split_at(group.count);
        rest = others;
        sites.extend(draw_group(group, own, dataset, world));
    }
    sites
}

fn draw_group(
    group: &RawClientGroup,
    clients: &[ClientSpec],
    dataset: &Dataset,
    world: Streams,
) -> Vec<Site> {
    let data = &group.data;
    let classes = dataset.n_classes();
    let places = |names: &[RawName], count: usize, known: &[String]| -> Arc<[u32]> {
        let mut places: Vec<u32> = names
            .iter()
            .filter_map(|name| name.place(count, known))
            .collect();
        places.sort_unstable();
        places.dedup();
        places.into()
    };
    let missing_classes = places(&data.missing_classes, classes, dataset.class_names());
    let features = dataset.n_features();
    let missing_features = places(&data.missing_features, features, dataset.feature_names());
    let renamed = renamed(group, dataset);
    let concepts = concepts(group, classes, world);
    clients
        .iter()
        .enumerate()
        .map(|(index, client)| {
            let name = client.name.as_str();
            let draw = |spread: &Option<Spread>, purpose: &str| {
                spread
                    .as_ref()
                    .map(|spread| spread.draw(index, &mut world.stream(name, purpose)))
            };
            let share = draw(&data.missing_feature_share, "missing feature share");
            let missing_features = match share {
                Some(share) => {
                    // One feature stays at least.
                    let count = ((share * features as f64).round() as usize).min(features - 1);
                    Site::draw_features(features, count, world.seed(name, "missing features"))
                }
                None => Arc::clone(&missing_features),
            };
            Site {
                rotation: draw(&data.rotation, "rotation").unwrap_or(0.0) as f32,
                contrast: draw(&data.contrast, "contrast").unwrap_or(1.0) as f32,
                brightness: draw(&data.brightness, "brightness").unwrap_or(0.0) as f32,
                noise: draw(&data.noise, "noise of features").unwrap_or(0.0) as f32,
                label_noise: draw(&data.label_noise, "rate of wrong labels").unwrap_or(0.0),
                names: concepts[index].clone().or_else(|| renamed.clone()),
                missing_features,
                missing_classes: Arc::clone(&missing_classes),
                seed: world.seed(name, "noise of samples"),
            }
        })
        .collect()
}

/// What all sites of the group call the classes; `None`: what everyone does.
fn renamed(group: &RawClientGroup, dataset: &Dataset) -> Option<Arc<[u32]>> {
    let (count, known) = (dataset.n_classes(), dataset.class_names());
    let mut names: Vec<u32> = (0..count as u32).collect();
    for renamed in &group.data.renamed_classes {
        let pair = renamed
            .class
            .place(count, known)
            .zip(renamed.called.place(count, known));
        if let Some((class, called)) = pair {
            names[class as usize] = called;
        }
    }
    (!names.is_sorted_by(|a, b| a < b)).then(|| names.into())
}

/// The permutation of those clients of the group whose concept has shifted.
fn concepts(group: &RawClientGroup, classes: usize, world: Streams) -> Vec<Option<Arc<[u32]>>> {
    let mut concepts = vec![None; group.count];
    let Some(shift) = &group.data.concept_shift else {
        return concepts;
    };
    let shifted = ((shift.share * group.count as f64).round() as usize).min(group.count);
    let mut stream = world.stream(&group.name, "concept shift");
    let mut chosen = rand::seq::index::sample(&mut stream, group.count, shifted).into_vec();
    chosen.sort_unstable();
    for (number, client) in chosen.into_iter().enumerate() {
        // As many clients of each concept as of any other, give or take one.
        let concept = format!("concept {}", number % shift.concepts);
        let seed = world.seed(&group.name, &concept);
        concepts[client] = Some(Site::draw_concept(classes, seed));
    }
    concepts
}

/// Takes from each client what its site has no samples of.
pub(super) fn take_missing(
    sites: &[Site],
    clients: &[ClientSpec],
    dataset: &Dataset,
    shards: &mut [Shard],
) -> Result<(), DeploymentError> {
    for ((client, site), shard) in clients.iter().zip(sites).zip(shards) {
        if site.missing_classes.is_empty() {
            continue;
        }
        let has = |sample: &u32| site.has_class(dataset.label(*sample));
        shard.train.retain(has);
        shard.test.retain(has);
        if shard.train.is_empty() {
            return Err(DeploymentError(format!(
                "client `{}`: every sample dealt to it is of a class in `missing_classes`; let \
                 fewer classes be missing, or deal it more with another partition",
                client.name
            )));
        }
    }
    Ok(())
}
