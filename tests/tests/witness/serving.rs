//! What a witness does: cosign one history of each log, whatever is sent to it and whenever it is stopped.

use std::fs;
use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use hefu_log::cosignatures;
use hefu_server::witness::State;
use hefu_tests::engines::Folder;

use super::*;

const REGION: &str = "140725";

#[tokio::test]
async fn a_witness_cosigns_a_log_that_grows() {
    let folder = Folder::new("hefu-witness");
    let log = Log::new(REGION, 700);
    let running = witness(folder.path(), &[&log]).await;
    let known = [running.state.public().clone()];
    let asked = witnesses(&[at(running.address, &known[0])], 1);
    // Tile widths and sizes between them, one twice, as when nothing was written for a while.
    for size in [0, 1, 2, 255, 256, 256, 257, 700] {
        let cosigned = log.cosign(&asked, size).await;
        assert!(cosigned.enough, "size {size}: {:?}", cosigned.behind);
        let words = cosignatures(&cosigned.note, &known).unwrap();
        assert_eq!(words.len(), 1);
        assert_eq!((words[0].witness, words[0].time), (&known[0], NOON));
        let checkpoint = Checkpoint::open(&cosigned.note.to_string(), &[log.key()]).unwrap();
        assert_eq!(checkpoint, log.checkpoint(size));
    }
    running.stop().await;
}

#[tokio::test]
async fn each_refusal_has_the_status_that_the_standard_gives_it() {
    let folder = Folder::new("hefu-witness");
    let (log, other) = (Log::new(REGION, 20), Log::told(REGION, 4, 20, "!"));
    let stranger = Log::new("140726", 20);
    let running = witness(folder.path(), &[&log]).await;
    let send = |request: String| async move {
        let (status, kind, body) = post(running.address, "/add-checkpoint", &request).await;
        (status, kind, body)
    };
    let (status, _, body) = send(log.request(0, 9).to_string()).await;
    assert_eq!(status, 200);
    assert!(body.starts_with("\u{2014} witness.example/w1 ") && body.ends_with('\n'));
    assert_eq!(body.lines().count(), 1);

    let unsigned = AddCheckpoint {
        note: {
            let forger = NoteSigner::new(log.key().name(), &[9; 32]).unwrap();
            log.checkpoint(15).sign(&forger).unwrap()
        },
        ..log.request(9, 15)
    };
    let backwards = log
        .request(9, 15)
        .to_string()
        .replacen("old 9", "old 16", 1);
    for (why, request, status) in [
        ("no request", "hello".to_owned(), 400),
        ("an old size beyond the new one", backwards, 400),
        ("a forged signature", unsigned.to_string(), 403),
        (
            "a log that nobody told it of",
            stranger.request(0, 9).to_string(),
            404,
        ),
        (
            "a proof of another history",
            other.request(9, 15).to_string(),
            422,
        ),
    ] {
        let (answered, _, body) = send(request).await;
        assert_eq!(answered, status, "{why}: {body}");
    }
    let size = (409, "text/x.tlog.size".to_owned(), "9\n".to_owned());
    assert_eq!(
        send(log.request(0, 15).to_string()).await,
        size,
        "from nothing"
    );
    assert_eq!(
        send(log.request(3, 5).to_string()).await,
        size,
        "an older size"
    );
    assert_eq!(
        send(log.request(12, 15).to_string()).await,
        size,
        "one not seen yet"
    );
    assert_eq!(
        send(other.request(9, 9).to_string()).await,
        size,
        "another root"
    );
    let (status, _, _) = send("x".repeat(300_000)).await;
    assert_eq!(status, 413, "more than any request holds");
    let (status, _, _) = post(running.address, "/add", "").await;
    assert_eq!(status, 404, "another path");
}

#[tokio::test]
async fn two_histories_shown_to_a_witness_at_once_get_one_cosigned() {
    let folder = Folder::new("hefu-witness");
    let logs = [Log::new(REGION, 40), Log::told(REGION, 0, 40, "!")];
    let running = witness(folder.path(), &[&logs[0]]).await;
    // Forty requests race from nothing, twenty of each history, all of other sizes.
    let racers = (1..=20).flat_map(|size| logs.iter().map(move |log| (log, size)));
    let sent = racers.map(|(log, size)| async move {
        let request = log.request(0, size).to_string();
        post(running.address, "/add-checkpoint", &request).await.0
    });
    let statuses = join_all(sent).await;
    let won = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(won, 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 409)));
}

