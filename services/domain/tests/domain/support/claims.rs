//! The moves from assessment to write-off: sessions, claims, payouts, claw-backs.

use hefu_domain::command::*;
use hefu_domain::state::*;
use hefu_domain::*;

use super::moves::{Move, reason};
use super::papers::occupation;
use super::*;

impl Town {
    /// Sessions.
    pub(super) fn assessment_move(&self, line: &Saying) -> Move {
        Some(match line.verb {
            "file-session" => {
                let body = line.option("body").unwrap_or("body");
                let payee = line.option("payee").unwrap_or(body);
                let classified = institution(body).is_sealed();
                let examiner = if classified {
                    digest("examiner-1").to_string()
                } else {
                    "examiner-1".to_owned()
                };
                let filing = SessionFiling {
                    year: year(2023),
                    body: institution(body),
                    payee: institution(payee),
                    occupation: occupation(line, classified),
                    level: level(line.parse("level", "3")),
                    date: line.parse("on", "2023-07-03"),
                    examiners: vec![line.parse("examiner", &examiner)],
                    capacity: line.parse("seats", "30"),
                    contract: (payee != body && !line.has("uncontracted"))
                        .then(|| digest("contract")),
                };
                (
                    institution_name(&filing.body),
                    Act::FileSession(FileSession {
                        session: self.session_id(line, 0),
                        filing,
                    }),
                )
            }
            "approve-session" => (
                "reviewer",
                Act::ApproveSession(ApproveSession {
                    session: self.session_id(line, 0),
                }),
            ),
            "reject-session" => (
                "reviewer",
                Act::RejectSession(RejectSession {
                    session: self.session_id(line, 0),
                    reason: reason(line),
                }),
            ),
            "finish-session" => (
                self.body(line.name(0)),
                Act::FinishSession(FinishSession {
                    session: self.session_id(line, 0),
                }),
            ),
            "cancel-session" => (
                self.body(line.name(0)),
                Act::CancelSession(CancelSession {
                    session: self.session_id(line, 0),
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
                    voucher: self.voucher_id(line, 0),
                    session: self.session_id(line, 1),
                    token: Some(self.token(line, line.name(0))),
                    identity: self.holder(line, line.name(0)),
                    outcome,
                    occupation_not_covered: line.has("not-covered"),
                };
                (self.body(line.name(1)), Act::RecordAssessment(assess))
            }
            "certificate" => (
                "clerk",
                Act::ConfirmCertificate(ConfirmCertificate {
                    voucher: self.voucher_id(line, 0),
                    known: !line.has("unknown"),
                }),
            ),
            _ => return None,
        })
    }

    /// Claims.
    pub(super) fn redemption_move(&self, line: &Saying) -> Move {
        Some(match line.verb {
            "redeem" => {
                let nothing = Digest([0; 32]);
                let redeem = Redeem {
                    voucher: self.voucher_id(line, 0),
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
                        witness: None,
                    },
                };
                (self.paid_for(line.name(0)), Act::Redeem(redeem))
            }
            "submit" => (
                self.payee(line.name(0)),
                Act::SubmitClaim(SubmitClaim {
                    sheet: self.sheet_id(line.name(0)),
                }),
            ),
            "strike" => (
                "reviewer",
                Act::StrikeOut(StrikeOut {
                    sheet: self.sheet_id(line.name(0)),
                    voucher: self.voucher_id(line, 1),
                    reason: reason(line),
                    refuse: line.has("refused"),
                }),
            ),
            "return" => (
                "reviewer",
                Act::ReturnClaim(ReturnClaim {
                    sheet: self.sheet_id(line.name(0)),
                    reason: reason(line),
                }),
            ),
            "refuse" => (
                "reviewer-2",
                Act::RefuseClaim(RefuseClaim {
                    sheet: self.sheet_id(line.name(0)),
                    reason: reason(line),
                }),
            ),
            "reopen-claim" => (
                "reviewer-3",
                Act::ReopenClaim(ReopenClaim {
                    sheet: self.sheet_id(line.name(0)),
                }),
            ),
            "approve" => (
                "reviewer-2",
                Act::ApproveClaim(ApproveClaim {
                    sheet: self.sheet_id(line.name(0)),
                }),
            ),
            "object" => (
                "passer-by",
                Act::RaiseObjection(RaiseObjection {
                    sheet: self.sheet_id(line.name(0)),
                    objection: self.objection_id(line, 1),
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
                        voucher: self.voucher_id(line, 3),
                        reason: reason(line),
                        refuse: line.has("refused"),
                    },
                    other => panic!("no ruling {other}"),
                };
                (
                    "reviewer-3",
                    Act::DecideObjection(DecideObjection {
                        sheet: self.sheet_id(line.name(0)),
                        objection: self.objection_id(line, 1),
                        ruling,
                    }),
                )
            }
            _ => return None,
        })
    }

    /// Payouts and claw-backs.
    pub(super) fn settlement_move(&self, line: &Saying) -> Move {
        Some(match line.verb {
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
                        sheet: self.sheet_id(line.name(0)),
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
                        sheet: self.sheet_id(line.name(0)),
                        batch,
                        reference: "B-1".parse().unwrap(),
                    }),
                )
            }
            "bounced" => (
                "finance",
                Act::ReturnPayout(ReturnPayout {
                    sheet: self.sheet_id(line.name(0)),
                    reference: "B-2".parse().unwrap(),
                    reason: reason(line),
                }),
            ),
            "write-off" => (
                "reviewer",
                Act::WriteOff(WriteOff {
                    voucher: self.voucher_id(line, 0),
                }),
            ),
            "claw-back" => {
                let claw_back = ProposeClawBack {
                    voucher: self.voucher_id(line, 0),
                    amount: fen(line.name(1)),
                    reason: reason(line),
                    decision: digest("decision"),
                    hearing: digest("hearing"),
                    due: line.parse("due", "2024-12-31"),
                    finding: None,
                };
                ("supervisor", Act::ProposeClawBack(claw_back))
            }
            "confirm-claw-back" => (
                "reviewer",
                Act::ConfirmClawBack(ConfirmClawBack {
                    voucher: self.voucher_id(line, 0),
                    proposal: self.seen(line, self.pending_claw_back(line.name(0))),
                }),
            ),
            "receive" => (
                "finance",
                Act::ReceiveClawBack(ReceiveClawBack {
                    voucher: self.voucher_id(line, 0),
                    amount: fen(line.name(1)),
                    reference: "T-2".parse().unwrap(),
                }),
            ),
            _ => return None,
        })
    }
}
