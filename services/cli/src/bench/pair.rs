//! Two processes of the server on the same regions: what they do together, in relation to what one did in the same round.

use std::sync::Arc;

use anyhow::Context as _;

use super::Plan;
use super::bed::{Bed, CONNECTIONS};
use super::load::{self, Jobs};
use super::place::Engine;
use super::report::in_words;
use super::server::Server;
use super::stock;
use super::wire::Wire;

impl Bed {
    /// Redemptions over all regions, each call to the other process than the one before. SQLite has one writer: nothing is measured there.
    pub(super) async fn pair(
        &mut self,
        plan: &Plan,
        round: &str,
        calls: usize,
    ) -> anyhow::Result<()> {
        if self.engine() != Engine::Postgres {
            return Ok(());
        }
        let load = format!("two_processes_{}", plan.most());
        let at = stock::afternoon(self.stock.day)?;
        let mut second = Server::start(self.place.folder(), "second", &self.place.url, at, None)?;
        self.progress
            .begin(&format!("{round}: {}", in_words(&load)));
        let wire = Wire::connect(&self.server.address, CONNECTIONS).await?;
        let wire = Arc::new(wire.and(Wire::connect(&second.address, CONNECTIONS).await?));
        let jobs = Jobs::once(self.stock.take(calls));
        let measured = load::closed(&wire, &jobs, plan.most(), plan.time).await;
        self.stock.put_back(jobs.left());
        let measured = measured.checked(&in_words(&load))?;
        let one = self.rate(&format!("single_{}", plan.most()));
        let one = one.context("nothing was measured before")?;
        self.note(round, &load, &measured);
        let ratio = measured.per_second() / one;
        self.figures.note("two_processes_to_one", ratio);
        tokio::task::spawn_blocking(move || second.stop()).await?
    }
}
