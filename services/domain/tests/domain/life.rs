//! The voucher's life, the class's and the sheet's, as an official would tell it: what is accepted, and what is refused by which rule.

use crate::support::check;

#[test]
fn a_voucher_runs_from_application_to_write_off() {
    check(
        "
        person  p1
        apply   v1 general of=p1                     -> Applied
        issue   v1                                   -> Issued 1000.00
        funds   city 2023 available=99000.00 reserved=1000.00
        class   c1 general days=9 from=2023-06-05
        enrol   v1 c1                                -> Enrolled 900.00
        funds   city 2023 available=99100.00 reserved=900.00
        teach   c1                                   -> ClassFinished
        complete v1                                  -> Completed
        redeem  v1                                   -> Redeemed 900.00
        submit  c1#1                                 -> ClaimSubmitted
        approve c1#1                                 -> ClaimApproved 900.00
        funds   city 2023 reserved=0.00 payable=900.00
        at      2023-06-30
        send    c1#1                                 -> PayoutSent
        paid    c1#1                                 -> PayoutRecorded
        funds   city 2023 payable=0.00 paid=900.00
        write-off v1                                 -> WrittenOff 900.00 ClaimClosed ClassClosed
        is      v1 written_off
        is      c1#1 closed
        is      c1 closed
        funds   city 2023 available=99100.00 reserved=0.00 payable=0.00 paid=900.00
    ",
    );
}
