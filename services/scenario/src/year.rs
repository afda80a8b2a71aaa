//! The year: a calendar of instants, at each of which the regions do what is due. The clock moves only when nothing is in flight.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use hefu_wire::v1;
use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;

use crate::claims::Claim;
use crate::classes::ClassPlay;
use crate::client::{Client, PlayError};
use crate::made_up::person;
use crate::office::Office;
use crate::plan::{self, Kind, SHARES};
use crate::sessions::{People, SessionPlay};

/// The county whose first instalment is too small: 左权县.
const SHORT_OF_MONEY: usize = 4;

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

/// What the year is played with.
pub struct Script {
    /// Decides everything.
    pub seed: u64,
    /// Vouchers of the whole deployment, training and assessment, about.
    pub vouchers: u64,
    /// The operator's API key.
    pub operator: String,
    /// The city's policy for 2023, as JSON.
    pub policy_json: String,
    /// Working-day calendars.
    pub calendars: Vec<v1::Calendar>,
    /// One call after the other, so that every log, and so every root, is the same in every run.
    pub sequential: bool,
}

/// Where the year stands, for a progress bar.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The simulated day.
    pub day: Date,
    /// Instants done.
    pub done: usize,
    /// Instants in all.
    pub of: usize,
}

/// What a played year yields.
#[derive(Debug, Clone)]
pub struct Year {
    /// Region codes.
    pub regions: Vec<String>,
}

/// One thing that is due in one region.
pub(crate) type Task = (usize, Step);

/// What is due.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Class(usize, ClassStep),
    Session(usize, SessionStep),
    Claim(usize, ClaimStep),
    Expire(&'static str),
    Close,
}

/// Steps of a class.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ClassStep {
    Register,
    Apply,
    Issue,
    File,
    Fetch,
    Enrol,
    Slot(usize),
    Late(usize),
    Drop,
    Finish,
    Employment,
    Redeem,
}

/// Steps of a session.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SessionStep {
    Apply,
    Issue,
    File,
    Assess,
    Confirm,
    Redeem,
}

/// Steps of a claim sheet.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ClaimStep {
    Review,
    Approve,
    Object,
    Decide,
    Send,
    Answer,
    Again,
    WriteOff,
    ClawBack,
}

/// A region at play.
pub(crate) struct Region {
    pub(crate) office: Office,
    pub(crate) classes: Vec<ClassPlay>,
    pub(crate) sessions: Vec<SessionPlay>,
    pub(crate) claims: Vec<Claim>,
}

/// Milliseconds since 1970 of a wall time in Asia/Shanghai.
pub(crate) fn instant(day: Date, hour: i8, minute: i8) -> i64 {
    let zoned = TimeZone::fixed(jiff::tz::offset(8)).to_timestamp(day.at(hour, minute, 0, 0));
    zoned.map_or(0, |t| t.as_millisecond())
}

/// The day so many days off.
pub(crate) fn days(day: Date, off: i64) -> Date {
    day.checked_add(jiff::Span::new().days(off)).unwrap_or(day)
}

/// The month of an instant (milliseconds since 1970) in Asia/Shanghai, counted from the year 0.
pub fn month(at: i64) -> i32 {
    let day = jiff::Timestamp::from_millisecond(at).map(|t| jiff::tz::offset(8).to_datetime(t));
    day.map_or(0, |day| i32::from(day.year()) * 12 + i32::from(day.month()))
}

