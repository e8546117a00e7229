//! The data sets that can be named without a file, for listings.

/// A data set that a scenario can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceInfo {
    /// The name to write.
    pub name: &'static str,
    /// One line for a reader.
    pub description: &'static str,
    /// Where it comes from and under which licence.
    pub origin: &'static str,
}

const SOURCES: [SourceInfo; 2] = [
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
];

/// Every data set that can be named, in the order of a listing.
pub fn sources() -> &'static [SourceInfo] {
    &SOURCES
}
