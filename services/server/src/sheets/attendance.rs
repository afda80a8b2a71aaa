//! A class's attendance: a move for each session that is filled in. A session of which nothing is filled in is not entered.

use std::collections::BTreeMap;

use hefu_domain::ClassId;
use hefu_spreadsheet::{Fault, Row, Unreadable};
use hefu_wire::{names, v1};
use tonic::Status;

use super::{Asked, File, Import, Outcome, Wrong};

/// A seat's entry in a session; both from 1, as the sheet shows them.
struct Entry {
    row: u32,
    slot: u32,
    seat: u32,
    entry: v1::AttendanceEntry,
}

fn read(row: &Row) -> Result<Entry, Wrong> {
    let number = |key| row.number(key).unwrap_or_default();
    let method = match row.text("method") {
        "face" => v1::Method::Face,
        "card" => v1::Method::Card,
        "qr" => v1::Method::Qr,
        "paper" => v1::Method::Paper,
        "online" => v1::Method::Online,
        _ => v1::Method::Unspecified,
    };
    let evidence = hex(row.text("evidence"));
    let evidence = evidence.ok_or_else(|| {
        vec![(
            "evidence",
            Fault::new("应为 64 位十六进制", "is no SHA-256"),
        )]
    })?;
    Ok(Entry {
        row: row.number,
        slot: number("slot"),
        seat: number("seat"),
        entry: v1::AttendanceEntry {
            seat: number("seat").saturating_sub(1),
            lessons: number("lessons"),
            method: method.into(),
            evidence,
            presence_checks: number("presence_checks"),
        },
    })
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(byte).collect()
}

impl Import {
    pub(super) async fn attendance(
        &self,
        file: &File,
    ) -> Result<Result<Outcome, Unreadable>, Status> {
        let (filled, entries) = match self.rows(file, |row| read(&row)).await? {
            Ok(read) => read,
            Err(why) => return Ok(Err(why)),
        };
        let class = filled.context.clone();
        let list = self.list(&filled)?;
        let mut outcome = Outcome::of(filled);
        let of = names::parse_child::<ClassId>(&class, "classes");
        if !of.is_ok_and(|(region, _)| region == self.region) {
            let (zh, en) = (
                "本表不属于该地区的班期",
                "the sheet is of no class of this region",
            );
            outcome.filled.add(self.template, 0, "", Fault::new(zh, en));
        }
        if outcome.is_wrong() {
            return Ok(Ok(outcome));
        }
        let hash = outcome.filled.hash;
        let mut by_slot: BTreeMap<u32, Asked<v1::RecordAttendanceRequest>> = BTreeMap::new();
        for mut entry in entries {
            if entry.entry.evidence.is_empty() {
                entry.entry.evidence = self.sheet_as_evidence(&hash, &entry);
            }
            let asked = by_slot.entry(entry.slot).or_insert_with(|| Asked {
                message: v1::RecordAttendanceRequest {
                    name: class.clone(),
                    slot: entry.slot.saturating_sub(1),
                    request_id: format!("{list}.{}", entry.slot),
                    ..v1::RecordAttendanceRequest::default()
                },
                rows: Vec::new(),
                column: "lessons",
            });
            asked.rows.push((entry.entry.seat.to_string(), entry.row));
            asked.message.entries.push(entry.entry);
        }
        let moves = by_slot.into_values().collect();
        self.moves::<_, v1::RecordAttendanceResponse>(&mut outcome, moves, |message, dry| {
            v1::RecordAttendanceRequest {
                validate_only: dry,
                ..message.clone()
            }
        })
        .await?;
        Ok(Ok(outcome))
    }

    /// Where no other evidence is named the sheet is it: a keyed hash, another one for each entry.
    fn sheet_as_evidence(&self, hash: &[u8; 32], entry: &Entry) -> Vec<u8> {
        let mut of = hash.to_vec();
        of.extend(entry.slot.to_be_bytes());
        of.extend(entry.seat.to_be_bytes());
        let secrets = self.api.engine.people().secrets();
        secrets.request_digest("AttendanceSheet", &of).0.to_vec()
    }
}
