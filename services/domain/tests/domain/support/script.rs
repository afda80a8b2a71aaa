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
pub(crate) struct Saying<'a> {
    pub(crate) verb: &'a str,
    pub(crate) names: Vec<&'a str>,
    pub(crate) options: BTreeMap<&'a str, &'a str>,
}

impl<'a> Saying<'a> {
    pub(crate) fn of(text: &'a str) -> Saying<'a> {
        let mut words = text.split_whitespace();
        let verb = words.next().unwrap();
        let (options, names): (Vec<&str>, Vec<&str>) = words.partition(|word| word.contains('='));
        let options = options
            .into_iter()
            .filter_map(|word| word.split_once('='))
            .collect();
        Saying {
            verb,
            names,
            options,
        }
    }

    pub(crate) fn name(&self, i: usize) -> &'a str {
        self.names
            .get(i)
            .unwrap_or_else(|| panic!("{} lacks a word", self.verb))
    }

    pub(crate) fn has(&self, word: &str) -> bool {
        self.names.contains(&word)
    }

    pub(crate) fn option(&self, key: &str) -> Option<&'a str> {
        self.options.get(key).copied()
    }

    pub(crate) fn parse<T: std::str::FromStr<Err: std::fmt::Debug>>(
        &self,
        key: &str,
        usual: &str,
    ) -> T {
        self.option(key).unwrap_or(usual).parse().unwrap()
    }
}

pub(crate) fn fen(yuan: &str) -> Fen {
    let (whole, cents) = yuan.split_once('.').unwrap_or((yuan, "00"));
    Fen(whole.parse::<i64>().unwrap() * 100 + cents.parse::<i64>().unwrap())
}

pub(crate) fn programme(text: &str) -> Programme {
    text.parse().unwrap()
}

pub(crate) fn level(number: u8) -> SkillLevel {
    SkillLevel::try_from(number).unwrap()
}

impl Town {
    /// Runs one line. A line of several moves stops at the first that is refused.
    pub(crate) fn run(&mut self, text: &str) -> Reply {
        let line = Saying::of(text);
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
            "holds" => self.holds(&line),
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
                let by = line.option("by").unwrap_or(usual).to_owned();
                self.submit(&by, act)
            }
        }
    }

    /// `is v1 claimed`, `is c1 closed`, `is c1#1 paid`.
    fn is(&self, line: &Saying) -> Reply {
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

    /// `holds v1 2023-06-05 2023-06-06`: the voucher holds these days and no others.
    fn holds(&self, line: &Saying) -> Reply {
        let name = line.name(0);
        let voucher = self
            .voucher(name)
            .unwrap_or_else(|| panic!("there is no {name}"));
        let days = voucher.held.iter().filter_map(|held| match &held.once {
            Once::Day { date } => Some(date.to_string()),
            _ => None,
        });
        assert_eq!(days.collect::<Vec<_>>(), line.names[1..], "{name}");
        Ok(Vec::new())
    }

    /// `funds city 2023 available=10.00 reserved=0.00`: the buckets named hold that much.
    fn funds(&self, line: &Saying) -> Reply {
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
    fn person(&mut self, line: &Saying) -> Reply {
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
    fn new_voucher(&mut self, line: &Saying) -> Reply {
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
    fn teach(&mut self, line: &Saying) -> Reply {
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
}
