//! Clients of one size that each draw their samples, with or without replacement across clients.

use rand::Rng;
use rand::seq::index;

use crate::dirichlet::dirichlet;

/// `size` different samples of `0..samples` for each client.
///
/// The caller has checked that there are enough.
pub(super) fn random(
    samples: usize,
    clients: usize,
    size: usize,
    replacement: bool,
    draw: &mut impl Rng,
) -> Vec<Vec<u32>> {
    let mut choose = |amount: usize| -> Vec<u32> {
        let chosen = index::sample(draw, samples, amount);
        chosen.into_iter().map(|sample| sample as u32).collect()
    };
    if replacement {
        return (0..clients).map(|_| choose(size)).collect();
    }
    let all = choose(clients * size);
    all.chunks_exact(size).map(<[u32]>::to_vec).collect()
}

/// `size` different samples for each client, by a mixture of labels q ~ Dir(α·p) of its own.
pub(super) fn mixture(
    classes: &[Vec<u32>],
    clients: usize,
    alpha: f64,
    size: usize,
    replacement: bool,
    draw: &mut impl Rng,
) -> Vec<Vec<u32>> {
    let samples: usize = classes.iter().map(Vec::len).sum();
    let concentrations: Vec<f64> = classes
        .iter()
        .map(|class| alpha * class.len() as f64 / samples as f64)
        .collect();
    let mut left = classes.to_vec();
    let mut shards = Vec::with_capacity(clients);
    for _ in 0..clients {
        let mut weights = dirichlet(&concentrations, draw);
        let mut shard = Vec::with_capacity(size);
        // What this client took, to be given back where others may draw it too.
        let mut taken = Vec::new();
        while shard.len() < size {
            for (weight, class) in weights.iter_mut().zip(&left) {
                if class.is_empty() {
                    *weight = 0.0;
                }
            }
            let class = match choose(&weights, draw) {
                Some(class) => class,
                // All weight lay on classes that are empty now: any sample that is left.
                None => {
                    let rest: Vec<f64> = left.iter().map(|class| class.len() as f64).collect();
                    choose(&rest, draw).expect("the caller has checked that there are enough")
                }
            };
            let place = draw.gen_range(0..left[class].len());
            let sample = left[class].swap_remove(place);
            taken.push((class, sample));
            shard.push(sample);
        }
        if replacement {
            for (class, sample) in taken {
                left[class].push(sample);
            }
        }
        shards.push(shard);
    }
    shards
}

/// One place in proportion to its weight; `None` where all weights are 0.
fn choose(weights: &[f64], draw: &mut impl Rng) -> Option<usize> {
    let sum: f64 = weights.iter().sum();
    if sum <= 0.0 {
        return None;
    }
    let mut at = draw.r#gen::<f64>() * sum;
    let mut last = None;
    for (place, &weight) in weights.iter().enumerate() {
        if weight > 0.0 {
            last = Some(place);
            if at < weight {
                break;
            }
            at -= weight;
        }
    }
    last
}
