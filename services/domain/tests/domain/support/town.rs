//! A region with its store: facts by key, nullifiers by tag, and the log. Deciding starts from an empty world each time, so a rule
//! that reads a fact without asking for it fails here.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use hefu_domain::command::{Act, Command};
use hefu_domain::refusal::{Refusals, Stop};
use hefu_domain::state::*;
use hefu_domain::*;
use sha2::{Digest as _, Sha256};

use super::logbook::Logbook;

/// What a move came to.
pub(crate) type Reply = Result<Vec<Event>, Refusals>;

/// Nullifiers of all regions, as their table's unique key holds them.
type Nullifiers = Rc<RefCell<BTreeMap<Tag, Holder>>>;

/// A region, its store and its clock.
pub(crate) struct Town {
    pub(crate) region: Region,
    pub(crate) now: Instant,
    pub(crate) facts: BTreeMap<Key, Fact>,
    pub(crate) nullifiers: Nullifiers,
    pub(crate) people: BTreeMap<PersonId, Tag>,
    pub(crate) log: Vec<(Instant, Event)>,
    /// The same log as the engine would store it.
    pub(crate) stored: Logbook,
    requests: u32,
}

/// 32 bytes that depend on a text only.
pub(crate) fn digest(text: &str) -> Digest {
    Digest(Sha256::digest(text).into())
}

/// A tag that depends on a text only.
pub(crate) fn tag(text: &str) -> Tag {
    Tag(digest(text).0[..16].try_into().unwrap())
}

/// An id that depends on a text only.
pub(crate) fn uuid(text: &str) -> uuid::Uuid {
    uuid::Uuid::from_bytes(tag(text).0)
}

/// The credential of a member of staff, by their code.
pub(crate) fn credential(name: &str) -> CredentialId {
    digest(&format!("key of {name}"))
        .to_string()
        .parse()
        .unwrap()
}

/// The hash of a voucher's token of that serial number.
pub(crate) fn token_hash(voucher: VoucherId, serial: u16) -> Digest {
    digest(&format!("token {voucher} {serial}"))
}

impl Town {
    /// A region of which there is nothing yet, at a moment.
    pub(crate) fn empty(region: &str, now: Instant) -> Town {
        Town {
            region: region.parse().unwrap(),
            now,
            facts: BTreeMap::new(),
            nullifiers: Nullifiers::default(),
            people: BTreeMap::new(),
            log: Vec::new(),
            stored: Logbook::default(),
            requests: 0,
        }
    }

    /// The same town once more, so that something can be tried on it.
    pub(crate) fn copy(&self) -> Town {
        Town {
            region: self.region.clone(),
            now: self.now,
            facts: self.facts.clone(),
            nullifiers: Rc::new(RefCell::new(self.nullifiers.borrow().clone())),
            people: self.people.clone(),
            log: self.log.clone(),
            stored: self.stored.clone(),
            requests: self.requests,
        }
    }

    /// The id of something of this region by its name in a test.
    pub(crate) fn id(&self, name: &str) -> uuid::Uuid {
        uuid(&format!("{}/{name}", self.region))
    }

    pub(crate) fn command(&self, by: &str, act: Act) -> Command {
        Command {
            region: self.region.clone(),
            by: credential(by),
            request: format!("request-{}", self.requests).parse().unwrap(),
            digest: digest("request"),
            seals: Vec::new(),
            act,
        }
    }

    /// Decides and applies a move a minute after the last one; the books are checked after it.
    pub(crate) fn submit(&mut self, by: &str, act: Act) -> Reply {
        self.submit_naming(&[], by, act)
    }

    /// The same, of a request that names institutions in clear which would be listed under these seals.
    pub(crate) fn submit_naming(&mut self, seals: &[InstitutionId], by: &str, act: Act) -> Reply {
        self.requests += 1;
        self.now = Instant(self.now.0 + 60_000);
        let registered = match &act {
            Act::RegisterPerson(act) => Some((act.person, act.tag)),
            _ => None,
        };
        let command = Command {
            seals: seals.to_vec(),
            ..self.command(by, act)
        };
        let mut world = World::new(self.region.clone());
        let events = loop {
            for need in needs(&world, &command) {
                self.bring(&mut world, need);
            }
            match decide(&world, &command, self.now) {
                Ok(events) => break events,
                Err(Stop::Refused(refusals)) => return Err(refusals),
                Err(Stop::Missing(need)) => self.bring_missing(&mut world, need),
            }
        };
        assert!(
            !events.is_empty(),
            "{} was accepted and changed nothing",
            command.act.name()
        );
        assert!(events.len() <= 1_000, "a move of {} events", events.len());
        let caller = loop {
            match subject(&world, &command.by) {
                Ok(caller) => break caller,
                Err(Stop::Missing(need)) => self.bring_missing(&mut world, need),
                Err(Stop::Refused(refusals)) => panic!("nobody called: {refusals}"),
            }
        };
        let events = self.commit(world, events, (&caller, command.request.as_str()));
        self.people.extend(registered);
        Ok(events)
    }

