//! The one table of who may call what: every RPC, by role, with its scope. Moves and reads alike take their decision from here; a batch
//! takes the row of its single twin.
//!
//! A role that a row does not name may not call at all. Whose thing it is within a scope is told by the thing: moves ask it in their own
//! rules (`NOT_YOURS`), reads answer as for a thing that does not exist.

use crate::command::Act;
use crate::state::Role;

/// How far a role reaches with an RPC, the narrowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// What is public of it.
    Public,
    /// The caller's own: a holder's person and vouchers, the portal's whom it names, anybody's own grant and requests.
    Own,
    /// What their institution has a part in.
    Institution,
    /// The whole region in which the grant is.
    Region,
}

impl Scope {
    /// As the table shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Public => "public",
            Scope::Own => "own",
            Scope::Institution => "institution",
            Scope::Region => "region",
        }
    }
}

/// What a caller must bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// Nothing: anybody may ask.
    Open,
    /// A key, were it one of their own making, under which their requests are numbered.
    AnyKey,
    /// A grant in the region.
    Granted,
    /// Nobody comes in: the server makes the move by itself, as the deployment's operator, and no RPC asks for it.
    Inside,
}

/// The bureau's own people and its auditors.
const STAFF: &[Role] = &[
    Role::Clerk,
    Role::Reviewer,
    Role::Finance,
    Role::Supervisor,
    Role::Auditor,
    Role::Operator,
];
/// Those who act for an institution.
const OUTSIDE: &[Role] = &[Role::Institution, Role::Assessor];
/// Everybody whom a region granted anything.
const GRANTED: &[Role] = &[
    Role::Holder,
    Role::Institution,
    Role::Assessor,
    Role::Clerk,
    Role::Reviewer,
    Role::Finance,
    Role::Supervisor,
    Role::Auditor,
    Role::Operator,
];

struct Row {
    service: &'static str,
    name: &'static str,
    is_move: bool,
    door: Door,
    /// Where a role stands twice, the wider scope counts.
    scopes: &'static [(&'static [Role], Scope)],
    note: &'static str,
}

macro_rules! table {
    ($($service:ident {
        moves { $($move:ident $move_door:ident [$($move_who:expr => $move_scope:ident),*] $move_note:literal;)* }
        reads { $($read:ident $read_door:ident [$($read_who:expr => $read_scope:ident),*] $read_note:literal;)* }
    })+) => {
        /// An RPC that is no batch, or a move that the server makes by itself.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)] // the names are the API's
        pub enum Rpc { $($($move,)* $($read,)*)+ }

        impl Rpc {
            /// Every one, by service.
            pub const ALL: &[Rpc] = &[$($(Rpc::$move,)* $(Rpc::$read,)*)+];

            /// The RPC that asks for a move.
            pub fn of(act: &Act) -> Rpc {
                match act { $($(Act::$move(_) => Rpc::$move,)*)+ }
            }

            fn row(self) -> &'static Row {
                use Role::*;
                match self {$(
                    $(Rpc::$move => &Row {
                        service: stringify!($service),
                        name: stringify!($move),
                        is_move: true,
                        door: Door::$move_door,
                        scopes: &[$(($move_who, Scope::$move_scope)),*],
                        note: $move_note,
                    },)*
                    $(Rpc::$read => &Row {
                        service: stringify!($service),
                        name: stringify!($read),
                        is_move: false,
                        door: Door::$read_door,
                        scopes: &[$(($read_who, Scope::$read_scope)),*],
                        note: $read_note,
                    },)*
                )+}
            }
        }
    };
}

