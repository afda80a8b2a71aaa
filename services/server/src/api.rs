//! What every handler does: say who calls, read the request, submit it, answer from the events. Nothing is decided here.

use std::any::Any;
use std::cell::RefCell;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures_util::future::join_all;
use hefu_domain::command::{Act, PresentedToken};
use hefu_domain::state::Once;
use hefu_domain::{
    Code, Command, CredentialId, Date, Door, Event, InstitutionId, Refusals, Region, RequestId,
    Rpc, Tag, VoucherId, World, admitted,
};
use hefu_engine::stages::Mark;
use hefu_engine::{Answer, Committed, Engine, EngineError, NewSecret, Recorded, Source};
use hefu_token::token_hash;
use hefu_vault::{Identity, PersonName, PersonRecord, PhoneNumber, Salt, Sealed, Secrets};
use hefu_wire::{
    BadField, BadFields, Batch, Edge, Move, Outcome, Place, Reader, Reply, Shown, Unmasked, v1,
};
use tonic::{Request, Response, Status};

use crate::limits::{Gate, LetIn, PlaceInLine, Turn};
use crate::log_files::LogFiles;
use crate::registers::Registers;
use crate::reports::ReadModel;
use crate::stages::{Decoding, Entered, Replying};
use crate::{caller, errors};

/// The API over one engine. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) engine: Engine,
    pub(crate) source: Source,
    pub(crate) deployment: Arc<str>,
    /// The deployment's own operator, whose key is in the state folder.
    pub(crate) operator: CredentialId,
    /// Who is asked about people and certificates.
    pub(crate) registers: Registers,
    /// What one caller may take.
    pub(crate) gate: Gate,
    /// What is public of the logs.
    pub(crate) files: LogFiles,
    /// What the reports are made of.
    pub(crate) reports: ReadModel,
}

/// A request read: the command, and the vault's share of it.
struct Prepared {
    command: Command,
    secrets: Vec<NewSecret>,
    /// How long the message was.
    bytes: usize,
}

/// A request that is wrong in itself, and the region in whose name it was made, if that could be read.
pub(crate) struct Wrong {
    pub(crate) region: Option<Region>,
    pub(crate) status: Status,
}

impl From<Status> for Wrong {
    fn from(status: Status) -> Wrong {
        Wrong {
            region: None,
            status,
        }
    }
}

/// Why none of several moves was made.
pub(crate) enum NotMade {
    /// One of them was refused.
    Item(usize, Refusals),
    /// Something else.
    Other(Status),
}

/// How a command is submitted.
#[derive(Clone, Copy)]
struct Manner {
    /// It is decided only.
    dry: bool,
    /// There was room for all of the call that it came with.
    let_in: bool,
}

/// A request as it came in, whatever its move. What every move shares is compiled once, over this, and not once per move.
struct Asked<'a> {
    by: &'a CredentialId,
    name: &'static str,
    request_id: &'a str,
    /// Its place in an ATOMIC batch.
    number: usize,
    /// The message without request id and flag.
    bare: Vec<u8>,
    /// The personal data, where it is a registration.
    registration: Option<&'a v1::RegisterPersonRequest>,
}

/// What the engine answered: a reply for each command.
struct Told {
    recorded: Recorded,
    written: bool,
    /// What each command hands out besides.
    shown: Vec<Option<Shown>>,
    /// As long as the answer is made of it.
    replying: Replying,
}

impl Told {
    fn replies<R: Reply>(&self) -> Vec<R> {
        let mut from = 0;
        let reply = |(part, shown): (&usize, &Option<Shown>)| {
            let events = from..from + part;
            from = events.end;
            R::of(&Outcome {
                region: &self.recorded.region,
                at: self.recorded.at,
                place: self.written.then(|| Place {
                    epoch: self.recorded.epoch,
                    first_index: self.recorded.first_index + events.start as u64,
                }),
                events: &self.recorded.events[events],
                shown: shown.as_ref(),
            })
        };
        self.recorded
            .parts
            .iter()
            .zip(&self.shown)
            .map(reply)
            .collect()
    }
}

