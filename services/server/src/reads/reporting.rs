//! Reports: made of the read model, for the bureau's people; an institution gets its own statement.

use std::time::Duration;

use hefu_domain::{BadCode, Date, InstitutionId, PlanYear, Rpc};
use hefu_report::{Ask, AskError, Lang, Name};
use hefu_wire::{Reader, show, v1};
use tonic::{Code, Request, Status};

use super::asked;
use crate::api::{Api, bad};
use crate::errors;
use crate::reports::ReportsError;

/// How long somebody waits while figures are built.
const PATIENCE: Duration = Duration::from_secs(10);

impl Api {
    pub(crate) async fn get_report(
        &self,
        request: Request<v1::GetReportRequest>,
    ) -> Result<v1::Report, Status> {
        let get = request.get_ref();
        let (region, question) = self
            .asked(Rpc::GetReport, &request, |r| Question::read(r, get))
            .await?;
        let sight = self.sight(Rpc::GetReport, &request, &region).await?;
        let today = self.engine.clock().now().date();
        if question.as_of > today {
            let rule = format!("has not begun: ask for {today} or a day before");
            return Err(bad("as_of", rule));
        }
        let own = sight.institution().cloned();
        let Ok(name) = question.name.parse::<Name>() else {
            return Err(errors::no_such_report());
        };
        let institution = match (own, question.institution) {
            (None, institution) => institution,
            // Whatever else an institution asks for is not there for it.
            (Some(own), theirs)
                if name == Name::Institution
                    && theirs.as_ref().is_none_or(|theirs| *theirs == own) =>
            {
                Some(own)
            }
            (Some(_), _) => return Err(errors::no_such_report()),
        };
        let model = &self.reports;
        let ask = Ask {
            name,
            // An institution's is of one region: the others' logs are not its to look into.
            below: sight.whole(),
            region,
            as_of: question.as_of,
            year: question.year,
            institution,
            lang: question.lang,
        };
        let made = async {
            let tree = model.tree(&ask).await?;
            model.catch_up(&tree, Some(PATIENCE)).await?;
            model.report(&ask).await
        };
        let report = made.await.map_err(status)?;
        Ok(show::report(&report))
    }

    pub(crate) async fn list_reports(
        &self,
        request: Request<v1::ListReportsRequest>,
    ) -> Result<v1::ListReportsResponse, Status> {
        let list = request.get_ref();
        let (region, lang) = asked(|r| {
            let parent = r.parent("parent", &list.parent);
            let lang = language(r, &list.language);
            if !list.page_token.is_empty() {
                r.wrong("page_token", "must be empty: the first page holds all");
            }
            parent.and(lang)
        })?;
        self.open(&region).await?;
        Ok(v1::ListReportsResponse {
            reports: show::report_kinds(&region, lang),
            next_page_token: String::new(),
        })
    }
}

/// A report's name as it was asked for: one that there is not is not found.
struct Id(String);

impl std::str::FromStr for Id {
    type Err = BadCode;

    fn from_str(text: &str) -> Result<Id, BadCode> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        match (1..=64).contains(&text.len()) && text.bytes().all(plain) {
            true => Ok(Id(text.to_owned())),
            false => Err(BadCode("a report is a-z, 0-9 and -".to_owned())),
        }
    }
}

/// What is asked for, read.
struct Question {
    name: String,
    as_of: Date,
    year: Option<PlanYear>,
    institution: Option<InstitutionId>,
    lang: Lang,
}

impl Question {
    fn read(r: &mut Reader, asked: &v1::GetReportRequest) -> Option<Question> {
        let name = r.name::<Id>("name", &asked.name, "reports");
        let as_of = r.date("as_of", &asked.as_of);
        let year = r.optional_plan_year("plan_year", asked.plan_year);
        let institution = r.optional_code::<InstitutionId>("institution", &asked.institution);
        let lang = language(r, &asked.language);
        Some(Question {
            name: name?.0,
            as_of: as_of?,
            year: year?,
            institution: institution?,
            lang: lang?,
        })
    }
}

fn language(r: &mut Reader, text: &str) -> Option<Lang> {
    let lang = r.optional_code::<Lang>("language", text)?;
    Some(lang.unwrap_or_default())
}

fn status(error: ReportsError) -> Status {
    match error {
        ReportsError::Store(error) => errors::store(error),
        ReportsError::Ask(error) => {
            let (code, reason) = match &error {
                AskError::NoRegion(_) => (Code::NotFound, "REGION_NOT_FOUND"),
                AskError::UnknownInstitution { .. } => (Code::NotFound, "INSTITUTION_NOT_FOUND"),
                AskError::NoInstitution => (Code::InvalidArgument, "INSTITUTION_MISSING"),
                AskError::NoYear { .. } => (Code::FailedPrecondition, "PLAN_YEAR_NOT_FOUND"),
                AskError::NotRankedYet { .. } => (Code::FailedPrecondition, "NOT_RANKED_YET"),
            };
            errors::report(code, reason, &error.to_string())
        }
        ReportsError::Fold { .. } => {
            tracing::error!(%error, "the reports' figures do not fit their log");
            errors::internal()
        }
        ReportsError::InDoubt { .. } => {
            errors::report(Code::FailedPrecondition, "LOG_IN_DOUBT", &error.to_string())
        }
        ReportsError::Behind { .. } => {
            errors::report(Code::Unavailable, "REPORT_BEHIND", &error.to_string())
        }
    }
}
