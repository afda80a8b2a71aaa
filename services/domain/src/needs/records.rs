//! The facts of imported lists and exported payouts.

use super::Gather;
use crate::command::{ExportPayouts, ImportCertificates, ImportRoster};
use crate::ids::Tag;
use crate::state::{Key, Once};
use crate::world::{Need, Subject};

impl Gather<'_> {
    pub(super) fn import_roster(&mut self, act: &ImportRoster) {
        self.fact(Key::Import(act.import(self.world.region())));
        for (date, tags) in &act.days {
            let once = Once::Day { date: *date };
            let need = |tag: &Tag| Need::Nullifier(Subject::Tag(*tag), once.clone());
            self.needs.extend(tags.iter().map(need));
        }
    }

    pub(super) fn import_certificates(&mut self, act: &ImportCertificates) {
        self.fact(Key::Import(act.import(self.world.region())));
        for listed in &act.certificates {
            self.fact(Key::Person(listed.person));
            let number = Subject::Tag(listed.number);
            self.needs.push(Need::Nullifier(number, Once::Certificate));
        }
    }

    pub(super) fn export_payouts(&mut self, act: &ExportPayouts) {
        for id in &act.sheets {
            self.fact(Key::Sheet(*id));
            if let Ok(sheet) = self.world.sheet(id) {
                self.fact(Key::Institution(sheet.payee.clone()));
            }
        }
    }
}
