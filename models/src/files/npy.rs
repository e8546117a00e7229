//! NPY: one NumPy array a file (NumPy enhancement proposal 1).
//!
//! A magic string, a version, the length of the header, and a Python dictionary with `descr`
//! (type), `fortran_order` and `shape`; then the values.

use super::error::{DataFileError, refuse};
use super::input::{DataFile, Input, looks_like};
use super::labels::{Labels, Values, assemble};
use super::scalar::{Kind, Scalar};
use super::tensor::{Samples, Tensor, row_major, sides};
use crate::dataset::Dataset;
use crate::shape::Shape;

/// The files of one data set.
#[derive(Clone, Copy, Debug)]
pub struct NpyFiles<'a> {
    /// Samples along the first dimension.
    pub features: DataFile<'a>,
    /// One whole number a sample.
    pub labels: DataFile<'a>,
    /// Features and labels of a test set that is kept apart.
    pub test: Option<(DataFile<'a>, DataFile<'a>)>,
}

/// A header of more bytes than this describes no plain array.
const LONGEST_HEADER: usize = 65_536;

/// A data set from NPY files. Single bytes are scaled to \[0, 1\]; `shape` says what a sample is
/// where its dimensions do not.
///
/// # Errors
/// Whatever is wrong with a file.
pub fn npy(files: &NpyFiles<'_>, shape: Option<Shape>) -> Result<Dataset, DataFileError> {
    let read = |features: DataFile<'_>, numbers: DataFile<'_>| {
        let samples = array(Input::open(features)?)?.into_samples(shape)?;
        Ok((samples, labels(array(Input::open(numbers)?)?)?))
    };
    let train = read(files.features, files.labels)?;
    let test = match files.test {
        None => None,
        Some((features, labels)) => Some(read(features, labels)?),
    };
    together(train, test)
}

pub(super) fn together(
    train: (Samples, Labels),
    test: Option<(Samples, Labels)>,
) -> Result<Dataset, DataFileError> {
    assemble(train, test, None, None)
}

/// Reads header and values.
pub(super) fn array(mut input: Input<'_>) -> Result<Tensor, DataFileError> {
    let name = input.name;
    let magic = input.read(8)?;
    let long = match magic[..] {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _] => false,
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _] => true,
        [0x93, b'N', b'U', b'M', b'P', b'Y', version, _] => {
            return refuse(
                name,
                format!("`{name}` is of version {version} of the NPY format"),
                "expected version 1, 2 or 3",
                "save it anew with numpy.save",
            );
        }
        _ => {
            let mut head = magic;
            head.extend(input.read(300)?);
            return refuse(
                name,
                format!("`{name}` is no NPY file but {}", looks_like(&head)),
                "expected an array saved by numpy.save",
                "numpy.savez and numpy.savez_compressed make .npz files: kind = \"npz\"",
            );
        }
    };
    let length = input.read(if long { 4 } else { 2 })?;
    let length = match length[..] {
        [a, b] => usize::from(u16::from_le_bytes([a, b])),
        [a, b, c, d] => u32::from_le_bytes([a, b, c, d]) as usize,
        _ => return cut_off(name),
    };
    if length > LONGEST_HEADER {
        return refuse(
            name,
            format!("`{name}` says that its header has {length} bytes"),
            format!("expected at most {LONGEST_HEADER}"),
            "it is damaged, or an array of records: save plain numbers",
        );
    }
    let header = input.read(length as u64)?;
    if header.len() < length {
        return cut_off(name);
    }
    let header = String::from_utf8_lossy(&header).into_owned();
    let (Some(descr), Some(order), Some(shape)) = (
        entry(&header, "descr"),
        entry(&header, "fortran_order"),
        entry(&header, "shape"),
    ) else {
        return refuse(
            name,
            format!("the header of `{name}` is `{}`", header.trim()),
            "expected `descr`, `fortran_order` and `shape`",
            "save it anew with numpy.save",
        );
    };
    let scalar = scalar(name, descr)?;
    let dimensions = shape
        .trim_matches(['(', ')', ' '])
        .split(',')
        .map(str::trim)
        .filter(|side| !side.is_empty())
        .map(|side| side.trim_end_matches('L').parse().ok())
        .collect::<Option<Vec<usize>>>();
    let Some(dimensions) = dimensions else {
        return refuse(
            name,
            format!("the header of `{name}` gives the shape {shape}"),
            "expected whole numbers of 0 or more",
            "it is damaged: save it anew with numpy.save",
        );
    };
    // One dimension is the same in both orders.
    let column_major = order == "True" && dimensions.len() > 1;
    Tensor::read(&mut input, dimensions, scalar, column_major)
}

