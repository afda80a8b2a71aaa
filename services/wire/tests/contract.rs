//! What the API promises whatever the server does: an RPC for every move, batches of one shape, every wrong field
//! named, and no bytes from outside that make reading panic.

use std::collections::{BTreeMap, BTreeSet};

use hefu_domain::command::PresentedToken;
use hefu_domain::state::{End, Occasion, SheetState, VoucherState};
use hefu_domain::{Act, Code, Digest, Instant, Region, Tag, VoucherId};
use hefu_wire::{BadFields, Edge, Move, Reader, blame, errors, names, states, v1};
use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorSet, field_descriptor_proto::Label};
use uuid::Uuid;

const ID: &str = "0190a5e0-0000-7000-8000-000000000000";

/// Reads a request as the server does, with an edge that knows no keys.
fn read<M: Move>(request: &M) -> Result<Act, BadFields> {
    let edge = Edge {
        draw: &|_| Uuid::nil(),
        identity: &|_, number| {
            if number.len() == 18 {
                Ok(Tag([1; 16]))
            } else {
                Err("18 characters".to_owned())
            }
        },
        day: &|number, _| match number.len() {
            18 => Ok(Tag([6; 16])),
            _ => Err("18 characters".to_owned()),
        },
        certificate: &|_, _| (Tag([2; 16]), Digest([2; 32])),
        account: &|_, _, _| (Tag([3; 16]), Digest([3; 32])),
        seal: &|_, _, _, _| Digest([5; 32]),
        token: &|_, _: VoucherId| PresentedToken {
            hash: Digest([4; 32]),
            genuine: true,
        },
    };
    let mut reader = Reader::new(&edge);
    let act = request.read(&mut reader);
    reader
        .done()
        .map(|_| act.expect("a request without wrong fields is a move"))
}

fn wrong<M: Move>(request: &M) -> Vec<String> {
    let bad = read(request).expect_err("the request is wrong");
    bad.0.into_iter().map(|field| field.field).collect()
}

fn name(collection: &str) -> String {
    format!("regions/140725/{collection}/{ID}")
}

fn descriptors() -> FileDescriptorSet {
    FileDescriptorSet::decode(hefu_wire::FILE_DESCRIPTOR_SET).expect("the descriptor set decodes")
}

/// RPC name to request and response, without the package.
fn rpcs() -> BTreeMap<String, (String, String)> {
    let bare = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let set = descriptors();
    let services = set
        .file
        .iter()
        .filter(|file| file.package() == "voucher.v1")
        .flat_map(|file| &file.service);
    let mut rpcs = BTreeMap::new();
    for method in services.flat_map(|service| &service.method) {
        let types = (bare(method.input_type()), bare(method.output_type()));
        assert!(
            rpcs.insert(method.name().to_owned(), types).is_none(),
            "{} stands twice",
            method.name()
        );
    }
    rpcs
}

fn messages() -> BTreeMap<String, DescriptorProto> {
    let ours = descriptors()
        .file
        .into_iter()
        .filter(|file| file.package() == "voucher.v1");
    ours.flat_map(|file| file.message_type)
        .map(|message| (message.name().to_owned(), message))
        .collect()
}

fn fields(message: &DescriptorProto) -> BTreeSet<&str> {
    message
        .field
        .iter()
        .map(prost_types::FieldDescriptorProto::name)
        .collect()
}

/// The one move that only the server makes, of what it published itself.
const SERVERS_OWN: [&str; 2] = ["RecordCheckpoints", "RaiseFlag"];

#[test]
fn every_move_has_an_rpc_of_its_name_with_request_id_dry_run_and_receipt() {
    let (rpcs, messages) = (rpcs(), messages());
    for own in SERVERS_OWN {
        assert!(!rpcs.contains_key(own), "nobody asks for {own}");
    }
    for act in Act::NAMES.iter().filter(|act| !SERVERS_OWN.contains(act)) {
        let (request, response) = rpcs.get(*act).unwrap_or_else(|| panic!("no RPC {act}"));
        assert_eq!(
            (request, response),
            (&format!("{act}Request"), &format!("{act}Response"))
        );
        assert!(
            fields(&messages[request]).contains("request_id"),
            "{request}"
        );
        // Closing a year is many moves under one call: it answers with a summary of its own and has no dry run.
        let many_moves = *act == "ClosePlanYear";
        assert!(
            many_moves || fields(&messages[request]).contains("validate_only"),
            "{request}"
        );
        assert!(
            many_moves || fields(&messages[response]).contains("receipt"),
            "{response}"
        );
    }
    // Which says where the move's events stand, so that their proofs can be asked for.
    assert!(fields(&messages["Receipt"]).contains("recorded"));
    let place = BTreeSet::from(["region", "epoch", "first_index", "events"]);
    assert_eq!(fields(&messages["Recorded"]), place);
}

