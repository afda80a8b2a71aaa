//! A region at play: what is due in it and when, and the doing of it.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use hefu_wire::v1;
use jiff::civil::{Date, Weekday, date};

use crate::claims::Claim;
use crate::classes::ClassPlay;
use crate::client::{Client, PlayError};
use crate::inspections::{Check, Complaint, clear_flags};
use crate::office::Office;
use crate::papers;
use crate::plan::{self, Kind, SHARES};
use crate::records;
use crate::sessions::{People, SessionPlay};
use crate::year::{Script, Step, Task, days, instant};

/// Later a session's certificates would not be on record in time.
const LAST_ASSESSMENT: Date = date(2023, 11, 25);

/// Takes the first class that would nearly fill a session.
fn large_enough<'c>(classes: &mut Vec<&'c ClassPlay>, applied: u64) -> Option<&'c ClassPlay> {
    let fills = |class: &&ClassPlay| class.plan.applied * 10 >= applied * 9;
    let found = classes.iter().position(fills)?;
    Some(classes.remove(found))
}

/// The day on which a class that ends on this one is assessed: no Sunday.
fn assessed(last: Date) -> Date {
    let day = days(last, 16);
    match day.weekday() {
        Weekday::Sunday => days(day, 1),
        _ => day,
    }
}

/// A region at play.
pub(crate) struct Region {
    pub(crate) office: Office,
    pub(crate) classes: Vec<ClassPlay>,
    pub(crate) sessions: Vec<SessionPlay>,
    pub(crate) claims: Vec<Claim>,
    checks: Vec<Check>,
    complaint: Complaint,
    /// The city's, as they were made.
    pub(crate) papers: Vec<v1::Report>,
}

impl Region {
    pub(crate) fn new(script: &Script, code: &str, share: u64) -> Region {
        let office = Office::new(script.seed, code);
        let plans = plan::of_region(script.seed, code, share, script.vouchers);
        let (sessions, classes): (Vec<_>, Vec<_>) = plans
            .into_iter()
            .partition(|plan| plan.kind == Kind::Assessment);
        let mut next_person = 0;
        let mut place = |applied: u64| {
            let first = next_person;
            next_person += applied;
            first
        };
        let classes = classes
            .into_iter()
            .map(|plan| ClassPlay::new(place(plan.applied), plan))
            .collect::<Vec<_>>();
        // The classes that end in time to be assessed this year, first come, first served.
        let mut ending: Vec<&ClassPlay> = classes
            .iter()
            .filter(|class| assessed(class.last()) <= LAST_ASSESSMENT)
            .collect();
        ending.sort_by_key(|class| (class.last(), class.plan.number));
        let sessions = sessions
            .into_iter()
            .map(|plan| match large_enough(&mut ending, plan.applied) {
                Some(class) => {
                    let plan = plan.of_class(&class.plan, assessed(class.last()));
                    SessionPlay::new(People::Trained(class.roster()), plan)
                }
                None => SessionPlay::new(People::Others(place(plan.applied)), plan),
            })
            .collect();
        Region {
            office,
            checks: Check::of_year(&classes),
            classes,
            sessions,
            claims: Vec::new(),
            complaint: Complaint::default(),
            papers: Vec::new(),
        }
    }

    /// What is due in this region from the start; claims put themselves on the agenda when they are made.
    pub(crate) fn agenda(&self, region: usize, agenda: &mut BTreeMap<i64, Vec<Task>>) {
        let mut put = |at: i64, step: Step| agenda.entry(at).or_default().push((region, step));
        for (n, class) in self.classes.iter().enumerate() {
            for (at, step) in class.agenda() {
                put(at, Step::Class(n, step));
            }
        }
        for (n, session) in self.sessions.iter().enumerate() {
            for (at, step) in session.agenda() {
                put(at, Step::Session(n, step));
            }
        }
        for (n, check) in self.checks.iter().enumerate() {
            for (at, step) in check.agenda() {
                put(at, Step::Check(n, step));
            }
        }
        if self.office.region == Complaint::COUNTY {
            for (at, step) in Complaint::agenda() {
                put(at, Step::Complaint(step));
            }
        }
        if self.office.region == SHARES[0].0 {
            for (at, paper) in papers::of_year() {
                put(at, Step::Paper(paper));
            }
        }
        put(instant(date(2023, 7, 3), 9, 50), Step::Import);
        // On Mondays.
        let weeks = (0..44).map(|week| days(date(2023, 5, 22), week * 7));
        weeks.for_each(|monday| put(instant(monday, 8, 10), Step::ClearFlags));
        put(instant(date(2023, 12, 1), 9, 0), Step::Expire("applied"));
        put(instant(date(2023, 12, 1), 9, 30), Step::Expire("issued"));
        put(instant(date(2024, 3, 11), 9, 0), Step::Expire("enrolled"));
        put(instant(date(2024, 3, 11), 9, 30), Step::Expire("completed"));
        put(instant(date(2024, 3, 11), 10, 0), Step::Expire("claimed"));
        put(instant(date(2024, 4, 1), 9, 0), Step::Close);
    }

