//! CSV with a header row: columns of features, a column of labels, and one that says whose a
//! sample is.

use super::error::{DataFileError, refuse};
use super::input::{DataFile, Input, MOST_VALUES, looks_like};
use super::labels::{Labels, Values, assemble};
use super::tensor::Samples;
use crate::dataset::{Dataset, Groups};
use crate::shape::Shape;

/// Which columns are what.
#[derive(Clone, Copy, Debug)]
pub struct CsvColumns<'a> {
    /// The class: whole numbers, or names, which are sorted.
    pub label: &'a str,
    /// The features in order; none: every column that is neither label nor client.
    pub features: Option<&'a [String]>,
    /// Whose the sample is.
    pub client: Option<&'a str>,
    /// What a sample is; none: a flat row.
    pub shape: Option<Shape>,
}

/// A data set from a CSV file, and a test set from another with the same columns.
///
/// # Errors
/// Whatever is wrong with a file.
pub fn csv(
    file: DataFile<'_>,
    test: Option<DataFile<'_>>,
    columns: &CsvColumns<'_>,
) -> Result<Dataset, DataFileError> {
    let train = read(file, columns, None)?;
    let test = match test {
        None => None,
        Some(file) => {
            // The test file may have its columns in another order, but it has them.
            let columns = CsvColumns {
                client: None,
                ..*columns
            };
            let table = read(file, &columns, Some(&train.feature_names))?;
            Some((table.samples, table.labels))
        }
    };
    let names = train.feature_names;
    assemble((train.samples, train.labels), test, train.groups, None)
        .map(|dataset| dataset.with_feature_names(names))
}

struct Table {
    samples: Samples,
    labels: Labels,
    groups: Option<Groups>,
    feature_names: Vec<String>,
}

fn read(
    file: DataFile<'_>,
    columns: &CsvColumns<'_>,
    features: Option<&[String]>,
) -> Result<Table, DataFileError> {
    let name = file.name;
    let bytes = Input::open(file)?.read_all()?;
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) if !text.contains('\0') => text,
        _ => {
            return refuse(
                name,
                format!("`{name}` is no text in UTF-8 but {}", looks_like(&bytes)),
                "expected a CSV file with a header row",
                "save it as CSV in UTF-8",
            );
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = match reader.headers() {
        Ok(header) if !header.is_empty() => header.clone(),
        _ => {
            return refuse(
                name,
                format!("`{name}` has no header row"),
                "expected the names of the columns in its first line",
                "add a header row",
            );
        }
    };
    let place = |wanted: &str, what: &str| match header.iter().position(|name| name == wanted) {
        Some(place) => Ok(place),
        None => no_column(name, &header, wanted, what),
    };
    let label = place(columns.label, "labels")?;
    let client = columns
        .client
        .map(|client| place(client, "clients"))
        .transpose()?;
    let features: Vec<usize> = match features.or(columns.features) {
        Some(names) => names
            .iter()
            .map(|wanted| place(wanted, "features"))
            .collect::<Result<_, _>>()?,
        None => (0..header.len())
            .filter(|&place| place != label && Some(place) != client)
            .collect(),
    };
    if features.contains(&label) {
        return refuse(
            name,
            format!(
                "the label `{}` of `{name}` is among its features",
                columns.label
            ),
            "a model that is told the answer learns nothing else",
            "leave it out of `features`",
        );
    }
    if features.is_empty() {
        return refuse(
            name,
            format!("`{name}` has no column of features"),
            "expected at least one beside the label",
            "is the separator a comma?",
        );
    }
    let shape = match columns.shape {
        Some(shape) if shape.size() != features.len() => {
            return refuse(
                name,
                format!("`{name}` has {} columns of features", features.len()),
                format!("the shape {shape} has {}", shape.size()),
                "name the columns in `features`, or give another `shape`",
            );
        }
        Some(shape) => shape,
        None => Shape::Flat(features.len()),
    };
    let (mut values, mut labels, mut clients) = (Vec::new(), Vec::new(), Vec::new());
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => return row_error(name, &error, header.len()),
        };
        let line = record.position().map_or(0, csv::Position::line);
        for &place in &features {
            let cell = record.get(place).unwrap_or_default();
            match cell.parse::<f32>() {
                Ok(value) if value.is_finite() => values.push(value),
                _ => return no_number(name, &header[place], cell, line),
            }
        }
        labels.push(cell(name, &record, &header, label, line)?);
        if let Some(place) = client {
            clients.push(cell(name, &record, &header, place, line)?);
        }
        if values.len() as u64 > MOST_VALUES {
            return refuse(
                name,
                format!("`{name}` has more than {MOST_VALUES} values"),
                "the data of a run must fit in memory: 8 GB",
                "take fewer rows or fewer columns",
            );
        }
    }
    if labels.is_empty() {
        return refuse(
            name,
            format!("`{name}` has a header but no rows"),
            "expected one row a sample",
            "was it written completely?",
        );
    }
    let numbers: Option<Vec<i64>> = labels.iter().map(|label| label.parse().ok()).collect();
    Ok(Table {
        samples: Samples {
            name: name.to_owned(),
            count: labels.len(),
            shape,
            values,
        },
        labels: Labels {
            name: name.to_owned(),
            values: numbers.map_or(Values::Names(labels), Values::Whole),
        },
        groups: columns
            .client
            .map(|column| Groups::of(column, clients.into_iter())),
        feature_names: features
            .iter()
            .map(|&place| header[place].to_owned())
            .collect(),
    })
}

