//! Patches of images with their channels innermost, as rows of a matrix and back.

/// Windows of `kernel` rows and columns that move over `height × width` places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patches {
    pub(crate) channels: usize,
    pub(crate) input: (usize, usize),
    pub(crate) output: (usize, usize),
    pub(crate) kernel: (usize, usize),
    pub(crate) stride: (usize, usize),
    /// Zeros above and left; those below and right follow from the extents.
    pub(crate) padding: (usize, usize),
}

impl Patches {
    /// Numbers of one sample's input.
    pub(crate) fn input_size(&self) -> usize {
        self.input.0 * self.input.1 * self.channels
    }

    /// Windows of one sample.
    pub(crate) fn places(&self) -> usize {
        self.output.0 * self.output.1
    }

    /// Places of one window.
    pub(crate) fn window(&self) -> usize {
        self.kernel.0 * self.kernel.1
    }

    /// Whether every window is one place and each place has its window: nothing need be gathered.
    pub(crate) fn are_places(&self) -> bool {
        self.kernel == (1, 1) && self.stride == (1, 1) && self.padding == (0, 0)
    }

    /// The part of a window at `place` along one axis that lies inside: places of the window,
    /// and where the first of them is in the input.
    pub(crate) fn inside(
        place: usize,
        stride: usize,
        padding: usize,
        kernel: usize,
        extent: usize,
    ) -> (std::ops::Range<usize>, usize) {
        let start = place * stride;
        let first = padding.saturating_sub(start).min(kernel);
        let last = (extent + padding).saturating_sub(start).min(kernel);
        (
            first..last.max(first),
            (start + first).saturating_sub(padding),
        )
    }

    /// Writes the patches of output line `line` of one sample: `columns × (window · group)`
    /// numbers, of the channels `channels` alone.
    #[inline(always)]
    pub(crate) fn gather(
        &self,
        input: &[f32],
        line: usize,
        channels: std::ops::Range<usize>,
        rows: &mut [f32],
    ) {
        let group = channels.len();
        let run = self.kernel.1 * group;
        let (inside_rows, first_row) = Self::inside(
            line,
            self.stride.0,
            self.padding.0,
            self.kernel.0,
            self.input.0,
        );
        for (column, patch) in rows.chunks_exact_mut(self.kernel.0 * run).enumerate() {
            let (inside, first) = Self::inside(
                column,
                self.stride.1,
                self.padding.1,
                self.kernel.1,
                self.input.1,
            );
            if inside_rows.len() < self.kernel.0 || inside.len() < self.kernel.1 {
                patch.fill(0.0);
            }
            for (row, at) in inside_rows.clone().zip(first_row..) {
                let slot = &mut patch[row * run + inside.start * group..][..inside.len() * group];
                let from = (at * self.input.1 + first) * self.channels;
                if group == self.channels {
                    slot.copy_from_slice(&input[from..from + slot.len()]);
                } else {
                    for (slot, at) in slot.chunks_exact_mut(group).zip(0..) {
                        let from = from + at * self.channels + channels.start;
                        slot.copy_from_slice(&input[from..from + group]);
                    }
                }
            }
        }
    }

    /// Adds patches back to where [`Patches::gather`] takes them from.
    #[inline(always)]
    pub(crate) fn scatter(
        &self,
        rows: &[f32],
        line: usize,
        channels: std::ops::Range<usize>,
        input: &mut [f32],
    ) {
        let group = channels.len();
        let run = self.kernel.1 * group;
        let (inside_rows, first_row) = Self::inside(
            line,
            self.stride.0,
            self.padding.0,
            self.kernel.0,
            self.input.0,
        );
        for (column, patch) in rows.chunks_exact(self.kernel.0 * run).enumerate() {
            let (inside, first) = Self::inside(
                column,
                self.stride.1,
                self.padding.1,
                self.kernel.1,
                self.input.1,
            );
            for (row, at) in inside_rows.clone().zip(first_row..) {
                let patch = &patch[row * run + inside.start * group..][..inside.len() * group];
                let from = (at * self.input.1 + first) * self.channels;
                if group == self.channels {
                    add(&mut input[from..from + patch.len()], patch);
                } else {
                    for (patch, at) in patch.chunks_exact(group).zip(0..) {
                        let from = from + at * self.channels + channels.start;
                        add(&mut input[from..from + group], patch);
                    }
                }
            }
        }
    }
}

#[inline(always)]
pub(super) fn add(sums: &mut [f32], values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}
