//! The base map under the layer.

use anyhow::{Result, bail};
use serde::Serialize;

/// Tiles under the layer. They are a bonus: the page works without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BaseMap {
    /// The tiles' address with `{z}`, `{x}` and `{y}`.
    url: String,
    /// The same for a dark page.
    dark_url: String,
    /// Who made them, as HTML of our own.
    attribution: &'static str,
    /// Whether they are shown before anybody asks.
    shown: bool,
}

impl BaseMap {
    /// The base map that `--tiles` asks for, or the default one; `None` when it asks for none.
    /// An `offline` page shows the default one only when asked to, so that it needs no network.
    ///
    /// # Errors
    /// When the address is not one of tiles.
    pub fn new(tiles: Option<&str>, offline: bool) -> Result<Option<Self>> {
        match tiles {
            None => {
                let url = |style: &str| {
                    format!(
                        "https://{{s}}.basemaps.cartocdn.com/{style}/{{z}}/{{x}}/{{y}}{{r}}.png"
                    )
                };
                Ok(Some(Self {
                    url: url("light_all"),
                    dark_url: url("dark_all"),
                    attribution: "&copy; <a href=\"https://www.openstreetmap.org/copyright\">OpenStreetMap</a> contributors &copy; <a href=\"https://carto.com/attributions\">CARTO</a>",
                    shown: !offline,
                }))
            }
            Some("none") => Ok(None),
            Some(url) => {
                if let Some(missing) = ["{z}", "{x}", "{y}"]
                    .iter()
                    .find(|key| !url.contains(**key))
                {
                    bail!(
                        "--tiles {url:?} has no {missing}; an address looks like https://tile.example.org/{{z}}/{{x}}/{{y}}.png, and \"none\" is for no tiles"
                    );
                }
                Ok(Some(Self {
                    url: url.to_owned(),
                    dark_url: url.to_owned(),
                    attribution: "",
                    shown: true,
                }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_place_for_the_tile_is_refused() {
        let error = BaseMap::new(Some("https://a/{z}/{x}.png"), false).unwrap_err();
        assert!(error.to_string().contains("has no {y}"), "{error}");
        assert_eq!(BaseMap::new(Some("none"), false).unwrap(), None);
        let own = BaseMap::new(Some("https://a/{z}/{y}/{x}"), true)
            .unwrap()
            .unwrap();
        assert!(own.shown, "what was asked for is shown");
    }

    #[test]
    fn an_offline_page_asks_for_no_tiles_by_itself() {
        assert!(!BaseMap::new(None, true).unwrap().unwrap().shown);
        assert!(BaseMap::new(None, false).unwrap().unwrap().shown);
    }
}
