use super::*;
use crate::decide::Caller;
use crate::sample::*;
use crate::world::{Holder, Need};

fn clerk() -> Caller {
    staff("clerk", Role::Clerk)
}

fn of(list: &str, part: u16, parts: u16) -> ListPart {
    ListPart {
        list: code(list),
        part,
        parts,
    }
}

fn tag(n: u8) -> Tag {
    Tag([n; 16])
}

fn roster(list: &str, days: &[(&str, &[u8])]) -> ImportRoster {
    let day = |(day, tags): &(&str, &[u8])| (date(day), tags.iter().copied().map(tag).collect());
    ImportRoster {
        part: of(list, 1, 1),
        department: code("agriculture"),
        days: days.iter().map(day).collect(),
    }
}

fn import(county: &mut County, act: &ImportRoster) -> Result<Vec<&'static str>, Vec<Code>> {
    county.play(&clerk(), at("06-01"), |ask| import_roster(ask, act))
}

fn held_by_somebody(county: &mut County, n: u8, day: &str) {
    let holder = Holder {
        region: code("140702"),
        voucher: voucher_id(9),
    };
    let once = Once::Day { date: date(day) };
    let world = &mut county.world;
    world.bring_nullifier(Subject::Tag(tag(n)), once, tag(n), Some(holder));
}

#[test]
fn a_roster_takes_the_days_that_are_free_and_tells_of_the_others() {
    let mut county = County::new();
    held_by_somebody(&mut county, 2, "06-05");
    let act = roster("L-1", &[("06-05", &[1, 2]), ("06-06", &[3])]);
    assert_eq!(import(&mut county, &act), Ok(vec!["RosterImported"]));
    let id = act.import(&code("140725"));
    let Some(Fact::Import(import)) = county.world.get(&Key::Import(id)).unwrap() else {
        panic!("it is on record");
    };
    let ImportedList::Roster { days, held, .. } = &import.list_of else {
        panic!("it is a roster");
    };
    assert_eq!((*days, *held), (2, 1));
    let holder = |n, day: &str| {
        let once = Once::Day { date: date(day) };
        let (_, holder) = county
            .world
            .nullifier(&Subject::Tag(tag(n)), &once)
            .unwrap();
        holder.map(|holder| (holder.region.clone(), holder.voucher))
    };
    assert_eq!(holder(1, "06-05"), Some((code("140725"), id.as_holder())));
    assert_eq!(holder(2, "06-05"), Some((code("140702"), voucher_id(9))));
}

#[test]
fn a_part_is_imported_once_and_another_part_or_list_is_another_thing() {
    let mut county = County::new();
    let act = roster("L-1", &[("06-05", &[1])]);
    import(&mut county, &act).unwrap();
    let again = roster("L-1", &[("06-07", &[7])]);
    assert_eq!(import(&mut county, &again), Err(vec![Code::ImportedBefore]));
    let second = ImportRoster {
        part: of("L-1", 2, 2),
        ..again.clone()
    };
    assert_eq!(import(&mut county, &second), Ok(vec!["RosterImported"]));
    let other = roster("L-2", &[("06-08", &[7])]);
    assert_eq!(import(&mut county, &other), Ok(vec!["RosterImported"]));
}

#[test]
fn a_part_that_is_none_or_names_somebody_twice_or_the_far_future_is_refused() {
    let mut county = County::new();
    let zero = ImportRoster {
        part: of("L-1", 0, 1),
        ..roster("L-1", &[("06-05", &[1])])
    };
    assert_eq!(import(&mut county, &zero), Err(vec![Code::DuplicateEntry]));
    let beyond = ImportRoster {
        part: of("L-1", 3, 2),
        ..zero.clone()
    };
    assert_eq!(
        import(&mut county, &beyond),
        Err(vec![Code::DuplicateEntry])
    );
    let empty = roster("L-1", &[]);
    assert_eq!(import(&mut county, &empty), Err(vec![Code::TooMany]));
    let twice = roster("L-1", &[("06-05", &[1, 1])]);
    assert_eq!(import(&mut county, &twice), Err(vec![Code::DuplicateEntry]));
    let mut late = roster("L-1", &[]);
    let day: Date = "2032-06-05".parse().unwrap();
    late.days.insert(day, vec![tag(1)]);
    assert_eq!(import(&mut county, &late), Err(vec![Code::BadDates]));
}

