//! Apply, withdraw, reject and reopen, correct: who may, and what is refused by which rule.

use crate::support::{check, check_on, county, region};

#[test]
fn a_holder_applies_and_takes_it_back() {
    check(
        "
        person   p1
        apply    v1 general of=p1                  -> Applied
        apply    v2 general of=p1                  -> LIVE_VOUCHER_EXISTS
        apply    v2 order_project of=p1            -> CHECK_MISSING
        withdraw v1 nobody                         -> NOT_YOURS
        withdraw v1                                -> Withdrawn
        withdraw v1                                -> VOUCHER_NOT_ISSUED
        apply    v2 general of=p1                  -> Applied
        ",
    );
}

#[test]
fn an_issued_voucher_is_taken_back_with_its_reserve() {
    check(
        "
        voucher  v1 general
        funds    city 2023 reserved=1000.00
        withdraw v1                                -> Withdrawn
        funds    city 2023 reserved=0.00 available=100000.00
        ",
    );
}

#[test]
fn an_institution_applies_for_its_own_people_who_confirm_it() {
    check(
        "
        person p1 as=enterprise_employee
        apply  v1 enterprise_staff of=p1 by=school-a              -> NOT_YOURS
        apply  v1 enterprise_staff of=p1 by=clerk                 -> ROLE_MISSING
        apply  v1 enterprise_staff of=p1 by=plant                 -> Applied
        issue  v1                                                 -> CONFIRMATION_MISSING
        confirm v1 by=plant                                       -> ROLE_MISSING
        confirm v1 nobody                                         -> NOT_YOURS
        confirm v1                                                -> ApplicationConfirmed
        confirm v1                                                -> NOTHING_TO_CONFIRM
        issue  v1                                                 -> Issued 300.00
        withdraw v1 by=school-a nobody                            -> NOT_YOURS
        withdraw v1                                               -> Withdrawn
        ",
    );
}

#[test]
fn register_answers_decide_who_is_eligible() {
    check(
        "
        person p1
        apply  v1 general of=p1 as=enterprise_employee            -> CATEGORY_NOT_ELIGIBLE NOT_ELIGIBLE
        apply  v1 general of=p1 as=nobody-knows                   -> CATEGORY_UNKNOWN
        answer p1 pension drawing
        apply  v1 general of=p1                                   -> NOT_ELIGIBLE
        answer p1 pension none until=2023-05-01
        apply  v1 general of=p1                                   -> CHECK_MISSING
        answer p1 pension none
        answer p1 insurance employee
        apply  v1 general of=p1                                   -> NOT_ELIGIBLE
        answer p1 insurance none
        apply  v1 general of=p1                                   -> Applied
        answer p1 alive no
        issue  v1                                                 -> NOT_ELIGIBLE
        ",
    );
}

#[test]
fn an_unemployed_job_seeker_is_able_to_work_and_out_of_work() {
    check(
        "
        person p1 as=unemployed
        answer p1 able_to_work no
        apply  v1 general of=p1 as=unemployed                     -> NOT_ELIGIBLE
        answer p1 able_to_work yes
        answer p1 insurance employee
        apply  v1 general of=p1 as=unemployed                     -> NOT_ELIGIBLE
        answer p1 insurance none
        apply  v1 general of=p1 as=unemployed                     -> Applied
        ",
    );
}

#[test]
fn a_full_time_student_is_refused_outside_the_graduating_year() {
    check(
        "
        person p1 as=graduating_student
        apply  v1 general of=p1 as=rural_transfer                 -> CHECK_MISSING NOT_ELIGIBLE
        apply  v1 general of=p1 as=graduating_student             -> Applied
        ",
    );
}

#[test]
fn applications_end_with_the_years_training() {
    check(
        "
        person p1
        at     2023-11-30 23
        apply  v1 general of=p1                                   -> Applied
        at     2023-12-01 00
        person p2
        apply  v2 general of=p2                                   -> APPLICATIONS_OVER
        issue  v1                                                 -> VOUCHER_EXPIRED
        expire v1                                                 -> Expired
        expire v1                                                 -> VOUCHER_ENDED NOT_DUE
        ",
    );
}

