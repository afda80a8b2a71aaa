//! People (实名): the handlers.

use super::service;

service! {
    people_service_server::PeopleService;
    moves {
        register_person(RegisterPersonRequest) -> RegisterPersonResponse,
        record_check_answers(RecordCheckAnswersRequest) -> RecordCheckAnswersResponse,
        erase_subject(EraseSubjectRequest) -> EraseSubjectResponse,
        reveal_person(RevealPersonRequest) -> RevealPersonResponse,
    }
    batches {
        batch_register_person(BatchRegisterPersonRequest) -> BatchRegisterPersonResponse,
        batch_record_check_answers(BatchRecordCheckAnswersRequest) -> BatchRecordCheckAnswersResponse,
    }
    others {
        check_person(CheckPersonRequest) -> CheckPersonResponse,
        get_person(GetPersonRequest) -> Person,
        find_person(FindPersonRequest) -> Person,
    }
}
