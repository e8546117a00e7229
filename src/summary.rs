//! A run in a few lines, for people or as JSON.
use fedstill_sim::measures::Measures;
use fedstill_sim::records::RunBooks;
use std::path::Path;
use std::time::Duration;
pub(crate) fn json(books: &RunBooks, measures: &Measures, directory: &Path) -> serde_json::Value {
    serde_json::json!({"run_id": books.identity.run_id, "directory": directory.display().to_string(), "kpis": measures.kpis.all().len()})
}
pub(crate) fn text(books: &RunBooks, measures: &Measures, directory: &Path, wall: Duration) -> String {
    format!("{} {:?} {} {wall:?} {}", books.identity.run_id, books.status, directory.display(), measures.kpis.all().len())
}
