//! How reasoning survives a client that cannot know it.
//!
//! A maker wants its sealed thoughts back as they were, or it loses its thread between tool calls. Where the client's
//! API has an opaque field (Anthropic's `signature`, Gemini's `thoughtSignature`, `encrypted_content` of Responses)
//! a foreign seal goes in there under a prefix. Chat Completions and Ollama have none, but every client sends the id
//! of a call back: there the thoughts before a call are packed behind its id. Nothing is remembered here.

use std::borrow::Cow;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

use super::conversation::{Maker, Seal, Thought};

/// What stands between an id and the thoughts packed behind it.
const MARK: &str = "~gw1~";
/// The most bytes of thoughts that an id carries.
const MAX_PACKED_BYTES: usize = 64 << 10;

impl Maker {
    const ALL: [Self; 4] = [Self::Anthropic, Self::AnthropicRedacted, Self::Openai, Self::Gemini];

    const fn tag(self) -> &'static str {
        match self {
            Self::Anthropic => "a",
            Self::AnthropicRedacted => "r",
            Self::Openai => "o",
            Self::Gemini => "g",
        }
    }

    fn of_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|maker| maker.tag() == tag)
    }
}

/// A seal as text for a field that is meant for the seals of `native`.
pub(super) fn to_field(seal: &Seal, native: Maker) -> String {
    if seal.maker == native { seal.data.clone() } else { format!("gw1.{}.{}", seal.maker.tag(), seal.data) }
}

/// The seal in a field that is meant for the seals of `native`.
pub(super) fn of_field(text: String, native: Maker) -> Seal {
    let foreign = text.strip_prefix("gw1.").and_then(|rest| rest.split_once('.'));
    let foreign = foreign.and_then(|(tag, data)| Some(Seal { maker: Maker::of_tag(tag)?, data: data.to_owned() }));
    foreign.unwrap_or(Seal { maker: native, data: text })
}

/// A seal for Gemini's field, which must be base64.
pub(super) fn to_base64_field(seal: &Seal) -> String {
    if seal.maker == Maker::Gemini { seal.data.clone() } else { STANDARD.encode(to_field(seal, Maker::Gemini)) }
}

/// The seal in Gemini's field; clients may write base64 in either alphabet.
pub(super) fn of_base64_field(text: String) -> Seal {
    let standard: String = text
        .trim_end_matches('=')
        .chars()
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    let plain = STANDARD_NO_PAD.decode(standard).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match plain {
        Some(plain) if plain.starts_with("gw1.") => of_field(plain, Maker::Gemini),
        _ => Seal { maker: Maker::Gemini, data: text },
    }
}

/// The id of a call with the sealed thoughts before it behind it.
pub(super) fn pack(id: &str, thoughts: &[Thought]) -> String {
    let rows: Vec<[&str; 3]> = thoughts
        .iter()
        .filter_map(|thought| {
            let seal = thought.seal.as_ref()?;
            Some([seal.maker.tag(), thought.text.as_str(), seal.data.as_str()])
        })
        .collect();
    let bytes: usize = rows.iter().flatten().map(|text| text.len()).sum();
    match serde_json::to_vec(&rows) {
        Ok(json) if !rows.is_empty() && bytes <= MAX_PACKED_BYTES => {
            format!("{id}{MARK}{}", URL_SAFE_NO_PAD.encode(json))
        }
        _ => id.to_owned(),
    }
}

/// The id as the provider gave it, and the thoughts that were packed behind it.
pub(super) fn unpack(id: &str) -> (String, Vec<Thought>) {
    let Some((plain, packed)) = id.split_once(MARK) else { return (id.to_owned(), Vec::new()) };
    let json = URL_SAFE_NO_PAD.decode(packed).unwrap_or_default();
    let rows: Vec<[Cow<'_, str>; 3]> = serde_json::from_slice(&json).unwrap_or_default();
    let thought = |[tag, text, data]: [Cow<'_, str>; 3]| {
        let seal = Seal { maker: Maker::of_tag(&tag)?, data: data.into_owned() };
        Some(Thought { text: text.into_owned(), seal: Some(seal) })
    };
    (plain.to_owned(), rows.into_iter().filter_map(thought).collect())
}

/// An id that fits `max` bytes of letters, digits, `_` and `-`: as it is, else a digest of it. The same id always
/// becomes the same, so that call and result still meet.
pub(super) fn plain_id(id: &str, max: usize) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !id.is_empty() && id.len() <= max && id.bytes().all(is_plain) {
        return Cow::Borrowed(id);
    }
    // FNV-1a, 128 bits: stable between processes and releases.
    let digest = id.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    Cow::Owned(format!("call_{digest:032x}"))
}

