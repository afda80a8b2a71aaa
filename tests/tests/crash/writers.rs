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
const RECEIPT: &str = "a move has a receipt";

/// One request, kept so that it can be sent again as it was.
#[derive(Debug, Clone)]
enum Ask {
    Register(v1::RegisterPersonRequest),
    Answers(v1::RecordCheckAnswersRequest),
    Apply(v1::ApplyRequest),
    Issue(v1::IssueRequest),
    /// From the city to the county: one move in two logs.
    Allocate(v1::AllocateFundsRequest),
    /// Each on its own, with request ids of their own.
    RegisterMany(v1::BatchRegisterPersonRequest),
    /// All or none, under one request id.
    AnswersMany(v1::BatchRecordCheckAnswersRequest),
}

/// What a writer does all day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// A person's way to a voucher, one call after the other.
    Single,
    /// A dozen people at a time.
    Batches,
    /// The city's money for the county.
    Allocations,
}

/// A request as a log knows it: unique per region and caller.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Asked {
    region: String,
    subject: String,
    request: String,
}

impl Asked {
    pub(crate) fn new(region: &str, subject: &str, request: &str) -> Asked {
        Asked {
            region: region.to_owned(),
            subject: subject.to_owned(),
            request: request.to_owned(),
        }
    }
}

/// A request with what it came to: one receipt, or one per item where a batch has one id.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Acknowledged {
    pub(crate) asked: Asked,
    pub(crate) receipts: Vec<v1::Receipt>,
}

/// One client.
pub(crate) struct Writer {
    number: usize,
    pub(crate) work: Work,
    city: Arc<Office>,
    county: Arc<Office>,
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
    pub(crate) fn new(number: usize, work: Work, city: Arc<Office>, county: Arc<Office>) -> Writer {
        Writer {
            number,
            work,
            city,
            county,
            next: 0,
            people: VecDeque::new(),
            open: None,
            last: None,
            acknowledged: Vec::new(),
            unanswered: 0,
        }
    }

    /// Writes until it is told to end; whatever happens meanwhile, no call may fail.
    pub(crate) async fn write_until_over(
        mut self,
        client: Client,
        over: watch::Receiver<bool>,
    ) -> Writer {
        while !*over.borrow() {
            let ask = self.next();
            match self.send(&client, &ask).await {
                Ok(noted) => self.note(ask, noted),
                Err(status) => panic!("{ask:?}: {status}"),
            }
        }
        self
    }

