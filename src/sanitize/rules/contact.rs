//! Personal data: how somebody is reached, and when somebody was born.

use super::{Anchor, Left, Rule, Seen, checks};
use crate::domain::Category;

const USUAL: Rule = Rule { category: Category::Pii, ..Rule::USUAL };

/// Bytes of the part before the `@`: RFC 5322's dot-atom without the rare ones, and letters of
/// Latin-1 and Latin Extended-A in UTF-8.
fn is_local_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._%+'-".contains(&byte) || matches!(byte, 0x80..=0xbf | 0xc3..=0xc5)
}

/// What has the form of an address and is none: file names, units of systemd, SSH remotes.
fn is_mailbox(seen: &Seen<'_>) -> bool {
    const ENDINGS: [&str; 24] = [
        "png", "jpg", "jpeg", "gif", "webp", "svg", "ico", "css", "js", "mjs", "ts", "tsx", "jsx", "json", "html",
        "py", "rs", "md", "service", "timer", "socket", "target", "mount", "slice",
    ];
    let ending = seen.text.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_remote = seen.text.starts_with("git@") && seen.after == Some(':');
    !is_remote && !ENDINGS.contains(&ending.as_str())
}

/// Countries' codes of ITU-T E.164 by their first digits: those of one and of two digits; all
/// others have three.
fn country_code_len(digits: &[u32]) -> Option<usize> {
    match digits {
        [1 | 7, ..] => Some(1),
        [2, 0 | 7, ..]
        | [3, 0..=4 | 6 | 9, ..]
        | [4, 0 | 1 | 3..=9, ..]
        | [5, 1..=8, ..]
        | [6, 0..=6, ..]
        | [8, 1 | 2 | 4 | 6, ..]
        | [9, 0..=5 | 8, ..] => Some(2),
        [2, 1..=6 | 8 | 9, ..]
        | [3, 5 | 7 | 8, ..]
        | [4, 2, ..]
        | [5, 0 | 9, ..]
        | [6, 7..=9, ..]
        | [8, 0 | 5 | 7 | 8, ..]
        | [9, 6 | 7 | 9, ..] => Some(3),
        _ => None,
    }
}

fn is_international(seen: &Seen<'_>) -> bool {
    let digits = checks::digits(seen.text);
    // North American numbers have ten digits behind the 1, the first of them at least 2.
    let is_long_enough = match digits.as_slice() {
        [1, area, ..] => digits.len() == 11 && *area >= 2,
        _ => (9..=15).contains(&digits.len()),
    };
    is_long_enough && country_code_len(&digits).is_some()
}

/// A closing bracket at the end belongs to the sentence.
fn without_bracket(number: &str) -> usize {
    number.trim_end_matches(')').len()
}

fn is_north_american(seen: &Seen<'_>) -> bool {
    let digits = checks::digits(seen.text);
    match digits.strip_prefix(&[1]).unwrap_or(&digits) {
        [area, a, b, exchange, c, d, ..] => *area >= 2 && *exchange >= 2 && (*a, *b) != (1, 1) && !(*c == 1 && *d == 1),
        _ => false,
    }
}

/// Digits and signs that may be a number where the word before says so.
fn is_national(seen: &Seen<'_>) -> bool {
    (7..=14).contains(&checks::digits(seen.text).len()) && !checks::is_filler(seen.text)
}