#[test]
fn a_rejected_application_is_reopened_once_by_somebody_else() {
    check(
        "
        person p1
        apply  v1 general of=p1
        reopen v1                                                 -> VOUCHER_NOT_REJECTED
        reject v1 by=clerk                                        -> ApplicationRejected
        reopen v1 by=clerk-2                                      -> ROLE_MISSING
        reopen v1 by=reviewer-3                                   -> ApplicationReopened
        issue  v1 by=everybody                                    -> Issued 1000.00
        ",
    );
    check(
        "
        person p1
        apply  v1 general of=p1
        reject v1 by=everybody
        reopen v1 by=everybody                                    -> SAME_PERSON
        ",
    );
    check(
        "
        person p1
        apply  v1 general of=p1
        reject v1
        reopen v1
        reject v1
        reopen v1                                                 -> REOPENED_BEFORE
        ",
    );
    check(
        "
        person p1
        apply  v1 general of=p1
        reject v1
        at     2023-06-04
        reopen v1                                                 -> REOPEN_TOO_LATE
        apply  v2 general of=p1                                   -> Applied
        ",
    );
}

#[test]
fn a_rejected_application_does_not_come_back_beside_a_new_one() {
    check(
        "
        person p1
        apply  v1 general of=p1
        reject v1
        apply  v2 general of=p1                                   -> Applied
        reopen v1                                                 -> LIVE_VOUCHER_EXISTS
        ",
    );
}

#[test]
fn a_corrected_identity_meets_every_rule_again_and_needs_a_new_token() {
    check(
        "
        voucher v1 general
        person  right
        correct v1 to=right                                       -> CorrectionProposed
        correct v1 to=right                                       -> CorrectionProposed
        confirm-correction v1 by=clerk                            -> ROLE_MISSING
        confirm-correction v1                                     -> CorrectionConfirmed
        class   c1 general
        enrol   v1 c1                                             -> TOKEN_DEAD TOKEN_INVALID
        reissue v1                                                -> TokenReissued
        enrol   v1 c1 holder=p-v1                                 -> HOLDER_MISMATCH
        enrol   v1 c1                                             -> Enrolled 200.00
        apply   v2 general of=p-v1                                -> Applied
        ",
    );
    check(
        "
        voucher v1 general
        voucher v2 general of=other
        correct v1 to=p-v1                                        -> IDENTITY_UNCHANGED
        confirm-correction v1                                     -> NO_CORRECTION_PENDING
        correct v1 to=other
        confirm-correction v1                                     -> LIVE_VOUCHER_EXISTS
        ",
    );
}

#[test]
fn a_wrong_proposal_is_replaced_by_the_clerk_or_refused_by_the_reviewer() {
    check(
        "
        voucher v1 general
        person  wrong
        person  right
        refuse-correction v1                                      -> NO_CORRECTION_PENDING
        correct v1 to=wrong                                       -> CorrectionProposed
        correct v1 to=right                                       -> CorrectionProposed
        confirm-correction v1 to=wrong                            -> APPROVAL_CHANGED
        confirm-correction v1 to=right                            -> CorrectionConfirmed
        # The number is the right one now: there is nobody else to propose, only the proposal to refuse.
        correct v1 to=wrong by=everybody                          -> CorrectionProposed
        refuse-correction v1 by=clerk                             -> ROLE_MISSING
        refuse-correction v1 by=everybody                         -> SAME_PERSON
        refuse-correction v1                                      -> CorrectionRefused
        confirm-correction v1                                     -> NO_CORRECTION_PENDING
        reissue v1
        class   c1 general
        enrol   v1 c1 holder=right                                -> Enrolled 200.00
        ",
    );
}

#[test]
fn one_live_voucher_holds_across_regions() {
    let mut here = county();
    check_on(&mut here, "voucher v1 general of=somebody");
    let mut there = region("140727", Some("140700"));
    there.nullifiers = here.nullifiers.clone();
    check_on(
        &mut there,
        "
        appropriate city 2023 5000.00
        person somebody
        apply  v1 general of=somebody                             -> LIVE_VOUCHER_EXISTS
        ",
    );
    check_on(&mut here, "withdraw v1 -> Withdrawn");
    check_on(&mut there, "apply v1 general of=somebody -> Applied");
}