impl Api {
    /// Serves one move.
    pub(crate) async fn write<M: Move, R: Reply>(
        &self,
        request: Request<M>,
    ) -> Result<Response<R>, Status> {
        let by = caller::of(&request)?;
        let decoding = Entered::decoding(request.extensions(), 1);
        let (reply, replying) = self.one(&by, None, request.get_ref(), decoding).await?;
        let mut response = Response::new(reply);
        replying.go_with(&mut response);
        Ok(response)
    }

    async fn one<M: Move, R: Reply>(
        &self,
        by: &CredentialId,
        parent: Option<&Region>,
        message: &M,
        decoding: Decoding,
    ) -> Result<(R, Replying), Status> {
        let mut prepared = self.prepare(by, message, message.request_id(), 0);
        if let Some(parent) = parent {
            prepared = prepared.and_then(|prepared| within(parent, prepared));
        }
        let mut prepared = match prepared {
            Ok(prepared) => prepared,
            Err(wrong) => return Err(self.told_of_move(M::NAME, by, wrong).await),
        };
        self.look_up(&mut prepared.command).await?;
        let manner = Manner {
            dry: message.validate_only(),
            let_in: parent.is_some(),
        };
        let told = self.submit(by, vec![prepared], manner, decoding).await?;
        let reply = told.replies().pop().ok_or_else(errors::internal)?;
        Ok((reply, told.replying))
    }

    /// Makes a move on a caller's behalf, such as a sheet's row asks for; it came with a call that was let in as a whole.
    pub(crate) async fn made<M: Move, R: Reply>(
        &self,
        by: &CredentialId,
        region: &Region,
        message: &M,
    ) -> Result<R, Status> {
        let made = self.one(by, Some(region), message, Decoding::default());
        made.await.map(|(reply, _)| reply)
    }

    /// Makes several moves of one kind, all or none, under one request id.
    pub(crate) async fn made_together<M: Move>(
        &self,
        by: &CredentialId,
        region: &Region,
        request_id: &str,
        messages: &[M],
    ) -> Result<(), NotMade> {
        let mut request = hefu_engine::Request {
            commands: Vec::with_capacity(messages.len()),
            dry: false,
            secrets: Vec::new(),
            bytes: 0,
            let_in: true,
        };
        let mut digests = Vec::new();
        for (number, message) in messages.iter().enumerate() {
            let prepared = self
                .prepare(by, message, request_id, number)
                .and_then(|prepared| within(region, prepared))
                .map_err(|wrong| NotMade::Other(wrong.status))?;
            request.bytes += prepared.bytes;
            digests.extend(prepared.command.digest.0);
            request.commands.push(prepared.command);
            request.secrets.extend(prepared.secrets);
        }
        let secrets = self.engine.people().secrets();
        let digest = secrets.request_digest("atomic", &digests);
        for command in &mut request.commands {
            command.digest = digest;
        }
        let turn = self.gate.turn(&self.engine, by, region).await;
        let turn = turn.map_err(NotMade::Other)?;
        match submitted(turn, self.engine.submit(request)).await {
            Ok(_) => Ok(()),
            Err(EngineError::Refused(refusals)) => Err(NotMade::Item(0, refusals)),
            Err(EngineError::GroupRefused { item, refusals }) => Err(NotMade::Item(item, refusals)),
            Err(error) => Err(NotMade::Other(errors::of_move(M::NAME, error))),
        }
    }

