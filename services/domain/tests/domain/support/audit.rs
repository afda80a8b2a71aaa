//! What must hold after every event, recounted from the facts; and what must hold of the whole log: replaying it gives the same facts.

use std::collections::BTreeMap;

use hefu_domain::refusal::Stop;
use hefu_domain::state::*;
use hefu_domain::*;

use super::Town;

#[derive(Debug, Default, PartialEq, Eq)]
struct Books {
    reserved: Fen,
    payable: Fen,
    paid: Fen,
}

impl Town {
    fn vouchers(&self) -> impl Iterator<Item = (VoucherId, &Voucher)> {
        self.facts
            .iter()
            .filter_map(|(key, fact)| match (key, fact) {
                (Key::Voucher(id), Fact::Voucher(voucher)) => Some((*id, voucher)),
                _ => None,
            })
    }

    fn sheets(&self) -> impl Iterator<Item = &Sheet> {
        self.facts.values().filter_map(|fact| match fact {
            Fact::Sheet(sheet) => Some(sheet),
            _ => None,
        })
    }

    /// Every invariant that can be recounted from the facts alone.
    pub(crate) fn audit(&self) {
        self.audit_accounts();
        self.audit_counts();
        self.audit_nullifiers();
        self.audit_debts();
    }

    /// allocated = available + reserved + payable + paid, none below 0, and each bucket is the sum of its vouchers.
    fn audit_accounts(&self) {
        let mut books: BTreeMap<(PlanYear, Source), Books> = BTreeMap::new();
        for (id, voucher) in self.vouchers() {
            let Some(money) = &voucher.money else {
                continue;
            };
            let books = books.entry((money.year, money.source.clone())).or_default();
            let received = voucher
                .claw_back
                .as_ref()
                .map_or(Fen::ZERO, |claw_back| claw_back.received);
            match &voucher.state {
                VoucherState::Applied => panic!("{id} has money before it is issued"),
                VoucherState::Issued
                | VoucherState::Enrolled { .. }
                | VoucherState::Completed { .. }
                | VoucherState::Claimed { .. } => books.reserved += money.amount,
                VoucherState::Approved { .. } => books.payable += money.amount,
                VoucherState::Paid { .. } | VoucherState::WrittenOff { .. } => {
                    books.paid += money.amount
                }
                VoucherState::Ended {
                    how: End::ClawedBack,
                    ..
                } => books.paid += money.amount - received,
                VoucherState::Ended { how, .. } => panic!("{id} ended {how:?} and keeps its money"),
            }
        }
        for (key, fact) in &self.facts {
            let (Key::Account(year, source), Fact::Account(account)) = (key, fact) else {
                continue;
            };
            let sum = account.available + account.reserved + account.payable + account.paid;
            assert_eq!(
                account.allocated, sum,
                "{year} {source} does not balance: {account:?}"
            );
            for part in [
                account.available,
                account.reserved,
                account.payable,
                account.paid,
            ] {
                assert!(
                    part >= Fen::ZERO,
                    "{year} {source} is overdrawn: {account:?}"
                );
            }
            let found = Books {
                reserved: account.reserved,
                payable: account.payable,
                paid: account.paid,
            };
            let sums = books.remove(&(*year, source.clone())).unwrap_or_default();
            assert_eq!(
                found, sums,
                "{year} {source} is not the sum of its vouchers"
            );
        }
        books.retain(|_, sums| *sums != Books::default());
        assert!(books.is_empty(), "vouchers without an account: {books:?}");
    }

