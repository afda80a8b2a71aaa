//! Clients that never give up: each makes one request after the other, and repeats one that was not answered with the same request id
//! until it is.

use std::collections::VecDeque;
use std::sync::Arc;

use hefu_scenario::Client;
use hefu_tests::office::Office;
use hefu_wire::v1;
use prost::Message;
use tokio::sync::watch;
use tokio::time::{Duration, timeout};
use tonic::{Code, Status};

/// Items of a batch.
const BATCH: u64 = 12;

/// One request, kept so that it can be sent again as it was.
#[derive(Debug, Clone)]
enum Ask {
    Register(v1::RegisterPersonRequest),
    Answers(v1::RecordCheckAnswersRequest),
    Apply(v1::ApplyRequest),
    Issue(v1::IssueRequest),
    /// Each on its own, with request ids of their own.
    RegisterMany(v1::BatchRegisterPersonRequest),
    /// All or none, under one request id.
    AnswersMany(v1::BatchRecordCheckAnswersRequest),
}

/// A request id with what it came to: one receipt, or one per item where a batch has one id.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Acknowledged {
    pub(crate) subject: String,
    pub(crate) request: String,
    pub(crate) receipts: Vec<v1::Receipt>,
}

/// One client.
pub(crate) struct Writer {
    number: usize,
    office: Arc<Office>,
    batches: bool,
    next: u64,
    people: VecDeque<String>,
    /// Sent, and not answered as far as this client knows.
    open: Option<Ask>,
    last: Option<(Ask, Vec<Acknowledged>)>,
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// Requests that a kill left without an answer.
    pub(crate) unanswered: u32,
}

impl Writer {
    pub(crate) fn new(number: usize, office: Arc<Office>, batches: bool) -> Writer {
        Writer {
            number,
            office,
            batches,
            next: 0,
            people: VecDeque::new(),
            open: None,
            last: None,
            acknowledged: Vec::new(),
            unanswered: 0,
        }
    }

    /// Writes until the server is killed.
    pub(crate) async fn write(
        mut self,
        client: Client,
        mut killed: watch::Receiver<bool>,
    ) -> Writer {
        loop {
            let ask = self.open.take().unwrap_or_else(|| self.next());
            let answer = tokio::select! {
                biased;
                answer = self.send(&client, &ask) => answer,
                _ = killed.wait_for(|killed| *killed) => Err(Status::unavailable("killed")),
            };
            match answer {
                Ok(noted) => self.note(ask, noted),
                Err(status) => {
                    let told = timeout(Duration::from_secs(5), killed.wait_for(|killed| *killed));
                    assert!(told.await.is_ok(), "{ask:?}: {status}");
                    self.open = Some(ask);
                    self.unanswered += 1;
                    return self;
                }
            }
        }
    }

    /// After a restart: the open request is sent again, twice, and the last answered one too; a second answer must be the first one.
    pub(crate) async fn settle(&mut self, client: &Client) {
        if let Some((ask, noted)) = self.last.clone() {
            assert_eq!(self.send(client, &ask).await.unwrap(), noted, "{ask:?}");
        }
        if let Some(ask) = self.open.take() {
            let noted = self.send(client, &ask).await.unwrap();
            assert_eq!(self.send(client, &ask).await.unwrap(), noted, "{ask:?}");
            self.note(ask, noted);
        }
    }

    fn note(&mut self, ask: Ask, noted: Vec<Acknowledged>) {
        match ask {
            Ask::Register(_) | Ask::Apply(_) => {
                let made = &noted[0].receipts[0];
                self.people.push_back(made.name.clone());
            }
            Ask::RegisterMany(_) => {
                let made = noted.iter().map(|one| one.receipts[0].name.clone());
                self.people.extend(made);
            }
            Ask::Answers(_) | Ask::Issue(_) | Ask::AnswersMany(_) => {}
        }
        self.acknowledged.extend(noted.iter().cloned());
        self.last = Some((ask, noted));
    }

