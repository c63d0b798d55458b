//! Earlier pictures of blocks, which are kept beside the finished ones.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use planner::{Block, Quadrant};
use serde::{Deserialize, Serialize};

use crate::blocking::blocking;
use crate::pictures::{BlockPictures, io, read_regular};
use crate::{LayerDir, LayerError, Pictures};

/// Pictures of blocks, in numbered versions: `{x}_{y}/{version}/{x}_{y}.png` below a directory,
/// where the first `{x}_{y}` is the block's top-left quadrant. A version has all that was whole of a
/// block, or is not there. The directory itself may be a link to another disk; links in it are refused.
#[derive(Debug, Clone)]
pub struct KeptPictures {
    root: PathBuf,
}

/// Where pictures of a block are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// Among the earlier ones, [`LayerDir::candidates`].
    Candidates,
    /// Among those that were not good enough, [`LayerDir::rejected`].
    Rejected,
}

impl Kept {
    /// The name of the directory.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Candidates => "candidates",
            Self::Rejected => "rejected",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Candidates, Self::Rejected];
        all.into_iter().find(|kept| kept.name() == name)
    }
}

/// How bad a rejected answer is: stands beside its pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HowBad {
    /// The larger, the worse.
    pub badness: f64,
    /// The same for people.
    pub told: String,
}

/// The file of [`HowBad`].
const HOW_BAD: &str = "how_bad.json";

impl LayerDir {
    /// What is kept there.
    #[must_use]
    pub fn kept(&self, from: Kept) -> KeptPictures {
        match from {
            Kept::Candidates => self.candidates(),
            Kept::Rejected => self.rejected(),
        }
    }

    /// `candidates/`: earlier pictures of blocks that were drawn again.
    #[must_use]
    pub fn candidates(&self) -> KeptPictures {
        let root = self.path().join(Kept::Candidates.name());
        KeptPictures { root }
    }

    /// `rejected/`: the best answer for each block of which none was good enough.
    #[must_use]
    pub fn rejected(&self) -> KeptPictures {
        KeptPictures {
            root: self.rejected_dir(),
        }
    }
}

impl KeptPictures {
    fn dir_of(&self, block: Block) -> PathBuf {
        let Quadrant { x, y } = block.top_left;
        self.root.join(format!("{x}_{y}"))
    }

    /// Where a version is, for messages.
    #[must_use]
    pub fn place_of(&self, block: Block, version: u32) -> PathBuf {
        self.dir_of(block).join(version.to_string())
    }

    /// The directory of a block where there is one; what is no directory of its own is refused.
    fn own_dir_of(&self, block: Block) -> Result<Option<PathBuf>, LayerError> {
        if !self.is_there()? {
            return Ok(None);
        }
        let (root, path) = (self.root.clone(), self.dir_of(block));
        match fs::symlink_metadata(&path) {
            Ok(own) if own.is_dir() => Ok(Some(path)),
            // What a link leads to is somebody else's.
            Ok(own) if own.is_symlink() => Err(LayerError::Link { path, root }),
            Ok(_) => Err(LayerError::NotADirectory { path }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io("read", &path)(error)),
        }
    }

    /// Whether there is a directory, or a link to one; anything else in its place is refused.
    fn is_there(&self) -> Result<bool, LayerError> {
        let path = self.root.clone();
        match (fs::symlink_metadata(&path), fs::metadata(&path)) {
            (Err(error), _) if error.kind() == ErrorKind::NotFound => Ok(false),
            (Err(error), _) => Err(io("read", &path)(error)),
            (Ok(_), Ok(root)) if root.is_dir() => Ok(true),
            (Ok(own), _) if own.is_symlink() => Err(LayerError::LeadsNowhere { path }),
            (Ok(_), _) => Err(LayerError::NotADirectory { path }),
        }
    }

    /// The top left quadrants of the blocks of which something is kept, in no order.
    ///
    /// # Errors
    /// [`LayerError`] when the directory cannot be read, or something else is in its place.
    pub fn blocks(&self) -> Result<Vec<Quadrant>, LayerError> {
        if !self.is_there()? {
            return Ok(Vec::new());
        }
        let names = names_in(&self.root)?;
        let quadrant = |name: String| LayerDir::quadrant_of_picture(&format!("{name}.png"));
        Ok(names.into_iter().filter_map(quadrant).collect())
    }

