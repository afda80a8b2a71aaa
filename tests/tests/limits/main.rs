//! Limits, attacked from outside: each test asserts the exact code, and that nothing was written.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

mod connections;
mod messages;
mod queues;
mod rates;
mod readers;
mod wire;

use hefu_domain::Instant;
use hefu_engine::{Clock, Source};
use hefu_scenario::Client;
use hefu_server::{Limits, RegionTree, Running, Setup, serve};
use hefu_tests::engines::{Engine, Folder, Place};
use hefu_tests::office::Office;
use prost::Message;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt as _;

/// 2023-05-10 10:00 in Asia/Shanghai.
const NOW: Instant = Instant(1_683_684_000_000);
const REGION: &str = "140725";
const REGISTER: &str = "PeopleService/RegisterPerson";
const GET_HEAD: &str = "AuditService/GetHead";
const CLERKS: usize = 3;

/// Every region's head: what was written shows in one of them.
type Heads = Vec<(String, u64, [u8; 32])>;

/// A server with its limits, and one region's office.
struct Scene {
    running: Running,
    office: Office,
    client: Client,
    _place: Place,
    _state: Folder,
}

impl Scene {
    async fn open(limits: Limits) -> Scene {
        Scene::open_on(Engine::Sqlite, limits).await
    }

    async fn open_on(engine: Engine, limits: Limits) -> Scene {
        let (place, state) = (Place::new(engine).await, Folder::new("hefu-limits"));
        let running = serve(Setup {
            database: place.url(),
            state: state.path().join("state"),
            listen: ([127, 0, 0, 1], 0).into(),
            deployment: "limits.hefu.local".to_owned(),
            tree: RegionTree::read(None).unwrap(),
            clock: Clock::simulated(NOW).0,
            source: Source::Seeded([7; 32]),
            writers: 2,
            witnesses: hefu_server::Witnesses::none(),
            limits,
        })
        .await
        .unwrap();
        let client = Client::connect(&running.url()).await.unwrap();
        let (key, money) = (&running.operator_key, 10_000_000);
        let office = Office::open(&client, key, REGION, NOW, CLERKS, money).await;
        Scene {
            running,
            office,
            client,
            _place: place,
            _state: state,
        }
    }

    fn clerk(&self, number: usize) -> &str {
        &self.office.clerks[number]
    }

    /// A connection of its own.
    async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(self.running.url()).unwrap();
        endpoint.connect().await.unwrap()
    }

    /// From the tables, so that looking costs no caller anything.
    async fn heads(&self) -> Heads {
        let heads = self.running.engine.store().all_heads().await.unwrap();
        let heads = heads.into_iter();
        heads
            .map(|head| (head.region, head.size, head.root))
            .collect()
    }

    async fn size(&self, region: &str) -> u64 {
        let heads = self.heads().await;
        let head = heads.iter().find(|(code, ..)| code == region);
        head.unwrap().1
    }

    fn get_head(&self) -> hefu_wire::v1::GetHeadRequest {
        hefu_wire::v1::GetHeadRequest {
            name: self.office.parent(),
        }
    }

    fn registration(&self, person: u64) -> hefu_wire::v1::RegisterPersonRequest {
        let id = self.office.fresh("limits");
        self.office.registration(person, id)
    }

    /// Waits until so many requests are on their way.
    async fn in_flight(&self, wanted: usize) {
        while self.running.engine.in_flight() != wanted {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

/// One call, sent once.
async fn call<Q, A>(channel: &Channel, key: &str, method: &str, message: Q) -> Result<A, Status>
where
    Q: Message + 'static,
    A: Message + Default + 'static,
{
    let mut request = Request::new(message);
    let bearer = format!("Bearer {key}").parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    let path = format!("/voucher.v1.{method}").parse().unwrap();
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let codec = ProstCodec::<Q, A>::default();
    Ok(grpc.unary(request, path, codec).await?.into_inner())
}

/// One call whose answer nobody reads.
async fn told<Q>(channel: &Channel, key: &str, method: &str, message: Q) -> Result<(), Status>
where
    Q: Message + 'static,
{
    call(channel, key, method, message).await
}

/// The stable code of a refusal.
fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().map(|info| info.reason.clone());
    info.unwrap_or_default()
}

/// Whose limit it was.
fn whose(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info();
    info.and_then(|info| info.metadata.get("limit").cloned())
        .unwrap_or_default()
}

/// Refused by that code and reason, with a time to come back.
fn come_back(status: &Status, code: Code, why: &str) {
    assert_eq!(status.code(), code, "{status:?}");
    assert_eq!(reason(status), why, "{status:?}");
    let details = status.get_error_details();
    let delay = details.retry_info().and_then(|info| info.retry_delay);
    assert!(delay.is_some_and(|delay| !delay.is_zero()), "{status:?}");
}

/// A key that nobody granted anything.
fn stranger(number: usize) -> String {
    hefu_scenario::key(9, &format!("stranger-{number}"))
}
