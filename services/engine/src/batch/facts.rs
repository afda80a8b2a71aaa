//! What a batch is decided on: heads, facts, nullifiers, identities and earlier requests, each kind in one round trip.

use std::collections::HashMap;

use hefu_domain::command::Act;
use hefu_domain::state::Once;
use hefu_domain::{Key, Need, Occupation, PersonId, Region, Subject, Tag};
use hefu_store::{FactKey, Head, Nullifier, RequestKey};

use super::Attempt;
use crate::cell::HeadRead;
use crate::error::EngineError;
use crate::stages::Stage;
use crate::{Job, rows};

/// What is to become of a nullifier of somebody whose identity is not on record: erased, or lost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// It was a guess that it is needed: the rules may say no before they come to it.
    Skipped,
    /// Nothing can be decided without it.
    Refused,
}

impl Attempt<'_, '_> {
    /// The head first: whatever is read afterwards is at least as new.
    pub(super) async fn read_heads(&mut self) -> Result<(), EngineError> {
        let unread: Vec<String> = self
            .cells
            .values()
            .filter(|cell| cell.head == HeadRead::Unread)
            .map(|cell| cell.region.to_string())
            .collect();
        if unread.is_empty() {
            return Ok(());
        }
        let mut heads: HashMap<String, Head> = self
            .reads
            .heads(&unread)
            .await?
            .into_iter()
            .map(|head| (head.region.clone(), head))
            .collect();
        for cell in self
            .cells
            .values_mut()
            .filter(|cell| cell.head == HeadRead::Unread)
        {
            cell.take_head(heads.remove(cell.region.as_str()))?;
        }
        Ok(())
    }

    /// Brings in what the commands are known to read, a stage at a time, for the whole batch at once.
    pub(super) async fn prefetch(&mut self, jobs: &[Job]) -> Result<(), EngineError> {
        for _stage in 0..4 {
            let mut needs: Vec<(Region, Need)> = Vec::new();
            self.laps.ask_again();
            for job in jobs {
                for command in &job.commands {
                    for region in job.regions() {
                        if let Some(cell) = self.cells.get(region) {
                            needs.extend(
                                self.laps
                                    .needs(&cell.world, command)
                                    .into_iter()
                                    .map(|need| (region.clone(), need)),
                            );
                        }
                    }
                }
            }
            needs.sort();
            needs.dedup();
            if needs.is_empty() {
                break;
            }
            self.bring(needs, Unknown::Skipped).await?;
        }
        let bound: Vec<(Region, PersonId)> = jobs
            .iter()
            .flat_map(|job| &job.commands)
            .filter_map(|command| {
                let voucher = match &command.act {
                    Act::Issue(act) => act.voucher,
                    Act::ReissueToken(act) => act.voucher,
                    _ => return None,
                };
                let cell = self.cells.get(&command.region)?;
                Some((
                    command.region.clone(),
                    cell.world.voucher(&voucher).ok()?.person,
                ))
            })
            .collect();
        self.open_identities(bound).await
    }

    /// Requests that were done already: facts like any other.
    pub(super) async fn read_requests(&mut self, jobs: &[Job]) -> Result<(), EngineError> {
        let keys: Vec<RequestKey> = jobs
            .iter()
            .filter(|job| !job.dry)
            .filter_map(|job| self.request_key(job))
            .collect();
        for row in self.reads.requests(&keys).await? {
            if let Some(key) = row.request_key() {
                self.done.entry(key).or_default().push(row);
            }
        }
        Ok(())
    }

    /// Brings facts, nullifiers and identities in, each kind in one round trip.
    pub(super) async fn bring(
        &mut self,
        needs: Vec<(Region, Need)>,
        unknown: Unknown,
    ) -> Result<(), EngineError> {
        let mut facts: Vec<(Region, Key)> = Vec::new();
        let mut nullifiers = Vec::new();
        let mut tags: Vec<(Region, Tag)> = Vec::new();
        for (region, need) in needs {
            match need {
                Need::Fact(key) => facts.push((region, key)),
                Need::Nullifier(subject, once) => nullifiers.push((region, subject, once)),
                Need::Identity(tag) => tags.push((region, tag)),
            }
        }
        let before = self.laps.enter(Stage::Facts);
        self.laps.read(facts.len());
        self.bring_facts(facts).await?;
        self.bring_nullifiers(nullifiers, unknown).await?;
        self.bring_identities(tags).await?;
        self.laps.enter(before);
        Ok(())
    }

    async fn bring_facts(&mut self, facts: Vec<(Region, Key)>) -> Result<(), EngineError> {
        if facts.is_empty() {
            return Ok(());
        }
        let keys: Vec<FactKey> = facts
            .iter()
            .map(|(region, key)| rows::fact_key(region.as_str(), key))
            .collect();
        let mut found: HashMap<FactKey, hefu_store::Row> = HashMap::new();
        for row in self.reads.load(&keys).await? {
            found.insert(
                FactKey {
                    region: row.region.clone(),
                    table: row.table,
                    id: row.id.clone(),
                },
                row,
            );
        }
        for ((region, key), place) in facts.into_iter().zip(keys) {
            let Some(cell) = self.cells.get_mut(&region) else {
                continue;
            };
            match found.remove(&place) {
                Some(row) => cell.bring(key, Some(rows::fact(&row)?), (row.version, row.leaf)),
                None => cell.bring(key, None, (0, None)),
            }
        }
        Ok(())
    }

