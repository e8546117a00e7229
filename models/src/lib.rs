//! The learning of fedstill: data sets, partitions, models, losses and their cost. Knows no clock.
//!
//! A model between its participations is one flat `Vec<f32>`; a [`Trainer`] takes a copy, makes
//! its steps on the calling thread, and gives the parameters back. Everything random takes a
//! plain `u64` seed, and the same arguments give the same bits.
//!
//! ```
//! use std::sync::Arc;
//! use fedstill_models::{Architecture, Dataset, Loss, Optimizer, Partition, Split, Trainer, evaluate};
//!
//! let digits = Dataset::digits();
//! let rule = Partition::Dirichlet { alpha: 0.3, min_samples: 1 };
//! let split = Split::draw(&digits, 360, 300, 0.2, &rule, 10, 7)?;
//! let layout = Arc::new(Architecture::parse("mlp-32")?.layout(digits.shape(), 10)?);
//!
//! let fresh = layout.initial_parameters(1);
//! let mut trainer = Trainer::new(layout.clone(), &fresh, &Optimizer::sgd(0.1), None, 0)?;
//! trainer.epoch(&digits, &split.clients[0].train, 10, 42, &|| false, |trainer, batch| {
//!     trainer.step(batch.features, &[Loss::CrossEntropy { labels: batch.labels }.into()])
//! })?;
//! let (parameters, _state) = trainer.into_parts()?;
//! let score = evaluate(&layout, &parameters, &digits, &split.test)?;
//! assert_eq!(score.n, 360);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod architecture;
mod batches;
mod clusters;
mod cost;
mod cut;
mod dataset;
mod decomposition;
mod density;
mod digits;
mod dirichlet;
mod distance;
mod error;
pub mod files;
mod generator;
#[cfg(test)]
mod golden;
mod holding;
mod layer;
mod layout;
mod library;
mod network;
mod normalise;
mod objective;
mod operations;
mod optimizer;
mod partition;
mod predict;
mod product;
mod prototype;
mod random;
mod resolve;
mod rows;
mod schedule;
mod score;
mod shape;
mod site;
mod softmax;
mod sources;
mod spare;
mod split;
mod stage;
mod stored;
mod synthetic;
mod trainer;
mod update;
mod view;

pub use architecture::{
    Architecture, ArchitectureError, ArchitectureInfo, ListedLayer, architectures,
};
pub use batches::Batch;
pub use clusters::{Clusters, Distance, k_means, nearest_of_class, nearest_of_class_flops};
pub use dataset::{Dataset, DatasetError, Groups};
pub use decomposition::{Factors, Projection, svd_flops, truncated_svd};
pub use density::{DensityRatio, median_distance, uniform_rows};
pub use error::ModelError;
pub use generator::{GeneratorReport, PrototypeGenerator, prototype_margin};
pub use holding::{Holding, HoldingError, check_holdings};
pub use layer::{LayerSpec, Padding, Window};
pub use layout::{Layer, Layout, ParameterShape};
pub use normalise::{Normalisation, Normaliser};
pub use objective::{Loss, Teacher, Term};
pub use optimizer::{Clipping, Optimizer, OptimizerState, Rule};
pub use partition::{Partition, PartitionError, partition, partition_groups};
pub use predict::{evaluate, extract_features, predict_logits};
pub use prototype::{ClassSums, class_means, nearest_prototype, nearest_prototype_flops};
pub use resolve::ShapeError;
pub use rows::{RowsReport, RowsTraining, train_on_rows};
pub use schedule::{Course, Schedule};
pub use score::{Evaluation, NO_CLASS, predicted_classes, score_classes, score_logits};
pub use shape::{Shape, ShapeSyntaxError};
pub use site::Site;
pub use softmax::softmax;
pub use sources::{SourceInfo, sources};
pub use split::{Shard, Split, SplitError};
pub use stored::{Precision, Stored, all_finite};
pub use synthetic::{SyntheticError, SyntheticSpec, synthetic_labels};
pub use trainer::{EpochSummary, Outputs, StepResult, Trainer};
pub use view::View;
