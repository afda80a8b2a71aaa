//! What a classified unit's requests come to at the edge: seals, and nothing in clear.

use hefu_domain::{Act, Digest};
use hefu_wire::{BadFields, Edge, Move, Reader, v1};

/// Reads a request with an edge that seals, and tells two values apart as the server does.
fn read<M: Move>(request: &M) -> Result<Act, BadFields> {
    let edge = Edge {
        seal: &|_, unit, what, text| {
            let bytes = [unit, what, text].concat().into_bytes();
            Digest([bytes.iter().fold(7, |sum, byte| sum ^ byte.rotate_left(1)); 32])
        },
        ..Edge::READING
    };
    let mut reader = Reader::new(&edge);
    let act = request.read(&mut reader);
    let named: Vec<_> = reader.named().cloned().collect();
    assert_eq!(named, [], "what is sealed is named by nobody in clear");
    reader
        .done()
        .map(|_| act.expect("a request without wrong fields is a move"))
}

fn wrong<M: Move>(request: &M) -> Vec<String> {
    let bad = read(request).expect_err("the request is wrong");
    bad.0.into_iter().map(|field| field.field).collect()
}

#[test]
fn a_listing_is_given_in_clear_and_read_into_seals_only() {
    let listing =
        |credit_code: &str, occupations: &[&str], document: &[u8]| v1::RegisterClassifiedRequest {
            parent: "regions/140725".to_owned(),
            credit_code: credit_code.to_owned(),
            display_name: "样例研究所".to_owned(),
            capacities: vec![v1::Capacity::Enterprise.into()],
            licensed_occupations: occupations.iter().map(ToString::to_string).collect(),
            document: document.to_vec(),
            ..Default::default()
        };
    let (unit, occupation) = ("91350100M000100Y43", "6-31-03-09");
    let act = read(&listing(unit, &[occupation], &[5; 32])).expect("a good listing");
    let text = format!("{act:?}");
    for clear in [unit, occupation, "样例研究所"] {
        assert!(!text.contains(clear), "{clear} stands in {text}");
    }
    let sealed = format!("sealed-{}", "A".repeat(43));
    assert_eq!(
        wrong(&listing(&sealed, &[occupation, &sealed], &[5; 31])),
        ["credit_code", "licensed_occupations[1]", "document"]
    );
    // What is typed wrongly is not repeated: it may be the unit's own code with a slip in it.
    let slip = listing("91350100M000100Y44", &[occupation], &[5; 32]);
    let bad = read(&slip).expect_err("the check character is wrong");
    assert!(!bad.to_string().contains("91350100M000100Y44"), "{bad}");
}

#[test]
fn a_sealed_attendance_names_its_wrong_parts() {
    let seal = v1::SealAttendanceRequest {
        name: "regions/140725/classes/0190a5e0-0000-7000-8000-000000000000".to_owned(),
        hash: vec![1; 32],
        totals: Some(v1::SealedTotals::default()),
        days: vec![2, 2],
        ..Default::default()
    };
    assert!(read(&seal).is_ok());
    let mut bad = seal.clone();
    bad.hash.pop();
    bad.days[1] = 70_000;
    bad.totals = Some(v1::SealedTotals {
        slots: 70_000,
        ..Default::default()
    });
    assert_eq!(wrong(&bad), ["hash", "totals.slots", "days[1]"]);
    bad.totals = None;
    assert_eq!(wrong(&bad), ["hash", "totals", "days[1]"]);
}

#[test]
fn every_institution_that_a_request_names_in_clear_is_noted() {
    let unit = "91350100M000100Y43";
    let sealed = format!("sealed-{}", "A".repeat(43));
    let named = |institution: &str, employer: &str| {
        let mut reader = Reader::new(&Edge::READING);
        let entry = v1::FileCatalogueEntryRequest {
            parent: "regions/140725".to_owned(),
            entry: Some(v1::CatalogueLine {
                institution: format!("regions/140725/institutions/{institution}"),
                ..Default::default()
            }),
            ..Default::default()
        };
        let register = v1::RegisterInstitutionRequest {
            related_credit_codes: vec![employer.to_owned()],
            ..Default::default()
        };
        entry.read(&mut reader);
        register.read(&mut reader);
        reader.named().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(named(unit, &sealed), [unit]);
    assert_eq!(named(&sealed, unit), [unit]);
    assert_eq!(named(&sealed, &sealed), [""; 0]);
}