    /// Serves a batch: each item on its own, or all or none.
    pub(crate) async fn batch<B: Batch>(
        &self,
        mut request: Request<B>,
    ) -> Result<Response<B::Responses>, Status> {
        let place: Option<PlaceInLine> = request.extensions_mut().remove();
        let by = caller::of(&request)?;
        let batch = request.get_ref();
        let items = batch.requests();
        let parent =
            hefu_wire::names::parse_region(batch.parent()).map_err(|rule| bad("parent", rule))?;
        let (by, parent) = (&by, &parent);
        self.gate.batch(by, request.extensions(), items.len())?;
        let most = self.gate.limits().batch_items;
        let wrong = match batch.mode() {
            _ if !(1..=most).contains(&items.len()) => {
                let rule = format!("1 to {most} items, not {}", items.len());
                Some(bad("requests", rule))
            }
            v1::Mode::Unspecified => Some(bad("mode", "must be MODE_EACH or MODE_ATOMIC")),
            v1::Mode::Each | v1::Mode::Atomic => None,
        };
        if let Some(status) = wrong {
            let wrong = of_region(parent, status);
            return Err(self.told_of_move(B::Item::NAME, by, wrong).await);
        }
        let in_line = Mark::now();
        let turn = self.gate.turn(&self.engine, by, parent).await?;
        drop(place);
        let decoding = Entered::decoding(request.extensions(), items.len());
        let decoding = decoding.waited(in_line.elapsed());
        let results = match batch.mode() {
            v1::Mode::Each => {
                let decoding = decoding.each(items.len());
                let answers = items.iter().enumerate().map(|(number, item)| async move {
                    let answer = self.one(by, Some(parent), item, decoding.begin()).await;
                    answer
                        .map(|(response, _)| response)
                        .map_err(|status| hefu_wire::errors::of_item(number, &status))
                });
                submitted(turn, join_all(answers)).await
            }
            v1::Mode::Atomic | v1::Mode::Unspecified => {
                let answers = submitted(turn, self.atomic(by, parent, batch, decoding)).await?;
                answers.into_iter().map(Ok).collect()
            }
        };
        let is_let_in = results.iter().any(Result::is_ok);
        let mut response = Response::new(B::responses(results));
        if is_let_in {
            response.extensions_mut().insert(LetIn);
        }
        Ok(response)
    }

    async fn atomic<B: Batch>(
        &self,
        by: &CredentialId,
        parent: &Region,
        batch: &B,
        decoding: Decoding,
    ) -> Result<Vec<B::Response>, Status> {
        let mut group = match self.group(by, parent, batch) {
            Ok(group) => group,
            Err(status) => {
                let wrong = of_region(parent, status);
                return Err(self.told_of_move(B::Item::NAME, by, wrong).await);
            }
        };
        // One request, one digest: that of all its items.
        let all: Vec<u8> = group
            .iter()
            .flat_map(|prepared| prepared.command.digest.0)
            .collect();
        let digest = self
            .engine
            .people()
            .secrets()
            .request_digest("atomic", &all);
        group
            .iter_mut()
            .for_each(|prepared| prepared.command.digest = digest);
        let manner = Manner {
            dry: batch.requests().iter().any(Move::validate_only),
            let_in: true,
        };
        let told = self.submit(by, group, manner, decoding).await?;
        Ok(told.replies())
    }

    /// The items of an ATOMIC batch.
    fn group<B: Batch>(
        &self,
        by: &CredentialId,
        parent: &Region,
        batch: &B,
    ) -> Result<Vec<Prepared>, Status> {
        let mut group = Vec::with_capacity(batch.requests().len());
        for (number, message) in batch.requests().iter().enumerate() {
            let prepared = self
                .prepare(by, message, batch.request_id(), number)
                .and_then(|prepared| within(parent, prepared))
                .map_err(|wrong| hefu_wire::errors::of_item(number, &wrong.status))?;
            let act = &prepared.command.act;
            let alone = matches!(act, Act::RegisterPerson(_)) || act.other_region().is_some();
            if alone {
                return Err(bad(
                    "mode",
                    format!("{} goes with MODE_EACH only", prepared.command.act.name()),
                ));
            }
            group.push(prepared);
        }
        Ok(group)
    }

    async fn told_of_move(&self, name: &str, by: &CredentialId, wrong: Wrong) -> Status {
        match Rpc::of_move(name) {
            Some(rpc) => self.told(rpc, by, wrong).await,
            None => errors::internal(),
        }
    }

