//! Reading: the same calls whether through the store, under a lock or in one snapshot.
//!
//! Invariant: every call is a handful of index look-ups; a page is bounded and in key order. Rows
//! that are not there are left out, rows that cannot be are [`StoreError::Corrupt`].

use crate::error::Result;
use crate::published::{CheckpointPage, CheckpointRow, TileKey, TileRow};
use crate::reports::{
    ReportCursor, ReportFact, ReportFactKeys, ReportFactsUnder, ReportQuery, ReportSum,
};
use crate::rows::{
    At, CommittedSecret, EventRow, FactKey, Head, LeafRow, Nullifier, PersonKey, PersonSecret,
    RequestKey, Row, Tag,
};
use crate::shown::Shown;
use crate::tables::Table;
use crate::{postgres, sqlite};

/// One connection's worth of reads.
#[derive(Debug)]
pub struct Reads {
    pub(crate) session: Session,
}

#[derive(Debug)]
pub(crate) enum Session {
    Sqlite(sqlite::Lane),
    Postgres(postgres::Conn),
}

/// Which regions a list covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    Region(String),
    /// Every region whose code starts with one of these; `""` is all of them.
    Under(Vec<String>),
}

/// A page of a list, by region, then id.
#[derive(Debug, Clone)]
pub struct ListQuery {
    pub table: Table,
    pub scope: Scope,
    /// Index columns of the table and what they must equal.
    pub equals: Vec<(&'static str, String)>,
    /// The voucher table's `due`, exclusive.
    pub due_before: Option<String>,
    /// Which of these rows whoever asks is shown.
    pub shown: Shown,
    /// The last (region, id) of the page before.
    pub after: Option<(String, String)>,
    pub limit: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct RegionPage {
    pub(crate) table: Table,
    pub(crate) region: String,
    pub(crate) equals: Vec<(&'static str, String)>,
    pub(crate) due_before: Option<String>,
    pub(crate) shown: Shown,
    pub(crate) after: String,
    pub(crate) limit: u32,
}

/// The vouchers of a region that are due.
#[derive(Debug, Clone)]
pub(crate) struct DuePage {
    pub(crate) region: String,
    pub(crate) before: String,
    pub(crate) limit: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct TablePage {
    pub(crate) table: Table,
    pub(crate) region: String,
    pub(crate) after: String,
    pub(crate) limit: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct EventPage {
    pub(crate) region: String,
    pub(crate) epoch: u64,
    pub(crate) from: u64,
    /// Go on into the epochs after.
    pub(crate) onwards: bool,
    pub(crate) limit: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct StreamPage {
    pub(crate) region: String,
    pub(crate) stream: String,
    pub(crate) after: Option<(u64, u64)>,
    pub(crate) limit: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct PeoplePage {
    pub(crate) region: String,
    pub(crate) after: String,
    pub(crate) limit: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct NullifierPage {
    pub(crate) after: Option<Tag>,
    pub(crate) limit: u32,
}

/// Both engines have every read under the same name, with one argument.
macro_rules! ask {
    ($self:ident, $read:ident, $what:expr) => {
        ask!($self, read::$read, $what)
    };
    ($self:ident, $file:ident::$read:ident, $what:expr) => {
        match &mut $self.session {
            Session::Sqlite(lane) => {
                let what = $what.to_owned();
                lane.ask(move |conn| sqlite::$file::$read(conn, &what))
                    .await
            }
            Session::Postgres(conn) => postgres::$file::$read(conn.as_mut(), $what).await,
        }
    };
}

/// PostgreSQL refuses a NUL even in a question; SQLite would just not find it.
fn askable<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let at = At("a read", "*");
    texts.into_iter().try_for_each(|text| at.no_nul("*", text))
}

/// What the reports are made of.
impl Reads {
    /// How far those of these regions' logs that were ever folded are.
    pub async fn report_cursors(&mut self, regions: &[String]) -> Result<Vec<ReportCursor>> {
        askable(regions.iter().map(String::as_str))?;
        ask!(self, reports::cursors, regions)
    }

    /// What the fold remembers of these things, in no particular order.
    pub async fn report_facts(&mut self, keys: &ReportFactKeys) -> Result<Vec<ReportFact>> {
        askable(keys.ids.iter().chain([&keys.region]).map(String::as_str))?;
        ask!(self, reports::facts, keys)
    }

    /// What the fold remembers of all things whose ids begin so, by id.
    pub async fn report_facts_under(&mut self, of: &ReportFactsUnder) -> Result<Vec<ReportFact>> {
        askable([of.region.as_str(), &of.prefix])?;
        ask!(self, reports::facts_under, of)
    }

    /// Counters, summed by item and month, in that order.
    pub async fn report_sums(&mut self, query: &ReportQuery) -> Result<Vec<ReportSum>> {
        let ReportQuery {
            region,
            subject,
            prefix,
            after,
            until,
        } = query;
        askable([region, subject, prefix, after, until].map(String::as_str))?;
        ask!(self, reports::sums, query)
    }
}

impl Reads {
    /// The heads of those of these regions that are open, by region.
    pub async fn heads(&mut self, regions: &[String]) -> Result<Vec<Head>> {
        askable(regions.iter().map(String::as_str))?;
        ask!(self, heads, regions)
    }

    /// Every head, by region.
    pub async fn all_heads(&mut self) -> Result<Vec<Head>> {
        ask!(self, all_heads, &())
    }

    /// The rows with these keys, in no particular order.
    pub async fn load(&mut self, keys: &[FactKey]) -> Result<Vec<Row>> {
        askable(keys.iter().flat_map(|k| [k.region.as_str(), &k.id]))?;
        ask!(self, load, keys)
    }

    /// All events of these requests, by region, caller, request and ordinal.
    pub async fn requests(&mut self, keys: &[RequestKey]) -> Result<Vec<EventRow>> {
        askable(
            keys.iter()
                .flat_map(|k| [k.region.as_str(), &k.caller, &k.request]),
        )?;
        ask!(self, requests, keys)
    }

    /// Those of these tags that are taken.
    pub async fn nullifiers(&mut self, tags: &[Tag]) -> Result<Vec<Nullifier>> {
        ask!(self, nullifiers, tags)
    }

    /// The people with these (region, identity tag).
    pub async fn people_by_tag(&mut self, tags: &[(String, Vec<u8>)]) -> Result<Vec<PersonSecret>> {
        askable(tags.iter().map(|(region, _)| region.as_str()))?;
        ask!(self, people_by_tag, tags)
    }

    /// The sealed values behind these (region, commitment).
    pub async fn committed(
        &mut self,
        commitments: &[(String, String)],
    ) -> Result<Vec<CommittedSecret>> {
        let texts = commitments
            .iter()
            .flat_map(|(region, commitment)| [region, commitment]);
        askable(texts.map(String::as_str))?;
        ask!(self, committed, commitments)
    }

    /// The secrets of these people.
    pub async fn people_secrets(&mut self, people: &[PersonKey]) -> Result<Vec<PersonSecret>> {
        askable(people.iter().flat_map(|k| [k.region.as_str(), &k.person]))?;
        ask!(self, people_secrets, people)
    }

    /// Events of one epoch from index `from` on.
    pub async fn events(
        &mut self,
        region: &str,
        epoch: u64,
        from: u64,
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        askable([region])?;
        let page = EventPage {
            region: region.to_owned(),
            epoch,
            from,
            onwards: false,
            limit,
        };
        ask!(self, events, &page)
    }

    /// What is signed of the events of one epoch, from index `from` on.
    pub async fn leaves(
        &mut self,
        region: &str,
        epoch: u64,
        from: u64,
        limit: u32,
    ) -> Result<Vec<LeafRow>> {
        askable([region])?;
        let page = EventPage {
            region: region.to_owned(),
            epoch,
            from,
            onwards: false,
            limit,
        };
        ask!(self, leaves, &page)
    }

    /// Every event after a head, epochs after its own included.
    pub async fn events_since(&mut self, head: &Head) -> Result<Vec<EventRow>> {
        self.events_onwards(&head.region, (head.epoch, head.size), u32::MAX)
            .await
    }

    /// Events from (epoch, index) on, epochs after it included.
    pub async fn events_onwards(
        &mut self,
        region: &str,
        (epoch, from): (u64, u64),
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        askable([region])?;
        let page = EventPage {
            region: region.to_owned(),
            epoch,
            from,
            onwards: true,
            limit,
        };
        ask!(self, events, &page)
    }

    /// The next epoch after this one that has events: not always the next number, for a restored backup may have lost some.
    pub async fn epoch_after(&mut self, region: &str, epoch: u64) -> Result<Option<u64>> {
        let first = self.events_onwards(region, (epoch + 1, 0), 1).await?;
        Ok(first.first().map(|event| event.epoch))
    }

    /// Events of one stream after (epoch, index).
    pub async fn events_of_stream(
        &mut self,
        region: &str,
        stream: &str,
        after: Option<(u64, u64)>,
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        askable([region, stream])?;
        let page = StreamPage {
            region: region.to_owned(),
            stream: stream.to_owned(),
            after,
            limit,
        };
        ask!(self, events_of_stream, &page)
    }

    /// Those of these full tiles that are there, in no particular order.
    pub async fn tiles(&mut self, keys: &[TileKey]) -> Result<Vec<TileRow>> {
        askable(keys.iter().map(|key| key.region.as_str()))?;
        ask!(self, published::tiles, keys)
    }

    /// The largest checkpoint of one log that covers at most so many events.
    pub async fn checkpoint(
        &mut self,
        region: &str,
        epoch: u64,
        at_most: u64,
    ) -> Result<Option<CheckpointRow>> {
        askable([region])?;
        let page = CheckpointPage {
            region: region.to_owned(),
            epoch,
            from: at_most,
            down: true,
            limit: 1,
        };
        let found = ask!(self, published::checkpoints, &page)?;
        Ok(found.into_iter().next())
    }

    /// A page of one log's checkpoints, by size.
    pub async fn checkpoints(
        &mut self,
        region: &str,
        epoch: u64,
        from_size: u64,
        limit: u32,
    ) -> Result<Vec<CheckpointRow>> {
        askable([region])?;
        let page = CheckpointPage {
            region: region.to_owned(),
            epoch,
            from: from_size,
            down: false,
            limit,
        };
        ask!(self, published::checkpoints, &page)
    }

    /// A page of a list, by region, then id.
    pub async fn list(&mut self, query: &ListQuery) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for mut page in self.pages(query).await? {
            page.limit = query.limit - rows.len() as u32;
            rows.extend(ask!(self, page, &page)?);
            if rows.len() as u64 >= u64::from(query.limit) {
                break;
            }
        }
        Ok(rows)
    }

    /// The ids of vouchers that are due before that instant, the earliest first: candidates, of which the rules decide. What is claimed on a
    /// sheet that is not open is none of them, however long ago it was due.
    pub async fn due(&mut self, region: &str, before: &str, limit: u32) -> Result<Vec<String>> {
        askable([region, before])?;
        let page = DuePage {
            region: region.to_owned(),
            before: before.to_owned(),
            limit,
        };
        ask!(self, due, &page)
    }

    /// The next instant from that one on at which a voucher of the region is due.
    pub async fn next_due(&mut self, region: &str, from: &str) -> Result<Option<String>> {
        askable([region, from])?;
        let asked = (region.to_owned(), from.to_owned());
        ask!(self, next_due, &asked)
    }

    /// What the vouchers of one of a region's status lists say in it. A list has a fixed number of places, so this is bounded without
    /// being paged.
    pub async fn status_entries(&mut self, region: &str, list: u64) -> Result<Vec<String>> {
        askable([region])?;
        let asked = (region.to_owned(), list.to_string());
        ask!(self, status_entries, &asked)
    }

    /// How many rows the list has after `query.after`, whatever its limit.
    pub async fn count(&mut self, query: &ListQuery) -> Result<u64> {
        let mut sum = 0;
        for page in self.pages(query).await? {
            sum += ask!(self, count, &page)?;
        }
        Ok(sum)
    }

    /// A page of a whole table of one region, in id order, its rows with their links.
    pub async fn rows(
        &mut self,
        table: Table,
        region: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Row>> {
        askable([region, after.unwrap_or_default()])?;
        let page = TablePage {
            table,
            region: region.to_owned(),
            after: after.unwrap_or_default().to_owned(),
            limit,
        };
        ask!(self, rows, &page)
    }

    /// A page of all nullifiers of all regions, by tag.
    pub async fn all_nullifiers(
        &mut self,
        after: Option<Tag>,
        limit: u32,
    ) -> Result<Vec<Nullifier>> {
        ask!(self, all_nullifiers, &NullifierPage { after, limit })
    }

    /// A page of one region's secrets, by person.
    pub async fn people(
        &mut self,
        region: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<PersonSecret>> {
        askable([region, after.unwrap_or_default()])?;
        let page = PeoplePage {
            region: region.to_owned(),
            after: after.unwrap_or_default().to_owned(),
            limit,
        };
        ask!(self, people, &page)
    }

    /// A fact of the deployment.
    pub async fn meta(&mut self, key: &str) -> Result<Option<String>> {
        askable([key])?;
        ask!(self, meta, key)
    }

    /// The database's clock, Unix milliseconds.
    pub async fn clock_ms(&mut self) -> Result<i64> {
        ask!(self, clock_ms, &())
    }

    /// One page per region that the query covers: each is a walk of one index.
    async fn pages(&mut self, query: &ListQuery) -> Result<Vec<RegionPage>> {
        let spec = query.table.spec();
        let at = At(spec.name, "a list");
        for (column, _) in &query.equals {
            if !spec.has(column) {
                return Err(at.invalid(column, "is no index column of its table"));
            }
        }
        if query.due_before.is_some() && !spec.has("due") {
            return Err(at.invalid("due", "is no index column of its table"));
        }
        if !query.shown.fits(query.table) {
            return Err(at.invalid("shown", "is nothing that the table's rows say"));
        }
        let shown = query.shown.values(query.table);
        askable(shown.into_iter().map(String::as_str))?;
        let (from, id) = query.after.clone().unwrap_or_default();
        askable(query.equals.iter().map(|(_, value)| value.as_str()))?;
        askable(
            query
                .due_before
                .as_deref()
                .into_iter()
                .chain([from.as_str(), &id]),
        )?;
        let regions = match &query.scope {
            Scope::Region(region) => {
                askable([region.as_str()])?;
                vec![region.clone()]
            }
            Scope::Under(prefixes) => {
                let heads = self.all_heads().await?;
                heads
                    .into_iter()
                    .map(|head| head.region)
                    .filter(|region| prefixes.iter().any(|p| region.starts_with(p.as_str())))
                    .collect()
            }
        };
        let pages = regions
            .into_iter()
            .filter(|region| *region >= from)
            .map(|region| RegionPage {
                table: query.table,
                after: if region == from {
                    id.clone()
                } else {
                    String::new()
                },
                region,
                equals: query.equals.clone(),
                due_before: query.due_before.clone(),
                shown: query.shown.clone(),
                limit: query.limit,
            });
        Ok(pages.collect())
    }
}
