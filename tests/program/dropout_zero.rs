//! Dropout that never happens is no dropout.

use crate::desk::Desk;
use crate::tables::{NAMES, Tables, assert_same_rows};

const SITES: &str = r#"
name = "sites"
seed = 5

[data]
source = "digits"
test = 100
public = 50
partition = { kind = "dirichlet", alpha = 0.5, min_samples = 4 }

[[clients]]
name = "site"
count = 4
model = "mlp-8"
device = { speed = { dist = "lognormal", median = "20 MFLOP/s", sigma = 0.8 } }
link = { up = "1 Mbps", down = "4 Mbps", latency = "30 ms" }
dropout = DROPOUT

[method]
preset = "PRESET"
schedule = "SCHEDULE"

[stop]
versions = 6
"#;

#[test]
fn dropping_out_with_rate_zero_is_staying_byte_for_byte() {
    for preset in ["fedavg", "fedmd", "fd", "local-only"] {
        for schedule in ["synchronous", "asynchronous"] {
            let desk = Desk::new();
            let scenario = SITES
                .replace("PRESET", preset)
                .replace("SCHEDULE", schedule);
            let with = |out: &str, dropout: &str| {
                desk.run(&scenario.replace("DROPOUT", dropout), out, &[])
            };
            let stays = with("stays", "\"none\"");
            let never = with("never", "{ kind = \"per-participation\", rate = 0.0 }");
            let often = with("often", "{ kind = \"per-participation\", rate = 0.8 }");
            assert_ne!(
                stays.run_id(),
                never.run_id(),
                "they are two configurations"
            );
            let figures =
                |tables: &Tables, name: &str| tables.table(name).without(&["run_id", "config_id"]);
            for name in NAMES {
                let what = format!("{preset}, {schedule}: {name}");
                assert_same_rows(&figures(&stays, name), &figures(&never, name), &what);
            }
            let participations = "participations";
            assert!(figures(&stays, participations) != figures(&often, participations));
        }
    }
}
