//! The figures against the log, by queries that share no code with the fold, and against the tables that the rules' own `apply` made.

use std::collections::{BTreeMap, BTreeSet};

use hefu_domain::state::{Fact, Occasion, VoucherState};
use hefu_domain::{Date, Instant, PersonId, Programme, Region};
use hefu_engine::rows;
use hefu_report::{Book, Cell, FOLD_VERSION, Mark, Name, Report, Subject};
use hefu_server::reports::ReadModel;
use hefu_store::{ReportFactsUnder, ReportQuery, Store, Table};
use hefu_tests::engines::Engine;
use serde_json::Value;

use crate::on_both;
use crate::played::{ask, regions, report, year};

on_both! { a_year_is_counted_as_its_log_says }

/// Everything in one: a played year is dear.
async fn a_year_is_counted_as_its_log_says(engine: Engine) {
    let played = year(engine).await;
    assert!(played.on_the_way.len() >= 6, "{}", played.on_the_way.len());
    let store = played.place.open().await;
    // In memory, out of what the server had written and the events behind it.
    for ((name, day), before) in &played.on_the_way {
        let asked = hefu_report::Ask {
            year: None,
            ..ask(*name, &day.to_string())
        };
        let again = report(&store, &asked).await;
        assert_eq!(
            &again, before,
            "{name} of {day}, asked when the year was over"
        );
    }
    fed_is_folded(&store).await;
    for day in ["2023-06-30", "2023-09-15", "2023-12-31", "2024-04-30"] {
        progress_is_the_logs(&store, day).await;
    }
    funds_are_the_accounts(&store).await;
    certificates_are_the_vouchers(&store).await;
    institutions_are_the_sheets(&store).await;
    store.close().await;
}

/// Counters and facts as they stand in the database.
type Stood = (
    BTreeMap<(String, String, String), i64>,
    BTreeMap<String, String>,
);

async fn stands(store: &Store, region: &Region) -> Stood {
    let mut reads = store.snapshot().await.unwrap();
    let mut counts = BTreeMap::new();
    for subject in Subject::ALL {
        let query = ReportQuery {
            region: region.to_string(),
            subject: subject.as_str().to_owned(),
            prefix: String::new(),
            after: String::new(),
            until: "9999-12-31".to_owned(),
        };
        for sum in reads.report_sums(&query).await.unwrap() {
            counts.insert((query.subject.clone(), sum.item, sum.month), sum.value);
        }
    }
    let under = ReportFactsUnder {
        region: region.to_string(),
        prefix: String::new(),
    };
    let facts = reads.report_facts_under(&under).await.unwrap();
    let facts = facts.into_iter().map(|fact| (fact.id, fact.body));
    counts.retain(|_, value| *value != 0);
    (counts, facts.collect())
}

/// What one book makes of the whole log.
async fn folded(store: &Store, region: &Region) -> Stood {
    let mut book = Book::whole();
    let mut next = (0, 0);
    loop {
        let rows = store
            .events_onwards(region.as_str(), next, 500)
            .await
            .unwrap();
        let Some(last) = rows.last() else { break };
        next = (last.epoch, last.idx + 1);
        for row in &rows {
            let event = hefu_engine::decode(row).unwrap();
            book.fold(Instant(row.at_ms), row.epoch, &event).unwrap();
        }
    }
    let changes = book.take();
    let mut counts: BTreeMap<(String, String, String), i64> = BTreeMap::new();
    for (count, value) in changes.counts {
        let month = count.day.to_string()[..7].to_owned();
        let key = (count.subject.as_str().to_owned(), count.item, month);
        *counts.entry(key).or_default() += value;
    }
    counts.retain(|_, value| *value != 0);
    (counts, changes.facts.into_iter().collect())
}

