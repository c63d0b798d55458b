//! What all pages have in common: Leaflet, the style sheet, the looks, and scripts over data.

use anyhow::{Context, Result};
use serde::Serialize;

use crate::Leaflet;
use crate::leaflet::{CDN, SCRIPT_INTEGRITY, STYLE_INTEGRITY};
use crate::looks::{self, LOOKS};

/// What `templates/head.html` and `templates/scripts.html` are filled with.
pub(crate) struct Frame<'a> {
    pub(crate) leaflet: &'a Leaflet,
    pub(crate) cdn: &'static str,
    pub(crate) script_integrity: &'static str,
    pub(crate) style_integrity: &'static str,
    pub(crate) style: &'static str,
    pub(crate) looks_style: String,
    pub(crate) looks: String,
    pub(crate) data: String,
    pub(crate) scripts: Vec<&'static str>,
}

impl<'a> Frame<'a> {
    /// A page whose `scripts`, in the order in which they build on each other, show `data`.
    ///
    /// # Errors
    /// When the data is not plain.
    pub(crate) fn of(
        leaflet: &'a Leaflet,
        data: &impl Serialize,
        scripts: Vec<&'static str>,
    ) -> Result<Self> {
        Ok(Self {
            leaflet,
            cdn: CDN,
            script_integrity: SCRIPT_INTEGRITY,
            style_integrity: STYLE_INTEGRITY,
            style: include_str!("../assets/page.css"),
            looks_style: looks::style(),
            looks: script_json(&LOOKS)?,
            data: script_json(data)?,
            scripts,
        })
    }
}

/// JSON that can stand in a `<script>`: nothing in it ends the element or opens a comment.
fn script_json(value: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string(value).context("cannot write the page's data as JSON")?;
    Ok(json.replace('<', "\\u003c"))
}
