//! The employment share ("就业率达到80%及以上"): what became of an order class's people, and what rests on the statement of it.

use crate::support::check;

/// Five people of an order class, all completed and on one sheet.
const ORDER: &str = "
    voucher v1 order_project
    voucher v2 order_project
    voucher v3 order_project
    voucher v4 order_project
    voucher v5 order_project
    class   c1 order_project days=10
    enrol   v1 c1
    enrol   v2 c1
    enrol   v3 c1
    enrol   v4 c1
    enrol   v5 c1
    teach   c1
    complete v1
    complete v2
    complete v3
    complete v4
    complete v5
    redeem  v1
    redeem  v2
    redeem  v3
    redeem  v4
    redeem  v5
";

fn after_order(script: &str) {
    check(&format!("{ORDER}\n{script}"));
}

#[test]
fn an_order_class_is_claimed_when_four_fifths_are_in_work_and_stayed() {
    after_order(
        "
        submit  c1#1                                              -> EMPLOYMENT_SHARE_SHORT
        employ  c1 v1=2023-06-20                                  -> DATES_INVALID
        at      2023-08-01
        employ  c1 v1=2023-06-20 v2=2023-06-20 v3=2023-06-20 v4=no v5=no
        submit  c1#1                                              -> EMPLOYMENT_SHARE_SHORT
        employ  c1 v4=2023-07-15                                  -> EmploymentRecorded
        submit  c1#1                                              -> EMPLOYMENT_NOT_HELD
        at      2023-08-13 23
        submit  c1#1                                              -> EMPLOYMENT_NOT_HELD
        at      2023-08-14 00
        submit  c1#1                                              -> ClaimSubmitted
        ",
    );
}

#[test]
fn work_that_pays_less_than_the_minimum_living_standard_is_none_and_none_is_without_evidence() {
    after_order(
        "
        at      2023-08-01
        employ  c1 v1=2023-06-20 without-evidence                 -> EVIDENCE_MISSING
        employ  c1 v1=2023-06-20 v2=2023-06-20 v3=2023-06-20 v5=no
        employ  c1 v4=2023-06-20 income=699.99
        submit  c1#1                                              -> EMPLOYMENT_SHARE_SHORT
        employ  c1 v4=2023-06-20 income=700.00
        submit  c1#1                                              -> ClaimSubmitted
        ",
    );
}

#[test]
fn the_dead_the_ill_and_the_enlisted_leave_the_denominator() {
    after_order(
        "
        at      2023-08-01
        employ  c1 v1=2023-06-20 v2=2023-06-20 v3=2023-06-20 v4=2023-06-20 v5=MOVED_AWAY -> REASON_UNKNOWN
        employ  c1 v1=2023-06-20 v2=2023-06-20 v3=ENLISTMENT v4=ILLNESS v5=no
        submit  c1#1                                              -> EMPLOYMENT_SHARE_SHORT
        employ  c1 v5=DEATH
        submit  c1#1                                              -> ClaimSubmitted
        ",
    );
}

#[test]
fn who_left_before_the_roster_locked_is_not_counted_and_who_left_later_is() {
    check(
        "
        voucher v1 order_project
        voucher v2 order_project
        class   c1 order_project days=10
        enrol   v1 c1
        enrol   v2 c1
        drop    v2
        teach   c1
        complete v1
        redeem  v1
        at      2023-08-01
        employ  c1 v1=2023-06-20
        submit  c1#1                                              -> ClaimSubmitted
        ",
    );
    check(
        "
        voucher v1 order_project
        voucher v2 order_project
        class   c1 order_project days=10
        enrol   v1 c1
        enrol   v2 c1
        at      2023-06-05 18
        attend  c1 0
        attend  c1 1
        at      2023-06-06 08
        drop    v2
        teach   c1
        complete v1
        redeem  v1
        at      2023-08-01
        employ  c1 v1=2023-06-20
        submit  c1#1                                              -> EMPLOYMENT_SHARE_SHORT
        ",
    );
}

#[test]
fn the_employment_statement_stands_while_a_claim_rests_on_it() {
    after_order(
        "
        at      2023-09-01
        employ  c1 v1=2023-06-20 v2=2023-06-20 v3=2023-06-20 v4=2023-06-20 v5=no
        submit  c1#1                                              -> ClaimSubmitted
        employ  c1 v5=2023-06-20                                  -> SHEET_NOT_OPEN
        return  c1#1
        employ  c1 v5=2023-06-20                                  -> EmploymentRecorded
        submit  c1#1
        approve c1#1
        employ  c1 v1=no                                          -> SHEET_NOT_OPEN
        ",
    );
    after_order(
        "
        at      2023-09-01
        employ  c1 v1=2023-06-20 v2=2023-06-20 v3=2023-06-20 v4=2023-06-20 v5=no
        submit  c1#1
        strike  c1#1 v5
        employ  c1 v5=2023-06-20                                  -> SHEET_NOT_OPEN
        refuse  c1#1
        employ  c1 v5=2023-06-20                                  -> EmploymentRecorded
        ",
    );
}
