//! `/v1/incidents/live`: incidents as they open, grow and end, as server-sent events.
//!
//! Never slows the writer, and never outlives the credential it was opened with.

use std::{convert::Infallible, time::Duration};

use axum::{
    Extension,
    extract::State,
    response::sse::{Event, Sse},
};
use futures_util::{Stream, stream};
use tokio::{
    sync::{broadcast, watch},
    time::Interval,
};

use super::{
    auth::{self, Admin},
    live::BREATH,
    state::AdminState,
};
use crate::{analytics::IncidentView, store::IncidentNews};

/// Follow incidents
///
/// Server-sent events: `open` (also when one comes back soon after it was over), `update` (it grew, at most once a
/// second, or somebody wrote to it) and `close`, each with the incident as its list shows it. An event `dropped`
/// holds `{"count": n}`: the listener was too slow for n events; it should read the list again. Nothing is replayed.
#[utoipa::path(
    get, path = "/v1/incidents/live", operation_id = "followIncidents", tag = "Incidents",
    responses((status = 200, description = "The stream", body = IncidentView, content_type = "text/event-stream"))
)]
pub(super) async fn follow(
    State(state): State<AdminState>,
    Extension(admin): Extension<Admin>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let tail = Tail {
        news: state.parts.store.recorder.incident_news(),
        doubt: state.doubt.subscribe(),
        breath: tokio::time::interval_at(tokio::time::Instant::now() + BREATH, BREATH),
        greeting: Some(Event::default().comment("live").retry(Duration::from_secs(2))),
        admin,
        state,
    };
    Sse::new(stream::unfold(tail, |mut tail| async move {
        let event = tail.next().await?;
        Some((Ok(event), tail))
    }))
}

struct Tail {
    state: AdminState,
    admin: Admin,
    news: broadcast::Receiver<IncidentNews>,
    doubt: watch::Receiver<()>,
    breath: Interval,
    greeting: Option<Event>,
}

impl Tail {
    /// The next event; `None` ends the stream.
    async fn next(&mut self) -> Option<Event> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        loop {
            tokio::select! {
                () = self.state.parts.stopping.cancelled() => return None,
                news = self.news.recv() => return match news {
                    Ok(news) => Some(event(&news)),
                    Err(broadcast::error::RecvError::Lagged(count)) => {
                        Some(Event::default().event("dropped").data(format!("{{\"count\":{count}}}")))
                    }
                    Err(broadcast::error::RecvError::Closed) => None,
                },
                _ = self.doubt.changed() => self.check().await?,
                _ = self.breath.tick() => {
                    self.check().await?;
                    return Some(Event::default().comment("still here"));
                }
            }
        }
    }

    async fn check(&self) -> Option<()> {
        auth::is_valid(&self.state, &self.admin).await.ok().filter(|valid| *valid).map(|_| ())
    }
}

fn event(news: &IncidentNews) -> Event {
    // It always serialises: it has no map.
    let data = serde_json::to_string(&IncidentView::from(&*news.incident)).unwrap_or_default();
    Event::default().event(news.change.as_str()).data(data)
}
