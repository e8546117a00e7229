//! An edge list: CSV with the columns `from,to,bandwidth,latency,sharing`, and `weight` if wanted.

use super::draft::{Attributes, Defaults, Draft, shortened};
use super::file::FileError;
use crate::network::topology::Blueprint;
use crate::scenario::quantity::nearest;

const COLUMNS: [&str; 6] = ["from", "to", "bandwidth", "latency", "sharing", "weight"];
const NEEDED: usize = 5;
const HEADER: &str = "from,to,bandwidth,latency,sharing";

pub(super) fn parse(text: &str) -> Result<Blueprint, FileError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .has_headers(true)
        .from_reader(text.as_bytes());
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => {
            return Err(FileError::new(
                format!("the header cannot be read: {error}"),
                format!("expected the header `{HEADER}`"),
                "begin the file with that line",
            ));
        }
    };
    let first_line = text.find('\n').unwrap_or(text.len());
    let at_header = |error: FileError| error.at(0..first_line);
    let mut columns = Vec::with_capacity(header.len());
    for name in &header {
        let known = COLUMNS.iter().position(|column| *column == name);
        let Some(known) = known.filter(|known| !columns.contains(known)) else {
            return Err(at_header(FileError::new(
                format!(
                    "`{}` is no column of an edge list, or is there twice",
                    shortened(name)
                ),
                format!("expected the header `{HEADER}`"),
                match nearest(&shortened(name), COLUMNS) {
                    // A short name is more likely a node: the header is missing.
                    Some(near) if name.len() > 2 => format!("did you mean `{near}`?"),
                    _ => "begin the file with that line; `weight` may follow".to_owned(),
                },
            )));
        };
        columns.push(known);
    }
    if let Some(missing) = (0..NEEDED).find(|column| !columns.contains(column)) {
        return Err(at_header(FileError::new(
            format!("the column `{}` is missing", COLUMNS[missing]),
            format!("expected the header `{HEADER}`"),
            "begin the file with that line; `weight` may follow",
        )));
    }
    let mut draft = Draft::default();
    let mut record = csv::StringRecord::new();
    let mut links = 0_u64;
    loop {
        let start = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => {
                return Err(FileError::new(
                    format!("a row cannot be read: {error}"),
                    format!("expected {} cells", columns.len()),
                    "mend the row",
                )
                .at(start..start));
            }
        }
        // The reader's position before a row can stand on the line break before it.
        let start = record.position().map_or(start, |place| {
            usize::try_from(place.byte()).unwrap_or(usize::MAX)
        });
        let begin = text
            .get(start..)
            .map_or(start, |rest| start + rest.len() - rest.trim_start().len());
        let end = text
            .get(begin..)
            .and_then(|rest| rest.find('\n'))
            .map_or(text.len(), |length| begin + length);
        row(&mut draft, &columns, &record).map_err(|error| error.at(begin..end))?;
        links += 1;
    }
    if links == 0 {
        return Err(at_header(FileError::new(
            "the edge list has a header but no rows",
            "expected one row a link",
            "add rows such as `n1,n2,10 Mbps,30 ms,split-duplex`",
        )));
    }
    draft.finish()
}

fn row(draft: &mut Draft, columns: &[usize], record: &csv::StringRecord) -> Result<(), FileError> {
    if record.len() != columns.len() {
        return Err(FileError::new(
            format!(
                "a row has {} cells instead of {}",
                record.len(),
                columns.len()
            ),
            "expected as many cells as the header has",
            "was the file cut off? a row reads `n1,n2,10 Mbps,30 ms,split-duplex`",
        ));
    }
    let cell = |name: &str| {
        let place = columns.iter().position(|column| COLUMNS[*column] == name);
        place
            .and_then(|place| record.get(place))
            .unwrap_or_default()
    };
    let from = draft.find_or_declare(cell("from"))?;
    let to = draft.find_or_declare(cell("to"))?;
    // A row says everything itself.
    let none = Defaults::default();
    let mut attributes = Attributes::default();
    for name in &COLUMNS[2..] {
        if !cell(name).is_empty() {
            attributes.set(name, cell(name), &none)?;
        }
    }
    draft.link(from, to, attributes, &none, false)
}
