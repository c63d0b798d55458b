//! Servers of the protocols that only these tests speak.

pub(crate) mod gemini;
pub(crate) mod multipart;
pub(crate) mod openai;
pub(crate) mod sdapi;
