//! Calls over HTTP/1.1 in clear text, each connection driven by the very task that waits for its answer.
//!
//! hyper's pooled client gives every connection a task of its own and spawns another one for each call, so that
//! a call changes tasks, and often threads, four times. That costs more than all else that a gateway does. Here
//! whoever reads the answer moves the connection. A connection that nobody reads from does not move, and one
//! whose answer is not read to its end is closed.

use std::{
    future::Future as _,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header, uri::Authority};
use http_body::{Body, Frame, SizeHint};
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service as _;

use super::{
    client::{CallError, IDLE_MAX, IDLE_TIMEOUT, UpstreamBody},
    connect::Connector,
};

/// How often idle connections are looked at: those that the provider closed, and old ones, are let go.
const TIDY_EVERY: Duration = Duration::from_secs(10);

/// The connections to one provider.
#[derive(Debug)]
pub(super) struct Lanes {
    connector: Connector,
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    lane: Box<Lane>,
    since: Instant,
}

/// One connection.
#[derive(Debug)]
struct Lane {
    authority: Authority,
    requests: http1::SendRequest<UpstreamBody>,
    /// `None` once it is over.
    connection: Option<http1::Connection<TokioIo<TcpStream>, UpstreamBody>>,
}

/// The body of an answer, which moves its connection while it is read.
#[derive(Debug)]
pub struct UpstreamAnswer {
    body: Incoming,
    /// `None` where the connection moves by itself, and once the answer is over.
    lane: Option<(Box<Lane>, Arc<Lanes>)>,
}

impl Lanes {
    pub(super) fn new(connector: Connector) -> Arc<Self> {
        Arc::new(Self { connector, idle: Mutex::default() })
    }

    /// Sends a request and waits for the head of the answer. A request of which not a byte was written, because
    /// the provider had closed an idle connection, is sent anew.
    pub(super) async fn send(
        self: &Arc<Self>,
        mut request: Request<UpstreamBody>,
    ) -> Result<Response<UpstreamAnswer>, CallError> {
        let uri = std::mem::take(request.uri_mut());
        let Some(authority) = uri.authority().cloned() else {
            return Err(CallError::Connect(super::ConnectError::NoHost));
        };
        if !request.headers().contains_key(header::HOST)
            && let Ok(host) = HeaderValue::from_str(host_of(&authority))
        {
            request.headers_mut().insert(header::HOST, host);
        }
        *request.uri_mut() = uri.path_and_query().map_or_else(|| Uri::from_static("/"), |path| path.clone().into());
        loop {
            let idle = self.take(&authority);
            let was_idle = idle.is_some();
            let mut lane = match idle {
                Some(lane) => lane,
                None => self.connect(&uri, &authority).await?,
            };
            match lane.exchange(request).await {
                Ok(response) => {
                    let lanes = Arc::clone(self);
                    return Ok(response.map(|body| {
                        let mut answer = UpstreamAnswer { body, lane: Some((lane, lanes)) };
                        answer.settle();
                        answer
                    }));
                }
                Err(mut error) => match error.take_message().filter(|_| was_idle) {
                    Some(unsent) => request = unsent,
                    None => return Err(CallError::Http(error.into_error())),
                },
            }
        }
    }

    async fn connect(&self, uri: &Uri, authority: &Authority) -> Result<Box<Lane>, CallError> {
        let socket = self.connector.clone().call(uri.clone()).await.map_err(CallError::Connect)?;
        let (requests, connection) = http1::Builder::new()
            .max_headers(super::client::HEADERS_MAX)
            .max_buf_size(super::client::HEAD_BYTES_MAX)
            .handshake(socket)
            .await
            .map_err(CallError::Http)?;
        Ok(Box::new(Lane { authority: authority.clone(), requests, connection: Some(connection) }))
    }

    /// The connection that was used last.
    fn take(&self, authority: &Authority) -> Option<Box<Lane>> {
        let mut idle = self.lock();
        let at = idle.iter().rposition(|idle| idle.lane.authority == *authority)?;
        let Idle { lane, since } = idle.remove(at);
        (since.elapsed() < IDLE_TIMEOUT).then_some(lane)
    }