    /// Makes a move over two regions, as the engine does: both worlds are read, both logs are written. What the other region's log says
    /// comes after what this one's says.
    pub(crate) fn submit_with(&mut self, other: &mut Town, by: &str, act: Act) -> Reply {
        self.requests += 1;
        self.now = Instant(self.now.0.max(other.now.0) + 60_000);
        other.now = self.now;
        let command = self.command(by, act);
        let (mut own, mut theirs) = (
            World::new(self.region.clone()),
            World::new(other.region.clone()),
        );
        let (out, into) = loop {
            match decide_both(&own, &theirs, &command, self.now) {
                Ok(decided) => break decided,
                Err(Stop::Refused(refusals)) => return Err(refusals),
                // Neither world says whose fact is missing: it is brought to both, as far as it is not there.
                Err(Stop::Missing(need)) => {
                    assert!(
                        !own.knows(&need) || !theirs.knows(&need),
                        "asked twice for {need:?}"
                    );
                    self.bring(&mut own, need.clone());
                    other.bring(&mut theirs, need);
                }
            }
        };
        let caller = match subject(&own, &command.by) {
            Ok(caller) => caller,
            Err(stop) => panic!("nobody called: {stop:?}"),
        };
        let request = command.request.as_str();
        let mut events = self.commit(own, out, (&caller, request));
        let city = format!("region/{}", self.region);
        events.extend(other.commit(theirs, into, (&city, request)));
        Ok(events)
    }

    /// What the engine does with decided events: signs the tokens, applies, stores under their caller and request id.
    pub(crate) fn commit(
        &mut self,
        mut world: World,
        mut events: Vec<Event>,
        (caller, request): (&str, &str),
    ) -> Vec<Event> {
        for event in &mut events {
            match event {
                Event::Issued(e) => e.token.hash = token_hash(e.voucher, e.serial),
                Event::TokenReissued(e) => e.token.hash = token_hash(e.voucher, e.serial),
                _ => {}
            }
        }
        while let Err(stop) = world.apply(&events, self.now) {
            match stop {
                Stop::Missing(need) => self.bring_missing(&mut world, need),
                Stop::Refused(refusals) => panic!("apply refused {events:?}: {refusals}"),
            }
        }
        for (tag, before, after) in world.nullifiers_changed() {
            let mut rows = self.nullifiers.borrow_mut();
            assert_eq!(
                rows.get(&tag),
                before,
                "a nullifier is not with whom the event says"
            );
            match after {
                Some(holder) => rows.insert(tag, holder.clone()),
                None => rows.remove(&tag),
            };
        }
        for (key, fact) in world.changed() {
            self.facts.insert(key.clone(), fact.clone());
        }
        for event in &events {
            let policy = loop {
                match world.policy_version(&event.stream(), self.now) {
                    Err(Stop::Missing(need)) => self.bring_missing(&mut world, need),
                    known => break known.unwrap_or_default(),
                }
            };
            let region = &self.region;
            let asked = (caller, request);
            self.stored.write(region, self.now, asked, policy, event);
        }
        self.log
            .extend(events.iter().map(|event| (self.now, event.clone())));
        self.audit();
        events
    }

    fn bring_missing(&self, world: &mut World, need: Need) {
        assert!(!world.knows(&need), "asked twice for {need:?}");
        self.bring(world, need);
    }

    pub(crate) fn bring(&self, world: &mut World, need: Need) {
        match need {
            Need::Fact(key) => {
                let fact = self.facts.get(&key).cloned();
                world.bring(key, fact);
            }
            Need::Identity(tag) => {
                let person = self.people.iter().find(|(_, identity)| **identity == tag);
                world.bring_identity(tag, person.map(|(person, _)| *person));
            }
            Need::Nullifier(subject, once) => {
                let (rule, scope) = once.rule_and_scope();
                let identity = match &subject {
                    Subject::Person(person) => {
                        self.people.get(person).map_or(tag("nobody"), |tag| *tag)
                    }
                    Subject::Tag(tag) => *tag,
                };
                let tag = tag(&format!("{identity}/{rule}/{scope}"));
                let holder = self.nullifiers.borrow().get(&tag).cloned();
                world.bring_nullifier(subject, once, tag, holder);
            }
        }
    }

    pub(crate) fn voucher(&self, name: &str) -> Option<&Voucher> {
        match self.facts.get(&Key::Voucher(VoucherId(self.id(name))))? {
            Fact::Voucher(voucher) => Some(voucher),
            _ => None,
        }
    }

    pub(crate) fn class(&self, name: &str) -> Option<&TrainingClass> {
        match self.facts.get(&Key::Class(ClassId(self.id(name))))? {
            Fact::Class(class) => Some(class),
            _ => None,
        }
    }

    pub(crate) fn session(&self, name: &str) -> Option<&Session> {
        match self.facts.get(&Key::Session(SessionId(self.id(name))))? {
            Fact::Session(session) => Some(session),
            _ => None,
        }
    }

    /// `c1#2` is the second sheet of class or session c1.
    pub(crate) fn sheet_id(&self, name: &str) -> SheetId {
        let (occasion, number) = name
            .split_once('#')
            .unwrap_or_else(|| panic!("a sheet is <class>#<number>, not {name}"));
        let index = number.parse::<usize>().unwrap() - 1;
        let of_class = self.class(occasion).map(|class| &class.sheets);
        let sheets = of_class.or_else(|| self.session(occasion).map(|session| &session.sheets));
        sheets
            .and_then(|sheets| sheets.get(index))
            .copied()
            .unwrap_or(SheetId(self.id(name)))
    }

    pub(crate) fn sheet(&self, name: &str) -> Option<&Sheet> {
        match self.facts.get(&Key::Sheet(self.sheet_id(name)))? {
            Fact::Sheet(sheet) => Some(sheet),
            _ => None,
        }
    }

    pub(crate) fn account(&self, year: PlanYear, source: &str) -> Account {
        match self.facts.get(&Key::Account(year, source.parse().unwrap())) {
            Some(Fact::Account(account)) => *account,
            _ => Account::default(),
        }
    }
}
