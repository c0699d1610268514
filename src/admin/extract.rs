//! Strict readers of what a caller sent: query, JSON body, id in the path.
//!
//! What is not documented does not exist: names are checked against the OpenAPI description of
//! the very type that is read, so the document and the parser cannot disagree. Nothing is ignored.

use std::{borrow::Cow, collections::BTreeSet};

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::request::Parts,
};
use serde::de::DeserializeOwned;
use utoipa::{
    IntoParams, PartialSchema,
    openapi::{
        RefOr, Schema,
        path::{Parameter, ParameterIn},
    },
};

use super::error::{ApiError, Code};

/// Most bytes that an admin call's body may have.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// The query string, read as an `A`, a `B` and a `C` side by side; unknown, repeated and malformed
/// parameters are errors that name them.
pub(super) struct Params<A, B = Nothing, C = Nothing>(pub(super) A, pub(super) B, pub(super) C);

/// No parameters.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Nothing {}

impl IntoParams for Nothing {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        Vec::new()
    }
}

impl<S, A, B, C> FromRequestParts<S> for Params<A, B, C>
where
    S: Sync,
    A: DeserializeOwned + IntoParams,
    B: DeserializeOwned + IntoParams,
    C: DeserializeOwned + IntoParams,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let (a, b, c) = (names::<A>(), names::<B>(), names::<C>());
        check_names(query, &a.iter().chain(&b).chain(&c).map(String::as_str).collect())?;
        Ok(Self(read_part(query, &a)?, read_part(query, &b)?, read_part(query, &c)?))
    }
}

fn check_names(query: &str, known: &BTreeSet<&str>) -> Result<(), ApiError> {
    let mut seen: BTreeSet<Cow<'_, str>> = BTreeSet::new();
    for (name, _) in url::form_urlencoded::parse(query.as_bytes()) {
        if !known.contains(&*name) {
            return Err(ApiError::unknown("query parameter", &name, known.iter().copied()));
        }
        if seen.contains(&name) {
            return Err(ApiError::invalid(name.clone(), format!("the query parameter `{name}` is given twice")));
        }
        seen.insert(name);
    }
    Ok(())
}

fn names<T: IntoParams>() -> BTreeSet<String> {
    T::into_params(|| Some(ParameterIn::Query)).into_iter().map(|param| param.name).collect()
}

fn read_part<T: DeserializeOwned>(query: &str, names: &BTreeSet<String>) -> Result<T, ApiError> {
    let own = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| names.contains(&**name));
    let own = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(own).finish();
    let reader = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(own.as_bytes()));
    serde_path_to_error::deserialize(reader).map_err(|fault| {
        let param = fault.path().to_string();
        let message = format!("the query parameter `{param}` is not valid: {}", fault.inner());
        ApiError::invalid(param, message)
    })
}

/// The body as a `T`; must be JSON, at most 256 KiB; unknown and repeated fields are errors that name them.
pub(super) struct Body<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned + PartialSchema> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        if !super::origin::is_json(request.headers()) {
            return Err(ApiError::new(Code::UnsupportedMediaType, "send JSON, with `content-type: application/json`"));
        }
        let bytes = axum::body::to_bytes(request.into_body(), MAX_BODY_BYTES).await.map_err(|_| {
            ApiError::new(Code::RequestTooLarge, "the body broke off, came too slowly or is over 256 KiB")
        })?;
        read_json(&bytes).map(Self)
    }
}

