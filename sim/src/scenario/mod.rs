//! From scenario files to checked runs: keys, units, layers, sweeps and messages.
//!
//! Nothing here simulates. [`load`] reads files and gives one [`PlannedRun`] for
//! each point of a sweep and replication, or every [`Problem`] found.

mod availability_trace;
mod check;
mod column;
mod conduct;
mod data;
mod decode;
mod decode_error;
mod device_classes;
mod distribution;
mod encode;
mod known_keys;
mod layers;
mod link_profile;
mod load;
mod overrides;
mod presets;
mod problem;
mod quantity;
mod raw;
mod resolved;
mod sampled;
mod schema;
mod sites;
mod spread;
mod sweep;
mod topology;
mod tree;
mod week;

pub use availability_trace::Traces;
pub use check::{NetworkScenario, Scenario};
pub use column::{Column, Pick};
pub use data::{DataFilePath, Loaded};
pub use device_classes::{DEVICE_CLASSES, DeviceClass};
pub use load::{Plan, PlannedRun, load};
pub use overrides::Overrides;
pub use presets::{PRESETS, Preset};
pub use problem::{Problem, Problems};
pub use quantity::{
    Bandwidth, Bytes, ComputeSpeed, Duration, Energy, Factor, Flops, Power, Quantity,
    QuantityError, Share, Unit,
};
pub use raw::*;
pub use resolved::Input;
pub use sampled::{Distribution, DrawError, Sampled};
pub use schema::schema;
pub use sites::{Site, Sites};
pub use spread::{Range, Spread};
pub use week::{ClockError, TimeOfDay, WeekTime, Windows, Zone};
