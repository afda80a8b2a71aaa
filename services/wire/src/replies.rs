//! Replies, made from a command's own events only: a repeated request gets the same answer again.

use std::collections::BTreeMap;

use hefu_domain::{Date, Event, Instant, Key, Region, Tag};

use crate::show::{self, timestamp, trail};
use crate::{names, v1};

/// What a command came to.
pub struct Outcome<'a> {
    /// Where.
    pub region: &'a Region,
    /// When.
    pub at: Instant,
    /// Where its events stand in the log; nothing where it was only tried.
    pub place: Option<Place>,
    /// Its events.
    pub events: &'a [Event],
    /// What it hands out besides.
    pub shown: Option<&'a Shown>,
}

/// What a move hands out that no event holds.
#[derive(Clone)]
pub enum Shown {
    /// A voucher's token.
    Token(String),
    /// A person's record, unmasked.
    Person(Unmasked),
    /// A workbook.
    File(Vec<u8>),
}

/// A person's record, unmasked. Never shown by `Debug`.
#[derive(Clone)]
pub struct Unmasked {
    /// The identity number.
    pub identity_number: String,
    /// The name as on the card.
    pub display_name: String,
    /// The mobile number; may be empty.
    pub phone: String,
}

/// Where a command's events begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which log of the region.
    pub epoch: u64,
    /// Index of the first event in it.
    pub first_index: u64,
}

/// A response made from an outcome.
pub trait Reply: prost::Message + Default + 'static {
    /// The response.
    fn of(outcome: &Outcome) -> Self;
}

impl Outcome<'_> {
    /// The receipt.
    pub fn receipt(&self) -> v1::Receipt {
        v1::Receipt {
            name: self
                .events
                .first()
                .map(|event| key_name(self.region, &event.stream()))
                .unwrap_or_default(),
            recorded: self.place.map(|place| v1::Recorded {
                region: names::region(self.region),
                epoch: place.epoch,
                first_index: place.first_index,
                events: u32::try_from(self.events.len()).unwrap_or(u32::MAX),
            }),
            at: Some(timestamp(self.at)),
            // A move may take its thing through two states: dropped, then expired.
            state: self
                .events
                .iter()
                .filter(|event| {
                    self.events
                        .first()
                        .is_some_and(|first| first.stream() == event.stream())
                })
                .map(state_after)
                .rfind(|state| !state.is_empty())
                .unwrap_or_default()
                .to_owned(),
        }
    }
}

/// The resource name of the thing that a key names.
pub(crate) fn key_name(region: &Region, key: &Key) -> String {
    match key {
        Key::Region => names::region(region),
        Key::Policy(year) => names::child(region, "policies", year),
        Key::Calendar(year) => names::child(region, "calendars", year),
        Key::Year(year) => names::child(region, "planYears", year),
        Key::Account(year, source) => names::account(region, *year, source),
        Key::TopUp(id) => names::child(region, "topUps", id),
        Key::Credential(id) => names::child(region, "credentials", id),
        Key::Person(id) => names::child(region, "people", id),
        Key::Import(id) => names::child(region, "imports", id),
        Key::Institution(id) => names::child(region, "institutions", id),
        Key::CatalogueEntry(id) => names::catalogue_entry(region, id),
        Key::Booking(resource) => names::child(region, "bookings", resource),
        Key::Class(id) | Key::Attendance(id) | Key::Employment(id) => {
            names::child(region, "classes", id)
        }
        Key::Session(id) => names::child(region, "sessions", id),
        Key::Sheet(id) => names::child(region, "sheets", id),
        Key::Voucher(id) => names::child(region, "vouchers", id),
        Key::Sample(id) => names::child(region, "samples", id),
        Key::Inspection(id) => names::child(region, "inspections", id),
        Key::Finding(id) => names::child(region, "findings", id),
        Key::Flag(id) => names::child(region, "flags", id),
        Key::Credit(id) => names::child(region, "institutions", id),
    }
}

