//! The wire protocols, through the real program, against servers that read the raw requests.

mod check;
mod gemini;
mod multipart;
mod openai;
mod openai_urls;
mod options;
mod readme;
mod sdapi;
mod secrets;
mod servers;
mod sizes;
mod support;
mod trust;
