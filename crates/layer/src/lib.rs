//! A layer directory: its configuration, paths, run lock and finished quadrants.
