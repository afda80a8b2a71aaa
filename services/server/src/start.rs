//! Starting: state folder, keys, database, region tree, then the port. A first start makes what is missing and says where it is.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener as _;
use hefu_domain::command::{Grant, OpenRegion};
use hefu_domain::state::RegionState;
use hefu_domain::{Command, CredentialId, Instant, RequestId, Role};
use hefu_engine::{Clock, Engine, EngineError, People, Source};
use hefu_store::{OpenOptions, Store, StoreError};
use hefu_token::keys::{self, Use};
use hefu_token::{KeySet, private_file};
use hefu_vault::Secrets;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::api::Api;
use crate::log_files::LogFiles;
use crate::offline::{Presence, SIMULATED};
use crate::oidc::OidcError;
use crate::port::{Listen, Peer, Port};
use crate::regions::RegionTree;
use crate::signer::{CityLogs, Signer, SignerError, Signing};
use crate::tls::TlsError;
use crate::witnesses::Witnesses;
use crate::{caller, handlers};

/// A token may outlive its key by this much: the longest life of a voucher token, in seconds.
const LONGEST_TOKEN: i64 = 2 * 366 * 86_400;

/// How long calls under way may take when the server is told to stop.
const LAST_CALLS: Duration = Duration::from_secs(10);
const DAY: Duration = Duration::from_secs(86_400);

/// What a server is made of.
pub struct Setup {
    /// `sqlite://PATH` or `postgres://…`.
    pub database: String,
    /// Keys and signer state.
    pub state: PathBuf,
    /// Where to listen, with what certificate, and whose word for callers is taken.
    pub listen: Listen,
    /// The deployment's name.
    pub deployment: String,
    /// The regions that a first start opens.
    pub tree: RegionTree,
    /// The clock.
    pub clock: Clock,
    /// Randomness.
    pub source: Source,
    /// Writers.
    pub writers: usize,
    /// Who must cosign what is published of the logs.
    pub witnesses: Witnesses,
}

/// Why a server does not start: what, where, what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state folder.
    #[error("the state folder {path} cannot be used: {source}")]
    State {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Keys.
    #[error(transparent)]
    Key(#[from] keys::KeyError),
    /// Key files.
    #[error(transparent)]
    File(#[from] private_file::FileError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] hefu_vault::VaultError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The signer of the logs.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Who vouches for callers.
    #[error(transparent)]
    Oidc(#[from] OidcError),
    /// The operator's file holds no key.
    #[error(
        "{file} holds no API key: put the operator's back, or remove the file to have a new one made"
    )]
    NoOperator {
        /// Which.
        file: PathBuf,
    },
    /// A demo's keys, which anybody can make again from the seed, must never serve in earnest, nor the other way round.
    #[error(
        "the keys in {path} were made {made}, which is not what is asked for: name another folder with --state"
    )]
    OtherKeys {
        /// Which.
        path: PathBuf,
        /// How they were made.
        made: &'static str,
    },
    /// The state folder belongs to another database.
    #[error(
        "the state folder {path} belongs to another database: its keys open nothing here. Name the right one with --state"
    )]
    ForeignState {
        /// Which.
        path: PathBuf,
    },
    /// The database belongs to another deployment, or to a demo's made-up clock.
    #[error("this database was made for deployment {found:?}, not {wanted:?}")]
    ForeignDatabase {
        /// What it says.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// Somebody works on the deployment who must be alone.
    #[error(
        "the state folder {path} is held by a command that works on it (a fork, a key rotation): wait for its end"
    )]
    AtWork {
        /// Which.
        path: PathBuf,
    },
    /// The port.
    #[error("cannot listen on {listen}: {source}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A server that runs until it is told to stop.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub secure: bool,
    /// The operator's API key, from the state folder.
    pub operator_key: String,
    /// The file that the operator's key is in.
    pub operator_key_file: PathBuf,
    /// Whether this start made the state folder's keys.
    pub first_start: bool,
    /// The engine.
    pub engine: Engine,
    /// The signer of the logs.
    pub signing: Signing,
    /// What records counties' checkpoints in their city's log.
    pub city_logs: CityLogs,
    recorder: Option<JoinHandle<()>>,
    _presence: Presence,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Running {
    /// Where it answers, as a URL.
    pub fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Stops taking calls, lets those under way end, and closes the database.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            // The server may have ended already.
            let _ = stop.send(());
        }
        match tokio::time::timeout(LAST_CALLS, &mut self.served).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the server ended badly"),
            // A reader that follows a log would hold it for ever.
            Err(_) => self.served.abort(),
        }
        if let Some(recorder) = self.recorder.take() {
            recorder.abort();
        }
        self.signing.stop().await;
        self.engine.store().close().await;
    }

    /// Signs all logs, and records those of counties in their city's.
    ///
    /// # Errors
    /// The signer's or the engine's; it can be asked for again.
    pub async fn record_checkpoints(&self) -> Result<(), StartError> {
        self.signing.sign().await?;
        self.city_logs.record().await?;
        Ok(())
    }

    /// Records counties' checkpoints in their city's log again and again, as long as the server runs.
    pub fn record_checkpoints_every(&mut self, every: Duration) {
        let recording = keep_recording(self.city_logs.clone(), every);
        self.recorder = Some(tokio::spawn(recording));
    }

    /// Waits until the server ends by itself.
    pub async fn wait(&mut self) {
        if let Err(error) = (&mut self.served).await {
            tracing::error!(%error, "the server ended badly");
        }
    }
}

