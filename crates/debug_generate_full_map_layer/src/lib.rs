//! Draws a layer's plan and progress on a map.
