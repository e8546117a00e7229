//! What the stages before the entropy coder write, in their order, and read again.

use super::buffer::{Draft, Packing, Reader};
use super::delta::{Arrived, pairwise};
use super::format::Format;
use super::labels::Labels;
use super::top_k::TopK;
use super::{CodecError, positions, rows};
use std::borrow::Cow;

/// The stages before the entropy coder.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pipeline {
    pub(super) rows: bool,
    pub(super) delta: bool,
    pub(super) what: What,
}

/// What is written of the rows that are held.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// Values, all or the largest.
    Values { top: Option<TopK>, format: Format },
    /// A point of a grid for each row.
    Labels(Labels),
}

/// How many values in rows of which width; width 0 where there are no rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) count: usize,
    pub(super) width: usize,
}

impl Shape {
    /// # Panics
    /// If the width does not divide the number of values.
    pub(super) fn new(count: usize, width: usize) -> Self {
        assert!(
            width == 0 || count.is_multiple_of(width),
            "{count} values are no rows of {width}"
        );
        Self { count, width }
    }

    /// Rows; labels take a piece without them as one.
    fn as_rows(self) -> (usize, usize) {
        match self.width {
            0 => (usize::from(self.count > 0), self.count),
            width => (self.count / width, width),
        }
    }

    /// With so many rows only.
    fn with_rows(self, rows: usize) -> Self {
        Self {
            count: rows * self.width,
            width: self.width,
        }
    }
}

impl Pipeline {
    /// Writes `values`. Which rows are held is said by `given`, which differs from
    /// `values` by what error feedback added.
    pub(super) fn write(
        &self,
        values: &[f32],
        given: &[f32],
        shape: Shape,
        arrived: &Arrived,
        seed: u64,
        packing: Packing,
    ) -> Draft {
        let mut draft = Draft::default();
        if self.delta {
            arrived.write_number(&mut draft.head);
        }
        let held = self.has_rows(shape).then(|| rows::held(given, shape.width));
        if let Some(held) = &held {
            rows::write(held, shape.count / shape.width, &mut draft.head);
        }
        let reference = self.reference(arrived, shape);
        let reference = reference.map(|reference| of_held(reference, shape, held.as_deref()));
        let values = of_held(values, shape, held.as_deref());
        match &self.what {
            What::Labels(labels) => {
                let (_, classes) = shape.as_rows();
                labels.write(&values, classes, reference.as_deref(), packing, &mut draft);
            }
            What::Values { top, format } => {
                let values = match reference {
                    Some(reference) => {
                        Cow::Owned(pairwise(&values, &reference, |value, had| value - had))
                    }
                    None => values,
                };
                match top {
                    Some(top) => {
                        let sent = top.positions(&values);
                        positions::write(&sent, values.len(), &mut draft.head);
                        let sent: Vec<f32> = sent.iter().map(|&at| values[at]).collect();
                        format.write(&sent, 0, seed, packing, &mut draft);
                    }
                    None => format.write(&values, shape.width, seed, packing, &mut draft),
                }
            }
        }
        draft
    }

    /// The opposite of [`Self::write`].
    pub(super) fn read(
        &self,
        bytes: &[u8],
        shape: Shape,
        arrived: &Arrived,
        packing: Packing,
    ) -> Result<Vec<f32>, CodecError> {
        let mut reader = Reader::new(bytes);
        if self.delta {
            arrived.check_number(&mut reader)?;
        }
        let held = match self.has_rows(shape) {
            true => Some(rows::read(shape.count / shape.width, &mut reader)?),
            false => None,
        };
        let reference = self.reference(arrived, shape);
        let reference = reference.map(|reference| of_held(reference, shape, held.as_deref()));
        let sent = match &held {
            Some(held) => shape.with_rows(held.len()),
            None => shape,
        };
        let values = match &self.what {
            What::Labels(labels) => {
                let (rows, classes) = sent.as_rows();
                labels.read(rows, classes, reference.as_deref(), packing, &mut reader)?
            }
            What::Values { top, format } => {
                let values = match top {
                    Some(top) => {
                        let largest = positions::read(top.of(sent.count), sent.count, &mut reader)?;
                        let sizes = format.read(largest.len(), 0, packing, &mut reader)?;
                        let mut values = vec![0.0; sent.count];
                        for (at, value) in largest.into_iter().zip(sizes) {
                            values[at] = value;
                        }
                        values
                    }
                    None => format.read(sent.count, sent.width, packing, &mut reader)?,
                };
                match reference {
                    Some(reference) => pairwise(&reference, &values, |had, more| had + more),
                    None => values,
                }
            }
        };
        reader.finish()?;
        Ok(match held {
            Some(held) => rows::scatter(&values, shape.width, &held, shape.count),
            None => values,
        })
    }

    /// Whether the length is the same for all values and states.
    pub(super) fn is_fixed(&self) -> bool {
        let by_values = match &self.what {
            What::Values { top, .. } => top.is_some(),
            What::Labels(_) => self.delta,
        };
        !self.rows && !by_values
    }

    /// The most bytes; the length where it is fixed.
    pub(super) fn bound(&self, shape: Shape, packing: Packing) -> u64 {
        let mut bytes = u64::from(self.delta);
        if self.has_rows(shape) {
            bytes += rows::bitmap_bytes(shape.count / shape.width);
        }
        match &self.what {
            What::Labels(labels) => {
                let (rows, classes) = shape.as_rows();
                if self.delta {
                    bytes += Labels::changed_bound(rows);
                }
                bytes + labels.bytes(rows, classes, packing)
            }
            What::Values {
                top: Some(top),
                format,
            } => {
                let sent = top.of(shape.count);
                let positions = positions::bound(shape.count, sent);
                bytes + positions + format.bytes(sent, 0, packing)
            }
            What::Values { top: None, format } => {
                bytes + format.bytes(shape.count, shape.width, packing)
            }
        }
    }

    /// Bytes of a symbol that fills whole ones.
    pub(super) fn symbol_bytes(&self, shape: Shape) -> usize {
        match &self.what {
            What::Values { format, .. } => format.symbol_bytes(),
            What::Labels(labels) => {
                let (_, classes) = shape.as_rows();
                labels.symbols(classes, Packing::Bytes).bytes()
            }
        }
    }

    fn has_rows(&self, shape: Shape) -> bool {
        self.rows && shape.width > 0
    }

    fn reference<'a>(&self, arrived: &'a Arrived, shape: Shape) -> Option<&'a [f32]> {
        let reference = arrived.reference(shape.count);
        reference.filter(|_| self.delta)
    }
}

/// The values of the rows that are held.
fn of_held<'a>(values: &'a [f32], shape: Shape, held: Option<&[usize]>) -> Cow<'a, [f32]> {
    match held {
        Some(held) => Cow::Owned(rows::gather(values, shape.width, held)),
        None => Cow::Borrowed(values),
    }
}
