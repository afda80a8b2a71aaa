//! What was asked for, read back from grants and what is in force: a region's opening, its callers, policies and calendars.

use hefu_domain::calendar::Calendar;
use hefu_domain::command::*;
use hefu_domain::event;
use hefu_domain::policy::Adopted;
use hefu_domain::state::{Credential, RegionState};
use hefu_domain::{Act, CredentialId, Event, InstitutionId};

/// A region opens with its operator's grant. Whether that is the deployment's own stands as a recorded result: the log's key says it.
pub(super) fn open_region<'a>(
    e: &RegionState,
    mut follows: impl Iterator<Item = &'a Event>,
) -> Option<Act> {
    let Event::CallerGranted(granted) = follows.next()? else {
        return None;
    };
    Some(
        OpenRegion {
            state: e.clone(),
            operator: grant(&granted.credential, &granted.grant),
            of_deployment: true,
        }
        .into(),
    )
}

pub(super) fn adopt_policy(e: &Adopted) -> Act {
    AdoptPolicy {
        policy: e.policy.clone(),
        effective: e.effective,
    }
    .into()
}

pub(super) fn adopt_calendar(e: &Calendar) -> Act {
    AdoptCalendar {
        calendar: e.clone(),
    }
    .into()
}

pub(super) fn record_checkpoints(e: &event::CheckpointsRecorded) -> Act {
    RecordCheckpoints {
        checkpoints: e.checkpoints.clone(),
    }
    .into()
}

pub(super) fn grant_caller(e: &event::CallerGranted) -> Act {
    GrantCaller {
        grant: grant(&e.credential, &e.grant),
    }
    .into()
}

/// The grant as it was asked for: the codes of an institution's own choosing without its credit code.
fn grant(credential: &CredentialId, granted: &Credential) -> Grant {
    let own = granted.institution.as_ref();
    Grant {
        credential: credential.clone(),
        subject: plain(granted.subject.as_str(), own).unwrap_or_else(|| granted.subject.clone()),
        person: plain(granted.person.as_str(), own).unwrap_or_else(|| granted.person.clone()),
        roles: granted.roles.clone(),
        institution: granted.institution.clone(),
        holder: granted.holder,
        expires: granted.expires,
    }
}

fn plain<T: std::str::FromStr>(code: &str, institution: Option<&InstitutionId>) -> Option<T> {
    let own = code.strip_prefix(institution?.as_str())?;
    own.strip_prefix('/')?.parse().ok()
}

pub(super) fn revoke_caller(e: &event::CallerRevoked) -> Act {
    RevokeCaller {
        credential: e.credential.clone(),
    }
    .into()
}

pub(super) fn appoint_deputy(e: &event::DeputyAppointed) -> Act {
    AppointDeputy {
        credential: e.credential.clone(),
        deputy: e.deputy.clone(),
    }
    .into()
}
