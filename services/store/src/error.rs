//! What can go wrong with a database, by what the caller has to do about it.
//!
//! A lost guard or a taken key is no error: see [`Outcome`](crate::Outcome).

/// The result of every call of this crate.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Cloneable, because one failed commit answers many callers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nothing was written. Try again.
    #[error("the store is unavailable, nothing was written: {what}")]
    Unavailable { what: String },

    /// The connection failed at COMMIT. Lock the heads on a new connection ([`crate::Store::locked`])
    /// and look for the request ids.
    #[error("outcome unknown, the commit was not answered: {what}")]
    OutcomeUnknown { what: String },

    /// The disk failed under the database file. Its connection is closed; the process must end, for
    /// after a failed sync no later answer of the file system can be believed.
    #[error("the database file failed, this process must end: {what}")]
    Fatal { what: String },

    /// A row that this software cannot have written: our bug or somebody's tampering.
    #[error("corrupt row: {table}.{column} of {key}")]
    Corrupt {
        table: &'static str,
        column: &'static str,
        key: String,
    },

    /// The caller handed over what no engine may hold: a bug of the caller's. Nothing was written.
    #[error("not storable: {table}.{column} of {key} {why}")]
    Invalid {
        table: &'static str,
        column: &'static str,
        key: String,
        why: &'static str,
    },

    /// Another process serves this database file.
    #[error("{path} is in use by another process (its lock file is held)")]
    InUse { path: String },

    /// An operator has to act: a wrong address, a missing schema, missing rights, an old server.
    #[error("{what}")]
    Setup { what: String },
}

impl StoreError {
    pub(crate) fn unavailable(what: impl std::fmt::Display) -> Self {
        Self::Unavailable {
            what: what.to_string(),
        }
    }

    pub(crate) fn unknown(what: impl std::fmt::Display) -> Self {
        Self::OutcomeUnknown {
            what: what.to_string(),
        }
    }

    pub(crate) fn fatal(what: impl std::fmt::Display) -> Self {
        Self::Fatal {
            what: what.to_string(),
        }
    }

    pub(crate) fn setup(what: impl std::fmt::Display) -> Self {
        Self::Setup {
            what: what.to_string(),
        }
    }

    pub(crate) fn corrupt(
        table: &'static str,
        column: &'static str,
        key: impl Into<String>,
    ) -> Self {
        Self::Corrupt {
            table,
            column,
            key: key.into(),
        }
    }
}
