//! Redeem and the claim sheet's life: what the institution must bring, what the reviewer may do, what the public may object to.

use hefu_domain::{Fen, Need, Stop, VoucherId, World, quote};

use crate::support::{check, check_on, county, region};

/// Two people who completed a general class of ten days.
const COMPLETED: &str = "
    voucher v1 general
    voucher v2 general
    class   c1 general days=10
    enrol   v1 c1
    enrol   v2 c1
    teach   c1
    complete v1
    complete v2
";

/// Both on a submitted sheet.
const SUBMITTED: &str = "
    voucher v1 general
    voucher v2 general
    class   c1 general days=10
    enrol   v1 c1
    enrol   v2 c1
    teach   c1
    complete v1
    complete v2
    redeem  v1
    redeem  v2
    submit  c1#1
";

fn after(start: &str, script: &str) {
    check(&format!("{start}\n{script}"));
}

#[test]
fn the_amount_is_computed_and_never_supplied() {
    check(
        "
        voucher v1 order_project
        class   c1 order_project days=11
        enrol   v1 c1                                             -> Enrolled 1600.00
        teach   c1
        complete v1
        redeem  v1                                                -> Redeemed 1600.00
        voucher v2 enterprise_staff
        class   c2 enterprise_staff days=3 from=2023-07-03
        enrol   v2 c2                                             -> Enrolled 300.00
        teach   c2
        complete v2
        redeem  v2                                                -> Redeemed 300.00
        ",
    );
}

#[test]
fn a_claim_needs_token_undertaking_confirmation_and_the_payee() {
    after(
        COMPLETED,
        "
        redeem  v1 by=school-b                                    -> NOT_YOURS
        redeem  v1 token=v2                                       -> TOKEN_INVALID
        redeem  v1 without-undertaking unconfirmed                -> UNDERTAKING_MISSING CONFIRMATION_MISSING
        redeem  v1 by=clerk                                       -> ROLE_MISSING
        redeem  v1                                                -> Redeemed 1000.00
        ",
    );
}

#[test]
fn a_second_redeem_is_refused() {
    after(
        COMPLETED,
        "
        redeem  v1                                                -> Redeemed 1000.00
        redeem  v1                                                -> VOUCHER_ALREADY_REDEEMED
        redeem  v1 by=school-b                                    -> VOUCHER_ALREADY_REDEEMED
        ",
    );
}

#[test]
fn only_a_completed_voucher_is_redeemed() {
    check(
        "
        voucher v1 general
        redeem  v1                                                -> VOUCHER_NOT_COMPLETED
        class   c1 general
        enrol   v1 c1
        redeem  v1                                                -> VOUCHER_NOT_COMPLETED
        revoke  v1
        redeem  v1                                                -> VOUCHER_ENDED
        redeem  v9                                                -> VOUCHER_NOT_FOUND
        ",
    );
}

#[test]
fn a_dead_token_redeems_nothing_until_it_is_reissued() {
    after(
        COMPLETED,
        "
        person  right
        correct v1 to=right
        confirm-correction v1                                     -> CorrectionConfirmed
        redeem  v1                                                -> TOKEN_DEAD
        reissue v1
        redeem  v1 token=old                                      -> TOKEN_INVALID
        redeem  v1                                                -> Redeemed 1000.00
        ",
    );
}

#[test]
fn vouchers_gather_on_the_open_sheet_and_late_ones_on_the_next() {
    after(
        COMPLETED,
        "
        redeem  v1
        submit  c1#1                                              -> ClaimSubmitted
        redeem  v2                                                -> Redeemed 1000.00
        is      c1#2 open
        submit  c1#2                                              -> ClaimSubmitted
        submit  c1#2                                              -> SHEET_NOT_OPEN
        submit  c1#3                                              -> SHEET_NOT_FOUND
        ",
    );
}

#[test]
fn a_sheet_is_submitted_by_its_payee_when_the_class_is_over() {
    check(
        "
        voucher v1 general
        class   c1 general
        enrol   v1 c1
        at      2023-06-05 18
        attend  c1 0
        attend  c1 1
        at      2023-06-06 18
        attend  c1 2
        attend  c1 3
        complete v1                                               -> Completed
        redeem  v1                                                -> Redeemed 200.00
        submit  c1#1                                              -> CLASS_NOT_FINISHED
        finish  c1
        submit  c1#1 by=school-b                                  -> NOT_YOURS
        submit  c1#1                                              -> ClaimSubmitted
        ",
    );
}