fn cell(
    name: &str,
    record: &csv::StringRecord,
    header: &csv::StringRecord,
    place: usize,
    line: u64,
) -> Result<String, DataFileError> {
    match record.get(place) {
        Some(cell) if !cell.is_empty() => Ok(cell.to_owned()),
        _ => refuse(
            name,
            format!(
                "line {line} of `{name}` has nothing in the column `{}`",
                &header[place]
            ),
            "every sample needs it",
            "fill it in, or leave the row out",
        ),
    }
}

fn no_column<T>(
    name: &str,
    header: &csv::StringRecord,
    wanted: &str,
    what: &str,
) -> Result<T, DataFileError> {
    let near = header
        .iter()
        .map(|known| (strsim::damerau_levenshtein(known, wanted), known))
        .min()
        .filter(|&(distance, _)| distance <= 2);
    let way_out = match near {
        Some((_, near)) => format!("did you mean `{near}`?"),
        None if header.len() == 1 && header[0].contains(';') => {
            "its columns are separated by semicolons: save it with commas".to_owned()
        }
        None => format!("name the column of the {what}"),
    };
    let mut names: Vec<&str> = header.iter().take(20).collect();
    if header.len() > names.len() {
        names.push("...");
    }
    refuse(
        name,
        format!("`{name}` has no column `{wanted}`"),
        format!("its columns: {}", names.join(", ")),
        way_out,
    )
}

fn no_number<T>(name: &str, column: &str, cell: &str, line: u64) -> Result<T, DataFileError> {
    let (found, way_out) = if cell.is_empty() {
        (
            "is empty".to_owned(),
            "fill in missing values, or leave the row out",
        )
    } else {
        (
            format!("holds `{}`", cell.chars().take(40).collect::<String>()),
            "name the columns of numbers in `features`, or turn words into numbers",
        )
    };
    refuse(
        name,
        format!("line {line} of column `{column}` in `{name}` {found}"),
        "features are finite numbers",
        way_out,
    )
}

fn row_error<T>(name: &str, error: &csv::Error, columns: usize) -> Result<T, DataFileError> {
    let line = error.position().map_or(0, csv::Position::line);
    let found = match error.kind() {
        csv::ErrorKind::UnequalLengths { len, .. } => format!("has {len} cells"),
        _ => format!("cannot be read: {error}"),
    };
    refuse(
        name,
        format!("line {line} of `{name}` {found}"),
        format!("the header has {columns}"),
        "mend the row",
    )
}
