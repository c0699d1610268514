//! Personal data: addresses of machines.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Anchor, Left, Rule, Seen, checks};
use crate::domain::Category;

const USUAL: Rule = Rule { category: Category::Pii, ..Rule::USUAL };

/// Addresses that tell nothing of anybody: loopback, unspecified, broadcast, masks, documentation
/// (RFC 5737), multicast, public resolvers.
fn is_nobodys_v4(address: Ipv4Addr) -> bool {
    const RESOLVERS: [[u8; 4]; 6] =
        [[8, 8, 8, 8], [8, 8, 4, 4], [1, 1, 1, 1], [1, 0, 0, 1], [9, 9, 9, 9], [208, 67, 222, 222]];
    let octets = address.octets();
    address.is_loopback()
        || address.is_documentation()
        || matches!(octets, [0 | 224..=255, ..] | [.., 0, 0])
        || RESOLVERS.contains(&octets)
}

/// Four small numbers with dots are a version unless a word before says otherwise.
fn is_ipv4(seen: &Seen<'_>) -> bool {
    let Ok(address) = seen.text.parse::<Ipv4Addr>() else { return false };
    let before = seen.before.to_ascii_lowercase();
    let is_announced = ["ip", "addr", "host", "client", "server", "peer", "remote", "//", "@", "ping", "ssh"]
        .iter()
        .any(|word| before.contains(word));
    let is_version =
        ["version", " ver ", " ver.", "release", "build", "==", ">=", "~=", "§", "section", "chapter", "oid"]
            .iter()
            .any(|word| before.get(before.len().saturating_sub(14)..).unwrap_or(&before).contains(word));
    let is_small = address.octets().iter().all(|octet| *octet < 32);
    !is_nobodys_v4(address) && !is_version && (is_announced || !is_small)
}

fn is_ipv6(seen: &Seen<'_>) -> bool {
    let address = seen.text.split('%').next().unwrap_or_default();
    let Ok(address) = address.parse::<Ipv6Addr>() else { return false };
    // Three groups and a digit at least: `dead::beef` and `std::a` are words of code.
    let groups = seen.text.split(':').filter(|group| !group.is_empty()).count();
    let is_documentation = matches!(address.segments(), [0x2001, 0xdb8, ..] | [0x3fff, ..]);
    groups >= 3
        && checks::has_digit(seen.text)
        && !address.is_loopback()
        && !address.is_unspecified()
        && !address.is_multicast()
        && !is_documentation
        && !address.to_ipv4_mapped().is_some_and(|inner| IpAddr::V4(inner).is_loopback())
        && seen.after != Some(':')
}

/// One sign between all pairs; neither all zeros nor broadcast.
fn is_mac(seen: &Seen<'_>) -> bool {
    let signs: Vec<u8> = seen.text.bytes().filter(|byte| !byte.is_ascii_hexdigit()).collect();
    let digits: String =
        seen.text.chars().filter(char::is_ascii_hexdigit).map(|letter| letter.to_ascii_lowercase()).collect();
    let is_dotted = signs.first() == Some(&b'.');
    digits.len() == 12
        && signs.windows(2).all(|pair| matches!(pair, [a, b] if a == b))
        && !matches!(digits.as_str(), "000000000000" | "ffffffffffff")
        && (!is_dotted || (checks::has_letter(&digits) && checks::has_digit(&digits)))
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ipv4_address",
        kind: "IP_ADDRESS",
        finds: "IPv4 addresses, private ones too; not loopback, documentation, masks, public resolvers, versions",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[0-9]{1,3}(?:\.[0-9]{1,5}){3,9}",
        left: Left::WordAnd(b"-.+"),
        check: is_ipv4,
        source: "RFC 791, RFC 1918, RFC 5737; Presidio IpRecognizer",
        matches: &["84.112.7.201", "192.168.1.17", "client «10.2.3.4»"],
        misses: &[
            "127.0.0.1",
            "0.0.0.0",
            "255.255.255.0",
            "192.0.2.7",
            "1.2.3.4",
            "version 84.112.7.201",
            "84.112.7.201.5",
            "256.1.1.1",
            "8.8.8.8",
            "10.0.0.0",
        ],
        ..USUAL
    },
    Rule {
        id: "ipv6_address",
        kind: "IP_ADDRESS",
        finds: "IPv6 addresses; not loopback, documentation, multicast",
        anchor: Anchor::Around { marks: &[":"], run: is_hex, most: 4 },
        pattern: r"(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{1,4})|(?:[0-9A-Fa-f]{1,4}:){1,7}:",
        left: Left::WordAnd(b":.-"),
        check: is_ipv6,
        source: "RFC 4291, RFC 5952, RFC 3849; Presidio IpRecognizer",
        matches: &["2a02:8108:8ac0:1c3e::7f4", "fe80::1c2b:3d4e:5f60:7a8b", "2a00:1450:4001:0828:0000:0000:0000:200e"],
        misses: &["::1", "2001:db8::1:2:3", "std::fmt", "12:34:56", "dead::beef", "a::b::c", "00:1a:2b:3c:4d:5e"],
        ..USUAL
    },
    Rule {
        id: "mac_address",
        kind: "MAC_ADDRESS",
        finds: "hardware addresses of network cards",
        anchor: Anchor::Around { marks: &[":", "-", "."], run: is_hex, most: 4 },
        pattern: r"(?:[0-9A-Fa-f]{2}(?:[:\x2d][0-9A-Fa-f]{2}){5,19}|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})",
        left: Left::WordAnd(b":.-"),
        check: is_mac,
        source: "IEEE 802, EUI-48; Presidio MacAddressRecognizer",
        matches: &["00:1a:2b:3c:4d:5e", "A4-5E-60-C1-22-9F", "001a.2b3c.4d5e"],
        misses: &[
            "00:00:00:00:00:00",
            "ff:ff:ff:ff:ff:ff",
            "12:34:56",
            "00:1a:2b:3c:4d:5e:6f:70",
            "2024-11-21-12-34-56",
            "1234.5678.9012",
        ],
        ..USUAL
    },
];
