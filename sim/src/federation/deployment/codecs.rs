//! The codecs of a strand: one each way, for rows that all travel and for those that need not.

use crate::federation::codec::Codec;
use crate::federation::knowledge::Form;
use crate::scenario::{RawCodec, RawStrand};
use std::sync::Arc;

/// A strand's codecs.
#[derive(Debug)]
pub(super) struct Codecs {
    up: OneWay,
    down: OneWay,
}

#[derive(Debug)]
struct OneWay {
    plain: Arc<Codec>,
    held_rows: Arc<Codec>,
}

impl OneWay {
    fn new(raw: &RawCodec) -> Self {
        let codec = Codec::new(raw);
        Self {
            held_rows: Arc::new(codec.clone().with_rows()),
            plain: Arc::new(codec),
        }
    }
}

impl Codecs {
    pub(super) fn of_strand(strand: &RawStrand) -> Self {
        let down = strand.codec_down.as_ref().unwrap_or(&strand.codec);
        Self {
            up: OneWay::new(&strand.codec),
            down: OneWay::new(down),
        }
    }

    /// For pieces of this form.
    pub(super) fn of(&self, form: Form, up: bool) -> &Arc<Codec> {
        let way = if up { &self.up } else { &self.down };
        match form.sparse {
            true => &way.held_rows,
            false => &way.plain,
        }
    }

    /// Whether one of them remembers what was sent before.
    pub(super) fn remember(&self) -> bool {
        self.up.plain.has_state() || self.down.plain.has_state()
    }

    /// Whether both leave values as they are.
    pub(super) fn are_identity(&self) -> bool {
        self.up.plain.is_identity() && self.down.plain.is_identity()
    }
}
