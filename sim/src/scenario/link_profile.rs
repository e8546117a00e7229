//! Profiles of links: from steps, CSV files and traces to what a link is like over time.

use super::column::{ColumnError, read};
use super::quantity::{Bandwidth, Duration, Quantity, nearest};
use super::raw::{RawProfile, RawStep};
use crate::network::{self, Profile, ProfileError, Rate, Step};
use crate::time::SimDuration;
use std::path::Path;
use std::sync::Arc;

/// Recorded times stay far from the end of simulated time.
const LONGEST_SECONDS: f64 = 9e9;

const COLUMNS: [&str; 4] = ["time_s", "bandwidth", "latency", "up"];

fn wrong(key: &'static str, message: impl Into<String>, way_out: impl Into<String>) -> ColumnError {
    ColumnError {
        key,
        message: message.into(),
        way_out: way_out.into(),
    }
}

impl RawProfile {
    /// Its file, if it is one, and what was read from it.
    pub(crate) fn file(&mut self) -> Option<(&mut String, &mut Arc<str>)> {
        match self {
            Self::Steps { .. } => None,
            Self::Csv { file, text, .. }
            | Self::Mahimahi { file, text, .. }
            | Self::SecondsMbps { file, text, .. } => Some((file, text)),
        }
    }

    /// Reads its file beside the scenario, if it has one.
    pub(crate) fn load(&mut self, folder: &Path) -> Result<(), ColumnError> {
        if let Some((file, text)) = self.file() {
            *text = read(&folder.join(&*file), "a profile of a link")?.into();
        }
        Ok(())
    }

    /// What a link that follows it is like over time; of a file, once it is read.
    pub(crate) fn profile(&self) -> Result<Profile, ColumnError> {
        match self {
            Self::Steps { steps, repeat } => {
                let steps = steps.iter().map(step).collect::<Result<Vec<_>, _>>()?;
                let period = repeat.map(|period| SimDuration::from_nanos(period.nanoseconds()));
                Profile::new(&steps, period).map_err(|error| of_steps(error, &steps))
            }
            Self::Csv { file, repeat, text } => {
                let steps = table(file, text)?;
                let period = repeat.map(|period| SimDuration::from_nanos(period.nanoseconds()));
                Profile::new(&steps, period).map_err(|error| of_rows(error, file, &steps))
            }
            Self::Mahimahi {
                file,
                bin,
                repeat,
                text,
            } => packets(file, text, *bin, *repeat),
            Self::SecondsMbps { file, repeat, text } => rates(file, text, *repeat),
        }
    }
}

fn step(raw: &RawStep) -> Result<Step, ColumnError> {
    if raw.bandwidth.is_some() && raw.factor.is_some() {
        return Err(wrong(
            "steps",
            format!("the step at {} gives both `bandwidth` and `factor`", raw.at),
            "keep one of them",
        ));
    }
    let bandwidth = raw.bandwidth.map(absolute);
    Ok(Step {
        at: SimDuration::from_nanos(raw.at.nanoseconds()),
        bandwidth: bandwidth.or(raw.factor.map(Rate::Times)),
        latency: raw
            .latency
            .map(|latency| SimDuration::from_nanos(latency.nanoseconds())),
        up: raw.up,
    })
}

fn absolute(bandwidth: Bandwidth) -> Rate {
    network::Bandwidth::from_bits_per_second(bandwidth.bits_per_second())
        .map_or(Rate::Nothing, Rate::Absolute)
}

fn of_steps(error: ProfileError, steps: &[Step]) -> ColumnError {
    let at = |place: usize| steps[place].at;
    match error {
        ProfileError::Empty => wrong("steps", "there are no steps", "give at least one step"),
        ProfileError::RunsBack(place) => wrong(
            "steps",
            format!(
                "the step at {} s is not later than the one before, at {} s",
                at(place),
                at(place - 1)
            ),
            "order the steps by time",
        ),
        ProfileError::BeyondPeriod(place) => wrong(
            "repeat",
            format!("the step at {} s does not lie within the period", at(place)),
            "give a period that is longer than the time of the last step",
        ),
        ProfileError::Factor(_, factor) => wrong(
            "steps",
            format!("the factor {factor} of a step is no factor"),
            "write a number of at least 0, such as 0.5 for half of the link's own bandwidth",
        ),
        ProfileError::NoPeriod => wrong(
            "repeat",
            "the period has no length",
            "leave `repeat` out to let the last step hold",
        ),
    }
}

