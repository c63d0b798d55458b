//! What is remembered of a finished picture.

/// What is remembered of a picture, so that it can be checked later without decoding it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureRecord {
    /// Its size.
    pub bytes: u64,
    /// Its BLAKE3, in hex.
    pub hash: String,
}

/// So much of a hash tells the pictures of one block apart.
const SHORT: usize = 16;

impl PictureRecord {
    /// The record of a picture with these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.len() as u64,
            hash: blake3::hash(bytes).to_hex().to_string(),
        }
    }

    /// The beginning of its hash, by which a call is known that has drawn it.
    pub(crate) fn short(&self) -> &str {
        self.hash.get(..SHORT).unwrap_or(&self.hash)
    }
}
