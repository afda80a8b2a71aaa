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
    TopUp,
    Person,
    Import,
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
    Sample,
    Inspection,
    Finding,
    Flag,
    Credit,
}

/// A state table's name and its index columns: copies of fields of the body, for lists.
#[derive(Debug)]
pub struct Spec {
    pub name: &'static str,
    /// Those in the table itself.
    pub columns: &'static [&'static str],
    /// Those that seldom change and therefore stand in a table of their own, `NAME_link`: a row that is written without them costs
    /// nothing in their indexes.
    pub links: &'static [&'static str],
}

impl Spec {
    /// A table all of whose index columns stand in itself.
    const fn plain(name: &'static str, columns: &'static [&'static str]) -> Spec {
        Spec {
            name,
            columns,
            links: &[],
        }
    }

    /// Whether the table's rows can be asked for by this column.
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().chain(self.links).any(|c| *c == column)
    }

    /// Where `column` stands in [`Row::columns`](crate::Row).
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| *c == column)
    }

    /// Where `column` stands in [`Row::links`](crate::Row).
    pub fn link(&self, column: &str) -> Option<usize> {
        self.links.iter().position(|c| *c == column)
    }
}

impl Table {
    /// Every table, in declaration order.
    pub const ALL: [Table; 23] = [
        Table::RegionState,
        Table::Policy,
        Table::Calendar,
        Table::PlanYear,
        Table::Account,
        Table::TopUp,
        Table::Person,
        Table::Import,
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
        Table::Sample,
        Table::Inspection,
        Table::Finding,
        Table::Flag,
        Table::Credit,
    ];

    pub fn spec(self) -> &'static Spec {
        match self {
            Table::RegionState => &const { Spec::plain("region_state", &[]) },
            Table::Policy => &const { Spec::plain("policy", &[]) },
            Table::Calendar => &const { Spec::plain("calendar", &[]) },
            Table::PlanYear => &const { Spec::plain("plan_year", &[]) },
            Table::Account => &const { Spec::plain("account", &["year", "source"]) },
            Table::TopUp => &const { Spec::plain("top_up", &["state", "year"]) },
            Table::Person => &const { Spec::plain("person", &[]) },
            Table::Import => &const { Spec::plain("import", &[]) },
            Table::Credential => {
                &const { Spec::plain("credential", &["person", "role", "institution"]) }
            }
            Table::Institution => &const { Spec::plain("institution", &["state"]) },
            Table::CatalogueEntry => {
                &const {
                    Spec::plain(
                        "catalogue_entry",
                        &[
                            "institution",
                            "occupation",
                            "state",
                            "capacity",
                            "year",
                            "published",
                        ],
                    )
                }
            }
            Table::Class => {
                &const { Spec::plain("class", &["state", "deliverer", "payee", "sponsor", "year"]) }
            }
            Table::Attendance => &const { Spec::plain("attendance", &[]) },
            Table::Employment => &const { Spec::plain("employment", &[]) },
            Table::Booking => &const { Spec::plain("booking", &[]) },
            Table::AssessmentSession => {
                &const {
                    Spec::plain(
                        "assessment_session",
                        &["state", "assessor", "payee", "year"],
                    )
                }
            }
            Table::Sheet => {
                &const { Spec::plain("sheet", &["state", "payee", "year", "occasion"]) }
            }
            Table::Sample => &const { Spec::plain("sample", &[]) },
            Table::Inspection => &const { Spec::plain("inspection", &["class"]) },
            Table::Finding => &const { Spec::plain("finding", &["state", "institution"]) },
            Table::Flag => &const { Spec::plain("flag", &["state", "rule"]) },
            Table::Credit => &const { Spec::plain("credit", &["state"]) },
            Table::Voucher => &Spec {
                name: "voucher",
                columns: &["state", "year", "programme", "sheet", "due", "status_entry"],
                links: &[
                    "person",
                    "occasion",
                    "status_list",
                    "employer",
                    "applicant",
                    "written_off",
                ],
            },
        }
    }
}
