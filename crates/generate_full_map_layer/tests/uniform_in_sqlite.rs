//! The same where a layer keeps its pictures in a database: the test layers of a program of this
//! name do.

#[path = "uniform/main.rs"]
mod uniform;
