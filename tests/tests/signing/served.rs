//! The signer as clients and operators of a running server meet it.

use std::time::Duration;

use hefu_domain::{Event, Instant, Reason};
use hefu_engine::{Clock, Source, decode};
use hefu_log::{Checkpoint, Hash, Vkey};
use hefu_scenario::Client;
use hefu_server::{Offline, OfflineError, RegionTree, Running, Setup, StartError, serve};
use hefu_store::{Head, Store};
use hefu_tests::engines::{Engine as Kind, Folder, Place};
use hefu_tests::office::{Office, must};
use hefu_wire::v1;
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use tonic::{Code, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};
use tonic_types::StatusExt as _;

use crate::support::{CITY, COUNTIES, NOW_MS};

const HERE: &str = COUNTIES[0];
/// No round of a signer is ever so late.
const PATIENCE: Duration = Duration::from_secs(30);

/// A deployment whose server is started and stopped.
struct Served {
    place: Place,
    state: Folder,
    office: Office,
    running: Running,
    client: Client,
}

async fn start(place: &Place, state: &Folder) -> Result<(Running, Client), StartError> {
    let running = serve(Setup {
        database: place.url(),
        state: state.path().to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        deployment: "test.hefu.local".to_owned(),
        tree: RegionTree::read(None).unwrap(),
        clock: Clock::simulated(Instant(NOW_MS)).0,
        source: Source::Seeded([7; 32]),
        writers: 2,
        witnesses: hefu_server::Witnesses::none(),
        limits: hefu_server::Limits::default(),
    })
    .await?;
    let client = Client::connect(&format!("http://{}", running.address)).await;
    Ok((running, client.unwrap()))
}

impl Served {
    async fn open(kind: Kind) -> Served {
        let place = Place::new(kind).await;
        let state = Folder::new("hefu-signing");
        let (running, client) = start(&place, &state).await.unwrap();
        let key = &running.operator_key;
        let office = Office::open(&client, key, HERE, Instant(NOW_MS), 1, 1_000_000).await;
        Served {
            place,
            state,
            office,
            running,
            client,
        }
    }

    /// Stops the server, has somebody do that, and starts it again.
    async fn meanwhile(self, what: impl AsyncFnOnce(&Place, &Folder)) -> Served {
        let Served {
            place,
            state,
            office,
            running,
            client,
        } = self;
        // A server that stops waits for whoever is still there.
        drop(client);
        running.stop().await;
        what(&place, &state).await;
        let (running, client) = start(&place, &state).await.unwrap();
        Served {
            place,
            state,
            office,
            running,
            client,
        }
    }

    fn store(&self) -> &Store {
        self.running.engine.store()
    }

    async fn head(&self, region: &str) -> Head {
        let regions = [region.to_owned()];
        self.store().heads(&regions).await.unwrap().remove(0)
    }

    /// Registers a person: one event.
    async fn write(&self, person: u64) -> Result<(), Status> {
        let request = self
            .office
            .registration(person, self.office.fresh("person"));
        self.client
            .call::<_, v1::RegisterPersonResponse>(
                &self.office.clerks[0],
                "PeopleService/RegisterPerson",
                request,
            )
            .await
            .map(|_| ())
    }

