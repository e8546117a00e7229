//! Partitions: which client holds which samples of the pool.

mod error;
mod natural;
mod sized;
mod sizes;
mod sorted;

use rand::Rng;
use rand::seq::SliceRandom;

use crate::dirichlet::{cut, symmetric_dirichlet};
use crate::random::{Purpose, stream};

pub use error::PartitionError;

/// How the samples of the pool are dealt to clients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Partition {
    /// Shuffled and cut into equal shards; sizes differ by at most one.
    Iid,
    /// Label skew: each class is cut among the clients in proportions drawn from a symmetric
    /// Dirichlet(α) over clients, independently per class (Li et al. 2022, NIID-Bench, `p_k ~
    /// Dir_N(β)`; the mechanism of Yurochkin et al. 2019, in the spirit of Hsu et al. 2019).
    ///
    /// Sizes become uneven too. The expectation of Σ_k p_k² is (α+1)/(Nα+1). Clients left with
    /// fewer than `min_samples` are topped up: the first of them takes one sample of the most
    /// frequent class of the client that holds most, until none is short.
    Dirichlet {
        /// Concentration α > 0: small is uneven, large approaches IID.
        alpha: f64,
        /// Samples every client has at least.
        min_samples: usize,
    },
    /// Every client holds samples of exactly this many labels (pathological skew, McMahan et al.
    /// 2017, in the form of NIID-Bench's `#C = k`): classes are held by equally many clients,
    /// ±1, and each class is cut evenly among its holders.
    Shards {
        /// Distinct labels of every client, at least 1.
        labels_per_client: usize,
    },
    /// Quantity skew with IID labels: sizes in proportions drawn from a symmetric Dirichlet(α)
    /// over clients; a client that would get nothing takes one sample from the largest.
    Quantity {
        /// Concentration α > 0: small is uneven, large approaches equal sizes.
        alpha: f64,
        /// Samples every client has at least.
        min_samples: usize,
    },
    /// Quantity skew with IID labels: sizes in proportion to exp(σ·z), z standard normal.
    LogNormal {
        /// Standard deviation σ ≥ 0 of the logarithm of a size.
        sigma: f64,
        /// Samples every client has at least.
        min_samples: usize,
    },
    /// Quantity skew with IID labels: the client of rank r, drawn by lot, has a size in proportion
    /// to r^−s (Zipf).
    Zipf {
        /// Exponent s ≥ 0.
        exponent: f64,
        /// Samples every client has at least.
        min_samples: usize,
    },
    /// Each client draws `size` different samples at random.
    Draw {
        /// Samples of every client.
        size: usize,
        /// Whether clients may draw the same sample; otherwise no sample is at two.
        replacement: bool,
    },
    /// Label skew in clients of one size (Hsu et al. 2019): each client draws a mixture of labels
    /// q ~ Dir(α·p) around the shares p of the pool, and `size` different samples by it. Where a
    /// class has no more samples the others share its weight.
    Mixture {
        /// Concentration α > 0: small is one label a client, large approaches IID.
        alpha: f64,
        /// Samples of every client.
        size: usize,
        /// Whether clients may draw the same sample; otherwise no sample is at two.
        replacement: bool,
    },
    /// The samples sorted by label, cut into shards of `size`, dealt `shards` to a client by lot
    /// (McMahan et al. 2017). What is left over belongs to nobody.
    SortedShards {
        /// Shards of every client, at least 1.
        shards: usize,
        /// Samples of a shard; `None`: all samples, in shards that differ by at most one.
        size: Option<usize>,
    },
    /// Each client is one of the groups that the data tell (writers, hospitals). Of more groups
    /// than clients some are drawn, and the others belong to nobody.
    Natural {
        /// Groups with fewer samples in the pool are left out.
        min_samples: usize,
    },
}

impl Partition {
    /// The most samples that it needs for so many clients, and whether all are different.
    pub fn needs(&self, clients: usize) -> usize {
        match *self {
            Self::Dirichlet { min_samples, .. }
            | Self::Quantity { min_samples, .. }
            | Self::LogNormal { min_samples, .. }
            | Self::Zipf { min_samples, .. }
            | Self::Natural { min_samples } => clients.saturating_mul(min_samples.max(1)),
            Self::Draw {
                size,
                replacement: true,
            }
            | Self::Mixture {
                size,
                replacement: true,
                ..
            } => size,
            Self::Draw { size, .. } | Self::Mixture { size, .. } => clients.saturating_mul(size),
            Self::SortedShards { shards, size } => clients
                .saturating_mul(shards)
                .saturating_mul(size.unwrap_or(1)),
            Self::Iid | Self::Shards { .. } => clients,
        }
    }

