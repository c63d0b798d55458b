//! What a layer is made from: a source map, or another layer.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use planner::{Bounds, Quadrant, Region, Status};
use progress_db::ProgressDb;
use source_map::{
    Described, GenerationConfig, Geometry, Mark, QuadrantsDb, SourceError, SourceLayer, open_map,
};

use crate::blocking::blocking;
use crate::{LayerDir, LayerError, Storage};

/// The most bytes of one picture that are read.
pub(crate) const MAX_PICTURE_BYTES: u64 = 256 << 20;

/// Layers that are made from one another are followed so far.
const LONGEST_CHAIN: usize = 32;

/// The pictures that a layer is made from, open for reading.
#[derive(Debug)]
pub struct Source {
    dir: PathBuf,
    described: Described,
    pictures: SourcePictures,
    /// The names of what it was made from in turn, itself first.
    chain: Vec<String>,
    /// What is finished of it, where it is a layer.
    finished: Option<Finished>,
}

#[derive(Debug)]
enum SourcePictures {
    Quadrants(QuadrantsDb),
    Files(LayerDir),
}

#[derive(Debug)]
struct Finished {
    quadrants: HashSet<Quadrant>,
    planned: usize,
}

/// How a layer's configuration is found, and the names of what it was made from.
struct Found {
    described: Described,
    chain: Vec<String>,
}

impl Source {
    /// Opens `dir`: a layer, of either storage, or else a generation directory.
    ///
    /// # Errors
    /// [`LayerError`] when it is neither, or cannot be read.
    pub async fn open(dir: &Path) -> Result<Self, LayerError> {
        let layer = LayerDir::at(dir);
        if !is_layer(&layer) {
            let (described, quadrants) = open_map(dir).await?;
            let chain = vec![name_of_map(dir, &described.config)];
            return Ok(Self {
                dir: dir.to_owned(),
                described,
                pictures: SourcePictures::Quadrants(quadrants),
                chain,
                finished: None,
            });
        }
        let (config, _) = layer.read_config()?;
        let Found { described, chain } = describe(&layer).await?;
        let pictures = match config.storage {
            Storage::Files => SourcePictures::Files(layer.clone()),
            Storage::Sqlite => SourcePictures::Quadrants(QuadrantsDb::at(&layer.quadrants_path())),
        };
        let mut source = Self {
            dir: dir.to_owned(),
            described,
            pictures,
            chain,
            finished: None,
        };
        let mut progress = ProgressDb::open_read_only(&layer.progress_path()).await?;
        let items = progress.items().await?;
        progress.close().await?;
        let there: HashSet<Quadrant> = source.quadrants_with_pictures().await?.collect();
        let complete = items.iter().filter(|item| item.status == Status::Complete);
        let complete = complete.flat_map(|item| item.block.quadrants());
        source.finished = Some(Finished {
            quadrants: complete
                .filter(|quadrant| there.contains(quadrant))
                .collect(),
            planned: items
                .iter()
                .map(|item| item.block.quadrants().count())
                .sum(),
        });
        Ok(source)
    }

    async fn quadrants_with_pictures(
        &self,
    ) -> Result<impl Iterator<Item = Quadrant> + use<>, LayerError> {
        let quadrants = match &self.pictures {
            SourcePictures::Files(layer) => {
                let layer = layer.clone();
                blocking(move || layer.quadrants_with_pictures()).await?
            }
            SourcePictures::Quadrants(db) => {
                let region = db.region(SourceLayer::Generations, None).await?;
                region.quadrants().to_vec()
            }
        };
        Ok(quadrants.into_iter())
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The names of what this was made from in turn, itself first: `snow`, `nyc`.
    #[must_use]
    pub fn chain(&self) -> &[String] {
        &self.chain
    }

    /// Writes what makes a layer that is made from this a map by itself: `generation_config.json`,
    /// and `bounds.json` where there is one.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the system refuses.
    pub fn describe(&self, layer: &LayerDir) -> Result<(), LayerError> {
        let io = |action, path: PathBuf| {
            move |reason| LayerError::Io {
                action,
                path,
                reason,
            }
        };
        let path = layer.generation_config_path();
        std::fs::write(&path, &self.described.text).map_err(io("write", path))?;
        let outline = LayerDir::at(&self.dir).bounds_path();
        let is_there = std::fs::metadata(&outline).is_ok_and(|file| file.is_file());
        if is_there {
            let text = std::fs::read(&outline).map_err(io("read", outline))?;
            let path = layer.bounds_path();
            std::fs::write(&path, text).map_err(io("write", path))?;
        }
        Ok(())
    }

    /// The map's configuration as it was found.
    #[must_use]
    pub fn described(&self) -> &Described {
        &self.described
    }

    /// The map's configuration.
    #[must_use]
    pub fn config(&self) -> &GenerationConfig {
        &self.described.config
    }

    /// The hash of the configuration, the same however its JSON is laid out.
    #[must_use]
    pub fn config_hash(&self) -> &str {
        &self.described.hash
    }

    /// The map's place on the globe.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        Geometry::of(self.config())
    }

