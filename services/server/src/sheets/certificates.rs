//! Certificates without a voucher: their holders are registered on the way, and all of a sheet's certificates are recorded, or none.

use std::collections::{BTreeMap, HashMap, HashSet};

use hefu_domain::state::Once;
use hefu_domain::{Code, ImportId, MOST_CERTIFICATES, PersonId, Reference, Tag};
use hefu_engine::People;
use hefu_spreadsheet::{Fault, Row, Unreadable};
use hefu_vault::Identity;
use hefu_wire::{names, v1};
use tonic::Status;

use super::{File, Import, Outcome, Wrong, refused};
use crate::api::NotMade;
use crate::errors;

/// The most rows of one sheet: their numbers are held while it is imported.
const MOST_ROWS: usize = 20_000;
/// How many people are registered at a time.
const AT_ONCE: usize = 64;

/// A row.
struct Listed {
    row: u32,
    registration: v1::RegisterPersonRequest,
    /// Lookup tag of the identity.
    tag: Tag,
    /// Nullifier of the certificate's number.
    number: Tag,
    entry: v1::CertificateEntry,
}

fn read(people: &People, region: &hefu_domain::Region, row: &Row) -> Result<Listed, Wrong> {
    let identity = row.text("identity").parse::<Identity>();
    let identity =
        identity.map_err(|bad| vec![("identity", Fault::new("身份证号有误", bad.to_string()))])?;
    let number = row.text("number").to_owned();
    let (rule, _) = Once::Certificate.rule_and_scope();
    Ok(Listed {
        row: row.number,
        registration: v1::RegisterPersonRequest {
            parent: names::region(region),
            identity_number: row.text("identity").to_owned(),
            display_name: row.text("name").to_owned(),
            phone: row.text("phone").to_owned(),
            ..v1::RegisterPersonRequest::default()
        },
        tag: people.secrets().lookup_tag(region, &identity),
        number: people.secrets().nullifier_of_text(&number, rule, ""),
        entry: v1::CertificateEntry {
            person: String::new(),
            occupation: row.text("occupation").to_owned(),
            level: row.number("level").unwrap_or_default(),
            day: row
                .day("day")
                .map(|day| day.to_string())
                .unwrap_or_default(),
            certificate_number: number,
        },
    })
}

/// Whether two spellings are one name: spaces do not count, and the point between parts of a name is typed in several ways.
fn is_same_name(one: &str, other: &str) -> bool {
    let plain = |name: &str| -> String {
        let point = |c| match c {
            '•' | '‧' | '・' | '．' | '.' => '·',
            c => c,
        };
        let seen = name.chars().filter(|c| !c.is_whitespace());
        seen.map(point).collect()
    };
    plain(one) == plain(other)
}

impl Import {
    pub(super) async fn certificates(
        &self,
        file: &File,
    ) -> Result<Result<Outcome, Unreadable>, Status> {
        let (people, region) = (self.api.engine.people().clone(), self.region.clone());
        let (filled, rows) = match self
            .rows(file, move |row| read(&people, &region, &row))
            .await?
        {
            Ok(read) => read,
            Err(why) => return Ok(Err(why)),
        };
        if rows.len() > MOST_ROWS {
            return Ok(Err(Unreadable::TooLarge));
        }
        let list = self.list(&filled)?;
        let mut outcome = Outcome::of(filled);
        let today = self.api.engine.clock().now().date();
        for listed in &rows {
            if listed.entry.day > today.to_string() {
                let fault = Fault::new("发证日期晚于今天", "is a day to come");
                outcome.filled.add(self.template, listed.row, "day", fault);
            }
        }
        let count = rows.len().div_ceil(MOST_CERTIFICATES);
        let parts = u16::try_from(count).map_err(|_| errors::internal())?;
        if outcome.is_wrong() {
            return Ok(Ok(outcome));
        }
        let known = self.known(&rows).await?;
        self.named_otherwise(&mut outcome, &known, &rows).await?;
        if outcome.is_wrong() {
            return Ok(Ok(outcome));
        }
        let unknown: HashSet<Tag> = rows.iter().map(|listed| listed.tag).collect();
        let unknown = unknown
            .iter()
            .filter(|tag| !known.contains_key(tag))
            .count();
        outcome.registered = u32::try_from(unknown).unwrap_or(u32::MAX);
        if self.dry {
            return Ok(Ok(outcome));
        }
        if self.is_imported("certificates", &list, 1).await? {
            (outcome.old_parts, outcome.registered) = (parts.into(), 0);
            outcome.written = true;
            return Ok(Ok(outcome));
        }
        self.taken(&mut outcome, &list, parts, &rows).await?;
        if outcome.is_wrong() {
            return Ok(Ok(outcome));
        }
        let _place = self.api.gate.line_up(&self.api.engine, &self.by)?;
        let names = self.registered(&list, known, &rows).await?;
        let messages = self.messages(&list, parts, &names, &rows)?;
        let request = format!("{list}.c");
        let made = self
            .api
            .made_together(&self.by, &self.region, &request, &messages);
        match made.await {
            Ok(()) => {
                outcome.new_parts = parts.into();
                outcome.written = true;
            }
            Err(NotMade::Other(status)) => return Err(status),
            Err(NotMade::Item(item, refusals)) => {
                if refusals.has(Code::ImportedBefore) {
                    (outcome.old_parts, outcome.written) = (parts.into(), true);
                    return Ok(Ok(outcome));
                }
                for reason in refusals.reasons() {
                    let line = reason.about.parse::<usize>().unwrap_or_default();
                    let row = rows.get(item * MOST_CERTIFICATES + line);
                    let row = row.map_or(0, |listed| listed.row);
                    let fault = refused::of(reason.code);
                    outcome.filled.add(self.template, row, "number", fault);
                }
            }
        }
        Ok(Ok(outcome))
    }

