//! Reads, one file per subject. What the caller may not see does not exist for them: NOT_FOUND, or left out of the list.

mod access;
mod application;
mod assessment;
mod audit;
mod funds;
mod people;
mod policy;
mod redemption;
mod registry;
mod training;

use hefu_domain::state::{Credential, Fact, Role};
use hefu_domain::{Code, CredentialId, Instant, Key, Region, Stop, World};
use hefu_engine::rows;
use hefu_store::{ListQuery, Row, Scope, StoreError, Table};
use hefu_wire::show::Eyes;
use hefu_wire::{Edge, Reader};
use tonic::{Request, Status};

use crate::api::{Api, bad};
use crate::{caller, errors};

const DEFAULT_PAGE: u32 = 100;
const MOST_PAGE: u32 = 1_000;
/// A page ends early when it comes to so many bytes: a client takes 4 MB by default.
pub(crate) const MOST_PAGE_BYTES: usize = 2 << 20;

/// A list: which rows of which table.
#[derive(Debug)]
struct List {
    table: Table,
    scope: Scope,
    /// Index columns and what they must equal; empty values do not filter.
    equals: Vec<(&'static str, String)>,
}

impl List {
    /// A region's rows with these columns.
    fn of(table: Table, region: &Region, equals: Vec<(&'static str, String)>) -> List {
        List {
            table,
            scope: Scope::Region(region.to_string()),
            equals: equals.into_iter().filter(|(_, v)| !v.is_empty()).collect(),
        }
    }
}

/// Which page of a list, as asked for.
struct Page<'a> {
    size: u32,
    token: &'a str,
}

impl Api {
    /// The caller's grant in a region, in force now.
    async fn grant(&self, region: &Region, by: &CredentialId) -> Result<Credential, Status> {
        self.look(region, |world, at| in_force(world, by, at).cloned())
            .await
    }

    /// A staff member of the bureau, or nobody.
    pub(crate) async fn staff<T>(
        &self,
        request: &Request<T>,
        region: &Region,
    ) -> Result<(), Status> {
        self.staffed(&caller::of(request)?, region).await
    }

    /// The same, of a credential.
    pub(crate) async fn staffed(&self, by: &CredentialId, region: &Region) -> Result<(), Status> {
        if is_staff(&self.grant(region, by).await?) {
            Ok(())
        } else {
            Err(errors::stop(Code::RoleMissing.into()))
        }
    }

    /// The region is open; its public lists are for everybody.
    async fn open(&self, region: &Region) -> Result<(), Status> {
        self.look(region, |world, _| world.state_of_region().map(|_| ()))
            .await
    }

    /// The answer to a question over a region's facts as they stand.
    async fn look<T>(
        &self,
        region: &Region,
        ask: impl Fn(&World, Instant) -> Result<T, Stop>,
    ) -> Result<T, Status> {
        let answer = self.engine.inspect(region, ask).await;
        answer.map_err(errors::status)?.map_err(errors::stop)
    }

    /// One fact, if the caller may see it.
    async fn fact<T>(
        &self,
        by: CredentialId,
        region: &Region,
        read: impl Fn(&World) -> Result<T, Stop>,
        sees: impl Fn(&Credential, &T) -> bool,
        hidden: Code,
    ) -> Result<T, Status> {
        self.look(region, |world, at| {
            let grant = in_force(world, &by, at)?;
            let fact = read(world)?;
            if is_staff(grant) || sees(grant, &fact) {
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
            scope: list.scope,
            equals: list.equals,
            due_before: None,
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

/// The caller's grant, in force now.
fn in_force<'w>(world: &'w World, by: &CredentialId, at: Instant) -> Result<&'w Credential, Stop> {
    world.state_of_region()?;
    let grant = match world.get(&Key::Credential(by.clone()))? {
        Some(Fact::Credential(grant)) => grant,
        _ => return Err(Code::CallerUnknown.into()),
    };
    let over = grant.revoked.is_some_and(|revoked| revoked <= at)
        || grant.expires.is_some_and(|expires| expires <= at);
    if over {
        Err(Code::CallerRevoked.into())
    } else {
        Ok(grant)
    }
}

/// The bureau's own people and its auditors see their whole region.
fn is_staff(grant: &Credential) -> bool {
    grant.roles.iter().any(|role| match role {
        Role::Clerk
        | Role::Reviewer
        | Role::Finance
        | Role::Supervisor
        | Role::Auditor
        | Role::Operator => true,
        Role::Holder | Role::Institution | Role::Assessor => false,
    })
}

/// The bureau's portal, which speaks for the people whom it has authenticated.
fn is_portal(grant: &Credential) -> bool {
    grant.roles.contains(&Role::Holder) && grant.holder.is_none()
}

/// How a caller sees what they may see.
fn eyes(grant: &Credential) -> Eyes {
    if is_staff(grant) {
        Eyes::Staff
    } else {
        Eyes::Others
    }
}

/// Reads a question's fields; all that are wrong are named at once.
pub(crate) fn asked<T>(read: impl FnOnce(&mut Reader) -> Option<T>) -> Result<(Region, T), Status> {
    asked_at(&Edge::READING, read)
}

/// The same, where the edge has something to turn into a tag.
fn asked_at<T>(
    edge: &Edge,
    read: impl FnOnce(&mut Reader) -> Option<T>,
) -> Result<(Region, T), Status> {
    let mut reader = Reader::new(edge);
    let value = read(&mut reader);
    let region = reader
        .done()
        .map_err(|bad| hefu_wire::errors::bad_fields(&bad))?;
    Ok((region, value.ok_or_else(errors::internal)?))
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