/// The state in which an event leaves what it is about; empty where it leaves the state as it is.
fn state_after(event: &Event) -> &'static str {
    match event {
        Event::Applied(_) | Event::ApplicationReopened(_) => "applied",
        Event::Withdrawn(_) => "withdrawn",
        Event::ApplicationRejected(_) | Event::ClassRejected(_) | Event::SessionRejected(_) => {
            "rejected"
        }
        Event::Issued(_) | Event::Dropped(_) => "issued",
        Event::Revoked(_) => "revoked",
        Event::Expired(_) => "expired",
        Event::Enrolled(_) => "enrolled",
        Event::Completed(_) => "completed",
        Event::Redeemed(_) | Event::Reclaimed(_) => "claimed",
        Event::WrittenOff(_) => "written_off",
        Event::ClawBackConfirmed(_) => "clawed_back",
        Event::ClaimVoucherRefused(_) | Event::ClaimRefused(_) => "refused",
        Event::ClassFiled(_) | Event::SessionFiled(_) | Event::CatalogueEntryFiled(_) => "filed",
        Event::ClassApproved(_)
        | Event::SessionApproved(_)
        | Event::ClaimApproved(_)
        | Event::PayoutReturned(_) => "approved",
        Event::ClassFinished(_) | Event::SessionFinished(_) => "finished",
        Event::ClassCancelled(_) | Event::SessionCancelled(_) => "cancelled",
        Event::ClassClosed(_)
        | Event::SessionClosed(_)
        | Event::ClaimClosed(_)
        | Event::PlanYearClosed(_) => "closed",
        Event::ClaimSubmitted(_) => "submitted",
        Event::ClaimReturned(_) | Event::ClaimReopened(_) | Event::PlanYearOpened(_) => "open",
        Event::PayoutSent(_) => "paying",
        Event::PayoutRecorded(_) => "paid",
        Event::PlanYearClosing(_) => "closing",
        Event::AttendanceRecorded(_) | Event::LateEntryApproved(_) => "running",
        Event::Assessed(e) if e.seat.is_some() => "completed",
        Event::CatalogueEntryApproved(_) => "good",
        Event::CatalogueEntryStruckOff(_) => "struck_off",
        Event::CatalogueEntrySuspended(e) if e.suspended => "suspended",
        Event::CatalogueEntrySuspended(_) => "good",
        Event::TopUpRequested(_) => "requested",
        Event::FundsAllocatedOut(e) if e.top_up.is_some() => "granted",
        Event::TopUpRefused(_) => "refused",
        Event::SamplePlanned(_) => "planned",
        Event::SampleDrawn(_) => "drawn",
        Event::Inspected(_) => "entered",
        Event::InspectionConfirmed(_) => "confirmed",
        Event::FindingRecorded(_) | Event::FlagRaised(_) => "open",
        Event::FindingRectified(_) => "rectified",
        Event::FindingRechecked(e) if e.due.is_none() => "closed",
        Event::FindingRechecked(_) => "open",
        Event::FlagClearanceProposed(_) => "proposed",
        Event::FlagCleared(_) => "cleared",
        Event::InstitutionStruckOff(_) => "struck_off",
        Event::InstitutionSuspended(e) => {
            if e.suspended {
                "suspended"
            } else {
                "good"
            }
        }
        _ => "",
    }
}

macro_rules! plain {
    ($($response:ident)+) => {$(
        impl Reply for v1::$response {
            fn of(outcome: &Outcome) -> Self {
                Self { receipt: Some(outcome.receipt()) }
            }
        }
    )+};
}

