//! How many files and sockets a process may have open.

use rustix::process::{Resource, getrlimit, setrlimit};

/// What a run needs beside its calls: databases, directories, the runtime.
const BESIDES: u64 = 40;
/// A call has a socket, and a finished block up to four files for a moment.
const FOR_A_CALL: u64 = 2;

/// Raises the soft limit of open files to the hard one, and returns what it is then, if anything.
pub(crate) fn raise_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = rustix::process::Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Where it is refused the limit is what it was.
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    }
}

/// How many calls there is room for at a time.
pub(crate) fn room_for_calls() -> usize {
    let most = raise_limit().unwrap_or(u64::MAX);
    usize::try_from(most.saturating_sub(BESIDES) / FOR_A_CALL)
        .unwrap_or(usize::MAX)
        .max(1)
}
