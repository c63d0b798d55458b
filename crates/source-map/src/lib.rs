//! Reads a generation directory: its quadrants, their pictures, their place on the globe.
