//! How questions ask a model: through the data plane, so that the call is identified, priced and recorded like any.

use std::sync::Arc;

use crate::{
    analytics::ask::{Complete, ModelCall, ModelReply},
    complete::{Completer, CompletionRequest, Message},
    domain::RecordId,
    store::Store,
};

/// What the records of these calls say of who asked.
const SOURCE: &str = "ask";

/// Makes completions, and looks up what they cost.
pub(super) fn completing(completer: Completer, store: Store) -> Complete {
    Arc::new(move |call: ModelCall| {
        let (completer, store) = (completer.clone(), store.clone());
        Box::pin(async move {
            let ModelCall { model, key, messages, schema } = call;
            let mut request = CompletionRequest::new(model, "").labelled("x-source", SOURCE).with("temperature", 0.0);
            request.messages =
                messages.into_iter().map(|(role, content)| Message { role: role.to_owned(), content }).collect();
            request.key = key;
            if let Some(schema) = schema {
                let format =
                    serde_json::json!({"type": "json_schema", "json_schema": {"name": "question", "schema": schema}});
                request = request.with("response_format", format);
            }
            let done = completer.complete(&request).await.map_err(|error| error.to_string())?;
            let cost_microcents = cost(&store, &done.record_id).await;
            Ok(ModelReply { content: done.content, record_id: done.record_id, cost_microcents })
        })
    })
}

/// What a call cost, as its record says; `None` while that is not known.
async fn cost(store: &Store, record_id: &str) -> Option<i64> {
    let id = RecordId::parse(record_id)?;
    store.recorder.flush().await.ok()?;
    let record = store.history.record(id).await.ok()??;
    record.record.cost.map(|cost| cost.0)
}
