//! What waits for a second person, and the hash by which that person says what they saw: "An approval binds the hash of what was
//! approved". A proposal that was replaced meanwhile has another hash, so nobody confirms what they have not seen.

use sha2::{Digest as _, Sha256};

use crate::event;
use crate::ids::{Digest, StaffId};
use crate::refusal::{Code, Stop};
use crate::state::*;

/// The second person saw the proposal that stands.
pub(crate) fn seen(standing: Digest, seen: Digest) -> Result<(), Stop> {
    if standing == seen {
        Ok(())
    } else {
        Err(Code::ProposalChanged.into())
    }
}

/// SHA-256 over the lines, each ended by a newline.
fn hash(lines: impl IntoIterator<Item = String>) -> Digest {
    let mut hash = Sha256::new();
    for line in lines {
        hash.update(line);
        hash.update("\n");
    }
    Digest(hash.finalize().into())
}

impl PendingAccount {
    /// Over the lines `account <commitment>` and `by <maker>`.
    pub fn digest(&self) -> Digest {
        hash([
            format!("account {}", self.commitment),
            format!("by {}", self.maker),
        ])
    }
}

impl Override {
    /// Over the lines `cap <fen>`, `gate` or `catalogue`; `reason <code>`; `by <proposer>`.
    pub fn digest(&self) -> Digest {
        let lift = match &self.lift {
            Lift::Cap { fen } => format!("cap {}", fen.0),
            Lift::Gate => "gate".to_owned(),
            Lift::Catalogue => "catalogue".to_owned(),
        };
        hash([
            lift,
            format!("reason {}", self.reason),
            format!("by {}", self.proposed_by),
        ])
    }
}

impl CatalogueChange {
    /// As [`CatalogueDetails::digest`], by whoever filed the change.
    pub fn digest(&self) -> Digest {
        self.details.digest(&self.by)
    }
}

impl CatalogueDetails {
    /// Over the lines `project <name>`, `levels <lowest> <highest>`, `seats <a year>`, `licence <number> <last day> <scope>` (each where it
    /// is said), a line `site <code> <seats> <address>` per site and `trainer <code>` per trainer in their order, and `by <filer>`.
    pub fn digest(&self, by: &StaffId) -> Digest {
        let mut lines = Vec::new();
        lines.extend(self.project.iter().map(|name| format!("project {name}")));
        let levels = self.levels.iter();
        lines.extend(levels.map(|range| {
            let (lowest, highest) = (range.lowest.ordinal(), range.highest.ordinal());
            format!("levels {lowest} {highest}")
        }));
        let seats = self.yearly_seats.iter();
        lines.extend(seats.map(|seats| format!("seats {seats}")));
        lines.extend(self.licence.iter().map(|licence| {
            let until = licence.valid_until.map(|day| day.to_string());
            let scope = licence.scope.as_deref().unwrap_or_default();
            let until = until.as_deref().unwrap_or("-");
            format!("licence {} {until} {scope}", licence.number)
        }));
        let sites = self.sites.iter();
        lines.extend(
            sites.map(|(code, site)| format!("site {code} {} {}", site.seats, site.address)),
        );
        let trainers = self.trainers.iter();
        lines.extend(trainers.map(|trainer| format!("trainer {trainer}")));
        lines.push(format!("by {by}"));
        hash(lines)
    }
}

impl ClawBack {
    /// Over the lines `amount <fen>`, `reason <code>`, `decision <hash>`, `hearing <hash>`, `due <day>`, `payee <credit code>`,
    /// `by <proposer>` and, where a finding led to it, `finding <id>`.
    pub fn digest(&self) -> Digest {
        let lines = [
            format!("amount {}", self.amount.0),
            format!("reason {}", self.reason),
            format!("decision {}", self.decision),
            format!("hearing {}", self.hearing),
            format!("due {}", self.due),
            format!("payee {}", self.payee),
            format!("by {}", self.proposed_by),
        ];
        let finding = self.finding.map(|finding| format!("finding {finding}"));
        hash(lines.into_iter().chain(finding))
    }
}

impl Inspection {
    /// Over the lines `class <id>`, `slot <n>`, `present <seat>` for each in order, `evidence <hash>` and `by <officer>`.
    pub fn digest(&self) -> Digest {
        let head = [
            format!("class {}", self.class),
            format!("slot {}", self.slot),
        ];
        let present = self.present.iter().map(|seat| format!("present {seat}"));
        let tail = [
            format!("evidence {}", self.evidence),
            format!("by {}", self.entered_by),
        ];
        hash(head.into_iter().chain(present).chain(tail))
    }
}

impl event::FlagClearanceProposed {
    /// Over the lines `flag <id>`, `reason <code>`, `evidence <hash>` and `by <proposer>`.
    pub fn digest(&self) -> Digest {
        hash([
            format!("flag {}", self.flag),
            format!("reason {}", self.reason),
            format!("evidence {}", self.evidence),
            format!("by {}", self.by),
        ])
    }
}

impl LateRequest {
    /// Over a line per entry in its order, `<seat> <lessons> <method> <evidence> <presence checks>`, then `reason <code>` and
    /// `evidence <hash>`.
    pub fn digest(&self) -> Digest {
        let entries = self.entries.iter().map(|entry| {
            let method = method_code(entry.method);
            let (seat, lessons) = (entry.seat, entry.lessons);
            let presence = entry.presence_checks;
            format!("{seat} {lessons} {method} {} {presence}", entry.evidence)
        });
        hash(entries.chain([
            format!("reason {}", self.reason),
            format!("evidence {}", self.evidence),
        ]))
    }
}

