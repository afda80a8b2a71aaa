//! A pooled connection that never goes back to its pool inside a transaction.

use super::failure;
use crate::error::Result;
use sqlx::pool::PoolConnection;
use sqlx::{Executor, PgConnection, Postgres};

#[derive(Debug)]
pub(crate) struct Conn {
    conn: PoolConnection<Postgres>,
    in_transaction: bool,
}

impl Conn {
    pub(crate) fn new(conn: PoolConnection<Postgres>) -> Conn {
        Conn {
            conn,
            in_transaction: false,
        }
    }

    pub(crate) async fn begin(&mut self, begin: &'static str) -> Result<()> {
        self.in_transaction = true; // from here on the connection's state is only known when told
        self.as_mut().execute(begin).await.map_err(failure)?;
        Ok(())
    }

    /// The caller maps the error: it is no ordinary one.
    pub(crate) async fn commit(&mut self) -> Result<(), sqlx::Error> {
        self.as_mut().execute("COMMIT").await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Nothing is written, whether the server hears of it or not.
    pub(crate) async fn roll_back(&mut self) -> Result<()> {
        if self.as_mut().execute("ROLLBACK").await.is_ok() {
            self.in_transaction = false;
        }
        Ok(())
    }
}

impl AsMut<PgConnection> for Conn {
    fn as_mut(&mut self) -> &mut PgConnection {
        &mut self.conn
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        if self.in_transaction {
            self.conn.close_on_drop(); // the server rolls back when it is gone
        }
    }
}