#[test]
fn every_batch_has_the_one_shape() {
    let (rpcs, messages) = (rpcs(), messages());
    let batches: Vec<_> = rpcs
        .iter()
        .filter(|(name, _)| name.starts_with("Batch"))
        .collect();
    assert!(!batches.is_empty());
    for (rpc, (request, response)) in batches {
        let single = rpc.trim_start_matches("Batch");
        assert!(rpcs.contains_key(single), "{rpc} is the twin of nothing");
        let request = &messages[request];
        assert!(
            fields(request).is_superset(&BTreeSet::from([
                "parent",
                "mode",
                "request_id",
                "requests"
            ])),
            "{rpc}"
        );
        let items = request
            .field
            .iter()
            .find(|field| field.name() == "requests")
            .expect("just found");
        assert_eq!(
            (items.label(), items.type_name()),
            (
                Label::Repeated,
                format!(".voucher.v1.{single}Request").as_str()
            )
        );
        let results = messages[response]
            .field
            .iter()
            .find(|field| field.name() == "results")
            .expect("results");
        assert_eq!(results.type_name(), format!(".voucher.v1.{single}Result"));
        assert_eq!(
            messages[&format!("{single}Result")].oneof_decl.len(),
            1,
            "{single}Result"
        );
    }
}

#[test]
fn every_move_of_a_sheet_has_its_batch_twin_and_so_has_every_costly_one() {
    let rpcs = rpcs();
    for single in [
        "SubmitClaim",
        "StrikeOut",
        "ReturnClaim",
        "RefuseClaim",
        "ReopenClaim",
        "ApproveClaim",
        "DecideObjection",
        "SendPayout",
        "RecordPayout",
        "ReturnPayout",
        "ReissueToken",
        "RecordEmployment",
        "FileClass",
        "ApproveLateEntry",
        "ApproveSealedAttendance",
    ] {
        assert!(rpcs.contains_key(&format!("Batch{single}")), "{single}");
    }
}

#[test]
fn every_list_of_a_region_is_paged() {
    let (rpcs, messages) = (rpcs(), messages());
    for (rpc, (request, response)) in rpcs.iter().filter(|(name, _)| name.starts_with("List")) {
        // Events are paged by their index in the log.
        let (from, next) = match rpc.as_str() {
            "ListEvents" => ("from_index", "next_index"),
            _ => ("page_token", "next_page_token"),
        };
        let asked = fields(&messages[request]);
        assert!(asked.contains("page_size") && asked.contains(from), "{rpc}");
        assert!(fields(&messages[response]).contains(next), "{rpc}");
    }
}

#[test]
fn a_rule_blames_fields_that_its_request_has() {
    let (rpcs, messages) = (rpcs(), messages());
    let mut blamed = 0;
    for (rpc, (request, _)) in &rpcs {
        for code in Code::ALL {
            let Some(path) = blame::field(rpc, *code) else {
                continue;
            };
            assert_eq!(code.class(), hefu_domain::Class::Invalid, "{rpc}: {path}");
            let mut message = &messages[request];
            for (depth, name) in path.split('.').enumerate() {
                if depth > 0 {
                    message = within(&messages, message, path);
                }
                assert!(fields(message).contains(name), "{request} has no {path}");
            }
            blamed += 1;
        }
    }
    assert!(blamed > 25, "{blamed}");
}

