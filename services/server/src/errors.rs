//! The one file that maps errors to gRPC status. A caller is told what to do; what went wrong inside stays in our log.

use std::collections::HashMap;
use std::time::Duration;

use axum::response::Response;
use hefu_domain::Stop;
use hefu_engine::{EngineError, Full, Stopped, Whose};
use hefu_store::StoreError;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::limits::{Gate, Limited, Of};

const DOMAIN: &str = "hefu";

fn coded(code: Code, reason: &str, message: &str, retry: Option<Duration>) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    if let Some(delay) = retry {
        details.set_retry_info(Some(delay));
    }
    Status::with_error_details(code, message, details)
}

/// The status of an engine's error met while reading.
pub(crate) fn status(error: EngineError) -> Status {
    of_move("", error)
}

/// The status of an engine's error over a request of that RPC.
pub(crate) fn of_move(rpc: &str, error: EngineError) -> Status {
    match error {
        EngineError::Refused(refusals) => hefu_wire::errors::refused(rpc, &refusals),
        EngineError::GroupRefused { item, refusals } => {
            let refused = hefu_wire::errors::refused(rpc, &refusals);
            let details = hefu_wire::errors::of_item(item, &refused).get_error_details();
            let message = format!(
                "item {item} was refused, so nothing of the group was done: {}",
                refused.message()
            );
            Status::with_error_details(refused.code(), message, details)
        }
        EngineError::RequestReused => coded(
            Code::AlreadyExists,
            "REQUEST_ID_REUSED",
            "this request id was used for another request; take a new one for a new request",
            None,
        ),
        EngineError::Busy(why) => coded(
            Code::Unavailable,
            "BUSY",
            why,
            Some(Duration::from_millis(200)),
        ),
        EngineError::Full(full) => self::full(full),
        EngineError::OutcomeUnknown => coded(
            Code::Unavailable,
            "OUTCOME_UNKNOWN",
            "outcome unknown, retry with the same request id",
            Some(Duration::from_secs(1)),
        ),
        EngineError::Stopped(why @ Stopped::Alarmed { .. }) => {
            tracing::warn!(%why, "a write was turned away: the region's log is in doubt");
            coded(
                Code::Unavailable,
                "LOG_IN_DOUBT",
                "this region takes no writes: its log is not what was signed, and the operator must look into it",
                None,
            )
        }
        EngineError::Stopped(why) => {
            tracing::warn!(%why, "a write was turned away: this process writes no more");
            coded(
                Code::Unavailable,
                "NOT_SERVING",
                "this server takes no writes at present",
                Some(Duration::from_secs(30)),
            )
        }
        EngineError::Unstorable(what) => {
            tracing::warn!(%what, "a command could not be recorded");
            coded(
                Code::InvalidArgument,
                "TOO_LARGE",
                "the request is too large to be recorded as one event",
                None,
            )
        }
        EngineError::Store(error) => store(error),
        error @ (EngineError::Vault(_) | EngineError::Endless) => {
            tracing::error!(%error, "a command failed inside");
            internal()
        }
    }
}

/// Too much waits. Not UNAVAILABLE, which clients and proxies send again at once by themselves: that would be the next flood.
fn full(Full { whose, wait }: Full) -> Status {
    let (reason, what_to_do) = match whose {
        // Others' moves wait, and the caller can do nothing about it but come back.
        Whose::Region | Whose::All | Whose::Time => ("QUEUE_FULL", "send it again in a moment"),
        Whose::Caller => ("TOO_MANY_WAITING", "wait for answers before you send more"),
    };
    let message = format!("{whose}; nothing was done: {what_to_do}");
    coded(Code::ResourceExhausted, reason, &message, Some(wait))
}

/// The status of a store's error met while reading.
pub(crate) fn store(error: StoreError) -> Status {
    match &error {
        StoreError::Unavailable { .. } | StoreError::OutcomeUnknown { .. } => {
            tracing::warn!(%error, "the store is unavailable");
            coded(
                Code::Unavailable,
                "BUSY",
                "the database is not available",
                Some(Duration::from_secs(1)),
            )
        }
        StoreError::Invalid { column, why, .. } => coded(
            Code::InvalidArgument,
            "NOT_STORABLE",
            &format!("{column} {why}"),
            None,
        ),
        StoreError::Fatal { .. }
        | StoreError::Corrupt { .. }
        | StoreError::InUse { .. }
        | StoreError::Setup { .. } => {
            tracing::error!(%error, "the store failed");
            internal()
        }
    }
}

/// No published checkpoint shows what was asked for. Whether it is there already is not said: unsigned, it may still go.
pub(crate) fn not_published() -> Status {
    coded(
        Code::NotFound,
        "NOT_PUBLISHED",
        "no published checkpoint covers this; what is new is covered within a second or so",
        None,
    )
}

/// It is in the log, and no checkpoint covers it yet.
pub(crate) fn not_signed_yet() -> Status {
    coded(
        Code::Unavailable,
        "NOT_SIGNED_YET",
        "no checkpoint covers these events yet; ask again in a moment",
        Some(Duration::from_secs(1)),
    )
}

