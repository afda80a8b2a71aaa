//! What is in force: requests read into moves.

use hefu_domain::calendar::Calendar;
use hefu_domain::command::{self as act, Act};
use hefu_domain::state::RegionState;

use super::{Move, grant, request};
use crate::read::Reader;
use crate::v1;

impl Move for v1::OpenRegionRequest {
    request!("OpenRegion");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        r.parent("parent", &self.parent);
        let parent = if self.parent_region.is_empty() {
            Some(None)
        } else {
            r.other_region("parent_region", &self.parent_region)
                .map(Some)
        };
        let name = r.text("display_name", &self.display_name);
        let name_en = r.text("display_name_en", &self.display_name_en);
        let operator = r
            .required("operator", self.operator.as_ref())
            .and_then(|given| r.within("operator", |r| grant(r, given, None)));
        let state = RegionState {
            parent: parent?,
            name: name?,
            name_en: name_en?,
            deployment: String::new(),
            simulated: false,
            recorded: Default::default(),
            next_place: Default::default(),
        };
        Some(
            act::OpenRegion {
                state,
                operator: operator?,
                // The server says whose key it is.
                of_deployment: false,
            }
            .into(),
        )
    }
}

impl Move for v1::AdoptPolicyRequest {
    request!("AdoptPolicy");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        r.parent("parent", &self.parent);
        let policy = match serde_json::from_str(&self.policy_json) {
            Ok(policy) => Some(policy),
            Err(error) => {
                r.wrong("policy_json", error.to_string());
                None
            }
        };
        let effective = r.optional_instant("effective", self.effective.as_ref());
        Some(
            act::AdoptPolicy {
                policy: policy?,
                effective: effective?.unwrap_or_default(),
            }
            .into(),
        )
    }
}

impl Move for v1::AdoptCalendarRequest {
    request!("AdoptCalendar");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        r.parent("parent", &self.parent);
        let given = r.required("calendar", self.calendar.as_ref());
        let calendar = given.and_then(|given| r.within("calendar", |r| calendar(r, given)));
        Some(
            act::AdoptCalendar {
                calendar: calendar?,
            }
            .into(),
        )
    }
}

fn calendar(r: &mut Reader, given: &v1::Calendar) -> Option<Calendar> {
    let year = r.small("year", given.year);
    let source = r.text("source", &given.source);
    let holidays = r.list("holidays", &given.holidays, 366, |r, day| r.date("", day));
    let working_weekends = r.list(
        "working_weekends",
        &given.working_weekends,
        366,
        |r, day| r.date("", day),
    );
    Some(Calendar {
        year: year?,
        source: source?,
        holidays: holidays?.into_iter().collect(),
        working_weekends: working_weekends?.into_iter().collect(),
    })
}
