//! What a run does when something goes wrong: the real program, real files, servers and disks
//! that fail. FAULTS.md says which test shows what.

mod answers;
mod audience;
mod databases;
mod endpoints;
mod fleet;
mod kill;
mod lacking;
mod locks;
mod outage;
mod poison;
mod secrets;
mod signals;
mod sources;
mod storage;
pub(crate) mod support;
