//! What the parts of a message have in common where an API writes them as a list: the list itself, and cache marks.

use super::{
    conversation::{CacheMark, Part},
    json::{self, Object, Read},
    media,
};

/// Reads `content`: a string, or a list of which `read_one` reads each item.
pub(super) fn read_content(
    raw: &str,
    parts: &mut Vec<Part>,
    mut read_one: impl FnMut(&str, &mut Vec<Part>) -> Read<()>,
) -> Read<()> {
    if json::is_string(raw) {
        let text = json::string(raw, "content")?;
        if !text.is_empty() {
            parts.push(media::text(text).into());
        }
        return Ok(());
    }
    json::each(raw, "content", |index, item| read_one(item, parts).map_err(|error| error.within("content", index)))
}

/// A mark of Anthropic's form, which some clients of other APIs send along.
pub(super) fn cache_mark(object: &mut Object<'_>) -> Read<Option<CacheMark>> {
    let Some(mut mark) = object.object("cache_control")? else { return Ok(None) };
    Ok(Some(if mark.text("ttl")?.as_deref() == Some("1h") { CacheMark::Long } else { CacheMark::Short }))
}
