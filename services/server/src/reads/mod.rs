//! Reads, one file per subject. Who may call, and how far they reach, is the table of access's to say (`hefu_domain::Rpc`); what lies
//! beyond does not exist for them: NOT_FOUND, in the same words, or left out of the list.

mod access;
mod application;
mod assessment;
mod audit;
mod deadlines;
mod funds;
mod issuance;
mod people;
mod policy;
mod redemption;
mod registry;
mod reporting;
mod spreadsheet;
mod supervision;
mod training;

use hefu_domain::state::Role;
use hefu_domain::{
    Caller, Code, CredentialId, Instant, InstitutionId, Key, PersonId, Region, Rpc, Scope, Stop,
    World, admitted,
};
use hefu_engine::rows;
use hefu_store::{ListQuery, Row, Scope as Cover, Shown, StoreError, Table};
use hefu_wire::show::Eyes;
use hefu_wire::{Edge, Reader};
use tonic::{Request, Status};

use crate::api::{Api, Wrong, bad};
use crate::{caller, errors};

const DEFAULT_PAGE: u32 = 100;
const MOST_PAGE: u32 = 1_000;
/// A page ends early when it comes to so many bytes: a client takes 4 MB by default.
pub(crate) const MOST_PAGE_BYTES: usize = 2 << 20;

/// A list: which rows of which table.
#[derive(Debug)]
struct List {
    table: Table,
    cover: Cover,
    /// Index columns and what they must equal; empty values do not filter.
    equals: Vec<(&'static str, String)>,
    shown: Shown,
    /// Of vouchers: due before that instant.
    due_before: Option<String>,
}

impl List {
    /// A region's rows with these columns.
    fn of(table: Table, region: &Region, equals: Vec<(&'static str, String)>) -> List {
        List {
            table,
            cover: Cover::Region(region.to_string()),
            equals: equals.into_iter().filter(|(_, v)| !v.is_empty()).collect(),
            shown: Shown::All,
            due_before: None,
        }
    }

    /// Only those of its rows. What a page left out afterwards would show in its length.
    fn only(self, shown: Shown) -> List {
        List { shown, ..self }
    }
}

/// Which page of a list, as asked for.
struct Page<'a> {
    size: u32,
    token: &'a str,
}

impl Api {
    /// The caller of a read, and how far they reach with it, by the table of access.
    async fn sight<T>(
        &self,
        rpc: Rpc,
        request: &Request<T>,
        region: &Region,
    ) -> Result<Sight, Status> {
        self.sight_of(rpc, &caller::of(request)?, region).await
    }

    /// The same, of a credential.
    pub(crate) async fn sight_of(
        &self,
        rpc: Rpc,
        by: &CredentialId,
        region: &Region,
    ) -> Result<Sight, Status> {
        self.look(region, |world, at| Sight::of(world, rpc, by, at))
            .await
    }

    /// Reads a question's fields, as [`asked`]; what is wrong with them is told to whoever may ask it.
    pub(crate) async fn asked<T, Q>(
        &self,
        rpc: Rpc,
        request: &Request<Q>,
        read: impl FnOnce(&mut Reader) -> Option<T>,
    ) -> Result<(Region, T), Status> {
        let by = caller::of(request)?;
        match asked_at(&Edge::READING, read) {
            Ok(asked) => Ok(asked),
            Err(wrong) => Err(self.told(rpc, &by, wrong).await),
        }
    }

    /// Whether the caller may read what has no owner but the region.
    pub(crate) async fn admit<T>(
        &self,
        rpc: Rpc,
        request: &Request<T>,
        region: &Region,
    ) -> Result<(), Status> {
        self.sight(rpc, request, region).await.map(|_| ())
    }

    /// The region is open; its public lists are for everybody.
    async fn open(&self, region: &Region) -> Result<(), Status> {
        self.look(region, |world, _| world.state_of_region().map(|_| ()))
            .await
    }