/// Plays the year. `set_clock` moves the server's clock (milliseconds since 1970); it is called only when nothing is in flight, and
/// nothing goes on before it is done.
///
/// # Errors
/// No server, or a move that the script needs was refused.
pub async fn play(
    client: &Client,
    script: &Script,
    set_clock: impl AsyncFn(i64),
    mut progress: impl FnMut(Progress),
) -> Result<Year, PlayError> {
    let mut regions: Vec<Region> = SHARES
        .iter()
        .map(|(code, share)| Region::new(script, code, *share))
        .collect();
    set_clock(instant(date(2023, 4, 19), 8, 30)).await;
    open(client, script, &regions).await?;
    fund(client, &regions).await?;
    let mut agenda: BTreeMap<i64, Vec<Task>> = BTreeMap::new();
    for (index, region) in regions.iter().enumerate() {
        region.agenda(index, &mut agenda);
    }
    let (mut done, mut doubled, mut topped_up) = (0, false, false);
    while let Some((at, tasks)) = agenda.pop_first() {
        set_clock(at).await;
        let mut due: Vec<Vec<Step>> = regions.iter().map(|_| Vec::new()).collect();
        for (region, step) in tasks {
            due[region].push(step);
        }
        let short = |index| index == SHORT_OF_MONEY && !topped_up;
        let work = regions.iter_mut().zip(due);
        let followed = if script.sequential {
            let mut followed = Vec::new();
            for (region, steps) in work {
                followed.push(region.perform(client, script, steps, true).await?);
            }
            followed
        } else {
            try_join_all(work.enumerate().map(|(index, (region, steps))| {
                region.perform(client, script, steps, short(index))
            }))
            .await?
        };
        for (index, more) in followed.into_iter().enumerate() {
            for (at, step) in more {
                agenda.entry(at).or_default().push((index, step));
            }
        }
        done += 1;
        let day = jiff::Timestamp::from_millisecond(at)
            .map(|t| jiff::tz::offset(8).to_datetime(t).date())
            .unwrap_or_default();
        progress(Progress {
            day,
            done,
            of: done + agenda.len(),
        });
        if day >= date(2023, 5, 22) && !topped_up {
            topped_up = true;
            second_instalment(client, &regions).await?;
        }
        if day >= date(2023, 6, 1) && !doubled {
            doubled = true;
            doubles(client, script, &regions).await?;
        }
    }
    Ok(Year {
        regions: regions
            .iter()
            .map(|region| region.office.region.clone())
            .collect(),
    })
}

/// Opens the plan year everywhere: policy, calendars, years, callers, institutions.
async fn open(client: &Client, script: &Script, regions: &[Region]) -> Result<(), PlayError> {
    let opening = regions.iter().map(|region| async {
        let office = &region.office;
        let request = v1::AdoptPolicyRequest {
            parent: office.parent(),
            policy_json: script.policy_json.clone(),
            effective: None,
            request_id: "policy-2023".to_owned(),
            validate_only: false,
        };
        client
            .must::<_, v1::AdoptPolicyResponse>(
                &script.operator,
                "PolicyService/AdoptPolicy",
                request,
            )
            .await?;
        for calendar in &script.calendars {
            let request = v1::AdoptCalendarRequest {
                parent: office.parent(),
                calendar: Some(calendar.clone()),
                request_id: format!("calendar-{}", calendar.year),
                validate_only: false,
            };
            client
                .must::<_, v1::AdoptCalendarResponse>(
                    &script.operator,
                    "PolicyService/AdoptCalendar",
                    request,
                )
                .await?;
        }
        for year in ["2023", "2024"] {
            let request = v1::OpenPlanYearRequest {
                name: office.name("planYears", year),
                request_id: format!("open-year-{year}"),
                validate_only: false,
            };
            client
                .must::<_, v1::OpenPlanYearResponse>(
                    &script.operator,
                    "FundsService/OpenPlanYear",
                    request,
                )
                .await?;
        }
        let heads = |kind: Kind| {
            region
                .classes
                .iter()
                .filter(|class| class.plan.kind == kind)
                .map(|class| class.plan.applied as u32)
                .sum::<u32>()
        };
        let target = |code: &str, people: u32| v1::Target {
            code: code.to_owned(),
            people,
        };
        let targets = vec![
            // Order and project training counts inside the general plan.
            target("general", heads(Kind::General) + heads(Kind::OrderProject)),
            target("enterprise_staff", heads(Kind::EnterpriseStaff)),
            target("order_project", heads(Kind::OrderProject)),
        ];
        let request = v1::SetTargetsRequest {
            name: office.name("planYears", "2023"),
            targets,
            request_id: "targets-2023".to_owned(),
            validate_only: false,
        };
        client
            .must::<_, v1::SetTargetsResponse>(&script.operator, "FundsService/SetTargets", request)
            .await?;
        office.grant_staff(client, &script.operator).await?;
        office.register_institutions(client, &script.operator).await
    });
    if script.sequential {
        for region in opening {
            region.await?;
        }
        return Ok(());
    }
    try_join_all(opening).await.map(|_| ())
}

