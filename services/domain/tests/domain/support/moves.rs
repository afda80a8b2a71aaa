//! Each line's move as a command, one function per subject, with who usually makes it.

use hefu_domain::command::*;
use hefu_domain::state::*;
use hefu_domain::time::Date;
use hefu_domain::*;

use super::papers::occupation;
use super::*;

/// A move, and the member of staff or institution that usually makes it.
pub(super) type Move = Option<(&'static str, Act)>;

pub(super) fn reason(line: &Saying) -> Reason {
    line.parse("reason", "AS_DECIDED")
}

impl Town {
    /// The move of a line, and who usually makes it.
    pub(crate) fn act(&self, line: &Saying) -> (&'static str, Act) {
        let known = self
            .funds_move(line)
            .or_else(|| self.people_move(line))
            .or_else(|| self.application_move(line));
        let known = known
            .or_else(|| self.training_move(line))
            .or_else(|| self.assessment_move(line));
        let known = known
            .or_else(|| self.redemption_move(line))
            .or_else(|| self.settlement_move(line));
        known.unwrap_or_else(|| panic!("no such move: {}", line.verb))
    }

    /// Money and plan years.
    fn funds_move(&self, line: &Saying) -> Move {
        Some(match line.verb {
            "appropriate" => (
                "finance",
                Act::AppropriateFunds(AppropriateFunds {
                    source: line.name(0).parse().unwrap(),
                    year: year(line.name(1).parse().unwrap()),
                    amount: fen(line.name(2)),
                    reference: "T-2023/1".parse().unwrap(),
                }),
            ),
            "targets" => (
                "operator",
                Act::SetTargets(SetTargets {
                    year: year(line.name(0).parse().unwrap()),
                    targets: line
                        .options
                        .iter()
                        .map(|(code, people)| ((*code).to_owned(), people.parse().unwrap()))
                        .collect(),
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
                    "sheet" => ClosingStep::Sheet(self.sheet_id(line.name(1))),
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
            _ => return None,
        })
    }

    /// People and institutions.
    fn people_move(&self, line: &Saying) -> Move {
        Some(match line.verb {
            "answer" => {
                let (check, answer) =
                    (line.name(1).parse().unwrap(), line.name(2).parse().unwrap());
                let answers = vec![CheckAnswer {
                    check,
                    answer,
                    valid_until: line.parse("until", "2024-12-31"),
                    reference: line.option("ref").map(|number| number.parse().unwrap()),
                    employer: line.option("employer").map(institution),
                }];
                (
                    "clerk",
                    Act::RecordCheckAnswers(RecordCheckAnswers {
                        person: PersonId(self.id(line.name(0))),
                        answers,
                    }),
                )
            }
            "list" => (
                "operator",
                Act::RegisterClassified(RegisterClassified {
                    institution: institution(line.name(0)),
                    name: digest("the unit's name"),
                    capacities: UNIT_CAPACITIES.into(),
                    licence: [OCCUPATION, OTHER_OCCUPATION].map(sealed_occupation).into(),
                    document: digest("the secrecy authority's document"),
                }),
            ),
            "account" => (
                "clerk",
                Act::RegisterAccount(RegisterAccount {
                    institution: institution(line.name(0)),
                    commitment: digest(line.name(1)),
                    tag: tag(line.name(1)),
                }),
            ),
            "confirm-account" => (
                "finance",
                Act::ConfirmAccount(ConfirmAccount {
                    institution: institution(line.name(0)),
                    proposal: self.seen(line, self.pending_account(line.name(0))),
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
            _ => return None,
        })
    }

    /// From application to use.
    fn application_move(&self, line: &Saying) -> Move {
        Some(match line.verb {
            "apply" => {
                let programme = programme(line.name(1));
                let assessed = programme == Programme::Assessment;
                let staff = programme == Programme::EnterpriseStaff;
                let own = format!("p-{}", line.name(0));
                let apply = Apply {
                    voucher: self.voucher_id(line, 0),
                    person: PersonId(self.id(line.option("of").unwrap_or(&own))),
                    year: year(2023),
                    programme,
                    category: line.parse("as", usual_category(programme)),
                    occupation: (assessed || line.option("occupation").is_some())
                        .then(|| occupation(line, false)),
                    level: line
                        .option("level")
                        .or(assessed.then_some("3"))
                        .map(|number| level(number.parse().unwrap())),
                    employer: line
                        .option("employer")
                        .or(staff.then_some("plant"))
                        .map(institution),
                };
                ("portal", Act::Apply(apply))
            }
            "confirm" => {
                let holder = self.voucher(line.name(0)).map(|voucher| voucher.person);
                let on_paper = line.has("on-paper");
                let confirm = ConfirmApplication {
                    voucher: self.voucher_id(line, 0),
                    holder: if line.has("nobody") { None } else { holder },
                    how: if on_paper {
                        ConfirmedBy::Paper
                    } else {
                        ConfirmedBy::Phone
                    },
                    evidence: digest("call"),
                };
                let usual = if on_paper { "clerk" } else { "portal" };
                (usual, Act::ConfirmApplication(confirm))
            }
            "withdraw" => {
                let holder = self.voucher(line.name(0)).map(|voucher| voucher.person);
                (
                    "portal",
                    Act::Withdraw(Withdraw {
                        voucher: self.voucher_id(line, 0),
                        holder: if line.has("nobody") { None } else { holder },
                    }),
                )
            }
            "reject" => (
                "clerk",
                Act::RejectApplication(RejectApplication {
                    voucher: self.voucher_id(line, 0),
                    reason: reason(line),
                }),
            ),
            "reopen" => (
                "reviewer-3",
                Act::ReopenApplication(ReopenApplication {
                    voucher: self.voucher_id(line, 0),
                }),
            ),
            "correct" => (
                "clerk",
                Act::ProposeCorrection(ProposeCorrection {
                    voucher: self.voucher_id(line, 0),
                    person: PersonId(self.id(line.option("to").unwrap_or("nobody"))),
                }),
            ),
            "confirm-correction" => {
                let proposed = self
                    .voucher(line.name(0))
                    .and_then(|voucher| voucher.correction.as_ref());
                let seen = line.option("to").map(|name| PersonId(self.id(name)));
                let proposed = proposed.map(|proposal| proposal.person);
                (
                    "reviewer",
                    Act::ConfirmCorrection(ConfirmCorrection {
                        voucher: self.voucher_id(line, 0),
                        person: seen.or(proposed).unwrap_or(PersonId(self.id("nobody"))),
                    }),
                )
            }
            "refuse-correction" => (
                "reviewer",
                Act::RefuseCorrection(RefuseCorrection {
                    voucher: self.voucher_id(line, 0),
                    reason: reason(line),
                }),
            ),
            "issue" => (
                "reviewer",
                Act::Issue(Issue {
                    voucher: self.voucher_id(line, 0),
                }),
            ),
            "revoke" => (
                "reviewer",
                Act::Revoke(Revoke {
                    voucher: self.voucher_id(line, 0),
                    reason: reason(line),
                }),
            ),
            "fetch" => {
                let holder = self.voucher(line.name(0)).map(|voucher| voucher.person);
                (
                    "portal",
                    Act::FetchToken(FetchToken {
                        voucher: self.voucher_id(line, 0),
                        holder,
                    }),
                )
            }
            "reissue" => (
                "clerk",
                Act::ReissueToken(ReissueToken {
                    voucher: self.voucher_id(line, 0),
                    card_seen: digest("card"),
                }),
            ),
            "expire" => (
                "operator",
                Act::Expire(Expire {
                    voucher: self.voucher_id(line, 0),
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
                        voucher: self.voucher_id(line, 0),
                        lift,
                        reason: reason(line),
                    }),
                )
            }
            "confirm-override" => (
                "reviewer",
                Act::ConfirmOverride(ConfirmOverride {
                    voucher: self.voucher_id(line, 0),
                    proposal: self.seen(line, self.pending_override(line.name(0))),
                }),
            ),
            "freeze" => (
                "supervisor",
                Act::Freeze(Freeze {
                    voucher: self.voucher_id(line, 0),
                    reason: reason(line),
                    finding: None,
                }),
            ),
            "unfreeze" => (
                "supervisor",
                Act::Unfreeze(Unfreeze {
                    voucher: self.voucher_id(line, 0),
                    reason: reason(line),
                }),
            ),
            _ => return None,
        })
    }

    /// Classes.
    fn training_move(&self, line: &Saying) -> Move {
        Some(match line.verb {
            "file" => {
                let filing = self.filing(line);
                (
                    institution_name(&filing.deliverer),
                    Act::FileClass(FileClass {
                        class: self.class_id(line, 0),
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
                        class: self.class_id(line, 0),
                        filing,
                    }),
                )
            }
            "approve-class" => (
                "reviewer",
                Act::ApproveClass(ApproveClass {
                    class: self.class_id(line, 0),
                }),
            ),
            "reject-class" => (
                "reviewer",
                Act::RejectClass(RejectClass {
                    class: self.class_id(line, 0),
                    reason: reason(line),
                }),
            ),
            "finish" => (
                self.deliverer(line.name(0)),
                Act::FinishClass(FinishClass {
                    class: self.class_id(line, 0),
                }),
            ),
            "cancel" => (
                self.deliverer(line.name(0)),
                Act::CancelClass(CancelClass {
                    class: self.class_id(line, 0),
                    reason: reason(line),
                }),
            ),
            "enrol" => {
                let (token, identity) = (
                    self.token(line, line.name(0)),
                    self.holder(line, line.name(0)),
                );
                (
                    self.deliverer(line.name(1)),
                    Act::Enrol(Enrol {
                        voucher: self.voucher_id(line, 0),
                        class: self.class_id(line, 1),
                        token,
                        identity,
                    }),
                )
            }
            "attend" => {
                let slot = line.name(1).parse().unwrap();
                (
                    self.deliverer(line.name(0)),
                    Act::RecordAttendance(RecordAttendance {
                        class: self.class_id(line, 0),
                        slot,
                        entries: self.entries(line),
                    }),
                )
            }
            "late" => {
                let (slot, entries) = (line.name(1).parse().unwrap(), self.entries(line));
                let evidence = digest("late");
                (
                    self.deliverer(line.name(0)),
                    Act::RequestLateEntry(RequestLateEntry {
                        class: self.class_id(line, 0),
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
                    class: self.class_id(line, 0),
                    slot: line.name(1).parse().unwrap(),
                    proposal: self.seen(line, self.late_request(line)),
                }),
            ),
            "seal" => (
                self.deliverer(line.name(0)),
                Act::SealAttendance(self.seal(line)),
            ),
            "approve-seal" => (
                "reviewer",
                Act::ApproveSealedAttendance(ApproveSealedAttendance {
                    class: self.class_id(line, 0),
                    proposal: self.seen(line, self.sealed_attendance(line.name(0))),
                }),
            ),
            "drop" => (
                self.teacher(line.name(0)),
                Act::Drop(Drop {
                    voucher: self.voucher_id(line, 0),
                    reason: reason(line),
                }),
            ),
            "complete" => (
                self.teacher(line.name(0)),
                Act::Complete(Complete {
                    voucher: self.voucher_id(line, 0),
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
                            evidence: if line.has("without-evidence") {
                                Digest([0; 32])
                            } else {
                                digest("contract")
                            },
                            since,
                            monthly_income_fen: fen(line.option("income").unwrap_or("3000.00")),
                        },
                        ("no", _) => Employed::No,
                        (code, _) => Employed::Excluded {
                            reason: code.parse().unwrap(),
                        },
                    };
                    (seat as u16, status)
                });
                (
                    self.deliverer(line.name(0)),
                    Act::RecordEmployment(RecordEmployment {
                        class: self.class_id(line, 0),
                        seats: employed.collect(),
                    }),
                )
            }
            _ => return None,
        })
    }

    pub(super) fn voucher_id(&self, line: &Saying, i: usize) -> VoucherId {
        VoucherId(self.id(line.name(i)))
    }

    fn class_id(&self, line: &Saying, i: usize) -> ClassId {
        ClassId(self.id(line.name(i)))
    }

    pub(super) fn session_id(&self, line: &Saying, i: usize) -> SessionId {
        SessionId(self.id(line.name(i)))
    }

    pub(super) fn objection_id(&self, line: &Saying, i: usize) -> ObjectionId {
        ObjectionId(self.id(line.name(i)))
    }

    /// Who delivers a class.
    fn deliverer(&self, class: &str) -> &'static str {
        self.class(class).map_or("school-a", |class| {
            institution_name(&class.filing.deliverer)
        })
    }

    /// Who assesses at a session.
    pub(super) fn body(&self, session: &str) -> &'static str {
        self.session(session)
            .map_or("body", |session| institution_name(&session.filing.body))
    }

    /// Who is paid on a sheet.
    pub(super) fn payee(&self, sheet: &str) -> &'static str {
        self.sheet(sheet)
            .map_or("school-a", |sheet| institution_name(&sheet.payee))
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
    pub(super) fn paid_for(&self, voucher: &str) -> &'static str {
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
