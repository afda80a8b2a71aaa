//! A plan year's money: what counties ask of their city, and whole random years of it, from the appropriation to the carry-over.

use hefu_domain::command::{AllocateFunds, DecideTopUp, RequestTopUp, TopUpRuling};
use hefu_domain::state::*;
use hefu_domain::*;
use proptest::prelude::*;

use crate::funds::{Step, cases, counties, run, sheet_name, steps, take_step};
use crate::support::{Town, digest, fen, region, said, year};

/// What a county asks for.
fn request(
    town: &mut Town,
    name: &str,
    amount: Fen,
    source: &str,
    purpose: TopUpPurpose,
) -> String {
    let act = RequestTopUp {
        top_up: TopUpId(town.id(name)),
        year: year(2023),
        source: source.parse().unwrap(),
        amount,
        purpose,
        reason: "ORDERS_ABOVE_PLAN".parse().unwrap(),
        papers: digest("the county's letter"),
    };
    said(&town.submit("finance", act.into()))
}

/// What the city decides of it; another member of its staff, or the very person who asked.
fn decide(
    city: &mut Town,
    county: &mut Town,
    name: &str,
    by: &str,
    decision: TopUpRuling,
) -> String {
    let act = DecideTopUp {
        county: county.region.clone(),
        top_up: TopUpId(county.id(name)),
        decision,
    };
    said(&city.submit_with(county, by, act.into()))
}

fn grant(amount: &str) -> TopUpRuling {
    TopUpRuling::Grant {
        amount: fen(amount),
        reference: "CZ-2023-9".parse().unwrap(),
    }
}

fn refuse() -> TopUpRuling {
    TopUpRuling::Refuse {
        reason: "NO_MONEY_LEFT".parse().unwrap(),
    }
}

fn top_up(town: &Town, name: &str) -> TopUp {
    match &town.facts[&Key::TopUp(TopUpId(town.id(name)))] {
        Fact::TopUp(asked) => asked.clone(),
        other => panic!("{other:?}"),
    }
}

const SHORT: TopUpPurpose = TopUpPurpose::Shortfall;

#[test]
fn a_county_asks_and_the_city_grants_in_part_or_refuses_in_both_logs() {
    let mut city = region("140700", None);
    let mut county = region("140725", Some("140700"));
    city.run("appropriate city 2023 500.00").unwrap();
    for (name, amount) in [("t1", "300.00"), ("t2", "50.00"), ("t3", "400.00")] {
        let asked = request(&mut county, name, fen(amount), "city", SHORT);
        assert_eq!(asked, "TopUpRequested");
    }
    assert_eq!(
        decide(&mut city, &mut county, "t1", "everybody", grant("300.01")),
        "TOP_UP_TOO_MUCH"
    );
    assert_eq!(
        decide(&mut city, &mut county, "t1", "everybody", grant("0.00")),
        "AMOUNT_NOT_POSITIVE"
    );
    assert_eq!(
        decide(&mut city, &mut county, "t1", "everybody", grant("200.00")),
        "FundsAllocatedOut FundsAllocatedIn TopUpDecided"
    );
    assert_eq!(
        decide(&mut city, &mut county, "t1", "everybody", refuse()),
        "TOP_UP_DECIDED"
    );
    assert_eq!(
        decide(&mut city, &mut county, "t3", "everybody", grant("300.01")),
        "FUNDS_EXHAUSTED"
    );
    assert_eq!(
        decide(&mut city, &mut county, "t2", "everybody", refuse()),
        "TopUpRefused TopUpDecided"
    );
    assert_eq!(
        decide(&mut city, &mut county, "t4", "everybody", refuse()),
        "TOP_UP_NOT_FOUND"
    );
    let (left, got) = (
        city.account(year(2023), "city"),
        county.account(year(2023), "city"),
    );
    assert_eq!(
        (left.available, got.available),
        (fen("300.00"), fen("200.00"))
    );
    let codes = ["t1", "t2", "t3"].map(|name| top_up(&county, name).code().to_owned());
    assert_eq!(codes, ["granted", "refused", "requested"]);
    city.replay();
    county.replay();
}

