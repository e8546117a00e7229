//! Clients by file: what a row says holds, what it leaves open is its group's.

use fedstill_sim::federation::{Deployment, Hooks, RunSettings, run};
use fedstill_sim::records::RunBooks;
use fedstill_sim::scenario::{Overrides, Plan, PlannedRun, load};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const SCENARIO: &str = r#"
name = "clinics"
seed = 7

[data]
source = "digits"
public = 100

[[clients]]
name = "clinic"
file = "clinics.csv"
link = { down = "7 Mbps", latency = { dist = "uniform", low = "1 ms", high = "90 ms" } }

[[clients]]
name = "hospital"
count = 2
model = "mlp-16"
device = { speed = "100 MFLOP/s" }
link = { up = "5 Mbps", down = "20 Mbps" }

[method]
preset = "fd"

[stop]
versions = 1
"#;

const CLINICS: &str = "\
name,group,up,down,latency,speed,memory,model,samples_0,samples_3,samples
\"St. Mary, Ely\",city,1 Mbps,5 Mbps,20 ms,40 MFLOP/s,1 GB,mlp-16,10,20,30
Nørrebro,,2 Mbps,,,40e6,,mlp-8-4,,,40
third,rural,3000000,6e6,0.5,50 MFLOP/s,,mlp-16,,,
";

fn folder(scenario: &str, clinics: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("scenario.toml"), scenario).expect("written");
    fs::write(folder.path().join("clinics.csv"), clinics).expect("written");
    folder
}

fn plan_in(folder: &Path) -> PlannedRun {
    let mut plans = load(&[folder.join("scenario.toml")], &Overrides::default())
        .unwrap_or_else(|problems| panic!("refused:\n{problems}"));
    assert_eq!(plans.len(), 1);
    plans.remove(0).federation().expect("a federation")
}

fn plan(scenario: &str, clinics: &str) -> PlannedRun {
    plan_in(folder(scenario, clinics).path())
}

fn refused(scenario: &str, clinics: &[u8]) -> String {
    let folder = folder(scenario, "");
    fs::write(folder.path().join("clinics.csv"), clinics).expect("written");
    match load(
        &[folder.path().join("scenario.toml")],
        &Overrides::default(),
    ) {
        Ok(_) => "accepted".to_owned(),
        Err(problems) => problems.to_string(),
    }
}

fn books(planned: &PlannedRun) -> RunBooks {
    let settings = RunSettings {
        threads: 1,
        gather: false,
        hooks: Hooks::default(),
    };
    run(planned, settings, &mut |_| ()).expect("it runs")
}

#[test]
fn a_client_is_what_its_row_says_and_else_what_its_group_says() {
    let planned = plan(SCENARIO, CLINICS);
    let books = books(&planned);
    let names: Vec<_> = books
        .clients
        .iter()
        .map(|client| {
            (
                client.name.as_str(),
                client.group.as_str(),
                client.model.as_str(),
            )
        })
        .collect();
    assert_eq!(
        names,
        [
            ("St. Mary, Ely", "city", "mlp-16"),
            ("Nørrebro", "clinic", "mlp-8-4"),
            ("third", "rural", "mlp-16"),
            ("hospital-0", "hospital", "mlp-16"),
            ("hospital-1", "hospital", "mlp-16"),
        ]
    );
    let links: Vec<_> = books.clients.iter().map(|client| client.link).collect();
    assert_eq!(links[0], (1e6, 5e6, 0.02));
    assert_eq!((links[1].0, links[1].1), (2e6, 7e6));
    assert!((0.001..0.09).contains(&links[1].2), "drawn: {}", links[1].2);
    assert_eq!(links[2], (3e6, 6e6, 0.5));
    let devices: Vec<_> = books
        .clients
        .iter()
        .map(|client| (client.flops_per_second, client.memory_bytes))
        .collect();
    assert_eq!(
        devices[..3],
        [(4e7, Some(1_000_000_000)), (4e7, None), (5e7, None)]
    );
    let samples: Vec<_> = books
        .clients
        .iter()
        .map(|client| client.n_train + client.n_test)
        .collect();
    // 1797 - 360 - 100 - 30 - 40 = 1267 for three.
    assert_eq!(samples[..2], [30, 40]);
    assert_eq!(samples[2..].iter().sum::<u64>(), 1267);
    let labels = &books.clients[0].label_counts;
    assert_eq!(labels.iter().sum::<u64>(), labels[0] + labels[3]);
}