/// The message of a path's first field.
fn within<'m>(
    messages: &'m BTreeMap<String, DescriptorProto>,
    outer: &DescriptorProto,
    path: &str,
) -> &'m DescriptorProto {
    let first = path.split('.').next().unwrap_or_default();
    let field = outer.field.iter().find(|field| field.name() == first);
    let of = field.expect("just found").type_name();
    &messages[of.rsplit('.').next().unwrap_or_default()]
}

#[test]
fn an_item_of_a_list_of_texts_is_named_without_a_dot() {
    let filing = v1::ClassFiling {
        trainers: vec!["t-1".to_owned(), "t-2".to_owned(), "a b".to_owned()],
        timetable: vec![v1::Slot {
            modules: vec![99],
            ..v1::Slot::default()
        }],
        ..v1::ClassFiling::default()
    };
    let request = v1::FileClassRequest {
        parent: "regions/140725".to_owned(),
        filing: Some(filing),
        ..Default::default()
    };
    let wrong = wrong(&request);
    for path in ["filing.trainers[2]", "filing.timetable[0].modules[0]"] {
        assert!(wrong.iter().any(|field| field == path), "{path}: {wrong:?}");
    }
    assert!(wrong.iter().all(|field| !field.ends_with('.')), "{wrong:?}");
}

#[test]
fn lists_filter_by_the_states_that_things_have_and_by_no_others() {
    let (class, sheet, seat) = (
        hefu_domain::ClassId(Uuid::nil()),
        hefu_domain::SheetId(Uuid::nil()),
        0,
    );
    let occasion = Occasion::Class(class);
    let mut vouchers = vec![
        VoucherState::Applied,
        VoucherState::Issued,
        VoucherState::Enrolled { class, seat },
        VoucherState::Completed { occasion, seat },
        VoucherState::Claimed {
            occasion,
            seat,
            sheet,
        },
        VoucherState::Approved {
            occasion,
            seat,
            sheet,
        },
        VoucherState::Paid {
            occasion,
            seat,
            sheet,
        },
        VoucherState::WrittenOff { sheet },
    ];
    let at = hefu_domain::Instant(0);
    for how in [
        End::Rejected,
        End::Withdrawn,
        End::Revoked,
        End::Expired,
        End::Refused,
        End::ClawedBack,
    ] {
        let (by, claim) = (None, None);
        vouchers.push(VoucherState::Ended { how, at, by, claim });
    }
    let codes: Vec<&str> = vouchers.iter().map(VoucherState::code).collect();
    assert_eq!(codes, states::VOUCHER);
    let (approval, batch) = (Digest([0; 32]), Digest([0; 32]));
    let notice_until = Some("2023-06-01".parse().expect("a day"));
    let sheets = [
        SheetState::Open,
        SheetState::Submitted { at: Instant(0) },
        SheetState::Approved {
            approval,
            notice_until,
        },
        SheetState::Paying {
            approval,
            notice_until,
            batch,
            in_file: true,
        },
        SheetState::Paid {
            approval,
            notice_until,
            batch,
            reference: "BANK-1".parse().expect("a reference"),
        },
        SheetState::Closed,
        SheetState::Refused {
            at,
            by: "reviewer".parse().expect("a person's code"),
        },
    ];
    let codes: Vec<&str> = sheets.iter().map(SheetState::code).collect();
    assert_eq!(codes, states::SHEET);
}

#[test]
fn reflection_shows_every_import() {
    let set = descriptors();
    let held: BTreeSet<&str> = set
        .file
        .iter()
        .map(prost_types::FileDescriptorProto::name)
        .collect();
    for file in &set.file {
        for import in &file.dependency {
            assert!(
                held.contains(import.as_str()),
                "{} imports {import}",
                file.name()
            );
        }
    }
    assert!(
        held.contains("google/rpc/status.proto")
            && held.contains("google/protobuf/timestamp.proto")
    );
}

