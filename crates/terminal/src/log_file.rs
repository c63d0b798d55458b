//! Where the log goes, a line at a time: a thread of its own writes it, so that a full disk or a
//! reader that does not read holds up nothing.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::waiting::{Batch, Waiting};

/// Hands lines to the thread that writes them.
#[derive(Debug, Clone)]
pub(crate) struct LogLines {
    waiting: Arc<Waiting<Vec<u8>>>,
}

/// Who takes the lines.
pub(crate) type Sink = Box<dyn Write + Send>;

/// The file that `--log-file` names, to be appended to.
///
/// # Errors
/// When it cannot be written, or is something else than a log.
pub(crate) fn open(path: &Path) -> anyhow::Result<File> {
    let refusal = || format!("--log-file {} cannot be written", path.display());
    let mut options = File::options();
    // A pipe that nobody reads is refused and not waited for.
    options
        .append(true)
        .create(true)
        .custom_flags(libc::O_NONBLOCK);
    let mut file = options.open(path).with_context(refusal)?;
    let is_regular = file.metadata().with_context(refusal)?.is_file();
    let (mut beginning, mut end) = (Vec::new(), [b'\n']);
    if is_regular && let Ok(mut there) = File::open(path) {
        // Who may only write is believed.
        let _ = (&mut there).take(512).read_to_end(&mut beginning);
        if there.seek(SeekFrom::End(-1)).is_ok() {
            let _ = there.read_exact(&mut end);
        }
    }
    if !beginning.is_empty() && !is_of_a_log(&beginning) {
        bail!(
            "--log-file {} is something else than a log, and nothing is added to it; name another file",
            path.display()
        );
    }
    // What a kill or a power cut has torn stays a line of its own.
    if end != *b"\n" {
        file.write_all(b"\n").with_context(refusal)?;
    }
    Ok(file)
}

/// Whether a file begins as a log does: with the time of its first line.
fn is_of_a_log(beginning: &[u8]) -> bool {
    let date = beginning
        .strip_prefix(b"{\"timestamp\":\"")
        .unwrap_or(beginning);
    let date = date.get(..11).unwrap_or_default();
    let pattern = b"0000-00-00T";
    let is_like = |(&own, &sign): (&u8, &u8)| match sign {
        b'0' => own.is_ascii_digit(),
        sign => own == sign,
    };
    date.len() == pattern.len() && date.iter().zip(pattern).all(is_like)
}

impl LogLines {
    /// Starts the thread that writes to `sink`; `complain` hears once that it takes nothing.
    ///
    /// # Errors
    /// When the system refuses one.
    pub(crate) fn start(
        sink: Sink,
        complain: impl Fn(&io::Error) + Send + 'static,
    ) -> io::Result<Self> {
        let waiting = Arc::new(Waiting::default());
        let own = Arc::clone(&waiting);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_all(&own, sink, complain))?;
        Ok(Self { waiting })
    }

    /// Adds a line, with its end.
    pub(crate) fn add(&self, line: &[u8]) {
        self.waiting.add(line.to_vec());
    }

    /// Waits until all is written, but no longer than `patience`.
    pub(crate) fn close_within(&self, patience: Duration) {
        self.waiting.close_within(patience);
    }
}

fn write_all(waiting: &Waiting<Vec<u8>>, mut sink: Sink, complain: impl Fn(&io::Error)) {
    let (mut was_told, mut is_torn) = (false, false);
    while let Some(Batch { lines, let_go, .. }) = waiting.next() {
        if let_go > 0 && !was_told {
            was_told = true;
            let kind = ErrorKind::WouldBlock;
            complain(&io::Error::new(kind, format!("{let_go} lines were let go")));
        }
        for line in lines {
            // A line of which only a part was taken is not gone on with.
            let written = match is_torn {
                true => sink.write_all(b"\n").and_then(|()| sink.write_all(&line)),
                false => sink.write_all(&line),
            };
            is_torn = written.is_err();
            if let Err(error) = written
                && !was_told
            {
                was_told = true;
                complain(&error);
            }
        }
        let _ = sink.flush();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use super::*;

    /// A disk that is full for a while, in the middle of a line.
    struct FullDisk {
        written: Arc<Mutex<Vec<u8>>>,
        refuses: usize,
    }

    impl Write for FullDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut written = self.written.lock().unwrap();
            if bytes.len() > 3 && self.refuses == 2 {
                self.refuses = 1;
                written.extend_from_slice(&bytes[..3]);
                return Ok(3);
            }
            if self.refuses == 1 {
                self.refuses = 0;
                return Err(io::Error::from(ErrorKind::StorageFull));
            }
            written.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_told_once_and_later_lines_are_whole() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let disk = FullDisk {
            written: Arc::clone(&written),
            refuses: 2,
        };
        let (tell, told) = mpsc::channel();
        let lines = LogLines::start(Box::new(disk), move |error| {
            tell.send(error.kind()).unwrap();
        });
        let lines = lines.unwrap();
        for line in ["first\n", "second\n", "third\n"] {
            lines.add(line.as_bytes());
        }
        lines.close_within(Duration::from_secs(60));
        assert_eq!(*written.lock().unwrap(), b"fir\nsecond\nthird\n");
        assert_eq!(told.iter().collect::<Vec<_>>(), [ErrorKind::StorageFull]);
    }

    #[test]
    fn what_is_no_log_is_not_added_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("there");
        for (there, left) in [
            (&b""[..], Some(&b""[..])),
            (b"2026-03-01T09:12:04Z  INFO a\n", None),
            (
                b"2026-03-01T09:12:04Z  IN",
                Some(b"2026-03-01T09:12:04Z  IN\n"),
            ),
            (b"{\"timestamp\":\"2026-03-01T09:12:04Z\"}\n", None),
        ] {
            std::fs::write(&path, there).unwrap();
            assert!(open(&path).is_ok(), "{there:?}");
            let left = left.unwrap_or(there);
            assert_eq!(std::fs::read(&path).unwrap(), left, "a torn line is ended");
        }
        for other in [
            &b"a line\n"[..],
            b"KEY=abc\n",
            b"// a layer\n{\"version\": 1}\n",
            b"{\"version\": 1}",
            b"[]",
            b"2026",
            b"SQLite format 3\0",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        ] {
            std::fs::write(&path, other).unwrap();
            assert!(open(&path).is_err(), "{other:?}");
            assert_eq!(std::fs::read(&path).unwrap(), other);
        }
        assert!(open(dir.path()).is_err());
        assert!(open(&dir.path().join("nowhere/run.log")).is_err());
    }
}
