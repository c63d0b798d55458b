//! A source map: one generation directory.

use std::path::{Path, PathBuf};

use planner::{Bounds, Quadrant, Region};
use serde_json::Value;
use sqlite::{Reader, Refusal};
use tokio::sync::Mutex;

use crate::{GenerationConfig, Geometry, SourceError};

/// Which of the two pictures of a quadrant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureColumn {
    /// `render`, the 3D render.
    Render,
    /// `generation`, the pixel art.
    Generation,
}

impl PictureColumn {
    /// The column's name in the table `quadrants`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Render => "render",
            Self::Generation => "generation",
        }
    }
}

/// The most bytes of one picture that are read.
const MAX_PICTURE_BYTES: i64 = 256 << 20;

/// A source map, open for reading.
#[derive(Debug)]
pub struct SourceMap {
    database: PathBuf,
    config: GenerationConfig,
    config_hash: String,
    // Reading a picture takes a fraction of a millisecond: one connection serves a run.
    connection: Mutex<Reader>,
}

impl SourceMap {
    /// Opens the generation directory `dir` and reads its configuration: the copy in the
    /// database's metadata, else `generation_config.json`.
    ///
    /// # Errors
    /// [`SourceError`] when `quadrants.db` is missing or no source map, or when the
    /// configuration is missing or makes no sense.
    pub async fn open(dir: &Path) -> Result<Self, SourceError> {
        let database = dir.join("quadrants.db");
        let mut connection = Reader::of(&database);
        let stored = config_in_metadata(&mut connection)
            .await
            .map_err(|refusal| SourceError::refused(&database, refusal))?;
        let (config_path, text) = if let Some(text) = stored {
            (database.clone(), text)
        } else {
            let path = dir.join("generation_config.json");
            match std::fs::read_to_string(&path) {
                Ok(text) => (path, text),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    return Err(SourceError::NoConfig { path: database });
                }
                Err(error) => {
                    let reason = error.to_string();
                    return Err(SourceError::Unreadable { path, reason });
                }
            }
        };
        let bad = |reason| SourceError::BadConfig {
            path: config_path.clone(),
            reason,
        };
        let value: Value = serde_json::from_str(&text).map_err(|error| {
            bad(format!(
                "it cannot be read as JSON from line {}, column {} on",
                error.line(),
                error.column()
            ))
        })?;
        let config = GenerationConfig::from_json(&value).map_err(bad)?;
        let config_hash = blake3::hash(canonical(&value).as_bytes())
            .to_hex()
            .to_string();
        Ok(Self {
            database,
            config,
            config_hash,
            connection: Mutex::new(connection),
        })
    }

    /// The map's configuration.
    #[must_use]
    pub fn config(&self) -> &GenerationConfig {
        &self.config
    }

    /// The hash of the configuration, the same however its JSON is laid out.
    #[must_use]
    pub fn config_hash(&self) -> &str {
        &self.config_hash
    }

    /// The map's place on the globe.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        Geometry::of(&self.config)
    }

    /// The database file, for messages.
    #[must_use]
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// The quadrants that have a picture in `column`, within `bounds` if given. No picture is
    /// read for this.
    ///
    /// # Errors
    /// [`SourceError`] when the database cannot be read or holds a place that is none.
    pub async fn region(
        &self,
        column: PictureColumn,
        bounds: Option<Bounds>,
    ) -> Result<Region, SourceError> {
        let mut connection = self.connection.lock().await;
        // One text for all places is several times faster to fetch than a million rows, and
        // `IS NOT NULL` is answered from a row's header. `is_generated` would be dearer: it
        // stands behind the pictures, so SQLite would have to walk through them.
        let sql = match column {
            PictureColumn::Render => {
                "SELECT group_concat(quadrant_x || ' ' || quadrant_y) FROM quadrants WHERE render IS NOT NULL"
            }
            PictureColumn::Generation => {
                "SELECT group_concat(quadrant_x || ' ' || quadrant_y) FROM quadrants WHERE generation IS NOT NULL"
            }
        };
        let mut rows: Vec<(Option<String>,)> = connection
            .rows(|| sqlx::query_as(sql))
            .await
            .map_err(|refusal| SourceError::refused(&self.database, refusal))?;
        let places = rows.pop().and_then(|(places,)| places).unwrap_or_default();
        let mut quadrants = Vec::new();
        for place in places.split_terminator(',') {
            let quadrant = parse_place(place).ok_or_else(|| SourceError::BadPlace {
                path: self.database.clone(),
                place: place.chars().take(80).collect(),
            })?;
            if bounds.is_none_or(|bounds| bounds.contains(quadrant)) {
                quadrants.push(quadrant);
            }
        }
        Ok(Region::from_quadrants(quadrants))
    }

    /// The encoded picture of `quadrant` as it stands in the database; nothing is decoded.
    ///
    /// # Errors
    /// As [`Self::pictures`].
    pub async fn picture(
        &self,
        column: PictureColumn,
        quadrant: Quadrant,
    ) -> Result<Vec<u8>, SourceError> {
        let mut pictures = self.pictures(column, &[quadrant]).await?;
        pictures.pop().expect("there is one for each quadrant")
    }

    /// The encoded pictures of `quadrants`, in their order, as they stand in the database;
    /// nothing is decoded. In one query, because each is a round trip to another thread.
    ///
    /// # Errors
    /// [`SourceError`] when the database cannot be read. Of a single picture
    /// [`SourceError::Gone`], [`SourceError::NoPicture`], [`SourceError::PictureTooLarge`] or
    /// [`SourceError::DamagedPicture`].
    pub async fn pictures(
        &self,
        column: PictureColumn,
        quadrants: &[Quadrant],
    ) -> Result<Vec<Result<Vec<u8>, SourceError>>, SourceError> {
        let mut reader = self.connection.lock().await;
        let rows = match self.read(&mut reader, column, quadrants).await {
            Ok(rows) => rows,
            // One damaged page is the misfortune of the picture that lies on it.
            Err(error) if is_of_pages(&error) => {
                let mut pictures = Vec::with_capacity(quadrants.len());
                for &quadrant in quadrants {
                    pictures.push(self.read_alone(&mut reader, column, quadrant).await?);
                }
                return Ok(pictures);
            }
            Err(Unread::NotOpened(error)) => return Err(error),
            Err(Unread::Refused(refusal)) => {
                return Err(SourceError::refused(&self.database, refusal));
            }
        };
        let pictures = quadrants.iter().zip(rows);
        Ok(pictures
            .map(|(&quadrant, row)| self.picture_of(column, quadrant, row))
            .collect())
    }

    /// One picture of those that cannot be read together.
    async fn read_alone(
        &self,
        reader: &mut Reader,
        column: PictureColumn,
        quadrant: Quadrant,
    ) -> Result<Result<Vec<u8>, SourceError>, SourceError> {
        match self.read(reader, column, &[quadrant]).await {
            Ok(mut rows) => {
                let row = rows.pop().expect("there is one for each quadrant");
                Ok(self.picture_of(column, quadrant, row))
            }
            Err(Unread::Refused(refusal)) if refusal.kind.is_of_pages() => {
                Ok(Err(SourceError::DamagedPicture {
                    quadrant,
                    column: column.name(),
                    path: self.database.clone(),
                    reason: refusal.reason,
                }))
            }
            Err(Unread::Refused(refusal)) => Err(SourceError::refused(&self.database, refusal)),
            Err(Unread::NotOpened(error)) => Err(error),
        }
    }

    async fn read(
        &self,
        reader: &mut Reader,
        column: PictureColumn,
        quadrants: &[Quadrant],
    ) -> Result<Vec<PictureRow>, Unread> {
        // That the database cannot be opened is the fault of none of the pictures.
        let opened = reader.connection().await.map(drop);
        opened
            .map_err(|refusal| Unread::NotOpened(SourceError::refused(&self.database, refusal)))?;
        read_pictures(reader, column, quadrants)
            .await
            .map_err(Unread::Refused)
    }

    fn picture_of(
        &self,
        column: PictureColumn,
        quadrant: Quadrant,
        row: PictureRow,
    ) -> Result<Vec<u8>, SourceError> {
        let path = self.database.clone();
        let column = column.name();
        match row {
            PictureRow { found: false, .. } => Err(SourceError::Gone { quadrant, path }),
            PictureRow { bytes: None, .. } => Err(SourceError::NoPicture {
                quadrant,
                column,
                path,
            }),
            PictureRow {
                bytes: Some(bytes),
                picture: None,
                ..
            } => Err(SourceError::PictureTooLarge {
                quadrant,
                column,
                path,
                bytes,
                limit: MAX_PICTURE_BYTES,
            }),
            PictureRow {
                picture: Some(picture),
                ..
            } => Ok(picture),
        }
    }
}