#[test]
fn a_site_stands_at_the_node_that_its_row_names() {
    let line = "\n[network]\ntopology = { kind = \"line\", nodes = 4, bandwidth = \"1 Gbps\", latency = \"1 s\" }\n";
    let scenario = SCENARIO
        .replace("[server]", "")
        .replace("\n[method]", &format!("{line}\n[method]"));
    let scenario = scenario.replace(
        "latency = { dist = \"uniform\", low = \"1 ms\", high = \"90 ms\" }",
        "latency = \"0 s\"",
    );
    let clinics =
        "name,at,up,speed,model\nnear,n0,1 Gbps,1 GFLOP/s,mlp-8\nfar,n3,1 Gbps,1 GFLOP/s,mlp-8\n";
    let scenario = format!("{scenario}\n[server]\nat = \"n0\"\n");
    let books = books(&plan(&scenario, clinics));
    let download = |client: usize| {
        let participation = &books.accounts.participations[client];
        let span = participation.phases[0];
        span.end
            .zip(span.start)
            .map(|(end, start)| end.saturating_since(start).as_secs_f64())
    };
    // No hop or three of one second, and what the bytes take.
    assert!(
        (0.0..0.1).contains(&download(0).unwrap()),
        "{:?}",
        download(0)
    );
    assert!(
        (3.0..3.1).contains(&download(1).unwrap()),
        "{:?}",
        download(1)
    );
}

#[test]
fn draws_are_keyed_on_the_sites_name_and_not_on_its_row() {
    let rows: Vec<&str> = CLINICS.lines().collect();
    let moved = [rows[0], rows[3], rows[2], rows[1]].join("\n");
    let latency = |clinics: &str| {
        let books = books(&plan(SCENARIO, clinics));
        let client = books
            .clients
            .iter()
            .find(|client| client.name == "Nørrebro");
        client.expect("there").link.2
    };
    assert_eq!(latency(CLINICS), latency(&moved));
    let renamed = CLINICS.replace("Nørrebro", "Vesterbro");
    let books = books(&plan(SCENARIO, &renamed));
    assert_ne!(latency(CLINICS), books.clients[1].link.2);
}

#[test]
fn count_takes_the_first_rows() {
    let scenario = SCENARIO.replace("file = ", "count = 2\nfile = ");
    let planned = plan(&scenario, CLINICS);
    assert_eq!(planned.scenario.client_count(), 4);
    // What is not used does not count in the name of the run.
    let other = CLINICS.replace("third", "fourth");
    assert_eq!(planned.run_id, plan(&scenario, &other).run_id);
}

#[test]
fn what_the_rows_say_counts_in_the_runs_name_and_how_they_say_it_does_not() {
    let name = plan(SCENARIO, CLINICS).run_id;
    let otherwise = CLINICS
        .replace("2 Mbps", "2e6")
        .replace("third,rural", " third , rural ")
        .replace('\n', "\r\n");
    assert_eq!(name, plan(SCENARIO, &otherwise).run_id);
    let moved = folder(&SCENARIO.replace("clinics.csv", "elsewhere/sites.csv"), "");
    fs::create_dir(moved.path().join("elsewhere")).unwrap();
    fs::write(moved.path().join("elsewhere/sites.csv"), CLINICS).unwrap();
    assert_eq!(name, plan_in(moved.path()).run_id);
    for (from, to) in [
        ("third", "fourth"),
        ("rural", "remote"),
        ("0.5", "0.51"),
        ("mlp-8-4", "mlp-8-5"),
        (",40\n", ",41\n"),
        ("10,20,30", "11,19,30"),
        ("1 GB", "2 GB"),
    ] {
        let other = plan(SCENARIO, &CLINICS.replacen(from, to, 1));
        assert_ne!(name, other.run_id, "{from} → {to}");
    }
}

