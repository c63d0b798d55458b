//! A directory that appears whole or not at all, and outlasts a power cut when it has appeared.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::TempDir;

/// What the names of directories under construction begin with, and how many characters follow.
const PREFIX: &str = ".init_layer-";
const RANDOM: usize = 6;

/// A directory under construction beside its final place; dropped, it vanishes.
#[derive(Debug)]
pub(crate) struct Staging {
    dir: TempDir,
    /// Its lock, which the system releases when the process ends, however it ends. `None` where
    /// directories cannot be locked.
    held: Option<File>,
    output: PathBuf,
    /// The directories above `output` that have a new entry then, from below.
    changed: Vec<PathBuf>,
}

impl Staging {
    /// Begins a directory that will be `output`, an absolute path.
    pub(crate) fn beside(output: &Path) -> anyhow::Result<Self> {
        let Some(parent) = output.parent() else {
            bail!("{} cannot be a layer", output.display())
        };
        let new = parent
            .ancestors()
            .take_while(|above| !above.exists())
            .count();
        let changed = parent
            .ancestors()
            .take(new + 1)
            .map(Path::to_owned)
            .collect();
        std::fs::create_dir_all(parent)
            .with_context(|| format!("cannot make the directory {}", parent.display()))?;
        remove_abandoned(parent);
        let (dir, held) = loop {
            let dir = tempfile::Builder::new()
                .prefix(PREFIX)
                .rand_bytes(RANDOM)
                // A temporary directory would be 0700; this one is to have what the umask allows.
                .permissions(Permissions::from_mode(0o777))
                .tempdir_in(parent)
                .with_context(|| format!("cannot write in {}", parent.display()))?;
            let held = File::open(dir.path()).and_then(|held| held.lock().map(|()| held));
            // Another init_layer may have taken it for abandoned before it was held.
            if dir.path().exists() {
                break (dir, held.ok());
            }
        };
        Ok(Self {
            dir,
            held,
            output: output.to_owned(),
            changed,
        })
    }

    /// Where to write until then.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Moves the directory to its place. What is there is first moved to `backup`, and back
    /// again when the move fails. When this returns, all of it outlasts a power cut.
    pub(crate) fn publish(self, backup: Option<&Path>) -> anyhow::Result<()> {
        self.publish_with(backup, |path| File::open(path)?.sync_all())
    }

    fn publish_with(
        self,
        backup: Option<&Path>,
        mut sync: impl FnMut(&Path) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let Self {
            dir,
            // Until it stands in its place.
            held: _held,
            output,
            changed,
        } = self;
        let mut sync =
            |path: &Path| sync(path).with_context(|| format!("cannot sync {}", path.display()));
        sync_all(dir.path(), &mut sync)?;
        if let Some(backup) = backup {
            std::fs::rename(&output, backup).with_context(|| {
                format!("cannot move {} to {}", output.display(), backup.display())
            })?;
        }
        let put_back = || match backup {
            Some(backup) => std::fs::rename(backup, &output)
                .with_context(|| format!("cannot move {} back", backup.display())),
            None => Ok(()),
        };
        // At no time may both be under neither name.
        if backup.is_some()
            && let Err(error) = sync(&changed[0])
        {
            put_back()?;
            return Err(error);
        }
        // Renaming replaces an empty directory and refuses any other.
        if let Err(error) = std::fs::rename(dir.path(), &output) {
            put_back()?;
            return Err(error).with_context(|| format!("cannot make {}", output.display()));
        }
        // It is not under its temporary name any more, so there is nothing to remove.
        let _ = dir.keep();
        changed.iter().try_for_each(|above| sync(above))
    }
}