    fn min_samples(&self) -> usize {
        match *self {
            Self::Dirichlet { min_samples, .. }
            | Self::Quantity { min_samples, .. }
            | Self::LogNormal { min_samples, .. }
            | Self::Zipf { min_samples, .. }
            | Self::Natural { min_samples } => min_samples.max(1),
            Self::Draw { size, .. } | Self::Mixture { size, .. } => size,
            Self::SortedShards { shards, size } => shards.saturating_mul(size.unwrap_or(1)),
            Self::Iid | Self::Shards { .. } => 1,
        }
    }
}

/// Deals the samples `0..labels.len()` to `clients` clients.
///
/// A sample goes to at most one client, except where a rule draws with replacement; all are dealt
/// except where a rule says otherwise. Every client gets at least one, or as many as the rule's
/// minimum. Each client's indices ascend.
///
/// # Errors
/// When the numbers make this impossible; the message says why and names a way out.
pub fn partition(
    partition: &Partition,
    labels: &[u32],
    n_classes: usize,
    clients: usize,
    seed: u64,
) -> Result<Vec<Vec<u32>>, PartitionError> {
    partition_groups(partition, labels, None, n_classes, clients, seed)
}

/// Like [`partition`], of samples of which it is known whose they are: `groups` has one number a
/// sample.
///
/// # Errors
/// Those of [`partition`], and too few groups for the clients of [`Partition::Natural`].
pub fn partition_groups(
    partition: &Partition,
    labels: &[u32],
    groups: Option<&[u32]>,
    n_classes: usize,
    clients: usize,
    seed: u64,
) -> Result<Vec<Vec<u32>>, PartitionError> {
    if clients == 0 {
        return Err(PartitionError::NoClients);
    }
    if let Some(&label) = labels.iter().find(|&&label| label as usize >= n_classes) {
        return Err(PartitionError::Label { label, n_classes });
    }
    let mut draw = stream(seed, Purpose::Partition);
    let min_samples = partition.min_samples();
    if min_samples == 0 {
        return Err(PartitionError::Size { size: 0 });
    }
    if partition.needs(clients) > labels.len() {
        return Err(PartitionError::TooFewSamples {
            samples: labels.len(),
            clients,
            min_samples,
        });
    }
    let samples = labels.len();
    let mut shards = match *partition {
        Partition::Iid => deal_shuffled(samples, &vec![1.0 / clients as f64; clients], &mut draw),
        Partition::Dirichlet { alpha, .. } => {
            check_alpha(alpha)?;
            let mut shards = vec![Vec::new(); clients];
            for mut class in by_class(labels, n_classes) {
                class.shuffle(&mut draw);
                let proportions = symmetric_dirichlet(clients, alpha, &mut draw);
                hand_out(&class, &cut(class.len(), &proportions), &mut shards);
            }
            shards
        }
        Partition::Shards { labels_per_client } => {
            deal_labels(labels, n_classes, clients, labels_per_client, &mut draw)?
        }
        Partition::Quantity { alpha, .. } => {
            check_alpha(alpha)?;
            let proportions = symmetric_dirichlet(clients, alpha, &mut draw);
            deal_shuffled(samples, &proportions, &mut draw)
        }
        Partition::LogNormal { sigma, .. } => {
            let proportions = sizes::log_normal(clients, sigma, &mut draw)?;
            deal_shuffled(samples, &proportions, &mut draw)
        }
        Partition::Zipf { exponent, .. } => {
            let proportions = sizes::zipf(clients, exponent, &mut draw)?;
            deal_shuffled(samples, &proportions, &mut draw)
        }
        Partition::Draw { size, replacement } => {
            sized::random(samples, clients, size, replacement, &mut draw)
        }
        Partition::Mixture {
            alpha,
            size,
            replacement,
        } => {
            check_alpha(alpha)?;
            let classes = by_class(labels, n_classes);
            sized::mixture(&classes, clients, alpha, size, replacement, &mut draw)
        }
        Partition::SortedShards { shards, size } => {
            sorted::deal(labels, n_classes, clients, shards, size, &mut draw)
        }
        Partition::Natural { min_samples } => {
            natural::deal(groups, clients, min_samples.max(1), &mut draw)?
        }
    };
    top_up(&mut shards, labels, n_classes, min_samples);
    shards.iter_mut().for_each(|shard| shard.sort_unstable());
    Ok(shards)
}

