//! A project to make layers in, and what is to be read of a layer.

use std::path::{Path, PathBuf};
use std::process::Command;

use fixtures::layers::Run;
use fixtures::maps::MapSpec;
use planner::{Item, Status};
use planner::{Quadrant, Region};
use progress_db::{MetadataKey, ProgressDb};
use tempfile::TempDir;

/// A directory with a map in `map/` and an endpoints file.
pub(crate) struct Project {
    root: TempDir,
}

impl Project {
    pub(crate) fn empty() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn of(map: &MapSpec) -> Self {
        let project = Self::empty();
        map.write_blocking(&project.path("map"));
        project.write(
            "ends.json",
            r#"[{"name": "a", "url": "http://localhost:1/"}] // one"#,
        );
        project
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// The program in this directory.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_init_layer"));
        command.current_dir(self.root.path()).args(args);
        command
    }

    pub(crate) fn init(&self, args: &[&str]) -> Run {
        Run::of(&self.command(args).output().unwrap())
    }

    /// Everything below the directory, with what is in it.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let mut found = Vec::new();
        let mut directories = vec![self.root.path().to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(&directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path.clone());
                    found.push((path, None));
                } else {
                    let bytes = std::fs::read(&path).unwrap();
                    found.push((path, Some(bytes)));
                }
            }
        }
        found.sort();
        found
    }

    /// Asserts that the program refuses, says why, and leaves everything as it was.
    #[track_caller]
    pub(crate) fn refuses(&self, args: &[&str], says: &str) {
        let before = self.files();
        self.init(args).assert_status(2).assert_says(says);
        assert!(self.files() == before, "something was changed");
    }
}

pub(crate) fn items(layer: &Path) -> Vec<Item> {
    on_a_runtime(async {
        let mut db = ProgressDb::open_read_only(&layer.join("progress.db"))
            .await
            .unwrap();
        db.items().await.unwrap()
    })
}

pub(crate) fn metadata(layer: &Path, key: MetadataKey) -> Option<String> {
    on_a_runtime(async {
        let mut db = ProgressDb::open_read_only(&layer.join("progress.db"))
            .await
            .unwrap();
        db.metadata(key).await.unwrap()
    })
}

pub(crate) fn on_a_runtime<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

/// Asserts that the layer plans exactly `region`, step by step.
pub(crate) fn assert_plans(layer: &Path, region: &Region) {
    let items = items(layer);
    let planned: Vec<Quadrant> = items
        .iter()
        .flat_map(|item| item.block.quadrants())
        .collect();
    assert_eq!(
        planned.len(),
        region.len(),
        "a quadrant is planned twice or not at all"
    );
    assert_eq!(Region::from_quadrants(planned), *region);
    assert!(items.iter().all(|item| item.status == Status::Pending));
    assert!(
        items
            .windows(2)
            .all(|pair| pair[0].step <= pair[1].step && pair[0].id < pair[1].id)
    );
    for (place, later) in items.iter().enumerate() {
        for earlier in &items[..place] {
            if let Some(axis) = later.block.shared_edge(earlier.block) {
                assert!(
                    later.block.shape.has_margin(axis),
                    "{} after {}",
                    later.block,
                    earlier.block
                );
            }
        }
    }
}
