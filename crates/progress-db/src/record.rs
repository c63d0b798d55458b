//! What is remembered of a finished picture.

/// What is remembered of a picture, so that it can be checked later without decoding it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureRecord {
    /// Its size.
    pub bytes: u64,
    /// Its BLAKE3, in hex.
    pub hash: String,
}

impl PictureRecord {
    /// The record of a picture with these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.len() as u64,
            hash: blake3::hash(bytes).to_hex().to_string(),
        }
    }
}
