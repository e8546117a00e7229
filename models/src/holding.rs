//! Holdings: samples that a client has by its own account, beside those that share by a partition.

use std::fmt;

use rand::seq::SliceRandom;

use crate::partition::by_class;
use crate::random::{Purpose, stream};

/// How a client comes by its samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Holding {
    /// A share of what the others leave, by the partition.
    #[default]
    Shared,
    /// Exactly this many samples of each class; classes that are not told have none.
    Classes(Vec<usize>),
    /// Exactly this many samples of whatever class.
    Any(usize),
}

impl Holding {
    /// Samples that it takes from the pool before the others share the rest; `None` for a share.
    pub fn asked(&self) -> Option<usize> {
        match self {
            Self::Shared => None,
            Self::Classes(counts) => Some(counts.iter().sum()),
            Self::Any(count) => Some(*count),
        }
    }
}

/// What the clients with a holding of their own have, and what is left for the others.
#[derive(Debug)]
pub(crate) struct Dealt {
    /// Samples of each client in ascending order, or `None` for one that shares.
    pub(crate) own: Vec<Option<Vec<u32>>>,
    /// What nobody has yet, ascending.
    pub(crate) rest: Vec<u32>,
}

/// Whether a pool with these samples of each class has enough for everyone's holding.
///
/// # Errors
/// The first client that asks for more than the ones before it have left.
pub fn check_holdings(holdings: &[Holding], pool: &[usize]) -> Result<(), HoldingError> {
    let mut left = pool.to_vec();
    for (client, holding) in holdings.iter().enumerate() {
        if holding.asked() == Some(0) {
            return Err(HoldingError::Empty { client });
        }
        let Holding::Classes(counts) = holding else {
            continue;
        };
        for (class, &asked) in counts.iter().enumerate() {
            let there = left.get(class).copied().unwrap_or_default();
            if asked > there {
                return Err(HoldingError::TooFew {
                    client,
                    class: Some(class),
                    asked,
                    left: there,
                    pool: pool.get(class).copied().unwrap_or_default(),
                });
            }
            if asked > 0 {
                left[class] -= asked;
            }
        }
    }
    let mut left: usize = left.iter().sum();
    for (client, holding) in holdings.iter().enumerate() {
        let Holding::Any(asked) = *holding else {
            continue;
        };
        if asked > left {
            return Err(HoldingError::TooFew {
                client,
                class: None,
                asked,
                left,
                pool: pool.iter().sum(),
            });
        }
        left -= asked;
    }
    Ok(())
}

/// Deals the samples `0..labels.len()` to the clients that have a holding of their own.
///
/// Those that tell their classes come first, in their order, so that chance cannot take from them
/// what they asked for; then those that tell a number alone.
pub(crate) fn deal(
    holdings: &[Holding],
    labels: &[u32],
    n_classes: usize,
    seed: u64,
) -> Result<Dealt, HoldingError> {
    let mut classes = by_class(labels, n_classes);
    let pool: Vec<usize> = classes.iter().map(Vec::len).collect();
    check_holdings(holdings, &pool)?;
    let mut draw = stream(seed, Purpose::Holdings);
    for class in &mut classes {
        class.shuffle(&mut draw);
    }
    let mut own: Vec<Option<Vec<u32>>> = vec![None; holdings.len()];
    for (own, holding) in own.iter_mut().zip(holdings) {
        if let Holding::Classes(counts) = holding {
            let mut samples = Vec::with_capacity(counts.iter().sum());
            for (class, &count) in classes.iter_mut().zip(counts) {
                samples.extend(class.drain(class.len() - count..));
            }
            *own = Some(samples);
        }
    }
    let mut rest: Vec<u32> = classes.into_iter().flatten().collect();
    rest.sort_unstable();
    rest.shuffle(&mut draw);
    for (own, holding) in own.iter_mut().zip(holdings) {
        if let Holding::Any(count) = *holding {
            *own = Some(rest.split_off(rest.len() - count));
        }
    }
    own.iter_mut()
        .flatten()
        .for_each(|samples| samples.sort_unstable());
    rest.sort_unstable();
    Ok(Dealt { own, rest })
}

/// Why clients cannot have what they hold by their own account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HoldingError {
    /// A client without any sample.
    Empty {
        /// Its place among the clients.
        client: usize,
    },
    /// More samples than there are.
    TooFew {
        /// Its place among the clients.
        client: usize,
        /// The class, where one is asked for.
        class: Option<usize>,
        /// What it asked for.
        asked: usize,
        /// What the clients before it have left.
        left: usize,
        /// What there was for all clients together.
        pool: usize,
    },
}

impl fmt::Display for HoldingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { client } => write!(
                f,
                "client {client} holds no samples; every client needs at least one"
            ),
            Self::TooFew {
                client,
                class,
                asked,
                left,
                pool,
            } => {
                let of = class.map_or(String::new(), |class| format!(" of class {class}"));
                write!(
                    f,
                    "client {client} asks for {asked} samples{of}, and {left} are left of {pool}; \
                     ask for fewer, or set fewer aside for the test and the public set"
                )
            }
        }
    }
}

impl std::error::Error for HoldingError {}
