//! Personal data: national identifiers of Europe, with their check digits.

use super::{Anchor, Left, Rule, Seen, checks};

fn is_nino(seen: &Seen<'_>) -> bool {
    !["BG", "GB", "NK", "KN", "TN", "NT", "ZZ"].iter().any(|prefix| seen.text.starts_with(prefix))
}

fn is_nhs(seen: &Seen<'_>) -> bool {
    let digits = checks::digits(seen.text);
    let sum = checks::weighted(&digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    digits.len() == 10 && sum.is_multiple_of(11) && sum > 0
}

/// ISO 7064 MOD 11,10.
fn is_steuer_id(seen: &Seen<'_>) -> bool {
    let digits = checks::digits(seen.text);
    let (body, last) = digits.split_at(digits.len().min(10));
    let product = body.iter().fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    last == [(11 - product) % 10]
}

fn is_nir(seen: &Seen<'_>) -> bool {
    let letters: String = seen.text.chars().filter(char::is_ascii_alphanumeric).collect();
    // Corsica's departments count as 19 and 18 (INSEE).
    let digits = checks::digits(&letters.replace("2A", "19").replace("2B", "18"));
    let (body, key) = digits.split_at(digits.len().min(13));
    digits.len() == 15 && 97 - checks::modulo(body, 97) == u64::from(checks::number(key))
}

fn is_dni(seen: &Seen<'_>) -> bool {
    let digits = checks::digits(&seen.text.replace('X', "0").replace('Y', "1").replace('Z', "2"));
    // The replaced letter may also be the check letter, which is no digit of the number.
    let number = checks::part(&digits, 0..8);
    digits.len() >= 8 && b"TRWAGMYFPDXBNJZSQVHLCKE".get((number % 23) as usize) == seen.text.as_bytes().last()
}

fn is_codice_fiscale(seen: &Seen<'_>) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let value = |byte: u8| u32::from(if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' });
    let Some((last, body)) = seen.text.as_bytes().split_last() else { return false };
    let sum: u32 = body
        .iter()
        .enumerate()
        .map(|(index, byte)| match index % 2 {
            0 => ODD.get(value(*byte) as usize).copied().unwrap_or_default(),
            _ => value(*byte),
        })
        .sum();
    u32::from(b'A') + sum % 26 == u32::from(*last)
}

fn is_bsn(seen: &Seen<'_>) -> bool {
    let digits = checks::digits(seen.text);
    let sum = checks::weighted(&digits, &[9, 8, 7, 6, 5, 4, 3, 2]);
    digits.len() == 9 && digits.last().is_some_and(|last| sum > 0 && sum % 11 == *last)
}

