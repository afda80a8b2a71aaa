//! Classes of units that the city listed as classified ("涉密单位除外"): filed in seals, attendance sealed and approved by two officers,
//! no notice, and only totals outside.

use hefu_domain::state::*;
use hefu_domain::*;

use crate::support::{
    OCCUPATION, Saying, check_on, classified_county, digest, institution, said, sealed_occupation,
};

fn check(script: &str) {
    check_on(&mut classified_county(), script);
}

#[test]
fn a_classified_class_goes_from_its_listing_to_the_write_off() {
    let mut town = classified_county();
    check_on(
        &mut town,
        "
        list    unit                                              -> INSTITUTION_ALREADY_REGISTERED
        voucher v1 general
        voucher v2 general
        class   c1 general deliverer=unit
        enrol   v1 c1                                             -> Enrolled 200.00
        enrol   v2 c1                                             -> Enrolled 200.00
        holds   v1 2023-06-05 2023-06-06
        seal    c1                                                -> CLASS_NOT_OVER
        at      2023-06-06 18
        attend  c1 0                                              -> ATTENDANCE_SEALED
        late    c1 0                                              -> ATTENDANCE_SEALED
        finish  c1                                                -> CLASS_NOT_RUNNING
        seal    c1 days=2,1 entries=6                             -> AttendanceSealed
        approve-seal c1 by=clerk                                  -> SealedAttendanceApproved
        complete v1                                               -> CLASS_NOT_RUNNING ATTENDANCE_NOT_APPROVED
        approve-seal c1 by=supervisor                             -> SealedAttendanceApproved
        finish  c1                                                -> ClassFinished
        complete v1                                               -> Completed
        complete v2                                               -> ATTENDANCE_SHORT
        drop    v2                                                -> Dropped
        redeem  v1                                                -> Redeemed 200.00
        submit  c1#1                                              -> ClaimSubmitted
        object  c1#1 o1                                           -> SHEET_NOT_FOUND
        approve c1#1 by=reviewer-2                                -> ClaimApproved 200.00
        object  c1#1 o1                                           -> SHEET_NOT_FOUND
        send    c1#1                                              -> PayoutSent
        paid    c1#1                                              -> PayoutRecorded
        write-off v1 by=reviewer-3                                -> WrittenOff 200.00 ClaimClosed ClassClosed
        is      c1 closed
        funds   city 2023 paid=200.00
        ",
    );
    // The log names unit, site and occupation by seals, and of each seat only how many days count.
    let entries = town.log.iter().filter(|(_, event)| {
        matches!(
            event,
            Event::AttendanceRecorded(_) | Event::LateEntryRequested(_)
        )
    });
    assert_eq!(entries.count(), 0);
    let unit = institution("unit");
    let Some(Fact::Institution(listed)) = town.facts.get(&Key::Institution(unit.clone())) else {
        panic!("the unit is not on record");
    };
    assert!(unit.is_sealed() && listed.name.is_empty() && listed.classified.is_some());
    let filing = &town.class("c1").unwrap().filing;
    assert_eq!(filing.occupation, sealed_occupation(OCCUPATION));
    assert!(filing.site.is_commitment() && filing.trainers[0].is_commitment());
    let approved = town.log.iter().find_map(|(_, event)| match event {
        Event::ClaimApproved(approved) => Some(approved.notice_until),
        _ => None,
    });
    assert_eq!(approved, Some(None), "no notice was opened");
}

