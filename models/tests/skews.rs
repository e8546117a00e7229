//! Partitions by size, by shards, by mixture and by nature hold what they promise.

use fedstill_models::files::{CsvColumns, DataFile, csv};
use fedstill_models::{
    Dataset, Partition, PartitionError, Split, SplitError, partition, partition_groups,
};
use proptest::prelude::*;

fn labels(samples: usize, n_classes: usize) -> Vec<u32> {
    (0..samples)
        .map(|sample| (sample * 7 % n_classes) as u32)
        .collect()
}

fn counts(shard: &[u32], labels: &[u32], n_classes: usize) -> Vec<f64> {
    let mut counts = vec![0.0; n_classes];
    for &sample in shard {
        counts[labels[sample as usize] as usize] += 1.0;
    }
    counts
}

fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// Rules that leave samples to nobody, or to several.
fn rules() -> impl Strategy<Value = Partition> {
    prop_oneof![
        (1..20_usize, any::<bool>())
            .prop_map(|(size, replacement)| Partition::Draw { size, replacement }),
        (0.01..100.0_f64, 1..20_usize, any::<bool>()).prop_map(|(alpha, size, replacement)| {
            Partition::Mixture {
                alpha,
                size,
                replacement,
            }
        }),
        (1..4_usize, 1..8_usize).prop_map(|(shards, size)| Partition::SortedShards {
            shards,
            size: Some(size)
        }),
        (1..4_usize).prop_map(|shards| Partition::SortedShards { shards, size: None }),
        (0.0..3.0_f64, 0..4_usize)
            .prop_map(|(sigma, min_samples)| Partition::LogNormal { sigma, min_samples }),
        (0.0..3.0_f64, 0..4_usize).prop_map(|(exponent, min_samples)| Partition::Zipf {
            exponent,
            min_samples
        }),
        (0..4_usize).prop_map(|min_samples| Partition::Natural { min_samples }),
    ]
}

proptest! {
    #[test]
    fn no_sample_is_at_two_clients_except_with_replacement(
        rule in rules(),
        samples in 1..400_usize,
        n_classes in 1..9_usize,
        clients in 1..30_usize,
        seed: u64,
    ) {
        let labels = labels(samples, n_classes);
        let groups: Vec<u32> = (0..samples as u32).map(|sample| sample % 17).collect();
        let deal = |seed| partition_groups(&rule, &labels, Some(&groups), n_classes, clients, seed);
        let Ok(shards) = deal(seed) else { return Ok(()) };
        prop_assert_eq!(shards.len(), clients);
        let replacement = matches!(
            rule,
            Partition::Draw { replacement: true, .. } | Partition::Mixture { replacement: true, .. }
        );
        let mut dealt: Vec<u32> = shards.iter().flatten().copied().collect();
        let total = dealt.len();
        dealt.sort_unstable();
        dealt.dedup();
        prop_assert!(replacement || dealt.len() == total, "a sample is at two clients");
        for shard in &shards {
            prop_assert!(!shard.is_empty());
            prop_assert!(shard.is_sorted_by(|a, b| a < b), "a client has a sample twice");
            match rule {
                Partition::Draw { size, .. } | Partition::Mixture { size, .. } => {
                    prop_assert_eq!(shard.len(), size);
                }
                Partition::SortedShards { shards, size: Some(size) } => {
                    prop_assert_eq!(shard.len(), shards * size);
                }
                Partition::LogNormal { min_samples, .. }
                | Partition::Zipf { min_samples, .. }
                | Partition::Natural { min_samples } => prop_assert!(shard.len() >= min_samples),
                _ => {}
            }
        }
        let everything = matches!(
            rule,
            Partition::LogNormal { .. } | Partition::Zipf { .. } | Partition::SortedShards { size: None, .. }
        );
        prop_assert!(!everything || dealt.len() == samples, "a sample is nobody's");
        prop_assert_eq!(&shards, &deal(seed).unwrap());
    }
}

