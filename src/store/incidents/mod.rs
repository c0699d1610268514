//! Incidents as the one writer makes them: in the transaction of the records that tell of them.
//!
//! `judge` says what a record tells of, `group` what belongs together; here it is written down. Counts are exact;
//! requests, names and projects are kept up to a bound each. Nothing here waits for anybody.

mod group;
mod judge;
mod rows;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use sqlx::{SqliteConnection, SqlitePool};

pub(super) use self::rows::{COLUMNS, read_incident};
use self::{
    group::{Placed, Span, place},
    judge::{Cause, Sighting, sightings},
};
use super::StoreError;
use crate::{
    config,
    domain::{Impact, IncidentKind, Outcome, Record, RecordId, Timestamp},
};

/// Requests of an incident that are kept one by one.
pub(super) const MOST_RECORDS: u64 = 200;
/// Different names of one facet (projects, models, …) that are counted apart; the rest are counted together.
const MOST_NAMES: i64 = 100;
/// The name that stands for the rest.
pub(super) const THE_REST: &str = "…";
/// Incidents that are closed in one transaction.
const CLOSED_AT_ONCE: i64 = 200;

/// An incident as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// The order in which they were found.
    pub seq: i64,
    /// The id in the API.
    pub id: String,
    /// What it is about.
    pub kind: IncidentKind,
    /// Who failed.
    pub provider: Option<String>,
    /// What tells causes of one kind and provider apart: a model, a project, an error of the gateway's.
    pub subject: Option<String>,
    /// The worst of its requests.
    pub impact: Impact,
    /// Its first failure.
    pub opened_at: Timestamp,
    /// Its newest failure.
    pub last_seen_at: Timestamp,
    /// When it was over; `None` while it is open.
    pub closed_at: Option<Timestamp>,
    /// How often it came back.
    pub reopened: u32,
    /// Requests whose client got a failure.
    pub impacting: u64,
    /// Requests whose client got its answer all the same.
    pub mitigated: u64,
    /// Requests that did not suffer.
    pub notices: u64,
    /// When somebody took notice of it.
    pub acknowledged_at: Option<Timestamp>,
    /// What somebody wrote to it.
    pub note: Option<String>,
}

impl Incident {
    /// All its requests.
    pub const fn requests(&self) -> u64 {
        self.impacting + self.mitigated + self.notices
    }
}

/// What became of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IncidentChange {
    /// It began.
    Opened,
    /// It grew, or somebody acknowledged it or wrote to it.
    Updated,
    /// It was over and came back; to those who follow, it opened.
    Reopened,
    /// It is over.
    Closed,
}

impl IncidentChange {
    /// The name of the event.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened | Self::Reopened => "open",
            Self::Updated => "update",
            Self::Closed => "close",
        }
    }
}

/// A change of an incident, as it was committed.
#[derive(Clone, Debug)]
pub struct IncidentNews {
    /// What became of it.
    pub change: IncidentChange,
    /// What it is now.
    pub incident: Arc<Incident>,
}

/// What somebody changes of an incident; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct IncidentEdit {
    /// Whether somebody took notice of it.
    pub acknowledged: Option<bool>,
    /// The note, or none any more.
    pub note: Option<Option<String>>,
}

/// The writer's side of incidents.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// News of the transaction under way.
    staged: Vec<IncidentNews>,
    /// Incidents that grew since that was last told.
    grown: HashMap<i64, Arc<Incident>>,
    /// Whether some may be open, so that it is worth while to look; at the start nobody knows.
    may_have_open: bool,
}

/// An incident that is being changed.
struct Draft {
    incident: Incident,
    span: Span,
    change: Option<IncidentChange>,
    news: Additions,
}

/// What a group of records adds to one incident.
#[derive(Default)]
struct Additions {
    records: Vec<(u64, RecordId, Sighting)>,
    minutes: BTreeMap<i64, [i64; 3]>,
    facets: BTreeMap<(&'static str, String), i64>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self { may_have_open: true, ..Self::default() }
    }

