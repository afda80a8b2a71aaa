//! Starting: state folder, keys, database, region tree, then the port. A first start makes what is missing and says where it is.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use hefu_domain::command::{Grant, OpenRegion};
use hefu_domain::state::RegionState;
use hefu_domain::{Command, CredentialId, Instant, RequestId, Role};
use hefu_engine::{Clock, Engine, EngineError, People, Source};
use hefu_store::{OpenOptions, Store, StoreError};
use hefu_token::keys::{self, Use};
use hefu_token::{KeyRing, private_file};
use hefu_vault::Secrets;
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::api::Api;
use crate::deadlines::Deadlines;
use crate::files::Duty;
use crate::limits::{self, Gate, LimitError, Limits};
use crate::log_files::LogFiles;
use crate::offline::{Presence, SIMULATED};
use crate::oidc::{OidcError, Providers};
use crate::port::{self, Listen, Port};
use crate::regions::RegionTree;
use crate::registers::Registers;
use crate::reports::{self, ReadModel};
use crate::running::Running;
use crate::services::Services;
use crate::signer::{CityLogs, Signer, SignerError, Signing};
use crate::stages::Entered;
use crate::tls::TlsError;
use crate::watching::Watching;
use crate::witnesses::Witnesses;
use crate::{caller, errors, handlers, telemetry};

/// A token may outlive its key by this much: the longest life of a voucher token, in seconds.
const LONGEST_TOKEN: i64 = 2 * 366 * 86_400;

/// How often the state folder is looked at for new token keys.
const LOOK_FOR_KEYS: Duration = Duration::from_secs(1);

/// Under which the database keeps the operator's credential.
const OPERATOR: &str = "operator";
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
    /// What one caller, one connection or one flood may take.
    pub limits: Limits,
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
    /// A limit that would serve nobody, or bound nothing.
    #[error(transparent)]
    Limit(#[from] LimitError),
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
    /// A part of the services has nothing to begin with.
    #[error(
        "this database was never served whole: start it once with all services, which makes its keys and opens its regions"
    )]
    NeverStarted,
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

/// Starts a server that is connected to no register.
///
/// # Errors
/// See [`StartError`]; nothing serves then.
pub async fn serve(setup: Setup) -> Result<Running, StartError> {
    serve_asking(setup, Registers::none()).await
}

/// Starts a server that asks these registers.
///
/// # Errors
/// See [`StartError`]; nothing serves then.
pub async fn serve_asking(setup: Setup, registers: Registers) -> Result<Running, StartError> {
    setup.limits.check()?;
    std::fs::create_dir_all(&setup.state).map_err(|source| StartError::State {
        path: setup.state.clone(),
        source,
    })?;
    let presence = presence(&setup.state)?;
    let ready = setup.listen.ready(setup.clock.clone())?;
    let store = Store::open(&setup.database, OpenOptions::default()).await?;
    store.migrate().await?;
    let services = setup.listen.services.clone();
    let first_start = match services.are_all() {
        true => make_keys(&setup)?,
        false if store.meta(OPERATOR).await?.is_none() => return Err(StartError::NeverStarted),
        false => false,
    };
    let secrets = Secrets::load(&setup.state)?;
    belongs_together(&store, &setup, &secrets).await?;
    let tokens = match services.sign_tokens() {
        true => KeyRing::signing(&setup.state, &setup.deployment, LONGEST_TOKEN)?,
        false => KeyRing::verifying(&setup.state, &setup.deployment, LONGEST_TOKEN)?,
    };
    let people = People::open(
        &setup.state,
        secrets,
        setup.deployment.clone(),
        tokens,
        setup.clock.clone(),
    )?;
    let engine = Engine::start(
        store,
        setup.clock.clone(),
        people,
        setup.writers,
        setup.limits.queues(),
    )
    .await?;
    engine.compare_clocks().await?;
    let operator_key_file = setup.state.join("operator.key");
    let (operator_key, operator) = operator(&engine, &setup, &operator_key_file).await?;
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
    let port = Port::open(listen, ready, &setup.limits)
        .await
        .map_err(unheard)?;
    let address = port.local_addr().map_err(unheard)?;
    let secure = port.is_secure();
    let city_logs = CityLogs::new(engine.clone(), operator.clone());
    let deadlines = Deadlines::new(engine.clone(), operator.clone());
    let watching = Watching::new(engine.clone(), operator.clone(), &setup.state);
    let (stop, stopped) = oneshot::channel();
    let api = Api {
        engine: engine.clone(),
        source: setup.source,
        deployment: setup.deployment.as_str().into(),
        operator,
        registers,
        gate: Gate::new(setup.limits),
        files: LogFiles::new(engine.store().clone(), Some(setup.state.join("log.vkey"))),
        reports: ReadModel::new(engine.store().clone()),
    };
    let reports = api.reports.clone();
    let feeder = services.report().then(|| {
        let duty = Duty::new(&setup.state, "reports");
        tokio::spawn(reports::keep_feeding(reports, duty))
    });
    let served = tokio::spawn(run(port, api, services, signing.clone(), async {
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
        deadlines,
        recorder: None,
        clockwork: None,
        watching,
        watching_duty: Duty::new(&setup.state, "watch"),
        watcher: None,
        feeder,
        _presence: presence,
        stop: Some(stop),
        served,
    })
}

async fn run(
    port: Port,
    api: Api,
    services: Services,
    signing: Signing,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let (engine, files, gate) = (api.engine.clone(), api.files.clone(), api.gate.clone());
    let (reporter, health) = tonic_health::server::health_reporter();
    let mut routes = handlers::routes(&api, &services);
    let health_check = HealthCheck { reporter, services };
    let serves = serves(&engine, &signing);
    health_check.report(serves).await;
    let watch = tokio::spawn(watch(engine.clone(), signing.clone(), health_check, serves));
    let sweeper = tokio::spawn(sweep(engine.clone()));
    let keys = tokio::spawn(take_up_keys(engine.clone()));
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
            (port.providers(), gate.clone()),
            passed,
        ))
        .merge(crate::http::routes(engine, signing, files, gate.clone()));
    port::serve(port, app, gate, stop).await;
    watch.abort();
    sweeper.abort();
    keys.abort();
}

