//! Finished quadrants as rows of a `quadrants.db`, in the form in which maps have them, so that
//! every tool for maps reads a layer too.
//!
//! While a run writes, the database is in WAL mode: who reads it delays nothing. Afterwards it is
//! in rollback mode, in its one file, as maps are.

use std::path::Path;

use planner::Quadrant;
use serde_json::Value;
use source_map::{Geometry, QuadrantsDb, SourceError};
use sqlite::{Link, Patience, Refusal};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use super::files::io;
use crate::{LayerError, Source};

/// The columns that a map may have besides, and their types; those that its source has are carried
/// over.
const OPTIONAL: [(&str, &str); 7] = [
    ("notes", "TEXT"),
    ("flagged", "INTEGER"),
    ("is_water", "INTEGER"),
    ("starred", "INTEGER"),
    ("is_reference", "INTEGER"),
    ("water_mask", "BLOB"),
    ("water_type", "TEXT"),
];

/// The columns that all maps have besides the quadrant and its pictures.
const PLACE: [&str; 5] = ["lat", "lng", "tile_row", "tile_col", "quadrant_index"];

/// So many quadrants are carried over in one statement.
const CHUNK: usize = 2000;

/// Makes a database at `path` with a row for each of `quadrants`, without pictures, durable but for
/// its name. What the source says of a quadrant is carried over. Returns how many quadrants'
/// rows could not be read.
pub(crate) async fn create(
    path: &Path,
    source: &Source,
    quadrants: &[Quadrant],
) -> Result<usize, LayerError> {
    let _ = std::fs::remove_file(path);
    let unread = write(path, source, quadrants)
        .await
        .map_err(|refusal| refused(path, refusal))?;
    let sync = std::fs::File::open(path).and_then(|file| file.sync_all());
    sync.map_err(io("sync", path))?;
    Ok(unread)
}

/// Adds a row for each of `quadrants` that has none.
pub(super) async fn add(
    path: &Path,
    source: &Source,
    quadrants: &[Quadrant],
) -> Result<(), LayerError> {
    let mut connection = sqlite::open_to_write(path)
        .await
        .map_err(|refusal| refused(path, refusal))?;
    let added = async {
        let carried = attach(&mut connection, source).await?;
        let own = columns_of(&mut connection, path, "main").await?;
        let carried = carried.into_iter().filter(|name| own.contains(name));
        let carried: Vec<_> = carried.collect();
        insert_all(&mut connection, path, source, &carried, quadrants).await?;
        fold(&mut connection).await;
        Ok(connection.close().await?)
    };
    added.await.map_err(|refusal| refused(path, refusal))
}

/// Attaches the source where that is a database; the columns that it has.
async fn attach(
    connection: &mut SqliteConnection,
    source: &Source,
) -> Result<Vec<String>, Refusal> {
    let Some(database) = source.quadrants() else {
        return Ok(Vec::new());
    };
    sqlite::attach(connection, database.path(), "source").await?;
    columns_of(connection, database.path(), "source").await
}

async fn write(path: &Path, source: &Source, quadrants: &[Quadrant]) -> Result<usize, Refusal> {
    let mut connection = sqlite::create(path).await?;
    let carried = attach(&mut connection, source).await?;
    let optional = OPTIONAL
        .iter()
        .filter(|(name, _)| carried.iter().any(|column| column == name));
    let extra: String = optional
        .map(|(name, kind)| format!(",\n  {name} {kind}"))
        .collect();
    sqlx::raw_sql(AssertSqlSafe(format!(
        "CREATE TABLE quadrants (
  quadrant_x INTEGER NOT NULL,
  quadrant_y INTEGER NOT NULL,
  lat REAL NOT NULL,
  lng REAL NOT NULL,
  tile_row INTEGER NOT NULL,
  tile_col INTEGER NOT NULL,
  quadrant_index INTEGER NOT NULL,
  render BLOB,
  generation BLOB,
  is_generated INTEGER GENERATED ALWAYS AS (generation IS NOT NULL) STORED{extra},
  PRIMARY KEY (quadrant_x, quadrant_y)
);
CREATE TABLE metadata (key TEXT PRIMARY KEY, value TEXT);"
    )))
    .execute(&mut connection)
    .await?;
    let version = match source.quadrants() {
        Some(database) => database.metadata("schema_version").await.ok().flatten(),
        None => None,
    };
    let version = version.unwrap_or_else(|| "1".to_owned());
    for (key, value) in [
        ("generation_config", source.described().text.as_str()),
        ("schema_version", &version),
    ] {
        sqlx::query("INSERT INTO metadata (key, value) VALUES (?1, ?2)")
            .bind(key)
            .bind(value)
            .execute(&mut connection)
            .await?;
    }
    let unread = insert_all(&mut connection, path, source, &carried, quadrants).await?;
    connection.close().await?;
    Ok(unread)
}

