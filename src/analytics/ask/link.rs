//! Words become items: names of the database first, then times, numbers and the vocabulary; the longest wins.

use super::{
    Clock, Dimension, Name, Names, Span,
    dates::{self, When},
    numbers::{self, Number},
    senses::Sense,
    tokens::{Token, TokenKind},
    vocabulary::{self, VOCABULARY, is_plural},
};

/// A word or some words with one meaning.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// What they mean.
    pub(super) what: What,
    /// Where they stand.
    pub(super) span: Span,
    /// The words, as corrected.
    pub(super) text: String,
    /// The last of them is a plural.
    pub(super) is_plural: bool,
    /// They are accounted for.
    pub(super) is_used: bool,
    /// A name that is written the same, although the words were read as others.
    pub(super) also: Option<Name>,
}

/// The meaning of an item.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// Of the vocabulary.
    Word(&'static Sense),
    /// A name; all that bear it, the likeliest first. Of several models that a part of their names stands for, all
    /// are meant.
    Name { names: Vec<Name>, is_part: bool },
    /// A time.
    When(When),
    /// A number.
    Number(Number),
    /// The key of a tag.
    TagKey(Dimension),
    /// An HTTP status (`429`, `500s`).
    Status(String),
    /// Nothing that is known.
    Unknown,
}

impl Item {
    /// The sense of a word of the vocabulary.
    pub(super) fn sense(&self) -> Option<&'static Sense> {
        match self.what {
            What::Word(sense) => Some(sense),
            _ => None,
        }
    }

    /// The dimension that the item names.
    pub(super) fn dimension(&self) -> Option<&Dimension> {
        match &self.what {
            What::Word(Sense::Dimension(dimension)) | What::TagKey(dimension) => Some(dimension),
            _ => None,
        }
    }
}

/// Makes items of all tokens.
pub(super) fn items(tokens: &[Token], names: &Names, clock: &Clock) -> Vec<Item> {
    let mut items = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let (length, what) = item_at(tokens, at, names, clock);
        let also = match &what {
            What::Word(sense) if **sense != Sense::Stop => {
                names.longest(tokens, at).filter(|(other, _)| *other == length)
            }
            _ => None,
        };
        let words = tokens.get(at..at + length).unwrap_or_default();
        items.push(Item {
            what,
            span: Span {
                start: words.first().map_or(0, |token| token.span.start),
                end: words.last().map_or(0, |token| token.span.end),
            },
            text: join(words),
            is_plural: words.last().is_some_and(|token| is_plural(&token.text)),
            is_used: false,
            also: also.and_then(|(_, names)| likeliest(names).into_iter().next()),
        });
        at += length;
    }
    items
}

fn join(words: &[Token]) -> String {
    let mut text = String::new();
    for (at, token) in words.iter().enumerate() {
        if at > 0 && !token.is_glued {
            text.push(' ');
        }
        text.push_str(&token.text);
    }
    text
}