// A row: the RPC (or a move of the server itself), what a caller must bring, and how far each role reaches.
table! {
    Server {
        moves {
            RecordCheckpoints Inside [&[Operator] => Region] "";
            RaiseFlag Inside [&[Operator] => Region] "";
        }
        reads {}
    }
    AccessService {
        moves {
            GrantCaller Granted [&[Operator] => Region] "";
            RevokeCaller Granted [&[Operator] => Region] "";
            AppointDeputy Granted [&[Operator] => Region] "";
        }
        reads {
            GetCaller Granted [GRANTED => Own, &[Supervisor, Auditor, Operator] => Region] "own: their own grant";
            ListCallers Granted [&[Supervisor, Auditor, Operator] => Region] "";
        }
    }
    ApplicationService {
        moves {
            Apply Granted [&[Holder] => Own, &[Institution] => Institution] "institution: not issued before the holder confirms it; as the employer for itself only";
            ConfirmApplication Granted [&[Holder] => Own, &[Clerk] => Region] "clerk: who saw the card, the signature, or called back";
            Withdraw Granted [&[Holder] => Own, &[Institution] => Institution] "";
            RejectApplication Granted [&[Clerk] => Region] "";
            ReopenApplication Granted [&[Reviewer] => Region] "";
            ProposeCorrection Granted [&[Clerk] => Region] "";
            ConfirmCorrection Granted [&[Reviewer] => Region] "";
            RefuseCorrection Granted [&[Reviewer] => Region] "";
        }
        reads {
            GetVoucher Granted [&[Holder] => Own, OUTSIDE => Institution, STAFF => Region] "";
            ListVouchers Granted [&[Holder] => Own, OUTSIDE => Institution, STAFF => Region] "";
        }
    }
    AssessmentService {
        moves {
            FileSession Granted [&[Assessor] => Institution] "";
            ApproveSession Granted [&[Reviewer] => Region] "";
            RejectSession Granted [&[Reviewer] => Region] "";
            FinishSession Granted [&[Assessor] => Institution] "";
            CancelSession Granted [&[Assessor] => Institution, &[Reviewer] => Region] "";
            RecordAssessment Granted [&[Assessor] => Institution] "";
            ConfirmCertificate Granted [&[Clerk, Operator] => Region] "";
        }
        reads {
            GetSession Granted [OUTSIDE => Institution, STAFF => Region] "";
            ListSessions Granted [OUTSIDE => Institution, STAFF => Region] "";
            AskCertificate Granted [&[Clerk, Operator] => Region] "the register is asked, its answer put on record";
        }
    }
    AuditService {
        moves {}
        reads {
            GetHead Granted [STAFF => Region] "";
            ListEvents Granted [STAFF => Region] "";
            StreamEvents Granted [STAFF => Region] "the grant is asked again before every page";
            VoucherHistory Granted [STAFF => Region] "";
            GetCheckpoint Open [] "";
            GetInclusionProof Open [] "";
            GetConsistencyProof Open [] "";
            GetReceipt Open [] "by index; by request id: with the key that made the request; by voucher: as GetVoucher";
        }
    }
    FundsService {
        moves {
            AppropriateFunds Granted [&[Finance] => Region] "";
            AllocateFunds Granted [&[Finance] => Region] "";
            OpenPlanYear Granted [&[Finance, Operator] => Region] "";
            SetTargets Granted [&[Operator] => Region] "";
            RequestTopUp Granted [&[Finance] => Region] "";
            DecideTopUp Granted [&[Finance] => Region] "in the region above, of which it is a move as well";
            ClosePlanYear Granted [&[Finance, Operator] => Region] "";
        }
        reads {
            GetPlanYear Granted [STAFF => Region] "";
            ListPlanYears Granted [STAFF => Region] "";
            GetAccount Granted [STAFF => Region] "";
            ListAccounts Granted [STAFF => Region] "";
            ListTopUps Granted [STAFF => Region] "a city's: those of its counties too";
        }
    }
    IssuanceService {
        moves {
            Issue Granted [&[Reviewer] => Region] "";
            Revoke Granted [&[Reviewer] => Region] "";
            FetchToken Granted [&[Holder] => Own, &[Institution] => Institution] "institution: where the policy hands tokens to applicants";
            ReissueToken Granted [&[Clerk] => Region] "";
            Expire Granted [&[Clerk, Operator] => Region] "";
            ProposeOverride Granted [&[Clerk, Reviewer] => Region] "";
            ConfirmOverride Granted [&[Reviewer] => Region] "";
        }
        reads {
            ListExpiring Granted [OUTSIDE => Institution, STAFF => Region] "";
        }
    }
    PeopleService {
        moves {
            RegisterPerson Granted [&[Holder, Institution, Clerk, Operator] => Region] "holder: the portal only; a person who is not registered yet";
            RecordCheckAnswers Granted [&[Clerk, Operator] => Region] "";
            // Whoever decides on vouchers does not make their holders disappear.
            EraseSubject Granted [&[Supervisor, Operator] => Region] "";
            RevealPerson Granted [&[Clerk, Reviewer, Supervisor] => Region] "each time on record, with the reason";
        }
        reads {
            GetPerson Granted [&[Holder] => Own, STAFF => Region] "masked; nobody by the portal";
            CheckPerson Granted [&[Holder] => Own, &[Institution] => Institution, &[Clerk, Operator] => Region] "the registers are asked, their answers put on record; institution: whose number it shows, and without the answers";
            FindPerson Granted [&[Holder] => Own, &[Clerk, Reviewer, Supervisor] => Region] "masked; the portal: whose number it shows";
        }
    }
    PolicyService {
        moves {
            OpenRegion Granted [&[Operator] => Region] "the deployment's own operator, whose key is in the state folder";
            AdoptPolicy Granted [&[Operator] => Region] "";
            AdoptCalendar Granted [&[Operator] => Region] "";
        }
        reads {
            GetPolicy Open [] "";
            GetCalendar Open [] "";
            ListRegions Open [] "";
        }
    }
    RecordsService {
        moves {
            ImportRoster Granted [&[Clerk, Operator] => Region] "";
            ImportCertificates Granted [&[Clerk, Operator] => Region] "";
        }
        reads {}
    }
    RedemptionService {
        moves {
            Redeem Granted [OUTSIDE => Institution] "";
            SubmitClaim Granted [OUTSIDE => Institution] "";
            StrikeOut Granted [&[Reviewer] => Region] "";
            ReturnClaim Granted [&[Reviewer] => Region] "";
            RefuseClaim Granted [&[Reviewer] => Region] "";
            ReopenClaim Granted [&[Reviewer] => Region] "";
            ApproveClaim Granted [&[Reviewer] => Region] "";
            RaiseObjection AnyKey [] "while the notice runs";
            DecideObjection Granted [&[Reviewer] => Region] "";
        }
        reads {
            Quote Granted [&[Holder] => Own, OUTSIDE => Institution, STAFF => Region] "a supposed case, which has no voucher: every role";
            GetSheet Granted [OUTSIDE => Institution, STAFF => Region] "";
            ListSheets Granted [OUTSIDE => Institution, STAFF => Region] "";
            GetNotice AnyKey [] "while it runs; names masked";
            ListNotices AnyKey [] "while they run";
        }
    }
    RegistryService {
        moves {
            RegisterInstitution Granted [&[Clerk] => Region] "";
            ChangeInstitution Granted [&[Clerk] => Region] "";
            RegisterClassified Granted [&[Operator] => Region] "the city lists; its decision for a county is entered there";
            RegisterAccount Granted [OUTSIDE => Institution, &[Clerk] => Region] "";
            ConfirmAccount Granted [&[Reviewer, Finance] => Region] "";
            FileCatalogueEntry Granted [OUTSIDE => Institution, &[Clerk] => Region] "";
            ChangeCatalogueEntry Granted [OUTSIDE => Institution, &[Clerk] => Region] "";
            ApproveCatalogueEntry Granted [&[Reviewer] => Region] "";
            RefuseCatalogueEntry Granted [&[Reviewer] => Region] "";
            SuspendCatalogueEntry Granted [&[Supervisor] => Region] "";
            StrikeOffCatalogueEntry Granted [&[Supervisor] => Region] "";
            SuspendInstitution Granted [&[Supervisor] => Region] "";
            StrikeOffInstitution Granted [&[Supervisor] => Region] "";
        }
        reads {
            GetInstitution Granted [&[Holder] => Public, OUTSIDE => Institution, STAFF => Region] "of others' what is public: no account, no debt, no classified unit";
            ListInstitutions Granted [&[Holder] => Public, OUTSIDE => Institution, STAFF => Region] "of others' what is public: no account, no debt, no classified unit";
            GetCatalogueEntry Open [OUTSIDE => Institution, STAFF => Region] "public: what was approved once; a classified unit's: itself and the bureau";
            ListCatalogueEntries Open [OUTSIDE => Institution, STAFF => Region] "public: what was approved once; a classified unit's: itself and the bureau";
        }
    }
    ReportingService {
        moves {}
        reads {
            GetReport Granted [OUTSIDE => Institution, STAFF => Region] "with the regions below it; institution: its own statement only";
            ListReports Open [] "which there are, not what they say";
            ListDeadlines Granted [OUTSIDE => Institution, STAFF => Region] "institution: of its classes, sessions and sheets";
        }
    }
    SettlementService {
        moves {
            SendPayout Granted [&[Finance] => Region] "";
            RecordPayout Granted [&[Finance] => Region] "";
            ReturnPayout Granted [&[Finance] => Region] "";
            WriteOff Granted [&[Reviewer] => Region] "";
            ProposeClawBack Granted [&[Reviewer, Supervisor] => Region] "";
            ConfirmClawBack Granted [&[Reviewer, Supervisor] => Region] "";
            ReceiveClawBack Granted [&[Finance] => Region] "";
        }
        reads {}
    }
    SpreadsheetService {
        moves {
            ExportPayouts Granted [&[Finance] => Region] "each time on record, with the reason";
        }
        reads {
            GetTemplate Granted [OUTSIDE => Institution, STAFF => Region] "a class's: as GetAttendance";
            ExportSheet Granted [OUTSIDE => Institution, STAFF => Region] "masked; as GetClass and GetSheet";
            ImportSheet Granted [&[Institution] => Institution, &[Clerk, Finance, Operator] => Region] "decided as the moves that its rows ask for";
        }
    }
    SupervisionService {
        moves {
            Freeze Granted [&[Supervisor] => Region] "";
            Unfreeze Granted [&[Supervisor] => Region] "";
            PlanSample Granted [&[Supervisor] => Region] "";
            DrawSample Granted [&[Supervisor] => Region] "";
            Inspect Granted [&[Clerk, Reviewer, Supervisor] => Region] "two officers";
            ConfirmInspection Granted [&[Clerk, Reviewer, Supervisor] => Region] "two officers";
            RecordFinding Granted [&[Reviewer, Supervisor] => Region] "a grave one enters the city's log too";
            Rectify Granted [OUTSIDE => Institution] "";
            Recheck Granted [&[Reviewer, Supervisor] => Region] "another officer than who recorded it; the closing of a grave one enters the city's log too";
            ClearFlag Granted [&[Clerk, Reviewer, Supervisor] => Region] "not who approves the claim; a block takes two";
            ConfirmClearFlag Granted [&[Reviewer, Supervisor] => Region] "";
            CreditPoints Granted [&[Supervisor] => Region] "";
            RestoreCredit Granted [&[Supervisor] => Region] "";
        }
        reads {
            // What is drawn and what is suspected is nobody's outside the bureau: who is watched is not told by what.
            GetSample Granted [STAFF => Region] "";
            ListSamples Granted [STAFF => Region] "";
            ListInspections Granted [STAFF => Region] "";
            GetFinding Granted [OUTSIDE => Institution, STAFF => Region] "institution: what it has to put right";
            ListFindings Granted [OUTSIDE => Institution, STAFF => Region] "institution: what it has to put right";
            GetFlag Granted [STAFF => Region] "";
            ListFlags Granted [STAFF => Region] "";
            ListCreditRatings Open [] "no classified unit's";
        }
    }
    TrainingService {
        moves {
            FileClass Granted [&[Institution] => Institution] "";
            ChangeClass Granted [&[Institution] => Institution] "";
            ApproveClass Granted [&[Reviewer] => Region] "";
            RejectClass Granted [&[Reviewer] => Region] "";
            FinishClass Granted [&[Institution] => Institution] "";
            CancelClass Granted [&[Institution] => Institution, &[Reviewer] => Region] "";
            Enrol Granted [&[Institution] => Institution] "";
            RecordAttendance Granted [&[Institution] => Institution] "";
            RequestLateEntry Granted [&[Institution] => Institution] "";
            ApproveLateEntry Granted [&[Clerk] => Region] "";
            SealAttendance Granted [&[Institution] => Institution] "";
            // Two officers, as at an unannounced inspection.
            ApproveSealedAttendance Granted [&[Clerk, Reviewer, Supervisor] => Region] "two officers";
            Drop Granted [&[Institution] => Institution] "";
            Complete Granted [&[Institution] => Institution] "";
            RecordEmployment Granted [&[Institution] => Institution] "";
        }
        reads {
            GetClass Granted [OUTSIDE => Institution, STAFF => Region] "";
            ListClasses Granted [OUTSIDE => Institution, STAFF => Region] "";
            GetAttendance Granted [OUTSIDE => Institution, STAFF => Region] "not the sponsor";
            GetEmployment Granted [OUTSIDE => Institution, STAFF => Region] "not the sponsor";
        }
    }
}

