//! Pilots that try other settings: pictures of a part of a layer, beside the layer's own.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use planner::Quadrant;
use serde_json::Value;

use crate::pictures::{io, read_regular};
use crate::reading::place;
use crate::{LayerDir, LayerError, PilotName, PilotRecord};

/// The most bytes of `pilot.json` that are read: those of some hundred thousand items.
const MAX_FILE_BYTES: u64 = 64 << 20;

impl LayerDir {
    /// `pilots/`.
    #[must_use]
    pub fn pilots_dir(&self) -> PathBuf {
        self.path().join("pilots")
    }

    /// `pilots/{name}/`.
    #[must_use]
    pub fn pilot_dir(&self, name: &PilotName) -> PathBuf {
        self.pilots_dir().join(name.as_str())
    }

    fn pilot_path(&self, name: &PilotName) -> PathBuf {
        self.pilot_dir(name).join("pilot.json")
    }

    /// The pilots of the layer, the newest first. What a link leads to is none of them.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the directory cannot be read.
    pub fn pilots(&self) -> Result<Vec<PilotName>, LayerError> {
        let path = self.pilots_dir();
        if !is_own_dir(&path) {
            return Ok(Vec::new());
        }
        let mut pilots = Vec::new();
        for entry in fs::read_dir(&path).map_err(io("read", &path))? {
            let name = entry.map_err(io("read", &path))?.file_name();
            let name = name.to_str().and_then(PilotName::parse);
            pilots.extend(name.filter(|name| is_own_dir(&self.pilot_dir(name))));
        }
        pilots.sort_unstable_by(|one, other| other.cmp(one));
        Ok(pilots)
    }

    /// Makes the directory of a pilot that begins `now`, or of the next second of which there is none.
    ///
    /// # Errors
    /// [`LayerError`] when it cannot be made.
    pub fn begin_pilot(&self, now: SystemTime) -> Result<PilotName, LayerError> {
        let path = self.pilots_dir();
        match fs::create_dir(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => made.map_err(io("make the directory", &path))?,
        }
        if !is_own_dir(&path) {
            return Err(LayerError::NotADirectory { path });
        }
        let mut at = now;
        loop {
            let name = PilotName::of(at);
            let dir = self.pilot_dir(&name);
            match fs::create_dir(&dir) {
                Ok(()) => {
                    sync_dir(&path)?;
                    sync_dir(self.path())?;
                    return Ok(name);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    at += Duration::from_secs(1);
                }
                Err(error) => return Err(io("make the directory", &dir)(error)),
            }
        }
    }

    /// Removes a pilot that did not come to its first call.
    ///
    /// # Errors
    /// [`LayerError::Io`] when it cannot be removed.
    pub fn drop_pilot(&self, name: &PilotName) -> Result<(), LayerError> {
        let dir = self.pilot_dir(name);
        fs::remove_dir_all(&dir).map_err(io("remove", &dir))
    }

    /// Writes `pilot.json`, whole or not at all.
    ///
    /// # Errors
    /// [`LayerError::Io`] when it cannot be written.
    pub fn write_pilot(&self, name: &PilotName, record: &PilotRecord) -> Result<(), LayerError> {
        let (dir, path) = (self.pilot_dir(name), self.pilot_path(name));
        let mut text = serde_json::to_string_pretty(record).expect("a record is plain data");
        text.push('\n');
        let staged = dir.join(".pilot.json.part");
        let written = File::create(&staged)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&staged, &path));
        written.map_err(io("write", &path))?;
        sync_dir(&dir)
    }

    /// Reads `pilot.json`.
    ///
    /// # Errors
    /// [`LayerError`] when it is not there, no regular file, or not what it should be.
    pub fn read_pilot(&self, name: &PilotName) -> Result<PilotRecord, LayerError> {
        let path = self.pilot_path(name);
        let damaged = |reason: String| LayerError::PilotDamaged {
            path: path.clone(),
            reason,
        };
        let text = read_text(&path)?.ok_or_else(|| damaged("is not there".to_owned()))?;
        let value: Value = serde_json::from_str(&text)
            .map_err(|error| damaged(format!("is not valid JSON: {error}")))?;
        // A newer file may have any keys, so its version comes before them.
        let version = value.get("version").and_then(Value::as_u64);
        if let Some(version) = version.filter(|&version| version > PilotRecord::VERSION) {
            let (path, supported) = (path.clone(), PilotRecord::VERSION);
            return Err(LayerError::NewerVersion {
                path,
                version,
                supported,
            });
        }
        serde_json::from_value(value).map_err(|error| damaged(format!("is damaged: {error}")))
    }

    /// The picture of a quadrant in a pilot; `None` where there is none, or no regular file.
    ///
    /// # Errors
    /// [`LayerError::Io`] when it is there and cannot be read.
    pub fn read_pilot_picture(
        &self,
        name: &PilotName,
        quadrant: Quadrant,
    ) -> Result<Option<Vec<u8>>, LayerError> {
        let dir = self.pilot_dir(name);
        if !is_own_dir(&self.pilots_dir()) || !is_own_dir(&dir) {
            return Ok(None);
        }
        read_regular(&dir.join(Self::picture_name(quadrant)))
    }

    /// When something was last added to a pilot or taken away, and when its record was last written.
    #[must_use]
    pub fn pilot_changed_at(&self, name: &PilotName) -> [Option<SystemTime>; 2] {
        [self.pilot_dir(name), self.pilot_path(name)].map(|path| {
            let found = fs::symlink_metadata(path);
            found.and_then(|found| found.modified()).ok()
        })
    }
}