/// Starts a server.
///
/// # Errors
/// See [`StartError`]; nothing serves then.
pub async fn serve(setup: Setup) -> Result<Running, StartError> {
    std::fs::create_dir_all(&setup.state).map_err(|source| StartError::State {
        path: setup.state.clone(),
        source,
    })?;
    let presence = presence(&setup.state)?;
    let ready = setup.listen.ready(setup.clock.clone())?;
    let store = Store::open(&setup.database, OpenOptions::default()).await?;
    store.migrate().await?;
    let first_start = make_keys(&setup)?;
    let secrets = Secrets::load(&setup.state)?;
    belongs_together(&store, &setup, &secrets).await?;
    let files = keys::load(&setup.state, Use::Token)?;
    let signers = files.iter().map(keys::KeyFile::signer).collect();
    let tokens = Arc::new(KeySet::from_files(
        setup.deployment.clone(),
        &files,
        LONGEST_TOKEN,
    ));
    let people = People::open(
        &setup.state,
        secrets,
        setup.deployment.clone(),
        signers,
        setup.clock.clone(),
    )?;
    let engine = Engine::start(store, setup.clock.clone(), people, setup.writers).await?;
    engine.compare_clocks().await?;
    let operator_key_file = setup.state.join("operator.key");
    let operator_key = operator_key(&operator_key_file)?;
    let operator = caller::credential(&operator_key);
    open_tree(&engine, &setup, &operator).await?;
    let signing = sign(&engine, &setup).await?;
    // Behind the signer: a log that it doubts is not written.
    let again = engine.apply_erasures().await?;
    if again > 0 {
        tracing::warn!(
            people = again,
            "erased people stood in a restored backup and were erased again"
        );
    }
    let listen = setup.listen.listen;
    let unheard = |source| StartError::Listen { listen, source };
    let port = Port::open(listen, ready).await.map_err(unheard)?;
    let address = port.local_addr().map_err(unheard)?;
    let secure = port.is_secure();
    let city_logs = CityLogs::new(engine.clone(), operator.clone());
    let (stop, stopped) = oneshot::channel();
    let jwks = tokens.jwks_json();
    let api = Api {
        engine: engine.clone(),
        tokens,
        source: setup.source,
        deployment: setup.deployment.as_str().into(),
        operator,
        files: LogFiles::new(engine.store().clone(), Some(setup.state.join("log.vkey"))),
    };
    let served = tokio::spawn(run(port, api, jwks, signing.clone(), async {
        // Told to stop, or nobody is left who could tell.
        let _ = stopped.await;
    }));
    Ok(Running {
        address,
        secure,
        operator_key,
        operator_key_file,
        first_start,
        engine,
        signing,
        city_logs,
        recorder: None,
        _presence: presence,
        stop: Some(stop),
        served,
    })
}

