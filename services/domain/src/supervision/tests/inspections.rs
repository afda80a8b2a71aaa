//! Inspections.

use super::*;

#[test]
fn an_inspection_takes_two_officers_and_an_absentee_loses_the_day_whenever_it_is_entered() {
    let mut county = County::new();
    class(&mut county, 1, 3);
    assert_eq!(
        inspect_at(&mut county, "06-05 7", 0, &[0]),
        Err(vec![Code::InspectionWindow])
    );
    assert_eq!(
        inspect_at(&mut county, "06-05 9", 0, &[0, 7]),
        Err(vec![Code::BadSeat])
    );
    assert_eq!(
        inspect_at(&mut county, "06-05 9", 0, &[0, 1]),
        Ok(vec!["Inspected"])
    );
    assert_eq!(
        confirm(&mut county, "officer-1", "06-05 9"),
        Err(vec![Code::SamePerson])
    );
    // One of three is more than a fifth: the gap is a finding of its own.
    assert_eq!(
        confirm(&mut county, "officer-2", "06-05 9"),
        Ok(vec!["InspectionConfirmed", "FindingRecorded"])
    );
    assert_eq!(
        confirm(&mut county, "officer-3", "06-05 9"),
        Err(vec![Code::AlreadyConfirmed])
    );
    attend(&mut county, "06-05 12", 0, &[0, 1, 2]);
    attend(&mut county, "06-05 18", 1, &[0, 1, 2]);
    attend(&mut county, "06-06 12", 2, &[0, 1, 2]);
    attend(&mut county, "06-06 18", 3, &[0, 1, 2]);
    assert_eq!([0, 1, 2].map(|seat| days(&county, seat)), [2, 2, 1]);
    let finding = county.world.finding(&finding_id(9)).unwrap();
    assert_eq!(finding.about, About::Class(class_id(1)));
    assert_eq!(finding.institution, Some(institution(SCHOOL)));
    assert!(finding.blocks && !finding.grave);
    assert_eq!(finding.due, date("06-20"));
}

#[test]
fn who_is_on_record_as_absent_makes_no_gap() {
    let mut county = County::new();
    class(&mut county, 1, 3);
    attend(&mut county, "06-05 12", 0, &[0, 1]);
    let said = inspect_at(&mut county, "06-05 13", 0, &[0, 1]);
    assert_eq!(said, Ok(vec!["Inspected"]));
    let said = confirm(&mut county, "officer-2", "06-05 13");
    assert_eq!(said, Ok(vec!["InspectionConfirmed"]));
    let inspection = county.world.inspection(&inspection_id(1)).unwrap();
    let outcome = inspection.outcome.as_ref().unwrap();
    assert_eq!((outcome.missing, outcome.of), (0, 2));
    assert_eq!(outcome.absent, BTreeSet::from([2]));
}
