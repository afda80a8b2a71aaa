//! Resource names: `regions/140725/vouchers/{uuid}`. Every name carries its region; parsing and formatting are each other's inverse.

use std::fmt::Display;
use std::str::FromStr;

use hefu_domain::{ObjectionId, PlanYear, Region, SheetId, Source};

/// A region's name.
pub fn region(region: &Region) -> String {
    format!("regions/{region}")
}

/// A thing's name within its region.
pub fn child(region: &Region, collection: &str, id: impl Display) -> String {
    format!("regions/{region}/{collection}/{id}")
}

/// An account's name.
pub fn account(region: &Region, year: PlanYear, source: &Source) -> String {
    format!("regions/{region}/planYears/{year}/accounts/{source}")
}

/// An objection's name.
pub fn objection(region: &Region, sheet: SheetId, objection: ObjectionId) -> String {
    format!("regions/{region}/sheets/{sheet}/objections/{objection}")
}

/// Reads `regions/{code}`.
pub fn parse_region(name: &str) -> Result<Region, String> {
    let code = name
        .strip_prefix("regions/")
        .ok_or_else(|| "must be regions/{code}".to_owned())?;
    code.parse().map_err(|bad: hefu_domain::BadCode| bad.0)
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
        let source: Source = "city".parse().unwrap();
        assert_eq!(
            parse_account(&account(&region, year, &source)),
            Ok((region, year, source))
        );
    }
}