    /// Waits until the signer has signed what is written now.
    async fn signed(&self, region: &str) -> Checkpoint {
        let head = self.head(region).await;
        let signed = async {
            loop {
                let row = self.store().checkpoint(region, head.epoch, u64::MAX).await;
                match row.unwrap() {
                    Some(row) if row.size >= head.size => return row,
                    Some(_) | None => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        };
        let row = tokio::time::timeout(PATIENCE, signed).await;
        let text = std::fs::read_to_string(self.state.path().join("log.vkey")).unwrap();
        let vkeys: Vec<Vkey> = text.lines().map(|line| line.parse().unwrap()).collect();
        Checkpoint::open(&row.expect("nothing was signed").note, &vkeys).unwrap()
    }

    /// Waits until the health check says that.
    async fn health(&self, wanted: ServingStatus) {
        let channel =
            tonic::transport::Endpoint::from_shared(format!("http://{}", self.running.address));
        let channel = channel.unwrap().connect().await.unwrap();
        let mut health = HealthClient::new(channel);
        let told = async {
            loop {
                let service = String::new();
                let answer = health.check(HealthCheckRequest { service }).await.unwrap();
                if answer.into_inner().status() == wanted {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let told = tokio::time::timeout(PATIENCE, told).await;
        assert!(told.is_ok(), "the health check never says {wanted:?}");
    }
}

fn reason() -> Reason {
    "RESTORED_BACKUP".parse().unwrap()
}

/// Somebody with rights on the database changes it by hand.
async fn tamper(place: &Place, statements: &[&'static str]) {
    let url = place.url();
    match place.engine() {
        Kind::Sqlite => {
            let mut conn = SqliteConnection::connect(&url).await.unwrap();
            for sql in ["DROP TRIGGER event_is_never_updated"]
                .iter()
                .chain(statements)
            {
                conn.execute(*sql).await.unwrap();
            }
            conn.close().await.unwrap();
        }
        Kind::Postgres => {
            let mut conn = PgConnection::connect(&url).await.unwrap();
            for sql in statements {
                conn.execute(*sql).await.unwrap();
            }
            conn.close().await.unwrap();
        }
    }
}

macro_rules! served {
    ($(async fn $name:ident($served:ident) $body:block)*) => {
        $(
            mod $name {
                use super::*;

                async fn test(kind: Kind) {
                    let $served = Served::open(kind).await;
                    $body
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sqlite() {
                    test(Kind::Sqlite).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn postgres() {
                    test(Kind::Postgres).await;
                }
            }
        )*
    };
}

served! {
    async fn a_checkpoint_follows_a_write_without_anybody_asking(served) {
        for person in 0..3 {
            served.write(person).await.unwrap();
            let head = served.head(HERE).await;
            let checkpoint = served.signed(HERE).await;
            assert_eq!((checkpoint.size, checkpoint.root), (head.size, Hash(head.root)));
        }
        served.running.stop().await;
    }

    async fn a_server_that_stops_leaves_nothing_unsigned(served) {
        served.write(1).await.unwrap();
        let served = served.meanwhile(async |place, _| {
            let store = place.open().await;
            for head in store.all_heads().await.unwrap() {
                let row = store.checkpoint(&head.region, 0, u64::MAX).await.unwrap().unwrap();
                assert_eq!(row.size, head.size, "{}", head.region);
            }
            store.close().await;
        }).await;
        served.running.stop().await;
    }

    async fn a_log_in_doubt_is_not_written_over_starts_too_until_its_fork_is_accepted(served) {
        served.write(1).await.unwrap();
        served.signed(HERE).await;
        let served = served.meanwhile(async |place, state| {
            let memory = state.path().join(format!("signer/{HERE}.state"));
            std::fs::remove_file(memory).unwrap();
            // The event was signed, and what follows would be chained to another.
            tamper(place, &["UPDATE event SET bytes = leaf WHERE region = '140725' AND idx = 3"]).await;
        }).await;
        served.health(ServingStatus::NotServing).await;
        let status = served.write(2).await.unwrap_err();
        let details = status.get_error_details();
        let reason_said = details.error_info().map(|info| info.reason.clone());
        assert_eq!((status.code(), reason_said.as_deref()), (Code::Unavailable, Some("LOG_IN_DOUBT")));
        // Nobody else suffers.
        let opened = v1::OpenPlanYearRequest {
            name: format!("regions/{CITY}/planYears/2023"),
            request_id: "open-plan-year".to_owned(),
            validate_only: false,
        };
        let _: v1::OpenPlanYearResponse = must(&served.client, &served.running.operator_key, "FundsService/OpenPlanYear", opened).await;

        let served = served.meanwhile(async |_, _| ()).await;
        served.health(ServingStatus::NotServing).await;
        served.write(2).await.unwrap_err();
        let url = served.place.url();
        let working = Offline::open(&url, served.state.path()).await;
        assert!(matches!(working, Err(OfflineError::Serving(_))), "a server runs");

        let served = served.meanwhile(async |place, state| {
            let mut offline = Offline::open(&place.url(), state.path()).await.unwrap();
            let busy = start(place, state).await;
            assert!(matches!(busy, Err(StartError::AtWork { .. })), "no server starts meanwhile");
            offline.accept_fork(&HERE.parse().unwrap(), reason()).await.unwrap();
            offline.close().await;
        }).await;
        served.health(ServingStatus::Serving).await;
        served.write(2).await.unwrap();
        let checkpoint = served.signed(HERE).await;
        assert_eq!(checkpoint.origin.to_string(), format!("test.hefu.local/simulated/{HERE}/1"));
        assert_eq!(checkpoint.size, 2);
        served.running.stop().await;
    }

    async fn a_city_has_its_counties_checkpoints_on_record(served) {
        served.running.record_checkpoints().await.unwrap();
        let before = served.head(CITY).await;
        let event = served.store().events(CITY, 0, before.size - 1, 1).await.unwrap().remove(0);
        let Event::CheckpointsRecorded(recorded) = decode(&event).unwrap() else { panic!("{}", event.kind) };
        assert_eq!(recorded.checkpoints.len(), 11, "every county, and not the city");
        for tree in &recorded.checkpoints {
            let head = served.head(tree.region.as_str()).await;
            assert_eq!((tree.epoch, tree.size, tree.root.0), (0, head.size, head.root));
        }
        // Where nothing grew, nothing is written.
        served.running.record_checkpoints().await.unwrap();
        assert_eq!(served.head(CITY).await, before);
        served.write(1).await.unwrap();
        served.running.record_checkpoints().await.unwrap();
        let event = served.store().events(CITY, 0, before.size, 2).await.unwrap();
        assert_eq!(event.len(), 1);
        let Event::CheckpointsRecorded(recorded) = decode(&event[0]).unwrap() else { panic!("{}", event[0].kind) };
        let regions: Vec<&str> = recorded.checkpoints.iter().map(|tree| tree.region.as_str()).collect();
        assert_eq!(regions, [HERE]);
        served.running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_servers_on_one_state_folder_one_signs_and_the_other_takes_over() {
    let served = Served::open(Kind::Postgres).await;
    let (other, client) = start(&served.place, &served.state).await.unwrap();
    assert!(served.running.signing.sign().await.unwrap().signs);
    assert!(!other.signing.sign().await.unwrap().signs);
    let Served {
        office,
        running,
        place: _place,
        state: _state,
        ..
    } = served;
    running.stop().await;
    let request = office.registration(1, office.fresh("person"));
    let _: v1::RegisterPersonResponse = must(
        &client,
        &office.clerks[0],
        "PeopleService/RegisterPerson",
        request,
    )
    .await;
    let round = other.signing.sign().await.unwrap();
    assert!(round.signs && round.alarmed.is_empty());
    let store = other.engine.store();
    let head = store.heads(&[HERE.to_owned()]).await.unwrap().remove(0);
    let row = store.checkpoint(HERE, 0, u64::MAX).await.unwrap().unwrap();
    assert_eq!(row.size, head.size);
    other.stop().await;
}
