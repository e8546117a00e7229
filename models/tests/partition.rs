//! Partitions deal every sample once, and are as skewed as they promise.

use fedstill_models::{Dataset, Partition, PartitionError, Split, SplitError, partition};
use proptest::prelude::*;

fn labels(samples: usize, n_classes: usize) -> Vec<u32> {
    (0..samples)
        .map(|sample| (sample * 7 % n_classes) as u32)
        .collect()
}

fn rules() -> impl Strategy<Value = Partition> {
    prop_oneof![
        Just(Partition::Iid),
        (0.01..100.0_f64, 0..4_usize)
            .prop_map(|(alpha, min_samples)| Partition::Dirichlet { alpha, min_samples }),
        (1..5_usize).prop_map(|labels_per_client| Partition::Shards { labels_per_client }),
        (0.01..100.0_f64).prop_map(|alpha| Partition::Quantity {
            alpha,
            min_samples: 1
        }),
    ]
}

proptest! {
    #[test]
    fn every_sample_goes_to_exactly_one_client(
        rule in rules(),
        samples in 1..400_usize,
        n_classes in 1..9_usize,
        clients in 1..40_usize,
        seed: u64,
    ) {
        let labels = labels(samples, n_classes);
        let Ok(shards) = partition(&rule, &labels, n_classes, clients, seed) else { return Ok(()) };
        prop_assert_eq!(shards.len(), clients);
        let mut dealt: Vec<u32> = shards.iter().flatten().copied().collect();
        dealt.sort_unstable();
        prop_assert_eq!(dealt, (0..samples as u32).collect::<Vec<_>>());
        let least = match rule { Partition::Dirichlet { min_samples, .. } => min_samples.max(1), _ => 1 };
        for shard in &shards {
            prop_assert!(shard.len() >= least);
            prop_assert!(shard.is_sorted());
            if let Partition::Shards { labels_per_client } = rule {
                let mut held: Vec<u32> = shard.iter().map(|&sample| labels[sample as usize]).collect();
                held.sort_unstable();
                held.dedup();
                prop_assert_eq!(held.len(), labels_per_client);
            }
        }
        prop_assert_eq!(&shards, &partition(&rule, &labels, n_classes, clients, seed).unwrap());
    }

    #[test]
    fn only_what_is_impossible_is_refused(rule in rules(), seed: u64) {
        // 300 samples of 5 balanced classes for 12 clients: room for every rule above.
        prop_assert!(partition(&rule, &labels(300, 5), 5, 12, seed).is_ok());
    }
}

/// Shares of each class over clients, `classes × clients`.
fn class_shares(shards: &[Vec<u32>], labels: &[u32], n_classes: usize) -> Vec<Vec<f64>> {
    let mut counts = vec![vec![0.0; shards.len()]; n_classes];
    for (client, shard) in shards.iter().enumerate() {
        for &sample in shard {
            counts[labels[sample as usize] as usize][client] += 1.0;
        }
    }
    for class in &mut counts {
        let sum: f64 = class.iter().sum();
        class.iter_mut().for_each(|count| *count /= sum);
    }
    counts
}

#[test]
fn dirichlet_shares_have_the_closed_form_second_moment() {
    // For Dir(α) over N clients, E Σ p² = (α + 1)/(Nα + 1).
    let (clients, n_classes) = (10, 10);
    let labels = labels(20_000, n_classes);
    for alpha in [0.05, 0.3, 1.0, 10.0] {
        let mut moments = Vec::new();
        for seed in 0..60 {
            let rule = Partition::Dirichlet {
                alpha,
                min_samples: 1,
            };
            let shards = partition(&rule, &labels, n_classes, clients, seed).unwrap();
            for class in class_shares(&shards, &labels, n_classes) {
                moments.push(class.iter().map(|share| share * share).sum::<f64>());
            }
        }
        let n = moments.len() as f64;
        let mean = moments.iter().sum::<f64>() / n;
        let variance = moments
            .iter()
            .map(|moment| (moment - mean).powi(2))
            .sum::<f64>()
            / (n - 1.0);
        let exact = (alpha + 1.0) / (clients as f64 * alpha + 1.0);
        // Four standard errors, and what rounding to whole samples may add.
        let margin = 4.0 * (variance / n).sqrt() + 1e-3;
        assert!(
            (mean - exact).abs() < margin,
            "alpha {alpha}: {mean} is not {exact} ± {margin}"
        );
    }
}

