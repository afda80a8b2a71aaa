//! People trained for the local brands of the policy.

use hefu_domain::Brand;
use hefu_domain::policy::BrandRules;

use super::{line, number};
use crate::build::{RegionFigures, Scene};
use crate::fold::BRAND;
use crate::table::{Cell, Mark, Row, percent};

/// The brands of a region's line: its own, and others for which somebody was trained there.
pub(super) fn brands(scene: &Scene, region: &RegionFigures, name: &str) -> Vec<Row> {
    let own = listed(scene, region).filter(|(_, rules)| is_of(scene, region, rules));
    let mut shown: Vec<(Brand, Option<BrandRules>, i64)> = own
        .map(|(brand, rules)| {
            let reached = trained_for(scene, region, brand);
            (brand.clone(), Some(rules.clone()), reached)
        })
        .collect();
    let others = region.shares().parts().filter_map(|(parts, reached)| {
        let brand: Brand = parts.get(2)?.parse().ok()?;
        let counts = parts[1] == BRAND && reached != 0;
        let known = shown.iter().any(|(other, ..)| *other == brand);
        (counts && !known).then_some((brand, None, reached))
    });
    let others: Vec<_> = others.collect();
    shown.extend(others);
    let mut rows: Vec<Row> = shown
        .iter()
        .map(|(brand, rules, reached)| {
            let of = (brand, rules.as_ref());
            brand_row(scene, name.to_owned(), of, *reached, Mark::Plain)
        })
        .collect();
    if rows.is_empty() && region.region.is_county() {
        let lang = scene.lang;
        rows.push(line(
            name.to_owned(),
            lang.of("地方特色品牌培训", "local brands").to_owned(),
            [Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty],
            lang.of(
                "政策(brands)未列本地区品牌",
                "the policy (brands) lists none of this region's",
            )
            .to_owned(),
            Mark::Plain,
        ));
    }
    rows
}

/// The brands of a region's policy.
pub(super) fn listed<'a>(
    scene: &Scene<'a>,
    region: &'a RegionFigures,
) -> impl Iterator<Item = (&'a Brand, &'a BrandRules)> {
    scene
        .policy(region)
        .into_iter()
        .flat_map(|policy| &policy.brands)
}

/// Whose line a brand stands in: its region's, or that of the region asked for where it is nobody's alone.
fn is_of(scene: &Scene, region: &RegionFigures, rules: &BrandRules) -> bool {
    rules.region.as_ref().unwrap_or(&scene.ask.region) == &region.region
}

pub(super) fn trained_for(scene: &Scene, region: &RegionFigures, brand: &Brand) -> i64 {
    let item = format!("{}/{BRAND}/{brand}", scene.year);
    region.shares().total(&item)
}

/// "每个品牌开展不少于100人的技能提升培训". Of another region's brand, or one that the policy lists no more, nothing is asked here.
pub(super) fn brand_row(
    scene: &Scene,
    region: String,
    (brand, own): (&Brand, Option<&BrandRules>),
    reached: i64,
    mark: Mark,
) -> Row {
    let lang = scene.lang;
    let required = own.and_then(|rules| {
        let for_every = || scene.rules().map(|rules| rules.brand_people);
        rules.people.or_else(for_every).map(i64::from)
    });
    let anywhere = || {
        scene
            .regions
            .iter()
            .find_map(|region| scene.policy(region)?.brands.get(brand))
    };
    let called = own.or_else(anywhere).map_or(brand.as_str(), |rules| {
        lang.of(rules.name.as_str(), rules.name_en.as_str())
    });
    let share = required.map_or(Cell::Empty, |required| percent(reached, required));
    let basis = match own {
        Some(_) => lang.of("政策所列品牌", "listed by the policy"),
        None => lang.of(
            "他处品牌或已不在政策之列",
            "another region's, or listed no more",
        ),
    };
    line(
        region,
        lang.of(format!("品牌培训:{called}"), format!("brand: {called}")),
        [number(required), Cell::Number(reached), Cell::Empty, share],
        basis.to_owned(),
        mark,
    )
}