/// What was fed live by pages, goes on after a crash, is fed by two at once or is built anew: it is what a replay folds.
async fn fed_is_folded(store: &Store) {
    let regions = regions(store).await;
    let model = ReadModel::new(store.clone());
    model.catch_up(&regions, None).await.unwrap();
    let mut wanted = BTreeMap::new();
    for region in &regions {
        let replayed = folded(store, region).await;
        assert!(replayed.0.len() > 20, "{region}: {}", replayed.0.len());
        assert_eq!(stands(store, region).await, replayed, "{region}");
        wanted.insert(region.clone(), replayed);
    }
    // Of another version, as an older build leaves it behind: two processes build it anew at the same time.
    let codes: Vec<String> = regions.iter().map(Region::to_string).collect();
    for region in &codes {
        let found = cursor(store, region).await;
        let fold = hefu_store::ReportFold {
            cursor: hefu_store::ReportCursor {
                version: FOLD_VERSION + 1,
                ..found.clone()
            },
            found: Some(found),
            anew: false,
            facts: Vec::new(),
            counts: vec![hefu_store::ReportCount {
                subject: "plan".to_owned(),
                item: "2023/general/applied".to_owned(),
                day: "2023-06-01".to_owned(),
                value: 1_000,
            }],
        };
        assert!(store.fold_report(fold).await.unwrap());
    }
    let (one, other) = (ReadModel::new(store.clone()), ReadModel::new(store.clone()));
    let both = tokio::join!(one.catch_up(&regions, None), other.catch_up(&regions, None));
    both.0.unwrap();
    both.1.unwrap();
    for (region, wanted) in &wanted {
        assert_eq!(&stands(store, region).await, wanted, "{region}, built anew");
    }
    // Whose cursor stands behind another event than the log has there, as after a restored backup: anew, too.
    let region = &codes[1];
    let found = cursor(store, region).await;
    let astray = hefu_store::ReportFold {
        cursor: hefu_store::ReportCursor {
            leaf: Some([7; 32]),
            ..found.clone()
        },
        found: Some(found),
        anew: false,
        facts: Vec::new(),
        counts: Vec::new(),
    };
    assert!(store.fold_report(astray).await.unwrap());
    model.catch_up(&regions, None).await.unwrap();
    let region: Region = region.parse().unwrap();
    assert_eq!(stands(store, &region).await, wanted[&region]);
}

async fn cursor(store: &Store, region: &str) -> hefu_store::ReportCursor {
    let mut reads = store.snapshot().await.unwrap();
    let found = reads.report_cursors(&[region.to_owned()]).await.unwrap();
    found.into_iter().next().unwrap()
}

/// What a reader of the log finds who knows JSON and the names of events, by region and programme: applied, issued, trained, paid, paid fen.
async fn read(store: &Store, region: &Region, until: Date) -> BTreeMap<String, [i64; 5]> {
    let end = Instant::after(until).0;
    let mut found: BTreeMap<String, [i64; 5]> = BTreeMap::new();
    let mut programmes: BTreeMap<String, String> = BTreeMap::new();
    let mut sheets: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    let mut paid: BTreeSet<String> = BTreeSet::new();
    let mut next = (0, 0);
    loop {
        let rows = store
            .events_onwards(region.as_str(), next, 500)
            .await
            .unwrap();
        let Some(last) = rows.last() else { break };
        next = (last.epoch, last.idx + 1);
        for row in rows.iter().filter(|row| row.at_ms < end) {
            let entry: Value = serde_json::from_slice(&row.bytes).unwrap();
            let body = &entry["body"];
            let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
            let (voucher, sheet) = (text("voucher"), text("sheet"));
            match entry["kind"].as_str().unwrap() {
                "Applied" => {
                    programmes.insert(voucher, text("programme"));
                    found.entry(text("programme")).or_default()[0] += 1;
                }
                "Issued" => found.entry(programmes[&voucher].clone()).or_default()[1] += 1,
                "Completed" => found.entry(programmes[&voucher].clone()).or_default()[2] += 1,
                "Redeemed" => {
                    let amount = body["amount"].as_i64().unwrap();
                    sheets.entry(sheet).or_default().insert(voucher, amount);
                }
                "StruckOut" => {
                    sheets.get_mut(&sheet).unwrap().remove(&voucher);
                }
                "Expired" => {
                    for lines in sheets.values_mut() {
                        lines.remove(&voucher);
                    }
                }
                "PayoutRecorded" => {
                    paid.insert(sheet);
                }
                "PayoutReturned" => {
                    paid.remove(&sheet);
                }
                _ => {}
            }
        }
    }
    for sheet in paid {
        for (voucher, amount) in &sheets[&sheet] {
            let figures = found.entry(programmes[voucher].clone()).or_default();
            figures[3] += 1;
            figures[4] += amount;
        }
    }
    found
}