impl Rpc {
    /// The RPC of that name; a batch's is its single twin.
    pub fn named(service: &str, name: &str) -> Option<Rpc> {
        let single = name.strip_prefix("Batch");
        let of = |rpc: &&Rpc| {
            let row = rpc.row();
            let twin = row.is_move && single == Some(row.name);
            row.door != Door::Inside && row.service == service && (row.name == name || twin)
        };
        Rpc::ALL.iter().find(of).copied()
    }

    /// The move of that name; no two services have one of the same.
    pub fn of_move(name: &str) -> Option<Rpc> {
        let of = |rpc: &&Rpc| rpc.row().is_move && rpc.row().name == name;
        Rpc::ALL.iter().find(of).copied()
    }

    /// Its service, without the package.
    pub fn service(self) -> &'static str {
        self.row().service
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Whether it asks for a move, which writes.
    pub fn is_move(self) -> bool {
        self.row().is_move
    }

    /// What a caller must bring.
    pub fn door(self) -> Door {
        self.row().door
    }

    /// How far a role reaches, if it may call at all. What needs no grant is public to every role that reaches no further.
    pub fn scope(self, role: Role) -> Option<Scope> {
        let row = self.row();
        let named = row.scopes.iter().filter(|(roles, _)| roles.contains(&role));
        let public = matches!(row.door, Door::Open | Door::AnyKey).then_some(Scope::Public);
        named.map(|(_, scope)| *scope).chain(public).max()
    }

