//! Another department's roster: who is trained when becomes keyed tags here, and no name or number goes further.

use std::collections::{BTreeMap, HashMap};

use hefu_domain::command::ImportRoster;
use hefu_domain::state::{ListPart, Once};
use hefu_domain::{Code, Command, Date, Department, Event, RosterDays, Tag, furthest_day};
use hefu_engine::{Answer, EngineError, People, Recorded, Request};
use hefu_spreadsheet::{Fault, Row, Unreadable};
use hefu_vault::Identity;
use tonic::Status;

use super::{File, Import, MOST_HELD, Outcome, Wrong};
use crate::api::submitted;
use crate::errors;

/// The longest training of one row, in days.
const LONGEST: usize = 90;

/// A person's day on a roster.
struct Day {
    row: u32,
    date: Date,
    tag: Tag,
}

/// A row: whose roster it is of, and the person's days.
type Days = (String, Vec<Day>);

/// Reads rows into tags; nobody is on a roster twice on one day.
struct Reader {
    people: People,
    furthest: Date,
    seen: HashMap<Tag, u32>,
}

impl Reader {
    fn row(&mut self, row: &Row) -> Result<Days, Wrong> {
        let wrong = |key, zh: &str, en: &str| vec![(key, Fault::new(zh, en))];
        let identity = row.text("identity").parse::<Identity>();
        let identity =
            identity.map_err(|bad| wrong("identity", "身份证号有误", &bad.to_string()))?;
        let first = row.day("first_day");
        let first = first.ok_or_else(|| wrong("first_day", "必填", "must be filled in"))?;
        let last = row.day("last_day").unwrap_or(first);
        let mut dates = vec![first];
        while let Some(next) = dates
            .last()
            .filter(|day| **day < last && dates.len() < LONGEST)
        {
            let next = next.tomorrow();
            dates.push(next.map_err(|_| wrong("last_day", "日期有误", "is no day"))?);
        }
        if dates.last() != Some(&last) {
            let (zh, en) = (
                "结束日期应不早于开始日期,且一行至多 90 天",
                "must not be before the first day, and at most 90 days with it",
            );
            return Err(wrong("last_day", zh, en));
        }
        if last > self.furthest {
            let (zh, en) = (
                "日期过远,请核对年份",
                "is further ahead than anybody plans: look at the year",
            );
            return Err(wrong("first_day", zh, en));
        }
        let mut days = Vec::with_capacity(dates.len());
        for date in dates {
            let (rule, scope) = Once::Day { date }.rule_and_scope();
            let tag = self.people.secrets().nullifier(&identity, rule, &scope);
            if let Some(before) = self.seen.insert(tag, row.number) {
                let zh = format!("此人 {date} 已在第 {before} 行");
                let en = format!("on {date} this person is on row {before} already");
                return Err(vec![("first_day", Fault::new(zh, en))]);
            }
            days.push(Day {
                row: row.number,
                date,
                tag,
            });
        }
        Ok((row.text("department").to_owned(), days))
    }
}

/// A part, as one event holds it.
struct Part {
    department: Department,
    days: RosterDays,
}

impl Import {
    pub(super) async fn roster(&self, file: &File) -> Result<Result<Outcome, Unreadable>, Status> {
        let mut reader = Reader {
            people: self.api.engine.people().clone(),
            furthest: furthest_day(self.api.engine.clock().now()),
            seen: HashMap::new(),
        };
        let (filled, rows) = match self.rows(file, move |row| reader.row(&row)).await? {
            Ok(read) => read,
            Err(why) => return Ok(Err(why)),
        };
        let list = self.list(&filled)?;
        let mut outcome = Outcome::of(filled);
        if self.dry || outcome.is_wrong() {
            return Ok(Ok(outcome));
        }
        let mut by_tag = HashMap::new();
        for day in rows.iter().flat_map(|(_, days)| days) {
            by_tag.insert(day.tag, day.row);
        }
        let parts = parts(rows).ok_or_else(errors::internal)?;
        let count = u16::try_from(parts.len()).map_err(|_| errors::internal())?;
        let _place = self.api.gate.line_up(&self.api.engine, &self.by)?;
        for (number, part) in (1..=count).zip(parts) {
            if self.is_imported("roster", &list, number).await? {
                outcome.old_parts += 1;
                continue;
            }
            let of = ListPart {
                list: list.clone(),
                part: number,
                parts: count,
            };
            match self.part(of, part).await? {
                Some(recorded) => {
                    outcome.new_parts += 1;
                    held(&mut outcome, &recorded, &by_tag);
                }
                // Somebody else was faster.
                None => outcome.old_parts += 1,
            }
        }
        outcome.written = true;
        Ok(Ok(outcome))
    }

    /// Submits a part in a transaction of its own; nothing, if it was imported before.
    async fn part(&self, of: ListPart, part: Part) -> Result<Option<Recorded>, Status> {
        let request = format!("{}.{}", of.list, of.part);
        let secrets = self.api.engine.people().secrets();
        let digest = secrets.request_digest("ImportRoster", request.as_bytes());
        let days = part.days.into_days();
        let bytes = days.values().map(Vec::len).sum::<usize>() * size_of::<Tag>();
        let act = ImportRoster {
            part: of,
            department: part.department,
            days,
        };
        let command = Command {
            region: self.region.clone(),
            by: self.by.clone(),
            request: request.parse().map_err(|_| errors::internal())?,
            digest,
            seals: Vec::new(),
            act: act.into(),
        };
        let request = Request {
            bytes,
            ..Request::from(command)
        };
        let turn = self
            .api
            .gate
            .turn(&self.api.engine, &self.by, &self.region)
            .await?;
        match submitted(turn, self.api.engine.submit(request)).await {
            Ok(Answer::Recorded(recorded) | Answer::Dry(recorded)) => Ok(Some(recorded)),
            Err(EngineError::Refused(refusals)) if refusals.has(Code::ImportedBefore) => Ok(None),
            Err(error) => Err(errors::of_move("ImportRoster", error)),
        }
    }
}

/// Cuts a list's days where an event is full, department by department and day by day.
fn parts(rows: Vec<Days>) -> Option<Vec<Part>> {
    let mut by_department: BTreeMap<String, Vec<Day>> = BTreeMap::new();
    for (department, days) in rows {
        by_department.entry(department).or_default().extend(days);
    }
    let mut parts = Vec::new();
    for (department, mut days) in by_department {
        let department: Department = department.parse().ok()?;
        days.sort_by_key(|day| (day.date, day.row));
        let mut open = RosterDays::default();
        for day in days {
            if !open.add(day.date, day.tag) {
                parts.push(Part {
                    department: department.clone(),
                    days: std::mem::take(&mut open),
                });
                open.add(day.date, day.tag);
            }
        }
        parts.push(Part {
            department,
            days: open,
        });
    }
    Some(parts)
}

/// Notes the rows of which somebody held a day already.
fn held(outcome: &mut Outcome, recorded: &Recorded, by_tag: &HashMap<Tag, u32>) {
    for event in &recorded.events {
        let Event::RosterImported(e) = event else {
            continue;
        };
        let tags = e.held.values().flatten();
        let rows: Vec<u32> = tags.filter_map(|tag| by_tag.get(tag).copied()).collect();
        outcome.held_days += u32::try_from(rows.len()).unwrap_or(u32::MAX);
        outcome.held_rows.extend(rows);
    }
    outcome.held_rows.sort_unstable();
    outcome.held_rows.dedup();
    outcome.held_rows.truncate(MOST_HELD);
}