fn number(report: &Report, row: usize, key: &str) -> i64 {
    let column = report.columns.iter().position(|column| column.key == key);
    match report.rows[row].cells[column.unwrap()] {
        Cell::Number(number) => number,
        ref other => panic!("{key}: {other:?}"),
    }
}

async fn progress_is_the_logs(store: &Store, day: &str) {
    let until: Date = day.parse().unwrap();
    let progress = report(store, &ask(Name::Progress, day)).await;
    let fortnight = report(store, &ask(Name::TwoWeek, day)).await;
    let before = until.checked_sub(jiff::Span::new().days(14)).unwrap();
    let mut all = [0; 5];
    let mut all_before = [0; 5];
    for region in regions(store).await {
        for (sum, day) in [(&mut all, until), (&mut all_before, before)] {
            for figures in read(store, &region, day).await.values() {
                for (sum, figure) in sum.iter_mut().zip(figures) {
                    *sum += figure;
                }
            }
        }
    }
    assert!(all[0] > 0, "{all:?}");
    let last = progress.rows.len() - 1;
    assert_eq!(progress.rows[last].mark, Mark::Sum);
    let keys = ["applied", "issued", "trained", "paid", "paid_fen"];
    for (key, figure) in keys.iter().zip(all) {
        assert_eq!(number(&progress, last, key), figure, "{key} as of {day}");
    }
    let last = fortnight.rows.len() - 1;
    for ((key, all), before) in keys.iter().zip(all).zip(all_before) {
        let year = format!("{key}_year");
        assert_eq!(number(&fortnight, last, &year), all, "{year} as of {day}");
        assert_eq!(
            number(&fortnight, last, key),
            all - before,
            "{key} as of {day}"
        );
    }
    // Line by line: of each region its own, general training with what counts inside it.
    let lines = progress.rows.iter().filter(|row| row.mark == Mark::Plain);
    assert!(lines.count() > 24, "{progress:?}");
    // As of which index: as many events as there are up to the day.
    for log in &progress.logs {
        let rows = store
            .events_onwards(log.region.as_str(), (0, 0), u32::MAX)
            .await;
        let until = Instant::after(until).0;
        let there = rows.unwrap().iter().filter(|row| row.at_ms < until).count();
        assert_eq!((log.epoch, log.size), (0, there as u64), "{}", log.region);
    }
}

/// Of all rows of a table.
async fn facts(store: &Store, table: Table, region: &Region) -> Vec<(String, Fact)> {
    let rows = store
        .rows(table, region.as_str(), None, u32::MAX)
        .await
        .unwrap();
    let fact = |row: &hefu_store::Row| (row.id.clone(), rows::fact(row).unwrap());
    rows.iter().map(fact).collect()
}

/// Each account in each bucket, as the rules' own `apply` left it.
async fn funds_are_the_accounts(store: &Store) {
    let mut accounts = 0;
    for region in regions(store).await {
        for (id, fact) in facts(store, Table::Account, &region).await {
            let Fact::Account(account) = fact else {
                continue;
            };
            let year: u16 = id.split('/').next().unwrap().parse().unwrap();
            let query = ReportQuery {
                region: region.to_string(),
                subject: "fund".to_owned(),
                prefix: format!("{id}/"),
                after: String::new(),
                until: "9999-12-31".to_owned(),
            };
            let mut reads = store.snapshot().await.unwrap();
            let sums = reads.report_sums(&query).await.unwrap();
            let of = |bucket: &str| -> i64 {
                let item = format!("{id}/{bucket}");
                let sums = sums.iter().filter(|sum| sum.item == item);
                sums.map(|sum| sum.value).sum()
            };
            for (bucket, fen) in [
                ("allocated", account.allocated),
                ("available", account.available),
                ("reserved", account.reserved),
                ("payable", account.payable),
                ("paid", account.paid),
            ] {
                assert_eq!(of(bucket), fen.0, "{region} {id} {bucket} ({year})");
            }
            accounts += 1;
        }
    }
    assert!(accounts > 20, "{accounts}");
}

