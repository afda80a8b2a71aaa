//! The language of the tests, one move a line, that an official could read:
//!
//! ```text
//! voucher v1 general                       registers a person, applies and issues
//! class   c1 general days=10 from=2023-06-05
//! enrol   v1 c1
//! teach   c1                               every session recorded in time, then finished
//! redeem  v1                -> Redeemed 1000.00
//! redeem  v1 by=school-b    -> VOUCHER_ALREADY_REDEEMED
//! ```
//!
//! What stands after `->` is the whole answer: every event in order (with its amount where it has one), or every refusal.
//! A line without it must be accepted.

use std::collections::BTreeMap;

use hefu_domain::command::*;
use hefu_domain::policy::Module;
use hefu_domain::state::*;
use hefu_domain::time::{Date, plus_days};
use hefu_domain::*;

use super::*;

/// Runs a script on a fresh county, then replays its log.
pub(crate) fn check(script: &str) {
    check_on(&mut county(), script);
}

/// Runs a script on a town, then replays its log.
pub(crate) fn check_on(town: &mut Town, script: &str) {
    for line in script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (line, expected) = line
            .split_once("->")
            .map_or((line, None), |(line, expected)| (line, Some(expected)));
        let outcome = town.run(line);
        let (said, accepted) = (said(&outcome), outcome.is_ok());
        match expected {
            Some(expected) => assert_eq!(
                said,
                expected.split_whitespace().collect::<Vec<_>>().join(" "),
                "{line}"
            ),
            None => assert!(accepted, "{line} -> {said}"),
        }
    }
    town.replay();
}

/// An outcome in a line: events with their amounts, or the refusals' codes, each once.
pub(crate) fn said(outcome: &Reply) -> String {
    let words: Vec<String> = match outcome {
        Ok(events) => events.iter().map(event_said).collect(),
        Err(refusals) => refusals
            .reasons()
            .iter()
            .map(|refusal| refusal.code.as_str().to_owned())
            .collect(),
    };
    let mut once: Vec<String> = Vec::new();
    for word in words {
        if once.last() != Some(&word) {
            once.push(word);
        }
    }
    once.join(" ")
}

fn event_said(event: &Event) -> String {
    let amount = match event {
        Event::Redeemed(e) => Some(e.amount),
        Event::Enrolled(e) => Some(e.reserve),
        Event::Issued(e) => Some(e.money.amount),
        Event::ClaimApproved(e) => Some(e.total),
        Event::WrittenOff(e) => Some(e.amount),
        _ => None,
    };
    amount.map_or(event.kind().to_owned(), |amount| {
        format!("{} {amount}", event.kind())
    })
}

/// A line, taken apart: verb, names, and `key=value` options.
pub(crate) struct Line<'a> {
    pub(crate) verb: &'a str,
    names: Vec<&'a str>,
    options: BTreeMap<&'a str, &'a str>,
}

impl<'a> Line<'a> {
    pub(crate) fn of(text: &'a str) -> Line<'a> {
        let mut words = text.split_whitespace();
        let verb = words.next().unwrap();
        let (options, names): (Vec<&str>, Vec<&str>) = words.partition(|word| word.contains('='));
        let options = options
            .into_iter()
            .filter_map(|word| word.split_once('='))
            .collect();
        Line {
            verb,
            names,
            options,
        }
    }

    fn name(&self, i: usize) -> &'a str {
        self.names
            .get(i)
            .unwrap_or_else(|| panic!("{} lacks a word", self.verb))
    }

    fn has(&self, word: &str) -> bool {
        self.names.contains(&word)
    }

    fn option(&self, key: &str) -> Option<&'a str> {
        self.options.get(key).copied()
    }

    fn parse<T: std::str::FromStr<Err: std::fmt::Debug>>(&self, key: &str, usual: &str) -> T {
        self.option(key).unwrap_or(usual).parse().unwrap()
    }
}

pub(crate) fn fen(yuan: &str) -> Fen {
    let (whole, cents) = yuan.split_once('.').unwrap_or((yuan, "00"));
    Fen(whole.parse::<i64>().unwrap() * 100 + cents.parse::<i64>().unwrap())
}