impl SealedAttendance {
    /// Over the lines `hash <hash>`, `slots <n>`, `entries <n>`, `paper <n>`, `online <n>`, `modules <true|false>`, a line
    /// `seat <days>` per seat in order, and `by <sealer>`. Who has approved it is no part of it: both officers say the same hash.
    pub fn digest(&self) -> Digest {
        let totals = [
            format!("hash {}", self.hash),
            format!("slots {}", self.totals.slots),
            format!("entries {}", self.totals.entries),
            format!("paper {}", self.totals.paper),
            format!("online {}", self.totals.online),
            format!("modules {}", self.modules_taught),
        ];
        let seats = self.days.iter().map(|days| format!("seat {}", days.0));
        let by = format!("by {}", self.sealed_by);
        hash(totals.into_iter().chain(seats).chain([by]))
    }
}

fn method_code(method: Method) -> &'static str {
    match method {
        Method::Face => "face",
        Method::Card => "card",
        Method::Qr => "qr",
        Method::Paper => "paper",
        Method::Online => "online",
    }
}

impl event::AccountRegistered {
    /// The change of account that waits for its checker from now on.
    pub fn pending(&self) -> PendingAccount {
        PendingAccount {
            commitment: self.commitment,
            tag: self.tag,
            maker: self.maker.clone(),
        }
    }
}

impl event::LateEntryRequested {
    /// The late entry that waits for a clerk from now on.
    pub fn request(&self) -> LateRequest {
        LateRequest {
            entries: self.entries.clone(),
            reason: self.reason.clone(),
            evidence: self.evidence,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{SheetId, Tag};
    use crate::money::{Days, Fen};
    use crate::sample::*;

    #[test]
    fn an_account_is_bound_with_who_made_it() {
        let made = |n, by| PendingAccount {
            commitment: Digest([n; 32]),
            tag: Tag([n; 16]),
            maker: code(by),
        };
        assert_eq!(made(1, "clerk").digest(), made(1, "clerk").digest());
        assert_ne!(made(1, "clerk").digest(), made(2, "clerk").digest());
        assert_ne!(made(1, "clerk").digest(), made(1, "other").digest());
    }

    #[test]
    fn an_override_is_bound_with_what_it_lifts_and_why() {
        let lifts = |lift, why| Override {
            lift,
            reason: code(why),
            proposed_by: code("clerk"),
        };
        let cap = |yuan| Lift::Cap {
            fen: Fen::yuan(yuan),
        };
        let first = lifts(cap(1_200), "FAR_VILLAGE").digest();
        assert_eq!(first, lifts(cap(1_200), "FAR_VILLAGE").digest());
        assert_ne!(first, lifts(cap(1_300), "FAR_VILLAGE").digest());
        assert_ne!(first, lifts(cap(1_200), "OTHER").digest());
        let gate = lifts(Lift::Gate, "FAR_VILLAGE").digest();
        assert_ne!(gate, lifts(Lift::Catalogue, "FAR_VILLAGE").digest());
    }

    #[test]
    fn a_late_entry_is_bound_with_every_seat_in_it() {
        let asked = |lessons| LateRequest {
            entries: vec![AttendanceEntry {
                seat: 0,
                lessons,
                method: Method::Face,
                evidence: Digest([1; 32]),
                presence_checks: 0,
            }],
            reason: code("TERMINAL_BROKEN"),
            evidence: Digest([2; 32]),
        };
        assert_eq!(asked(4).digest(), asked(4).digest());
        assert_ne!(asked(4).digest(), asked(3).digest());
    }

    #[test]
    fn a_sealed_attendance_is_bound_with_its_lists_totals_and_days_and_not_with_who_approved() {
        let sealed = |lists, entries, days: &[u16]| SealedAttendance {
            hash: Digest([lists; 32]),
            totals: SealedTotals {
                slots: 2,
                entries,
                paper: 0,
                online: 0,
            },
            days: days.iter().map(|days| Days(*days)).collect(),
            modules_taught: true,
            sealed_by: code("desk"),
            approved_by: Vec::new(),
        };
        let first = sealed(1, 4, &[2, 1]);
        assert_ne!(first.digest(), sealed(2, 4, &[2, 1]).digest());
        assert_ne!(first.digest(), sealed(1, 3, &[2, 1]).digest());
        assert_ne!(first.digest(), sealed(1, 4, &[2, 2]).digest());
        let mut untaught = first.clone();
        untaught.modules_taught = false;
        assert_ne!(first.digest(), untaught.digest());
        let mut approved = first.clone();
        approved.approved_by.push(code("clerk"));
        assert_eq!(first.digest(), approved.digest());
    }

    #[test]
    fn a_claw_back_is_bound_with_its_amount_and_papers() {
        let claims = |yuan, decision| ClawBack {
            amount: Fen::yuan(yuan),
            reason: code("ATTENDANCE_FORGED"),
            decision: Digest([decision; 32]),
            hearing: Digest([2; 32]),
            due: date("12-31"),
            sheet: SheetId(uuid::Uuid::from_u128(1)),
            payee: institution(SCHOOL),
            proposed_by: code("supervisor"),
            confirmed_by: None,
            received: Fen::ZERO,
            finding: None,
        };
        assert_eq!(claims(100, 1).digest(), claims(100, 1).digest());
        assert_ne!(claims(100, 1).digest(), claims(101, 1).digest());
        assert_ne!(claims(100, 1).digest(), claims(100, 3).digest());
    }
}
