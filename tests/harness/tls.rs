//! A TLS server that nobody trusts: its certificate is signed by itself.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use tokio::{io::AsyncReadExt as _, net::TcpListener};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivatePkcs8KeyDer},
};
use tokio_util::task::AbortOnDropHandle;

/// The server, until it is dropped.
pub(crate) struct Untrusted {
    pub(crate) address: SocketAddr,
    /// Bytes that came through a finished handshake.
    pub(crate) heard: Arc<AtomicUsize>,
    _accepting: AbortOnDropHandle<()>,
}

impl Untrusted {
    pub(crate) async fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&heard);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, count) = (acceptor.clone(), Arc::clone(&count));
                tokio::spawn(async move {
                    // A client that looks at the certificate ends the handshake here.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut bytes = [0; 1024];
                    if let Ok(read) = stream.read(&mut bytes).await {
                        count.fetch_add(read, Relaxed);
                    }
                });
            }
        });
        Self { address, heard, _accepting: AbortOnDropHandle::new(accepting) }
    }
}
