//! The API as a client meets it: over gRPC and HTTP, against a server of this process with a made-up clock.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

/// Turns each `async fn name(engine: Engine)` into two tests, `name::sqlite` and `name::postgres`.
macro_rules! on_both {
    ($($name:ident)+) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(hefu_tests::engines::Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(hefu_tests::engines::Engine::Postgres).await;
            }
        }
    )+};
}

mod attacks;
mod callers;
mod classified;
mod clock;
mod closing;
mod endpoints;
mod erasure;
mod fields;
mod ghost;
mod history;
mod log_files;
mod parts;
mod payouts;
mod personal;
mod plan;
mod printed;
mod proposals;
mod public;
mod reads;
mod receipts;
mod reporting;
mod requests;
mod rotation;
mod school;
mod sheets;
mod status;
mod suites;
mod supervision;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use hefu_domain::Instant;
use hefu_engine::{Clock, Source};
use hefu_scenario::Client;
use hefu_server::{RegionTree, Registers, Running, Setup, serve, serve_asking};
use hefu_tests::canaries;
use hefu_tests::engines::{Engine, Folder, Place};
use hefu_tests::office::{Office, must};
use hefu_wire::v1;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// 2023-05-10 10:00 in Asia/Shanghai.
const NOW: Instant = Instant(1_683_684_000_000);
const REGION: &str = "140725";
const ISSUER: &str = "test.hefu.local";

/// A server with one region's office.
struct Api {
    running: Running,
    client: Client,
    office: Office,
    state: Folder,
    place: Place,
    /// The made-up clock's, in milliseconds; moves nothing where the clock is another one.
    hand: Arc<AtomicI64>,
}

impl Api {
    async fn start() -> Api {
        Api::start_on(Engine::Sqlite).await
    }

    /// A server on that engine.
    async fn start_on(engine: Engine) -> Api {
        let (clock, hand) = Clock::simulated(NOW);
        Api {
            hand,
            ..Api::start_with(engine, clock).await
        }
    }

    /// A server with that clock.
    async fn start_at(clock: Clock) -> Api {
        Api::start_with(Engine::Sqlite, clock).await
    }

    async fn start_with(engine: Engine, clock: Clock) -> Api {
        Api::start_in(engine, clock, Folder::new("hefu-api")).await
    }

    /// A server over what may be in the folder `state` already.
    async fn start_in(engine: Engine, clock: Clock, state: Folder) -> Api {
        Api::start_asking(engine, clock, state, Registers::none()).await
    }

    /// The same, connected to these registers.
    async fn start_asking(
        engine: Engine,
        clock: Clock,
        state: Folder,
        registers: Registers,
    ) -> Api {
        let now = clock.now();
        let place = Place::new(engine).await;
        let setup = Setup {
            database: place.url(),
            state: state.path().join("state"),
            listen: ([127, 0, 0, 1], 0).into(),
            deployment: ISSUER.to_owned(),
            tree: RegionTree::read(None).unwrap(),
            clock,
            source: Source::Seeded([7; 32]),
            writers: 2,
            witnesses: hefu_server::Witnesses::none(),
            limits: hefu_server::Limits::default(),
        };
        let running = serve_asking(setup, registers).await.unwrap();
        let client = Client::connect(&format!("http://{}", running.address))
            .await
            .unwrap();
        let money = 10_000_000;
        let office = Office::open(&client, &running.operator_key, REGION, now, 1, money).await;
        Api {
            running,
            client,
            office,
            state,
            place,
            hand: Arc::default(),
        }
    }

    fn clerk(&self) -> &str {
        &self.office.clerks[0]
    }

    async fn head(&self) -> v1::Head {
        let request = v1::GetHeadRequest {
            name: self.office.parent(),
        };
        let key = &self.running.operator_key;
        must(&self.client, key, "AuditService/GetHead", request).await
    }

    /// A call that must be refused.
    async fn refused<Q>(&self, key: &str, method: &str, message: Q) -> Status
    where
        Q: prost::Message + Clone + 'static,
    {
        // No answer's fields are read: every message takes any bytes as unknown fields.
        match self.client.call::<Q, v1::Head>(key, method, message).await {
            Ok(_) => panic!("{method} was accepted"),
            Err(status) => {
                canaries::none_in(method, status.message().as_bytes());
                canaries::none_in(method, status.details());
                status
            }
        }
    }
}

/// The stable code of a refusal.
fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().map(|info| info.reason.clone());
    info.unwrap_or_default()
}

/// The paths of the wrong fields that an answer names.
fn wrong_fields(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let bad = details.bad_request();
    bad.map(|bad| {
        bad.field_violations
            .iter()
            .map(|v| v.field.clone())
            .collect()
    })
    .unwrap_or_default()
}

/// Nothing of that name is there for this caller.
async fn hidden<Q>(api: &Api, key: &str, method: &str, message: Q, code: &str)
where
    Q: prost::Message + Clone + 'static,
{
    let status = api.refused(key, method, message).await;
    assert_eq!(status.code(), Code::NotFound, "{method}: {status}");
    assert_eq!(reason(&status), code, "{method}");
}

/// Nobody of this caller's roles may call it, whatever is there.
async fn no_role<Q>(api: &Api, key: &str, method: &str, message: Q)
where
    Q: prost::Message + Clone + 'static,
{
    let status = api.refused(key, method, message).await;
    assert_eq!(status.code(), Code::PermissionDenied, "{method}: {status}");
    assert_eq!(reason(&status), "ROLE_MISSING", "{method}");
}