    /// Does what is due: classes, sessions and claims at once, for none of them touches another's; what is the region's own comes after.
    /// Returns what follows from it.
    ///
    /// `alone`: money is short, so who comes first matters, and they come one after the other.
    pub(crate) async fn perform(
        &mut self,
        client: &Client,
        script: &Script,
        steps: Vec<Step>,
        alone: bool,
    ) -> Result<Vec<(i64, Step)>, PlayError> {
        let (mut of_classes, mut of_sessions, mut of_claims) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut own = Vec::new();
        for step in steps {
            match step {
                Step::Class(n, step) => drop(of_classes.insert(n, step)),
                Step::Session(n, step) => drop(of_sessions.insert(n, step)),
                Step::Claim(n, step) => drop(of_claims.insert(n, step)),
                Step::Check(..)
                | Step::Complaint(_)
                | Step::ClearFlags
                | Step::Import
                | Step::Paper(_)
                | Step::Expire(_)
                | Step::Close => own.push(step),
            }
        }
        let office = &self.office;
        let mut made = Vec::new();
        if alone {
            for (n, step) in std::mem::take(&mut of_classes) {
                made.extend(
                    self.classes[n]
                        .perform(client, script, office, step)
                        .await?,
                );
            }
            for (n, step) in std::mem::take(&mut of_sessions) {
                made.extend(
                    self.sessions[n]
                        .perform(client, script, office, step)
                        .await?,
                );
            }
        }
        if alone {
            for (n, step) in std::mem::take(&mut of_claims) {
                self.claims[n].perform(client, office, step).await?;
            }
        }
        let classes = self
            .classes
            .iter_mut()
            .enumerate()
            .filter_map(|(n, class)| {
                Some(class.perform(client, script, office, *of_classes.get(&n)?))
            });
        let sessions = self
            .sessions
            .iter_mut()
            .enumerate()
            .filter_map(|(n, session)| {
                Some(session.perform(client, script, office, *of_sessions.get(&n)?))
            });
        let claims = self
            .claims
            .iter_mut()
            .enumerate()
            .filter_map(|(n, claim)| Some(claim.perform(client, office, *of_claims.get(&n)?)));
        let (of_classes, of_sessions, _) = tokio::try_join!(
            try_join_all(classes),
            try_join_all(sessions),
            try_join_all(claims)
        )?;
        made.extend(of_classes.into_iter().chain(of_sessions).flatten());
        let follow = made
            .into_iter()
            .flat_map(|claim| self.claim(claim))
            .collect();
        for step in own {
            match step {
                Step::Check(n, step) => {
                    let (office, classes) = (&self.office, &self.classes);
                    self.checks[n]
                        .perform(client, office, classes, step)
                        .await?;
                }
                Step::Complaint(step) => {
                    self.complaint.perform(client, &self.office, step).await?;
                }
                Step::ClearFlags => clear_flags(client, &self.office).await?,
                Step::Import => records::import(client, &self.office, script.seed).await?,
                Step::Paper(paper) => {
                    let made = papers::make(client, &self.office, paper).await?;
                    self.papers.push(made);
                }
                Step::Expire(state) => self.expire(client, state).await?,
                Step::Close => {
                    let request = v1::ClosePlanYearRequest {
                        name: self.office.name("planYears", "2023"),
                        request_id: "close-2023".to_owned(),
                    };
                    client
                        .must::<_, v1::ClosePlanYearResponse>(
                            &script.operator,
                            "FundsService/ClosePlanYear",
                            request,
                        )
                        .await?;
                }
                Step::Class(..) | Step::Session(..) | Step::Claim(..) => {}
            }
        }
        Ok(follow)
    }

    fn claim(&mut self, claim: Claim) -> Vec<(i64, Step)> {
        let n = self.claims.len();
        let agenda = claim
            .agenda()
            .into_iter()
            .map(|(at, step)| (at, Step::Claim(n, step)))
            .collect();
        self.claims.push(claim);
        agenda
    }

    /// A clerk lets everything expire whose time is over.
    async fn expire(&self, client: &Client, state: &str) -> Result<(), PlayError> {
        let mut page_token = String::new();
        loop {
            let list = v1::ListVouchersRequest {
                parent: self.office.parent(),
                page_size: 500,
                page_token,
                state: state.to_owned(),
                plan_year: 2023,
                ..v1::ListVouchersRequest::default()
            };
            let refused = |status| PlayError::Refused {
                what: "ListVouchers".to_owned(),
                status: Box::new(status),
            };
            let page: v1::ListVouchersResponse = client
                .call(&self.office.clerk, "ApplicationService/ListVouchers", list)
                .await
                .map_err(refused)?;
            if !page.vouchers.is_empty() {
                let requests = page.vouchers.iter().map(|voucher| v1::ExpireRequest {
                    name: voucher.name.clone(),
                    request_id: format!(
                        "expire-{}",
                        voucher.name.rsplit('/').next().unwrap_or_default()
                    ),
                    validate_only: false,
                });
                let batch = v1::BatchExpireRequest {
                    parent: self.office.parent(),
                    mode: v1::Mode::Each.into(),
                    request_id: String::new(),
                    requests: requests.collect(),
                };
                let answer: v1::BatchExpireResponse = client
                    .call(&self.office.clerk, "IssuanceService/BatchExpire", batch)
                    .await
                    .map_err(refused)?;
                for result in answer.results {
                    client.count(match &result.result {
                        Some(v1::expire_result::Result::Error(error)) => Some(error),
                        _ => None,
                    });
                }
            }
            if page.next_page_token.is_empty() {
                return Ok(());
            }
            page_token = page.next_page_token;
        }
    }
}