fn check_alpha(alpha: f64) -> Result<(), PartitionError> {
    if alpha.is_finite() && alpha > 0.0 {
        Ok(())
    } else {
        Err(PartitionError::Alpha { alpha })
    }
}

pub(crate) fn by_class(labels: &[u32], n_classes: usize) -> Vec<Vec<u32>> {
    let mut classes = vec![Vec::new(); n_classes];
    for (sample, &label) in labels.iter().enumerate() {
        classes[label as usize].push(sample as u32);
    }
    classes
}

fn deal_shuffled(samples: usize, proportions: &[f64], draw: &mut impl Rng) -> Vec<Vec<u32>> {
    let mut order: Vec<u32> = (0..samples as u32).collect();
    order.shuffle(draw);
    let mut shards = vec![Vec::new(); proportions.len()];
    hand_out(&order, &cut(samples, proportions), &mut shards);
    shards
}

/// Gives consecutive runs of `samples` with these sizes to the shards.
fn hand_out(samples: &[u32], sizes: &[usize], shards: &mut [Vec<u32>]) {
    let mut rest = samples;
    for (shard, &size) in shards.iter_mut().zip(sizes) {
        let (own, others) = rest.split_at(size);
        shard.extend_from_slice(own);
        rest = others;
    }
}

fn deal_labels(
    labels: &[u32],
    n_classes: usize,
    clients: usize,
    labels_per_client: usize,
    draw: &mut impl Rng,
) -> Result<Vec<Vec<u32>>, PartitionError> {
    let mut classes: Vec<Vec<u32>> = by_class(labels, n_classes)
        .into_iter()
        .filter(|class| !class.is_empty())
        .collect();
    if labels_per_client == 0 || labels_per_client > classes.len() {
        return Err(PartitionError::LabelsPerClient {
            labels_per_client,
            classes: classes.len(),
        });
    }
    let slots = clients * labels_per_client;
    if slots < classes.len() {
        return Err(PartitionError::UnheldClasses {
            clients,
            labels_per_client,
            classes: classes.len(),
        });
    }
    // A class is held by ⌊slots/classes⌋ clients or one more, by lot.
    let mut quotas = vec![slots / classes.len(); classes.len()];
    let mut lots: Vec<usize> = (0..classes.len()).collect();
    lots.shuffle(draw);
    for &class in &lots[..slots % classes.len()] {
        quotas[class] += 1;
    }
    let mut holders = vec![Vec::new(); classes.len()];
    for client in 0..clients {
        // Taking the fullest quotas first never leaves a later client without k distinct labels;
        // the lot breaks ties, so that pairs of labels vary.
        lots.shuffle(draw);
        lots.sort_by_key(|&class| std::cmp::Reverse(quotas[class]));
        for &class in &lots[..labels_per_client] {
            quotas[class] -= 1;
            holders[class].push(client);
        }
    }
    let mut shards = vec![Vec::new(); clients];
    for (class, holders) in classes.iter_mut().zip(&holders) {
        if class.len() < holders.len() {
            return Err(PartitionError::ThinClass {
                label: labels[class[0] as usize],
                samples: class.len(),
                holders: holders.len(),
            });
        }
        class.shuffle(draw);
        let sizes = cut(
            class.len(),
            &vec![1.0 / holders.len() as f64; holders.len()],
        );
        let mut rest = class.as_slice();
        for (&client, &size) in holders.iter().zip(&sizes) {
            let (own, others) = rest.split_at(size);
            shards[client].extend_from_slice(own);
            rest = others;
        }
    }
    Ok(shards)
}

/// Moves one sample at a time from the largest shard to the first short one. While any shard is
/// short the largest holds more than `min_samples` (there are enough in all), so no move makes a
/// new short one and the number of moves is the number of samples missing.
fn top_up(shards: &mut [Vec<u32>], labels: &[u32], n_classes: usize, min_samples: usize) {
    for short in 0..shards.len() {
        while shards[short].len() < min_samples {
            let donor = (0..shards.len())
                .max_by_key(|&client| (shards[client].len(), std::cmp::Reverse(client)))
                .expect("at least the short client");
            let mut counts = vec![0_usize; n_classes];
            for &sample in &shards[donor] {
                counts[labels[sample as usize] as usize] += 1;
            }
            let class = (0..n_classes)
                .max_by_key(|&class| (counts[class], std::cmp::Reverse(class)))
                .expect("the donor's samples have classes");
            let place = shards[donor]
                .iter()
                .rposition(|&sample| labels[sample as usize] as usize == class)
                .expect("the most frequent class of the donor");
            let sample = shards[donor].remove(place);
            shards[short].push(sample);
        }
    }
}