fn is_pesel(seen: &Seen<'_>) -> bool {
    let digits = checks::digits(seen.text);
    let part = |from: usize, to: usize| checks::part(&digits, from..to);
    let sum = checks::weighted(&digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    // The century is added to the month in steps of twenty.
    sum.is_multiple_of(10) && checks::is_day(part(2, 4) % 20, part(4, 6))
}

fn is_personnummer(seen: &Seen<'_>) -> bool {
    let digits = checks::digits(seen.text);
    let short = digits.get(digits.len().saturating_sub(10)..).unwrap_or_default();
    let part = |from: usize, to: usize| checks::part(short, from..to);
    // Sixty more than the day is a coordination number.
    short.len() == 10 && checks::luhn(short) && checks::is_day(part(2, 4), part(4, 6) % 60)
}

fn is_belgian(seen: &Seen<'_>) -> bool {
    let digits = checks::digits(seen.text);
    let (body, key) = digits.split_at(digits.len().min(9));
    let key = u64::from(checks::number(key));
    // Births from 2000 on: a 2 is put in front.
    let later: Vec<u32> = [2].iter().chain(body).copied().collect();
    97 - checks::modulo(body, 97) == key || 97 - checks::modulo(&later, 97) == key
}

fn is_ahv(seen: &Seen<'_>) -> bool {
    let digits = checks::digits(seen.text);
    checks::weighted(&digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

fn is_hetu(seen: &Seen<'_>) -> bool {
    let Some((last, body)) = seen.text.as_bytes().split_last() else { return false };
    let digits: Vec<u32> =
        body.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0')).collect();
    b"0123456789ABCDEFHJKLMNPRSTUVWXY".get(checks::modulo(&digits, 31) as usize) == Some(last)
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "uk_nino",
        kind: "UK_NINO",
        finds: "National Insurance numbers of the United Kingdom",
        anchor: Anchor::Digits(&[2, 3]),
        pattern: r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?:[0-9]{6}| [0-9]{2} [0-9]{2} [0-9]{2} )[A-D]",
        left: Left::Word,
        check: is_nino,
        source: "HMRC, NIM39110; Presidio UkNinoRecognizer",
        matches: &["AB123456C", "AB 12 34 56 C"],
        misses: &["GB123456A", "DA123456C", "AB123456E", "AB1234567"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "uk_nhs",
        kind: "UK_NHS",
        finds: "NHS numbers of the United Kingdom near their name",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[0-9]{3}[ \x2d]?[0-9]{3}[ \x2d]?[0-9]{4}",
        near: &["nhs"],
        check: is_nhs,
        source: "NHS Data Dictionary, NHS number; Presidio NhsRecognizer",
        matches: &["NHS number: «943 476 5919»", "my NHS no is «9434765919»"],
        misses: &["NHS number: 943 476 5918", "943 476 5919"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "de_steuer_id",
        kind: "DE_STEUER_ID",
        finds: "tax identification numbers of Germany near their name",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[1-9][0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}",
        near: &["steuer*", "idnr", "tin", "tax id", "tax identification*", "tax-id"],
        check: is_steuer_id,
        source: "Bundeszentralamt für Steuern; ISO 7064 MOD 11,10",
        matches: &["Steuer-ID: «86 095 742 719»", "Steueridentifikationsnummer «36574261809»"],
        misses: &["Steuer-ID: 86 095 742 718", "86095742719"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "fr_nir",
        kind: "FR_NIR",
        finds: "social security numbers of France, with their key",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[12] ?[0-9]{2} ?(?:0[1-9]|1[0-2]|[2-9][0-9]) ?(?:[0-9]{2}|2A|2B) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}",
        check: is_nir,
        source: "INSEE, numéro d'inscription au répertoire",
        matches: &["1 85 03 75 123 456 41", "185037512345641"],
        misses: &["1 85 13 75 123 456 00", "185037512345642"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "es_dni",
        kind: "ES_DNI",
        finds: "DNI and NIE of Spain, with their check letter",
        anchor: Anchor::Digits(&[0, 1, 2]),
        pattern: r"(?:[0-9]{8}|[XYZ]-?[0-9]{7})-?[A-HJ-NP-TV-Z]",
        check: is_dni,
        source: "Ministerio del Interior, cálculo del dígito de control; Presidio EsNifRecognizer, EsNieRecognizer",
        matches: &["12345678Z", "12345678-Z", "X1234567L"],
        misses: &["12345678A", "X1234567A", "1234567L"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "it_codice_fiscale",
        kind: "IT_CODICE_FISCALE",
        finds: "tax codes of Italy, with their check letter",
        anchor: Anchor::Digits(&[6]),
        pattern: r"[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]",
        left: Left::Word,
        check: is_codice_fiscale,
        source: "D.M. 23/12/1976; Presidio ItFiscalCodeRecognizer",
        matches: &["RSSMRA85T10A562S", "VRDLGU70C41F205Z"],
        misses: &["RSSMRA85T10A562T", "RSSMRA85T10A562"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "nl_bsn",
        kind: "NL_BSN",
        finds: "citizen service numbers of the Netherlands near their name",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[0-9]{9}",
        near: &["bsn", "burgerservicenummer", "sofinummer", "sofi*"],
        check: is_bsn,
        source: "Rijksdienst voor Identiteitsgegevens, elfproef",
        matches: &["BSN: «123456782»", "burgerservicenummer «111222333»"],
        misses: &["BSN: 123456789", "123456782"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "pl_pesel",
        kind: "PL_PESEL",
        finds: "PESEL of Poland near its name",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[0-9]{11}",
        near: &["pesel"],
        check: is_pesel,
        source: "Ministerstwo Cyfryzacji, numer PESEL; Presidio PlPeselRecognizer",
        matches: &["PESEL: «44051401359»"],
        misses: &["PESEL: 44051401358", "44051401359"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "se_personnummer",
        kind: "SE_PERSONNUMMER",
        finds: "personal identity numbers of Sweden, with their check digit",
        anchor: Anchor::Digits(&[0]),
        pattern: r"(?:19|20)?[0-9]{6}[-+][0-9]{4}",
        check: is_personnummer,
        source: "Skatteverket, personnummer och samordningsnummer",
        matches: &["811218-9876", "19811218-9876", "640823-3234"],
        misses: &["811218-9875", "811318-9876"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "be_national_number",
        kind: "BE_NATIONAL_NUMBER",
        finds: "national register numbers of Belgium",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[0-9]{2}\.[01][0-9]\.[0-3][0-9]-[0-9]{3}\.[0-9]{2}",
        check: is_belgian,
        source: "Rijksregister, instructions on the national number",
        matches: &["85.07.30-033.28"],
        misses: &["85.07.30-033.29"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "ch_ahv",
        kind: "CH_AHV",
        finds: "social insurance numbers of Switzerland",
        anchor: Anchor::Digits(&[0]),
        pattern: r"756\.[0-9]{4}\.[0-9]{4}\.[0-9]{2}",
        check: is_ahv,
        source: "Zentrale Ausgleichsstelle, AHV-Nummer; EAN-13",
        matches: &["756.9217.0769.85"],
        misses: &["756.9217.0769.84"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "fi_hetu",
        kind: "FI_HETU",
        finds: "personal identity codes of Finland, with their check character",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[0-3][0-9][01][0-9]{3}[-+A-FU-Y][0-9]{3}[0-9A-FHJ-NPR-Y]",
        check: is_hetu,
        source: "Digital and Population Data Services Agency; Presidio FiPersonalIdentityCodeRecognizer",
        matches: &["131052-308T"],
        misses: &["131052-308U", "991352-308T"],
        ..Rule::NATIONAL
    },
];