    /// Writes down what records tell of; `records` are as the other tables get them.
    pub(super) async fn run(
        &mut self,
        connection: &mut SqliteConnection,
        records: &[(i64, &Record, i64)],
        settings: &config::Incidents,
    ) -> Result<(), StoreError> {
        let mut by_cause: HashMap<Cause, Vec<(Sighting, &Record)>> = HashMap::new();
        for (_, record, _) in records {
            for sighting in sightings(record).into_iter().filter(|seen| settings.kinds.contains(&seen.cause.kind)) {
                by_cause.entry(sighting.cause.clone()).or_default().push((sighting, record));
            }
        }
        let quiet_us = i64::try_from(settings.quiet_time.as_micros()).unwrap_or(i64::MAX / 4);
        for (cause, mut seen) in by_cause {
            seen.sort_by_key(|(sighting, _)| sighting.at_us);
            let (Some((first, _)), Some((last, _))) = (seen.first(), seen.last()) else { continue };
            let reach = first.at_us.saturating_sub(2 * quiet_us)..=last.at_us.saturating_add(quiet_us);
            let mut drafts = rows::load(connection, &cause, reach).await?;
            for (sighting, record) in seen {
                take(&mut drafts, &cause, sighting, record, quiet_us);
            }
            for mut draft in drafts {
                let Some(change) = draft.change else { continue };
                rows::save(connection, &mut draft).await?;
                self.may_have_open = true;
                self.staged.push(IncidentNews { change, incident: Arc::new(draft.incident) });
            }
        }
        Ok(())
    }

    /// The transaction was committed: `tell` is told of what opened, came back or ended; growth is told at the
    /// next [`Ledger::sweep`], so that a storm of failures is not a storm of news.
    pub(super) fn committed(&mut self, mut tell: impl FnMut(IncidentNews)) {
        for news in self.staged.drain(..) {
            if news.change == IncidentChange::Updated {
                self.grown.insert(news.incident.seq, news.incident);
            } else {
                self.grown.remove(&news.incident.seq);
                tell(news);
            }
        }
    }

    /// The transaction was rolled back.
    pub(super) fn rolled_back(&mut self) {
        self.staged.clear();
    }

    /// Tells what grew, and closes what has been quiet for long enough by `now`.
    pub(super) async fn sweep(
        &mut self,
        pool: &SqlitePool,
        settings: &config::Incidents,
        now: Timestamp,
        mut tell: impl FnMut(IncidentNews),
    ) -> Result<(), StoreError> {
        for (_, incident) in self.grown.drain() {
            tell(IncidentNews { change: IncidentChange::Updated, incident });
        }
        if !self.may_have_open {
            return Ok(());
        }
        let quiet_us = i64::try_from(settings.quiet_time.as_micros()).unwrap_or(i64::MAX / 4);
        let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
        let closed = rows::close_quiet(&mut transaction, now.unix_us, quiet_us, CLOSED_AT_ONCE).await?;
        let are_left = rows::has_open(&mut transaction).await?;
        transaction.commit().await?;
        self.may_have_open = are_left;
        for incident in closed {
            tell(IncidentNews { change: IncidentChange::Closed, incident: Arc::new(incident) });
        }
        Ok(())
    }

    /// Notes what somebody says of an incident; what it was and became, `None` if there is none.
    pub(super) async fn edit(
        pool: &SqlitePool,
        id: &str,
        edit: &IncidentEdit,
        now: Timestamp,
    ) -> Result<Option<(Incident, Incident)>, StoreError> {
        let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
        let Some(before) = rows::find(&mut transaction, id).await? else { return Ok(None) };
        let mut after = before.clone();
        match edit.acknowledged {
            None => {}
            Some(true) => drop(after.acknowledged_at.get_or_insert(now)),
            Some(false) => after.acknowledged_at = None,
        }
        if let Some(note) = &edit.note {
            after.note.clone_from(note);
        }
        rows::annotate(&mut transaction, &after).await?;
        transaction.commit().await?;
        Ok(Some((before, after)))
    }
}

