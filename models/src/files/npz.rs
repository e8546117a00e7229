//! NPZ: a ZIP archive of NPY arrays, as `numpy.savez` and `numpy.savez_compressed` write it.

use std::io::Cursor;

use super::error::{DataFileError, refuse};
use super::input::{DataFile, Input, looks_like};
use super::npy::{array, labels, together};
use super::tensor::Tensor;
use crate::dataset::Dataset;
use crate::shape::Shape;

/// Names of the arrays of one data set in its archive.
#[derive(Clone, Copy, Debug)]
pub struct NpzArrays<'a> {
    /// Samples along the first dimension.
    pub features: &'a str,
    /// One whole number a sample.
    pub labels: &'a str,
    /// Features and labels of a test set that is kept apart.
    pub test: Option<(&'a str, &'a str)>,
}

/// A data set from the arrays of an NPZ file, which are read as [`npy`](super::npy()) reads files.
///
/// # Errors
/// Whatever is wrong with the archive or an array.
pub fn npz(
    file: DataFile<'_>,
    arrays: &NpzArrays<'_>,
    shape: Option<Shape>,
) -> Result<Dataset, DataFileError> {
    let mut archive = Archive::open(file)?;
    let mut read = |features: &str, numbers: &str| {
        let samples = archive.array(features)?.into_samples(shape)?;
        Ok((samples, labels(archive.array(numbers)?)?))
    };
    let train = read(arrays.features, arrays.labels)?;
    let test = match arrays.test {
        None => None,
        Some((features, labels)) => Some(read(features, labels)?),
    };
    // Messages about arrays name the array; the file is the one to look into.
    together(train, test).map_err(|error| DataFileError {
        file: file.name.to_owned(),
        ..error
    })
}

struct Archive<'a> {
    name: &'a str,
    archive: zip::ZipArchive<Cursor<&'a [u8]>>,
}

impl<'a> Archive<'a> {
    fn open(file: DataFile<'a>) -> Result<Self, DataFileError> {
        let name = file.name;
        match zip::ZipArchive::new(Cursor::new(file.bytes)) {
            Ok(archive) => Ok(Self { name, archive }),
            Err(error) => refuse(
                name,
                format!(
                    "`{name}` is no NPZ archive but {} ({error})",
                    looks_like(file.bytes)
                ),
                "expected a file saved by numpy.savez or numpy.savez_compressed",
                "is it complete? A single array from numpy.save is kind = \"npy\"",
            ),
        }
    }

    fn array(&mut self, wanted: &str) -> Result<Tensor, DataFileError> {
        let name = self.name;
        let entry = format!("{wanted}.npy");
        let Some(place) = self.archive.index_for_name(&entry) else {
            let mut names: Vec<String> = self
                .archive
                .file_names()
                .flatten()
                .map(|name| name.strip_suffix(".npy").unwrap_or(&name).to_owned())
                .collect();
            names.sort_unstable();
            return refuse(
                name,
                format!("`{name}` has no array `{wanted}`"),
                format!("its arrays: {}", names.join(", ")),
                "name the arrays, as in features = \"x_train\", labels = \"y_train\"",
            );
        };
        let shown = format!("{name}:{wanted}");
        let damaged = |error: String| DataFileError {
            file: name.to_owned(),
            found: format!("array `{wanted}` of `{name}` cannot be unpacked: {error}"),
            expected: String::new(),
            way_out: "download it again, or save it anew with numpy.savez".to_owned(),
        };
        let packed = self
            .archive
            .by_index(place)
            .map_err(|error| damaged(error.to_string()))?;
        array(Input::of_archive(&shown, packed)).map_err(|error| DataFileError {
            file: name.to_owned(),
            ..error
        })
    }
}
