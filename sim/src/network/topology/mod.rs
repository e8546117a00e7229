//! Topologies: the shapes that hosts, routers and links can take, before any client stands in it.
//!
//! A [`Blueprint`] is a plain list of nodes and links, drawn by a [`Shape`] or read from a file; it
//! becomes part of a [`Graph`](super::Graph) in one step.

mod blueprint;
mod random;
mod regular;
mod shape;

pub use blueprint::{Blueprint, PlannedLink, PlannedNode, RouteWeight};
pub use shape::{LinkKind, Shape, ShapeError, Tier};

#[cfg(test)]
mod tests;
