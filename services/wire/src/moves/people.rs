//! People (实名): requests read into moves.

use hefu_domain::PersonId;
use hefu_domain::command::{self as act, Act};

use super::{Move, request};
use crate::read::Reader;
use crate::v1;

impl Move for v1::RegisterPersonRequest {
    request!("RegisterPerson");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        r.parent("parent", &self.parent);
        let tag = r.identity("identity_number", &self.identity_number);
        let person = PersonId((r.edge.draw)("person"));
        Some(act::RegisterPerson { person, tag: tag? }.into())
    }
}

impl Move for v1::RecordCheckAnswersRequest {
    request!("RecordCheckAnswers");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let person = r.name("name", &self.name, "people");
        let answers = r.list("answers", &self.answers, 50, |r, given| {
            let check = r.code("check", &given.check);
            let answer = r.code("answer", &given.answer);
            let valid_until = r.date("valid_until", &given.valid_until);
            let reference = r.optional_code("reference", &given.reference);
            let employer = r.optional_name("employer", &given.employer, "institutions");
            Some(act::CheckAnswer {
                check: check?,
                answer: answer?,
                valid_until: valid_until?,
                reference: reference?,
                employer: employer?,
            })
        });
        Some(
            act::RecordCheckAnswers {
                person: person?,
                answers: answers?,
            }
            .into(),
        )
    }
}

impl Move for v1::EraseSubjectRequest {
    request!("EraseSubject");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let person = r.name("name", &self.name, "people");
        let reason = r.code("reason", &self.reason);
        Some(
            act::EraseSubject {
                person: person?,
                reason: reason?,
            }
            .into(),
        )
    }
}

impl Move for v1::RevealPersonRequest {
    request!("RevealPerson");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let person = r.name("name", &self.name, "people");
        let reason = r.code("reason", &self.reason);
        Some(
            act::RevealPerson {
                person: person?,
                reason: reason?,
            }
            .into(),
        )
    }
}

super::batches! {
    BatchRegisterPersonRequest => RegisterPersonRequest, RegisterPersonResponse, register_person_result::RegisterPersonResult, BatchRegisterPersonResponse;
    BatchRecordCheckAnswersRequest => RecordCheckAnswersRequest, RecordCheckAnswersResponse, record_check_answers_result::RecordCheckAnswersResult, BatchRecordCheckAnswersResponse;
}
