//! Reports over a log that a restored backup shortened and a fork goes on from: they count what is in the log, and nothing that was lost.

use std::collections::BTreeMap;

use hefu_domain::{Date, Reason, Region};
use hefu_report::{Ask, Lang, Name, Subject};
use hefu_server::reports::{ReadModel, ReportsError};
use hefu_store::{ReportQuery, Store};

use crate::desk::HERE;
use crate::on_both;
use crate::restored::restore;
use crate::support::recorded;

/// Events by epoch, as the read model counts them.
async fn counted(store: &Store) -> BTreeMap<String, i64> {
    let query = ReportQuery {
        region: HERE.to_owned(),
        subject: Subject::Log.as_str().to_owned(),
        prefix: String::new(),
        after: String::new(),
        until: "9999-12-31".to_owned(),
    };
    let mut reads = store.snapshot().await.unwrap();
    let mut sums = BTreeMap::new();
    for sum in reads.report_sums(&query).await.unwrap() {
        *sums.entry(sum.item).or_default() += sum.value;
    }
    sums
}

fn ask(day: Date) -> Ask {
    Ask {
        name: Name::Progress,
        region: HERE.parse().unwrap(),
        below: true,
        as_of: day,
        year: None,
        institution: None,
        lang: Lang::Zh,
    }
}

on_both! {
    async fn a_fork_is_counted_from_what_it_kept(desk) {
        let here: Region = HERE.parse().unwrap();
        let regions = [here.clone()];
        let model = ReadModel::new(desk.field.store().clone());
        desk.signs().await;
        let backup = desk.field.head(HERE).await;
        desk.write(HERE, 3).await;
        desk.signs().await;
        model.catch_up(&regions, None).await.unwrap();
        let before = counted(desk.field.store()).await;
        assert_eq!(before["0000000000"], backup.size as i64 + 3);

        // The events that were counted last are gone; who restores a file has the older figures with it, who restores rows has not.
        restore(&desk, &backup).await;
        let day = hefu_domain::Instant(backup.at_ms).date();
        let reason: Reason = "RESTORED_BACKUP".parse().unwrap();
        assert_eq!(desk.in_doubt().await, std::slice::from_ref(&here));
        desk.accept_fork(&here, reason).await.unwrap();
        let engine = desk.field.restarted().await;
        recorded(engine.submit(desk.field.bystander(HERE).into()).await);
        model.catch_up(&regions, None).await.unwrap();
        let after = counted(desk.field.store()).await;
        assert_eq!(after["0000000000"], backup.size as i64, "{after:?}");
        assert_eq!(after["0000000001"], 2, "{after:?}");
        // A report says which log it counts.
        let said = model.report(&ask(day)).await.unwrap();
        assert_eq!((said.logs[0].epoch, said.logs[0].size), (1, 2), "{said:?}");
        // And none is made while somebody doubts it.
        desk.field.store().set_alarm(HERE, Some("test")).await.unwrap();
        let refused = model.report(&ask(day)).await.unwrap_err();
        assert!(matches!(refused, ReportsError::InDoubt { .. }), "{refused}");
        desk.field.close().await;
    }
}