#[test]
fn a_county_asks_for_what_a_city_can_give_only() {
    let mut city = region("140700", None);
    assert_eq!(
        request(&mut city, "t1", fen("1.00"), "city", SHORT),
        "NO_PARENT_REGION"
    );
    let mut county = region("140725", Some("140700"));
    let sector = "sector-tourism";
    assert_eq!(
        request(&mut county, "t1", fen("1.00"), sector, SHORT),
        "SOURCE_NOT_OF_PROGRAMME"
    );
    assert_eq!(
        request(
            &mut county,
            "t1",
            Fen::ZERO,
            sector,
            TopUpPurpose::Earmarked
        ),
        "AMOUNT_NOT_POSITIVE"
    );
    assert_eq!(
        request(
            &mut county,
            "t1",
            fen("1.00"),
            sector,
            TopUpPurpose::Earmarked
        ),
        "TopUpRequested"
    );
    assert_eq!(
        request(
            &mut county,
            "t1",
            fen("1.00"),
            sector,
            TopUpPurpose::Earmarked
        ),
        "TOP_UP_EXISTS"
    );
    let mut elsewhere = region("330100", None);
    elsewhere.run("appropriate city 2023 500.00").unwrap();
    assert_eq!(
        decide(&mut elsewhere, &mut county, "t1", "everybody", refuse()),
        "REGION_NOT_FOUND"
    );
}

/// What one step of a year tries: money between the regions, or anything in a county.
#[derive(Debug, Clone)]
enum Moved {
    Appropriate(i64),
    Allocate {
        there: bool,
        fen: i64,
    },
    Ask {
        there: bool,
        number: u8,
        fen: i64,
    },
    Decide {
        there: bool,
        number: u8,
        fen: Option<i64>,
    },
    Expire {
        there: bool,
        voucher: u8,
    },
    County(Step),
}

fn moved() -> impl Strategy<Value = Vec<Moved>> {
    let fen = || 1i64..120_000;
    let (there, number) = (any::<bool>, || 0u8..4);
    let money = prop_oneof![
        1 => fen().prop_map(Moved::Appropriate),
        3 => (there(), fen()).prop_map(|(there, fen)| Moved::Allocate { there, fen }),
        2 => (there(), number(), fen()).prop_map(|(there, number, fen)| Moved::Ask { there, number, fen }),
        3 => (there(), number(), prop::option::of(fen())).prop_map(|(there, number, fen)| Moved::Decide { there, number, fen }),
        1 => (there(), 0u8..6).prop_map(|(there, voucher)| Moved::Expire { there, voucher }),
    ];
    (
        steps(),
        prop::collection::vec((money, any::<prop::sample::Index>()), 10..30),
    )
        .prop_map(|(steps, money)| {
            let mut all: Vec<Moved> = steps.into_iter().map(Moved::County).collect();
            for (step, at) in money {
                let at = at.index(all.len());
                all.insert(at, step);
            }
            all
        })
}

/// A city and two of its counties.
struct Regions {
    city: Town,
    here: Town,
    there: Town,
    /// What the treasury gave to any of them.
    appropriated: Fen,
}

impl Regions {
    fn new() -> Regions {
        let mut city = region("140700", None);
        city.run("appropriate city 2023 9000.00").unwrap();
        let (here, there) = counties();
        let mut regions = Regions {
            city,
            here,
            there,
            appropriated: Fen::ZERO,
        };
        regions.appropriated = regions.allocated();
        regions
    }

    fn county(&mut self, there: bool) -> (&mut Town, &mut Town) {
        let county = if there {
            &mut self.there
        } else {
            &mut self.here
        };
        (&mut self.city, county)
    }

    /// All that stands in accounts, of all years and sources; each account's own sum is recounted after every move.
    fn allocated(&self) -> Fen {
        let accounts = [&self.city, &self.here, &self.there].map(|town| {
            let accounts = town.facts.values().filter_map(|fact| match fact {
                Fact::Account(account) => Some(account.allocated),
                _ => None,
            });
            accounts.sum::<Fen>()
        });
        accounts.into_iter().sum()
    }

    fn step(&mut self, step: &Moved) {
        match step {
            Moved::Appropriate(fen) => drop(
                self.city
                    .run(&format!("appropriate city 2023 {}", Fen(*fen))),
            ),
            Moved::Allocate { there, fen } => {
                let (city, county) = self.county(*there);
                let act = AllocateFunds {
                    to: county.region.clone(),
                    year: year(2023),
                    source: "city".parse().unwrap(),
                    amount: Fen(*fen),
                    reference: "T-1".parse().unwrap(),
                };
                drop(city.submit_with(county, "finance", act.into()));
            }
            Moved::Ask { there, number, fen } => {
                let (_, county) = self.county(*there);
                request(county, &format!("t{number}"), Fen(*fen), "city", SHORT);
            }
            Moved::Decide { there, number, fen } => {
                let (city, county) = self.county(*there);
                let ruling = match fen {
                    Some(fen) => TopUpRuling::Grant {
                        amount: Fen(*fen),
                        reference: "CZ-2023-9".parse().unwrap(),
                    },
                    None => refuse(),
                };
                decide(city, county, &format!("t{number}"), "everybody", ruling);
            }
            Moved::Expire { there, voucher } => {
                let (_, county) = self.county(*there);
                drop(county.run(&format!("expire v{voucher}")));
            }
            Moved::County(step) => take_step(&mut self.here, &mut self.there, step),
        }
        self.appropriated = self.money_in();
        assert_eq!(self.allocated(), self.appropriated, "after {step:?}");
    }

