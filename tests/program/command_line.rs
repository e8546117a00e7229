//! What the program says: results on standard output, everything else on standard error.

use crate::desk::{Desk, ROOT, argument, entries, fedstill};
use crate::tables::Tables;
use serde_json::Value;
use std::fs;
use std::path::Path;

const SITES: &str = r#"
name = "sites"
seed = 4

[data]
source = { kind = "synthetic", classes = 3, features = 4, samples = 150, separation = 2.0 }
test = 30
public = 20

[[clients]]
name = "site"
count = 3
model = "mlp-5"
device = { speed = { dist = "lognormal", median = "1 MFLOP/s", sigma = 0.5 } }
link = { up = "1 Mbps", down = "1 Mbps" }

[method]
preset = "fedmd"

[stop]
versions = 2
"#;

const PRESETS: &[&str] = &[
    "local-only",
    "fedavg",
    "fedmd",
    "fd",
    "fedproto",
    "feddistill-plus",
    "fedgh",
    "fedtgp",
];

/// What a command prints when all is well.
fn told(arguments: &[&str]) -> String {
    let ended = fedstill(arguments).well();
    assert_eq!(ended.stderr, "");
    ended.stdout
}

/// What a command that knows no such thing says.
fn unknown(arguments: &[&str]) -> String {
    let ended = fedstill(arguments);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""));
    ended.stderr
}

#[test]
fn methods_lists_the_presets_and_explains_each() {
    let list = told(&["methods"]);
    for preset in PRESETS {
        assert!(
            list.lines().any(|line| line.starts_with(preset)),
            "{preset} in:\n{list}"
        );
        let explained = told(&["methods", preset]);
        assert!(
            explained.starts_with(preset) && explained.contains("paper: "),
            "{explained}"
        );
        assert!(explained.contains("[method]\nexchange = "), "{explained}");
    }
    assert!(told(&["methods", "fedmd"]).contains("1910.03581"));
    let message = unknown(&["methods", "fedmf"]);
    assert!(
        PRESETS.iter().all(|preset| message.contains(preset)),
        "{message}"
    );
}

#[test]
fn models_tells_layers_parameters_and_flops() {
    assert!(told(&["models"]).contains("mlp-"));
    let shown = told(&["models", "mlp-64-32"]);
    // 64·64+64, 64·32+32, 32·10+10, and their sum; 2·(64·64+64·32+32·10) plus biases
    // 64+32+10 plus ReLUs 64+32 is 13 130 forward, twice that backward.
    for figure in ["4160", "2080", "330", "6570", "26280", "13130", "26260"] {
        let words: Vec<&str> = shown.split([' ', '\n', ',']).collect();
        assert!(words.contains(&figure), "{figure} in:\n{shown}");
    }
    assert!(unknown(&["models", "cnn-3"]).contains("mlp"));
}

#[test]
fn models_takes_the_shape_of_other_data() {
    let shown = told(&["models", "cnn-mcmahan", "--input", "1x28x28"]);
    // McMahan et al. 2017: 1,663,370 parameters; 3136·512 + 512 of them lead to 512 units.
    for figure in ["1663370", "1606144", "64x14x14"] {
        assert!(shown.contains(figure), "{figure} in:\n{shown}");
    }
    let wrong = unknown(&["models", "lenet5", "--input", "1x8x8"]);
    assert!(wrong.contains("layer 4, `conv2d 16 5x5`"), "{wrong}");
    assert!(unknown(&["models", "gru", "--input", "8by8"]).contains("is no shape"));
}

#[test]
fn calibrate_prints_a_device_for_a_scenario() {
    let shown = told(&["calibrate", "mlp-32", "--input", "64", "--seconds", "0.01"]);
    let line = shown.lines().find(|line| line.starts_with("mlp-32"));
    let speed = line.and_then(|line| line.split_once("device = { speed = \""));
    let (number, rest) = speed.and_then(|(_, speed)| speed.split_once(' ')).unwrap();
    assert!(number.parse::<f64>().unwrap() > 0.0, "{shown}");
    assert_eq!(rest, "GFLOP/s\" }");
    assert!(unknown(&["calibrate", "gru", "--input", "64"]).contains("layer 1, `gru 64`"));
}

#[test]
fn datasets_names_them_with_their_origin() {
    let list = told(&["datasets"]);
    assert!(
        list.contains("digits") && list.contains("synthetic"),
        "{list}"
    );
    assert!(
        list.contains("CC BY 4.0"),
        "the licence asks for attribution: {list}"
    );
}

#[test]
fn schema_is_the_file_that_is_kept() {
    let kept = fs::read_to_string(Path::new(ROOT).join("scenarios/schema.json"));
    let printed = told(&["schema"]);
    assert_eq!(printed, kept.expect("scenarios/schema.json"));
    let schema: Value = serde_json::from_str(&printed).expect("JSON");
    assert!(schema["properties"]["clients"].is_object());
}

#[test]
fn every_scenario_that_comes_with_the_program_passes_check() {
    let mut files = entries(&Path::new(ROOT).join("scenarios"));
    files.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    assert!(!files.is_empty());
    for file in files {
        let printed = told(&["check", &argument(&file)]);
        assert!(
            printed.contains("would run"),
            "{}: {printed}",
            file.display()
        );
    }
}