plain! {
    ApplyResponse ConfirmApplicationResponse WithdrawResponse RejectApplicationResponse ReopenApplicationResponse ProposeCorrectionResponse ConfirmCorrectionResponse
    RefuseCorrectionResponse RevokeResponse ExpireResponse FreezeResponse UnfreezeResponse
    RecordFindingResponse RectifyResponse RecheckResponse ConfirmClearFlagResponse
    FileClassResponse ChangeClassResponse ApproveClassResponse RejectClassResponse FinishClassResponse CancelClassResponse
    RecordAttendanceResponse ApproveLateEntryResponse ApproveSealedAttendanceResponse DropResponse RecordEmploymentResponse
    FileSessionResponse ApproveSessionResponse RejectSessionResponse FinishSessionResponse CancelSessionResponse
    RecordAssessmentResponse ConfirmCertificateResponse
    StrikeOutResponse ReturnClaimResponse RefuseClaimResponse ReopenClaimResponse DecideObjectionResponse
    RecordPayoutResponse ReturnPayoutResponse ConfirmClawBackResponse ReceiveClawBackResponse
    AppropriateFundsResponse AllocateFundsResponse OpenPlanYearResponse SetTargetsResponse RequestTopUpResponse DecideTopUpResponse
    RegisterPersonResponse RecordCheckAnswersResponse EraseSubjectResponse
    ImportCertificatesResponse
    RegisterInstitutionResponse ChangeInstitutionResponse ConfirmAccountResponse ApproveCatalogueEntryResponse
    RefuseCatalogueEntryResponse SuspendCatalogueEntryResponse StrikeOffCatalogueEntryResponse
    SuspendInstitutionResponse StrikeOffInstitutionResponse
    OpenRegionResponse AdoptCalendarResponse GrantCallerResponse RevokeCallerResponse AppointDeputyResponse
}

macro_rules! with {
    ($($response:ident: |$outcome:ident, $event:ident: $kind:ident| { $($field:ident: $value:expr),+ $(,)? })+) => {$(
        impl Reply for v1::$response {
            fn of($outcome: &Outcome) -> Self {
                let mut response = Self { receipt: Some($outcome.receipt()), ..Self::default() };
                if let Some(Event::$kind($event)) = $outcome.events.first() {
                    $(response.$field = $value;)+
                }
                response
            }
        }
    )+};
}

with! {
    IssueResponse: |outcome, e: Issued| { cap_fen: e.token.cap.0 }
    PlanSampleResponse: |outcome, e: SamplePlanned| { strata: show::strata(outcome.region, &e.plan) }
    DrawSampleResponse: |outcome, e: SampleDrawn| { draw: Some(show::draw(outcome.region, &e.draw)) }
    InspectResponse: |outcome, e: Inspected| { proposal: e.record.digest().0.to_vec() }
    CreditPointsResponse: |outcome, e: CreditPointed| {
        points: e.points,
        score: e.score,
        credit_class: e.class.as_str().to_owned(),
    }
    RestoreCreditResponse: |outcome, e: CreditRestored| {
        score: e.score,
        credit_class: e.class.as_str().to_owned(),
    }
    RegisterAccountResponse: |outcome, e: AccountRegistered| { proposal: e.pending().digest().0.to_vec() }
    FileCatalogueEntryResponse: |outcome, e: CatalogueEntryFiled| {
        proposal: e.details.as_ref().map(|details| details.digest(&e.by).0.to_vec()).unwrap_or_default(),
    }
    ChangeCatalogueEntryResponse: |outcome, e: CatalogueEntryChanged| { proposal: e.details.digest(&e.by).0.to_vec() }
    ProposeOverrideResponse: |outcome, e: OverrideProposed| { proposal: e.proposal.digest().0.to_vec() }
    ProposeClawBackResponse: |outcome, e: ClawBackProposed| { proposal: e.claw_back.digest().0.to_vec() }
    RequestLateEntryResponse: |outcome, e: LateEntryRequested| { proposal: e.request().digest().0.to_vec() }
    SealAttendanceResponse: |outcome, e: AttendanceSealed| { proposal: e.sealed.digest().0.to_vec() }
    ImportRosterResponse: |outcome, e: RosterImported| { days: people_days(&e.takes), held: people_days(&e.held) }
    RegisterClassifiedResponse: |outcome, e: ClassifiedRegistered| {
        sealed_occupations: e.licence.iter().map(ToString::to_string).collect(),
    }
    ConfirmOverrideResponse: |outcome, e: OverrideConfirmed| { reserve_fen: e.reserve.0 }
    EnrolResponse: |outcome, e: Enrolled| { seat: u32::from(e.seat), reserve_fen: e.reserve.0 }
    CompleteResponse: |outcome, e: Completed| { days: u32::from(e.days.0) }
    RedeemResponse: |outcome, e: Redeemed| {
        sheet: names::child(outcome.region, "sheets", e.sheet),
        amount_fen: e.amount.0,
        trail: trail(&e.trail),
    }
    SubmitClaimResponse: |outcome, e: ClaimSubmitted| { total_fen: e.total.0 }
    ApproveClaimResponse: |outcome, e: ClaimApproved| {
        approval: e.approval.0.to_vec(),
        notice_until: e.notice_until.map(|day| day.to_string()).unwrap_or_default(),
        total_fen: e.total.0,
    }
    RaiseObjectionResponse: |outcome, e: ObjectionRaised| { objection: names::objection(outcome.region, e.sheet, e.objection) }
    SendPayoutResponse: |outcome, e: PayoutSent| { batch: e.batch.0.to_vec(), total_fen: e.total.0 }
    WriteOffResponse: |outcome, e: WrittenOff| { amount_fen: e.amount.0 }
    AdoptPolicyResponse: |outcome, e: PolicyAdopted| { version: e.version }
}

