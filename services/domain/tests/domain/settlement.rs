//! Payout, write-off, claw-back, and the closing of the plan year.

use crate::support::check;

/// Two people on an approved sheet whose notice is over.
const APPROVED: &str = "
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
    approve c1#1
    at      2023-07-10
";

fn after(start: &str, script: &str) {
    check(&format!("{start}\n{script}"));
}

fn paid(script: &str) {
    check(&format!("{APPROVED}\n send c1#1\n paid c1#1\n {script}"));
}

#[test]
fn only_what_was_approved_is_sent_and_not_by_the_approver() {
    after(
        APPROVED,
        "
        send    c1#1 approval=something-else                      -> APPROVAL_CHANGED
        send    c1#1 by=reviewer                                  -> ROLE_MISSING
        send    c1#1                                              -> PayoutSent
        send    c1#1                                              -> SHEET_NOT_APPROVED
        paid    c1#1 batch=something-else                         -> BATCH_MISMATCH
        paid    c1#1                                              -> PayoutRecorded
        paid    c1#1                                              -> SHEET_NOT_PAYING
        funds   city 2023 payable=0.00 paid=2000.00
        ",
    );
    check(
        "
        voucher v1 general
        class   c1 general
        enrol   v1 c1
        teach   c1
        complete v1
        redeem  v1
        submit  c1#1
        approve c1#1 by=everybody
        at      2023-07-10
        send    c1#1 by=everybody                                 -> SAME_PERSON
        send    c1#1                                              -> PayoutSent
        paid    c1#1 by=everybody                                 -> SAME_PERSON
        paid    c1#1                                              -> PayoutRecorded
        ",
    );
}

#[test]
fn money_goes_to_an_account_in_force_only() {
    after(
        APPROVED,
        "
        account school-a new-number                               -> AccountRegistered
        confirm-account school-a by=clerk                         -> ROLE_MISSING
        confirm-account school-a saw=an-earlier-one               -> PROPOSAL_CHANGED
        confirm-account school-a                                  -> AccountConfirmed
        send    c1#1                                              -> ACCOUNT_MISSING
        at      2023-07-12 23
        send    c1#1                                              -> ACCOUNT_MISSING
        at      2023-07-13 00
        send    c1#1                                              -> PayoutSent
        ",
    );
}

#[test]
fn a_frozen_voucher_holds_the_payout_but_not_the_banks_answer() {
    after(
        APPROVED,
        "
        freeze  v2
        send    c1#1                                              -> SHEET_HAS_FROZEN_VOUCHERS
        unfreeze v2
        send    c1#1
        freeze  v2
        paid    c1#1                                              -> PayoutRecorded
        write-off v2                                              -> VOUCHER_FROZEN
        write-off v1                                              -> WrittenOff 1000.00
        ",
    );
}

#[test]
fn what_was_struck_out_after_approval_is_not_sent() {
    after(
        APPROVED,
        "
        strike  c1#1 v2 refused
        send    c1#1                                              -> PayoutSent
        paid    c1#1
        funds   city 2023 paid=1000.00 available=99000.00
        write-off v1                                              -> WrittenOff 1000.00 ClaimClosed ClassClosed
        ",
    );
}

#[test]
fn a_returned_payout_is_owed_again_and_sent_again() {
    after(
        APPROVED,
        "
        bounced c1#1                                              -> SHEET_NOT_PAYING
        send    c1#1
        bounced c1#1                                              -> PayoutReturned
        is      c1#1 approved
        send    c1#1
        paid    c1#1
        bounced c1#1                                              -> PayoutReturned
        funds   city 2023 payable=2000.00 paid=0.00
        is      v1 approved
        send    c1#1
        paid    c1#1
        write-off v1
        bounced c1#1                                              -> PAYOUT_WRITTEN_OFF
        ",
    );
}

