//! Incidents: lists by keyset, single ones with their requests, and how many are open.

use sqlx::{AssertSqlSafe, QueryBuilder, Row as _, Sqlite};

use super::{Cursor, History};
use crate::{
    domain::{Impact, IncidentKind, RecordId, Timestamp},
    store::{
        Incident, StoreError,
        incidents::{COLUMNS, THE_REST, read_incident},
    },
};

/// Most incidents in one page.
const LARGEST_PAGE: u32 = 1_000;
/// Most minutes of a timeline; an incident that lasted longer tells its newest.
const MOST_MINUTES: i64 = 2_880;

/// Which incidents; a field that is `None` lets all pass.
#[derive(Clone, Debug, Default)]
pub struct IncidentFilter {
    /// Whether it is open.
    pub open: Option<bool>,
    /// What it is about.
    pub kind: Option<IncidentKind>,
    /// Whom it hit.
    pub impact: Option<Impact>,
    /// Who failed.
    pub provider: Option<String>,
    /// A project that it hit.
    pub project: Option<String>,
    /// Whether somebody took notice of it.
    pub acknowledged: Option<bool>,
    /// Still going on at this moment or later.
    pub from: Option<Timestamp>,
    /// Begun before this moment.
    pub to: Option<Timestamp>,
}

/// One page of incidents, newest first.
#[derive(Clone, Debug)]
pub struct IncidentPage {
    /// The incidents.
    pub incidents: Vec<Incident>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

/// An incident with all that is kept of it.
#[derive(Clone, Debug)]
pub struct IncidentDetail {
    /// The incident.
    pub incident: Incident,
    /// Its minutes that had failures, oldest first.
    pub minutes: Vec<IncidentMinute>,
    /// Its first requests.
    pub records: Vec<IncidentRecord>,
    /// Its requests by facet and name, the most frequent first. A name of `None` is "not set" for projects
    /// and sources, and stands for all further names when `is_rest` is set.
    pub facets: Vec<IncidentFacet>,
}

/// A minute of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncidentMinute {
    /// Its beginning.
    pub at: Timestamp,
    /// Requests whose client got a failure.
    pub impacting: u64,
    /// Requests whose client got its answer all the same.
    pub mitigated: u64,
    /// Requests that did not suffer.
    pub notices: u64,
}

/// A request of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentRecord {
    /// The record, which may have been deleted since.
    pub record_id: RecordId,
    /// When it failed.
    pub at: Timestamp,
    /// Whether its client suffered.
    pub impact: Impact,
    /// The model that was asked.
    pub model: Option<String>,
    /// What went wrong.
    pub error: String,
}

/// Requests of an incident that have something in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentFacet {
    /// `project`, `source`, `model`, `error` or `mitigated_by`.
    pub facet: String,
    /// What they have in common.
    pub name: Option<String>,
    /// Whether this counts all names beyond those that are told apart.
    pub is_rest: bool,
    /// How many there are.
    pub requests: u64,
}

/// How many incidents there are, by the worst that they did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IncidentCounts {
    /// Not over yet.
    pub open: u64,
    /// Clients got failures.
    pub impacting: u64,
    /// All clients got their answers.
    pub mitigated: u64,
    /// No answer suffered.
    pub notices: u64,
}

impl History {
    /// How many incidents a filter lets pass.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn incident_counts(&self, filter: &IncidentFilter) -> Result<IncidentCounts, StoreError> {
        let mut query = QueryBuilder::new("SELECT impact, count(*), sum(closed_at IS NULL) FROM incidents WHERE true");
        narrow(&mut query, filter);
        let mut counts = IncidentCounts::default();
        for row in query.push(" GROUP BY impact").build().fetch_all(&self.readers).await? {
            let (impact, all, open): (&str, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            counts.open += open.unsigned_abs();
            let sum = match Impact::parse(impact) {
                Some(Impact::CustomerImpacting) => &mut counts.impacting,
                Some(Impact::Mitigated) => &mut counts.mitigated,
                _ => &mut counts.notices,
            };
            *sum += all.unsigned_abs();
        }
        Ok(counts)
    }

    /// One page of incidents, by their beginning, newest first; `limit` is kept between 1 and 1,000.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn incidents(
        &self,
        filter: &IncidentFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<IncidentPage, StoreError> {
        let limit = limit.clamp(1, LARGEST_PAGE) as usize;
        let mut query = QueryBuilder::new("SELECT ");
        query.push(COLUMNS).push(" FROM incidents WHERE true");
        narrow(&mut query, filter);
        if let Some(Cursor { value, seq }) = after {
            query.push(" AND opened_at <= ").push_bind(value);
            query.push(" AND (opened_at < ").push_bind(value).push(" OR seq < ").push_bind(seq).push(")");
        }
        // One more than asked tells whether there is a next page.
        query.push(" ORDER BY opened_at DESC, seq DESC LIMIT ").push_bind(limit as i64 + 1);
        let rows = query.build().fetch_all(&self.readers).await?;
        let mut incidents = rows.iter().map(read_incident).collect::<Result<Vec<_>, _>>()?;
        let more = incidents.len() > limit;
        incidents.truncate(limit);
        let cursor_of = |last: &Incident| Cursor { value: last.opened_at.unix_us, seq: last.seq };
        let next = incidents.last().filter(|_| more).map(cursor_of);
        Ok(IncidentPage { incidents, next })
    }

