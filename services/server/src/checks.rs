//! CheckPerson and AskCertificate: what registers say is asked for here and put on record as the deployment's own request. The caller is
//! admitted before a register hears of anybody, and nothing is recorded unless every register that was asked has answered.

use futures_util::future::join_all;
use hefu_domain::command::{Act, CheckAnswer, ConfirmCertificate, RecordCheckAnswers};
use hefu_domain::state::Person;
use hefu_domain::{
    Check, Code, Command, CredentialId, Date, Event, PersonId, Region, RequestId, Rpc, VoucherId,
    plus_days,
};
use hefu_engine::{Answer, Recorded};
use hefu_store::RequestKey;
use hefu_vault::Identity;
use hefu_wire::{Outcome, Place, show, v1};
use prost::Message as _;
use tonic::{Request, Status};
use zeroize::Zeroizing;

use crate::api::{Api, bad};
use crate::reads::Sight;
use crate::registers::{CERTIFICATE, OutOfReach, Subject};
use crate::{caller, errors};

/// What the register of certificates says of one that it has.
const KNOWN: &str = "known";
/// And of one that it has not.
const UNKNOWN: &str = "unknown";
/// The most checks of one question.
const MOST_CHECKS: usize = 50;

/// What is put on record in the server's own name for a caller.
struct Own {
    region: Region,
    request: RequestId,
    digest: hefu_domain::Digest,
}

impl Api {
    pub(crate) async fn check_person(
        &self,
        request: Request<v1::CheckPersonRequest>,
    ) -> Result<v1::CheckPersonResponse, Status> {
        let by = caller::of(&request)?;
        let asked = request.get_ref();
        let (region, (id, checks, number)) = self
            .asked(Rpc::CheckPerson, &request, |r| {
                let person = r.name::<PersonId>("name", &asked.name, "people");
                let number = match asked.identity_number.as_str() {
                    "" => None,
                    text => {
                        let number = text.parse::<Identity>().map_err(|rule| rule.to_string());
                        Some(r.keep("identity_number", number)?)
                    }
                };
                let checks = r.list("checks", &asked.checks, MOST_CHECKS, |r, check| {
                    r.code::<Check>("", check)
                });
                r.request_id(&asked.request_id)?;
                Some((person?, checks?, number))
            })
            .await?;
        let secrets = self.engine.people().secrets();
        let presented = number.map(|number| secrets.lookup_tag(&region, &number));
        let (outside, person, today) = self
            .look(&region, |world, at| {
                let sight = Sight::of(world, Rpc::CheckPerson, &by, at)?;
                let outside = sight.institution().is_some();
                // An institution has a part in whoever showed it their card.
                let met = match presented.filter(|_| outside) {
                    Some(tag) => world.identity(&tag)? == Some(id),
                    None => false,
                };
                if !(sight.whole() || sight.is_portal() || sight.is(&id) || met) {
                    return Err(Code::PersonNotFound.into());
                }
                let person = world.person(&id)?;
                match person.erased {
                    true => Err(Code::PersonErased.into()),
                    false => Ok((outside, person.clone(), at.date())),
                }
            })
            .await?;
        let own = self.own(region, &by, "CheckPerson", &asked.request_id, {
            let mut bare = asked.clone();
            bare.request_id.clear();
            bare.identity_number.clear();
            bare.encode_to_vec()
        })?;
        let mut response = v1::CheckPersonResponse::default();
        let wanted = self.wanted(checks, &person, asked.refresh, today, &mut response);
        let recorded = match self.done_before(&own).await? {
            Some(recorded) => Some(recorded),
            None if wanted.is_empty() => None,
            None => {
                let subject = self.identity(&own.region, id).await?;
                let answers = self
                    .ask_all(&wanted, &subject, today, &mut response)
                    .await?;
                match answers.is_empty() {
                    true => None,
                    false => {
                        let act = RecordCheckAnswers {
                            person: id,
                            answers,
                        };
                        Some(self.record(&own, act.into()).await?)
                    }
                }
            }
        };
        if let Some(recorded) = recorded {
            response.receipt = Some(outcome(&recorded).receipt());
            response.answers = shown(&recorded, outside);
        }
        Ok(response)
    }