#[test]
fn the_approver_does_not_write_off() {
    paid(
        "
        write-off v1 by=reviewer-2                                -> SAME_PERSON
        write-off v1 by=finance                                   -> ROLE_MISSING
        write-off v1                                              -> WrittenOff 1000.00
        write-off v1                                              -> VOUCHER_ENDED
        is      c1#1 paid
        write-off v2                                              -> WrittenOff 1000.00 ClaimClosed ClassClosed
        ",
    );
}

#[test]
fn what_was_paid_once_stays_used_up() {
    paid(
        "
        apply   v3 general of=p-v1                                -> LIVE_VOUCHER_EXISTS GENERAL_ALREADY_PAID
        write-off v1
        apply   v3 general of=p-v1                                -> GENERAL_ALREADY_PAID
        ",
    );
}

#[test]
fn a_claw_back_is_decided_by_two_people_and_withholds_payouts_until_it_is_met() {
    paid(
        "
        claw-back v1 1000.01                                      -> CLAW_BACK_TOO_MUCH
        claw-back v1 0.00                                         -> AMOUNT_NOT_POSITIVE
        claw-back v1 600.00 due=2023-07-09                        -> DATES_INVALID
        confirm-claw-back v1                                      -> NO_CLAW_BACK_PENDING
        claw-back v1 700.00                                       -> ClawBackProposed
        claw-back v1 600.00 by=reviewer                           -> CLAW_BACK_PENDING
        claw-back v1 600.00                                       -> ClawBackProposed
        receive v1 600.00                                         -> NO_CLAW_BACK_PENDING
        confirm-claw-back v1 by=supervisor                        -> SAME_PERSON
        confirm-claw-back v1 saw=an-earlier-one                   -> PROPOSAL_CHANGED
        confirm-claw-back v1                                      -> ClawBackConfirmed
        is      v1 clawed_back
        confirm-claw-back v1                                      -> VOUCHER_ENDED
        write-off v2                                              -> WrittenOff 1000.00 ClaimClosed ClassClosed
        receive v1 600.01                                         -> CLAW_BACK_TOO_MUCH
        receive v1 200.00                                         -> ClawBackReceived
        funds   city 2023 paid=1800.00 available=98200.00
        voucher w1 general
        class   c2 general from=2023-08-07
        enrol   w1 c2
        teach   c2
        complete w1
        redeem  w1
        submit  c2#1
        approve c2#1
        at      2023-09-01
        send    c2#1                                              -> PAYEE_OWES
        receive v1 400.00                                         -> ClawBackReceived
        send    c2#1                                              -> PayoutSent
        ",
    );
}

#[test]
fn a_claw_back_gives_the_person_nothing_back_unless_their_identity_was_misused() {
    paid(
        "
        write-off v2
        claw-back v1 1000.00 reason=FALSE_ATTENDANCE
        confirm-claw-back v1                                      -> ClawBackConfirmed ClaimClosed ClassClosed
        apply   v3 general of=p-v1                                -> GENERAL_ALREADY_PAID
        claw-back v2 1000.00 reason=IDENTITY_MISUSED
        confirm-claw-back v2                                      -> ClawBackConfirmed
        voucher v4 general of=p-v2                                -> Issued 1000.00
        ",
    );
}

#[test]
fn a_claw_back_takes_frozen_vouchers_too() {
    paid(
        "
        freeze  v1
        claw-back v1 1000.00
        confirm-claw-back v1                                      -> ClawBackConfirmed
        bounced c1#1                                              -> PAYOUT_WRITTEN_OFF
        ",
    );
}

/// A year's end: one voucher unused, one on an open sheet, one on an approved sheet, one paid.
const YEARS_END: &str = "
    voucher unused general
    voucher open general
    voucher owed general
    voucher paid general
    class   c1 general days=10
    class   c2 general days=10 from=2023-07-03
    class   c3 general days=10 from=2023-08-07
    enrol   paid c1
    enrol   owed c2
    enrol   open c3
    teach   c1
    complete paid
    redeem  paid
    submit  c1#1
    approve c1#1
    at      2023-07-01
    send    c1#1
    paid    c1#1
    at      2023-07-03 08
    teach   c2
    complete owed
    redeem  owed
    submit  c2#1
    teach   c3
    complete open
    redeem  open
    at      2024-03-29
    approve c2#1
    close   begin                                                 -> PLAN_YEAR_NOT_DUE NEXT_YEAR_NOT_OPEN
    open-year 2024
    at      2024-04-01 00
