//! The vault: the only place where people have names.
//!
//! Events and tables know a person as a random id and as keyed tags. What identifies them is sealed under a key of
//! their own, that key is wrapped, and the wrapped key lies in a file apart from the database: take it away and the
//! person is erased everywhere, backups of the database included, while the log still verifies. Keyed tags answer
//! "the same person?" without saying who.
//!
//! Nothing personal and no key appears in `Debug`, `Display` or an error. Nothing here reads a clock or draws
//! randomness; both come in from the caller.

mod error;
mod identity;
mod kek;
mod kms;
mod mac;
mod owner;
mod page;
mod person;
mod rotation;
mod seal;
mod secrets;
mod status;
mod tags;
mod wrapped;

pub use error::VaultError;
pub use identity::Identity;
pub use kek::{KekId, KekInfo, list as list_keks};
pub use kms::{FileKms, Kms, Wrapped};
pub use owner::Owner;
pub use person::{BadPersonal, PersonName, PhoneNumber};
pub use rotation::{Rotated, rotate_kek};
pub use seal::{DataKey, Nonce, PersonRecord, open, open_bytes, seal, seal_bytes};
pub use secrets::Secrets;
pub use tags::{Salt, Sealed, commitment};
pub use wrapped::WrappedKeys;