/// Whether there is a directory, and no link to one.
fn is_own_dir(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|dir| dir.is_dir())
}

fn sync_dir(path: &Path) -> Result<(), LayerError> {
    let synced = File::open(path).and_then(|dir| dir.sync_all());
    synced.map_err(io("sync", path))
}

/// The text of a regular file; `None` where there is none.
fn read_text(path: &Path) -> Result<Option<String>, LayerError> {
    let mut options = File::options();
    // A pipe without a writer is opened at once then, and a link not at all.
    options
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = match options.open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(io("read", path))?,
    };
    let metadata = file.metadata().map_err(io("read", path))?;
    if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
        return Err(LayerError::BadValue {
            place: place(path, ""),
            reason: format!("is no file of at most {MAX_FILE_BYTES} bytes"),
        });
    }
    let mut text = String::new();
    let read = file.take(MAX_FILE_BYTES).read_to_string(&mut text);
    read.map_err(io("read", path))?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use serde_json::Map;

    use super::*;
    use crate::{Holder, PilotItem, Storage};

    fn record() -> PilotRecord {
        let item = PilotItem {
            item: 7,
            x: -3,
            y: 4,
            shape: "1x2".to_owned(),
            step: 2,
            only_precedes: true,
            status: "error".to_owned(),
            message: Some("a <b>message</b>".to_owned()),
        };
        PilotRecord {
            version: PilotRecord::VERSION,
            tried: Map::from_iter([("prompt".to_owned(), "snow, at night".into())]),
            part: "--only 0,0,5,5".to_owned(),
            started_at: "2026-11-22T14:03:00Z".to_owned(),
            ended_at: None,
            exit_status: None,
            reason: None,
            holder: Holder::default(),
            seed: 3,
            endpoints: Vec::new(),
            calls: 0,
            calls_paid: 0,
            cost: 0.25,
            currency: "USD".to_owned(),
            items: vec![item],
        }
    }

    #[test]
    fn each_pilot_has_a_directory_of_its_own_and_the_newest_comes_first() {
        let root = tempfile::tempdir().unwrap();
        let layer = LayerDir::at(root.path());
        assert_eq!(layer.pilots().unwrap(), []);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_356_180);
        let begun = [(); 3].map(|()| layer.begin_pilot(now).unwrap());
        let names = ["20261122T140300Z", "20261122T140301Z", "20261122T140302Z"];
        assert_eq!(begun.each_ref().map(PilotName::as_str), names);
        symlink(
            layer.pilot_dir(&begun[0]),
            layer.pilots_dir().join("20261122T140309Z"),
        )
        .unwrap();
        fs::write(layer.pilots_dir().join("20261122T140308Z"), "").unwrap();
        let listed: Vec<_> = begun.iter().rev().cloned().collect();
        assert_eq!(layer.pilots().unwrap(), listed);
    }

    #[test]
    fn a_pilot_has_its_own_pictures_and_the_layer_keeps_its() {
        let root = tempfile::tempdir().unwrap();
        let layer = LayerDir::at(root.path());
        layer.create(Storage::Files).unwrap();
        let name = layer.begin_pilot(SystemTime::now()).unwrap();
        let pilot = layer.of_pilot(&name);
        let at = Quadrant::new(-3, 4);
        pilot
            .stage_picture(at, b"night")
            .unwrap()
            .publish()
            .unwrap();
        pilot.sync_pictures(Storage::Files).unwrap();
        assert_eq!(layer.read_picture(at).unwrap(), None);
        assert_eq!(
            layer.read_pilot_picture(&name, at).unwrap().unwrap(),
            b"night"
        );
        assert_eq!(pilot.quadrants_with_pictures().unwrap(), [at]);
        assert_eq!(pilot.config_path(), layer.config_path());
        fs::rename(layer.pilots_dir(), root.path().join("other")).unwrap();
        symlink(root.path().join("other"), layer.pilots_dir()).unwrap();
        assert_eq!(layer.read_pilot_picture(&name, at).unwrap(), None);
        assert!(layer.begin_pilot(SystemTime::now()).is_err());
    }

    #[test]
    fn what_is_recorded_is_read_back_and_what_is_damaged_is_told() {
        let root = tempfile::tempdir().unwrap();
        let layer = LayerDir::at(root.path());
        let name = layer.begin_pilot(SystemTime::now()).unwrap();
        layer.write_pilot(&name, &record()).unwrap();
        assert_eq!(layer.read_pilot(&name).unwrap(), record());
        let path = layer.pilot_path(&name);
        for (text, said) in [
            ("", "is not valid JSON"),
            ("[]", "is damaged"),
            ("{\"version\": 1}", "is damaged: missing field"),
            ("{\"version\": 2, \"moon\": 1}", "has version 2"),
        ] {
            fs::write(&path, text).unwrap();
            let error = layer.read_pilot(&name).unwrap_err().to_string();
            assert!(
                error.contains(said) && error.contains("pilot.json"),
                "{error}"
            );
        }
        fs::remove_file(&path).unwrap();
        assert!(
            layer
                .read_pilot(&name)
                .unwrap_err()
                .to_string()
                .contains("is not there")
        );
        symlink("/etc/passwd", &path).unwrap();
        assert!(layer.read_pilot(&name).is_err());
    }
}
