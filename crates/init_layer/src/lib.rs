//! Plans a layer and writes its directory.