/// Money: the treasury's into the city's account, the city's share to each county; one county gets a first instalment that is too small.
async fn fund(client: &Client, regions: &[Region]) -> Result<(), PlayError> {
    let city = &regions[0].office;
    // Generous per voucher: what is left is carried over.
    let need = |region: &Region| {
        let classes = region.classes.iter().map(|class| {
            class.plan.applied
                * if class.plan.kind == Kind::OrderProject {
                    200_000
                } else {
                    100_000
                }
        });
        let sessions = region
            .sessions
            .iter()
            .map(|session| session.plan.applied * 30_000);
        classes.sum::<u64>() + sessions.sum::<u64>()
    };
    let total: u64 = regions.iter().map(need).sum();
    let request = v1::AppropriateFundsRequest {
        name: format!("{}/planYears/2023/accounts/city", city.parent()),
        amount_fen: i64::try_from(total + total / 5).unwrap_or(i64::MAX),
        reference: "JZ-CZ-2023-001".to_owned(),
        request_id: "appropriate-2023".to_owned(),
        validate_only: false,
    };
    client
        .must::<_, v1::AppropriateFundsResponse>(
            &city.finance,
            "FundsService/AppropriateFunds",
            request,
        )
        .await?;
    for (index, region) in regions.iter().enumerate().skip(1) {
        let amount = if index == SHORT_OF_MONEY {
            need(region) / 60
        } else {
            need(region)
        };
        allocate(client, city, &region.office, amount.max(1), "1").await?;
    }
    Ok(())
}

/// The county whose first instalment was too small gets the rest.
async fn second_instalment(client: &Client, regions: &[Region]) -> Result<(), PlayError> {
    let (city, county) = (&regions[0].office, &regions[SHORT_OF_MONEY]);
    let heads = county
        .classes
        .iter()
        .map(|class| class.plan.applied * 200_000)
        .chain(
            county
                .sessions
                .iter()
                .map(|session| session.plan.applied * 30_000),
        );
    allocate(client, city, &county.office, heads.sum(), "2").await
}

/// One allocation from the city to a county.
async fn allocate(
    client: &Client,
    city: &Office,
    county: &Office,
    amount: u64,
    part: &str,
) -> Result<(), PlayError> {
    let request = v1::AllocateFundsRequest {
        name: format!("{}/planYears/2023/accounts/city", city.parent()),
        to: county.parent(),
        amount_fen: i64::try_from(amount).unwrap_or(i64::MAX),
        reference: format!("JZ-XB-{}-{part}", county.region),
        request_id: format!("allocate-{}-{part}", county.region),
        validate_only: false,
    };
    client
        .must::<_, v1::AllocateFundsResponse>(&city.finance, "FundsService/AllocateFunds", request)
        .await
        .map(|_| ())
}

/// People who apply in two counties: contended, so it runs alone. The second county learns only that there is a live voucher somewhere.
async fn doubles(client: &Client, script: &Script, regions: &[Region]) -> Result<(), PlayError> {
    for n in 0..5 {
        let twin = person(script.seed, "140702", 9_000_000 + n);
        for (place, region) in [&regions[3], &regions[4]].into_iter().enumerate() {
            let office = &region.office;
            let id = |what: &str| format!("double-{what}-{n}-{place}");
            let request = v1::RegisterPersonRequest {
                parent: office.parent(),
                identity_number: twin.identity.clone(),
                display_name: twin.name.clone(),
                phone: twin.phone.clone(),
                request_id: id("person"),
                validate_only: false,
            };
            let registered: v1::RegisterPersonResponse = client
                .must(&office.clerk, "PeopleService/RegisterPerson", request)
                .await?;
            let name = registered.receipt.unwrap_or_default().name;
            let request = v1::RecordCheckAnswersRequest {
                name: name.clone(),
                answers: crate::seats::answers(Kind::General, 0, true),
                request_id: id("checks"),
                validate_only: false,
            };
            client
                .must::<_, v1::RecordCheckAnswersResponse>(
                    &office.clerk,
                    "PeopleService/RecordCheckAnswers",
                    request,
                )
                .await?;
            let request = v1::ApplyRequest {
                parent: office.parent(),
                person: name,
                plan_year: 2023,
                programme: v1::Programme::General.into(),
                category: "flexible".to_owned(),
                request_id: id("apply"),
                ..v1::ApplyRequest::default()
            };
            // The second one is refused, and that is the point.
            let _ = client
                .make::<_, v1::ApplyResponse>(&office.portal, "ApplicationService/Apply", request)
                .await;
        }
    }
    Ok(())
}

impl Region {
    fn new(script: &Script, code: &str, share: u64) -> Region {
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
            classes,
            sessions,
            claims: Vec::new(),
        }
    }

    /// What is due in this region from the start; claims put themselves on the agenda when they are made.
    fn agenda(&self, region: usize, agenda: &mut BTreeMap<i64, Vec<Task>>) {
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
    async fn perform(
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
                Step::Expire(_) | Step::Close => own.push(step),
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