    /// The versions of a block, from the first.
    ///
    /// # Errors
    /// [`LayerError`] when the directory cannot be read, or something else is in its place.
    pub fn versions(&self, block: Block) -> Result<Vec<u32>, LayerError> {
        let Some(dir) = self.own_dir_of(block)? else {
            return Ok(Vec::new());
        };
        let names = names_in(&dir)?;
        let number = |name: String| {
            let number = name.parse::<u32>().ok()?;
            (name == number.to_string()).then_some(number)
        };
        let mut versions: Vec<u32> = names.into_iter().filter_map(number).collect();
        versions.sort_unstable();
        Ok(versions)
    }

    /// The pictures of a version; `None` when one of them is not there.
    ///
    /// # Errors
    /// [`LayerError::Io`] when one cannot be read.
    pub fn read(&self, block: Block, version: u32) -> Result<Option<BlockPictures>, LayerError> {
        let mut pictures = Vec::with_capacity(4);
        for quadrant in block.quadrants() {
            match self.read_picture(block, version, quadrant)? {
                Some(picture) => pictures.push((quadrant, picture)),
                None => return Ok(None),
            }
        }
        Ok(Some(pictures))
    }

    /// The picture of one quadrant of a version; `None` when it is not there.
    ///
    /// # Errors
    /// [`LayerError::Io`] when it cannot be read.
    pub fn read_picture(
        &self,
        block: Block,
        version: u32,
        quadrant: Quadrant,
    ) -> Result<Option<Vec<u8>>, LayerError> {
        let dir = self.place_of(block, version);
        let is_own = |dir: &Path| fs::symlink_metadata(dir).is_ok_and(|dir| dir.is_dir());
        // What a link leads to is somebody else's.
        if ![&self.dir_of(block), &dir]
            .into_iter()
            .all(|dir| is_own(dir))
        {
            return Ok(None);
        }
        let picture = read_regular(&dir.join(LayerDir::picture_name(quadrant)))?;
        Ok(picture.filter(|bytes| !bytes.is_empty()))
    }

    /// Keeps the finished pictures of those quadrants of a block that are `whole`, unless a version has
    /// the same bytes of them; the version that has them then, or `None` when there are none, or one is
    /// not there. It is durable after [`KeptPictures::sync`].
    ///
    /// # Errors
    /// [`LayerError`] when they cannot be read or kept.
    pub async fn keep(
        &self,
        block: Block,
        whole: &[Quadrant],
        pictures: &Pictures,
    ) -> Result<Option<u32>, LayerError> {
        if whole.is_empty() {
            return Ok(None);
        }
        let mut bytes = BlockPictures::new();
        let versions = self.versions(block)?;
        let may_link = matches!(pictures, Pictures::Files(_));
        if !may_link || !versions.is_empty() {
            for &quadrant in whole {
                match pictures.read_what_is_whole(quadrant).await? {
                    Some(picture) => bytes.push((quadrant, picture)),
                    None => return Ok(None),
                }
            }
            for &version in &versions {
                if self.has(block, version, &bytes)? {
                    return Ok(Some(version));
                }
            }
        }
        let (next, staged, place) = self.stage_next(block, &versions)?;
        for &quadrant in whole {
            let to = staged.join(LayerDir::picture_name(quadrant));
            if pictures.link(quadrant, &to) {
                continue;
            }
            let picture = match bytes.iter().find(|(at, _)| *at == quadrant) {
                Some((_, picture)) => Some(picture.clone()),
                None => pictures.read_what_is_whole(quadrant).await?,
            };
            let Some(picture) = picture else {
                let _ = fs::remove_dir_all(&staged);
                return Ok(None);
            };
            blocking(move || write_synced(&to, &picture)).await?;
        }
        fs::rename(&staged, &place).map_err(io("rename", &place))?;
        Ok(Some(next))
    }

