//! A proxy that opens tunnels, and remembers to where.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

pub(super) struct Proxy {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Connect>>>,
}

/// What was asked of it.
#[derive(Clone, Debug)]
pub(super) struct Connect {
    /// Host and port.
    pub(super) target: String,
    /// The value of `Proxy-Authorization`.
    pub(super) authorization: String,
}

impl Proxy {
    /// One that connects to the requested port of this computer, whatever the host name.
    pub(super) fn start() -> Self {
        Self::with(|target| {
            let port: u16 = target.rsplit_once(':')?.1.parse().ok()?;
            TcpStream::connect(("127.0.0.1", port)).ok()
        })
    }

    /// One that lets nobody through.
    pub(super) fn refusing() -> Self {
        Self::with(|_| None)
    }

    fn with(connect: fn(&str) -> Option<TcpStream>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::<Mutex<Vec<Connect>>>::default();
        let record = Arc::clone(&seen);
        // Ends with the test's process; it holds nothing but its port.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let record = Arc::clone(&record);
                thread::spawn(move || serve(client, connect, &record));
            }
        });
        Self { address, seen }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn seen(&self) -> Vec<Connect> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(
    client: TcpStream,
    connect: fn(&str) -> Option<TcpStream>,
    record: &Mutex<Vec<Connect>>,
) -> Option<()> {
    let mut lines = BufReader::new(client.try_clone().ok()?);
    let mut first = String::new();
    lines.read_line(&mut first).ok()?;
    let target = first.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    let mut authorization = String::new();
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("proxy-authorization") => {
                value.clone_into(&mut authorization);
            }
            Some(_) => {}
            None => break,
        }
    }
    let server = connect(&target);
    record.lock().unwrap().push(Connect { target, authorization });
    let Some(server) = server else {
        (&client).write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").ok()?;
        return None;
    };
    (&client).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").ok()?;
    let (mut from_server, mut to_client) = (server.try_clone().ok()?, client);
    let back = thread::spawn(move || {
        let _ = io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(std::net::Shutdown::Both);
    });
    let mut to_server = server;
    let _ = io::copy(&mut lines, &mut to_server);
    let _ = to_server.shutdown(std::net::Shutdown::Both);
    back.join().ok()
}
