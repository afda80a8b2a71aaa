//! Lists to import, and files that go out.

use std::collections::BTreeMap;

use crate::ids::*;
use crate::state::*;
use crate::time::Date;

moves! {
    /// Imports a part of another department's roster: the days on which its people are trained are blocked, in every region.
    ImportRoster {
        /// Which part of which list.
        part: ListPart,
        /// Whose roster it is.
        department: Department,
        /// By day the nullifiers of those who are trained on it, computed at the edge; no name or number comes this far.
        days: BTreeMap<Date, Vec<Tag>>,
    }
    /// Imports a part of a list of certificates without a voucher, which count in the plan.
    ImportCertificates {
        /// Which part of which list.
        part: ListPart,
        /// The certificates.
        certificates: Vec<ListedCertificate>,
    }
    /// Shows the accounts to which the payouts under way go unmasked, in a file for the bank, and has it on record that they were.
    ExportPayouts {
        /// Which sheets, all of them Paying.
        sheets: Vec<SheetId>,
        /// Why.
        reason: Reason,
        /// Whether those may be among them that stand in an earlier file.
        again: bool,
    }
}