    /// What is wrong with a request is told to whoever may make it; anybody else hears that they may not. A good request is not
    /// looked at here: the region's grants decide about it under the guard.
    pub(crate) async fn told(&self, rpc: Rpc, by: &CredentialId, wrong: Wrong) -> Status {
        let Wrong { region, status } = wrong;
        if rpc == Rpc::OpenRegion && *by != self.operator {
            return errors::stop(Code::RoleMissing.about(rpc.name()));
        }
        let Some(region) = region.filter(|_| rpc.door() == Door::Granted) else {
            return status;
        };
        if rpc == Rpc::OpenRegion {
            return status;
        }
        let admitted = |world: &World, at| admitted(world, rpc, by, at).map(|_| ());
        match self.engine.inspect(&region, admitted).await {
            Ok(Ok(())) => status,
            Ok(Err(stop)) => errors::stop(stop),
            Err(error) => errors::status(error),
        }
    }

    /// Submits one command, or an ATOMIC group's, and fetches what it hands out besides.
    async fn submit(
        &self,
        by: &CredentialId,
        group: Vec<Prepared>,
        Manner { dry, let_in }: Manner,
        decoding: Decoding,
    ) -> Result<Told, Status> {
        let mut request = hefu_engine::Request {
            commands: Vec::with_capacity(group.len()),
            dry,
            secrets: Vec::new(),
            bytes: group.iter().map(|prepared| prepared.bytes).sum(),
            let_in,
        };
        for prepared in group {
            request.commands.push(prepared.command);
            request.secrets.extend(prepared.secrets);
        }
        let rpc = request
            .commands
            .first()
            .map_or("", |command| command.act.name());
        let is_application = request
            .commands
            .iter()
            .any(|command| is_application(&command.act));
        match (dry, is_application) {
            (true, _) => self.gate.dry_run(by)?,
            (false, true) => self.gate.application(by)?,
            (false, false) => {}
        }
        let moves = request.commands.len();
        decoding.end(moves);
        let answer = self.engine.submit(request).await;
        let replying = Replying::begin(moves);
        if is_application && !dry {
            self.gate.answered(by, &answer);
        }
        let (recorded, written) = match answer.map_err(|error| errors::of_move(rpc, error))? {
            Answer::Recorded(recorded) => (recorded, true),
            Answer::Dry(recorded) => (recorded, false),
        };
        let mut shown = Vec::with_capacity(recorded.parts.len());
        let mut from = 0;
        for part in &recorded.parts {
            let first = recorded.events.get(from).filter(|_| written);
            shown.push(match first {
                Some(event) => self.shown(&recorded.region, by, event).await?,
                None => None,
            });
            from += part;
        }
        Ok(Told {
            recorded,
            written,
            shown,
            replying,
        })
    }

    /// What a command hands out that its event does not hold.
    async fn shown(
        &self,
        region: &Region,
        by: &CredentialId,
        event: &Event,
    ) -> Result<Option<Shown>, Status> {
        Ok(match event {
            Event::TokenFetched(_) | Event::TokenReissued(_) => {
                let token = self.engine.token(region, by, event).await;
                Some(Shown::Token(token.map_err(errors::status)?))
            }
            Event::PersonRevealed(event) => {
                let record = self.engine.revealed(region, by, event).await;
                let record = record.map_err(errors::status)?;
                let phone = record.phone.as_ref();
                Some(Shown::Person(Unmasked {
                    identity_number: record.identity.expose().to_owned(),
                    display_name: record.name.expose().to_owned(),
                    phone: phone.map_or("", PhoneNumber::expose).to_owned(),
                }))
            }
            Event::PayoutFileExported(event) => {
                Some(Shown::File(self.payout_file(region, by, event).await?))
            }
            _ => None,
        })
    }

