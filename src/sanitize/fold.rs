//! A text as a reader sees it: signs that only look different are written in ASCII, and signs that nobody
//! sees are gone, so that `４１１１`, a no-break space or a zero-width joiner hides nothing.
//!
//! Rules look at the text as it is first; this is a second look, and only where there is such a sign. Places
//! in it lead back to the text, which is never changed.

use std::ops::Range;

use super::ruleset::LOOK_BACK;

/// Signs without width that are passed over in one go. More of them in a row separate what they stand
/// between: so a place in the folded text is never far from that in the text.
const MAX_UNSEEN: usize = 4;

/// The second look.
#[derive(Debug)]
pub(super) struct Folded {
    pub(super) text: String,
    /// Stretches, in order: where each begins here and in the text, and whether it is one sign of another length.
    stretches: Vec<Stretch>,
    /// Length of the text that was folded.
    end: usize,
}

#[derive(Clone, Copy, Debug)]
struct Stretch {
    at: usize,
    original: usize,
    /// Length in the text of one folded sign; 0 for a stretch of bytes that are the same here and there.
    sign: usize,
}

/// What a sign is in a reader's eyes.
enum Sign {
    Looks(u8),
    Unseen,
    /// Takes the part of a hyphen between digits.
    Dash,
}

fn sign(c: char) -> Option<Sign> {
    Some(match c {
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' => Sign::Looks(b' '),
        '\u{2010}'..='\u{2012}' | '\u{2212}' => Sign::Looks(b'-'),
        '\u{2013}' => Sign::Dash,
        '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => Sign::Unseen,
        // Full-width forms of letters, digits and what stands within addresses and numbers.
        '\u{ff10}'..='\u{ff19}'
        | '\u{ff20}'..='\u{ff3a}'
        | '\u{ff41}'..='\u{ff5a}'
        | '\u{ff0b}'
        | '\u{ff0d}'..='\u{ff0f}'
        | '\u{ff3f}' => Sign::Looks(u8::try_from(u32::from(c) - 0xfee0).ok()?),
        _ => return None,
    })
}

/// The next such sign at or behind `at`: where it stands, how long it is, and what it is.
fn next_sign(text: &str, at: usize) -> Option<(usize, usize, Sign)> {
    let bytes = text.as_bytes();
    // All of them begin with one of three bytes.
    for found in memchr::memchr3_iter(0xc2, 0xe2, 0xef, bytes.get(at..)?) {
        let start = at + found;
        // Most other signs with these first bytes are told by the second.
        let may_be = matches!(
            (bytes.get(start), bytes.get(start + 1)),
            (Some(0xc2), Some(0xa0 | 0xad)) | (Some(0xe2), Some(0x80 | 0x81 | 0x88)) | (Some(0xef), Some(0xbb..=0xbd))
        );
        if may_be
            && let Some(c) = text.get(start..).and_then(|rest| rest.chars().next())
            && let Some(sign) = sign(c)
            && (!matches!(sign, Sign::Dash) || is_behind_digit(bytes.get(..start)))
        {
            return Some((start, c.len_utf8(), sign));
        }
    }
    None
}

/// Whether a dash behind this may be one within a number.
fn is_behind_digit(before: Option<&[u8]>) -> bool {
    before.and_then(<[u8]>::last).is_some_and(|byte| byte.is_ascii_digit() || !byte.is_ascii())
}

impl Folded {
    /// `None` when the text, and what stands before `from` in it, looks like what it is.
    pub(super) fn of(text: &str, from: usize) -> Option<Self> {
        let begin = text.floor_char_boundary(from.saturating_sub(LOOK_BACK));
        let mut found = Some(next_sign(text, begin)?);
        let mut folded =
            Self { text: String::with_capacity(text.len() - begin), stretches: Vec::new(), end: text.len() };
        let (mut done, mut unseen) = (begin, (0, 0));
        while let Some((at, len, sign)) = found {
            folded.same(text, done..at);
            let is_behind_digit = folded.text.as_bytes().last().is_some_and(u8::is_ascii_digit);
            unseen = if unseen.1 == at { (unseen.0 + 1, at + len) } else { (1, at + len) };
            match sign {
                Sign::Looks(byte) => folded.sign(byte, at, len),
                Sign::Dash if is_behind_digit => folded.sign(b'-', at, len),
                Sign::Unseen if unseen.0 <= MAX_UNSEEN => {}
                Sign::Dash | Sign::Unseen => folded.same(text, at..at + len),
            }
            if !matches!(sign, Sign::Unseen) {
                unseen = (0, 0);
            }
            done = at + len;
            found = next_sign(text, done);
        }
        folded.same(text, done..text.len());
        Some(folded)
    }

