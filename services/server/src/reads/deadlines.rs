//! What has to be done before when, about classes, assessment sessions, claim sheets and objections: for the desk on a Monday.
//!
//! When something is due follows from its row and the policy in force, so no column says it. Only what is under way is walked, by the index
//! of states; what is closed is never looked at. Everything that is due is put in order before a page is cut from it.

use hefu_domain::state::{Fact, Occasion, Session, Sheet, TrainingClass};
use hefu_domain::{
    Around, Date, Deadline, Instant, InstitutionId, Key, PlanYear, Policy, Region, Rpc, SessionId,
    Stop, World,
};
use hefu_engine::rows;
use hefu_store::{ListQuery, Row, Table};
use hefu_wire::{names, show, states, v1};
use tonic::{Request, Status};

use super::{DEFAULT_PAGE, List, MOST_PAGE, Sight, corrupt};
use crate::api::Api;
use crate::errors;

/// How far a list looks ahead that names no instant.
const THIRTY_DAYS_MS: i64 = 30 * 86_400_000;
/// Rows that are read at a time.
const AT_ONCE: u32 = 500;

/// Something that is due.
struct Due {
    at: Instant,
    name: String,
    what: Deadline,
    state: String,
    institution: InstitutionId,
    year: PlanYear,
}

/// What is asked for.
struct Asked {
    before: Instant,
    what: &'static str,
    now: Instant,
}

impl Asked {
    fn wants(&self, what: Deadline, at: Instant) -> bool {
        at < self.before && (self.what.is_empty() || self.what == what.as_str())
    }
}