    async fn bring_nullifiers(
        &mut self,
        mut wanted: Vec<(Region, Subject, Once)>,
        unknown: Unknown,
    ) -> Result<(), EngineError> {
        wanted.retain(|(region, subject, _)| !self.is_nobody(region, subject));
        if wanted.is_empty() {
            return Ok(());
        }
        let people = wanted
            .iter()
            .filter_map(|(region, subject, _)| match subject {
                Subject::Person(person) => Some((region.clone(), *person)),
                Subject::Tag(_) => None,
            });
        self.open_identities(people.collect()).await?;
        if unknown == Unknown::Skipped {
            wanted.retain(|(region, subject, _)| match subject {
                Subject::Person(person) => {
                    let place = (region.clone(), *person);
                    self.identities.contains_key(&place)
                }
                Subject::Tag(_) => true,
            });
        }
        let rules = wanted.iter().map(|(region, _, once)| (region, once));
        self.open_occupations(rules).await?;
        let mut tags = Vec::with_capacity(wanted.len());
        for (region, subject, once) in &wanted {
            tags.push(match subject {
                Subject::Tag(tag) => *tag,
                Subject::Person(person) => {
                    let identity = self
                        .identities
                        .get(&(region.clone(), *person))
                        .ok_or_else(|| EngineError::Vault("no identity on record".to_owned()))?;
                    let (rule, scope) = self.in_clear(region, once).rule_and_scope();
                    self.people.nullifier(identity, rule, &scope)
                }
            });
        }
        let asked: Vec<[u8; 16]> = tags.iter().map(|tag| tag.0).collect();
        let mut holders: HashMap<[u8; 16], hefu_domain::Holder> = HashMap::new();
        for row in self.reads.nullifiers(&asked).await? {
            holders.insert(row.tag, holder(&row)?);
        }
        for ((region, subject, once), tag) in wanted.into_iter().zip(tags) {
            if let Some(cell) = self.cells.get_mut(&region) {
                cell.world
                    .bring_nullifier(subject, once, tag, holders.get(&tag.0).cloned());
            }
        }
        Ok(())
    }

    /// Opens the sealed occupations that these rules are about, those that are not open yet.
    async fn open_occupations(
        &mut self,
        rules: impl Iterator<Item = (&Region, &Once)>,
    ) -> Result<(), EngineError> {
        for (region, once) in rules {
            let Some(seal) = once.occupation().and_then(Occupation::commitment) else {
                continue;
            };
            let place = (region.clone(), seal);
            if !self.occupations.contains_key(&place) {
                let found = self.people.occupation(self.reads, region, seal).await?;
                self.occupations.insert(place, found);
            }
        }
        Ok(())
    }

    /// A rule about the occupation behind the seal, so that the same training is paid once whether or not a unit is classified. A seal
    /// behind which nothing stands is an occupation of its own.
    fn in_clear(&self, region: &Region, once: &Once) -> Once {
        let seal = once.occupation().and_then(Occupation::commitment);
        let found = seal.and_then(|seal| self.occupations.get(&(region.clone(), seal))?.clone());
        found.map_or_else(|| once.clone(), |occupation| once.of_occupation(occupation))
    }

    /// Whom the region does not know has no identity to make a tag from; deciding says that they are not there.
    fn is_nobody(&self, region: &Region, subject: &Subject) -> bool {
        match (subject, self.cells.get(region)) {
            (Subject::Person(person), Some(cell)) => {
                matches!(cell.world.get(&Key::Person(*person)), Ok(None))
            }
            (Subject::Person(_), None) | (Subject::Tag(_), _) => false,
        }
    }

    async fn bring_identities(&mut self, tags: Vec<(Region, Tag)>) -> Result<(), EngineError> {
        if tags.is_empty() {
            return Ok(());
        }
        let asked: Vec<(String, Vec<u8>)> = tags
            .iter()
            .map(|(region, tag)| (region.to_string(), tag.0.to_vec()))
            .collect();
        let mut found: HashMap<(String, Vec<u8>), String> = HashMap::new();
        for secret in self.reads.people_by_tag(&asked).await? {
            found.insert((secret.region, secret.tag), secret.person);
        }
        for ((region, tag), asked) in tags.into_iter().zip(asked) {
            let person = found.get(&asked).and_then(|person| person.parse().ok());
            if let Some(cell) = self.cells.get_mut(&region) {
                cell.world.bring_identity(tag, person);
            }
        }
        Ok(())
    }

    /// Opens the identities of people, those that are not open yet. They live as long as the attempt.
    pub(super) async fn open_identities(
        &mut self,
        mut people: Vec<(Region, PersonId)>,
    ) -> Result<(), EngineError> {
        people.retain(|person| !self.identities.contains_key(person));
        people.sort();
        people.dedup();
        if people.is_empty() {
            return Ok(());
        }
        let before = self.laps.enter(Stage::Facts);
        let opened = self.people.identities(self.reads, &people).await?;
        self.identities.extend(opened);
        self.laps.enter(before);
        Ok(())
    }
}

fn holder(row: &Nullifier) -> Result<hefu_domain::Holder, EngineError> {
    let corrupt = |column| {
        EngineError::Store(hefu_store::StoreError::Corrupt {
            table: "nullifier",
            column,
            key: row.voucher.clone(),
        })
    };
    Ok(hefu_domain::Holder {
        region: row.region.parse().map_err(|_| corrupt("region"))?,
        voucher: row.voucher.parse().map_err(|_| corrupt("voucher"))?,
    })
}