    pub(crate) async fn ask_certificate(
        &self,
        request: Request<v1::AskCertificateRequest>,
    ) -> Result<v1::AskCertificateResponse, Status> {
        let by = caller::of(&request)?;
        let asked = request.get_ref();
        let (region, id) = self
            .asked(Rpc::AskCertificate, &request, |r| {
                let voucher = r.name::<VoucherId>("name", &asked.name, "vouchers");
                r.request_id(&asked.request_id)?;
                voucher
            })
            .await?;
        let commitment = self
            .look(&region, |world, at| {
                Sight::of(world, Rpc::AskCertificate, &by, at)?;
                let pass = world.voucher(&id)?.pass.as_ref();
                pass.map(|pass| pass.certificate)
                    .ok_or_else(|| Code::NothingToConfirm.into())
            })
            .await?;
        let name = asked.name.clone().into_bytes();
        let own = self.own(region, &by, "AskCertificate", &asked.request_id, name)?;
        let recorded = match self.done_before(&own).await? {
            Some(recorded) => recorded,
            None => {
                let number = self.certificate(&own.region, commitment).await?;
                let check: Check = CERTIFICATE.parse().map_err(|_| errors::internal())?;
                let said = self.registers.ask(&check, &number).await;
                let said = said.map_err(|error| errors::no_register(&error.to_string()))?;
                let known = match said.as_ref().map(|said| said.answer.as_str()) {
                    Some(KNOWN) => true,
                    // A denial is final for the number, so it is taken from a register's own word only.
                    Some(UNKNOWN) => false,
                    Some(_) | None => {
                        let why = "the register for certificate says neither `known` nor `unknown` of it yet";
                        return Err(errors::no_register(why));
                    }
                };
                let act = ConfirmCertificate { voucher: id, known };
                self.record(&own, act.into()).await?
            }
        };
        let known = recorded
            .events
            .iter()
            .any(|event| matches!(event, Event::CertificateConfirmed(e) if e.known));
        Ok(v1::AskCertificateResponse {
            receipt: Some(outcome(&recorded).receipt()),
            known,
        })
    }

    /// Which checks are to be asked; those for which nobody is configured are said.
    fn wanted(
        &self,
        checks: Vec<Check>,
        person: &Person,
        refresh: bool,
        today: Date,
        response: &mut v1::CheckPersonResponse,
    ) -> Vec<Check> {
        let all = match checks.is_empty() {
            true => self.registers.about_people().cloned().collect(),
            false => checks,
        };
        let (known, unknown): (Vec<Check>, Vec<Check>) = all
            .into_iter()
            .partition(|check| check.as_str() != CERTIFICATE && self.registers.has(check));
        response.unconfigured = unknown.iter().map(ToString::to_string).collect();
        let mut wanted: Vec<Check> = known
            .into_iter()
            .filter(|check| {
                let counts = person.answers.get(check);
                refresh || counts.is_none_or(|given| given.valid_until < today)
            })
            .collect();
        wanted.sort();
        wanted.dedup();
        wanted
    }

    /// Asks the registers side by side.
    async fn ask_all(
        &self,
        wanted: &[Check],
        subject: &Subject,
        today: Date,
        response: &mut v1::CheckPersonResponse,
    ) -> Result<Vec<CheckAnswer>, Status> {
        let said = join_all(
            wanted
                .iter()
                .map(|check| self.registers.ask(check, subject)),
        )
        .await;
        let failed: Vec<String> = said
            .iter()
            .filter_map(|said| said.as_ref().err().map(OutOfReach::to_string))
            .collect();
        if !failed.is_empty() {
            return Err(errors::no_register(&failed.join("; ")));
        }
        let mut answers = Vec::new();
        for (check, said) in wanted.iter().zip(said.into_iter().flatten()) {
            let Some(said) = said else {
                response.unknown.push(check.to_string());
                continue;
            };
            let days = self.registers.valid_days(check);
            answers.push(CheckAnswer {
                check: check.clone(),
                answer: said.answer,
                valid_until: said.valid_until.unwrap_or_else(|| plus_days(today, days)),
                reference: said.reference,
                employer: said.employer,
            });
        }
        Ok(answers)
    }

