//! Whatever is asked, in whatever order: the books balance after every event, no fen is spent twice, and nothing that is once only
//! has two holders, in one region or in two. Each case drives two counties that share their people and their nullifiers.

use std::collections::BTreeMap;

use hefu_domain::command::{Act, AllocateFunds};
use hefu_domain::state::{ClassState, End, Once, SheetState, VoucherState};
use hefu_domain::*;
use proptest::prelude::*;

use crate::support::{Reply, Town, check_on, fen, region, said, year};

/// What one step tries, in one county or the other.
#[derive(Debug, Clone)]
enum Step {
    /// Whatever comes next in a voucher's life.
    Onward {
        there: bool,
        voucher: String,
        person: u8,
        class: String,
    },
    /// Any line of the script language.
    Move { there: bool, line: String },
    /// Time passes.
    Days(u16),
}

fn voucher() -> impl Strategy<Value = String> {
    (0..6).prop_map(|n| format!("v{n}"))
}

fn class() -> impl Strategy<Value = String> {
    (0..4).prop_map(|n| format!("c{n}"))
}

fn sheet() -> impl Strategy<Value = String> {
    (class(), 1..3).prop_map(|(class, number)| format!("{class}#{number}"))
}

fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(words)
}

/// A move of the loop; most of them will be refused, and the rest must keep the books.
fn line() -> impl Strategy<Value = String> {
    let general = (
        voucher(),
        0..4,
        one_of(&["general", "general", "general", "assessment"]),
    )
        .prop_map(|(v, person, programme)| {
            format!("apply {v} {programme} of=p{person} as=other_worker")
        });
    prop_oneof![
        1 => general,
        1 => voucher().prop_map(|v| format!("issue {v}")),
        1 => (voucher(), class()).prop_map(|(v, c)| format!("enrol {v} {c}")),
        1 => class().prop_map(|c| format!("teach {c}")),
        1 => voucher().prop_map(|v| format!("complete {v}")),
        1 => voucher().prop_map(|v| format!("redeem {v}")),
        1 => (voucher(), one_of(&["pass", "pass", "fail"])).prop_map(|(v, outcome)| format!("assess {v} s0 {outcome}")),
        4 => one_of(&["finish-session s0", "submit s0#1", "approve s0#1", "send s0#1", "paid s0#1"]).prop_map(str::to_owned),
        4 => voucher().prop_map(|v| format!("certificate {v}")),
        1 => sheet().prop_map(|s| format!("submit {s}")),
        1 => sheet().prop_map(|s| format!("approve {s}")),
        1 => sheet().prop_map(|s| format!("send {s}")),
        1 => sheet().prop_map(|s| format!("paid {s}")),
        1 => voucher().prop_map(|v| format!("write-off {v}")),
        4 => (voucher(), one_of(&["withdraw", "reject", "reopen", "revoke", "expire", "freeze", "unfreeze", "drop", "reissue"]))
            .prop_map(|(v, verb)| format!("{verb} {v}")),
        4 => (class(), one_of(&["by=school-a", "by=reviewer"])).prop_map(|(c, by)| format!("cancel {c} {by}")),
        4 => (sheet(), one_of(&["refuse", "reopen-claim", "return", "bounced"])).prop_map(|(s, verb)| format!("{verb} {s}")),
        4 => (sheet(), voucher(), one_of(&["", "refused"])).prop_map(|(s, v, how)| format!("strike {s} {v} {how}")),
        4 => voucher().prop_map(|v| format!("override {v} cap=1100.00")),
        4 => voucher().prop_map(|v| format!("confirm-override {v}")),
        4 => (voucher(), 0..4).prop_map(|(v, person)| format!("correct {v} to=p{person}")),
        4 => voucher().prop_map(|v| format!("confirm-correction {v}")),
        4 => (voucher(), one_of(&["IDENTITY_MISUSED", "OVERPAID"])).prop_map(|(v, reason)| format!("claw-back {v} 80.00 reason={reason}")),
        4 => voucher().prop_map(|v| format!("confirm-claw-back {v}")),
        4 => voucher().prop_map(|v| format!("receive {v} 30.00")),
        4 => one_of(&["appropriate city 2023 150.00", "appropriate county 2023 700.00"]).prop_map(str::to_owned),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let there = || prop::bool::weighted(0.25);
    let step = prop_oneof![
        24 => (there(), voucher(), 0u8..4, class()).prop_map(|(there, voucher, person, class)| Step::Onward { there, voucher, person, class }),
        12 => (there(), line()).prop_map(|(there, line)| Step::Move { there, line }),
        1 => (1u16..6).prop_map(Step::Days),
    ];
    prop::collection::vec(step, 40..160)
}

/// The move that comes next in a voucher's life.
fn onward(town: &mut Town, name: &str, person: u8, class: &str) -> String {
    let Some(voucher) = town.voucher(name) else {
        let programme = if name == "v0" {
            "assessment"
        } else {
            "general"
        };
        return format!("apply {name} {programme} of=p{person} as=other_worker");
    };
    match voucher.state.clone() {
        VoucherState::Applied => format!("issue {name}"),
        VoucherState::Issued if voucher.programme == Programme::Assessment => {
            town.now = town
                .now
                .max(Instant::start_of("2023-05-29".parse().unwrap()));
            format!("assess {name} s0 pass")
        }
        VoucherState::Issued => format!("enrol {name} {class}"),
        VoucherState::Enrolled { class: id, .. } => {
            let class = (0..4)
                .map(|n| format!("c{n}"))
                .find(|name| ClassId(town.id(name)) == id)
                .unwrap();
            let over = town
                .class(&class)
                .is_some_and(|class| class.state == ClassState::Finished);
            if over {
                format!("complete {name}")
            } else {
                format!("teach {class}")
            }
        }
        VoucherState::Completed { .. } => format!("redeem {name}"),
        VoucherState::Claimed { sheet, .. } | VoucherState::Approved { sheet, .. } => {
            claim_onward(town, sheet)
        }
        VoucherState::Paid { .. } => format!("write-off {name}"),
        VoucherState::WrittenOff { .. } => format!("claw-back {name} 80.00"),
        VoucherState::Ended {
            how: End::Rejected, ..
        } => format!("reopen {name}"),
        VoucherState::Ended {
            how: End::Refused,
            claim: Some(claim),
            ..
        } => format!("reopen-claim {}", sheet_name(town, claim.sheet)),
        VoucherState::Ended { .. } => format!("receive {name} 30.00"),
    }
}

fn sheet_name(town: &Town, id: SheetId) -> String {
    let occasions = ["c0", "c1", "c2", "c3", "s0"];
    let names = occasions
        .iter()
        .flat_map(|occasion| (1..20).map(move |number| format!("{occasion}#{number}")));
    names
        .into_iter()
        .find(|name| town.sheet_id(name) == id)
        .unwrap()
}

fn claim_onward(town: &mut Town, id: SheetId) -> String {
    let name = sheet_name(town, id);
    let sheet = town.sheet(&name).unwrap();
    match sheet.state.clone() {
        SheetState::Open
            if name.starts_with('s')
                && town
                    .session("s0")
                    .is_some_and(|s| s.state == ClassState::Approved) =>
        {
            "finish-session s0".to_owned()
        }
        SheetState::Open => format!("submit {name}"),
        SheetState::Submitted { .. } if name.starts_with('s') => {
            // The certificate's register and the insurance register are asked for everybody on it.
            for voucher in 0..6 {
                let _ = town.run(&format!("certificate v{voucher}"));
            }
            for person in 0..4 {
                town.run(&format!("answer p{person} skill_subsidy_right no"))
                    .unwrap();
            }
            format!("approve {name}")
        }
        SheetState::Submitted { .. } => format!("approve {name}"),
        SheetState::Approved { notice_until, .. } => {
            let until = notice_until.expect("a notice was opened");
            town.now = town.now.max(Instant::after(until));
            format!("send {name}")
        }
        SheetState::Paying { .. } => format!("paid {name}"),
        SheetState::Paid { .. } | SheetState::Closed | SheetState::Refused { .. } => {
            format!("bounced {name}")
        }
    }
}

/// The two counties at the start: little money, three short classes, one session, four people known to both.
fn counties() -> (Town, Town) {
    let mut here = region("140725", Some("140700"));
    let mut there = region("140727", Some("140700"));
    there.nullifiers = here.nullifiers.clone();
    for town in [&mut here, &mut there] {
        for person in 0..4 {
            town.run(&format!("person p{person} as=other_worker"))
                .unwrap();
        }
        for line in [
            "appropriate city 2023 1500.00",
            "appropriate county 2023 1200.00",
            "class c0 general days=1 from=2023-05-10",
            "class c1 general days=2 from=2023-05-22",
            "class c2 general days=2 from=2023-06-05 occupation=6-18-01-07",
            "class c3 general days=1 from=2023-07-03 seats=2",
            "session s0 on=2023-05-29",
        ] {
            town.run(line).unwrap();
        }
    }
    (here, there)
}

/// The model: money in and money out, told from the events alone and knowing nothing of the accounts.
#[derive(Default)]
struct Ledger {
    appropriated: Fen,
    spent: BTreeMap<VoucherId, Fen>,
    claimed: BTreeMap<VoucherId, Fen>,
    sheets: BTreeMap<SheetId, Vec<VoucherId>>,
    came_back: Fen,
}

impl Ledger {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::FundsAppropriated(e) => self.appropriated += e.amount,
            Event::Redeemed(e) => {
                self.claimed.insert(e.voucher, e.amount);
                self.sheets.entry(e.sheet).or_default().push(e.voucher);
            }
            Event::StruckOut(e) => {
                self.sheets
                    .entry(e.sheet)
                    .or_default()
                    .retain(|voucher| *voucher != e.voucher);
            }
            Event::Expired(e) => {
                for lines in self.sheets.values_mut() {
                    lines.retain(|voucher| *voucher != e.voucher);
                }
            }
            Event::PayoutRecorded(e) => {
                for voucher in &self.sheets[&e.sheet] {
                    let before = self.spent.insert(*voucher, self.claimed[voucher]);
                    assert_eq!(before, None, "{voucher} is paid twice");
                }
            }
            Event::PayoutReturned(e) => {
                for voucher in &self.sheets[&e.sheet] {
                    self.spent.remove(voucher);
                }
            }
            Event::ClawBackReceived(e) => self.came_back += e.amount,
            _ => {}
        }
    }

    /// What the accounts say was paid is what the events say, and never more than came in.
    fn agrees(&self, town: &Town) {
        let spent = self.spent.values().copied().sum::<Fen>() - self.came_back;
        let accounts = ["city", "county"].map(|source| town.account(year(2023), source));
        assert_eq!(
            accounts.iter().map(|account| account.paid).sum::<Fen>(),
            spent
        );
        assert_eq!(
            accounts
                .iter()
                .map(|account| account.allocated)
                .sum::<Fen>(),
            self.appropriated
        );
        assert!(
            spent <= self.appropriated,
            "overspent: {spent} of {}",
            self.appropriated
        );
    }
}