fn of_rows(error: ProfileError, file: &str, steps: &[Step]) -> ColumnError {
    let at = |place: usize| steps[place].at;
    match error {
        ProfileError::RunsBack(place) => wrong(
            "file",
            format!(
                "row {} of `{file}` is at {} s, not later than the row before, at {} s",
                place + 1,
                at(place),
                at(place - 1)
            ),
            "order the rows by `time_s`",
        ),
        ProfileError::BeyondPeriod(place) => wrong(
            "repeat",
            format!(
                "row {} of `{file}` is at {} s, which does not lie within the period",
                place + 1,
                at(place)
            ),
            "give a period that is longer than the time of the last row",
        ),
        other => ColumnError {
            key: if other == ProfileError::NoPeriod {
                "repeat"
            } else {
                "file"
            },
            ..of_steps(other, steps)
        },
    }
}

/// A CSV file with `time_s` and any of the other columns; an empty cell leaves things as they were.
fn table(file: &str, text: &str) -> Result<Vec<Step>, ColumnError> {
    let header_way_out = "begin the file with a header such as `time_s,bandwidth,latency,up`";
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(wrong("file", format!("`{file}` is empty"), header_way_out));
    }
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader
        .headers()
        .cloned()
        .map_err(|error| wrong("file", format!("`{file}`: {error}"), header_way_out))?;
    let mut places = [None; COLUMNS.len()];
    for (place, name) in header.iter().enumerate() {
        let known = COLUMNS.iter().position(|column| *column == name);
        match known {
            Some(known) if places[known].is_none() => places[known] = Some(place),
            Some(_) => {
                let message = format!("`{file}` has the column `{name}` twice");
                return Err(wrong("file", message, "keep one of them"));
            }
            None => {
                let message = format!("`{file}` has a column `{}`", shortened(name));
                return Err(wrong(
                    "file",
                    message,
                    match nearest(name, COLUMNS) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => header_way_out.to_owned(),
                    },
                ));
            }
        }
    }
    let Some(time) = places[0].filter(|_| places[1..].iter().any(Option::is_some)) else {
        let message = format!("`{file}` has no column `time_s`, or no other column");
        return Err(wrong("file", message, header_way_out));
    };
    let mut steps = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|error| {
            let message = format!("row {} of `{file}` cannot be read: {error}", row + 1);
            wrong(
                "file",
                message,
                format!("give every row {} cells", header.len()),
            )
        })?;
        let cell = |place: usize| record.get(place).unwrap_or_default();
        let refuse = |column: usize, found: &str, why: &str| {
            wrong(
                "file",
                format!(
                    "row {} of column `{}` in `{file}` holds `{}`: {why}",
                    row + 1,
                    COLUMNS[column],
                    shortened(found)
                ),
                [
                    "times are seconds from the start of the run, such as 12.5",
                    "a cell is a number of bit/s or carries its unit, such as 10 Mbps; 0 lets nothing through",
                    "a cell is a number of seconds or carries its unit, such as 30 ms",
                    "write true or false",
                ][column],
            )
        };
        let at = match cell(time).parse::<f64>() {
            Ok(seconds) if (0.0..=LONGEST_SECONDS).contains(&seconds) => {
                SimDuration::from_secs_f64(seconds).unwrap_or(SimDuration::MAX)
            }
            Ok(_) => return Err(refuse(0, cell(time), "it is no time")),
            Err(_) => return Err(refuse(0, cell(time), "it is no number")),
        };
        let mut step = Step {
            at,
            ..Step::default()
        };
        for (column, place) in places.iter().enumerate().skip(1) {
            let found = place.map(cell).unwrap_or_default();
            if found.is_empty() {
                continue;
            }
            match column {
                1 if found.parse::<f64>() == Ok(0.0) => step.bandwidth = Some(Rate::Nothing),
                1 => {
                    let value = quantity::<Bandwidth>(found);
                    step.bandwidth = Some(absolute(value.map_err(|why| refuse(1, found, &why))?));
                }
                2 => {
                    let value = quantity::<Duration>(found);
                    let value = value.map_err(|why| refuse(2, found, &why))?;
                    step.latency = Some(SimDuration::from_nanos(value.nanoseconds()));
                }
                _ => {
                    step.up = Some(match found.to_lowercase().as_str() {
                        "true" | "1" => true,
                        "false" | "0" => false,
                        _ => return Err(refuse(3, found, "it is neither true nor false")),
                    });
                }
            }
        }
        steps.push(step);
    }
    if steps.is_empty() {
        let message = format!("`{file}` has a header but no rows");
        return Err(wrong("file", message, "give one row a step"));
    }
    Ok(steps)
}

fn quantity<Q: Quantity>(text: &str) -> Result<Q, String> {
    let value = match text.parse::<f64>() {
        Ok(number) => Q::try_from_base(number),
        Err(_) => text.parse::<Q>(),
    };
    value.map_err(|error| error.message().to_owned())
}

