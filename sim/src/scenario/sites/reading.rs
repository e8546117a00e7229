//! Reading a file of sites: its columns, and every cell with its unit.

use super::{Site, Sites};
use crate::scenario::column::cell;
use crate::scenario::quantity::{Quantity, nearest};
use crate::scenario::topology::FileError;
use crate::scenario::week::ClockError;
use std::collections::BTreeMap;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

/// The columns that are read, besides those of samples per class.
const COLUMNS: [&str; 12] = [
    "name",
    "group",
    "up",
    "down",
    "latency",
    "at",
    "speed",
    "memory",
    "model",
    "samples",
    "hours",
    "time_zone",
];

/// Columns of samples of one class are called `samples_0`, `samples_1`, ..., or by its name.
pub(super) const OF_CLASS: &str = "samples_";

/// After as many wrong cells the rest is most likely wrong in the same way.
const MOST_TOLD: usize = 10;

/// Longer names are taken for a mistake.
const LONGEST_NAME: usize = 100;

/// Names that stand for something else in the tables.
const TAKEN: [&str; 3] = ["server", "global", "all"];

/// What a column of the file is.
enum Meaning {
    Known(&'static str),
    Class(String),
    Unknown,
}

/// Reads the sites; also says which columns were not read.
///
/// # Errors
/// Every mistake found, up to a number of them.
pub(super) fn parse(
    text: &Arc<str>,
    file: &str,
    shown: String,
) -> Result<(Sites, Vec<String>), Vec<FileError>> {
    let one = |error: FileError| vec![error];
    let skipped = text.len() - text.trim_start_matches('\u{feff}').len();
    let body = &text[skipped..];
    if body.trim().is_empty() {
        return Err(one(FileError::new(
            format!("`{file}` is empty"),
            "",
            "begin it with a header row such as `name,up,down,speed`, and give one row a site",
        )));
    }
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(body.as_bytes());
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => {
            let title = format!("the header of `{file}` cannot be read: {error}");
            return Err(one(FileError::new(title, "", "mend the first line")));
        }
    };
    let mut notes = Vec::new();
    let meanings = meanings(&header, file, &mut notes).map_err(|error| {
        let begin = skipped + leading(body);
        one(error.at(line_span(text, begin)))
    })?;
    let mut sites = Sites {
        file: file.to_owned(),
        shown,
        text: Arc::clone(text),
        columns: header.iter().map(str::to_owned).collect(),
        rows: Vec::new(),
    };
    let mut errors = Vec::new();
    let mut names: BTreeMap<String, u64> = BTreeMap::new();
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => {
                let title = format!("a row of `{file}` cannot be read: {error}");
                errors.push(FileError::new(title, "", "mend the row"));
                break;
            }
        }
        let start = record.position().map_or(0, |place| {
            usize::try_from(place.byte()).unwrap_or(usize::MAX)
        });
        // The reader's position of a row can stand on the line break before it.
        let start = start.min(body.len());
        let begin = skipped + start + leading(&body[start..]);
        let row = Row {
            file,
            number: sites.rows.len() + 1,
            line: line_of(text, begin, sites.rows.last()),
            begin,
            text,
            record: &record,
            header: &header,
        };
        match row.site(&meanings, &mut errors) {
            Some(site) => {
                match names.get(&site.name) {
                    Some(before) => {
                        let title = format!(
                            "{} is called `{}`, and so is line {before}",
                            row.place(),
                            site.name
                        );
                        errors.push(row.at(
                            column_of(&header, "name"),
                            FileError::new(
                                title,
                                "expected a name of its own",
                                "the tables tell sites apart by name; add a number or a town",
                            ),
                        ));
                    }
                    None => {
                        names.insert(site.name.clone(), row.line);
                    }
                }
                sites.rows.push(site);
            }
            // Without a row of its length nothing more is sure.
            None => break,
        }
        if errors.len() >= MOST_TOLD {
            break;
        }
    }
    if errors.is_empty() && sites.rows.is_empty() {
        errors.push(FileError::new(
            format!("`{file}` has a header but no rows"),
            "expected one row a site",
            "add rows, or remove the group",
        ));
    }
    if errors.is_empty() {
        Ok((sites, notes))
    } else {
        Err(errors)
    }
}