    /// The answer to a question over a region's facts as they stand.
    pub(crate) async fn look<T>(
        &self,
        region: &Region,
        ask: impl Fn(&World, Instant) -> Result<T, Stop>,
    ) -> Result<T, Status> {
        let answer = self.engine.inspect(region, ask).await;
        answer.map_err(errors::status)?.map_err(errors::stop)
    }

    /// One fact, if the caller may see it: `theirs` says whether it is their own or their institution's.
    async fn fact<T>(
        &self,
        rpc: Rpc,
        by: CredentialId,
        region: &Region,
        read: impl Fn(&World) -> Result<T, Stop>,
        theirs: impl Fn(&Sight, &T) -> bool,
        hidden: Code,
    ) -> Result<T, Status> {
        self.look(region, |world, at| {
            let sight = Sight::of(world, rpc, &by, at)?;
            let fact = read(world)?;
            if sight.whole() || theirs(&sight, &fact) {
                Ok(fact)
            } else {
                Err(hidden.into())
            }
        })
        .await
    }

    /// A page of a list's rows, and the token of the next page.
    async fn page(&self, list: List, page: Page<'_>) -> Result<(Vec<Row>, String), Status> {
        let place = format!("{list:?}");
        let size = match page.size {
            0 => DEFAULT_PAGE,
            size => size.min(MOST_PAGE),
        };
        let query = ListQuery {
            table: list.table,
            scope: list.cover,
            equals: list.equals,
            due_before: list.due_before,
            shown: list.shown,
            after: self.after(&place, page.token)?,
            limit: size,
        };
        let mut rows = self
            .engine
            .store()
            .list(&query)
            .await
            .map_err(errors::store)?;
        let full = u32::try_from(rows.len()).is_ok_and(|count| count == size);
        let fitting = fitting(rows.iter().map(|row| row.body.len()));
        let more = full || fitting < rows.len();
        rows.truncate(fitting);
        let next = rows.last().filter(|_| more).map(|row| {
            let last = format!("{}\n{}", row.region, row.id);
            let secrets = self.engine.people().secrets();
            secrets.page_seal(&place, last.as_bytes())
        });
        Ok((rows, next.unwrap_or_default()))
    }

    /// The place after which a page begins; a token of another list, or one that somebody made, is refused.
    fn after(&self, list: &str, token: &str) -> Result<Option<(String, String)>, Status> {
        if token.is_empty() {
            return Ok(None);
        }
        let opened = self
            .engine
            .people()
            .secrets()
            .page_open(list, token)
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let after = opened
            .as_deref()
            .and_then(|text| text.split_once('\n'))
            .map(|(region, id)| (region.to_owned(), id.to_owned()));
        let rule = "must be the token of the page before, of the same list";
        after.map(Some).ok_or_else(|| bad("page_token", rule))
    }

    /// These facts, all loaded at once, as a world in which a question can be asked.
    async fn world(&self, region: &Region, keys: Vec<Key>) -> Result<World, Status> {
        let mut world = World::new(region.clone());
        if keys.is_empty() {
            return Ok(world);
        }
        let places: Vec<_> = keys
            .iter()
            .map(|key| rows::fact_key(region.as_str(), key))
            .collect();
        let found = self
            .engine
            .store()
            .load(&places)
            .await
            .map_err(errors::store)?;
        for (key, place) in keys.into_iter().zip(places) {
            let row = found
                .iter()
                .find(|row| row.table == place.table && row.id == place.id);
            let fact = row.map(rows::fact).transpose().map_err(errors::store)?;
            world.bring(key, fact);
        }
        Ok(world)
    }
}

/// How many of these sizes make up a page: at least one, as many as fit.
pub(crate) fn fitting(sizes: impl Iterator<Item = usize>) -> usize {
    let mut sum = 0;
    sizes
        .enumerate()
        .take_while(|(number, size)| {
            sum += size;
            *number == 0 || sum <= MOST_PAGE_BYTES
        })
        .count()
}

/// A caller whom the table of access lets read, and how far they reach.
pub(crate) struct Sight {
    caller: Caller,
    scope: Scope,
}

impl Sight {
    pub(crate) fn of(
        world: &World,
        rpc: Rpc,
        by: &CredentialId,
        at: Instant,
    ) -> Result<Sight, Stop> {
        let (caller, scope) = admitted(world, rpc, by, at)?;
        Ok(Sight { caller, scope })
    }

