//! Lists: their shape, their limits and their cursors, which mean nothing to who gets them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;

/// Entries of a page when nothing is said.
const DEFAULT_LIMIT: u32 = 50;
/// Most entries of a page.
const MAX_LIMIT: u32 = 500;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct List<T> {
    /// The entries.
    pub(super) data: Vec<T>,
    /// Give this as `cursor` to get the next page; `null` at the end.
    pub(super) next_cursor: Option<String>,
}

impl<T> List<T> {
    /// A list that fits on one page.
    pub(super) const fn whole(data: Vec<T>) -> Self {
        Self { data, next_cursor: None }
    }
}

/// Which page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageParams {
    /// Most entries of the page: 1 to 500, 50 when left out.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl PageParams {
    /// Most entries that the page may have.
    pub(super) fn limit(&self) -> Result<u32, ApiError> {
        match self.limit {
            None => Ok(DEFAULT_LIMIT),
            Some(limit @ 1..=MAX_LIMIT) => Ok(limit),
            Some(_) => Err(ApiError::invalid("limit", format!("`limit` must be 1 to {MAX_LIMIT}"))),
        }
    }

    /// Most rows that an export may have, which has no pages.
    pub(super) fn export_limit(&self) -> Result<usize, ApiError> {
        match (&self.cursor, self.limit) {
            (Some(_), _) => Err(ApiError::invalid("cursor", "an export has no pages: leave `cursor` out")),
            (None, limit) => Ok(limit.map_or(usize::MAX, |limit| limit as usize)),
        }
    }

    /// What the cursor was made from, read by `parse`.
    pub(super) fn cursor<T>(&self, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, ApiError> {
        let Some(cursor) = self.cursor.as_deref() else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
        let place = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).and_then(|text| parse(&text));
        place.map(Some).ok_or_else(|| ApiError::invalid("cursor", "`cursor` is not one that a list gave out"))
    }

    /// Cuts the page out of a list that is sorted by `place`, whose values are unique.
    pub(super) fn cut<T>(&self, items: Vec<T>, place: impl Fn(&T) -> String) -> Result<List<T>, ApiError> {
        let limit = self.limit()? as usize;
        let after = self.cursor(|text| Some(text.to_owned()))?;
        let is_ahead = |item: &T| after.as_ref().is_none_or(|after| place(item) > *after);
        let mut data: Vec<T> = items.into_iter().filter(is_ahead).take(limit + 1).collect();
        let is_cut = data.len() > limit;
        data.truncate(limit);
        let next_cursor = data.last().filter(|_| is_cut).map(|last| seal(&place(last)));
        Ok(List { data, next_cursor })
    }
}

/// A place in a list as opaque text.
pub(super) fn seal(place: &str) -> String {
    URL_SAFE_NO_PAD.encode(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap_or_overlap() {
        let items: Vec<String> = (0..7).map(|number| format!("item-{number}")).collect();
        let mut params = PageParams { limit: Some(3), cursor: None };
        let mut seen = Vec::new();
        loop {
            let page = params.cut(items.clone(), Clone::clone).unwrap();
            seen.extend(page.data);
            params.cursor = page.next_cursor;
            if params.cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, items);
    }

    #[test]
    fn a_limit_or_cursor_out_of_thin_air_is_refused() {
        for limit in [0, 501] {
            assert!(PageParams { limit: Some(limit), cursor: None }.limit().is_err());
        }
        assert!(PageParams { limit: None, cursor: Some("%%%".to_owned()) }.cursor(|_| Some(())).is_err());
        assert!(PageParams { limit: None, cursor: Some(seal("x")) }.cursor(|_| None::<()>).is_err());
    }
}
