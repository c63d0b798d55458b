//! A directory that appears whole or not at all.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::TempDir;

/// A directory under construction beside its final place; dropped, it vanishes.
#[derive(Debug)]
pub(crate) struct Staging {
    dir: TempDir,
    output: PathBuf,
}

impl Staging {
    /// Begins a directory that will be `output`.
    pub(crate) fn beside(output: &Path) -> anyhow::Result<Self> {
        let output = std::path::absolute(output)
            .with_context(|| format!("{} is no path", output.display()))?;
        let Some(parent) = output.parent() else {
            bail!("{} cannot be a layer", output.display())
        };
        std::fs::create_dir_all(parent)
            .with_context(|| format!("cannot make the directory {}", parent.display()))?;
        let dir = tempfile::Builder::new()
            .prefix(".init_layer-")
            // A temporary directory would be 0700; this one is to have what the umask allows.
            .permissions(Permissions::from_mode(0o777))
            .tempdir_in(parent)
            .with_context(|| format!("cannot write in {}", parent.display()))?;
        Ok(Self { dir, output })
    }

    /// Where to write until then.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Moves the directory to its place. What is there is first moved to `backup`, and back
    /// again when the move fails.
    pub(crate) fn publish(self, backup: Option<&Path>) -> anyhow::Result<()> {
        let Self { dir, output } = self;
        if let Some(backup) = backup {
            std::fs::rename(&output, backup).with_context(|| {
                format!("cannot move {} to {}", output.display(), backup.display())
            })?;
        }
        // Renaming replaces an empty directory and refuses any other.
        if let Err(error) = std::fs::rename(dir.path(), &output) {
            if let Some(backup) = backup {
                std::fs::rename(backup, &output)
                    .with_context(|| format!("cannot move {} back", backup.display()))?;
            }
            return Err(error).with_context(|| format!("cannot make {}", output.display()));
        }
        // It is not under its temporary name any more, so there is nothing to remove.
        let _ = dir.keep();
        if let Some(parent) = output.parent() {
            std::fs::File::open(parent)
                .and_then(|parent| parent.sync_all())
                .with_context(|| format!("cannot sync {}", parent.display()))?;
        }
        Ok(())
    }
}
