//! Opening a database.

use std::io::Read;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::file_state::has_journal;
use crate::patience::TOLD_AFTER;
use crate::{Patience, Refusal, RefusalKind, can_be_read_without_lock};

/// Opens the database at `path` to write to it, in WAL mode, each commit synced.
///
/// Its statements wait for two seconds for another program; [`Patience`] waits longer.
///
/// # Errors
/// Why it cannot be opened.
pub async fn open_to_write(path: &Path) -> Result<SqliteConnection, Refusal> {
    refuse_what_is_none(path)?;
    connect(
        path,
        &options(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full),
    )
    .await
}

/// Makes a database at `path` of which nobody knows yet, so that no journal has to guard it: it
/// is to be synced as a whole, and is of no use when something fails before.
///
/// # Errors
/// Why it cannot be made.
pub async fn create(path: &Path) -> Result<SqliteConnection, Refusal> {
    let options = options(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .pragma("cache_size", "-65536");
    Ok(options.connect().await?)
}

/// Opens the database at `path` to look at it, and leaves nothing beside it. What a program that
/// died had begun to write in rollback mode is undone first, as any reader of SQLite does.
///
/// # Errors
/// Why it cannot be opened.
pub(crate) async fn open_to_read(
    path: &Path,
    immutable: bool,
) -> Result<SqliteConnection, Refusal> {
    let look = options(path).read_only(true).immutable(immutable);
    match connect(path, &look).await {
        Err(refusal) if is_of_a_journal(&refusal) && has_journal(path) => {
            // Who only reads cannot undo it.
            match connect(path, &options(path)).await {
                Ok(connection) => connection.close().await?,
                Err(_) => return Err(half_written(refusal)),
            }
            connect(path, &look).await.map_err(half_written)
        }
        opened => opened,
    }
}

/// Attaches the database at `path` to a connection under the name `schema`, to look at it and leave
/// nothing beside it; waits while another program holds it. What a program that died had begun to
/// write is not undone by this.
///
/// # Errors
/// Why it cannot be opened.
pub async fn attach(
    connection: &mut SqliteConnection,
    path: &Path,
    schema: &'static str,
) -> Result<(), Refusal> {
    refuse_what_is_none(path)?;
    let unlocked = match can_be_read_without_lock(path) {
        true => "&immutable=1",
        false => "",
    };
    let absolute = std::path::absolute(path)
        .map_err(|error| Refusal::new(RefusalKind::Unreadable, error.to_string()))?;
    // Of a URI's characters only these three mean something else in a path.
    // https://www.sqlite.org/uri.html
    let name = absolute.to_string_lossy();
    let name = name
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    let uri = format!("file:{name}?mode=ro{unlocked}");
    let mut patience = Patience::with(path);
    loop {
        let attached = sqlx::query(sqlx::AssertSqlSafe(format!("ATTACH ?1 AS {schema}")))
            .bind(uri.as_str())
            .execute(&mut *connection)
            .await;
        match attached {
            Err(error) if patience.lasts(&error).await => {}
            attached => return Ok(attached.map(drop)?),
        }
    }
}

fn is_of_a_journal(refusal: &Refusal) -> bool {
    matches!(
        refusal.kind,
        RefusalKind::HalfWritten
            | RefusalKind::ReadOnly
            | RefusalKind::CannotOpen
            | RefusalKind::Disk
    )
}

fn half_written(refusal: Refusal) -> Refusal {
    match is_of_a_journal(&refusal) {
        true => Refusal {
            kind: RefusalKind::HalfWritten,
            ..refusal
        },
        false => refusal,
    }
}

/// Says why there is no database at `path`, before SQLite takes what is there for an empty one.
pub(crate) fn refuse_what_is_none(path: &Path) -> Result<(), Refusal> {
    let unreadable = |error: std::io::Error| {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => RefusalKind::Missing,
            _ => RefusalKind::Unreadable,
        };
        Refusal::new(kind, error.to_string())
    };
    if path.to_str().is_none() {
        // SQLite takes no other names.
        let reason = "its path is not UTF-8; give it another name";
        return Err(Refusal::new(RefusalKind::Other, reason));
    }
    let none = || Refusal::new(RefusalKind::NotADatabase, "file is not a database");
    // To open what waits for a writer would wait, too.
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(none());
    }
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    if metadata.len() == 0 {
        return Err(Refusal::new(RefusalKind::Empty, "it is empty"));
    }
    // Format: https://www.sqlite.org/fileformat.html, 1.3.
    let mut header = [0u8; 16];
    match file.read_exact(&mut header) {
        Ok(()) if header == *b"SQLite format 3\0" => Ok(()),
        _ => Err(none()),
    }
}

async fn connect(path: &Path, options: &SqliteConnectOptions) -> Result<SqliteConnection, Refusal> {
    let mut patience = Patience::with(path);
    loop {
        let opened = async {
            let mut connection = options.connect().await?;
            // Locks, journals and damage are met when something is read.
            sqlx::query("SELECT count(*) FROM sqlite_schema")
                .fetch_one(&mut connection)
                .await?;
            Ok(connection)
        };
        match opened.await {
            Err(error) if patience.lasts(&error).await => {}
            opened => return Ok(opened?),
        }
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(TOLD_AFTER)
        .disable_statement_logging()
}