    /// Whether they see their whole region.
    pub(crate) fn whole(&self) -> bool {
        self.scope == Scope::Region
    }

    /// The institution whose things they see.
    pub(crate) fn institution(&self) -> Option<&InstitutionId> {
        let institution = self.caller.institution.as_ref();
        institution.filter(|_| self.scope == Scope::Institution)
    }

    /// Whether they act for one of these.
    fn acts_for_any<const N: usize>(&self, institutions: [&InstitutionId; N]) -> bool {
        self.institution()
            .is_some_and(|own| institutions.contains(&own))
    }

    /// The rows in which their institution has a part, or all.
    fn shown(&self) -> Shown {
        match self.institution() {
            Some(institution) => Shown::Of {
                institution: institution.to_string(),
                person: self.caller.person.to_string(),
            },
            None => Shown::All,
        }
    }

    /// The one person whose things they see.
    fn holder(&self) -> Option<PersonId> {
        self.caller.holder.filter(|_| self.scope == Scope::Own)
    }

    /// Whether they are that person.
    pub(crate) fn is(&self, person: &PersonId) -> bool {
        self.holder().as_ref() == Some(person)
    }

    /// The bureau's portal, which speaks for the people whom it has authenticated.
    pub(crate) fn is_portal(&self) -> bool {
        self.scope == Scope::Own
            && self.caller.roles.contains(&Role::Holder)
            && self.caller.holder.is_none()
    }

    /// How they see what they may see.
    fn eyes(&self) -> Eyes {
        if self.whole() {
            Eyes::Staff
        } else {
            Eyes::Others
        }
    }
}

/// Reads a question's fields; all that are wrong are named at once.
pub(crate) fn asked<T>(read: impl FnOnce(&mut Reader) -> Option<T>) -> Result<(Region, T), Status> {
    asked_at(&Edge::READING, read).map_err(|wrong| wrong.status)
}

/// The same, where the edge has something to turn into a tag.
fn asked_at<T>(
    edge: &Edge,
    read: impl FnOnce(&mut Reader) -> Option<T>,
) -> Result<(Region, T), Wrong> {
    let mut reader = Reader::new(edge);
    let value = read(&mut reader);
    let region = reader.meant().cloned();
    match (reader.done(), value) {
        (Ok(region), Some(value)) => Ok((region, value)),
        (Ok(_), None) => Err(errors::internal().into()),
        (Err(bad), _) => Err(Wrong {
            region,
            status: hefu_wire::errors::bad_fields(&bad),
        }),
    }
}

/// Reads `regions/{code}` of a field.
pub(crate) fn region(field: &str, name: &str) -> Result<Region, Status> {
    asked(|r| r.parent(field, name)).map(|(region, _)| region)
}

/// A row whose id is none of its table's.
fn corrupt(row: &Row) -> StoreError {
    StoreError::Corrupt {
        table: row.table.spec().name,
        column: "id",
        key: format!("{}/{}", row.region, row.id),
    }
}

/// A filter's text; nothing does not filter.
fn text<T: ToString>(filter: Option<T>) -> String {
    filter.map(|value| value.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_before_it_is_too_large_and_is_never_empty_while_there_is_something() {
        assert_eq!(fitting([].into_iter()), 0);
        assert_eq!(fitting([10; 1_000].into_iter()), 1_000);
        assert_eq!(fitting([65_535; 1_000].into_iter()), 32);
        assert_eq!(fitting([MOST_PAGE_BYTES, 1].into_iter()), 1);
        assert_eq!(fitting([5 * MOST_PAGE_BYTES, 1].into_iter()), 1);
    }
}