/// Every nullifier that is held now was taken once more than it was freed, and nobody took it while somebody held it.
fn one_holder_each(logs: [&Town; 2]) {
    let mut events: Vec<(Instant, &Region, &Event)> = Vec::new();
    for town in logs {
        events.extend(
            town.log
                .iter()
                .map(|(at, event)| (*at, &town.region, event)),
        );
    }
    let mut taken: BTreeMap<Tag, i32> = BTreeMap::new();
    for (_, _, event) in &events {
        for held in takes(event) {
            *taken.entry(held.tag).or_default() += 1;
        }
        for tag in frees(event) {
            *taken.entry(*tag).or_default() -= 1;
        }
    }
    let held: Vec<Tag> = logs[0].nullifiers.borrow().keys().copied().collect();
    let open: Vec<Tag> = taken
        .iter()
        .filter(|(_, count)| **count != 0)
        .map(|(tag, _)| *tag)
        .collect();
    assert!(
        taken.values().all(|count| (0..=1).contains(count)),
        "a nullifier with two holders"
    );
    assert_eq!(open, held, "the logs and the table name other holders");
}

fn takes(event: &Event) -> &[hefu_domain::state::Held] {
    match event {
        Event::Applied(e) => &e.takes,
        Event::ApplicationReopened(e) => &e.takes,
        Event::CorrectionConfirmed(e) => &e.takes,
        Event::Issued(e) => &e.takes,
        Event::Enrolled(e) => &e.takes,
        Event::Assessed(e) => &e.takes,
        Event::Reclaimed(e) => &e.takes,
        _ => &[],
    }
}

