//! The plan and its progress in progress.db; what may run next.
