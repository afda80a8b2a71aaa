//! The auditor's streams: every region's events from the first one on, several regions at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hefu_wire::v1;
use tokio::task::JoinSet;

use super::load::{Measured, Notes, together};
use super::wire::{self, Call, Frames, Refused, Wire};

/// Streams that are read at once.
const STREAMS: usize = 4;

/// Reads for so long, or to the end of all logs. `parents` are regions with a key that may read them.
pub(crate) async fn events(
    wire: &Arc<Wire>,
    address: &str,
    parents: Vec<(String, String)>,
    time: Duration,
) -> anyhow::Result<Measured> {
    let mut lanes: Vec<Vec<(Call, String)>> = (0..STREAMS).map(|_| Vec::new()).collect();
    for (n, (parent, key)) in parents.into_iter().enumerate() {
        let call = Call::new(address, "AuditService/StreamEvents", &key)?;
        lanes[n % STREAMS].push((call, parent));
    }
    let began = Instant::now();
    let until = began + time;
    let (mut callers, notes) = (JoinSet::new(), Notes::new());
    for lane in lanes {
        let (wire, notes) = (wire.clone(), notes.clone());
        callers.spawn(async move {
            for (call, parent) in lane {
                if Instant::now() >= until {
                    break;
                }
                let events = read(&wire, &call, parent, until).await;
                let mut measured = notes.take();
                match events {
                    Ok(events) => measured.ops += events,
                    Err(why) => {
                        measured.refused += 1;
                        measured
                            .first_refusal
                            .get_or_insert_with(|| why.to_string());
                    }
                }
            }
        });
    }
    Ok(together(callers, notes, began, time).await)
}

/// How many events came before the time was over.
async fn read(wire: &Wire, call: &Call, parent: String, until: Instant) -> Result<u64, Refused> {
    let request = v1::StreamEventsRequest {
        parent,
        ..Default::default()
    };
    let mut stream = wire.open(call, wire::framed(&request)).await?;
    let mut frames = Frames::default();
    while Instant::now() < until {
        let Some(bytes) = stream.data().await else {
            wire::accepted(stream.trailers().await?.as_ref())?;
            break;
        };
        let bytes = bytes?;
        stream.flow_control().release_capacity(bytes.len())?;
        frames.pass(&bytes);
    }
    Ok(frames.messages)
}
