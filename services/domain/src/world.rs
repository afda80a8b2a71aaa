//! The facts that deciding reads: what was read under one head, and over it an overlay of what this batch has changed.
//!
//! A fact that nobody brought in is `Missing`, never "absent": deciding stops and asks for it, so a rule can never be answered from ignorance.

use std::sync::{Arc, OnceLock};

use foldhash::{HashMap, HashMapExt};

use crate::ids::*;
use crate::policy::{Policy, ProgrammeRules};
use crate::refusal::{Code, Stop};
use crate::state::*;
use crate::time::Instant;

/// Whom a nullifier is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A person; the engine computes the tag from their identity.
    Person(PersonId),
    /// The tag itself, computed at the edge (certificate numbers).
    Tag(Tag),
}

/// Something that deciding needs to know and does not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// A fact of the region.
    Fact(Key),
    /// Whether a nullifier is taken, in any region.
    Nullifier(Subject, Once),
    /// Whose identity a lookup tag is.
    Identity(Tag),
}

/// Who holds a nullifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// In which region.
    pub region: Region,
    /// Which voucher, or which part of an imported list ([`ImportId::as_holder`]).
    pub voucher: VoucherId,
}

/// Who held a nullifier before this batch, and who holds it after.
type HolderChange = (Option<Holder>, Option<Holder>);

/// Where a complete world's facts stand that it does not hold.
pub trait Aside: std::fmt::Debug + Send + Sync {
    /// The fact as it was put aside last, if it ever was.
    ///
    /// # Errors
    /// [`Lost`], when it was and cannot be read back.
    fn fact(&self, key: &Key) -> Result<Option<Fact>, Lost>;
}

/// A fact that was put aside cannot be read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost;

/// Facts that were looked at where they stand aside, one after the other: a reference to one stays good while others come in.
#[derive(Debug, Clone, Default)]
struct Looked(OnceLock<Box<(Key, Arc<Fact>, Looked)>>);

/// One region's facts, as far as they were brought in.
#[derive(Debug, Clone)]
pub struct World {
    region: Region,
    base: HashMap<Key, Option<Arc<Fact>>>,
    over: HashMap<Key, Option<Arc<Fact>>>,
    tags: HashMap<(Subject, Once), Tag>,
    holders: HashMap<Tag, Option<Holder>>,
    /// Changed in this batch: the holder before and after.
    holders_over: HashMap<Tag, HolderChange>,
    identities: HashMap<Tag, Option<PersonId>>,
    identities_over: HashMap<Tag, Option<PersonId>>,
    undo: Undo,
    blind: bool,
    complete: bool,
    /// A complete world's facts that did not change since it aged last.
    aged: HashMap<Key, Option<Arc<Fact>>>,
    /// Where its other facts stand.
    aside: Option<Arc<dyn Aside>>,
    looked: Looked,
    /// Accounts that a complete world's last events changed.
    accounts: Vec<Key>,
}

/// The overlay as it stood, to go back to.
#[derive(Debug)]
pub struct Saved {
    over: HashMap<Key, Option<Arc<Fact>>>,
    holders_over: HashMap<Tag, HolderChange>,
    identities_over: HashMap<Tag, Option<PersonId>>,
}

/// What the overlay held before the events that are being applied, so that a command's events apply all or not at all.
#[derive(Debug, Clone, Default)]
struct Undo {
    facts: Vec<(Key, Option<Option<Arc<Fact>>>)>,
    tags: Vec<(Tag, Option<HolderChange>)>,
}

fn missing(key: &Key) -> Stop {
    Stop::Missing(Need::Fact(key.clone()))
}

