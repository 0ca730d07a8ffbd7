//! Blob files: the bodies that are too large for the index.
//!
//! A blob is written and fsynced before the index commit that names it, is never changed
//! afterwards, and is removed when the last piece that names it is gone and no reader can still
//! be reading it. It knows nothing of objects or S3.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The folder of blob files, `blobs/xx/<id>`.
#[derive(Debug)]
pub struct Blobs {
    root: PathBuf,
    next: AtomicU64,
    era: Mutex<Arc<Era>>,
}

/// A stretch of time between two commits that freed files. A reader holds the era in which it
/// began; files freed in an era are removed when it and all eras before it have no reader left.
#[derive(Debug, Default)]
pub struct Era {
    ended: Mutex<Option<(Vec<PathBuf>, Arc<Era>)>>,
}

impl Era {
    fn take(&mut self) -> Option<(Vec<PathBuf>, Arc<Era>)> {
        self.ended.get_mut().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Era {
    fn drop(&mut self) {
        let mut ended = self.take();
        // A loop and not recursion: a slow reader may hold thousands of eras.
        while let Some((doomed, next)) = ended {
            for path in doomed {
                // What cannot be removed now is an orphan and is swept at the next start.
                let _ = fs::remove_file(path);
            }
            ended = Arc::into_inner(next).and_then(|mut era| era.take());
        }
    }
}

impl Blobs {
    /// Opens the folder and removes files that no record names (`named`).
    pub fn open(root: PathBuf, named: &HashSet<u64>) -> io::Result<Self> {
        fs::create_dir_all(&root)?;
        let mut last = named.iter().copied().max().unwrap_or(0);
        for shelf in 0..=255u64 {
            let folder = root.join(format!("{shelf:02x}"));
            if !folder.is_dir() {
                fs::create_dir(&folder)?;
            }
            last = last.max(sweep(&folder, named)?);
        }
        sync_folder(&root)?;
        Ok(Self { root, next: AtomicU64::new(last + 1), era: Mutex::default() })
    }

    /// Begins a new blob file.
    pub fn create(&self) -> io::Result<NewBlob> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.path(id);
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(NewBlob { id, path, file, kept: false })
    }

    /// Opens a blob for reading.
    pub fn read(&self, id: u64) -> io::Result<File> {
        File::open(self.path(id))
    }

    /// Enters the present era: no file that is named now is removed before the answer is dropped.
    pub fn enter(&self) -> Arc<Era> {
        self.era.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Removes blobs that the commit just made freed, once no earlier reader is left.
    pub fn free(&self, freed: Vec<u64>) {
        if freed.is_empty() {
            return;
        }
        let doomed = freed.into_iter().map(|id| self.path(id)).collect();
        let next = Arc::new(Era::default());
        let mut now = self.era.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = std::mem::replace(&mut *now, next.clone());
        drop(now);
        *ended.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some((doomed, next));
    }

    fn path(&self, id: u64) -> PathBuf {
        self.root.join(format!("{:02x}", id & 0xff)).join(format!("{id:016x}"))
    }
}

/// A blob file that no record names yet. Dropped without [`NewBlob::keep`] it is removed.
#[derive(Debug)]
pub struct NewBlob {
    id: u64,
    path: PathBuf,
    file: File,
    kept: bool,
}

impl NewBlob {
    /// The blob's id.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Makes the file and its name durable.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()?;
        self.path.parent().map_or(Ok(()), sync_folder)
    }

    /// Leaves the file in place: a record names it now, or may.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for NewBlob {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the files of one shelf that no record names; answers the highest id seen.
fn sweep(folder: &Path, named: &HashSet<u64>) -> io::Result<u64> {
    let mut last = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let id = entry.file_name().to_str().and_then(|name| u64::from_str_radix(name, 16).ok());
        match id {
            Some(id) if named.contains(&id) => last = last.max(id),
            Some(id) => {
                last = last.max(id);
                fs::remove_file(entry.path())?;
            }
            None => fs::remove_file(entry.path())?,
        }
    }
    Ok(last)
}

/// Makes the names in a folder durable.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(blobs: &Blobs, bytes: &[u8]) -> u64 {
        let mut new = blobs.create().unwrap();
        new.write(bytes).unwrap();
        new.sync().unwrap();
        let id = new.id();
        new.keep();
        id
    }

    #[test]
    fn orphans_are_swept_and_ids_are_not_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let (named, orphan) = {
            let blobs = Blobs::open(folder.path().into(), &HashSet::new()).unwrap();
            (blob(&blobs, b"a"), blob(&blobs, b"b"))
        };
        let blobs = Blobs::open(folder.path().into(), &HashSet::from([named])).unwrap();
        assert!(blobs.read(named).is_ok());
        assert!(blobs.read(orphan).is_err());
        assert!(blobs.create().unwrap().id() > orphan);
    }

    #[test]
    fn a_blob_that_is_not_kept_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().into(), &HashSet::new()).unwrap();
        let id = {
            let new = blobs.create().unwrap();
            assert!(blobs.read(new.id()).is_ok());
            new.id()
        };
        assert!(blobs.read(id).is_err());
    }

    #[test]
    fn a_freed_blob_lives_as_long_as_a_reader_of_any_earlier_era() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().into(), &HashSet::new()).unwrap();
        let (first, second, third) = (blob(&blobs, b"1"), blob(&blobs, b"2"), blob(&blobs, b"3"));
        let early = blobs.enter();
        blobs.free(vec![first]);
        let late = blobs.enter();
        blobs.free(vec![second]);
        assert!(blobs.read(first).is_ok() && blobs.read(second).is_ok());
        drop(early);
        assert!(blobs.read(first).is_err() && blobs.read(second).is_ok());
        drop(late);
        assert!(blobs.read(second).is_err());
        blobs.free(vec![third]);
        assert!(blobs.read(third).is_err());
    }
}
