//! What a line presents or files: timetables, attendance, tokens, identities.

use hefu_domain::command::{PresentedToken, SealAttendance};
use hefu_domain::policy::Module;
use hefu_domain::state::*;
use hefu_domain::time::{Date, plus_days};
use hefu_domain::*;

use super::*;

impl Town {
    pub(crate) fn filing(&self, line: &Saying) -> ClassFiling {
        let programme = programme(line.name(1));
        let (deliverer, payee) = match programme {
            Programme::OrderProject => ("school-a", "plant"),
            Programme::EnterpriseStaff | Programme::Apprenticeship => ("plant", "plant"),
            Programme::General | Programme::Entrepreneurship | Programme::Assessment => {
                ("school-a", "school-a")
            }
        };
        let deliverer = institution(
            line.option("deliverer")
                .or(line.option("by"))
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
        // A classified unit's room and trainers have no name that could be read.
        let resource = |what: &str| {
            let name = format!("{what}-{}", line.name(0));
            if deliverer.is_sealed() {
                digest(&name).to_string()
            } else {
                name
            }
        };
        ClassFiling {
            brand: None,
            year: year(2023),
            programme,
            occupation: occupation(line, deliverer.is_sealed()),
            level: level(line.parse("level", "3")),
            sponsor: line
                .option("sponsor")
                .map_or_else(|| payee.clone(), institution),
            contract: (deliverer != payee).then(|| digest("contract")),
            site: line.parse("room", &resource("room")),
            trainers: vec![line.parse("trainer", &resource("trainer"))],
            deliverer,
            payee,
            capacity: line.parse("seats", "30"),
            putonghua: true,
            timetable: timetable.collect(),
        }
    }

    pub(crate) fn entries(&self, line: &Saying) -> Vec<AttendanceEntry> {
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
        let present = class.seats.iter().zip(0u16..).filter(|(seat, _)| {
            let seated = seat.left.is_none() && !named("without", seat.voucher);
            seated || named("with", seat.voucher)
        });
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

    pub(crate) fn token(&self, line: &Saying, voucher: &str) -> PresentedToken {
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

    /// The hash of what a second person saw: of what stands, unless the line says `saw=…`.
    pub(crate) fn seen(&self, line: &Saying, standing: Option<Digest>) -> Digest {
        let saw = line.option("saw").map(digest);
        saw.or(standing).unwrap_or(digest("nothing"))
    }

    pub(crate) fn pending_account(&self, name: &str) -> Option<Digest> {
        match self.facts.get(&Key::Institution(institution(name)))? {
            Fact::Institution(institution) => Some(institution.pending_account.as_ref()?.digest()),
            _ => None,
        }
    }

    pub(crate) fn pending_override(&self, voucher: &str) -> Option<Digest> {
        Some(self.voucher(voucher)?.override_.as_ref()?.digest())
    }

    pub(crate) fn pending_claw_back(&self, voucher: &str) -> Option<Digest> {
        Some(self.voucher(voucher)?.claw_back.as_ref()?.digest())
    }

    /// `approve-late c1 2`: what waits for that slot.
    pub(crate) fn late_request(&self, line: &Saying) -> Option<Digest> {
        let slot: u16 = line.name(1).parse().unwrap();
        match self
            .facts
            .get(&Key::Attendance(ClassId(self.id(line.name(0)))))?
        {
            Fact::Attendance(attendance) => Some(attendance.late_requests.get(&slot)?.digest()),
            _ => None,
        }
    }

    /// `seal c1 days=2,1 entries=6 paper=1`: by default everybody was there on every day.
    pub(crate) fn seal(&self, line: &Saying) -> SealAttendance {
        let name = line.name(0);
        let class = self
            .class(name)
            .unwrap_or_else(|| panic!("there is no class {name}"));
        let whole = |seat: &Seat| match seat.left {
            None => class.filing.days(),
            Some(_) => Days(0),
        };
        let days = match line.option("days") {
            Some(days) => days
                .split(',')
                .map(|days| Days(days.parse().unwrap()))
                .collect(),
            None => class.seats.iter().map(whole).collect(),
        };
        let slots = class.filing.timetable.len();
        let entries = (slots * class.occupied()).to_string();
        SealAttendance {
            class: ClassId(self.id(name)),
            hash: if line.has("without-lists") {
                Digest([0; 32])
            } else {
                digest("lists")
            },
            totals: SealedTotals {
                slots: line.parse("slots", &slots.to_string()),
                entries: line.parse("entries", &entries),
                paper: line.parse("paper", "0"),
                online: line.parse("online", "0"),
            },
            days,
            modules_taught: !line.has("untaught"),
        }
    }

    pub(crate) fn sealed_attendance(&self, class: &str) -> Option<Digest> {
        match self.facts.get(&Key::Attendance(ClassId(self.id(class))))? {
            Fact::Attendance(attendance) => Some(attendance.sealed.as_ref()?.digest()),
            _ => None,
        }
    }

    pub(crate) fn holder(&self, line: &Saying, voucher: &str) -> Tag {
        let own = self
            .voucher(voucher)
            .and_then(|voucher| self.people.get(&voucher.person))
            .copied();
        line.option("holder")
            .map(tag)
            .or(own)
            .unwrap_or(tag("nobody"))
    }
}

/// `occupation=sealed`: as the classified unit was listed with it; `occupation=unlisted`: sealed, and of no listing.
pub(super) fn occupation(line: &Saying, classified: bool) -> Occupation {
    match line.option("occupation") {
        Some("sealed") => sealed_occupation(OCCUPATION),
        Some("unlisted") => sealed_occupation("of no listing"),
        Some(code) => code.parse().unwrap(),
        None if classified => sealed_occupation(OCCUPATION),
        None => OCCUPATION.parse().unwrap(),
    }
}
