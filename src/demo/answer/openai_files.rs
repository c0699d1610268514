//! OpenAI files and batches (`platform.openai.com/docs/api-reference/files`, `…/batch`). Nothing
//! is kept: every id exists, every list is empty.

use serde_json::Value;

use super::{
    super::{reply::Reply, text::quote},
    Ask, openai_chat,
};

/// `/v1/files*`
pub(super) fn files(ask: &mut Ask<'_>, rest: &str) -> Reply {
    let path: Vec<&str> = rest.split('/').skip(1).collect();
    match (ask.request.method.as_str(), path.as_slice()) {
        ("POST", []) => {
            let id = format!("file-{}", ask.dice.id(22));
            let bytes = ask.request.body.len();
            file(ask, &id, bytes)
        }
        ("GET", []) => empty_list(),
        ("GET", [id]) => file(ask, id, 140),
        ("GET", [_, "content"]) => Reply::whole(200, "application/octet-stream", "{\"custom_id\":\"demo-1\"}\n"),
        ("DELETE", [id]) => Reply::json(200, format!(r#"{{"object":"file","deleted":true,"id":{}}}"#, quote(id))),
        _ => openai_chat::error(404),
    }
}

/// `/v1/batches*`
pub(super) fn batches(ask: &mut Ask<'_>, rest: &str) -> Reply {
    let path: Vec<&str> = rest.split('/').skip(1).collect();
    match (ask.request.method.as_str(), path.as_slice()) {
        ("POST", []) => {
            let id = format!("batch_{}", ask.dice.hex(32));
            batch(ask, &id, "validating")
        }
        ("GET", []) => empty_list(),
        ("GET", [id]) => batch(ask, id, "in_progress"),
        ("POST", [id, "cancel"]) => batch(ask, id, "cancelling"),
        _ => openai_chat::error(404),
    }
}

fn empty_list() -> Reply {
    Reply::json(200, r#"{"object":"list","data":[],"has_more":false,"first_id":null,"last_id":null}"#)
}

fn file(ask: &Ask<'_>, id: &str, bytes: usize) -> Reply {
    Reply::json(
        200,
        format!(
            "{{\n  \"object\": \"file\",\n  \"id\": {},\n  \"purpose\": \"batch\",\n  \"filename\": \"demo.jsonl\",\n  \"bytes\": {bytes},\n  \"created_at\": {},\n  \"expires_at\": null,\n  \"status\": \"processed\",\n  \"status_details\": null\n}}\n",
            quote(id),
            ask.now_secs,
        ),
    )
}

fn batch(ask: &Ask<'_>, id: &str, status: &str) -> Reply {
    let echo = |name: &str, default: &str| ask.body.get(name).map_or_else(|| default.to_owned(), Value::to_string);
    Reply::json(
        200,
        format!(
            r#"{{"id":{},"object":"batch","endpoint":{},"errors":null,"input_file_id":{},"completion_window":"24h","status":"{status}","output_file_id":null,"error_file_id":null,"created_at":{created},"in_progress_at":null,"expires_at":{expires},"finalizing_at":null,"completed_at":null,"failed_at":null,"expired_at":null,"cancelling_at":null,"cancelled_at":null,"request_counts":{{"total":0,"completed":0,"failed":0}},"metadata":null}}"#,
            quote(id),
            echo("endpoint", "\"/v1/chat/completions\""),
            echo("input_file_id", "\"file-demo\""),
            created = ask.now_secs,
            expires = ask.now_secs + 86_400,
        ),
    )
}
