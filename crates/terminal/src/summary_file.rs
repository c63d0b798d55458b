//! The file that `--summary` names: written whole, at the end.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value;
use tempfile::{Builder, NamedTempFile};

use crate::flags::{Flags, ProgressKind};

/// Nothing that is longer is a summary.
const MOST_SUMMARY_BYTES: u64 = 16 << 20;

/// Where the final figures go.
#[derive(Debug)]
pub(crate) enum SummaryFile {
    /// Nowhere.
    None,
    /// To standard output.
    Output,
    /// To a file, which is replaced when the new one is whole.
    Replaced(PathBuf),
    /// To what is no file on a disk, and is written to as it is: a pipe, `/dev/null`.
    Stream(PathBuf, File),
}

impl SummaryFile {
    /// Sees that it can be written, before anything is done that it is to tell of.
    pub(crate) fn of(flags: &Flags) -> anyhow::Result<Self> {
        let Some(path) = flags.summary.as_deref() else {
            return Ok(Self::None);
        };
        if flags.progress == ProgressKind::Json && path.as_os_str() == "-" {
            bail!(
                "--summary - and --progress json both want standard output; leave out --summary: the last event, ended, has the same figures"
            );
        }
        if path.as_os_str() == "-" {
            return Ok(Self::Output);
        }
        let refusal = || format!("--summary {} cannot be written", path.display());
        let is_file_s = !path.as_os_str().as_bytes().ends_with(b"/") && path.file_name().is_some();
        if !is_file_s && !path.is_dir() {
            bail!(
                "--summary {:?} is no file's name; it names a file, or - for standard output",
                path.display().to_string()
            );
        }
        // Behind a link, so that the link stays one.
        let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        match fs::metadata(&place) {
            Ok(there) if there.is_dir() => {
                bail!("{}: it is a directory; name a file", refusal());
            }
            Ok(there) if !there.is_file() => {
                let mut options = OpenOptions::new();
                // A pipe that nobody reads is refused and not waited for.
                options.write(true).custom_flags(libc::O_NONBLOCK);
                let stream = options.open(path).with_context(refusal)?;
                return Ok(Self::Stream(path.to_owned(), stream));
            }
            Ok(_) => {
                let file = OpenOptions::new().append(true).open(&place);
                drop(file.with_context(refusal)?);
                if !is_replaceable(&place).with_context(refusal)? {
                    bail!(
                        "--summary {} is something else than an earlier summary, and is not replaced; name another file",
                        path.display()
                    );
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(refusal),
        }
        // A file of another name, and away again: what is there stays until the end.
        drop(beside(&place).with_context(refusal)?);
        Ok(Self::Replaced(place))
    }

    /// Writes `summary`, and a line's end.
    pub(crate) fn write(self, summary: &Value) -> anyhow::Result<()> {
        let text = format!("{summary:#}\n");
        match self {
            Self::None => Ok(()),
            Self::Output => {
                let mut output = io::stdout().lock();
                match output
                    .write_all(text.as_bytes())
                    .and_then(|()| output.flush())
                {
                    Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                        Err(error).context("standard output takes nothing")
                    }
                    _ => Ok(()),
                }
            }
            Self::Replaced(place) => {
                replace(&place, &text).with_context(|| format!("cannot write {}", place.display()))
            }
            Self::Stream(path, mut stream) => stream
                .write_all(text.as_bytes())
                .with_context(|| format!("cannot write {}", path.display())),
        }
    }
}

/// Whether nothing is lost with a file: it is empty, or a summary.
fn is_replaceable(place: &Path) -> io::Result<bool> {
    let mut there = Vec::new();
    let file = File::open(place)?;
    file.take(MOST_SUMMARY_BYTES + 1).read_to_end(&mut there)?;
    if there.is_empty() {
        return Ok(true);
    }
    let summary = serde_json::from_slice::<Value>(&there);
    Ok(summary.is_ok_and(|summary| {
        let has = |key| summary.get(key).is_some_and(|value| !value.is_null());
        has("program") && has("exit_status")
    }))
}

fn replace(place: &Path, text: &str) -> io::Result<()> {
    let mut staged = beside(place)?;
    staged.write_all(text.as_bytes())?;
    staged.as_file().sync_all()?;
    staged.persist(place)?;
    Ok(())
}

/// What the system said, without the name of a file that nobody knows.
fn without_path(error: io::Error) -> io::Error {
    let said = error.get_ref().and_then(|inner| inner.source());
    let said = said.map(ToString::to_string);
    said.map_or(error, io::Error::other)
}

/// A file beside `place`, for those to read who may read what is there, or what is new.
fn beside(place: &Path) -> io::Result<NamedTempFile> {
    let parent = match place.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let there = fs::metadata(place).map(|there| there.permissions());
    let mode = there.as_ref().map_or(0o666, |mode| mode.mode() & 0o777);
    let mut builder = Builder::new();
    builder.prefix(".summary-").suffix(".part");
    let staged = builder
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(parent)
        .map_err(without_path)?;
    if let Ok(permissions) = there {
        staged.as_file().set_permissions(permissions)?;
    }
    Ok(staged)
}