fn read_json<T: DeserializeOwned + PartialSchema>(bytes: &[u8]) -> Result<T, ApiError> {
    // A list would be read as the fields in their order.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(ApiError::new(Code::InvalidRequest, "the body is not a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut reader);
    let fault = match read {
        Ok(value) => return reader.end().map(|()| value).map_err(|fault| not_json(&fault)),
        Err(fault) => fault,
    };
    let known = fields::<T>();
    if let Some(name) = first_unknown(bytes, &known) {
        return Err(ApiError::unknown("field", &name, known.iter().map(String::as_str)));
    }
    if !fault.inner().is_data() {
        return Err(not_json(fault.inner()));
    }
    let param = fault.path().to_string();
    // The path of a fault in the object itself (a field that is missing) is ".".
    Err(match param.as_str() {
        "." => ApiError::new(Code::InvalidRequest, format!("the body is not valid: {}", fault.inner())),
        _ => {
            let message = format!("the field `{param}` is not valid: {}", fault.inner());
            ApiError::invalid(param, message)
        }
    })
}

fn not_json(fault: &serde_json::Error) -> ApiError {
    ApiError::new(Code::InvalidRequest, format!("the body is not JSON: {fault}"))
}

fn fields<T: PartialSchema>() -> Vec<String> {
    match T::schema() {
        RefOr::T(Schema::Object(object)) => object.properties.keys().cloned().collect(),
        _ => Vec::new(),
    }
}

fn first_unknown(bytes: &[u8], known: &[String]) -> Option<String> {
    let body: std::collections::BTreeMap<String, serde::de::IgnoredAny> = serde_json::from_slice(bytes).ok()?;
    body.into_keys().find(|name| !known.contains(name))
}

/// The id in the path, percent-decoded.
pub(super) struct Id(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        // What does not decode cannot be an id of ours.
        let Path(id) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| ApiError::not_found())?;
        Ok(Self(id))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use utoipa::ToSchema;

    use super::*;

    #[derive(Debug, Deserialize, IntoParams, ToSchema)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        provider: Option<String>,
        limit: Option<u32>,
    }

    async fn read_query(query: &str) -> Result<Sample, ApiError> {
        let request = http::Request::get(format!("/x?{query}")).body(()).unwrap();
        let mut parts = request.into_parts().0;
        Params::<Nothing, Sample>::from_request_parts(&mut parts, &()).await.map(|params| params.1)
    }

    fn refused<T: std::fmt::Debug>(read: Result<T, ApiError>) -> (Code, String) {
        let fault = read.unwrap_err();
        (fault.code(), fault.to_string())
    }

    #[tokio::test]
    async fn a_query_is_read_by_its_documented_names() {
        let sample = read_query("provider=a%20b&limit=7").await.unwrap();
        assert_eq!((sample.provider.as_deref(), sample.limit), (Some("a b"), Some(7)));
        let sample = read_query("provider=").await.unwrap();
        assert_eq!((sample.provider.as_deref(), sample.limit), (Some(""), None));
    }

    #[tokio::test]
    async fn a_wrong_query_is_refused_with_the_nearest_name() {
        let (code, message) = refused(read_query("providr=x").await);
        assert_eq!(code, Code::UnknownParameter);
        assert!(message.contains("did you mean `provider`?"), "{message}");
        assert_eq!(refused(read_query("limit=1&limit=2").await).0, Code::InvalidParameter);
        let (code, message) = refused(read_query("limit=many").await);
        assert_eq!(code, Code::InvalidParameter);
        assert!(message.contains("`limit`"), "{message}");
    }

    #[test]
    fn a_wrong_body_is_refused_with_its_field() {
        let cases: [(&str, Code, &str); 6] = [
            (r#"{"provder":"x"}"#, Code::UnknownParameter, "did you mean `provider`?"),
            (r#"{"limit":"x"}"#, Code::InvalidParameter, "`limit`"),
            (r#"{"limit":1,"limit":2}"#, Code::InvalidRequest, "duplicate field"),
            (r#"{"limit":1} 2"#, Code::InvalidRequest, "not JSON"),
            (r#"{"limit":"#, Code::InvalidRequest, "not JSON"),
            ("[1]", Code::InvalidRequest, ""),
        ];
        for (body, code, part) in cases {
            let (found, message) = refused(read_json::<Sample>(body.as_bytes()));
            assert_eq!(found, code, "{body}: {message}");
            assert!(message.contains(part), "{body}: {message}");
        }
    }
}
