//! Open files: every connection is one. Where they run out nobody can connect, and no database file opens either.

/// What is not connections: the database, key files, the log.
const OTHERS: usize = 256;

/// How many connections fit this process's limit of open files beside so many handshakes, of as many as are wanted. The limit is raised
/// as far as the system allows.
#[cfg(unix)]
pub(crate) fn room_for(wanted: usize, handshakes: usize) -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let others = handshakes + OTHERS;
    let needed = (wanted + others) as u64;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < needed) {
        let raised = limit.maximum.map_or(needed, |most| most.min(needed));
        limit.current = Some(raised);
        // A sandbox may forbid it, then what there was before stays.
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(%error, "the limit of open files stays as it is");
        }
    }
    let there = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let there = usize::try_from(there).unwrap_or(usize::MAX);
    let fits = there.saturating_sub(others).max(1).min(wanted);
    if fits < wanted {
        tracing::warn!(
            fits,
            wanted,
            "this process may open too few files for so many connections: raise its limit (LimitNOFILE, ulimit -n), or lower [limits] connections"
        );
    }
    fits
}

#[cfg(not(unix))]
pub(crate) fn room_for(wanted: usize, _handshakes: usize) -> usize {
    wanted
}
