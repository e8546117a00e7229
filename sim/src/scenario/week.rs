//! Clock times: times of day, days of the week, windows of both, and time zones.
//!
//! Text as a scenario or a cell of a table has it; inside, whole seconds since Monday 00:00.

use crate::device::Pattern;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

const DAY: u32 = 86_400;
const WEEK: u32 = 7 * DAY;
const NANOS: u64 = 1_000_000_000;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Why a text is no clock time; the second line is the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockError(String);

impl fmt::Display for ClockError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for ClockError {}

fn refuse<T>(what: impl fmt::Display, way_out: &str) -> Result<T, ClockError> {
    Err(ClockError(format!("{what}\n{way_out}")))
}

/// A time of day such as `21:30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u32);

/// An instant of the week such as `Wed 06:30`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WeekTime(u32);

/// How far a clock is ahead of UTC, such as `+05:30`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Zone(i32);

/// Windows of the week such as `Mon-Fri 08:00-17:00`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows(Vec<Window>);

/// One time of day on some days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    days: [bool; 7],
    begin: u32,
    end: u32,
}

impl TimeOfDay {
    /// Nanoseconds since midnight.
    #[must_use]
    pub fn nanoseconds(self) -> u64 {
        u64::from(self.0) * NANOS
    }
}

impl WeekTime {
    /// Seconds since Monday 00:00.
    #[must_use]
    pub fn seconds(self) -> u32 {
        self.0
    }
}

impl Zone {
    /// Nanoseconds since Monday 00:00 on a clock of this zone, at an instant of the week in UTC.
    #[must_use]
    pub fn local(self, utc: WeekTime) -> u64 {
        let local = i64::from(utc.0) + i64::from(self.0);
        // Not negative and below a week.
        local.rem_euclid(i64::from(WEEK)) as u64 * NANOS
    }
}

impl Windows {
    /// The windows as a pattern that begins on Monday at 00:00 and repeats every week.
    #[must_use]
    pub fn pattern(&self) -> Pattern {
        let week = Some(u64::from(WEEK) * NANOS);
        let nanos = |(begin, end)| (u64::from(begin) * NANOS, u64::from(end) * NANOS);
        Pattern::new(self.intervals().into_iter().map(nanos), week)
    }

    /// Every interval of the week in seconds, by begin.
    fn intervals(&self) -> Vec<(u32, u32)> {
        let mut intervals = Vec::new();
        for window in &self.0 {
            for (day, _) in (0..).zip(window.days).filter(|(_, open)| *open) {
                intervals.push((day * DAY + window.begin, day * DAY + window.end));
            }
        }
        intervals.sort_unstable();
        intervals
    }

    fn checked(windows: Vec<Window>) -> Result<Self, ClockError> {
        let windows = Self(windows);
        if windows.0.is_empty() {
            return refuse(
                "there are no windows",
                "give one, such as \"Mon-Fri 08:00-17:00\"",
            );
        }
        let intervals = windows.intervals();
        for (one, next) in intervals.iter().zip(&intervals[1..]) {
            if next.0 < one.1 {
                return refuse(
                    format!(
                        "two windows overlap: {} to {} and {} to {}",
                        WeekTime(one.0),
                        WeekTime(one.1),
                        WeekTime(next.0),
                        WeekTime(next.1)
                    ),
                    "join them, or let one end where the other begins",
                );
            }
        }
        Ok(windows)
    }
}

/// Seconds since midnight of `8:00`, `08:00` or `08:00:30`; up to `24:00`.
fn clock(text: &str) -> Option<u32> {
    let mut parts = text.split(':');
    let mut part = |most: u32| {
        let digits = parts.next()?;
        let fine = (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|n| fine && *n <= most)
    };
    let (hours, minutes) = (part(24)?, part(59)?);
    let seconds = if text.matches(':').count() > 1 {
        part(59)?
    } else {
        0
    };
    let time = hours * 3600 + minutes * 60 + seconds;
    (parts.next().is_none() && time <= DAY).then_some(time)
}

fn write_clock(time: u32, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (hours, minutes, seconds) = (time / 3600, time / 60 % 60, time % 60);
    write!(out, "{hours:02}:{minutes:02}")?;
    match seconds {
        0 => Ok(()),
        _ => write!(out, ":{seconds:02}"),
    }
}

fn day(text: &str) -> Option<usize> {
    let long = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    let text = text.to_ascii_lowercase();
    long.iter().position(|day| *day == text || day[..3] == text)
}

