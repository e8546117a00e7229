//! The data sets that can be named, and the files that can hold one, for listings.

/// A data set, or a form of files, that a scenario can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceInfo {
    /// The name to write.
    pub name: &'static str,
    /// One line for a reader.
    pub description: &'static str,
    /// Where it comes from and under which licence, or which keys name its files.
    pub origin: &'static str,
}

const SOURCES: [SourceInfo; 8] = [
    SourceInfo {
        name: "digits",
        description: "1797 handwritten digits of 8×8 pixels, 64 features in [0, 1], 10 classes",
        origin: "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI Machine Learning Repository (1998), CC BY 4.0",
    },
    SourceInfo {
        name: "synthetic",
        description: "Gaussian mixture with any number of classes, features, samples and any class separation",
        origin: "drawn from the scenario's seed",
    },
    SourceInfo {
        name: "idx",
        description: "IDX files, plain or gzip: MNIST, Fashion-MNIST, EMNIST, QMNIST (which tells the writers)",
        origin: "files of yours: images, labels; test_images, test_labels",
    },
    SourceInfo {
        name: "cifar-10",
        description: "CIFAR-10, binary version: 3×32×32 pixels, 10 classes",
        origin: "files of yours: train = [\"data_batch_1.bin\", ...]; test",
    },
    SourceInfo {
        name: "cifar-100",
        description: "CIFAR-100, binary version: 3×32×32 pixels, 100 classes or 20 superclasses",
        origin: "files of yours: train = [\"train.bin\"]; test; labels = \"fine\" or \"coarse\"",
    },
    SourceInfo {
        name: "npy",
        description: "NumPy arrays, one a file: features of any shape, and labels",
        origin: "files of yours: features, labels; test_features, test_labels; shape = \"128x6\"",
    },
    SourceInfo {
        name: "npz",
        description: "NumPy arrays in one archive",
        origin: "a file of yours: archive; features, labels, test_features, test_labels by name; shape",
    },
    SourceInfo {
        name: "csv",
        description: "a table with columns of features, of labels, and of clients if wanted",
        origin: "a file of yours: table; test_table; label, features, client by name; shape",
    },
];

/// Every data set that can be named, in the order of a listing.
pub fn sources() -> &'static [SourceInfo] {
    &SOURCES
}
