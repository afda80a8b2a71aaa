//! A made-up county for the rooms' unit tests: facts brought in by hand, moves decided and applied one by one.
//! Nullifiers are a toy hash here; keys are the engine's matter.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::command::PresentedToken;
use crate::decide::{Ask, Caller};
use crate::event::Event;
use crate::ids::*;
use crate::money::Fen;
use crate::policy::{Adopted, Capacity, Module, Policy, Programme};
use crate::refusal::{Code, Stop};
use crate::state::*;
use crate::status::Place;
use crate::time::{Date, Instant};
use crate::voucher;
use crate::world::{Need, Subject, World};

pub(crate) const OCCUPATION: &str = "6-31-01-03";
pub(crate) const SCHOOL: u8 = 1;
pub(crate) const ENTERPRISE: u8 = 2;
pub(crate) const BODY: u8 = 3;

pub(crate) fn code<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

pub(crate) fn year() -> PlanYear {
    PlanYear::try_from(2023).unwrap()
}

pub(crate) fn level(ordinal: u8) -> SkillLevel {
    SkillLevel::try_from(ordinal).unwrap()
}

pub(crate) fn voucher_id(n: u128) -> VoucherId {
    VoucherId(Uuid::from_u128(n))
}

pub(crate) fn class_id(n: u128) -> ClassId {
    ClassId(Uuid::from_u128(n))
}

pub(crate) fn session_id(n: u128) -> SessionId {
    SessionId(Uuid::from_u128(n))
}

pub(crate) fn person_id(n: u128) -> PersonId {
    PersonId(Uuid::from_u128(n))
}

/// The lookup tag of a made-up person's identity.
pub(crate) fn identity(n: u8) -> Tag {
    Tag([n; 16])
}

/// A made-up institution's code: the check character is looked for, so that the rule stands in one place only.
pub(crate) fn institution(n: u8) -> InstitutionId {
    let check = b"0123456789ABCDEFGHJKLMNPQRTUWXY".iter();
    check
        .filter_map(|check| {
            format!("9114070000000000{n}{}", char::from(*check))
                .parse()
                .ok()
        })
        .next()
        .unwrap()
}

/// `06-05 9` is nine o'clock on 5 June 2023.
pub(crate) fn at(text: &str) -> Instant {
    let (day, hour) = text.split_once(' ').unwrap_or((text, "0"));
    Instant::start_of(date(day)).plus_hours(hour.parse().unwrap())
}

pub(crate) fn date(day: &str) -> Date {
    format!("2023-{day}").parse().unwrap()
}

pub(crate) fn policy() -> Policy {
    Policy::from_toml(include_str!("../../../policy/jinzhong-2023.toml")).unwrap()
}

/// Two sessions of four lessons on each day; the mandatory modules in the first.
pub(crate) fn filing(programme: Programme, days: &[&str]) -> ClassFiling {
    let slots = days.iter().flat_map(|day| {
        [DayPart::Morning, DayPart::Afternoon].map(|part| Slot {
            date: date(day),
            part,
            lessons: 4,
            modules: Vec::new(),
        })
    });
    let mut timetable: Vec<Slot> = slots.collect();
    timetable[0].modules = vec![
        Module::Safety,
        Module::Fire,
        Module::Legal,
        Module::Putonghua,
    ];
    ClassFiling {
        brand: None,
        year: year(),
        programme,
        occupation: code(OCCUPATION),
        level: level(2),
        sponsor: institution(SCHOOL),
        deliverer: institution(SCHOOL),
        payee: institution(SCHOOL),
        contract: None,
        site: code("room-1"),
        trainers: vec![code("trainer-1")],
        capacity: 2,
        putonghua: true,
        timetable,
    }
}

pub(crate) fn token(n: u8) -> PresentedToken {
    PresentedToken {
        hash: Digest([n; 32]),
        genuine: true,
    }
}

/// A caller of the bureau.
pub(crate) fn staff(name: &str, role: Role) -> Caller {
    Caller {
        person: code(name),
        roles: BTreeSet::from([role]),
        institution: None,
        holder: None,
    }
}

