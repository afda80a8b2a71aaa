//! The monthly ranking ("自5月开始,每月月初5个工作日之内,按照年度计划完成比例对各县(区、市)进行调度排队"): made at the beginning of a month, as of
//! the end of the month before. From which month on, within how many working days and who is slow, the policy says.

use hefu_domain::Date;
use hefu_domain::policy::{ReportRules, SlowAgainst};

use crate::build::{AskError, RegionFigures, Scene, columns, heading, row};
use crate::table::{Cell, Chart, ChartKind, Mark, Report, Row, Series, Unit, share};

/// One region's completion of its plan.
struct Line<'a> {
    region: &'a RegionFigures,
    target: i64,
    trained: i64,
    rank: Option<usize>,
}

impl Line<'_> {
    fn completion(&self) -> Option<i64> {
        share(self.trained, self.target)
    }
}

pub(crate) fn build(scene: &Scene) -> Result<Report, AskError> {
    let rules = scene.rules();
    if let Some(rules) = rules {
        from_the_month_on(scene, rules)?;
    }
    let lines = ranked(scene);
    let mean = mean(&lines);
    let bar = rules.and_then(|rules| bar(scene, rules, mean));
    let mut rows: Vec<Row> = lines.iter().map(|line| shown(scene, line, bar)).collect();
    if lines.len() > 1 {
        let (trained, target) = sums(&lines);
        let cells = cells(None, scene.sum(), (target, trained), newly(&lines));
        rows.push(row(cells, Mark::Sum));
    }
    let columns = columns(
        scene.lang,
        &[
            ("rank", "名次", "rank", Unit::Count),
            heading::REGION,
            ("target", "培训计划(人)", "plan (people)", Unit::Count),
            ("trained", "完成培训", "trained", Unit::Count),
            ("percent", "完成比例", "completed", Unit::Percent),
            heading::NEWLY_SKILLED,
            heading::NEWLY_HIGH_SKILLED,
            ("mark", "督办", "follow up", Unit::Text),
        ],
    );
    let mut report = scene.report(columns, rows);
    report.notes = notes(scene, rules, bar);
    report.charts.push(chart(scene, &lines));
    Ok(report)
}

/// No ranking is made before the policy's month of the plan year.
fn from_the_month_on(scene: &Scene, rules: &ReportRules) -> Result<(), AskError> {
    let day = scene.ask.as_of;
    let in_year = i32::from(day.year()) == i32::from(scene.year.number());
    let before_year = i32::from(day.year()) < i32::from(scene.year.number());
    let early = in_year && i32::from(day.month()) < i32::from(rules.ranking_from_month);
    match before_year || early {
        true => Err(AskError::NotRankedYet {
            year: scene.year,
            month: rules.ranking_from_month,
        }),
        false => Ok(()),
    }
}

/// The counties, the best first; the same completion is the same rank. Whoever has no plan comes last and has none.
fn ranked<'a>(scene: &Scene<'a>) -> Vec<Line<'a>> {
    let counties = match scene.is_tree() {
        true => &scene.regions[1..],
        false => scene.regions,
    };
    let line = |region: &'a RegionFigures| Line {
        region,
        target: scene.to_train(region),
        trained: scene.trained(region),
        rank: None,
    };
    let mut lines: Vec<Line> = counties.iter().map(line).collect();
    lines.sort_by(|a, b| {
        let by_plan = (b.target > 0).cmp(&(a.target > 0));
        // Compared as fractions, not as rounded figures.
        let by_share = (i128::from(b.trained) * i128::from(a.target))
            .cmp(&(i128::from(a.trained) * i128::from(b.target)));
        by_plan
            .then(by_share)
            .then(a.region.region.cmp(&b.region.region))
    });
    for place in 0..lines.len() {
        let line = &lines[place];
        let as_before = place > 0 && {
            let before = &lines[place - 1];
            i128::from(before.trained) * i128::from(line.target)
                == i128::from(line.trained) * i128::from(before.target)
        };
        let rank = match as_before {
            true => lines[place - 1].rank,
            false => Some(place + 1),
        };
        lines[place].rank = rank.filter(|_| lines[place].target > 0);
    }
    lines
}

fn sums(lines: &[Line]) -> (i64, i64) {
    let trained = lines.iter().map(|line| line.trained).sum();
    (trained, lines.iter().map(|line| line.target).sum())
}

fn mean(lines: &[Line]) -> Option<i64> {
    let (trained, target) = sums(lines);
    share(trained, target)
}

/// What a region's completion must not be below, in tenths of a percent: the policy's percent of the time that has passed, or of the mean.
fn bar(scene: &Scene, rules: &ReportRules, mean: Option<i64>) -> Option<i64> {
    let against = match rules.slow_against {
        SlowAgainst::Mean => mean?,
        SlowAgainst::Time => passed(scene)?,
    };
    Some(against * i64::from(rules.slow_percent) / 100)
}

