//! Own data over HTTP.
