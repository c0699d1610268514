//! Routing profiles made over the API.

use sqlx::{Row as _, sqlite::SqliteRow};

use super::{Action, Actor, Control, Deed, audit::append};
use crate::{
    config::{ProfileBlock, Weights},
    domain::Abilities,
    store::StoreError,
};

const DESCRIBE: &str = "SELECT json_object('weights', json(weights), 'needs', json(needs),
                                           'min_context_tokens', min_context_tokens, 'local_only', local_only)
                        FROM profiles WHERE id = ?";

impl Control {
    /// All of them, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn profiles(&self) -> Result<Vec<ProfileBlock>, StoreError> {
        let rows = sqlx::query("SELECT * FROM profiles ORDER BY id").fetch_all(&self.database.readers).await?;
        rows.iter().map(read).collect()
    }

    /// Makes a profile, or replaces the one of this name. Says whether it is new.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put_profile(&self, actor: &Actor, profile: &ProfileBlock) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let before: Option<String> =
            sqlx::query_scalar(DESCRIBE).bind(&profile.id).fetch_optional(&mut *transaction).await?;
        sqlx::query(
            "INSERT INTO profiles (id, weights, needs, min_context_tokens, local_only) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET weights = excluded.weights, needs = excluded.needs,
                 min_context_tokens = excluded.min_context_tokens, local_only = excluded.local_only",
        )
        .bind(&profile.id)
        .bind(to_json(&profile.weights)?)
        .bind(to_json(&profile.needs)?)
        .bind(profile.min_context_tokens.map(|tokens| i64::try_from(tokens).unwrap_or(i64::MAX)))
        .bind(profile.local_only)
        .execute(&mut *transaction)
        .await?;
        let after: Option<String> =
            sqlx::query_scalar(DESCRIBE).bind(&profile.id).fetch_optional(&mut *transaction).await?;
        let deed = Deed::done(Action::ProfilePut, Some(&profile.id)).between(before.as_deref(), after.as_deref());
        append(&mut transaction, actor, &deed).await?;
        transaction.commit().await?;
        Ok(before.is_none())
    }

    /// Removes a profile.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or when the database fails.
    pub async fn delete_profile(&self, actor: &Actor, id: &str) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let before: Option<String> = sqlx::query_scalar(DESCRIBE).bind(id).fetch_optional(&mut *transaction).await?;
        let Some(before) = before else { return Err(StoreError::NotFound("profile")) };
        sqlx::query("DELETE FROM profiles WHERE id = ?").bind(id).execute(&mut *transaction).await?;
        let deed = Deed::done(Action::ProfileDelete, Some(id)).between(Some(&before), None);
        append(&mut transaction, actor, &deed).await?;
        Ok(transaction.commit().await?)
    }
}

fn read(row: &SqliteRow) -> Result<ProfileBlock, StoreError> {
    let corrupt = |_| StoreError::Corrupt { what: "a profile" };
    let weights: Weights = serde_json::from_str(row.try_get("weights")?).map_err(corrupt)?;
    let needs: Abilities = serde_json::from_str(row.try_get("needs")?).map_err(corrupt)?;
    let min_context_tokens: Option<i64> = row.try_get("min_context_tokens")?;
    Ok(ProfileBlock {
        id: row.try_get("id")?,
        weights,
        needs,
        min_context_tokens: min_context_tokens.map(i64::unsigned_abs),
        local_only: row.try_get("local_only")?,
    })
}

fn to_json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Corrupt { what: "a profile" })
}
