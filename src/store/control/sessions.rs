//! Sessions of the portal. Only a hash is stored, and it binds the session to the credential that began it.

use rand::RngCore as _;
use sha2::{Digest as _, Sha256};

use super::{
    Action, Actor, Control, Deed,
    audit::{append, session_id},
};
use crate::{
    domain::{Secret, Timestamp},
    store::StoreError,
};

const MINUTE_US: i64 = 60 * 1_000_000;
/// A session ends after this long without a request.
const IDLE_US: i64 = 12 * 60 * MINUTE_US;
/// A session ends after this long whatever happens.
const ABSOLUTE_US: i64 = 7 * 24 * 60 * MINUTE_US;

impl Control {
    /// Begins a portal session and returns its token. The session ends when `credential`, the
    /// admin's password or token, changes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_session(&self, credential: &Secret) -> Result<Secret, StoreError> {
        let mut random = zeroize::Zeroizing::new([0_u8; 32]);
        rand::rng().fill_bytes(&mut *random);
        let token = Secret::new(hex::encode(*random));
        let now = Timestamp::now().unix_us;
        self.purge_sessions(now).await?;
        let id = session_id(token.expose());
        let mut transaction = self.begin().await?;
        sqlx::query("INSERT INTO sessions (hash, created_at, last_seen_at) VALUES (?, ?, ?)")
            .bind(hash(token.expose(), credential))
            .bind(now)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        append(&mut transaction, &Actor::Session(id.clone()), &Deed::done(Action::SessionCreate, Some(&id))).await?;
        transaction.commit().await?;
        Ok(token)
    }

    /// Whether `token` is a living session under `credential`; keeps it alive.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn touch_session(&self, token: &str, credential: &Secret) -> Result<bool, StoreError> {
        let now = Timestamp::now().unix_us;
        let hash = hash(token, credential);
        let last_seen_at: Option<i64> = sqlx::query_scalar(
            "SELECT last_seen_at FROM sessions WHERE hash = ? AND created_at > ? AND last_seen_at > ?",
        )
        .bind(&hash)
        .bind(now - ABSOLUTE_US)
        .bind(now - IDLE_US)
        .fetch_optional(&self.database.readers)
        .await?;
        // One write a minute is exact enough for a limit of twelve hours.
        if last_seen_at.is_some_and(|at| now - at > MINUTE_US) {
            sqlx::query("UPDATE sessions SET last_seen_at = ? WHERE hash = ?")
                .bind(now)
                .bind(&hash)
                .execute(&self.database.writer)
                .await?;
        }
        Ok(last_seen_at.is_some())
    }

    /// Ends a session. Ending none is fine.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_session(&self, token: &str, credential: &Secret) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query("DELETE FROM sessions WHERE hash = ?")
            .bind(hash(token, credential))
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() > 0 {
            let id = session_id(token);
            let deed = Deed::done(Action::SessionDelete, Some(&id));
            append(&mut transaction, &Actor::Session(id.clone()), &deed).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn purge_sessions(&self, now: i64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE created_at <= ? OR last_seen_at <= ?")
            .bind(now - ABSOLUTE_US)
            .bind(now - IDLE_US)
            .execute(&self.database.writer)
            .await?;
        Ok(())
    }
}

/// The token's 256 random bits go in first, so the hash tells nothing about the credential.
fn hash(token: &str, credential: &Secret) -> Vec<u8> {
    let token = Sha256::digest(token.as_bytes());
    Sha256::new().chain_update(token).chain_update(credential.expose().as_bytes()).finalize().to_vec()
}