/// Puts a sighting where it belongs.
fn take(drafts: &mut Vec<Draft>, cause: &Cause, sighting: Sighting, record: &Record, quiet_us: i64) {
    let at_us = sighting.at_us;
    let place = match place(drafts.iter().map(|draft| &draft.span), at_us, quiet_us) {
        Placed::Grows(place) => {
            if let Some(draft) = drafts.get_mut(place) {
                draft.span.grow(at_us, false);
                draft.change.get_or_insert(IncidentChange::Updated);
            }
            place
        }
        Placed::Reopens(place) => {
            if let Some(draft) = drafts.get_mut(place) {
                draft.span.grow(at_us, true);
                draft.incident.reopened += 1;
                draft.change = draft.change.filter(|change| *change == IncidentChange::Opened);
                draft.change.get_or_insert(IncidentChange::Reopened);
            }
            place
        }
        Placed::Begins => {
            // What is still open from before has been over for long; nobody has looked yet.
            let over = drafts
                .iter_mut()
                .filter(|draft| draft.span.closed_us.is_none() && draft.span.over_us(quiet_us) < at_us);
            for draft in over {
                draft.span.closed_us = Some(draft.span.over_us(quiet_us));
                draft.change = Some(IncidentChange::Closed);
            }
            drafts.push(Draft::new(cause, at_us));
            drafts.len() - 1
        }
    };
    if let Some(draft) = drafts.get_mut(place) {
        draft.count(sighting, record);
    }
}

impl Draft {
    fn new(cause: &Cause, at_us: i64) -> Self {
        let id = format!("inc_{}", RecordId::new().to_string().replace('-', ""));
        let text = |name: &Option<Arc<str>>| name.as_deref().map(str::to_owned);
        let incident = Incident {
            seq: 0,
            id,
            kind: cause.kind,
            provider: text(&cause.provider),
            subject: text(&cause.subject),
            impact: Impact::Notice,
            opened_at: Timestamp { unix_us: at_us },
            last_seen_at: Timestamp { unix_us: at_us },
            closed_at: None,
            reopened: 0,
            impacting: 0,
            mitigated: 0,
            notices: 0,
            acknowledged_at: None,
            note: None,
        };
        Self { incident, span: Span::at(at_us), change: Some(IncidentChange::Opened), news: Additions::default() }
    }

    fn of(incident: Incident) -> Self {
        let span = Span {
            opened_us: incident.opened_at.unix_us,
            last_seen_us: incident.last_seen_at.unix_us,
            closed_us: incident.closed_at.map(|at| at.unix_us),
        };
        Self { incident, span, change: None, news: Additions::default() }
    }

    fn count(&mut self, sighting: Sighting, record: &Record) {
        let number = self.incident.requests();
        let (counter, column) = match sighting.impact {
            Impact::CustomerImpacting => (&mut self.incident.impacting, 0),
            Impact::Mitigated => (&mut self.incident.mitigated, 1),
            Impact::Notice => (&mut self.incident.notices, 2),
        };
        *counter += 1;
        self.incident.impact = self.incident.impact.max(sighting.impact);
        let minute = self.news.minutes.entry(sighting.at_us.div_euclid(60_000_000)).or_default();
        if let Some(sum) = minute.get_mut(column) {
            *sum += 1;
        }
        let text = |name: &Option<Arc<str>>| name.as_deref().unwrap_or_default().to_owned();
        let answered = record.attempts.last().filter(|_| {
            sighting.impact == Impact::Mitigated && matches!(record.outcome, Outcome::Ok | Outcome::ClientDisconnected)
        });
        let facets = [
            Some(("project", text(&record.project))),
            Some(("source", text(&record.source))),
            Some(("model", text(&sighting.model))),
            Some(("error", sighting.error.to_owned())),
            answered.map(|call| ("mitigated_by", format!("{}/{}", call.provider, text(&call.model)))),
        ];
        for facet in facets.into_iter().flatten() {
            *self.news.facets.entry(facet).or_default() += 1;
        }
        if number < MOST_RECORDS {
            self.news.records.push((number, record.id, sighting));
        }
    }
}