    /// Where the pictures are, for messages.
    #[must_use]
    pub fn place(&self) -> PathBuf {
        match &self.pictures {
            SourcePictures::Quadrants(db) => db.path().to_owned(),
            SourcePictures::Files(layer) => layer.pictures_dir(),
        }
    }

    /// The database of the pictures, where they are in one.
    #[must_use]
    pub fn quadrants(&self) -> Option<&QuadrantsDb> {
        match &self.pictures {
            SourcePictures::Quadrants(db) => Some(db),
            SourcePictures::Files(_) => None,
        }
    }

    /// Whether it is a layer, which has generations and no renders.
    #[must_use]
    pub fn is_layer(&self) -> bool {
        self.finished.is_some()
    }

    /// The directory of its pictures, where they are files named as those of a layer are.
    #[must_use]
    pub fn pictures_dir(&self) -> Option<PathBuf> {
        match &self.pictures {
            SourcePictures::Files(layer) => Some(layer.pictures_dir()),
            SourcePictures::Quadrants(_) => None,
        }
    }

    /// How many of a layer's quadrants are not finished, and how many it has; `None` when all are,
    /// and for a map.
    #[must_use]
    pub fn missing(&self) -> Option<(usize, usize)> {
        let finished = self.finished.as_ref()?;
        let missing = finished.planned.saturating_sub(finished.quadrants.len());
        (missing > 0).then_some((missing, finished.planned))
    }

    /// The quadrants that have a picture `of` this kind, within `bounds` if given: of a layer those
    /// that are finished. No picture is read for this.
    ///
    /// # Errors
    /// [`SourceError`] when they cannot be read.
    pub async fn region(
        &self,
        of: SourceLayer,
        bounds: Option<Bounds>,
    ) -> Result<Region, SourceError> {
        match (&self.finished, &self.pictures) {
            (None, SourcePictures::Quadrants(db)) => db.region(of, bounds).await,
            (Some(finished), _) if of == SourceLayer::Generations => {
                let quadrants = finished.quadrants.iter().copied();
                let is_inside =
                    |quadrant: &Quadrant| bounds.is_none_or(|bounds| bounds.contains(*quadrant));
                Ok(Region::from_quadrants(quadrants.filter(is_inside)))
            }
            _ => Ok(Region::from_quadrants([])),
        }
    }

    /// The quadrants of [`Self::region`], each with a number that changes when its picture does, as
    /// [`Pictures::stamps`](crate::Pictures::stamps) has them.
    ///
    /// # Errors
    /// [`LayerError`] when they cannot be read.
    pub async fn stamps(&self, of: SourceLayer) -> Result<Vec<(Quadrant, u64)>, LayerError> {
        let mut stamps = match &self.pictures {
            SourcePictures::Quadrants(db) => db.sizes(of).await?,
            SourcePictures::Files(layer) => {
                let layer = layer.clone();
                blocking(move || layer.picture_stamps()).await?
            }
        };
        if self.is_layer() {
            let finished = self.region(of, None).await?;
            stamps.retain(|&(quadrant, _)| finished.contains(quadrant));
        }
        Ok(stamps)
    }

    /// An error where the source does not say `mark` of quadrants: it has no such column, or its
    /// pictures are files.
    ///
    /// # Errors
    /// [`SourceError::NoMark`], and others when it cannot be read.
    pub async fn require_mark(&self, mark: &Mark) -> Result<(), SourceError> {
        match &self.pictures {
            SourcePictures::Quadrants(db) => db.require_mark(mark).await,
            SourcePictures::Files(layer) => Err(SourceError::NoMark {
                path: layer.pictures_dir(),
                column: mark.column(),
            }),
        }
    }