#[test]
fn a_reviewer_who_issued_a_voucher_does_not_approve_its_claim() {
    after(
        SUBMITTED,
        "
        approve c1#1 by=reviewer                                  -> SAME_PERSON
        approve c1#1 by=school-a                                  -> ROLE_MISSING
        approve c1#1                                              -> ClaimApproved 2000.00
        approve c1#1                                              -> SHEET_NOT_SUBMITTED
        funds   city 2023 reserved=0.00 payable=2000.00
        ",
    );
}

#[test]
fn approval_releases_what_was_reserved_and_not_earned() {
    check(
        "
        voucher v1 general
        class   c1 general days=5
        enrol   v1 c1
        teach   c1 absent=v1:1
        complete v1
        redeem  v1                                                -> Redeemed 400.00
        submit  c1#1
        funds   city 2023 reserved=500.00 available=99500.00
        approve c1#1                                              -> ClaimApproved 400.00
        funds   city 2023 reserved=0.00 payable=400.00 available=99600.00
        ",
    );
}

#[test]
fn a_frozen_voucher_holds_its_sheet_until_it_is_struck_out() {
    after(
        SUBMITTED,
        "
        freeze  v2
        approve c1#1                                              -> SHEET_HAS_FROZEN_VOUCHERS
        strike  c1#1 v2 by=clerk                                  -> ROLE_MISSING
        strike  c1#1 v2                                           -> StruckOut
        strike  c1#1 v2                                           -> VOUCHER_NOT_CLAIMED
        is      v2 completed
        redeem  v2                                                -> VOUCHER_FROZEN
        approve c1#1                                              -> ClaimApproved 1000.00
        unfreeze v2
        redeem  v2                                                -> Redeemed 1000.00
        is      c1#2 open
        ",
    );
}

#[test]
fn a_voucher_struck_out_for_good_gives_everything_back() {
    after(
        SUBMITTED,
        "
        strike  c1#1 v2 refused                                   -> StruckOut
        is      v2 refused
        funds   city 2023 reserved=1000.00 available=99000.00
        person  again
        voucher v3 general of=p-v2                                -> Issued 1000.00
        strike  c1#1 v1 refused                                   -> StruckOut ClaimClosed ClassClosed
        reopen-claim c1#1                                         -> SHEET_NOT_REFUSED
        ",
    );
}

#[test]
fn a_voucher_struck_out_of_an_approved_sheet_is_reserved_again_or_released() {
    after(
        SUBMITTED,
        "
        approve c1#1
        strike  c1#1 v1                                           -> StruckOut
        funds   city 2023 reserved=1000.00 payable=1000.00
        strike  c1#1 v2 refused                                   -> StruckOut ClaimClosed
        funds   city 2023 reserved=1000.00 payable=0.00 available=99000.00
        is      c1 finished
        redeem  v1                                                -> Redeemed 1000.00
        submit  c1#2
        approve c1#2
        ",
    );
}

#[test]
fn a_returned_sheet_is_mended_and_submitted_again() {
    after(
        SUBMITTED,
        "
        return  c1#1                                              -> ClaimReturned
        return  c1#1                                              -> SHEET_NOT_SUBMITTED
        is      v1 claimed
        submit  c1#1                                              -> ClaimSubmitted
        ",
    );
}

#[test]
fn a_refused_sheet_is_reopened_once_by_another_reviewer() {
    after(
        SUBMITTED,
        "
        reopen-claim c1#1                                         -> SHEET_NOT_REFUSED
        refuse  c1#1                                              -> ClaimRefused ClaimVoucherRefused ClassClosed
        funds   city 2023 reserved=0.00 available=100000.00
        refuse  c1#1                                              -> SHEET_NOT_SUBMITTED
        reopen-claim c1#1 by=reviewer-2                           -> SAME_PERSON
        reopen-claim c1#1                                         -> ClaimReopened Reclaimed
        is      c1 finished
        is      v1 claimed
        funds   city 2023 reserved=2000.00 available=98000.00
        submit  c1#1                                              -> ClaimSubmitted
        refuse  c1#1                                              -> ClaimRefused ClaimVoucherRefused ClassClosed
        reopen-claim c1#1                                         -> REOPENED_BEFORE
        ",
    );
    after(
        SUBMITTED,
        "
        at      2023-07-01
        refuse  c1#1
        at      2023-08-01
        reopen-claim c1#1                                         -> REOPEN_TOO_LATE
        ",
    );
}

#[test]
fn a_refused_sheet_comes_back_only_where_its_people_and_its_money_are_still_free() {
    after(
        SUBMITTED,
        "
        refuse  c1#1
        voucher v3 general of=p-v1
        reopen-claim c1#1                                         -> LIVE_VOUCHER_EXISTS
        withdraw v3
        reopen-claim c1#1                                         -> ClaimReopened Reclaimed
        ",
    );
    let drained = (0..199)
        .map(|n| format!("voucher other-{n} general\n"))
        .collect::<String>();
    after(
        SUBMITTED,
        &format!(
            "
        refuse  c1#1
        {drained}
        reopen-claim c1#1                                         -> FUNDS_EXHAUSTED
        "
        ),
    );
}