/// Whether the thought is only the signature of the part behind it.
pub(super) fn belongs_to_next(thought: &Thought) -> bool {
    thought.text.is_empty() && thought.seal.as_ref().is_some_and(|seal| seal.maker == Maker::Gemini)
}

/// Thoughts on their way to the id of the next call, when they come in pieces.
#[derive(Debug, Default)]
pub(super) struct Pending {
    text: String,
    thoughts: Vec<Thought>,
    bytes: usize,
}

impl Pending {
    pub(super) fn text(&mut self, piece: &str) {
        self.bytes = self.bytes.saturating_add(piece.len());
        if self.bytes <= MAX_PACKED_BYTES {
            self.text.push_str(piece);
        }
    }

    pub(super) fn seal(&mut self, seal: Seal) {
        self.bytes = self.bytes.saturating_add(seal.data.len());
        let text = std::mem::take(&mut self.text);
        if self.bytes <= MAX_PACKED_BYTES {
            self.thoughts.push(Thought { text, seal: Some(seal) });
        }
    }

    /// A block of thoughts that ends without a seal needs none.
    pub(super) fn close(&mut self) {
        self.text.clear();
    }

    /// The id of a call with all that waited behind it.
    pub(super) fn pack(&mut self, id: &str) -> String {
        let Self { thoughts, bytes, .. } = std::mem::take(self);
        if bytes > MAX_PACKED_BYTES { id.to_owned() } else { pack(id, &thoughts) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thoughts_come_back_from_behind_an_id() {
        let seal = |maker, data: &str| Some(Seal { maker, data: data.into() });
        let thoughts = [
            Thought { text: "why \"not\"~gw1~".into(), seal: seal(Maker::Anthropic, "Eq+/=") },
            Thought { text: String::new(), seal: seal(Maker::AnthropicRedacted, "xx") },
            Thought { text: String::new(), seal: seal(Maker::Gemini, "CiQ=") },
        ];
        let packed = pack("toolu_1", &thoughts);
        assert!(packed.starts_with("toolu_1~gw1~"));
        assert_eq!(unpack(&packed), ("toolu_1".to_owned(), thoughts.to_vec()));
        assert_eq!(pack("call_1", &[Thought { text: "unsealed".into(), seal: None }]), "call_1");
        assert_eq!(unpack("call_1"), ("call_1".to_owned(), Vec::new()));
        assert_eq!(unpack("call_1~gw1~%%%"), ("call_1".to_owned(), Vec::new()));
        let huge = Thought { text: "x".repeat(MAX_PACKED_BYTES), seal: seal(Maker::Gemini, "s") };
        assert_eq!(pack("call_1", &[huge]), "call_1");
    }

    #[test]
    fn a_seal_keeps_its_maker_in_a_foreign_field() {
        for maker in Maker::ALL {
            for native in Maker::ALL {
                let seal = Seal { maker, data: "gw1.no.t".into() };
                assert_eq!(of_field(to_field(&Seal { maker, data: "d.a=".into() }, native), native).maker, maker);
                if maker != native {
                    assert_eq!(of_field(to_field(&seal, native), native), seal);
                }
            }
        }
    }

    #[test]
    fn ids_stay_or_become_a_digest_that_is_always_the_same() {
        assert_eq!(plain_id("toolu_01-a", 40), "toolu_01-a");
        let long = "x".repeat(50);
        for odd in ["", "a b", "a.b", long.as_str()] {
            let id = plain_id(odd, 40);
            assert_eq!(id, plain_id(odd, 40));
            assert!(id.len() <= 40 && id.starts_with("call_"));
        }
        assert_ne!(plain_id("a b", 40), plain_id("a c", 40));
    }
}