#[test]
fn a_classified_unit_files_nothing_in_clear_and_nobody_else_files_seals() {
    check(
        "
        file c1 general deliverer=unit room=room-1                -> CLASS_NOT_SEALED
        file c1 general deliverer=unit trainer=teacher-wu         -> CLASS_NOT_SEALED
        file c1 general deliverer=unit occupation=4-10-01-06      -> CLASS_NOT_SEALED NOT_LICENSED NOT_IN_CATALOGUE
        file c1 general deliverer=unit occupation=unlisted        -> NOT_LICENSED NOT_IN_CATALOGUE
        file c1 general occupation=sealed                         -> NOT_CLASSIFIED NOT_LICENSED NOT_IN_CATALOGUE
        file c1 order_project payee=unit                          -> CLASS_NOT_SEALED
        # An enterprise that teaches its own staff needs no catalogue, but a seal stands for an occupation that it was listed with.
        file c1 enterprise_staff deliverer=unit payee=unit occupation=unlisted -> NOT_LICENSED
        file c1 enterprise_staff deliverer=plant payee=plant occupation=sealed -> NOT_CLASSIFIED NOT_LICENSED
        file c1 enterprise_staff deliverer=unit payee=unit        -> ClassFiled
        change c1 room=hall                                       -> CLASS_NOT_SEALED
        ",
    );
}

#[test]
fn a_seal_adds_up_and_is_made_by_the_deliverer_of_a_classified_class_only() {
    check(
        "
        voucher v1 general
        voucher v2 general
        class   c1 general deliverer=unit
        class   c2 general
        enrol   v1 c1
        enrol   v2 c1
        at      2023-06-06 18
        seal    c2                                                -> NOT_CLASSIFIED
        seal    c1 by=school-b                                    -> NOT_YOURS
        seal    c1 by=clerk                                       -> ROLE_MISSING
        seal    c1 without-lists                                  -> SEAL_INVALID
        seal    c1 slots=5                                        -> SEAL_INVALID
        seal    c1 entries=9                                      -> SEAL_INVALID
        seal    c1 paper=5 online=4                               -> SEAL_INVALID
        seal    c1 entries=3                                      -> SEAL_INVALID
        seal    c1 days=3,1                                       -> SEAL_INVALID
        seal    c1 days=2                                         -> SEAT_UNKNOWN
        approve-seal c1                                           -> NOTHING_TO_CONFIRM
        ",
    );
}

#[test]
fn two_officers_approve_what_they_saw_and_then_it_stands() {
    check(
        "
        voucher v1 general
        class   c1 general deliverer=unit
        enrol   v1 c1
        at      2023-06-06 18
        seal    c1 days=1 entries=2                               -> AttendanceSealed
        approve-seal c1 by=finance                                -> ROLE_MISSING
        approve-seal c1 by=unit                                   -> ROLE_MISSING
        approve-seal c1 by=clerk saw=an-earlier-one               -> PROPOSAL_CHANGED
        approve-seal c1 by=clerk                                  -> SealedAttendanceApproved
        approve-seal c1 by=clerk                                  -> SAME_PERSON
        # Sealed anew, nobody has approved it yet.
        seal    c1                                                -> AttendanceSealed
        approve-seal c1 by=supervisor                             -> SealedAttendanceApproved
        complete v1                                               -> CLASS_NOT_RUNNING ATTENDANCE_NOT_APPROVED
        approve-seal c1 by=clerk                                  -> SealedAttendanceApproved
        seal    c1                                                -> ATTENDANCE_ALREADY_APPROVED
        approve-seal c1 by=reviewer-3                             -> ATTENDANCE_ALREADY_APPROVED
        complete v1                                               -> Completed
        ",
    );
}

#[test]
fn lessons_modules_and_paper_are_asked_for_as_of_anybody() {
    for (seal, refused) in [
        ("untaught", "MODULES_MISSING"),
        ("paper=4", "PAPER_SHARE_EXCEEDED"),
        ("days=0 entries=0", "ATTENDANCE_SHORT LESSONS_SHORT"),
    ] {
        check(&format!(
            "
            voucher v1 general
            class   c1 general deliverer=unit
            enrol   v1 c1
            at      2023-06-06 18
            seal    c1 {seal}
            approve-seal c1 by=clerk
            approve-seal c1 by=supervisor
            complete v1                                           -> {refused}
            "
        ));
    }
}

