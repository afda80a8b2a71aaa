//! What was asked for, read back from money and plan years. An allocation is decided over two regions and each log has its half: the
//! other half's facts are made up here so that they refuse nothing, and the two logs are held against each other at the end.

use hefu_domain::command::*;
use hefu_domain::event::{self, FundsAllocatedIn, FundsAllocatedOut, TopUpDecided, TopUpRefused};
use hefu_domain::state::{
    Account, Credential, RegionState, TopUp, TopUpPurpose, YearPhase, YearState,
};
use hefu_domain::{
    Act, CredentialId, Digest, Event, Fact, Fen, Instant, Key, PlanYear, Reference, Region, Role,
    Source, StaffId, Stop, TopUpId, World, decide_both,
};

use super::issuance::expired_by_closing;

pub(super) fn appropriate(e: &event::FundsAppropriated) -> Act {
    AppropriateFunds {
        year: e.year,
        source: e.source.clone(),
        amount: e.amount,
        reference: e.reference.clone(),
    }
    .into()
}

/// An allocation, or a county's request that is granted by one.
pub(super) fn allocate(e: &FundsAllocatedOut) -> Act {
    match e.top_up {
        Some(top_up) => grant(e.to.clone(), top_up, e.amount, e.reference.clone()),
        None => AllocateFunds {
            to: e.to.clone(),
            year: e.year,
            source: e.source.clone(),
            amount: e.amount,
            reference: e.reference.clone(),
        }
        .into(),
    }
}

fn grant(county: Region, top_up: TopUpId, amount: Fen, reference: Reference) -> Act {
    DecideTopUp {
        county,
        top_up,
        decision: TopUpRuling::Grant { amount, reference },
    }
    .into()
}

pub(super) fn request_top_up(e: &event::TopUpRequested) -> Act {
    RequestTopUp {
        top_up: e.top_up,
        year: e.year,
        source: e.source.clone(),
        amount: e.amount,
        purpose: e.purpose,
        reason: e.reason.clone(),
        papers: e.papers,
    }
    .into()
}

pub(super) fn refuse_top_up(e: &TopUpRefused) -> Act {
    DecideTopUp {
        county: e.to.clone(),
        top_up: e.top_up,
        decision: TopUpRuling::Refuse {
            reason: e.reason.clone(),
        },
    }
    .into()
}

pub(super) fn open_plan_year(e: &event::PlanYearOpened) -> Act {
    OpenPlanYear { year: e.year }.into()
}

pub(super) fn set_targets(e: &event::TargetsSet) -> Act {
    SetTargets {
        year: e.year,
        targets: e.targets.clone(),
    }
    .into()
}

pub(super) fn begin_closing(e: &event::PlanYearClosing) -> Act {
    ClosePlanYear {
        year: e.year,
        step: ClosingStep::Begin,
    }
    .into()
}

/// A step of the closing: every voucher that expires by it, one after the other.
pub(super) fn close_vouchers<'a>(
    world: &World,
    events: impl Iterator<Item = &'a Event>,
) -> Option<Act> {
    let vouchers: Vec<_> = events
        .map_while(expired_by_closing)
        .map(|ended| ended.voucher)
        .collect();
    let first = world.voucher(vouchers.first()?).ok()?;
    Some(
        ClosePlanYear {
            year: first.year,
            step: ClosingStep::Vouchers(vouchers),
        }
        .into(),
    )
}

pub(super) fn finish_closing(e: &event::PlanYearClosed) -> Act {
    ClosePlanYear {
        year: e.year,
        step: ClosingStep::Finish {
            carried: e.carried.clone(),
        },
    }
    .into()
}

/// Decides a city's half: of the county it is known only that it says nothing against it, and asked for as much as it got.
pub(super) fn decide_out(
    city: &World,
    command: &Command,
    at: Instant,
    e: &FundsAllocatedOut,
) -> Result<Vec<Event>, Stop> {
    let mut county = county_of(city, &e.to, e.year);
    if let Some(top_up) = e.top_up {
        let asked = asked(e.year, Some((e.source.clone(), e.amount)));
        county.bring(Key::TopUp(top_up), asked);
    }
    decide_both(city, &county, command, at).map(|(out, _)| out)
}

/// Decides a city's half of a refused request, in the same way.
pub(super) fn decide_refusal(
    city: &World,
    command: &Command,
    at: Instant,
    e: &TopUpRefused,
) -> Result<Vec<Event>, Stop> {
    let mut county = county_of(city, &e.to, e.year);
    county.bring(Key::TopUp(e.top_up), asked(e.year, None));
    decide_both(city, &county, command, at).map(|(out, _)| out)
}

fn county_of(city: &World, county: &Region, year: PlanYear) -> World {
    let mut world = World::complete(county.clone());
    world.bring(Key::Region, Some(opened(Some(city.region().clone()))));
    world.bring(Key::Year(year), Some(open_year()));
    world
}

