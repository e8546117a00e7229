//! Models learn real data, and repeat themselves to the bit.

use std::cell::Cell;
use std::sync::Arc;

use fedstill_models::{
    Architecture, Dataset, Layout, Loss, ModelError, Optimizer, OptimizerState, Partition, Split,
    Teacher, Term, Trainer, evaluate, predict_logits,
};

fn digits_split() -> (Dataset, Split) {
    let digits = Dataset::digits();
    let split = Split::draw(&digits, 360, 0, 0.0, &Partition::Iid, 1, 7).unwrap();
    (digits, split)
}

fn layout(name: &str, data: &Dataset) -> Arc<Layout> {
    let architecture = Architecture::parse(name).unwrap();
    Arc::new(architecture.layout(data.n_features(), data.n_classes()))
}

/// Trains on plain cross-entropy; epoch `e` is shuffled by seed `e`.
fn train_epochs(
    trainer: &mut Trainer,
    data: &Dataset,
    indices: &[u32],
    epochs: std::ops::Range<u64>,
) {
    for epoch in epochs {
        trainer
            .epoch(data, indices, 32, epoch, &|| false, |trainer, batch| {
                trainer.step(
                    batch.features,
                    &[Loss::CrossEntropy {
                        labels: batch.labels,
                    }
                    .into()],
                )
            })
            .unwrap();
    }
}

#[test]
fn a_perceptron_learns_the_digits() {
    let (digits, split) = digits_split();
    for (name, optimizer) in [
        (
            "mlp-32",
            Optimizer::Sgd {
                lr: 0.1,
                momentum: 0.9,
                weight_decay: 1e-4,
            },
        ),
        ("mlp-64-32", Optimizer::adam(3e-3)),
    ] {
        let layout = layout(name, &digits);
        let fresh = layout.initial_parameters(1);
        let mut trainer = Trainer::new(layout.clone(), &fresh, &optimizer, None, 0).unwrap();
        train_epochs(&mut trainer, &digits, &split.clients[0].train, 0..20);
        let (parameters, _) = trainer.into_parts().unwrap();
        let score = evaluate(&layout, &parameters, &digits, &split.test).unwrap();
        assert!(score.accuracy().unwrap() > 0.93, "{name}: {score:?}");
        let untrained = evaluate(&layout, &fresh, &digits, &split.test).unwrap();
        assert!(untrained.accuracy().unwrap() < 0.3, "{name}: {untrained:?}");
    }
}
