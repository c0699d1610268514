//! Incidents as rows. Every value is bound, every name is a constant.

use std::{ops::RangeInclusive, sync::LazyLock};

use sqlx::{AssertSqlSafe, Row as _, SqliteConnection, sqlite::SqliteRow};

use super::{Cause, Draft, Incident, MOST_NAMES, THE_REST};
use crate::{
    domain::{Impact, IncidentKind, Timestamp},
    store::StoreError,
};

/// The columns of `incidents`, in the order of [`read_incident`].
pub(in crate::store) const COLUMNS: &str = "seq, id, kind, provider, subject, impact, opened_at, last_seen_at, \
    closed_at, reopened, impacting, mitigated, notices, acknowledged_at, note";

static OF_CAUSE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {COLUMNS} FROM incidents WHERE kind = ? AND provider = ? AND subject = ?
             AND (closed_at IS NULL OR (last_seen_at >= ? AND opened_at <= ?))
         ORDER BY last_seen_at DESC LIMIT 16"
    )
});
static QUIET: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE incidents SET closed_at = last_seen_at + ? WHERE seq IN
             (SELECT seq FROM incidents WHERE closed_at IS NULL AND last_seen_at < ? ORDER BY last_seen_at LIMIT ?)
         RETURNING {COLUMNS}"
    )
});
static BY_ID: LazyLock<String> = LazyLock::new(|| format!("SELECT {COLUMNS} FROM incidents WHERE id = ?"));

/// The incidents of a cause that may take failures of this time, and all that are open.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    cause: &Cause,
    reach: RangeInclusive<i64>,
) -> Result<Vec<Draft>, StoreError> {
    let rows = sqlx::query(AssertSqlSafe(OF_CAUSE.as_str()))
        .bind(cause.kind.as_str())
        .bind(cause.provider.as_deref().unwrap_or_default())
        .bind(cause.subject.as_deref().unwrap_or_default())
        .bind(*reach.start())
        .bind(*reach.end())
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| read_incident(row).map(Draft::of)).collect()
}

/// Writes a draft, and gives a new one its place.
pub(super) async fn save(connection: &mut SqliteConnection, draft: &mut Draft) -> Result<(), StoreError> {
    let (incident, span) = (&mut draft.incident, draft.span);
    incident.opened_at.unix_us = span.opened_us;
    incident.last_seen_at.unix_us = span.last_seen_us;
    incident.closed_at = span.closed_us.map(|unix_us| Timestamp { unix_us });
    incident.seq = sqlx::query_scalar(
        "INSERT INTO incidents (id, kind, provider, subject, impact, opened_at, last_seen_at, closed_at, reopened,
             impacting, mitigated, notices) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET impact = excluded.impact, opened_at = excluded.opened_at,
             last_seen_at = excluded.last_seen_at, closed_at = excluded.closed_at, reopened = excluded.reopened,
             impacting = excluded.impacting, mitigated = excluded.mitigated, notices = excluded.notices
         RETURNING seq",
    )
    .bind(incident.id.as_str())
    .bind(incident.kind.as_str())
    .bind(incident.provider.as_deref().unwrap_or_default())
    .bind(incident.subject.as_deref().unwrap_or_default())
    .bind(incident.impact.as_str())
    .bind(span.opened_us)
    .bind(span.last_seen_us)
    .bind(span.closed_us)
    .bind(incident.reopened)
    .bind(incident.impacting.cast_signed())
    .bind(incident.mitigated.cast_signed())
    .bind(incident.notices.cast_signed())
    .fetch_one(&mut *connection)
    .await?;
    let seq = incident.seq;
    for (number, id, sighting) in draft.news.records.drain(..) {
        sqlx::query(
            "INSERT INTO incident_records (incident_seq, number, record_id, at, impact, model, error_kind)
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(seq)
        .bind(number.cast_signed())
        .bind(id.as_bytes().to_vec())
        .bind(sighting.at_us)
        .bind(sighting.impact.as_str())
        .bind(sighting.model.as_deref().unwrap_or_default())
        .bind(sighting.error)
        .execute(&mut *connection)
        .await?;
    }
    for (minute, [impacting, mitigated, notices]) in std::mem::take(&mut draft.news.minutes) {
        sqlx::query(
            "INSERT INTO incident_minutes (incident_seq, minute, impacting, mitigated, notices) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET impacting = impacting + excluded.impacting,
                 mitigated = mitigated + excluded.mitigated, notices = notices + excluded.notices",
        )
        .bind(seq)
        .bind(minute)
        .bind(impacting)
        .bind(mitigated)
        .bind(notices)
        .execute(&mut *connection)
        .await?;
    }
    for ((facet, name), requests) in std::mem::take(&mut draft.news.facets) {
        // Clients name projects and models as they like; only so many are told apart.
        sqlx::query(
            "INSERT INTO incident_facets (incident_seq, facet, name, requests)
             SELECT ?1, ?2, iif(EXISTS (SELECT 1 FROM incident_facets WHERE incident_seq = ?1 AND facet = ?2 AND name = ?3)
                 OR (SELECT count(*) FROM incident_facets WHERE incident_seq = ?1 AND facet = ?2) < ?4, ?3, ?5), ?6
             WHERE true
             ON CONFLICT DO UPDATE SET requests = requests + excluded.requests",
        )
        .bind(seq)
        .bind(facet)
        .bind(name)
        .bind(MOST_NAMES)
        .bind(THE_REST)
        .bind(requests)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Closes incidents that have been quiet for long enough by `now_us`, and tells which.
pub(super) async fn close_quiet(
    connection: &mut SqliteConnection,
    now_us: i64,
    quiet_us: i64,
    most: i64,
) -> Result<Vec<Incident>, StoreError> {
    let rows = sqlx::query(AssertSqlSafe(QUIET.as_str()))
        .bind(quiet_us)
        .bind(now_us.saturating_sub(quiet_us))
        .bind(most)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read_incident).collect()
}

/// Whether any is open.
pub(super) async fn has_open(connection: &mut SqliteConnection) -> Result<bool, StoreError> {
    let query = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM incidents WHERE closed_at IS NULL)");
    Ok(query.fetch_one(connection).await?)
}

