//! Supervision over the API, on both engines: a sample that anybody can recompute, an inspection that costs a day, findings, flags that
//! the server's watch and an auditor make alike, and credit.

use std::collections::BTreeSet;

use hefu_domain::{Digest, draw, seed};
use hefu_scenario::key;
use hefu_server::Watched;
use hefu_tests::engines::Engine;
use hefu_tests::office::must;
use hefu_wire::v1;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::school::{DAY, School, grant};
use crate::status::restarted;
use crate::{Api, REGION, hidden, no_role, reason};

const CITY: &str = "regions/140700";
/// 32 asterisks.
const SECRET: [u8; 32] = [b'*'; 32];

/// A class of three on its morning, two supervisors, and a clerk.
struct Scene {
    api: Api,
    school: School,
    supervisor: String,
    second: String,
}

impl Scene {
    async fn set(engine: Engine) -> Scene {
        let api = Api::start_on(engine).await;
        let mut school = School::open(&api).await;
        school.enrol(&api, 3).await;
        let (supervisor, second) = (key(1, "supervisor"), key(1, "supervisor-2"));
        for (key, who) in [(&supervisor, "supervisor"), (&second, "supervisor-2")] {
            grant(&api, key, who, v1::Role::Supervisor, String::new()).await;
        }
        Scene {
            api,
            school,
            supervisor,
            second,
        }
    }

    async fn call<Q, R>(&self, key: &str, method: &str, request: Q) -> R
    where
        Q: prost::Message + Clone + 'static,
        R: prost::Message + Default + 'static,
    {
        let method = format!("SupervisionService/{method}");
        must(&self.api.client, key, &method, request).await
    }

