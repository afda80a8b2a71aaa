//! Units that the city listed as classified ("涉密单位除外", citing the secrecy authority's document): what they are called, where
//! they are registered and what they teach stands in the log by salted commitments only, and in clear in the vault.

use std::collections::BTreeSet;

use crate::command::RegisterClassified;
use crate::decide::Ask;
use crate::event::{self, Event};
use crate::ids::*;
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::world::World;

/// Registers a unit that the city listed. The same unit has the same seal in a region, so it is registered there once.
pub(crate) fn register_classified(ask: &Ask, act: &RegisterClassified) -> Result<Vec<Event>, Stop> {
    let key = Key::Institution(act.institution.clone());
    let licence: BTreeSet<_> = act.licence.iter().collect();
    let mut checks = Checks::new();
    checks.require(ask.world.get(&key)?.is_none(), Code::InstitutionExists);
    let sealed = act.institution.is_sealed() && act.licence.iter().all(Occupation::is_sealed);
    checks.require(sealed, Code::ClassNotSealed);
    checks.require(licence.len() == act.licence.len(), Code::DuplicateEntry);
    checks.require(!act.licence.is_empty(), Code::OccupationNeeded);
    checks.require(!act.capacities.is_empty(), Code::CapacityMissing);
    checks.done()?;
    Ok(vec![Event::ClassifiedRegistered(
        event::ClassifiedRegistered {
            institution: act.institution.clone(),
            by: ask.caller.person.clone(),
            classified: Classified {
                document: act.document,
                name: act.name,
            },
            capacities: act.capacities.clone(),
            licence: act.licence.clone(),
        },
    )])
}

pub(crate) fn apply_classified_registered(
    world: &mut World,
    e: &event::ClassifiedRegistered,
) -> Result<(), Stop> {
    let record = Institution {
        affiliation: None,
        name: String::new(),
        capacities: e.capacities.clone(),
        licence: e.licence.iter().cloned().collect(),
        related: BTreeSet::new(),
        standing: Standing::Good,
        account: None,
        pending_account: None,
        owes: crate::Fen::ZERO,
        classified: Some(e.classified.clone()),
        credit: None,
        findings: BTreeSet::new(),
        holds: None,
    };
    world.add(
        Key::Institution(e.institution.clone()),
        Fact::Institution(record),
    );
    Ok(())
}

/// The bureau's own name a listed unit by its seal only, in whatever move: its code in clear would stand in the log for ever, as an
/// employer that a register answered or as an institution that somebody registers. To whoever stands outside the code in clear is
/// that of any institution which is not registered here: they learn of nobody whether the city listed it.
pub(crate) fn names_nobody_classified(ask: &Ask, seals: &[InstitutionId]) -> Result<(), Stop> {
    let outside = ask.caller.institution.is_some() || ask.is(Role::Holder);
    let mut checks = Checks::new();
    for seal in seals.iter().filter(|_| !outside) {
        let listed = ask.world.get(&Key::Institution(seal.clone()))?.is_some();
        checks.require_of(!listed, Code::UnitClassified, seal);
    }
    checks.done()
}

/// What is registered or changed in clear names nothing that is sealed: a seal is made by a listing and by nothing else.
pub(super) fn in_clear(
    institution: &InstitutionId,
    licence: &BTreeSet<Occupation>,
    related: &BTreeSet<InstitutionId>,
) -> bool {
    !institution.is_sealed()
        && !licence.iter().any(Occupation::is_sealed)
        && !related.iter().any(InstitutionId::is_sealed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{ChangeInstitution, RegisterInstitution};
    use crate::policy::Capacity;
    use crate::registry::{change_institution, register_institution};
    use crate::sample::*;

    fn listing() -> RegisterClassified {
        RegisterClassified {
            institution: InstitutionId::sealed(Digest([1; 32])),
            name: Digest([2; 32]),
            capacities: [Capacity::Enterprise].into(),
            licence: vec![Occupation::sealed(Digest([3; 32]))],
            document: Digest([4; 32]),
        }
    }

    fn listed(
        county: &mut County,
        act: &RegisterClassified,
    ) -> Result<Vec<&'static str>, Vec<Code>> {
        let operator = staff("operator", Role::Operator);
        county.play(&operator, at("05-01"), |ask| register_classified(ask, act))
    }

    #[test]
    fn a_unit_is_listed_once_and_no_name_of_it_is_kept() {
        let mut county = County::new();
        let act = listing();
        assert_eq!(listed(&mut county, &act), Ok(vec!["ClassifiedRegistered"]));
        let unit = county.world.institution(&act.institution).unwrap();
        assert_eq!(unit.name, "");
        assert_eq!(
            unit.classified.as_ref().map(|ground| ground.document),
            Some(act.document)
        );
        assert_eq!(
            listed(&mut county, &act),
            Err(vec![Code::InstitutionExists])
        );
    }

    #[test]
    fn a_listing_is_sealed_whole_and_says_what_the_unit_is_and_teaches() {
        let mut county = County::new();
        let mut act = listing();
        act.institution = institution(7);
        assert_eq!(listed(&mut county, &act), Err(vec![Code::ClassNotSealed]));
        let mut act = listing();
        act.licence.push(code(OCCUPATION));
        assert_eq!(listed(&mut county, &act), Err(vec![Code::ClassNotSealed]));
        let mut act = listing();
        act.licence.push(act.licence[0].clone());
        assert_eq!(listed(&mut county, &act), Err(vec![Code::DuplicateEntry]));
        let mut act = listing();
        act.licence.clear();
        act.capacities.clear();
        assert_eq!(
            listed(&mut county, &act),
            Err(vec![Code::OccupationNeeded, Code::CapacityMissing])
        );
    }

    #[test]
    fn nothing_sealed_is_registered_or_changed_in_clear() {
        let mut county = County::new();
        let act = listing();
        listed(&mut county, &act).unwrap();
        let clerk = staff("clerk", Role::Clerk);
        let change = ChangeInstitution {
            affiliation: None,
            institution: act.institution.clone(),
            name: "in clear".to_owned(),
            capacities: act.capacities.clone(),
            licence: BTreeSet::new(),
            related: BTreeSet::new(),
        };
        let said = county.play(&clerk, at("05-01"), |ask| change_institution(ask, &change));
        assert_eq!(said, Err(vec![Code::UnitClassified]));
        let register = RegisterInstitution {
            affiliation: None,
            institution: institution(7),
            name: "a school".to_owned(),
            capacities: [Capacity::School].into(),
            licence: act.licence.iter().cloned().collect(),
            related: BTreeSet::new(),
        };
        let said = county.play(&clerk, at("05-01"), |ask| {
            register_institution(ask, &register)
        });
        assert_eq!(said, Err(vec![Code::UnitClassified]));
        let register = RegisterInstitution {
            affiliation: None,
            licence: BTreeSet::new(),
            related: [act.institution.clone()].into(),
            ..register
        };
        let said = county.play(&clerk, at("05-01"), |ask| {
            register_institution(ask, &register)
        });
        assert_eq!(said, Err(vec![Code::UnitClassified]));
    }
}
