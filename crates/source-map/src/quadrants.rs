//! The table `quadrants` of a `quadrants.db`: which quadrants there are, and their pictures.

use std::path::{Path, PathBuf};

use planner::{Bounds, Quadrant, Region};
use serde_json::Value;
use sqlite::{Link, Reader, Refusal};
use tokio::sync::{Mutex, MutexGuard};

use crate::{Mark, SourceError, SourceLayer};

/// The most bytes of one picture that are read.
const MAX_PICTURE_BYTES: i64 = 256 << 20;

/// A `quadrants.db`, of whomever it is.
#[derive(Debug)]
pub struct QuadrantsDb {
    path: PathBuf,
    // Reading a picture takes a fraction of a millisecond: one connection serves a run.
    link: Mutex<Link>,
}

impl QuadrantsDb {
    /// The database at `path`, which is opened when it is first read, and never changed.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self::over(path, Link::Reader(Reader::of(path)))
    }

    /// The database at `path`, over a connection to it.
    #[must_use]
    pub fn over(path: &Path, link: Link) -> Self {
        Self {
            path: path.to_owned(),
            link: Mutex::new(link),
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The connection, for who wrote the database.
    pub async fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().await
    }

    /// Closes the connection.
    ///
    /// # Errors
    /// [`SourceError`] when the system refuses.
    pub async fn close(self) -> Result<(), SourceError> {
        let closed = self.link.into_inner().close().await;
        closed.map_err(|refusal| SourceError::refused(&self.path, refusal))
    }

    /// The value of `key` in the table `metadata`, if both are there.
    ///
    /// # Errors
    /// [`SourceError`] when the database cannot be read.
    pub async fn metadata(&self, key: &str) -> Result<Option<String>, SourceError> {
        let mut link = self.link.lock().await;
        let value = metadata(&mut link, key).await;
        value.map_err(|refusal| SourceError::refused(&self.path, refusal))
    }

    /// The quadrants that have a picture `of` this kind, within `bounds` if given. No picture is
    /// read for this.
    ///
    /// # Errors
    /// [`SourceError`] when the database cannot be read or holds a quadrant that is none.
    pub async fn region(
        &self,
        of: SourceLayer,
        bounds: Option<Bounds>,
    ) -> Result<Region, SourceError> {
        let mut link = self.link.lock().await;
        // One text for all quadrants is several times faster to fetch than a million rows, and
        // `IS NOT NULL` is answered from a row's header. `is_generated` would be dearer: it
        // stands behind the pictures, so SQLite would have to walk through them.
        let sql = match of {
            SourceLayer::Renders => {
                "SELECT group_concat(quadrant_x || ' ' || quadrant_y) FROM quadrants WHERE render IS NOT NULL"
            }
            SourceLayer::Generations => {
                "SELECT group_concat(quadrant_x || ' ' || quadrant_y) FROM quadrants WHERE generation IS NOT NULL"
            }
        };
        let mut rows: Vec<(Option<String>,)> = link
            .rows(|| sqlx::query_as(sql))
            .await
            .map_err(|refusal| SourceError::refused(&self.path, refusal))?;
        let pairs = rows.pop().and_then(|(pairs,)| pairs).unwrap_or_default();
        let mut quadrants = Vec::new();
        for pair in pairs.split_terminator(',') {
            let quadrant = parse_quadrant(pair).ok_or_else(|| SourceError::BadQuadrant {
                path: self.path.clone(),
                pair: pair.chars().take(80).collect(),
            })?;
            if bounds.is_none_or(|bounds| bounds.contains(quadrant)) {
                quadrants.push(quadrant);
            }
        }
        Ok(Region::from_quadrants(quadrants))
    }

    /// The quadrants that have a picture in `of`, in no order, each with the picture's size in
    /// bytes. No picture is read.
    ///
    /// # Errors
    /// As [`Self::region`].
    pub async fn sizes(&self, of: SourceLayer) -> Result<Vec<(Quadrant, u64)>, SourceError> {
        // A row's header tells the size, as it tells what is NULL.
        let sql = match of {
            SourceLayer::Renders => {
                "SELECT group_concat(quadrant_x || ' ' || quadrant_y || ' ' || length(render)) FROM quadrants WHERE render IS NOT NULL"
            }
            SourceLayer::Generations => {
                "SELECT group_concat(quadrant_x || ' ' || quadrant_y || ' ' || length(generation)) FROM quadrants WHERE generation IS NOT NULL"
            }
        };
        let mut link = self.link.lock().await;
        let mut rows: Vec<(Option<String>,)> = link
            .rows(|| sqlx::query_as(sql))
            .await
            .map_err(|refusal| SourceError::refused(&self.path, refusal))?;
        let rows = rows.pop().and_then(|(rows,)| rows).unwrap_or_default();
        let sized = |row: &str| {
            let (pair, size) = row.rsplit_once(' ')?;
            Some((parse_quadrant(pair)?, size.parse().ok()?))
        };
        rows.split_terminator(',')
            .map(|row| {
                sized(row).ok_or_else(|| SourceError::BadQuadrant {
                    path: self.path.clone(),
                    pair: row.chars().take(80).collect(),
                })
            })
            .collect()
    }

    /// An error where the table has no column for `mark`.
    ///
    /// # Errors
    /// [`SourceError::NoMark`], and others when the database cannot be read.
    pub async fn require_mark(&self, mark: &Mark) -> Result<(), SourceError> {
        let column = mark.column();
        let sql = "SELECT count(*) FROM pragma_table_xinfo('quadrants') WHERE lower(name) = ?1";
        let mut link = self.link.lock().await;
        let found: Vec<(i64,)> = link
            .rows(|| sqlx::query_as(sql).bind(column))
            .await
            .map_err(|refusal| SourceError::refused(&self.path, refusal))?;
        if found == [(0,)] {
            let path = self.path.clone();
            return Err(SourceError::NoMark { path, column });
        }
        Ok(())
    }

    /// Those of `quadrants` of which the table says `mark`, in no order. No picture is read, though
    /// SQLite passes over those that stand before the column.
    ///
    /// # Errors
    /// [`SourceError`] when the database cannot be read. A row on a damaged page says nothing.
    pub async fn marked(
        &self,
        mark: &Mark,
        quadrants: &[Quadrant],
    ) -> Result<Vec<Quadrant>, SourceError> {
        let mut link = self.link.lock().await;
        let refused = |refusal| SourceError::refused(&self.path, refusal);
        match read_marked(&mut link, mark, quadrants).await {
            Err(refusal) if refusal.kind.is_of_pages() => {}
            marked => return marked.map_err(refused),
        }
        let mut marked = Vec::new();
        for quadrant in quadrants.chunks(1) {
            match read_marked(&mut link, mark, quadrant).await {
                Err(refusal) if refusal.kind.is_of_pages() => {}
                found => marked.extend(found.map_err(refused)?),
            }
        }
        Ok(marked)
    }

    /// The encoded picture of `quadrant` as it stands in the database; nothing is decoded.
    ///
    /// # Errors
    /// As [`Self::pictures`].
    pub async fn picture(
        &self,
        of: SourceLayer,
        quadrant: Quadrant,
    ) -> Result<Vec<u8>, SourceError> {
        let mut pictures = self.pictures(of, &[quadrant]).await?;
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
        of: SourceLayer,
        quadrants: &[Quadrant],
    ) -> Result<Vec<Result<Vec<u8>, SourceError>>, SourceError> {
        let mut link = self.link.lock().await;
        let rows = match self.read(&mut link, of, quadrants).await {
            Ok(rows) => rows,
            // One damaged page is the misfortune of the picture that lies on it.
            Err(error) if is_of_pages(&error) => {
                let mut pictures = Vec::with_capacity(quadrants.len());
                for &quadrant in quadrants {
                    pictures.push(self.read_alone(&mut link, of, quadrant).await?);
                }
                return Ok(pictures);
            }
            Err(Unread::NotOpened(error)) => return Err(error),
            Err(Unread::Refused(refusal)) => {
                return Err(SourceError::refused(&self.path, refusal));
            }
        };
        let pictures = quadrants.iter().zip(rows);
        Ok(pictures
            .map(|(&quadrant, row)| self.picture_of(of, quadrant, row))
            .collect())
    }

    /// One picture of those that cannot be read together.
    async fn read_alone(
        &self,
        link: &mut Link,
        of: SourceLayer,
        quadrant: Quadrant,
    ) -> Result<Result<Vec<u8>, SourceError>, SourceError> {
        match self.read(link, of, &[quadrant]).await {
            Ok(mut rows) => {
                let row = rows.pop().expect("there is one for each quadrant");
                Ok(self.picture_of(of, quadrant, row))
            }
            Err(Unread::Refused(refusal)) if refusal.kind.is_of_pages() => {
                Ok(Err(SourceError::DamagedPicture {
                    quadrant,
                    column: of.column(),
                    path: self.path.clone(),
                    reason: refusal.reason,
                }))
            }
            Err(Unread::Refused(refusal)) => Err(SourceError::refused(&self.path, refusal)),
            Err(Unread::NotOpened(error)) => Err(error),
        }
    }

    async fn read(
        &self,
        link: &mut Link,
        of: SourceLayer,
        quadrants: &[Quadrant],
    ) -> Result<Vec<PictureRow>, Unread> {
        // That the database cannot be opened is the fault of none of the pictures.
        let opened = link.connection().await.map(drop);
        opened.map_err(|refusal| Unread::NotOpened(SourceError::refused(&self.path, refusal)))?;
        read_pictures(link, of, quadrants)
            .await
            .map_err(Unread::Refused)
    }

    fn picture_of(
        &self,
        of: SourceLayer,
        quadrant: Quadrant,
        row: PictureRow,
    ) -> Result<Vec<u8>, SourceError> {
        let path = self.path.clone();
        let column = of.column();
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
    number: i64,
    found: bool,
    /// The picture's length; `None` when it is NULL.
    bytes: Option<i64>,
    /// Its bytes, unless there are too many.
    picture: Option<Vec<u8>>,
}

async fn read_pictures(
    link: &mut Link,
    of: SourceLayer,
    quadrants: &[Quadrant],
) -> Result<Vec<PictureRow>, Refusal> {
    let sql = match of {
        SourceLayer::Renders => {
            "SELECT wanted.key AS number, quadrant_x IS NOT NULL AS found, length(render) AS bytes,
                    CASE WHEN length(render) <= ?2 THEN CAST(render AS BLOB) END AS picture
             FROM json_each(?1) AS wanted LEFT JOIN quadrants
               ON quadrant_x = wanted.value ->> 0 AND quadrant_y = wanted.value ->> 1"
        }
        SourceLayer::Generations => {
            "SELECT wanted.key AS number, quadrant_x IS NOT NULL AS found, length(generation) AS bytes,
                    CASE WHEN length(generation) <= ?2 THEN CAST(generation AS BLOB) END AS picture
             FROM json_each(?1) AS wanted LEFT JOIN quadrants
               ON quadrant_x = wanted.value ->> 0 AND quadrant_y = wanted.value ->> 1"
        }
    };
    let wanted: Vec<[i32; 2]> = quadrants.iter().map(|at| [at.x, at.y]).collect();
    let wanted = Value::from(wanted).to_string();
    let query = || {
        sqlx::query_as(sql)
            .bind(wanted.as_str())
            .bind(MAX_PICTURE_BYTES)
    };
    let mut rows: Vec<PictureRow> = link.rows(query).await?;
    // Sorted here, SQLite need not carry the pictures through a sort of its own.
    rows.sort_by_key(|row| row.number);
    Ok(rows)
}

async fn read_marked(
    link: &mut Link,
    mark: &Mark,
    quadrants: &[Quadrant],
) -> Result<Vec<Quadrant>, Refusal> {
    let (sql, value) = match mark {
        Mark::IsWater => (
            "SELECT wanted.key FROM json_each(?1) AS wanted JOIN quadrants
               ON quadrant_x = wanted.value ->> 0 AND quadrant_y = wanted.value ->> 1
             WHERE CAST(is_water AS INTEGER) = 1 AND ?2 IS NULL",
            None,
        ),
        Mark::WaterType(value) => (
            "SELECT wanted.key FROM json_each(?1) AS wanted JOIN quadrants
               ON quadrant_x = wanted.value ->> 0 AND quadrant_y = wanted.value ->> 1
             WHERE CASE WHEN ?2 IS NULL THEN trim(CAST(water_type AS TEXT)) <> ''
               ELSE CAST(water_type AS TEXT) = ?2 END",
            value.as_deref(),
        ),
    };
    let wanted: Vec<[i32; 2]> = quadrants.iter().map(|at| [at.x, at.y]).collect();
    let wanted = Value::from(wanted).to_string();
    let keys: Vec<(i64,)> = link
        .rows(|| sqlx::query_as(sql).bind(wanted.as_str()).bind(value))
        .await?;
    let keys = keys.into_iter().filter_map(|(key,)| key.try_into().ok());
    Ok(keys.map(|key: usize| quadrants[key]).collect())
}

async fn metadata(link: &mut Link, key: &str) -> Result<Option<String>, Refusal> {
    let tables: Vec<(i64,)> = link
        .rows(|| sqlx::query_as("SELECT 1 FROM sqlite_schema WHERE name = 'metadata'"))
        .await?;
    if tables.is_empty() {
        return Ok(None);
    }
    let value = "SELECT CAST(value AS TEXT) FROM metadata WHERE key = ?1 AND value IS NOT NULL";
    let mut values: Vec<(String,)> = link.rows(|| sqlx::query_as(value).bind(key)).await?;
    Ok(values.pop().map(|(value,)| value))
}

fn parse_quadrant(pair: &str) -> Option<Quadrant> {
    let (x, y) = pair.split_once(' ')?;
    Some(Quadrant::new(x.parse().ok()?, y.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quadrant_is_two_whole_numbers() {
        assert_eq!(parse_quadrant("-3 14"), Some(Quadrant::new(-3, 14)));
        for bad in ["", "3", "a b", "1.5 2", "99999999999 0", "1 2 3"] {
            assert_eq!(parse_quadrant(bad), None, "{bad}");
        }
    }
}