fn frees(event: &Event) -> &[Tag] {
    match event {
        Event::Withdrawn(e)
        | Event::ApplicationRejected(e)
        | Event::Revoked(e)
        | Event::Expired(e)
        | Event::ClaimVoucherRefused(e) => &e.frees,
        Event::CorrectionConfirmed(e) => &e.frees,
        Event::Dropped(e) => &e.frees,
        Event::StruckOut(e) => &e.frees,
        Event::WrittenOff(e) => &e.frees,
        Event::ClawBackConfirmed(e) => &e.frees,
        _ => &[],
    }
}

fn tell(town: &Town, heard: &mut usize, ledger: &mut Ledger) {
    for (_, event) in &town.log[*heard..] {
        ledger.hear(event);
    }
    *heard = town.log.len();
    ledger.agrees(town);
}

/// A few seconds' worth, unless PROPTEST_CASES says otherwise.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(48)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_moves_loses_or_invents_a_fen(steps in steps()) {
        let (mut here, mut there) = counties();
        let (mut heard, mut ledgers) = ([0, 0], [Ledger::default(), Ledger::default()]);
        for step in steps {
            match step {
                Step::Days(days) => {
                    for town in [&mut here, &mut there] {
                        town.now = town.now.plus_hours(24 * u32::from(days));
                    }
                }
                Step::Move { there: false, line } => drop(run(&mut here, &line)),
                Step::Move { there: true, line } => drop(run(&mut there, &line)),
                Step::Onward { there: elsewhere, voucher, person, class } => {
                    let town = if elsewhere { &mut there } else { &mut here };
                    let line = onward(town, &voucher, person, &class);
                    drop(run(town, &line));
                }
            }
            tell(&here, &mut heard[0], &mut ledgers[0]);
            tell(&there, &mut heard[1], &mut ledgers[1]);
        }
        one_holder_each([&here, &there]);
        here.replay();
        there.replay();
    }
}

