//! References: what codecs with a memory keep at one end of the way between an aggregator and a
//! child, so that both ends stay in step whatever is lost.
//!
//! What an end would remember of a parcel counts from when it is known that the participation's
//! contribution arrived: the aggregator knows at the arrival, and says so to the child in the next
//! parcel. A participation that was lost leaves both ends as they were.

/// What one end remembers one way, by strand.
#[derive(Debug, Clone)]
pub(crate) struct References<S> {
    known: Vec<S>,
    /// Of the last participation, and its number.
    pending: Option<(u64, Vec<S>)>,
}

impl<S> Default for References<S> {
    fn default() -> Self {
        Self {
            known: Vec::new(),
            pending: None,
        }
    }
}

impl<S> References<S> {
    /// What counts now; empty before anything does.
    pub(crate) fn known(&self) -> &[S] {
        &self.known
    }

    /// What will count if the contribution of this participation arrives.
    pub(crate) fn propose(&mut self, participation: u64, next: Vec<S>) {
        self.pending = Some((participation, next));
    }

    /// The last participation whose contribution arrived is this one.
    pub(crate) fn settle(&mut self, arrived: Option<u64>) {
        if let Some((of, next)) = self.pending.take()
            && arrived == Some(of)
        {
            self.known = next;
        }
    }

    /// Counts at once.
    pub(crate) fn advance(&mut self, next: Vec<S>) {
        self.known = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_participation_whose_contribution_arrived_moves_the_reference() {
        let mut end = References::default();
        end.propose(4, vec!["a"]);
        end.settle(None);
        assert!(end.known().is_empty());
        end.propose(5, vec!["b"]);
        end.settle(Some(5));
        assert_eq!(end.known(), ["b"]);
        // Participation 6 was lost: 5 is still the last one that arrived.
        end.propose(6, vec!["c"]);
        end.settle(Some(5));
        assert_eq!(end.known(), ["b"]);
        end.settle(Some(6));
        assert_eq!(end.known(), ["b"]);
    }
}
