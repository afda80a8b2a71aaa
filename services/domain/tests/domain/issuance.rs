//! Issue, revoke, reissue, expire, override, freeze: the voucher and its money until it is used.

use hefu_domain::{Days, Fen, Programme};

use crate::support::{check, check_on, county_with};

#[test]
fn who_applied_or_handled_the_application_does_not_issue_it() {
    check(
        "
        person p1
        apply  v1 general of=p1
        reject v1 by=everybody
        reopen v1
        issue  v1 by=everybody                                    -> SAME_PERSON
        issue  v1 by=finance                                      -> ROLE_MISSING
        issue  v1 by=nobody                                       -> CALLER_UNKNOWN
        issue  v1                                                 -> Issued 1000.00
        issue  v1                                                 -> VOUCHER_NOT_APPLIED
        issue  v2                                                 -> VOUCHER_NOT_FOUND
        ",
    );
}

#[test]
fn who_recorded_the_answers_or_saw_the_holder_sign_does_not_issue() {
    check(
        "
        person p1
        answer p1 rural yes by=everybody ref=TOWNSHIP-17
        apply  v1 general of=p1
        issue  v1 by=everybody                                    -> SAME_PERSON
        issue  v1                                                 -> Issued 1000.00
        person p2 as=enterprise_employee
        apply  v2 enterprise_staff of=p2 by=plant                 -> Applied
        confirm v2 on-paper nobody by=everybody                   -> ApplicationConfirmed
        issue  v2 by=everybody                                    -> SAME_PERSON
        issue  v2                                                 -> Issued 300.00
        ",
    );
}

#[test]
fn general_training_beyond_the_citys_plan_is_the_countys_own_money() {
    check(
        "
        targets 2023 general=3
        voucher v1 general
        voucher v2 order_project
        voucher v3 general
        funds   city 2023 reserved=4000.00
        voucher v4 general
        funds   city 2023 reserved=4000.00
        funds   county 2023 reserved=1000.00
        # Order and project training counts in the plan and is paid as ever.
        voucher v5 order_project
        funds   city 2023 reserved=6000.00
        revoke  v1
        revoke  v2
        revoke  v3
        voucher v6 general
        funds   city 2023 reserved=3000.00
        ",
    );
    // So is a refused claim that comes back when the plan has filled up meanwhile.
    check(
        "
        targets 2023 general=1
        voucher v1 general
        class   c1 general
        enrol   v1 c1
        teach   c1
        complete v1
        redeem  v1
        submit  c1#1
        refuse  c1#1
        voucher v2 general
        funds   city 2023 reserved=1000.00
        reopen-claim c1#1                                         -> ClaimReopened Reclaimed
        funds   city 2023 reserved=1000.00
        funds   county 2023 reserved=200.00
        ",
    );
}

#[test]
fn issue_reserves_the_programmes_maximum_from_the_first_source_that_has_it() {
    check(
        "
        voucher v1 order_project
        funds   city 2023 reserved=2000.00
        voucher v2 enterprise_staff
        funds   city 2023 reserved=2300.00
        voucher v3 assessment level=4
        funds   city 2023 reserved=2600.00
        ",
    );
}

#[test]
fn no_voucher_is_out_without_its_money() {
    let script = (0..100)
        .map(|n| format!("voucher city-{n} general\n"))
        .collect::<String>();
    check(&format!(
        "
        {script}
        funds   city 2023 available=0.00 reserved=100000.00
        voucher v1 general                                        -> Issued 1000.00
        funds   county 2023 reserved=1000.00
        appropriate county 2023 500.00
        "
    ));
    let script = (0..199)
        .map(|n| format!("voucher v{n} general\n"))
        .collect::<String>();
    check(&format!(
        "
        {script}
        voucher a general
        voucher b general                                         -> FUNDS_EXHAUSTED
        appropriate city 2023 999.99
        issue   b                                                 -> FUNDS_EXHAUSTED
        appropriate city 2023 0.01
        issue   b                                                 -> Issued 1000.00
        "
    ));
}

