//! Finished quadrants: files in `generations/`, or rows of `quadrants.db`.

mod database;
mod files;

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use planner::{Block, Quadrant};
use progress_db::PictureRecord;
use source_map::{Geometry, QuadrantsDb, SourceError, SourceLayer};

use crate::blocking::blocking;
use crate::{LayerDir, LayerError, Source, Storage};
pub(crate) use database::create;
use files::StagedFile;
pub(crate) use files::{io, link_regular, read_regular};

/// Encoded pictures of a block's quadrants.
pub type BlockPictures = Vec<(Quadrant, Vec<u8>)>;

/// How a picture on disk compares with what is remembered of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureState {
    /// As it was written.
    Whole,
    /// Not there.
    Missing,
    /// There, with other bytes.
    Damaged,
}

/// The finished pictures of a layer.
#[derive(Debug)]
pub enum Pictures {
    /// Files in `generations/`.
    Files(LayerDir),
    /// Rows of `quadrants.db`.
    Database {
        /// The database.
        db: Box<QuadrantsDb>,
        /// Where quadrants lie, of which there is no row.
        geometry: Geometry,
        /// The file that was opened.
        file: Option<FileId>,
    },
}

/// A picture that is about to be published.
#[derive(Debug)]
pub enum StagedPicture {
    /// It is written and synced under its temporary name.
    File(StagedFile),
    /// It is kept.
    Bytes(Quadrant, Vec<u8>),
}

impl Pictures {
    /// Those of a layer, to be read. `geometry` is that of the layer.
    #[must_use]
    pub fn of(layer: &LayerDir, storage: Storage, geometry: Geometry) -> Self {
        match storage {
            Storage::Files => Self::Files(layer.clone()),
            Storage::Sqlite => Self::Database {
                db: Box::new(QuadrantsDb::at(&layer.quadrants_path())),
                geometry,
                file: None,
            },
        }
    }

    /// Where they are, for messages.
    #[must_use]
    pub fn place(&self) -> PathBuf {
        match self {
            Self::Files(layer) => layer.pictures_dir(),
            Self::Database { db, .. } => db.path().to_owned(),
        }
    }

    /// Where that of `quadrant` is, for messages.
    #[must_use]
    pub fn place_of(&self, quadrant: Quadrant) -> String {
        match self {
            Self::Files(layer) => layer.picture_path(quadrant).display().to_string(),
            Self::Database { db, .. } => format!("{} in {}", quadrant, db.path().display()),
        }
    }

    /// The quadrants of which there are pictures, in no order. No picture is read.
    ///
    /// # Errors
    /// [`LayerError`] when the place cannot be read.
    pub async fn quadrants(&self) -> Result<Vec<Quadrant>, LayerError> {
        match self {
            Self::Files(layer) => {
                let layer = layer.clone();
                blocking(move || layer.quadrants_with_pictures()).await
            }
            Self::Database { db, .. } => {
                let region = db.region(SourceLayer::Generations, None).await?;
                Ok(region.quadrants().to_vec())
            }
        }
    }

    /// For each quadrant of which there is a picture a number that changes when the picture does:
    /// of a file its size and time, of a row its size. No picture is read.
    ///
    /// # Errors
    /// [`LayerError`] when the place cannot be read.
    pub async fn stamps(&self) -> Result<Vec<(Quadrant, u64)>, LayerError> {
        match self {
            Self::Files(layer) => {
                let layer = layer.clone();
                blocking(move || layer.picture_stamps()).await
            }
            Self::Database { db, .. } => Ok(db.sizes(SourceLayer::Generations).await?),
        }
    }

    /// The quadrants of which there is something that may be a picture.
    ///
    /// # Errors
    /// [`LayerError`] when the place cannot be read.
    pub async fn quadrants_to_keep(&self) -> Result<HashSet<Quadrant>, LayerError> {
        let mut quadrants: HashSet<Quadrant> = self.quadrants().await?.into_iter().collect();
        if let Self::Files(layer) = self {
            quadrants.retain(|&quadrant| layer.may_have_picture(quadrant));
        }
        Ok(quadrants)
    }

