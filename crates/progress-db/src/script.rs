//! Many statements in one round trip to the database's thread.

use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, Encode, Sqlite, SqliteConnection, Type};

/// The text that is executed in one go, in bytes. SQLite copies what is left of it for each
/// statement.
const LONG: usize = 8 << 10;

/// Statements that are executed one after the other, with the values for their `?`.
#[derive(Default)]
pub(crate) struct Script {
    sql: String,
    values: SqliteArguments,
}

impl Script {
    /// Adds a statement; its values are to be bound before the next one is added.
    pub(crate) fn add(&mut self, statement: &'static str) -> &mut Self {
        self.sql.push_str(statement);
        self.sql.push(';');
        self
    }

    /// Binds the next value.
    ///
    /// # Panics
    /// When a value cannot be encoded: none of numbers and texts.
    pub(crate) fn bind<'a>(&mut self, value: impl Encode<'a, Sqlite> + Type<Sqlite>) -> &mut Self {
        self.values
            .add(value)
            .expect("numbers and texts can be encoded");
        self
    }

    /// Whether it is time to execute it and to begin another.
    pub(crate) fn is_long(&self) -> bool {
        self.sql.len() >= LONG
    }

    /// Executes the statements up to the first that fails.
    ///
    /// # Errors
    /// As the statement.
    pub(crate) async fn execute(
        self,
        connection: &mut SqliteConnection,
    ) -> Result<(), sqlx::Error> {
        sqlx::query_with(AssertSqlSafe(self.sql), self.values)
            // Compiled each time: `PRAGMA synchronous` takes effect when it is compiled, and a
            // cache would fill with texts that do not come again.
            .persistent(false)
            .execute(connection)
            .await
            .map(drop)
    }
}