/// Why pictures could not be read.
enum Unread {
    /// The database cannot be opened (any more).
    NotOpened(SourceError),
    /// It is open, and refused.
    Refused(Refusal),
}

fn is_of_pages(unread: &Unread) -> bool {
    matches!(unread, Unread::Refused(refusal) if refusal.kind.is_of_pages())
}

/// What there is of a quadrant.
#[derive(sqlx::FromRow)]
struct PictureRow {
    /// The index of the quadrant among those that are asked for.
    place: i64,
    found: bool,
    /// The picture's length; `None` when it is NULL.
    bytes: Option<i64>,
    /// Its bytes, unless there are too many.
    picture: Option<Vec<u8>>,
}

async fn read_pictures(
    reader: &mut Reader,
    column: PictureColumn,
    quadrants: &[Quadrant],
) -> Result<Vec<PictureRow>, Refusal> {
    let sql = match column {
        PictureColumn::Render => {
            "SELECT place.key AS place, quadrant_x IS NOT NULL AS found, length(render) AS bytes,
                    CASE WHEN length(render) <= ?2 THEN CAST(render AS BLOB) END AS picture
             FROM json_each(?1) AS place LEFT JOIN quadrants
               ON quadrant_x = place.value ->> 0 AND quadrant_y = place.value ->> 1"
        }
        PictureColumn::Generation => {
            "SELECT place.key AS place, quadrant_x IS NOT NULL AS found, length(generation) AS bytes,
                    CASE WHEN length(generation) <= ?2 THEN CAST(generation AS BLOB) END AS picture
             FROM json_each(?1) AS place LEFT JOIN quadrants
               ON quadrant_x = place.value ->> 0 AND quadrant_y = place.value ->> 1"
        }
    };
    let places: Vec<[i32; 2]> = quadrants.iter().map(|place| [place.x, place.y]).collect();
    let places = Value::from(places).to_string();
    let query = || {
        sqlx::query_as(sql)
            .bind(places.as_str())
            .bind(MAX_PICTURE_BYTES)
    };
    let mut rows: Vec<PictureRow> = reader.rows(query).await?;
    // Sorted here, SQLite need not carry the pictures through a sort of its own.
    rows.sort_by_key(|row| row.place);
    Ok(rows)
}

