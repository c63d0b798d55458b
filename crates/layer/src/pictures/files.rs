//! Finished quadrants on disk: whole or not there.
//!
//! A picture is written as `.{x}_{y}.png.part` and synced, then renamed to its place; one sync
//! of the directory makes any number of renames durable. At no moment can a kill leave half a
//! picture under its final name.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use planner::Quadrant;

use crate::source::MAX_PICTURE_BYTES;
use crate::{LayerDir, LayerError, Storage};

/// How the names of files end that are being written.
const PART: &str = ".part";

/// A picture that is written and synced under its temporary name.
#[derive(Debug)]
pub struct StagedFile {
    part: PathBuf,
    place: PathBuf,
    published: bool,
}

impl StagedFile {
    /// Renames the picture to its place. It is durable after [`LayerDir::sync_pictures`].
    ///
    /// # Errors
    /// [`LayerError::Io`] when the system refuses.
    pub fn publish(mut self) -> Result<(), LayerError> {
        std::fs::rename(&self.part, &self.place).map_err(io("rename a picture to", &self.place))?;
        self.published = true;
        Ok(())
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if !self.published {
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

impl LayerDir {
    /// Writes and syncs a picture of `quadrant` under its temporary name.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the system refuses; nothing is left behind.
    pub fn stage_picture(
        &self,
        quadrant: Quadrant,
        bytes: &[u8],
    ) -> Result<StagedFile, LayerError> {
        let staged = StagedFile {
            part: self.part_path(quadrant),
            place: self.picture_path(quadrant),
            published: false,
        };
        let mut file = File::create(&staged.part).map_err(io("write", &staged.part))?;
        file.write_all(bytes).map_err(io("write", &staged.part))?;
        file.sync_all().map_err(io("sync", &staged.part))?;
        Ok(staged)
    }

    /// Makes what was renamed, or put there by others, durable.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the system refuses.
    pub fn sync_pictures(&self, storage: Storage) -> Result<(), LayerError> {
        let path = match storage {
            Storage::Files => self.pictures_dir(),
            Storage::Sqlite => self.quadrants_path(),
        };
        match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            opened => opened
                .and_then(|place| place.sync_all())
                .map_err(io("sync", &path)),
        }
    }

    /// Makes `generations/` where another tool left it out. `complete` is how many items are
    /// complete.
    ///
    /// # Errors
    /// [`LayerError::PicturesGone`] when it has vanished with their pictures,
    /// [`LayerError::NotADirectory`] when something else is in its place, [`LayerError::Io`]
    /// when the system refuses.
    pub fn require_pictures_dir(&self, complete: usize) -> Result<(), LayerError> {
        let path = self.pictures_dir();
        if path.is_dir() {
            return Ok(());
        }
        if path.symlink_metadata().is_ok() {
            return Err(LayerError::NotADirectory { path });
        }
        if complete > 0 {
            return Err(LayerError::PicturesGone {
                path,
                complete,
                remedy: "make an empty directory in its place and run with --resume, which makes them again",
            });
        }
        std::fs::create_dir(&path).map_err(io("make the directory", &path))
    }

    /// Writes, syncs and removes a file in `generations/`.
    ///
    /// # Errors
    /// [`LayerError::Io`] when pictures could not be written there.
    pub fn require_writable_pictures(&self) -> Result<(), LayerError> {
        let path = self.pictures_dir().join(format!(".write-test{PART}"));
        let written = File::create(&path).and_then(|mut file| {
            // A file system that is full may still have room for a name.
            file.write_all(&[0; 4096])?;
            file.sync_all()
        });
        let removed = std::fs::remove_file(&path);
        written.and(removed).map_err(io("write", &path))
    }

    /// Removes what a run that died left of pictures under their temporary names.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the directory cannot be read, or such a file cannot be removed.
    pub fn remove_stale_parts(&self) -> Result<(), LayerError> {
        let path = self.pictures_dir();
        for entry in std::fs::read_dir(&path).map_err(io("read", &path))? {
            let entry = entry.map_err(io("read", &path))?;
            let name = entry.file_name();
            let is_part = name
                .to_str()
                .is_some_and(|name| name.starts_with('.') && name.ends_with(PART));
            if is_part {
                std::fs::remove_file(entry.path()).map_err(io("remove", &entry.path()))?;
            }
        }
        Ok(())
    }

    /// The bytes of the picture of `quadrant`; `None` when there is none.
    ///
    /// # Errors
    /// [`LayerError::Io`] when it is there and cannot be read.
    pub fn read_picture(&self, quadrant: Quadrant) -> Result<Option<Vec<u8>>, LayerError> {
        let path = self.picture_path(quadrant);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io("read", &path)(error)),
        }
    }

