//! One run at a time.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::{Holder, LayerDir, LayerError, timestamp};

/// Longer than anybody takes to look who holds a lock.
const LOOK: Duration = Duration::from_millis(50);

/// The lock of a run on its layer, held until it is dropped.
///
/// The system releases it when the process ends, however it ends, so a dead run is no obstacle.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
    holder_path: PathBuf,
}

impl RunLock {
    /// Takes the lock of `layer` and says beside it who holds it.
    ///
    /// # Errors
    /// [`LayerError::InUse`] when another run holds it, [`LayerError::Io`] when the lock file
    /// cannot be made.
    pub fn take(layer: &LayerDir) -> Result<Self, LayerError> {
        let path = layer.path().join("run.lock");
        let holder_path = layer.path().join("run.lock.json");
        let io = |action, path: &PathBuf| {
            let path = path.clone();
            move |reason| LayerError::Io {
                action,
                path,
                reason,
            }
        };
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(io("open", &path))?;
        let locked = match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                std::thread::sleep(LOOK);
                file.try_lock()
            }
            locked => locked,
        };
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LayerError::InUse {
                    path: layer.path().to_owned(),
                    holder: said_by(&holder_path),
                });
            }
            Err(TryLockError::Error(source)) => return Err(io("lock", &path)(source)),
        }
        let holder = Holder {
            pid: std::process::id(),
            host: gethostname::gethostname().to_string_lossy().into_owned(),
            since: timestamp(SystemTime::now()),
        };
        let text = serde_json::to_vec(&holder).expect("a holder is plain data");
        std::fs::write(&holder_path, text).map_err(io("write", &holder_path))?;
        Ok(Self {
            _file: file,
            holder_path,
        })
    }

    /// Who holds the lock of `layer`, if somebody does. Changes nothing in it.
    #[must_use]
    pub fn holder(layer: &LayerDir) -> Option<Holder> {
        let file = File::open(layer.path().join("run.lock")).ok()?;
        // Held for the moment of looking, which `take` waits for.
        let is_held = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        is_held.then(|| said_by(&layer.path().join("run.lock.json")))
    }
}

/// What the file beside the lock says.
fn said_by(holder_path: &Path) -> Holder {
    std::fs::read(holder_path)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default()
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // What stays behind after a kill does no harm: it is read only while the lock is held.
        let _ = std::fs::remove_file(&self.holder_path);
    }
}
