//! `review.json`: the judgements on disk.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Review;
use super::entry::{Content, known_keys};
use crate::pictures::io;
use crate::reading::{self, UnknownKeys, object, parse as parse_json, place};
use crate::{LayerDir, LayerError};

/// The newest version of the file that is understood.
const VERSION: u64 = 1;

/// The most bytes of the file that are read: those of a hundred thousand judgements.
const MAX_FILE_BYTES: u64 = 64 << 20;

impl LayerDir {
    /// `review.json`.
    #[must_use]
    pub fn review_path(&self) -> PathBuf {
        self.path().join("review.json")
    }

    /// The judgements of the layer's blocks; none when nothing was judged yet.
    ///
    /// # Errors
    /// [`LayerError`] when the file is there and cannot be read or used.
    pub fn read_review(&self) -> Result<Review, LayerError> {
        let path = self.review_path();
        let Some(text) = read_file(&path)? else {
            return Ok(Review::default());
        };
        parse(&path, &text).map_err(|error| match error {
            error @ LayerError::NewerVersion { .. } => error,
            error => LayerError::ReviewDamaged {
                path,
                reason: Box::new(error),
            },
        })
    }

    /// Changes the judgements, and returns them as they stand then. They are on disk whole or as they
    /// were, and what another process changes meanwhile is not lost. Where `change` fails, nothing is
    /// written.
    ///
    /// # Errors
    /// That of `change`, or [`LayerError`] when the file cannot be read, used or written.
    pub fn change_review<E: From<LayerError>>(
        &self,
        change: impl FnOnce(&mut Review) -> Result<(), E>,
    ) -> Result<Review, E> {
        let lock_path = self.path().join("review.lock");
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        let lock = options.open(&lock_path).and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        let _lock = lock.map_err(io("lock", &lock_path))?;
        let mut review = self.read_review()?;
        change(&mut review)?;
        self.write_review(&review)?;
        Ok(review)
    }

    fn write_review(&self, review: &Review) -> Result<(), LayerError> {
        let path = self.review_path();
        let content = Content {
            version: VERSION,
            judgements: review.judgements().cloned().collect(),
        };
        let mut text = serde_json::to_string_pretty(&content).expect("judgements are plain data");
        text.push('\n');
        if text.len() as u64 > MAX_FILE_BYTES {
            return Err(LayerError::BadValue {
                place: place(&path, ""),
                reason: format!(
                    "would have {} bytes, and may have {MAX_FILE_BYTES}; carry out what is judged with --redo-flagged, and move it away",
                    text.len()
                ),
            });
        }
        // One name, since one process at a time writes: what a kill leaves is written over.
        let staged = self.path().join(".review.json.part");
        let written = File::create(&staged)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&staged, &path))
            .and_then(|()| File::open(self.path())?.sync_all());
        written.map_err(io("write", &path))
    }
}

fn read_file(path: &Path) -> Result<Option<String>, LayerError> {
    // A pipe without a writer is opened at once then.
    let opened = File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path);
    let file = match opened {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(io("read", path))?,
    };
    let metadata = file.metadata().map_err(io("read", path))?;
    if !metadata.is_file() {
        let reason = ErrorKind::InvalidInput.into();
        return Err(io("read", path)(reason));
    }
    let mut text = String::new();
    let read = file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text);
    read.map_err(io("read", path))?;
    match text.len() as u64 > MAX_FILE_BYTES {
        true => Err(too_large(path, metadata.len())),
        false => Ok(Some(text)),
    }
}

fn too_large(path: &Path, bytes: u64) -> LayerError {
    LayerError::BadValue {
        place: place(path, ""),
        reason: format!("has {bytes} bytes, and may have {MAX_FILE_BYTES}"),
    }
}