    /// Writes until the server is killed under it.
    pub(crate) async fn write_until_killed(
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

    /// What was sent and not answered.
    pub(crate) fn open(&self) -> Vec<Asked> {
        self.open.as_ref().map_or(Vec::new(), |ask| self.asked(ask))
    }

    /// Afterwards: the open request is sent again, twice, and the last answered one too; a second answer must be the first one.
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
            Ask::Answers(_) | Ask::Issue(_) | Ask::Allocate(_) | Ask::AnswersMany(_) => {}
        }
        self.acknowledged.extend(noted.iter().cloned());
        self.last = Some((ask, noted));
    }

    /// The next request of its day's work.
    fn next(&mut self) -> Ask {
        let step = self.next;
        self.next += 1;
        match self.work {
            Work::Single => self.next_single(step),
            Work::Batches => self.next_batch(step),
            Work::Allocations => self.next_allocation(step),
        }
    }

    /// A request id that says who asks for what.
    fn id(&self, step: u64, what: &str) -> String {
        format!("w{}-{step}-{what}", self.number)
    }

    /// A person whom no other writer registers.
    fn person(&self, step: u64, item: u64) -> u64 {
        self.number as u64 * 1_000_000 + step * BATCH + item
    }

    /// A person's way to a voucher in four moves.
    fn next_single(&mut self, step: u64) -> Ask {
        const MADE: &str = "the step before made it";
        let office = &self.county;
        match step % 4 {
            0 => {
                let id = self.id(step, "register");
                Ask::Register(office.registration(self.person(step, 0), id))
            }
            1 => {
                let person = self.people.front().expect(MADE);
                Ask::Answers(office.answers(person, self.id(step, "answers")))
            }
            2 => {
                let person = self.people.pop_front().expect(MADE);
                Ask::Apply(self.county.application(&person, self.id(step, "apply")))
            }
            _ => {
                let voucher = self.people.pop_front().expect(MADE);
                Ask::Issue(self.county.issue(&voucher, self.id(step, "issue")))
            }
        }
    }

    /// A dozen people, registered each on their own; then their answers, all or none.
    fn next_batch(&mut self, step: u64) -> Ask {
        let parent = self.county.parent();
        if step.is_multiple_of(2) {
            let item = |item| {
                let id = self.id(step, &format!("item-{item}"));
                self.county.registration(self.person(step, item), id)
            };
            return Ask::RegisterMany(v1::BatchRegisterPersonRequest {
                parent,
                mode: v1::Mode::Each.into(),
                request_id: String::new(),
                requests: (0..BATCH).map(item).collect(),
            });
        }
        let request_id = self.id(step, "answers");
        let people = self.people.drain(..);
        let requests = people.map(|name| self.county.answers(&name, String::new()));
        Ask::AnswersMany(v1::BatchRecordCheckAnswersRequest {
            parent,
            mode: v1::Mode::Atomic.into(),
            request_id,
            requests: requests.collect(),
        })
    }

    /// A little money, another amount each time.
    fn next_allocation(&self, step: u64) -> Ask {
        let (city, county) = (&self.city, &self.county);
        Ask::Allocate(v1::AllocateFundsRequest {
            name: format!("{}/planYears/{}/accounts/city", city.parent(), city.year),
            to: county.parent(),
            amount_fen: step as i64 + 1,
            reference: "TEST-2".to_owned(),
            request_id: self.id(step, "allocate"),
            validate_only: false,
        })
    }

    /// The requests that one call makes, as the log knows them.
    fn asked(&self, ask: &Ask) -> Vec<Asked> {
        let (city, county) = (&self.city.region, &self.county.region);
        let clerk = format!("clerk-{}", self.number);
        match ask {
            Ask::Register(ask) => vec![Asked::new(county, &clerk, &ask.request_id)],
            Ask::Answers(ask) => vec![Asked::new(county, &clerk, &ask.request_id)],
            Ask::Apply(ask) => vec![Asked::new(county, "portal", &ask.request_id)],
            Ask::Issue(ask) => vec![Asked::new(county, "reviewer", &ask.request_id)],
            Ask::Allocate(ask) => vec![Asked::new(city, "finance", &ask.request_id)],
            Ask::RegisterMany(ask) => {
                let items = ask.requests.iter();
                items
                    .map(|item| Asked::new(county, &clerk, &item.request_id))
                    .collect()
            }
            Ask::AnswersMany(ask) => vec![Asked::new(county, &clerk, &ask.request_id)],
        }
    }

    async fn send(&self, client: &Client, ask: &Ask) -> Result<Vec<Acknowledged>, Status> {
        let receipts = self.receipts(client, ask).await?;
        let asked = self.asked(ask);
        assert_eq!(asked.len(), receipts.len(), "{ask:?}");
        let noted = asked.into_iter().zip(receipts);
        Ok(noted
            .map(|(asked, receipts)| Acknowledged { asked, receipts })
            .collect())
    }

    /// Sends a call; the receipts of each of its requests.
    async fn receipts(&self, client: &Client, ask: &Ask) -> Result<Vec<Vec<v1::Receipt>>, Status> {
        let office = &self.county;
        let clerk = &office.clerks[self.number];
        let one = |receipt: Option<v1::Receipt>| vec![vec![receipt.expect(RECEIPT)]];
        Ok(match ask {
            Ask::Register(ask) => {
                let answer: v1::RegisterPersonResponse =
                    call(client, clerk, "PeopleService/RegisterPerson", ask).await?;
                one(answer.receipt)
            }
            Ask::Answers(ask) => {
                let answer: v1::RecordCheckAnswersResponse =
                    call(client, clerk, "PeopleService/RecordCheckAnswers", ask).await?;
                one(answer.receipt)
            }
            Ask::Apply(ask) => {
                let answer: v1::ApplyResponse =
                    call(client, &office.portal, "ApplicationService/Apply", ask).await?;
                one(answer.receipt)
            }
            Ask::Issue(ask) => {
                let answer: v1::IssueResponse =
                    call(client, &office.reviewer, "IssuanceService/Issue", ask).await?;
                one(answer.receipt)
            }
            Ask::Allocate(ask) => {
                let finance = &self.city.finance;
                let answer: v1::AllocateFundsResponse =
                    call(client, finance, "FundsService/AllocateFunds", ask).await?;
                one(answer.receipt)
            }
            Ask::RegisterMany(ask) => {
                let answer: v1::BatchRegisterPersonResponse =
                    call(client, clerk, "PeopleService/BatchRegisterPerson", ask).await?;
                let results = answer.results.into_iter();
                results.map(registered).collect::<Result<_, _>>()?
            }
            Ask::AnswersMany(ask) => {
                let method = "PeopleService/BatchRecordCheckAnswers";
                let answer: v1::BatchRecordCheckAnswersResponse =
                    call(client, clerk, method, ask).await?;
                assert_eq!(answer.results.len(), ask.requests.len(), "half a group");
                vec![answer.results.into_iter().map(answered).collect()]
            }
        })
    }
}

/// What one person's registration in a batch came to.
fn registered(result: v1::RegisterPersonResult) -> Result<Vec<v1::Receipt>, Status> {
    match result.result {
        Some(v1::register_person_result::Result::Response(answer)) => {
            Ok(vec![answer.receipt.expect(RECEIPT)])
        }
        Some(v1::register_person_result::Result::Error(error)) => {
            Err(Status::new(Code::from(error.code), error.message))
        }
        None => panic!("an item without a result"),
    }
}

/// What one person's answers came to in a group that went through.
fn answered(result: v1::RecordCheckAnswersResult) -> v1::Receipt {
    match result.result {
        Some(v1::record_check_answers_result::Result::Response(answer)) => {
            answer.receipt.expect(RECEIPT)
        }
        other => panic!("an item of a group that went through: {other:?}"),
    }
}

async fn call<Q, A>(client: &Client, key: &str, method: &str, asked: &Q) -> Result<A, Status>
where
    Q: Message + Clone + 'static,
    A: Message + Default + 'static,
{
    client.call(key, method, asked.clone()).await
}
