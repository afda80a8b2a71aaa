//! A claim sheet at play: review, public notice, payout, write-off, and what goes wrong on the way.

use hefu_wire::v1;
use jiff::civil::Date;

use crate::client::{Client, PlayError, key};
use crate::office::{Body, Office};
use crate::plan::{Plan, Trouble};
use crate::seats::{counted, evidence};
use crate::year::{ClaimStep, days, instant};

/// A sheet at play.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    sheet: String,
    vouchers: Vec<String>,
    trouble: Trouble,
    label: String,
    payee_key: String,
    from: Date,
    payout: Date,
    approval: Vec<u8>,
    batch: Vec<u8>,
    objection: String,
    /// What an approval wants asked again since the claim was submitted.
    asked_again: Vec<v1::RecordCheckAnswersRequest>,
}

impl Claim {
    /// The claim, with registers to be asked again before it is approved.
    pub(crate) fn asking_again(self, asked_again: Vec<v1::RecordCheckAnswersRequest>) -> Claim {
        Claim {
            asked_again,
            ..self
        }
    }

    /// The payee submits the sheet; `None` when it is refused and nothing follows.
    pub(crate) async fn submit(
        client: &Client,
        payee: &Body,
        sheet: String,
        vouchers: Vec<String>,
        from: Date,
        plan: &Plan,
        label: String,
    ) -> Result<Option<Claim>, PlayError> {
        let request = v1::SubmitClaimRequest {
            name: sheet.clone(),
            request_id: format!("{label}-submit"),
            validate_only: false,
        };
        let submitted = client
            .make::<_, v1::SubmitClaimResponse>(
                &payee.key,
                "RedemptionService/SubmitClaim",
                request,
            )
            .await;
        if plan.trouble != Trouble::EmploymentShort {
            submitted.map_err(|status| PlayError::Refused {
                what: format!("SubmitClaim of {label}"),
                status: Box::new(status),
            })?;
        } else if submitted.is_err() {
            return Ok(None);
        }
        // A claim is reviewed within days, and paid in the first months of the next year.
        let payout = plan.payout.max(days(from, 20));
        let (payee_key, trouble) = (payee.key.clone(), plan.trouble);
        Ok(Some(Claim {
            sheet,
            vouchers,
            trouble,
            label,
            payee_key,
            from,
            payout,
            approval: Vec::new(),
            batch: Vec::new(),
            objection: String::new(),
            asked_again: Vec::new(),
        }))
    }

    pub(crate) fn agenda(&self) -> Vec<(i64, ClaimStep)> {
        let mut agenda = vec![
            (instant(days(self.from, 2), 10, 0), ClaimStep::Review),
            (instant(days(self.from, 3), 10, 0), ClaimStep::Approve),
            (instant(self.payout, 10, 0), ClaimStep::Send),
            (instant(days(self.payout, 1), 11, 0), ClaimStep::Answer),
            (instant(days(self.payout, 5), 15, 0), ClaimStep::WriteOff),
        ];
        if matches!(self.trouble, Trouble::Objection | Trouble::ObjectionUpheld) {
            agenda.push((instant(days(self.from, 4), 20, 0), ClaimStep::Object));
            agenda.push((instant(days(self.from, 6), 9, 0), ClaimStep::Decide));
        }
        if self.trouble == Trouble::PayoutReturned {
            agenda.push((instant(days(self.payout, 2), 10, 0), ClaimStep::Again));
        }
        if self.trouble == Trouble::ClawedBack {
            // Not while payouts are sent: until the money is back, this payee's others are withheld.
            agenda.push((instant(days(self.payout, 7), 16, 0), ClaimStep::ClawBack));
        }
        agenda
    }

    fn id(&self, what: &str) -> String {
        format!("{}-{what}", self.label)
    }

