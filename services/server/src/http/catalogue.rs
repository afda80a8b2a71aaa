//! `/catalogue/{region}/{year}`: the two catalogues (两目录) of a region and plan year as a page for people, and with `.csv` behind it as a
//! table. They are "published at once": what was approved stands there, with what became of it. Nobody is asked for a key; of a classified
//! unit nothing is shown, and of nobody a name but an institution's.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;
use hefu_domain::policy::Capacity;
use hefu_domain::state::{CatalogueDetails, CatalogueEntry, CatalogueEntryId, Standing};
use hefu_domain::{Fact, InstitutionId, Key, PlanYear, Region, SEALED, SkillLevel};
use hefu_engine::{Engine, rows};
use hefu_store::{ListQuery, Scope, Shown as Rows, StoreError, Table};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Shown, without};

const PREFIX: &str = "/catalogue/";
/// Rows of one read.
const PAGE: u32 = 1_000;
const CACHING: &str = "public, max-age=60";
/// For how long what was made is shown again.
const KEPT: Duration = Duration::from_secs(5);
/// So many are kept at the most.
const MOST_KEPT: usize = 64;
const HEADINGS: [&str; 12] = [
    "目录",
    "统一社会信用代码",
    "机构名称",
    "职业(工种)代码",
    "项目名称",
    "等级",
    "地点(席位)",
    "年培训能力(人)",
    "教师(考评员)人数",
    "许可证号",
    "状态",
    "原因代码",
];
/// 技能等级, by ordinal.
const LEVELS: [&str; 8] = [
    "学徒工",
    "初级工",
    "中级工",
    "高级工",
    "技师",
    "高级技师",
    "特级技师",
    "首席技师",
];

pub(super) fn routes(engine: Engine) -> Router {
    let catalogues = Catalogues {
        engine,
        made: Mutex::default(),
    };
    Router::new()
        .route("/catalogue/{*path}", get(catalogue))
        .with_state(Arc::new(catalogues))
}

/// What was made lately. One is made at a time, so that no flood of strangers makes the database read more than that.
struct Catalogues {
    engine: Engine,
    made: Mutex<HashMap<Named, (Instant, Vec<u8>)>>,
}