    fn same(&mut self, text: &str, range: Range<usize>) {
        if !range.is_empty() {
            self.stretches.push(Stretch { at: self.text.len(), original: range.start, sign: 0 });
            self.text.push_str(text.get(range).unwrap_or_default());
        }
    }

    fn sign(&mut self, byte: u8, at: usize, len: usize) {
        self.stretches.push(Stretch { at: self.text.len(), original: at, sign: len });
        self.text.push(char::from(byte));
    }

    /// The place here of what stands at or behind `original` in the text.
    pub(super) fn here(&self, original: usize) -> usize {
        let behind = self.stretches.partition_point(|stretch| stretch.original <= original);
        let Some(stretch) = behind.checked_sub(1).and_then(|index| self.stretches.get(index)) else { return 0 };
        let next = self.stretches.get(behind).map_or(self.text.len(), |next| next.at);
        match stretch.sign {
            0 => (stretch.at + original - stretch.original).min(next),
            _ if original == stretch.original => stretch.at,
            _ => next,
        }
    }

    /// Where in the text the sign stands that is at `at` here.
    pub(super) fn there(&self, at: usize) -> usize {
        if at >= self.text.len() {
            return self.end;
        }
        self.stretch(at).map_or(0, |stretch| stretch.original + at - stretch.at)
    }

    /// The text's part that is `range` here.
    pub(super) fn range(&self, range: Range<usize>) -> Range<usize> {
        // What nobody sees behind a match is no part of it.
        let last = range.end.saturating_sub(1);
        let end = self.stretch(last).map_or(self.end, |stretch| match stretch.sign {
            0 => stretch.original + range.end - stretch.at,
            len => stretch.original + len,
        });
        self.there(range.start)..end
    }

    fn stretch(&self, at: usize) -> Option<&Stretch> {
        let behind = self.stretches.partition_point(|stretch| stretch.at <= at);
        behind.checked_sub(1).and_then(|index| self.stretches.get(index))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_looks_alike_is_folded_and_leads_back() {
        for (text, looks) in [
            ("４１１１\u{a0}1111", "4111 1111"),
            ("jo\u{200b}@ac\u{ad}me.io", "jo@acme.io"),
            ("12\u{2013}34 a\u{2013}b\u{a0}", "12-34 a\u{2013}b "),
            ("ｊｏ＠ａ．ｉｏ", "jo@a.io"),
            ("a\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}b", "a\u{200b}b"),
        ] {
            let folded = Folded::of(text, 0).unwrap();
            assert_eq!(folded.text, looks);
            assert_eq!(folded.range(0..looks.len()), 0..text.len());
        }
        for text in ["", "plain – “quoted” • 你好，世界", "caf\u{e9} \u{fffd}"] {
            assert!(Folded::of(text, 0).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_place_leads_there_and_back(text in "[a1\u{a0}\u{200b}\u{ff11}\u{2013}é]{0,30}") {
            let Some(folded) = Folded::of(&text, 0) else { return Ok(()) };
            for (at, c) in folded.text.char_indices() {
                let there = folded.there(at);
                prop_assert!(text.is_char_boundary(there));
                prop_assert_eq!(folded.here(there), at);
                let range = folded.range(at..at + c.len_utf8());
                prop_assert_eq!(text[range].chars().count(), 1);
            }
            prop_assert_eq!(folded.there(folded.text.len()), text.len());
            for (at, _) in text.char_indices() {
                prop_assert!(folded.there(folded.here(at)) >= at);
            }
        }
    }
}
