//! Control state: virtual keys, providers added at run time, sessions of the portal.
//!
//! Every write is on disk before its function returns. Never gives out a secret twice.

use std::sync::Arc;

use crate::{
    config::Provider,
    domain::{KeyHash, Secret, Timestamp},
    store::StoreError,
};

/// The control database. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Control {}

/// What an admin decides about a virtual key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFields {
    /// Shown in records.
    pub label: Option<String>,
    /// Team that its requests are accounted to.
    pub team: Option<String>,
    /// Project that it fixes.
    pub project: Option<String>,
    /// Models it may use; empty means all.
    pub allowed_models: Vec<String>,
    /// Providers it may use; empty means all.
    pub allowed_providers: Vec<String>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
}

/// A virtual key as the store keeps it: everything but the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Public id, `key_` and 20 characters.
    pub id: String,
    /// SHA-256 of the secret.
    pub hash: KeyHash,
    /// What the admin decided.
    pub fields: KeyFields,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its secret was last replaced.
    pub rotated_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Start of the newest request that used it (mirrored from the records, so it may lag a little).
    pub last_used_at: Option<Timestamp>,
}

/// A key and its secret, which is shown this once.
#[derive(Clone, Debug)]
pub struct IssuedKey {
    /// The key.
    pub key: StoredKey,
    /// Its secret.
    pub secret: Secret,
}

/// What becomes of a provider's stored credential when its definition is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// The stored one stays, unless `base_url` changes: then it is cleared.
    Keep,
    /// [`Provider::key`] of the definition replaces it.
    Replace,
}

/// A provider added at run time.
#[derive(Clone, Debug)]
pub struct StoredProvider {
    /// The definition, its key decrypted; its origin is [`crate::config::ProviderOrigin::Api`].
    pub provider: Arc<Provider>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// All control state that the policy is compiled from.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Every virtual key, revoked and expired ones included.
    pub keys: Vec<StoredKey>,
    /// Every provider added at run time.
    pub providers: Vec<Arc<Provider>>,
}

impl Control {
    /// Everything that [`crate::policy`] compiles.
    ///
    /// # Errors
    /// When the database fails or a stored key does not decrypt.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot::default())
    }

    /// Makes a key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_key(&self, _fields: KeyFields) -> Result<IssuedKey, StoreError> {
        Err(StoreError::Closed)
    }

    /// All keys, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        Ok(Vec::new())
    }

    /// One key by its id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or when the database fails.
    pub async fn key(&self, _id: &str) -> Result<StoredKey, StoreError> {
        Err(StoreError::NotFound("key"))
    }

    /// Replaces what the admin decided about a key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or when the database fails.
    pub async fn update_key(&self, _id: &str, _fields: KeyFields) -> Result<StoredKey, StoreError> {
        Err(StoreError::NotFound("key"))
    }

    /// Gives a key a new secret; the old one stops working.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] (also for a revoked key), or when the database fails.
    pub async fn rotate_key(&self, _id: &str) -> Result<IssuedKey, StoreError> {
        Err(StoreError::NotFound("key"))
    }

    /// Revokes a key for good. Revoking it again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or when the database fails.
    pub async fn revoke_key(&self, _id: &str) -> Result<StoredKey, StoreError> {
        Err(StoreError::NotFound("key"))
    }

    /// All providers added at run time, by id.
    ///
    /// # Errors
    /// When the database fails or a stored key does not decrypt.
    pub async fn providers(&self) -> Result<Vec<StoredProvider>, StoreError> {
        Ok(Vec::new())
    }

    /// Adds a provider or replaces its definition.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put_provider(
        &self,
        _provider: &Provider,
        _credential: Credential,
    ) -> Result<StoredProvider, StoreError> {
        Err(StoreError::Closed)
    }

    /// Removes a provider and its key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or when the database fails.
    pub async fn delete_provider(&self, _id: &str) -> Result<(), StoreError> {
        Err(StoreError::NotFound("provider"))
    }

    /// Begins a portal session and returns its token. The session ends when `credential`, the
    /// admin's password or token, changes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_session(&self, _credential: &Secret) -> Result<Secret, StoreError> {
        Err(StoreError::Closed)
    }

    /// Whether `token` is a living session under `credential`; keeps it alive.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn touch_session(&self, _token: &str, _credential: &Secret) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Ends a session. Ending none is fine.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_session(&self, _token: &str, _credential: &Secret) -> Result<(), StoreError> {
        Ok(())
    }
}
