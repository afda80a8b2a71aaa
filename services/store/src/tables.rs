//! The state tables, declared once: all have the same shape, so that one load and one upsert serve
//! them all. A new table or column is a line here and a migration for each engine.

/// One table per kind of thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    RegionState,
    Policy,
    Calendar,
    PlanYear,
    Account,
    Person,
    Credential,
    Institution,
    CatalogueEntry,
    Class,
    Attendance,
    Employment,
    Booking,
    AssessmentSession,
    Sheet,
    Voucher,
}

/// A state table's name and its index columns: copies of fields of the body, for lists.
#[derive(Debug)]
pub struct Spec {
    pub name: &'static str,
    pub columns: &'static [&'static str],
}

impl Spec {
    /// Where `column` stands in [`Row::columns`](crate::Row).
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| *c == column)
    }
}

impl Table {
    /// Every table, in declaration order.
    pub const ALL: [Table; 16] = [
        Table::RegionState,
        Table::Policy,
        Table::Calendar,
        Table::PlanYear,
        Table::Account,
        Table::Person,
        Table::Credential,
        Table::Institution,
        Table::CatalogueEntry,
        Table::Class,
        Table::Attendance,
        Table::Employment,
        Table::Booking,
        Table::AssessmentSession,
        Table::Sheet,
        Table::Voucher,
    ];

    pub fn spec(self) -> &'static Spec {
        match self {
            Table::RegionState => &Spec {
                name: "region_state",
                columns: &[],
            },
            Table::Policy => &Spec {
                name: "policy",
                columns: &[],
            },
            Table::Calendar => &Spec {
                name: "calendar",
                columns: &[],
            },
            Table::PlanYear => &Spec {
                name: "plan_year",
                columns: &[],
            },
            Table::Account => &Spec {
                name: "account",
                columns: &["year", "source"],
            },
            Table::Person => &Spec {
                name: "person",
                columns: &[],
            },
            Table::Credential => &Spec {
                name: "credential",
                columns: &["person", "role", "institution"],
            },
            Table::Institution => &Spec {
                name: "institution",
                columns: &["state"],
            },
            Table::CatalogueEntry => &Spec {
                name: "catalogue_entry",
                columns: &["institution", "occupation", "state"],
            },
            Table::Class => &Spec {
                name: "class",
                columns: &["state", "deliverer", "payee", "sponsor", "year"],
            },
            Table::Attendance => &Spec {
                name: "attendance",
                columns: &[],
            },
            Table::Employment => &Spec {
                name: "employment",
                columns: &[],
            },
            Table::Booking => &Spec {
                name: "booking",
                columns: &[],
            },
            Table::AssessmentSession => &Spec {
                name: "assessment_session",
                columns: &["state", "assessor", "payee", "year"],
            },
            Table::Sheet => &Spec {
                name: "sheet",
                columns: &["state", "payee", "year", "occasion"],
            },
            Table::Voucher => &Spec {
                name: "voucher",
                columns: &[
                    "state",
                    "year",
                    "programme",
                    "person",
                    "occasion",
                    "sheet",
                    "due",
                    "status_list",
                    "status_entry",
                    "employer",
                    "applicant",
                    "written_off",
                ],
            },
        }
    }
}
