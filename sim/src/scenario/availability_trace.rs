//! Recorded availability: a CSV file `client,start_s,end_s`, or the JSON form of FedScale.

use super::column::{ColumnError, read};
use crate::device::Pattern;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Recorded times stay far from the end of simulated time.
const LONGEST_SECONDS: f64 = 9e9;

/// The records of a file, in the order in which their names first appear.
#[derive(Debug, Default, PartialEq)]
pub struct Traces {
    by_name: BTreeMap<String, usize>,
    patterns: Vec<Arc<Pattern>>,
    digest: [u8; 32],
}

impl Traces {
    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The place of the record of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The record at a place.
    #[must_use]
    pub fn pattern(&self, place: usize) -> Option<&Arc<Pattern>> {
        self.patterns.get(place)
    }

    /// SHA-256 of the file.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Reads a file beside the scenario, and gives its text too. `repeat` in seconds is the period of a CSV file.
    pub(crate) fn load(path: &Path, repeat: Option<f64>) -> Result<(Self, Arc<str>), ColumnError> {
        let shown = path.display().to_string();
        let text = read(path, "a file of recorded availability")?;
        let is_json = path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("json"));
        let records = match (is_json, repeat) {
            (true, Some(_)) => {
                return Err(ColumnError {
                    key: "repeat",
                    message: "`repeat` is for CSV files".into(),
                    way_out: "leave it out: each record of a JSON file begins again after its own \
                              `finish_time`"
                        .into(),
                });
            }
            (true, None) => json(&text),
            (false, repeat) => csv(&text, repeat),
        };
        let records = records.map_err(|Wrong(message, way_out)| ColumnError {
            key: "file",
            message: format!("`{shown}`: {message}"),
            way_out,
        })?;
        let mut traces = Self {
            digest: Sha256::digest(text.as_bytes()).into(),
            ..Self::default()
        };
        for (name, pattern) in records {
            traces.by_name.insert(name, traces.patterns.len());
            traces.patterns.push(Arc::new(pattern));
        }
        Ok((traces, text.into()))
    }
}

/// What was found, and the way out.
struct Wrong(String, String);

fn wrong<T>(message: impl Into<String>, way_out: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong(message.into(), way_out.into()))
}

/// A recorded time in nanoseconds.
fn nanos(seconds: f64, place: impl Fn() -> String) -> Result<u64, Wrong> {
    if (0.0..=LONGEST_SECONDS).contains(&seconds) {
        return Ok((seconds * 1e9).round() as u64);
    }
    wrong(
        format!("{} is {seconds}", place()),
        "a time is a number of seconds from the start of the run, from 0 to 9e9",
    )
}

/// Intervals in order of time, which may touch and not overlap.
fn pattern(
    mut intervals: Vec<(u64, u64)>,
    period: Option<u64>,
    name: &str,
) -> Result<Pattern, Wrong> {
    intervals.sort_unstable();
    let overlap = intervals.windows(2).find(|pair| pair[1].0 < pair[0].1);
    if let Some([one, next]) = overlap {
        let second = |nanos: u64| nanos as f64 / 1e9;
        return wrong(
            format!(
                "two intervals of client `{}` overlap: {} s to {} s and {} s to {} s",
                shortened(name),
                second(one.0),
                second(one.1),
                second(next.0),
                second(next.1)
            ),
            "join them, or let one end where the other begins",
        );
    }
    Ok(Pattern::new(intervals, period))
}