    pub(crate) async fn perform(
        &mut self,
        client: &Client,
        office: &Office,
        step: ClaimStep,
    ) -> Result<(), PlayError> {
        match step {
            ClaimStep::Review => {
                self.review(client, office).await?;
                self.ask_again(client, office).await?;
            }
            ClaimStep::Approve => self.approve(client, office, "approve").await?,
            ClaimStep::Object => self.object(client).await?,
            ClaimStep::Decide => self.decide(client, office).await?,
            ClaimStep::Send => self.send(client, office, "send").await?,
            ClaimStep::Answer => self.answer(client, office, "paid").await?,
            ClaimStep::Again => self.again(client, office).await?,
            ClaimStep::WriteOff => self.write_off(client, office).await?,
            ClaimStep::ClawBack => self.claw_back(client, office).await?,
        }
        Ok(())
    }

    /// The reviewer returns, strikes out, or finds a frozen voucher.
    async fn review(&mut self, client: &Client, office: &Office) -> Result<(), PlayError> {
        match self.trouble {
            Trouble::Returned => {
                let request = v1::ReturnClaimRequest {
                    name: self.sheet.clone(),
                    reason: "SIGNATURE_MISSING".to_owned(),
                    request_id: self.id("return"),
                    validate_only: false,
                };
                client
                    .must::<_, v1::ReturnClaimResponse>(
                        &office.approver,
                        "RedemptionService/ReturnClaim",
                        request,
                    )
                    .await?;
                let request = v1::SubmitClaimRequest {
                    name: self.sheet.clone(),
                    request_id: self.id("submit-again"),
                    validate_only: false,
                };
                client
                    .must::<_, v1::SubmitClaimResponse>(
                        &self.payee_key,
                        "RedemptionService/SubmitClaim",
                        request,
                    )
                    .await?;
            }
            Trouble::StruckOut if self.vouchers.len() > 1 => {
                self.strike_out(client, office).await?
            }
            Trouble::Frozen => {
                let voucher = self.vouchers[0].clone();
                let request = v1::FreezeRequest {
                    name: voucher.clone(),
                    reason: "COMPLAINT".to_owned(),
                    request_id: self.id("freeze"),
                    validate_only: false,
                    finding: String::new(),
                };
                client
                    .must::<_, v1::FreezeResponse>(
                        &office.supervisor,
                        "SupervisionService/Freeze",
                        request,
                    )
                    .await?;
                let request = v1::ApproveClaimRequest {
                    name: self.sheet.clone(),
                    request_id: self.id("approve-frozen"),
                    validate_only: false,
                };
                // A frozen voucher stops the approval.
                let _ = client
                    .make::<_, v1::ApproveClaimResponse>(
                        &office.approver,
                        "RedemptionService/ApproveClaim",
                        request,
                    )
                    .await;
                let request = v1::UnfreezeRequest {
                    name: voucher,
                    reason: "UNFOUNDED".to_owned(),
                    request_id: self.id("unfreeze"),
                    validate_only: false,
                };
                client
                    .must::<_, v1::UnfreezeResponse>(
                        &office.supervisor,
                        "SupervisionService/Unfreeze",
                        request,
                    )
                    .await?;
            }
            Trouble::None
            | Trouble::StruckOut
            | Trouble::LateEntry
            | Trouble::EmploymentShort
            | Trouble::Objection
            | Trouble::ObjectionUpheld
            | Trouble::PayoutReturned
            | Trouble::ClawedBack
            | Trouble::CopiedToken => {}
        }
        Ok(())
    }

    /// A clerk records what the registers say now.
    async fn ask_again(&mut self, client: &Client, office: &Office) -> Result<(), PlayError> {
        let requests = std::mem::take(&mut self.asked_again);
        if requests.is_empty() {
            return Ok(());
        }
        let batch = v1::BatchRecordCheckAnswersRequest {
            parent: office.parent(),
            mode: v1::Mode::Each.into(),
            request_id: String::new(),
            requests,
        };
        let answer: v1::BatchRecordCheckAnswersResponse = client
            .must(
                &office.clerk,
                "PeopleService/BatchRecordCheckAnswers",
                batch,
            )
            .await?;
        for result in answer.results {
            counted(client, result.result)?;
        }
        Ok(())
    }