    /// What the logs say that the treasury gave, told from the events alone.
    fn money_in(&self) -> Fen {
        let logs = [&self.city, &self.here, &self.there];
        let events = logs.iter().flat_map(|town| &town.log);
        let entered = events.filter_map(|(_, event)| match event {
            Event::FundsAppropriated(e) => Some(e.amount),
            _ => None,
        });
        entered.sum()
    }
}

/// Runs a closing, of which so many steps succeed before whoever runs it stops. True when it came to its end.
fn close(town: &mut Town, mut most: usize) -> bool {
    let mut step = |town: &mut Town, line: &str| {
        if most == 0 {
            return false;
        }
        most -= 1;
        let reply = town.run(line);
        assert!(reply.is_ok(), "{line}: {}", said(&reply));
        true
    };
    let closing = |town: &Town| match &town.facts[&Key::Year(year(2023))] {
        Fact::Year(state) => state.phase,
        other => panic!("{other:?}"),
    };
    if closing(town) == YearPhase::Open && !step(town, "close begin") {
        return false;
    }
    for number in 0..6 {
        let name = format!("v{number}");
        let open = town.voucher(&name).is_some_and(|voucher| {
            matches!(
                voucher.state,
                VoucherState::Applied
                    | VoucherState::Issued
                    | VoucherState::Enrolled { .. }
                    | VoucherState::Completed { .. }
            )
        });
        if open && !step(town, &format!("close voucher {name}")) {
            return false;
        }
    }
    let sheets = |town: &Town, wanted: fn(&SheetState) -> bool| -> Vec<String> {
        let found = town
            .facts
            .iter()
            .filter_map(|(key, fact)| match (key, fact) {
                (Key::Sheet(id), Fact::Sheet(sheet)) if wanted(&sheet.state) => Some(*id),
                _ => None,
            });
        found.map(|id| sheet_name(town, id)).collect()
    };
    for name in sheets(town, |state| {
        matches!(state, SheetState::Open | SheetState::Submitted { .. })
    }) {
        if !step(town, &format!("close sheet {name}")) {
            return false;
        }
    }
    let carried = sheets(town, |state| {
        matches!(
            state,
            SheetState::Approved { .. } | SheetState::Paying { .. } | SheetState::Paid { .. }
        )
    });
    step(town, &format!("close finish {}", carried.join(" ")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases().div_ceil(2), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_fen_of_a_year_is_where_the_books_say_from_appropriation_to_carry_over(
        before in moved(),
        stops in prop::collection::vec(0usize..4, 3),
        after in moved(),
    ) {
        let mut regions = Regions::new();
        for step in &before {
            regions.step(step);
        }
        let closes = Instant::after("2024-03-31".parse().unwrap());
        for (town, stop) in [&mut regions.city, &mut regions.here, &mut regions.there].into_iter().zip(stops) {
            town.now = town.now.max(closes);
            town.run("open-year 2024").unwrap();
            // Stopped after so many steps, and run again: it goes on where it was.
            while !close(town, stop + 1) {}
            let old = town.account(year(2023), "city");
            prop_assert_eq!((old.available, old.reserved, old.payable), (Fen::ZERO, Fen::ZERO, Fen::ZERO));
            prop_assert_eq!(old.allocated, old.paid);
        }
        prop_assert_eq!(regions.allocated(), regions.appropriated);
        // Payouts come back, sheets are settled and claw-backs received after the closing too.
        for step in &after {
            regions.step(step);
        }
        for town in [&regions.city, &regions.here, &regions.there] {
            town.replay();
        }
    }
}

#[test]
fn a_random_year_reaches_its_end() {
    let mut regions = Regions::new();
    run(&mut regions.here, "apply v0 general of=p0 as=other_worker")
        .unwrap()
        .unwrap();
    run(&mut regions.here, "issue v0").unwrap().unwrap();
    regions.step(&Moved::Ask {
        there: false,
        number: 1,
        fen: 500,
    });
    regions.step(&Moved::Decide {
        there: false,
        number: 1,
        fen: Some(400),
    });
    assert_eq!(top_up(&regions.here, "t1").code(), "granted");
    regions.here.now = Instant::after("2024-03-31".parse().unwrap());
    regions.here.run("open-year 2024").unwrap();
    let mut stops = 0;
    while !close(&mut regions.here, 1) {
        stops += 1;
    }
    assert_eq!(stops, 2, "begin and the voucher stood before the last step");
    assert_eq!(regions.here.account(year(2023), "city"), Account::default());
    assert_eq!(regions.allocated(), regions.appropriated);
}