async fn config_in_metadata(reader: &mut Reader) -> Result<Option<String>, Refusal> {
    let tables: Vec<(i64,)> = reader
        .rows(|| sqlx::query_as("SELECT 1 FROM sqlite_schema WHERE name = 'metadata'"))
        .await?;
    if tables.is_empty() {
        return Ok(None);
    }
    let mut values: Vec<(String,)> = reader
        .rows(|| sqlx::query_as("SELECT CAST(value AS TEXT) FROM metadata WHERE key = 'generation_config' AND value IS NOT NULL LIMIT 1"))
        .await?;
    Ok(values.pop().map(|(value,)| value))
}

fn parse_place(place: &str) -> Option<Quadrant> {
    let (x, y) = place.split_once(' ')?;
    Some(Quadrant::new(x.parse().ok()?, y.parse().ok()?))
}

/// JSON with sorted keys and no spaces.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entries: Vec<String> = entries
                .into_iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_does_not_depend_on_the_order_of_keys() {
        let a: Value =
            serde_json::from_str(r#"{"b": [1, {"y": 2, "x": "\""}], "a": null}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{"a":null,"b":[1,{"x":"\"","y":2}]}"#).unwrap();
        assert_eq!(canonical(&a), canonical(&b));
        assert_eq!(canonical(&a), r#"{"a":null,"b":[1,{"x":"\"","y":2}]}"#);
    }

    #[test]
    fn a_place_is_two_whole_numbers() {
        assert_eq!(parse_place("-3 14"), Some(Quadrant::new(-3, 14)));
        for bad in ["", "3", "a b", "1.5 2", "99999999999 0", "1 2 3"] {
            assert_eq!(parse_place(bad), None, "{bad}");
        }
    }
}
