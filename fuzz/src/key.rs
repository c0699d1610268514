//! Virtual keys: only what the gateway made is well-formed, and identity is the whole text.

use llm_gateway::domain::{KeyHash, VirtualKey};

/// The input as a key; then as 40 random bytes from which one is made, and changes to it.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if VirtualKey::is_well_formed(&text) {
        assert_eq!(text.len(), VirtualKey::LEN);
        assert!(text.starts_with("gk-") && text.is_ascii());
    }
    let mut random = [0; 40];
    random.iter_mut().zip(data).for_each(|(slot, byte)| *slot = *byte);
    let key = VirtualKey::from_random(&random);
    let key = key.expose();
    assert!(VirtualKey::is_well_formed(key), "a made key is not well-formed");
    assert!(key.strip_prefix("gk-").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphanumeric())));
    assert_eq!(KeyHash::of(key) == KeyHash::of(&text), key == text, "identity is not the whole text");
    for changed in changes(key, data.get(40..).unwrap_or_default()) {
        assert!(changed == key || !VirtualKey::is_well_formed(&changed), "{changed} is well-formed, made from {key}");
        assert_eq!(KeyHash::of(&changed) == KeyHash::of(key), changed == key, "identity is not the whole text");
    }
}

/// The key cut, lengthened, in other cases, and with one byte exchanged for each pair of `edits`.
fn changes(key: &str, edits: &[u8]) -> Vec<String> {
    let mut changed = vec![
        key[..key.len() - 1].to_owned(),
        format!("{key}0"),
        format!(" {key}"),
        key.to_ascii_uppercase(),
        key.to_ascii_lowercase(),
    ];
    for edit in edits.chunks_exact(2).take(8) {
        let mut bytes = key.as_bytes().to_vec();
        bytes[usize::from(edit[0]) % key.len()] = edit[1];
        changed.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    changed
}
