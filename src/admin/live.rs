//! `/v1/records/live`: records as they are committed, as server-sent events.
//!
//! Never slows the writer: a listener that falls behind is told how many records it missed. Never
//! outlives the credential it was opened with.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    Extension,
    extract::State,
    http::HeaderMap,
    response::sse::{Event, Sse},
};
use futures_util::{Stream, stream};
use tokio::{
    sync::{broadcast, watch},
    time::Interval,
};

use super::{
    auth::{self, Admin},
    error::{ApiError, ErrorBody},
    extract::Params,
    filter::{RecordParams, passes},
    state::AdminState,
};
use crate::{
    analytics::RecordView,
    store::{LiveRecord, RecordFilter},
};

/// How often a quiet stream is kept alive and its credential looked at again.
pub(super) const BREATH: Duration = Duration::from_secs(15);
/// Records read at once when a listener comes back.
const REPLAY_CHUNK: u32 = 500;

/// Follow records
///
/// Server-sent events, with the filters of `/v1/records`. An event `record` holds a record as its
/// list shows it; its id, sent back as `Last-Event-ID`, resumes without a gap. An event `dropped`
/// holds `{"count": n}`: the listener was too slow for n records, filtered or not. Comments keep a
/// quiet stream alive.
#[utoipa::path(
    get, path = "/v1/records/live", operation_id = "followRecords", tag = "Records",
    params(
        RecordParams,
        ("Last-Event-ID" = Option<i64>, Header, description = "The id of the last event seen; begins after it"),
    ),
    responses(
        (status = 200, description = "The stream", body = RecordView, content_type = "text/event-stream"),
        (status = 400, description = "A query parameter is unknown or wrong; `param` names it", body = ErrorBody),
    )
)]
pub(super) async fn follow(
    State(state): State<AdminState>,
    Extension(admin): Extension<Admin>,
    headers: HeaderMap,
    Params(filter, ..): Params<RecordParams>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let last_seen = match headers.get("last-event-id") {
        Some(id) => {
            let seq = id.to_str().ok().and_then(|text| text.parse::<i64>().ok());
            Some(seq.ok_or_else(|| ApiError::invalid("Last-Event-ID", "`Last-Event-ID` is not an id of this stream"))?)
        }
        None => None,
    };
    let tail = Tail {
        // Listening begins before the past is read, so that nothing falls between the two.
        news: state.parts.store.recorder.live(),
        doubt: state.doubt.subscribe(),
        breath: tokio::time::interval_at(tokio::time::Instant::now() + BREATH, BREATH),
        ready: VecDeque::from([Event::default().comment("live").retry(Duration::from_secs(2))]),
        is_catching_up: last_seen.is_some(),
        last_seq: last_seen.unwrap_or(i64::MIN),
        filter: filter.into(),
        admin,
        state,
    };
    Ok(Sse::new(stream::unfold(tail, |mut tail| async move {
        let event = tail.next().await?;
        Some((Ok(event), tail))
    })))
}

struct Tail {
    state: AdminState,
    admin: Admin,
    filter: RecordFilter,
    news: broadcast::Receiver<LiveRecord>,
    doubt: watch::Receiver<()>,
    breath: Interval,
    ready: VecDeque<Event>,
    is_catching_up: bool,
    last_seq: i64,
}

impl Tail {
    /// The next event; `None` ends the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.is_catching_up {
                self.catch_up().await?;
            } else {
                self.wait().await?;
            }
        }
    }

    async fn wait(&mut self) -> Option<()> {
        tokio::select! {
            () = self.state.parts.stopping.cancelled() => None,
            news = self.news.recv() => self.tell(news),
            _ = self.doubt.changed() => self.check().await,
            _ = self.breath.tick() => {
                self.ready.push_back(Event::default().comment("still here"));
                self.check().await
            }
        }
    }

    fn tell(&mut self, news: Result<LiveRecord, broadcast::error::RecvError>) -> Option<()> {
        match news {
            Ok(live) if live.seq > self.last_seq => {
                self.last_seq = live.seq;
                if passes(&self.filter, &live.record) {
                    self.ready.push_back(event(live.seq, &RecordView::live(&live)));
                }
            }
            Ok(_) => {}
            Err(broadcast::error::RecvError::Lagged(count)) => {
                self.ready.push_back(Event::default().event("dropped").data(format!("{{\"count\":{count}}}")));
            }
            Err(broadcast::error::RecvError::Closed) => return None,
        }
        Some(())
    }

    async fn catch_up(&mut self) -> Option<()> {
        let missed = self.state.parts.store.history.records_since(self.last_seq, REPLAY_CHUNK).await;
        let missed = missed.inspect_err(|fault| tracing::error!(%fault, "a live stream could not catch up")).ok()?;
        self.is_catching_up = missed.len() == REPLAY_CHUNK as usize;
        for stored in missed {
            self.last_seq = stored.seq;
            if passes(&self.filter, &stored.record) {
                self.ready.push_back(event(stored.seq, &RecordView::row(&stored)));
            }
        }
        Some(())
    }

    async fn check(&self) -> Option<()> {
        auth::is_valid(&self.state, &self.admin).await.ok().filter(|valid| *valid).map(|_| ())
    }
}

fn event(seq: i64, record: &RecordView) -> Event {
    // A record always serialises: it has no map with other keys than text.
    let data = serde_json::to_string(record).unwrap_or_default();
    Event::default().event("record").id(seq.to_string()).data(data)
}
