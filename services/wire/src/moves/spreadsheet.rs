//! Spreadsheets: the one move that takes a file out.

use hefu_domain::MOST_PAYOUTS;
use hefu_domain::command::{self as act, Act};

use super::{Move, request};
use crate::read::Reader;
use crate::v1;

impl Move for v1::ExportPayoutsRequest {
    request!("ExportPayouts");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        r.parent("parent", &self.parent);
        let sheets = r.list("sheets", &self.sheets, MOST_PAYOUTS, |r, name| {
            r.name("", name, "sheets")
        });
        let reason = r.code("reason", &self.reason);
        Some(
            act::ExportPayouts {
                sheets: sheets?,
                reason: reason?,
                again: self.again,
            }
            .into(),
        )
    }
}