    /// Reads a request into a command; every field that is wrong is named.
    fn prepare<M: Move>(
        &self,
        by: &CredentialId,
        message: &M,
        request_id: &str,
        number: usize,
    ) -> Result<Prepared, Wrong> {
        let asked = Asked {
            by,
            name: M::NAME,
            request_id,
            number,
            bare: message.bare().encode_to_vec(),
            registration: (message as &dyn Any).downcast_ref(),
        };
        self.prepare_act(&asked, &|reader| message.read(reader))
    }

    fn prepare_act(
        &self,
        asked: &Asked,
        read: &dyn Fn(&mut Reader) -> Option<Act>,
    ) -> Result<Prepared, Wrong> {
        let now = self.engine.clock().now();
        let secrets = self.engine.people().secrets();
        let number = asked.number.to_string();
        // Under a seed the same request draws the same ids, whatever else is going on.
        let label = |kind: &'static str, purpose: &str| {
            let (by, name) = (asked.by.as_str(), asked.name);
            [kind, by, asked.request_id, name, &number, purpose].map(str::to_owned)
        };
        let draw = |purpose: &str| {
            self.source
                .uuid(now, &label("id", purpose).each_ref().map(String::as_str))
        };
        let salt = |purpose: &str| {
            self.source
                .draw(&label("salt", purpose).each_ref().map(String::as_str))
        };
        let identity = |region: &Region, text: &str| -> Result<Tag, String> {
            let identity: Identity = text
                .parse()
                .map_err(|bad: hefu_vault::BadPersonal| bad.to_string())?;
            Ok(secrets.lookup_tag(region, &identity))
        };
        let day = |text: &str, date: Date| -> Result<Tag, String> {
            let identity: Identity = text
                .parse()
                .map_err(|bad: hefu_vault::BadPersonal| bad.to_string())?;
            let (rule, scope) = Once::Day { date }.rule_and_scope();
            Ok(secrets.nullifier(&identity, rule, &scope))
        };
        // What the move's event will only commit to.
        let values = RefCell::new(Vec::new());
        let keep = |text: &str, salt: Salt, key: [u8; 32], nonces: [u8; 32]| {
            let committed = Committed::to(text.to_owned(), salt);
            let commitment = committed.commitment;
            values.borrow_mut().push((committed, key.into(), nonces));
            commitment
        };
        let commit = |rule: &str, text: String| {
            let tag = secrets.nullifier_of_text(&text, rule, "");
            // A list has many, each under a salt and a key of its own.
            let of = |purpose: &str| match values.borrow().len() {
                0 => salt(purpose),
                before => salt(&format!("{purpose}/{before}")),
            };
            let (own_salt, key, nonces) = (of(rule), of("key"), of("nonce"));
            (tag, keep(&text, own_salt, key, nonces))
        };
        let seal = |region: &Region, unit: &str, what: &str, value: &str| {
            let sealed = Sealed { unit, what, value };
            let with = |purpose| secrets.seal_with(purpose, region, &sealed);
            keep(value, with("salt"), with("key"), with("nonce"))
        };
        let certificate = |_: &Region, text: &str| commit("certificate", text.to_owned());
        let account =
            |_: &Region, name: &str, account: &str| commit("account", format!("{name}\n{account}"));
        let token = |text: &str, voucher: VoucherId| PresentedToken {
            hash: token_hash(text),
            // Where only the hash counts (Redeem), a stolen key mints nothing and no signature is checked.
            genuine: asked.name != "Redeem"
                && self
                    .engine
                    .people()
                    .tokens()
                    .verify(text, now)
                    .is_ok_and(|claims| claims.jti == voucher),
        };
        let edge = Edge {
            draw: &draw,
            identity: &identity,
            day: &day,
            certificate: &certificate,
            account: &account,
            seal: &seal,
            token: &token,
        };
        let mut reader = Reader::new(&edge);
        let request: Option<RequestId> = reader.request_id(asked.request_id);
        let act = read(&mut reader);
        let record = asked
            .registration
            .and_then(|given| record(&mut reader, given));
        let named: Vec<InstitutionId> = reader.named().cloned().collect();
        let of = reader.meant().cloned();
        let region = reader.done().map_err(|bad| Wrong {
            region: of,
            status: hefu_wire::errors::bad_fields(&bad),
        })?;
        let seals = named
            .iter()
            .map(|unit| unit_seal(secrets, &region, unit.as_str()))
            .collect();
        let (Some(request), Some(mut act)) = (request, act) else {
            return Err(errors::internal().into());
        };
        if let Act::OpenRegion(open) = &mut act {
            open.state.deployment = self.deployment.to_string();
            open.state.simulated = self.engine.clock().is_simulated();
            open.operator.credential = asked.by.clone();
            open.of_deployment = *asked.by == self.operator;
        }
        let people = self.engine.people();
        let mut sealed = Vec::new();
        if let (Act::RegisterPerson(act), Some(record)) = (&act, record) {
            let (key, nonces) = (salt("key").into(), salt("nonce"));
            sealed.push(people.seal(&region, act.person, &record, key, nonces));
        }
        for (value, key, nonces) in values.into_inner() {
            sealed.push(people.seal_committed(&region, &value, key, nonces));
        }
        Ok(Prepared {
            command: Command {
                region,
                by: asked.by.clone(),
                request,
                digest: secrets.request_digest(asked.name, &asked.bare),
                seals,
                act,
            },
            secrets: sealed
                .into_iter()
                .collect::<Result<_, _>>()
                .map_err(errors::status)?,
            bytes: asked.bare.len(),
        })
    }
}

