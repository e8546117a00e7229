//! CIFAR-10 and CIFAR-100 in their binary version: records of one or two label bytes and an image.
//!
//! An image is 3 × 32 × 32 bytes, red, green and blue plane (A. Krizhevsky 2009).

use super::error::{DataFileError, refuse};
use super::input::{DataFile, Input, MOST_VALUES, looks_like};
use super::labels::{Labels, Values, assemble};
use super::scalar::{Kind, Scalar};
use super::tensor::Samples;
use crate::dataset::Dataset;
use crate::shape::Shape;

const SHAPE: Shape = Shape::Image {
    channels: 3,
    height: 32,
    width: 32,
};
const PIXELS: usize = 3 * 32 * 32;

const CIFAR_10: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

/// Which of CIFAR-100's two labels counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cifar100Labels {
    /// 100 classes.
    #[default]
    Fine,
    /// Their 20 superclasses.
    Coarse,
}

/// One record: its label bytes, the one that counts, and the classes that it can name.
#[derive(Clone, Copy, Debug)]
struct Record {
    name: &'static str,
    label_bytes: usize,
    label: usize,
    /// Classes of each label byte.
    classes: [u8; 2],
}

/// CIFAR-10 from its training batches and, where given, its test batch.
///
/// # Errors
/// Whatever is wrong with a file.
pub fn cifar10(train: &[DataFile<'_>], test: &[DataFile<'_>]) -> Result<Dataset, DataFileError> {
    let record = Record {
        name: "CIFAR-10",
        label_bytes: 1,
        label: 0,
        classes: [10, 0],
    };
    record.read(train, test)
}

/// CIFAR-100 from `train.bin` and, where given, `test.bin`.
///
/// # Errors
/// Whatever is wrong with a file.
pub fn cifar100(
    train: &[DataFile<'_>],
    test: &[DataFile<'_>],
    labels: Cifar100Labels,
) -> Result<Dataset, DataFileError> {
    let record = Record {
        name: "CIFAR-100",
        label_bytes: 2,
        label: match labels {
            Cifar100Labels::Coarse => 0,
            Cifar100Labels::Fine => 1,
        },
        classes: [20, 100],
    };
    record.read(train, test)
}

impl Record {
    fn bytes(self) -> usize {
        self.label_bytes + PIXELS
    }

    fn read(self, train: &[DataFile<'_>], test: &[DataFile<'_>]) -> Result<Dataset, DataFileError> {
        let train = self.batches(train)?;
        let test = if test.is_empty() {
            None
        } else {
            Some(self.batches(test)?)
        };
        let classes = self.classes[self.label];
        let names = match classes {
            10 => CIFAR_10.map(str::to_owned).to_vec(),
            _ => (0..classes).map(|class| class.to_string()).collect(),
        };
        assemble(train, test, None, Some(names))
    }

    fn batches(self, files: &[DataFile<'_>]) -> Result<(Samples, Labels), DataFileError> {
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        let name = files.first().map_or("", |file| file.name).to_owned();
        if files.is_empty() {
            return refuse("", "no file of samples is named", "", "name the batches");
        }
        let pixels = Scalar {
            kind: Kind::Unsigned(1),
            big_endian: true,
        };
        for &file in files {
            let bytes = Input::open(file)?.read_all()?;
            self.check(file.name, &bytes)?;
            if (values.len() + bytes.len()) as u64 > MOST_VALUES {
                return refuse(
                    file.name,
                    "the batches have too many images together",
                    format!("a data set has at most {MOST_VALUES} values, 8 GB in memory"),
                    "name fewer batches",
                );
            }
            for record in bytes.chunks_exact(self.bytes()) {
                labels.push(i64::from(record[self.label]));
                values.extend(pixels.features(&record[self.label_bytes..]));
            }
        }
        let samples = Samples {
            name: name.clone(),
            count: labels.len(),
            shape: SHAPE,
            values,
        };
        let labels = Labels {
            name,
            values: Values::Whole(labels),
        };
        Ok((samples, labels))
    }

    fn check(self, name: &str, bytes: &[u8]) -> Result<(), DataFileError> {
        let way_out = match self.name {
            "CIFAR-10" => "take the binary version: data_batch_1.bin to data_batch_5.bin",
            _ => "take the binary version: train.bin and test.bin",
        };
        let size = self.bytes();
        if !bytes.len().is_multiple_of(size) {
            return refuse(
                name,
                format!(
                    "`{name}` has {} bytes, no whole number of {} images ({})",
                    bytes.len(),
                    self.name,
                    looks_like(bytes)
                ),
                format!("expected a multiple of {size} bytes"),
                way_out,
            );
        }
        for (image, record) in bytes.chunks_exact(size).enumerate() {
            for (place, &most) in self.classes[..self.label_bytes].iter().enumerate() {
                if record[place] >= most {
                    return refuse(
                        name,
                        format!(
                            "label {} of image {image} in `{name}` is out of range",
                            record[place]
                        ),
                        format!("expected 0 to {} in {}", most - 1, self.name),
                        way_out,
                    );
                }
            }
        }
        Ok(())
    }
}
