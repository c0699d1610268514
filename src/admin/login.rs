//! The door of the portal: checks the admin's password, slowly, evenly and seldom.
//!
//! Never keeps what was typed, and never says which of its rules refused it.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Params, Version};
use rand::Rng as _;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};
use tokio::sync::{Mutex, Semaphore};

use super::error::{ApiError, Code};
use crate::{config::Auth, domain::Secret};

/// Tries to sign in that the one account allows in a window. There is one account, so this bounds the
/// tries of any single address as well.
const MAX_TRIES: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);
/// Hashes computed at once; each takes 19 MiB.
const MAX_HASHES: usize = 2;
/// Longest password that is looked at.
const MAX_PASSWORD_BYTES: usize = 1024;

type Hash = [u8; 32];

/// The door. One for the process.
#[derive(Debug)]
pub(super) struct Door {
    tries: Mutex<VecDeque<Instant>>,
    hashing: Semaphore,
    reference: Mutex<Option<Arc<Reference>>>,
}

/// The hash of the configured password, and which password that was (it may change by a reload).
#[derive(Debug)]
struct Reference {
    of: Hash,
    salt: [u8; 16],
    hash: Hash,
}

impl Door {
    pub(super) fn new() -> Self {
        Self { tries: Mutex::default(), hashing: Semaphore::new(MAX_HASHES), reference: Mutex::default() }
    }

    /// Lets the holder of the admin password, or of the admin token, pass.
    ///
    /// Both are compared whatever the first one says, so that all refusals take the same time.
    ///
    /// # Errors
    /// The same refusal for every wrong credential, and `too_many_attempts` over the limit.
    pub(super) async fn enter(&self, auth: &Auth, typed: Secret) -> Result<(), ApiError> {
        self.count_try().await?;
        let fits_token = auth.admin_token.as_ref().map_or(Choice::from(0), |token| same_text(token, &typed));
        let fits_password = self.fits_password(auth.admin_password.as_ref(), typed).await?;
        if bool::from(fits_token | fits_password) {
            self.tries.lock().await.pop_back();
            return Ok(());
        }
        Err(ApiError::new(Code::Authentication, "this is not the admin's password"))
    }

    async fn count_try(&self) -> Result<(), ApiError> {
        let mut tries = self.tries.lock().await;
        while tries.front().is_some_and(|oldest| oldest.elapsed() >= WINDOW) {
            tries.pop_front();
        }
        match tries.front() {
            Some(oldest) if tries.len() >= MAX_TRIES => {
                let secs = WINDOW.saturating_sub(oldest.elapsed()).as_secs() + 1;
                Err(ApiError::retry_after(Code::TooManyAttempts, "too many tries to sign in; wait a minute", secs))
            }
            _ => {
                tries.push_back(Instant::now());
                Ok(())
            }
        }
    }

    async fn fits_password(&self, password: Option<&Secret>, typed: Secret) -> Result<Choice, ApiError> {
        let _permit = self.hashing.acquire().await.map_err(|fault| ApiError::internal(&fault))?;
        let reference = self.reference(password).await?;
        let salt = reference.salt;
        // A password that is too long is hashed as an empty one: same time, and never right.
        let fits_length = Choice::from(u8::from((1..=MAX_PASSWORD_BYTES).contains(&typed.expose().len())));
        let typed = if bool::from(fits_length) { typed } else { Secret::new("") };
        let hash = slow_hash(typed, salt).await?;
        let is_configured = Choice::from(u8::from(password.is_some()));
        Ok(hash.ct_eq(&reference.hash) & fits_length & is_configured)
    }

    async fn reference(&self, password: Option<&Secret>) -> Result<Arc<Reference>, ApiError> {
        let of: Hash = Sha256::digest(password.map_or("", Secret::expose).as_bytes()).into();
        let mut kept = self.reference.lock().await;
        if let Some(reference) = kept.as_ref().filter(|reference| bool::from(reference.of.ct_eq(&of))) {
            return Ok(Arc::clone(reference));
        }
        let salt = rand::rng().random();
        let hash = slow_hash(password.cloned().unwrap_or_else(|| Secret::new("")), salt).await?;
        Ok(Arc::clone(kept.insert(Arc::new(Reference { of, salt, hash }))))
    }
}

/// Whether two secrets are the same, in a time that tells neither their contents nor their lengths.
pub(super) fn same_text(one: &Secret, other: &Secret) -> Choice {
    let digest = |secret: &Secret| Sha256::digest(secret.expose().as_bytes());
    digest(one).as_slice().ct_eq(digest(other).as_slice())
}

async fn slow_hash(text: Secret, salt: [u8; 16]) -> Result<Hash, ApiError> {
    tokio::task::spawn_blocking(move || {
        let mut hash = Hash::default();
        let params = Params::new(19 * 1024, 2, 1, Some(hash.len()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_into(text.expose().as_bytes(), &salt, &mut hash).map(|()| hash)
    })
    .await
    .map_err(|fault| ApiError::internal(&fault))?
    .map_err(|fault: argon2::Error| ApiError::internal(&HashFault(fault)))
}

#[derive(Debug, thiserror::Error)]
#[error("argon2: {0}")]
struct HashFault(argon2::Error);

#[cfg(test)]
mod tests {
    use super::*;

    fn auth(password: Option<&str>, token: Option<&str>) -> Auth {
        Auth { require_key: false, admin_password: password.map(Secret::new), admin_token: token.map(Secret::new) }
    }

    async fn enters(door: &Door, auth: &Auth, typed: &str) -> Option<Code> {
        door.enter(auth, Secret::new(typed)).await.err().map(|fault| fault.code())
    }

    #[tokio::test]
    async fn the_password_and_the_token_open_and_nothing_else_does() {
        let (door, both) = (Door::new(), auth(Some("right"), Some("token")));
        assert_eq!(enters(&door, &both, "right").await, None);
        assert_eq!(enters(&door, &both, "token").await, None);
        assert_eq!(enters(&door, &both, "wrong").await, Some(Code::Authentication));
        assert_eq!(enters(&door, &both, "").await, Some(Code::Authentication));
        let without_password = auth(None, Some("token"));
        assert_eq!(enters(&door, &without_password, "").await, Some(Code::Authentication));
        assert_eq!(enters(&door, &without_password, "right").await, Some(Code::Authentication));
    }

    #[tokio::test]
    async fn a_new_password_replaces_the_old_one() {
        let door = Door::new();
        assert_eq!(enters(&door, &auth(Some("old"), None), "old").await, None);
        assert_eq!(enters(&door, &auth(Some("new"), None), "old").await, Some(Code::Authentication));
        assert_eq!(enters(&door, &auth(Some("new"), None), "new").await, None);
    }

    #[tokio::test]
    async fn the_sixth_wrong_try_in_a_minute_is_not_looked_at() {
        let (door, auth) = (Door::new(), auth(Some("right"), None));
        for _ in 0..MAX_TRIES {
            assert_eq!(enters(&door, &auth, "wrong").await, Some(Code::Authentication));
        }
        assert_eq!(enters(&door, &auth, "right").await, Some(Code::TooManyAttempts));
    }
}
