//! How many connections one address holds, so that no single client can take all there are.
//!
//! Loopback is not counted: a proxy on this machine brings the connections of everyone.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

/// The connections by address. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Seats(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection's place; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    /// `None` for loopback.
    address: Option<IpAddr>,
}

impl Seats {
    /// A place for a connection from `peer`, unless its address holds `most` already.
    pub(super) fn take(&self, peer: IpAddr, most: usize) -> Option<Seat> {
        let peer = peer.to_canonical();
        if peer.is_loopback() {
            return Some(Seat { seats: self.clone(), address: None });
        }
        let address = network_of(peer);
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Seat { seats: self.clone(), address: Some(address) })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut taken = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&address);
            }
        }
    }
}

/// Who has one IPv6 address usually has the whole /64 around it.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_gets_no_more_than_its_share_and_gives_it_back() {
        let seats = Seats::default();
        let first = seats.take(ip("192.0.2.1"), 2).unwrap();
        let _second = seats.take(ip("::ffff:192.0.2.1"), 2).unwrap();
        assert!(seats.take(ip("192.0.2.1"), 2).is_none());
        assert!(seats.take(ip("192.0.2.2"), 2).is_some());
        drop(first);
        assert!(seats.take(ip("192.0.2.1"), 2).is_some());
    }

    #[test]
    fn an_ipv6_network_is_one_address_and_loopback_is_none() {
        let seats = Seats::default();
        let _seat = seats.take(ip("2001:db8::1"), 1).unwrap();
        assert!(seats.take(ip("2001:db8::2"), 1).is_none());
        assert!(seats.take(ip("2001:db8:0:1::1"), 1).is_some());
        let loopback: Vec<_> = ["127.0.0.1", "127.0.0.9", "::1"].map(|peer| seats.take(ip(peer), 0)).into();
        assert!(loopback.iter().all(Option::is_some));
    }

    #[test]
    fn nothing_is_kept_of_who_has_gone() {
        let seats = Seats::default();
        drop(seats.take(ip("192.0.2.1"), 1));
        assert!(seats.0.lock().unwrap().is_empty());
    }
}
