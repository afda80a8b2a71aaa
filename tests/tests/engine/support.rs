//! Two counties and their city, ready to take applications, driven straight through the engine: no wire between a test and the
//! region writer. On PostgreSQL a second engine is another process's: its own connections. SQLite has one process, so there the
//! second engine shares the store and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use hefu_audit::{Replay, Replayed};
use hefu_domain::calendar::Calendar;
use hefu_domain::command::*;
use hefu_domain::state::{Account, RegionState};
use hefu_domain::*;
use hefu_engine::{
    Answer, Clock, Engine, EngineError, People, Queues, Recorded, Request, Source, audit,
};
use hefu_scenario::{credential, key};
use hefu_store::{Head, Pause, RegionCommit, Store};
use hefu_tests::canaries;
use hefu_tests::engines::{Engine as Kind, Folder, Place, fresh};
use hefu_token::KeyRing;
use hefu_token::keys::{self, Use};
use hefu_vault::{PersonRecord, Secrets};
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use tokio::task::JoinHandle;

/// The city of Jinzhong.
pub(crate) const CITY: &str = "140700";
/// Shouyang and Qi County.
pub(crate) const COUNTIES: [&str; 2] = ["140725", "140727"];
/// Every region of a field, the parent first.
const REGIONS: [&str; 3] = [CITY, COUNTIES[0], COUNTIES[1]];
/// What one general voucher reserves.
pub(crate) const ONE_VOUCHER: Fen = Fen(100_000);
/// 2023-05-10 10:00 in Asia/Shanghai.
pub(crate) const NOW_MS: i64 = 1_683_684_000_000;

const POLICY: &str = include_str!("../../../policy/jinzhong-2023.toml");
const CALENDAR: &str = include_str!("../../../policy/calendar-2023.toml");
const SOURCE: Source = Source::Seeded([5; 32]);
const STAFF: [(&str, Role); 4] = [
    ("clerk", Role::Clerk),
    ("reviewer", Role::Reviewer),
    ("finance", Role::Finance),
    ("portal", Role::Holder),
];
/// What an eligible person's registers say.
const ANSWERS: [(&str, &str); 7] = [
    ("real_name", "match"),
    ("age", "working"),
    ("alive", "yes"),
    ("pension", "none"),
    ("public_payroll", "no"),
    ("student", "no"),
    ("flexible", "yes"),
];

/// What an engine answers.
pub(crate) type Reply = Result<Answer, EngineError>;

/// A database with two engines on it.
pub(crate) struct Field {
    pub(crate) one: Engine,
    pub(crate) two: Engine,
    pub(crate) hand: Arc<AtomicI64>,
    numbers: AtomicU64,
    pub(crate) place: Place,
    pub(crate) state: Folder,
}

/// Requests that the first engine's writer finds together when the commit at hand is let go.
pub(crate) struct Gathered {
    first: JoinHandle<Reply>,
    under_way: Pause,
    replies: JoinHandle<Vec<Reply>>,
}

impl Gathered {
    /// Lets the commit at hand go. Its request is answered; those that gathered are now the writer's next batch.
    pub(crate) async fn go(self) -> JoinHandle<Vec<Reply>> {
        self.under_way.release();
        recorded(self.first.await.unwrap());
        self.replies
    }
}

impl Field {
    /// Opens the three regions; each county has so much money of the city's source.
    pub(crate) async fn open(kind: Kind, money: Fen) -> Field {
        let (clock, hand) = Clock::simulated(Instant(NOW_MS));
        let field = Field::under(kind, clock, hand).await;
        for region in REGIONS {
            field.open_log(region).await;
            field.open_office(region).await;
        }
        for county in COUNTIES {
            if money > Fen::ZERO {
                field.appropriate(county, money).await;
            }
        }
        field
    }

