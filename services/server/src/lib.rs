//! The server: gRPC and HTTP on one port over one engine, and what a first start makes.

mod api;
pub mod caller;
mod closing;
pub mod config;
mod errors;
mod handlers;
mod http;
pub mod offline;
mod reads;
pub mod regions;
pub mod signer;
pub mod start;
pub mod telemetry;

pub use config::{Config, ConfigError};
pub use offline::{Offline, OfflineError};
pub use regions::RegionTree;
pub use signer::{Signer, Signing};
pub use start::{Running, Setup, StartError, serve};