/// A line of which not everything that it names need exist.
fn run(town: &mut Town, line: &str) -> Option<Reply> {
    let class = line.strip_prefix("teach ");
    if class.is_some_and(|class| {
        town.class(class)
            .is_some_and(|class| class.seats.is_empty())
    }) {
        return None;
    }
    Some(town.run(line))
}

#[test]
fn the_strategies_reach_the_end_of_the_loop() {
    let (mut here, _) = counties();
    check_on(
        &mut here,
        "
        apply  v0 general of=p0 as=other_worker
        issue  v0
        enrol  v0 c0
        teach  c0
        complete v0
        redeem v0
        submit c0#1
        approve c0#1
        at     2023-05-29
        send   c0#1
        paid   c0#1
        write-off v0                                              -> WrittenOff 100.00 ClaimClosed ClassClosed
        ",
    );
}

#[test]
fn a_citys_money_moves_to_its_county_in_both_logs_or_in_none() {
    let mut city = region("140700", None);
    city.run("appropriate city 2023 500.00").unwrap();
    let mut shouyang = region("140725", Some("140700"));
    assert_eq!(
        allocate(&mut city, &mut shouyang, "500.01"),
        "FUNDS_EXHAUSTED"
    );
    assert_eq!(
        allocate(&mut city, &mut shouyang, "0.00"),
        "AMOUNT_NOT_POSITIVE"
    );
    assert_eq!(
        allocate(&mut city, &mut shouyang, "300.00"),
        "FundsAllocatedOut FundsAllocatedIn"
    );
    let left = city.account(year(2023), "city");
    let got = shouyang.account(year(2023), "city");
    assert_eq!(
        (left.allocated, left.available),
        (fen("200.00"), fen("200.00"))
    );
    assert_eq!(
        (got.allocated, got.available),
        (fen("300.00"), fen("300.00"))
    );
    let mut elsewhere = region("330100", None);
    assert_eq!(
        allocate(&mut city, &mut elsewhere, "1.00"),
        "REGION_NOT_FOUND"
    );
    city.replay();
    shouyang.replay();
}

/// Allocates as the engine does: both worlds are read, both logs are written.
fn allocate(from: &mut Town, to: &mut Town, amount: &str) -> String {
    let act = AllocateFunds {
        to: to.region.clone(),
        year: year(2023),
        source: "city".parse().unwrap(),
        amount: fen(amount),
        reference: "T-1".parse().unwrap(),
    };
    let command = from.command("finance", Act::AllocateFunds(act));
    let (mut giving, mut taking) = (
        World::new(from.region.clone()),
        World::new(to.region.clone()),
    );
    for (key, fact) in &from.facts {
        giving.bring(key.clone(), Some(fact.clone()));
    }
    for (key, fact) in &to.facts {
        taking.bring(key.clone(), Some(fact.clone()));
    }
    loop {
        match decide_both(&giving, &taking, &command, from.now) {
            Ok((out, into)) => {
                let request = command.request.as_str();
                let mut events = from.commit(giving, out, ("finance", request));
                let city = format!("region/{}", from.region);
                events.extend(to.commit(taking, into, (&city, request)));
                return said(&Ok(events));
            }
            Err(Stop::Refused(refusals)) => return said(&Err(refusals)),
            // Neither world says whose fact is missing: it is brought to both, where it is not there.
            Err(Stop::Missing(need)) => {
                from.bring(&mut giving, need.clone());
                to.bring(&mut taking, need);
            }
        }
    }
}

#[test]
fn one_person_holds_one_day_in_one_county_only() {
    let (mut here, mut there) = counties();
    check_on(
        &mut here,
        "
        apply v0 general of=p0 as=other_worker
        issue v0
        enrol v0 c0",
    );
    let day = Once::Day {
        date: "2023-05-10".parse().unwrap(),
    };
    assert!(
        here.voucher("v0")
            .unwrap()
            .held
            .iter()
            .any(|held| held.once == day)
    );
    check_on(
        &mut there,
        "apply v0 general of=p0 as=other_worker -> LIVE_VOUCHER_EXISTS GENERAL_ALREADY_PAID",
    );
}
