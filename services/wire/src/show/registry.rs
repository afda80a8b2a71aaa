//! The two catalogues as they are shown: the public sees no code of a trainer's and nobody of the bureau's.

use hefu_domain::state::{CatalogueDetails, CatalogueEntry, CatalogueEntryId};
use hefu_domain::{Event, Instant, Reason, Region, StaffId};

use super::{Eyes, bytes, capacity, timestamp};
use crate::{names, states, v1};

/// A line of a catalogue.
pub fn catalogue_entry(
    region: &Region,
    id: &CatalogueEntryId,
    entry: &CatalogueEntry,
    eyes: Eyes,
) -> v1::CatalogueEntry {
    let inside = eyes <= Eyes::Own;
    v1::CatalogueEntry {
        name: names::catalogue_entry(region, id),
        entry: Some(v1::CatalogueLine {
            institution: names::child(region, "institutions", &id.institution),
            capacity: capacity(id.capacity).into(),
            occupation: id.occupation.to_string(),
            plan_year: u32::from(id.year.number()),
        }),
        standing: states::standing(entry.standing).to_owned(),
        details: entry.details.as_deref().map(|said| details(said, eyes)),
        reason: reason(entry.reason.as_ref()),
        history: Vec::new(),
        change: entry
            .change
            .as_deref()
            .filter(|_| inside)
            .map(|change| details(&change.details, eyes)),
        proposal: bytes(entry.proposal().filter(|_| inside)),
        seats_taken: entry.seats_taken,
    }
}

fn details(said: &CatalogueDetails, eyes: Eyes) -> v1::CatalogueDetails {
    let trainers = said.trainers.iter().filter(|_| eyes <= Eyes::Own);
    let level = |level: Option<hefu_domain::SkillLevel>| {
        level.map_or(0, |level| u32::from(level.ordinal()))
    };
    v1::CatalogueDetails {
        project: said.project.clone().unwrap_or_default(),
        lowest_level: level(said.levels.map(|range| range.lowest)),
        highest_level: level(said.levels.map(|range| range.highest)),
        sites: said
            .sites
            .iter()
            .map(|(code, site)| v1::catalogue_details::Site {
                code: code.to_string(),
                address: site.address.clone(),
                seats: site.seats.into(),
            })
            .collect(),
        yearly_seats: said.yearly_seats.unwrap_or_default(),
        trainers: trainers.map(ToString::to_string).collect(),
        trainer_count: u32::try_from(said.trainers.len()).unwrap_or(u32::MAX),
        licence: said
            .licence
            .as_ref()
            .map(|licence| v1::catalogue_details::Licence {
                number: licence.number.to_string(),
                scope: licence.scope.clone().unwrap_or_default(),
                valid_until: licence
                    .valid_until
                    .map(|day| day.to_string())
                    .unwrap_or_default(),
            }),
    }
}

fn reason(code: Option<&Reason>) -> String {
    code.map(ToString::to_string).unwrap_or_default()
}

/// Something that happened to a line; `None` for what is no event of a line's.
pub fn catalogue_event(
    at: Instant,
    (epoch, index): (u64, u64),
    event: &Event,
    eyes: Eyes,
) -> Option<v1::CatalogueEvent> {
    let (what, by, why, said): (&str, &StaffId, Option<&Reason>, Option<&CatalogueDetails>) =
        match event {
            Event::CatalogueEntryFiled(e) => ("filed", &e.by, None, e.details.as_ref()),
            Event::CatalogueEntryChanged(e) => ("changed", &e.by, None, Some(&e.details)),
            Event::CatalogueEntryApproved(e) => ("approved", &e.by, None, None),
            Event::CatalogueEntryRefused(e) => ("refused", &e.by, Some(&e.reason), None),
            Event::CatalogueEntrySuspended(e) => {
                let what = if e.suspended { "suspended" } else { "restored" };
                (what, &e.by, Some(&e.reason), None)
            }
            Event::CatalogueEntryStruckOff(e) => ("struck_off", &e.by, Some(&e.reason), None),
            _ => return None,
        };
    Some(v1::CatalogueEvent {
        at: Some(timestamp(at)),
        what: what.to_owned(),
        // Which of them it was is nobody's business outside; an institution's people are told by its code before theirs.
        by: match by.is_plain() {
            true => "bureau",
            false => "institution",
        }
        .to_owned(),
        reason: reason(why),
        details: said.map(|said| details(said, eyes)),
        epoch,
        index,
    })
}