fn programme(text: &str) -> Programme {
    text.parse().unwrap()
}

fn level(number: u8) -> SkillLevel {
    SkillLevel::try_from(number).unwrap()
}

fn reason(line: &Line) -> Reason {
    line.parse("reason", "AS_DECIDED")
}

impl Town {
    /// Runs one line. A line of several moves stops at the first that is refused.
    pub(crate) fn run(&mut self, text: &str) -> Reply {
        let line = Line::of(text);
        match line.verb {
            "at" => {
                let date: Date = line.name(0).parse().unwrap();
                let hours = line
                    .names
                    .get(1)
                    .map_or(9, |time| time[..2].parse().unwrap());
                let at = Instant::start_of(date).plus_hours(hours);
                assert!(at >= self.now, "{text} lies behind {}", self.now);
                self.now = at;
                Ok(Vec::new())
            }
            "is" => self.is(&line),
            "funds" => self.funds(&line),
            "person" => self.person(&line),
            "voucher" => self.new_voucher(&line),
            "class" => {
                self.run(&text.replacen("class", "file", 1))?;
                self.run(&format!("approve-class {}", line.name(0)))
            }
            "session" => {
                self.run(&text.replacen("session", "file-session", 1))?;
                self.run(&format!("approve-session {}", line.name(0)))
            }
            "teach" => self.teach(&line),
            _ => {
                let (usual, act) = self.act(&line);
                let by = line.option("by").map_or(usual, str::to_owned);
                self.submit(&by, act)
            }
        }
    }

    /// `is v1 claimed`, `is c1 closed`, `is c1#1 paid`.
    fn is(&self, line: &Line) -> Reply {
        let name = line.name(0);
        let occasion = self
            .class(name)
            .map(|class| class.state)
            .or_else(|| self.session(name).map(|session| session.state));
        let state = match (self.voucher(name), occasion) {
            (Some(voucher), _) => voucher.state.code().to_owned(),
            (None, Some(state)) => format!("{state:?}").to_lowercase(),
            (None, None) => self
                .sheet(name)
                .unwrap_or_else(|| panic!("there is no {name}"))
                .state
                .code()
                .to_owned(),
        };
        assert_eq!(state, line.name(1), "{name}");
        Ok(Vec::new())
    }

    /// `funds city 2023 available=10.00 reserved=0.00`: the buckets named hold that much.
    fn funds(&self, line: &Line) -> Reply {
        let account = self.account(year(line.name(1).parse().unwrap()), line.name(0));
        for (bucket, amount) in &line.options {
            let found = match *bucket {
                "allocated" => account.allocated,
                "available" => account.available,
                "reserved" => account.reserved,
                "payable" => account.payable,
                "paid" => account.paid,
                other => panic!("no bucket {other}"),
            };
            assert_eq!(
                found,
                fen(amount),
                "{} of {} {}",
                bucket,
                line.name(0),
                line.name(1)
            );
        }
        Ok(Vec::new())
    }

    /// Registers somebody with good answers from every register. The same name is the same identity in every town.
    fn person(&mut self, line: &Line) -> Reply {
        let name = line.name(0);
        let person = PersonId(self.id(name));
        self.submit(
            "clerk",
            Act::RegisterPerson(RegisterPerson {
                person,
                tag: tag(name),
            }),
        )?;
        let answers = good_answers(&line.parse("as", "rural_transfer"));
        self.submit(
            "clerk",
            Act::RecordCheckAnswers(RecordCheckAnswers { person, answers }),
        )
    }

    /// `voucher v1 general`: registers person `p-v1` (or takes `of=…`), applies for them and issues.
    fn new_voucher(&mut self, line: &Line) -> Reply {
        let (name, of) = (line.name(0), line.name(1));
        let own = format!("p-{name}");
        let person = line.option("of").unwrap_or(&own);
        let category = line.option("as").unwrap_or(usual_category(programme(of)));
        if !self.people.contains_key(&PersonId(self.id(person))) {
            self.run(&format!("person {person} as={category}"))?;
        }
        let mut apply = format!("apply {name} {of} of={person} as={category}");
        for key in ["occupation", "level", "employer"] {
            if let Some(value) = line.option(key) {
                apply.push_str(&format!(" {key}={value}"));
            }
        }
        self.run(&apply)?;
        self.run(&format!("issue {name}"))
    }