#[test]
fn a_resolved_file_beside_its_inputs_repeats_the_run() {
    let planned = plan(SCENARIO, CLINICS);
    let folder = folder(&planned.resolved_toml(), "");
    for input in &planned.inputs {
        let path = folder.path().join(&input.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, input.content.as_bytes()).unwrap();
    }
    let again = plan_in(folder.path());
    assert_eq!(again.run_id, planned.run_id);
    assert_eq!(again.resolved_toml(), planned.resolved_toml());
    assert_eq!(again.inputs, planned.inputs);
}

#[test]
fn columns_that_are_not_read_are_noted_with_the_nearest_that_is() {
    let clinics = CLINICS
        .replace("memory", "memry")
        .replace(",group,", ",ward_colour,");
    let planned = plan(SCENARIO, &clinics);
    assert_eq!(
        planned.notes,
        [
            "column `ward_colour` of `clinics.csv` is not read",
            "column `memry` of `clinics.csv` is not read; did you mean `memory`?",
        ]
    );
}

#[test]
fn samples_are_looked_for_in_every_replication() {
    // As many of class 0 as there are under seed 8, and fewer are there under another.
    let one = SCENARIO.replace("seed = 7", "seed = 8");
    let scenario = SCENARIO.replace("seed = 7", "seed = 8\nreplications = 12");
    let ask = |count: usize| {
        format!("name,up,speed,model,samples_0\nonly,1 Mbps,1 GFLOP/s,mlp-8,{count}\n")
    };
    let most = (1..178)
        .rev()
        .find(|count| refused(&one, ask(*count).as_bytes()) == "accepted")
        .expect("some number is there");
    let message = refused(&scenario, ask(most).as_bytes());
    assert!(message.contains("in replication"), "{message}");
    // And what passes can be drawn.
    Deployment::draw(plan(&one, &ask(most)).scenario).expect("the samples are there");
}

#[test]
fn junk_is_refused_in_a_few_lines_and_never_panics() {
    let huge_cell = format!("name,up\n{},1\n", "x".repeat(1_000_000));
    let huge_header = format!("name,{}\na,1\n", "u".repeat(1_000_000));
    let quote = "name,up\n\"never closed,1 Mbps\n".to_owned();
    let many = format!("name,up,speed,model,down\n{}", "a,x,y,z,w\n".repeat(10_000));
    for junk in [
        b"\0\x01\x02".to_vec(),
        vec![0xff; 1000],
        b"\xef\xbb\xbf".to_vec(),
        b"\n\n\n".to_vec(),
        b"name".to_vec(),
        b",,,\n,,,\n".to_vec(),
        "näme\nü".as_bytes().to_vec(),
        huge_cell.into_bytes(),
        huge_header.into_bytes(),
        quote.into_bytes(),
        many.into_bytes(),
    ] {
        let message = refused(SCENARIO, &junk);
        let start: String = message.chars().take(300).collect();
        assert!(message.starts_with("error: "), "{start}");
        assert!(message.len() < 20_000, "{} bytes: {start}", message.len());
    }
    let text = CLINICS.as_bytes();
    for cut in 0..text.len() {
        let _ = refused(SCENARIO, &text[..cut]);
        let mut broken = text.to_vec();
        broken[cut] = b'"';
        let _ = refused(SCENARIO, &broken);
    }
}

#[test]
fn a_file_of_more_than_100_mb_is_refused_unread() {
    let folder = folder(SCENARIO, "");
    let file = fs::File::create(folder.path().join("clinics.csv")).unwrap();
    // Sparse: it takes no room.
    file.set_len(100_000_001).unwrap();
    let problems = load(
        &[folder.path().join("scenario.toml")],
        &Overrides::default(),
    );
    let message = problems.expect_err("refused").to_string();
    assert!(message.contains("has 100000001 bytes"), "{message}");
    assert!(message.contains("at most 100 MB"), "{message}");
}

#[test]
fn a_network_of_transfers_has_no_sites() {
    let planned = load(
        &[Path::new("../scenarios/backbone.toml").to_path_buf()],
        &Overrides::default(),
    );
    assert!(matches!(planned.expect("loads")[0], Plan::Network(_)));
}