    /// What the scopes leave unsaid.
    pub fn note(self) -> &'static str {
        self.row().note
    }
}

/// Every role, as the table's columns stand.
pub const ROLES: &[Role] = GRANTED;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_move_has_its_row_and_every_row_its_name_once() {
        let mut names: Vec<&str> = Rpc::ALL.iter().map(|rpc| rpc.name()).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
        let moves = Rpc::ALL.iter().filter(|rpc| rpc.is_move());
        let mut moves: Vec<&str> = moves.map(|rpc| rpc.name()).collect();
        moves.sort_unstable();
        let mut acts = Act::NAMES.to_vec();
        acts.sort_unstable();
        assert_eq!(moves, acts);
    }

    #[test]
    fn a_batch_takes_the_row_of_its_single_twin_and_a_read_has_none() {
        let named = |service, name| Rpc::named(service, name);
        assert_eq!(named("RedemptionService", "Redeem"), Some(Rpc::Redeem));
        assert_eq!(named("RedemptionService", "BatchRedeem"), Some(Rpc::Redeem));
        assert_eq!(named("FundsService", "Redeem"), None);
        assert_eq!(named("RedemptionService", "BatchGetSheet"), None);
        assert_eq!(named("RedemptionService", "Batch"), None);
        assert_eq!(named("Server", "RecordCheckpoints"), None);
    }

    #[test]
    fn whoever_only_looks_makes_no_move_and_whoever_runs_the_system_moves_no_money() {
        for rpc in Rpc::ALL.iter().filter(|rpc| rpc.is_move()) {
            let granted = rpc.door() != Door::AnyKey;
            assert!(!granted || rpc.scope(Role::Auditor).is_none(), "{rpc:?}");
        }
        for rpc in [
            Rpc::Issue,
            Rpc::ApproveClaim,
            Rpc::SendPayout,
            Rpc::AppropriateFunds,
        ] {
            assert_eq!(rpc.scope(Role::Operator), None, "{rpc:?}");
        }
    }

    #[test]
    fn an_institution_and_a_holder_never_reach_a_region_but_to_register_somebody() {
        for rpc in Rpc::ALL {
            for role in [Role::Holder, Role::Institution, Role::Assessor] {
                let wide = rpc.scope(role) == Some(Scope::Region);
                assert!(!wide || *rpc == Rpc::RegisterPerson, "{rpc:?} {role:?}");
            }
        }
    }

    #[test]
    fn the_wider_scope_counts_and_what_is_public_is_everybodys() {
        assert_eq!(Rpc::GetCaller.scope(Role::Clerk), Some(Scope::Own));
        assert_eq!(Rpc::GetCaller.scope(Role::Auditor), Some(Scope::Region));
        assert_eq!(Rpc::ListRegions.scope(Role::Holder), Some(Scope::Public));
        assert_eq!(Rpc::ListCallers.scope(Role::Holder), None);
    }
}
