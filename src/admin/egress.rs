//! Where a provider that was added over the API may lie. Checked when it is saved; what a name
//! resolves to is checked when a connection is made, and not here.

use url::{Host, Url};

use super::error::ApiError;
use crate::domain::Network;

/// Reads a provider's address. Only a plain `http` or `https` root or path is one.
///
/// # Errors
/// 400 that names `param` for anything that could hide where a request goes.
pub(super) fn read_address(param: &str, text: &str) -> Result<Url, ApiError> {
    let text = text.trim().trim_end_matches('/');
    let url = Url::parse(text).map_err(|fault| ApiError::invalid(param, format!("`{param}` is not a URL: {fault}")))?;
    let fault = if !matches!(url.scheme(), "http" | "https") {
        "must begin with http:// or https://"
    } else if !url.username().is_empty() || url.password().is_some() {
        "must not hold a user name or password; give the credential as `api_key`"
    } else if url.query().is_some() || url.fragment().is_some() {
        "must not have a query or a fragment"
    } else {
        return Ok(url);
    };
    Err(ApiError::invalid(param, format!("`{param}` {fault}")))
}

/// Refuses an address that a provider with or without `allow_private_network` may not have.
///
/// # Errors
/// 400 that names `param` and the way out, if there is one.
pub(super) fn check_network(param: &str, url: &Url, allow_private_network: bool) -> Result<(), ApiError> {
    let fault = match network(url) {
        Network::Public => return Ok(()),
        Network::Private | Network::Loopback if allow_private_network => return Ok(()),
        Network::Private | Network::Loopback => {
            "lies in a private or loopback network: only providers of type `local` and `ollama` may, or set \
             `allow_private_network` to true"
        }
        Network::Reserved => "is a link-local, unspecified or reserved address",
    };
    Err(ApiError::invalid(param, format!("`{param}` {fault}")))
}

fn network(url: &Url) -> Network {
    match url.host() {
        // The parser has turned `127.1`, `0x7f000001` and their like into addresses already.
        Some(Host::Ipv4(address)) => Network::of(address.into()),
        Some(Host::Ipv6(address)) => Network::of(address.into()),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            let is_local = name == "localhost" || name.ends_with(".localhost");
            if is_local { Network::Loopback } else { Network::Public }
        }
        None => Network::Reserved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cloud_provider_cannot_be_pointed_inwards_in_any_notation() {
        let inward = [
            "http://127.0.0.1:1",
            "http://127.1",
            "http://0x7f000001",
            "http://2130706433",
            "http://localhost",
            "http://LOCALHOST.:8080",
            "http://a.localhost",
            "http://[::1]",
            "http://[::ffff:127.0.0.1]",
            "http://10.0.0.1",
            "http://192.168.1.1",
            "http://172.16.0.1",
            "http://100.64.0.1",
            "http://[fd00::1]",
            "http://１２７.0.0.1",
        ];
        for text in inward {
            let url = read_address("base_url", text).unwrap();
            assert!(check_network("base_url", &url, false).is_err(), "{text}");
            assert!(check_network("base_url", &url, true).is_ok(), "{text}");
        }
        for text in ["http://169.254.169.254/latest", "http://0.0.0.0", "http://[fe80::1]", "http://[::]"] {
            let url = read_address("base_url", text).unwrap();
            assert!(check_network("base_url", &url, true).is_err(), "{text}");
        }
        let url = read_address("base_url", "https://api.openai.com/v1/").unwrap();
        assert_eq!(url.as_str(), "https://api.openai.com/v1");
        assert!(check_network("base_url", &url, false).is_ok());
    }

    #[test]
    fn an_address_that_hides_something_is_refused() {
        for text in [
            "",
            "api.openai.com",
            "ftp://a.test",
            "file:///etc",
            "http://u:p@a.test",
            "http://a.test/?x=1",
            "http://a.test/#x",
        ] {
            assert!(read_address("base_url", text).is_err(), "{text}");
        }
    }
}
