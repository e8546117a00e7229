//! After its first step a trainer takes no more memory for tensors.
//!
//! This test has a process of its own: its allocator counts what the whole process asks for.

use std::alloc::{GlobalAlloc, Layout as Bytes, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fedstill_models::{Architecture, Clipping, Loss, Optimizer, Shape, Teacher, Term, Trainer};

/// Counts requests by size.
struct Counting;

/// The smallest tensor of the models below is a batch of 32 rows of 10 logits; the tape's own
/// bookkeeping (boxed operations, nodes of its map from tensors to gradients) stays below this.
const TENSOR: usize = 32 * 10 * 4;

static LARGE: AtomicUsize = AtomicUsize::new(0);
static LARGEST: AtomicUsize = AtomicUsize::new(0);

#[expect(
    unsafe_code,
    reason = "an allocator is an unsafe trait; this one only counts"
)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Bytes) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Bytes) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Bytes, size: usize) -> *mut u8 {
        count(size);
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Bytes) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn count(size: usize) {
    if size >= TENSOR {
        LARGE.fetch_add(1, Ordering::Relaxed);
    }
    LARGEST.fetch_max(size, Ordering::Relaxed);
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const BATCH: usize = 32;

/// How many requests as large as a tensor the steps after the first make, and the largest request.
fn after_the_first_step(name: &str, input: &str, optimizer: &Optimizer) -> (usize, usize) {
    let input: Shape = input.parse().unwrap();
    let layout = Architecture::parse(name)
        .unwrap()
        .layout(input, 10)
        .unwrap();
    let layout = Arc::new(layout);
    let parameters = layout.initial_parameters(1);
    let mut trainer = Trainer::new(layout.clone(), &parameters, optimizer, None, 0).unwrap();
    let number = |seed: usize| ((seed * 7919 + 13) % 1000) as f32 / 1000.0 - 0.5;
    let x: Vec<f32> = (0..BATCH * layout.n_features()).map(number).collect();
    let labels: Vec<u32> = (0..BATCH as u32).map(|sample| sample % 10).collect();
    let teacher: Vec<f32> = (0..BATCH * 10).map(number).collect();
    let targets: Vec<f32> = (0..BATCH * layout.feature_width()).map(number).collect();
    let present: Vec<bool> = (0..BATCH).map(|row| row % 3 != 0).collect();
    let objective = [
        Loss::CrossEntropy { labels: &labels }.into(),
        Term::new(
            0.1,
            Loss::FeatureSquaredError {
                targets: &targets,
                present: &present,
            },
        ),
        Term::new(
            0.001,
            Loss::Linear {
                direction: &parameters,
            },
        ),
        Term::new(0.1, Loss::ProbabilitySquaredError { targets: &teacher }),
        Term::new(
            0.5,
            Loss::Distillation {
                teacher: Teacher::Logits(&teacher),
                temperature: 2.0,
                scale_by_temperature_squared: true,
            },
        ),
        Term::new(
            0.01,
            Loss::Proximal {
                anchor: &parameters,
            },
        ),
    ];
    let of_head = Loss::OfHead {
        features: &targets,
        loss: &Loss::CrossEntropy { labels: &labels },
    };
    let all = |trainer: &mut Trainer| {
        trainer.step(&x, &objective).unwrap();
        trainer.step(&x, &[objective[0], of_head.into()]).unwrap();
        trainer.keep_features(true);
        trainer.step_with(&x, &objective, |_| 0.0).unwrap();
        trainer.predict(&x).unwrap();
        trainer.value(&objective).unwrap();
        trainer.keep_features(false);
    };
    all(&mut trainer);
    LARGE.store(0, Ordering::Relaxed);
    LARGEST.store(0, Ordering::Relaxed);
    for _ in 0..5 {
        all(&mut trainer);
    }
    (
        LARGE.load(Ordering::Relaxed),
        LARGEST.load(Ordering::Relaxed),
    )
}

#[test]
fn after_the_first_step_no_buffer_as_large_as_a_tensor_is_taken() {
    let clipped = Optimizer {
        clipping: Some(Clipping::Norm(1.0)),
        ..Optimizer::adam(1e-3)
    };
    let optimizers = [
        Optimizer::sgd(0.01),
        Optimizer::momentum(0.01, 0.9, 1e-4),
        clipped,
    ];
    for (name, input) in [
        ("2nn", "1x28x28"),
        ("mlp-32", "64"),
        ("lenet5", "1x28x28"),
        ("resnet8", "3x16x16"),
        ("depthwise-cnn", "3x16x16"),
        ("cnn1d", "64x6"),
        ("gru", "16x6"),
    ] {
        for optimizer in &optimizers {
            let (large, largest) = after_the_first_step(name, input, optimizer);
            assert_eq!(
                large, 0,
                "{name}, {optimizer:?}: the largest has {largest} bytes"
            );
        }
    }
}
