//! Checkpoints, proofs and receipts: who gets them, and that they hold with nothing but the log's key.

use hefu_log::{Checkpoint, Hash, Receipt, Vkey, leaf_hash, verify_consistency, verify_inclusion};
use hefu_scenario::key;
use hefu_tests::office::must;
use hefu_wire::v1;
use hefu_wire::v1::get_receipt_request::Of;
use tonic::Code;

use crate::{Api, REGION, hidden, reason, wrong_fields};

const CHECKPOINT: &str = "AuditService/GetCheckpoint";
const INCLUSION: &str = "AuditService/GetInclusionProof";
const CONSISTENCY: &str = "AuditService/GetConsistencyProof";
const RECEIPT: &str = "AuditService/GetReceipt";

/// Nobody's key.
const ANYBODY: &str = "";

fn hashes(bytes: &[Vec<u8>]) -> Vec<Hash> {
    let hash = |bytes: &Vec<u8>| Hash::try_from(bytes.as_slice()).unwrap();
    bytes.iter().map(hash).collect()
}

/// The keys that the signer has put on record.
fn keys(api: &Api) -> Vec<Vkey> {
    let file = api.state.path().join("state/log.vkey");
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

/// The last checkpoint, verified.
async fn checkpoint(api: &Api) -> Checkpoint {
    let asked = v1::GetCheckpointRequest {
        name: api.office.parent(),
        epoch: None,
    };
    let told: v1::Checkpoint = must(&api.client, ANYBODY, CHECKPOINT, asked).await;
    let signed = Checkpoint::open(&told.note, &keys(api)).unwrap();
    assert_eq!(
        (told.size, told.root),
        (signed.size, signed.root.0.to_vec())
    );
    assert_eq!(told.epoch, signed.origin.epoch());
    signed
}

fn receipt_of(api: &Api, of: Of) -> v1::GetReceiptRequest {
    v1::GetReceiptRequest {
        parent: api.office.parent(),
        of: Some(of),
        epoch: None,
    }
}

/// Each receipt, read and verified offline.
fn verified(api: &Api, told: &v1::GetReceiptResponse) -> Vec<Receipt> {
    let keys = keys(api);
    let read = |told: &v1::EventReceipt| {
        let receipt: Receipt = told.text.parse().unwrap();
        let signed = receipt.verify(&keys).unwrap();
        assert_eq!(signed.origin.region(), REGION);
        assert_eq!(
            (told.epoch, told.index),
            (signed.origin.epoch(), receipt.index)
        );
        receipt
    };
    told.receipts.iter().map(read).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anybody_proves_that_an_event_is_in_the_log_and_that_the_log_only_grew() {
    let api = Api::start().await;
    for number in 0..5 {
        api.office.person(&api.client, number).await;
    }
    api.running.signing.sign().await.unwrap();
    let signed = checkpoint(&api).await;
    let store = api.running.engine.store();
    let rows = store.events(REGION, 0, 0, u32::MAX).await.unwrap();
    let mut frontier = hefu_log::Frontier::new();
    let mut roots = vec![frontier.root()];
    for row in &rows {
        frontier.push(Hash(row.leaf));
        roots.push(frontier.root());
    }
    for size in 1..=signed.size {
        let index = size - 1;
        for size in [size, signed.size] {
            let asked = v1::GetInclusionProofRequest {
                parent: api.office.parent(),
                index,
                size: (size < signed.size).then_some(size),
                epoch: Some(0),
            };
            let told: v1::InclusionProof = must(&api.client, ANYBODY, INCLUSION, asked).await;
            let leaf = leaf_hash(&rows[index as usize].bytes);
            assert_eq!((told.size, &told.leaf_hash), (size, &leaf.0.to_vec()));
            let proof = hashes(&told.hashes);
            verify_inclusion(&leaf, index, size, &proof, &roots[size as usize]).unwrap();
            if size == signed.size {
                let note = Checkpoint::open(&told.note, &keys(&api)).unwrap();
                assert_eq!(note, signed);
            }
        }
        let asked = v1::GetConsistencyProofRequest {
            parent: api.office.parent(),
            from_size: size,
            ..v1::GetConsistencyProofRequest::default()
        };
        let told: v1::ConsistencyProof = must(&api.client, ANYBODY, CONSISTENCY, asked).await;
        let (from, to) = (&roots[size as usize], &signed.root);
        verify_consistency(size, from, told.to_size, to, &hashes(&told.hashes)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_checkpoint_covers_is_not_proven() {
    let api = Api::start().await;
    api.running.signing.sign().await.unwrap();
    let size = checkpoint(&api).await.size;
    let parent = api.office.parent();
    let inclusion = |index, size| v1::GetInclusionProofRequest {
        parent: parent.clone(),
        index,
        size,
        epoch: None,
    };
    let consistency = |from_size, to_size| v1::GetConsistencyProofRequest {
        parent: parent.clone(),
        from_size,
        to_size: Some(to_size),
        epoch: None,
    };
    let unpublished = "NOT_PUBLISHED";
    hidden(&api, ANYBODY, INCLUSION, inclusion(size, None), unpublished).await;
    hidden(
        &api,
        ANYBODY,
        INCLUSION,
        inclusion(0, Some(size + 1)),
        unpublished,
    )
    .await;
    hidden(
        &api,
        ANYBODY,
        CONSISTENCY,
        consistency(1, size + 1),
        unpublished,
    )
    .await;
    hidden(
        &api,
        ANYBODY,
        RECEIPT,
        receipt_of(&api, Of::Index(size)),
        unpublished,
    )
    .await;
    let other = v1::GetCheckpointRequest {
        name: parent.clone(),
        epoch: Some(1),
    };
    hidden(&api, ANYBODY, CHECKPOINT, other, unpublished).await;
    let status = api.refused(ANYBODY, INCLUSION, inclusion(2, Some(2))).await;
    assert_eq!(wrong_fields(&status), ["index"]);
    let status = api.refused(ANYBODY, CONSISTENCY, consistency(3, 2)).await;
    assert_eq!(wrong_fields(&status), ["from_size"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_keeps_what_was_recorded_and_proves_it_offline() {
    let api = Api::start().await;
    let office = &api.office;
    let person = office.person(&api.client, 1).await;
    let asked = office.application(&person, office.fresh("apply"));
    let applied: v1::ApplyResponse = must(
        &api.client,
        &office.portal,
        "ApplicationService/Apply",
        asked.clone(),
    )
    .await;
    let receipt = applied.receipt.unwrap();
    let (voucher, at) = (receipt.name, receipt.recorded.unwrap());
    let issue = office.issue(&voucher, office.fresh("issue"));
    let method = "IssuanceService/Issue";
    let _: v1::IssueResponse = must(&api.client, &office.reviewer, method, issue).await;
    api.running.signing.sign().await.unwrap();

    // By index: the reply said where it stands, and anybody may have it.
    let of = Of::Index(at.first_index);
    let told: v1::GetReceiptResponse =
        must(&api.client, ANYBODY, RECEIPT, receipt_of(&api, of)).await;
    let by_index = verified(&api, &told);
    // By request id: whoever made the request.
    let of = Of::Request(asked.request_id.clone());
    let told: v1::GetReceiptResponse = must(
        &api.client,
        &office.portal,
        RECEIPT,
        receipt_of(&api, of.clone()),
    )
    .await;
    let by_request = verified(&api, &told);
    assert_eq!(by_request.len(), at.events as usize);
    assert_eq!(by_request[0].entry, by_index[0].entry);
    let not_found = "REQUEST_NOT_FOUND";
    hidden(
        &api,
        api.clerk(),
        RECEIPT,
        receipt_of(&api, of.clone()),
        not_found,
    )
    .await;
    let status = api.refused(ANYBODY, RECEIPT, receipt_of(&api, of)).await;
    assert_eq!(status.code(), Code::Unauthenticated);
    // By voucher: whoever sees it gets all that happened to it.
    let of = Of::Voucher(voucher.clone());
    for who in [&office.portal, &office.reviewer] {
        let told: v1::GetReceiptResponse =
            must(&api.client, who, RECEIPT, receipt_of(&api, of.clone())).await;
        let kinds: Vec<String> = verified(&api, &told)
            .iter()
            .map(|receipt| {
                let event: hefu_log::Opened = hefu_log::Opened::decode(&receipt.entry).unwrap();
                event.kind
            })
            .collect();
        assert_eq!(kinds, ["Applied", "Issued"]);
    }
    let stranger = key(0, "stranger");
    let asked = receipt_of(&api, of.clone());
    let status = api.refused(&stranger, RECEIPT, asked).await;
    assert_ne!(status.code(), Code::Unauthenticated);
    assert!(!reason(&status).is_empty(), "{status}");
    let status = api.refused(ANYBODY, RECEIPT, receipt_of(&api, of)).await;
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_of_nothing_names_the_wrong_field() {
    let api = Api::start().await;
    let ask = |of| receipt_of(&api, of);
    for (asked, field) in [
        (
            v1::GetReceiptRequest {
                of: None,
                ..ask(Of::Index(0))
            },
            "of",
        ),
        (ask(Of::Request("no id at all".to_owned())), "request"),
        (ask(Of::Voucher("regions/140725".to_owned())), "voucher"),
        (
            v1::GetReceiptRequest {
                parent: "140725".to_owned(),
                ..ask(Of::Index(0))
            },
            "parent",
        ),
        (
            ask(Of::Voucher(
                "regions/140726/vouchers/01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
            )),
            "voucher",
        ),
    ] {
        let status = api.refused(api.clerk(), RECEIPT, asked).await;
        assert_eq!(wrong_fields(&status), [field], "{status}");
    }
}
