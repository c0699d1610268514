//! The portal's page: one for every address that no API owns, and nothing on it that the policy forbids.
//!
//! What a person sees and does is tested in a real browser, in `portal/e2e`.

use http::Method;

use super::harness::gateway::start;

#[tokio::test]
async fn every_address_of_the_portal_is_the_page() {
    let rig = start().await;
    for path in ["/", "/?t=7d", "/records", "/keys/some-key/", "/index.html"] {
        let page = rig.client().get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8", "{path}");
        assert!(page.headers.contains_key("content-security-policy"), "{path}");
        let head = rig.client().send(Method::HEAD, path, None).await;
        assert_eq!(head.headers["content-length"], page.body.len().to_string(), "{path}");
        assert_eq!(head.body.len(), 0, "{path}");
    }
}

#[tokio::test]
async fn the_page_needs_no_inline_code_and_no_other_host() {
    let rig = start().await;
    let page = rig.client().get("/").await.text();
    assert!(!page.contains("<style") && !page.contains("style=\""), "{page}");
    assert!(page.split("<script").skip(1).all(|rest| rest.split('>').next().unwrap().contains("src=\"/")), "{page}");
    for attribute in ["src=\"", "href=\""] {
        for rest in page.split(attribute).skip(1) {
            assert!(rest.starts_with('/') && !rest.starts_with("//"), "{attribute}{rest}");
        }
    }
}

#[tokio::test]
async fn what_the_page_loads_is_there_and_kept() {
    let rig = start().await;
    let page = rig.client().get("/").await.text();
    for file in page.split("\"/assets/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let answer = rig.client().with("accept-encoding", "gzip, br").get(&format!("/assets/{file}")).await;
        assert_eq!(answer.status, 200, "{file}");
        assert_eq!(answer.headers["content-encoding"], "br", "{file}");
        assert_eq!(answer.headers["cache-control"], "public, max-age=31536000, immutable", "{file}");
    }
}

#[tokio::test]
async fn an_api_path_and_a_missing_file_are_never_the_page() {
    let rig = start().await;
    for path in
        ["/v1/nothing", "/v1beta/nothing", "/api/nothing", "/my-project/openai/v1/nothing", "/assets/nothing.js"]
    {
        let answer = rig.client().get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.text().contains("<html"), "{path}");
    }
    assert!(rig.client().send(Method::POST, "/", None).await.status.is_client_error());
}