    /// As [`Self::read_picture`]; links, pipes, directories and devices count as none and are not
    /// waited for, and so does what is far too large for a picture.
    ///
    /// # Errors
    /// [`LayerError::Io`] when there is a regular file and it cannot be read.
    pub fn read_regular_picture(&self, quadrant: Quadrant) -> Result<Option<Vec<u8>>, LayerError> {
        read_regular(&self.picture_path(quadrant))
    }

    /// What tells the state of each picture's file; what is no file is no picture.
    pub(crate) fn picture_stamps(&self) -> Result<Vec<(Quadrant, u64)>, LayerError> {
        let quadrants = self.quadrants_with_pictures()?;
        let stamp = |quadrant| {
            let file = std::fs::symlink_metadata(self.picture_path(quadrant)).ok()?;
            let time = (file.mtime() as u64).wrapping_mul(1_000_000_007) ^ file.mtime_nsec() as u64;
            file.is_file()
                .then_some((quadrant, time.rotate_left(20) ^ file.len()))
        };
        Ok(quadrants.into_iter().filter_map(stamp).collect())
    }

    /// Whether there is a file of `quadrant` that may be a picture.
    pub(super) fn may_have_picture(&self, quadrant: Quadrant) -> bool {
        std::fs::metadata(self.picture_path(quadrant))
            .is_ok_and(|file| file.is_file() && file.len() > 0)
    }

    /// How many bytes the file of `quadrant` has, where there is one.
    pub(super) fn picture_bytes(&self, quadrant: Quadrant) -> Option<u64> {
        let file = std::fs::metadata(self.picture_path(quadrant));
        file.ok().map(|file| file.len())
    }

    fn part_path(&self, quadrant: Quadrant) -> PathBuf {
        self.pictures_dir()
            .join(format!(".{}_{}.png{PART}", quadrant.x, quadrant.y))
    }
}

/// Makes `to` another name of the regular file at `path`; returns whether it is.
pub(crate) fn link_regular(path: &Path, to: &Path) -> bool {
    let is_regular = std::fs::symlink_metadata(path).is_ok_and(|file| file.is_file());
    is_regular && std::fs::hard_link(path, to).is_ok()
}

/// The bytes of a regular file that is not too large for a picture; links, pipes, directories and
/// devices count as none and are not waited for.
pub(crate) fn read_regular(path: &Path) -> Result<Option<Vec<u8>>, LayerError> {
    let mut options = File::options();
    // A pipe without a writer is opened at once then, and a link not at all.
    options
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let mut file = match options.open(path) {
        Ok(file) => file,
        Err(error)
            if error.kind() == ErrorKind::NotFound
                // A link, or a socket.
                || matches!(error.raw_os_error(), Some(libc::ELOOP | libc::ENXIO)) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(io("read", path)(error)),
    };
    // The file that is open is asked, because its name may be another's by now.
    let metadata = file.metadata().map_err(io("read", path))?;
    if !metadata.is_file() || metadata.len() > MAX_PICTURE_BYTES {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(io("read", path))?;
    Ok(Some(bytes))
}

pub(crate) fn io(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(std::io::Error) -> LayerError + use<> {
    let path = path.to_owned();
    move |reason| LayerError::Io {
        action,
        path,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    #[test]
    fn what_is_no_regular_file_counts_as_no_picture_and_is_not_waited_for() {
        let root = tempfile::tempdir().unwrap();
        let layer = LayerDir::at(root.path());
        layer.create(Storage::Files).unwrap();
        let place = |x| layer.picture_path(Quadrant::new(x, 0));
        std::fs::write(place(0), b"picture").unwrap();
        symlink(place(0), place(1)).unwrap();
        std::fs::create_dir(place(2)).unwrap();
        assert!(
            Command::new("mkfifo")
                .arg(place(3))
                .status()
                .unwrap()
                .success()
        );
        let _socket = UnixListener::bind(place(4)).unwrap();
        let read = |x| layer.read_regular_picture(Quadrant::new(x, 0)).unwrap();
        assert_eq!(read(0).as_deref(), Some(&b"picture"[..]));
        for x in 1..=5 {
            assert_eq!(read(x), None, "{x}");
        }
    }
}
