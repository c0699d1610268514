//! Secrets that cannot be printed or serialised.

use secrecy::{ExposeSecret, SecretString};

/// A provider key, token or password.
///
/// It has no `Display` and no `Serialize`, its `Debug` shows only `[secret]`, and its memory is
/// wiped when it is dropped. [`Secret::expose`] is the one way out, to be used where the secret
/// enters an upstream header or an encryption and nowhere else.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        use subtle::ConstantTimeEq as _;
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl Eq for Secret {}
