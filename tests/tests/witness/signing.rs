//! A server whose checkpoints wait for a witness: clerks do not, and nothing is published that it has not cosigned.

use std::fs;

use hefu_log::{cosignatures, series};
use hefu_scenario::{Client, credential, key};
use hefu_server::RegionTree;
use hefu_tests::engines::{Engine, Folder, Place};
use hefu_tests::office::must;
use hefu_wire::v1;

use super::*;

const REGION: &str = "140725";
const PATIENCE: Duration = Duration::from_secs(30);

/// Where everything of one deployment and its witness is kept.
struct Deployment {
    place: Place,
    state: Folder,
    witness: Folder,
}

impl Deployment {
    async fn serve(&self, witnesses: Witnesses) -> hefu_server::Running {
        hefu_server::serve(hefu_server::Setup {
            database: self.place.url(),
            state: self.state.path().join("state"),
            listen: ([127, 0, 0, 1], 0).into(),
            deployment: "test.hefu.local".to_owned(),
            tree: RegionTree::read(None).unwrap(),
            clock: Clock::system(),
            source: Source::Seeded([9; 32]),
            writers: 2,
            witnesses,
            limits: hefu_server::Limits::default(),
        })
        .await
        .unwrap()
    }

    /// The verifier keys that the server's signer wrote down.
    fn logs(&self) -> Vec<Vkey> {
        let text = fs::read_to_string(self.state.path().join("state/log.vkey")).unwrap();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }

    async fn witness(&self, listen: SocketAddr) -> Running {
        serve(Setup {
            state: self.witness.path().to_owned(),
            name: Some("witness.example/w1".to_owned()),
            logs: self.logs(),
            listen,
            clock: Clock::system(),
            source: Source::Seeded([5; 32]),
        })
        .await
        .unwrap()
    }
}

/// One move of one event: a grant.
async fn grant(running: &hefu_server::Running, who: &str) {
    let address = format!("http://{}", running.address);
    let client = Client::connect(&address).await.unwrap();
    let request = v1::GrantCallerRequest {
        parent: format!("regions/{REGION}"),
        credential: credential(&key(1, who)),
        grant: Some(v1::Grant {
            subject: who.to_owned(),
            person: who.to_owned(),
            roles: vec![v1::Role::Clerk.into()],
            ..Default::default()
        }),
        request_id: format!("grant-{who}"),
        validate_only: false,
    };
    let operator = &running.operator_key;
    let _: v1::GrantCallerResponse =
        must(&client, operator, "AccessService/GrantCaller", request).await;
}

/// Events written, and those that the published checkpoint covers.
async fn sizes(running: &hefu_server::Running) -> (u64, u64) {
    let store = running.engine.store();
    let head = store.heads(&[REGION.to_owned()]).await.unwrap();
    let published = store.checkpoint(REGION, 0, u64::MAX >> 11).await.unwrap();
    (head[0].size, published.map_or(0, |row| row.size))
}

/// Waits until everything written is published.
async fn published(running: &hefu_server::Running) {
    let all = async {
        loop {
            let (written, published) = sizes(running).await;
            if written == published {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.unwrap();
}

async fn checkpoints(running: &hefu_server::Running) -> Vec<Note> {
    let path = format!("/log/{REGION}/checkpoints/0");
    let (address, request) = (
        running.address,
        format!("GET {path} HTTP/1.1\r\nHost: hefu\r\nConnection: close\r\n\r\n"),
    );
    let answer = tokio::task::spawn_blocking(move || exchange(address, &request));
    let answer = answer.await.unwrap();
    series::read(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_witness_stops_no_clerk_and_holds_back_what_it_has_not_cosigned() {
    let deployment = Deployment {
        place: Place::new(Engine::Sqlite).await,
        state: Folder::new("hefu-witnessed"),
        witness: Folder::new("hefu-witness"),
    };
    // The first start makes the keys that the witness must know.
    deployment.serve(Witnesses::none()).await.stop().await;
    let witness = deployment.witness(([127, 0, 0, 1], 0).into()).await;
    let (address, key) = (witness.address, witness.state.public().clone());
    let configured = Witnesses::new(&[at(address, &key)], 1, Clock::system()).unwrap();
    let running = deployment.serve(configured).await;
    grant(&running, "first").await;
    published(&running).await;

    witness.stop().await;
    let (_, before) = sizes(&running).await;
    for who in ["second", "third", "fourth"] {
        grant(&running, who).await;
    }
    // The signer has signed them, several times over, and nobody cosigns.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(sizes(&running).await, (before + 3, before));

    let witness = deployment.witness(address).await;
    published(&running).await;
    let notes = checkpoints(&running).await;
    let cosigned: Vec<usize> = notes
        .iter()
        .map(|note| {
            cosignatures(note, std::slice::from_ref(&key))
                .unwrap()
                .len()
        })
        .collect();
    // The first was published before there was a witness; each one since bears its word.
    assert_eq!(cosigned, [0, 1, 1]);
    for note in &notes {
        Checkpoint::open(&note.to_string(), &deployment.logs()).unwrap();
    }
    running.stop().await;
    witness.stop().await;
}
