//! The files of the overviews: the map from afar, level by level.

use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::pictures::{io, link_regular, read_regular};
use crate::{LayerDir, LayerError};

/// How the names of files end that are being written.
const PART: &str = ".part";

/// A tile of the overviews: how often the map was halved for it (at least once), its column and its
/// row, counted from the map's top left.
pub type OverviewTile = (u32, u32, u32);

/// Overviews of finished pictures, beside them: `{halvings}/{column}_{row}.png` and what is
/// remembered of how they were made.
#[derive(Debug, Clone)]
pub struct OverviewFiles {
    dir: PathBuf,
}

/// As long as it lives, no other process changes the overviews.
#[derive(Debug)]
pub struct OverviewLock {
    _file: File,
}

impl LayerDir {
    /// Those of the layer's own pictures, in `overviews/`.
    #[must_use]
    pub fn overviews(&self) -> OverviewFiles {
        OverviewFiles {
            dir: self.path().join("overviews"),
        }
    }

    /// Those of the pictures that the layer is made from, in `source_overviews/`: nothing is
    /// written beside a source.
    #[must_use]
    pub fn source_overviews(&self) -> OverviewFiles {
        OverviewFiles {
            dir: self.path().join("source_overviews"),
        }
    }
}

impl OverviewFiles {
    /// Where they are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where a tile is.
    #[must_use]
    pub fn path(&self, (halvings, column, row): OverviewTile) -> PathBuf {
        self.dir.join(format!("{halvings}/{column}_{row}.png"))
    }

    /// The tile in the directory `level` whose file has this name.
    #[must_use]
    pub fn tile(level: &str, file_name: &str) -> Option<OverviewTile> {
        let (column, row) = file_name.strip_suffix(".png")?.split_once('_')?;
        Some((number(level)?, number(column)?, number(row)?))
    }

    /// Makes the directory and waits until no other process changes what is in it.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the system refuses.
    pub fn lock(&self) -> Result<OverviewLock, LayerError> {
        fs::create_dir_all(&self.dir).map_err(io("make the directory", &self.dir))?;
        let path = self.dir.join("lock");
        let locked = File::create(&path).and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        Ok(OverviewLock {
            _file: locked.map_err(io("lock", &path))?,
        })
    }

    /// The tiles of which there is a file, in no order. What a process that died has left half
    /// written is removed.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the directory is there and cannot be read.
    pub fn tiles(&self, _lock: &OverviewLock) -> Result<Vec<OverviewTile>, LayerError> {
        let mut tiles = Vec::new();
        for level in names_in(&self.dir)? {
            if number(&level).is_some() {
                let dir = self.dir.join(&level);
                let names = names_in(&dir)?;
                for part in names.iter().filter(|name| is_part(name)) {
                    let path = dir.join(part);
                    fs::remove_file(&path).map_err(io("remove", &path))?;
                }
                tiles.extend(names.iter().filter_map(|name| Self::tile(&level, name)));
            }
        }
        Ok(tiles)
    }

    /// The bytes of a tile; `None` when it is not there.
    ///
    /// # Errors
    /// [`LayerError::Io`] when it is there and cannot be read.
    pub fn read(&self, tile: OverviewTile) -> Result<Option<Vec<u8>>, LayerError> {
        read_regular(&self.path(tile))
    }

    /// Makes `to` another name of the file of a tile; returns whether that can be done.
    #[must_use]
    pub fn link(&self, tile: OverviewTile, to: &Path) -> bool {
        link_regular(&self.path(tile), to)
    }

    /// Puts a tile in its place, whole or not at all.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the system refuses.
    pub fn write(&self, tile: OverviewTile, bytes: &[u8]) -> Result<(), LayerError> {
        put(&self.path(tile), bytes, false)
    }

    /// Takes a tile away.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the system refuses.
    pub fn remove(&self, tile: OverviewTile) -> Result<(), LayerError> {
        let path = self.path(tile);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(io("remove", &path)(error)),
            _ => Ok(()),
        }
    }

    /// What was remembered of how the tiles were made; `None` when nothing was.
    ///
    /// # Errors
    /// [`LayerError::Io`] when it is there and cannot be read.
    pub fn remembered(&self) -> Result<Option<Vec<u8>>, LayerError> {
        let path = self.memory_path();
        read_if_there(&path).map_err(io("read", &path))
    }

    /// Remembers `text` after `written`, the tiles that were put there since: what is remembered is
    /// never ahead of the disk.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the system refuses.
    pub fn remember(&self, text: &[u8], written: &[OverviewTile]) -> Result<(), LayerError> {
        for &tile in written {
            let path = self.path(tile);
            match File::open(&path).and_then(|file| file.sync_all()) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(io("sync", &path)(error));
                }
                _ => {}
            }
        }
        put(&self.memory_path(), text, true)
    }

    fn memory_path(&self) -> PathBuf {
        self.dir.join("made.json")
    }
}

/// Whether a file has the name under which tiles are written.
fn is_part(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(PART)
}

fn put(path: &Path, bytes: &[u8], sync: bool) -> Result<(), LayerError> {
    let dir = path.parent().unwrap_or(path);
    let write = || {
        let new = || {
            tempfile::Builder::new()
                .prefix(".")
                .suffix(PART)
                // What the user's umask leaves of it.
                .permissions(Permissions::from_mode(0o666))
                .tempfile_in(dir)
        };
        let mut file = match new() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(dir)?;
                new()?
            }
            other => other?,
        };
        file.write_all(bytes)?;
        if sync {
            file.as_file().sync_all()?;
        }
        file.persist(path)?;
        Ok(())
    };
    write().map_err(io("write", path))
}

fn read_if_there(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn names_in(dir: &Path) -> Result<Vec<String>, LayerError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        other => other.map_err(io("read", dir))?,
    };
    let names = entries.map(|entry| {
        Ok(entry
            .map_err(io("read", dir))?
            .file_name()
            .into_string()
            .ok())
    });
    names.filter_map(Result::transpose).collect()
}

/// A number as it is written in a name of ours.
fn number(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
