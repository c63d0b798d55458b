//! Waiting for a database that another program holds.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::RefusalKind;

/// How long a statement waits before it is refused; then the user is told.
pub(crate) const TOLD_AFTER: Duration = Duration::from_secs(2);

/// How long another program may hold a database locked before that is an error.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(600);

/// Between two tries of what SQLite refuses without having waited.
const PAUSE: Duration = Duration::from_millis(50);

static TELL: OnceLock<fn(&str)> = OnceLock::new();

/// Says where the program tells that it waits for a database. What is said first holds.
pub fn on_wait(tell: fn(&str)) {
    let _ = TELL.set(tell);
}

/// The patience with a database that another program holds: what it refuses is tried again for
/// ten minutes, and after two seconds the user is told. Whoever reads uses [`crate::rows`].
///
/// ```no_run
/// # async fn change(connection: &mut sqlx::SqliteConnection) -> Result<(), sqlx::Error> {
/// let mut patience = sqlite::Patience::with("a.db".as_ref());
/// loop {
///     match sqlx::raw_sql("DELETE FROM t").execute(&mut *connection).await {
///         Err(error) if patience.lasts(&error).await => {}
///         done => return done.map(drop),
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Patience {
    path: PathBuf,
    since: Instant,
    told: bool,
}

impl Patience {
    /// Begins to wait for the database at `path`.
    #[must_use]
    pub fn with(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            since: Instant::now(),
            told: false,
        }
    }

    /// Whether what failed with `error` is to be tried again: the database is held, and has not
    /// been for too long. Takes a moment.
    pub async fn lasts(&mut self, error: &sqlx::Error) -> bool {
        if RefusalKind::of(error) != RefusalKind::Busy || self.since.elapsed() >= BUSY_TIMEOUT {
            return false;
        }
        if !self.told && self.since.elapsed() + PAUSE >= TOLD_AFTER {
            self.told = true;
            if let Some(tell) = TELL.get() {
                tell(&format!(
                    "waiting for {}, which another program holds",
                    self.path.display()
                ));
            }
        }
        tokio::time::sleep(PAUSE).await;
        true
    }
}