#[test]
fn an_assessment_sheet_that_is_reopened_keeps_its_certificates() {
    check(
        "
        voucher v1 assessment
        session s1
        at      2023-07-03
        assess  v1 s1 pass certificate=X1
        finish-session s1
        redeem  v1
        submit  s1#1
        refuse  s1#1                                              -> ClaimRefused ClaimVoucherRefused SessionClosed
        voucher v2 assessment
        session s2 on=2023-07-10
        at      2023-07-10
        assess  v2 s2 pass certificate=X1                         -> CERTIFICATE_NUMBER_TAKEN
        reopen-claim s1#1                                         -> ClaimReopened Reclaimed
        is      s1 finished
        submit  s1#1                                              -> ClaimSubmitted
        ",
    );
}

#[test]
fn anyone_objects_during_the_notice_and_another_reviewer_decides() {
    after(
        SUBMITTED,
        "
        object  c1#1 o1                                           -> SHEET_NOT_APPROVED
        at      2023-06-16
        approve c1#1
        object  c1#1 o1                                           -> ObjectionRaised
        object  c1#1 o1                                           -> DUPLICATE_ENTRY
        decide  c1#1 o2 dismissed                                 -> OBJECTION_NOT_FOUND
        decide  c1#1 o1 dismissed by=reviewer-2                   -> SAME_PERSON
        decide  c1#1 o1 dismissed                                 -> ObjectionDecided
        decide  c1#1 o1 dismissed                                 -> OBJECTION_DECIDED
        at      2023-06-27 00
        object  c1#1 o2                                           -> NOTICE_OVER
        ",
    );
}

#[test]
fn the_notice_counts_working_days_only() {
    after(
        SUBMITTED,
        "
        at      2023-06-16
        approve c1#1
        # 17 and 18 are a weekend, 22 to 24 the Dragon Boat festival, 25 is a Sunday that is worked.
        at      2023-06-26 23
        object  c1#1 o1                                           -> ObjectionRaised
        send    c1#1                                              -> NOTICE_RUNNING OBJECTION_OPEN
        at      2023-06-27 00
        object  c1#1 o2                                           -> NOTICE_OVER
        send    c1#1                                              -> OBJECTION_OPEN
        decide  c1#1 o1 dismissed
        send    c1#1                                              -> PayoutSent
        ",
    );
}

#[test]
fn an_objection_upheld_strikes_a_voucher_out_or_refuses_the_sheet() {
    after(
        SUBMITTED,
        "
        approve c1#1
        object  c1#1 o1
        object  c1#1 o2
        decide  c1#1 o1 strike v1 refused                         -> ObjectionDecided StruckOut
        is      v1 refused
        funds   city 2023 payable=1000.00 reserved=0.00
        decide  c1#1 o2 refuse                                    -> ObjectionDecided ClaimRefused ClaimVoucherRefused ClassClosed
        is      v2 refused
        funds   city 2023 payable=0.00 available=100000.00
        reopen-claim c1#1 by=reviewer                             -> ClaimReopened Reclaimed
        is      v1 refused
        is      v2 claimed
        funds   city 2023 reserved=1000.00 available=99000.00
        ",
    );
}

#[test]
fn a_correction_that_waits_keeps_a_claim_from_approval() {
    after(
        SUBMITTED,
        "
        person  right
        correct v1 to=right
        approve c1#1                                              -> CORRECTION_PENDING
        confirm-correction v1                                     -> CorrectionConfirmed
        approve c1#1                                              -> ClaimApproved 2000.00
        ",
    );
}

#[test]
fn a_refused_correction_lets_a_claim_be_approved() {
    after(
        SUBMITTED,
        "
        person  wrong
        correct v1 to=wrong
        approve c1#1                                              -> CORRECTION_PENDING
        refuse-correction v1                                      -> CorrectionRefused
        approve c1#1                                              -> ClaimApproved 2000.00
        ",
    );
}