#[test]
fn a_smaller_alpha_leaves_clients_fewer_kinds_of_labels() {
    let labels = labels(5_000, 10);
    let mean_entropy = |alpha: f64| {
        let rule = Partition::Dirichlet {
            alpha,
            min_samples: 5,
        };
        let mut entropies = Vec::new();
        for seed in 0..10 {
            for shard in partition(&rule, &labels, 10, 20, seed).unwrap() {
                let mut counts = [0.0_f64; 10];
                shard
                    .iter()
                    .for_each(|&sample| counts[labels[sample as usize] as usize] += 1.0);
                let share = |count: &f64| count / shard.len() as f64;
                let held = counts.iter().map(share).filter(|&share| share > 0.0);
                entropies.push(held.map(|share| -share * share.ln()).sum::<f64>());
            }
        }
        entropies.iter().sum::<f64>() / entropies.len() as f64
    };
    let entropies = [0.05, 0.3, 1.0, 10.0, 1000.0].map(mean_entropy);
    assert!(entropies.is_sorted_by(|a, b| a < b), "{entropies:?}");
    // As α grows the labels of a client become uniform: ln 10.
    assert!(entropies[4] > 0.98 * 10_f64.ln(), "{entropies:?}");
}

#[test]
fn quantity_skew_leaves_labels_alone_and_iid_makes_equal_sizes() {
    let labels = labels(10_000, 4);
    let shards = partition(
        &Partition::Quantity {
            alpha: 0.5,
            min_samples: 1,
        },
        &labels,
        4,
        10,
        3,
    )
    .unwrap();
    let sizes: Vec<usize> = shards.iter().map(Vec::len).collect();
    assert!(
        sizes.iter().max() > Some(&(3 * sizes.iter().min().unwrap())),
        "{sizes:?}"
    );
    let largest = shards.iter().max_by_key(|shard| shard.len()).unwrap();
    for class in 0..4 {
        let held = largest
            .iter()
            .filter(|&&sample| labels[sample as usize] == class)
            .count();
        let share = held as f64 / largest.len() as f64;
        assert!(
            (share - 0.25).abs() < 0.04,
            "class {class} is {share} of the largest shard"
        );
    }
    let shards = partition(&Partition::Iid, &labels[..103], 4, 10, 3).unwrap();
    assert!(shards.iter().all(|shard| (10..=11).contains(&shard.len())));
}

#[test]
fn classes_are_held_by_equally_many_clients_under_shards() {
    let labels = labels(1_000, 10);
    let rule = Partition::Shards {
        labels_per_client: 2,
    };
    for seed in 0..20 {
        let shards = partition(&rule, &labels, 10, 30, seed).unwrap();
        for class in class_shares(&shards, &labels, 10) {
            // 30 clients · 2 labels / 10 classes.
            assert_eq!(class.iter().filter(|&&share| share > 0.0).count(), 6);
        }
    }
}