#[tokio::test]
async fn a_restarted_witness_knows_what_it_saw_and_keeps_its_key() {
    let folder = Folder::new("hefu-witness");
    let (log, other) = (Log::new(REGION, 20), Log::told(REGION, 4, 20, "!"));
    let running = witness(folder.path(), &[&log]).await;
    assert!(running.first_start);
    let key = running.state.public().clone();
    let handed_out = fs::read_to_string(running.state.public_file()).unwrap();
    assert_eq!(handed_out, format!("{key}\n"));
    let first = post(
        running.address,
        "/add-checkpoint",
        &log.request(0, 9).to_string(),
    )
    .await;
    assert_eq!(first.0, 200);
    running.stop().await;

    let running = witness(folder.path(), &[&log]).await;
    assert!(!running.first_start);
    assert_eq!(*running.state.public(), key);
    let again = |request: AddCheckpoint| async move {
        post(running.address, "/add-checkpoint", &request.to_string())
            .await
            .0
    };
    assert_eq!(again(other.request(0, 15)).await, 409);
    assert_eq!(again(other.request(9, 15)).await, 422);
    assert_eq!(again(other.request(9, 9)).await, 409);
    assert_eq!(again(log.request(9, 15)).await, 200);
}

#[tokio::test]
async fn an_answer_lost_after_the_disk_had_it_is_asked_for_again() {
    let folder = Folder::new("hefu-witness");
    let (log, other) = (Log::new(REGION, 20), Log::told(REGION, 4, 20, "!"));
    let open = || {
        let clock = Clock::simulated(Instant(NOON_MS)).0;
        let name = Some("witness.example/w1");
        State::open(folder.path(), name, vec![log.key()], clock, || [3; 32]).unwrap()
    };
    // The process is killed between the write and the answer: the cosignature is never seen.
    let state = open().state;
    state.add(&log.request(0, 9)).unwrap();
    drop(state);
    drop(open());

    let running = witness(folder.path(), &[&log]).await;
    let asked = witnesses(&[at(running.address, running.state.public())], 1);
    assert!(!other.cosign(&asked, 9).await.enough);
    // The log's own server does not know that it was seen: it asks from nothing, and is told.
    assert!(log.cosign(&asked, 9).await.enough);
    assert!(log.cosign(&asked, 20).await.enough);
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_cosigned() {
    let folder = Folder::new("hefu-witness");
    let log = Log::new(REGION, 20);
    let state = folder.path().join("state");
    let running = witness(&state, &[&log]).await;
    let send = |request: AddCheckpoint| async move {
        post(running.address, "/add-checkpoint", &request.to_string()).await
    };
    assert_eq!(send(log.request(0, 9)).await.0, 200);
    let away = folder.path().join("away");
    fs::rename(&state, &away).unwrap();
    let (status, _, body) = send(log.request(9, 15)).await;
    assert_eq!((status, body.as_str()), (500, ""));
    fs::rename(&away, &state).unwrap();
    // Nothing was vouched for, so it still stands where it stood.
    assert_eq!(send(log.request(15, 20)).await.2, "9\n");
    assert_eq!(send(log.request(9, 20)).await.0, 200);
}

#[tokio::test]
async fn a_damaged_memory_stops_the_witness() {
    let folder = Folder::new("hefu-witness");
    let (log, neighbour) = (Log::new(REGION, 20), Log::new("140726", 20));
    let running = witness(folder.path(), &[&log, &neighbour]).await;
    for log in [&log, &neighbour] {
        let request = log.request(0, 9).to_string();
        assert_eq!(
            post(running.address, "/add-checkpoint", &request).await.0,
            200
        );
    }
    running.stop().await;
    let file = folder.path().join("hefu.example%2F140725%2F0.seen");
    let good = fs::read_to_string(&file).unwrap();
    let others = fs::read_to_string(folder.path().join("hefu.example%2F140726%2F0.seen")).unwrap();
    let clock = || Clock::simulated(Instant(NOON_MS)).0;
    for (why, damaged) in [
        ("empty", String::new()),
        ("cut", good[..good.len() - 1].to_owned()),
        ("a smaller size", good.replacen("size: 9", "size: 8", 1)),
        (
            "an earlier time",
            good.replacen("time: 1790", "time: 1690", 1),
        ),
        (
            "without its sum",
            good.split("check").next().unwrap().to_owned(),
        ),
        ("longer", format!("{good}\n")),
        ("another log's", others),
        (
            "of a later version",
            good.replacen("version 1", "version 2", 1),
        ),
    ] {
        fs::write(&file, damaged).unwrap();
        let error = refused(setup(folder.path(), &[&log], clock())).await;
        assert!(
            matches!(error, WitnessError::Damaged { .. }),
            "{why}: {error}"
        );
    }
    fs::write(&file, good).unwrap();
    witness(folder.path(), &[&log]).await.stop().await;
}

#[tokio::test]
async fn a_memory_that_is_gone_stops_the_witness_and_a_new_log_does_not() {
    let folder = Folder::new("hefu-witness");
    let (log, later) = (Log::new(REGION, 20), Log::new("140726", 20));
    let running = witness(folder.path(), &[&log]).await;
    let request = log.request(0, 9).to_string();
    let answer = post(running.address, "/add-checkpoint", &request).await;
    assert_eq!(answer.0, 200);
    running.stop().await;
    let settings = |logs: &[&Log]| setup(folder.path(), logs, Clock::simulated(Instant(NOON_MS)).0);
    for gone in ["hefu.example%2F140725%2F0.seen", "witness.logs"] {
        let file = folder.path().join(gone);
        let kept = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let error = refused(settings(&[&log, &later])).await;
        assert!(matches!(error, WitnessError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("it is gone"), "{error}");
        fs::write(&file, kept).unwrap();
    }
    let running = serve(settings(&[&log, &later])).await.unwrap();
    for (log, old) in [(&log, 9), (&later, 0)] {
        let request = log.request(old, 15).to_string();
        let answer = post(running.address, "/add-checkpoint", &request).await;
        assert_eq!(answer.0, 200);
    }
    running.stop().await;
    // Watched once and left out for a while, a log is still not begun with anew.
    fs::remove_file(folder.path().join("hefu.example%2F140726%2F0.seen")).unwrap();
    serve(settings(&[&log])).await.unwrap().stop().await;
    let error = refused(settings(&[&log, &later])).await;
    assert!(matches!(error, WitnessError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn a_witness_s_folder_serves_one_process_and_one_name() {
    let folder = Folder::new("hefu-witness");
    let log = Log::new(REGION, 20);
    let settings = || setup(folder.path(), &[&log], Clock::simulated(Instant(NOON_MS)).0);
    let nameless = Setup {
        name: None,
        ..settings()
    };
    assert!(matches!(refused(nameless).await, WitnessError::NoName));
    let running = serve(settings()).await.unwrap();
    assert!(matches!(refused(settings()).await, WitnessError::InUse(_)));
    running.stop().await;
    let renamed = Setup {
        name: Some("another".to_owned()),
        ..settings()
    };
    assert!(matches!(
        refused(renamed).await,
        WitnessError::OtherName { .. }
    ));
    let idle = Setup {
        logs: Vec::new(),
        ..settings()
    };
    assert!(matches!(refused(idle).await, WitnessError::NoLogs));
    let foreign = NoteSigner::new("example.com/behind-the-sofa", &[1; 32]).unwrap();
    let foreign = Setup {
        logs: vec![foreign.vkey().clone()],
        ..settings()
    };
    assert!(matches!(refused(foreign).await, WitnessError::NoLog(_)));
    let nameless = Setup {
        name: None,
        ..settings()
    };
    serve(nameless).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_clock_set_back_gives_no_word_until_it_has_caught_up() {
    let folder = Folder::new("hefu-witness");
    let log = Log::new(REGION, 20);
    let (clock, hand) = Clock::simulated(Instant(NOON_MS));
    let running = serve(setup(folder.path(), &[&log], clock)).await.unwrap();
    let send = |request: AddCheckpoint| async move {
        post(running.address, "/add-checkpoint", &request.to_string())
            .await
            .0
    };
    assert_eq!(send(log.request(0, 9)).await, 200);
    hand.store(NOON_MS - 1_000, Ordering::SeqCst);
    assert_eq!(send(log.request(9, 15)).await, 503);
    hand.store(NOON_MS, Ordering::SeqCst);
    assert_eq!(send(log.request(9, 15)).await, 200);
}
