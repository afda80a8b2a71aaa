//! The read model's rows: a fold is written whole, and only behind the cursor that it was made of.

use hefu_store::{
    ReportCount, ReportCursor, ReportFact, ReportFactKeys, ReportFold, ReportQuery, Store,
};

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

async fn sum(store: &Store, after: &str, until: &str) -> Vec<(String, i64)> {
    let query = ReportQuery {
        region: "140725".to_owned(),
        subject: "plan".to_owned(),
        prefix: "2023/".to_owned(),
        after: after.to_owned(),
        until: until.to_owned(),
    };
    let mut reads = store.snapshot().await.unwrap();
    let sums = reads.report_sums(&query).await.unwrap();
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
}
