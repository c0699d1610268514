//! Encryption of provider keys at rest: AES-256-GCM under one master key.
//!
//! Never writes a master key but into its own 0600 file, and never makes one while data exist
//! that were sealed under another.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use aes_gcm::{
    Aes256Gcm, Nonce,
    aead::{Aead as _, KeyInit as _, Payload},
};
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::StoreError;
use crate::domain::Secret;

const NONCE_BYTES: usize = 12;

/// Seals and opens provider keys. Clones share one master key.
#[derive(Clone)]
pub(super) struct Sealer {
    file: PathBuf,
    key: Arc<OnceLock<MasterKey>>,
}

/// A sealed text and the id of the master key that sealed it.
pub(super) struct Sealed {
    /// Nonce, then ciphertext with its tag.
    pub(super) bytes: Vec<u8>,
    /// Names the master key; cannot be turned back into it.
    pub(super) key_id: String,
}

struct MasterKey {
    id: String,
    cipher: Aes256Gcm,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Sealer {
    /// The configured master key, else the one of `master.key` in `directory`, if there is one.
    pub(super) fn load(directory: &Path, configured: Option<&Secret>) -> Result<Self, StoreError> {
        let sealer = Self { file: directory.join("master.key"), key: Arc::new(OnceLock::new()) };
        let found = match configured {
            Some(secret) => Some(MasterKey::parse(secret.expose(), "LLM_GATEWAY_MASTER_KEY")?),
            None => read_key_file(&sealer.file)?,
        };
        if let Some(key) = found {
            let _ = sealer.key.set(key);
        }
        Ok(sealer)
    }

    /// The id of the master key, if there is one yet.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.key.get().map(|key| key.id.as_str())
    }

    /// Encrypts what stands at this place (table, row and column); makes `master.key` on first need.
    pub(super) fn seal(&self, place: &str, secret: &Secret) -> Result<Sealed, StoreError> {
        let key = self.key_or_new()?;
        let mut nonce = [0_u8; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let aad = associated_data(place, &key.id);
        let payload = Payload { msg: secret.expose().as_bytes(), aad: aad.as_bytes() };
        let sealed = key
            .cipher
            .encrypt(Nonce::from_slice(&nonce), payload)
            .map_err(|_| StoreError::MasterKey("encryption failed".to_owned()))?;
        Ok(Sealed { bytes: [nonce.as_slice(), &sealed].concat(), key_id: key.id.clone() })
    }

    /// Decrypts what stands at this place.
    pub(super) fn open(&self, place: &str, sealed: &Sealed) -> Result<Secret, StoreError> {
        let failed = || StoreError::Decrypt { place: place.to_owned() };
        let key = self.key.get().filter(|key| key.id == sealed.key_id).ok_or_else(failed)?;
        let (nonce, ciphertext) = sealed.bytes.split_at_checked(NONCE_BYTES).ok_or_else(failed)?;
        let aad = associated_data(place, &key.id);
        let payload = Payload { msg: ciphertext, aad: aad.as_bytes() };
        let opened = Zeroizing::new(key.cipher.decrypt(Nonce::from_slice(nonce), payload).map_err(|_| failed())?);
        std::str::from_utf8(&opened).map(Secret::new).map_err(|_| failed())
    }

    fn key_or_new(&self) -> Result<&MasterKey, StoreError> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let made = make_key_file(&self.file)?;
        Ok(self.key.get_or_init(|| made))
    }
}

impl MasterKey {
    fn parse(text: &str, origin: &str) -> Result<Self, StoreError> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        hex::decode_to_slice(text.trim(), &mut *bytes)
            .map_err(|_| StoreError::MasterKey(format!("{origin} must be 64 hexadecimal digits")))?;
        Ok(Self::new(&bytes))
    }

    fn new(bytes: &[u8; 32]) -> Self {
        let digest = Sha256::new().chain_update(b"llm-gateway master key id\0").chain_update(bytes).finalize();
        let id = hex::encode(digest.get(..8).unwrap_or_default());
        Self { id, cipher: Aes256Gcm::new(bytes.into()) }
    }
}

/// Ties a ciphertext to its row and field, so that it is worth nothing in another.
fn associated_data(place: &str, key_id: &str) -> String {
    format!("{place}/{key_id}")
}

fn read_key_file(path: &Path) -> Result<Option<MasterKey>, StoreError> {
    let failed = |source| StoreError::File { path: path.to_owned(), source };
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        let problem = format!("{} can be read by others, run: chmod 600 {}", path.display(), path.display());
        return Err(StoreError::MasterKey(problem));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(1_024).read_to_string(&mut text).map_err(failed)?;
    MasterKey::parse(&text, &path.display().to_string()).map(Some)
}

fn make_key_file(path: &Path) -> Result<MasterKey, StoreError> {
    let failed = |source| StoreError::File { path: path.to_owned(), source };
    let mut bytes = Zeroizing::new([0_u8; 32]);
    rand::rng().fill_bytes(&mut *bytes);
    let text = Zeroizing::new(hex::encode(*bytes));
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).map_err(failed)?;
            file.sync_all().map_err(failed)?;
            // The directory entry must be as durable as the rows that will need the key.
            path.parent().map_or(Ok(()), |parent| fs::File::open(parent)?.sync_all()).map_err(failed)?;
            Ok(MasterKey::new(&bytes))
        }
        // Another task or process made it in the meantime.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            read_key_file(path)?.ok_or_else(|| StoreError::MasterKey("master.key vanished".to_owned()))
        }
        Err(error) => Err(failed(error)),
    }
}
