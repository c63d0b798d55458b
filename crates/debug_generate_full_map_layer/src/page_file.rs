//! Putting the page on disk.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use layer::LayerDir;
use url::Url;

/// Writes `page` to `path`, whole or not at all: whoever has the page open never loads half of
/// one.
///
/// # Errors
/// When the system refuses; what was at `path` is untouched then.
pub fn write_page(path: &Path, page: &str) -> Result<()> {
    write_whole(path, page.as_bytes())
}

/// Writes `bytes` to `path`, whole or not at all.
///
/// # Errors
/// When the system refuses; what was at `path` is untouched then.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(".debug_map")
            .suffix(".part")
            // What the user's umask leaves of it, not the 0600 of a temporary file.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(directory_of(path)?)?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// The address that leads from a page at `page` to `pictures_dir`, relative and with a slash at
/// its end.
///
/// # Errors
/// When one of the two has no place: the directory that the page goes into must exist.
pub fn pictures_url(page: &Path, pictures_dir: &Path) -> Result<String> {
    let page_dir = directory_of(page)?;
    let page_dir = page_dir.canonicalize().with_context(|| {
        format!(
            "there is no directory {} to write the page into",
            page_dir.display()
        )
    })?;
    // Pictures may not be there yet, or be elsewhere by a link that must not be looked through.
    let pictures_dir = match (pictures_dir.parent(), pictures_dir.file_name()) {
        (Some(layer), Some(name)) => layer
            .canonicalize()
            .map_or_else(|_| pictures_dir.to_owned(), |layer| layer.join(name)),
        _ => pictures_dir.to_owned(),
    };
    let address = |path: &Path| {
        Url::from_directory_path(path)
            .map_err(|()| anyhow!("{} has no address for a browser", path.display()))
    };
    let relative = address(&page_dir)?
        .make_relative(&address(&pictures_dir)?)
        .with_context(|| format!("no way leads from the page to {}", pictures_dir.display()))?;
    // A first part with a colon in it would be taken for a scheme.
    Ok(if relative.starts_with("..") {
        relative
    } else {
        format!("./{relative}")
    })
}

fn directory_of(path: &Path) -> Result<PathBuf> {
    if path.is_dir() || path.file_name().is_none() {
        bail!(
            "{} is a directory; --output names the page itself, as in {}",
            path.display(),
            LayerDir::at(path).map_path().display()
        );
    }
    Ok(match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_linked_from_wherever_the_page_is() {
        let root = tempfile::tempdir().unwrap();
        let layer = root.path().join("layers/winter 1");
        std::fs::create_dir_all(&layer).unwrap();
        std::fs::create_dir_all(root.path().join("out/a:b")).unwrap();
        let url =
            |page: &str| pictures_url(&root.path().join(page), &layer.join("generations")).unwrap();
        assert_eq!(url("layers/winter 1/debug_map.html"), "./generations/");
        assert_eq!(url("layers/map.html"), "./winter%201/generations/");
        assert_eq!(
            url("out/a:b/map.html"),
            "../../layers/winter%201/generations/"
        );
        let error = pictures_url(&root.path().join("nowhere/map.html"), &layer).unwrap_err();
        assert!(error.to_string().contains("there is no directory"));
    }

    #[test]
    fn a_page_gets_the_mode_that_any_new_file_gets() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("plain"), "").unwrap();
        write_page(&dir.path().join("map.html"), "page").unwrap();
        let mode = |name| {
            let metadata = std::fs::metadata(dir.path().join(name)).unwrap();
            metadata.permissions().mode()
        };
        assert_eq!(mode("map.html"), mode("plain"));
        assert_eq!(
            std::fs::read_dir(dir.path()).unwrap().count(),
            2,
            "no part stays"
        );
    }
}
