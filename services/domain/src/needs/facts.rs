//! The facts that hang together: a voucher and what it points at, a class and its parties, a sheet and everything on it.

use super::Gather;
use crate::ids::*;
use crate::policy::{Capacity, Policy, Programme};
use crate::registry;
use crate::state::*;
use crate::world::{Need, Subject};

/// The catalogue line that a class is taught under.
pub(super) fn catalogue_line(filing: &ClassFiling) -> Key {
    Key::CatalogueEntry(registry::training_line(filing))
}

impl Gather<'_> {
    pub(super) fn fact(&mut self, key: Key) {
        self.needs.push(Need::Fact(key));
    }

    pub(super) fn year(&mut self, year: PlanYear) {
        self.fact(Key::Policy(year));
        self.fact(Key::Year(year));
    }

    pub(super) fn once(&mut self, person: PersonId, once: Once) {
        self.needs
            .push(Need::Nullifier(Subject::Person(person), once));
    }

    /// The policy that was adopted last: nearly always the one that decides.
    pub(super) fn latest_policy(&self, year: PlanYear) -> Option<&Policy> {
        let policies = self.world.policies(&year).ok()?;
        policies.versions.last().map(|adopted| &adopted.policy)
    }

    /// The accounts from which a programme's money may come.
    pub(super) fn sources(&mut self, year: PlanYear, programme: Programme) {
        let rules = self
            .latest_policy(year)
            .and_then(|policy| policy.programmes.get(&programme));
        let sources = rules.map_or_else(Vec::new, |rules| {
            let all = rules.sources.iter().chain(&rules.beyond_plan);
            all.cloned().collect()
        });
        for source in sources {
            self.fact(Key::Account(year, source));
        }
    }

    /// A voucher, and what it points at.
    pub(super) fn voucher(&mut self, id: VoucherId) {
        self.fact(Key::Voucher(id));
        let Ok(voucher) = self.world.voucher(&id) else {
            return;
        };
        self.year(voucher.year);
        if let Some(money) = &voucher.money {
            self.fact(Key::Account(money.year, money.source.clone()));
        }
        match &voucher.state {
            VoucherState::Enrolled { class, .. } => self.class(*class),
            VoucherState::Completed { occasion, .. } => self.occasion(*occasion),
            VoucherState::Claimed {
                occasion, sheet, ..
            }
            | VoucherState::Approved {
                occasion, sheet, ..
            }
            | VoucherState::Paid {
                occasion, sheet, ..
            } => {
                self.occasion(*occasion);
                self.fact(Key::Sheet(*sheet));
            }
            VoucherState::WrittenOff { sheet } => self.fact(Key::Sheet(*sheet)),
            VoucherState::Applied | VoucherState::Issued | VoucherState::Ended { .. } => {}
        }
    }

    pub(super) fn class(&mut self, id: ClassId) {
        self.fact(Key::Class(id));
        self.fact(Key::Attendance(id));
        if let Ok(class) = self.world.class(&id) {
            self.year(class.filing.year);
        }
    }

    pub(super) fn occasion(&mut self, occasion: Occasion) {
        match occasion {
            Occasion::Class(class) => {
                self.class(class);
                if let Ok(class) = self.world.class(&class) {
                    self.sheets_alone(&class.sheets);
                }
            }
            Occasion::Session(session) => {
                self.fact(Key::Session(session));
                if let Ok(session) = self.world.session(&session) {
                    self.sheets_alone(&session.sheets);
                }
            }
        }
    }

    /// An occasion's sheets, one of which may be open.
    fn sheets_alone(&mut self, sheets: &[SheetId]) {
        for sheet in sheets {
            self.fact(Key::Sheet(*sheet));
        }
    }

    /// A class and everybody in it.
    pub(super) fn class_with_seats(&mut self, id: ClassId) {
        self.class(id);
        if let Ok(class) = self.world.class(&id) {
            if class.line_seats > 0 {
                self.fact(catalogue_line(&class.filing));
            }
            for seat in class.seats.iter().filter(|seat| seat.left.is_none()) {
                self.voucher(seat.voucher);
            }
        }
    }

    /// A filed class, to be looked at again: its parties, bookings and catalogue line.
    pub(super) fn filed_class(&mut self, id: ClassId) {
        self.class(id);
        if let Ok(class) = self.world.class(&id) {
            self.filing(&class.filing);
        }
    }

    pub(super) fn filing(&mut self, filing: &ClassFiling) {
        self.year(filing.year);
        self.fact(Key::Calendar(filing.year.number()));
        for institution in [&filing.deliverer, &filing.payee, &filing.sponsor] {
            self.fact(Key::Institution(institution.clone()));
        }
        for resource in filing.trainers.iter().chain(std::iter::once(&filing.site)) {
            self.fact(Key::Booking(resource.clone()));
        }
        self.fact(catalogue_line(filing));
    }

    pub(super) fn session(&mut self, id: SessionId) {
        self.fact(Key::Session(id));
        if let Ok(session) = self.world.session(&id) {
            self.session_filing(&session.filing);
        }
    }

    pub(super) fn session_filing(&mut self, filing: &SessionFiling) {
        self.year(filing.year);
        self.fact(Key::Institution(filing.body.clone()));
        self.fact(Key::Institution(filing.payee.clone()));
        self.fact(Key::CatalogueEntry(CatalogueEntryId {
            institution: filing.body.clone(),
            capacity: Capacity::AssessmentBody,
            occupation: filing.occupation.clone(),
            year: filing.year,
        }));
    }

    /// A sheet and everything on it.
    pub(super) fn sheet(&mut self, id: SheetId) {
        self.fact(Key::Sheet(id));
        let Ok(sheet) = self.world.sheet(&id) else {
            return;
        };
        self.year(sheet.year);
        self.fact(Key::Institution(sheet.payee.clone()));
        match sheet.occasion {
            Occasion::Class(class) => {
                self.class(class);
                self.fact(Key::Employment(class));
            }
            Occasion::Session(session) => self.fact(Key::Session(session)),
        }
        for line in &sheet.lines {
            self.fact(Key::Voucher(line.voucher));
            if let Ok(voucher) = self.world.voucher(&line.voucher) {
                if let Some(money) = &voucher.money {
                    self.fact(Key::Account(money.year, money.source.clone()));
                }
                if sheet.programme == Programme::Assessment {
                    self.fact(Key::Person(voucher.person));
                }
            }
        }
    }

    pub(super) fn sheet_alone(&mut self, id: SheetId) {
        self.fact(Key::Sheet(id));
        if let Ok(sheet) = self.world.sheet(&id) {
            self.fact(Key::Institution(sheet.payee.clone()));
        }
    }
}