    async fn strike_out(&mut self, client: &Client, office: &Office) -> Result<(), PlayError> {
        let voucher = self.vouchers.remove(0);
        let request = v1::StrikeOutRequest {
            name: self.sheet.clone(),
            voucher,
            reason: "NOT_THERE".to_owned(),
            refuse: true,
            request_id: self.id("strike"),
            validate_only: false,
        };
        client
            .must::<_, v1::StrikeOutResponse>(
                &office.approver,
                "RedemptionService/StrikeOut",
                request,
            )
            .await
            .map(|_| ())
    }

    async fn approve(
        &mut self,
        client: &Client,
        office: &Office,
        what: &str,
    ) -> Result<(), PlayError> {
        let request = v1::ApproveClaimRequest {
            name: self.sheet.clone(),
            request_id: self.id(what),
            validate_only: false,
        };
        let answer: v1::ApproveClaimResponse = client
            .must(&office.approver, "RedemptionService/ApproveClaim", request)
            .await?;
        self.approval = answer.approval;
        Ok(())
    }

    async fn object(&mut self, client: &Client) -> Result<(), PlayError> {
        // Anyone may object, under a key of their own making.
        let anybody = key(0, &self.label);
        let request = v1::RaiseObjectionRequest {
            name: self.sheet.clone(),
            statement: evidence(&self.label, 9),
            request_id: self.id("object"),
            validate_only: false,
        };
        let answer: v1::RaiseObjectionResponse = client
            .must(&anybody, "RedemptionService/RaiseObjection", request)
            .await?;
        self.objection = answer.objection;
        Ok(())
    }

    async fn decide(&mut self, client: &Client, office: &Office) -> Result<(), PlayError> {
        let upheld = self.trouble == Trouble::ObjectionUpheld && self.vouchers.len() > 1;
        let request = v1::DecideObjectionRequest {
            name: self.objection.clone(),
            ruling: if upheld {
                v1::Ruling::StrikeOut
            } else {
                v1::Ruling::Dismiss
            }
            .into(),
            voucher: if upheld {
                self.vouchers.remove(0)
            } else {
                String::new()
            },
            reason: if upheld {
                "NOT_THERE".to_owned()
            } else {
                String::new()
            },
            refuse: upheld,
            request_id: self.id("decide"),
            validate_only: false,
        };
        client
            .must::<_, v1::DecideObjectionResponse>(
                &office.reviewer,
                "RedemptionService/DecideObjection",
                request,
            )
            .await?;
        let get = v1::GetSheetRequest {
            name: self.sheet.clone(),
        };
        let refused = |status| PlayError::Refused {
            what: "GetSheet".to_owned(),
            status: Box::new(status),
        };
        // What is approved changed with the upheld objection; finance names what stands now.
        let sheet: v1::Sheet = client
            .call(&office.finance, "RedemptionService/GetSheet", get)
            .await
            .map_err(refused)?;
        self.approval = sheet.approval;
        Ok(())
    }

    async fn send(
        &mut self,
        client: &Client,
        office: &Office,
        what: &str,
    ) -> Result<(), PlayError> {
        let request = v1::SendPayoutRequest {
            name: self.sheet.clone(),
            approval: self.approval.clone(),
            request_id: self.id(what),
            validate_only: false,
        };
        let answer: v1::SendPayoutResponse = client
            .must(&office.finance, "SettlementService/SendPayout", request)
            .await?;
        self.batch = answer.batch;
        Ok(())
    }