async fn run(
    port: Port,
    api: Api,
    jwks: String,
    signing: Signing,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let (engine, files) = (api.engine.clone(), api.files.clone());
    let (reporter, health) = tonic_health::server::health_reporter();
    let serves = serves(&engine, &signing);
    report(&reporter, serves).await;
    let watch = tokio::spawn(watch(engine.clone(), signing.clone(), reporter, serves));
    let sweeper = tokio::spawn(sweep(engine.clone()));
    let mut routes = handlers::routes(api);
    routes = routes.add_service(health);
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(hefu_wire::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1();
    match reflection {
        Ok(reflection) => routes = routes.add_service(reflection),
        Err(error) => tracing::error!(%error, "reflection is off"),
    }
    let app = routes
        .into_axum_router()
        .reset_fallback()
        .layer(axum::middleware::from_fn_with_state(
            port.providers(),
            caller::shown,
        ))
        .layer(axum::middleware::map_response(crate::errors::unread))
        .layer(axum::middleware::from_fn(crate::telemetry::traced))
        .merge(crate::http::routes(jwks, engine, signing, files));
    let app = app.into_make_service_with_connect_info::<Peer>();
    if let Err(error) = axum::serve(port, app).with_graceful_shutdown(stop).await {
        tracing::error!(%error, "the server ended");
    }
    watch.abort();
    sweeper.abort();
}

/// Once a day, wrapped keys whose transaction never committed are destroyed. No transaction lasts a day.
async fn sweep(engine: Engine) {
    let mut days = tokio::time::interval(DAY);
    loop {
        days.tick().await;
        let day = i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX);
        let before = Instant(engine.clock().now().0 - day);
        match engine.people().sweep(engine.store(), before).await {
            Ok(0) => {}
            Ok(swept) => tracing::info!(swept, "orphans of wrapped keys were destroyed"),
            Err(error) => tracing::warn!(%error, "orphans of wrapped keys were not swept"),
        }
    }
}

/// Says that this process serves, unless somebody works on the deployment who must be alone.
fn presence(state: &Path) -> Result<Presence, StartError> {
    let path = state.to_owned();
    match Presence::serving(state) {
        Ok(Some(presence)) => Ok(presence),
        Ok(None) => Err(StartError::AtWork { path }),
        Err(source) => Err(StartError::State { path, source }),
    }
}

/// Records what cities have not got on record, at every tick.
async fn keep_recording(city_logs: CityLogs, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        if let Err(error) = city_logs.record().await {
            tracing::warn!(%error, "the counties' checkpoints were not recorded; the next time tries again");
        }
    }
}

/// Starts the signer of the logs. What it finds wrong raises the region's alarm and keeps nobody else from being served.
async fn sign(engine: &Engine, setup: &Setup) -> Result<Signing, SignerError> {
    let (store, clock) = (engine.store().clone(), setup.clock.clone());
    let signer = Signer::new(store, clock, &setup.state, &setup.deployment)?;
    let signer = signer.witnessed(setup.witnesses.clone());
    Signing::start(signer).await
}

/// Whether this server serves: not while its writing has stopped or a log is in doubt.
fn serves(engine: &Engine, signing: &Signing) -> ServingStatus {
    match engine.stopped().is_none() && !signing.alarmed() {
        true => ServingStatus::Serving,
        false => ServingStatus::NotServing,
    }
}

/// Keeps the health check up to date.
async fn watch(
    engine: Engine,
    signing: Signing,
    reporter: HealthReporter,
    mut said: ServingStatus,
) {
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = serves(&engine, &signing);
        if now != said {
            report(&reporter, now).await;
            said = now;
        }
    }
}

/// Tells the health check of the server as a whole, which is "", and of each service.
async fn report(reporter: &HealthReporter, status: ServingStatus) {
    for service in handlers::NAMES.into_iter().chain([""]) {
        reporter.set_service_status(service, status).await;
    }
}

/// Makes the keys of a first start: token key, log key, root keys, the operator's API key.
fn make_keys(setup: &Setup) -> Result<bool, StartError> {
    same_making(setup)?;
    let now = setup.clock.now();
    let mut made = false;
    for usage in Use::ALL {
        if keys::list(&setup.state)?
            .iter()
            .all(|key| !key.serves(usage))
        {
            keys::new_key(
                &setup.state,
                usage,
                &setup.source.draw(&["key", usage.as_str()]),
                now,
            )?;
            made = true;
        }
    }
    let mut drawn = 0;
    Secrets::open(&setup.state, &mut |buffer: &mut [u8]| {
        for chunk in buffer.chunks_mut(32) {
            drawn += 1;
            chunk
                .copy_from_slice(&setup.source.draw(&["vault", &drawn.to_string()])[..chunk.len()]);
        }
    })?;
    let file = setup.state.join("operator.key");
    if !file.exists() {
        let key = caller::api_key(setup.source.draw(&["operator"]));
        let text =
            format!("# The operator's API key. Whoever has it runs this deployment.\n{key}\n");
        private_file::create(&file, text.as_bytes())?;
        made = true;
    }
    Ok(made)
}

