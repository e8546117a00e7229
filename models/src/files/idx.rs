//! IDX, the format of MNIST, Fashion-MNIST, EMNIST and QMNIST, plain or gzip.
//!
//! Two zero bytes, a type, the number of dimensions, each dimension as 4 bytes, then the values;
//! everything big-endian (Y. LeCun, C. Cortes and C. Burges, *The MNIST database*).

use super::error::{DataFileError, refuse};
use super::input::{DataFile, Input, looks_like};
use super::labels::{Labels, Values, assemble};
use super::scalar::{Kind, Scalar};
use super::tensor::{Tensor, sides};
use crate::dataset::{Dataset, Groups};

/// The files of one data set.
#[derive(Clone, Copy, Debug)]
pub struct IdxFiles<'a> {
    /// Samples to learn from.
    pub images: DataFile<'a>,
    /// Their labels: one number a sample, or QMNIST's eight (class, series, writer, ...).
    pub labels: DataFile<'a>,
    /// Images and labels of a test set that the publisher keeps apart.
    pub test: Option<(DataFile<'a>, DataFile<'a>)>,
}

/// Numbers a sample in QMNIST's label files (C. Yadav and L. Bottou 2019): the class is the first,
/// the writer the third.
const QMNIST_COLUMNS: usize = 8;
const QMNIST_WRITER: usize = 2;

/// A data set from IDX files. Single bytes are scaled to \[0, 1\]; with QMNIST's labels the samples
/// belong to writers.
///
/// # Errors
/// Whatever is wrong with a file.
pub fn idx(files: &IdxFiles<'_>) -> Result<Dataset, DataFileError> {
    let samples = array(files.images)?.into_samples(None)?;
    let (labels, groups) = read_labels(files.labels)?;
    let test = match files.test {
        None => None,
        Some((images, labels)) => {
            let samples = array(images)?.into_samples(None)?;
            Some((samples, read_labels(labels)?.0))
        }
    };
    assemble((samples, labels), test, groups, None)
}

fn array(file: DataFile<'_>) -> Result<Tensor, DataFileError> {
    let mut input = Input::open(file)?;
    let name = input.name;
    let magic = input.read(4)?;
    let kind = match magic[..] {
        [0, 0, 0x08, _] => Kind::Unsigned(1),
        [0, 0, 0x09, _] => Kind::Signed(1),
        [0, 0, 0x0b, _] => Kind::Signed(2),
        [0, 0, 0x0c, _] => Kind::Signed(4),
        [0, 0, 0x0d, _] => Kind::Float(4),
        [0, 0, 0x0e, _] => Kind::Float(8),
        _ => {
            let mut head = magic;
            head.extend(input.read(300)?);
            return refuse(
                name,
                format!("`{name}` is no IDX file but {}", looks_like(&head)),
                "expected two zero bytes, a type and the number of dimensions, plain or gzip",
                "MNIST's files are called train-images-idx3-ubyte.gz and the like",
            );
        }
    };
    let rank = usize::from(magic[3]);
    if !(1..=4).contains(&rank) {
        return refuse(
            name,
            format!("`{name}` has {rank} dimensions"),
            "expected 1 (labels) to 4 (samples × channels × height × width)",
            "it is damaged, or of another format",
        );
    }
    let header = input.read(4 * rank as u64)?;
    if header.len() < 4 * rank {
        return refuse(
            name,
            format!("`{name}` ends within its header"),
            format!("expected {rank} dimensions of 4 bytes"),
            "it is cut off: download it again",
        );
    }
    let dimensions = header
        .chunks_exact(4)
        .map(|side| u32::from_be_bytes([side[0], side[1], side[2], side[3]]) as usize)
        .collect();
    let scalar = Scalar {
        kind,
        big_endian: true,
    };
    Tensor::read(&mut input, dimensions, scalar, false)
}

fn read_labels(file: DataFile<'_>) -> Result<(Labels, Option<Groups>), DataFileError> {
    let array = array(file)?;
    let name = array.name.clone();
    let columns = match array.dimensions[..] {
        [_] => 1,
        [_, QMNIST_COLUMNS] => QMNIST_COLUMNS,
        _ => {
            return refuse(
                &name,
                format!(
                    "`{name}` is an array of {}, no labels",
                    sides(&array.dimensions)
                ),
                "expected one number a sample, or QMNIST's eight",
                "were the files of images and labels mixed up?",
            );
        }
    };
    let numbers = match array.scalar.whole(&array.bytes) {
        Ok(numbers) => numbers,
        Err(place) => {
            return refuse(
                &name,
                format!("`{name}`: label {place} is no whole number"),
                "expected classes numbered from 0",
                "were the files of images and labels mixed up?",
            );
        }
    };
    let column = |place: usize| numbers.iter().skip(place).step_by(columns).copied();
    let groups = (columns == QMNIST_COLUMNS).then(|| {
        Groups::of(
            "writer",
            column(QMNIST_WRITER).map(|writer| writer.to_string()),
        )
    });
    let labels = Labels {
        name,
        values: Values::Whole(column(0).collect()),
    };
    Ok((labels, groups))
}
