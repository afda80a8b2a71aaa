//! Whole classes at a time: what a bench prepares before it measures. Every item of a batch must be accepted.

use hefu_wire::v1;
use jiff::civil::Date;

use super::{Desk, Group, Trainee};
use crate::client::{Client, PlayError};

/// Sends one batch in which every item must be accepted, and returns what was answered to each.
macro_rules! batch {
    ($desk:expr, $client:expr, $key:expr, $method:literal, $batch:ident, $answer:ident, $result:ident, $requests:expr) => {{
        let batch = v1::$batch {
            parent: $desk.office.parent(),
            mode: v1::Mode::Each.into(),
            request_id: String::new(),
            requests: $requests.collect(),
        };
        let answer: v1::$answer = $client.must($key, $method, batch).await?;
        let mut accepted = Vec::with_capacity(answer.results.len());
        for item in answer.results {
            match item.result {
                Some(v1::$result::Result::Response(response)) => accepted.push(response),
                Some(v1::$result::Result::Error(error)) => {
                    return Err(PlayError::Script(format!("{}: {}", $method, error.message)));
                }
                None => {
                    return Err(PlayError::Script(format!(
                        "{}: an item without a result",
                        $method
                    )));
                }
            }
        }
        accepted
    }};
}

/// The name of what a move made.
fn made(receipt: Option<v1::Receipt>) -> String {
    receipt.unwrap_or_default().name
}

impl Desk {
    /// Files and approves so many classes of that day.
    ///
    /// # Errors
    /// `Refused`, `Script`.
    pub async fn classes(
        &self,
        client: &Client,
        day: Date,
        classes: usize,
        seats: u32,
    ) -> Result<Vec<Group>, PlayError> {
        let filings = (0..classes).map(|_| self.filing(day, seats));
        let filed = batch!(
            self,
            client,
            self.school(),
            "TrainingService/BatchFileClass",
            BatchFileClassRequest,
            BatchFileClassResponse,
            file_class_result,
            filings
        );
        let names: Vec<String> = filed.into_iter().map(|filed| made(filed.receipt)).collect();
        batch!(
            self,
            client,
            self.reviewer(),
            "TrainingService/BatchApproveClass",
            BatchApproveClassRequest,
            BatchApproveClassResponse,
            approve_class_result,
            names.iter().map(|name| self.approval(name))
        );
        let group = |class| Group {
            class,
            ..Group::default()
        };
        Ok(names.into_iter().map(group).collect())
    }

    /// Registers so many people and takes each to a voucher whose token they have.
    ///
    /// # Errors
    /// `Refused`, `Script`.
    pub async fn issued(&self, client: &Client, people: usize) -> Result<Vec<Trainee>, PlayError> {
        let mut trainees = self.applied(client, people).await?;
        self.issue_to(client, &mut trainees).await?;
        Ok(trainees)
    }

    /// Registers so many people, who apply.
    ///
    /// # Errors
    /// `Refused`, `Script`.
    pub async fn applied(&self, client: &Client, people: usize) -> Result<Vec<Trainee>, PlayError> {
        let mut trainees = Vec::with_capacity(people);
        let mut registrations = Vec::with_capacity(people);
        for _ in 0..people {
            let number = self.number();
            let registration = self.registration_of(number);
            trainees.push(Trainee {
                number,
                identity: registration.identity_number.clone(),
                ..Trainee::default()
            });
            registrations.push(registration);
        }
        let registered = batch!(
            self,
            client,
            self.clerk(),
            "PeopleService/BatchRegisterPerson",
            BatchRegisterPersonRequest,
            BatchRegisterPersonResponse,
            register_person_result,
            registrations.into_iter()
        );
        for (trainee, registered) in trainees.iter_mut().zip(registered) {
            trainee.person = made(registered.receipt);
        }
        batch!(
            self,
            client,
            self.clerk(),
            "PeopleService/BatchRecordCheckAnswers",
            BatchRecordCheckAnswersRequest,
            BatchRecordCheckAnswersResponse,
            record_check_answers_result,
            trainees.iter().map(|trainee| self.answers(&trainee.person))
        );
        let applied = batch!(
            self,
            client,
            self.portal(),
            "ApplicationService/BatchApply",
            BatchApplyRequest,
            BatchApplyResponse,
            apply_result,
            trainees
                .iter()
                .map(|trainee| self.application(&trainee.person))
        );
        for (trainee, applied) in trainees.iter_mut().zip(applied) {
            trainee.voucher = made(applied.receipt);
        }
        Ok(trainees)
    }

    /// Issues vouchers to those who applied; they fetch their tokens.
    ///
    /// # Errors
    /// `Refused`, `Script`.
    pub async fn issue_to(
        &self,
        client: &Client,
        trainees: &mut [Trainee],
    ) -> Result<(), PlayError> {
        batch!(
            self,
            client,
            self.reviewer(),
            "IssuanceService/BatchIssue",
            BatchIssueRequest,
            BatchIssueResponse,
            issue_result,
            trainees.iter().map(|trainee| self.issue(&trainee.voucher))
        );
        let fetched = batch!(
            self,
            client,
            self.portal(),
            "IssuanceService/BatchFetchToken",
            BatchFetchTokenRequest,
            BatchFetchTokenResponse,
            fetch_token_result,
            trainees.iter().map(|trainee| self.fetch(trainee))
        );
        for (trainee, fetched) in trainees.iter_mut().zip(fetched) {
            trainee.token = fetched.token;
        }
        Ok(())
    }

    /// On the afternoon of the classes: enrols everybody, records who attended, completes those.
    ///
    /// # Errors
    /// `Refused`, `Script`.
    pub async fn teach(&self, client: &Client, groups: &[Group]) -> Result<(), PlayError> {
        let seats = |group: &Group| u32::try_from(group.present().len()).unwrap_or(u32::MAX);
        let enrolments = groups.iter().flat_map(|group| {
            let trainees = group.trainees.iter();
            trainees.map(|trainee| self.enrolment(&group.class, trainee))
        });
        batch!(
            self,
            client,
            self.school(),
            "TrainingService/BatchEnrol",
            BatchEnrolRequest,
            BatchEnrolResponse,
            enrol_result,
            enrolments
        );
        let attended = groups
            .iter()
            .map(|group| self.attendance(&group.class, seats(group)));
        batch!(
            self,
            client,
            self.school(),
            "TrainingService/BatchRecordAttendance",
            BatchRecordAttendanceRequest,
            BatchRecordAttendanceResponse,
            record_attendance_result,
            attended
        );
        let present = groups.iter().flat_map(Group::present);
        batch!(
            self,
            client,
            self.school(),
            "TrainingService/BatchComplete",
            BatchCompleteRequest,
            BatchCompleteResponse,
            complete_result,
            present.map(|trainee| self.completion(&trainee.voucher))
        );
        Ok(())
    }

    /// The school claims what these vouchers are worth.
    ///
    /// # Errors
    /// `Refused`, `Script`.
    pub async fn redeem<'a>(
        &self,
        client: &Client,
        trainees: impl Iterator<Item = &'a Trainee>,
    ) -> Result<(), PlayError> {
        batch!(
            self,
            client,
            self.school(),
            "RedemptionService/BatchRedeem",
            BatchRedeemRequest,
            BatchRedeemResponse,
            redeem_result,
            trainees.map(|trainee| self.redemption(trainee))
        );
        Ok(())
    }
}
