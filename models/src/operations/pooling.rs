//! Maxima and means of windows.

use super::patches::Patches;
use super::{Backward, Descent, Forward, Kernel, wide};

/// What a window becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// The largest value of each channel.
    Max(Patches),
    /// The mean of each channel over the places that lie inside.
    Average(Patches),
}

impl Pooling {
    pub(crate) fn patches(&self) -> &Patches {
        let (Self::Max(patches) | Self::Average(patches)) = self;
        patches
    }

    pub(super) fn kernel(self) -> Box<dyn Kernel> {
        match self {
            Self::Max(patches) => Box::new(MaxKernel {
                patches,
                chosen: Vec::new(),
            }),
            Self::Average(patches) => Box::new(AverageKernel { patches }),
        }
    }
}

#[derive(Debug)]
struct MaxKernel {
    patches: Patches,
    /// For each output the place in its window that held the maximum; the first of equals.
    chosen: Vec<u16>,
}

impl Kernel for MaxKernel {
    fn forward(&mut self, pass: Forward<'_>) {
        let channels = self.patches.channels;
        let size = self.patches.places() * channels;
        self.chosen.clear();
        self.chosen.resize(pass.output.len(), 0);
        let inputs = pass.input.chunks_exact(self.patches.input_size());
        let outputs = pass.output.chunks_exact_mut(size);
        for ((input, output), chosen) in inputs.zip(outputs).zip(self.chosen.chunks_exact_mut(size))
        {
            // Below every number, so that the first value inside a window replaces it.
            output.fill(f32::NEG_INFINITY);
            wide(|| {
                self.patches.for_each_pair(|to, from, at| {
                    let at = at as u16;
                    let slots = output[to * channels..][..channels].iter_mut();
                    let values = &input[from * channels..][..channels];
                    let chosen = &mut chosen[to * channels..][..channels];
                    for ((slot, &value), chosen) in slots.zip(values).zip(chosen) {
                        // A NaN is taken, and stays: divergence must reach the loss.
                        let takes = value > *slot || value.is_nan();
                        *slot = if takes { value } else { *slot };
                        *chosen = if takes { at } else { *chosen };
                    }
                })
            });
        }
    }

    fn backward(&mut self, pass: Backward<'_>, _: &mut Descent<'_>) {
        let Some(by_input) = pass.by_input else {
            return;
        };
        let channels = self.patches.channels;
        let size = self.patches.places() * channels;
        by_input.fill(0.0);
        let inputs = by_input.chunks_exact_mut(self.patches.input_size());
        let outputs = pass.by_output.chunks_exact(size);
        for ((by_input, by_output), chosen) in
            inputs.zip(outputs).zip(self.chosen.chunks_exact(size))
        {
            wide(|| {
                self.patches.for_each_pair(|from, to, at| {
                    let at = at as u16;
                    let slots = by_input[to * channels..][..channels].iter_mut();
                    let values = &by_output[from * channels..][..channels];
                    let chosen = &chosen[from * channels..][..channels];
                    for ((slot, &value), &chosen) in slots.zip(values).zip(chosen) {
                        *slot += if chosen == at { value } else { 0.0 };
                    }
                })
            });
        }
    }
}

#[derive(Debug)]
struct AverageKernel {
    patches: Patches,
}

impl AverageKernel {
    /// How many places of a window lie inside, one over it, for every output place.
    fn shares(&self) -> impl Iterator<Item = f32> + use<> {
        let patches = self.patches;
        let inside = move |row: usize, column: usize| {
            let rows = Patches::inside(
                row,
                patches.stride.0,
                patches.padding.0,
                patches.kernel.0,
                patches.input.0,
            );
            let columns = Patches::inside(
                column,
                patches.stride.1,
                patches.padding.1,
                patches.kernel.1,
                patches.input.1,
            );
            1.0 / (rows.0.len() * columns.0.len()).max(1) as f32
        };
        (0..patches.output.0)
            .flat_map(move |row| (0..patches.output.1).map(move |column| inside(row, column)))
    }
}

impl Kernel for AverageKernel {
    fn forward(&mut self, pass: Forward<'_>) {
        let channels = self.patches.channels;
        pass.output.fill(0.0);
        let inputs = pass.input.chunks_exact(self.patches.input_size());
        let outputs = pass
            .output
            .chunks_exact_mut(self.patches.places() * channels);
        for (input, output) in inputs.zip(outputs) {
            wide(|| {
                self.patches.for_each_pair(|to, from, _| {
                    let values = &input[from * channels..][..channels];
                    super::patches::add(&mut output[to * channels..][..channels], values);
                })
            });
            for (slots, share) in output.chunks_exact_mut(channels).zip(self.shares()) {
                slots.iter_mut().for_each(|slot| *slot *= share);
            }
        }
    }

    fn backward(&mut self, pass: Backward<'_>, _: &mut Descent<'_>) {
        let Some(by_input) = pass.by_input else {
            return;
        };
        let channels = self.patches.channels;
        let shares = &mut pass.scratch.sums;
        shares.clear();
        shares.extend(self.shares());
        by_input.fill(0.0);
        let inputs = by_input.chunks_exact_mut(self.patches.input_size());
        let outputs = pass
            .by_output
            .chunks_exact(self.patches.places() * channels);
        for (by_input, by_output) in inputs.zip(outputs) {
            wide(|| {
                self.patches.for_each_pair(|from, to, _| {
                    let slots = by_input[to * channels..][..channels].iter_mut();
                    for (slot, value) in slots.zip(&by_output[from * channels..][..channels]) {
                        *slot += shares[from] * value;
                    }
                })
            });
        }
    }
}
