//! The provider's listener: takes connections, keeps the ledger, sends replies.

use std::{
    collections::VecDeque,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    answer,
    ledger::{Call, Ledger},
    models::{self, DemoModel},
    reply::Reply,
    script::{SCRIPT_HEADER, Script},
    wire::{Connection, Request, Unsent},
};

/// How lively a provider is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// No pauses, no errors of its own, the same bytes for the same request, any model: for tests.
    Calm,
    /// Speeds and errors as its models have them; only listed models answer.
    Lifelike,
}

/// How a provider is to be.
#[derive(Clone, Debug)]
pub struct ProviderOptions {
    /// Where to listen; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Pace and errors.
    pub mood: Mood,
    /// The models it lists.
    pub models: &'static [DemoModel],
    /// The only credential it takes; `None` takes any.
    pub require_key: Option<String>,
    /// How many calls its ledger keeps.
    pub keep_calls: usize,
}

impl Default for ProviderOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            mood: Mood::Calm,
            models: models::OPENAI,
            require_key: None,
            keep_calls: 100_000,
        }
    }
}

/// The demo provider.
#[derive(Debug)]
pub struct Provider;

/// A provider that listens. Dropping it closes the listener and every connection.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
    _accepting: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Shared {
    options: ProviderOptions,
    ledger: Ledger,
    scripts: Mutex<Scripts>,
}

#[derive(Debug, Default)]
struct Scripts {
    next: VecDeque<Script>,
    always: Option<Script>,
}

impl Provider {
    /// Begins to listen and serves until the result is dropped.
    pub async fn spawn(options: ProviderOptions) -> io::Result<Running> {
        let listener = TcpListener::bind(options.listen).await?;
        let addr = listener.local_addr()?;
        let ledger = Ledger::new(options.keep_calls);
        let shared = Arc::new(Shared { options, ledger, scripts: Mutex::default() });
        let stop = CancellationToken::new();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared), stop.clone()));
        Ok(Running { addr, shared, stop, _accepting: AbortOnDropHandle::new(accepting) })
    }
}

impl Running {
    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its root, without a trailing slash; an OpenAI base URL is this + `/v1`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What it saw.
    pub fn ledger(&self) -> &Ledger {
        &self.shared.ledger
    }

    /// Queues a script for one call; calls take them in order. A request that brings its own
    /// script in a header leaves the queue alone.
    pub fn script(&self, script: Script) {
        self.shared.scripts().next.push_back(script);
    }

    /// Sets the script of every call that has no other, until it is changed.
    pub fn always(&self, script: Option<Script>) {
        self.shared.scripts().always = script;
    }

    /// Closes the listener and every connection: further ones are refused. Its ledger stays.
    pub async fn stop(&self) {
        self.stop.cancel();
        // The listener is closed by its own task; a refused connection shows that it is gone.
        while TcpStream::connect(self.addr).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Shared {
    fn scripts(&self) -> std::sync::MutexGuard<'_, Scripts> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reply_to(&self, request: &Request, number: u64) -> Reply {
        let script: Option<Script> = match request.header(SCRIPT_HEADER) {
            Some(text) => match serde_json::from_str(text) {
                Ok(script) => Some(script),
                Err(error) => return Reply::whole(400, "text/plain", format!("{SCRIPT_HEADER}: {error}\n")),
            },
            None => {
                let mut scripts = self.scripts();
                scripts.next.pop_front().or_else(|| scripts.always.clone())
            }
        };
        let reply =
            answer::answer(request, &self.options, number, script.as_ref().and_then(|script| script.echo_chars));
        match script {
            Some(script) => script.apply(reply, |status| answer::refusal(request, status)),
            None => reply,
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    shared.ledger.connected();
                    connections.spawn(serve(Connection::new(stream), Arc::clone(&shared)));
                }
                // Out of file descriptors, most likely: it passes when connections close.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(mut connection: Connection, shared: Arc<Shared>) {
    while let Ok(Some(request)) = connection.read_request().await {
        let entry = OpenCall::enter(&shared, &request);
        let reply = shared.reply_to(&request, entry.number);
        shared.ledger.note(entry.number, |call| {
            call.tokens = reply.tokens;
            call.status = Some(reply.status);
        });
        let sent =
            connection.send(&reply, |bytes| shared.ledger.note(entry.number, |call| call.response_bytes = bytes)).await;
        entry.end(&sent);
        let is_last = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if sent.is_err() || is_last {
            return;
        }
    }
}

/// A call in the ledger that is closed even when its task is aborted.
struct OpenCall<'a> {
    shared: &'a Shared,
    number: u64,
    client_left: bool,
}

impl<'a> OpenCall<'a> {
    fn enter(shared: &'a Shared, request: &Request) -> Self {
        let number = shared.ledger.open(Call {
            number: 0,
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            headers: request.headers.clone(),
            body: Bytes::clone(&request.body),
            status: None,
            response_bytes: 0,
            tokens: None,
            finished: false,
            client_left: false,
        });
        Self { shared, number, client_left: false }
    }

    fn end(mut self, sent: &Result<(), Unsent>) {
        self.client_left = matches!(sent, Err(Unsent::ClientLeft));
    }
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        self.shared.ledger.close(self.number, self.client_left);
    }
}
