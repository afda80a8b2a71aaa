//! Assessment sessions and their vouchers.

use crate::support::check;

#[test]
fn an_assessment_voucher_runs_from_issue_to_write_off() {
    check(
        "
        voucher v1 assessment                                     -> Issued 200.00
        session s1
        assess  v1 s1 pass                                        -> OUTSIDE_TIMETABLE
        at      2023-07-03
        assess  v1 s1 fail                                        -> Assessed
        assess  v1 s1 pass                                        -> Assessed
        is      v1 completed
        redeem  v1                                                -> Redeemed 200.00
        submit  s1#1                                              -> CLASS_NOT_FINISHED
        finish-session s1                                         -> SessionFinished
        # Asked too early: an answer before the claim says nothing about the day of its review.
        answer  p-v1 skill_subsidy_right no
        submit  s1#1                                              -> ClaimSubmitted
        approve s1#1                                              -> CERTIFICATE_UNCONFIRMED INSURANCE_ANSWER_MISSING
        certificate v1                                            -> CertificateConfirmed
        answer  p-v1 skill_subsidy_right yes
        approve s1#1                                              -> NOT_ELIGIBLE
        answer  p-v1 skill_subsidy_right no
        approve s1#1                                              -> ClaimApproved 200.00
        at      2023-07-12
        send    s1#1
        paid    s1#1
        write-off v1                                              -> WrittenOff 200.00 ClaimClosed SessionClosed
        ",
    );
}

#[test]
fn a_certificate_number_is_on_record_once() {
    check(
        "
        voucher v1 assessment
        voucher v2 assessment
        session s1
        at      2023-07-03
        assess  v1 s1 pass certificate=X1                         -> Assessed
        assess  v2 s1 pass certificate=X1                         -> CERTIFICATE_NUMBER_TAKEN
        assess  v2 s1 pass certificate=X2                         -> Assessed
        ",
    );
}

#[test]
fn attempts_are_counted_and_end() {
    check(
        "
        voucher v1 assessment
        session s1
        at      2023-07-03
        assess  v1 s1 fail
        assess  v1 s1 absent
        assess  v1 s1 fail
        assess  v1 s1 pass                                        -> ATTEMPTS_USED_UP
        ",
    );
}

#[test]
fn the_same_occupation_and_level_is_assessed_once_ever() {
    check(
        "
        voucher v1 assessment
        voucher v2 assessment of=p-v1                             -> LIVE_VOUCHER_EXISTS OCCUPATION_ALREADY_ASSESSED
        session s1
        at      2023-07-03
        assess  v1 s1 pass
        finish-session s1
        redeem  v1
        submit  s1#1
        certificate v1
        answer  p-v1 skill_subsidy_right no
        approve s1#1
        at      2023-07-12
        send    s1#1
        paid    s1#1
        write-off v1
        apply   v2 assessment of=p-v1                             -> OCCUPATION_ALREADY_ASSESSED
        apply   v2 assessment of=p-v1 level=4                     -> Applied
        ",
    );
}

#[test]
fn a_graduating_student_has_one_free_assessment() {
    check(
        "
        voucher v1 assessment as=graduating_student
        session s1
        at      2023-07-03
        assess  v1 s1 pass
        finish-session s1
        redeem  v1
        submit  s1#1
        certificate v1
        answer  p-v1 skill_subsidy_right no
        approve s1#1
        at      2023-07-12
        send    s1#1
        paid    s1#1
        write-off v1
        apply   v2 assessment of=p-v1 level=4 as=graduating_student -> GRADUATION_ASSESSMENT_TAKEN
        ",
    );
}

#[test]
fn an_assessment_is_claimed_within_its_days() {
    check(
        "
        voucher v1 assessment
        session s1
        at      2023-07-03
        assess  v1 s1 pass
        finish-session s1
        at      2023-10-31 23
        expire  v1                                                -> NOT_DUE
        at      2023-11-01 00
        redeem  v1                                                -> VOUCHER_EXPIRED
        expire  v1                                                -> Expired SessionClosed
        ",
    );
}

#[test]
fn a_pass_on_a_training_voucher_keeps_its_state_and_no_trainer_examines() {
    check(
        "
        voucher v1 general
        class   c1 general
        enrol   v1 c1
        teach   c1
        session s1 examiner=trainer-c1
        session s2
        at      2023-07-03
        assess  v1 s1 pass                                        -> EXAMINER_TRAINED_THE_PERSON
        assess  v1 s2 pass                                        -> Assessed
        is      v1 enrolled
        complete v1
        redeem  v1                                                -> Redeemed 200.00
        ",
    );
}

#[test]
fn a_denied_certificate_is_not_paid() {
    check(
        "
        voucher v1 assessment
        session s1
        at      2023-07-03
        assess  v1 s1 pass
        certificate v1 unknown                                    -> CertificateConfirmed
        redeem  v1                                                -> CERTIFICATE_DENIED
        ",
    );
}

