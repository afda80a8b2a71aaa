//! The vault's ciphertexts: inserted, found by tag and gone for good.

use crate::build::*;
use hefu_store::{Commit, CommittedSecret, Erased, Outcome, PersonKey, StoreError};
use hefu_tests::on_both_engines;

fn key(person: &str) -> PersonKey {
    PersonKey {
        region: SHOUYANG.to_owned(),
        person: person.to_owned(),
    }
}

on_both_engines! {
    async fn a_secret_is_found_by_person_and_by_tag_until_it_is_removed(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let li = secret(SHOUYANG, "li", &[0, 255, 1], &[0, 1, 2]);
        let commit = Commit { secrets: vec![li.clone()], ..one(step(&read, &["register"])) };
        assert_eq!(store.commit(commit).await, Ok(Outcome::Committed));
        assert_eq!(store.people_secrets(&[key("li"), key("nobody")]).await.unwrap(), std::slice::from_ref(&li));
        let tag = (SHOUYANG.to_owned(), li.tag.clone());
        let elsewhere = (QIXIAN.to_owned(), li.tag.clone());
        assert_eq!(store.people_by_tag(&[tag.clone(), elsewhere]).await.unwrap(), [li]);
        let read = head_of(&store, SHOUYANG).await;
        let commit = Commit { erased: Erased { people: vec![key("li")], committed: Vec::new() }, ..one(step(&read, &["erase"])) };
        assert_eq!(store.commit(commit).await, Ok(Outcome::Committed));
        assert_eq!(store.people_by_tag(&[tag]).await.unwrap(), []);
        assert_eq!(store.people(SHOUYANG, None, 9).await.unwrap(), []);
    }

    async fn one_identity_is_one_person_in_a_region(store: Store, _place: Place) {
        let heads = opened(&store, &[SHOUYANG, QIXIAN]).await;
        let commit = Commit { secrets: vec![secret(SHOUYANG, "li", b"id", b"x")], ..one(step(&heads[0], &["a"])) };
        store.commit(commit).await.unwrap();
        let read = head_of(&store, SHOUYANG).await;
        let commit = Commit { secrets: vec![secret(SHOUYANG, "wang", b"id", b"y")], ..one(step(&read, &["b"])) };
        assert_eq!(store.commit(commit).await, Ok(Outcome::TagTaken(vec![key("wang")])));
        assert_eq!(head_of(&store, SHOUYANG).await, read);
        let commit = Commit { secrets: vec![secret(QIXIAN, "wang", b"id", b"y")], ..one(step(&heads[1], &["b"])) };
        assert_eq!(store.commit(commit).await, Ok(Outcome::Committed));
    }

    async fn who_is_not_there_is_erased_already_and_who_is_cannot_be_inserted(store: Store, _place: Place) {
        let read = open_one(&store).await;
        // Whoever is not there is erased already.
        let erased = Erased { people: vec![key("ghost")], committed: vec![(SHOUYANG.to_owned(), "ghost".to_owned())] };
        assert_eq!(store.erase(erased.clone()).await, Ok(0));
        let commit = Commit { erased, ..one(step(&read, &["z"])) };
        assert_eq!(store.commit(commit).await, Ok(Outcome::Committed));
        let read = head_of(&store, SHOUYANG).await;
        let twice = |tag: &[u8], request| {
            Commit { secrets: vec![secret(SHOUYANG, "li", tag, b"x")], ..one(step(&read, &[request])) }
        };
        store.commit(twice(b"1", "a")).await.unwrap();
        let again = Commit {
            secrets: vec![secret(SHOUYANG, "li", b"2", b"x")],
            ..one(step(&head_of(&store, SHOUYANG).await, &["b"]))
        };
        assert!(matches!(store.commit(again).await, Err(StoreError::Corrupt { table: "person_secret", .. })));
    }

    async fn what_a_transaction_stores_of_somebody_whom_it_erases_is_gone_with_it(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let number = CommittedSecret {
            region: SHOUYANG.to_owned(),
            commitment: "certificate".to_owned(),
            sealed: vec![1],
        };
        let erased = Erased {
            people: vec![key("li")],
            committed: vec![(SHOUYANG.to_owned(), "certificate".to_owned())],
        };
        let commit = Commit {
            secrets: vec![secret(SHOUYANG, "li", b"1", b"x")],
            committed: vec![number],
            erased: erased.clone(),
            ..one(step(&read, &["a"]))
        };
        assert_eq!(store.commit(commit).await, Ok(Outcome::Committed));
        assert_eq!(store.people(SHOUYANG, None, 9).await.unwrap(), []);
        let mut reads = store.deciding().await.unwrap();
        assert_eq!(reads.committed(&erased.committed).await, Ok(Vec::new()));
    }

    async fn a_committed_value_is_kept_once_and_found_in_its_region_only(store: Store, _place: Place) {
        let read = open_one(&store).await;
        let kept = CommittedSecret {
            region: SHOUYANG.to_owned(),
            commitment: "account-1".to_owned(),
            sealed: vec![0, 255, 1],
        };
        let commit = Commit { committed: vec![kept.clone()], ..one(step(&read, &["register"])) };
        assert_eq!(store.commit(commit).await, Ok(Outcome::Committed));
        let asked = |region: &str, commitment: &str| (region.to_owned(), commitment.to_owned());
        let mut reads = store.deciding().await.unwrap();
        let found = reads.committed(&[asked(SHOUYANG, "account-1"), asked(SHOUYANG, "account-2"), asked(QIXIAN, "account-1")]).await;
        assert_eq!(found, Ok(vec![kept.clone()]));
        drop(reads);
        let read = head_of(&store, SHOUYANG).await;
        let again = Commit { committed: vec![kept.clone()], ..one(step(&read, &["again"])) };
        assert!(matches!(store.commit(again).await, Err(StoreError::Corrupt { table: "committed_secret", .. })));
        let elsewhere = CommittedSecret { region: QIXIAN.to_owned(), ..kept };
        let foreign = Commit { committed: vec![elsewhere], ..one(step(&read, &["foreign"])) };
        assert!(matches!(store.commit(foreign).await, Err(StoreError::Invalid { table: "committed_secret", .. })));
        assert_eq!(head_of(&store, SHOUYANG).await, read);
    }
}
