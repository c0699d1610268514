//! Personal data: card and account numbers.

use super::{Anchor, Left, Right, Rule, Seen, checks};
use crate::domain::Category;

const USUAL: Rule = Rule { category: Category::Pii, ..Rule::USUAL };

/// Whether a network issues numbers that begin so and are so long (ISO/IEC 7812-1; the networks'
/// published ranges).
fn has_issuer(digits: &[u32]) -> bool {
    let first = |many: usize| checks::number(digits.get(..many).unwrap_or_default());
    match digits.len() {
        14 => matches!(first(3), 300..=305 | 309) || matches!(first(2), 36 | 38 | 39),
        15 => matches!(first(2), 34 | 37),
        16 => {
            first(1) == 4
                || matches!(first(2), 51..=55 | 62 | 65 | 36 | 38 | 39)
                || matches!(first(3), 644..=649 | 300..=305)
                || matches!(first(4), 2221..=2720 | 3528..=3589 | 6011 | 2200..=2204 | 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763)
        }
        17..=19 => first(2) == 62 || (digits.len() == 19 && first(1) == 4),
        _ => false,
    }
}

/// Groups as they are embossed: fours, or 4-6-5, or none; the same sign between all.
fn is_grouped(text: &str) -> bool {
    let mut signs = text.bytes().filter(|byte| !byte.is_ascii_digit());
    let Some(sign) = signs.next() else { return true };
    let lengths: Vec<usize> = text.split(char::from(sign)).map(str::len).collect();
    let fours =
        lengths.iter().rev().skip(1).all(|length| *length == 4) && lengths.last().is_some_and(|last| *last <= 4);
    signs.all(|other| other == sign) && (fours || lengths == [4, 6, 5] || lengths == [4, 6, 4])
}

fn is_card(seen: &Seen<'_>) -> bool {
    let digits = checks::digits(seen.text);
    checks::luhn(&digits) && has_issuer(&digits) && is_grouped(seen.text)
}

/// Length of an IBAN by country (SWIFT IBAN registry).
const IBAN_LENGTHS: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 \
    DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 \
    KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 \
    QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30";

/// How many bytes of `text`, blanks included, the country's length takes.
fn iban_bytes(text: &str) -> usize {
    let country = text.get(..2).unwrap_or_default().to_ascii_uppercase();
    let length: Option<usize> = IBAN_LENGTHS
        .split_whitespace()
        .find_map(|entry| entry.strip_prefix(country.as_str()))
        .and_then(|length| length.parse().ok());
    let Some(length) = length else { return 0 };
    let mut letters = text.char_indices().filter(|(_, letter)| *letter != ' ');
    letters.nth(length - 1).map_or(0, |(at, letter)| at + letter.len_utf8())
}

/// Whether a number in small letters is written as one: in groups of four or without blanks, and mostly in digits.
/// Sentences are not.
fn is_in_fours(text: &str) -> bool {
    let mut groups = text.split(' ').rev();
    let is_short = groups.next().is_some_and(|last| last.len() <= 4 || last.len() == text.len());
    is_short && groups.all(|group| group.len() == 4) && text.bytes().filter(u8::is_ascii_digit).count() >= 10
}

/// ISO 13616: the remainder by 97 is one.
fn is_iban(seen: &Seen<'_>) -> bool {
    let letters: Vec<char> = seen.text.chars().filter(char::is_ascii_alphanumeric).collect();
    let (head, body) = letters.split_at(letters.len().min(4));
    let rest = body.iter().chain(head).filter_map(|letter| letter.to_digit(36)).fold(0, |rest, value| {
        let scale = if value > 9 { 100 } else { 10 };
        (rest * scale + value) % 97
    });
    let is_printed = !seen.text.bytes().any(|byte| byte.is_ascii_lowercase()) || is_in_fours(seen.text);
    rest == 1 && is_printed && !seen.after.is_some_and(|after| after.is_ascii_alphanumeric())
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "card_number",
        kind: "CARD",
        finds: "payment card numbers: issuer ranges, Luhn's check digit, usual grouping",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[0-9](?:[ \x2d]?[0-9]){13,18}",
        left: Left::WordAnd(b"-.+"),
        check: is_card,
        source: "ISO/IEC 7812-1; networks' issuer ranges; Presidio CreditCardRecognizer",
        matches: &[
            "4111111111111111",
            "4111 1111 1111 1111",
            "5500-0000-0000-0004",
            "3782 822463 10005",
            "6011000990139424",
            "3530111333300000",
            "2223003122003222",
            "30569309025904",
        ],
        misses: &[
            "4111111111111112",
            "1234567812345678",
            "4111-1111 1111-1111",
            "0.4111111111111111",
            "41111111111111110",
            "1700000000000",
            "0000000000000000",
        ],
        ..USUAL
    },
    Rule {
        id: "iban",
        kind: "IBAN",
        finds: "international bank account numbers: country's length, check digits",
        anchor: Anchor::Digits(&[2]),
        pattern: concat!(
            "(?i:A[DELTZ]|B[AEGHIRY]|C[HRYZ]|D[EJKO]|E[EGS]|F[IKOR]|G[BEILRT]|H[NRU]|I[ELQST]|JO|K[WZ]|L[BCITUVY]|",
            "M[CDEKNRTU]|N[ILO]|OM|P[KLST]|QA|R[OSU]|S[ACDEIKMOTV]|T[LNR]|UA|V[AG]|XK|YE)",
            "[0-9]{2}(?: ?[A-Za-z0-9]{1,4}){3,10}"
        ),
        right: Right::Any,
        shorten: iban_bytes,
        check: is_iban,
        source: "ISO 13616-1; SWIFT IBAN registry; Presidio IbanRecognizer",
        matches: &[
            "DE89370400440532013000",
            "GB29 NWBK 6016 1331 9268 19",
            "FR14 2004 1010 0505 0001 3M02 606",
            "NL91ABNA0417164300",
            "NO9386011117947",
            "de89370400440532013000",
            "gb29 nwbk 6016 1331 9268 19",
        ],
        misses: &[
            "be10 as good as you can be",
            "DE89370400440532013001",
            "XX89370400440532013000",
            "DE89",
            "GB29 NWBK",
        ],
        ..USUAL
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_knows_every_country_of_the_list() {
        let iban = RULES.iter().find(|rule| rule.id == "iban").unwrap();
        let regex = regex_automata::meta::Regex::new(&format!("^{}", iban.pattern)).unwrap();
        let known = |country: &str| regex.is_match(&format!("{country}89370400440532013000"));
        let letters = || (b'A'..=b'Z').map(char::from);
        for country in letters().flat_map(|first| letters().map(move |second| format!("{first}{second}"))) {
            let is_listed = IBAN_LENGTHS.split_whitespace().any(|entry| entry.starts_with(&country));
            assert_eq!(known(&country), is_listed, "{country}");
            assert_eq!(known(&country.to_ascii_lowercase()), is_listed, "{country}");
        }
    }
}
