//! Certificates of the tests' own, and connections in clear text and under TLS.

use std::{
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::Engine as _;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// A certificate for loopback and its key, each in a file.
pub(crate) struct Pair {
    dir: tempfile::TempDir,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let pair = Self { dir: tempfile::tempdir().unwrap() };
        pair.renew();
        pair
    }

    pub(crate) fn cert_file(&self) -> PathBuf {
        self.dir.path().join("cert.pem")
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.dir.path().join("key.pem")
    }

    /// A new certificate under another key in the same files, each swapped whole, as ACME clients do it.
    pub(crate) fn renew(&self) {
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        swap(&self.cert_file(), &pem("CERTIFICATE", made.cert.der()), 0o644);
        swap(&self.key_file(), &pem("PRIVATE KEY", &made.signing_key.serialize_der()), 0o600);
    }

    /// The section of a config file.
    pub(crate) fn section(&self) -> String {
        format!("[server.tls]\ncert_file = {:?}\nkey_file = {:?}\n", self.cert_file(), self.key_file())
    }
}

/// Writes a file beside `path` and moves it there.
pub(crate) fn swap(path: &Path, text: &str, mode: u32) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).unwrap();
    std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(mode)).unwrap();
    std::fs::rename(&beside, path).unwrap();
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// A client's TLS that trusts these certificate files and nothing else.
pub(crate) fn trusting(files: &[&Path]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for file in files {
        roots.add(CertificateDer::from_pem_file(file).unwrap()).unwrap();
    }
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// A connection of either kind.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// Where a gateway listens, and how it is spoken to.
#[derive(Clone)]
pub(crate) struct Dial {
    pub(crate) address: SocketAddr,
    pub(crate) tls: Option<TlsConnector>,
}

impl Dial {
    /// A connection on which HTTP can be spoken at once.
    pub(crate) async fn connect(&self) -> Box<dyn Wire> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        match &self.tls {
            None => Box::new(stream),
            Some(tls) => {
                let name = ServerName::try_from("localhost").unwrap();
                Box::new(tls.connect(name, stream).await.unwrap())
            }
        }
    }
}