/// Removes the directories under construction in `parent` that nobody holds: those of programs
/// that were cut.
fn remove_abandoned(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let is_ours = name.is_some_and(|rest| rest.len() == RANDOM)
            && entry.file_type().is_ok_and(|kind| kind.is_dir());
        // Where it cannot be locked or removed it stays.
        if is_ours
            && let Ok(dir) = File::open(entry.path())
            && dir.try_lock().is_ok()
        {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Syncs all that is in a directory, then the directory.
fn sync_all(dir: &Path, sync: &mut impl FnMut(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let read = |error| format!("cannot read {}: {error}", dir.display());
    for entry in std::fs::read_dir(dir)
        .map_err(read)
        .map_err(anyhow::Error::msg)?
    {
        let path = entry?.path();
        if path.is_dir() {
            sync_all(&path, sync)?;
        } else {
            sync(&path)?;
        }
    }
    sync(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is synced, and what stood in the directory of layers then.
    type Synced = Vec<(PathBuf, Vec<String>)>;

    fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .map(|name| match name.strip_prefix(PREFIX) {
                Some(_) => "staged".to_owned(),
                None => name,
            })
            .collect();
        names.sort();
        names
    }

    fn stage(output: &Path) -> Staging {
        let staging = Staging::beside(output).unwrap();
        std::fs::create_dir(staging.path().join("generations")).unwrap();
        std::fs::write(staging.path().join("layer_config.json"), "new").unwrap();
        std::fs::write(staging.path().join("progress.db"), "new").unwrap();
        staging
    }

    #[test]
    fn what_a_cut_has_left_is_removed_and_what_is_under_way_is_not() {
        let root = tempfile::tempdir().unwrap();
        let under_way = stage(&root.path().join("one"));
        let others = [".init_layer-notes-of-mine", "init_layer-aBcD01", "snow"];
        let left = [".init_layer-aBcD01", ".init_layer-aBcD02"];
        for name in left.iter().chain(&others) {
            std::fs::create_dir_all(root.path().join(name).join("generations")).unwrap();
            std::fs::write(root.path().join(name).join("progress.db"), "x").unwrap();
        }
        let next = stage(&root.path().join("two"));
        for staging in [under_way, next] {
            assert!(staging.path().join("progress.db").exists());
            staging.publish(None).unwrap();
        }
        for name in left {
            assert!(!root.path().join(name).exists(), "{name}");
        }
        for name in others.iter().chain(&["one", "two"]) {
            assert!(
                root.path().join(name).join("progress.db").exists(),
                "{name}"
            );
        }
    }

    #[test]
    fn programs_that_begin_at_the_same_time_leave_each_other_alone() {
        let root = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let layers = root.path();
                scope.spawn(move || {
                    for number in 0..50 {
                        let output = layers.join(format!("{thread}-{number}"));
                        stage(&output).publish(None).unwrap();
                    }
                });
            }
        });
        assert_eq!(names(root.path()).len(), 8 * 50);
    }

    /// Publishes, and lets the power fail at sync number `cut`.
    fn publish(output: &Path, backup: Option<&Path>, cut: usize) -> (Synced, bool) {
        let staging = stage(output);
        let staged = staging.path().to_owned();
        let layers = output.parent().unwrap().to_owned();
        let mut synced = Synced::new();
        let cut_short = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            staging.publish_with(backup, |path| {
                assert!(synced.len() < cut, "the power fails");
                let path = match path.strip_prefix(&staged) {
                    Ok(inside) => Path::new("staged").join(inside),
                    Err(_) => path.to_owned(),
                };
                synced.push((path, names(&layers)));
                Ok(())
            })
        }))
        .is_err();
        (synced, cut_short)
    }

    #[test]
    fn all_of_a_new_directory_is_synced_and_then_each_that_has_a_new_entry() {
        let root = tempfile::tempdir().unwrap();
        let output = root.path().join("a/b/snow");
        let (synced, _) = publish(&output, None, usize::MAX);
        let mut order: Vec<PathBuf> = synced.iter().map(|(path, _)| path.clone()).collect();
        order[..3].sort();
        let expected = [
            "staged/generations",
            "staged/layer_config.json",
            "staged/progress.db",
        ];
        assert_eq!(order[..3], expected.map(PathBuf::from));
        assert_eq!(order[3], Path::new("staged/"));
        let above = ["a/b", "a", ""].map(|above| root.path().join(above));
        assert_eq!(order[4..], above);
        assert!(synced[..4].iter().all(|(_, names)| names == &["staged"]));
        assert!(synced[4..].iter().all(|(_, names)| names == &["snow"]));
    }

    #[test]
    fn what_is_replaced_is_safe_under_its_new_name_before_its_place_is_taken() {
        let root = tempfile::tempdir().unwrap();
        let output = root.path().join("snow");
        let backup = root.path().join("snow.bak-1");
        std::fs::create_dir(&output).unwrap();
        std::fs::write(output.join("layer_config.json"), "old").unwrap();
        let (synced, _) = publish(&output, Some(&backup), usize::MAX);
        let parents: Vec<_> = synced
            .iter()
            .filter(|(path, _)| path == root.path())
            .map(|(_, names)| names.join(" "))
            .collect();
        assert_eq!(parents, ["snow.bak-1 staged", "snow snow.bak-1"]);
        // Whenever it is cut, the old one is in one of the two places, and whole.
        for cut in 0..synced.len() {
            let root = tempfile::tempdir().unwrap();
            let output = root.path().join("snow");
            let backup = root.path().join("snow.bak-1");
            std::fs::create_dir(&output).unwrap();
            std::fs::write(output.join("layer_config.json"), "old").unwrap();
            assert!(publish(&output, Some(&backup), cut).1);
            let old = [&output, &backup].map(|place| {
                let read = std::fs::read_to_string(place.join("layer_config.json"));
                read.is_ok_and(|text| text == "old")
            });
            assert_eq!(old, [cut < 4, cut >= 4]);
            let found = layer::LayerDir::at(&output).moved_away();
            assert_eq!(found, (cut == 4).then_some(backup), "{cut}");
        }
    }
}