    /// `teach c1`: every session that is not on record, in time; then the class is finished. `absent=v1:3`: not there on the first 3 days.
    fn teach(&mut self, line: &Line) -> Reply {
        let name = line.name(0);
        let absent = line.option("absent").and_then(|text| text.split_once(':'));
        let (class, taught) = (
            ClassId(self.id(name)),
            self.class(name).unwrap().filing.timetable.clone(),
        );
        let first = taught[0].date;
        for (number, slot) in taught.iter().enumerate() {
            let recorded = matches!(self.facts.get(&Key::Attendance(class)), Some(Fact::Attendance(a)) if a.slots.contains_key(&(number as u16)));
            if recorded {
                continue;
            }
            self.now = self.now.max(slot.span().1);
            let away =
                absent.filter(|(_, days)| slot.date < plus_days(first, days.parse().unwrap()));
            let away = away
                .map(|(voucher, _)| format!(" absent={voucher}"))
                .unwrap_or_default();
            self.run(&format!("attend {name} {number}{away}"))?;
        }
        self.run(&format!("finish {name}"))
    }

    fn filing(&self, line: &Line) -> ClassFiling {
        let programme = programme(line.name(1));
        let (deliverer, payee) = match programme {
            Programme::OrderProject => ("school-a", "plant"),
            Programme::EnterpriseStaff | Programme::Apprenticeship => ("plant", "plant"),
            Programme::General | Programme::Entrepreneurship | Programme::Assessment => {
                ("school-a", "school-a")
            }
        };
        let deliverer = institution(
            line.option("by")
                .or(line.option("deliverer"))
                .unwrap_or(deliverer),
        );
        let payee = line.option("payee").map_or_else(
            || {
                if programme == Programme::General {
                    deliverer.clone()
                } else {
                    institution(payee)
                }
            },
            institution,
        );
        let (days, from): (u16, Date) = (line.parse("days", "2"), line.parse("from", "2023-06-05"));
        let modules = [
            Module::Safety,
            Module::Fire,
            Module::Legal,
            Module::Putonghua,
        ];
        let timetable = (0..days).flat_map(|day| {
            [DayPart::Morning, DayPart::Afternoon].map(|part| Slot {
                date: plus_days(from, day),
                part,
                lessons: 4,
                modules: match (day, part) {
                    (0, DayPart::Morning) => modules[..2].to_vec(),
                    (0, _) => modules[2..].to_vec(),
                    _ => Vec::new(),
                },
            })
        });
        ClassFiling {
            year: year(2023),
            programme,
            occupation: line.parse("occupation", OCCUPATION),
            level: level(line.parse("level", "3")),
            sponsor: payee.clone(),
            contract: (deliverer != payee).then(|| digest("contract")),
            deliverer,
            payee,
            site: line.parse("room", &format!("room-{}", line.name(0))),
            trainers: vec![line.parse("trainer", &format!("trainer-{}", line.name(0)))],
            capacity: line.parse("seats", "30"),
            putonghua: true,
            timetable: timetable.collect(),
        }
    }

    fn entries(&self, line: &Line) -> Vec<AttendanceEntry> {
        let class = self
            .class(line.name(0))
            .unwrap_or_else(|| panic!("there is no class {}", line.name(0)));
        let named = |key: &str, voucher: VoucherId| {
            line.option(key).is_some_and(|names| {
                names
                    .split(',')
                    .any(|name| VoucherId(self.id(name)) == voucher)
            })
        };
        let present = class
            .seats
            .iter()
            .zip(0u16..)
            .filter(|(seat, _)| seat.left.is_none());
        let entry = |(seat, number): (&Seat, u16)| AttendanceEntry {
            seat: number,
            lessons: if named("absent", seat.voucher) {
                0
            } else {
                line.parse("lessons", "4")
            },
            method: if named("paper", seat.voucher) {
                Method::Paper
            } else {
                Method::Face
            },
            evidence: digest("photograph"),
            presence_checks: 0,
        };
        present.map(entry).collect()
    }