    /// Two engines under that clock, moved by that hand, and no region yet.
    pub(crate) async fn under(kind: Kind, clock: Clock, hand: Arc<AtomicI64>) -> Field {
        let (store, place) = fresh(kind).await;
        let state = Folder::new("hefu-engine");
        keys::new_key(
            state.path(),
            Use::Token,
            &SOURCE.draw(&["token"]),
            clock.now(),
        )
        .unwrap();
        let mut drawn = 0;
        Secrets::create(state.path(), clock.now(), &mut |buffer: &mut [u8]| {
            drawn += 1;
            buffer.copy_from_slice(&SOURCE.draw(&["vault", &drawn.to_string()])[..buffer.len()]);
        })
        .unwrap();
        let other = match kind {
            Kind::Postgres => place.open().await,
            Kind::Sqlite => store.clone(),
        };
        // One writer: whatever is submitted while it commits makes one batch.
        let one = Engine::start(
            store,
            clock.clone(),
            people(&state, &clock),
            1,
            Queues::default(),
        )
        .await
        .unwrap();
        let two = Engine::start(
            other,
            clock.clone(),
            people(&state, &clock),
            2,
            Queues::default(),
        )
        .await
        .unwrap();
        let numbers = AtomicU64::new(0);
        Field {
            one,
            two,
            hand,
            numbers,
            place,
            state,
        }
    }

    /// An engine as a process would have it that starts now.
    pub(crate) async fn restarted(&self) -> Engine {
        let clock = self.one.clock().clone();
        let people = people(&self.state, &clock);
        Engine::start(self.store().clone(), clock, people, 1, Queues::default())
            .await
            .unwrap()
    }

    pub(crate) fn store(&self) -> &Store {
        self.one.store()
    }

    /// A number that no other has here.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// A command of somebody of that region, under a request id of its own.
    pub(crate) fn command(&self, region: &str, by: &str, act: impl Into<Act>) -> Command {
        let request = format!("request-{}", self.number());
        self.command_of(region, by, &request, act)
    }

    /// A command under that request id.
    pub(crate) fn command_of(
        &self,
        region: &str,
        by: &str,
        request: &str,
        act: impl Into<Act>,
    ) -> Command {
        let act = act.into();
        let body = format!("{act:?}");
        Command {
            region: region.parse().unwrap(),
            by: staff(region, by),
            request: request.parse().unwrap(),
            digest: self
                .one
                .people()
                .secrets()
                .request_digest(act.name(), body.as_bytes()),
            seals: Vec::new(),
            act,
        }
    }

    /// Must be accepted.
    pub(crate) async fn must(&self, region: &str, by: &str, act: impl Into<Act>) -> Recorded {
        let command = self.command(region, by, act);
        recorded(self.one.submit(command.into()).await)
    }

    /// The opening of a region's log.
    pub(crate) fn opening(&self, code: &str) -> Command {
        let parent = (code != CITY).then(|| CITY.parse().unwrap());
        let state = RegionState {
            parent,
            name: "寿阳县".to_owned(),
            name_en: "Shouyang".to_owned(),
            deployment: "test.hefu.local".to_owned(),
            simulated: self.one.clock().is_simulated(),
            recorded: Default::default(),
            next_place: Default::default(),
        };
        let operator = grant(code, "operator", Role::Operator);
        let open = OpenRegion {
            state,
            operator,
            of_deployment: true,
        };
        self.command(code, "operator", open)
    }

    pub(crate) async fn open_log(&self, code: &str) {
        recorded(self.one.submit(self.opening(code).into()).await);
    }

    async fn open_office(&self, code: &str) {
        let adopt = AdoptPolicy {
            policy: Policy::from_toml(POLICY).unwrap(),
            effective: Instant(NOW_MS),
        };
        self.must(code, "operator", adopt).await;
        let calendar: Calendar = toml::from_str(CALENDAR).unwrap();
        self.must(code, "operator", AdoptCalendar { calendar })
            .await;
        self.must(code, "operator", OpenPlanYear { year: year() })
            .await;
        for (who, role) in STAFF {
            let grant = grant(code, who, role);
            self.must(code, "operator", GrantCaller { grant }).await;
        }
    }

