//! What kind of network an address belongs to, as the egress rules see it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The kind of network an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// The internet.
    Public,
    /// Someone's own network: RFC 1918, carrier-grade NAT, unique local addresses.
    Private,
    /// This machine.
    Loopback,
    /// What no provider can live on: unspecified, link-local (cloud metadata), multicast, documentation, reserved.
    Reserved,
}

impl Network {
    /// The network of `address`; an IPv6 address that carries an IPv4 one counts as that one.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

const fn of_v4(address: Ipv4Addr) -> Network {
    match address.octets() {
        [127, ..] => Network::Loopback,
        [0 | 224..=255, ..] | [169, 254, ..] | [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Network::Reserved
        }
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] | [198, 18..=19, ..] => Network::Private,
        _ => Network::Public,
    }
}

const fn of_v6(address: Ipv6Addr) -> Network {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Network::Loopback,
        // v4-mapped and v4-compatible (the unspecified address among them), NAT64, 6to4.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            of_v4(Ipv4Addr::from_bits(((high as u32) << 16) | low as u32))
        }
        // Teredo hides the client's IPv4 address in its last bits, inverted.
        [0x2001, 0, _, _, _, _, high, low] => of_v4(Ipv4Addr::from_bits(!(((high as u32) << 16) | low as u32))),
        // Link-local, multicast, documentation, discard-only.
        [0xfe80..=0xfebf | 0xff00..=0xffff, ..] | [0x2001, 0x0db8, ..] | [0x0100, 0, 0, 0, ..] => Network::Reserved,
        // Site-local, unique local, NAT64 of one's own.
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] | [0x64, 0xff9b, 1, ..] => Network::Private,
        _ => Network::Public,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notation_of_an_address_is_seen_through() {
        let cases = [
            ("8.8.8.8", Network::Public),
            ("2606:4700::1111", Network::Public),
            ("::ffff:8.8.8.8", Network::Public),
            ("10.1.2.3", Network::Private),
            ("172.31.255.255", Network::Private),
            ("172.32.0.1", Network::Public),
            ("192.168.0.1", Network::Private),
            ("100.100.100.200", Network::Private),
            ("fd00:ec2::254", Network::Private),
            ("64:ff9b::10.0.0.1", Network::Private),
            ("127.0.0.1", Network::Loopback),
            ("::1", Network::Loopback),
            ("::ffff:127.0.0.1", Network::Loopback),
            ("2002:7f00:1::", Network::Loopback),
            ("0.0.0.0", Network::Reserved),
            ("::", Network::Reserved),
            ("169.254.169.254", Network::Reserved),
            ("::ffff:169.254.169.254", Network::Reserved),
            ("fe80::1", Network::Reserved),
            ("255.255.255.255", Network::Reserved),
            ("ff02::1", Network::Reserved),
            ("2001:db8::1", Network::Reserved),
            ("203.0.113.9", Network::Reserved),
            ("100::1", Network::Reserved),
            ("64:ff9b:1::a00:1", Network::Private),
            ("2001:0:4136:e378:8000:63bf:80ff:fffe", Network::Loopback),
            ("2001:0:4136:e378:8000:63bf:f7f7:f7f7", Network::Public),
        ];
        for (text, network) in cases {
            assert_eq!(Network::of(text.parse().unwrap()), network, "{text}");
        }
    }
}