/// `Mon-Fri`, `Sat,Sun`, `daily`, `weekdays`, `weekend`.
fn days(text: &str) -> Option<[bool; 7]> {
    let mut open = [false; 7];
    for part in text.split(',').map(str::trim) {
        let (first, last) = match part.to_ascii_lowercase().as_str() {
            "daily" => (0, 6),
            "weekdays" => (0, 4),
            "weekend" => (5, 6),
            _ => match part.split_once('-') {
                Some((first, last)) => (day(first.trim())?, day(last.trim())?),
                None => (day(part)?, day(part)?),
            },
        };
        let count = (last + 7 - first) % 7;
        (0..=count).for_each(|step| open[(first + step) % 7] = true);
    }
    Some(open)
}

impl FromStr for TimeOfDay {
    type Err = ClockError;

    fn from_str(text: &str) -> Result<Self, ClockError> {
        match clock(text.trim()).filter(|time| *time < DAY) {
            Some(time) => Ok(Self(time)),
            None => refuse(
                format!("`{text}` is no time of day"),
                "write it as \"21:30\", from 00:00 to 23:59",
            ),
        }
    }
}

impl FromStr for WeekTime {
    type Err = ClockError;

    fn from_str(text: &str) -> Result<Self, ClockError> {
        let text = text.trim();
        let (day_text, time) = text
            .split_once(char::is_whitespace)
            .unwrap_or((text, "00:00"));
        match (day(day_text), clock(time.trim()).filter(|time| *time < DAY)) {
            (Some(day), Some(time)) => Ok(Self(day as u32 * DAY + time)),
            _ => refuse(
                format!("`{text}` is no day and time"),
                "write it as \"Wed 06:30\", in UTC",
            ),
        }
    }
}

impl FromStr for Zone {
    type Err = ClockError;

    fn from_str(text: &str) -> Result<Self, ClockError> {
        let trimmed = text.trim();
        let plain = trimmed.strip_prefix("UTC").unwrap_or(trimmed);
        let offset = match plain.split_at_checked(1) {
            None if trimmed == "UTC" => Some(0),
            Some((sign @ ("+" | "-"), rest)) => {
                let clock = if rest.contains(':') {
                    clock(rest)
                } else {
                    clock(&format!("{rest}:00"))
                };
                let seconds = clock.filter(|seconds| *seconds <= 14 * 3600);
                seconds.map(|s| if sign == "-" { -(s as i32) } else { s as i32 })
            }
            _ => None,
        };
        match offset {
            Some(offset) => Ok(Self(offset)),
            None => refuse(
                format!("`{text}` is no time zone"),
                "write how far the clock is ahead of UTC, such as \"+02:00\" or \"-05:00\"; names of \
                 places and daylight saving are not known",
            ),
        }
    }
}

impl FromStr for Window {
    type Err = ClockError;

    fn from_str(text: &str) -> Result<Self, ClockError> {
        let text = text.trim();
        let (days_text, times) = match text.rsplit_once(char::is_whitespace) {
            Some((days, times)) => (days.trim(), times),
            None => ("daily", text),
        };
        let example = "write it as \"Mon-Fri 08:00-17:00\", \"Sat,Sun 10:00-14:00\" or \
                       \"22:00-24:00\"";
        let times = times
            .split_once('-')
            .and_then(|(begin, end)| Some((clock(begin)?, clock(end)?)));
        let (Some(days), Some((begin, end))) = (days(days_text), times) else {
            return refuse(format!("`{text}` is no window of the week"), example);
        };
        if end <= begin {
            return refuse(
                format!("the window `{text}` does not end after it begins"),
                "a window over midnight is two: \"22:00-24:00\" and \"00:00-06:00\"",
            );
        }
        Ok(Self { days, begin, end })
    }
}

/// Windows in one text, apart by `;`, as a cell of a table has them.
impl FromStr for Windows {
    type Err = ClockError;

    fn from_str(text: &str) -> Result<Self, ClockError> {
        let windows = text.split(';').map(Window::from_str);
        Self::checked(windows.collect::<Result<_, _>>()?)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_clock(self.0, out)
    }
}

impl fmt::Display for WeekTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The end of a day is written as its 24:00.
        let (day, time) = match (self.0 / DAY, self.0 % DAY) {
            (day @ 1.., 0) if self.0 == WEEK => (day - 1, DAY),
            apart => apart,
        };
        write!(out, "{} ", DAYS[day as usize])?;
        write_clock(time, out)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0 < 0 { "-" } else { "+" })?;
        write_clock(self.0.unsigned_abs(), out)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open: Vec<&str> = (0..7).filter(|d| self.days[*d]).map(|d| DAYS[d]).collect();
        match open.len() {
            7 => {}
            5 if self.days[..5].iter().all(|open| *open) => out.write_str("Mon-Fri ")?,
            _ => write!(out, "{} ", open.join(","))?,
        }
        write_clock(self.begin, out)?;
        out.write_str("-")?;
        write_clock(self.end, out)
    }
}

impl Serialize for Windows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Window::to_string))
    }
}

impl<'de> Deserialize<'de> for Windows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WindowsVisitor)
    }
}

