//! Dropout (Srivastava et al. 2014): random zeros in training, the rest scaled up.

use rand::RngCore;

use super::{Backward, Descent, Forward, Kernel};

#[derive(Debug)]
pub(super) struct DropoutKernel {
    /// A value is dropped where a random 32-bit number is below this.
    threshold: u32,
    scale: f32,
    /// 0 or the scale, for each value of the batch; empty where nothing was dropped.
    factors: Vec<f32>,
}

impl DropoutKernel {
    pub(super) fn new(rate: f32) -> Self {
        Self {
            threshold: (f64::from(rate) * 2_f64.powi(32)) as u32,
            scale: 1.0 / (1.0 - rate),
            factors: Vec::new(),
        }
    }
}

impl Kernel for DropoutKernel {
    fn forward(&mut self, pass: Forward<'_>) {
        self.factors.clear();
        let Some(noise) = pass.noise else {
            pass.output.copy_from_slice(pass.input);
            return;
        };
        let (threshold, scale) = (self.threshold, self.scale);
        self.factors.extend(pass.input.iter().map(|_| {
            if noise.next_u32() < threshold {
                0.0
            } else {
                scale
            }
        }));
        for ((slot, &value), &factor) in pass.output.iter_mut().zip(pass.input).zip(&self.factors) {
            *slot = value * factor;
        }
    }

    fn backward(&mut self, pass: Backward<'_>, _: &mut Descent<'_>) {
        let Some(by_input) = pass.by_input else {
            return;
        };
        for ((slot, &value), &factor) in by_input.iter_mut().zip(pass.by_output).zip(&self.factors)
        {
            *slot = value * factor;
        }
    }
}