fn csv(text: &str, repeat: Option<f64>) -> Result<Vec<(String, Pattern)>, Wrong> {
    const HEADER: [&str; 3] = ["client", "start_s", "end_s"];
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return wrong(
            "the file is empty",
            "a record begins with the header `client,start_s,end_s`",
        );
    }
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader.headers().cloned().unwrap_or_default();
    if !header.iter().eq(HEADER) {
        let found: Vec<&str> = header.iter().take(6).collect();
        return wrong(
            format!("the header is `{}`", shortened(&found.join(","))),
            "expected `client,start_s,end_s`",
        );
    }
    let mut order: Vec<String> = Vec::new();
    let mut rows: BTreeMap<String, Vec<(u64, u64)>> = BTreeMap::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                let what = match error.kind() {
                    csv::ErrorKind::UnequalLengths { len, .. } => format!("has {len} cells"),
                    _ => "cannot be read".to_owned(),
                };
                return wrong(format!("line {line} {what}"), "give every row three cells");
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let time = |place: usize| {
            let cell = record.get(place).unwrap_or_default();
            match cell.parse::<f64>() {
                Ok(seconds) => nanos(seconds, || format!("`{}` in line {line}", HEADER[place])),
                Err(_) => wrong(
                    format!(
                        "`{}` in line {line} is `{}`",
                        HEADER[place],
                        shortened(cell)
                    ),
                    "a time is a number of seconds from the start of the run",
                ),
            }
        };
        let (start, end) = (time(1)?, time(2)?);
        if end <= start {
            return wrong(
                format!("the interval in line {line} does not end after it starts"),
                "the client is online from `start_s` until `end_s`",
            );
        }
        let name = record.get(0).unwrap_or_default();
        if name.is_empty() {
            return wrong(
                format!("`client` in line {line} is empty"),
                "name the client, or number it",
            );
        }
        if !rows.contains_key(name) {
            order.push(name.to_owned());
        }
        rows.entry(name.to_owned()).or_default().push((start, end));
    }
    if order.is_empty() {
        return wrong(
            "the file has a header but no rows",
            "give one row an interval online",
        );
    }
    // At least a nanosecond: zero was refused before.
    let period = repeat.map(|seconds| ((seconds * 1e9).round() as u64).max(1));
    let last = rows.values().flatten().map(|(_, end)| *end).max();
    if let (Some(period), Some(last)) = (period, last)
        && last > period
    {
        return wrong(
            format!(
                "an interval ends at {} s, after the records begin again",
                last as f64 / 1e9
            ),
            "give a longer `repeat`, or leave it out",
        );
    }
    let named = |name: String| {
        let intervals = rows.remove(&name).unwrap_or_default();
        pattern(intervals, period, &name).map(|pattern| (name, pattern))
    };
    order.into_iter().map(named).collect()
}

/// One client of a file of FedScale: online from `active[i]` to `inactive[i]`, with the period `finish_time`.
#[derive(Deserialize)]
struct Behaviour {
    active: Vec<f64>,
    inactive: Vec<f64>,
    finish_time: f64,
}

/// The clients of a JSON file in its order.
struct Behaviours(Vec<(String, Behaviour)>);

impl<'de> Deserialize<'de> for Behaviours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Clients;
        impl<'de> Visitor<'de> for Clients {
            type Value = Behaviours;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object with one entry a client")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Behaviours, A::Error> {
                let mut clients = Vec::new();
                while let Some(client) = map.next_entry()? {
                    clients.push(client);
                }
                Ok(Behaviours(clients))
            }
        }
        deserializer.deserialize_map(Clients)
    }
}

fn json(text: &str) -> Result<Vec<(String, Pattern)>, Wrong> {
    const FORM: &str = "expected { \"client\": { \"active\": [..], \"inactive\": [..], \
                        \"finish_time\": .. }, .. }, as FedScale has it";
    let Behaviours(clients) = match serde_json::from_str(text) {
        Ok(clients) => clients,
        Err(error) => return wrong(shortened(&error.to_string()), FORM),
    };
    if clients.is_empty() {
        return wrong("the file has no clients", FORM);
    }
    let mut names = std::collections::BTreeSet::new();
    let mut records = Vec::with_capacity(clients.len());
    for (name, behaviour) in clients {
        if !names.insert(name.clone()) {
            return wrong(
                format!("client `{}` appears twice", shortened(&name)),
                "give each client one entry",
            );
        }
        let Behaviour {
            active,
            inactive,
            finish_time,
        } = behaviour;
        if active.len() != inactive.len() {
            return wrong(
                format!(
                    "client `{}` has {} times in `active` and {} in `inactive`",
                    shortened(&name),
                    active.len(),
                    inactive.len()
                ),
                "each interval goes from `active[i]` to `inactive[i]`",
            );
        }
        let period = nanos(finish_time, || {
            format!("`finish_time` of client `{}`", shortened(&name))
        })?;
        if period == 0 {
            return wrong(
                format!("`finish_time` of client `{}` is 0", shortened(&name)),
                "it is the time after which the record begins again",
            );
        }
        let mut intervals = Vec::with_capacity(active.len());
        for (start, end) in active.into_iter().zip(inactive) {
            let start = nanos(start, || {
                format!("a time in `active` of client `{}`", shortened(&name))
            })?;
            let end = nanos(end, || {
                format!("a time in `inactive` of client `{}`", shortened(&name))
            })?;
            if end <= start {
                return wrong(
                    format!(
                        "an interval of client `{}` starts at {} s and does not end after it",
                        shortened(&name),
                        start as f64 / 1e9
                    ),
                    "the client is online from `active[i]` until `inactive[i]`",
                );
            }
            intervals.push((start, end));
        }
        // What lies beyond the period never comes, as in FedScale, which looks up time modulo it.
        records.push((name.clone(), pattern(intervals, Some(period), &name)?));
    }
    Ok(records)
}

