//! Resource names: `regions/140725/vouchers/{uuid}`. Every name carries its region; parsing and formatting are each other's inverse.

use std::fmt::Display;
use std::str::FromStr;

use hefu_domain::policy::Capacity;
use hefu_domain::state::{About, CatalogueEntryId};
use hefu_domain::{InstitutionId, ObjectionId, PlanYear, Region, SheetId, Source};

/// A region's name.
pub fn region(region: &Region) -> String {
    format!("regions/{region}")
}

/// A thing's name within its region.
pub fn child(region: &Region, collection: &str, id: impl Display) -> String {
    format!("regions/{region}/{collection}/{id}")
}

/// The name of what supervision is about.
pub fn about(region: &Region, about: &About) -> String {
    format!("regions/{region}/{about}")
}

/// Reads the name of what supervision is about.
pub fn parse_about(name: &str) -> Result<(Region, About), String> {
    let form = "must be regions/{code}/{classes|sessions|sheets|vouchers|institutions}/{id}";
    let rest = name
        .strip_prefix("regions/")
        .ok_or_else(|| form.to_owned())?;
    let (code, thing) = rest.split_once('/').ok_or_else(|| form.to_owned())?;
    let region = code.parse().map_err(|bad: hefu_domain::BadCode| bad.0)?;
    let about = thing.parse().map_err(|bad: hefu_domain::BadCode| bad.0)?;
    Ok((region, about))
}

/// An account's name.
pub fn account(region: &Region, year: PlanYear, source: &Source) -> String {
    format!("regions/{region}/planYears/{year}/accounts/{source}")
}

/// An objection's name.
pub fn objection(region: &Region, sheet: SheetId, objection: ObjectionId) -> String {
    format!("regions/{region}/sheets/{sheet}/objections/{objection}")
}

/// A catalogue line's name.
pub fn catalogue_entry(region: &Region, id: &CatalogueEntryId) -> String {
    format!(
        "{}/catalogueEntries/{}-{}-{}",
        child(region, "institutions", &id.institution),
        catalogue(id.capacity),
        id.occupation,
        id.year
    )
}

/// Which of the two catalogues a capacity is entered in.
fn catalogue(capacity: Capacity) -> &'static str {
    match capacity {
        Capacity::AssessmentBody => "assessment",
        Capacity::TrainingBody | Capacity::Enterprise | Capacity::School => "training",
    }
}

/// Reads `regions/{code}`.
pub fn parse_region(name: &str) -> Result<Region, String> {
    let code = name
        .strip_prefix("regions/")
        .ok_or_else(|| "must be regions/{code}".to_owned())?;
    code.parse().map_err(|bad: hefu_domain::BadCode| bad.0)
}

/// The region that a name begins with, whatever follows.
pub fn region_of(name: &str) -> Option<Region> {
    let code = name.strip_prefix("regions/")?.split('/').next()?;
    code.parse().ok()
}

/// Reads `regions/{code}/{collection}/{id}`.
pub fn parse_child<T: FromStr<Err = hefu_domain::BadCode>>(
    name: &str,
    collection: &str,
) -> Result<(Region, T), String> {
    let form = || format!("must be regions/{{code}}/{collection}/{{id}}");
    let parts: Vec<&str> = name.split('/').collect();
    match parts.as_slice() {
        ["regions", code, kind, id] if *kind == collection => {
            let region = code.parse().map_err(|bad: hefu_domain::BadCode| bad.0)?;
            Ok((
                region,
                id.parse().map_err(|bad: hefu_domain::BadCode| bad.0)?,
            ))
        }
        _ => Err(form()),
    }
}

/// Reads `regions/{code}/planYears/{year}`, or another collection of years.
pub fn parse_year(name: &str, collection: &str) -> Result<(Region, PlanYear), String> {
    let (region, Number(year)) = parse_child::<Number>(name, collection)?;
    Ok((region, PlanYear::try_from(year).map_err(|bad| bad.0)?))
}

struct Number(u16);

impl FromStr for Number {
    type Err = hefu_domain::BadCode;
    fn from_str(text: &str) -> Result<Self, hefu_domain::BadCode> {
        text.parse()
            .ok()
            .filter(|n: &u16| n.to_string() == text)
            .map(Number)
            .ok_or_else(|| hefu_domain::BadCode("not a year".to_owned()))
    }
}