/// What begins at a token.
fn item_at(tokens: &[Token], at: usize, names: &Names, clock: &Clock) -> (usize, What) {
    if let Some(found) = status(tokens, at) {
        return found;
    }
    let named = names.longest(tokens, at);
    let Some(token) = tokens.get(at) else { return (1, What::Unknown) };
    if token.kind == TokenKind::Quoted {
        let is_status = token.text.len() == 3 && token.text.starts_with(['2', '3', '4', '5']);
        if named.is_none()
            && is_status
            && (token.text.ends_with("xx") || token.text.bytes().all(|b| b.is_ascii_digit()))
        {
            return (1, What::Status(token.text.clone()));
        }
        return named.map_or((1, What::Unknown), |(length, names)| (length, What::Name { names, is_part: false }));
    }
    // Clients choose names: one that is made of a question's own words is meant only where something says so.
    let named = named.filter(|(length, found)| {
        !is_question(tokens, at, *length, names)
            || is_cued(tokens, at, *length, found)
            || (*length == 1 && !token.is_any(&SMALL) && is_led_to(tokens, at, *length, found))
    });
    let word = VOCABULARY.longest(tokens, at);
    let tag_key = tag_key(tokens, at, names);
    let when = dates::read(tokens, at, clock);
    let number = numbers::read(tokens, at);
    let most = |length: Option<usize>| length.unwrap_or(0);
    let longest = most(named.as_ref().map(|(length, _)| *length))
        .max(most(word.map(|(length, _)| length)))
        .max(most(when.as_ref().map(|(length, _)| *length)))
        .max(most(tag_key.as_ref().map(|(length, _)| *length)));
    let compound = compound_length(tokens, at);
    // A word joined of several (`gpt-9`) must not be taken for one of its parts.
    if compound > 1 && longest < compound && !is_of_words(tokens, at, compound, names) {
        let part = names.models_with(tokens, at).filter(|(length, _)| *length >= compound);
        return part.map_or((compound, What::Unknown), |(length, names)| (length, What::Name { names, is_part: true }));
    }
    let named = named.filter(|(length, _)| *length == longest);
    let word = word.filter(|(length, _)| *length == longest);
    let is_alone = word.is_none() && when.as_ref().is_none_or(|(length, _)| *length < longest);
    if let Some((length, found)) = named
        && (is_alone || is_cued(tokens, at, length, &found) || is_led_to(tokens, at, length, &found))
    {
        return (length, What::Name { names: likeliest(found), is_part: false });
    }
    if let Some((length, when)) = when.filter(|(length, _)| *length == longest) {
        return (length, What::When(when));
    }
    if let Some((length, key)) = tag_key.filter(|(length, _)| *length == longest && word.is_none()) {
        return (length, What::TagKey(key));
    }
    if let Some((length, number)) = number.filter(|(length, _)| *length >= longest) {
        // "One" and the like are numbers only where something is counted; before others they are words.
        let is_article = length > 1 && token.is_any(&["a", "an", "one", "half"]);
        if word.is_none()
            || is_article
            || token.kind != TokenKind::Word
            || token.text.bytes().any(|byte| byte.is_ascii_digit())
        {
            return (length, What::Number(number));
        }
    }
    if let Some((length, sense)) = word {
        return (length, What::Word(sense));
    }
    let part = names.models_with(tokens, at).filter(|(length, _)| {
        let text: String = tokens.iter().skip(at).take(*length).map(|token| token.text.as_str()).collect();
        text.len() >= 2 && !VOCABULARY.is_ordinary(&text) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
    });
    part.map_or((1, What::Unknown), |(length, names)| (length, What::Name { names, is_part: true }))
}

/// The key of a tag, alone or beside the word: `feature`, `tag feature`, `feature tag`.
fn tag_key(tokens: &[Token], at: usize, names: &Names) -> Option<(usize, Dimension)> {
    let is_tag = |place: usize| tokens.get(place).is_some_and(|token| token.is_any(&["tag", "tags", "label"]));
    let start = at + usize::from(is_tag(at));
    let key_at = |place: usize| {
        let token = tokens.get(place).filter(|token| token.kind != TokenKind::Sign)?;
        names
            .tag_keys()
            .find(|key| key.eq_ignore_ascii_case(&token.text) || ***key == *vocabulary::singular(&token.text))
    };
    let key = key_at(start)?;
    let end = start + 1 + usize::from(start == at && is_tag(start + 1));
    Some((end - at, Dimension::Tag(std::sync::Arc::clone(key))))
}

/// `429`, `500s`, `429 errors`: the number of a status where something says that it is one.
fn status(tokens: &[Token], at: usize) -> Option<(usize, What)> {
    let token = tokens.get(at)?;
    let digits = token.text.trim_end_matches('s');
    let is_status = digits.len() == 3 && digits.parse().is_ok_and(|code: u16| (400..600).contains(&code));
    let next = tokens
        .get(at + 1)
        .is_some_and(|next| next.is_any(&["error", "errors", "response", "responses", "status", "rate", "rates"]));
    let before = at.checked_sub(1).and_then(|at| tokens.get(at));
    let is_led = before.is_some_and(|before| before.is_any(&["status", "http", "code", "codes", "many"]));
    (is_status && (token.text.ends_with('s') || next || is_led)).then(|| (1, What::Status(digits.to_owned())))
}

/// How many tokens are joined to one word by `-`, `_`, `.`, `:`; `/` separates unless it is within a name.
fn compound_length(tokens: &[Token], at: usize) -> usize {
    let mut end = at + 1;
    while let (Some(joint), Some(next)) = (tokens.get(end), tokens.get(end + 1)) {
        let is_joint = joint.is_glued && joint.is_any(&["-", "_", ".", ":"]);
        if !is_joint || !next.is_glued || next.kind == TokenKind::Sign || next.kind == TokenKind::Quoted {
            break;
        }
        end += 2;
    }
    end - at
}