/// A register that must answer first does not. Nothing was recorded.
pub(crate) fn no_register(why: &str) -> Status {
    tracing::warn!(%why, "a register was asked in vain");
    let message = format!(
        "{why}; nothing was recorded: ask again later, or have a clerk record the answer by hand (RecordCheckAnswers, ConfirmCertificate)"
    );
    coded(
        Code::Unavailable,
        "REGISTER_UNAVAILABLE",
        &message,
        Some(Duration::from_secs(60)),
    )
}

/// The caller made no such request, or none that was accepted.
pub(crate) fn no_such_request() -> Status {
    coded(
        Code::NotFound,
        "REQUEST_NOT_FOUND",
        "no request of yours under this id was accepted in this region",
        None,
    )
}

/// There is no such report, or not for this caller.
pub(crate) fn no_such_report() -> Status {
    coded(
        Code::NotFound,
        "REPORT_NOT_FOUND",
        "no such report; an institution's own statement is `institution`",
        None,
    )
}

/// Why a report is not made.
pub(crate) fn report(code: Code, reason: &str, message: &str) -> Status {
    let retry = (code == Code::Unavailable).then_some(Duration::from_secs(10));
    coded(code, reason, message, retry)
}

/// The status of a read's refusal.
pub(crate) fn stop(stop: Stop) -> Status {
    stopped("", stop)
}

/// The status of the refusal of a read of that RPC.
pub(crate) fn stopped(rpc: &str, stop: Stop) -> Status {
    match stop {
        Stop::Refused(refusals) => hefu_wire::errors::refused(rpc, &refusals),
        Stop::Missing(need) => {
            tracing::error!(?need, "a read ended with a fact missing");
            internal()
        }
    }
}

/// Gives the transport's own statuses the form of ours. Every status of a handler carries details, so one without them says that the
/// message never reached a handler: it cannot be read, or is too large.
pub(crate) fn unread(gate: &Gate, response: Response) -> Response {
    let code = response.headers().get(Status::GRPC_STATUS);
    let is_transports = code.is_some_and(|code| {
        let code = Code::from_bytes(code.as_bytes());
        matches!(
            code,
            Code::Internal | Code::OutOfRange | Code::Unimplemented
        )
    });
    if !is_transports {
        return response;
    }
    let Some(status) = Status::from_header_map(response.headers()) else {
        return response;
    };
    let (reason, message) = match status.code() {
        Code::Internal if status.details().is_empty() => (
            "MESSAGE_UNREADABLE",
            "the message is not what its method takes".to_owned(),
        ),
        // Not RESOURCE_EXHAUSTED, which clients send again: it would be as large then.
        Code::OutOfRange if status.details().is_empty() => {
            let most = gate.limits().message_bytes;
            let told = format!("the message is larger than {most} bytes: send it in parts");
            ("MESSAGE_TOO_LARGE", told)
        }
        Code::Unimplemented if status.details().is_empty() => (
            "NOT_IMPLEMENTED",
            "there is no such method, or its message is compressed, which is not taken".to_owned(),
        ),
        _ => return response,
    };
    let code = match status.code() {
        Code::Unimplemented => Code::Unimplemented,
        _ => Code::InvalidArgument,
    };
    coded(code, reason, &message, None).into_http()
}

/// Too often.
pub(crate) fn limited(limited: Limited) -> Status {
    let Limited { of, wait } = limited;
    let (reason, message) = match of {
        Of::Address => (
            "RATE_LIMITED",
            "too many calls from this address with credentials that no region knows",
        ),
        Of::Caller => ("RATE_LIMITED", "too many calls of this caller"),
        Of::Probes => (
            "PROBES_LIMITED",
            "too many dry runs and refused applications of this caller",
        ),
        Of::Public => ("RATE_LIMITED", "too many files for this address"),
    };
    let metadata = HashMap::from([("limit".to_owned(), of.as_str().to_owned())]);
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
    details.set_retry_info(Some(wait));
    let message = format!("{message}; nothing was done, try again in {wait:.1?}");
    Status::with_error_details(Code::ResourceExhausted, message, details)
}

/// Streams are closed before more are opened; no waiting helps.
pub(crate) fn too_many_streams() -> Status {
    coded(
        Code::ResourceExhausted,
        "TOO_MANY_STREAMS",
        "too many streams of this caller are open; close one first",
        None,
    )
}

/// The time for a call is over. Whatever it began may still be done.
pub(crate) fn deadline() -> Status {
    coded(
        Code::DeadlineExceeded,
        "DEADLINE_EXCEEDED",
        "not answered in time; whether a write was made, the same request id tells",
        None,
    )
}

/// What is being read and answered leaves no room for more.
pub(crate) fn no_memory() -> Status {
    coded(
        Code::Unavailable,
        "BUSY",
        "too much is being read at once; nothing was done",
        Some(Duration::from_millis(200)),
    )
}

/// Whether a token is genuine cannot be told.
pub(crate) fn no_keys() -> Status {
    coded(
        Code::Unavailable,
        "JWT_KEYS_UNAVAILABLE",
        "the keys of the token's issuer cannot be had at present",
        Some(Duration::from_secs(60)),
    )
}

/// Never shows detail.
pub(crate) fn internal() -> Status {
    coded(
        Code::Internal,
        "INTERNAL",
        "an error inside this server; its operator's log says more",
        None,
    )
}
