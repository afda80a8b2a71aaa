//! Keys that hold across requests and regions: nullifiers and request ids.

use crate::build::*;
use hefu_store::{Commit, Head, Nullifier, Outcome, RequestKey, StoreError};
use hefu_tests::on_both_engines;

fn claims(read: &Head, takes: Vec<Nullifier>, frees: Vec<Nullifier>) -> Commit {
    Commit {
        takes,
        frees,
        ..one(step(read, &[&format!("claims-{}", read.size)]))
    }
}

on_both_engines! {
    async fn a_taken_nullifier_stands_in_every_region(store: Store, _place: Place) {
        let heads = opened(&store, &[SHOUYANG, QIXIAN]).await;
        let ours = vec![nullifier(2, SHOUYANG, "v1"), nullifier(1, SHOUYANG, "v1")];
        assert_eq!(store.commit(claims(&heads[0], ours, vec![])).await, Ok(Outcome::Committed));
        let theirs = vec![nullifier(3, QIXIAN, "v9"), nullifier(2, QIXIAN, "v9")];
        let refused = store.commit(claims(&heads[1], theirs, vec![])).await;
        assert_eq!(refused, Ok(Outcome::NullifierTaken(vec![tagged(2)])));
        let mut found = store.nullifiers(&[tagged(1), tagged(2), tagged(3)]).await.unwrap();
        found.sort_by_key(|nullifier| nullifier.tag);
        assert_eq!(found, [nullifier(1, SHOUYANG, "v1"), nullifier(2, SHOUYANG, "v1")]);
        assert_eq!(head_of(&store, QIXIAN).await, heads[1]);
    }

    async fn of_two_regions_that_take_one_nullifier_at_once_exactly_one_wins(store: Store, _place: Place) {
        let heads = opened(&store, &[SHOUYANG, QIXIAN, PINGYAO]).await;
        let mut racers = tokio::task::JoinSet::new();
        for head in heads {
            let store = store.clone();
            // Every racer also takes tags of its own around the common one.
            let own = head.region.as_bytes()[5];
            let takes = [7, own, own + 100].map(|tag| nullifier(tag, &head.region, "v")).to_vec();
            racers.spawn(async move { store.commit(claims(&head, takes, vec![])).await.unwrap() });
        }
        let outcomes = racers.join_all().await;
        let won = outcomes.iter().filter(|outcome| **outcome == Outcome::Committed).count();
        let lost = outcomes.iter().filter(|outcome| **outcome == Outcome::NullifierTaken(vec![tagged(7)])).count();
        assert_eq!((won, lost), (1, 2));
        assert_eq!(store.all_nullifiers(None, 100).await.unwrap().len(), 3);
    }

    async fn a_freed_nullifier_can_be_taken_by_somebody_else(store: Store, _place: Place) {
        let heads = opened(&store, &[SHOUYANG, QIXIAN]).await;
        store.commit(claims(&heads[0], vec![nullifier(1, SHOUYANG, "v1")], vec![])).await.unwrap();
        let read = head_of(&store, SHOUYANG).await;
        let freed = store.commit(claims(&read, vec![], vec![nullifier(1, SHOUYANG, "v1")])).await;
        assert_eq!(freed, Ok(Outcome::Committed));
        let taken = store.commit(claims(&heads[1], vec![nullifier(1, QIXIAN, "v9")], vec![])).await;
        assert_eq!(taken, Ok(Outcome::Committed));
    }

    async fn a_nullifier_freed_and_taken_in_one_transaction_passes_on(store: Store, _place: Place) {
        let read = open_one(&store).await;
        store.commit(claims(&read, vec![nullifier(1, SHOUYANG, "v1")], vec![])).await.unwrap();
        let read = head_of(&store, SHOUYANG).await;
        let (take, free) = (vec![nullifier(1, SHOUYANG, "v2")], vec![nullifier(1, SHOUYANG, "v1")]);
        assert_eq!(store.commit(claims(&read, take, free)).await, Ok(Outcome::Committed));
        assert_eq!(store.nullifiers(&[tagged(1)]).await.unwrap(), [nullifier(1, SHOUYANG, "v2")]);
    }

    async fn a_free_that_hits_no_row_is_corruption_and_writes_nothing(store: Store, _place: Place) {
        let heads = opened(&store, &[SHOUYANG, QIXIAN]).await;
        store.commit(claims(&heads[0], vec![nullifier(1, SHOUYANG, "v1")], vec![])).await.unwrap();
        let read = head_of(&store, SHOUYANG).await;
        let wrong = [
            (SHOUYANG, read.clone(), nullifier(1, SHOUYANG, "v2")), // another voucher's
            (QIXIAN, heads[1].clone(), nullifier(1, QIXIAN, "v1")), // another region's
            (SHOUYANG, read.clone(), nullifier(4, SHOUYANG, "v1")), // nobody's
        ];
        for (_, read, free) in wrong {
            let corrupt = StoreError::Corrupt { table: "nullifier", column: "voucher", key: free.voucher.clone() };
            assert_eq!(store.commit(claims(&read, vec![], vec![free.clone()])).await, Err(corrupt.clone()));
            let handed_on = Nullifier { voucher: "v3".to_owned(), ..free.clone() };
            assert_eq!(store.commit(claims(&read, vec![handed_on], vec![free])).await, Err(corrupt));
        }
        assert_eq!(store.all_nullifiers(None, 9).await.unwrap(), [nullifier(1, SHOUYANG, "v1")]);
        assert_eq!(head_of(&store, SHOUYANG).await, read);
    }

    async fn nullifiers_page_by_tag(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let takes = (1..=5).rev().map(|tag| nullifier(tag, SHOUYANG, "v1")).collect();
        store.commit(claims(&read, takes, vec![])).await.unwrap();
        let first = store.all_nullifiers(None, 3).await.unwrap();
        let rest = store.all_nullifiers(Some(first[2].tag), 3).await.unwrap();
        let tags: Vec<u8> = first.iter().chain(&rest).map(|nullifier| nullifier.tag[0]).collect();
        assert_eq!(tags, [1, 2, 3, 4, 5]);
    }

    async fn a_request_id_is_used_once_by_its_caller_in_its_region(store: Store, _place: Place) {
        let heads = opened(&store, &[SHOUYANG, QIXIAN]).await;
        store.commit(one(step(&heads[0], &["r1", "r2"]))).await.unwrap();
        let read = head_of(&store, SHOUYANG).await;
        let key = RequestKey { region: SHOUYANG.to_owned(), caller: "clerk".to_owned(), request: "r2".to_owned() };
        let again = store.commit(one(step(&read, &["r3", "r2"]))).await;
        assert_eq!(again, Ok(Outcome::RequestExists(vec![key])));
        assert_eq!(head_of(&store, SHOUYANG).await, read);
        // Another caller's and another region's are others.
        let mut other = step(&read, &["r2"]);
        other.events[0].caller = Some("reviewer".to_owned());
        assert_eq!(store.commit(one(other)).await, Ok(Outcome::Committed));
        assert_eq!(store.commit(one(step(&heads[1], &["r2"]))).await, Ok(Outcome::Committed));
        // Moves that nobody asked for repeat their request as often as they like.
        let mut ticks = step(&head_of(&store, SHOUYANG).await, &["clock", "clock"]);
        ticks.events.iter_mut().for_each(|event| event.caller = None);
        assert_eq!(store.commit(one(ticks)).await, Ok(Outcome::Committed));
    }

    async fn an_event_beyond_the_head_is_corruption(store: Store, _place: Place) {
        let read = open_one(&store).await;
        store.commit(one(step(&read, &["r1"]))).await.unwrap();
        // A head put back, as a careless restore of one table would.
        let mut back = step(&head(SHOUYANG, 2), &[]);
        back.next = Head { epoch: 1, size: 0, ..head(SHOUYANG, 2) };
        store.commit(one(back)).await.unwrap();
        let mut forked = step(&head_of(&store, SHOUYANG).await, &[]);
        forked.next = Head { epoch: 0, size: 0, root: [0; 32], ..head(SHOUYANG, 0) };
        store.commit(one(forked)).await.unwrap();
        let outcome = store.commit(one(step(&head(SHOUYANG, 0), &["new"]))).await;
        assert!(matches!(outcome, Err(StoreError::Corrupt { table: "event", .. })), "{outcome:?}");
    }

    async fn the_events_of_a_request_come_back_in_order(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let mut part = step(&read, &["many", "one", "many"]);
        part.events[2].ordinal = 1;
        let events = part.events.clone();
        store.commit(one(part)).await.unwrap();
        let key = |request: &str| RequestKey {
            region: SHOUYANG.to_owned(),
            caller: "clerk".to_owned(),
            request: request.to_owned(),
        };
        let found = store.requests(&[key("one"), key("many"), key("none"), key("many")]).await.unwrap();
        assert_eq!(found, [events[0].clone(), events[2].clone(), events[1].clone()]);
    }
}
