//! The class's life and what happens in it: file, approve, enrol, attend, drop, complete, finish, cancel.

use crate::support::check;

#[test]
fn a_class_is_filed_in_time_by_a_body_that_may_teach_it() {
    check(
        "
        # 4 May is a Thursday: the 5th and the Saturday after it, which is worked, are two working days.
        file c1 general from=2023-05-08                           -> FILED_TOO_LATE
        file c1 general by=plant                                  -> CAPACITY_MISSING NOT_IN_CATALOGUE
        file c1 general deliverer=school-b by=school-a sponsor=school-a -> NOT_YOURS
        file c1 general days=2                                    -> ClassFiled
        file c1 general                                           -> DUPLICATE_ENTRY
        file c2 general from=2023-11-30                           -> OUTSIDE_TRAINING_PERIOD
        file c2 order_project days=16                             -> TOO_MANY_DAYS
        file c2 general occupation=1-01-01-01                     -> NOT_LICENSED NOT_IN_CATALOGUE
        suspend school-b
        file c2 general by=school-b                               -> INSTITUTION_SUSPENDED
        suspend school-b lifted
        file c2 general by=school-b                               -> ClassFiled
        ",
    );
}

#[test]
fn a_trainer_or_room_is_in_one_class_per_slot() {
    check(
        "
        file c1 general trainer=teacher-wu
        file c2 general trainer=teacher-wu                        -> DOUBLE_BOOKED
        file c2 general room=room-c1                              -> DOUBLE_BOOKED
        file c2 general trainer=teacher-wu from=2023-06-07        -> ClassFiled
        reject-class c1                                           -> ClassRejected
        file c3 general trainer=teacher-wu                        -> ClassFiled
        ",
    );
}

#[test]
fn an_approved_class_may_change_its_room_but_not_what_has_begun() {
    check(
        "
        class  c1 general
        change c1 room=hall                                       -> ClassChanged
        file   c2 general room=room-c1 by=school-b                -> ClassFiled
        file   c3 general room=hall by=school-b                   -> DOUBLE_BOOKED
        cancel c1 by=school-b                                     -> NOT_YOURS
        cancel c1                                                 -> ClassCancelled
        change c1 room=hall                                       -> CLASS_OVER
        ",
    );
}

#[test]
fn enrolling_takes_the_genuine_token_and_the_holder_in_person() {
    check(
        "
        voucher v1 general
        voucher v2 general
        file    c1 general
        enrol   v1 c1                                             -> CLASS_NOT_APPROVED
        approve-class c1                                          -> ClassApproved
        enrol   v1 c1 token=v2                                    -> TOKEN_INVALID
        enrol   v1 c1 token=forged                                -> TOKEN_INVALID
        enrol   v1 c1 holder=p-v2                                 -> HOLDER_MISMATCH
        enrol   v1 c1 by=school-b                                 -> NOT_YOURS
        enrol   v1 c1                                             -> Enrolled 200.00
        enrol   v1 c1                                             -> VOUCHER_NOT_ISSUED DAY_TAKEN
        ",
    );
}

#[test]
fn a_seat_a_matching_programme_and_an_open_roster_are_needed() {
    check(
        "
        voucher v1 general
        voucher v2 general
        voucher v3 order_project
        voucher v4 general occupation=6-18-01-07
        class   c1 general seats=1
        enrol   v3 c1                                             -> PROGRAMME_MISMATCH
        enrol   v4 c1                                             -> PROGRAMME_MISMATCH
        enrol   v1 c1                                             -> Enrolled 200.00
        enrol   v2 c1                                             -> CLASS_FULL
        drop    v1                                                -> Dropped
        at      2023-06-05 23
        enrol   v2 c1                                             -> Enrolled 200.00
        drop    v2
        at      2023-06-06 00
        enrol   v2 c1                                             -> ROSTER_LOCKED
        ",
    );
}