/// Inserts a row for each of `quadrants` into the database at `path`, with those of the columns `carried` that a layer has. How
/// many rows of the source could not be read.
async fn insert_all(
    connection: &mut SqliteConnection,
    path: &Path,
    source: &Source,
    carried: &[String],
    quadrants: &[Quadrant],
) -> Result<usize, Refusal> {
    let has = |name: &str| carried.iter().any(|column| column == name);
    let computed = computed(source.geometry());
    let plain = insert_of(&PLACE, &computed.join(", "), "");
    let place = PLACE
        .iter()
        .zip(&computed)
        .map(|(name, otherwise)| match has(name) {
            true => format!("coalesce(source.{name}, {otherwise})"),
            false => otherwise.clone(),
        });
    let optional = OPTIONAL
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| has(name));
    let names: Vec<&str> = PLACE.into_iter().chain(optional.clone()).collect();
    let values: Vec<String> = place
        .chain(optional.map(|name| format!("source.{name}")))
        .collect();
    let carrying = insert_of(
        &names,
        &values.join(", "),
        "LEFT JOIN source.quadrants AS source ON source.quadrant_x = wanted.value ->> 0 AND source.quadrant_y = wanted.value ->> 1",
    );
    let read = source.quadrants().map_or(path, QuadrantsDb::path);
    let mut unread = 0;
    for chunk in quadrants.chunks(CHUNK) {
        if carried.is_empty() {
            insert(connection, path, &plain, chunk).await?;
        } else if !is_carried(insert(connection, read, &carrying, chunk).await)? {
            for quadrant in chunk {
                let one = std::slice::from_ref(quadrant);
                if !is_carried(insert(connection, read, &carrying, one).await)? {
                    insert(connection, path, &plain, one).await?;
                    unread += 1;
                }
            }
        }
    }
    Ok(unread)
}

/// Whether rows were inserted: a damaged page is the misfortune of the row that lies on it.
fn is_carried(inserted: Result<(), Refusal>) -> Result<bool, Refusal> {
    match inserted {
        Err(refusal) if refusal.kind.is_of_pages() => Ok(false),
        inserted => inserted.map(|()| true),
    }
}

/// What inserts the quadrants of a JSON list of pairs that have no row.
fn insert_of(names: &[&str], values: &str, join: &str) -> String {
    let names = names.join(", ");
    format!(
        "INSERT INTO main.quadrants (quadrant_x, quadrant_y, {names})
         SELECT wanted.value ->> 0, wanted.value ->> 1, {values} FROM json_each(?1) AS wanted {join}
         WHERE NOT EXISTS (SELECT 1 FROM main.quadrants AS own
           WHERE own.quadrant_x = wanted.value ->> 0 AND own.quadrant_y = wanted.value ->> 1)"
    )
}

