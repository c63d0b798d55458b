//! Where the page gets Leaflet from.

use std::path::Path;

use anyhow::{Context, Result, bail};

/// The address of Leaflet's files, and their hashes, so that nothing else is run in their place
/// (<https://www.w3.org/TR/SRI/>).
pub(crate) const CDN: &str = "https://unpkg.com/leaflet@1.9.4/dist/";
pub(crate) const SCRIPT_INTEGRITY: &str = "sha256-20nQCchB9co0qIjJZRGuk2/Z9VM+kNiyxNV1lvTlZBo=";
pub(crate) const STYLE_INTEGRITY: &str = "sha256-p4NxAoJBhIIN+hmNHrzRCf9tD/miZyoHS5obTRR9BMY=";

/// Where the page gets Leaflet from.
#[derive(Debug, Clone)]
pub enum Leaflet {
    /// A content delivery network, when the page is opened.
    Cdn,
    /// The page itself.
    Embedded {
        /// `leaflet.js`, fit to stand in a `<script>`.
        script: String,
        /// `leaflet.css`, fit to stand in a `<style>`.
        style: String,
    },
}

impl Leaflet {
    /// Leaflet's files in `dir` or in `dist/` below it, where its package has them.
    ///
    /// # Errors
    /// When they are in neither, or are not Leaflet.
    pub fn from_dir(dir: &Path) -> Result<Self> {
        let places = [dir.to_owned(), dir.join("dist")];
        let Some(place) = places
            .iter()
            .find(|place| place.join("leaflet.js").is_file())
        else {
            bail!(
                "there is no leaflet.js in {} or {}; npm install leaflet@1.9.4 puts it into node_modules/leaflet/dist",
                places[0].display(),
                places[1].display()
            );
        };
        let read = |name: &str| {
            let path = place.join(name);
            std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))
        };
        let (script, style) = (read("leaflet.js")?, read("leaflet.css")?);
        if !script.contains("latLngToContainerPoint") || !style.contains(".leaflet-") {
            bail!(
                "leaflet.js and leaflet.css in {} are not Leaflet's; npm install leaflet@1.9.4 brings them",
                place.display()
            );
        }
        let script: String = script
            .lines()
            .filter(|line| !line.starts_with("//# sourceMappingURL="))
            .flat_map(|line| [line, "\n"])
            .collect();
        Ok(Self::Embedded {
            // Within a string or a comment, where alone this can stand, `<\/` is `</`.
            script: script
                .replace("</script", "<\\/script")
                .replace("<!--", "<\\!--"),
            style: style.replace("</style", "<\\/style"),
        })
    }
}
