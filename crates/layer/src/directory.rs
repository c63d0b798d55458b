//! A layer directory and what lies where in it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use planner::{Bounds, Quadrant};

use crate::config::with_bounds;
use crate::{LayerConfig, LayerError, PilotName, Storage, config_schema};

/// A layer directory; file paths of a layer are known here and nowhere else.
#[derive(Debug, Clone)]
pub struct LayerDir {
    path: PathBuf,
    /// Where what is drawn goes, where that is a pilot's directory.
    pilot: Option<PathBuf>,
}

impl LayerDir {
    /// The layer at `path`, which need not exist yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            pilot: None,
        }
    }

    /// The same layer, whose pictures and rejected answers are those of a pilot, as files.
    #[must_use]
    pub fn of_pilot(&self, name: &PilotName) -> Self {
        Self {
            path: self.path.clone(),
            pilot: Some(self.pilot_dir(name)),
        }
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `layer_config.json`.
    #[must_use]
    pub fn config_path(&self) -> PathBuf {
        self.path.join("layer_config.json")
    }

    /// The schema of `layer_config.json`, as the file itself names it: beside it.
    pub const SCHEMA: &str = "./layer_config.schema.json";

    /// `layer_config.schema.json`, for editors.
    #[must_use]
    pub fn schema_path(&self) -> PathBuf {
        self.path.join("layer_config.schema.json")
    }

    /// `progress.db`.
    #[must_use]
    pub fn progress_path(&self) -> PathBuf {
        self.path.join("progress.db")
    }

    /// `quadrants.db`, where finished quadrants go with [`Storage::Sqlite`](crate::Storage).
    #[must_use]
    pub fn quadrants_path(&self) -> PathBuf {
        self.path.join("quadrants.db")
    }

    /// `generation_config.json`: the camera and grid of the layer's map.
    #[must_use]
    pub fn generation_config_path(&self) -> PathBuf {
        self.path.join("generation_config.json")
    }

    /// `bounds.json`: the outline of the map, where there is one.
    #[must_use]
    pub fn bounds_path(&self) -> PathBuf {
        self.path.join("bounds.json")
    }

    /// `generations/`, where finished quadrants go; of a pilot its directory.
    #[must_use]
    pub fn pictures_dir(&self) -> PathBuf {
        let pilot = self.pilot.clone();
        pilot.unwrap_or_else(|| self.path.join("generations"))
    }

    /// `rejected/`; of a pilot the one in its directory.
    pub(crate) fn rejected_dir(&self) -> PathBuf {
        self.pilot.as_ref().unwrap_or(&self.path).join("rejected")
    }

    /// `generations/{x}_{y}.png`.
    #[must_use]
    pub fn picture_path(&self, quadrant: Quadrant) -> PathBuf {
        self.pictures_dir().join(Self::picture_name(quadrant))
    }

    /// The quadrant whose finished picture has this file name.
    #[must_use]
    pub fn quadrant_of_picture(file_name: &str) -> Option<Quadrant> {
        let number = |text: &str| {
            // `+1`, `01` and `-0` are read as numbers, and never written.
            let digits = text.strip_prefix('-').unwrap_or(text);
            let is_as_written = digits.starts_with(|first: char| ('1'..='9').contains(&first));
            (is_as_written || text == "0").then(|| text.parse().ok())?
        };
        let (x, y) = file_name.strip_suffix(".png")?.split_once('_')?;
        Some(Quadrant::new(number(x)?, number(y)?))
    }

    /// The quadrants that have a picture in `generations/`, in no order; none when the directory
    /// is not there. The files are not opened.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the directory cannot be read.
    pub fn quadrants_with_pictures(&self) -> Result<Vec<Quadrant>, LayerError> {
        let path = self.pictures_dir();
        let io = |reason| LayerError::Io {
            action: "read",
            path: path.clone(),
            reason,
        };
        let entries = match std::fs::read_dir(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(io)?,
        };
        let mut quadrants = Vec::new();
        for entry in entries {
            let name = entry.map_err(io)?.file_name();
            quadrants.extend(name.to_str().and_then(Self::quadrant_of_picture));
        }
        Ok(quadrants)
    }

    /// `debug_map.html`.
    #[must_use]
    pub fn map_path(&self) -> PathBuf {
        self.path.join("debug_map.html")
    }

    /// Where the map's page has its pictures when the layer keeps them in a database.
    #[must_use]
    pub fn map_pictures_dir(&self) -> PathBuf {
        self.path.join("debug_map_pictures")
    }

    /// Where the map's page has the pictures that the layer is made from, to compare with.
    #[must_use]
    pub fn map_source_pictures_dir(&self) -> PathBuf {
        self.path.join("debug_map_source_pictures")
    }

    /// The name of the file of a quadrant's picture.
    #[must_use]
    pub fn picture_name(quadrant: Quadrant) -> String {
        format!("{}_{}.png", quadrant.x, quadrant.y)
    }

    /// The layer's configuration, with warnings about what was overlooked in it.
    ///
    /// # Errors
    /// [`LayerError`] when it is missing or cannot be used.
    pub fn read_config(&self) -> Result<(LayerConfig, Vec<String>), LayerError> {
        let path = self.config_path();
        LayerConfig::read(&path).map_err(|error| match error {
            LayerError::Missing { path, .. } if let Some(backup) = self.moved_away() => {
                LayerError::MovedAway { path, backup }
            }
            LayerError::Syntax { path, .. } if is_blank(&path) && self.progress_path().exists() => {
                LayerError::ConfigLost { path }
            }
            error => error,
        })
    }

    /// Where the layer lies that was here, when `init_layer --force` has moved it away and was
    /// ended before it had put the new one in its place.
    #[must_use]
    pub fn moved_away(&self) -> Option<PathBuf> {
        let place: PathBuf = std::path::absolute(&self.path).ok()?.components().collect();
        if place.exists() {
            return None;
        }
        let parent = place.parent()?;
        let place = match std::fs::read_link(&place) {
            Ok(target) => parent.join(target),
            Err(_) => place.clone(),
        };
        let kept = format!("{}.bak-", place.file_name()?.to_str()?);
        let beside = std::fs::read_dir(place.parent()?).ok()?;
        beside
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| {
                let name = path.file_name().and_then(OsStr::to_str);
                name.is_some_and(|name| name.starts_with(&kept))
            })
            .max()
    }

    /// Makes the directory, and `generations/` in it where that is where pictures go.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the system refuses.
    pub fn create(&self, storage: Storage) -> Result<(), LayerError> {
        let path = match storage {
            Storage::Files => self.pictures_dir(),
            Storage::Sqlite => self.path.clone(),
        };
        std::fs::create_dir_all(&path).map_err(|reason| LayerError::Io {
            action: "make the directory",
            path,
            reason,
        })
    }

    /// Writes `layer_config.json`, for those to read who may by `mode` and by the umask.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the system refuses.
    pub fn write_config(&self, config: &LayerConfig, mode: u32) -> Result<(), LayerError> {
        let path = self.config_path();
        let mut options = File::options();
        options.write(true).create(true).truncate(true).mode(mode);
        options
            .open(&path)
            .and_then(|mut file| file.write_all(config.to_json().as_bytes()))
            .map_err(|reason| LayerError::Io {
                action: "write",
                path,
                reason,
            })
    }

    /// Writes the schema of `layer_config.json` beside it.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the system refuses.
    pub fn write_schema(&self) -> Result<(), LayerError> {
        let path = self.schema_path();
        std::fs::write(&path, config_schema()).map_err(|reason| LayerError::Io {
            action: "write",
            path,
            reason,
        })
    }

    /// Writes other `bounds` into `layer_config.json`, and leaves the rest of it, comments too, as it
    /// stands.
    ///
    /// # Errors
    /// [`LayerError`] when it cannot be read or written.
    pub fn set_bounds(&self, bounds: Bounds) -> Result<(), LayerError> {
        let path = self.config_path();
        let io = |action| {
            let path = path.clone();
            move |reason| LayerError::Io {
                action,
                path,
                reason,
            }
        };
        let text = std::fs::read_to_string(&path).map_err(io("read"))?;
        let text = with_bounds(&path, &text, bounds)?;
        let mode = std::fs::metadata(&path).map_err(io("read"))?.permissions();
        let staged = path.with_extension("json.part");
        let written = std::fs::write(&staged, text)
            .and_then(|()| std::fs::set_permissions(&staged, mode))
            .and_then(|()| File::open(&staged)?.sync_all())
            .and_then(|()| std::fs::rename(&staged, &path))
            .and_then(|()| File::open(&self.path)?.sync_all());
        written.map_err(io("write"))
    }

    /// Where the source map of `config` is: a relative `generation_dir` is taken from the
    /// directory two levels above the layer, or else from the working directory.
    #[must_use]
    pub fn generation_dir(&self, config: &LayerConfig) -> PathBuf {
        if config.generation_dir.is_absolute() {
            return config.generation_dir.clone();
        }
        let layer = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        let layer = layer.canonicalize().unwrap_or(layer);
        let beside_layers = layer
            .parent()
            .and_then(Path::parent)
            .map(|root| root.join(&config.generation_dir));
        match beside_layers {
            Some(path) if path.exists() || !config.generation_dir.exists() => path,
            _ => config.generation_dir.clone(),
        }
    }
}

/// Whether a power cut has left nothing of a file but its name, or as many zeros.
fn is_blank(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes.iter().all(|&byte| byte == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_s_name_is_read_as_it_is_written() {
        let layer = LayerDir::at("layers/snow");
        for (x, y) in [(0, 0), (-3, 14), (100, -200), (i32::MIN, i32::MAX)] {
            let path = layer.picture_path(Quadrant::new(x, y));
            let name = path.file_name().unwrap().to_str().unwrap();
            assert_eq!(
                LayerDir::quadrant_of_picture(name),
                Some(Quadrant::new(x, y))
            );
        }
        for other in [
            "",
            "0_0",
            "0_0.jpg",
            ".0_0.png.part",
            "+1_2.png",
            "01_2.png",
            "-0_1.png",
            "1_.png",
            "1_2_3.png",
            "a_b.png",
            "99999999999_0.png",
            "../0_0.png",
            "1_2.png ",
            "-_1.png",
        ] {
            assert_eq!(LayerDir::quadrant_of_picture(other), None, "{other}");
        }
    }
}