/// An institution's caller.
pub(crate) fn of(n: u8) -> Caller {
    Caller {
        institution: Some(institution(n)),
        ..staff(&format!("desk-{n}"), Role::Institution)
    }
}

/// A person's own caller.
pub(crate) fn holder(n: u128) -> Caller {
    Caller {
        holder: Some(person_id(n)),
        ..staff(&format!("holder-{n}"), Role::Holder)
    }
}

pub(crate) struct County {
    pub(crate) world: World,
}

impl County {
    /// 2023 is open, the city has given 100,000 yuan, three institutions and three people are registered.
    pub(crate) fn new() -> County {
        let mut world = World::new(code("140725"));
        let region = RegionState {
            parent: Some(code("140700")),
            name: "寿阳县".to_owned(),
            name_en: "Shouyang".to_owned(),
            deployment: "hefu.example.org".to_owned(),
            simulated: true,
            recorded: Default::default(),
            next_place: Default::default(),
        };
        world.bring(Key::Region, Some(Fact::Region(region)));
        let adopted = Adopted {
            version: 1,
            effective: Instant(0),
            policy: policy(),
        };
        world.bring(
            Key::Policy(year()),
            Some(Fact::Policy(Policies {
                versions: vec![adopted],
            })),
        );
        let calendar = toml::from_str(include_str!("../../../policy/calendar-2023.toml")).unwrap();
        world.bring(Key::Calendar(2023), Some(Fact::Calendar(calendar)));
        let open =
            serde_json::from_str(r#"{"phase":"open","vouchers":{},"sheets":{},"targets":{}}"#);
        world.bring(Key::Year(year()), Some(Fact::Year(open.unwrap())));
        let money = Fen::yuan(100_000);
        world.bring(
            Key::Account(year(), code("city")),
            Some(Fact::Account(Account {
                allocated: money,
                available: money,
                ..Account::default()
            })),
        );
        let mut county = County { world };
        county.register(SCHOOL, &[Capacity::TrainingBody, Capacity::School], &[]);
        county.register(ENTERPRISE, &[Capacity::Enterprise], &[]);
        county.register(BODY, &[Capacity::AssessmentBody], &[]);
        county.list(SCHOOL, Capacity::TrainingBody);
        county.list(BODY, Capacity::AssessmentBody);
        for n in 1..=3u8 {
            county.enter(n);
        }
        county
    }

    pub(crate) fn register(&mut self, n: u8, capacities: &[Capacity], related: &[u8]) {
        let record = Institution {
            affiliation: None,
            name: format!("机构{n}"),
            capacities: capacities.iter().copied().collect(),
            licence: BTreeSet::from([code(OCCUPATION)]),
            related: related.iter().map(|n| institution(*n)).collect(),
            standing: Standing::Good,
            account: None,
            pending_account: None,
            owes: Fen::ZERO,
            classified: None,
            credit: None,
            findings: BTreeSet::new(),
            holds: None,
        };
        let fact = Fact::Institution(record);
        self.world
            .bring(Key::Institution(institution(n)), Some(fact));
    }

    /// Puts an institution into one of the two catalogues.
    pub(crate) fn list(&mut self, n: u8, capacity: Capacity) {
        let id = CatalogueEntryId {
            institution: institution(n),
            capacity,
            occupation: code(OCCUPATION),
            year: year(),
        };
        let entry = CatalogueEntry {
            standing: Standing::Good,
            filed_by: code("clerk"),
            details: None,
            change: None,
            reason: None,
            seats_taken: 0,
        };
        self.world
            .bring(Key::CatalogueEntry(id), Some(Fact::CatalogueEntry(entry)));
    }

    /// Registers a person of whom every register says what it should.
    fn enter(&mut self, n: u8) {
        let rules = policy();
        let assessment = &rules.programmes[&Programme::Assessment];
        let asked = rules.everyone.iter().chain(&assessment.requires);
        let answers = asked.map(|(check, answers)| {
            let answered = Answered {
                answer: answers[0].clone(),
                valid_until: date("12-31"),
                employer: None,
                at: Instant(0),
                by: code("clerk"),
                reference: None,
            };
            (check.clone(), answered)
        });
        let person = Person {
            answers: answers.collect(),
            ..Person::default()
        };
        let id = person_id(n.into());
        self.world
            .bring(Key::Person(id), Some(Fact::Person(person)));
        self.world.bring_identity(identity(n), Some(id));
    }

    /// Makes a move; answers the kinds of its events or the codes that refused it.
    pub(crate) fn play(
        &mut self,
        by: &Caller,
        at: Instant,
        decide: impl Fn(&Ask) -> Result<Vec<Event>, Stop>,
    ) -> Result<Vec<&'static str>, Vec<Code>> {
        loop {
            let ask = Ask {
                world: &self.world,
                caller: by.clone(),
                at,
            };
            let need = match decide(&ask) {
                Ok(events) => match self.world.apply(&events, at) {
                    Ok(()) => return Ok(events.iter().map(Event::kind).collect()),
                    Err(Stop::Missing(need)) => need,
                    Err(Stop::Refused(refusals)) => panic!("apply refused: {refusals}"),
                },
                Err(Stop::Refused(refusals)) => {
                    return Err(refusals.reasons().iter().map(|r| r.code).collect());
                }
                Err(Stop::Missing(need)) => need,
            };
            match need {
                Need::Fact(key) => self.world.bring(key, None),
                Need::Identity(tag) => self.world.bring_identity(tag, None),
                Need::Nullifier(subject, once) => {
                    let hash = Sha256::digest(format!("{subject:?} {once:?}"));
                    let tag = match &subject {
                        Subject::Tag(tag) => *tag,
                        Subject::Person(_) => Tag(hash[..16].try_into().unwrap()),
                    };
                    self.world.bring_nullifier(subject, once, tag, None);
                }
            }
        }
    }