    /// The bytes of the picture of `quadrant`; `None` when there is none.
    ///
    /// # Errors
    /// [`LayerError`] when it is there and cannot be read.
    pub async fn read(&self, quadrant: Quadrant) -> Result<Option<Vec<u8>>, LayerError> {
        match self {
            Self::Files(layer) => {
                let layer = layer.clone();
                blocking(move || layer.read_picture(quadrant)).await
            }
            Self::Database { db, .. } => {
                match db.picture(SourceLayer::Generations, quadrant).await {
                    Ok(bytes) => Ok(Some(bytes)),
                    Err(SourceError::Gone { .. } | SourceError::NoPicture { .. }) => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// As [`Self::read`], for those who are not trusted with the layer: a file counts only when
    /// it is a regular one in its own place, and nothing else is waited for.
    ///
    /// # Errors
    /// [`LayerError`] when it is there and cannot be read.
    pub async fn read_regular(&self, quadrant: Quadrant) -> Result<Option<Vec<u8>>, LayerError> {
        match self {
            Self::Files(layer) => {
                let layer = layer.clone();
                blocking(move || layer.read_regular_picture(quadrant)).await
            }
            Self::Database { .. } => self.read(quadrant).await,
        }
    }

    /// Makes `to` another name of the file of `quadrant`, where that can be done: pictures of a
    /// database, and files on another disk, have to be copied.
    #[must_use]
    pub fn link(&self, quadrant: Quadrant, to: &Path) -> bool {
        match self {
            Self::Files(layer) => link_regular(&layer.picture_path(quadrant), to),
            Self::Database { .. } => false,
        }
    }

    /// Compares the picture of `quadrant` with what is remembered of it.
    ///
    /// # Errors
    /// [`LayerError`] when its place cannot be read.
    pub async fn check(
        &self,
        quadrant: Quadrant,
        record: &PictureRecord,
    ) -> Result<PictureState, LayerError> {
        if let Self::Files(layer) = self
            && let Some(bytes) = layer.picture_bytes(quadrant)
            && bytes != record.bytes
        {
            return Ok(PictureState::Damaged);
        }
        Ok(match self.read_what_is_whole(quadrant).await? {
            Some(bytes) if PictureRecord::of(&bytes) == *record => PictureState::Whole,
            Some(_) => PictureState::Damaged,
            None => PictureState::Missing,
        })
    }

    /// As [`Self::read`]; a row on a damaged page of the database counts as none.
    ///
    /// # Errors
    /// [`LayerError`] when the place as a whole cannot be read.
    pub async fn read_what_is_whole(
        &self,
        quadrant: Quadrant,
    ) -> Result<Option<Vec<u8>>, LayerError> {
        match self.read(quadrant).await {
            Err(LayerError::Source(
                SourceError::DamagedPicture { .. } | SourceError::PictureTooLarge { .. },
            )) => Ok(None),
            read => read,
        }
    }

    /// The pictures of all quadrants of a block, as [`Self::read_what_is_whole`]; `None` when one is
    /// not there.
    ///
    /// # Errors
    /// [`LayerError`] when the place as a whole cannot be read.
    pub async fn read_block(&self, block: Block) -> Result<Option<BlockPictures>, LayerError> {
        let mut pictures = Vec::with_capacity(4);
        for quadrant in block.quadrants() {
            match self.read_what_is_whole(quadrant).await? {
                Some(picture) => pictures.push((quadrant, picture)),
                None => return Ok(None),
            }
        }
        Ok(Some(pictures))
    }

    /// Takes a picture that is to be published: a file is written and synced under its temporary
    /// name.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the system refuses; nothing is left behind.
    pub fn stage(&self, quadrant: Quadrant, bytes: Vec<u8>) -> Result<StagedPicture, LayerError> {
        match self {
            Self::Files(layer) => Ok(StagedPicture::File(layer.stage_picture(quadrant, &bytes)?)),
            Self::Database { .. } => Ok(StagedPicture::Bytes(quadrant, bytes)),
        }
    }

    /// Publishes pictures: when this returns they are durable, in their place. `passes` is told
    /// `published_one` for each picture that is in its place, before it is durable.
    ///
    /// # Errors
    /// [`LayerError`] when the system refuses.
    pub async fn publish(
        &self,
        staged: Vec<StagedPicture>,
        passes: fn(&str),
    ) -> Result<(), LayerError> {
        let (mut files, mut rows) = (Vec::new(), Vec::new());
        for picture in staged {
            match picture {
                StagedPicture::File(file) => files.push(file),
                StagedPicture::Bytes(quadrant, bytes) => rows.push((quadrant, bytes)),
            }
        }
        match self {
            Self::Files(layer) => {
                let layer = layer.clone();
                blocking(move || {
                    for file in files {
                        file.publish()?;
                        passes("published_one");
                    }
                    layer.sync_pictures(Storage::Files)
                })
                .await
            }
            Self::Database { db, geometry, file } => {
                database::put(db, *geometry, &rows, passes).await?;
                // SQLite writes on to a file that was moved or removed under its hands.
                if FileId::of(db.path()) != *file {
                    return Err(LayerError::Moved {
                        path: db.path().to_owned(),
                    });
                }
                Ok(())
            }
        }
    }

    /// An error when pictures could not be written.
    ///
    /// # Errors
    /// [`LayerError`] with what the system says.
    pub async fn require_writable(&self) -> Result<(), LayerError> {
        match self {
            Self::Files(layer) => {
                let layer = layer.clone();
                blocking(move || layer.require_writable_pictures()).await
            }
            Self::Database { db, .. } => database::require_writable(db).await,
        }
    }

    /// Ends writing: all pictures of a database are in its one file then, unless another program
    /// is reading it.
    pub async fn end(&self) {
        if let Self::Database { db, .. } = self {
            database::end(db).await;
        }
    }
}

impl LayerDir {
    /// The finished pictures of a layer, ready to be written. What another tool left out is made:
    /// `generations/`, or a `quadrants.db` with a row for each of `quadrants`; what a run that
    /// died left behind is removed. `complete` is how many items are complete.
    ///
    /// # Errors
    /// [`LayerError::PicturesGone`] when the place has vanished with their pictures; [`LayerError`]
    /// when the system refuses.
    pub async fn open_pictures(
        &self,
        storage: Storage,
        complete: usize,
        source: &Source,
        quadrants: impl FnOnce() -> Vec<Quadrant>,
    ) -> Result<Pictures, LayerError> {
        let geometry = source.geometry();
        match storage {
            Storage::Files => {
                self.require_pictures_dir(complete)?;
                self.remove_stale_parts()?;
                Ok(Pictures::Files(self.clone()))
            }
            Storage::Sqlite => {
                let path = self.quadrants_path();
                if !path.exists() {
                    if complete > 0 {
                        return Err(LayerError::PicturesGone {
                            path,
                            complete,
                            remedy: "plan the layer anew with init_layer --rebuild, and all of it is made again",
                        });
                    }
                    self.create_quadrants(source, &quadrants()).await?;
                }
                let file = FileId::of(&path);
                let db = Box::new(database::open(&path).await?);
                Ok(Pictures::Database { db, geometry, file })
            }
        }
    }

    /// Adds a row to `quadrants.db` for each of `quadrants` that has none, with what the source says of
    /// it. One that is not there is left to the next run, which makes it.
    ///
    /// # Errors
    /// [`LayerError`] when it cannot be written.
    pub async fn add_quadrants(
        &self,
        source: &Source,
        quadrants: &[Quadrant],
    ) -> Result<(), LayerError> {
        let path = self.quadrants_path();
        match path.exists() {
            true => database::add(&path, source, quadrants).await,
            false => Ok(()),
        }
    }

    /// Makes `quadrants.db` with a row for each of `quadrants` and no picture: not there, or whole
    /// and durable but for its name. Returns how many rows of the source could not be read.
    ///
    /// # Errors
    /// [`LayerError`] when it cannot be written.
    pub async fn create_quadrants(
        &self,
        source: &Source,
        quadrants: &[Quadrant],
    ) -> Result<usize, LayerError> {
        let path = self.quadrants_path();
        let mut staged = path.clone();
        staged.set_extension("db.part");
        let made = create(&staged, source, quadrants).await;
        let published = made.and_then(|unread| {
            std::fs::rename(&staged, &path).map_err(files::io("rename", &path))?;
            Ok(unread)
        });
        if published.is_err() {
            let _ = std::fs::remove_file(&staged);
        }
        published
    }
}

/// Tells a file from others, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    fn of(path: &Path) -> Option<Self> {
        let file = std::fs::metadata(path).ok()?;
        Some(Self {
            device: file.dev(),
            inode: file.ino(),
        })
    }
}
