//! A portal of four files, asked in every way a browser asks.

use http_body_util::BodyExt as _;

use super::*;

const FILES: &[(&str, &str)] = &[
    ("index.html", "<!doctype html>"),
    ("index.html.br", "page in br"),
    ("index.html.gz", "page in gzip"),
    ("assets/main-1a2b3c.js", "script"),
    ("assets/main-1a2b3c.js.br", "script in br"),
    ("icon.svg", "<svg/>"),
    (".gitkeep", ""),
];

fn built(name: &str) -> Option<File> {
    let index = FILES.iter().position(|(file, _)| *file == name)?;
    let (_, text) = FILES[index];
    Some(File { data: Cow::Borrowed(text.as_bytes()), hash: [u8::try_from(index).unwrap(); 32] })
}

fn not_built(_: &str) -> Option<File> {
    None
}

fn get(path: &str, sent: &[(&'static str, &'static str)]) -> Option<Response> {
    let mut headers = HeaderMap::new();
    for (name, value) in sent {
        headers.append(*name, HeaderValue::from_static(value));
    }
    answer(built, &Method::GET, path, &headers)
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

fn sent(response: &Response, name: header::HeaderName) -> &str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn every_page_is_the_one_page() {
    for path in ["/", "/index.html", "/records", "/records/rec_1", "/keys/"] {
        let response = get(path, &[]).unwrap();
        assert_eq!(sent(&response, header::CONTENT_TYPE), "text/html; charset=utf-8", "{path}");
        assert_eq!(sent(&response, header::CACHE_CONTROL), "no-cache", "{path}");
        assert_eq!(text(response).await, "<!doctype html>", "{path}");
    }
}

#[test]
fn what_the_portal_does_not_have_is_not_found() {
    for path in [
        "/assets/main-000000.js",
        "/favicon.ico",
        "/.gitkeep",
        "/index.html.br",
        "/assets/main-1a2b3c.js.br",
        "/../Cargo.toml",
        "",
    ] {
        assert!(get(path, &[]).is_none(), "{path}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        assert!(answer(built, &method, "/", &HeaderMap::new()).is_none(), "{method}");
    }
}

#[tokio::test]
async fn a_hashed_file_is_kept_for_ever_and_others_are_asked_about() {
    let script = get("/assets/main-1a2b3c.js", &[]).unwrap();
    assert_eq!(sent(&script, header::CACHE_CONTROL), "public, max-age=31536000, immutable");
    assert_eq!(sent(&script, header::CONTENT_TYPE), "text/javascript; charset=utf-8");
    assert_eq!(text(script).await, "script");

    let icon = get("/icon.svg", &[]).unwrap();
    assert_eq!(sent(&icon, header::CACHE_CONTROL), "no-cache");
    assert_eq!(sent(&icon, header::CONTENT_TYPE), "image/svg+xml");
}

#[tokio::test]
async fn the_best_encoding_that_the_client_reads_is_sent() {
    let cases = [
        ("gzip, deflate, br", "br", "page in br"),
        ("gzip;q=1.0, br;q=0", "gzip", "page in gzip"),
        ("GZIP", "gzip", "page in gzip"),
        ("identity", "", "<!doctype html>"),
        ("*;q=0", "", "<!doctype html>"),
    ];
    for (accepted, encoding, expected) in cases {
        let response = get("/", &[("accept-encoding", accepted)]).unwrap();
        assert_eq!(sent(&response, header::CONTENT_ENCODING), encoding, "{accepted}");
        assert_eq!(sent(&response, header::VARY), "accept-encoding", "{accepted}");
        assert_eq!(sent(&response, header::CONTENT_TYPE), "text/html; charset=utf-8", "{accepted}");
        assert_eq!(text(response).await, expected, "{accepted}");
    }
}

#[tokio::test]
async fn a_page_the_client_still_has_is_not_sent_again() {
    let tag = "\"00000000000000000000000000000000\"";
    assert_eq!(sent(&get("/", &[]).unwrap(), header::ETAG), tag);
    for known in [tag, "\"x\", W/\"00000000000000000000000000000000\"", "*"] {
        let response = get("/", &[("if-none-match", known)]).unwrap();
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(text(response).await, "");
    }
    // The compressed form is another representation, with a tag of its own.
    let response = get("/", &[("if-none-match", tag), ("accept-encoding", "br")]).unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn head_says_what_get_would_send() {
    let response = answer(built, &Method::HEAD, "/", &HeaderMap::new()).unwrap();
    assert_eq!(sent(&response, header::CONTENT_LENGTH), "15");
    assert_eq!(text(response).await, "");
}

#[tokio::test]
async fn without_a_built_portal_the_page_says_how_to_build_it() {
    let response = answer(not_built, &Method::GET, "/", &HeaderMap::new()).unwrap();
    assert_eq!(sent(&response, header::CACHE_CONTROL), "no-store");
    let page = text(response).await;
    assert!(page.contains("npm run build"), "{page}");
    assert!(
        !page.contains("<style") && !page.contains("style=") && !page.contains("<script"),
        "the CSP allows none inline"
    );
}