/// Lines with something in them, and their numbers from 1; `#` begins a comment.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().map(str::trim).zip(1..);
    lines
        .filter(|(line, _)| !line.is_empty() && !line.starts_with('#'))
        .map(|(line, number)| (number, line))
}

fn packets(file: &str, text: &str, bin: Duration, repeat: bool) -> Result<Profile, ColumnError> {
    if bin.seconds() < 1e-3 {
        return Err(wrong(
            "bin",
            format!("a bin of {bin} is shorter than the trace's millisecond"),
            "give at least \"1 ms\"; the default is \"100 ms\"",
        ));
    }
    let mut stamps: Vec<u64> = Vec::new();
    for (number, line) in lines(text) {
        let refuse = |why: &str| {
            let message = format!(
                "line {number} of `{file}` holds `{}`: {why}",
                shortened(line)
            );
            Err(wrong(
                "file",
                message,
                "a mahimahi trace has in each line the millisecond at which a packet may leave, \
                 a whole number, in order of time",
            ))
        };
        let stamp = match line.parse::<u64>() {
            Ok(stamp) if stamp as f64 <= LONGEST_SECONDS * 1e3 => stamp,
            Ok(_) => return refuse("it is too late to be simulated"),
            Err(_) => return refuse("it is no whole number of milliseconds"),
        };
        if stamps.last().is_some_and(|last| stamp < *last) {
            return refuse("time runs back");
        }
        stamps.push(stamp);
    }
    let bin = SimDuration::from_nanos(bin.nanoseconds());
    Profile::of_packets(&stamps, bin, repeat).map_err(|error| {
        let message = match error {
            ProfileError::NoPeriod => format!("all packets of `{file}` leave at 0"),
            _ => format!("`{file}` is empty"),
        };
        let way_out = "give one line a packet, with the millisecond at which it may leave";
        wrong("file", message, way_out)
    })
}

fn rates(file: &str, text: &str, repeat: bool) -> Result<Profile, ColumnError> {
    let way_out = "a trace has in each line a time in seconds and a bandwidth in Mbit/s, such as \
                   `2.5 13.7`, in order of time";
    let mut steps: Vec<Step> = Vec::new();
    let mut first = 0.0;
    for (number, line) in lines(text) {
        let refuse = |why: &str| {
            let message = format!(
                "line {number} of `{file}` holds `{}`: {why}",
                shortened(line)
            );
            Err(wrong("file", message, way_out))
        };
        let mut numbers = line.split(|c: char| c.is_whitespace() || c == ',');
        let mut next = || numbers.find(|part| !part.is_empty());
        let (Some(time), Some(rate), None) = (next(), next(), next()) else {
            return refuse("it does not have two numbers");
        };
        let (Ok(time), Ok(rate)) = (time.parse::<f64>(), rate.parse::<f64>()) else {
            return refuse("it does not have two numbers");
        };
        if steps.is_empty() {
            first = time;
        }
        let at = time - first;
        if !(time >= 0.0 && at <= LONGEST_SECONDS) {
            return refuse("it has no such time");
        }
        if rate.is_nan() || rate < 0.0 {
            return refuse("a bandwidth cannot be negative");
        }
        let at = SimDuration::from_secs_f64(at).unwrap_or(SimDuration::ZERO);
        if steps.last().is_some_and(|last| at <= last.at) {
            return refuse("time runs back, or stands still");
        }
        let bandwidth = network::Bandwidth::from_bits_per_second(rate * 1e6);
        let rate = match bandwidth {
            Ok(bandwidth) => Rate::Absolute(bandwidth),
            Err(_) if rate < 1.0 => Rate::Nothing,
            Err(_) => return refuse("no link is so fast"),
        };
        steps.push(Step {
            at,
            bandwidth: Some(rate),
            ..Step::default()
        });
    }
    if !steps.is_empty()
        && steps
            .iter()
            .all(|step| step.bandwidth == Some(Rate::Nothing))
    {
        let message = format!("`{file}` never lets anything through");
        return Err(wrong("file", message, way_out));
    }
    // The last line holds as long as the one before.
    let period = match &steps[..] {
        [.., before, last] if repeat => Some(SimDuration::from_nanos(
            2 * last.at.as_nanos() - before.at.as_nanos(),
        )),
        _ => None,
    };
    Profile::new(&steps, period).map_err(|_| wrong("file", format!("`{file}` is empty"), way_out))
}