/// Whether each part of a joined word is a word by itself, at most one of them a name: `non-openai`, `per-model`.
fn is_of_words(tokens: &[Token], at: usize, length: usize, names: &Names) -> bool {
    let (mut place, mut named) = (at, 0);
    let end = at + length;
    while place < end {
        let token = tokens.get(place);
        if token.is_some_and(|token| token.is_any(&["-", "_"])) && place > at {
            place += 1;
            continue;
        }
        let word = VOCABULARY.longest(tokens, place).map_or(0, |(length, _)| length);
        let name = names.longest(tokens, place).map_or(0, |(length, _)| length);
        if token.is_none_or(|token| token.kind == TokenKind::Number) || word.max(name) == 0 {
            return false;
        }
        named += usize::from(name > word);
        // A phrase may go on behind the joined word: "non-cached requests".
        place += word.max(name).min(end - place);
    }
    place == end && named <= 1 && length > 1
}

/// Whether a word before it leads to a name, and it is written just as one: "used by invoices".
fn is_led_to(tokens: &[Token], at: usize, length: usize, names: &[Name]) -> bool {
    const LEADS: [&str; 14] = [
        "for",
        "on",
        "from",
        "to",
        "via",
        "using",
        "did",
        "except",
        "excluding",
        "without",
        "only",
        "called",
        "named",
        "through",
    ];
    let before = at.checked_sub(1).and_then(|at| tokens.get(at));
    let led_by_verb = before.is_some_and(|token| token.is("by"))
        && at
            .checked_sub(2)
            .and_then(|at| tokens.get(at))
            .is_some_and(|token| token.is_any(&["used", "spent", "made", "sent", "caused"]));
    let text: String = tokens.iter().skip(at).take(length).map(|token| token.text.as_str()).collect();
    // Words of our own that are names besides ("timeouts") are words.
    let is_exact =
        names.iter().any(|name| name.value.eq_ignore_ascii_case(&text) && !super::names::is_of_house(&name.dimension));
    is_exact && (led_by_verb || before.is_some_and(|token| token.is_any(&LEADS)))
}

/// Whether the dimension of one of the names stands beside it.
fn is_cued(tokens: &[Token], at: usize, length: usize, names: &[Name]) -> bool {
    names.iter().any(|name| cues(tokens, at, length, &name.dimension))
}

fn cues(tokens: &[Token], at: usize, length: usize, dimension: &Dimension) -> bool {
    let word_at = |place: usize| match VOCABULARY.longest(tokens, place) {
        Some((length, Sense::Dimension(other))) => Some((length, other)),
        _ => None,
    };
    let after = word_at(at + length).is_some_and(|(_, other)| is_cue_of(other, dimension));
    let before = (1..=3).any(|back| {
        at.checked_sub(back)
            .and_then(|place| word_at(place).filter(|(length, _)| *length == back))
            .is_some_and(|(_, other)| is_cue_of(other, dimension))
    });
    before || after
}

/// Words that questions are full of.
const SMALL: [&str; 16] =
    ["we", "i", "you", "they", "it", "us", "our", "the", "a", "an", "all", "any", "not", "no", "and", "or"];

/// Whether some words are nothing but words of questions, or begin with one and go on with names: `by team`, `we`,
/// `excluding playground`.
fn is_question(tokens: &[Token], at: usize, length: usize, names: &Names) -> bool {
    let end = at + length;
    let mut place = at;
    while place < end {
        let Some(token) = tokens.get(place) else { return false };
        let fits = |length: &usize| *length > 0 && place + length <= end;
        let word = VOCABULARY.longest(tokens, place).map(|(length, _)| length).filter(fits);
        let small = token.is_any(&SMALL).then_some(1);
        let follows = place > at;
        let number = (follows && token.kind == TokenKind::Number).then_some(1);
        let name = names.longest(tokens, place).map(|(length, _)| length).filter(|length| follows && fits(length));
        let Some(length) = word.or(small).or(number).or(name) else { return false };
        place += length;
    }
    true
}

/// Whether a dimension's word before or behind a name says that the name is of this dimension.
pub(super) fn is_cue_of(cue: &Dimension, dimension: &Dimension) -> bool {
    match (cue, dimension) {
        (Dimension::Model, Dimension::Family | Dimension::ModelRequested) => true,
        (Dimension::Family, Dimension::Model) => false,
        (cue, dimension) => cue == dimension,
    }
}

/// All that bear the name, by how likely each dimension is.
fn likeliest(mut names: Vec<Name>) -> Vec<Name> {
    names.sort_by_key(|name| rank(&name.dimension));
    names
}

/// The likelier dimensions first.
fn rank(dimension: &Dimension) -> usize {
    const ORDER: [Dimension; 9] = [
        Dimension::Provider,
        Dimension::Model,
        Dimension::Family,
        Dimension::Project,
        Dimension::Team,
        Dimension::Requester,
        Dimension::Key,
        Dimension::ModelRequested,
        Dimension::Profile,
    ];
    ORDER.iter().position(|other| other == dimension).unwrap_or(ORDER.len())
}
