//! `[data] source`: where samples and labels come from.

use super::super::data::{DataFilePath, Loaded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A data set: one in the program, or files of your own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawSource {
    /// 1797 handwritten digits, 8×8 pixels, embedded in the program.
    Digits,
    /// A mixture of Gaussians, one per class.
    Synthetic {
        /// Number of classes.
        classes: usize,
        /// Number of features.
        features: usize,
        /// Number of samples.
        samples: usize,
        /// Distance between class means in units of the within-class standard deviation.
        separation: f64,
    },
    /// IDX files, plain or gzip: MNIST, Fashion-MNIST, EMNIST, QMNIST.
    Idx {
        /// Images to learn from, such as `train-images-idx3-ubyte.gz`.
        images: DataFilePath,
        /// Their labels; with QMNIST's the samples belong to writers.
        labels: DataFilePath,
        /// Images of the global test set; without it `data.test` samples are drawn.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test_images: Option<DataFilePath>,
        /// Labels of the global test set.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test_labels: Option<DataFilePath>,
        /// What the files hold; nothing until they are read.
        #[serde(skip)]
        loaded: Loaded,
    },
    /// CIFAR-10, binary version: 3×32×32 pixels, 10 classes.
    #[serde(rename = "cifar-10")]
    Cifar10 {
        /// Batches to learn from, `data_batch_1.bin` and so on.
        train: Vec<DataFilePath>,
        /// Batches of the global test set, `test_batch.bin`; without it `data.test` samples are drawn.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        test: Vec<DataFilePath>,
        /// What the files hold; nothing until they are read.
        #[serde(skip)]
        loaded: Loaded,
    },
    /// CIFAR-100, binary version: 3×32×32 pixels, 100 classes or 20 superclasses.
    #[serde(rename = "cifar-100")]
    Cifar100 {
        /// Files to learn from, `train.bin`.
        train: Vec<DataFilePath>,
        /// Files of the global test set, `test.bin`; without it `data.test` samples are drawn.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        test: Vec<DataFilePath>,
        /// Which of the two labels of an image counts.
        #[serde(default)]
        labels: RawCifarLabels,
        /// What the files hold; nothing until they are read.
        #[serde(skip)]
        loaded: Loaded,
    },
    /// Arrays saved by `numpy.save`, one a file.
    Npy {
        /// Features, samples along the first dimension.
        features: DataFilePath,
        /// Labels, one whole number a sample.
        labels: DataFilePath,
        /// Features of the global test set; without it `data.test` samples are drawn.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test_features: Option<DataFilePath>,
        /// Labels of the global test set.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test_labels: Option<DataFilePath>,
        /// What a sample is, where its dimensions do not say: `"128x6"` for time × channels, `"3x32x32"` for an image.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shape: Option<String>,
        /// What the files hold; nothing until they are read.
        #[serde(skip)]
        loaded: Loaded,
    },
    /// Arrays saved together by `numpy.savez` or `numpy.savez_compressed`.
    Npz {
        /// The `.npz` file.
        archive: DataFilePath,
        /// Name of the array of features.
        features: String,
        /// Name of the array of labels.
        labels: String,
        /// Name of the array of features of the global test set; without it `data.test` samples are drawn.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test_features: Option<String>,
        /// Name of the array of labels of the global test set.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test_labels: Option<String>,
        /// What a sample is, where its dimensions do not say: `"128x6"` for time × channels, `"3x32x32"` for an image.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shape: Option<String>,
        /// What the file holds; nothing until it is read.
        #[serde(skip)]
        loaded: Loaded,
    },
    /// A table with a header row, one row a sample.
    Csv {
        /// The table to learn from.
        table: DataFilePath,
        /// The table of the global test set; without it `data.test` samples are drawn.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test_table: Option<DataFilePath>,
        /// Column of the class: whole numbers, or names, which are sorted.
        label: String,
        /// Columns of the features, in order; every other column where it is left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        features: Option<Vec<String>>,
        /// Column that says whose a sample is, for the partition `natural`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client: Option<String>,
        /// What a sample is, where it is no flat row: `"128x6"` for time × channels.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shape: Option<String>,
        /// What the files hold; nothing until they are read.
        #[serde(skip)]
        loaded: Loaded,
    },
}

/// Which of CIFAR-100's two labels counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawCifarLabels {
    /// 100 classes.
    #[default]
    Fine,
    /// 20 superclasses.
    Coarse,
}

impl RawSource {
    /// What the files hold, once they are read; `None` of a data set without files.
    pub(crate) fn loaded(&self) -> Option<&Loaded> {
        match self {
            Self::Digits | Self::Synthetic { .. } => None,
            Self::Idx { loaded, .. }
            | Self::Cifar10 { loaded, .. }
            | Self::Cifar100 { loaded, .. }
            | Self::Npy { loaded, .. }
            | Self::Npz { loaded, .. }
            | Self::Csv { loaded, .. } => Some(loaded),
        }
    }

    pub(crate) fn loaded_mut(&mut self) -> Option<&mut Loaded> {
        match self {
            Self::Digits | Self::Synthetic { .. } => None,
            Self::Idx { loaded, .. }
            | Self::Cifar10 { loaded, .. }
            | Self::Cifar100 { loaded, .. }
            | Self::Npy { loaded, .. }
            | Self::Npz { loaded, .. }
            | Self::Csv { loaded, .. } => Some(loaded),
        }
    }

    /// Every file that it names, with the key below `data.source`.
    pub(crate) fn files_mut(&mut self) -> Vec<(String, &mut DataFilePath)> {
        fn optional<'a>(
            key: &str,
            file: &'a mut Option<DataFilePath>,
        ) -> Option<(String, &'a mut DataFilePath)> {
            file.as_mut().map(|file| (key.to_owned(), file))
        }
        fn list<'a>(
            key: &'a str,
            files: &'a mut [DataFilePath],
        ) -> impl Iterator<Item = (String, &'a mut DataFilePath)> {
            files
                .iter_mut()
                .enumerate()
                .map(move |(place, file)| (format!("{key}.{place}"), file))
        }
        match self {
            Self::Digits | Self::Synthetic { .. } => Vec::new(),
            Self::Idx {
                images,
                labels,
                test_images,
                test_labels,
                ..
            } => [("images".to_owned(), images), ("labels".to_owned(), labels)]
                .into_iter()
                .chain(optional("test_images", test_images))
                .chain(optional("test_labels", test_labels))
                .collect(),
            Self::Cifar10 { train, test, .. } | Self::Cifar100 { train, test, .. } => {
                list("train", train).chain(list("test", test)).collect()
            }
            Self::Npy {
                features,
                labels,
                test_features,
                test_labels,
                ..
            } => [
                ("features".to_owned(), features),
                ("labels".to_owned(), labels),
            ]
            .into_iter()
            .chain(optional("test_features", test_features))
            .chain(optional("test_labels", test_labels))
            .collect(),
            Self::Npz { archive, .. } => vec![("archive".to_owned(), archive)],
            Self::Csv {
                table, test_table, ..
            } => std::iter::once(("table".to_owned(), table))
                .chain(optional("test_table", test_table))
                .collect(),
        }
    }
}
