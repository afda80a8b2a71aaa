//! What was asked for, read back from imported lists and exported payouts.

use std::collections::HashSet;

use hefu_domain::command::*;
use hefu_domain::state::Once;
use hefu_domain::{Act, Code, Event, Subject, Tag, event};

use crate::replay::Replay;

pub(super) fn import_roster(e: &event::RosterImported) -> Act {
    let mut days = e.takes.clone();
    for (date, held) in &e.held {
        days.entry(*date).or_default().extend(held);
    }
    // Within a day, the order in which they were asked for is no part of what was decided.
    ImportRoster {
        part: e.part.clone(),
        department: e.department.clone(),
        days,
    }
    .into()
}

pub(super) fn import_certificates(e: &event::CertificatesImported) -> Act {
    ImportCertificates {
        part: e.part.clone(),
        certificates: e.certificates.clone(),
    }
    .into()
}

pub(super) fn export_payouts(e: &event::PayoutFileExported) -> Act {
    ExportPayouts {
        sheets: e.sheets.clone(),
        reason: e.reason.clone(),
        again: e.again,
    }
    .into()
}

/// A roster's days, all brought in before it is decided: who held one already stands as a recorded result, where it was another region.
pub(super) fn bring_days(replay: &mut Replay, act: &Act, logged: &Event) {
    let (Act::ImportRoster(act), Event::RosterImported(e)) = (act, logged) else {
        return;
    };
    let region = replay.region().clone();
    let held: HashSet<Tag> = e.held.values().flatten().copied().collect();
    for (date, tags) in &act.days {
        for tag in tags {
            let here = super::holder(&region, replay.holder(tag));
            let elsewhere = || super::elsewhere().filter(|_| held.contains(tag));
            let once = Once::Day { date: *date };
            let holder = here.or_else(elsewhere);
            let world = replay.world_mut();
            world.bring_nullifier(Subject::Tag(*tag), once, *tag, holder);
        }
    }
}

/// The nullifiers that an imported list takes.
pub(super) fn takes(event: &Event) -> Vec<(Tag, Code)> {
    match event {
        Event::RosterImported(e) => {
            let days = e.takes.values().flatten();
            days.map(|tag| (*tag, Code::DayTaken)).collect()
        }
        Event::CertificatesImported(e) => {
            let numbers = e.certificates.iter().map(|listed| listed.number);
            numbers.map(|tag| (tag, Code::CertificateTaken)).collect()
        }
        _ => Vec::new(),
    }
}
