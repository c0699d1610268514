//! What proves to a receiver that a message is ours: HMAC-SHA256 over its time and its body.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// `v1=` and the HMAC-SHA256 of the time (Unix seconds), a dot and the body, in hex.
///
/// ```
/// // As openssl does it: printf '1700000000.{}' | openssl dgst -sha256 -hmac secret
/// let expected = "v1=b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163";
/// assert_eq!(llm_gateway::domain::signature(b"secret", "1700000000", b"{}"), expected);
/// ```
pub fn signature(secret: &[u8], at: &str, body: &[u8]) -> String {
    // HMAC takes keys of every length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(at.as_bytes());
    mac.update(b".");
    mac.update(body);
    format!("v1={}", hex::encode(mac.finalize().into_bytes()))
}