/// A request that is not decided yet, of somebody who decides nothing.
fn asked(year: PlanYear, money: Option<(Source, Fen)>) -> Option<Fact> {
    let (source, amount) = match money {
        Some(money) => money,
        None => ("unknown".parse().ok()?, Fen(1)),
    };
    Some(Fact::TopUp(TopUp {
        year,
        source,
        amount,
        purpose: TopUpPurpose::Earmarked,
        reason: "UNKNOWN".parse().ok()?,
        papers: Digest([0; 32]),
        by: "the-other-region".parse().ok()?,
        at: Instant(0),
        decision: None,
    }))
}

/// What a city's move wrote into its county's log.
pub(super) struct CountyHalf<'a> {
    pub(super) from: &'a Region,
    money: Option<&'a FundsAllocatedIn>,
    decided: Option<&'a TopUpDecided>,
}

/// The county's half of a city's move, by the first of its events and those after it.
pub(super) fn county_half<'a>(
    mut events: impl Iterator<Item = &'a Event>,
) -> Option<CountyHalf<'a>> {
    match (events.next()?, events.next()) {
        (Event::FundsAllocatedIn(e), Some(Event::TopUpDecided(decided)))
            if e.top_up == Some(decided.top_up) =>
        {
            Some(CountyHalf {
                from: &e.from,
                money: Some(e),
                decided: Some(decided),
            })
        }
        (Event::FundsAllocatedIn(e), _) => Some(CountyHalf {
            from: &e.from,
            money: Some(e),
            decided: None,
        }),
        (Event::TopUpDecided(decided), _) => Some(CountyHalf {
            from: &decided.from,
            money: None,
            decided: Some(decided),
        }),
        _ => None,
    }
}

impl CountyHalf<'_> {
    /// The command whose second half stands in the county's log.
    pub(super) fn command(&self, county: &Region, request: &str) -> Option<Command> {
        let act = match (self.money, self.decided) {
            (Some(money), Some(decided)) => grant(
                county.clone(),
                decided.top_up,
                money.amount,
                money.reference.clone(),
            ),
            (Some(money), None) => AllocateFunds {
                to: county.clone(),
                year: money.year,
                source: money.source.clone(),
                amount: money.amount,
                reference: money.reference.clone(),
            }
            .into(),
            (None, Some(decided)) => DecideTopUp {
                county: county.clone(),
                top_up: decided.top_up,
                decision: TopUpRuling::Refuse {
                    reason: decided.decision.reason.clone()?,
                },
            }
            .into(),
            (None, None) => return None,
        };
        Some(Command {
            region: self.from.clone(),
            by: some_credential()?,
            request: request.parse().ok()?,
            digest: Digest([0; 32]),
            seals: Vec::new(),
            act,
        })
    }

    /// Decides it: of the city it is known only that its finance had the money, and who decided.
    pub(super) fn decide(
        &self,
        county: &World,
        command: &Command,
        at: Instant,
    ) -> Result<Vec<Event>, Stop> {
        let mut city = World::complete(self.from.clone());
        city.bring(Key::Region, Some(opened(None)));
        if let Some(money) = self.money {
            city.bring(Key::Year(money.year), Some(open_year()));
            let account = Account {
                allocated: money.amount,
                available: money.amount,
                ..Account::default()
            };
            let key = Key::Account(money.year, money.source.clone());
            city.bring(key, Some(Fact::Account(account)));
        }
        if let Some(decided) = self.decided
            && let Ok(asked) = county.top_up(&decided.top_up)
        {
            city.bring(Key::Year(asked.year), Some(open_year()));
        }
        let by = self.decided.map(|decided| decided.decision.by.clone());
        city.bring(Key::Credential(command.by.clone()), finance(by));
        decide_both(&city, county, command, at).map(|(_, into)| into)
    }
}

fn some_credential() -> Option<CredentialId> {
    Digest([0; 32]).to_string().parse().ok()
}

fn finance(by: Option<StaffId>) -> Option<Fact> {
    let person = match by {
        Some(by) => by,
        None => "finance".parse().ok()?,
    };
    Some(Fact::Credential(Credential {
        subject: "finance".parse().ok()?,
        person,
        roles: [Role::Finance].into(),
        institution: None,
        holder: None,
        expires: None,
        revoked: None,
        deputies: Vec::new(),
    }))
}

pub(super) fn opened(parent: Option<Region>) -> Fact {
    Fact::Region(RegionState {
        parent,
        name: String::new(),
        name_en: String::new(),
        deployment: String::new(),
        simulated: false,
        recorded: Default::default(),
        next_place: Default::default(),
    })
}

fn open_year() -> Fact {
    Fact::Year(YearState {
        phase: YearPhase::Open,
        vouchers: Default::default(),
        sheets: Default::default(),
        targets: Default::default(),
        sources: Default::default(),
    })
}