fn cut_off<T>(name: &str) -> Result<T, DataFileError> {
    refuse(
        name,
        format!("`{name}` ends within its header"),
        "",
        "it is cut off: save it anew with numpy.save",
    )
}

/// The value of a key in the header's dictionary, as text. The only brackets in there are those
/// of the shape, or of a list of records.
fn entry<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let start = [format!("'{key}'"), format!("\"{key}\"")]
        .iter()
        .find_map(|quoted| Some(header.find(quoted)? + quoted.len()))?;
    let value = header[start..].trim_start().strip_prefix(':')?.trim_start();
    let end = match value.chars().next()? {
        '(' => value.find(')')? + 1,
        '[' => value.find(']')? + 1,
        _ => value.find([',', '}'])?,
    };
    Some(value[..end].trim())
}

fn scalar(name: &str, descr: &str) -> Result<Scalar, DataFileError> {
    let text = descr.trim_matches(['\'', '"']);
    let (order, kind) = match text.split_at_checked(1) {
        Some((order @ ("<" | ">" | "|" | "="), kind)) => (order, kind),
        _ => ("=", text),
    };
    let kind = match kind {
        "b1" => Kind::Bool,
        "u1" => Kind::Unsigned(1),
        "u2" => Kind::Unsigned(2),
        "u4" => Kind::Unsigned(4),
        "u8" => Kind::Unsigned(8),
        "i1" => Kind::Signed(1),
        "i2" => Kind::Signed(2),
        "i4" => Kind::Signed(4),
        "i8" => Kind::Signed(8),
        "f4" => Kind::Float(4),
        "f8" => Kind::Float(8),
        _ => {
            let way_out = match kind.chars().next() {
                Some('O') => "save plain numbers, not Python objects: array.astype(\"float32\")",
                Some('U' | 'S') => {
                    "save labels as whole numbers: numpy.unique(labels, return_inverse=True)[1]"
                }
                Some('f') => "save it as array.astype(\"float32\")",
                _ => "save plain numbers: array.astype(\"float32\")",
            };
            return refuse(
                name,
                format!("`{name}` holds values of the NumPy type {descr}"),
                "expected bool, int8 to int64, uint8 to uint64, float32 or float64",
                way_out,
            );
        }
    };
    Ok(Scalar {
        kind,
        big_endian: order == ">",
    })
}

/// One whole number a sample; a second dimension of 1 does no harm.
pub(super) fn labels(array: Tensor) -> Result<Labels, DataFileError> {
    let name = array.name;
    match array.dimensions[..] {
        [_] | [_, 1] => {}
        [samples, classes] => {
            return refuse(
                &name,
                format!("`{name}` is an array of {samples} × {classes}, no labels"),
                "expected one whole number a sample",
                "of one-hot rows save array.argmax(axis=1)",
            );
        }
        _ => {
            return refuse(
                &name,
                format!(
                    "`{name}` is an array of {}, no labels",
                    sides(&array.dimensions)
                ),
                "expected one whole number a sample",
                "were features and labels mixed up?",
            );
        }
    }
    match array.scalar.whole(&array.bytes) {
        Ok(mut numbers) => {
            if array.column_major {
                numbers = row_major(&numbers, &array.dimensions);
            }
            Ok(Labels {
                name,
                values: Values::Whole(numbers),
            })
        }
        Err(place) => refuse(
            &name,
            format!(
                "label {place} of `{name}` is no whole number (its type is {})",
                array.scalar.name()
            ),
            "expected classes numbered from 0",
            "were features and labels mixed up?",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_whatever_its_spacing_and_order() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n";
        assert_eq!(entry(header, "descr"), Some("'<f4'"));
        assert_eq!(entry(header, "shape"), Some("(3, 4)"));
        assert_eq!(entry(header, "fortran_order"), Some("False"));
        let other = "{\"shape\":(7,),\"fortran_order\":True,\"descr\":[('a', '<f4')]}";
        assert_eq!(entry(other, "shape"), Some("(7,)"));
        assert_eq!(entry(other, "descr"), Some("[('a', '<f4')]"));
        assert_eq!(entry("{}", "shape"), None);
        assert_eq!(entry("'shape'", "shape"), None);
    }
}