macro_rules! facts {
    ($($get:ident, $edit:ident, $variant:ident, $type:ty, ($($arg:ident: $arg_type:ty),*), $key:expr, $missing:ident;)+) => {$(
        /// That fact, or the refusal that it does not exist.
        pub fn $get(&self, $($arg: $arg_type),*) -> Result<&$type, Stop> {
            match self.get(&$key)? {
                Some(Fact::$variant(fact)) => Ok(fact),
                _ => Err(Code::$missing.into()),
            }
        }

        /// That fact in the overlay, to be changed by an event.
        #[allow(dead_code)] // some facts are only ever replaced whole
        pub(crate) fn $edit(&mut self, $($arg: $arg_type),*) -> Result<&mut $type, Stop> {
            match self.edit($key)? {
                Some(Fact::$variant(fact)) => Ok(fact),
                _ => Err(Code::$missing.into()),
            }
        }
    )+};
}

impl World {
    /// A region of which nothing is known yet.
    pub fn new(region: Region) -> World {
        World {
            region,
            base: HashMap::new(),
            over: HashMap::new(),
            tags: HashMap::new(),
            holders: HashMap::new(),
            holders_over: HashMap::new(),
            identities: HashMap::new(),
            identities_over: HashMap::new(),
            undo: Undo::default(),
            blind: false,
            complete: false,
            aged: HashMap::new(),
            aside: None,
            looked: Looked::default(),
            accounts: Vec::new(),
        }
    }

    /// A region of which everything is known, because its log is replayed from the start: what no event made does not exist. Its facts
    /// change where they stand, without an overlay: a replay is over at the first event that does not apply, so nothing is undone.
    pub fn complete(region: Region) -> World {
        World {
            complete: true,
            ..World::new(region)
        }
    }

    /// A complete world whose facts may be put aside as it ages ([`World::age`]), and are looked up there.
    pub fn complete_but(region: Region, aside: Arc<dyn Aside>) -> World {
        World {
            aside: Some(aside),
            ..World::complete(region)
        }
    }

    /// The facts that did not change since the world aged last are to be put aside, those apart that `stays` says; it holds them no
    /// more. What changed since is the next that goes.
    pub fn age(&mut self, stays: impl Fn(&Key) -> bool) -> Vec<(Key, Arc<Fact>)> {
        let young = std::mem::take(&mut self.base);
        let mut old = std::mem::replace(&mut self.aged, young);
        let mut goes = Vec::with_capacity(old.len());
        let mut kept = Vec::new();
        for (key, fact) in old.drain() {
            match fact {
                Some(fact) if !stays(&key) => goes.push((key, fact)),
                Some(_) | None => kept.push((key, fact)),
            }
        }
        // The next generation grows into the room of the one that goes.
        self.base = old;
        self.base.extend(kept);
        goes
    }

    /// Whether a complete world holds the fact itself.
    pub fn holds(&self, key: &Key) -> bool {
        matches!(
            self.base.get(key).or_else(|| self.aged.get(key)),
            Some(Some(_))
        )
    }

    /// Takes a fact that a complete world holds out of it.
    pub fn take(&mut self, key: &Key) -> Option<Arc<Fact>> {
        let young = self.base.remove(key);
        young.or_else(|| self.aged.remove(key)).flatten()
    }

    /// How many facts changed since the world aged last.
    pub fn young(&self) -> usize {
        self.base.len()
    }

    /// The region's code.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Brings a fact in as it stands in the store; `None` says that it is not there.
    pub fn bring(&mut self, key: Key, fact: Option<Fact>) {
        self.base.insert(key, fact.map(Arc::new));
    }

    /// Brings in who holds a nullifier.
    pub fn bring_nullifier(
        &mut self,
        subject: Subject,
        once: Once,
        tag: Tag,
        holder: Option<Holder>,
    ) {
        self.tags.insert((subject, once), tag);
        self.holders.insert(tag, holder);
    }

    /// Brings in whose identity a lookup tag is.
    pub fn bring_identity(&mut self, tag: Tag, person: Option<PersonId>) {
        self.identities.insert(tag, person);
    }

    /// Whether a need is met already.
    pub fn knows(&self, need: &Need) -> bool {
        match need {
            Need::Fact(key) => self.over.contains_key(key) || self.base.contains_key(key),
            Need::Nullifier(subject, once) => {
                self.tags.contains_key(&(subject.clone(), once.clone()))
            }
            Need::Identity(tag) => {
                self.identities_over.contains_key(tag) || self.identities.contains_key(tag)
            }
        }
    }

