//! Versions of blocks' pictures, as they are named on a command line.

use std::str::FromStr;

use planner::Quadrant;

/// Versions of the pictures of the blocks that hold these quadrants; the newest where no number is
/// given. Written as in `12,-3 20,5@2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions(pub Vec<(Quadrant, Option<u32>)>);

impl FromStr for Versions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let version = |word: &str| match word.split_once('@') {
            None => Ok((quadrant_named(word)?, None)),
            Some((at, version)) => {
                let version = version.parse();
                let bad = |_| format!("{word:?} names no version; one is written as in 12,-3@2");
                Ok((quadrant_named(at)?, Some(version.map_err(bad)?)))
            }
        };
        let versions = text.split_whitespace().map(version);
        let versions = versions.collect::<Result<Vec<_>, String>>()?;
        match versions.is_empty() {
            true => Err("it names no quadrant".to_owned()),
            false => Ok(Self(versions)),
        }
    }
}

/// The quadrant that a text like `12,-3` names.
///
/// # Errors
/// A line that says how one is written.
pub fn quadrant_named(text: &str) -> Result<Quadrant, String> {
    let (x, y) = text.split_once(',').unwrap_or((text, ""));
    match (x.trim().parse(), y.trim().parse()) {
        (Ok(x), Ok(y)) => Ok(Quadrant::new(x, y)),
        _ => Err(format!(
            "{text:?} is no quadrant; one is written as in 12,-3"
        )),
    }
}