/// Each of [`PLACE`] as it follows from a quadrant.
fn computed(geometry: Geometry) -> [String; 5] {
    let (x, y) = ("(wanted.value ->> 0)", "(wanted.value ->> 1)");
    let along = |origin: f64, per_x: f64, per_y: f64| {
        // The shortest text that is read as the same number.
        format!("({origin:?} + ({x} + 1) * {per_x:?} + ({y} + 1) * {per_y:?})")
    };
    let Geometry {
        origin,
        per_x,
        per_y,
        ..
    } = geometry;
    [
        along(origin.lat, per_x.lat, per_y.lat),
        along(origin.lng, per_x.lng, per_y.lng),
        y.to_owned(),
        x.to_owned(),
        "0".to_owned(),
    ]
}

/// Waits while another program holds the database at `read`.
async fn insert(
    connection: &mut SqliteConnection,
    read: &Path,
    sql: &str,
    quadrants: &[Quadrant],
) -> Result<(), Refusal> {
    let wanted: Vec<[i32; 2]> = quadrants.iter().map(|at| [at.x, at.y]).collect();
    let wanted = Value::from(wanted).to_string();
    let mut patience = Patience::with(read);
    loop {
        let inserted = sqlx::query(AssertSqlSafe(sql.to_owned()))
            .bind(wanted.as_str())
            .execute(&mut *connection)
            .await;
        match inserted {
            Err(error) if patience.lasts(&error).await => {}
            inserted => return Ok(inserted.map(drop)?),
        }
    }
}

async fn columns_of(
    connection: &mut SqliteConnection,
    path: &Path,
    schema: &str,
) -> Result<Vec<String>, Refusal> {
    let names: Vec<(String,)> = sqlite::rows(connection, path, || {
        sqlx::query_as("SELECT name FROM pragma_table_xinfo('quadrants', ?1)").bind(schema)
    })
    .await?;
    Ok(names.into_iter().map(|(name,)| name).collect())
}

/// Opens a database to write pictures to it.
pub(super) async fn open(path: &Path) -> Result<QuadrantsDb, LayerError> {
    let mut connection = sqlite::open_to_write(path)
        .await
        .map_err(|refusal| refused(path, refusal))?;
    let columns = columns_of(&mut connection, path, "main").await;
    let columns = columns.map_err(|refusal| refused(path, refusal))?;
    for needed in ["quadrant_x", "quadrant_y", "generation"] {
        if !columns.iter().any(|column| column == needed) {
            return Err(LayerError::NoSuchColumn {
                path: path.to_owned(),
                column: needed,
            });
        }
    }
    Ok(QuadrantsDb::over(
        path,
        Link::Writer(connection, path.to_owned()),
    ))
}

/// Puts pictures into their rows, in one transaction that is synced.
pub(super) async fn put(
    db: &QuadrantsDb,
    geometry: Geometry,
    pictures: &[(Quadrant, Vec<u8>)],
    passes: fn(&str),
) -> Result<(), LayerError> {
    let mut link = db.link().await;
    let mut patience = Patience::with(db.path());
    loop {
        let connection = link.connection().await;
        let connection = connection.map_err(|refusal| refused(db.path(), refusal))?;
        match put_all(connection, geometry, pictures, passes).await {
            Ok(()) => return Ok(()),
            Err(error) => {
                let _ = sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await;
                if !patience.lasts(&error).await {
                    return Err(refused(db.path(), error.into()));
                }
            }
        }
    }
}

async fn put_all(
    connection: &mut SqliteConnection,
    geometry: Geometry,
    pictures: &[(Quadrant, Vec<u8>)],
    passes: fn(&str),
) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut *connection)
        .await?;
    for (quadrant, bytes) in pictures {
        let updated = sqlx::query(
            "UPDATE quadrants SET generation = ?3 WHERE quadrant_x = ?1 AND quadrant_y = ?2",
        )
        .bind(quadrant.x)
        .bind(quadrant.y)
        .bind(&bytes[..])
        .execute(&mut *connection)
        .await?;
        if updated.rows_affected() == 0 {
            let place = geometry.anchor(*quadrant);
            sqlx::query(
                "INSERT INTO quadrants (quadrant_x, quadrant_y, lat, lng, tile_row, tile_col, quadrant_index, generation)
                 VALUES (?1, ?2, ?4, ?5, ?2, ?1, 0, ?3)",
            )
            .bind(quadrant.x)
            .bind(quadrant.y)
            .bind(&bytes[..])
            .bind(place.lat)
            .bind(place.lng)
            .execute(&mut *connection)
            .await?;
        }
        passes("published_one");
    }
    sqlx::raw_sql("COMMIT").execute(connection).await.map(drop)
}