    /// The overlay becomes what was read: the commit was acknowledged.
    pub fn settle(&mut self) {
        self.base.extend(self.over.drain());
        let mut looked = std::mem::take(&mut self.looked);
        while let Some(next) = looked.0.into_inner() {
            let (key, fact, after) = *next;
            // Who changed it since took it over.
            self.base.entry(key).or_insert(Some(fact));
            looked = after;
        }
        self.identities.extend(self.identities_over.drain());
        self.accounts.clear();
        self.forget_nullifiers();
    }

    /// The overlay never was: the commit failed.
    pub fn discard(&mut self) {
        self.over.clear();
        self.identities_over.clear();
        self.forget_nullifiers();
    }

    /// Nullifiers are another region's business too, so they are read anew for each batch.
    pub fn forget_nullifiers(&mut self) {
        self.tags.clear();
        self.holders.clear();
        self.holders_over.clear();
        self.identities.clear();
    }

    /// Keeps the overlay as it stands, before a group of commands that goes through whole or not at all.
    pub fn save(&self) -> Saved {
        Saved {
            over: self.over.clone(),
            holders_over: self.holders_over.clone(),
            identities_over: self.identities_over.clone(),
        }
    }

    /// Goes back to a kept overlay.
    pub fn restore(&mut self, saved: Saved) {
        self.over = saved.over;
        self.holders_over = saved.holders_over;
        self.identities_over = saved.identities_over;
    }

    /// While blind, every nullifier reads as free: a dry run must not tell what other regions know.
    pub fn set_blind(&mut self, blind: bool) {
        self.blind = blind;
    }

    /// The policy version in force at that instant for the plan year of the thing that a key names; `None` where no policy rules.
    pub fn policy_version(&self, key: &Key, at: Instant) -> Result<Option<u32>, Stop> {
        let year = match key {
            Key::Policy(year) | Key::Year(year) | Key::Account(year, _) => *year,
            Key::CatalogueEntry(entry) => entry.year,
            Key::TopUp(id) => self.top_up(id)?.year,
            Key::Class(id) | Key::Attendance(id) | Key::Employment(id) => {
                self.class(id)?.filing.year
            }
            Key::Session(id) => self.session(id)?.filing.year,
            Key::Sheet(id) => self.sheet(id)?.year,
            Key::Voucher(id) => self.voucher(id)?.year,
            Key::Inspection(id) => self.class(&self.inspection(id)?.class)?.filing.year,
            Key::Region
            | Key::Calendar(_)
            | Key::Credential(_)
            | Key::Person(_)
            | Key::Import(_)
            | Key::Institution(_)
            | Key::Booking(_)
            | Key::Sample(_)
            | Key::Finding(_)
            | Key::Flag(_)
            | Key::Credit(_) => return Ok(None),
        };
        match self.get(&Key::Policy(year))? {
            Some(_) => Ok(self.policy(year, at).ok().map(|(version, _)| version)),
            None => Ok(None),
        }
    }

    /// Forgets everything: the head moved under us.
    pub fn forget(&mut self) {
        self.discard();
        self.base.clear();
    }

    /// Forgets one fact.
    pub fn forget_fact(&mut self, key: &Key) {
        self.base.remove(key);
    }

    /// How many facts are held.
    pub fn len(&self) -> usize {
        self.base.len() + self.aged.len() + self.over.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The accounts on which a complete world's events moved money since it settled.
    pub fn accounts_changed(&self) -> impl Iterator<Item = &Account> {
        let accounts = self.accounts.iter().filter_map(|key| self.base.get(key));
        accounts.filter_map(|fact| match fact.as_deref() {
            Some(Fact::Account(account)) => Some(account),
            _ => None,
        })
    }

    /// What this batch changed in the overlay, in key order.
    pub fn changed(&self) -> Vec<(&Key, &Fact)> {
        let mut rows: Vec<_> = self
            .over
            .iter()
            .filter_map(|(key, fact)| Some((key, fact.as_deref()?)))
            .collect();
        rows.sort_by_key(|(key, _)| *key);
        rows
    }

    /// A fact as it was before this batch, if it was brought in and there was one.
    pub fn before(&self, key: &Key) -> Option<&Fact> {
        self.base.get(key)?.as_deref()
    }

    /// Every fact held with its key, in no particular order.
    pub fn held(&self) -> impl Iterator<Item = (&Key, &Fact)> {
        let base = self.base.iter().chain(&self.aged);
        let base = base.filter(|(key, _)| !self.over.contains_key(key));
        let held = base.chain(self.over.iter());
        held.filter_map(|(key, fact)| Some((key, fact.as_deref()?)))
    }

    /// Every fact held, in no particular order.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.held().map(|(_, fact)| fact)
    }