#[test]
fn mixtures_have_the_closed_form_second_moment() {
    // For q ~ Dir(α·p), E Σ q² = Σ p (αp + 1)/(α + 1); n draws by q add (1 − E Σ q²)/n.
    let n_classes = 5;
    // Shares 1/3, 1/6, 1/6, 1/6, 1/6 of the pool, with far more samples than are drawn.
    let labels: Vec<u32> = (0..60_000)
        .map(|sample| [0, 0, 1, 2, 3, 4][sample % 6])
        .collect();
    let size = 200;
    for alpha in [0.1, 1.0, 10.0] {
        let rule = Partition::Mixture {
            alpha,
            size,
            replacement: true,
        };
        let shards = partition(&rule, &labels, n_classes, 600, 1).unwrap();
        let moments: Vec<f64> = shards
            .iter()
            .map(|shard| {
                let shares = counts(shard, &labels, n_classes);
                shares.iter().map(|c| (c / size as f64).powi(2)).sum()
            })
            .collect();
        let (mean, error) = mean_and_error(&moments);
        let pool = [1.0 / 3.0, 1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0];
        let exact: f64 = pool
            .iter()
            .map(|p| p * (alpha * p + 1.0) / (alpha + 1.0))
            .sum();
        let exact = exact + (1.0 - exact) / size as f64;
        assert!(
            (mean - exact).abs() < 4.0 * error,
            "alpha {alpha}: {mean} is not {exact} ± {}",
            4.0 * error
        );
        let first: Vec<f64> = shards
            .iter()
            .map(|shard| counts(shard, &labels, n_classes)[0] / size as f64)
            .collect();
        let (mean, error) = mean_and_error(&first);
        assert!(
            (mean - pool[0]).abs() < 4.0 * error,
            "alpha {alpha}: {mean}"
        );
    }
}

#[test]
fn log_normal_sizes_have_the_deviation_asked_for() {
    let labels = labels(400_000, 4);
    for sigma in [0.25, 1.0] {
        let rule = Partition::LogNormal {
            sigma,
            min_samples: 1,
        };
        let shards = partition(&rule, &labels, 4, 200, 5).unwrap();
        let logs: Vec<f64> = shards
            .iter()
            .map(|shard| (shard.len() as f64).ln())
            .collect();
        let (_, error) = mean_and_error(&logs);
        let deviation = error * 200_f64.sqrt();
        // The standard error of a standard deviation is σ/√(2n).
        let margin = 4.0 * sigma / 400_f64.sqrt();
        assert!(
            (deviation - sigma).abs() < margin,
            "{deviation} is not {sigma}"
        );
        // Labels stay even: 25 000 or more of the largest client's are a quarter each.
        let largest = shards.iter().max_by_key(|shard| shard.len()).unwrap();
        for count in counts(largest, &labels, 4) {
            let share = count / largest.len() as f64;
            assert!((share - 0.25).abs() < 4.0 * (0.1875 / largest.len() as f64).sqrt());
        }
    }
}

#[test]
fn zipf_sizes_fall_as_a_power_of_their_rank() {
    // 12 000 samples over ranks 1 to 6 by 1/r: H = 2.45.
    let rule = Partition::Zipf {
        exponent: 1.0,
        min_samples: 1,
    };
    let shards = partition(&rule, &labels(12_000, 3), 3, 6, 2).unwrap();
    let mut sizes: Vec<usize> = shards.iter().map(Vec::len).collect();
    assert!(
        !sizes.is_sorted_by(|a, b| a > b),
        "ranks are by lot: {sizes:?}"
    );
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    for (rank, size) in (1..).zip(sizes) {
        let exact = 12_000.0 / 2.45 / f64::from(rank);
        assert!((size as f64 - exact).abs() <= 1.0, "rank {rank}: {size}");
    }
}

#[test]
fn two_sorted_shards_are_two_labels_as_in_mcmahan_2017() {
    // A tenth of MNIST: 10 classes of 600, shards of 30, 2 of them at each of 100 clients.
    let labels = labels(6_000, 10);
    let rule = Partition::SortedShards {
        shards: 2,
        size: Some(30),
    };
    let shards = partition(&rule, &labels, 10, 100, 3).unwrap();
    let held = |shard: &Vec<u32>| {
        let counts = counts(shard, &labels, 10);
        counts.iter().filter(|count| **count > 0.0).count()
    };
    let kinds: Vec<usize> = shards.iter().map(held).collect();
    assert!(kinds.iter().all(|kinds| (1..=2).contains(kinds)));
    // The second shard is of the first one's label with probability 19/199.
    let single = kinds.iter().filter(|kinds| **kinds == 1).count() as f64;
    let expected = 100.0 * 19.0 / 199.0;
    assert!(
        (single - expected).abs() < 4.0 * expected.sqrt(),
        "{single}"
    );
}

#[test]
fn with_replacement_every_sample_is_drawn_as_often_as_chance_says() {
    // 1 000 clients of 16 of the 1 437 training images of digits: binomial(1000, 16/1437).
    let rule = Partition::Draw {
        size: 16,
        replacement: true,
    };
    let shards = partition(&rule, &labels(1_437, 10), 10, 1_000, 4).unwrap();
    let mut times = vec![0.0; 1_437];
    for &sample in shards.iter().flatten() {
        times[sample as usize] += 1.0;
    }
    let p: f64 = 16.0 / 1_437.0;
    let (mean, error) = mean_and_error(&times);
    assert!((mean - 1_000.0 * p).abs() < 1e-9, "{mean}");
    let variance = error * error * 1_437.0;
    let exact = 1_000.0 * p * (1.0 - p);
    assert!(
        (variance - exact).abs() < 4.0 * exact * (2.0 / 1_437_f64).sqrt(),
        "{variance}"
    );
}