/// A cell or line as a message can show it.
fn shortened(text: &str) -> String {
    let mut letters = text.chars();
    let start: String = letters.by_ref().take(40).collect();
    match letters.next() {
        Some(_) => format!("{}...", start.escape_debug()),
        None => start.escape_debug().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> SimDuration {
        SimDuration::from_secs_f64(seconds).unwrap()
    }

    fn bps(bits_per_second: f64) -> Option<Rate> {
        let bandwidth = network::Bandwidth::from_bits_per_second(bits_per_second).unwrap();
        Some(Rate::Absolute(bandwidth))
    }

    #[test]
    fn a_table_gives_any_of_the_columns_and_empty_cells_leave_things_as_they_were() {
        let text = "time_s,up,bandwidth\n0,,10 Mbps\n1.5,false,\n2,true,0\n3,,2e6\n";
        let step = |at, bandwidth, up| Step {
            at: seconds(at),
            bandwidth,
            latency: None,
            up,
        };
        let expected = [
            step(0.0, bps(1e7), None),
            step(1.5, None, Some(false)),
            step(2.0, Some(Rate::Nothing), Some(true)),
            step(3.0, bps(2e6), None),
        ];
        assert_eq!(table("x.csv", text).unwrap(), expected);
    }

    /// 1.5 MB/s in packets, 12 Mbit/s in lines: both are the link of 12 Mbit/s.
    #[test]
    fn a_constant_trace_is_a_constant_link() {
        let stamps: String = (1..=200).map(|stamp| format!("{stamp}\n")).collect();
        let bin = Duration::from_seconds(0.1);
        let of_packets = packets("x", &stamps, bin, true).unwrap();
        let of_lines = rates("y", "100 12\n101 12.0\n102,12\n", true).unwrap();
        let steps = [Step {
            bandwidth: bps(12e6),
            ..Step::default()
        }];
        let constant = |period| Profile::new(&steps, Some(seconds(period))).unwrap();
        assert_eq!(of_packets, constant(0.2));
        assert_eq!(of_lines, constant(3.0));
    }

    #[test]
    fn what_is_wrong_with_a_trace_is_told_with_its_line() {
        let bin = Duration::from_seconds(0.1);
        for (text, told) in [
            ("", "`t` is empty"),
            ("# nothing\n\n", "`t` is empty"),
            (
                "1\n-2\n",
                "line 2 of `t` holds `-2`: it is no whole number of milliseconds",
            ),
            (
                "1\n2.5\n",
                "line 2 of `t` holds `2.5`: it is no whole number of milliseconds",
            ),
            ("5\n4\n", "line 2 of `t` holds `4`: time runs back"),
            ("0\n0\n", "all packets of `t` leave at 0"),
            (
                "99999999999999999\n",
                "line 1 of `t` holds `99999999999999999`: it is too late to be simulated",
            ),
        ] {
            assert_eq!(packets("t", text, bin, true).unwrap_err().message, told);
        }
        for (text, told) in [
            ("", "`t` is empty"),
            (
                "0 1\nspeed\n",
                "line 2 of `t` holds `speed`: it does not have two numbers",
            ),
            (
                "0 1 2\n",
                "line 1 of `t` holds `0 1 2`: it does not have two numbers",
            ),
            (
                "0 -1\n",
                "line 1 of `t` holds `0 -1`: a bandwidth cannot be negative",
            ),
            (
                "0 1\n0 2\n",
                "line 2 of `t` holds `0 2`: time runs back, or stands still",
            ),
            (
                "5 1\n4 2\n",
                "line 2 of `t` holds `4 2`: time runs back, or stands still",
            ),
            ("-5 1\n", "line 1 of `t` holds `-5 1`: it has no such time"),
            (
                "0 NaN\n",
                "line 1 of `t` holds `0 NaN`: a bandwidth cannot be negative",
            ),
            ("0 inf\n", "line 1 of `t` holds `0 inf`: no link is so fast"),
            ("0 0\n1 0\n", "`t` never lets anything through"),
        ] {
            assert_eq!(rates("t", text, true).unwrap_err().message, told);
        }
        for (text, told) in [
            ("", "`t` is empty"),
            (
                "time_s\n0\n",
                "`t` has no column `time_s`, or no other column",
            ),
            ("time_s,bandwith\n0,1\n", "`t` has a column `bandwith`"),
            ("time_s,up\n", "`t` has a header but no rows"),
            (
                "time_s,up\nx,true\n",
                "row 1 of column `time_s` in `t` holds `x`: it is no number",
            ),
            (
                "time_s,up\n-1,true\n",
                "row 1 of column `time_s` in `t` holds `-1`: it is no time",
            ),
            (
                "time_s,up\n0,yes\n",
                "row 1 of column `up` in `t` holds `yes`: it is neither true nor false",
            ),
            (
                "time_s,bandwidth\n0,-5\n",
                "row 1 of column `bandwidth` in `t` holds `-5`: a bandwidth cannot be negative",
            ),
        ] {
            assert_eq!(table("t", text).unwrap_err().message, told);
        }
    }
}