/// A date that a living person may have been born on.
fn is_birth_date(seen: &Seen<'_>) -> bool {
    let numbers: Vec<u32> =
        seen.text.split(|letter: char| !letter.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
    let is_year = |year: u32| (1900..=2035).contains(&year) || year < 100;
    match numbers.as_slice() {
        [year, month, day] if *year > 31 => is_year(*year) && checks::is_day(*month, *day),
        [a, b, year] => is_year(*year) && (checks::is_day(*a, *b) || checks::is_day(*b, *a)),
        [day, year] | [year, day] if *day <= 31 && *year > 31 => is_year(*year) && *day > 0,
        [date] => (19_000_101..=20_351_231).contains(date) && checks::is_day(date / 100 % 100, date % 100),
        _ => false,
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "email",
        kind: "EMAIL",
        finds: "e-mail addresses; those of example.com too: nothing is lost, and a first try shows what happens",
        anchor: Anchor::Around { marks: &["@"], run: is_local_part, most: 64 },
        pattern: r"[A-Za-z0-9](?:[A-Za-z0-9._%+'-]|[\xc3-\xc5][\x80-\xbf]){0,64}@(?:(?:[A-Za-z0-9]|[\xc3-\xc5][\x80-\xbf])(?:[A-Za-z0-9-]|[\xc3-\xc5][\x80-\xbf]){0,62}\.){1,8}[A-Za-z]{2,24}",
        left: Left::Any,
        check: is_mailbox,
        source: "RFC 5321, RFC 5322, RFC 6531; Presidio EmailRecognizer",
        matches: &[
            "ada@lovelace.org",
            "j.doe+tag@mail.corp.co.uk",
            "neil_99@sub.domain.io",
            "someone@example.com",
            "j.müller@bücher.de",
        ],
        misses: &[
            "@handle",
            "a@b",
            "user@localhost",
            "git@",
            "x @ y.com",
            "logo@2x.png",
            "git@github.com:org/repo.git",
            "getty@tty1.service",
            "pkg@1.2.3",
        ],
        ..USUAL
    },
    Rule {
        id: "phone_international",
        kind: "PHONE",
        finds: "phone numbers with a country code (E.164), in any grouping",
        anchor: Anchor::Digits(&[1]),
        pattern: r"\+[0-9]{1,3}(?:[ .\x2d/]?\(?[0-9]{1,5}\)?){2,7}",
        shorten: without_bracket,
        check: is_international,
        left: Left::WordAnd(b"+-."),
        source: "ITU-T E.164; libphonenumber; Presidio PhoneRecognizer",
        matches: &[
            "+49 30 901820",
            "+14155550132",
            "+1 (415) 555-0132",
            "+44 20 7946 0958",
            "+33 1 70 18 99 00",
            "+81-3-1234-5678",
            "+420 601 234 567",
            "+86 138 0013 8000",
        ],
        misses: &["+1", "+100 points", "1+23456789", "+00 123 456 789", "+12 345", "e+10 1234567"],
        ..USUAL
    },
    Rule {
        id: "phone_north_america",
        kind: "PHONE",
        finds: "phone numbers as they are written in North America",
        anchor: Anchor::Digits(&[0, 1]),
        pattern: r"(?:\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[-. ][0-9]{4}|(?:1[-. ])?[2-9][0-9]{2}[-.][2-9][0-9]{2}[-.][0-9]{4})",
        check: is_north_american,
        left: Left::WordAnd(b"+-./$"),
        source: "NANPA, numbering plan; Presidio PhoneRecognizer",
        matches: &["(415) 555-0132", "415-555-0132", "212.555.0187", "1-800-555-0199"],
        misses: &["115-555-0132", "415-155-0132", "1415-555", "2024-11-21", "3.141.592.6535"],
        ..USUAL
    },
    Rule {
        id: "phone_in_context",
        kind: "PHONE",
        finds: "national phone numbers behind a word that announces one",
        anchor: Anchor::After {
            words: &[
                "phone",
                "phone number",
                "phone_number",
                "phonenumber",
                "telephone",
                "mobile",
                "mobile number",
                "cell",
                "tel",
                "tel.",
                "fax",
                "telefon",
                "telefonnummer",
                "handy",
                "handynummer",
                "téléphone",
                "portable",
                "teléfono",
                "telefono",
                "celular",
                "telefone",
                "whatsapp",
                "call me at",
                "call me on",
                "reach me at",
                "电话",
                "手机",
                "電話",
            ],
            between: r#"\\?["'`]?(?:[ \t]{0,4}[:=.][ \t]{0,4}|[ \t]{1,4}(?:is|was|no\.?|number|nr\.?)?[ \t:]{0,4})(?:\\?["'`])?"#,
        },
        pattern: r"\(?0?[0-9]{1,5}\)?(?:[ .\x2d/]?\(?[0-9]{1,5}\)?){1,6}",
        shorten: without_bracket,
        check: is_national,
        left: Left::Word,
        source: "Presidio PhoneRecognizer (context words); libphonenumber",
        matches: &[
            "Tel.: «030 901820-17»",
            "phone: «0170 1234567»",
            "\"phone_number\": \"«4155550132»\"",
            "call me at «555-0132»",
            "手机: «13800138000»",
            "Téléphone : «01 70 18 99 00»",
        ],
        misses: &["phone: 12", "cell 3", "tel aviv 1909", "mobile first 2024"],
        ..USUAL
    },
    Rule {
        id: "date_of_birth",
        kind: "DATE_OF_BIRTH",
        finds: "dates behind a word that announces a birth",
        anchor: Anchor::After {
            words: &[
                "dob",
                "d.o.b.",
                "date of birth",
                "date_of_birth",
                "dateofbirth",
                "birth date",
                "birthdate",
                "birth_date",
                "birthday",
                "born",
                "born on",
                "geburtsdatum",
                "geboren am",
                "geb.",
                "né le",
                "née le",
                "date de naissance",
                "fecha de nacimiento",
                "nacido el",
                "data di nascita",
                "nato il",
                "data de nascimento",
                "geboortedatum",
                "出生日期",
            ],
            between: r#"\\?["'`]?(?:[ \t]{0,4}[:=][ \t]{0,4}|[ \t]{1,4}(?:is|was|on|the)?[ \t:]{0,4})(?:\\?["'`])?"#,
        },
        pattern: r"(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.] ?[0-9]{1,2}[-/.] ?(?:[0-9]{4}|[0-9]{2})|[0-9]{8}|[0-9]{1,2}(?:st|nd|rd|th|\.)?(?: of| de)? (?:[A-Z][a-z]{2,9}|[a-z]{3,10})\.?,?(?: de)? [0-9]{4}|(?:[A-Z][a-z]{2,9})\.? [0-9]{1,2}(?:st|nd|rd|th)?,? [0-9]{4})",
        check: is_birth_date,
        left: Left::Word,
        source: "Presidio DateRecognizer; ISO 8601; CLDR date formats",
        matches: &[
            "DOB: «1985-03-12»",
            "born on «March 3, 1985»",
            "Date of birth: «12/03/1985»",
            "\"date_of_birth\": \"«12.03.1985»\"",
            "geboren am «12.03.1985»",
            "née le «3 mars 1985»",
            "birthday is «3rd March 1985»",
        ],
        misses: &["born in 1985", "DOB: unknown", "DOB: 99/99/2024", "birthday party on Friday"],
        ..USUAL
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn country_codes_have_the_length_that_e164_gives() {
        for (digits, len) in [
            ("4930", Some(2)),
            ("1415", Some(1)),
            ("4206", Some(3)),
            ("35312", Some(3)),
            ("8613", Some(2)),
            ("97150", Some(3)),
            ("0030", None),
            ("21012", Some(3)),
            ("8901", None),
        ] {
            assert_eq!(country_code_len(&checks::digits(digits)), len, "{digits}");
        }
    }
}