    /// Every fact held, in key order.
    pub fn all(&self) -> Vec<(&Key, &Fact)> {
        let mut rows: Vec<_> = self.held().collect();
        rows.sort_by_key(|(key, _)| (*key).clone());
        rows
    }

    /// The fact, `None` if it does not exist, `Missing` if nobody knows.
    pub fn get(&self, key: &Key) -> Result<Option<&Fact>, Stop> {
        match self.over.get(key).or_else(|| self.base.get(key)) {
            Some(fact) => Ok(fact.as_deref()),
            None if self.complete => self.get_aged(key),
            None => Err(missing(key)),
        }
    }

    /// A complete world's fact that did not change lately.
    fn get_aged(&self, key: &Key) -> Result<Option<&Fact>, Stop> {
        if let Some(fact) = self.aged.get(key) {
            return Ok(fact.as_deref());
        }
        let Some(aside) = &self.aside else {
            return Ok(None);
        };
        let mut looked = &self.looked;
        loop {
            if looked.0.get().is_none() {
                let Some(fact) = aside.fact(key).map_err(|Lost| missing(key))? else {
                    return Ok(None);
                };
                // Somebody else may have been first: then theirs stands here, and this one comes behind it.
                let _ = (looked.0).set(Box::new((key.clone(), Arc::new(fact), Looked::default())));
            }
            match looked.0.get().map(|next| &**next) {
                Some((of, fact, _)) if of == key => return Ok(Some(fact)),
                Some((.., after)) => looked = after,
                None => {}
            }
        }
    }

    /// Takes over a complete world's fact that did not change lately, to be changed.
    fn rejuvenate(&mut self, key: &Key) -> Result<(), Stop> {
        let fact = match self.aged.remove(key) {
            Some(fact) => fact,
            None => match &self.aside {
                Some(aside) => match aside.fact(key) {
                    Ok(fact) => fact.map(Arc::new),
                    Err(Lost) => return Err(missing(key)),
                },
                None => None,
            },
        };
        if fact.is_some() {
            self.base.insert(key.clone(), fact);
        }
        Ok(())
    }

    fn edit(&mut self, key: Key) -> Result<Option<&mut Fact>, Stop> {
        if self.complete {
            self.note_account(&key);
            if !self.base.contains_key(&key) {
                self.rejuvenate(&key)?;
            }
            let fact = self.base.get_mut(&key).and_then(Option::as_mut);
            return Ok(fact.map(Arc::make_mut));
        }
        let before = self.over.get(&key).cloned();
        if before.is_none() {
            let fact = match self.base.get(&key) {
                Some(fact) => fact.clone(),
                None => return Err(Stop::Missing(Need::Fact(key))),
            };
            self.over.insert(key.clone(), fact);
        }
        if !self.undo.facts.iter().any(|(k, _)| *k == key) {
            self.undo.facts.push((key.clone(), before));
        }
        Ok(self
            .over
            .get_mut(&key)
            .and_then(Option::as_mut)
            .map(Arc::make_mut))
    }

    fn note_account(&mut self, key: &Key) {
        if matches!(key, Key::Account(..)) && !self.accounts.contains(key) {
            self.accounts.push(key.clone());
        }
    }