#[test]
fn an_unused_voucher_is_revoked_with_its_reserve() {
    check(
        "
        voucher v1 general
        class   c1 general
        enrol   v1 c1
        revoke  v1                                                -> Revoked
        funds   city 2023 reserved=0.00 available=100000.00
        revoke  v1                                                -> VOUCHER_NOT_ISSUED
        voucher v2 general of=p-v1                                -> Issued 1000.00
        enrol   v2 c1                                             -> Enrolled 200.00
        ",
    );
}

#[test]
fn a_reissued_token_kills_the_old_one() {
    check(
        "
        voucher v1 general
        class   c1 general
        fetch   v1                                                -> TokenFetched
        fetch   v1 by=school-a                                    -> NOT_YOURS
        reissue v1                                                -> TokenReissued
        enrol   v1 c1 token=old                                   -> TOKEN_INVALID
        enrol   v1 c1                                             -> Enrolled 200.00
        ",
    );
}

#[test]
fn vouchers_expire_on_the_first_moment_after_their_last_day() {
    check(
        "
        voucher v1 general
        at      2023-11-30 23
        expire  v1                                                -> NOT_DUE
        at      2023-12-01 00
        expire  v1                                                -> Expired
        funds   city 2023 reserved=0.00
        ",
    );
    check(
        "
        voucher v1 general
        class   c1 general
        enrol   v1 c1
        teach   c1
        complete v1
        at      2024-03-10 23
        expire  v1                                                -> NOT_DUE
        at      2024-03-11 00
        redeem  v1                                                -> VOUCHER_EXPIRED
        expire  v1                                                -> Expired ClassClosed
        funds   city 2023 reserved=0.00
        ",
    );
}

#[test]
fn a_redeemed_voucher_expires_only_while_its_sheet_is_open() {
    let redeemed = "
        voucher v1 general
        class   c1 general
        enrol   v1 c1
        teach   c1
        complete v1
        redeem  v1
    ";
    check(&format!(
        "
        {redeemed}
        submit  c1#1
        at      2024-03-11 00
        expire  v1                                                -> NOT_DUE
        return  c1#1                                              -> ClaimReturned
        submit  c1#1                                              -> CLAIM_BY_OVER VOUCHER_EXPIRED
        # Nothing is left on it: an empty sheet does not keep its class open.
        expire  v1                                                -> Expired ClaimClosed ClassClosed
        is      c1#1 closed
        submit  c1#1                                              -> SHEET_NOT_OPEN SHEET_EMPTY CLASS_NOT_FINISHED CLAIM_BY_OVER
        "
    ));
}

#[test]
fn a_frozen_voucher_takes_no_move_but_its_ends() {
    check(
        "
        voucher v1 general
        class   c1 general
        freeze  v1 by=clerk                                       -> ROLE_MISSING
        freeze  v1                                                -> Frozen
        freeze  v1                                                -> VOUCHER_FROZEN
        enrol   v1 c1                                             -> VOUCHER_FROZEN
        revoke  v1                                                -> VOUCHER_FROZEN
        withdraw v1                                               -> VOUCHER_FROZEN
        reissue v1                                                -> VOUCHER_FROZEN
        unfreeze v1                                               -> Unfrozen
        unfreeze v1                                               -> VOUCHER_NOT_FROZEN
        freeze  v1
        at      2023-12-01 00
        expire  v1                                                -> Expired
        ",
    );
}

#[test]
fn only_an_override_by_two_people_lifts_the_cap() {
    check(
        "
        voucher v1 general
        voucher v2 general
        override v1 cap=1600.00                                   -> OVERRIDE_NOT_ALLOWED
        override v1 cap=1200.00                                   -> OverrideProposed
        confirm-override v1 by=clerk                              -> ROLE_MISSING
        confirm-override v1 saw=an-earlier-one                    -> PROPOSAL_CHANGED
        confirm-override v1                                       -> OverrideConfirmed
        confirm-override v1                                       -> NO_OVERRIDE_PENDING
        funds   city 2023 reserved=2200.00
        class   c1 general days=13 from=2023-06-05
        enrol   v1 c1                                             -> Enrolled 1200.00
        enrol   v2 c1                                             -> Enrolled 1000.00
        teach   c1
        complete v1
        complete v2
        redeem  v1                                                -> Redeemed 1200.00
        redeem  v2                                                -> Redeemed 1000.00
        ",
    );
    check(
        "
        voucher v1 general
        override v1 cap=1200.00 by=everybody
        confirm-override v1 by=everybody                          -> SAME_PERSON
        ",
    );
}

