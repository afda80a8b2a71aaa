//! The server: gRPC and HTTP on one port over one engine, and what a first start makes.

mod api;
pub mod caller;
mod closing;
pub mod config;
mod errors;
mod handlers;
mod http;
mod limits;
pub mod log_files;
pub mod offline;
mod oidc;
pub mod outbound;
mod port;
mod reads;
pub mod regions;
mod services;
pub mod signer;
mod stages;
pub mod start;
mod status_lists;
pub mod strays;
pub mod telemetry;
mod tls;
pub mod witness;
mod witnesses;

pub use config::{Config, ConfigError};
pub use limits::{LimitError, Limits};
pub use offline::{Offline, OfflineError};
pub use oidc::{Algorithm, OidcError, ProviderAt, Providers};
pub use port::Listen;
pub use regions::RegionTree;
pub use services::{Service, Services};
pub use signer::{Signer, Signing};
pub use start::{Running, Setup, StartError, serve};
pub use tls::{TlsError, TlsFiles};
pub use witnesses::{Behind, Cosigned, WitnessAt, Witnesses};
