//! `scenarios/schema.json` is the schema of the scenario types.

use fedstill_sim::scenario::schema;
use std::fs;

/// Relative to the package, where cargo runs its tests.
const KEPT: &str = "../scenarios/schema.json";

fn parsed(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn the_kept_schema_is_current() {
    if std::env::var_os("FEDSTILL_UPDATE").is_some() {
        fs::write(KEPT, schema()).expect("a writable folder");
    }
    let kept = fs::read_to_string(KEPT).expect("scenarios/schema.json");
    assert!(
        parsed(&kept) == parsed(&schema()),
        "scenarios/schema.json is not current; write it anew with \
         `FEDSTILL_UPDATE=1 cargo test -p fedstill-sim --test schema`"
    );
}

#[test]
fn the_schema_allows_what_the_layers_allow() {
    let schema = parsed(&schema());
    let strings = schema["$defs"]["RawPartition"]["oneOf"]
        .as_array()
        .expect("kinds of partition")
        .iter()
        .find_map(|form| form.get("enum"))
        .expect("a bare string");
    assert_eq!(
        strings,
        &serde_json::json!(["iid", "natural"]),
        "the others need more keys"
    );
    assert!(schema["properties"]["sweep"].is_object());
    assert_eq!(
        schema["$defs"]["RawMethod"]["properties"]["schedule"]["default"]["kind"], "synchronous",
        "defaults are written as a file has them"
    );
    assert!(
        schema["$defs"]["RawMethod"].get("required").is_none(),
        "a preset gives the exchange"
    );
}