#[test]
fn a_person_is_in_one_class_a_day_and_has_so_many_a_year() {
    check(
        "
        voucher v1 general
        voucher v2 order_project of=p-v1                          -> CHECK_MISSING
        person  p2 as=unemployed
        voucher w1 general of=p2 as=unemployed
        voucher w2 order_project of=p2
        class   c1 general
        class   c2 order_project occupation=6-18-01-07
        class   c3 order_project from=2023-06-07
        class   c4 order_project occupation=6-18-01-07 from=2023-06-07
        enrol   w1 c1                                             -> Enrolled 200.00
        enrol   w2 c2                                             -> DAY_TAKEN
        enrol   w2 c3                                             -> OCCUPATION_ALREADY_TRAINED
        enrol   w2 c4                                             -> Enrolled 300.00
        ",
    );
}

#[test]
fn attendance_is_entered_in_time_or_late_through_a_clerk() {
    check(
        "
        voucher v1 general
        class   c1 general
        enrol   v1 c1
        at      2023-06-05 07
        attend  c1 0                                              -> OUTSIDE_TIMETABLE
        at      2023-06-05 12
        attend  c1 0 by=school-b                                  -> NOT_YOURS
        attend  c1 0                                              -> AttendanceRecorded
        attend  c1 0                                              -> SLOT_ALREADY_RECORDED
        attend  c1 9                                              -> SLOT_UNKNOWN
        late    c1 1                                              -> ENTRY_WINDOW_OPEN
        at      2023-06-06 18
        attend  c1 1                                              -> ENTRY_WINDOW_OVER
        late    c1 1                                              -> LateEntryRequested
        approve-late c1 1 by=school-a                             -> ROLE_MISSING
        approve-late c1 1 saw=an-earlier-one                      -> PROPOSAL_CHANGED
        approve-late c1 1                                         -> LateEntryApproved
        approve-late c1 1                                         -> NOTHING_TO_CONFIRM
        attend  c1 2 lessons=5                                    -> OUTSIDE_TIMETABLE
        attend  c1 2
        attend  c1 3
        complete v1                                               -> LATE_SHARE_EXCEEDED
        ",
    );
}

#[test]
fn only_who_was_there_completes() {
    check(
        "
        voucher v1 general
        voucher v2 general
        class   c1 general days=5
        enrol   v1 c1
        enrol   v2 c1
        complete v1                                               -> CLASS_NOT_RUNNING CLASS_NOT_OVER ATTENDANCE_SHORT LESSONS_SHORT MODULES_MISSING
        finish  c1                                                -> CLASS_NOT_RUNNING CLASS_NOT_OVER
        teach   c1 absent=v2:2                                    -> ClassFinished
        complete v1 by=school-b                                   -> NOT_YOURS
        complete v1                                               -> Completed
        complete v1                                               -> VOUCHER_NOT_ENROLLED
        complete v2                                               -> ATTENDANCE_SHORT
        drop    v2                                                -> Dropped
        funds   city 2023 reserved=1000.00
        redeem  v1                                                -> Redeemed 500.00
        ",
    );
}

#[test]
fn a_day_missed_within_the_share_is_a_day_not_paid() {
    check(
        "
        voucher v1 general
        class   c1 general days=5
        enrol   v1 c1                                             -> Enrolled 500.00
        teach   c1 absent=v1:1
        complete v1
        redeem  v1                                                -> Redeemed 400.00
        ",
    );
}

#[test]
fn paper_entries_are_capped() {
    check(
        "
        voucher v1 general
        class   c1 general
        enrol   v1 c1
        at      2023-06-05 18
        attend  c1 0 paper=v1
        attend  c1 1
        teach   c1
        complete v1                                               -> PAPER_SHARE_EXCEEDED
        ",
    );
}

#[test]
fn a_class_that_the_bureau_stops_leaves_its_days_to_be_claimed() {
    check(
        "
        voucher v1 general
        class   c1 general days=4
        enrol   v1 c1                                             -> Enrolled 400.00
        at      2023-06-05 18
        attend  c1 0
        attend  c1 1
        cancel  c1 by=reviewer                                    -> ClassCancelled Dropped
        is      c1 cancelled
        is      v1 issued
        class   c2 general days=2 from=2023-06-12
        enrol   v1 c2                                             -> Enrolled 300.00
        teach   c2
        complete v1
        redeem  v1                                                -> Redeemed 300.00
        ",
    );
}

