//! A view of a data set: its samples as one site sees them, worked out when they are asked for.
//!
//! The data set stays shared; a site costs what its [`Site`] holds and no copy of a sample.

use crate::dataset::Dataset;
use crate::normalise::Normaliser;
use crate::site::Site;

/// What a site sees of a data set. Cheap to copy.
///
/// A sample's features are those of the data set, then skewed by the site, then brought to scale,
/// and last without what the site does not measure.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    dataset: &'a Dataset,
    normaliser: Option<&'a Normaliser>,
    site: Option<&'a Site>,
    part: Part,
}

/// How much of a site shows in its view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Which features it measures: samples that are the same for all.
    Form,
    /// Its skew of features and what it calls the classes too: its own samples, rightly labelled.
    Own,
    /// And its mistakes in labels: what it trains on.
    Training,
}

impl<'a> View<'a> {
    /// The samples as they are in the data set, brought to scale where a scale is given.
    pub fn plain(dataset: &'a Dataset, normaliser: Option<&'a Normaliser>) -> Self {
        Self {
            dataset,
            normaliser,
            site: None,
            part: Part::Form,
        }
    }

    /// Samples that are the same for all, in the form that this site measures.
    #[must_use]
    pub fn in_form_of(self, site: Option<&'a Site>) -> Self {
        let part = Part::Form;
        Self { site, part, ..self }
    }

    /// Samples as this site has them, rightly labelled: what it is scored on.
    #[must_use]
    pub fn at(self, site: Option<&'a Site>) -> Self {
        let part = Part::Own;
        Self { site, part, ..self }
    }

    /// Samples as this site has them with its mistakes in labels: what it trains on.
    #[must_use]
    pub fn training_at(self, site: Option<&'a Site>) -> Self {
        let part = Part::Training;
        Self { site, part, ..self }
    }

    /// The data set that is seen.
    pub fn dataset(&self) -> &'a Dataset {
        self.dataset
    }

    /// Appends the features of one sample to `row`.
    ///
    /// # Panics
    /// When `index` is not below the number of samples.
    pub fn gather(&self, index: u32, row: &mut Vec<f32>) {
        let start = row.len();
        let sample = self.dataset.sample(index);
        match self.site {
            Some(site) if self.part != Part::Form => {
                site.gather(index, sample, self.dataset.shape(), row);
            }
            _ => row.extend_from_slice(sample),
        }
        let sample = &mut row[start..];
        if let Some(normaliser) = self.normaliser {
            normaliser.apply(sample);
        }
        if let Some(site) = self.site {
            site.blank(sample);
        }
    }

    /// The label of one sample.
    ///
    /// # Panics
    /// When `index` is not below the number of samples.
    pub fn label(&self, index: u32) -> u32 {
        let label = self.dataset.label(index);
        match (self.site, self.part) {
            (None, _) | (_, Part::Form) => label,
            (Some(site), Part::Own) => site.label(label),
            (Some(site), Part::Training) => {
                site.training_label(index, label, self.dataset.n_classes())
            }
        }
    }

    /// How many of the samples named by `indices` each class has; `n_classes` counts.
    ///
    /// # Panics
    /// When an index is not below the number of samples.
    pub fn class_counts(&self, indices: &[u32]) -> Vec<u32> {
        let mut counts = vec![0; self.dataset.n_classes()];
        for &index in indices {
            counts[self.label(index) as usize] += 1;
        }
        counts
    }
}

impl<'a> From<&'a Dataset> for View<'a> {
    fn from(dataset: &'a Dataset) -> Self {
        Self::plain(dataset, None)
    }
}