#[test]
fn who_chose_the_person_does_not_issue() {
    check(
        "
        person right
        person p1
        apply   v1 general of=p1
        correct v1 to=right by=everybody
        confirm-correction v1 by=reviewer-2
        issue   v1 by=everybody                                   -> SAME_PERSON
        issue   v1 by=reviewer-2                                  -> SAME_PERSON
        issue   v1                                                -> Issued 1000.00
        ",
    );
}

#[test]
fn a_new_proposal_leaves_a_confirmed_override_in_force() {
    check(
        "
        voucher v1 general
        override v1 cap=1200.00
        confirm-override v1
        override v1 cap=1300.00                                   -> OverrideProposed
        class   c1 general days=13 from=2023-06-05
        enrol   v1 c1                                             -> Enrolled 1200.00
        confirm-override v1                                       -> OverrideConfirmed
        teach   c1
        complete v1
        redeem  v1                                                -> Redeemed 1300.00
        ",
    );
}

#[test]
fn a_cap_is_lifted_with_its_money_whatever_the_programme() {
    let mut town = county_with(|policy| {
        let order = policy.programmes.get_mut(&Programme::OrderProject).unwrap();
        order.max_days = Some(Days(15));
        order.max_fen = Some(Fen::yuan(1_500));
        order.override_max_fen = Some(Fen::yuan(1_800));
    });
    check_on(
        &mut town,
        "
        voucher v1 order_project                                  -> Issued 1500.00
        override v1 cap=1800.00
        confirm-override v1                                       -> OverrideConfirmed
        funds   city 2023 reserved=1800.00
        ",
    );
}

#[test]
fn the_gate_is_lifted_only_where_policy_says_so() {
    let taught = "
        voucher v1 order_project
        class   c1 order_project
        enrol   v1 c1
        teach   c1
        complete v1
        employ  c1 v1=no
    ";
    check(&format!(
        "
        {taught}
        override v1 gate                                          -> OVERRIDE_NOT_ALLOWED
        redeem  v1
        submit  c1#1                                              -> EMPLOYMENT_SHARE_SHORT
        "
    ));
    let mut town = county_with(|policy| {
        let order = policy.programmes.get_mut(&Programme::OrderProject).unwrap();
        order.override_gate = true;
    });
    check_on(
        &mut town,
        &format!(
            "
            {taught}
            override v1 gate                                      -> OverrideProposed
            confirm-override v1                                   -> OverrideConfirmed
            redeem  v1                                            -> Redeemed 300.00
            submit  c1#1                                          -> ClaimSubmitted
            "
        ),
    );
}

#[test]
fn a_class_outside_the_catalogue_takes_only_whom_two_people_let_in() {
    let mut town = county_with(|policy| {
        let general = policy.programmes.get_mut(&Programme::General).unwrap();
        general.override_catalogue = true;
        general
            .paid_to
            .push(hefu_domain::policy::Capacity::Enterprise);
    });
    check_on(
        &mut town,
        "
        voucher v1 general
        voucher v2 general
        class   c1 general by=plant payee=plant                   -> ClassApproved
        enrol   v1 c1                                             -> NOT_IN_CATALOGUE
        override v1 catalogue                                     -> OverrideProposed
        enrol   v1 c1                                             -> NOT_IN_CATALOGUE
        confirm-override v1                                       -> OverrideConfirmed
        enrol   v1 c1                                             -> Enrolled 200.00
        enrol   v2 c1                                             -> NOT_IN_CATALOGUE
        ",
    );
    check(
        "
        voucher v1 general
        override v1 catalogue                                     -> OVERRIDE_NOT_ALLOWED
        file    c1 general by=plant payee=school-a                -> NOT_IN_CATALOGUE
        ",
    );
}