    /// Adds a fact that an event made.
    pub(crate) fn add(&mut self, key: Key, fact: Fact) {
        if self.complete {
            self.note_account(&key);
            self.aged.remove(&key);
            self.base.insert(key, Some(Arc::new(fact)));
            return;
        }
        let before = self.over.insert(key.clone(), Some(Arc::new(fact)));
        self.undo.facts.push((key, before));
    }

    /// Applies a command's events to the overlay: all of them, or none when a fact is missing. A complete world is of no use any more
    /// once an event did not apply.
    pub fn apply(&mut self, events: &[crate::Event], at: Instant) -> Result<(), Stop> {
        self.undo = Undo::default();
        let applied = events
            .iter()
            .try_for_each(|event| crate::decide::apply(self, event, at));
        let undo = std::mem::take(&mut self.undo);
        if applied.is_err() {
            for (key, before) in undo.facts.into_iter().rev() {
                match before {
                    Some(fact) => self.over.insert(key, fact),
                    None => self.over.remove(&key),
                };
            }
            for (tag, before) in undo.tags.into_iter().rev() {
                match before {
                    Some(change) => self.holders_over.insert(tag, change),
                    None => self.holders_over.remove(&tag),
                };
            }
        }
        applied
    }

    facts! {
        state_of_region, edit_region, Region, RegionState, (), Key::Region, RegionNotFound;
        policies, edit_policies, Policy, Policies, (year: &PlanYear), Key::Policy(*year), PolicyMissing;
        calendar, edit_calendar, Calendar, crate::calendar::Calendar, (year: &u16), Key::Calendar(*year), CalendarMissing;
        year, edit_year, Year, YearState, (year: &PlanYear), Key::Year(*year), PlanYearNotOpen;
        account, edit_account, Account, Account, (year: &PlanYear, source: &Source), Key::Account(*year, source.clone()), AccountNotFound;
        top_up, edit_top_up, TopUp, TopUp, (id: &TopUpId), Key::TopUp(*id), TopUpNotFound;
        credential, edit_credential, Credential, Credential, (id: &CredentialId), Key::Credential(id.clone()), CredentialNotFound;
        person, edit_person, Person, Person, (id: &PersonId), Key::Person(*id), PersonNotFound;
        institution, edit_institution, Institution, Institution, (id: &InstitutionId), Key::Institution(id.clone()), InstitutionNotFound;
        catalogue_entry, edit_catalogue_entry, CatalogueEntry, CatalogueEntry, (id: &CatalogueEntryId), Key::CatalogueEntry(id.clone()), CatalogueEntryNotFound;
        class, edit_class, Class, TrainingClass, (id: &ClassId), Key::Class(*id), ClassNotFound;
        attendance, edit_attendance, Attendance, Attendance, (id: &ClassId), Key::Attendance(*id), ClassNotFound;
        employment, edit_employment, Employment, Employment, (id: &ClassId), Key::Employment(*id), ClassNotFound;
        session, edit_session, Session, Session, (id: &SessionId), Key::Session(*id), SessionNotFound;
        sheet, edit_sheet, Sheet, Sheet, (id: &SheetId), Key::Sheet(*id), SheetNotFound;
        voucher, edit_voucher, Voucher, Voucher, (id: &VoucherId), Key::Voucher(*id), VoucherNotFound;
        sample, edit_sample, Sample, Sample, (id: &SampleId), Key::Sample(*id), SampleNotFound;
        inspection, edit_inspection, Inspection, Inspection, (id: &InspectionId), Key::Inspection(*id), InspectionNotFound;
        finding, edit_finding, Finding, Finding, (id: &FindingId), Key::Finding(*id), FindingNotFound;
        flag, edit_flag, Flag, Flag, (id: &FlagId), Key::Flag(*id), FlagNotFound;
        credit, edit_credit, Credit, Credit, (id: &InstitutionId), Key::Credit(id.clone()), CreditNotFound;
    }

    /// Where a trainer or room is taken; nowhere, if nothing was ever booked.
    pub fn booking(&self, resource: &Resource) -> Result<Option<&Booking>, Stop> {
        match self.get(&Key::Booking(resource.clone()))? {
            Some(Fact::Booking(booking)) => Ok(Some(booking)),
            _ => Ok(None),
        }
    }