/// Brings all that was written into the one file.
pub(super) async fn end(db: &QuadrantsDb) {
    if let Ok(connection) = db.link().await.connection().await {
        fold(connection).await;
    }
}

/// Brings the log into the database's one file. Who reads it just now may be in the way; then the
/// log stays beside it, and SQLite reads both.
async fn fold(connection: &mut SqliteConnection) {
    let _ = sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE")
        .execute(connection)
        .await;
}

/// Writes a page, and takes it back.
pub(super) async fn require_writable(db: &QuadrantsDb) -> Result<(), LayerError> {
    let mut link = db.link().await;
    let mut patience = Patience::with(db.path());
    loop {
        let connection = link.connection().await;
        let connection = connection.map_err(|refusal| refused(db.path(), refusal))?;
        let tried = sqlx::raw_sql(
            "BEGIN IMMEDIATE; CREATE TABLE write_test (a); DROP TABLE write_test; COMMIT",
        )
        .execute(&mut *connection)
        .await;
        let Err(error) = tried else { return Ok(()) };
        let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
        if !patience.lasts(&error).await {
            return Err(refused(db.path(), error.into()));
        }
    }
}

fn refused(path: &Path, refusal: Refusal) -> LayerError {
    let is_of_storage =
        refusal.kind == sqlite::RefusalKind::Disk || refusal.kind == sqlite::RefusalKind::ReadOnly;
    if is_of_storage {
        let reason = std::io::Error::other(refusal.reason);
        return io("write", path)(reason);
    }
    SourceError::refused(path, refusal).into()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    static TOLD: AtomicBool = AtomicBool::new(false);

    /// Rows that another program holds are no damaged ones, which are left out.
    #[tokio::test]
    async fn rows_of_a_source_that_is_held_are_waited_for() {
        sqlite::on_wait(|_| TOLD.store(true, Ordering::SeqCst));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("source.db");
        let table = "CREATE TABLE quadrants (quadrant_x, quadrant_y, lat, notes)";
        let mut other = sqlite::create(&path).await.unwrap();
        sqlx::raw_sql(table).execute(&mut other).await.unwrap();
        sqlx::raw_sql("INSERT INTO quadrants VALUES (1, 2, 40, 'a note')")
            .execute(&mut other)
            .await
            .unwrap();
        let mut own = sqlite::create(&dir.path().join("own.db")).await.unwrap();
        sqlx::raw_sql(table).execute(&mut own).await.unwrap();
        sqlite::attach(&mut own, &path, "source").await.unwrap();
        let hold = sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut other).await;
        hold.unwrap();
        let carrying = insert_of(
            &["lat", "notes"],
            "lat, notes",
            "JOIN source.quadrants AS source ON source.quadrant_x = wanted.value ->> 0",
        );
        let waiting = tokio::spawn(async move {
            let inserted = insert(&mut own, &path, &carrying, &[Quadrant::new(1, 2)]).await;
            assert!(is_carried(inserted).unwrap());
            let columns = columns_of(&mut own, &path, "source").await.unwrap();
            assert_eq!(columns.len(), 4);
            sqlx::query_scalar::<_, String>("SELECT notes FROM main.quadrants")
                .fetch_one(&mut own)
                .await
        });
        while !TOLD.load(Ordering::SeqCst) && !waiting.is_finished() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert!(!waiting.is_finished());
        other.close().await.unwrap();
        assert_eq!(waiting.await.unwrap().unwrap(), "a note");
    }
}