    pub(crate) async fn appropriate(&self, region: &str, amount: Fen) {
        let act = AppropriateFunds {
            year: year(),
            source: "city".parse().unwrap(),
            amount,
            reference: "CZ-2023/1".parse().unwrap(),
        };
        self.must(region, "finance", act).await;
    }

    /// A command that is always accepted and concerns nobody else.
    pub(crate) fn bystander(&self, region: &str) -> Command {
        let name = format!("bystander-{}", self.number());
        let grant = grant(region, &name, Role::Clerk);
        self.command(region, "operator", GrantCaller { grant })
    }

    /// Registers the made-up person of that number, who is eligible. The same number is the same identity in every region.
    pub(crate) async fn register(&self, region: &str, number: u64) -> PersonId {
        let who = canaries::villager(number);
        let person = self.id("person", PersonId);
        let label = person.to_string();
        let record = PersonRecord {
            identity: who.identity.parse().unwrap(),
            name: who.name.parse().unwrap(),
            phone: Some(who.phone.parse().unwrap()),
        };
        let code: Region = region.parse().unwrap();
        let people = self.one.people();
        let tag = people.secrets().lookup_tag(&code, &record.identity);
        let key = SOURCE.draw(&["data-key", &label]).into();
        let nonces = SOURCE.draw(&["nonces", &label]);
        let sealed = people.seal(&code, person, &record, key, nonces).unwrap();
        let request = Request {
            secrets: vec![sealed],
            ..self
                .command(region, "clerk", RegisterPerson { person, tag })
                .into()
        };
        recorded(self.one.submit(request).await);
        self.must(
            region,
            "clerk",
            RecordCheckAnswers {
                person,
                answers: answers(),
            },
        )
        .await;
        person
    }

    /// An application of that person's, and the id of the voucher that it would make.
    pub(crate) fn apply(&self, region: &str, person: PersonId) -> (VoucherId, Command) {
        let voucher = self.id("voucher", VoucherId);
        let act = Apply {
            voucher,
            person,
            year: year(),
            programme: Programme::General,
            category: "flexible".parse().unwrap(),
            occupation: None,
            level: None,
            employer: None,
        };
        (voucher, self.command(region, "portal", act))
    }

    /// A new person's voucher, applied for.
    pub(crate) async fn applied(&self, region: &str) -> (VoucherId, PersonId) {
        let person = self.register(region, 1_000 + self.number()).await;
        let (voucher, command) = self.apply(region, person);
        recorded(self.one.submit(command.into()).await);
        (voucher, person)
    }

    pub(crate) fn issue(&self, region: &str, voucher: VoucherId) -> Command {
        self.command(region, "reviewer", Issue { voucher })
    }

    pub(crate) fn revoke(&self, region: &str, voucher: VoucherId) -> Command {
        let reason = "FRAUD".parse().unwrap();
        self.command(region, "reviewer", Revoke { voucher, reason })
    }

    pub(crate) fn withdraw(&self, region: &str, voucher: VoucherId, person: PersonId) -> Command {
        let holder = Some(person);
        self.command(region, "portal", Withdraw { voucher, holder })
    }

    pub(crate) fn allocate(&self, to: &str, amount: Fen) -> Command {
        let act = AllocateFunds {
            to: to.parse().unwrap(),
            year: year(),
            source: "city".parse().unwrap(),
            amount,
            reference: "XB-2023/1".parse().unwrap(),
        };
        self.command(CITY, "finance", act)
    }

    fn id<T>(&self, what: &str, make: fn(uuid::Uuid) -> T) -> T {
        let number = self.number().to_string();
        make(SOURCE.uuid(Instant(NOW_MS), &[what, &number]))
    }

    /// Has the first engine decide all these in one batch: they come in while its writer commits something else.
    pub(crate) async fn in_one_batch(&self, requests: Vec<Request>) -> Vec<Reply> {
        self.together_after(COUNTIES[0], requests).await
    }

