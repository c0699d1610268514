//! TLS at the entrance: certificate and key out of two files, and again whenever these change.
//!
//! A file that cannot be used never takes the place of one that can. What a key file holds stays in
//! memory and never gets into a message.

use std::{
    fs::{self, File},
    io::Read as _,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::config;

/// How often the files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// A file that is larger is neither a certificate nor a key.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Why certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The private key can be read by every user of the machine.
    #[error("{path} is a private key that every user of this machine can read; run: chmod o= {path}")]
    Exposed {
        /// Which file.
        path: PathBuf,
    },
    /// A file does not hold what it should.
    #[error("{path} holds no {what} in PEM")]
    Missing {
        /// Which file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// Certificate and key are not a pair, or of no kind that we know.
    #[error("{cert_file} and {key_file} cannot be used together: {source}")]
    Unfit {
        /// The certificate's file.
        cert_file: PathBuf,
        /// The key's file.
        key_file: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
}

/// The entrance's TLS. Clones share the certificate.
#[derive(Clone, Debug)]
pub struct Tls {
    files: Arc<config::Tls>,
    current: Arc<Current>,
    server: Arc<ServerConfig>,
}

/// The certificate that is shown to whoever connects now.
#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Tls {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// If they cannot be used; the message names the file and what to do.
    pub fn open(settings: &config::Tls) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let pair = read_pair(settings, &provider)?;
        let current = Arc::new(Current(ArcSwap::from_pointee(pair)));
        let unfit = |source| unfit(settings, source);
        let builder =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(unfit)?;
        let mut server =
            builder.with_no_client_auth().with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { files: Arc::new(settings.clone()), current, server: Arc::new(server) })
    }

    /// How long a handshake may take.
    pub(super) fn handshake_timeout(&self) -> Duration {
        self.files.handshake_timeout
    }

    /// Shakes hands.
    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(Arc::clone(&self.server)).accept(stream).await
    }

    /// Looks after the files until `stop`: new ones hold for the next handshake, connections stay. Files
    /// that cannot be used are told once to `refused`, and looked at again when they change again.
    pub async fn follow(self, stop: CancellationToken, refused: impl Fn(TlsError)) {
        let files = Arc::clone(&self.files);
        let mut seen = Fingerprint::of(&files);
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_INTERVAL)).await.is_some() {
            let now = Fingerprint::of(&files);
            if now == seen {
                continue;
            }
            seen = now;
            let looked_at = Arc::clone(&files);
            let read = tokio::task::spawn_blocking(move || read_pair(&looked_at, &aws_lc_rs::default_provider()));
            match read.await {
                Ok(Ok(pair)) => {
                    self.current.0.store(Arc::new(pair));
                    tracing::info!(file = %files.cert_file.display(), "the changed certificate is in force");
                }
                Ok(Err(error)) => {
                    tracing::error!(%error, "the changed certificate cannot be used; the old one stays");
                    refused(error);
                }
                Err(_) => tracing::error!("reading the changed certificate failed; the old one stays"),
            }
        }
    }
}

/// How the two files look from outside. Nothing is read, so that it may be asked often.
#[derive(PartialEq, Eq)]
struct Fingerprint([Option<Look>; 2]);

/// Which file it is, how large, when it was last touched and who may read it.
#[derive(PartialEq, Eq)]
struct Look {
    file: (u64, u64),
    bytes: u64,
    changed: (i64, i64),
    mode: u32,
}

impl Fingerprint {
    fn of(files: &config::Tls) -> Self {
        Self([&files.cert_file, &files.key_file].map(|path| {
            let seen = fs::metadata(path).ok()?;
            let (file, changed) = ((seen.dev(), seen.ino()), (seen.ctime(), seen.ctime_nsec()));
            Some(Look { file, bytes: seen.len(), changed, mode: seen.mode() })
        }))
    }
}

fn read_pair(files: &config::Tls, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let (cert_file, key_file) = (&files.cert_file, &files.key_file);
    let missing = |path: &PathBuf, what| TlsError::Missing { path: path.clone(), what };
    let text = read(cert_file, Kept::Open)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(|| missing(cert_file, "certificate"))?;
    let text = read(key_file, Kept::Secret)?;
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(|_| missing(key_file, "private key"))?;
    CertifiedKey::from_der(chain, key, provider).map_err(|source| unfit(files, source))
}

fn unfit(files: &config::Tls, source: rustls::Error) -> TlsError {
    TlsError::Unfit { cert_file: files.cert_file.clone(), key_file: files.key_file.clone(), source }
}

/// Whether everyone may read a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Open,
    Secret,
}

fn read(path: &Path, kept: Kept) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let failed = |source| TlsError::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    if kept == Kept::Secret && file.metadata().map_err(failed)?.mode() & 0o007 != 0 {
        return Err(TlsError::Exposed { path: path.to_owned() });
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