/// What a part holds always fits into an event, whatever its days; one day more would not be taken.
#[test]
fn a_full_part_fits_into_an_event() {
    for people_a_day in [1, 5, 3_000] {
        let mut days = RosterDays::default();
        let mut day = date("01-01");
        let mut n = 0u32;
        loop {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&n.to_be_bytes());
            if !days.add(day, Tag(bytes)) {
                break;
            }
            n += 1;
            if n.is_multiple_of(people_a_day) {
                day = day.tomorrow().unwrap();
            }
        }
        let all = days.into_days();
        // At worst every second day of a person is held by somebody else.
        let half = |odd: usize| {
            let days = all.iter().map(|(day, tags)| {
                let own = tags.iter().enumerate().filter(|(at, _)| at % 2 == odd);
                (*day, own.map(|(_, tag)| *tag).collect::<Vec<_>>())
            });
            days.collect::<BTreeMap<_, _>>()
        };
        let event = event::RosterImported {
            import: ImportId(Default::default()),
            by: code(&"x".repeat(64)),
            part: of(&"L".repeat(64), 65_535, 65_535),
            department: code(&"d".repeat(64)),
            takes: half(0),
            held: half(1),
        };
        let bytes = serde_json::to_vec(&event).unwrap().len();
        assert!((55_000..64_000).contains(&bytes), "{people_a_day}: {bytes}");
    }
}

fn certificate(person: u128, number: u8, day: &str) -> ListedCertificate {
    ListedCertificate {
        person: person_id(person),
        occupation: code(OCCUPATION),
        level: level(3),
        on: date(day),
        number: tag(number),
        certificate: Digest([number; 32]),
    }
}

fn certify(
    county: &mut County,
    list: &str,
    certificates: &[ListedCertificate],
) -> Result<Vec<&'static str>, Vec<Code>> {
    let act = ImportCertificates {
        part: of(list, 1, 1),
        certificates: certificates.to_vec(),
    };
    county.play(&clerk(), at("06-10"), |ask| import_certificates(ask, &act))
}

#[test]
fn a_certificate_without_a_voucher_stands_on_its_holders_record_and_its_number_is_taken() {
    let mut county = County::new();
    let own = certificate(1, 50, "06-01");
    let done = Ok(vec!["CertificatesImported"]);
    assert_eq!(
        certify(&mut county, "C-1", std::slice::from_ref(&own)),
        done
    );
    let person = county.world.person(&person_id(1)).unwrap();
    assert_eq!(person.certificates.len(), 1);
    assert_eq!(person.certificates[0].level, level(3));
    // Another list, another person, the same number.
    let other = certificate(2, 50, "06-01");
    assert_eq!(
        certify(&mut county, "C-2", &[other]),
        Err(vec![Code::CertificateTaken])
    );
    assert_eq!(
        certify(&mut county, "C-1", &[certificate(2, 51, "06-01")]),
        Err(vec![Code::ImportedBefore])
    );
}

#[test]
fn every_line_that_is_wrong_is_named() {
    let mut county = County::new();
    let lines = [
        certificate(1, 50, "06-11"),
        certificate(7, 51, "06-01"),
        certificate(2, 50, "06-01"),
        ListedCertificate {
            occupation: Occupation::sealed(Digest([1; 32])),
            ..certificate(3, 52, "06-01")
        },
    ];
    let refused = vec![
        Code::BadDates,
        Code::PersonNotFound,
        Code::DuplicateEntry,
        Code::OccupationNeeded,
    ];
    assert_eq!(certify(&mut county, "C-1", &lines), Err(refused));
}