impl Api {
    pub(crate) async fn list_deadlines(
        &self,
        request: Request<v1::ListDeadlinesRequest>,
    ) -> Result<v1::ListDeadlinesResponse, Status> {
        let message = request.get_ref();
        let (region, (before, what)) = self
            .asked(Rpc::ListDeadlines, &request, |r| {
                r.parent("parent", &message.parent);
                let before = r.optional_instant("before", message.before.as_ref());
                let what = r.state("what", &message.what, states::DEADLINE);
                Some((before?, what?))
            })
            .await?;
        let sight = self.sight(Rpc::ListDeadlines, &request, &region).await?;
        let now = self.engine.clock().now();
        // A whole day, so that the list is the same one from page to page.
        let soon = || Instant::after(Instant(now.0 + THIRTY_DAYS_MS).date());
        let asked = Asked {
            before: before.unwrap_or_else(soon),
            what,
            now,
        };
        let place = format!(
            "deadlines {region} {} {what} {:?}",
            asked.before,
            sight.shown()
        );
        let after = self.after(&place, &message.page_token)?;
        let mut due = self.due(&region, &sight, &asked).await?;
        due.sort_by(|one, other| (one.at, &one.name).cmp(&(other.at, &other.name)));
        if let Some((at, name)) = after {
            due.retain(|due| (due.at.to_string(), due.name.as_str()) > (at.clone(), &name));
        }
        let size = match message.page_size {
            0 => DEFAULT_PAGE,
            size => size.min(MOST_PAGE),
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let more = due.len() > size;
        due.truncate(size);
        let next = due.last().filter(|_| more).map(|due| {
            let last = format!("{}\n{}", due.at, due.name);
            let secrets = self.engine.people().secrets();
            secrets.page_seal(&place, last.as_bytes())
        });
        Ok(v1::ListDeadlinesResponse {
            deadlines: due.into_iter().map(|due| shown(&region, due)).collect(),
            next_page_token: next.unwrap_or_default(),
        })
    }

    async fn due(&self, region: &Region, sight: &Sight, asked: &Asked) -> Result<Vec<Due>, Status> {
        let mut classes: Vec<(String, TrainingClass)> = Vec::new();
        let mut sessions: Vec<(String, Session)> = Vec::new();
        let mut sheets: Vec<(String, Sheet)> = Vec::new();
        for (table, of) in [
            (Table::Class, TrainingClass::WITH_DEADLINES.as_slice()),
            (Table::AssessmentSession, &Session::WITH_DEADLINES),
            (Table::Sheet, &Sheet::WITH_DEADLINES),
        ] {
            for state in of {
                for row in self.under_way(table, region, state, sight).await? {
                    match rows::fact(&row).map_err(errors::store)? {
                        Fact::Class(class) => classes.push((row.id, class)),
                        Fact::Session(session) => sessions.push((row.id, session)),
                        Fact::Sheet(sheet) => sheets.push((row.id, sheet)),
                        _ => return Err(errors::store(corrupt(&row))),
                    }
                }
            }
        }
        let years = classes.iter().map(|(_, class)| class.filing.year);
        let years = years.chain(sheets.iter().map(|(_, sheet)| sheet.year));
        let assessed = sheets.iter().filter_map(|(_, sheet)| session_of(sheet));
        let mut keys: Vec<Key> = years.map(Key::Policy).collect();
        keys.extend(assessed.map(Key::Session));
        keys.sort();
        keys.dedup();
        let world = self.world(region, keys).await?;
        let mut found = Vec::new();
        for (id, class) in &classes {
            found.extend(of_class(&world, region, (id, class), asked).map_err(errors::stop)?);
        }
        for (id, session) in &sessions {
            found.extend(of_session(region, (id, session)));
        }
        for (id, sheet) in &sheets {
            found.extend(of_sheet(&world, region, (id, sheet), asked).map_err(errors::stop)?);
        }
        found.retain(|due| asked.wants(due.what, due.at));
        Ok(found)
    }

    /// Every row of a table in that state which whoever asks may see.
    async fn under_way(
        &self,
        table: Table,
        region: &Region,
        state: &str,
        sight: &Sight,
    ) -> Result<Vec<Row>, Status> {
        let list = List::of(table, region, vec![("state", state.to_owned())]);
        let list = list.only(sight.shown());
        let mut query = ListQuery {
            table,
            scope: list.cover,
            equals: list.equals,
            due_before: None,
            shown: list.shown,
            after: None,
            limit: AT_ONCE,
        };
        let mut all = Vec::new();
        loop {
            let page = self.engine.store().list(&query).await;
            let page = page.map_err(errors::store)?;
            let full = u32::try_from(page.len()).is_ok_and(|rows| rows == AT_ONCE);
            query.after = page.last().map(|row| (row.region.clone(), row.id.clone()));
            all.extend(page);
            if !full {
                return Ok(all);
            }
        }
    }
}

fn of_class(
    world: &World,
    region: &Region,
    (id, class): (&str, &TrainingClass),
    asked: &Asked,
) -> Result<Option<Due>, Stop> {
    let filing = &class.filing;
    let (_, policy) = world.policy(filing.year, asked.now)?;
    Ok(class.deadline(policy).map(|(what, at)| Due {
        at,
        name: names::child(region, "classes", id),
        what,
        state: states::class(class.state).to_owned(),
        institution: filing.deliverer.clone(),
        year: filing.year,
    }))
}

fn of_session(region: &Region, (id, session): (&str, &Session)) -> Option<Due> {
    let (what, at) = session.deadline()?;
    Some(Due {
        at,
        name: names::child(region, "sessions", id),
        what,
        state: states::class(session.state).to_owned(),
        institution: session.filing.body.clone(),
        year: session.filing.year,
    })
}

/// What is due of a sheet, and its objections.
fn of_sheet(
    world: &World,
    region: &Region,
    (id, sheet): (&str, &Sheet),
    asked: &Asked,
) -> Result<Vec<Due>, Stop> {
    let (_, policy): (u32, &Policy) = world.policy(sheet.year, asked.now)?;
    let assessed: Option<Date> = match session_of(sheet) {
        Some(session) => Some(world.session(&session)?.filing.date),
        None => None,
    };
    let around = Around {
        policy,
        assessed,
        at: asked.now,
    };
    let due = |name: String, what, at| Due {
        at,
        name,
        what,
        state: sheet.state.code().to_owned(),
        institution: sheet.payee.clone(),
        year: sheet.year,
    };
    let own = sheet.deadline(around);
    let own = own.map(|(what, at)| due(names::child(region, "sheets", id), what, at));
    let objections = sheet.open_objections(around).map(|(objection, at)| {
        let name = format!(
            "{}/objections/{objection}",
            names::child(region, "sheets", id)
        );
        due(name, Deadline::Objection, at)
    });
    Ok(own.into_iter().chain(objections).collect())
}

fn session_of(sheet: &Sheet) -> Option<SessionId> {
    match sheet.occasion {
        Occasion::Session(id) => Some(id),
        Occasion::Class(_) => None,
    }
}

fn shown(region: &Region, due: Due) -> v1::Due {
    v1::Due {
        name: due.name,
        what: due.what.as_str().to_owned(),
        due: Some(show::timestamp(due.at)),
        state: due.state,
        institution: names::child(region, "institutions", &due.institution),
        plan_year: u32::from(due.year.number()),
    }
}