/// The incident of that id.
pub(super) async fn find(connection: &mut SqliteConnection, id: &str) -> Result<Option<Incident>, StoreError> {
    let row = sqlx::query(AssertSqlSafe(BY_ID.as_str())).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read_incident).transpose()
}

/// Writes what somebody says of it.
pub(super) async fn annotate(connection: &mut SqliteConnection, incident: &Incident) -> Result<(), StoreError> {
    sqlx::query("UPDATE incidents SET acknowledged_at = ?, note = ? WHERE seq = ?")
        .bind(incident.acknowledged_at.map(|at| at.unix_us))
        .bind(incident.note.as_deref())
        .bind(incident.seq)
        .execute(connection)
        .await?;
    Ok(())
}

/// Reads a row of [`COLUMNS`].
pub(in crate::store) fn read_incident(row: &SqliteRow) -> Result<Incident, StoreError> {
    const UNKNOWN: StoreError = StoreError::Corrupt { what: "an incident's enumeration" };
    let name = |column: usize| -> Result<Option<String>, StoreError> {
        Ok(Some(row.try_get::<String, _>(column)?).filter(|name| !name.is_empty()))
    };
    let at = |unix_us: i64| Timestamp { unix_us };
    let count = |column: usize| row.try_get::<i64, _>(column).map(i64::unsigned_abs);
    Ok(Incident {
        seq: row.try_get(0)?,
        id: row.try_get(1)?,
        kind: IncidentKind::parse(row.try_get(2)?).ok_or(UNKNOWN)?,
        provider: name(3)?,
        subject: name(4)?,
        impact: Impact::parse(row.try_get(5)?).ok_or(UNKNOWN)?,
        opened_at: at(row.try_get(6)?),
        last_seen_at: at(row.try_get(7)?),
        closed_at: row.try_get::<Option<i64>, _>(8)?.map(at),
        reopened: row.try_get(9)?,
        impacting: count(10)?,
        mitigated: count(11)?,
        notices: count(12)?,
        acknowledged_at: row.try_get::<Option<i64>, _>(13)?.map(at),
        note: row.try_get(14)?,
    })
}