#[test]
fn a_class_that_its_deliverer_stops_leaves_nothing() {
    check(
        "
        voucher v1 general
        class   c1 general days=4
        enrol   v1 c1
        at      2023-06-05 18
        attend  c1 0
        attend  c1 1
        cancel  c1                                                -> ClassCancelled Dropped
        class   c2 general days=2 from=2023-06-12
        enrol   v1 c2                                             -> Enrolled 200.00
        ",
    );
}

#[test]
fn whoever_drops_out_when_the_time_to_use_it_is_over_expires() {
    check(
        "
        voucher v1 general
        class   c1 general from=2023-11-29
        enrol   v1 c1
        teach   c1
        at      2023-12-01 00
        drop    v1                                                -> Dropped Expired ClassClosed
        is      v1 expired
        funds   city 2023 reserved=0.00
        ",
    );
}

#[test]
fn staff_are_taught_in_a_class_that_is_paid_to_their_own_enterprise() {
    check(
        "
        voucher v1 enterprise_staff employer=plant
        class   c1 enterprise_staff deliverer=mill payee=mill sponsor=plant by=mill
        enrol   v1 c1                                             -> NOT_YOURS
        class   c2 enterprise_staff deliverer=plant payee=plant
        enrol   v1 c2                                             -> Enrolled 300.00
        ",
    );
}

#[test]
fn a_second_drop_leaves_the_days_taught_in_the_class_before() {
    check(
        "
        voucher v1 general
        class   c1 general days=4
        enrol   v1 c1
        at      2023-06-05 18
        attend  c1 0
        attend  c1 1
        drop    v1                                                -> Dropped
        holds   v1 2023-06-05
        class   c2 general days=2 from=2023-06-12
        enrol   v1 c2
        holds   v1 2023-06-05 2023-06-12 2023-06-13
        drop    v1                                                -> Dropped
        holds   v1 2023-06-05
        ",
    );
}

#[test]
fn a_drop_keeps_a_day_whose_attendance_may_still_be_entered() {
    check(
        "
        voucher v1 general
        voucher v2 general
        class   c1 general days=4
        enrol   v1 c1
        enrol   v2 c1
        at      2023-06-05 09
        # The morning has begun and is not on record: it counts for v2, and so its day is not given back.
        drop    v2                                                -> Dropped
        holds   v2 2023-06-05
        at      2023-06-05 18
        attend  c1 0 with=v2                                      -> AttendanceRecorded
        attend  c1 1 with=v2                                      -> SEAT_UNKNOWN
        attend  c1 1
        at      2023-06-06 18
        attend  c1 2 absent=v1
        attend  c1 3 absent=v1
        # On record as absent: nothing is left to be entered for it.
        drop    v1                                                -> Dropped
        holds   v1 2023-06-05
        ",
    );
}

#[test]
fn a_day_before_the_enrolment_is_nobodys_attendance() {
    check(
        "
        voucher v1 general
        voucher v2 general
        class   c1 general days=5
        enrol   v1 c1
        at      2023-06-05 10
        # At the door of the first session: the lessons that are left of it count.
        enrol   v2 c1                                             -> Enrolled 500.00
        attend  c1 0 lessons=2                                    -> AttendanceRecorded
        voucher v3 general
        at      2023-06-05 23
        enrol   v3 c1                                             -> Enrolled 500.00
        attend  c1 1                                              -> SEAT_UNKNOWN
        attend  c1 1 without=v3                                   -> AttendanceRecorded
        ",
    );
}

#[test]
fn a_class_that_somebody_completed_is_not_stopped() {
    check(
        "
        voucher v1 general
        voucher v2 general
        class   c1 general
        enrol   v1 c1
        enrol   v2 c1
        at      2023-06-05 18
        attend  c1 0
        attend  c1 1
        at      2023-06-06 18
        attend  c1 2
        attend  c1 3
        complete v1                                               -> Completed
        cancel  c1                                                -> CLASS_OVER
        cancel  c1 by=reviewer                                    -> CLASS_OVER
        is      v1 completed
        finish  c1                                                -> ClassFinished
        ",
    );
}
