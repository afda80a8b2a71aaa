//! What every handler does: say who calls, read the request, submit it, answer from the events. Nothing is decided here.

use std::any::Any;
use std::sync::Arc;

use futures_util::future::join_all;
use hefu_domain::command::{Act, PresentedToken};
use hefu_domain::{Command, CredentialId, Event, Region, RequestId, Tag, VoucherId};
use hefu_engine::{Answer, Engine, NewPerson, Recorded, Source};
use hefu_token::{KeySet, token_hash};
use hefu_vault::{Identity, PersonName, PersonRecord, PhoneNumber, commitment};
use hefu_wire::{BadField, BadFields, Batch, Edge, Move, Outcome, Reader, Reply, v1};
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use crate::{caller, errors};

/// The most items of a batch.
const MOST_ITEMS: usize = 1_000;

/// The API over one engine. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) engine: Engine,
    pub(crate) tokens: Arc<KeySet>,
    pub(crate) source: Source,
    pub(crate) deployment: Arc<str>,
}

/// A request read: the command, and the vault's share of a registration.
struct Prepared {
    command: Command,
    secret: Option<NewPerson>,
}

impl Api {
    /// Serves one move.
    pub(crate) async fn write<M: Move, R: Reply>(
        &self,
        request: Request<M>,
    ) -> Result<Response<R>, Status> {
        let by = caller::of(&request)?;
        self.one(&by, request.get_ref()).await.map(Response::new)
    }

    async fn one<M: Move, R: Reply>(&self, by: &CredentialId, message: &M) -> Result<R, Status> {
        let prepared = self.prepare(by, message, message.request_id(), 0)?;
        let region = prepared.command.region.clone();
        let request = hefu_engine::Request {
            commands: vec![prepared.command],
            dry: message.validate_only(),
            secret: prepared.secret,
        };
        match self.engine.submit(request).await.map_err(errors::status)? {
            Answer::Recorded(recorded) => {
                self.reply(&region, &recorded, 0..recorded.events.len(), true)
                    .await
            }
            Answer::Dry(recorded) => {
                self.reply(&region, &recorded, 0..recorded.events.len(), false)
                    .await
            }
        }
    }

    /// Serves a batch: each item on its own, or all or none.
    pub(crate) async fn batch<B: Batch>(
        &self,
        request: Request<B>,
    ) -> Result<Response<B::Responses>, Status> {
        let by = caller::of(&request)?;
        let batch = request.get_ref();
        let items = batch.requests();
        if !(1..=MOST_ITEMS).contains(&items.len()) {
            return Err(bad(
                "requests",
                format!("1 to {MOST_ITEMS} items, not {}", items.len()),
            ));
        }
        let parent =
            hefu_wire::names::parse_region(batch.parent()).map_err(|rule| bad("parent", rule))?;
        let results = match batch.mode() {
            v1::Mode::Each => {
                join_all(items.iter().map(|item| self.item(&by, &parent, item))).await
            }
            v1::Mode::Atomic => self
                .atomic(&by, &parent, batch)
                .await?
                .into_iter()
                .map(Ok)
                .collect(),
            v1::Mode::Unspecified => return Err(bad("mode", "must be MODE_EACH or MODE_ATOMIC")),
        };
        Ok(Response::new(B::responses(results)))
    }

    async fn item<M: Move, R: Reply>(
        &self,
        by: &CredentialId,
        parent: &Region,
        message: &M,
    ) -> Result<R, Status> {
        let prepared = self.prepare(by, message, message.request_id(), 0)?;
        if prepared.command.region != *parent {
            return Err(bad(
                "requests",
                format!("must be of region {parent} as the batch"),
            ));
        }
        self.one(by, message).await
    }

    async fn atomic<B: Batch>(
        &self,
        by: &CredentialId,
        parent: &Region,
        batch: &B,
    ) -> Result<Vec<B::Response>, Status> {
        let mut commands = Vec::with_capacity(batch.requests().len());
        for (number, message) in batch.requests().iter().enumerate() {
            let prepared = self.prepare(by, message, batch.request_id(), number)?;
            if prepared.command.region != *parent {
                return Err(bad(
                    "requests",
                    format!("must be of region {parent} as the batch"),
                ));
            }
            if prepared.secret.is_some() || matches!(prepared.command.act, Act::AllocateFunds(_)) {
                return Err(bad(
                    "mode",
                    format!("{} goes with MODE_EACH only", prepared.command.act.name()),
                ));
            }
            commands.push(prepared.command);
        }
        // One request, one digest: that of all its items.
        let all: Vec<u8> = commands
            .iter()
            .flat_map(|command| command.digest.0)
            .collect();
        let digest = self
            .engine
            .people()
            .secrets()
            .request_digest("atomic", &all);
        commands
            .iter_mut()
            .for_each(|command| command.digest = digest);
        let dry = batch.requests().iter().any(Move::validate_only);
        let request = hefu_engine::Request {
            commands,
            dry,
            secret: None,
        };
        let (recorded, written) = match self.engine.submit(request).await.map_err(errors::status)? {
            Answer::Recorded(recorded) => (recorded, true),
            Answer::Dry(recorded) => (recorded, false),
        };
        let mut replies = Vec::with_capacity(recorded.parts.len());
        let mut from = 0;
        for part in &recorded.parts {
            replies.push(
                self.reply(parent, &recorded, from..from + part, written)
                    .await?,
            );
            from += part;
        }
        Ok(replies)
    }