/// Enough of a text to know it by.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SimTime;
    use std::fs::{self, File};

    fn load(name: &str, text: &str, repeat: Option<f64>) -> Result<Traces, ColumnError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(name);
        fs::write(&path, text).expect("a file");
        Traces::load(&path, repeat).map(|(traces, _)| traces)
    }

    /// The whole seconds of the first hundred in which a client is online.
    fn online(traces: &Traces, name: &str) -> Vec<u64> {
        let place = traces.named(name).expect("a record of that name");
        let pattern = traces.pattern(place).expect("a record");
        let at = |second: u64| SimTime::from_nanos(second * 1_000_000_000);
        let there = |second: &u64| pattern.stretch(at(*second), 0).online;
        (0..100).filter(there).collect()
    }

    #[test]
    fn rows_of_a_client_stand_anywhere_in_the_file() {
        let text = "client,start_s,end_s\nb,20,30\na,5,7\nb, 0 ,10\nb,30,31.5\n";
        let traces = load("x.csv", text, None).expect("a record");
        let b: Vec<u64> = (0..10).chain(20..32).collect();
        assert_eq!(online(&traces, "b"), b);
        assert_eq!(online(&traces, "a"), [5, 6]);
        // In the order in which names first appear.
        assert_eq!((traces.named("b"), traces.named("a")), (Some(0), Some(1)));
        let again = load("x.csv", text, Some(40.0)).expect("a record");
        let a: Vec<u64> = [0, 40, 80].iter().flat_map(|at| [at + 5, at + 6]).collect();
        assert_eq!(online(&again, "a"), a);
    }

    #[test]
    fn a_record_in_fedscales_form_begins_again_after_its_finish_time() {
        let text = r#"{ "3834": { "duration": 15, "inactive": [12, 40], "finish_time": 45,
                                  "active": [2, 35.0], "model": "CPH1801" },
                        "12": { "active": [], "inactive": [], "finish_time": 10 } }"#;
        let traces = load("x.json", text, None).expect("a record");
        let once: Vec<u64> = (2..12).chain(35..40).collect();
        let expected: Vec<u64> = [0, 45, 90]
            .iter()
            .flat_map(|begin| once.iter().map(move |second| begin + second))
            .filter(|second| *second < 100)
            .collect();
        assert_eq!(online(&traces, "3834"), expected);
        assert_eq!(online(&traces, "12"), Vec::<u64>::new());
        assert_eq!(traces.named("3834"), Some(0));
    }

    #[test]
    fn times_are_rounded_to_the_nanosecond_and_a_file_may_begin_with_a_mark() {
        // 1.001 · 10⁹ is 1000999999.9999999 in floating point.
        let text = "\u{feff}client,start_s,end_s\na,0,1.001\n";
        let traces = load("x.csv", text, None).expect("a record");
        let pattern = traces.pattern(0).expect("a record");
        let until = pattern.stretch(SimTime::ZERO, 0).until;
        assert_eq!(until, SimTime::from_nanos(1_001_000_000));
        let error = load("x.csv", "client,start_s,end_s\na,5,5\n", None).expect_err("no length");
        assert!(error.message.contains("line 2"), "{}", error.message);
    }

    #[test]
    fn what_lies_beyond_the_finish_time_ends_with_it() {
        let text = r#"{ "1": { "active": [2], "inactive": [50], "finish_time": 45 } }"#;
        let traces = load("X.JSON", text, None).expect("a record");
        let pattern = traces.pattern(0).expect("a record");
        let second = |second: u64| SimTime::from_nanos(second * 1_000_000_000);
        let stretch = pattern.stretch(second(10), 0);
        assert_eq!((stretch.online, stretch.until), (true, second(45)));
        assert!(!pattern.stretch(second(46), 0).online);
    }

    #[test]
    fn a_file_of_more_than_100_mb_is_not_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("x.json");
        let file = File::create(&path).expect("a file");
        file.set_len(100_000_001)
            .expect("an empty file of that length");
        let error = Traces::load(&path, None).expect_err("too large");
        assert!(
            error.way_out.contains("at most 100 MB"),
            "{}",
            error.way_out
        );
    }

    #[test]
    fn junk_of_100_mb_is_refused_in_one_short_message() {
        for (name, unit) in [
            ("x.json", "[{\"a\":"),
            ("x.csv", "client,,,,\n"),
            ("x.json", "{\"\\u00e9"),
        ] {
            let text = unit.repeat(20_000_000 / unit.len());
            let error = load(name, &text, None).expect_err("junk");
            assert!(error.message.len() < 400, "{}", error.message.len());
        }
    }
}
