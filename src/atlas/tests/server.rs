//! A server that responds to each request by a script, and records the requests.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// A received request.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) target: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// The response to a request.
pub(super) enum Reply {
    /// A status, additional headers and a body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Closes the connection without a response.
    Cut,
    /// Sends the head, with the length of the whole body, and this part of the body, and closes the connection.
    CutBody(String, usize),
    /// Responds when the semaphore has a permit.
    When(Arc<Semaphore>, Box<Reply>),
}

impl Reply {
    pub(super) fn new(status: u16, body: impl Into<String>) -> Self {
        Self::Answer(status, Vec::new(), body.into())
    }

    pub(super) fn with(self, name: &'static str, value: impl Into<String>) -> Self {
        let Self::Answer(status, mut headers, body) = self else { panic!("not an answer") };
        headers.push((name, value.into()));
        Self::Answer(status, headers, body)
    }
}

type Script = Arc<dyn Fn(&Seen, usize) -> Reply + Send + Sync>;

pub(super) struct Server {
    address: std::net::SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// Has one permit for each received request.
    pub(super) arrived: Arc<Semaphore>,
    listening: JoinHandle<()>,
}

impl Server {
    /// `script` gets each request and the number of earlier ones with its method.
    pub(super) async fn start(
        script: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let arrived = Arc::new(Semaphore::new(0));
        let script: Script = Arc::new(script);
        let (log, signal) = (Arc::clone(&seen), Arc::clone(&arrived));
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, log, signal) =
                    (Arc::clone(&script), Arc::clone(&log), Arc::clone(&signal));
                tokio::spawn(serve(stream, script, log, signal));
            }
        });
        Self { address, seen, arrived, listening }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops listening; the address then refuses connections.
    pub(super) async fn leave(&mut self) {
        self.listening.abort();
        let _ = (&mut self.listening).await;
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn count(&self, method: &str) -> usize {
        self.seen().iter().filter(|seen| seen.method == method).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    script: Script,
    log: Arc<Mutex<Vec<Seen>>>,
    arrived: Arc<Semaphore>,
) {
    while let Some(seen) = read(&mut stream).await {
        let before = {
            let mut log = log.lock().unwrap();
            let before = log.iter().filter(|other| other.method == seen.method).count();
            log.push(seen.clone());
            before
        };
        let mut reply = script(&seen, before);
        arrived.add_permits(1);
        while let Reply::When(permit, then) = reply {
            permit.acquire().await.unwrap().forget();
            reply = *then;
        }
        match reply {
            Reply::Answer(status, headers, body) => {
                let head = head(status, &headers, body.len());
                let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
            }
            Reply::CutBody(body, sent) => {
                let head = head(201, &[], body.len());
                let _ = stream.write_all(format!("{head}{}", &body[..sent]).as_bytes()).await;
                return;
            }
            Reply::Cut | Reply::When(..) => return,
        }
    }
}

fn head(status: u16, headers: &[(&'static str, String)], length: usize) -> String {
    let lines = headers
        .iter()
        .fold(String::new(), |lines, (name, value)| lines + name + ": " + value + "\r\n");
    let date = if headers.iter().any(|(name, _)| *name == "Date") {
        ""
    } else {
        "Date: Mon, 10 Aug 2026 03:00:00 GMT\r\n"
    };
    format!(
        "HTTP/1.1 {status} X\r\n{date}\
         Content-Length: {length}\r\n{lines}\r\n"
    )
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let mut first = lines.next()?.split(' ');
            let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
            let headers: Vec<_> = lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect();
            let seen = Seen { method, target, headers, body: body.to_owned() };
            let length = seen.header("content-length").map_or(0, |l| l.parse().unwrap());
            if body.len() >= length {
                return Some(seen);
            }
        }
        match stream.read(&mut buffer).await {
            Ok(count) if count > 0 => text.push_str(std::str::from_utf8(&buffer[..count]).unwrap()),
            _ => return None,
        }
    }
}