const WARDS: &str = "x,y,ward\n1,a,north\n2,b,south\n3,a,north\n4,b,east\n5,a,south\n6,b,north\n";

fn wards() -> Dataset {
    let file = DataFile {
        name: "wards.csv",
        bytes: WARDS.as_bytes(),
    };
    let columns = CsvColumns {
        label: "y",
        features: None,
        client: Some("ward"),
        shape: None,
    };
    csv(file, None, &columns).unwrap()
}

#[test]
fn each_client_is_one_group_of_the_data() {
    let data = wards();
    let split = |clients, min_samples| {
        let rule = Partition::Natural { min_samples };
        Split::draw(&data, 0, 0, 0.0, &rule, clients, 1)
    };
    let shards = |split: Split| -> Vec<Vec<u32>> {
        split.clients.into_iter().map(|shard| shard.train).collect()
    };
    // In the order in which the groups first occur.
    let all = shards(split(3, 1).unwrap());
    assert_eq!(all, [vec![0, 2, 5], vec![1, 4], vec![3]]);
    let large = shards(split(2, 2).unwrap());
    assert_eq!(large, [vec![0, 2, 5], vec![1, 4]]);
    assert!(matches!(
        split(3, 2),
        Err(SplitError::Partition(PartitionError::TooFewGroups {
            groups: 2,
            clients: 3,
            ..
        }))
    ));
    let rule = Partition::Natural { min_samples: 1 };
    assert!(matches!(
        Split::draw(&Dataset::digits(), 10, 0, 0.0, &rule, 3, 1),
        Err(SplitError::Partition(PartitionError::NoGroups))
    ));
}

#[test]
fn a_test_set_of_its_own_is_the_global_test_set_and_nobody_trains_on_it() {
    let read = |name, text: &'static str| DataFile {
        name,
        bytes: text.as_bytes(),
    };
    let columns = CsvColumns {
        label: "y",
        features: None,
        client: None,
        shape: None,
    };
    let test = read("test.csv", "x,y\n7,a\n8,b\n9,a\n");
    let train = read("train.csv", "x,y\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n");
    let data = csv(train, Some(test), &columns).unwrap();
    let draw = |test, public, seed| Split::draw(&data, test, public, 0.0, &Partition::Iid, 2, seed);
    let whole = draw(3, 2, 1).unwrap();
    assert_eq!(whole.test, [6, 7, 8]);
    let mut rest: Vec<u32> = whole.clients.iter().flat_map(|c| c.train.clone()).collect();
    rest.extend(&whole.public);
    rest.sort_unstable();
    assert_eq!(rest, [0, 1, 2, 3, 4, 5]);
    let part = draw(2, 0, 1).unwrap();
    assert!(part.test.len() == 2 && part.test.iter().all(|&sample| sample >= 6));
    assert!(matches!(
        draw(4, 0, 1),
        Err(SplitError::TooFewSamples { .. })
    ));
    assert!(matches!(
        draw(1, 7, 1),
        Err(SplitError::TooFewSamples { .. })
    ));
}

#[test]
fn numbers_that_make_no_partition_are_refused() {
    let labels = labels(100, 5);
    let deal = |rule| partition(&rule, &labels, 5, 10, 0).unwrap_err();
    let told = |rule| deal(rule).to_string();
    for sigma in [-1.0, f64::NAN, f64::INFINITY] {
        let rule = Partition::LogNormal {
            sigma,
            min_samples: 1,
        };
        assert!(told(rule).contains("0 or more"));
    }
    let rule = Partition::Zipf {
        exponent: -0.5,
        min_samples: 1,
    };
    assert!(told(rule).contains("0 or more, not -0.5"));
    let draw = |size, replacement| Partition::Draw { size, replacement };
    assert!(told(draw(0, true)).contains("at least one"));
    assert!(told(draw(11, false)).contains("100 samples are too few for 10 clients"));
    assert!(told(draw(101, true)).contains("too few"));
    assert!(partition(&draw(10, false), &labels, 5, 10, 0).is_ok());
    let shards = Partition::SortedShards {
        shards: usize::MAX,
        size: Some(2),
    };
    assert!(told(shards).contains("too few"));
}
