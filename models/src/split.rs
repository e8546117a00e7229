//! The split of a data set: global test set, public set, and every client's shard.

use std::fmt;

use rand::seq::SliceRandom;

use crate::dataset::Dataset;
use crate::holding::{Dealt, Holding, HoldingError, deal};
use crate::partition::{Partition, PartitionError, partition};
use crate::random::{Purpose, stream};

/// Indices into one [`Dataset`]; no sample is in two of the sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The global test set, ascending.
    pub test: Vec<u32>,
    /// Samples that everyone may see; methods do not see their labels. Ascending.
    pub public: Vec<u32>,
    /// One shard a client; no sample is in two. Together they hold every sample that is in neither
    /// set above, as long as one of them shares by the partition.
    pub clients: Vec<Shard>,
}

/// What one client holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Samples to learn from, ascending; never empty.
    pub train: Vec<u32>,
    /// The client's own test set, ascending: round(holdout · shard), but one sample always stays
    /// for training. May be empty.
    pub test: Vec<u32>,
}

impl Split {
    /// Draws `test` samples without replacement, then `public` of the rest, deals what is left by
    /// the partition, and holds out a share of every shard as the client's own test set.
    ///
    /// # Errors
    /// When there are not enough samples, `holdout` is not in \[0, 1), or the partition is
    /// impossible.
    pub fn draw(
        dataset: &Dataset,
        test: usize,
        public: usize,
        holdout: f64,
        rule: &Partition,
        clients: usize,
        seed: u64,
    ) -> Result<Self, SplitError> {
        let holdings = vec![Holding::Shared; clients];
        Self::draw_with(dataset, test, public, holdout, rule, &holdings, seed)
    }

    /// Like [`Split::draw`], of clients that may have samples by their own account: those are
    /// drawn without replacement, in the order of the clients, before the others share the rest
    /// by the partition. What is left stays unused where nobody shares it.
    ///
    /// # Errors
    /// Those of [`Split::draw`], and a client that asks for more than there is.
    pub fn draw_with(
        dataset: &Dataset,
        test: usize,
        public: usize,
        holdout: f64,
        rule: &Partition,
        holdings: &[Holding],
        seed: u64,
    ) -> Result<Self, SplitError> {
        let samples = dataset.len();
        if test.checked_add(public).is_none_or(|apart| apart > samples) {
            return Err(SplitError::TooFewSamples {
                samples,
                test,
                public,
            });
        }
        if !(0.0..1.0).contains(&holdout) {
            return Err(SplitError::Holdout { holdout });
        }
        let [test, public, pool] = pools(samples, test, public, seed);
        let labels: Vec<u32> = pool.iter().map(|&index| dataset.label(index)).collect();
        let classes = dataset.n_classes();
        let shards = shards(rule, holdings, &labels, classes, seed)?;
        let mut draw = stream(seed, Purpose::SplitHoldout);
        let clients = shards
            .into_iter()
            .map(|places| {
                let mut train: Vec<u32> =
                    places.iter().map(|&place| pool[place as usize]).collect();
                let held = ((holdout * train.len() as f64).round() as usize).min(train.len() - 1);
                train.shuffle(&mut draw);
                let mut test = train.split_off(train.len() - held);
                train.sort_unstable();
                test.sort_unstable();
                Shard { train, test }
            })
            .collect();
        Ok(Self {
            test,
            public,
            clients,
        })
    }

    /// How many samples of each class are left for the clients by the split of this seed.
    ///
    /// # Panics
    /// When test and public set exceed the data, or a label is not below `n_classes`.
    pub fn pool_counts(
        labels: &[u32],
        n_classes: usize,
        test: usize,
        public: usize,
        seed: u64,
    ) -> Vec<usize> {
        let [.., pool] = pools(labels.len(), test, public, seed);
        let mut counts = vec![0; n_classes];
        for index in pool {
            counts[labels[index as usize] as usize] += 1;
        }
        counts
    }
}

/// Test set, public set and what is left for the clients, each ascending.
fn pools(samples: usize, test: usize, public: usize, seed: u64) -> [Vec<u32>; 3] {
    let mut order: Vec<u32> = (0..samples as u32).collect();
    order.shuffle(&mut stream(seed, Purpose::SplitPools));
    let mut pool = order.split_off(test + public);
    let mut public = order.split_off(test);
    for set in [&mut order, &mut public, &mut pool] {
        set.sort_unstable();
    }
    [order, public, pool]
}

/// Every client's places in the pool, ascending.
fn shards(
    rule: &Partition,
    holdings: &[Holding],
    labels: &[u32],
    n_classes: usize,
    seed: u64,
) -> Result<Vec<Vec<u32>>, SplitError> {
    let sharing = holdings
        .iter()
        .filter(|holding| **holding == Holding::Shared)
        .count();
    if sharing == holdings.len() {
        return Ok(partition(rule, labels, n_classes, sharing, seed)?);
    }
    let Dealt { own, rest } = deal(holdings, labels, n_classes, seed)?;
    let shared = if sharing == 0 {
        Vec::new()
    } else {
        let labels: Vec<u32> = rest.iter().map(|&place| labels[place as usize]).collect();
        partition(rule, &labels, n_classes, sharing, seed)?
    };
    let mut shared = shared.into_iter();
    let share = |own: Option<Vec<u32>>| match own {
        Some(own) => own,
        None => {
            let places = shared.next().unwrap_or_default();
            places.iter().map(|&place| rest[place as usize]).collect()
        }
    };
    Ok(own.into_iter().map(share).collect())
}

/// Why a split is impossible.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SplitError {
    /// Test and public set together exceed the data.
    TooFewSamples {
        /// Samples in the data set.
        samples: usize,
        /// Size of the test set asked for.
        test: usize,
        /// Size of the public set asked for.
        public: usize,
    },
    /// A holdout outside \[0, 1).
    Holdout {
        /// What was asked for.
        holdout: f64,
    },
    /// The rest cannot be dealt to the clients.
    Partition(PartitionError),
    /// A client asks for samples that are not there.
    Holding(HoldingError),
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewSamples {
                samples,
                test,
                public,
            } => write!(
                f,
                "a test set of {test} and a public set of {public} need more than the {samples} samples there are"
            ),
            Self::Holdout { holdout } => write!(
                f,
                "the holdout is the share of a client's samples kept for its own test, at least 0 and below 1, not {holdout}"
            ),
            Self::Partition(error) => error.fmt(f),
            Self::Holding(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SplitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Partition(error) => Some(error),
            Self::Holding(error) => Some(error),
            _ => None,
        }
    }
}

impl From<PartitionError> for SplitError {
    fn from(error: PartitionError) -> Self {
        Self::Partition(error)
    }
}

impl From<HoldingError> for SplitError {
    fn from(error: HoldingError) -> Self {
        Self::Holding(error)
    }
}