#[test]
fn who_dropped_out_has_no_days_and_who_never_came_keeps_none() {
    check(
        "
        voucher v1 general
        voucher v2 general
        voucher v3 general
        class   c1 general deliverer=unit
        enrol   v1 c1
        enrol   v2 c1
        enrol   v3 c1
        at      2023-06-05 20
        drop    v1                                                -> Dropped
        holds   v1 2023-06-05
        at      2023-06-06 18
        seal    c1 days=1,2,0 entries=8                           -> SEAL_INVALID
        seal    c1 days=0,2,0 entries=8                           -> AttendanceSealed
        approve-seal c1 by=clerk
        approve-seal c1 by=supervisor
        drop    v3                                                -> Dropped
        holds   v3
        ",
    );
}

#[test]
fn what_a_classified_unit_teaches_is_paid_once_there_too() {
    check(
        "
        person  p1 as=unemployed
        voucher v1 general of=p1 as=unemployed
        voucher w1 order_project of=p1
        class   c1 general deliverer=unit
        class   c2 order_project deliverer=unit payee=unit from=2023-06-07
        enrol   v1 c1                                             -> Enrolled 200.00
        enrol   w1 c2                                             -> OCCUPATION_ALREADY_TRAINED
        ",
    );
}

#[test]
fn a_classified_units_session_is_sealed_and_paid_without_a_notice_too() {
    check(
        "
        voucher v1 assessment occupation=sealed
        file-session s1 body=unit examiner=wu                     -> CLASS_NOT_SEALED
        file-session s1 body=unit occupation=4-10-01-06           -> NOT_LICENSED NOT_IN_CATALOGUE CLASS_NOT_SEALED
        file-session s1 occupation=sealed                         -> NOT_LICENSED NOT_IN_CATALOGUE NOT_CLASSIFIED
        session s1 body=unit
        at      2023-07-03
        assess  v1 s1 pass                                        -> Assessed
        finish-session s1
        certificate v1
        redeem  v1                                                -> Redeemed 200.00
        submit  s1#1
        answer  p-v1 skill_subsidy_right no
        object  s1#1 o1                                           -> SHEET_NOT_FOUND
        approve s1#1 by=reviewer-2                                -> ClaimApproved 200.00
        object  s1#1 o1                                           -> SHEET_NOT_FOUND
        send    s1#1                                              -> PayoutSent
        ",
    );
}

#[test]
fn the_bureau_names_a_listed_unit_by_its_seal_in_whatever_move() {
    let mut town = classified_county();
    town.run("person p1").unwrap();
    let answer = |employer: &str| {
        let line = format!("answer p1 insurance employed employer={employer}");
        town.act(&Saying::of(&line)).1
    };
    let (in_clear, sealed) = (answer("mill"), answer("unit"));
    let said_in_clear = town.submit_naming(&[institution("unit")], "clerk", in_clear.clone());
    assert_eq!(said(&said_in_clear), "UNIT_CLASSIFIED");
    // Whoever is not listed is named as ever.
    let other = InstitutionId::sealed(digest("another enterprise"));
    assert!(town.submit_naming(&[other], "clerk", in_clear).is_ok());
    assert!(town.submit("clerk", sealed).is_ok());
}

/// Else anybody could try out which units are listed.
#[test]
fn whoever_stands_outside_does_not_learn_which_units_are_listed() {
    let mut town = classified_county();
    town.run("person p-v1 as=enterprise_employee").unwrap();
    let unregistered = town
        .act(&Saying::of("apply v1 enterprise_staff employer=nobody"))
        .1;
    let guessed = [institution("unit")];
    let portal = town.submit_naming(&guessed, "portal", unregistered.clone());
    let naming_nobody = town.submit("portal", unregistered);
    assert_eq!(said(&portal), said(&naming_nobody));
    assert!(
        said(&portal).contains("INSTITUTION_NOT_FOUND"),
        "{}",
        said(&portal)
    );
    let filed = town
        .act(&Saying::of("file c1 general deliverer=school-a"))
        .1;
    assert!(town.submit_naming(&guessed, "school-a", filed).is_ok());
}
