//! Ports for programs that are told their port, and so cannot take port 0.

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::atomic::{AtomicU16, Ordering::Relaxed},
};

/// Where the search begins. The system gives ports for connections, and for port 0, from 32768 on, so what is found
/// below stays free until the program that is told of it takes it.
static NEXT: AtomicU16 = AtomicU16::new(12_000);

/// A port that nobody else gets: no other test, and no connection.
pub(crate) fn free_port() -> u16 {
    loop {
        let port = NEXT.fetch_add(1, Relaxed);
        assert!(port < 32_768, "no free port");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
