//! A layout's layers on dfdx tensors of runtime shape, run with or without dfdx's tape.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dfdx::prelude::*;
use rand_chacha::ChaCha8Rng;

use crate::error::{ModelError, check_length};
use crate::layout::{Layer, Layout, Piece};
use crate::operations::{Operation, Scratch};
use crate::random::{Purpose, stream};
use crate::shape::Shape;
use crate::spare::{self, Spare};
use crate::stage::{Stage, run};

/// Rows of numbers; both dimensions are known at run time only.
pub(crate) type Matrix<T = NoneTape> = Tensor<(usize, usize), f32, Cpu, T>;

/// A model on a device of its own, so that jobs share no lock and no buffer.
#[derive(Debug)]
pub(crate) struct Network {
    layout: Arc<Layout>,
    /// The layers from here on are left out.
    end: usize,
    parts: Vec<Part>,
    device: Cpu,
    workspace: Shared,
}

/// What runs after what.
#[derive(Debug)]
pub(crate) enum Part {
    /// A stage, by its place in the workspace.
    Stage(usize),
    /// The sum of two ways.
    Residual {
        body: Vec<Part>,
        shortcut: Vec<Part>,
    },
}

/// What the operations on one tape share. dfdx lets nobody outside read a tensor without a copy,
/// so parameters and their gradient, the large buffers, lie here as flat vectors.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) parameters: Vec<f32>,
    pub(crate) gradient: Vec<f32>,
    /// Where given, the backward pass descends straight into the parameters at this rate and
    /// leaves the gradient alone.
    pub(crate) rate: Option<f32>,
    /// The gradient of the features by terms on them; empty where there is none.
    pub(crate) by_features: Vec<f32>,
    pub(crate) stages: Vec<Stage>,
    pub(crate) scratch: Scratch,
    /// Gradients on their way from layer to layer.
    pub(crate) spares: [Vec<f32>; 2],
    pub(crate) noise: ChaCha8Rng,
    /// The data with the channels of an image innermost.
    rows: Vec<f32>,
}

/// A workspace that operations on the tape hold on to. Never contended: one job, one thread.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<Workspace>>);

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Workspace> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Network {
    /// The whole model.
    pub(crate) fn new(
        layout: Arc<Layout>,
        parameters: &[f32],
        seed: u64,
    ) -> Result<Self, ModelError> {
        let all = layout.layers.len();
        Self::up_to(layout, all, parameters, seed)
    }

    /// The model up to its head: what it hands out are features.
    pub(crate) fn extractor(layout: Arc<Layout>, parameters: &[f32]) -> Result<Self, ModelError> {
        let head = layout.head;
        Self::up_to(layout, head, parameters, 0)
    }

    fn up_to(
        layout: Arc<Layout>,
        end: usize,
        parameters: &[f32],
        seed: u64,
    ) -> Result<Self, ModelError> {
        check_length("parameters", parameters.len(), layout.parameter_count())?;
        let device = Cpu::seed_from_u64(seed);
        device.try_enable_cache()?;
        let spare = spare::take(&layout, end).unwrap_or_else(|| {
            let mut stages = Vec::new();
            let of = Build {
                layers: &layout.layers,
                head: layout.head,
                end,
            };
            let parts = of.parts(&layout.program, true, false, &mut stages);
            let workspace = Workspace {
                parameters: Vec::new(),
                gradient: Vec::new(),
                rate: None,
                by_features: Vec::new(),
                stages,
                scratch: Scratch::default(),
                spares: Default::default(),
                noise: stream(seed, Purpose::Dropout),
                rows: Vec::new(),
            };
            Spare {
                layout,
                end,
                parts,
                workspace: Shared(Arc::new(Mutex::new(workspace))),
            }
        });
        let Spare {
            layout,
            parts,
            workspace,
            ..
        } = spare;
        {
            let workspace = &mut *workspace.lock();
            workspace.parameters.clear();
            workspace.parameters.extend_from_slice(parameters);
            workspace.by_features.clear();
            workspace.rate = None;
            workspace.noise = stream(seed, Purpose::Dropout);
        }
        Ok(Self {
            layout,
            end,
            parts,
            device,
            workspace,
        })
    }

    pub(crate) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    pub(crate) fn workspace(&self) -> MutexGuard<'_, Workspace> {
        self.workspace.lock()
    }

    /// Logits of the rows `x`, on the tape `T`.
    pub(crate) fn forward<T: Tape<f32, Cpu> + Merge<NoneTape>>(
        &self,
        x: &[f32],
    ) -> Result<Matrix<T>, ModelError> {
        let width = self.layout.n_features();
        let x = match self.layout.input {
            Shape::Image { channels, .. } if channels > 1 && !self.layout.channels_innermost => {
                let rows = &mut self.workspace().rows;
                channels_innermost(x, channels, width / channels, rows);
                matrix(&self.device, rows, width)?
            }
            _ => matrix(&self.device, x, width)?,
        };
        Ok(self.pass(x.put_tape(T::default()), &self.parts)?)
    }

    fn pass<T: Tape<f32, Cpu> + Merge<NoneTape>>(
        &self,
        mut x: Matrix<T>,
        parts: &[Part],
    ) -> Result<Matrix<T>, CpuError> {
        for part in parts {
            x = match part {
                Part::Stage(place) => run(x, *place, &self.workspace)?,
                Part::Residual { body, shortcut } => {
                    let (x, tape) = x.split_tape();
                    let (sum, tape) = self.pass(x.clone().put_tape(tape), body)?.split_tape();
                    let beside = self.pass(x.put_tape(tape), shortcut)?;
                    beside.try_add(sum)?
                }
            };
        }
        Ok(x)
    }

    /// Whether any layer is behind the features.
    pub(crate) fn has_head(&self) -> bool {
        self.layout.head < self.layout.layers.len()
    }

    /// What the extractor handed to the head in the last forward pass; none of an extractor
    /// without a head.
    pub(crate) fn read_features(&self, features: &mut Vec<f32>) -> bool {
        let workspace = self.workspace();
        let first = workspace.stages.iter().find(|stage| stage.gets_features());
        features.clear();
        first
            .map(|stage| features.extend_from_slice(stage.input()))
            .is_some()
    }

    /// Runs the tape of these logits from a gradient that is already known. Afterwards the
    /// workspace holds the gradient of the parameters, or parameters that have descended.
    pub(crate) fn backward(
        &self,
        logits: &Matrix,
        mut tape: OwnedTape<f32, Cpu>,
        gradient: &Arc<Vec<f32>>,
    ) -> Result<(), ModelError> {
        let (logits, gradient) = (logits.clone(), gradient.clone());
        tape.add_backward_op(move |gradients| {
            gradients
                .get_or_alloc_mut(&logits)?
                .copy_from_slice(&gradient);
            Ok(())
        });
        let root: Tensor<(), f32, Cpu> = self.device.try_zeros()?;
        root.put_tape(tape).try_backward()?;
        Ok(())
    }
}