/// Notes in a new state folder that its keys come from a seed, and refuses a folder whose keys were made the other way.
fn same_making(setup: &Setup) -> Result<(), StartError> {
    let note = setup.state.join("made-from-a-seed");
    let other = |made| {
        let path = setup.state.clone();
        Err(StartError::OtherKeys { path, made })
    };
    match (&setup.source, note.exists()) {
        (Source::System, false) | (Source::Seeded(_), true) => Ok(()),
        (Source::System, true) => other("by a demo from a seed"),
        (Source::Seeded(_), false) if setup.state.join("operator.key").exists() => {
            other("at random")
        }
        (Source::Seeded(_), false) => Ok(private_file::create(
            &note,
            b"Anybody can make this folder's keys again. Never serve with them.\n",
        )?),
    }
}

fn operator_key(file: &Path) -> Result<String, StartError> {
    let text = private_file::read(file)?;
    let key = text
        .lines()
        .find(|line| line.starts_with(caller::KEY_PREFIX));
    key.map(str::to_owned)
        .ok_or_else(|| StartError::NoOperator {
            file: file.to_owned(),
        })
}

/// Database, state folder, deployment and kind of clock are bound together at the first start and checked at every other.
async fn belongs_together(
    store: &Store,
    setup: &Setup,
    secrets: &Secrets,
) -> Result<(), StartError> {
    let fingerprint = secrets.fingerprint().to_string();
    match store.meta("vault").await? {
        None => store.set_meta("vault", &fingerprint).await?,
        Some(found) if found == fingerprint => {}
        Some(_) => {
            return Err(StartError::ForeignState {
                path: setup.state.clone(),
            });
        }
    }
    let wanted = format!(
        "{}{}",
        setup.deployment,
        if setup.clock.is_simulated() {
            SIMULATED
        } else {
            ""
        }
    );
    match store.meta("deployment").await? {
        None => store.set_meta("deployment", &wanted).await?,
        Some(found) if found == wanted => {}
        Some(found) => return Err(StartError::ForeignDatabase { found, wanted }),
    }
    Ok(())
}

/// Opens the regions of the tree that are not open yet, each as the first event of its log.
async fn open_tree(
    engine: &Engine,
    setup: &Setup,
    operator: &CredentialId,
) -> Result<(), StartError> {
    let open: Vec<String> = engine
        .store()
        .all_heads()
        .await?
        .into_iter()
        .map(|head| head.region)
        .collect();
    for entry in setup
        .tree
        .region
        .iter()
        .filter(|entry| !open.iter().any(|code| code == entry.code.as_str()))
    {
        let word = |text: &str| EngineError::Unstorable(format!("{text} is no code"));
        let request: RequestId = format!("open-{}", entry.code)
            .parse()
            .map_err(|_| word("open"))?;
        let grant = Grant {
            credential: operator.clone(),
            subject: "operator".parse().map_err(|_| word("operator"))?,
            person: "operator".parse().map_err(|_| word("operator"))?,
            roles: [Role::Operator].into(),
            institution: None,
            holder: None,
            expires: None,
        };
        let state = RegionState {
            parent: entry.parent.clone(),
            name: entry.name.clone(),
            name_en: entry.name_en.clone(),
            deployment: setup.deployment.clone(),
            simulated: setup.clock.is_simulated(),
            recorded: Default::default(),
            next_place: Default::default(),
        };
        let digest = engine
            .people()
            .secrets()
            .request_digest("OpenRegion", entry.code.as_str().as_bytes());
        let act = OpenRegion {
            state,
            operator: grant,
            of_deployment: true,
        }
        .into();
        engine
            .submit(
                Command {
                    region: entry.code.clone(),
                    by: operator.clone(),
                    request,
                    digest,
                    seals: Vec::new(),
                    act,
                }
                .into(),
            )
            .await?;
    }
    Ok(())
}