fn parse(path: &Path, text: &str) -> Result<Review, LayerError> {
    let value = Value::Object(object(parse_json(path, text)?, path, "an object {…}")?);
    // A newer file may have any keys, so its version comes before them.
    if let Some(version) = value.get("version").and_then(Value::as_u64)
        && version > VERSION
    {
        return Err(LayerError::NewerVersion {
            path: path.to_owned(),
            version,
            supported: VERSION,
        });
    }
    if value.get("judgements").is_some_and(|list| !list.is_array()) {
        return Err(LayerError::BadValue {
            place: place(path, "judgements"),
            reason: "must be a list of judgements".to_owned(),
        });
    }
    let (file, _) = reading::read::<Content>(value, path, UnknownKeys::Refuse, known_keys)?;
    let mut review = Review::default();
    let mut judgements = file.judgements;
    // Two of one block are there only when somebody has put them there.
    judgements.sort_by_key(|judgement| judgement.at);
    judgements.into_iter().for_each(|one| review.put(one));
    Ok(review)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, SystemTime};

    use planner::{Block, BlockShape};

    use super::*;
    use crate::{Judgement, Kept, Verdict};

    fn layer() -> (tempfile::TempDir, LayerDir) {
        let dir = tempfile::tempdir().unwrap();
        let layer = LayerDir::at(dir.path());
        (dir, layer)
    }

    fn judgement(x: i32, verdict: Verdict) -> Judgement {
        Judgement {
            block: Block::new(BlockShape::OneByTwo, x, -3),
            verdict,
            note: "a <b>seam</b> \u{201c}on the left\u{201d}".to_owned(),
            prompt: Some("no cars".to_owned()),
            at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_356_180_007),
        }
    }

    fn put(layer: &LayerDir, judgement: Judgement) -> Review {
        let changed = layer.change_review::<LayerError>(|review| {
            review.put(judgement);
            Ok(())
        });
        changed.unwrap()
    }

    #[test]
    fn what_was_judged_is_read_back() {
        let (_dir, layer) = layer();
        assert_eq!(layer.read_review().unwrap(), Review::default());
        let from = Kept::Candidates;
        for (x, verdict) in [
            (1, Verdict::Keep),
            (2, Verdict::Redo),
            (i32::MIN, Verdict::Choose { from, version: 3 }),
        ] {
            let review = put(&layer, judgement(x, verdict));
            assert_eq!(layer.read_review().unwrap(), review);
        }
        let text = fs::read_to_string(layer.review_path()).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["version"], 1);
        let first = &value["judgements"][0];
        assert_eq!(first["at"], "2026-11-22T14:03:00.007Z");
        assert_eq!(
            (&first["x"], &first["shape"]),
            (&i32::MIN.into(), &"1x2".into())
        );
        let chosen = serde_json::json!({"choose": {"from": "candidates", "version": 3}});
        assert_eq!(first["verdict"], chosen);
        assert_eq!(value["judgements"][1]["verdict"], "keep");
    }

    #[test]
    fn the_file_is_put_in_place_whole_for_those_whom_the_umask_lets_read() {
        let (dir, layer) = layer();
        let other = dir.path().join("other");
        File::create(&other).unwrap();
        fs::write(dir.path().join(".review.json.part"), "left by a kill").unwrap();
        put(&layer, judgement(1, Verdict::Keep));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&layer.review_path()), mode(&other));
        let before = fs::read(layer.review_path()).unwrap();
        let kept = dir.path().join("kept");
        fs::hard_link(layer.review_path(), &kept).unwrap();
        put(&layer, judgement(2, Verdict::Redo));
        assert_eq!(fs::read(&kept).unwrap(), before, "it was written into");
        assert!(!dir.path().join(".review.json.part").exists());
        let refused = layer.change_review::<LayerError>(|review| {
            *review = Review::default();
            let (path, reason) = (layer.review_path(), ErrorKind::Other.into());
            Err(io("write", &path)(reason))
        });
        assert!(refused.is_err());
        assert_eq!(layer.read_review().unwrap().judgements().count(), 2);
    }

    #[test]
    fn what_two_processes_judge_at_a_time_is_all_kept() {
        let (_dir, layer) = layer();
        std::thread::scope(|scope| {
            for desk in 0..4 {
                let layer = &layer;
                scope.spawn(move || {
                    for x in 0..10 {
                        put(layer, judgement(100 * desk + x, Verdict::Keep));
                    }
                });
            }
        });
        assert_eq!(layer.read_review().unwrap().judgements().count(), 40);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_told_of_and_left_alone() {
        let at = r#""at": "2026-11-22T14:03:00Z""#;
        let of = |entry: String| format!(r#"{{"version": 1, "judgements": [{entry}]}}"#);
        let long = "x".repeat(4097);
        for (text, says) in [
            (String::new(), "is not valid JSON: the file is empty"),
            (
                r#"{"version": 1, "judgements": ["#.to_owned(),
                "is not valid JSON",
            ),
            ("[]".to_owned(), "must be an object"),
            (
                r#"{"judgements": []}"#.to_owned(),
                "the key \"version\" is missing",
            ),
            (
                r#"{"version": 1, "judgements": {}}"#.to_owned(),
                "must be a list of judgements",
            ),
            (
                r#"{"version": 1, "judgments": []}"#.to_owned(),
                "did you mean \"judgements\"?",
            ),
            (
                of(r#"{"x": 1}"#.to_owned()),
                "judgements[0]: the key \"y\" is missing",
            ),
            (
                of(format!(
                    r#"{{"x": 1, "y": 1, "shape": "3x3", "verdict": "keep", {at}}}"#
                )),
                "must have a shape that is one of \"2x2\"",
            ),
            (
                of(format!(
                    r#"{{"x": 1, "y": 1, "shape": "2x2", "verdict": "burn", {at}}}"#
                )),
                "verdict",
            ),
            (
                of(format!(
                    r#"{{"x": 1, "y": 1, "shape": "2x2", "verdict": "keep", "nota": "", {at}}}"#
                )),
                "did you mean \"note\"?",
            ),
            (
                of(format!(
                    r#"{{"x": 1, "y": 1, "shape": "2x2", "verdict": "keep", "note": "{long}", {at}}}"#
                )),
                "at most 4096 bytes, and has 4097",
            ),
            (
                of(format!(
                    r#"{{"x": 1, "y": 1, "shape": "2x2", "verdict": "keep", "prompt": "\u001b[2J", {at}}}"#
                )),
                "control characters",
            ),
            (
                of(
                    r#"{"x": 1, "y": 1, "shape": "2x2", "verdict": "keep", "at": "noon"}"#
                        .to_owned(),
                ),
                "a time like 2026-11-22T14:03:00.000Z",
            ),
            (
                r#"{"version": 2, "verdicts": []}"#.to_owned(),
                "use a newer program",
            ),
        ] {
            let (_dir, layer) = layer();
            fs::write(layer.review_path(), &text).unwrap();
            let error = layer.read_review().unwrap_err().to_string();
            assert!(
                error.contains(says) && error.contains("review.json"),
                "{text}: {error}"
            );
            assert!(
                error.contains("move ") || error.contains("newer program"),
                "{error}"
            );
            let refused = layer.change_review::<LayerError>(|_| Ok(()));
            assert!(refused.is_err(), "{text}");
            assert_eq!(fs::read_to_string(layer.review_path()).unwrap(), text);
        }
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let (_dir, layer) = layer();
        let made = std::process::Command::new("mkfifo")
            .arg(layer.review_path())
            .status();
        assert!(made.unwrap().success());
        assert!(matches!(layer.read_review(), Err(LayerError::Io { .. })));
    }

    #[test]
    fn of_two_judgements_of_a_block_the_later_one_counts() {
        let (_dir, layer) = layer();
        let entry = |verdict, at| {
            format!(
                r#"{{"x": 1, "y": 1, "shape": "2x2", "verdict": "{verdict}", "prompt": " ", "at": "{at}"}}"#
            )
        };
        let (late, early) = ("2026-11-22T14:03:01Z", "2026-11-22T14:03:00Z");
        let both = [entry("redo", late), entry("keep", early)].join(",");
        let text = format!(r#"{{"version": 1, "judgements": [{both}]}}"#);
        fs::write(layer.review_path(), text).unwrap();
        let review = layer.read_review().unwrap();
        let judgement = review.judgements().next().unwrap();
        assert_eq!(
            (judgement.verdict, &judgement.prompt),
            (Verdict::Redo, &None)
        );
    }
}
