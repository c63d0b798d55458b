//! What the system grants a program: open files and memory.
//!
//! Where it is too little a library panics, takes a database for a damaged one, or ends the
//! process. So each program asks before it begins, and a run makes no more calls at a time than
//! there is room for.

use std::fs::File;
use std::io;
use std::thread::available_parallelism;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// So many files at once are enough for what a program does with a layer besides calling models.
const FILES: usize = 24;

/// What a run has open beside its calls: databases, directories, the runtime.
const FILES_BESIDES_CALLS: u64 = 40;
/// A call has a socket, and a finished block up to four files for a moment.
const FILES_OF_A_CALL: u64 = 2;

/// What a server has open beside its connections: databases, a reading, the runtime.
const FILES_BESIDES_CONNECTIONS: u64 = 48;
/// A connection has a socket, and for a moment the file that it is sent.
const FILES_OF_A_CONNECTION: u64 = 2;
/// More browsers than that do not look at one page.
const MOST_CONNECTIONS: u64 = 512;

const MB: u64 = 1 << 20;
/// What a plan of a large map takes, with room to spare.
const TO_PLAN: u64 = 256 * MB;
/// What decoding pictures takes in any case, and for each core: two threads, whose allocators
/// reserve 64 MB each.
const TO_DECODE: u64 = 512 * MB;
const TO_DECODE_ON_A_CORE: u64 = 128 * MB;
/// A canvas of megapixels, its answer, and both as base64.
const MEMORY_OF_A_CALL: u64 = 32 * MB;

/// What a program is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Planning a map.
    Planning,
    /// Working on pictures, on all cores.
    Pictures,
}

/// Raises the limit of open files as far as that is allowed, and makes sure that there is room for
/// `work`.
///
/// # Errors
/// What is granted, what is needed, and how to raise the limit.
pub fn require(work: Work) -> io::Result<()> {
    raise_files();
    let files: io::Result<Vec<File>> = (0..FILES).map(|_| File::open("/dev/null")).collect();
    files.map_err(|error| {
        let remedy = "raise the limit with ulimit -n 1024";
        let said = format!("cannot open {FILES} files at once: {error}; {remedy}");
        io::Error::new(error.kind(), said)
    })?;
    let needed = needed(work);
    match memory() {
        Some(granted) if granted < needed => Err(io::Error::other(format!(
            "the limit of memory (ulimit -v) is {} MB, and at least {} MB are needed; raise it, or lift it with ulimit -v unlimited",
            granted / MB,
            needed / MB
        ))),
        _ => Ok(()),
    }
}

/// How many calls there is room for at a time.
#[must_use]
pub fn room_for_calls() -> usize {
    let files = raise_files().map(|files| {
        let left = files.saturating_sub(FILES_BESIDES_CALLS);
        left / FILES_OF_A_CALL
    });
    let memory = memory().map(|bytes| {
        let left = bytes.saturating_sub(needed(Work::Pictures));
        // What is needed in any case holds a call for each core.
        left / MEMORY_OF_A_CALL + cores()
    });
    let room = files.into_iter().chain(memory).min();
    let room = room.map_or(usize::MAX, |room| {
        usize::try_from(room).unwrap_or(usize::MAX)
    });
    room.max(1)
}

/// How many connections a server has room for at a time.
#[must_use]
pub fn room_for_connections() -> usize {
    connections_among(raise_files()) as usize
}

fn connections_among(files: Option<u64>) -> u64 {
    let room = files.map_or(MOST_CONNECTIONS, |files| {
        files.saturating_sub(FILES_BESIDES_CONNECTIONS) / FILES_OF_A_CONNECTION
    });
    // However few files there are, one after another is answered.
    room.clamp(1, MOST_CONNECTIONS)
}

/// Raises the soft limit of open files to the hard one, and returns what it is then, if anything.
fn raise_files() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Where it is refused the limit is what it was.
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    }
}

/// How many bytes of address space are granted, if that is limited.
fn memory() -> Option<u64> {
    getrlimit(Resource::As).current
}

fn needed(work: Work) -> u64 {
    match work {
        Work::Planning => TO_PLAN,
        Work::Pictures => TO_DECODE + TO_DECODE_ON_A_CORE * cores(),
    }
}

fn cores() -> u64 {
    available_parallelism().map_or(1, |cores| cores.get() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_everything_else() {
        assert_eq!(connections_among(None), MOST_CONNECTIONS);
        assert_eq!(connections_among(Some(1 << 20)), MOST_CONNECTIONS);
        for files in 50..2000 {
            let taken = connections_among(Some(files)) * FILES_OF_A_CONNECTION;
            assert!(taken + FILES_BESIDES_CONNECTIONS <= files, "{files}");
        }
        assert_eq!(connections_among(Some(30)), 1, "it still answers");
    }
}