#[test]
fn all_wrong_fields_are_named_at_once_by_their_paths() {
    let slot = |date: &str| v1::Slot {
        date: date.to_owned(),
        part: 99,
        lessons: 4,
        ..v1::Slot::default()
    };
    let filing = v1::ClassFiling {
        timetable: vec![slot("2023-06-01"), slot("2023-6-2")],
        ..v1::ClassFiling::default()
    };
    let request = v1::FileClassRequest {
        parent: "regions/140725".to_owned(),
        filing: Some(filing),
        ..Default::default()
    };
    let wrong = wrong(&request);
    for path in [
        "filing.timetable[0].part",
        "filing.timetable[1].date",
        "filing.occupation",
        "filing.deliverer",
        "filing.plan_year",
    ] {
        assert!(
            wrong.iter().any(|field| field == path),
            "{path} is not among {wrong:?}"
        );
    }
    assert!(
        !wrong
            .iter()
            .any(|field| field == "filing.timetable[0].date"),
        "{wrong:?}"
    );
}

#[test]
fn money_hashes_reasons_and_enums_are_held_to_their_rules() {
    let claw = |amount_fen, decision: &[u8], reason: &str| v1::ProposeClawBackRequest {
        name: name("vouchers"),
        amount_fen,
        reason: reason.to_owned(),
        decision: decision.to_vec(),
        hearing: vec![0; 32],
        due: "2024-02-01".to_owned(),
        ..Default::default()
    };
    assert!(read(&claw(1, &[0; 32], "OVERPAID")).is_ok());
    for fen in [0, -1, i64::MIN, i64::MAX] {
        assert_eq!(
            wrong(&claw(fen, &[0; 32], "OVERPAID")),
            ["amount_fen"],
            "{fen}"
        );
    }
    assert_eq!(
        wrong(&claw(1, &[0; 31], "too late")),
        ["reason", "decision"]
    );
    let lift = v1::ProposeOverrideRequest {
        name: name("vouchers"),
        kind: 77,
        reason: "HARDSHIP".to_owned(),
        ..Default::default()
    };
    assert_eq!(wrong(&lift), ["kind"]);
}

#[test]
fn one_request_speaks_of_one_region() {
    let request = v1::StrikeOutRequest {
        name: name("sheets"),
        voucher: format!("regions/140781/vouchers/{ID}"),
        reason: "NO_RECORD".to_owned(),
        ..Default::default()
    };
    assert_eq!(wrong(&request), ["voucher"]);
}

#[test]
fn text_hides_nothing() {
    for hidden in ["", "a\0b", "a\nb", "a\u{202e}b", &"长".repeat(2_000)] {
        let request = v1::RegisterInstitutionRequest {
            parent: "regions/140725".to_owned(),
            credit_code: "91350100M000100Y43".to_owned(),
            display_name: hidden.to_owned(),
            ..Default::default()
        };
        assert_eq!(wrong(&request), ["display_name"], "{hidden:.10?}");
    }
}

#[test]
fn the_same_body_is_the_same_whatever_its_request_id() {
    let issue = |id: &str, name: String| v1::IssueRequest {
        name,
        request_id: id.to_owned(),
        ..Default::default()
    };
    assert_eq!(
        issue("first-id", name("vouchers")).bare(),
        issue("second-id", name("vouchers")).bare()
    );
    assert_ne!(
        issue("first-id", name("vouchers")).bare(),
        issue("first-id", name("classes")).bare()
    );
}

#[test]
fn names_are_read_back_as_they_were_written() {
    let mut random = Random(7);
    for _ in 0..2_000 {
        let region: Region = format!("{}", 100_000 + random.next() % 900_000)
            .parse()
            .expect("six digits");
        let id = VoucherId(Uuid::from_u64_pair(random.next(), random.next()));
        let name = names::child(&region, "vouchers", id);
        assert_eq!(names::parse_child(&name, "vouchers"), Ok((region, id)));
        assert!(
            names::parse_child::<VoucherId>(&name.to_uppercase(), "vouchers").is_err(),
            "one thing has one name"
        );
        assert!(names::parse_child::<VoucherId>(&format!("{name}/"), "vouchers").is_err());
    }
}

/// xorshift64*: the same bytes in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.next() % most).map(|_| self.next() as u8).collect()
    }
}

