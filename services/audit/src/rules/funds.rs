//! What was asked for, read back from money and plan years. An allocation is decided over two regions and each log has its half: the
//! other half's facts are made up here so that they refuse nothing, and the two logs are held against each other at the end.

use hefu_domain::command::*;
use hefu_domain::event::{self, FundsAllocatedIn, FundsAllocatedOut};
use hefu_domain::state::{Account, Credential, RegionState, YearPhase, YearState};
use hefu_domain::{
    Act, CredentialId, Digest, Event, Fact, Instant, Key, Region, Role, Stop, World, decide_both,
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

pub(super) fn allocate(e: &FundsAllocatedOut) -> Act {
    AllocateFunds {
        to: e.to.clone(),
        year: e.year,
        source: e.source.clone(),
        amount: e.amount,
        reference: e.reference.clone(),
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

/// Decides a city's half: of the county it is known only that it says nothing against it.
pub(super) fn decide_out(
    city: &World,
    command: &Command,
    at: Instant,
    e: &FundsAllocatedOut,
) -> Result<Vec<Event>, Stop> {
    let mut county = World::complete(e.to.clone());
    county.bring(Key::Region, Some(opened(Some(city.region().clone()))));
    county.bring(Key::Year(e.year), Some(open_year()));
    decide_both(city, &county, command, at).map(|(out, _)| out)
}

/// Decides a county's half: of the city it is known only that its finance had the money.
pub(super) fn decide_in(
    county: &World,
    command: &Command,
    at: Instant,
    e: &FundsAllocatedIn,
) -> Result<Vec<Event>, Stop> {
    let mut city = World::complete(e.from.clone());
    city.bring(Key::Region, Some(opened(None)));
    city.bring(Key::Year(e.year), Some(open_year()));
    let account = Account {
        allocated: e.amount,
        available: e.amount,
        ..Account::default()
    };
    let key = Key::Account(e.year, e.source.clone());
    city.bring(key, Some(Fact::Account(account)));
    city.bring(Key::Credential(command.by.clone()), finance());
    decide_both(&city, county, command, at).map(|(_, into)| into)
}

/// The command whose second half stands in a county's log.
pub(super) fn allocation_in(
    county: &Region,
    request: &str,
    e: &FundsAllocatedIn,
) -> Option<Command> {
    Some(Command {
        region: e.from.clone(),
        by: some_credential()?,
        request: request.parse().ok()?,
        digest: Digest([0; 32]),
        seals: Vec::new(),
        act: AllocateFunds {
            to: county.clone(),
            year: e.year,
            source: e.source.clone(),
            amount: e.amount,
            reference: e.reference.clone(),
        }
        .into(),
    })
}

fn some_credential() -> Option<CredentialId> {
    Digest([0; 32]).to_string().parse().ok()
}

fn finance() -> Option<Fact> {
    Some(Fact::Credential(Credential {
        subject: "finance".parse().ok()?,
        person: "finance".parse().ok()?,
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