#[test]
fn an_erased_persons_own_certificates_go_with_them() {
    let mut county = County::new();
    certify(&mut county, "C-1", &[certificate(1, 50, "06-01")]).unwrap();
    let act = crate::command::EraseSubject {
        person: person_id(1),
        reason: code("PERSON_ASKED"),
    };
    let ask = Ask {
        world: &county.world,
        caller: staff("supervisor", Role::Supervisor),
        at: at("06-11"),
    };
    let events = crate::people::erase_subject(&ask, &act).unwrap();
    let [Event::SubjectErased(erased)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(erased.certificates, BTreeSet::from([Digest([50; 32])]));
}

fn sheet(n: u128) -> SheetId {
    SheetId(uuid::Uuid::from_u128(n))
}

/// A sheet of 100 yuan that is with the bank, sent to the payee's account in force.
fn paying(county: &mut County, n: u128) {
    let account = CorporateAccount {
        commitment: Digest([4; 32]),
        tag: tag(4),
        usable_from: date("01-01"),
    };
    let payee = institution(SCHOOL);
    county.world.edit_institution(&payee).unwrap().account = Some(account.clone());
    let line = Line {
        voucher: voucher_id(n),
        amount: Fen::yuan(100),
        struck: None,
    };
    let batch = settlement::batch_digest(&account.commitment, &payee, Fen::yuan(100), sheet(n));
    let fact = Sheet {
        year: year(),
        occasion: Occasion::Class(class_id(1)),
        number: 1,
        payee,
        programme: crate::policy::Programme::General,
        state: SheetState::Paying {
            approval: Digest([2; 32]),
            notice_until: None,
            batch,
            in_file: false,
        },
        lines: vec![line],
        approved_by: None,
        reopened: false,
        objections: Default::default(),
        to_write_off: 0,
        holds: Default::default(),
    };
    county
        .world
        .bring(Key::Sheet(sheet(n)), Some(Fact::Sheet(fact)));
}

fn export(county: &mut County, sheets: &[u128]) -> Result<Vec<&'static str>, Vec<Code>> {
    export_as(county, sheets, false)
}

fn export_as(
    county: &mut County,
    sheets: &[u128],
    again: bool,
) -> Result<Vec<&'static str>, Vec<Code>> {
    let act = ExportPayouts {
        sheets: sheets.iter().copied().map(sheet).collect(),
        reason: code("BANK_TRANSFER"),
        again,
    };
    let finance = staff("finance", Role::Finance);
    county.play(&finance, at("06-10"), |ask| export_payouts(ask, &act))
}

#[test]
fn accounts_are_shown_of_payouts_under_way_only_and_only_while_they_are_the_ones_sent_to() {
    let mut county = County::new();
    paying(&mut county, 1);
    paying(&mut county, 2);
    assert_eq!(export(&mut county, &[1, 2]), Ok(vec!["PayoutFileExported"]));
    assert_eq!(export(&mut county, &[]), Err(vec![Code::TooMany]));
    assert_eq!(
        export(&mut county, &[1, 1]),
        Err(vec![Code::DuplicateEntry])
    );
    assert_eq!(export(&mut county, &[1, 9]), Err(vec![Code::SheetNotFound]));
    county.world.edit_sheet(&sheet(2)).unwrap().state = SheetState::Open;
    assert_eq!(
        export(&mut county, &[1, 2]),
        Err(vec![Code::SheetNotPaying])
    );
    let payee = institution(SCHOOL);
    paying(&mut county, 1);
    let school = county.world.edit_institution(&payee).unwrap();
    school.account.as_mut().unwrap().commitment = Digest([5; 32]);
    assert_eq!(export(&mut county, &[1]), Err(vec![Code::BatchMismatch]));
}

/// A payout that stands in two files is paid twice by a bank that is handed both.
#[test]
fn a_payout_stands_in_one_file_unless_another_one_is_asked_for() {
    let mut county = County::new();
    for n in [1, 2, 3] {
        paying(&mut county, n);
    }
    let done = Ok(vec!["PayoutFileExported"]);
    assert_eq!(export(&mut county, &[1]), done);
    let second = export(&mut county, &[1, 2]);
    assert_eq!(second, Err(vec![Code::PayoutInFile]));
    assert_eq!(export(&mut county, &[2]), done, "nothing was taken out");
    assert_eq!(export_as(&mut county, &[1, 2, 3], true), done);
    assert_eq!(export(&mut county, &[3]), Err(vec![Code::PayoutInFile]));
}

#[test]
fn a_parts_facts_and_nullifiers_come_in_at_once() {
    let act = roster("L-1", &[("06-05", &[1, 2]), ("06-06", &[3])]);
    let needs = crate::needs::of(&World::new(code("140725")), &act.into());
    let nullifiers = needs
        .iter()
        .filter(|need| matches!(need, Need::Nullifier(..)));
    assert_eq!((needs.len(), nullifiers.count()), (4, 3));
}