fn meanings(
    header: &csv::StringRecord,
    file: &str,
    notes: &mut Vec<String>,
) -> Result<Vec<Meaning>, FileError> {
    let mut meanings = Vec::with_capacity(header.len());
    for (place, name) in header.iter().enumerate() {
        if !name.is_empty() && header.iter().take(place).any(|before| before == name) {
            return Err(FileError::new(
                format!("`{file}` has two columns `{}`", shortened(name)),
                "expected each column once",
                "remove one, or give it another name",
            ));
        }
        let class = name
            .strip_prefix(OF_CLASS)
            .filter(|class| !class.is_empty());
        let known = COLUMNS.iter().find(|known| **known == name);
        meanings.push(match (known, class) {
            (Some(known), _) => Meaning::Known(known),
            (None, Some(class)) => Meaning::Class(class.to_owned()),
            (None, None) => {
                let near = nearest(&shortened(name), COLUMNS)
                    .map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                notes.push(format!(
                    "column `{}` of `{file}` is not read{near}",
                    shortened(name)
                ));
                Meaning::Unknown
            }
        });
    }
    if !header.iter().any(|name| name == "name") {
        let near = nearest("name", header.iter()).map(|near| format!("rename `{near}`, or "));
        return Err(FileError::new(
            format!("`{file}` has no column `name`"),
            "expected a header with `name`",
            format!(
                "{}add a column `name` with a name for every site",
                near.unwrap_or_default()
            ),
        ));
    }
    Ok(meanings)
}

/// One row on its way to a site.
struct Row<'a> {
    file: &'a str,
    number: usize,
    line: u64,
    begin: usize,
    text: &'a str,
    record: &'a csv::StringRecord,
    header: &'a csv::StringRecord,
}

impl Row<'_> {
    fn place(&self) -> String {
        format!(
            "row {} (line {}) of `{}`",
            self.number, self.line, self.file
        )
    }

    fn at(&self, column: usize, error: FileError) -> FileError {
        error.at(cell_span(self.text, self.begin, column))
    }

    /// The site, as far as its cells can be read; `None` where the cells cannot be told apart.
    fn site(&self, meanings: &[Meaning], errors: &mut Vec<FileError>) -> Option<Site> {
        if self.record.len() != self.header.len() {
            errors.push(
                FileError::new(
                    format!(
                        "{} has {} cells instead of {}",
                        self.place(),
                        self.record.len(),
                        self.header.len()
                    ),
                    "expected as many cells as the header has",
                    "was the file cut off, or does a cell hold a comma without quotes?",
                )
                .at(line_span(self.text, self.begin)),
            );
            return None;
        }
        let mut site = Site {
            name: String::new(),
            group: None,
            up: None,
            down: None,
            latency: None,
            at: None,
            speed: None,
            memory: None,
            model: None,
            samples: None,
            class_samples: Vec::new(),
            hours: None,
            time_zone: None,
            span: line_span(self.text, self.begin),
            line: self.line,
        };
        for (place, (meaning, cell)) in meanings.iter().zip(self.record).enumerate() {
            let result = match meaning {
                Meaning::Unknown => Ok(()),
                Meaning::Class(class) => self.whole(place, cell).map(|count| {
                    let told = count.map(|count| (class.clone(), count));
                    site.class_samples.extend(told);
                }),
                Meaning::Known("name") => self.name(place, cell, &TAKEN).map(|name| {
                    site.name = name;
                }),
                Meaning::Known("group") if cell.is_empty() => Ok(()),
                Meaning::Known("group") => self
                    .name(place, cell, &["all"])
                    .map(|name| site.group = Some(name)),
                Meaning::Known("up") => self.quantity(place, cell).map(|value| site.up = value),
                Meaning::Known("down") => self.quantity(place, cell).map(|value| site.down = value),
                Meaning::Known("latency") => {
                    self.quantity(place, cell).map(|value| site.latency = value)
                }
                Meaning::Known("at") => {
                    site.at = Some(cell.to_owned()).filter(|node| !node.is_empty());
                    Ok(())
                }
                Meaning::Known("speed") => {
                    self.quantity(place, cell).map(|value| site.speed = value)
                }
                Meaning::Known("memory") => {
                    self.quantity(place, cell).map(|value| site.memory = value)
                }
                Meaning::Known("hours") => self.clock(place, cell).map(|hours| site.hours = hours),
                Meaning::Known("time_zone") => {
                    self.clock(place, cell).map(|zone| site.time_zone = zone)
                }
                Meaning::Known("samples") => {
                    self.whole(place, cell).map(|value| site.samples = value)
                }
                Meaning::Known(_) => {
                    site.model = Some(cell.to_owned()).filter(|model| !model.is_empty());
                    Ok(())
                }
            };
            if let Err(error) = result {
                errors.push(self.at(place, error));
            }
        }
        let sum: usize = site
            .class_samples
            .iter()
            .fold(0, |sum, (_, count)| sum.saturating_add(*count));
        if let Some(samples) = site.samples
            && !site.class_samples.is_empty()
            && samples != sum
        {
            let error = FileError::new(
                format!(
                    "{} has {samples} `samples`, but its classes add up to {sum}",
                    self.place()
                ),
                "expected the sum of the columns of classes",
                "correct one of them, or leave `samples` empty",
            );
            errors.push(self.at(column_of(self.header, "samples"), error));
        }
        Some(site)
    }

    fn holds(&self, place: usize, cell: &str, why: &str) -> String {
        let column = self.header.get(place).unwrap_or_default();
        format!(
            "{} holds `{}` in column `{column}`: {why}",
            self.place(),
            shortened(cell)
        )
    }

    fn quantity<Q: Quantity>(&self, place: usize, text: &str) -> Result<Option<Q>, FileError> {
        if text.is_empty() {
            return Ok(None);
        }
        cell::<Q>(text).map(Some).map_err(|error| {
            FileError::new(
                self.holds(place, text, error.message()),
                format!("expected {}", Q::WHAT),
                format!(
                    "a cell is a number of {} or carries its unit, such as {}",
                    Q::UNITS[0].name,
                    Q::EXAMPLE
                ),
            )
        })
    }

    fn clock<T: FromStr<Err = ClockError>>(
        &self,
        place: usize,
        text: &str,
    ) -> Result<Option<T>, FileError> {
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|error: ClockError| {
            let told = error.to_string();
            let (why, way_out) = told.split_once('\n').unwrap_or((&told, ""));
            FileError::new(self.holds(place, text, why), "", way_out)
        })
    }

    fn whole(&self, place: usize, text: &str) -> Result<Option<usize>, FileError> {
        if text.is_empty() {
            return Ok(None);
        }
        // More samples than this are in no data set.
        let count = text
            .parse::<u32>()
            .ok()
            .and_then(|n| usize::try_from(n).ok());
        count.map(Some).ok_or_else(|| {
            let why = match text.parse::<f64>() {
                Ok(number) if number < 0.0 => "a number of samples cannot be negative",
                Ok(number) if number.fract() == 0.0 => "no data set has so many samples",
                _ => "it is no whole number",
            };
            FileError::new(
                self.holds(place, text, why),
                "expected a whole number of samples, zero or more",
                "an empty cell leaves it open",
            )
        })
    }

    fn name(&self, place: usize, text: &str, taken: &[&str]) -> Result<String, FileError> {
        let wrong = if text.is_empty() {
            "it is empty".to_owned()
        } else if let Some(odd) = text.chars().find(|letter| letter.is_control()) {
            format!("it holds `{}`", odd.escape_default())
        } else if text.len() > LONGEST_NAME {
            format!("it has {} bytes, more than {LONGEST_NAME}", text.len())
        } else if taken.contains(&text) {
            "that name stands for something else in the tables".to_owned()
        } else {
            return Ok(text.to_owned());
        };
        Err(FileError::new(
            self.holds(place, text, &wrong),
            "expected a name on one line",
            "give the site a name of its own",
        ))
    }
}

