//! Workbooks that go out: templates, rosters, claim sheets and payouts, masked; and the bank's file, which an event stands behind.

use std::collections::HashMap;

use hefu_domain::state::{ClassState, DayPart, SheetState, TrainingClass};
use hefu_domain::{
    ClassId, Code, CredentialId, InstitutionId, Key, PersonId, Region, Rpc, SheetId, VoucherId,
    event, exported,
};
use hefu_engine::rows;
use hefu_spreadsheet::{Cell, Prefilled, Template, Written};
use hefu_store::Table;
use hefu_vault::PersonRecord;
use hefu_wire::{names, v1};
use tonic::{Request, Status};

use super::training::is_party;
use super::{List, Page, Sight, region};
use crate::api::{Api, Wrong, bad};
use crate::{caller, errors};

/// The most lines of a template's own rows.
const MOST_LINES: usize = 100_000;

/// A class's or a sheet's people, by voucher.
type People = HashMap<VoucherId, (PersonId, &'static str)>;
/// Their records, as far as they are there.
type Records = HashMap<(Region, PersonId), PersonRecord>;

impl Api {
    /// An empty template, or a class's attendance sheet with its seats.
    pub(crate) async fn template(
        &self,
        request: Request<v1::GetTemplateRequest>,
    ) -> Result<v1::GetTemplateResponse, Status> {
        let message = request.get_ref();
        let Some(template) = Template::named(&message.template) else {
            let known: Vec<&str> = Template::ALL.iter().map(|one| one.name()).collect();
            let wrong = Wrong {
                region: names::region_of(&message.name),
                status: bad("template", format!("must be one of {}", known.join(", "))),
            };
            let by = caller::of(&request)?;
            return Err(self.told(Rpc::GetTemplate, &by, wrong).await);
        };
        let prefilled = match template {
            Template::Attendance => self.attendance_rows(&request).await?,
            Template::Roster
            | Template::Certificates
            | Template::Targets
            | Template::PayoutAnswers => {
                let region = region("name", &message.name)?;
                self.sight(Rpc::GetTemplate, &request, &region).await?;
                Prefilled::default()
            }
        };
        Ok(v1::GetTemplateResponse {
            xlsx: workbook(template.workbook(&prefilled))?,
            file_name: format!("{}.xlsx", template.title()),
        })
    }

    /// A row for each session and seat: who sat there is masked, and what is to be filled in is empty.
    async fn attendance_rows(
        &self,
        request: &Request<v1::GetTemplateRequest>,
    ) -> Result<Prefilled, Status> {
        let name = &request.get_ref().name;
        let (region, id) = self
            .asked(Rpc::GetTemplate, request, |r| {
                r.name::<ClassId>("name", name, "classes")
            })
            .await?;
        let by = caller::of(request)?;
        let class = self
            .look(&region, |world, at| {
                let sight = Sight::of(world, Rpc::GetTemplate, &by, at)?;
                let class = world.class(&id)?;
                let filing = &class.filing;
                let theirs = sight.acts_for_any([&filing.deliverer, &filing.payee]);
                match (sight.whole() || theirs) && !filing.is_classified() {
                    true => Ok(class.clone()),
                    false => Err(Code::ClassNotFound.into()),
                }
            })
            .await?;
        let vouchers: Vec<VoucherId> = class.seats.iter().map(|seat| seat.voucher).collect();
        let (people, records) = self.people_of(&region, &vouchers).await?;
        let mut rows = Vec::new();
        for (number, slot) in (1u32..).zip(&class.filing.timetable) {
            for (seat_number, seat) in (1u32..).zip(&class.seats) {
                if !seat.overlaps(slot) {
                    continue;
                }
                let (masked_name, masked_number) =
                    masked(&region, &people, &records, &seat.voucher);
                rows.push(vec![
                    number.into(),
                    Cell::Day(slot.date),
                    part(slot.part).into(),
                    seat_number.into(),
                    masked_name.into(),
                    masked_number.into(),
                ]);
            }
        }
        rows.truncate(MOST_LINES);
        Ok(Prefilled {
            context: name.clone(),
            rows,
        })
    }

    /// A class's roster, a claim sheet, or the payouts under way.
    pub(crate) async fn exported(
        &self,
        request: Request<v1::ExportSheetRequest>,
    ) -> Result<v1::ExportSheetResponse, Status> {
        let name = request.get_ref().name.clone();
        let by = caller::of(&request)?;
        if names::parse_region(&name).is_ok() {
            return self.payouts_under_way(&by, &region("name", &name)?).await;
        }
        if names::parse_child::<ClassId>(&name, "classes").is_ok() {
            let read = |r: &mut hefu_wire::Reader| r.name::<ClassId>("name", &name, "classes");
            let (region, id) = self.asked(Rpc::ExportSheet, &request, read).await?;
            return self.roster(by, &region, id).await;
        }
        let read = |r: &mut hefu_wire::Reader| r.name::<SheetId>("name", &name, "sheets");
        let (region, id) = self.asked(Rpc::ExportSheet, &request, read).await?;
        self.claim_sheet(by, &region, id).await
    }

    async fn roster(
        &self,
        by: CredentialId,
        region: &Region,
        id: ClassId,
    ) -> Result<v1::ExportSheetResponse, Status> {
        let class: TrainingClass = self
            .fact(
                Rpc::ExportSheet,
                by,
                region,
                |world| world.class(&id).cloned(),
                is_party,
                Code::ClassNotFound,
            )
            .await?;
        let vouchers: Vec<VoucherId> = class.seats.iter().map(|seat| seat.voucher).collect();
        let (people, records) = self.people_of(region, &vouchers).await?;
        let seats = (1u32..).zip(&class.seats).map(|(number, seat)| {
            let (name, identity) = masked(region, &people, &records, &seat.voucher);
            let state = people.get(&seat.voucher).map_or("", |(_, state)| *state);
            let left = seat.left.map(|left| Cell::Day(left.date()));
            vec![
                number.into(),
                name.into(),
                identity.into(),
                seat.voucher.to_string().into(),
                state.into(),
                Cell::Day(seat.taken.date()),
                left.unwrap_or(Cell::Empty),
            ]
        });
        let headings = [
            ("座位号", 8.0),
            ("姓名", 12.0),
            ("身份证号", 22.0),
            ("电子券编号", 40.0),
            ("电子券状态", 14.0),
            ("入班日期", 13.0),
            ("离班日期", 13.0),
        ];
        let over = class.state == ClassState::Cancelled;
        Ok(v1::ExportSheetResponse {
            xlsx: workbook(hefu_spreadsheet::table("班期花名册", &headings, seats))?,
            file_name: format!("班期花名册-{id}{}.xlsx", if over { "-已取消" } else { "" }),
        })
    }

    async fn claim_sheet(
        &self,
        by: CredentialId,
        region: &Region,
        id: SheetId,
    ) -> Result<v1::ExportSheetResponse, Status> {
        let sheet = self
            .fact(
                Rpc::ExportSheet,
                by,
                region,
                |world| world.sheet(&id).cloned(),
                |sight, sheet| sight.acts_for_any([&sheet.payee]),
                Code::SheetNotFound,
            )
            .await?;
        let vouchers: Vec<VoucherId> = sheet.lines.iter().map(|line| line.voucher).collect();
        let (people, records) = self.people_of(region, &vouchers).await?;
        let mut lines: Vec<Vec<Cell>> = (1u32..)
            .zip(&sheet.lines)
            .map(|(number, line)| {
                let (name, identity) = masked(region, &people, &records, &line.voucher);
                let struck = line.struck.as_ref().map(ToString::to_string);
                vec![
                    number.into(),
                    name.into(),
                    identity.into(),
                    line.voucher.to_string().into(),
                    Cell::Fen(line.amount.0),
                    struck.unwrap_or_default().into(),
                ]
            })
            .collect();
        lines.push(vec![
            Cell::Empty,
            "合计(未剔除)".into(),
            Cell::Empty,
            Cell::Empty,
            Cell::Fen(sheet.total().0),
        ]);
        let headings = [
            ("序号", 8.0),
            ("姓名", 16.0),
            ("身份证号", 22.0),
            ("电子券编号", 40.0),
            ("金额(元)", 14.0),
            ("剔除原因", 24.0),
        ];
        Ok(v1::ExportSheetResponse {
            xlsx: workbook(hefu_spreadsheet::table("补贴申领表", &headings, lines))?,
            file_name: format!("补贴申领表-{id}.xlsx"),
        })
    }

    /// The payouts that are with the bank, their accounts masked.
    async fn payouts_under_way(
        &self,
        by: &CredentialId,
        region: &Region,
    ) -> Result<v1::ExportSheetResponse, Status> {
        let sight = self.sight_of(Rpc::ExportSheet, by, region).await?;
        if !sight.whole() {
            return Err(errors::stop(Code::RoleMissing.about("ExportSheet")));
        }
        let columns = vec![("state", "paying".to_owned())];
        let mut token = String::new();
        let mut lines = Vec::new();
        loop {
            let page = Page {
                size: 500,
                token: &token,
            };
            let list = List::of(Table::Sheet, region, columns.clone());
            let (rows, next) = self.page(list, page).await?;
            for row in rows {
                if let hefu_domain::Fact::Sheet(sheet) = rows::fact(&row).map_err(errors::store)?
                    && matches!(sheet.state, SheetState::Paying { .. })
                {
                    lines.push((row.id, sheet.payee.clone(), sheet.total()));
                }
            }
            token = next;
            if token.is_empty() || lines.len() >= MOST_LINES {
                break;
            }
        }
        let payees = lines.iter().map(|(_, payee, _)| payee.clone()).collect();
        let accounts = self.accounts(region, payees).await?;
        let lines = lines.into_iter().map(|(id, payee, amount)| {
            let (name, number) = accounts.get(&payee).cloned().unwrap_or_default();
            vec![
                id.into(),
                payee.to_string().into(),
                name.into(),
                masked_account(&number).into(),
                Cell::Fen(amount.0),
            ]
        });
        let headings = [
            ("申领表编号", 40.0),
            ("信用代码", 22.0),
            ("收款户名", 32.0),
            ("收款账号", 26.0),
            ("金额(元)", 14.0),
        ];
        Ok(v1::ExportSheetResponse {
            xlsx: workbook(hefu_spreadsheet::table("在途发放清单", &headings, lines))?,
            file_name: format!("在途发放清单-{region}.xlsx"),
        })
    }

    /// Institutions' account names and numbers, as they stand in the vault.
    async fn accounts(
        &self,
        region: &Region,
        mut payees: Vec<InstitutionId>,
    ) -> Result<HashMap<InstitutionId, (String, String)>, Status> {
        payees.sort();
        payees.dedup();
        let keys = payees.iter().cloned().map(Key::Institution).collect();
        let world = self.world(region, keys).await?;
        let mut accounts = HashMap::new();
        for payee in payees {
            let institution = world.institution(&payee).map_err(errors::stop)?;
            if let Some(account) = &institution.account {
                let said = self.account(region, account.commitment).await?;
                accounts.insert(payee, said);
            }
        }
        Ok(accounts)
    }

    /// An account's name and number.
    async fn account(
        &self,
        region: &Region,
        commitment: hefu_domain::Digest,
    ) -> Result<(String, String), Status> {
        let reads = self.engine.store().deciding().await;
        let mut reads = reads.map_err(errors::store)?;
        let people = self.engine.people();
        let kept = people.committed(&mut reads, region, commitment).await;
        let kept = kept.map_err(errors::status)?;
        let split = kept.as_ref().and_then(|kept| kept.value.split_once('\n'));
        let (name, number) = split.unwrap_or_default();
        Ok((name.to_owned(), number.to_owned()))
    }

    /// The bank's file: the template for its answers with the accounts in clear. The event that says so is on record already.
    pub(crate) async fn payout_file(
        &self,
        region: &Region,
        by: &CredentialId,
        event: &event::PayoutFileExported,
    ) -> Result<Vec<u8>, Status> {
        let payouts = self
            .look(region, |world, at| exported(world, by, event, at))
            .await?;
        let mut rows = Vec::with_capacity(payouts.len());
        for payout in payouts {
            let (name, number) = self.account(region, payout.account).await?;
            rows.push(vec![
                payout.sheet.to_string().into(),
                payout.payee.to_string().into(),
                name.into(),
                number.into(),
                Cell::Fen(payout.amount.0),
            ]);
        }
        let context = names::region(region);
        workbook(Template::PayoutAnswers.workbook(&Prefilled { context, rows }))
    }

    /// Whose these vouchers are, in which state, and who they are.
    async fn people_of(
        &self,
        region: &Region,
        vouchers: &[VoucherId],
    ) -> Result<(People, Records), Status> {
        let keys = vouchers.iter().copied().map(Key::Voucher).collect();
        let world = self.world(region, keys).await?;
        let mut people = People::new();
        for id in vouchers {
            let voucher = world.voucher(id).map_err(errors::stop)?;
            people.insert(*id, (voucher.person, voucher.state.code()));
        }
        let places: Vec<_> = people
            .values()
            .map(|(person, _)| (region.clone(), *person))
            .collect();
        let reads = self.engine.store().deciding().await;
        let mut reads = reads.map_err(errors::store)?;
        let records = self.engine.people().records(&mut reads, &places).await;
        Ok((people, records.map_err(errors::status)?))
    }
}

/// A voucher's holder, masked: name and identity number.
fn masked(
    region: &Region,
    people: &People,
    records: &Records,
    voucher: &VoucherId,
) -> (String, String) {
    let person = people.get(voucher);
    let record = person.and_then(|(person, _)| records.get(&(region.clone(), *person)));
    record.map_or_else(Default::default, |record| {
        (record.name.to_string(), record.identity.to_string())
    })
}

/// An account's number but for its last four characters.
fn masked_account(number: &str) -> String {
    let seen = number.chars().count().saturating_sub(4);
    let tail: String = number.chars().skip(seen).collect();
    if number.is_empty() {
        String::new()
    } else {
        format!("****{tail}")
    }
}

fn part(part: DayPart) -> &'static str {
    match part {
        DayPart::Morning => "上午",
        DayPart::Afternoon => "下午",
        DayPart::Evening => "晚上",
    }
}

fn workbook(written: Result<Vec<u8>, Written>) -> Result<Vec<u8>, Status> {
    written.map_err(|error| {
        tracing::error!(%error, "a workbook could not be written");
        errors::internal()
    })
}