    async fn answer(&self, client: &Client, office: &Office, what: &str) -> Result<(), PlayError> {
        let request = v1::RecordPayoutRequest {
            name: self.sheet.clone(),
            batch: self.batch.clone(),
            reference: format!("BANK-{}-{what}", self.label),
            request_id: self.id(what),
            validate_only: false,
        };
        client
            .must::<_, v1::RecordPayoutResponse>(
                &office.finance,
                "SettlementService/RecordPayout",
                request,
            )
            .await
            .map(|_| ())
    }

    /// The bank returns the money, and it is sent once more.
    async fn again(&mut self, client: &Client, office: &Office) -> Result<(), PlayError> {
        let request = v1::ReturnPayoutRequest {
            name: self.sheet.clone(),
            reference: format!("BANK-{}-back", self.label),
            reason: "ACCOUNT_CLOSED_FOR_AUDIT".to_owned(),
            request_id: self.id("returned"),
            validate_only: false,
        };
        client
            .must::<_, v1::ReturnPayoutResponse>(
                &office.finance,
                "SettlementService/ReturnPayout",
                request,
            )
            .await?;
        self.send(client, office, "send-again").await?;
        self.answer(client, office, "paid-again").await
    }

    async fn write_off(&self, client: &Client, office: &Office) -> Result<(), PlayError> {
        let requests = self
            .vouchers
            .iter()
            .enumerate()
            .map(|(n, voucher)| v1::WriteOffRequest {
                name: voucher.clone(),
                request_id: self.id(&format!("writeoff-{n}")),
                validate_only: false,
            });
        let parent = office.parent();
        let batch = v1::BatchWriteOffRequest {
            parent,
            mode: v1::Mode::Each.into(),
            request_id: String::new(),
            requests: requests.collect(),
        };
        let answer: v1::BatchWriteOffResponse = client
            .must(&office.reviewer, "SettlementService/BatchWriteOff", batch)
            .await?;
        for result in answer.results {
            counted(client, result.result)?;
        }
        Ok(())
    }

    /// Two people claim one voucher's money back; it comes.
    async fn claw_back(&self, client: &Client, office: &Office) -> Result<(), PlayError> {
        let voucher = self.vouchers[0].clone();
        let sheet = v1::GetSheetRequest {
            name: self.sheet.clone(),
        };
        let refused = |status| PlayError::Refused {
            what: "GetSheet".to_owned(),
            status: Box::new(status),
        };
        let sheet: v1::Sheet = client
            .call(&office.finance, "RedemptionService/GetSheet", sheet)
            .await
            .map_err(refused)?;
        let amount_fen = sheet
            .lines
            .iter()
            .find(|line| line.voucher == voucher)
            .map_or(0, |line| line.amount_fen);
        let request = v1::ProposeClawBackRequest {
            name: voucher.clone(),
            amount_fen,
            reason: "ATTENDANCE_FORGED".to_owned(),
            decision: evidence(&self.label, 11),
            hearing: evidence(&self.label, 12),
            due: "2024-03-31".to_owned(),
            request_id: self.id("claw"),
            validate_only: false,
            finding: String::new(),
        };
        let proposed = client
            .must::<_, v1::ProposeClawBackResponse>(
                &office.supervisor,
                "SettlementService/ProposeClawBack",
                request,
            )
            .await?;
        let request = v1::ConfirmClawBackRequest {
            name: voucher.clone(),
            proposal: proposed.proposal,
            request_id: self.id("claw-confirm"),
            validate_only: false,
        };
        client
            .must::<_, v1::ConfirmClawBackResponse>(
                &office.reviewer,
                "SettlementService/ConfirmClawBack",
                request,
            )
            .await?;
        let request = v1::ReceiveClawBackRequest {
            name: voucher,
            amount_fen,
            reference: format!("CZ-{}", self.label),
            request_id: self.id("claw-money"),
            validate_only: false,
        };
        client
            .must::<_, v1::ReceiveClawBackResponse>(
                &office.finance,
                "SettlementService/ReceiveClawBack",
                request,
            )
            .await
            .map(|_| ())
    }
}
