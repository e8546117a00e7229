//! A hidden directory in which something is made before it appears under its name.
//!
//! A locked file inside shows that its maker is alive; the system unlocks it when the
//! maker dies, however that happens, and what it leaves can then be told from the work
//! of another process.

use super::error::RecordError;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

const SUFFIX: &str = ".partial";
const LOCK: &str = ".lock";

/// A hidden directory of one's own; removed unless it is published.
#[derive(Debug)]
pub(super) struct Workplace {
    path: PathBuf,
    lock: File,
    published: bool,
}

impl Workplace {
    /// A new one beside where `name` will stand.
    pub(super) fn open(parent: &Path, name: &str) -> Result<Self, RecordError> {
        let process = std::process::id();
        let mut attempt = 0;
        loop {
            let path = parent.join(format!(".{name}.{process}.{attempt}{SUFFIX}"));
            match Self::try_open(&path) {
                Ok(workplace) => return Ok(workplace),
                // Another host of a cluster can have the same process number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 1000 => {
                    attempt += 1;
                }
                // Another process took it, still empty, for left behind.
                Err(error)
                    if error.kind() == io::ErrorKind::NotFound
                        && parent.is_dir()
                        && attempt < 1000 =>
                {
                    attempt += 1;
                }
                Err(error) => return Err(RecordError::storage("create", &path)(error)),
            }
        }
    }

    fn try_open(path: &Path) -> io::Result<Self> {
        fs::create_dir(path)?;
        let lock = File::create_new(path.join(LOCK))?;
        // Where locks are not supported nothing is ever taken for left behind.
        let _ = lock.try_lock();
        Ok(Self {
            path: path.to_owned(),
            lock,
            published: false,
        })
    }

    /// Where to work.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the directory, whole and on the disk, its name.
    ///
    /// # Errors
    /// Something stands there, or the file system refuses; the work is removed.
    pub(super) fn publish(mut self, place: &Path) -> Result<(), RecordError> {
        sync_directory(&self.path)?;
        // One who is killed between these two leaves a whole run under a hidden name.
        let lock = self.path.join(LOCK);
        fs::remove_file(&lock).map_err(RecordError::storage("remove", &lock))?;
        fs::rename(&self.path, place).map_err(RecordError::storage("create", place))?;
        self.published = true;
        place.parent().map_or(Ok(()), sync_directory)
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be removed stays hidden and is removed by a later run.
            remove(&self.path);
        }
        let _ = self.lock.unlock();
    }
}

/// Removes a hidden directory, its lock last: one without a lock is empty or about to be published.
fn remove(path: &Path) {
    let Ok(entries) = fs::read_dir(path) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        if entry.file_name() == LOCK {
            continue;
        }
        // What cannot be removed keeps the directory, and the lock with it.
        let removed = match entry.file_type() {
            Ok(kind) if kind.is_dir() => fs::remove_dir_all(entry.path()),
            _ => fs::remove_file(entry.path()),
        };
        if removed.is_err() {
            return;
        }
    }
    let _ = fs::remove_dir_all(path);
}

/// Waits until a directory's entries lie on the disk.
pub(super) fn sync_directory(path: &Path) -> Result<(), RecordError> {
    if cfg!(unix) {
        File::open(path)
            .and_then(|directory| directory.sync_all())
            .map_err(RecordError::storage("write", path))?;
    }
    Ok(())
}

/// Removes what processes that are no longer alive left in a directory, after a look whether
/// something in it is to be rescued.
pub(super) fn remove_leftovers(parent: &Path, rescue: &dyn Fn(&Path)) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !(name.starts_with('.') && name.ends_with(SUFFIX)) {
            continue;
        }
        match File::open(entry.path().join(LOCK)) {
            Ok(lock) if lock.try_lock().is_ok() => {
                rescue(&entry.path());
                remove(&entry.path());
            }
            Ok(_) => {}
            // It is about to be published, which an attempt to remove it as empty spares, or
            // its maker was killed before it made the lock or after it removed it.
            Err(_) => {
                let _ = fs::remove_dir(entry.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_in_progress_is_told_from_what_a_dead_process_left() {
        let parent = tempfile::tempdir().unwrap();
        let alive = Workplace::open(parent.path(), "0-abc").unwrap();
        let dead = parent.path().join(".1-def.77.0.partial");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        fs::write(dead.join("runs.csv"), "half").unwrap();
        fs::create_dir(parent.path().join(".git")).unwrap();
        let unlocked = parent.path().join(".2-ghi.78.0.partial");
        fs::create_dir(&unlocked).unwrap();
        let about_to_be_published = parent.path().join(".3-jkl.79.0.partial");
        fs::create_dir(&about_to_be_published).unwrap();
        fs::write(about_to_be_published.join("runs.csv"), "whole").unwrap();
        remove_leftovers(parent.path(), &|_| ());
        assert!(alive.path().exists());
        assert!(!dead.exists());
        assert!(!unlocked.exists());
        assert!(about_to_be_published.exists());
        assert!(parent.path().join(".git").exists());
    }

    #[test]
    fn work_appears_under_its_name_only_when_published() {
        let parent = tempfile::tempdir().unwrap();
        let place = parent.path().join("0-abc");
        let work = Workplace::open(parent.path(), "0-abc").unwrap();
        let hidden = work.path().to_owned();
        fs::write(hidden.join("runs.csv"), "whole").unwrap();
        assert!(!place.exists());
        work.publish(&place).unwrap();
        assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
        assert!(!hidden.exists());

        let dropped = Workplace::open(parent.path(), "0-abc").unwrap();
        let hidden = dropped.path().to_owned();
        drop(dropped);
        assert!(!hidden.exists());
    }
}