    /// The people among them who are registered here, by lookup tag.
    async fn known(&self, rows: &[Listed]) -> Result<HashMap<Tag, String>, Status> {
        let mut known = HashMap::new();
        for some in rows.chunks(500) {
            let asked: Vec<_> = some
                .iter()
                .map(|listed| (self.region.to_string(), listed.tag.0.to_vec()))
                .collect();
            let found = self.api.engine.store().people_by_tag(&asked).await;
            for secret in found.map_err(errors::store)? {
                let tag = <[u8; 16]>::try_from(secret.tag.as_slice()).map(Tag);
                let person = secret.person.parse::<PersonId>();
                if let (Ok(tag), Ok(person)) = (tag, person) {
                    known.insert(tag, names::child(&self.region, "people", person));
                }
            }
        }
        Ok(known)
    }

    /// Tells who is registered, or stands further above, under another name: a digit of the number is wrong, or the name, and a certificate is
    /// nobody else's.
    async fn named_otherwise(
        &self,
        outcome: &mut Outcome,
        known: &HashMap<Tag, String>,
        rows: &[Listed],
    ) -> Result<(), Status> {
        let person = |listed: &Listed| {
            let name = known.get(&listed.tag)?;
            let (region, id) = names::parse_child::<PersonId>(name, "people").ok()?;
            Some((region, id))
        };
        let mut first: HashMap<Tag, &str> = HashMap::new();
        for some in rows.chunks(500) {
            let places: Vec<_> = some.iter().filter_map(person).collect();
            let reads = self.api.engine.store().deciding().await;
            let mut reads = reads.map_err(errors::store)?;
            let people = self.api.engine.people();
            let records = people.records(&mut reads, &places).await;
            let records = records.map_err(errors::status)?;
            for listed in some {
                let record = person(listed).and_then(|place| records.get(&place));
                let said = listed.registration.display_name.as_str();
                let above = *first.entry(listed.tag).or_insert(said);
                let registered = record.map_or(above, |record| record.name.expose());
                if !is_same_name(registered, said) {
                    let (zh, en) = (
                        "此身份证号已以其他姓名登记或填写,请核对证件",
                        "this identity number is registered, or stands further above, under another name: compare both with the card",
                    );
                    let fault = Fault::new(zh, en);
                    outcome.filled.add(self.template, listed.row, "name", fault);
                }
            }
        }
        Ok(())
    }

    /// Tells which numbers are on record already. The rule decides it again, under the guard.
    async fn taken(
        &self,
        outcome: &mut Outcome,
        list: &Reference,
        parts: u16,
        rows: &[Listed],
    ) -> Result<(), Status> {
        let own: HashSet<String> = (1..=parts)
            .map(|part| ImportId::of(&self.region, "certificates", list, part).to_string())
            .collect();
        let by_number: HashMap<[u8; 16], u32> = rows
            .iter()
            .map(|listed| (listed.number.0, listed.row))
            .collect();
        for some in rows.chunks(500) {
            let asked: Vec<[u8; 16]> = some.iter().map(|listed| listed.number.0).collect();
            let taken = self.api.engine.store().nullifiers(&asked).await;
            for taken in taken.map_err(errors::store)? {
                let row = by_number.get(&taken.tag).copied().unwrap_or_default();
                if !own.contains(&taken.voucher) {
                    let fault = refused::of(Code::CertificateTaken);
                    outcome.filled.add(self.template, row, "number", fault);
                }
            }
        }
        Ok(())
    }

    /// The names of all of them: whoever is not registered yet is, a move of its own for each.
    async fn registered(
        &self,
        list: &Reference,
        mut known: HashMap<Tag, String>,
        rows: &[Listed],
    ) -> Result<HashMap<Tag, String>, Status> {
        let mut new: BTreeMap<u32, &Listed> = BTreeMap::new();
        let mut seen = HashSet::new();
        for listed in rows {
            if !known.contains_key(&listed.tag) && seen.insert(listed.tag) {
                new.insert(listed.row, listed);
            }
        }
        let new: Vec<&Listed> = new.into_values().collect();
        for some in new.chunks(AT_ONCE) {
            let registrations = some.iter().map(|listed| async {
                let request = v1::RegisterPersonRequest {
                    request_id: format!("{list}.p{}", listed.row),
                    ..listed.registration.clone()
                };
                let made = self.api.made(&self.by, &self.region, &request).await;
                made.map(|made: v1::RegisterPersonResponse| {
                    (listed.tag, made.receipt.unwrap_or_default().name)
                })
            });
            for registered in futures_util::future::join_all(registrations).await {
                let (tag, name) = registered?;
                known.insert(tag, name);
            }
        }
        Ok(known)
    }

    fn messages(
        &self,
        list: &Reference,
        parts: u16,
        names: &HashMap<Tag, String>,
        rows: &[Listed],
    ) -> Result<Vec<v1::ImportCertificatesRequest>, Status> {
        let entry = |listed: &Listed| {
            let person = names.get(&listed.tag).ok_or_else(errors::internal)?;
            Ok(v1::CertificateEntry {
                person: person.clone(),
                ..listed.entry.clone()
            })
        };
        (1..)
            .zip(rows.chunks(MOST_CERTIFICATES))
            .map(|(part, some)| {
                Ok(v1::ImportCertificatesRequest {
                    parent: self.parent(),
                    list: list.to_string(),
                    part,
                    parts: parts.into(),
                    certificates: some.iter().map(entry).collect::<Result<_, Status>>()?,
                    ..v1::ImportCertificatesRequest::default()
                })
            })
            .collect()
    }
}