    /// Those of `quadrants` of which the source says `mark`, in no order.
    ///
    /// # Errors
    /// [`SourceError`] when it cannot be read.
    pub async fn marked(
        &self,
        mark: &Mark,
        quadrants: &[Quadrant],
    ) -> Result<Vec<Quadrant>, SourceError> {
        match &self.pictures {
            SourcePictures::Quadrants(db) => db.marked(mark, quadrants).await,
            SourcePictures::Files(_) => Ok(Vec::new()),
        }
    }

    /// The encoded picture of `quadrant` as it is stored; nothing is decoded.
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

    /// The encoded pictures of `quadrants`, in their order, as they are stored; nothing is decoded.
    ///
    /// # Errors
    /// [`SourceError`] when the source cannot be read. Of a single picture what is wrong with it.
    pub async fn pictures(
        &self,
        of: SourceLayer,
        quadrants: &[Quadrant],
    ) -> Result<Vec<Result<Vec<u8>, SourceError>>, SourceError> {
        match &self.pictures {
            SourcePictures::Quadrants(db) => db.pictures(of, quadrants).await,
            SourcePictures::Files(layer) => {
                let (layer, quadrants) = (layer.clone(), quadrants.to_vec());
                Ok(blocking(move || {
                    let pictures = quadrants.into_iter();
                    pictures.map(|quadrant| file_of(&layer, quadrant)).collect()
                })
                .await)
            }
        }
    }
}

fn file_of(layer: &LayerDir, quadrant: Quadrant) -> Result<Vec<u8>, SourceError> {
    let path = layer.picture_path(quadrant);
    // What waits for a writer, or never ends, is not read.
    let is_none = |file: &std::fs::Metadata| !file.is_file() || file.len() > MAX_PICTURE_BYTES;
    if std::fs::metadata(&path).as_ref().is_ok_and(is_none) {
        let reason = "it is no picture".to_owned();
        return Err(SourceError::Unreadable { path, reason });
    }
    match layer.read_picture(quadrant) {
        Ok(Some(picture)) => Ok(picture),
        Ok(None) => Err(SourceError::Gone { quadrant, path }),
        Err(LayerError::Io { reason, .. }) => Err(SourceError::Unreadable {
            path,
            reason: reason.to_string(),
        }),
        Err(error) => Err(SourceError::Unreadable {
            path,
            reason: error.to_string(),
        }),
    }
}

/// Whether there is a layer: what was left of one without its plan is no more than its pictures.
fn is_layer(layer: &LayerDir) -> bool {
    layer.config_path().exists() && layer.progress_path().exists()
}

fn name_of_map(dir: &Path, config: &GenerationConfig) -> String {
    if config.name.is_empty() {
        return directory_name(dir);
    }
    config.name.clone()
}

fn directory_name(dir: &Path) -> String {
    let name = dir.file_name().unwrap_or(dir.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Finds a layer's own configuration of its map, or else that of what it was made from.
async fn describe(layer: &LayerDir) -> Result<Found, LayerError> {
    let mut described = None;
    let mut chain = Vec::new();
    let mut layer = layer.clone();
    while chain.len() < LONGEST_CHAIN {
        let (config, _) = layer.read_config()?;
        chain.push(config.name.clone());
        if described.is_none() {
            described = own_description(&layer, config.storage).await?;
        }
        let dir = layer.generation_dir(&config);
        let next = LayerDir::at(&dir);
        if is_layer(&next) {
            layer = next;
            continue;
        }
        match open_map(&dir).await {
            Ok((of_map, _)) => {
                chain.push(name_of_map(&dir, &of_map.config));
                let described = described.unwrap_or(of_map);
                return Ok(Found { described, chain });
            }
            // What a layer was made from may be gone; it is a map by itself.
            Err(error) => {
                chain.push(directory_name(&dir));
                let described = described.ok_or(error)?;
                return Ok(Found { described, chain });
            }
        }
    }
    Err(LayerError::EndlessChain {
        path: layer.path().to_owned(),
    })
}

async fn own_description(
    layer: &LayerDir,
    storage: Storage,
) -> Result<Option<Described>, LayerError> {
    let path = layer.quadrants_path();
    if storage == Storage::Sqlite && path.exists() {
        let quadrants = QuadrantsDb::at(&path);
        if let Some(text) = quadrants.metadata("generation_config").await? {
            return Ok(Some(Described::parse(&path, text)?));
        }
    }
    Ok(Described::read(&layer.generation_config_path())?)
}