/// The share of the time that has passed, from the plan year's first day to the end of training, in tenths of a percent.
fn passed(scene: &Scene) -> Option<i64> {
    let ends = scene.policy(scene.own())?.dates.training_ends;
    let begins = Date::new(i16::try_from(scene.year.number()).ok()?, 1, 1).ok()?;
    let days = |until: Date| {
        begins
            .until(until)
            .ok()
            .map(|span| i64::from(span.get_days()) + 1)
    };
    let (passed, all) = (days(scene.ask.until())?, days(ends)?);
    share(passed.clamp(0, all), all)
}

fn newly(lines: &[Line]) -> (i64, i64) {
    lines.iter().fold((0, 0), |sum, line| {
        let (skilled, high) = line.region.newly();
        (sum.0 + skilled, sum.1 + high)
    })
}

fn cells(
    rank: Option<usize>,
    name: String,
    (target, trained): (i64, i64),
    (skilled, high): (i64, i64),
) -> Vec<Cell> {
    let rank = rank.and_then(|rank| i64::try_from(rank).ok());
    vec![
        rank.map_or(Cell::Empty, Cell::Number),
        Cell::Text(name),
        Cell::Number(target),
        Cell::Number(trained),
        share(trained, target).map_or(Cell::Empty, Cell::Number),
        Cell::Number(skilled),
        Cell::Number(high),
        Cell::Empty,
    ]
}

fn shown(scene: &Scene, line: &Line, bar: Option<i64>) -> Row {
    let name = scene.line(line.region);
    let figures = (line.target, line.trained);
    let mut cells = cells(line.rank, name, figures, line.region.newly());
    let is_slow = matches!((line.completion(), bar), (Some(done), Some(bar)) if done < bar);
    let mark = match is_slow {
        true => {
            if let Some(cell) = cells.last_mut() {
                *cell = Cell::text(scene.lang.of("慢,督办", "slow"));
            }
            Mark::Slow
        }
        false => Mark::Plain,
    };
    row(cells, mark)
}

fn notes(scene: &Scene, rules: Option<&ReportRules>, bar: Option<i64>) -> Vec<String> {
    let lang = scene.lang;
    let until = scene.ask.until();
    let mut notes = vec![lang.of(
        format!("本表为{until}止的完成情况,在次月月初公布。"),
        format!("As of the end of {until}; made at the beginning of the month after."),
    )];
    let Some(rules) = rules else {
        notes.push(lang.of(
            "本地区政策未载明报表规则(reports),不标记进度慢的地区。".to_owned(),
            "The region's policy says nothing of reports: nobody is marked as slow.".to_owned(),
        ));
        return notes;
    };
    let days = rules.ranking_working_days;
    notes.push(match scene.calendars().working_days_after(until, days) {
        Some(day) => lang.of(
            format!("最迟于{day}(当月第{days}个工作日)公布。"),
            format!("Due by {day}, the month's working day {days}."),
        ),
        None => lang.of(
            "尚未采用该月的工作日历,公布期限无法计算。".to_owned(),
            "No working-day calendar of that month is adopted: the day by which it is due cannot be told.".to_owned(),
        ),
    });
    if let Some(bar) = bar {
        let percent = rules.slow_percent;
        let bar = Unit::Percent.show(bar);
        let against = match rules.slow_against {
            SlowAgainst::Time => {
                let passed = passed(scene).map(|passed| Unit::Percent.show(passed));
                let passed = passed.unwrap_or_default();
                lang.of(
                    format!("时间进度{passed}"),
                    format!("the time that has passed, {passed}"),
                )
            }
            SlowAgainst::Mean => lang.of(
                "各地区合计完成比例".to_owned(),
                "the completion of all together".to_owned(),
            ),
        };
        notes.push(lang.of(
            format!("完成比例低于{against}的{percent}%即{bar}的,列为进度慢。"),
            format!("Slow: below {percent} percent of {against}, that is below {bar}."),
        ));
    }
    if scene.is_tree() {
        notes.push(lang.of(
            "市直不参加排队。".to_owned(),
            "The city's own line is not ranked.".to_owned(),
        ));
    }
    notes
}

fn chart(scene: &Scene, lines: &[Line]) -> Chart {
    let done = lines
        .iter()
        .filter_map(|line| Some((scene.line(line.region), line.completion()?)));
    let (categories, values) = done.unzip();
    let name = scene.lang.of("完成比例", "completed").to_owned();
    Chart {
        kind: ChartKind::Bars,
        title: scene.ask.name.title(scene.lang).to_owned(),
        unit: Unit::Percent,
        categories,
        series: vec![Series { name, values }],
    }
}