/// Reads `regions/{code}/planYears/{year}/accounts/{source}`.
pub fn parse_account(name: &str) -> Result<(Region, PlanYear, Source), String> {
    let form = || "must be regions/{code}/planYears/{year}/accounts/{source}".to_owned();
    let (year, source) = name.rsplit_once("/accounts/").ok_or_else(form)?;
    let (region, year) = parse_year(year, "planYears")?;
    Ok((
        region,
        year,
        source.parse().map_err(|bad: hefu_domain::BadCode| bad.0)?,
    ))
}

/// Reads `regions/{code}/institutions/{uscc}/catalogueEntries/{training|assessment}-{occupation}-{year}`.
pub fn parse_catalogue_entry(name: &str) -> Result<(Region, CatalogueEntryId), String> {
    let form = || {
        format!(
            "must be regions/{{code}}/institutions/{{uscc}}/catalogueEntries/{{training|assessment}}-{{occupation}}-{{year}}, not {name:.120}"
        )
    };
    let (institution, line) = name.split_once("/catalogueEntries/").ok_or_else(form)?;
    let (region, institution) = parse_child::<InstitutionId>(institution, "institutions")?;
    let (kind, rest) = line.split_once('-').ok_or_else(form)?;
    let capacity = match kind {
        "training" => Capacity::TrainingBody,
        "assessment" => Capacity::AssessmentBody,
        _ => return Err(form()),
    };
    let (occupation, year) = rest.rsplit_once('-').ok_or_else(form)?;
    let Number(year) = year.parse().map_err(|bad: hefu_domain::BadCode| bad.0)?;
    let entry = CatalogueEntryId {
        institution,
        capacity,
        occupation: occupation
            .parse()
            .map_err(|bad: hefu_domain::BadCode| bad.0)?,
        year: PlanYear::try_from(year).map_err(|bad| bad.0)?,
    };
    Ok((region, entry))
}

/// Reads `regions/{code}/sheets/{uuid}/objections/{uuid}`.
pub fn parse_objection(name: &str) -> Result<(Region, SheetId, ObjectionId), String> {
    let form = || "must be regions/{code}/sheets/{uuid}/objections/{uuid}".to_owned();
    let (sheet, objection) = name.rsplit_once("/objections/").ok_or_else(form)?;
    let (region, sheet) = parse_child(sheet, "sheets")?;
    Ok((
        region,
        sheet,
        objection
            .parse()
            .map_err(|bad: hefu_domain::BadCode| bad.0)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hefu_domain::VoucherId;

    #[test]
    fn what_is_formatted_is_read_back_and_nothing_else_is() {
        let region: Region = "140725".parse().unwrap();
        let id: VoucherId = "0190a5e0-0000-7000-8000-000000000000".parse().unwrap();
        let name = child(&region, "vouchers", id);
        assert_eq!(parse_child(&name, "vouchers"), Ok((region.clone(), id)));
        assert!(parse_child::<VoucherId>(&name, "classes").is_err());
        for bad in [
            "",
            "regions/",
            "regions/140725/vouchers/",
            "/regions/140725",
            "regions/140725/vouchers/x/y",
            "regions/1407/vouchers/0190a5e0-0000-7000-8000-000000000000",
        ] {
            assert!(parse_child::<VoucherId>(bad, "vouchers").is_err(), "{bad}");
        }
        let year = PlanYear::try_from(2023).unwrap();
        let entry = CatalogueEntryId {
            institution: "91350100M000100Y43".parse().unwrap(),
            capacity: Capacity::AssessmentBody,
            occupation: "6-31-03-09".parse().unwrap(),
            year,
        };
        let name = catalogue_entry(&region, &entry);
        assert_eq!(parse_catalogue_entry(&name), Ok((region.clone(), entry)));
        for bad in [
            name.replace("assessment", "school"),
            name.replace("-2023", "-023"),
            name.replace("catalogueEntries", "entries"),
            format!("{name}/"),
        ] {
            assert!(parse_catalogue_entry(&bad).is_err(), "{bad}");
        }
        let source: Source = "city".parse().unwrap();
        assert_eq!(
            parse_account(&account(&region, year, &source)),
            Ok((region, year, source))
        );
    }
}