    async fn reply<R: Reply>(
        &self,
        region: &Region,
        recorded: &Recorded,
        events: std::ops::Range<usize>,
        written: bool,
    ) -> Result<R, Status> {
        let first_index = if written {
            recorded.first_index + events.start as u64
        } else {
            0
        };
        let events = &recorded.events[events];
        let token = match events.first() {
            Some(Event::TokenFetched(e)) if written => Some(
                self.engine
                    .token(region, e.voucher)
                    .await
                    .map_err(errors::status)?,
            ),
            Some(Event::TokenReissued(e)) if written => Some(
                self.engine
                    .token(region, e.voucher)
                    .await
                    .map_err(errors::status)?,
            ),
            _ => None,
        };
        Ok(R::of(&Outcome {
            region,
            at: recorded.at,
            first_index,
            events,
            token: token.as_deref(),
        }))
    }

    /// Reads a request into a command; every field that is wrong is named.
    fn prepare<M: Move>(
        &self,
        by: &CredentialId,
        message: &M,
        request_id: &str,
        number: usize,
    ) -> Result<Prepared, Status> {
        let now = self.engine.clock().now();
        let secrets = self.engine.people().secrets();
        let number = number.to_string();
        // Under a seed the same request draws the same ids, whatever else is going on.
        let draw = |purpose: &str| {
            self.source.uuid(
                now,
                &["id", by.as_str(), request_id, M::NAME, &number, purpose],
            )
        };
        let salt = |purpose: &str| {
            self.source
                .draw(&["salt", by.as_str(), request_id, M::NAME, &number, purpose])
        };
        let identity = |region: &Region, text: &str| -> Result<Tag, String> {
            let identity: Identity = text
                .parse()
                .map_err(|bad: hefu_vault::BadPersonal| bad.to_string())?;
            Ok(secrets.lookup_tag(region, &identity))
        };
        let certificate = |_: &Region, text: &str| {
            (
                secrets.nullifier_of_text(text, "certificate", ""),
                commitment(&salt("certificate"), text.as_bytes()),
            )
        };
        let account = |_: &Region, name: &str, account: &str| {
            commitment(&salt("account"), format!("{name}\n{account}").as_bytes())
        };
        let token = |text: &str, voucher: VoucherId| PresentedToken {
            hash: token_hash(text),
            // Where only the hash counts (Redeem), a stolen key mints nothing and no signature is checked.
            genuine: M::NAME != "Redeem"
                && self
                    .tokens
                    .verify(text, now)
                    .is_ok_and(|claims| claims.jti == voucher),
        };
        let edge = Edge {
            draw: &draw,
            identity: &identity,
            certificate: &certificate,
            account: &account,
            token: &token,
        };
        let mut reader = Reader::new(&edge);
        let request: Option<RequestId> = reader.request_id(request_id);
        let act = message.read(&mut reader);
        let record = self.record(&mut reader, message);
        let region = reader
            .done()
            .map_err(|bad| hefu_wire::errors::bad_fields(&bad))?;
        let (Some(request), Some(mut act)) = (request, act) else {
            return Err(errors::internal());
        };
        if let Act::OpenRegion(open) = &mut act {
            open.state.deployment = self.deployment.to_string();
            open.state.simulated = self.engine.clock().is_simulated();
            open.operator.credential = by.clone();
        }
        let secret = match (&act, record) {
            (Act::RegisterPerson(act), Some(record)) => {
                let sealed = self.engine.people().seal(
                    &region,
                    act.person,
                    &record,
                    Zeroizing::new(salt("key")),
                    salt("nonce"),
                );
                Some(sealed.map_err(errors::status)?)
            }
            _ => None,
        };
        let digest = secrets.request_digest(M::NAME, &message.bare().encode_to_vec());
        Ok(Prepared {
            command: Command {
                region,
                by: by.clone(),
                request,
                digest,
                act,
            },
            secret,
        })
    }

    /// The personal data of a registration, checked; they go to the vault and nowhere else.
    fn record<M: Move>(&self, reader: &mut Reader, message: &M) -> Option<PersonRecord> {
        let given = (message as &dyn Any).downcast_ref::<v1::RegisterPersonRequest>()?;
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
}

/// One wrong field.
pub(crate) fn bad(field: &str, rule: impl Into<String>) -> Status {
    hefu_wire::errors::bad_fields(&BadFields(vec![BadField {
        field: field.to_owned(),
        rule: rule.into(),
    }]))
}