impl Catalogues {
    /// The bytes; nothing where there is no such region.
    async fn get(&self, named: &Named) -> Result<Option<Vec<u8>>, StoreError> {
        let mut made = self.made.lock().await;
        if let Some((at, bytes)) = made.get(named)
            && at.elapsed() < KEPT
        {
            return Ok(Some(bytes.clone()));
        }
        let Some((region, lines)) = read(&self.engine, named).await? else {
            return Ok(None);
        };
        let bytes = match named.is_table {
            true => table(&lines),
            false => page(&region, named, &lines),
        };
        if made.len() >= MOST_KEPT {
            made.clear();
        }
        made.insert(named.clone(), (Instant::now(), bytes.clone()));
        Ok(Some(bytes))
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Named {
    region: Region,
    year: PlanYear,
    is_table: bool,
}

/// Region, year and form, each in its one spelling.
fn named(path: &str) -> Option<Named> {
    let (region, year) = path.strip_prefix(PREFIX)?.split_once('/')?;
    let (year, is_table) = match year.strip_suffix(".csv") {
        Some(year) => (year, true),
        None => (year, false),
    };
    let number: u16 = year.parse().ok()?;
    (number.to_string() == year).then_some(Named {
        region: region.parse().ok()?,
        year: PlanYear::try_from(number).ok()?,
        is_table,
    })
}

async fn catalogue(
    State(catalogues): State<Arc<Catalogues>>,
    uri: Uri,
    asked: HeaderMap,
) -> Response {
    let Some(named) = named(uri.path()).filter(|_| uri.query().is_none()) else {
        let reason =
            "the catalogues are at /catalogue/{region}/{year} and /catalogue/{region}/{year}.csv";
        return without(StatusCode::NOT_FOUND, reason);
    };
    let shown = Shown {
        content_type: match named.is_table {
            true => "text/csv; charset=utf-8",
            false => "text/html; charset=utf-8",
        },
        caching: CACHING,
    };
    match catalogues.get(&named).await {
        Ok(Some(bytes)) => shown.answer(bytes, &asked),
        Ok(None) => without(StatusCode::NOT_FOUND, "there is no such region here"),
        Err(StoreError::Unavailable { .. }) => {
            without(StatusCode::SERVICE_UNAVAILABLE, "try again in a moment")
        }
        Err(error) => {
            tracing::error!(%error, "a catalogue could not be read");
            let reason = "an error inside this server; its operator's log says more";
            without(StatusCode::INTERNAL_SERVER_ERROR, reason)
        }
    }
}

/// A line as it is shown, field by field in the order of the headings.
type Line = [String; 12];

/// The region's name and its published lines; nothing where there is no such region.
async fn read(engine: &Engine, named: &Named) -> Result<Option<(String, Vec<Line>)>, StoreError> {
    let store = engine.store();
    let code = named.region.as_str();
    let key = rows::fact_key(code, &Key::Region);
    let found = store.load(&[key]).await?.into_iter().next();
    let Some(Fact::Region(region)) = found.as_ref().map(rows::fact).transpose()? else {
        return Ok(None);
    };
    let mut lines = Vec::new();
    let mut query = ListQuery {
        table: Table::CatalogueEntry,
        scope: Scope::Region(code.to_owned()),
        equals: vec![
            ("year", named.year.to_string()),
            ("published", "yes".to_owned()),
        ],
        due_before: None,
        shown: Rows::Clear {
            hidden: SEALED.to_owned(),
            own: String::new(),
        },
        after: None,
        limit: PAGE,
    };
    loop {
        let page = store.list(&query).await?;
        let Some(last) = page.last() else { break };
        query.after = Some((last.region.clone(), last.id.clone()));
        let mut entries = Vec::with_capacity(page.len());
        for row in &page {
            if let (Some(Key::CatalogueEntry(id)), Fact::CatalogueEntry(entry)) =
                (rows::key(row.table, &row.id), rows::fact(row)?)
            {
                entries.push((id, entry));
            }
        }
        let known = institutions(engine, &named.region, &entries).await?;
        lines.extend(entries.iter().map(|(id, entry)| line(id, entry, &known)));
        if page.len() < PAGE as usize {
            break;
        }
    }
    Ok(Some((region.name, lines)))
}

/// The institutions' names, and how each stands itself.
async fn institutions(
    engine: &Engine,
    region: &Region,
    entries: &[(CatalogueEntryId, CatalogueEntry)],
) -> Result<HashMap<InstitutionId, (String, Standing)>, StoreError> {
    let mut ids: Vec<InstitutionId> = entries
        .iter()
        .map(|(id, _)| id.institution.clone())
        .collect();
    ids.sort();
    ids.dedup();
    let keys: Vec<_> = ids
        .into_iter()
        .map(|id| rows::fact_key(region.as_str(), &Key::Institution(id)))
        .collect();
    let mut names = HashMap::with_capacity(keys.len());
    for row in engine.store().load(&keys).await? {
        if let (Some(Key::Institution(id)), Fact::Institution(of)) =
            (rows::key(row.table, &row.id), rows::fact(&row)?)
        {
            names.insert(id, (of.name, of.standing));
        }
    }
    Ok(names)
}

fn line(
    id: &CatalogueEntryId,
    entry: &CatalogueEntry,
    known: &HashMap<InstitutionId, (String, Standing)>,
) -> Line {
    let none = CatalogueDetails::default();
    let said = entry.details.as_deref().unwrap_or(&none);
    let catalogue = match id.capacity {
        Capacity::AssessmentBody => "评价机构目录",
        Capacity::TrainingBody | Capacity::Enterprise | Capacity::School => "培训机构目录",
    };
    let institution = known.get(&id.institution);
    let own = institution.map_or(Standing::Good, |(_, standing)| *standing);
    // Whoever is suspended or struck off stands so with every line.
    let standing = match (entry.standing, own) {
        (Standing::StruckOff, _) | (_, Standing::StruckOff) => "淘汰",
        (Standing::Suspended, _) | (_, Standing::Suspended) => "暂停",
        (Standing::Good, _) => "在册",
        (Standing::Filed | Standing::Refused, _) => "",
    };
    let sites: Vec<String> = said
        .sites
        .values()
        .map(|site| format!("{}({})", site.address, site.seats))
        .collect();
    let count = |number: usize| match number {
        0 => String::new(),
        some => some.to_string(),
    };
    [
        catalogue.to_owned(),
        id.institution.to_string(),
        institution
            .map(|(name, _)| name.clone())
            .unwrap_or_default(),
        id.occupation.to_string(),
        said.project.clone().unwrap_or_default(),
        said.levels.map_or_else(String::new, |range| {
            match (level(range.lowest), level(range.highest)) {
                (lowest, highest) if lowest == highest => lowest.to_owned(),
                (lowest, highest) => format!("{lowest}至{highest}"),
            }
        }),
        sites.join(";"),
        said.yearly_seats
            .map(|seats| seats.to_string())
            .unwrap_or_default(),
        count(said.trainers.len()),
        said.licence
            .as_ref()
            .map(|licence| licence.number.to_string())
            .unwrap_or_default(),
        standing.to_owned(),
        entry
            .reason
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    ]
}

fn level(level: SkillLevel) -> &'static str {
    let place = usize::from(level.ordinal().saturating_sub(1));
    LEVELS.get(place).copied().unwrap_or_default()
}

/// A table that spreadsheets open: with the mark of UTF-8 before it, and no field that one of them would take for a formula.
fn table(lines: &[Line]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(b"\xef\xbb\xbf".to_vec());
    // Some take the full-width signs for formulas, too.
    let signs = ['=', '+', '-', '@', '\t', '＝', '＋', '－', '＠'];
    let plain = |field: &String| match field.starts_with(signs) {
        true => format!("'{field}"),
        false => field.clone(),
    };
    // Writing into memory fails nowhere.
    let _ = writer.write_record(HEADINGS);
    for line in lines {
        let _ = writer.write_record(line.iter().map(plain));
    }
    writer.into_inner().unwrap_or_default()
}

fn page(region: &str, named: &Named, lines: &[Line]) -> Vec<u8> {
    let mut html = String::new();
    let (code, year) = (&named.region, named.year);
    let title = format!(
        "{}{year}年度职业技能培训机构、评价机构目录",
        escaped(region)
    );
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>body{{font-family:sans-serif;margin:1em}}table{{border-collapse:collapse}}\
         td,th{{border:1px solid #999;padding:.3em .5em;text-align:left;vertical-align:top}}th{{background:#eee}}</style>\n</head>\n<body>\n\
         <h1>{title}</h1>\n<p>共{}条 · <a href=\"/catalogue/{code}/{year}.csv\">下载表格(CSV)</a></p>\n<table>\n<thead><tr>",
        lines.len()
    );
    for heading in HEADINGS {
        let _ = write!(html, "<th scope=\"col\">{heading}</th>");
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for line in lines {
        html.push_str("<tr>");
        for field in line {
            let _ = write!(html, "<td>{}</td>", escaped(field));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n</body>\n</html>\n");
    html.into_bytes()
}

/// Text as it stands between tags.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalogue_has_one_name_in_each_form() {
        let of = |is_table| {
            Some(Named {
                region: "140725".parse().unwrap(),
                year: PlanYear::try_from(2023).unwrap(),
                is_table,
            })
        };
        assert_eq!(named("/catalogue/140725/2023"), of(false));
        assert_eq!(named("/catalogue/140725/2023.csv"), of(true));
        for other in [
            "/catalogue/140725",
            "/catalogue/140725/",
            "/catalogue/140725/02023",
            "/catalogue/140725/+2023",
            "/catalogue/140725/2023.json",
            "/catalogue/140725/2023/",
            "/catalogue/shouyang/2023",
        ] {
            assert_eq!(named(other), None, "{other}");
        }
    }

    #[test]
    fn what_somebody_wrote_stays_text() {
        let mut line: Line = Default::default();
        line[2] = "<b>学校</b> & =1".to_owned();
        line[6] = "=HYPERLINK(\"x\")".to_owned();
        let named = named("/catalogue/140725/2023").unwrap();
        let html = String::from_utf8(page("寿阳县", &named, std::slice::from_ref(&line))).unwrap();
        assert!(html.contains("&lt;b&gt;学校&lt;/b&gt; &amp; =1"));
        line[4] = "＝1+1".to_owned();
        let table = String::from_utf8(table(&[line])).unwrap();
        assert!(table.contains("\"'=HYPERLINK(\"\"x\"\")\""), "{table}");
        assert!(table.contains(",'＝1+1,"), "{table}");
    }
}