    /// A person's identity number, for the registers only.
    async fn identity(&self, region: &Region, person: PersonId) -> Result<Subject, Status> {
        let mut reads = self
            .engine
            .store()
            .deciding()
            .await
            .map_err(errors::store)?;
        let place = (region.clone(), person);
        let people = self.engine.people();
        let records = people
            .records(&mut reads, std::slice::from_ref(&place))
            .await
            .map_err(errors::status)?;
        let record = records
            .get(&place)
            .ok_or_else(|| errors::stop(Code::PersonErased.into()))?;
        let number = Zeroizing::new(record.identity.expose().to_owned());
        Ok(Subject::Identity(number))
    }

    /// The certificate number behind a commitment, for its register only.
    async fn certificate(
        &self,
        region: &Region,
        commitment: hefu_domain::Digest,
    ) -> Result<Subject, Status> {
        let mut reads = self
            .engine
            .store()
            .deciding()
            .await
            .map_err(errors::store)?;
        let people = self.engine.people();
        let found = people.committed(&mut reads, region, commitment).await;
        let found = found.map_err(errors::status)?;
        let found = found.ok_or_else(|| errors::stop(Code::NothingToConfirm.into()))?;
        Ok(Subject::Certificate(found.value))
    }

    /// The server's own request behind a caller's: the same caller's same id is the same one.
    fn own(
        &self,
        region: Region,
        by: &CredentialId,
        rpc: &str,
        request_id: &str,
        bare: Vec<u8>,
    ) -> Result<Own, Status> {
        let secrets = self.engine.people().secrets();
        let name = secrets.request_digest(rpc, format!("{by}/{request_id}").as_bytes());
        let name: String = name.0[..16].iter().map(|b| format!("{b:02x}")).collect();
        let request = format!("register-{name}")
            .parse()
            .map_err(|_| bad("request_id", "8 to 64 characters"))?;
        Ok(Own {
            region,
            request,
            digest: secrets.request_digest(rpc, &bare),
        })
    }

    /// What the same request put on record before.
    async fn done_before(&self, own: &Own) -> Result<Option<Recorded>, Status> {
        let key = RequestKey {
            region: own.region.to_string(),
            caller: self
                .look(&own.region, |world, _| {
                    hefu_domain::subject(world, &self.operator)
                })
                .await?,
            request: own.request.to_string(),
        };
        let rows = self.engine.store().requests(&[key]).await;
        let rows = rows.map_err(errors::store)?;
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        if first.digest != own.digest.0 {
            return Err(errors::status(hefu_engine::EngineError::RequestReused));
        }
        let events = rows.iter().map(hefu_engine::decode);
        let events = events
            .collect::<Result<Vec<_>, _>>()
            .map_err(errors::status)?;
        Ok(Some(Recorded {
            region: own.region.clone(),
            at: hefu_domain::Instant(first.at_ms),
            epoch: first.epoch,
            first_index: first.idx,
            parts: vec![events.len()],
            events,
        }))
    }

    async fn record(&self, own: &Own, act: Act) -> Result<Recorded, Status> {
        let name = act.name();
        let command = Command {
            region: own.region.clone(),
            by: self.operator.clone(),
            request: own.request.clone(),
            digest: own.digest,
            seals: Vec::new(),
            act,
        };
        let answer = self.engine.submit(command.into()).await;
        match answer.map_err(|error| errors::of_move(name, error))? {
            Answer::Recorded(recorded) | Answer::Dry(recorded) => Ok(recorded),
        }
    }
}

fn outcome(recorded: &Recorded) -> Outcome<'_> {
    Outcome {
        region: &recorded.region,
        at: recorded.at,
        place: Some(Place {
            epoch: recorded.epoch,
            first_index: recorded.first_index,
        }),
        events: &recorded.events,
        shown: None,
    }
}

/// The answers that a request put on record.
fn shown(recorded: &Recorded, outside: bool) -> Vec<v1::CheckAnswer> {
    let events = recorded.events.iter().filter_map(|event| match event {
        Event::CheckAnswersRecorded(e) => Some(e),
        _ => None,
    });
    let answers = events.flat_map(|e| e.answers.iter().map(|answer| (&e.by, answer)));
    let show = |(by, given): (&hefu_domain::StaffId, &CheckAnswer)| {
        show::recorded_answer(&recorded.region, recorded.at, by, given, outside)
    };
    answers.map(show).collect()
}