    /// One incident with all that is kept of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn incident(&self, id: &str) -> Result<Option<IncidentDetail>, StoreError> {
        // One transaction, so that the parts fit together.
        let mut connection = self.readers.begin().await?;
        let select = AssertSqlSafe(format!("SELECT {COLUMNS} FROM incidents WHERE id = ?"));
        let row = sqlx::query(select).bind(id).fetch_optional(&mut *connection).await?;
        let Some(incident) = row.as_ref().map(read_incident).transpose()? else { return Ok(None) };
        let rows: Vec<(i64, i64, i64, i64)> = sqlx::query_as(
            "SELECT minute, impacting, mitigated, notices FROM incident_minutes WHERE incident_seq = ?
             ORDER BY minute DESC LIMIT ?",
        )
        .bind(incident.seq)
        .bind(MOST_MINUTES)
        .fetch_all(&mut *connection)
        .await?;
        let minute = |(minute, impacting, mitigated, notices): &(i64, i64, i64, i64)| IncidentMinute {
            at: Timestamp { unix_us: minute.saturating_mul(60_000_000) },
            impacting: impacting.unsigned_abs(),
            mitigated: mitigated.unsigned_abs(),
            notices: notices.unsigned_abs(),
        };
        let minutes = rows.iter().rev().map(minute).collect();
        let rows = sqlx::query(
            "SELECT record_id, at, impact, model, error_kind FROM incident_records WHERE incident_seq = ?
             ORDER BY number",
        )
        .bind(incident.seq)
        .fetch_all(&mut *connection)
        .await?;
        let records = rows.iter().map(read_request).collect::<Result<_, _>>()?;
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT facet, name, requests FROM incident_facets WHERE incident_seq = ?
             ORDER BY facet, requests DESC, name",
        )
        .bind(incident.seq)
        .fetch_all(&mut *connection)
        .await?;
        let facet = |(facet, name, requests): (String, String, i64)| IncidentFacet {
            facet,
            is_rest: name == THE_REST,
            name: Some(name).filter(|name| !name.is_empty() && name != THE_REST),
            requests: requests.unsigned_abs(),
        };
        let facets = rows.into_iter().map(facet).collect();
        Ok(Some(IncidentDetail { incident, minutes, records, facets }))
    }

    /// How many incidents are open, by kind and impact.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_incidents(&self) -> Result<Vec<(IncidentKind, Impact, u64)>, StoreError> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT kind, impact, count(*) FROM incidents WHERE closed_at IS NULL GROUP BY kind, impact",
        )
        .fetch_all(&self.readers)
        .await?;
        let known = |(kind, impact, count): (String, String, i64)| {
            Some((IncidentKind::parse(&kind)?, Impact::parse(&impact)?, count.unsigned_abs()))
        };
        Ok(rows.into_iter().filter_map(known).collect())
    }
}

fn read_request(row: &sqlx::sqlite::SqliteRow) -> Result<IncidentRecord, StoreError> {
    const UNKNOWN: StoreError = StoreError::Corrupt { what: "a request of an incident" };
    Ok(IncidentRecord {
        record_id: RecordId::from_bytes(row.try_get(0)?).ok_or(UNKNOWN)?,
        at: Timestamp { unix_us: row.try_get(1)? },
        impact: Impact::parse(row.try_get(2)?).ok_or(UNKNOWN)?,
        model: Some(row.try_get::<String, _>(3)?).filter(|model| !model.is_empty()),
        error: row.try_get(4)?,
    })
}

/// Adds what the filter wants to be so.
fn narrow(query: &mut QueryBuilder<Sqlite>, filter: &IncidentFilter) {
    match filter.open {
        None => {}
        Some(true) => drop(query.push(" AND closed_at IS NULL")),
        Some(false) => drop(query.push(" AND closed_at IS NOT NULL")),
    }
    match filter.acknowledged {
        None => {}
        Some(true) => drop(query.push(" AND acknowledged_at IS NOT NULL")),
        Some(false) => drop(query.push(" AND acknowledged_at IS NULL")),
    }
    for (condition, value) in [
        (" AND kind = ", filter.kind.map(IncidentKind::as_str)),
        (" AND impact = ", filter.impact.map(Impact::as_str)),
        (" AND provider = ", filter.provider.as_deref()),
    ] {
        if let Some(value) = value {
            query.push(condition).push_bind(value.to_owned());
        }
    }
    for (condition, value) in [(" AND last_seen_at >= ", filter.from), (" AND opened_at < ", filter.to)] {
        if let Some(value) = value {
            query.push(condition).push_bind(value.unix_us);
        }
    }
    if let Some(project) = &filter.project {
        query.push(
            " AND EXISTS (SELECT 1 FROM incident_facets AS hit WHERE hit.incident_seq = incidents.seq
                  AND hit.facet = 'project' AND hit.name = ",
        );
        query.push_bind(project.clone()).push(")");
    }
}
