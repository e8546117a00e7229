//! Which values share a range or a scale.

use crate::scenario::RawScaleGroup;

/// How many values in a row share one; 0 where there is nothing to share.
pub(super) fn size(per: RawScaleGroup, count: usize, width: usize) -> usize {
    match per {
        RawScaleGroup::Row if width > 0 => width,
        RawScaleGroup::All | RawScaleGroup::Row => count,
        RawScaleGroup::Bucket { size } => size.max(1),
    }
}

/// How many groups there are.
pub(super) fn number(per: RawScaleGroup, count: usize, width: usize) -> u64 {
    match size(per, count, width) {
        0 => 0,
        size => count.div_ceil(size) as u64,
    }
}