#[test]
fn a_mistyped_number_is_recorded_anew_and_the_wrong_one_is_free() {
    check(
        "
        voucher v1 assessment
        voucher v2 assessment
        session s1
        session s2 examiner=examiner-2
        at      2023-07-03
        assess  v1 s1 fail
        assess  v1 s1 fail
        assess  v1 s1 pass certificate=X2                         -> Assessed
        assess  v1 s1 pass certificate=X1                         -> ATTEMPTS_USED_UP VOUCHER_NOT_ISSUED
        finish-session s1
        at      2023-07-10
        certificate v1 unknown                                    -> CertificateConfirmed
        certificate v1                                            -> NOTHING_TO_CONFIRM
        redeem  v1                                                -> CERTIFICATE_DENIED
        # X2 is the number of v2's certificate.
        assess  v2 s2 pass certificate=X2                         -> Assessed
        assess  v1 s2 pass certificate=X1                         -> ATTEMPTS_USED_UP VOUCHER_NOT_ISSUED
        assess  v1 s1 fail                                        -> VOUCHER_NOT_ISSUED
        assess  v1 s1 pass certificate=X1                         -> Assessed
        certificate v1                                            -> CertificateConfirmed
        redeem  v1                                                -> Redeemed 200.00
        ",
    );
    check(
        "
        voucher v1 general
        class   c1 general
        enrol   v1 c1
        teach   c1
        session s1
        at      2023-07-03
        assess  v1 s1 pass certificate=X1
        finish-session s1                                         -> SessionFinished SessionClosed
        certificate v1 unknown                                    -> CertificateConfirmed
        assess  v1 s1 pass certificate=X2                         -> Assessed
        assess  v1 s1 pass certificate=X2                         -> CLASS_NOT_APPROVED OCCUPATION_ALREADY_ASSESSED CERTIFICATE_NUMBER_TAKEN
        ",
    );
}

#[test]
fn whoever_was_trained_for_it_is_examined_apart_from_their_training() {
    check(
        "
        voucher t1 general of=p1 as=other_worker
        class   c1 general
        enrol   t1 c1
        teach   c1
        complete t1
        voucher v1 assessment of=p1 as=other_worker
        session s1 examiner=trainer-c1
        session s2
        at      2023-07-03
        assess  v1 s1 pass                                        -> EXAMINER_TRAINED_THE_PERSON
        redeem  t1
        submit  c1#1
        approve c1#1
        at      2023-07-12
        send    c1#1
        paid    c1#1
        # Paid, written off or claimed back: who taught them stays who taught them.
        assess  v1 s1 pass                                        -> EXAMINER_TRAINED_THE_PERSON
        write-off t1
        assess  v1 s1 pass                                        -> EXAMINER_TRAINED_THE_PERSON
        claw-back t1 200.00
        confirm-claw-back t1
        assess  v1 s1 pass                                        -> EXAMINER_TRAINED_THE_PERSON
        assess  v1 s2 pass                                        -> Assessed
        ",
    );
}

#[test]
fn a_student_is_assessed_freely_once_in_each_school_year_of_graduation() {
    check(
        "
        voucher v1 assessment as=graduating_student
        session s1
        at      2023-07-03
        assess  v1 s1 pass
        finish-session s1
        redeem  v1
        submit  s1#1
        certificate v1
        answer  p-v1 skill_subsidy_right no
        approve s1#1
        at      2023-07-12
        send    s1#1
        paid    s1#1
        write-off v1
        at      2023-08-31 22
        apply   v2 assessment of=p-v1 level=4 as=graduating_student -> GRADUATION_ASSESSMENT_TAKEN
        # Another school, another last year of it: it is entered in September.
        at      2023-09-01 00
        apply   v2 assessment of=p-v1 level=4 as=graduating_student -> Applied
        ",
    );
}

#[test]
fn a_session_seats_whoever_is_recorded_there_passed_or_not() {
    check(
        "
        voucher v1 assessment
        voucher v2 assessment
        session s1 seats=1
        at      2023-07-03
        assess  v1 s1 fail                                        -> Assessed
        assess  v2 s1 fail                                        -> CLASS_FULL
        assess  v1 s1 pass                                        -> Assessed
        ",
    );
}

#[test]
fn the_days_of_a_claim_run_from_the_session_and_not_from_its_recording() {
    check(
        "
        voucher v1 assessment
        session s1
        at      2023-07-20
        assess  v1 s1 pass
        finish-session s1
        at      2023-10-31 23
        expire  v1                                                -> NOT_DUE
        at      2023-11-01 00
        expire  v1                                                -> Expired SessionClosed
        ",
    );
}

#[test]
fn an_approval_asks_the_insurance_register_again_and_no_other() {
    check(
        "
        voucher v1 assessment
        session s1
        at      2023-07-03
        assess  v1 s1 pass
        finish-session s1
        redeem  v1
        certificate v1
        # They found work since: what they earned as a casual worker stays theirs.
        answer  p-v1 flexible no
        answer  p-v1 skill_subsidy_right no
        submit  s1#1
        approve s1#1                                              -> INSURANCE_ANSWER_MISSING
        answer  p-v1 skill_subsidy_right no
        return  s1#1
        submit  s1#1
        approve s1#1                                              -> INSURANCE_ANSWER_MISSING
        answer  p-v1 skill_subsidy_right no
        approve s1#1                                              -> ClaimApproved 200.00
        ",
    );
}

#[test]
fn a_session_is_cancelled_while_nobody_has_passed() {
    check(
        "
        voucher v1 assessment
        file-session s1
        assess  v1 s1 pass                                        -> CLASS_NOT_APPROVED OUTSIDE_TIMETABLE
        approve-session s1                                        -> SessionApproved
        cancel-session s1 by=school-a                             -> ROLE_MISSING
        cancel-session s1                                         -> SessionCancelled
        session s2
        at      2023-07-03
        assess  v1 s2 pass
        cancel-session s2                                         -> CLASS_OVER
        ",
    );
}

#[test]
fn a_session_is_paid_to_its_body_or_by_contract_to_a_school() {
    check(
        "
        file-session s1 payee=plant                               -> CAPACITY_MISSING
        file-session s1 payee=school-a uncontracted               -> CONTRACT_MISSING
        file-session s1 payee=school-a                            -> SessionFiled
        file-session s2                                           -> SessionFiled
        ",
    );
}
