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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Architecture, Clipping, Dataset, ListedLayer, Loss, ModelError, Optimizer, Shape, Trainer,
        evaluate, extract_features,
    };

    const IMAGE: Shape = Shape::Image {
        channels: 3,
        height: 16,
        width: 16,
    };

    fn images() -> Dataset {
        let values = (0..40 * 768).map(|place| ((place * 7919 + 13) % 1000) as f32 / 1000.0);
        let labels = (0..40).map(|sample| sample % 5).collect();
        let data = Dataset::new("images", values.collect(), labels, 768, 5).unwrap();
        data.shaped(IMAGE).unwrap()
    }

    fn layout(name: &str) -> Arc<Layout> {
        let architecture = match name {
            "dropout" => {
                let layers = ["conv2d 4 3x3", "relu", "flatten", "dropout 0.5", "dense 5"];
                let layers = layers.map(|text| ListedLayer::Text(text.to_owned()));
                Architecture::from_layers(&layers).unwrap()
            }
            name => Architecture::parse(name).unwrap(),
        };
        Arc::new(architecture.layout(IMAGE, 5).unwrap())
    }

    type Bits = Vec<u32>;

    /// Everything that a job gives: parameters, logits, features and a score, bit for bit.
    fn job(
        layout: &Arc<Layout>,
        optimizer: &Optimizer,
        batch: usize,
        seed: u64,
    ) -> (Bits, Bits, Bits, Option<u64>) {
        let data = images();
        let samples: Vec<u32> = (0..20).collect();
        let before = layout.initial_parameters(seed);
        let mut trainer = Trainer::new(layout.clone(), &before, optimizer, None, seed).unwrap();
        trainer
            .epoch(&data, &samples, batch, seed, &|| false, |trainer, batch| {
                let labels = batch.labels;
                trainer.step(batch.features, &[Loss::CrossEntropy { labels }.into()])
            })
            .unwrap();
        let logits = trainer.logits().to_vec();
        let (after, _) = trainer.into_parts().unwrap();
        let features = extract_features(layout, &after, &data, &samples).unwrap();
        let score = evaluate(layout, &after, &data, &samples).unwrap();
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect();
        (
            bits(after),
            bits(logits),
            bits(features),
            score.loss_sum.map(f64::to_bits),
        )
    }

    /// A job that is left in the middle of a step, and one whose training diverges.
    fn unlucky_jobs(layout: &Arc<Layout>) {
        let before = layout.initial_parameters(9);
        let sgd = Optimizer::sgd(1e9);
        let x = vec![1e3; 768 * 12];
        let labels = [1; 12];
        let mut left = Trainer::new(layout.clone(), &before, &sgd, None, 9).unwrap();
        left.keep_features(true);
        left.forward(&x).unwrap();
        drop(left);
        let mut diverging = Trainer::new(layout.clone(), &before, &sgd, None, 9).unwrap();
        let labels = Loss::CrossEntropy { labels: &labels };
        let end = (0..50).find_map(|_| diverging.step(&x, &[labels.into()]).err());
        assert!(matches!(end, None | Some(ModelError::Diverged { .. })));
    }

    fn on_a_thread_of_its_own<R: Send>(work: impl FnOnce() -> R + Send) -> R {
        std::thread::scope(|scope| scope.spawn(work).join().unwrap())
    }

    #[test]
    fn a_job_does_not_depend_on_what_its_thread_did_before() {
        let optimizers = [
            Optimizer::sgd(0.05),
            Optimizer {
                clipping: Some(Clipping::Norm(1.0)),
                ..Optimizer::adam(1e-3)
            },
        ];
        for name in ["mlp-32", "lenet5", "resnet8", "depthwise-cnn", "dropout"] {
            for (own, other) in [(0, 1), (1, 0), (0, 0)] {
                let (own, other) = (&optimizers[own], &optimizers[other]);
                let alone = on_a_thread_of_its_own(|| job(&layout(name), own, 6, 3));
                let after = on_a_thread_of_its_own(|| {
                    let layout = layout(name);
                    job(&layout, other, 17, 8);
                    unlucky_jobs(&layout);
                    job(&layout, own, 6, 3)
                });
                assert_eq!(alone, after, "{name}");
            }
        }
    }

    #[test]
    fn a_thread_keeps_few_networks_and_finds_those_it_keeps() {
        on_a_thread_of_its_own(|| {
            let names = ["mlp-2", "mlp-3", "mlp-4", "mlp-5", "mlp-6"];
            for name in names {
                job(&layout(name), &Optimizer::sgd(0.1), 4, 1);
            }
            let kept = SPARES.with_borrow(|spares| spares.len());
            assert_eq!(kept, MOST);
            // Equal layouts will do, not only the same one; what was taken is gone.
            let newest = layout("mlp-6");
            let all = newest.layers().len();
            assert!(take(&newest, all).is_some());
            assert!(take(&newest, all).is_none());
            assert!(take(&layout("mlp-2"), all).is_none());
        });
    }
}