    /// A person's way to a voucher in four moves, or a dozen people's in two.
    fn next(&mut self) -> Ask {
        let step = self.next;
        self.next += 1;
        let id = |what: &str| format!("w{}-{step}-{what}", self.number);
        // Numbers that no other writer uses.
        let person = |item: u64| self.number as u64 * 1_000_000 + step * BATCH + item;
        if self.batches && step.is_multiple_of(2) {
            let item = |n| {
                self.office
                    .registration(person(n), id(&format!("item-{n}")))
            };
            return Ask::RegisterMany(v1::BatchRegisterPersonRequest {
                parent: self.office.parent(),
                mode: v1::Mode::Each.into(),
                request_id: String::new(),
                requests: (0..BATCH).map(item).collect(),
            });
        }
        if self.batches {
            let requests = self.people.drain(..);
            let requests = requests.map(|name| self.office.answers(&name, String::new()));
            return Ask::AnswersMany(v1::BatchRecordCheckAnswersRequest {
                parent: self.office.parent(),
                mode: v1::Mode::Atomic.into(),
                request_id: id("answers"),
                requests: requests.collect(),
            });
        }
        let made = || {
            self.people
                .front()
                .cloned()
                .expect("the step before made it")
        };
        match step % 4 {
            0 => Ask::Register(self.office.registration(person(0), id("register"))),
            1 => Ask::Answers(self.office.answers(&made(), id("answers"))),
            2 => {
                let person = self.people.pop_front().expect("the step before made it");
                Ask::Apply(self.office.application(&person, id("apply")))
            }
            _ => {
                let voucher = self.people.pop_front().expect("the step before made it");
                Ask::Issue(self.office.issue(&voucher, id("issue")))
            }
        }
    }

    async fn send(&self, client: &Client, ask: &Ask) -> Result<Vec<Acknowledged>, Status> {
        let office = &self.office;
        let clerk = &office.clerks[self.number];
        let subject = format!("clerk-{}", self.number);
        let one = |subject: &str, request: &str, receipt: Option<v1::Receipt>| {
            vec![Acknowledged {
                subject: subject.to_owned(),
                request: request.to_owned(),
                receipts: vec![receipt.expect("a move has a receipt")],
            }]
        };
        match ask {
            Ask::Register(asked) => {
                let answer: v1::RegisterPersonResponse =
                    call(client, clerk, "PeopleService/RegisterPerson", asked).await?;
                Ok(one(&subject, &asked.request_id, answer.receipt))
            }
            Ask::Answers(asked) => {
                let answer: v1::RecordCheckAnswersResponse =
                    call(client, clerk, "PeopleService/RecordCheckAnswers", asked).await?;
                Ok(one(&subject, &asked.request_id, answer.receipt))
            }
            Ask::Apply(asked) => {
                let answer: v1::ApplyResponse =
                    call(client, &office.portal, "ApplicationService/Apply", asked).await?;
                Ok(one("portal", &asked.request_id, answer.receipt))
            }
            Ask::Issue(asked) => {
                let answer: v1::IssueResponse =
                    call(client, &office.reviewer, "IssuanceService/Issue", asked).await?;
                Ok(one("reviewer", &asked.request_id, answer.receipt))
            }
            Ask::RegisterMany(asked) => {
                let answer: v1::BatchRegisterPersonResponse =
                    call(client, clerk, "PeopleService/BatchRegisterPerson", asked).await?;
                let mut noted = Vec::new();
                for (item, result) in asked.requests.iter().zip(answer.results) {
                    match result.result {
                        Some(v1::register_person_result::Result::Response(answer)) => {
                            noted.extend(one(&subject, &item.request_id, answer.receipt));
                        }
                        Some(v1::register_person_result::Result::Error(error)) => {
                            return Err(Status::new(Code::from(error.code), error.message));
                        }
                        None => panic!("an item without a result"),
                    }
                }
                Ok(noted)
            }
            Ask::AnswersMany(asked) => {
                let method = "PeopleService/BatchRecordCheckAnswers";
                let answer: v1::BatchRecordCheckAnswersResponse =
                    call(client, clerk, method, asked).await?;
                let receipts = answer
                    .results
                    .into_iter()
                    .map(|result| match result.result {
                        Some(v1::record_check_answers_result::Result::Response(answer)) => {
                            answer.receipt.expect("a move has a receipt")
                        }
                        other => panic!("an item of a group that went through: {other:?}"),
                    });
                Ok(vec![Acknowledged {
                    subject,
                    request: asked.request_id.clone(),
                    receipts: receipts.collect(),
                }])
            }
        }
    }
}

async fn call<Q, A>(client: &Client, key: &str, method: &str, asked: &Q) -> Result<A, Status>
where
    Q: Message + Clone + 'static,
    A: Message + Default + 'static,
{
    client.call(key, method, asked.clone()).await
}