    /// The plan years', classes' and sessions' running counts are what a recount gives.
    fn audit_counts(&self) {
        let mut vouchers: BTreeMap<PlanYear, BTreeMap<Programme, BTreeMap<String, u32>>> =
            BTreeMap::new();
        let mut unsettled: BTreeMap<String, u16> = BTreeMap::new();
        for (_, voucher) in self.vouchers() {
            let counts = vouchers
                .entry(voucher.year)
                .or_default()
                .entry(voucher.programme)
                .or_default();
            *counts.entry(voucher.state.code().to_owned()).or_default() += 1;
            let occasion = match &voucher.state {
                VoucherState::Enrolled { class, .. } => Occasion::Class(*class),
                VoucherState::Completed { occasion, .. }
                | VoucherState::Claimed { occasion, .. } => *occasion,
                _ => continue,
            };
            *unsettled.entry(format!("{occasion:?}")).or_default() += 1;
        }
        let mut sheets: BTreeMap<PlanYear, BTreeMap<String, u32>> = BTreeMap::new();
        let mut open: BTreeMap<String, u16> = BTreeMap::new();
        for sheet in self.sheets() {
            *sheets
                .entry(sheet.year)
                .or_default()
                .entry(sheet.state.code().to_owned())
                .or_default() += 1;
            if !matches!(sheet.state, SheetState::Closed | SheetState::Refused { .. }) {
                *open.entry(format!("{:?}", sheet.occasion)).or_default() += 1;
            }
        }
        for (key, fact) in &self.facts {
            let (occasion, counted) = match (key, fact) {
                (Key::Year(year), Fact::Year(state)) => {
                    assert_eq!(
                        state.vouchers,
                        vouchers.remove(year).unwrap_or_default(),
                        "vouchers of {year}"
                    );
                    assert_eq!(
                        state.sheets,
                        sheets.remove(year).unwrap_or_default(),
                        "sheets of {year}"
                    );
                    continue;
                }
                (Key::Class(id), Fact::Class(class)) => (
                    Occasion::Class(*id),
                    (class.state, class.unsettled, class.open_sheets),
                ),
                (Key::Session(id), Fact::Session(session)) => (
                    Occasion::Session(*id),
                    (session.state, session.unsettled, session.open_sheets),
                ),
                _ => continue,
            };
            let name = format!("{occasion:?}");
            let recount = (
                unsettled.get(&name).copied().unwrap_or(0),
                open.get(&name).copied().unwrap_or(0),
            );
            assert_eq!((counted.1, counted.2), recount, "{name}");
            let settled = counted.0 == ClassState::Finished && recount == (0, 0);
            assert!(!settled, "{name} is settled and not closed");
            assert!(
                counted.0 != ClassState::Closed || recount == (0, 0),
                "{name} is closed and not settled"
            );
        }
    }

    /// Who holds what stands on the vouchers and in the table alike; a life that ended unpaid holds nothing but its certificate.
    fn audit_nullifiers(&self) {
        let rows = self.nullifiers.borrow();
        let mut held = 0;
        for (id, voucher) in self.vouchers() {
            for nullifier in &voucher.held {
                let holder = Holder {
                    region: self.region.clone(),
                    voucher: id,
                };
                assert_eq!(
                    rows.get(&nullifier.tag),
                    Some(&holder),
                    "{id} says that it holds {:?}",
                    nullifier.once
                );
                held += 1;
            }
            let has = |which: fn(&Once) -> bool| voucher.held.iter().any(|held| which(&held.once));
            assert_eq!(
                has(|once| matches!(once, Once::Live { .. })),
                voucher.state.is_live(),
                "{id} is {}",
                voucher.state.code()
            );
            if let VoucherState::Ended { how, .. } = &voucher.state
                && *how != End::ClawedBack
            {
                assert!(
                    !has(|once| *once != Once::Certificate),
                    "{id} ended unpaid and holds {:?}",
                    voucher.held
                );
            }
        }
        let ours = rows
            .values()
            .filter(|holder| holder.region == self.region)
            .count();
        assert_eq!(held, ours, "nullifiers that no voucher knows of");
    }

    /// What an institution owes is what was clawed back and has not been received.
    fn audit_debts(&self) {
        let mut debts: BTreeMap<&InstitutionId, Fen> = BTreeMap::new();
        for (_, voucher) in self.vouchers() {
            if let Some(claw_back) = voucher
                .claw_back
                .as_ref()
                .filter(|claw_back| claw_back.confirmed_by.is_some())
            {
                *debts.entry(&claw_back.payee).or_default() +=
                    claw_back.amount - claw_back.received;
            }
        }
        for (key, fact) in &self.facts {
            if let (Key::Institution(id), Fact::Institution(institution)) = (key, fact) {
                assert_eq!(
                    institution.owes,
                    debts.get(id).copied().unwrap_or_default(),
                    "{} owes",
                    institution.name
                );
            }
        }
    }

    /// The auditor's replay: the log's bodies, read back from their JSON and applied to nothing, give every fact again.
    pub(crate) fn replay(&self) {
        let mut world = World::new(self.region.clone());
        for (at, event) in &self.log {
            let body = serde_json::to_string(event).unwrap();
            let event = Event::decode(event.kind(), &body)
                .expect("a known kind")
                .unwrap();
            let events = [event];
            while let Err(stop) = world.apply(&events, *at) {
                match stop {
                    // A fresh region has nothing: whatever the log has not made is not there.
                    Stop::Missing(Need::Fact(key)) => world.bring(key, None),
                    Stop::Missing(need) => panic!("a replay needs no {need:?}"),
                    Stop::Refused(refusals) => panic!("a replay refused {events:?}: {refusals}"),
                }
            }
        }
        let replayed: BTreeMap<Key, Fact> = world
            .all()
            .into_iter()
            .map(|(key, fact)| (key.clone(), fact.clone()))
            .collect();
        assert_eq!(replayed, self.facts, "the replay gives other facts");
        self.decided_again();
    }

    /// The auditor's rules: every move is read back from its stored events and comes out as it stands in the log.
    fn decided_again(&self) {
        let audited = self.stored.audited(&self.region);
        assert_eq!(audited.log.err(), None);
        assert_eq!(audited.findings, []);
    }
}