    fn put_back(self: &Arc<Self>, lane: Box<Lane>) {
        let mut idle = self.lock();
        if idle.len() >= IDLE_MAX {
            return;
        }
        let is_first = idle.is_empty() && idle.capacity() == 0;
        idle.push(Idle { lane, since: Instant::now() });
        drop(idle);
        if is_first && let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tidy(Arc::downgrade(self)));
        }
    }

    /// Lets idle connections go that are old or closed; false when none is left.
    fn tidy_once(&self) -> bool {
        let mut idle = self.lock();
        idle.retain_mut(|idle| idle.since.elapsed() < IDLE_TIMEOUT && idle.lane.is_ready());
        if idle.is_empty() {
            // Without room in it, the next connection begins to tidy anew.
            idle.shrink_to_fit();
        }
        !idle.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks after idle connections, as long as there are such.
async fn tidy(lanes: Weak<Lanes>) {
    loop {
        tokio::time::sleep(TIDY_EVERY).await;
        if lanes.upgrade().is_none_or(|lanes| !lanes.tidy_once()) {
            return;
        }
    }
}

/// Host and port as the `host` header has them; user names never go out.
fn host_of(authority: &Authority) -> &str {
    let text = authority.as_str();
    let host = text.rsplit_once('@').map_or(text, |(_, host)| host);
    host.strip_suffix(":80").unwrap_or(host)
}

impl Lane {
    async fn exchange(
        &mut self,
        request: Request<UpstreamBody>,
    ) -> Result<Response<Incoming>, TrySendError<Request<UpstreamBody>>> {
        let mut answer = pin!(self.requests.try_send_request(request));
        std::future::poll_fn(move |context| {
            // A request that the connection did not take comes back only when that is gone.
            self.poll_over(context);
            // Whatever it waits for, the connection brings it: only that needs to wake the task.
            answer.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        })
        .await
    }

    /// Moves the connection; true when it is over, and then it is let go.
    fn poll_over(&mut self, context: &mut Context<'_>) -> bool {
        if self.connection.as_mut().is_some_and(|moving| Pin::new(moving).poll(context).is_ready()) {
            self.connection = None;
        }
        self.connection.is_none()
    }

    /// Whether the next request can be sent. Nobody is woken for an idle connection.
    fn is_ready(&mut self) -> bool {
        !self.poll_over(&mut Context::from_waker(Waker::noop())) && self.requests.is_ready()
    }
}

impl UpstreamAnswer {
    /// An answer whose connection moves by itself.
    pub(super) const fn of(body: Incoming) -> Self {
        Self { body, lane: None }
    }

    /// Gives the connection back as soon as nothing more of the answer can come.
    fn settle(&mut self) {
        if self.body.is_end_stream() {
            self.release();
        }
    }

    /// Gives the connection back; one that cannot be used again is closed.
    fn release(&mut self) {
        if let Some((mut lane, lanes)) = self.lane.take()
            && lane.is_ready()
        {
            lanes.put_back(lane);
        }
    }
}

impl Body for UpstreamAnswer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let Some((lane, _)) = &mut this.lane else { return Pin::new(&mut this.body).poll_frame(context) };
        let mut nobody = Context::from_waker(Waker::noop());
        // Asking tells the connection that there is room; moving it brings what has come.
        let mut polled = Pin::new(&mut this.body).poll_frame(&mut nobody);
        if polled.is_pending() {
            if lane.poll_over(context) {
                // What it left behind, or why it broke off, is in the body.
                this.lane = None;
                return Pin::new(&mut this.body).poll_frame(context);
            }
            polled = Pin::new(&mut this.body).poll_frame(&mut nobody);
        }
        match &polled {
            Poll::Ready(Some(Err(_))) => this.lane = None,
            Poll::Ready(None) => this.release(),
            Poll::Ready(Some(Ok(_))) => this.settle(),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        sync::mpsc,
    };

    use super::*;
    use crate::provider::{Resolver, connect::Reach};

    /// A provider that gives each connection the answers of its turn, closes it after them and tells how many
    /// requests came on it.
    async fn provider(turns: Vec<Vec<&'static str>>) -> (Arc<Lanes>, Uri, mpsc::UnboundedReceiver<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/v1/chat?a=b", listener.local_addr().unwrap()).parse().unwrap();
        let (told, closed) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            for answers in turns {
                let (mut socket, _) = listener.accept().await.unwrap();
                let told = told.clone();
                tokio::spawn(async move {
                    let mut count = 0;
                    let mut heard = Vec::new();
                    for answer in answers {
                        while !heard.ends_with(b"hello") {
                            if socket.read_buf(&mut heard).await.unwrap_or(0) == 0 {
                                return told.send(count);
                            }
                        }
                        assert!(heard.starts_with(b"POST /v1/chat?a=b HTTP/1.1\r\n"));
                        heard.clear();
                        count += 1;
                        socket.write_all(answer.as_bytes()).await.unwrap();
                    }
                    drop(socket);
                    told.send(count)
                });
            }
        });
        let timeout = Duration::from_secs(5);
        let connector = Connector { timeout, reach: Reach::Anywhere, resolver: Resolver::default() };
        (Lanes::new(connector), uri, closed)
    }

    fn request(uri: &Uri) -> Request<UpstreamBody> {
        let body = Full::new(Bytes::from_static(b"hello")).map_err(|never| match never {}).boxed_unsync();
        Request::post(uri).body(body).unwrap()
    }

    async fn text(lanes: &Arc<Lanes>, uri: &Uri) -> String {
        let answer = lanes.send(request(uri)).await.unwrap();
        String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    const WHOLE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n";
    const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";

    #[tokio::test]
    async fn an_answer_that_was_read_leaves_its_connection_for_the_next_request() {
        let (lanes, uri, mut closed) = provider(vec![vec![WHOLE, CHUNKED, EMPTY, WHOLE]]).await;
        for expected in ["hi", "hi!", "", "hi"] {
            assert_eq!(text(&lanes, &uri).await, expected);
        }
        assert_eq!(closed.recv().await, Some(4));
    }

    #[tokio::test]
    async fn a_request_that_met_a_closed_connection_is_sent_anew() {
        let (lanes, uri, mut closed) = provider(vec![vec![WHOLE], vec![WHOLE]]).await;
        assert_eq!(text(&lanes, &uri).await, "hi");
        assert_eq!(closed.recv().await, Some(1));
        // The end of the connection has to arrive here first.
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(text(&lanes, &uri).await, "hi");
    }

    #[tokio::test]
    async fn a_request_that_was_written_is_never_sent_twice() {
        let (lanes, uri, mut closed) = provider(vec![vec![WHOLE, ""], vec![WHOLE]]).await;
        assert_eq!(text(&lanes, &uri).await, "hi");
        let error = lanes.send(request(&uri)).await.unwrap_err();
        assert!(matches!(error, CallError::Http(_)) && !error.is_connect());
        assert_eq!(closed.recv().await, Some(2));
    }

    #[tokio::test]
    async fn a_connection_whose_answer_nobody_reads_is_closed() {
        let long = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi";
        let (lanes, uri, mut closed) = provider(vec![vec![long, WHOLE], vec![WHOLE]]).await;
        drop(lanes.send(request(&uri)).await.unwrap());
        assert_eq!(closed.recv().await, Some(1));
        assert_eq!(text(&lanes, &uri).await, "hi");
    }

    #[tokio::test]
    async fn an_answer_that_is_cut_off_is_an_error() {
        let (lanes, uri, _closed) = provider(vec![vec!["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi"]]).await;
        let answer = lanes.send(request(&uri)).await.unwrap();
        assert!(answer.into_body().collect().await.is_err());
    }

    #[tokio::test]
    async fn idle_connections_are_let_go_when_they_are_old_or_closed() {
        let (lanes, uri, mut closed) = provider(vec![vec![WHOLE, WHOLE], vec![WHOLE]]).await;
        assert_eq!(text(&lanes, &uri).await, "hi");
        assert!(lanes.tidy_once(), "a fresh one stays");
        for idle in lanes.lock().iter_mut() {
            idle.since = Instant::now().checked_sub(IDLE_TIMEOUT).unwrap();
        }
        assert!(!lanes.tidy_once());
        assert_eq!(closed.recv().await, Some(1));
        assert_eq!(text(&lanes, &uri).await, "hi");
        assert_eq!(closed.recv().await, Some(1));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!lanes.tidy_once(), "the provider closed it");
    }

    #[test]
    fn the_host_header_names_host_and_port_alone() {
        for (authority, expected) in
            [("a.b:8080", "a.b:8080"), ("a.b:80", "a.b"), ("u:p@a.b", "a.b"), ("[::1]:80", "[::1]")]
        {
            assert_eq!(host_of(&authority.parse().unwrap()), expected);
        }
    }
}