fn column_of(header: &csv::StringRecord, name: &str) -> usize {
    header.iter().position(|column| column == name).unwrap_or(0)
}

fn shortened(text: &str) -> String {
    let short: String = text
        .chars()
        .take(60)
        .flat_map(char::escape_default)
        .collect();
    if text.chars().nth(60).is_some() {
        format!("{short}...")
    } else {
        text.escape_debug().to_string()
    }
}

fn leading(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// The line that begins or is in progress at a place.
fn line_span(text: &str, begin: usize) -> Range<usize> {
    let rest = &text[begin.min(text.len())..];
    let length = rest.find('\n').unwrap_or(rest.len());
    begin..begin + rest[..length].trim_end().len()
}

/// Number of the line at a place, counted on from the row before.
fn line_of(text: &str, begin: usize, before: Option<&Site>) -> u64 {
    let (line, from) = before.map_or((1, 0), |site| (site.line, site.span.start));
    line + text[from..begin]
        .bytes()
        .filter(|byte| *byte == b'\n')
        .count() as u64
}

/// Where a cell of the row that begins there stands, without the spaces around it.
pub(super) fn cell_span(text: &str, begin: usize, column: usize) -> Range<usize> {
    let (mut at, mut quoted, mut from) = (0, false, begin);
    let mut end = text.len();
    for (offset, letter) in text[begin.min(text.len())..].char_indices() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted && at == column => {
                end = begin + offset;
                break;
            }
            ',' if !quoted => {
                at += 1;
                from = begin + offset + 1;
            }
            '\n' if !quoted => {
                end = begin + offset;
                break;
            }
            _ => {}
        }
    }
    let cell = &text[from.min(end)..end];
    let from = from + leading(cell);
    from..from.max(from + cell.trim().len())
}
