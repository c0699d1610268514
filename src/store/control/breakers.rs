//! Circuit breakers that are not closed, kept over a restart.
//!
//! Observations and no decisions of an admin: they are not in the audit log and do not count as a change.

use super::{Control, time};
use crate::{domain::OpenBreaker, store::StoreError};

impl Control {
    /// The breakers that were not closed when they were last written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn breakers(&self) -> Result<Vec<OpenBreaker>, StoreError> {
        let rows: Vec<(String, String, i64, u32)> =
            sqlx::query_as("SELECT provider, model, open_until, failures FROM breakers ORDER BY provider, model")
                .fetch_all(&self.database.readers)
                .await?;
        let breaker = |(provider, model, open_until, failures)| OpenBreaker {
            provider,
            model,
            open_until: time(open_until),
            failures,
        };
        Ok(rows.into_iter().map(breaker).collect())
    }

    /// Writes those that are not closed, in place of all that were written before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put_breakers(&self, breakers: &[OpenBreaker]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query("DELETE FROM breakers").execute(&mut *transaction).await?;
        for breaker in breakers {
            sqlx::query("INSERT INTO breakers (provider, model, open_until, failures) VALUES (?, ?, ?, ?)")
                .bind(&breaker.provider)
                .bind(&breaker.model)
                .bind(breaker.open_until.unix_us)
                .bind(breaker.failures)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }
}