/// How many days of people these are.
fn people_days(days: &BTreeMap<Date, Vec<Tag>>) -> u32 {
    let days: usize = days.values().map(Vec::len).sum();
    u32::try_from(days).unwrap_or(u32::MAX)
}

impl Reply for v1::ClearFlagResponse {
    fn of(outcome: &Outcome) -> Self {
        let proposal = match outcome.events.first() {
            Some(Event::FlagClearanceProposed(e)) => e.digest().0.to_vec(),
            _ => Vec::new(),
        };
        Self {
            receipt: Some(outcome.receipt()),
            proposal,
        }
    }
}

impl Reply for v1::ConfirmInspectionResponse {
    fn of(outcome: &Outcome) -> Self {
        let mut response = Self {
            receipt: Some(outcome.receipt()),
            ..Self::default()
        };
        for event in outcome.events {
            match event {
                Event::InspectionConfirmed(e) => {
                    response.absent = e.absent.iter().copied().map(u32::from).collect();
                    response.missing = e.missing.into();
                    response.of = e.of.into();
                }
                Event::FindingRecorded(e) => {
                    response.finding = names::child(outcome.region, "findings", e.finding);
                }
                _ => {}
            }
        }
        response
    }
}

macro_rules! token {
    ($($response:ident)+) => {$(
        impl Reply for v1::$response {
            fn of(outcome: &Outcome) -> Self {
                let token = match outcome.shown {
                    Some(Shown::Token(token)) => token.clone(),
                    Some(Shown::Person(_) | Shown::File(_)) | None => String::new(),
                };
                Self { receipt: Some(outcome.receipt()), token }
            }
        }
    )+};
}

token! { FetchTokenResponse ReissueTokenResponse }

impl Reply for v1::RevealPersonResponse {
    fn of(outcome: &Outcome) -> Self {
        let receipt = Some(outcome.receipt());
        match outcome.shown {
            Some(Shown::Person(person)) => Self {
                receipt,
                identity_number: person.identity_number.clone(),
                display_name: person.display_name.clone(),
                phone: person.phone.clone(),
            },
            Some(Shown::Token(_) | Shown::File(_)) | None => Self {
                receipt,
                ..Self::default()
            },
        }
    }
}

impl Reply for v1::ExportPayoutsResponse {
    fn of(outcome: &Outcome) -> Self {
        let xlsx = match outcome.shown {
            Some(Shown::File(xlsx)) => xlsx.clone(),
            Some(Shown::Token(_) | Shown::Person(_)) | None => Vec::new(),
        };
        Self {
            receipt: Some(outcome.receipt()),
            xlsx,
        }
    }
}
