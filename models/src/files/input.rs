//! A file's bytes, unpacked where they are gzip, and never more of them than were expected.

use std::io::{BufReader, Read};

use flate2::read::MultiGzDecoder;

use super::error::{DataFileError, refuse};

/// The most bytes that a file without a header that states its size may unpack to.
pub(super) const LARGEST: u64 = 4_000_000_000;

/// The most feature values of a data set: 8 GB as f32.
pub(super) const MOST_VALUES: u64 = 2_000_000_000;

/// A file in memory and the name that messages call it by.
#[derive(Clone, Copy, Debug)]
pub struct DataFile<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its content as it is on the disk.
    pub bytes: &'a [u8],
}

/// A file that is being read.
pub(super) struct Input<'a> {
    pub(super) name: &'a str,
    reader: Box<dyn Read + 'a>,
    /// How it was packed, if it was.
    packing: Option<&'static str>,
}

impl<'a> Input<'a> {
    /// Whether the bytes are gzip is decided by what they are, not by the file's name.
    pub(super) fn open(file: DataFile<'a>) -> Result<Self, DataFileError> {
        if file.bytes.is_empty() {
            return refuse(
                file.name,
                format!("`{}` is empty", file.name),
                "",
                "was it downloaded completely?",
            );
        }
        let packed = file.bytes.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn Read> = if packed {
            Box::new(BufReader::new(MultiGzDecoder::new(file.bytes)))
        } else {
            Box::new(file.bytes)
        };
        Ok(Self {
            name: file.name,
            reader,
            packing: packed.then_some("gzip"),
        })
    }

    /// A file within an archive, unpacked as far as it is read.
    pub(super) fn of_archive(name: &'a str, reader: impl Read + 'a) -> Self {
        Self {
            name,
            reader: Box::new(reader),
            packing: Some("ZIP"),
        }
    }

    /// As many bytes as are left, but no more than `most`. Memory grows with what is there, not
    /// with what is asked for.
    pub(super) fn read(&mut self, most: u64) -> Result<Vec<u8>, DataFileError> {
        let mut bytes = Vec::new();
        match (&mut self.reader).take(most).read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            // Plain bytes in memory can always be read.
            Err(error) => refuse(
                self.name,
                format!(
                    "`{}` is damaged {}: {error}",
                    self.name,
                    self.packing.unwrap_or_default()
                ),
                "",
                "download it again, or compare its checksum with the publisher's",
            ),
        }
    }

    /// Exactly `size` bytes and then the end; `what` they are, for the message.
    pub(super) fn read_to_end(&mut self, size: u64, what: &str) -> Result<Vec<u8>, DataFileError> {
        let bytes = self.read(size.saturating_add(1))?;
        let found = bytes.len() as u64;
        if found == size {
            return Ok(bytes);
        }
        let (name, unpacked) = (self.name, self.packing.map_or("", |_| " unpacked"));
        if found < size {
            return refuse(
                name,
                format!("`{name}` ends after {found} of {size}{unpacked} bytes of {what}"),
                format!("its header says that there are {size}"),
                "it is cut off or damaged: download it again",
            );
        }
        refuse(
            name,
            format!("`{name}` goes on after its {size}{unpacked} bytes of {what}"),
            format!("its header says that there are {size}"),
            "it is damaged, or of another format",
        )
    }

    /// All of a file whose size no header states.
    pub(super) fn read_all(&mut self) -> Result<Vec<u8>, DataFileError> {
        let bytes = self.read(LARGEST + 1)?;
        if bytes.len() as u64 > LARGEST {
            return refuse(
                self.name,
                format!("`{}` has more than {LARGEST} bytes", self.name),
                "the data of a run must fit in memory",
                "take fewer samples",
            );
        }
        Ok(bytes)
    }
}

/// What bytes begin like, for messages about files of another format.
pub(super) fn looks_like(bytes: &[u8]) -> &'static str {
    let text = |bytes: &[u8]| {
        let head = &bytes[..bytes.len().min(256)];
        std::str::from_utf8(head).is_ok_and(|text| !text.contains('\0'))
    };
    if bytes.is_empty() {
        "nothing"
    } else if bytes.starts_with(b"\x1f\x8b") {
        "gzip packed twice"
    } else if bytes.starts_with(b"PK\x03\x04") {
        "a ZIP archive"
    } else if bytes.starts_with(b"\x93NUMPY") {
        "a NumPy array (.npy)"
    } else if bytes.starts_with(b"\x89PNG") || bytes.starts_with(b"\xff\xd8\xff") {
        "a picture"
    } else if bytes.starts_with(b"BZh") || bytes.starts_with(b"\xfd7zXZ") {
        "a file packed by bzip2 or xz"
    } else if bytes.get(257..262) == Some(b"ustar") {
        "a tar archive"
    } else if bytes.len() > 4
        && bytes[..2] == [0, 0]
        && (0x08..=0x0e).contains(&bytes[2])
        && bytes[3] < 9
    {
        "an IDX file"
    } else if bytes.starts_with(b"<") && text(bytes) {
        "a web page"
    } else if text(bytes) {
        "text"
    } else {
        "unknown bytes"
    }
}
