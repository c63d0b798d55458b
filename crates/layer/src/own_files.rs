//! Which files a layer, or what it is made from, has for itself, so that nothing else is written there.

use std::path::{Path, PathBuf};

use crate::LayerDir;

/// How the names end of what SQLite puts beside a database.
const BESIDE_A_DATABASE: [&str; 4] = ["", "-wal", "-shm", "-journal"];
/// Files and directories of a layer that have no other name in this crate.
const OTHERS: [&str; 8] = [
    "candidates",
    "generations",
    "layer_config.json.part",
    "rejected",
    "review.lock",
    ".review.json.part",
    "run.lock",
    "run.lock.json",
];

impl LayerDir {
    /// Whose `path` is: the layer's own directory, or the one that it is made from as far as its
    /// configuration can be read, when that has the file for itself, or has a directory for itself that
    /// the file would be in. Neither the file nor the layer need be there.
    #[must_use]
    pub fn owner_of(&self, path: &Path) -> Option<PathBuf> {
        if self.is_own(path) {
            return Some(self.path().to_owned());
        }
        let (config, _) = self.read_config().ok()?;
        let source = Self::at(self.generation_dir(&config));
        source.is_own(path).then(|| source.path().to_owned())
    }

    /// Whether `path` is a file that a layer, or a generation directory, has for itself, or is in a
    /// directory that it has for itself. It need not be there.
    #[must_use]
    pub fn is_own(&self, path: &Path) -> bool {
        let path = resolved(path);
        let databases = [self.progress_path(), self.quadrants_path()];
        let of_databases = databases.iter().flat_map(|database| {
            let database = resolved(database).into_os_string();
            BESIDE_A_DATABASE.map(|end| {
                let mut beside = database.clone();
                beside.push(end);
                PathBuf::from(beside)
            })
        });
        let named = [
            self.config_path(),
            self.schema_path(),
            self.generation_config_path(),
            self.bounds_path(),
            self.review_path(),
            self.pilots_dir(),
            self.overviews().dir().to_owned(),
            self.source_overviews().dir().to_owned(),
            self.map_path(),
            self.map_pictures_dir(),
            self.map_source_pictures_dir(),
        ];
        let others = OTHERS.map(|name| self.path().join(name));
        let named = named.into_iter().chain(others);
        let mut own = named.map(|own| resolved(&own)).chain(of_databases);
        own.any(|own| path.starts_with(own))
    }
}

/// Where a path leads, links followed as far as there is anything.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(there) = path.canonicalize() {
        return there;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if parent.as_os_str().is_empty() => {
            resolved(Path::new(".")).join(name)
        }
        (Some(parent), Some(name)) => resolved(parent).join(name),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_a_layer_has_for_itself_is_its_own_by_whatever_way_it_is_named() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("layers/snow")).unwrap();
        fs::create_dir_all(at("disk")).unwrap();
        symlink(at("disk"), at("layers/snow/generations")).unwrap();
        symlink(at("layers/snow"), at("short")).unwrap();
        let layer = LayerDir::at(at("layers/snow"));
        for own in [
            "layers/snow/progress.db",
            "layers/snow/progress.db-wal",
            "layers/snow/quadrants.db-journal",
            "layers/snow/review.json",
            "layers/snow/run.lock",
            "layers/snow/pilots/a/b.log",
            "layers/snow/candidates/0_0/1/zz.log",
            "layers/snow/generations/zz.log",
            "disk/zz.log",
            "short/review.json",
            "layers/../layers/snow/review.json",
        ] {
            assert!(layer.is_own(&at(own)), "{own}");
        }
        for other in [
            "layers/snow/run.log",
            "layers/snow/review.json.log",
            "layers/snow/progress.db.log",
            "layers/snow/pilots.log",
            "layers/night/review.json",
            "review.json",
        ] {
            assert!(!layer.is_own(&at(other)), "{other}");
        }
        assert!(!layer.is_own(Path::new("review.json")));
        assert!(!layer.is_own(Path::new("..")));
    }

    #[test]
    fn what_a_layer_is_made_from_has_its_files_for_itself_too() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("layers/snow")).unwrap();
        fs::create_dir_all(at("map")).unwrap();
        let config = r#"{"version": 1, "generation_dir": "map", "model_endpoints": []}"#;
        fs::write(at("layers/snow/layer_config.json"), config).unwrap();
        let layer = LayerDir::at(at("layers/snow"));
        let owner = |path: &str| layer.owner_of(&at(path));
        assert_eq!(owner("layers/snow/bounds.json"), Some(at("layers/snow")));
        let of_source = owner("map/quadrants.db-wal").map(|owner| resolved(&owner));
        assert_eq!(of_source, Some(resolved(&at("map"))));
        assert_eq!(owner("map/run.log"), None);
        assert_eq!(owner("run.log"), None);
    }
}