/// Arbitrary bytes, and fields 1 to 12 of every wire type with arbitrary content, so that much of it decodes.
fn throw<M: Move>(random: &mut Random) -> usize {
    let mut decoded = 0;
    for round in 0..400 {
        let mut bytes = Vec::new();
        if u64::is_multiple_of(round, 4) {
            bytes = random.bytes(64);
        } else {
            for _ in 0..random.next() % 6 {
                let field = (random.next() % 12 + 1) as u8;
                if random.next().is_multiple_of(2) {
                    bytes.extend([field << 3, (random.next() % 128) as u8]);
                } else {
                    let content = match random.next() % 3 {
                        0 => name("vouchers").into_bytes(),
                        1 => Vec::new(),
                        _ => random.bytes(40).iter().map(|b| b % 128).collect(),
                    };
                    bytes.extend([(field << 3) | 2, content.len() as u8]);
                    bytes.extend(content);
                }
            }
        }
        if let Ok(request) = M::decode(bytes.as_slice()) {
            decoded += 1;
            if let Err(bad) = read(&request) {
                assert!(!bad.0.is_empty(), "{} is refused without a field", M::NAME);
                errors::bad_fields(&bad);
            }
        }
    }
    decoded
}

macro_rules! throw_at {
    ($($request:ident)+) => {
        #[test]
        fn no_bytes_make_reading_a_request_panic() {
            let mut random = Random(42);
            let mut thrown = BTreeSet::from(["ClosePlanYear"]);
            thrown.extend(SERVERS_OWN);
            $(
                assert!(throw::<v1::$request>(&mut random) > 20, "{} hardly decodes", stringify!($request));
                thrown.insert(<v1::$request as Move>::NAME);
            )+
            // The closing is run by the server in steps, so its request is no single move.
            assert_eq!(thrown, Act::NAMES.iter().copied().collect::<BTreeSet<_>>());
        }
    };
}

throw_at! {
    OpenRegionRequest AdoptPolicyRequest AdoptCalendarRequest GrantCallerRequest RevokeCallerRequest AppointDeputyRequest
    RegisterPersonRequest RecordCheckAnswersRequest EraseSubjectRequest RevealPersonRequest ImportRosterRequest ImportCertificatesRequest ExportPayoutsRequest RegisterInstitutionRequest RegisterClassifiedRequest ChangeInstitutionRequest RegisterAccountRequest ConfirmAccountRequest
    FileCatalogueEntryRequest ApproveCatalogueEntryRequest ChangeCatalogueEntryRequest RefuseCatalogueEntryRequest SuspendCatalogueEntryRequest StrikeOffCatalogueEntryRequest SuspendInstitutionRequest StrikeOffInstitutionRequest
    AppropriateFundsRequest AllocateFundsRequest RequestTopUpRequest DecideTopUpRequest OpenPlanYearRequest SetTargetsRequest
    ApplyRequest ConfirmApplicationRequest WithdrawRequest RejectApplicationRequest ReopenApplicationRequest ProposeCorrectionRequest ConfirmCorrectionRequest
    RefuseCorrectionRequest
    IssueRequest RevokeRequest FetchTokenRequest ReissueTokenRequest ExpireRequest ProposeOverrideRequest ConfirmOverrideRequest
    FreezeRequest UnfreezeRequest
    PlanSampleRequest DrawSampleRequest InspectRequest ConfirmInspectionRequest RecordFindingRequest RectifyRequest RecheckRequest
    ClearFlagRequest ConfirmClearFlagRequest CreditPointsRequest RestoreCreditRequest
    FileClassRequest ChangeClassRequest ApproveClassRequest RejectClassRequest FinishClassRequest CancelClassRequest
    EnrolRequest RecordAttendanceRequest RequestLateEntryRequest ApproveLateEntryRequest SealAttendanceRequest ApproveSealedAttendanceRequest DropRequest CompleteRequest
    RecordEmploymentRequest
    FileSessionRequest ApproveSessionRequest RejectSessionRequest FinishSessionRequest CancelSessionRequest
    RecordAssessmentRequest ConfirmCertificateRequest
    RedeemRequest SubmitClaimRequest StrikeOutRequest ReturnClaimRequest RefuseClaimRequest ReopenClaimRequest ApproveClaimRequest
    RaiseObjectionRequest DecideObjectionRequest
    SendPayoutRequest RecordPayoutRequest ReturnPayoutRequest WriteOffRequest ProposeClawBackRequest ConfirmClawBackRequest
    ReceiveClawBackRequest
}