/// Certificates, newly skilled and newly high-skilled people, from the vouchers' own passes.
async fn certificates_are_the_vouchers(store: &Store) {
    let certificates = report(store, &ask(Name::Certificates, "2024-04-30")).await;
    let (mut all, mut skilled, mut high, mut without) = (0, 0, 0, 0);
    for region in regions(store).await {
        let mut people = BTreeSet::new();
        let mut high_people = BTreeSet::new();
        for (_, fact) in facts(store, Table::Voucher, &region).await {
            let Fact::Voucher(voucher) = fact else {
                continue;
            };
            let Some(pass) = voucher.pass.filter(|pass| pass.confirmed != Some(false)) else {
                continue;
            };
            all += 1;
            people.insert(voucher.person);
            if pass.level.is_high_skilled() {
                high_people.insert(voucher.person);
            }
        }
        for (id, fact) in facts(store, Table::Person, &region).await {
            let Fact::Person(record) = fact else {
                continue;
            };
            let person: PersonId = id.parse().unwrap();
            for own in record.certificates {
                (all, without) = (all + 1, without + 1);
                people.insert(person);
                if own.level.is_high_skilled() {
                    high_people.insert(person);
                }
            }
        }
        skilled += people.len() as i64;
        high += high_people.len() as i64;
    }
    let last = certificates.rows.len() - 1;
    assert!(all > 10 && high > 0 && without > 0, "{all} {high}");
    assert_eq!(number(&certificates, last, "without_voucher"), without);
    assert_eq!(number(&certificates, last, "certificates"), all);
    assert_eq!(number(&certificates, last, "newly_skilled"), skilled);
    assert_eq!(number(&certificates, last, "newly_high_skilled"), high);
}

/// Each payee's statement against its sheets, each deliverer's against its classes.
async fn institutions_are_the_sheets(store: &Store) {
    let mut stated = 0;
    for region in regions(store).await.into_iter().skip(1) {
        let mut paid: BTreeMap<String, i64> = BTreeMap::new();
        let vouchers: BTreeMap<String, Fact> = facts(store, Table::Voucher, &region)
            .await
            .into_iter()
            .collect();
        for (_, fact) in facts(store, Table::Sheet, &region).await {
            let Fact::Sheet(sheet) = fact else { continue };
            for line in sheet.standing() {
                let Some(Fact::Voucher(voucher)) = vouchers.get(&line.voucher.to_string()) else {
                    continue;
                };
                let clawed_back = voucher.claw_back.is_some();
                let is_paid = clawed_back
                    || matches!(
                        voucher.state,
                        VoucherState::Paid { .. } | VoucherState::WrittenOff { .. }
                    );
                if is_paid {
                    *paid.entry(sheet.payee.to_string()).or_default() += line.amount.0;
                }
                let Occasion::Class(_) = sheet.occasion else {
                    continue;
                };
                assert_ne!(sheet.programme, Programme::Assessment);
            }
        }
        for (payee, fen) in paid {
            let ask = hefu_report::Ask {
                region: region.clone(),
                institution: Some(payee.parse().unwrap()),
                ..ask(Name::Institution, "2024-04-30")
            };
            let statement = report(store, &ask).await;
            let last = statement.rows.len() - 1;
            assert_eq!(
                number(&statement, last, "paid_fen"),
                fen,
                "{region} {payee}"
            );
            stated += 1;
        }
    }
    assert!(stated > 10, "{stated}");
}
