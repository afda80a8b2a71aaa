//! The comparison of tables and logs finds whatever is not as the log says: it stands behind every other test's last line, so it must
//! be able to say no.

use hefu_domain::Fen;
use hefu_engine::verify;
use hefu_tests::engines::Engine as Kind;

use crate::support::*;

/// What somebody does to the database behind the engine's back, and what is found then, beside all that was found before.
const TAMPERING: [(&str, &str); 8] = [
    (
        "INSERT INTO region_state SELECT region, 'twin', version, leaf, body FROM region_state WHERE region = '140725'",
        "region 140725: region_state/twin is not what the log says",
    ),
    (
        "UPDATE account SET version = version + 1 WHERE region = '140727'",
        "region 140727: account/2023/city is not what the log says",
    ),
    (
        "UPDATE plan_year SET leaf = NULL WHERE region = '140727'",
        "region 140727: plan_year/2023 is not what the log says",
    ),
    (
        "DELETE FROM policy WHERE region = '140725'",
        "region 140725: policy/2023 is missing from the tables",
    ),
    (
        "INSERT INTO nullifier SELECT substr(leaf, 1, 16), region, 'twin' FROM region_state WHERE region = '140725' AND id = 'region'",
        "region 140725: a nullifier of twin is not what the log says",
    ),
    (
        "DELETE FROM nullifier WHERE voucher <> 'twin'",
        "1 nullifiers are missing from the table",
    ),
    (
        "UPDATE head SET at_ms = at_ms + 1 WHERE region = '140725'",
        "region 140725: the head is not the log's end",
    ),
    (
        "UPDATE event SET bytes = leaf WHERE region = '140700' AND idx = 1",
        "region 140700, event 1: canonical bytes failed",
    ),
];

async fn whatever_the_log_does_not_say_is_found(kind: Kind) {
    let field = Field::open(kind, Fen::yuan(1_000)).await;
    field.applied(COUNTIES[0]).await;
    let mut wanted: Vec<&str> = Vec::new();
    for (sql, finding) in TAMPERING {
        field.tamper(sql).await;
        wanted.push(finding);
        wanted.sort_unstable();
        let mut snapshot = field.store().snapshot().await.unwrap();
        let mut verified = verify(&mut snapshot, |_, _| ()).await.unwrap();
        verified.failed.sort_unstable();
        assert_eq!(verified.failed, wanted, "{sql}");
        assert!(!verified.replay_equal, "{sql}");
        let log_is_touched = sql.contains("head") || sql.contains("event");
        assert_eq!(verified.log_verified, !log_is_touched, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_log_does_not_say_is_found_on_sqlite() {
    whatever_the_log_does_not_say_is_found(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_log_does_not_say_is_found_on_postgres() {
    whatever_the_log_does_not_say_is_found(Kind::Postgres).await;
}
