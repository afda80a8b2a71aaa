//! Fraud flags, and what stands in a claim's way.

use super::*;

/// A class's sheet, submitted, with one voucher on it.
fn submitted(county: &mut County) -> SheetId {
    class(county, 1, 1);
    for slot in 0..6u16 {
        let hour = if slot.is_multiple_of(2) { 12 } else { 18 };
        let when = format!("06-0{} {hour}", 5 + slot / 2);
        attend(county, &when, slot, &[0]);
    }
    let finish = FinishClass { class: class_id(1) };
    let done = |ask: &Ask| training::finish_class(ask, &finish);
    county.play(&of(SCHOOL), at("06-08"), done).unwrap();
    let complete = Complete {
        voucher: voucher_id(1),
    };
    let done = |ask: &Ask| training::complete(ask, &complete);
    county.play(&of(SCHOOL), at("06-08"), done).unwrap();
    let sheet = SheetId(Uuid::from_u128(77));
    let redeem = Redeem {
        voucher: voucher_id(1),
        new_sheet: sheet,
        token: token(1),
        undertaking: digest(1),
        confirmation: Confirmation {
            by: ConfirmedBy::Phone,
            evidence: digest(2),
            witness: None,
        },
    };
    let done = |ask: &Ask| redemption::redeem(ask, &redeem);
    county.play(&of(SCHOOL), at("06-09"), done).unwrap();
    sheet
}

fn submit(county: &mut County, sheet: SheetId) -> Said {
    let act = SubmitClaim { sheet };
    county.play(&of(SCHOOL), at("06-09"), |ask| {
        redemption::submit(ask, &act)
    })
}

fn approve(county: &mut County, by: &str, sheet: SheetId) -> Said {
    let act = ApproveClaim { sheet };
    county.play(&staff(by, Role::Reviewer), at("06-12"), |ask| {
        redemption::approve(ask, &act)
    })
}

fn raise(about: About, severity: Severity) -> RaiseFlag {
    RaiseFlag {
        rule: FraudRule::SameEvidence,
        version: 1,
        severity,
        about,
        evidence: vec![LogPlace { epoch: 0, index: 3 }],
    }
}

fn flagged(county: &mut County, act: &RaiseFlag) -> FlagId {
    let by = staff("operator", Role::Operator);
    let said = county.play(&by, at("06-10"), |ask| raise_flag(ask, act));
    assert_eq!(said, Ok(vec!["FlagRaised"]));
    let again = county.play(&by, at("06-10"), |ask| raise_flag(ask, act));
    assert_eq!(again, Err(vec![Code::FlagExists]));
    flag_id(act.rule, act.version, &act.about, &act.evidence)
}

fn clear(county: &mut County, by: &str, flag: FlagId) -> Said {
    let act = ClearFlag {
        flag,
        reason: code("CHECKED"),
        evidence: digest(4),
    };
    county.play(&staff(by, Role::Clerk), at("06-11"), |ask| {
        clear_flag(ask, &act)
    })
}

fn confirm_clear(county: &mut County, by: &str, flag: FlagId) -> Said {
    let FlagState::Proposed {
        by: proposer,
        reason,
        proof: evidence,
    } = county.world.flag(&flag).unwrap().state.clone()
    else {
        panic!("nothing is proposed")
    };
    let proposed = FlagClearanceProposed {
        flag,
        by: proposer,
        reason,
        evidence,
    };
    let act = ConfirmClearFlag {
        flag,
        proposal: proposed.digest(),
    };
    county.play(&staff(by, Role::Reviewer), at("06-11"), |ask| {
        confirm_clear_flag(ask, &act)
    })
}

#[test]
fn a_block_stands_in_the_way_of_an_approval_and_two_people_clear_it_who_do_not_approve() {
    for about in [
        About::Class(class_id(1)),
        About::Sheet(SheetId(Uuid::from_u128(77))),
        About::Voucher(voucher_id(1)),
        About::Institution(institution(SCHOOL)),
    ] {
        let mut county = County::new();
        let sheet = submitted(&mut county);
        let flag = flagged(&mut county, &raise(about.clone(), Severity::Block));
        assert_eq!(submit(&mut county, sheet), Ok(vec!["ClaimSubmitted"]));
        let blocked = Err(vec![Code::BlockingFlag]);
        assert_eq!(approve(&mut county, "reviewer-9", sheet), blocked);
        let proposed = clear(&mut county, "clerk-1", flag);
        assert_eq!(proposed, Ok(vec!["FlagClearanceProposed"]));
        assert_eq!(approve(&mut county, "reviewer-9", sheet), blocked);
        assert_eq!(
            confirm_clear(&mut county, "clerk-1", flag),
            Err(vec![Code::SamePerson])
        );
        assert_eq!(
            confirm_clear(&mut county, "reviewer-8", flag),
            Ok(vec!["FlagCleared"])
        );
        // A county has few people: an institution's flag keeps nobody from its claims for ever.
        if !matches!(about, About::Institution(_)) {
            let own = Err(vec![Code::SamePerson]);
            assert_eq!(approve(&mut county, "reviewer-8", sheet), own);
            assert_eq!(approve(&mut county, "clerk-1", sheet), own);
        }
        assert_eq!(
            approve(&mut county, "reviewer-9", sheet),
            Ok(vec!["ClaimApproved"])
        );
        assert_eq!(
            clear(&mut county, "clerk-1", flag),
            Err(vec![Code::FlagAlreadyCleared])
        );
    }
}

#[test]
fn a_warning_blocks_nothing_and_one_person_clears_it_who_did_not_approve() {
    let mut county = County::new();
    let sheet = submitted(&mut county);
    submit(&mut county, sheet).unwrap();
    let flag = flagged(
        &mut county,
        &raise(About::Class(class_id(1)), Severity::Warning),
    );
    assert_eq!(
        approve(&mut county, "reviewer-9", sheet),
        Ok(vec!["ClaimApproved"])
    );
    assert_eq!(
        clear(&mut county, "reviewer-9", flag),
        Err(vec![Code::SamePerson])
    );
    assert_eq!(clear(&mut county, "clerk-1", flag), Ok(vec!["FlagCleared"]));
}

#[test]
fn a_finding_that_blocks_keeps_a_sheet_from_being_submitted_and_approved() {
    let mut county = County::new();
    let sheet = submitted(&mut county);
    let found = record(About::Class(class_id(1)), true);
    let by = supervisor();
    county
        .play(&by, at("06-09"), |ask| record_finding(ask, &found))
        .unwrap();
    assert_eq!(submit(&mut county, sheet), Err(vec![Code::FindingOpen]));
    // One that does not block is a finding all the same.
    let mut county = County::new();
    let sheet = submitted(&mut county);
    let found = record(About::Class(class_id(1)), false);
    county
        .play(&by, at("06-09"), |ask| record_finding(ask, &found))
        .unwrap();
    assert_eq!(submit(&mut county, sheet), Ok(vec!["ClaimSubmitted"]));
    let later = RecordFinding {
        finding: finding_id(2),
        ..record(About::Sheet(sheet), true)
    };
    county
        .play(&by, at("06-10"), |ask| record_finding(ask, &later))
        .unwrap();
    assert_eq!(
        approve(&mut county, "reviewer-9", sheet),
        Err(vec![Code::FindingOpen])
    );
}