    fn token(&self, line: &Line, voucher: &str) -> PresentedToken {
        let serial = self
            .voucher(voucher)
            .map_or(1, |voucher| voucher.token_serial);
        match line.option("token") {
            None => PresentedToken {
                hash: token_hash(VoucherId(self.id(voucher)), serial),
                genuine: true,
            },
            Some("forged") => PresentedToken {
                hash: token_hash(VoucherId(self.id(voucher)), serial),
                genuine: false,
            },
            Some("old") => PresentedToken {
                hash: token_hash(VoucherId(self.id(voucher)), serial - 1),
                genuine: true,
            },
            Some(other) => PresentedToken {
                hash: token_hash(VoucherId(self.id(other)), 1),
                genuine: true,
            },
        }
    }

    fn holder(&self, line: &Line, voucher: &str) -> Tag {
        let own = self
            .voucher(voucher)
            .and_then(|voucher| self.people.get(&voucher.person))
            .copied();
        line.option("holder")
            .map(tag)
            .or(own)
            .unwrap_or(tag("nobody"))
    }

    /// The move of a line, and who usually makes it.
    pub(crate) fn act(&self, line: &Line) -> (String, Act) {
        let voucher = |i: usize| VoucherId(self.id(line.name(i)));
        let class = |i: usize| ClassId(self.id(line.name(i)));
        let session = |i: usize| SessionId(self.id(line.name(i)));
        let sheet = |i: usize| self.sheet_id(line.name(i));
        let objection = |i: usize| ObjectionId(self.id(line.name(i)));
        let deliverer = |i: usize| {
            self.class(line.name(i)).map_or("school-a", |class| {
                institution_name(&class.filing.deliverer)
            })
        };
        let body = |i: usize| {
            self.session(line.name(i))
                .map_or("body", |session| institution_name(&session.filing.body))
        };
        let payee = |i: usize| {
            self.sheet(line.name(i))
                .map_or("school-a", |sheet| institution_name(&sheet.payee))
        };
        let (usual, act) = match line.verb {
            // funds
            "appropriate" => (
                "finance",
                Act::AppropriateFunds(AppropriateFunds {
                    source: line.name(0).parse().unwrap(),
                    year: year(line.name(1).parse().unwrap()),
                    amount: fen(line.name(2)),
                    reference: "T-2023/1".parse().unwrap(),
                }),
            ),
            "open-year" => (
                "operator",
                Act::OpenPlanYear(OpenPlanYear {
                    year: year(line.name(0).parse().unwrap()),
                }),
            ),
            "close" => {
                let step = match line.name(0) {
                    "begin" => ClosingStep::Begin,
                    "voucher" => ClosingStep::Vouchers(
                        line.names[1..]
                            .iter()
                            .map(|name| VoucherId(self.id(name)))
                            .collect(),
                    ),
                    "sheet" => ClosingStep::Sheet(sheet(1)),
                    "finish" => ClosingStep::Finish {
                        carried: line.names[1..]
                            .iter()
                            .map(|name| self.sheet_id(name))
                            .collect(),
                    },
                    other => panic!("no step {other}"),
                };
                (
                    "operator",
                    Act::ClosePlanYear(ClosePlanYear {
                        year: year(line.parse("year", "2023")),
                        step,
                    }),
                )
            }
            // people and institutions
            "answer" => {
                let (check, answer) =
                    (line.name(1).parse().unwrap(), line.name(2).parse().unwrap());
                let answers = vec![CheckAnswer {
                    check,
                    answer,
                    valid_until: line.parse("until", "2024-12-31"),
                }];
                (
                    "clerk",
                    Act::RecordCheckAnswers(RecordCheckAnswers {
                        person: PersonId(self.id(line.name(0))),
                        answers,
                    }),
                )
            }
            "account" => (
                "clerk",
                Act::RegisterAccount(RegisterAccount {
                    institution: institution(line.name(0)),
                    commitment: digest(line.name(1)),
                }),
            ),
            "confirm-account" => (
                "finance",
                Act::ConfirmAccount(ConfirmAccount {
                    institution: institution(line.name(0)),
                }),
            ),
            "suspend" => {
                let suspended = !line.has("lifted");
                let institution = institution(line.name(0));
                (
                    "supervisor",
                    Act::SuspendInstitution(SuspendInstitution {
                        institution,
                        reason: reason(line),
                        suspended,
                    }),
                )
            }
            // application and issue
            "apply" => {
                let programme = programme(line.name(1));
                let assessed = programme == Programme::Assessment;
                let staff = programme == Programme::EnterpriseStaff;
                let own = format!("p-{}", line.name(0));
                let apply = Apply {
                    voucher: voucher(0),
                    person: PersonId(self.id(line.option("of").unwrap_or(&own))),
                    year: year(2023),
                    programme,
                    category: line.parse("as", usual_category(programme)),
                    occupation: line
                        .option("occupation")
                        .or(assessed.then_some(OCCUPATION))
                        .map(|code| code.parse().unwrap()),
                    level: line
                        .option("level")
                        .or(assessed.then_some("3"))
                        .map(|number| level(number.parse().unwrap())),
                    employer: line
                        .option("employer")
                        .or(staff.then_some("plant"))
                        .map(institution),
                    confirmation: (!line.has("unconfirmed")).then(|| Confirmation {
                        by: ConfirmedBy::Phone,
                        evidence: digest("call"),
                    }),
                };
                ("portal", Act::Apply(apply))
            }
            "withdraw" => {
                let holder = self.voucher(line.name(0)).map(|voucher| voucher.person);
                (
                    "portal",
                    Act::Withdraw(Withdraw {
                        voucher: voucher(0),
                        holder: if line.has("nobody") { None } else { holder },
                    }),
                )
            }
            "reject" => (
                "clerk",
                Act::RejectApplication(RejectApplication {
                    voucher: voucher(0),
                    reason: reason(line),
                }),
            ),
            "reopen" => (
                "clerk-2",
                Act::ReopenApplication(ReopenApplication {
                    voucher: voucher(0),
                }),
            ),
            "correct" => (
                "clerk",
                Act::ProposeCorrection(ProposeCorrection {
                    voucher: voucher(0),
                    person: PersonId(self.id(line.option("to").unwrap_or("nobody"))),
                }),
            ),
            "confirm-correction" => (
                "reviewer",
                Act::ConfirmCorrection(ConfirmCorrection {
                    voucher: voucher(0),
                }),
            ),
            "issue" => (
                "reviewer",
                Act::Issue(Issue {
                    voucher: voucher(0),
                }),
            ),
            "revoke" => (
                "reviewer",
                Act::Revoke(Revoke {
                    voucher: voucher(0),
                    reason: reason(line),
                }),
            ),
            "fetch" => {
                let holder = self.voucher(line.name(0)).map(|voucher| voucher.person);
                (
                    "portal",
                    Act::FetchToken(FetchToken {
                        voucher: voucher(0),
                        holder,
                    }),
                )
            }
            "reissue" => (
                "clerk",
                Act::ReissueToken(ReissueToken {
                    voucher: voucher(0),
                    card_seen: digest("card"),
                }),
            ),
            "expire" => (
                "operator",
                Act::Expire(Expire {
                    voucher: voucher(0),
                }),
            ),
            "override" => {
                let lift = line.option("cap").map_or(
                    if line.has("gate") {
                        Lift::Gate
                    } else {
                        Lift::Catalogue
                    },
                    |cap| Lift::Cap { fen: fen(cap) },
                );
                (
                    "clerk",
                    Act::ProposeOverride(ProposeOverride {
                        voucher: voucher(0),
                        lift,
                        reason: reason(line),
                    }),
                )
            }
            "confirm-override" => (
                "reviewer",
                Act::ConfirmOverride(ConfirmOverride {
                    voucher: voucher(0),
                }),
            ),
            "freeze" => (
                "supervisor",
                Act::Freeze(Freeze {
                    voucher: voucher(0),
                    reason: reason(line),
                }),
            ),
            "unfreeze" => (
                "supervisor",
                Act::Unfreeze(Unfreeze {
                    voucher: voucher(0),
                    reason: reason(line),
                }),
            ),
            // training
            "file" => {
                let filing = self.filing(line);
                (
                    institution_name(&filing.deliverer),
                    Act::FileClass(FileClass {
                        class: class(0),
                        filing,
                    }),
                )
            }
            "change" => {
                let mut filing = self.class(line.name(0)).unwrap().filing.clone();
                filing.site = line.parse("room", filing.site.as_str());
                (
                    institution_name(&filing.deliverer),
                    Act::ChangeClass(ChangeClass {
                        class: class(0),
                        filing,
                    }),
                )
            }
            "approve-class" => (
                "reviewer",
                Act::ApproveClass(ApproveClass { class: class(0) }),
            ),
            "reject-class" => (
                "reviewer",
                Act::RejectClass(RejectClass {
                    class: class(0),
                    reason: reason(line),
                }),
            ),
            "finish" => (
                deliverer(0),
                Act::FinishClass(FinishClass { class: class(0) }),
            ),
            "cancel" => (
                deliverer(0),
                Act::CancelClass(CancelClass {
                    class: class(0),
                    reason: reason(line),
                }),
            ),
            "enrol" => {
                let (token, identity) = (
                    self.token(line, line.name(0)),
                    self.holder(line, line.name(0)),
                );
                (
                    deliverer(1),
                    Act::Enrol(Enrol {
                        voucher: voucher(0),
                        class: class(1),
                        token,
                        identity,
                    }),
                )
            }
            "attend" => {
                let slot = line.name(1).parse().unwrap();
                (
                    deliverer(0),
                    Act::RecordAttendance(RecordAttendance {
                        class: class(0),
                        slot,
                        entries: self.entries(line),
                    }),
                )
            }
            "late" => {
                let (slot, entries) = (line.name(1).parse().unwrap(), self.entries(line));
                let evidence = digest("late");
                (
                    deliverer(0),
                    Act::RequestLateEntry(RequestLateEntry {
                        class: class(0),
                        slot,
                        entries,
                        reason: reason(line),
                        evidence,
                    }),
                )
            }
            "approve-late" => (
                "clerk",
                Act::ApproveLateEntry(ApproveLateEntry {
                    class: class(0),
                    slot: line.name(1).parse().unwrap(),
                }),
            ),
            "drop" => (
                self.teacher(line.name(0)),
                Act::Drop(Drop {
                    voucher: voucher(0),
                    reason: reason(line),
                }),
            ),
            "complete" => (
                self.teacher(line.name(0)),
                Act::Complete(Complete {
                    voucher: voucher(0),
                }),
            ),
            "employ" => {
                // employ c1 v1=2023-06-20 v2=no v3=DEATH
                let seats = self
                    .class(line.name(0))
                    .map_or(&[][..], |class| &class.seats);
                let seat_of = |name: &str| {
                    seats
                        .iter()
                        .position(|seat| seat.voucher == VoucherId(self.id(name)))
                };
                let employed = line
                    .options
                    .iter()
                    .filter_map(|(name, value)| Some((seat_of(name)?, value)));
                let employed = employed.map(|(seat, value)| {
                    let status = match (*value, value.parse::<Date>()) {
                        (_, Ok(since)) => Employed::Yes {
                            evidence: digest("contract"),
                            since,
                        },
                        ("no", _) => Employed::No,
                        (code, _) => Employed::Excluded {
                            reason: code.parse().unwrap(),
                        },
                    };
                    (seat as u16, status)
                });
                (
                    deliverer(0),
                    Act::RecordEmployment(RecordEmployment {
                        class: class(0),
                        seats: employed.collect(),
                    }),
                )
            }
            // assessment
            "file-session" => {
                let payee = line.option("payee").unwrap_or("body");
                let filing = SessionFiling {
                    year: year(2023),
                    body: institution("body"),
                    payee: institution(payee),
                    occupation: line.parse("occupation", OCCUPATION),
                    level: level(line.parse("level", "3")),
                    date: line.parse("on", "2023-07-03"),
                    examiners: vec![line.parse("examiner", "examiner-1")],
                    capacity: line.parse("seats", "30"),
                };
                (
                    "body",
                    Act::FileSession(FileSession {
                        session: session(0),
                        filing,
                    }),
                )
            }
            "approve-session" => (
                "reviewer",
                Act::ApproveSession(ApproveSession {
                    session: session(0),
                }),
            ),
            "reject-session" => (
                "reviewer",
                Act::RejectSession(RejectSession {
                    session: session(0),
                    reason: reason(line),
                }),
            ),
            "finish-session" => (
                body(0),
                Act::FinishSession(FinishSession {
                    session: session(0),
                }),
            ),
            "cancel-session" => (
                body(0),
                Act::CancelSession(CancelSession {
                    session: session(0),
                    reason: reason(line),
                }),
            ),
            "assess" => {
                let outcome = match line.name(2) {
                    "pass" => {
                        let number = line.option("certificate").unwrap_or(line.name(0));
                        Outcome::Pass {
                            number: tag(&format!("certificate {number}")),
                            certificate: digest(number),
                        }
                    }
                    "fail" => Outcome::Fail,
                    _ => Outcome::Absent,
                };
                let assess = RecordAssessment {
                    voucher: voucher(0),
                    session: session(1),
                    token: Some(self.token(line, line.name(0))),
                    identity: self.holder(line, line.name(0)),
                    outcome,
                    occupation_not_covered: line.has("not-covered"),
                };
                (body(1), Act::RecordAssessment(assess))
            }
            "certificate" => (
                "clerk",
                Act::ConfirmCertificate(ConfirmCertificate {
                    voucher: voucher(0),
                    known: !line.has("unknown"),
                }),
            ),
            // redemption
            "redeem" => {
                let nothing = Digest([0; 32]);
                let redeem = Redeem {
                    voucher: voucher(0),
                    new_sheet: SheetId(self.id(&format!("sheet at {}", self.now))),
                    token: self.token(line, line.name(0)),
                    undertaking: if line.has("without-undertaking") {
                        nothing
                    } else {
                        digest("undertaking")
                    },
                    confirmation: Confirmation {
                        by: ConfirmedBy::Phone,
                        evidence: if line.has("unconfirmed") {
                            nothing
                        } else {
                            digest("days attended, no fee")
                        },
                    },
                };
                (self.paid_for(line.name(0)), Act::Redeem(redeem))
            }
            "submit" => (payee(0), Act::SubmitClaim(SubmitClaim { sheet: sheet(0) })),
            "strike" => (
                "reviewer",
                Act::StrikeOut(StrikeOut {
                    sheet: sheet(0),
                    voucher: voucher(1),
                    reason: reason(line),
                    refuse: line.has("refused"),
                }),
            ),
            "return" => (
                "reviewer",
                Act::ReturnClaim(ReturnClaim {
                    sheet: sheet(0),
                    reason: reason(line),
                }),
            ),
            "refuse" => (
                "reviewer-2",
                Act::RefuseClaim(RefuseClaim {
                    sheet: sheet(0),
                    reason: reason(line),
                }),
            ),
            "reopen-claim" => (
                "reviewer-3",
                Act::ReopenClaim(ReopenClaim { sheet: sheet(0) }),
            ),
            "approve" => (
                "reviewer-2",
                Act::ApproveClaim(ApproveClaim { sheet: sheet(0) }),
            ),
            "object" => (
                "passer-by",
                Act::RaiseObjection(RaiseObjection {
                    sheet: sheet(0),
                    objection: objection(1),
                    statement: digest("statement"),
                }),
            ),
            "decide" => {
                let ruling = match line.name(2) {
                    "dismissed" => Ruling::Dismiss,
                    "refuse" => Ruling::Refuse {
                        reason: reason(line),
                    },
                    "strike" => Ruling::StrikeOut {
                        voucher: voucher(3),
                        reason: reason(line),
                        refuse: line.has("refused"),
                    },
                    other => panic!("no ruling {other}"),
                };
                (
                    "reviewer-3",
                    Act::DecideObjection(DecideObjection {
                        sheet: sheet(0),
                        objection: objection(1),
                        ruling,
                    }),
                )
            }
            // settlement
            "send" => {
                let approved = self
                    .sheet(line.name(0))
                    .and_then(|sheet| match &sheet.state {
                        SheetState::Approved { approval, .. } => Some(*approval),
                        _ => None,
                    });
                let approval = line
                    .option("approval")
                    .map(digest)
                    .or(approved)
                    .unwrap_or(digest("nothing"));
                (
                    "finance",
                    Act::SendPayout(SendPayout {
                        sheet: sheet(0),
                        approval,
                    }),
                )
            }
            "paid" => {
                let sent = self
                    .sheet(line.name(0))
                    .and_then(|sheet| match &sheet.state {
                        SheetState::Paying { batch, .. } => Some(*batch),
                        _ => None,
                    });
                let batch = line
                    .option("batch")
                    .map(digest)
                    .or(sent)
                    .unwrap_or(digest("nothing"));
                (
                    "finance",
                    Act::RecordPayout(RecordPayout {
                        sheet: sheet(0),
                        batch,
                        reference: "B-1".parse().unwrap(),
                    }),
                )
            }
            "bounced" => (
                "finance",
                Act::ReturnPayout(ReturnPayout {
                    sheet: sheet(0),
                    reference: "B-2".parse().unwrap(),
                    reason: reason(line),
                }),
            ),
            "write-off" => (
                "reviewer",
                Act::WriteOff(WriteOff {
                    voucher: voucher(0),
                }),
            ),
            "claw-back" => {
                let claw_back = ProposeClawBack {
                    voucher: voucher(0),
                    amount: fen(line.name(1)),
                    reason: reason(line),
                    decision: digest("decision"),
                    hearing: digest("hearing"),
                    due: line.parse("due", "2024-12-31"),
                };
                ("supervisor", Act::ProposeClawBack(claw_back))
            }
            "confirm-claw-back" => (
                "reviewer",
                Act::ConfirmClawBack(ConfirmClawBack {
                    voucher: voucher(0),
                }),
            ),
            "receive" => (
                "finance",
                Act::ReceiveClawBack(ReceiveClawBack {
                    voucher: voucher(0),
                    amount: fen(line.name(1)),
                    reference: "T-2".parse().unwrap(),
                }),
            ),
            other => panic!("no such move: {other}"),
        };
        (usual.to_owned(), act)
    }

    /// Who delivers the class in which a voucher sits.
    fn teacher(&self, voucher: &str) -> &'static str {
        let class = match self.voucher(voucher).map(|voucher| &voucher.state) {
            Some(VoucherState::Enrolled { class, .. }) => *class,
            _ => return "school-a",
        };
        match self.facts.get(&Key::Class(class)) {
            Some(Fact::Class(class)) => institution_name(&class.filing.deliverer),
            _ => "school-a",
        }
    }

    /// Who is paid for what a voucher has completed.
    fn paid_for(&self, voucher: &str) -> &'static str {
        let occasion = match self.voucher(voucher).map(|voucher| &voucher.state) {
            Some(VoucherState::Completed { occasion, .. }) => *occasion,
            _ => return "school-a",
        };
        let key = match occasion {
            Occasion::Class(class) => Key::Class(class),
            Occasion::Session(session) => Key::Session(session),
        };
        match self.facts.get(&key) {
            Some(Fact::Class(class)) => institution_name(&class.filing.payee),
            Some(Fact::Session(session)) => institution_name(&session.filing.payee),
            _ => "school-a",
        }
    }
}
