//! The simulated world: carries out what actors want through network and
//! devices, and keeps the books. It knows nothing of learning.

mod action;
mod client_time;
mod ledger;
mod simulation;
mod site;
mod station;
#[cfg(test)]
mod tests;
mod transfers;

pub use action::{Action, Message, Passing, Plan, Ticket, Token, Work, WorkKind};
pub use client_time::{ClientState, ClientTimes};
pub use ledger::{Merge, Outcome, Participation, Span};
pub use simulation::{Accounts, End, Host, Simulation, WorldConfig};
pub use site::{OnReturn, Site};
pub use station::{AggregatorAccount, Cast, Station};
pub use transfers::{TransferKind, TransferOutcome, TransferRecord};