#[test]
fn a_reopened_claim_takes_back_every_day_that_its_amount_counts() {
    let refused = "
        voucher v1 general
        class   c1 general days=4
        enrol   v1 c1
        at      2023-06-05 18
        attend  c1 0
        attend  c1 1
        # A day is carried along from the class that the bureau stopped.
        cancel  c1 by=reviewer
        class   c2 general days=2 from=2023-06-12
        enrol   v1 c2
        teach   c2
        complete v1
        redeem  v1                                                -> Redeemed 300.00
        holds   v1 2023-06-05 2023-06-12 2023-06-13
        submit  c2#1
        refuse  c2#1
        holds   v1
    ";
    after(
        refused,
        "
        reopen-claim c2#1                                         -> ClaimReopened Reclaimed
        holds   v1 2023-06-05 2023-06-12 2023-06-13
        ",
    );
    let mut here = county();
    check_on(&mut here, refused);
    // Meanwhile another county, late to its books, teaches the person on the day that was carried along.
    let mut there = region("140727", Some("140700"));
    there.nullifiers = here.nullifiers.clone();
    check_on(
        &mut there,
        "
        appropriate city 2023 5000.00
        voucher v9 order_project of=p-v1 as=rural_transfer
        class   c9 order_project days=1 occupation=6-18-01-07
        enrol   v9 c9                                             -> Enrolled 150.00
        ",
    );
    check_on(&mut here, "reopen-claim c2#1 -> DAY_TAKEN");
}

#[test]
fn staff_taught_by_undertaking_are_matched_with_insurance_or_contract_before_the_claim() {
    check(
        "
        voucher v1 enterprise_staff
        class   c1 enterprise_staff days=3
        enrol   v1 c1
        teach   c1
        complete v1
        answer  p-v1 insurance none
        redeem  v1                                                -> ROSTER_UNMATCHED
        answer  p-v1 insurance employee employer=school-a
        redeem  v1                                                -> ROSTER_UNMATCHED
        answer  p-v1 contract signed employer=plant until=2023-06-01
        redeem  v1                                                -> ROSTER_UNMATCHED
        answer  p-v1 contract signed employer=plant
        redeem  v1                                                -> Redeemed 300.00
        ",
    );
}

#[test]
fn an_empty_sheet_is_closed_by_the_expiry_of_its_last_voucher() {
    after(
        COMPLETED,
        "
        redeem  v1
        redeem  v2
        at      2024-03-11 00
        expire  v1                                                -> Expired
        is      c1#1 open
        expire  v2                                                -> Expired ClaimClosed ClassClosed
        is      c1#1 closed
        ",
    );
}

#[test]
fn a_quote_says_what_redeem_would_claim_and_writes_nothing() {
    let mut town = county();
    check_on(&mut town, COMPLETED);
    let id = VoucherId(town.id("v1"));
    let mut world = World::new(town.region.clone());
    let quoted = loop {
        match quote(&world, id, town.now) {
            Err(Stop::Missing(need @ Need::Fact(_))) => town.bring(&mut world, need),
            answer => break answer.unwrap(),
        }
    };
    assert_eq!(quoted.amount, Fen::yuan(1_000));
    assert_eq!(
        quoted
            .trail
            .iter()
            .map(|line| line.rule.as_str())
            .collect::<Vec<_>>(),
        ["DAILY"]
    );
    assert!(world.changed().is_empty());
    check_on(&mut town, "redeem v1 -> Redeemed 1000.00");
    assert!(matches!(
        quote(&fresh(&town), id, town.now),
        Err(Stop::Refused(_))
    ));
}

/// A world that knows all there is.
fn fresh(town: &crate::support::Town) -> World {
    let mut world = World::new(town.region.clone());
    for (key, fact) in &town.facts {
        world.bring(key.clone(), Some(fact.clone()));
    }
    world
}

#[test]
fn claims_are_made_and_approved_until_the_years_last_day() {
    let submitted = "
        voucher v1 general
        voucher v2 general
        class   c1 general
        enrol   v1 c1
        enrol   v2 c1
        teach   c1
        complete v1
        complete v2
        redeem  v1
        submit  c1#1
    ";
    check(&format!(
        "
        {submitted}
        at      2024-03-31 23
        approve c1#1                                              -> ClaimApproved 200.00
        "
    ));
    check(&format!(
        "
        {submitted}
        at      2024-04-01 00
        approve c1#1                                              -> CLAIM_BY_OVER
        redeem  v2                                                -> VOUCHER_EXPIRED CLAIM_BY_OVER
        "
    ));
}

#[test]
fn a_voucher_joins_any_sheet_of_its_class_that_is_open() {
    check(
        "
        voucher v1 general
        voucher v2 general
        voucher v3 general
        class   c1 general
        enrol   v1 c1
        enrol   v2 c1
        enrol   v3 c1
        teach   c1
        complete v1
        complete v2
        complete v3
        redeem  v1
        submit  c1#1
        redeem  v2
        submit  c1#2
        return  c1#1
        redeem  v3                                                -> Redeemed 200.00
        submit  c1#1
        strike  c1#1 v3                                           -> StruckOut
        ",
    );
}
