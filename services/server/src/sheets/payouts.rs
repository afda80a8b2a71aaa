//! The bank's answers to a payout file: a payout that succeeded is recorded, one that came back is returned. Account, name and amount
//! of the answer become the hash that the payout was sent with, or another one, which the rule refuses.

use hefu_domain::{Code, Digest, Fen, InstitutionId, SheetId, Stop, World, batch_digest};
use hefu_engine::Committed;
use hefu_spreadsheet::{Fault, Row, Unreadable};
use hefu_wire::{names, v1};
use tonic::Status;

use super::{Asked, File, Import, Outcome, Wrong, refused};
use crate::errors;

/// A row: what the bank says of one payout.
struct Answer {
    row: u32,
    sheet: String,
    payee: InstitutionId,
    /// Name and number, as a commitment is made to them.
    account: String,
    amount: i64,
    is_paid: bool,
    reference: String,
    reason: String,
}

fn read(row: &Row) -> Result<Answer, Wrong> {
    let wrong = |key, zh: &str, en: &str| vec![(key, Fault::new(zh, en))];
    let is_paid = row.text("result") == "paid";
    let reason = row.text("reason").to_owned();
    if !is_paid && reason.is_empty() {
        let (zh, en) = ("退回的须填写原因", "say why it was returned");
        return Err(wrong("reason", zh, en));
    }
    if is_paid && !reason.is_empty() {
        let (zh, en) = (
            "成功的不填退回原因",
            "a payout that succeeded was not returned",
        );
        return Err(wrong("reason", zh, en));
    }
    let payee = row.text("payee").parse();
    Ok(Answer {
        row: row.number,
        sheet: row.text("sheet").to_owned(),
        payee: payee.map_err(|_| wrong("payee", "信用代码有误", "is no credit code"))?,
        account: format!("{}\n{}", row.text("account_name"), row.text("account")),
        amount: row.fen("amount").unwrap_or_default(),
        is_paid,
        reference: row.text("reference").to_owned(),
        reason,
    })
}

/// A payout as it was sent.
struct Sent {
    payee: InstitutionId,
    amount: Fen,
    account: Option<Digest>,
}

impl Import {
    pub(super) async fn payouts(&self, file: &File) -> Result<Result<Outcome, Unreadable>, Status> {
        let (filled, answers) = match self.rows(file, |row| read(&row)).await? {
            Ok(read) => read,
            Err(why) => return Ok(Err(why)),
        };
        let list = self.list(&filled)?;
        let mut outcome = Outcome::of(filled);
        if outcome.is_wrong() {
            return Ok(Ok(outcome));
        }
        let (mut paid, mut returned) = (Vec::new(), Vec::new());
        for answer in &answers {
            let request_id = format!("{list}.{}", answer.row);
            let name = names::child(&self.region, "sheets", &answer.sheet);
            let rows = vec![(answer.sheet.clone(), answer.row)];
            if !answer.is_paid {
                returned.push(Asked {
                    message: v1::ReturnPayoutRequest {
                        name,
                        reference: answer.reference.clone(),
                        reason: answer.reason.clone(),
                        request_id,
                        validate_only: false,
                    },
                    rows,
                    column: "sheet",
                });
                continue;
            }
            match self.batch(answer).await? {
                Ok(batch) => paid.push(Asked {
                    message: v1::RecordPayoutRequest {
                        name,
                        batch: batch.0.to_vec(),
                        reference: answer.reference.clone(),
                        request_id,
                        validate_only: false,
                    },
                    rows,
                    column: "sheet",
                }),
                Err((key, fault)) => outcome.filled.add(self.template, answer.row, key, fault),
            }
        }
        if outcome.is_wrong() {
            return Ok(Ok(outcome));
        }
        self.answered(&mut outcome, paid, returned).await?;
        Ok(Ok(outcome))
    }

    /// Tries all of both kinds before any is made.
    async fn answered(
        &self,
        outcome: &mut Outcome,
        paid: Vec<Asked<v1::RecordPayoutRequest>>,
        returned: Vec<Asked<v1::ReturnPayoutRequest>>,
    ) -> Result<(), Status> {
        let paid_dry = |message: &v1::RecordPayoutRequest, dry| v1::RecordPayoutRequest {
            validate_only: dry,
            ..message.clone()
        };
        let returned_dry = |message: &v1::ReturnPayoutRequest, dry| v1::ReturnPayoutRequest {
            validate_only: dry,
            ..message.clone()
        };
        let (paid, old_paid) = self
            .tried::<_, v1::RecordPayoutResponse>(outcome, paid, paid_dry)
            .await?;
        let (returned, old_returned) = self
            .tried::<_, v1::ReturnPayoutResponse>(outcome, returned, returned_dry)
            .await?;
        outcome.old_parts = old_paid + old_returned;
        if self.dry || outcome.is_wrong() {
            return Ok(());
        }
        self.make::<_, v1::RecordPayoutResponse>(outcome, &paid)
            .await?;
        self.make::<_, v1::ReturnPayoutResponse>(outcome, &returned)
            .await?;
        outcome.written = true;
        Ok(())
    }

    /// The hash of what the bank says that it paid to whom, under the salt of the account that the payout went to.
    async fn batch(
        &self,
        answer: &Answer,
    ) -> Result<Result<Digest, (&'static str, Fault)>, Status> {
        let Ok(id) = answer.sheet.parse::<SheetId>() else {
            return Ok(Err(("sheet", refused::of(Code::SheetNotFound))));
        };
        let sent = self
            .api
            .look(&self.region, |world, _| sent(world, &id))
            .await?;
        let Some(sent) = sent else {
            return Ok(Err(("sheet", refused::of(Code::SheetNotFound))));
        };
        let differs = |key| Ok(Err((key, refused::of(Code::BatchMismatch))));
        if sent.payee != answer.payee {
            return differs("payee");
        }
        if sent.amount.0 != answer.amount {
            return differs("amount");
        }
        let Some(account) = sent.account else {
            return differs("account");
        };
        let store = self.api.engine.store();
        let mut reads = store.deciding().await.map_err(errors::store)?;
        let people = self.api.engine.people();
        let kept = people.committed(&mut reads, &self.region, account).await;
        let Some(kept) = kept.map_err(errors::status)? else {
            return differs("account");
        };
        let said = Committed::to(answer.account.clone(), kept.salt).commitment;
        if said != account {
            return differs("account");
        }
        Ok(Ok(batch_digest(
            &said,
            &answer.payee,
            Fen(answer.amount),
            id,
        )))
    }
}

/// A payout as it stands; nothing, where there is no such sheet.
fn sent(world: &World, id: &SheetId) -> Result<Option<Sent>, Stop> {
    let sheet = match world.sheet(id) {
        Ok(sheet) => sheet,
        Err(Stop::Refused(_)) => return Ok(None),
        Err(missing) => return Err(missing),
    };
    let account = world.institution(&sheet.payee)?.account.as_ref();
    Ok(Some(Sent {
        payee: sheet.payee.clone(),
        amount: sheet.total(),
        account: account.map(|account| account.commitment),
    }))
}
