//! Where what is replaced is kept.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How the names of the files end that a database consists of.
pub(crate) const DATABASE_FILES: [&str; 3] = ["", "-wal", "-shm"];

/// The name under which what is at `place` is kept: `<place>.bak-<time>`, with a number behind it
/// where that is taken.
pub(crate) fn backup_name(place: &Path) -> PathBuf {
    let time = layer::file_timestamp(SystemTime::now());
    let first = with_suffix(place, &format!(".bak-{time}"));
    let others = (2..).map(|number| with_suffix(&first, &format!("-{number}")));
    std::iter::once(first.clone())
        .chain(others)
        .find(|name| {
            let mut files = DATABASE_FILES.iter();
            files.all(|suffix| with_suffix(name, suffix).symlink_metadata().is_err())
        })
        .expect("numbers do not end")
}

/// `path` with `suffix` at the end of its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