/// Windows as one text or as a list.
pub(crate) struct WindowsVisitor;

impl<'de> Visitor<'de> for WindowsVisitor {
    type Value = Windows;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a window such as \"Mon-Fri 08:00-17:00\", or a list of them")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Windows, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Windows, A::Error> {
        let mut windows = Vec::new();
        while let Some(Text(window)) = seq.next_element()? {
            windows.push(window);
        }
        Windows::checked(windows).map_err(de::Error::custom)
    }
}

/// What is read from a text.
struct Text<T>(T);

impl<'de, T: FromStr<Err = ClockError>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(de::Error::custom)
    }
}

macro_rules! written_as_text {
    ($name:ident, $pattern:literal, $what:literal, $example:literal) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Text::deserialize(deserializer).map(|Text(value)| value)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "description": $what,
                    "pattern": $pattern,
                    "examples": [$example],
                })
            }
        }
    };
}

written_as_text!(
    TimeOfDay,
    r"^\s*[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?\s*$",
    "A time of day, from 00:00 to 23:59.",
    "21:30"
);
written_as_text!(
    WeekTime,
    r"^\s*[A-Za-z]{3,9}(\s+[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?\s*$",
    "A day of the week and a time of day, in UTC.",
    "Wed 06:30"
);
written_as_text!(
    Zone,
    r"^\s*(UTC|(UTC)?[+-][0-9]{1,2}(:[0-9]{2})?)\s*$",
    "How far a clock is ahead of UTC.",
    "+02:00"
);

impl JsonSchema for Windows {
    fn schema_name() -> Cow<'static, str> {
        "Windows".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let window = serde_json::json!({
            "type": "string",
            "examples": ["Mon-Fri 08:00-17:00", "Sat,Sun 10:00-14:00", "22:00-24:00"],
        });
        json_schema!({
            "description": "Windows of the week: days (all of them if left out) and a time of day.",
            "anyOf": [window, { "type": "array", "minItems": 1, "items": window }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn week(text: &str) -> Vec<(u32, u32)> {
        let windows: Windows = text.parse().expect("windows");
        windows.intervals()
    }

    #[test]
    fn windows_are_days_and_times() {
        let h = 3600;
        let weekdays: Vec<_> = (0..5)
            .map(|d| (d * DAY + 8 * h, d * DAY + 17 * h))
            .collect();
        for text in [
            "Mon-Fri 08:00-17:00",
            "weekdays 8:00-17:00",
            "mon,tue,wed,thu,friday 08:00-17:00:00",
            "Mon 08:00-17:00; Tue-Fri 08:00-17:00",
        ] {
            assert_eq!(week(text), weekdays, "{text}");
        }
        assert_eq!(week("22:00-24:00").len(), 7);
        assert_eq!(week("Sun-Mon 00:00-24:00"), [(0, DAY), (6 * DAY, WEEK)]);
    }

    #[test]
    fn a_window_is_read_back_as_it_is_written() {
        for text in [
            "Mon-Fri 08:00-17:00",
            "22:00-24:00",
            "Tue,Sun 08:00-08:00:01",
        ] {
            let window: Window = text.parse().expect("a window");
            assert_eq!(window.to_string(), text);
        }
        for text in ["+05:30", "-05:00", "+00:00"] {
            assert_eq!(text.parse::<Zone>().expect("a zone").to_string(), text);
        }
        assert_eq!("UTC+2".parse::<Zone>(), "+02:00".parse());
        assert_eq!(
            "Wednesday 6:30".parse::<WeekTime>().unwrap().to_string(),
            "Wed 06:30"
        );
    }

    #[test]
    fn what_is_no_clock_time_is_refused() {
        for text in [
            "",
            "Mon",
            "25:00-26:00",
            "Mon 17:00-08:00",
            "Mon 8-17",
            "Moo 08:00-09:00",
        ] {
            assert!(text.parse::<Windows>().is_err(), "{text}");
        }
        for text in ["", "CET", "Europe/Berlin", "+15:00", "2", "+é", "é"] {
            assert!(text.parse::<Zone>().is_err(), "{text}");
        }
        for text in ["24:00", "-1:00", "1", "12:60", "１２:00"] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
        let overlap = "Mon 08:00-12:00; daily 11:00-13:00".parse::<Windows>();
        let message = overlap.expect_err("an overlap").to_string();
        assert!(message.contains("Mon 08:00 to Mon 12:00 and Mon 11:00 to Mon 13:00"));
    }

    #[test]
    fn a_clock_ahead_of_utc_shows_a_later_time() {
        let hour = 3600 * NANOS;
        let zone: Zone = "+02:00".parse().unwrap();
        assert_eq!(zone.local(WeekTime(0)), 2 * hour);
        let zone: Zone = "-01:00".parse().unwrap();
        assert_eq!(zone.local(WeekTime(0)), 167 * hour);
    }
}