/// Waits for a batch's answers. Once asked for them all of its moves are submitted, and it is the next one's turn.
pub(crate) async fn submitted<F: Future>(turn: Turn<'_>, answers: F) -> F::Output {
    let mut answers = pin!(answers);
    match futures_util::poll!(answers.as_mut()) {
        Poll::Ready(answers) => answers,
        Poll::Pending => {
            drop(turn);
            answers.await
        }
    }
}

/// Whether a refusal of it says something about a person, in other regions too.
fn is_application(act: &Act) -> bool {
    matches!(act, Act::Apply(_) | Act::ReopenApplication(_))
}

/// The seal under which a unit is listed as classified in a region, if it is.
fn unit_seal(secrets: &Secrets, region: &Region, unit: &str) -> InstitutionId {
    let sealed = Sealed {
        unit,
        what: "unit",
        value: unit,
    };
    let salt = secrets.seal_with("salt", region, &sealed);
    InstitutionId::sealed(hefu_vault::commitment(&salt, unit.as_bytes()))
}

/// An item of a batch is of the batch's region.
fn within(parent: &Region, prepared: Prepared) -> Result<Prepared, Wrong> {
    if prepared.command.region == *parent {
        Ok(prepared)
    } else {
        let status = bad("", format!("must be of region {parent} as the batch"));
        Err(of_region(parent, status))
    }
}

fn of_region(region: &Region, status: Status) -> Wrong {
    Wrong {
        region: Some(region.clone()),
        status,
    }
}

/// The personal data of a registration, checked; they go to the vault and nowhere else.
fn record(reader: &mut Reader, given: &v1::RegisterPersonRequest) -> Option<PersonRecord> {
    let name = given
        .display_name
        .parse::<PersonName>()
        .map_err(|bad| reader.wrong("display_name", bad.to_string()))
        .ok();
    let phone = match given.phone.as_str() {
        "" => Some(None),
        text => text
            .parse::<PhoneNumber>()
            .map_err(|bad| reader.wrong("phone", bad.to_string()))
            .ok()
            .map(Some),
    };
    let identity = given.identity_number.parse().ok();
    Some(PersonRecord {
        identity: identity?,
        name: name?,
        phone: phone?,
    })
}

/// One wrong field.
pub(crate) fn bad(field: &str, rule: impl Into<String>) -> Status {
    hefu_wire::errors::bad_fields(&BadFields(vec![BadField {
        field: field.to_owned(),
        rule: rule.into(),
    }]))
}
