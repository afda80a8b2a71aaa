//! Linked records at play: another department's roster, and certificates that nobody subsidised.

use hefu_wire::v1;

use crate::client::{Client, PlayError};
use crate::made_up::{MadeUpPerson, person};
use crate::office::{OCCUPATIONS, Office};

/// People of the other department's course, none of whom has a voucher here.
const OTHERS: std::ops::Range<u64> = 8_000_000..8_000_012;
/// People who earned a certificate without a voucher.
const CERTIFIED: std::ops::Range<u64> = 8_100_000..8_100_004;

/// A clerk takes both lists over.
pub(crate) async fn import(client: &Client, office: &Office, seed: u64) -> Result<(), PlayError> {
    let made_up = |n| person(seed, &office.region, n);
    let entry = |person: MadeUpPerson| v1::RosterEntry {
        identity_number: person.identity,
        first_day: "2023-07-10".to_owned(),
        last_day: "2023-07-12".to_owned(),
    };
    let request = v1::ImportRosterRequest {
        parent: office.parent(),
        list: format!("NY-{}-1", office.region),
        part: 1,
        parts: 1,
        department: "agriculture".to_owned(),
        entries: OTHERS.map(made_up).map(entry).collect(),
        request_id: format!("roster-{}", office.region),
        validate_only: false,
    };
    client
        .must::<_, v1::ImportRosterResponse>(&office.clerk, "RecordsService/ImportRoster", request)
        .await?;
    let mut certificates = Vec::new();
    for (n, who) in CERTIFIED.map(made_up).enumerate() {
        let request = v1::RegisterPersonRequest {
            parent: office.parent(),
            identity_number: who.identity,
            display_name: who.name,
            phone: who.phone,
            request_id: format!("certified-{}-{n}", office.region),
            validate_only: false,
        };
        let registered: v1::RegisterPersonResponse = client
            .must(&office.clerk, "PeopleService/RegisterPerson", request)
            .await?;
        certificates.push(v1::CertificateEntry {
            person: registered.receipt.unwrap_or_default().name,
            occupation: OCCUPATIONS[n % OCCUPATIONS.len()].to_owned(),
            level: 2 + n as u32,
            day: "2023-06-20".to_owned(),
            certificate_number: format!("ZZ{}2023{n:04}", office.region),
        });
    }
    let request = v1::ImportCertificatesRequest {
        parent: office.parent(),
        list: format!("ZS-{}-1", office.region),
        part: 1,
        parts: 1,
        certificates,
        request_id: format!("certificates-{}", office.region),
        validate_only: false,
    };
    client
        .must::<_, v1::ImportCertificatesResponse>(
            &office.clerk,
            "RecordsService/ImportCertificates",
            request,
        )
        .await
        .map(|_| ())
}