    /// A voucher that was issued to a person with the programme's maximum behind it; its token's hash is its number, repeated.
    pub(crate) fn issued(&mut self, n: u8, person: u8, programme: Programme) -> VoucherId {
        let id = voucher_id(n.into());
        let reserve = crate::subsidy::maximum(&policy().programmes[&programme], Some(level(2)));
        let money = Money {
            year: year(),
            source: code("city"),
            amount: reserve.unwrap(),
        };
        let account = self.world.edit_account(&year(), &money.source).unwrap();
        account.available -= money.amount;
        account.reserved += money.amount;
        let trade = programme == Programme::Assessment;
        let voucher = Voucher {
            person: person_id(person.into()),
            year: year(),
            programme,
            category: code("other_worker"),
            occupation: trade.then(|| code(OCCUPATION)),
            level: trade.then(|| level(2)),
            employer: None,
            state: VoucherState::Issued,
            frozen: None,
            due: Some(Instant::after(date("11-30"))),
            money: Some(money),
            token: Some(TokenInForce {
                hash: Digest([n; 32]),
                cap: Fen::yuan(1_000),
                issued: Instant(0),
                expires: at("12-31"),
            }),
            token_serial: 1,
            place: Some(Place(n.into())),
            held: Vec::new(),
            hands: Hands {
                applied: code("holder-1"),
                by_holder: true,
                confirmed: false,
                handled: BTreeSet::new(),
                issued: Some(code("reviewer")),
            },
            reopened: false,
            attempts: 0,
            pass: None,
            carried_days: Default::default(),
            override_: None,
            lifted: Lifted::default(),
            correction: None,
            claw_back: None,
            holds: None,
        };
        voucher::count_new(&mut self.world, &voucher).unwrap();
        let theirs = self.world.edit_person(&voucher.person).unwrap();
        theirs.vouchers.insert(id);
        self.world.add(Key::Voucher(id), Fact::Voucher(voucher));
        id
    }

    pub(crate) fn voucher(&self, id: VoucherId) -> &Voucher {
        self.world.voucher(&id).unwrap()
    }

    pub(crate) fn edit(&mut self, id: VoucherId, change: impl FnOnce(&mut Voucher)) {
        change(self.world.edit_voucher(&id).unwrap());
    }

    /// Available and reserved money.
    pub(crate) fn money(&self) -> (Fen, Fen) {
        let account = self.world.account(&year(), &code("city")).unwrap();
        (account.available, account.reserved)
    }
}