    /// Whether a version has these pictures.
    fn has(&self, block: Block, version: u32, these: &BlockPictures) -> Result<bool, LayerError> {
        for (quadrant, bytes) in these {
            if self.read_picture(block, version, *quadrant)?.as_ref() != Some(bytes) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Keeps `pictures` of a block in place of all that was kept of it. Whoever dies meanwhile leaves
    /// the earlier ones, or both.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the system refuses.
    pub fn replace(
        &self,
        block: Block,
        pictures: &[(Quadrant, Vec<u8>)],
    ) -> Result<(), LayerError> {
        self.replace_all(block, pictures, None)
    }

    /// The same, and beside them how bad they are.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the system refuses.
    pub fn replace_rejected(
        &self,
        block: Block,
        pictures: &[(Quadrant, Vec<u8>)],
        how_bad: &HowBad,
    ) -> Result<(), LayerError> {
        self.replace_all(block, pictures, Some(how_bad))
    }

    fn replace_all(
        &self,
        block: Block,
        pictures: &[(Quadrant, Vec<u8>)],
        how_bad: Option<&HowBad>,
    ) -> Result<(), LayerError> {
        let earlier = self.versions(block)?;
        let (_, staged, place) = self.stage_next(block, &earlier)?;
        for (quadrant, bytes) in pictures {
            write_synced(&staged.join(LayerDir::picture_name(*quadrant)), bytes)?;
        }
        if let Some(how_bad) = how_bad {
            let how_bad = serde_json::to_vec(how_bad).expect("numbers and text can be written");
            write_synced(&staged.join(HOW_BAD), &how_bad)?;
        }
        fs::rename(&staged, &place).map_err(io("rename", &place))?;
        for version in earlier {
            let dir = self.place_of(block, version);
            fs::remove_dir_all(&dir).map_err(io("remove", &dir))?;
        }
        Ok(())
    }

    /// How bad the pictures are that were kept by [`KeptPictures::replace_rejected`]; `None` where nobody has
    /// written it down.
    ///
    /// # Errors
    /// [`LayerError::Io`] when it cannot be read.
    pub fn how_bad(&self, block: Block, version: u32) -> Result<Option<HowBad>, LayerError> {
        let path = self.place_of(block, version).join(HOW_BAD);
        let written = read_regular(&path)?;
        Ok(written.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// The version after `versions`, which are those of the block: its number, an empty directory to
    /// write it to, and its place.
    fn stage_next(
        &self,
        block: Block,
        versions: &[u32],
    ) -> Result<(u32, PathBuf, PathBuf), LayerError> {
        let next = versions.last().map_or(1, |last| last.saturating_add(1));
        let dir = self.dir_of(block);
        let staged = dir.join(format!(".{next}.part"));
        let _ = fs::remove_dir_all(&staged);
        fs::create_dir_all(&staged).map_err(io("make the directory", &staged))?;
        Ok((next, staged, dir.join(next.to_string())))
    }

    /// Removes all that was kept of a block.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the system refuses.
    pub fn remove(&self, block: Block) -> Result<(), LayerError> {
        let dir = self.dir_of(block);
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(io("remove", &dir)),
        }
    }

    /// Makes all that was kept durable.
    ///
    /// # Errors
    /// [`LayerError::Io`] when the system refuses.
    pub async fn sync(&self) -> Result<(), LayerError> {
        let root = self.root.clone();
        if !root.exists() {
            return Ok(());
        }
        // One wait for thousands of directories.
        blocking(move || {
            let dir = fs::File::open(&root).map_err(io("open", &root))?;
            #[cfg(target_os = "linux")]
            rustix::fs::syncfs(&dir).map_err(|error| io("sync", &root)(error.into()))?;
            #[cfg(not(target_os = "linux"))]
            rustix::fs::sync();
            dir.sync_all().map_err(io("sync", &root))
        })
        .await
    }
}

/// The names in a directory.
fn names_in(dir: &Path) -> Result<Vec<String>, LayerError> {
    let entries = fs::read_dir(dir).map_err(io("read", dir))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(io("read", dir))?.file_name();
        names.extend(name.into_string());
    }
    Ok(names)
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), LayerError> {
    let write = || {
        let mut file = fs::File::create(path)?;
        std::io::Write::write_all(&mut file, bytes)?;
        file.sync_all()
    };
    write().map_err(io("write", path))
}