/// What every gRPC call passes on its way in and out. One layer for all: each one more would cost every call a copy of those within it.
async fn passed(
    State((providers, gate)): State<(Providers, Gate)>,
    mut request: Request,
    next: Next,
) -> Response {
    Entered::received(&mut request);
    let within = async |request| next.run(caller::shown(&providers, request).await).await;
    let limited =
        async |request| errors::unread(&gate, limits::strangers(&gate, request, within).await);
    telemetry::traced(request, limited).await
}

/// Takes up the token keys that are added to the state folder.
async fn take_up_keys(engine: Engine) {
    let mut ticks = tokio::time::interval(LOOK_FOR_KEYS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        ticks.tick().await;
        let people = engine.people().clone();
        let refreshed = tokio::task::spawn_blocking(move || people.tokens().refresh()).await;
        let Ok(refreshed) = refreshed else { continue };
        match &refreshed {
            Ok(Some(kid)) => tracing::info!(%kid, "a new key signs tokens"),
            Ok(None) => {}
            Err(error) if !failing => tracing::error!(%error, "the token keys stay as they were"),
            Err(_) => {}
        }
        failing = refreshed.is_err();
    }
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

/// Starts the signer of the logs. What it finds wrong raises the region's alarm and keeps nobody else from being served.
async fn sign(engine: &Engine, setup: &Setup) -> Result<Signing, SignerError> {
    let (store, clock) = (engine.store().clone(), setup.clock.clone());
    let signer = match setup.listen.services.sign_logs() {
        true => Signer::new(store, clock, &setup.state, &setup.deployment)?
            .witnessed(setup.witnesses.clone()),
        false => Signer::onlooker(store, clock, &setup.state, &setup.deployment),
    };
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
    health_check: HealthCheck,
    mut said: ServingStatus,
) {
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = serves(&engine, &signing);
        if now != said {
            health_check.report(now).await;
            said = now;
        }
    }
}

/// The health check of the server as a whole, which is "", and of each service.
struct HealthCheck {
    reporter: HealthReporter,
    services: Services,
}

impl HealthCheck {
    async fn report(&self, status: ServingStatus) {
        for service in self.services.mounted().chain([""]) {
            self.reporter.set_service_status(service, status).await;
        }
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
    Secrets::open(&setup.state, now, &mut |buffer: &mut [u8]| {
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

/// The operator's key and its credential. A process of a part of the services does without the key: it is nobody's to have there. The
/// first start of a whole server has left the credential in the database.
async fn operator(
    engine: &Engine,
    setup: &Setup,
    file: &Path,
) -> Result<(String, CredentialId), StartError> {
    let store = engine.store();
    if !setup.listen.services.are_all() {
        let credential = store
            .meta(OPERATOR)
            .await?
            .and_then(|text| text.parse().ok());
        let credential = credential.ok_or(StartError::NeverStarted)?;
        return Ok((String::new(), credential));
    }
    let key = operator_key(file)?;
    let credential = caller::credential(&key);
    if store.meta(OPERATOR).await?.as_deref() != Some(credential.as_str()) {
        store.set_meta(OPERATOR, credential.as_str()).await?;
    }
    open_tree(engine, setup, &credential).await?;
    Ok((key, credential))
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
