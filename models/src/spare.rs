//! Networks that a thread has no use for any more, kept for the next job of the same layers.
//!
//! A job builds a network, trains or asks it for a moment and drops it. Of the next one of the
//! same layers only the parameters and the seed differ; kernels and buffers are handed on. What
//! buffers hold from before is never read: every pass writes them first. So a job's result does
//! not depend on what the thread did before it.

use std::cell::RefCell;
use std::sync::Arc;

use crate::layout::Layout;
use crate::network::{Part, Shared};

/// Networks that a thread keeps at most; the one that has waited longest goes first.
const MOST: usize = 4;

thread_local! {
    static SPARES: RefCell<Vec<Spare>> = const { RefCell::new(Vec::new()) };
}

/// A network without a job.
#[derive(Debug)]
pub(crate) struct Spare {
    pub(crate) layout: Arc<Layout>,
    /// The layers from here on were left out.
    pub(crate) end: usize,
    pub(crate) parts: Vec<Part>,
    pub(crate) workspace: Shared,
}

/// A network of this thread of these layers.
pub(crate) fn take(layout: &Arc<Layout>, end: usize) -> Option<Spare> {
    let fits = |spare: &Spare| {
        spare.end == end && (Arc::ptr_eq(&spare.layout, layout) || spare.layout == *layout)
    };
    SPARES.with_borrow_mut(|spares| {
        let place = spares.iter().rposition(fits)?;
        Some(spares.remove(place))
    })
}

/// Keeps a network for the thread's next job.
pub(crate) fn keep(spare: Spare) {
    // While a thread ends its spares may be gone already; then this one goes too.
    let _ = SPARES.try_with(|spares| {
        let mut spares = spares.borrow_mut();
        if spares.len() == MOST {
            spares.remove(0);
        }
        spares.push(spare);
    });
}