    /// The same, where the first county cannot be written.
    pub(crate) async fn together_there(&self, requests: Vec<Request>) -> Vec<Reply> {
        self.together_after(COUNTIES[1], requests).await
    }

    async fn together_after(&self, region: &str, requests: Vec<Request>) -> Vec<Reply> {
        let gathered = self.gather(region, requests).await;
        gathered.go().await.await.unwrap()
    }

    /// Has the first engine decide all these in one batch, up to its commit: it stands before the guard until it is released.
    pub(crate) async fn at_their_commit(
        &self,
        requests: Vec<Request>,
    ) -> (Pause, JoinHandle<Vec<Reply>>) {
        let gathered = self.gather(COUNTIES[0], requests).await;
        let mut pause = self.store().faults().pause_next();
        let replies = gathered.go().await;
        pause.reached().await;
        (pause, replies)
    }

    /// Requests that come in, in this order, while the first engine's writer commits something else in that region.
    pub(crate) async fn gather(&self, region: &str, requests: Vec<Request>) -> Gathered {
        let mut under_way = self.store().faults().pause_next();
        let first = self.submit(self.bystander(region));
        under_way.reached().await;
        let all = 1 + requests.len();
        let waiting: Vec<_> = requests
            .into_iter()
            .map(|request| {
                let engine = self.one.clone();
                async move { engine.submit(request).await }
            })
            .collect();
        let replies = tokio::spawn(join_all(waiting));
        while self.one.in_flight() < all {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Gathered {
            first,
            under_way,
            replies,
        }
    }

    /// Sends a command to the first engine without waiting for its answer.
    pub(crate) fn submit(&self, command: Command) -> JoinHandle<Reply> {
        let engine = self.one.clone();
        tokio::spawn(async move { engine.submit(command.into()).await })
    }

    pub(crate) async fn head(&self, region: &str) -> Head {
        self.store()
            .heads(&[region.to_owned()])
            .await
            .unwrap()
            .remove(0)
    }

    /// Somebody who knows no rule changes the head behind the engines' backs.
    pub(crate) async fn change_head(&self, region: &str, change: impl Fn(&mut Head)) {
        let read = self.head(region).await;
        let mut next = read.clone();
        change(&mut next);
        let part = RegionCommit {
            read: Some(read),
            next,
            events: Vec::new(),
            rows: Vec::new(),
        };
        let commit = hefu_store::Commit {
            regions: vec![part],
            ..Default::default()
        };
        let outcome = self.two.store().commit(commit).await.unwrap();
        assert_eq!(outcome, hefu_store::Outcome::Committed);
    }

    /// How many events a request made.
    pub(crate) async fn events_of(&self, command: &Command) -> usize {
        let region = command.region.as_str();
        let events = self.store().events(region, 0, 0, 100_000).await.unwrap();
        let request = command.request.as_str();
        events.iter().filter(|row| row.request == request).count()
    }

    pub(crate) async fn account(&self, region: &str) -> Account {
        let region = region.parse().unwrap();
        let account = self
            .one
            .inspect(&region, |world, _| {
                world.account(&year(), &"city".parse().unwrap()).copied()
            })
            .await;
        account.unwrap().unwrap()
    }

    /// Replays a region's log: dense indexes, streams, times and roots are the replay's own checks.
    pub(crate) async fn replay(&self, region: &str) -> Replayed {
        let head = self.head(region).await;
        let events = self.store().events(region, head.epoch, 0, 100_000).await;
        let mut replay = Replay::new(region.parse().unwrap());
        for event in events.unwrap() {
            replay.feed(&event.bytes).unwrap();
        }
        let end = replay.end();
        assert_eq!((end.size, end.root.0), (head.size, head.root));
        end
    }

    /// Somebody with rights on the database changes it by hand.
    pub(crate) async fn tamper(&self, sql: &'static str) {
        let url = self.place.url();
        match self.place.engine() {
            Kind::Sqlite => {
                let mut conn = SqliteConnection::connect(&url).await.unwrap();
                // Whoever may write to the file may take its lock off.
                for lock in ["event_is_never_updated", "event_is_never_deleted"] {
                    let unlock = format!("DROP TRIGGER IF EXISTS {lock}");
                    conn.execute(sqlx::AssertSqlSafe(unlock)).await.unwrap();
                }
                conn.execute(sql).await.unwrap();
                conn.close().await.unwrap();
            }
            Kind::Postgres => {
                let mut conn = PgConnection::connect(&url).await.unwrap();
                conn.execute(sql).await.unwrap();
                conn.close().await.unwrap();
            }
        }
    }

    /// Every log replays to its head, every table row and nullifier is what the logs say, and there are no others. Every move comes out
    /// of its own events again.
    pub(crate) async fn close(self) {
        let mut snapshot = self.store().snapshot().await.unwrap();
        let verified = audit(&mut snapshot, true, |_, _| ()).await.unwrap();
        assert!(verified.failed.is_empty(), "{:#?}", verified.failed);
        assert!(verified.findings.is_empty(), "{:#?}", verified.findings);
        drop(snapshot);
        self.store().close().await;
        if self.place.engine() == Kind::Postgres {
            self.two.store().close().await;
        }
    }
}

/// The plan year of every test.
pub(crate) fn year() -> PlanYear {
    PlanYear::try_from(2023).unwrap()
}

fn people(state: &Folder, clock: &Clock) -> People {
    let secrets = Secrets::load(state.path()).unwrap();
    let issuer = "test.hefu.local";
    let tokens = KeyRing::signing(state.path(), issuer, 86_400).unwrap();
    People::open(
        state.path(),
        secrets,
        issuer.to_owned(),
        tokens,
        clock.clone(),
    )
    .unwrap()
}

fn staff(region: &str, who: &str) -> CredentialId {
    credential(&key(1, &format!("{region}/{who}")))
        .parse()
        .unwrap()
}

fn grant(region: &str, who: &str, role: Role) -> Grant {
    Grant {
        credential: staff(region, who),
        subject: who.parse().unwrap(),
        person: who.parse().unwrap(),
        roles: [role].into(),
        institution: None,
        holder: None,
        expires: None,
    }
}

fn answers() -> Vec<CheckAnswer> {
    ANSWERS
        .map(|(check, answer)| CheckAnswer {
            check: check.parse().unwrap(),
            answer: answer.parse().unwrap(),
            valid_until: "2023-12-31".parse().unwrap(),
            reference: None,
            employer: None,
        })
        .to_vec()
}

/// The events of an accepted command.
pub(crate) fn recorded(reply: Reply) -> Recorded {
    match reply {
        Ok(Answer::Recorded(recorded)) => recorded,
        other => panic!("not recorded: {other:?}"),
    }
}

/// The codes of every rule that said no.
pub(crate) fn codes(refusals: &Refusals) -> String {
    let reasons = refusals.reasons();
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code.as_str()).collect();
    codes.join(" ")
}

/// An answer in a word: `recorded`, `dry`, the codes of a refusal, or the error.
pub(crate) fn said(reply: &Reply) -> String {
    match reply {
        Ok(Answer::Recorded(_)) => "recorded".to_owned(),
        Ok(Answer::Dry(_)) => "dry".to_owned(),
        Err(EngineError::Refused(refusals)) => codes(refusals),
        Err(EngineError::GroupRefused { item, refusals }) => {
            format!("item {item}: {}", codes(refusals))
        }
        Err(other) => other.to_string(),
    }
}

/// How many answers were `recorded`, and what the others say, each once.
pub(crate) fn settle(replies: &[Reply]) -> (usize, Vec<String>) {
    let words: Vec<String> = replies.iter().map(said).collect();
    let won = words.iter().filter(|word| *word == "recorded").count();
    let mut others: Vec<String> = words
        .into_iter()
        .filter(|word| word != "recorded")
        .collect();
    others.sort();
    others.dedup();
    (won, others)
}
