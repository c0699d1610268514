//! Bar 8: which addresses a provider may have is decided when a connection is made, on the address that is used.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use llm_gateway::{
    demo::{Provider, ProviderOptions},
    provider::Resolver,
};
use serde_json::{Value, json};

use crate::harness::gateway::{Rig, start_resolving};

/// Everything that means this machine, its network or the cloud's metadata service, as an attacker writes it.
const INWARD: [&str; 30] = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7f.1",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "１２７.0.0.1",
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
    "127.0.0.1.",
    "0.0.0.0",
    "0",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fd00::1]",
    "[fe80::1]",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "192.168.0.1",
];

/// Names that lead inwards, and where to.
const NAMES: [(&str, &str); 14] = [
    ("localhost", "127.0.0.1"),
    ("localhost.", "127.0.0.1"),
    ("LOCALHOST", "127.0.0.1"),
    ("a.localhost", "::1"),
    ("127.0.0.1.nip.test", "127.0.0.1"),
    ("7f000001.nip.test", "127.0.0.1"),
    ("mapped.evil.test", "::ffff:127.0.0.1"),
    ("six.evil.test", "::1"),
    ("any.evil.test", "0.0.0.0"),
    ("metadata.evil.test", "169.254.169.254"),
    ("office.evil.test", "192.168.1.10"),
    ("cgnat.evil.test", "100.100.100.200"),
    ("ula.evil.test", "fd00:ec2::254"),
    ("nat64.evil.test", "64:ff9b::a9fe:a9fe"),
];

/// Public by its class, but assigned to nobody: a connection to it goes nowhere.
const NOWHERE: &str = "4000::1";

async fn rig(resolver: Resolver, providers: &str) -> Rig {
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    start_resolving(upstream, providers, "", resolver).await
}

fn named() -> Resolver {
    let known: HashMap<String, IpAddr> =
        NAMES.iter().map(|(name, address)| (name.to_lowercase(), address.parse().unwrap())).collect();
    Resolver::of(move |host| known.get(&host.to_lowercase()).copied().into_iter().collect())
}

async fn call(rig: &Rig, provider: &str) -> crate::harness::client::Answer {
    let chat = json!({"model": format!("{provider}/m"), "messages": [{"role": "user", "content": "Hello"}]});
    rig.client().post("/v1/chat/completions", &chat).await
}

fn definition(id: &str, host: &str, port: u16) -> Value {
    json!({"id": id, "provider_type": "openai_compatible", "base_url": format!("http://{host}:{port}/v1"),
        "api_key": "sk-test-egress", "models": ["m"], "connect_timeout": 0.1})
}

#[tokio::test]
async fn bar_08_no_spelling_of_an_inward_address_is_saved_and_none_is_connected_to() {
    // The config file may name any address; with the permission taken back, the connector alone stands in the way.
    let blocks: String = INWARD
        .iter()
        .enumerate()
        .map(|(number, host)| {
            format!(
                "[[providers]]\nid = \"p{number}\"\nprovider_type = \"openai_compatible\"\napi_key = \"sk-test\"\n\
                 base_url = \"http://{host}:{{port}}/v1\"\nallow_private_network = false\nconnect_timeout = 1\n"
            )
        })
        .collect();
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let port = upstream.addr().port();
    let known = Resolver::of(|_| vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]);
    let rig = start_resolving(upstream, &blocks.replace("{port}", &port.to_string()), "", known).await;
    for (number, host) in INWARD.iter().enumerate() {
        let answer = call(&rig, &format!("p{number}")).await;
        assert_eq!(answer.code(502), "upstream_connect", "{host}");
        assert!(answer.text().contains("may not use"), "{host}: {}", answer.text());
        let refused = rig.client().post("/v1/providers", &definition("inward", host, port)).await;
        assert_eq!(refused.code(400), "invalid_parameter", "{host}");
    }
    assert_eq!(rig.upstream.ledger().counts().connections, 0);
}

#[tokio::test]
async fn bar_08_a_name_that_leads_inwards_is_not_followed_unless_opted_in() {
    let rig = rig(named(), "").await;
    let port = rig.upstream.addr().port();
    let client = rig.client();
    client.post("/v1/providers", &definition("patched", "api.example.com", port)).await.expect(201);
    for (number, (name, address)) in NAMES.iter().enumerate() {
        let id = format!("p{number}");
        let saved = client.post("/v1/providers", &definition(&id, name, port)).await;
        let is_told = name.to_lowercase().contains("localhost");
        assert_eq!(saved.status.as_u16(), if is_told { 400 } else { 201 }, "{name}: {}", saved.text());
        let change = json!({"base_url": format!("http://{name}:{port}/v1"), "api_key": "sk-test-egress"});
        let patched = client.patch("/v1/providers/patched", &change).await;
        assert_eq!(patched.status.as_u16(), if is_told { 400 } else { 200 }, "{name}: {}", patched.text());
        for id in [id.as_str(), "patched"].iter().filter(|_| !is_told) {
            let answer = call(&rig, id).await;
            assert_eq!(answer.code(502), "upstream_connect", "{name}");
            assert!(answer.text().contains("may not use"), "{name}: {}", answer.text());
            assert!(
                name.contains(address) || !answer.text().contains(address),
                "an address is nobody's business: {}",
                answer.text()
            );
        }
    }
    assert_eq!(rig.upstream.ledger().counts().connections, 0);

    // Who opts in reaches networks of one's own, but never a link-local or unspecified address.
    for (number, (name, address)) in NAMES.iter().enumerate() {
        let id = format!("in{number}");
        let mut opted = definition(&id, name, port);
        opted["allow_private_network"] = json!(true);
        client.post("/v1/providers", &opted).await.expect(201);
        match *address {
            "127.0.0.1" | "::ffff:127.0.0.1" => assert_eq!(call(&rig, &id).await.status, 200, "{name}"),
            "0.0.0.0" | "169.254.169.254" | "64:ff9b::a9fe:a9fe" => {
                assert!(call(&rig, &id).await.text().contains("may not use"), "{name}");
            }
            // These would be tried for real.
            _ => {}
        }
    }
}

#[tokio::test]
async fn bar_08_a_name_is_looked_up_once_and_the_checked_address_is_the_one_used() {
    // What a rebinding name answers, lookup by lookup: first a public address, then this machine.
    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let nowhere: IpAddr = NOWHERE.parse().unwrap();
    let cases: [Vec<Vec<IpAddr>>; 3] = [
        vec![vec![nowhere], vec![local]],
        vec![vec![nowhere, local], vec![local, nowhere]],
        vec![vec![local, nowhere], vec![nowhere, local]],
    ];
    for answers in cases {
        let lookups = Arc::new(AtomicUsize::new(0));
        let told = answers.clone();
        let resolver = Resolver::of({
            let lookups = Arc::clone(&lookups);
            move |_| told[lookups.fetch_add(1, Relaxed) % told.len()].clone()
        });
        let rig = rig(resolver, "").await;
        let port = rig.upstream.addr().port();
        rig.client().post("/v1/providers", &definition("rebind", "rebind.evil.test", port)).await.expect(201);
        assert_eq!(lookups.load(Relaxed), 0, "saving looks nothing up");
        for number in 1..=4 {
            let answer = call(&rig, "rebind").await;
            assert!(matches!(answer.status.as_u16(), 502 | 504), "{answers:?}: {}", answer.text());
            assert_eq!(lookups.load(Relaxed), number, "{answers:?}: one lookup a connection");
        }
        assert_eq!(rig.upstream.ledger().counts().connections, 0, "{answers:?}");
    }
}
