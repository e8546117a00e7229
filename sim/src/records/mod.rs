//! What a run leaves behind.

mod books;

pub use books::{
    Benefit, ClientRecord, ClientScore, CloseReason, Evaluation, RunBooks, RunIdentity, RunStatus,
    Score, VersionRecord,
};
