//! A proxy that opens tunnels, and records their targets.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

pub(super) struct Proxy {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Connect>>>,
}

/// A `CONNECT` request.
#[derive(Clone, Debug)]
pub(super) struct Connect {
    /// Host and port.
    pub(super) target: String,
    /// The value of `Proxy-Authorization`.
    pub(super) authorization: String,
}

impl Proxy {
    /// A proxy that connects to the requested port of this computer, whatever the host name; or refuses every request.
    pub(super) fn start(refuses: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::<Mutex<Vec<Connect>>>::default();
        let record = Arc::clone(&seen);
        // Ends with the test's process; it holds nothing but its port.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let record = Arc::clone(&record);
                thread::spawn(move || serve(client, refuses, &record));
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

fn serve(mut client: TcpStream, refuses: bool, record: &Mutex<Vec<Connect>>) -> Option<()> {
    let mut lines = BufReader::new(client.try_clone().ok()?);
    let mut head = String::new();
    while lines.read_line(&mut head).ok()? > 2 {}
    let target = head.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("proxy-authorization").then(|| value.to_owned())
    };
    let authorization = head.lines().find_map(header).unwrap_or_default();
    let port: u16 = target.rsplit_once(':')?.1.parse().ok()?;
    record.lock().unwrap().push(Connect { target, authorization });
    if refuses {
        return client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").ok();
    }
    let mut server = TcpStream::connect(("127.0.0.1", port)).ok()?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").ok()?;
    let mut from_server = server.try_clone().ok()?;
    let back = thread::spawn(move || {
        let _ = io::copy(&mut from_server, &mut client);
        let _ = client.shutdown(Shutdown::Both);
    });
    let _ = io::copy(&mut lines, &mut server);
    let _ = server.shutdown(Shutdown::Both);
    back.join().ok()
}
