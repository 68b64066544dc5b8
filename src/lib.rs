//! Waybill takes an application's data out of its database, proves that all of it is there, and puts
//! it back.
//!
//! `model` the words · `seal` the proof · `rpc` the seam between page and server · `ui` the page ·
//! `server` everything that never reaches the browser. Arrows point from right to left.
#![recursion_limit = "256"]

pub mod model;
pub mod seal;
#[cfg(feature = "ssr")]
pub mod server;
