//! Clients that tell their samples get exactly those; the others share what is left.

use fedstill_models::{
    Dataset, Holding, HoldingError, Partition, Split, SplitError, SyntheticSpec, check_holdings,
    synthetic_labels,
};
use proptest::prelude::*;

fn draw(holdings: &[Holding], seed: u64) -> Result<Split, SplitError> {
    let digits = Dataset::digits();
    Split::draw_with(&digits, 360, 100, 0.2, &Partition::Iid, holdings, seed)
}

/// Samples of each class that a client holds, for training and for its own test.
fn counts(split: &Split, client: usize) -> Vec<u32> {
    let shard = &split.clients[client];
    let all = [shard.train.clone(), shard.test.clone()].concat();
    Dataset::digits().class_counts(&all)
}

#[test]
fn a_client_gets_the_classes_it_tells_and_the_others_share_the_rest() {
    let wanted = vec![0, 30, 0, 5, 0, 0, 0, 1];
    let holdings = [
        Holding::Shared,
        Holding::Classes(wanted),
        Holding::Any(77),
        Holding::Shared,
    ];
    let split = draw(&holdings, 7).unwrap();
    assert_eq!(counts(&split, 1), [0, 30, 0, 5, 0, 0, 0, 1, 0, 0]);
    assert_eq!(counts(&split, 2).iter().sum::<u32>(), 77);
    // 1797 - 360 - 100 - 36 - 77 = 1224, halved.
    let shares = [0, 3].map(|client| counts(&split, client).iter().sum::<u32>());
    assert_eq!(shares, [612, 612]);
    let mut all = [split.test.clone(), split.public.clone()].concat();
    for shard in &split.clients {
        all.extend(shard.train.iter().chain(&shard.test));
    }
    all.sort_unstable();
    assert_eq!(
        all,
        (0..1797).collect::<Vec<u32>>(),
        "no sample twice, none lost"
    );
    assert_eq!(split, draw(&holdings, 7).unwrap());
    assert_ne!(split, draw(&holdings, 8).unwrap());
}

#[test]
fn without_holdings_the_split_is_what_it_was() {
    let digits = Dataset::digits();
    let rule = Partition::Dirichlet {
        alpha: 0.3,
        min_samples: 2,
    };
    let before = Split::draw(&digits, 360, 300, 0.2, &rule, 9, 7).unwrap();
    let shared = vec![Holding::Shared; 9];
    let with = Split::draw_with(&digits, 360, 300, 0.2, &rule, &shared, 7).unwrap();
    assert_eq!(before, with);
}

#[test]
fn where_nobody_shares_the_rest_stays_unused() {
    let split = draw(&[Holding::Classes(vec![3]), Holding::Any(2)], 1).unwrap();
    assert_eq!(counts(&split, 0), [3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(counts(&split, 1).iter().sum::<u32>(), 2);
    assert_eq!((split.test.len(), split.public.len()), (360, 100));
}

#[test]
fn chance_takes_from_no_client_what_a_later_one_tells() {
    // All of class 4 is told by the last client: whoever tells a number alone draws around it.
    let digits = Dataset::digits();
    for seed in 0..20 {
        let pool = Split::pool_counts(digits.labels(), 10, 0..0, 360, 100, seed);
        let mut wanted = vec![0; 10];
        wanted[4] = pool[4];
        let holdings = [Holding::Any(500), Holding::Classes(wanted)];
        let split = draw(&holdings, seed).unwrap();
        assert_eq!(counts(&split, 0)[4], 0);
        assert_eq!(counts(&split, 1)[4] as usize, pool[4]);
    }
}

#[test]
fn asking_for_more_than_there_is_tells_who_and_how_many_there_are() {
    let pool = [10, 5];
    let told = |holdings: &[Holding]| check_holdings(holdings, &pool).unwrap_err();
    let two = Holding::Classes(vec![6, 0]);
    assert_eq!(
        told(&[two.clone(), Holding::Shared, two.clone()]),
        HoldingError::TooFew {
            client: 2,
            class: Some(0),
            asked: 6,
            left: 4,
            pool: 10
        }
    );
    assert_eq!(
        told(&[Holding::Any(10), two.clone()]),
        HoldingError::TooFew {
            client: 0,
            class: None,
            asked: 10,
            left: 9,
            pool: 15
        }
    );
    let beyond = told(&[Holding::Classes(vec![0, 0, 1])]);
    assert!(
        beyond
            .to_string()
            .contains("1 samples of class 2, and 0 are left"),
        "{beyond}"
    );
    assert_eq!(told(&[Holding::Any(0)]), HoldingError::Empty { client: 0 });
    assert_eq!(
        told(&[Holding::Classes(vec![0, 0])]),
        HoldingError::Empty { client: 0 }
    );
    assert_eq!(check_holdings(&[two, Holding::Any(9)], &pool), Ok(()));
    let split = draw(&[Holding::Any(1797)], 0).unwrap_err();
    assert!(matches!(
        split,
        SplitError::Holding(HoldingError::TooFew { left: 1337, .. })
    ));
}

#[test]
fn labels_alone_are_those_of_the_data() {
    let spec = SyntheticSpec {
        classes: 3,
        features: 5,
        samples: 100,
        separation: 1.0,
    };
    let data = Dataset::synthetic(&spec, 9).unwrap();
    assert_eq!(data.labels(), synthetic_labels(3, 100, 9));
}

fn holding() -> impl Strategy<Value = Holding> {
    prop_oneof![
        Just(Holding::Shared),
        (1..9_usize).prop_map(Holding::Any),
        prop::collection::vec(0..5_usize, 1..10).prop_map(|mut counts| {
            counts[0] += 1;
            Holding::Classes(counts)
        }),
    ]
}

proptest! {
    #[test]
    fn everyone_has_what_was_told_and_no_sample_is_dealt_twice(
        holdings in prop::collection::vec(holding(), 1..20),
        seed: u64,
    ) {
        let split = draw(&holdings, seed).unwrap();
        let mut all = [split.test.clone(), split.public.clone()].concat();
        for (client, holding) in holdings.iter().enumerate() {
            let counts = counts(&split, client);
            match holding {
                Holding::Shared => prop_assert!(counts.iter().sum::<u32>() > 0),
                Holding::Any(count) => {
                    prop_assert_eq!(counts.iter().sum::<u32>() as usize, *count);
                }
                Holding::Classes(wanted) => {
                    for (class, count) in counts.iter().enumerate() {
                        let wanted = wanted.get(class).copied().unwrap_or_default();
                        prop_assert_eq!(*count as usize, wanted);
                    }
                }
            }
            let shard = &split.clients[client];
            prop_assert!(!shard.train.is_empty());
            all.extend(shard.train.iter().chain(&shard.test));
        }
        let dealt = all.len();
        all.sort_unstable();
        all.dedup();
        prop_assert_eq!(all.len(), dealt);
        if holdings.contains(&Holding::Shared) {
            prop_assert_eq!(dealt, 1797);
        }
    }
}
