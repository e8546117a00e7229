//! `evaluations.csv`: every model at every evaluation, in long form.

use crate::measures::{Split, instants};
use crate::records::books::{Evaluation, RunBooks, Score};
use crate::records::names::GLOBAL_MODEL;
use crate::records::table::table;
use crate::time::SimTime;

table! {
    /// One row a model, split and measure at one instant.
    pub struct EvaluationRow<'a> in "evaluations",
    key [sim_s, model_scope, model_id, split, measure],
    references [[] in "runs" []],
    /// When.
    sim_s: SimTime, "s";
    /// Whose model: `global` (the aggregator's own) or `personal` (the model that a client would use).
    model_scope: &'a str;
    /// The model: `global`, or the client's client_id.
    model_id: &'a str;
    /// The aggregator's version then.
    version: u64;
    /// Samples: `global` (the global test set), `own` (the client's held-out samples) or `matched` (the global test set, accuracy per class weighted by the client's label shares).
    split: &'a str;
    /// `accuracy` (share classified rightly) or `loss` (mean cross-entropy in nats).
    measure: &'a str;
    /// Number of samples behind the value.
    n: u64;
    /// The value; empty where the model's loss is not finite.
    value: Option<f64>, "1";
}

pub(super) fn rows(books: &RunBooks) -> impl Iterator<Item = EvaluationRow<'_>> {
    instants(&books.evaluations).flat_map(move |evaluation| {
        let global = evaluation.global.iter().flat_map(move |score| {
            let blank = blank(books, evaluation, "global", GLOBAL_MODEL);
            scored(blank, Split::Global, score)
        });
        let clients = evaluation.clients.iter().zip(&books.clients);
        global.chain(clients.flat_map(move |(scores, client)| {
            let blank = blank(books, evaluation, "personal", &client.name);
            let on_own = scores.own.iter().flat_map({
                let blank = blank.clone();
                move |score| scored(blank.clone(), Split::Own, score)
            });
            let on_matched = Split::Matched.accuracy(scores).map(|value| EvaluationRow {
                split: Split::Matched.name(),
                n: scores.global.samples,
                value: Some(value),
                ..blank.clone()
            });
            scored(blank, Split::Global, &scores.global)
                .into_iter()
                .chain(on_own)
                .chain(on_matched)
        }))
    })
}

fn blank<'a>(
    books: &'a RunBooks,
    evaluation: &Evaluation,
    model_scope: &'a str,
    model_id: &'a str,
) -> EvaluationRow<'a> {
    EvaluationRow {
        run_id: &books.identity.run_id,
        sim_s: evaluation.at,
        model_scope,
        model_id,
        version: evaluation.version,
        split: "",
        measure: "accuracy",
        n: 0,
        value: None,
    }
}

/// Accuracy and loss on one set of samples; nothing where there are none.
fn scored<'a>(blank: EvaluationRow<'a>, split: Split, score: &Score) -> Vec<EvaluationRow<'a>> {
    if score.samples == 0 {
        return Vec::new();
    }
    [("accuracy", score.accuracy()), ("loss", score.loss)]
        .into_iter()
        .map(|(measure, value)| EvaluationRow {
            split: split.name(),
            measure,
            n: score.samples,
            value: Some(value).filter(|value| value.is_finite()),
            ..blank.clone()
        })
        .collect()
}