    pub(crate) fn edit_booking(&mut self, resource: &Resource) -> Result<&mut Booking, Stop> {
        let key = Key::Booking(resource.clone());
        if self.get(&key)?.is_none() {
            self.add(key.clone(), Fact::Booking(Booking::default()));
        }
        match self.edit(key.clone())? {
            Some(Fact::Booking(booking)) => Ok(booking),
            _ => Err(Stop::Missing(Need::Fact(key))),
        }
    }

    /// The policy that decides at that instant, with its version.
    pub fn policy(&self, year: PlanYear, at: Instant) -> Result<(u32, &Policy), Stop> {
        let adopted = self
            .policies(&year)?
            .versions
            .iter()
            .rev()
            .find(|adopted| adopted.effective <= at);
        adopted
            .map(|adopted| (adopted.version, &adopted.policy))
            .ok_or_else(|| Code::PolicyMissing.into())
    }

    /// A programme's rules at that instant.
    pub fn rules(
        &self,
        year: PlanYear,
        programme: crate::Programme,
        at: Instant,
    ) -> Result<(&Policy, &ProgrammeRules), Stop> {
        let (_, policy) = self.policy(year, at)?;
        let rules = policy
            .programmes
            .get(&programme)
            .ok_or_else(|| Code::ProgrammeWithoutRate.about(programme.as_str()))?;
        Ok((policy, rules))
    }

    /// Who holds that nullifier, and its tag.
    pub fn nullifier(
        &self,
        subject: &Subject,
        once: &Once,
    ) -> Result<(Tag, Option<&Holder>), Stop> {
        if self.blind {
            return Ok((Tag([0; 16]), None));
        }
        let missing = || Stop::Missing(Need::Nullifier(subject.clone(), once.clone()));
        let tag = *self
            .tags
            .get(&(subject.clone(), once.clone()))
            .ok_or_else(missing)?;
        let holder = self
            .holders_over
            .get(&tag)
            .map(|(_, after)| after)
            .or_else(|| self.holders.get(&tag))
            .ok_or_else(missing)?;
        Ok((tag, holder.as_ref()))
    }

    /// Whose identity that tag is.
    pub fn identity(&self, tag: &Tag) -> Result<Option<PersonId>, Stop> {
        self.identities_over
            .get(tag)
            .or_else(|| self.identities.get(tag))
            .copied()
            .ok_or(Stop::Missing(Need::Identity(*tag)))
    }

    /// A voucher, or an imported list, takes a nullifier that was free.
    pub(crate) fn take_nullifier(&mut self, tag: Tag, voucher: VoucherId) {
        let holder = Holder {
            region: self.region.clone(),
            voucher,
        };
        self.undo
            .tags
            .push((tag, self.holders_over.get(&tag).cloned()));
        self.holders_over.entry(tag).or_insert((None, None)).1 = Some(holder);
    }

    /// A voucher frees a nullifier that it held.
    pub(crate) fn free_nullifier(&mut self, tag: Tag, voucher: VoucherId) {
        let holder = Holder {
            region: self.region.clone(),
            voucher,
        };
        self.undo
            .tags
            .push((tag, self.holders_over.get(&tag).cloned()));
        self.holders_over
            .entry(tag)
            .or_insert((Some(holder), None))
            .1 = None;
    }

    /// The net effect of this batch on nullifiers, in key order: the holder before and after, where they differ.
    pub fn nullifiers_changed(&self) -> Vec<(Tag, Option<&Holder>, Option<&Holder>)> {
        let changed = self
            .holders_over
            .iter()
            .filter(|(_, (before, after))| before != after);
        let mut net: Vec<_> = changed
            .map(|(tag, (before, after))| (*tag, before.as_ref(), after.as_ref()))
            .collect();
        net.sort_by_key(|(tag, ..)| *tag);
        net
    }

    /// An identity is taken within this batch.
    pub fn take_identity(&mut self, tag: Tag, person: PersonId) {
        self.identities_over.insert(tag, Some(person));
    }
}
