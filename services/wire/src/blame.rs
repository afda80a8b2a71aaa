//! Which field of a request a rule of class `Invalid` found wrong: rules know no field names, only the edge does.

use hefu_domain::Code;

/// The path of the field that broke that rule in a request of that RPC; `None` where no single field did.
pub fn field(rpc: &str, code: Code) -> Option<&'static str> {
    Some(match (rpc, code) {
        ("FileClass" | "ChangeClass", Code::BadTimetable) => "filing.timetable",
        ("FileClass" | "ChangeClass" | "FileSession", Code::BadCapacity) => "filing.capacity",
        ("FileClass" | "ChangeClass", Code::TrainerMissing) => "filing.trainers",
        ("FileSession", Code::TrainerMissing) => "filing.examiners",
        ("RecordAttendance" | "RequestLateEntry", Code::BadSeat | Code::DuplicateEntry) => {
            "entries"
        }
        ("SealAttendance", Code::BadSeat) => "days",
        ("SealAttendance", Code::SealInvalid) => "totals",
        ("RegisterClassified", Code::DuplicateEntry | Code::OccupationNeeded) => {
            "licensed_occupations"
        }
        ("RecordEmployment", Code::BadSeat | Code::BadDates | Code::ReasonUnknown) => "seats",
        ("Apply", Code::OccupationNeeded) => "occupation",
        ("Apply" | "Quote", Code::LevelNeeded) => "skill_level",
        ("ProposeClawBack" | "ReceiveClawBack", Code::BadAmount) => "amount_fen",
        ("AppropriateFunds" | "AllocateFunds", Code::BadAmount) => "amount_fen",
        ("ProposeClawBack", Code::BadDates) => "due",
        ("RequestTopUp" | "DecideTopUp", Code::BadAmount) => "amount_fen",
        ("DecideTopUp", Code::SameRegion) => "top_up",
        ("FileCatalogueEntry" | "ChangeCatalogueEntry", Code::BadDetails) => "details",
        ("AllocateFunds", Code::SameRegion) => "to",
        ("OpenRegion", Code::SameRegion) => "parent_region",
        ("SetTargets", Code::TooMany) => "targets",
        ("RecordCheckAnswers", Code::TooMany | Code::DuplicateEntry) => "answers",
        ("PlanSample", Code::DuplicateEntry | Code::TooMany) => "named",
        ("Inspect", Code::BadSeat) => "present",
        ("RecordFinding" | "Recheck", Code::BadDates) => "due",
        ("CreditPoints", Code::ReasonUnknown) => "code",
        ("AdoptPolicy", Code::BadPolicy) => "policy_json",
        ("AdoptPolicy", Code::BadDates) => "effective",
        ("AdoptCalendar", Code::BadDates) => "calendar",
        ("GrantCaller", Code::RolesMixed) => "grant.roles",
        ("GrantCaller", Code::BadDates) => "grant.expires",
        ("AppointDeputy", Code::RolesMixed) => "deputy.role",
        ("AppointDeputy", Code::BadDates) => "deputy.until",
        _ => return None,
    })
}