";

#[test]
fn closing_ends_what_is_not_owed_and_carries_the_rest_over() {
    after(
        YEARS_END,
        "
        close   voucher unused                                    -> PLAN_YEAR_NOT_CLOSING
        close   begin                                             -> PlanYearClosing
        apply   late general of=p-unused                          -> PLAN_YEAR_CLOSED APPLICATIONS_OVER LIVE_VOUCHER_EXISTS
        close   finish c2#1 c1#1                                  -> PLAN_YEAR_NOT_EMPTY
        close   voucher open                                      -> NOT_DUE
        close   voucher unused                                    -> Expired
        close   sheet c2#1                                        -> SHEET_NOT_SUBMITTED
        close   sheet c3#1                                        -> ClaimRefused ClaimVoucherRefused ClassClosed
        reopen-claim c3#1                                         -> CLAIM_BY_OVER PLAN_YEAR_CLOSED
        close   finish c2#1                                       -> PLAN_YEAR_NOT_EMPTY
        close   finish c2#1 c1#1                                  -> PlanYearClosed
        funds   city 2023 allocated=1000.00 available=0.00 payable=0.00 paid=1000.00
        funds   city 2024 allocated=99000.00 available=98000.00 payable=1000.00
        funds   county 2024 allocated=100000.00 available=100000.00
        ",
    );
}

#[test]
fn what_was_carried_over_is_paid_from_the_next_years_account() {
    after(
        YEARS_END,
        "
        close   begin
        close   voucher unused
        close   sheet c3#1
        close   finish c2#1 c1#1
        at      2024-04-10
        send    c2#1                                              -> PayoutSent
        paid    c2#1                                              -> PayoutRecorded
        funds   city 2024 payable=0.00 paid=1000.00
        write-off owed                                            -> WrittenOff 1000.00 ClaimClosed ClassClosed
        ",
    );
}

#[test]
fn money_that_comes_back_after_the_closing_enters_the_current_account() {
    let closed = "
        close   begin
        close   voucher unused
        close   sheet c3#1
        close   finish c2#1 c1#1
    ";
    after(
        YEARS_END,
        &format!(
            "
        {closed}
        bounced c1#1                                              -> PayoutReturned
        funds   city 2023 allocated=0.00 paid=0.00
        funds   city 2024 allocated=100000.00 payable=2000.00
        send    c1#1                                              -> PayoutSent
        paid    c1#1
        funds   city 2024 payable=1000.00 paid=1000.00
        write-off paid                                            -> WrittenOff 1000.00 ClaimClosed ClassClosed
        "
        ),
    );
    after(
        YEARS_END,
        &format!(
            "
        {closed}
        write-off paid
        claw-back paid 1000.00
        confirm-claw-back paid
        receive paid 250.00                                       -> ClawBackReceived
        funds   city 2023 allocated=750.00 paid=750.00
        funds   city 2024 allocated=99250.00 available=98250.00 payable=1000.00
        "
        ),
    );
}

#[test]
fn a_claim_carried_over_can_still_be_refused_and_its_money_stays_in_the_next_year() {
    after(
        YEARS_END,
        "
        object  c2#1 o1
        close   begin
        close   voucher unused
        close   sheet c3#1
        close   finish c2#1 c1#1
        strike  c2#1 owed                                         -> PLAN_YEAR_CLOSED
        decide  c2#1 o1 refuse                                    -> ObjectionDecided ClaimRefused ClaimVoucherRefused ClassClosed
        funds   city 2024 available=99000.00 payable=0.00
        ",
    );
}