#[test]
fn check_tells_what_would_run_and_runs_nothing() {
    let desk = Desk::new();
    let file = desk.file("sites.toml", SITES);
    let before = entries(&desk.path(""));
    let arguments = ["check", &file, "--replications", "2"];
    let printed = desk.fedstill(&arguments).well().stdout;
    assert!(printed.contains("2 runs would run"), "{printed}");
    // 5·5 + 6·3 = 43 parameters, 20·3 logits of 4 bytes and a header of 32.
    assert!(
        printed.contains("43") && printed.contains("272"),
        "{printed}"
    );
    assert_eq!(entries(&desk.path("")), before);

    let printed = desk
        .fedstill(&[&arguments[..], &["--json"]].concat())
        .well()
        .stdout;
    let told: Vec<Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(told.len(), 2);
    assert_eq!(
        told[0]["upload_bytes"],
        serde_json::json!([272.0, 272.0, 272.0])
    );
    let ran = desk.run(SITES, "out", &[]);
    assert_eq!(
        told[0]["run_id"],
        ran.run_id(),
        "what was announced is what runs"
    );
}

#[test]
fn json_is_one_object_a_run_and_quiet_is_nothing() {
    let desk = Desk::new();
    let file = desk.file("sites.toml", SITES);
    let arguments = [
        "run",
        &file,
        "--out",
        "out",
        "--replications",
        "2",
        "--json",
    ];
    let ended = desk.fedstill(&arguments).well();
    let objects: Vec<Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let runs = desk.runs("out");
    assert_eq!((objects.len(), runs.len()), (2, 2));
    for (object, run) in objects.iter().zip(&runs) {
        assert_eq!(object["run_id"], Tables::read(run).run_id());
        let folder = desk
            .path("")
            .join(object["directory"].as_str().expect("a path"));
        assert_eq!(folder, *run, "it tells where the tables are");
    }
    let ended = desk
        .fedstill(&["run", &file, "--out", "quiet", "--quiet"])
        .well();
    assert_eq!((ended.stdout, ended.stderr), (String::new(), String::new()));
    // Again: what is there is kept, which is nothing to talk about.
    let ended = desk
        .fedstill(&["run", &file, "--out", "quiet", "--quiet"])
        .well();
    assert_eq!((ended.stdout, ended.stderr), (String::new(), String::new()));
}

#[test]
fn a_summary_for_people_tells_figures_and_where_the_tables_are() {
    let desk = Desk::new();
    let file = desk.file("sites.toml", SITES);
    let printed = desk.fedstill(&["run", &file, "--out", "out"]).well().stdout;
    let run = &desk.runs("out")[0];
    let below = run.strip_prefix(desk.path("")).expect("in the folder");
    assert!(printed.contains("sites"), "{printed}");
    assert!(printed.contains(&argument(below)), "{printed}");
    let tables = Tables::read(run);
    let accuracy = tables.run().number("accuracy_personal_global");
    assert!(
        printed.contains(&format!("{accuracy:.3}")),
        "{accuracy} in {printed}"
    );
}

#[test]
fn arguments_reach_the_run_and_its_tables() {
    let desk = Desk::new();
    let sets = [
        "--set",
        "clients.0.count=5",
        "--set",
        "method.preset=\"fd\"",
        "--set",
        "server.up=2 Mbps",
        "--seed",
        "99",
    ];
    let tables = desk.run(SITES, "out", &sets);
    let factors: Vec<(&str, &str)> = tables
        .rows("factors")
        .map(|factor| (factor.text("key"), factor.text("value")))
        .collect();
    let expected = [
        ("clients.0.count", "5"),
        ("method.preset", "fd"),
        ("server.up", "2 Mbps"),
    ];
    assert_eq!(factors, expected);
    assert_eq!(tables.table("clients").len(), 5);
    assert!(
        tables
            .rows("transfers")
            .all(|row| row.text("what") == "class-logits")
    );
    assert_eq!(tables.run().count("seed_world"), 99);
    assert_eq!(tables.run().count("seed_dynamics"), 99);
}

#[test]
fn runs_of_a_scenario_are_counted_from_what_the_documents_say() {
    let desk = Desk::new();
    let tables = desk.run(SITES, "out", &[]);
    let number = tables.run().count("number");
    let folder = tables
        .directory
        .file_name()
        .expect("a name")
        .to_string_lossy();
    assert_eq!(folder, format!("{number}-{}", &tables.run_id()[..8]));
    let package = tables.package();
    let resources = package["resources"].as_array().expect("a list");
    let runs = resources
        .iter()
        .find(|table| table["name"] == "runs")
        .expect("runs");
    let fields = runs["schema"]["fields"].as_array().expect("a list");
    let field = fields
        .iter()
        .find(|field| field["name"] == "number")
        .expect("a column");
    let meaning = field["description"].as_str().expect("text");
    assert!(
        meaning.contains(&format!("from {number}")),
        "{meaning}: the first is {number}"
    );
}
