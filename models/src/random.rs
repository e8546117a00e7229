//! Seeded streams of random numbers: one per seed and purpose, so that one draw moves no other.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// What a stream is drawn for. The numbers are part of the results: never renumber.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    SyntheticMeans = 1,
    SyntheticSamples = 2,
    Partition = 3,
    SplitPools = 4,
    SplitHoldout = 5,
    InitialParameters = 6,
    BatchOrder = 7,
    Holdings = 8,
    FeatureNoise = 20,
    LabelNoise = 21,
    MissingFeatures = 22,
    Concept = 23,
    Dropout = 30,
    Clusters = 40,
    Embedding = 41,
    ServerEpochs = 42,
    UniformRows = 43,
}

/// The stream of `purpose` under `seed`.
pub(crate) fn stream(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(purpose as u64);
    generator
}