#[test]
fn an_impossible_partition_says_why_and_names_a_way_out() {
    let labels = labels(20, 4);
    let message = |rule: Partition, clients: usize| {
        partition(&rule, &labels, 4, clients, 0)
            .unwrap_err()
            .to_string()
    };
    let shards = |labels_per_client| Partition::Shards { labels_per_client };
    assert_eq!(
        message(Partition::Iid, 21),
        "20 samples are too few for 21 clients with at least 1 each; use fewer clients, a smaller test or public set, or more data"
    );
    assert!(
        message(
            Partition::Dirichlet {
                alpha: 1.0,
                min_samples: 11
            },
            2
        )
        .contains("at least 11 each")
    );
    assert!(message(Partition::Iid, 0).contains("no clients"));
    assert!(
        message(
            Partition::Quantity {
                alpha: 0.0,
                min_samples: 1
            },
            2
        )
        .contains("above 0, not 0")
    );
    assert!(
        message(
            Partition::Dirichlet {
                alpha: f64::NAN,
                min_samples: 1
            },
            2
        )
        .contains("not NaN")
    );
    assert!(message(shards(5), 2).contains("cannot hold 5 labels of the 4"));
    assert!(message(shards(0), 2).contains("choose 1 to 4"));
    assert!(message(shards(1), 3).contains("3 clients with 1 labels each cannot hold all 4"));
    assert!(message(shards(4), 10).contains("has 5 samples for the 10 clients"));
    let wrong = partition(&Partition::Iid, &[0, 9], 4, 1, 0);
    assert_eq!(
        wrong,
        Err(PartitionError::Label {
            label: 9,
            n_classes: 4
        })
    );
    assert!(message(Partition::Iid, usize::MAX).contains("too few"));
}

#[test]
fn a_split_uses_every_sample_once_in_sets_of_the_asked_sizes() {
    let digits = Dataset::digits();
    let rule = Partition::Dirichlet {
        alpha: 0.3,
        min_samples: 1,
    };
    let split = Split::draw(&digits, 360, 300, 0.2, &rule, 30, 7).unwrap();
    assert_eq!(
        (split.test.len(), split.public.len(), split.clients.len()),
        (360, 300, 30)
    );
    let mut all = [split.test.clone(), split.public.clone()].concat();
    for shard in &split.clients {
        let n = shard.train.len() + shard.test.len();
        let held = ((0.2 * n as f64).round() as usize).min(n - 1);
        assert_eq!(shard.test.len(), held);
        all.extend(shard.train.iter().chain(&shard.test));
    }
    all.sort_unstable();
    assert_eq!(all, (0..1797).collect::<Vec<u32>>());
    assert_eq!(
        split,
        Split::draw(&digits, 360, 300, 0.2, &rule, 30, 7).unwrap()
    );
    assert_ne!(
        split.test,
        Split::draw(&digits, 360, 300, 0.2, &rule, 30, 8)
            .unwrap()
            .test
    );
    // The test set is drawn first: nothing after it moves it.
    assert_eq!(
        split.test,
        Split::draw(&digits, 360, 10, 0.0, &Partition::Iid, 3, 7)
            .unwrap()
            .test
    );
}

#[test]
fn holding_out_always_leaves_a_client_something_to_learn_from() {
    let digits = Dataset::digits();
    let sizes = |clients| {
        let split = Split::draw(&digits, 1797 - 30, 0, 0.9, &Partition::Iid, clients, 0).unwrap();
        (split.clients[0].train.len(), split.clients[0].test.len())
    };
    // 0.9 of 10, 3, 2 and 1 samples, but one stays.
    assert_eq!([3, 10, 15, 30].map(sizes), [(1, 9), (1, 2), (1, 1), (1, 0)]);
}

#[test]
fn an_impossible_split_is_refused() {
    let digits = Dataset::digits();
    let draw = |test, public, holdout, clients| {
        Split::draw(&digits, test, public, holdout, &Partition::Iid, clients, 0)
    };
    assert!(matches!(
        draw(1000, 798, 0.0, 1),
        Err(SplitError::TooFewSamples { samples: 1797, .. })
    ));
    assert!(matches!(
        draw(usize::MAX, 1, 0.0, 1),
        Err(SplitError::TooFewSamples { .. })
    ));
    assert!(matches!(
        draw(10, 10, 1.0, 1),
        Err(SplitError::Holdout { .. })
    ));
    assert!(matches!(
        draw(10, 10, f64::NAN, 1),
        Err(SplitError::Holdout { .. })
    ));
    assert!(matches!(
        draw(1000, 797, 0.0, 1),
        Err(SplitError::Partition(PartitionError::TooFewSamples {
            samples: 0,
            ..
        }))
    ));
}
