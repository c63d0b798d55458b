//! Reading rows, with patience.

use std::path::Path;

use sqlx::query::QueryAs;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{FromRow, Sqlite, SqliteConnection};

use crate::{Patience, Refusal};

/// A question to a database, and what a row of the answer is.
pub type Query<'q, T> = QueryAs<'q, Sqlite, T, SqliteArguments>;

/// The rows that `query` gives. The database, at `path`, is waited for while another program
/// holds it, and the question asked again.
///
/// # Errors
/// Why it cannot be read.
pub async fn rows<'q, T>(
    connection: &mut SqliteConnection,
    path: &Path,
    query: impl Fn() -> Query<'q, T>,
) -> Result<Vec<T>, Refusal>
where
    T: Send + Unpin + for<'r> FromRow<'r, SqliteRow>,
{
    let mut patience = Patience::with(path);
    loop {
        let rows = query().fetch_all(&mut *connection).await;
        match rows {
            Err(error) if patience.lasts(&error).await => {}
            rows => return Ok(rows?),
        }
    }
}