/// From a layout's program to stages.
struct Build<'a> {
    layers: &'a [Layer],
    /// The first layer of the head, where a stage begins.
    head: usize,
    /// Layers from here on are left out.
    end: usize,
}

impl Build<'_> {
    /// `data`: what arrives is the data. `shared`: others too take what arrives.
    fn parts(
        &self,
        program: &[Piece],
        mut data: bool,
        mut shared: bool,
        stages: &mut Vec<Stage>,
    ) -> Vec<Part> {
        let mut parts = Vec::new();
        for piece in program {
            match piece {
                Piece::Chain(chain) => {
                    let mut start = chain.start;
                    while start < chain.end.min(self.end) {
                        let mut end = self.stage_end(start).min(chain.end).min(self.end);
                        if start < self.head {
                            end = end.min(self.head);
                        }
                        let layers = &self.layers[start..end];
                        let of_head = start >= self.head;
                        start = end;
                        if let Some(mut stage) = Stage::new(layers, !data, shared) {
                            let first = |stages: &[Stage]| !stages.iter().any(Stage::gets_features);
                            stage.set_gets_features(of_head && first(stages));
                            parts.push(Part::Stage(stages.len()));
                            stages.push(stage);
                            (data, shared) = (false, false);
                        }
                    }
                }
                Piece::Residual { body, shortcut, .. } => {
                    // The layers of a block lie together, and the head outside of all blocks.
                    if first_layer(body).is_some_and(|first| first >= self.end) {
                        break;
                    }
                    parts.push(Part::Residual {
                        body: self.parts(body, data, true, stages),
                        shortcut: self.parts(shortcut, data, true, stages),
                    });
                    (data, shared) = (false, false);
                }
            }
        }
        parts
    }

    /// A stage ends before the next layer whose product reads all that came before it.
    fn stage_end(&self, start: usize) -> usize {
        let heavy = |layer: &Layer| {
            matches!(
                layer.operation,
                Operation::Dense { .. } | Operation::Convolution(_) | Operation::Gru(_)
            )
        };
        let next = self.layers[start + 1..].iter().position(heavy);
        next.map_or(self.layers.len(), |next| start + 1 + next)
    }
}

fn first_layer(pieces: &[Piece]) -> Option<usize> {
    match pieces.first()? {
        Piece::Chain(chain) => Some(chain.start),
        Piece::Residual { body, .. } => first_layer(body),
    }
}

/// `channels × places` of every sample, as the data have it, to `places × channels`.
fn channels_innermost(x: &[f32], channels: usize, places: usize, rows: &mut Vec<f32>) {
    rows.clear();
    for sample in x.chunks_exact(channels * places) {
        for place in 0..places {
            rows.extend((0..channels).map(|channel| sample[channel * places + place]));
        }
    }
}

/// A tensor of these rows, in a buffer that the device has cached where it has one.
pub(crate) fn matrix(device: &Cpu, values: &[f32], columns: usize) -> Result<Matrix, CpuError> {
    let mut matrix = device.try_zeros_like(&(values.len() / columns, columns))?;
    matrix.copy_from(values);
    Ok(matrix)
}

impl Drop for Network {
    /// dfdx never frees what its cache still holds when the device goes.
    fn drop(&mut self) {
        self.device.disable_cache();
        spare::keep(Spare {
            layout: Arc::clone(&self.layout),
            end: self.end,
            parts: std::mem::take(&mut self.parts),
            workspace: self.workspace.clone(),
        });
    }
}
