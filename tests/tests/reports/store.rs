//! The read model's rows: a fold is written whole, and only behind the cursor that it was made of.

use std::collections::BTreeMap;

use hefu_domain::Date;
use hefu_store::{
    ReportCount, ReportCursor, ReportFact, ReportFactKeys, ReportFold, ReportQuery, ReportSum,
    Store,
};
use jiff::Span;

fn cursor(idx: u64) -> ReportCursor {
    ReportCursor {
        region: "140725".to_owned(),
        version: 1,
        epoch: 0,
        idx,
        leaf: Some([idx as u8; 32]),
    }
}

fn fold(found: Option<ReportCursor>, to: u64, day: &str, value: i64) -> ReportFold {
    ReportFold {
        found,
        cursor: cursor(to),
        anew: false,
        facts: vec![ReportFact {
            id: "voucher/1".to_owned(),
            body: format!("{{\"to\":{to}}}"),
        }],
        counts: vec![ReportCount {
            subject: "plan".to_owned(),
            item: "2023/general/applied".to_owned(),
            day: day.to_owned(),
            value,
        }],
    }
}

async fn sums(store: &Store, after: &str, until: &str) -> Vec<ReportSum> {
    let query = ReportQuery {
        region: "140725".to_owned(),
        subject: "plan".to_owned(),
        prefix: "2023/".to_owned(),
        after: after.to_owned(),
        until: until.to_owned(),
    };
    let mut reads = store.snapshot().await.unwrap();
    reads.report_sums(&query).await.unwrap()
}

async fn sum(store: &Store, after: &str, until: &str) -> Vec<(String, i64)> {
    let sums = sums(store, after, until).await;
    sums.into_iter().map(|sum| (sum.month, sum.value)).collect()
}

hefu_tests::on_both_engines! {
    async fn a_fold_is_written_behind_the_cursor_that_it_was_made_of_and_no_other(store: Store, _place: Place) {
        let first = fold(None, 3, "2023-05-31", 4);
        assert!(store.fold_report(first.clone()).await.unwrap());
        assert!(!store.fold_report(first).await.unwrap(), "there is a cursor now");
        assert!(store.fold_report(fold(Some(cursor(3)), 5, "2023-06-01", 2)).await.unwrap());
        assert!(!store.fold_report(fold(Some(cursor(3)), 6, "2023-06-01", 100)).await.unwrap());
        assert!(store.fold_report(fold(Some(cursor(5)), 6, "2023-06-01", -1)).await.unwrap());
        let months = |sums: &[(&str, i64)]| -> Vec<(String, i64)> {
            sums.iter().map(|(month, value)| ((*month).to_owned(), *value)).collect()
        };
        assert_eq!(sum(&store, "", "2023-06-01").await, months(&[("2023-05", 4), ("2023-06", 1)]));
        assert_eq!(sum(&store, "", "2023-05-31").await, months(&[("2023-05", 4)]));
        assert_eq!(sum(&store, "2023-05-31", "2023-06-30").await, months(&[("2023-06", 1)]));
        let mut reads = store.snapshot().await.unwrap();
        let keys = ReportFactKeys {
            region: "140725".to_owned(),
            ids: vec!["voucher/1".to_owned(), "voucher/2".to_owned()],
        };
        let facts = reads.report_facts(&keys).await.unwrap();
        assert_eq!(facts.len(), 1);
        assert_eq!(facts[0].body, "{\"to\":6}");
        drop(reads);
        let anew = ReportFold { anew: true, ..fold(Some(cursor(6)), 1, "2023-07-01", 9) };
        assert!(store.fold_report(anew).await.unwrap());
        assert_eq!(sum(&store, "", "9999-12-31").await, months(&[("2023-07", 9)]));
        let cursors = store.snapshot().await.unwrap().report_cursors(&["140725".to_owned()]).await.unwrap();
        assert_eq!(cursors, [cursor(1)]);
    }

    async fn sums_are_those_of_the_days_wherever_in_a_month_they_begin_and_end(store: Store, _place: Place) {
        let first: Date = "2023-11-28".parse().unwrap();
        let days: Vec<Date> = first.series(Span::new().days(1)).take(100).collect();
        let mut counts = Vec::new();
        for (value, day) in (1..).zip(&days) {
            for item in ["2022/general/applied", "2023/a", "2023/b", "2024/a"] {
                // Not every counter changes on every day, nor in every month.
                if item != "2023/b" || (day.month() != 12 && value % 3 == 0) {
                    counts.push(ReportCount {
                        subject: "plan".to_owned(),
                        item: item.to_owned(),
                        day: day.to_string(),
                        value,
                    });
                }
            }
        }
        // In two folds, the second of which goes on in a month of the first.
        let (one, other) = counts.split_at(counts.len() / 2);
        for (found, to, counts) in [(None, 1, one), (Some(cursor(1)), 2, other)] {
            let fold = ReportFold { counts: counts.to_vec(), ..fold(found, to, "", 0) };
            assert!(store.fold_report(fold).await.unwrap());
        }
        let edges = ["", "2023-11-27", "2023-11-28", "2023-11-30", "2023-12-01", "2023-12-15", "2023-12-31", "2024-02-29", "2024-03-07", "2024-12-31"];
        for after in edges {
            for until in edges {
                let mut wanted: BTreeMap<(&str, &str), i64> = BTreeMap::new();
                for count in &counts {
                    let day = count.day.as_str();
                    if count.item.starts_with("2023/") && day > after && day <= until {
                        *wanted.entry((&count.item, &day[..7])).or_default() += count.value;
                    }
                }
                let sums = sums(&store, after, until).await;
                let found: Vec<_> = sums.iter().map(|sum| ((sum.item.as_str(), sum.month.as_str()), sum.value)).collect();
                assert_eq!(found, wanted.into_iter().collect::<Vec<_>>(), "after {after:?}, until {until:?}");
            }
        }
    }
}
