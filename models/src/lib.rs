//! The learning of fedstill: data sets, partitions, models, losses and their cost. Knows no clock.
//!
//! A model between its participations is one flat `Vec<f32>`; a [`Trainer`] takes a copy, makes
//! its steps on the calling thread, and gives the parameters back. Everything random takes a
//! plain `u64` seed, and the same arguments give the same bits.

mod architecture;
mod batches;
mod cost;
mod dataset;
mod dense;
mod digits;
mod dirichlet;
mod error;
#[cfg(test)]
mod golden;
mod layout;
mod network;
mod objective;
mod optimizer;
mod partition;
mod predict;
mod random;
mod softmax;
mod sources;
mod split;
mod synthetic;
mod trainer;
mod update;

pub use architecture::{Architecture, ArchitectureError, ArchitectureInfo, architectures};
pub use batches::Batch;
pub use dataset::{Dataset, DatasetError};
pub use error::ModelError;
pub use layout::{DenseLayer, Layout, ParameterShape};
pub use objective::{Loss, Teacher, Term};
pub use optimizer::{Optimizer, OptimizerState};
pub use partition::{Partition, PartitionError, partition};
pub use predict::{Evaluation, evaluate, predict_logits};
pub use softmax::softmax;
pub use sources::{SourceInfo, sources};
pub use split::{Shard, Split, SplitError};
pub use synthetic::{SyntheticError, SyntheticSpec};
pub use trainer::{EpochSummary, StepResult, Trainer};
