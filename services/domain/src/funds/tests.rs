//! Money in, money allocated, and a plan year's closing to the fen.

use super::*;
use crate::policy::Programme;
use crate::sample::*;

/// The first moment at which 2023 may be closed.
fn closing_time() -> Instant {
    Instant::after(policy().dates.closes)
}

fn appropriation(source: &str, fen: i64) -> AppropriateFunds {
    AppropriateFunds {
        year: year(),
        source: code(source),
        amount: Fen(fen),
        reference: code("CZ-2023-1"),
    }
}

fn enter(
    county: &mut County,
    at: Instant,
    source: &str,
    fen: i64,
) -> Result<Vec<&'static str>, Vec<Code>> {
    let act = appropriation(source, fen);
    county.play(&staff("fin", Role::Finance), at, |ask| {
        appropriate(ask, &act)
    })
}

/// A county whose next year is open and whose money of 2023 is of two sources, one of which no policy names.
fn county() -> County {
    let mut county = County::new();
    county
        .world
        .edit_year(&year())
        .unwrap()
        .sources
        .insert(code("city"));
    let next = OpenPlanYear {
        year: year().next(),
    };
    county
        .play(&staff("fin", Role::Finance), at("06-01"), |ask| {
            open_plan_year(ask, &next)
        })
        .unwrap();
    enter(&mut county, at("06-01"), "sector-tourism", 70_000).unwrap();
    county
}

fn close(
    county: &mut County,
    at: Instant,
    step: ClosingStep,
) -> Result<Vec<&'static str>, Vec<Code>> {
    let act = ClosePlanYear { year: year(), step };
    county.play(&staff("fin", Role::Finance), at, |ask| {
        close_plan_year(ask, &act)
    })
}

fn finish(county: &mut County) -> Result<Vec<&'static str>, Vec<Code>> {
    close(
        county,
        closing_time(),
        ClosingStep::Finish {
            carried: Vec::new(),
        },
    )
}

fn account(county: &County, year: PlanYear, source: &str) -> Account {
    *county.world.account(&year, &code(source)).unwrap()
}

fn balanced(account: &Account) -> bool {
    account.allocated == account.available + account.reserved + account.payable + account.paid
}

#[test]
fn money_enters_by_the_fen_and_never_by_none() {
    let mut county = county();
    let entered = account(&county, year(), "sector-tourism");
    assert!(balanced(&entered) && entered.available == Fen(70_000));
    for wrong in [0, -1, Fen::MAX.0] {
        let refused = enter(&mut county, at("06-02"), "sector-tourism", wrong).unwrap_err();
        assert!(refused.contains(&Code::BadAmount), "{wrong}");
    }
}

#[test]
fn a_closing_carries_every_account_over_those_that_no_policy_names_too() {
    let mut county = county();
    assert_eq!(
        close(&mut county, closing_time(), ClosingStep::Begin),
        Ok(vec!["PlanYearClosing"])
    );
    assert_eq!(finish(&mut county), Ok(vec!["PlanYearClosed"]));
    for (source, fen) in [("city", 10_000_000), ("sector-tourism", 70_000)] {
        assert_eq!(
            account(&county, year(), source),
            Account::default(),
            "{source}"
        );
        let next = account(&county, year().next(), source);
        assert!(balanced(&next) && next.available == Fen(fen), "{source}");
    }
    assert_eq!(
        enter(&mut county, closing_time(), "city", 1),
        Err(vec![Code::PlanYearClosed])
    );
}

#[test]
fn a_closing_begins_after_its_day_and_ends_when_nothing_is_left_open() {
    let mut county = county();
    let voucher = county.issued(1, 1, Programme::General);
    let early = Instant(closing_time().0 - 1);
    assert_eq!(
        close(&mut county, early, ClosingStep::Begin),
        Err(vec![Code::PlanYearNotDue])
    );
    assert!(
        finish(&mut county)
            .unwrap_err()
            .contains(&Code::PlanYearNotClosing)
    );
    close(&mut county, closing_time(), ClosingStep::Begin).unwrap();
    assert_eq!(finish(&mut county), Err(vec![Code::PlanYearNotEmpty]));

    let twice = close(
        &mut county,
        closing_time(),
        ClosingStep::Vouchers(vec![voucher, voucher]),
    );
    assert_eq!(twice, Err(vec![Code::DuplicateEntry]));
    let expired = close(
        &mut county,
        closing_time(),
        ClosingStep::Vouchers(vec![voucher]),
    );
    assert_eq!(expired, Ok(vec!["Expired"]));
    assert_eq!(
        county.money(),
        (Fen(10_000_000), Fen::ZERO),
        "the reserve is free again"
    );
    assert_eq!(finish(&mut county), Ok(vec!["PlanYearClosed"]));
}

#[test]
fn a_closing_that_leaves_owed_money_unnamed_is_refused() {
    let mut county = county();
    let city = county.world.edit_account(&year(), &code("city")).unwrap();
    city.available -= Fen(500);
    city.payable += Fen(500);
    close(&mut county, closing_time(), ClosingStep::Begin).unwrap();
    assert_eq!(finish(&mut county), Err(vec![Code::PlanYearNotEmpty]));
}

#[test]
fn a_city_allocates_what_it_has_to_its_own_counties_only() {
    let mut city = World::new(code("140700"));
    let mut county = County::new();
    let money = Account {
        allocated: Fen(900),
        available: Fen(900),
        ..Account::default()
    };
    let open = county.world.year(&year()).unwrap().clone();
    city.bring(Key::Year(year()), Some(Fact::Year(open)));
    city.bring(
        Key::Account(year(), code("city")),
        Some(Fact::Account(money)),
    );
    let mut decided = |fen: i64, parent: &str| {
        let region = RegionState {
            parent: Some(code(parent)),
            name: "寿阳县".into(),
            name_en: "Shouyang County".into(),
            deployment: "test".into(),
            simulated: true,
            recorded: Default::default(),
            next_place: Default::default(),
        };
        county.world.bring(Key::Region, Some(Fact::Region(region)));
        let ask = Ask {
            world: &city,
            caller: staff("fin", Role::Finance),
            at: at("06-01"),
        };
        let act = AllocateFunds {
            to: code("140725"),
            year: year(),
            source: code("city"),
            amount: Fen(fen),
            reference: code("CZ-2023-2"),
        };
        allocate(&ask, &county.world, &act)
    };
    assert_eq!(decided(901, "140700"), Err(Code::FundsExhausted.into()));
    assert_eq!(decided(900, "140900"), Err(Code::RegionNotFound.into()));
    let (out, into) = decided(900, "140700").unwrap();
    city.apply(&out, at("06-01")).unwrap();
    county.world.apply(&into, at("06-01")).unwrap();
    assert_eq!(
        city.account(&year(), &code("city")),
        Ok(&Account::default())
    );
    let received = account(&county, year(), "city");
    assert!(balanced(&received) && received.allocated == Fen(10_000_900));
}