    async fn refused<Q>(&self, key: &str, method: &str, request: Q) -> Vec<String>
    where
        Q: prost::Message + Clone + 'static,
    {
        let status = self.api.refused(key, method, request).await;
        let details = status.get_error_details();
        let violations = details.precondition_failure().map(|f| f.violations.clone());
        match violations {
            Some(violations) => violations.into_iter().map(|v| v.r#type).collect(),
            None => vec![reason(&status)],
        }
    }

    fn fresh(&self) -> String {
        self.api.office.fresh("supervise")
    }

    fn plan(&self) -> v1::PlanSampleRequest {
        v1::PlanSampleRequest {
            parent: self.api.office.parent(),
            kind: v1::SampleKind::Daily.into(),
            of: Some(v1::plan_sample_request::Of::TaughtOn(DAY.to_owned())),
            strata: v1::Strata::Deliverer.into(),
            share: Some(v1::plan_sample_request::Share::Percent(50)),
            commitment: hefu_token::token_hash(&"*".repeat(32)).0.to_vec(),
            request_id: self.fresh(),
            validate_only: false,
        }
    }

    fn draw(&self, sample: &str, secret: &[u8], validate_only: bool) -> v1::DrawSampleRequest {
        v1::DrawSampleRequest {
            name: sample.to_owned(),
            secret: secret.to_vec(),
            request_id: self.fresh(),
            validate_only,
        }
    }

    /// Two officers find the third seat empty in the morning.
    async fn inspect(&self) -> v1::ConfirmInspectionResponse {
        let inspect = v1::InspectRequest {
            name: self.school.class.clone(),
            slot: 0,
            present: vec![0, 1],
            evidence: vec![1; 32],
            sample: String::new(),
            request_id: self.fresh(),
            validate_only: false,
        };
        let clerk = self.api.clerk();
        let entered: v1::InspectResponse = self.call(clerk, "Inspect", inspect).await;
        let confirm = v1::ConfirmInspectionRequest {
            name: entered.receipt.unwrap().name,
            proposal: entered.proposal,
            request_id: self.fresh(),
            validate_only: false,
        };
        let method = "SupervisionService/ConfirmInspection";
        let own = self.refused(clerk, method, confirm.clone()).await;
        assert_eq!(own, ["SAME_PERSON"]);
        let confirm = v1::ConfirmInspectionRequest {
            request_id: self.fresh(),
            ..confirm
        };
        self.call(&self.supervisor, "ConfirmInspection", confirm)
            .await
    }

    /// The school puts a finding right, and the reviewer closes it.
    async fn put_right(&self, finding: &str) {
        let rectify = v1::RectifyRequest {
            name: finding.to_owned(),
            evidence: vec![2; 32],
            request_id: self.fresh(),
            validate_only: false,
        };
        let _: v1::RectifyResponse = self.call(&self.school.key, "Rectify", rectify).await;
        let recheck = v1::RecheckRequest {
            name: finding.to_owned(),
            evidence: vec![3; 32],
            due: String::new(),
            request_id: self.fresh(),
            validate_only: false,
        };
        let reviewer = &self.api.office.reviewer;
        let _: v1::RecheckResponse = self.call(reviewer, "Recheck", recheck).await;
    }

    async fn flags(&self) -> Vec<v1::Flag> {
        let list = v1::ListFlagsRequest {
            parent: self.api.office.parent(),
            ..Default::default()
        };
        let listed: v1::ListFlagsResponse = self.call(self.api.clerk(), "ListFlags", list).await;
        listed.flags
    }

    /// One person proposes to clear a flag, another one does.
    async fn clear(&self, flag: &v1::Flag) {
        let clear = v1::ClearFlagRequest {
            name: flag.name.clone(),
            reason: "LOOKED_AT".to_owned(),
            evidence: vec![4; 32],
            request_id: self.fresh(),
            validate_only: false,
        };
        let proposed: v1::ClearFlagResponse = self.call(self.api.clerk(), "ClearFlag", clear).await;
        if flag.severity == "warning" {
            assert_eq!(proposed.receipt.unwrap().state, "cleared");
            return;
        }
        let confirm = v1::ConfirmClearFlagRequest {
            name: flag.name.clone(),
            proposal: proposed.proposal,
            request_id: self.fresh(),
            validate_only: false,
        };
        let _: v1::ConfirmClearFlagResponse = self
            .call(&self.supervisor, "ConfirmClearFlag", confirm)
            .await;
    }

    async fn approve(&self, sheet: &str) -> Result<v1::ApproveClaimResponse, Vec<String>> {
        let approve = v1::ApproveClaimRequest {
            name: sheet.to_owned(),
            request_id: self.fresh(),
            validate_only: false,
        };
        let method = "RedemptionService/ApproveClaim";
        let answer = self
            .api
            .client
            .call(&self.school.approver, method, approve)
            .await;
        answer.map_err(|status| {
            let details = status.get_error_details();
            let violations = details.precondition_failure().unwrap().violations.clone();
            violations.into_iter().map(|v| v.r#type).collect()
        })
    }

    /// The auditor's reading of every log: nothing against it, and the flags that the rules make, each with whether it is on record.
    async fn audited(&self) -> Vec<(String, bool)> {
        let store = self.api.running.engine.store();
        let mut snapshot = store.snapshot().await.unwrap();
        let audited = hefu_engine::audit(&mut snapshot, true, |_, _| {}).await;
        let audited = audited.unwrap();
        assert_eq!(audited.findings, []);
        assert_eq!(audited.failed, Vec::<String>::new());
        assert!(audited.log_verified && audited.replay_equal);
        let flags = audited.flags.iter();
        flags
            .map(|flag| (flag.rule.to_owned(), flag.recorded))
            .collect()
    }
}

async fn a_sample_is_planned_before_and_drawn_by_the_checkpoint_that_covers_it(engine: Engine) {
    let scene = Scene::set(engine).await;
    let planned: v1::PlanSampleResponse = scene
        .call(&scene.supervisor, "PlanSample", scene.plan())
        .await;
    let receipt = planned.receipt.unwrap();
    let [stratum] = planned.strata.as_slice() else {
        panic!("{:?}", planned.strata)
    };
    assert_eq!(stratum.members, std::slice::from_ref(&scene.school.class));
    assert_eq!(stratum.quota, 1);
    scene.api.running.record_checkpoints().await.unwrap();
    // The planner sees the draw before the log does; nobody else could work it out.
    let dry: v1::DrawSampleResponse = scene
        .call(
            &scene.supervisor,
            "DrawSample",
            scene.draw(&receipt.name, &SECRET, true),
        )
        .await;
    let get = v1::GetSampleRequest {
        name: receipt.name.clone(),
    };
    let sample: v1::Sample = scene
        .call(scene.api.clerk(), "GetSample", get.clone())
        .await;
    assert_eq!((sample.draw, sample.commitment.len()), (None, 32));
    let method = "SupervisionService/DrawSample";
    let wrong = scene.draw(&receipt.name, &[0; 32], false);
    let wrong = scene.refused(&scene.supervisor, method, wrong).await;
    assert_eq!(wrong, ["SAMPLE_SECRET_MISMATCH"]);
    let drawn: v1::DrawSampleResponse = scene
        .call(
            &scene.supervisor,
            "DrawSample",
            scene.draw(&receipt.name, &SECRET, false),
        )
        .await;
    let drawn = drawn.draw.unwrap();
    assert_eq!(Some(&drawn), dry.draw.as_ref());
    let twice = scene.draw(&receipt.name, &SECRET, false);
    let twice = scene.refused(&scene.supervisor, method, twice).await;
    assert_eq!(twice, ["SAMPLE_ALREADY_DRAWN"]);
    // The first published checkpoint that covers the plan, and anybody's recomputation from it.
    let planned_at = drawn.planned.unwrap();
    let store = scene.api.running.engine.store();
    let first = store.checkpoints(REGION, planned_at.epoch, planned_at.index + 1, 1);
    let first = first.await.unwrap().remove(0);
    assert_eq!(first.size, drawn.checkpoint_size);
    let lines: Vec<&str> = first.note.lines().collect();
    let root = Digest(drawn.root.as_slice().try_into().unwrap());
    use base64::Engine as _;
    let shown = base64::engine::general_purpose::STANDARD.encode(root.0);
    assert_eq!(lines[2], shown);
    let sample: v1::Sample = scene.call(scene.api.clerk(), "GetSample", get).await;
    assert_eq!(sample.draw.as_ref(), Some(&drawn));
    let strata = sample.strata.iter().map(|stratum| {
        let region = format!("regions/{REGION}/");
        let members = stratum.members.iter();
        let members = members.map(|m| m.strip_prefix(&region).unwrap().parse().unwrap());
        let stratum_of = hefu_domain::state::Stratum {
            quota: u16::try_from(stratum.quota).unwrap(),
            members: members.collect(),
        };
        (stratum.name.clone(), stratum_of)
    });
    let id = receipt.name.rsplit('/').next().unwrap().parse().unwrap();
    let again = draw(seed(root, Some(Digest(SECRET))), id, &strata.collect());
    let again: Vec<String> = again
        .iter()
        .map(|member| format!("regions/{REGION}/{member}"))
        .collect();
    assert_eq!(drawn.drawn, again);
    let nothing = v1::PlanSampleRequest {
        of: Some(v1::plan_sample_request::Of::TaughtOn(
            "2023-05-17".to_owned(),
        )),
        ..scene.plan()
    };
    let method = "SupervisionService/PlanSample";
    let nothing = scene.refused(&scene.supervisor, method, nothing).await;
    assert_eq!(nothing, ["SAMPLE_EMPTY"]);
    let list = v1::ListSamplesRequest {
        parent: scene.api.office.parent(),
        ..Default::default()
    };
    let listed: v1::ListSamplesResponse = scene
        .call(scene.api.clerk(), "ListSamples", list.clone())
        .await;
    assert_eq!(listed.samples, [sample]);
    no_role(
        &scene.api,
        &scene.school.key,
        "SupervisionService/ListSamples",
        list,
    )
    .await;
    scene.audited().await;
}

async fn an_inspection_costs_the_absentee_a_day_and_its_finding_holds_the_claim_up(engine: Engine) {
    let scene = Scene::set(engine).await;
    scene.api.stand_at(&format!("{DAY}T02:00:00.000Z"));
    let confirmed = scene.inspect().await;
    assert_eq!(
        (confirmed.absent, confirmed.missing, confirmed.of),
        (vec![2], 1, 3)
    );
    let finding = confirmed.finding;
    let own = v1::ListFindingsRequest {
        parent: scene.api.office.parent(),
        ..Default::default()
    };
    let method = "ListFindings";
    let theirs: v1::ListFindingsResponse = scene.call(&scene.school.key, method, own.clone()).await;
    assert_eq!(theirs.findings[0].name, finding);
    assert_eq!(theirs.findings[0].code, "ATTENDANCE_GAP");
    assert_eq!(
        theirs.findings[0].recorded_by, "",
        "the bureau's own affair"
    );
    let others: v1::ListFindingsResponse = scene
        .call(&scene.school.stranger, method, own.clone())
        .await;
    assert_eq!(others.findings, []);
    let staff: v1::ListFindingsResponse = scene.call(scene.api.clerk(), method, own).await;
    assert_eq!(staff.findings[0].recorded_by, "supervisor");
    let get = v1::GetFindingRequest {
        name: finding.clone(),
    };
    let method = "SupervisionService/GetFinding";
    let code = "FINDING_NOT_FOUND";
    hidden(&scene.api, &scene.school.stranger, method, get, code).await;
    let list = v1::ListInspectionsRequest {
        parent: scene.api.office.parent(),
        class: scene.school.class.clone(),
        ..Default::default()
    };
    let listed: v1::ListInspectionsResponse =
        scene.call(scene.api.clerk(), "ListInspections", list).await;
    assert_eq!(listed.inspections[0].confirmed_by, "supervisor");
    // The attendance says that everybody was there; the third one's training comes to nothing all the same.
    for (slot, at) in [(0, "04:20"), (1, "10:20")] {
        scene.api.stand_at(&format!("{DAY}T{at}:00.000Z"));
        let record = v1::RecordAttendanceRequest {
            name: scene.school.class.clone(),
            slot,
            entries: scene.school.entries(),
            request_id: scene.fresh(),
            validate_only: false,
        };
        let method = "TrainingService/RecordAttendance";
        let _: v1::RecordAttendanceResponse =
            must(&scene.api.client, &scene.school.key, method, record).await;
    }
    scene.api.stand_at(&format!("{DAY}T11:00:00.000Z"));
    let complete = |seat: usize| v1::CompleteRequest {
        name: scene.school.seats[seat].1.clone(),
        request_id: scene.fresh(),
        validate_only: false,
    };
    let finish = v1::FinishClassRequest {
        name: scene.school.class.clone(),
        request_id: scene.fresh(),
        validate_only: false,
    };
    let (school, client) = (&scene.school.key, &scene.api.client);
    let _: v1::FinishClassResponse =
        must(client, school, "TrainingService/FinishClass", finish).await;
    let method = "TrainingService/Complete";
    let lost = scene.refused(school, method, complete(2)).await;
    assert!(lost.contains(&"ATTENDANCE_SHORT".to_owned()), "{lost:?}");
    for seat in [0, 1] {
        let _: v1::CompleteResponse = must(client, school, method, complete(seat)).await;
    }
    // No claim of the class is submitted before the finding is closed.
    let mut there = School {
        seats: scene.school.seats[..2].to_vec(),
        name: scene.school.name.clone(),
        key: school.clone(),
        stranger: scene.school.stranger.clone(),
        approver: scene.school.approver.clone(),
        class: scene.school.class.clone(),
    };
    let sheet = {
        let (_, voucher, token) = &there.seats[0];
        let redeem = v1::RedeemRequest {
            name: voucher.clone(),
            token: token.clone(),
            undertaking: vec![7; 32],
            confirmation: Some(v1::Confirmation {
                by: v1::ConfirmedBy::Phone.into(),
                evidence: vec![8; 32],
                witness: String::new(),
            }),
            request_id: scene.fresh(),
            validate_only: false,
        };
        let method = "RedemptionService/Redeem";
        let redeemed: v1::RedeemResponse = must(client, school, method, redeem).await;
        let redeemed = redeemed.sheet;
        let submit = v1::SubmitClaimRequest {
            name: redeemed.clone(),
            request_id: scene.fresh(),
            validate_only: false,
        };
        let method = "RedemptionService/SubmitClaim";
        let held = scene.refused(school, method, submit).await;
        assert_eq!(held, ["FINDING_OPEN"]);
        scene.put_right(&finding).await;
        there.seats.remove(0);
        let sheet = there.claim(&scene.api).await;
        assert_eq!(sheet, redeemed);
        sheet
    };
    // The rules see what was entered though it cannot be, and the sheet is not approved while that stands.
    assert_eq!(scene.api.running.watch_logs().await.unwrap().flags, 3);
    assert_eq!(scene.api.running.watch_logs().await.unwrap().flags, 0);
    let flags = scene.flags().await;
    let mut rules: Vec<&str> = flags.iter().map(|flag| flag.rule.as_str()).collect();
    rules.sort_unstable();
    // Both schools of the scene have one account.
    assert_eq!(
        rules,
        ["absent_recorded", "same_evidence", "shared_account"]
    );
    for flag in &flags {
        let shared = flag.rule == "shared_account";
        assert_eq!(flag.severity, if shared { "warning" } else { "block" });
        assert_eq!(flag.about == scene.school.class, !shared, "{flag:?}");
    }
    let said = scene.approve(&sheet).await;
    assert_eq!(said, Err(vec!["BLOCKING_FLAG".to_owned(); 2]));
    let method = "SupervisionService/ListFlags";
    let list = v1::ListFlagsRequest {
        parent: scene.api.office.parent(),
        ..Default::default()
    };
    no_role(&scene.api, school, method, list).await;
    for flag in &flags {
        scene.clear(flag).await;
    }
    assert_eq!(scene.approve(&sheet).await.unwrap().total_fen, 20_000);
    let flags = scene.audited().await;
    assert_eq!(flags.len(), 3);
    assert!(flags.iter().all(|(_, recorded)| *recorded));
}

async fn a_start_goes_on_where_the_fraud_rules_stood_and_reads_anew_what_it_cannot_trust(
    engine: Engine,
) {
    let Scene { mut api, .. } = Scene::set(engine).await;
    let mut whole = 0;
    loop {
        let seen = api.running.watch_logs().await.unwrap().events;
        whole += seen;
        if seen == 0 {
            break;
        }
    }
    assert!(whole > 20, "{whole}");
    let watched = async |api: &Api| api.running.watch_logs().await.unwrap();
    api = restarted(api).await;
    assert_eq!(watched(&api).await, Watched::default());
    let folder = api.state.path().join("state/watch");
    let (county, city) = (folder.join(REGION), folder.join("140700"));
    let good = std::fs::read(&county).unwrap();
    // Half written, changed, of another log, or gone: the county's log is read from its beginning, and its flags are on record already.
    let mut changed = good.clone();
    changed[100] ^= 1;
    let bad = [
        good[..50].to_vec(),
        changed,
        std::fs::read(&city).unwrap(),
        Vec::new(),
    ];
    let mut read = BTreeSet::new();
    for contents in bad {
        api = restarted(api).await;
        std::fs::write(&county, contents).unwrap();
        let seen = watched(&api).await;
        assert_eq!(seen.flags, 0);
        read.insert(seen.events);
    }
    let of_county = read.pop_first().unwrap();
    assert_eq!(
        read,
        BTreeSet::new(),
        "always the same log, from its beginning"
    );
    assert!((20..whole).contains(&of_county), "{of_county} of {whole}");
    api = restarted(api).await;
    assert_eq!(watched(&api).await, Watched::default());
}

async fn a_grave_finding_is_in_the_citys_log_at_once(engine: Engine) {
    let scene = Scene::set(engine).await;
    let record = v1::RecordFindingRequest {
        parent: scene.api.office.parent(),
        about: scene.school.class.clone(),
        code: "ATTENDANCE_FORGED".to_owned(),
        grave: true,
        blocks: true,
        due: "2023-06-01".to_owned(),
        evidence: vec![6; 32],
        inspection: String::new(),
        request_id: scene.fresh(),
        validate_only: false,
    };
    let recorded: v1::RecordFindingResponse = scene
        .call(&scene.supervisor, "RecordFinding", record.clone())
        .await;
    let again: v1::RecordFindingResponse =
        scene.call(&scene.supervisor, "RecordFinding", record).await;
    assert_eq!(recorded, again, "one request, one answer");
    let name = recorded.receipt.unwrap().name;
    let id = name.rsplit('/').next().unwrap();
    let operator = &scene.api.running.operator_key;
    let get = v1::GetFindingRequest {
        name: format!("{CITY}/findings/{id}"),
    };
    let heard: v1::Finding = scene.call(operator, "GetFinding", get).await;
    assert_eq!(heard.state, "reported");
    assert_eq!(heard.county, scene.api.office.parent());
    assert_eq!(heard.about, scene.school.class);
    let freeze = v1::FreezeRequest {
        name: scene.school.seats[0].1.clone(),
        reason: "ATTENDANCE_FORGED".to_owned(),
        request_id: scene.fresh(),
        validate_only: false,
        finding: name.clone(),
    };
    let _: v1::FreezeResponse = scene.call(&scene.supervisor, "Freeze", freeze).await;
    // That it was put right is the city's to know as well, in the same transaction.
    scene.put_right(&name).await;
    let get = |name: String| scene.call(operator, "GetFinding", v1::GetFindingRequest { name });
    let heard: v1::Finding = get(format!("{CITY}/findings/{id}")).await;
    assert_eq!(heard.state, "closed");
    assert_eq!(heard.county, scene.api.office.parent());
    let own: v1::Finding = get(name).await;
    assert_eq!(own.state, "closed");
    scene.audited().await;
}

async fn credit_is_public_with_its_reasons_and_stops_what_is_new(engine: Engine) {
    let scene = Scene::set(engine).await;
    let points = |code: &str| v1::CreditPointsRequest {
        name: scene.school.name.clone(),
        code: code.to_owned(),
        evidence: vec![1; 32],
        finding: String::new(),
        request_id: scene.fresh(),
        validate_only: false,
    };
    let method = "SupervisionService/CreditPoints";
    let unknown = scene
        .api
        .refused(&scene.supervisor, method, points("NONSENSE"));
    assert_eq!(unknown.await.code(), Code::InvalidArgument);
    let taken: v1::CreditPointsResponse = scene
        .call(
            &scene.supervisor,
            "CreditPoints",
            points("ATTENDANCE_FORGED"),
        )
        .await;
    assert_eq!((taken.points, taken.score), (-50, 50));
    assert_eq!(taken.credit_class, "D");
    let list = |class: &str| v1::ListCreditRatingsRequest {
        parent: scene.api.office.parent(),
        credit_class: class.to_owned(),
        ..Default::default()
    };
    // Anybody, with whatever key.
    let nobody = key(9, "nobody");
    let listed: v1::ListCreditRatingsResponse =
        scene.call(&nobody, "ListCreditRatings", list("")).await;
    let [rating] = listed.credit_ratings.as_slice() else {
        panic!("{listed:?}")
    };
    assert_eq!(rating.institution, scene.school.name);
    assert_eq!(rating.history[0].code, "ATTENDANCE_FORGED");
    let good: v1::ListCreditRatingsResponse =
        scene.call(&nobody, "ListCreditRatings", list("A")).await;
    assert_eq!(good.credit_ratings, []);
    let filed: v1::FileClassResponse = must(
        &scene.api.client,
        &scene.school.key,
        "TrainingService/FileClass",
        later(scene.school.filing("room-7", 10)),
    )
    .await;
    let approve = v1::ApproveClassRequest {
        name: filed.receipt.unwrap().name,
        request_id: scene.fresh(),
        validate_only: false,
    };
    let reviewer = &scene.api.office.reviewer;
    let method = "TrainingService/ApproveClass";
    let held = scene.refused(reviewer, method, approve.clone()).await;
    assert_eq!(held, ["CREDIT_TOO_LOW"]);
    let restore = v1::RestoreCreditRequest {
        name: scene.school.name.clone(),
        reason: "RECTIFIED".to_owned(),
        evidence: vec![2; 32],
        request_id: scene.fresh(),
        validate_only: false,
    };
    let method = "SupervisionService/RestoreCredit";
    let early = scene.refused(&scene.second, method, restore.clone()).await;
    assert_eq!(early, ["RESTORATION_TOO_EARLY"]);
    scene.api.stand_at("2023-08-20T02:00:00.000Z");
    let restored: v1::RestoreCreditResponse =
        scene.call(&scene.second, "RestoreCredit", restore).await;
    assert_eq!((restored.score, restored.credit_class.as_str()), (75, "B"));
    scene.audited().await;
}

/// The same class four months later.
fn later(mut filing: v1::FileClassRequest) -> v1::FileClassRequest {
    for slot in &mut filing.filing.as_mut().unwrap().timetable {
        slot.date = "2023-09-19".to_owned();
    }
    filing
}

on_both! {
    a_sample_is_planned_before_and_drawn_by_the_checkpoint_that_covers_it
    an_inspection_costs_the_absentee_a_day_and_its_finding_holds_the_claim_up
    a_start_goes_on_where_the_fraud_rules_stood_and_reads_anew_what_it_cannot_trust
    a_grave_finding_is_in_the_citys_log_at_once
    credit_is_public_with_its_reasons_and_stops_what_is_new
}
