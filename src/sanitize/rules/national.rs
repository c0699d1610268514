//! Personal data: national identifiers outside of Europe, with their check digits.

use super::{Anchor, Left, Rule, Seen, checks};

fn ssn_parts_exist(seen: &Seen<'_>) -> bool {
    let digits = checks::digits(seen.text);
    let part = |from: usize, to: usize| checks::part(&digits, from..to);
    let area = part(0, 3);
    digits.len() == 9 && area != 0 && area != 666 && area < 900 && part(3, 5) != 0 && part(5, 9) != 0
}

fn is_cpf(seen: &Seen<'_>) -> bool {
    let digits = checks::digits(seen.text);
    let check = |many: usize| {
        let sum: u32 =
            digits.iter().take(many).enumerate().map(|(index, digit)| digit * (many as u32 + 1 - index as u32)).sum();
        (sum * 10 % 11 % 10, digits.get(many).copied())
    };
    let holds = |many| matches!(check(many), (sum, Some(digit)) if sum == digit);
    digits.len() == 11 && digits.iter().any(|digit| Some(digit) != digits.first()) && holds(9) && holds(10)
}

fn is_cnpj(seen: &Seen<'_>) -> bool {
    const WEIGHTS: [u32; 13] = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
    let digits = checks::digits(seen.text);
    let holds = |many: usize| {
        let sum =
            checks::weighted(digits.get(..many).unwrap_or_default(), WEIGHTS.get(13 - many..).unwrap_or_default());
        let digit = if sum % 11 < 2 { 0 } else { 11 - sum % 11 };
        digits.get(many) == Some(&digit)
    };
    digits.len() == 14 && digits.iter().any(|digit| *digit != 0) && holds(12) && holds(13)
}

/// Verhoeff's check digit: the dihedral group of ten elements and a permutation.
fn is_aadhaar(seen: &Seen<'_>) -> bool {
    const PERMUTATION: [[u32; 10]; 8] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
        [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
        [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
        [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ];
    // Products of the dihedral group: rotations are 0 to 4, reflections 5 to 9.
    let product = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let digits = checks::digits(seen.text);
    let sum = digits.iter().rev().enumerate().fold(0, |sum, (index, digit)| {
        let moved = PERMUTATION.get(index % 8).and_then(|row| row.get(*digit as usize)).copied().unwrap_or_default();
        product(sum, moved)
    });
    digits.len() == 12 && sum == 0
}

fn is_tfn(seen: &Seen<'_>) -> bool {
    let digits = checks::digits(seen.text);
    match digits.len() {
        9 => checks::weighted(&digits, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11),
        8 => checks::weighted(&digits, &[10, 7, 8, 4, 6, 3, 5, 1]).is_multiple_of(11),
        _ => false,
    }
}

fn is_abn(seen: &Seen<'_>) -> bool {
    let mut digits = checks::digits(seen.text);
    if let Some(first) = digits.first_mut() {
        *first = first.wrapping_sub(1);
    }
    let sum = digits
        .iter()
        .zip([10_u64, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19])
        .map(|(digit, weight)| u64::from(*digit) * weight);
    digits.len() == 11 && sum.sum::<u64>().is_multiple_of(89)
}

/// GB 11643: 17 digits, the eleventh to fourteenth a day, ISO 7064 MOD 11-2.
fn is_chinese_id(seen: &Seen<'_>) -> bool {
    let values: Vec<u32> =
        seen.text.chars().filter_map(|letter| if letter == 'X' { Some(10) } else { letter.to_digit(10) }).collect();
    let part = |from: usize, to: usize| checks::part(&values, from..to);
    let sum = checks::weighted(&values, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2, 1]);
    values.len() == 18
        && sum % 11 == 1
        && (1900..=2035).contains(&part(6, 10))
        && checks::is_day(part(10, 12), part(12, 14))
}

fn is_korean_id(seen: &Seen<'_>) -> bool {
    let digits = checks::digits(seen.text);
    let sum = checks::weighted(digits.get(..12).unwrap_or_default(), &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
    let part = |from: usize, to: usize| checks::part(&digits, from..to);
    digits.len() == 13 && checks::is_day(part(2, 4), part(4, 6)) && digits.last() == Some(&((11 - sum % 11) % 10))
}

fn is_nric(seen: &Seen<'_>) -> bool {
    let sum = checks::weighted(&checks::digits(seen.text), &[2, 7, 6, 5, 4, 3, 2]);
    let (letters, shift) = match seen.text.as_bytes() {
        [b'S', ..] => (b"JZIHGFEDCBA", 0),
        [b'T', ..] => (b"JZIHGFEDCBA", 4),
        [b'F', ..] => (b"XWUTRQPNMLK", 0),
        _ => (b"XWUTRQPNMLK", 4),
    };
    letters.get(((sum + shift) % 11) as usize) == seen.text.as_bytes().last()
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "us_ssn",
        kind: "SSN",
        finds: "social security numbers of the United States",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[0-9]{3}-[0-9]{2}-[0-9]{4}",
        check: ssn_parts_exist,
        source: "SSA, SSN randomization; Presidio UsSsnRecognizer",
        matches: &["123-45-6789", "536-22-8726"],
        misses: &[
            "000-12-3456",
            "666-12-3456",
            "912-34-5678",
            "123-00-4567",
            "123-45-0000",
            "123-45-67890",
            "2024-11-21",
        ],
        ..Rule::NATIONAL
    },
    Rule {
        id: "us_ssn_in_context",
        kind: "SSN",
        finds: "social security numbers without hyphens near a word that announces one",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[0-9]{3}[ .]?[0-9]{2}[ .]?[0-9]{4}",
        near: &["ssn", "ssn_number", "social security", "social_security*", "social sec*"],
        check: ssn_parts_exist,
        source: "SSA, SSN randomization; Presidio UsSsnRecognizer",
        matches: &["SSN: «536228726»", "my social security number is «536 22 8726»"],
        misses: &["order 536228726", "SSN: 000228726"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "us_itin",
        kind: "ITIN",
        finds: "individual taxpayer identification numbers of the United States",
        anchor: Anchor::Digits(&[0]),
        pattern: r"9[0-9]{2}-(?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])-[0-9]{4}",
        source: "IRS Publication 1915; Presidio UsItinRecognizer",
        matches: &["912-70-1234"],
        misses: &["912-34-5678", "812-70-1234"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "ca_sin",
        kind: "CA_SIN",
        finds: "social insurance numbers of Canada near a word that announces one",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[1-9][0-9]{2}[ \x2d]?[0-9]{3}[ \x2d]?[0-9]{3}",
        near: &["sin", "social insurance", "nas", "assurance sociale"],
        check: |seen| checks::luhn(&checks::digits(seen.text)),
        source: "Government of Canada, Social Insurance Number; Luhn",
        matches: &["SIN: «130-692-544»", "Social Insurance Number «130 692 544»"],
        misses: &["SIN: 130-692-545", "130692544"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "br_cpf",
        kind: "BR_CPF",
        finds: "CPF of Brazil, with its two check digits",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}",
        check: is_cpf,
        source: "Receita Federal, cálculo do dígito verificador",
        matches: &["529.982.247-25", "111.444.777-35"],
        misses: &["529.982.247-26", "111.111.111-11"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "br_cpf_in_context",
        kind: "BR_CPF",
        finds: "CPF of Brazil without punctuation near its name",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[0-9]{11}",
        near: &["cpf"],
        check: is_cpf,
        source: "Receita Federal, cálculo do dígito verificador",
        matches: &["CPF: «52998224725»"],
        misses: &["CPF: 52998224726", "52998224725"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "br_cnpj",
        kind: "BR_CNPJ",
        finds: "CNPJ of Brazil, with its two check digits",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[0-9]{2}\.[0-9]{3}\.[0-9]{3}/[0-9]{4}-[0-9]{2}",
        check: is_cnpj,
        source: "Receita Federal, cálculo do dígito verificador",
        matches: &["11.222.333/0001-81"],
        misses: &["11.222.333/0001-82"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "in_aadhaar",
        kind: "IN_AADHAAR",
        finds: "Aadhaar numbers of India near their name, with Verhoeff's check digit",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[2-9][0-9]{3}[ \x2d]?[0-9]{4}[ \x2d]?[0-9]{4}",
        near: &["aadhaar", "aadhar", "uidai", "uid", "आधार*"],
        check: is_aadhaar,
        source: "UIDAI; Presidio InAadhaarRecognizer",
        matches: &["Aadhaar: «2363 4529 1879»"],
        misses: &["Aadhaar: 2363 4529 1872", "2363 4529 1879"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "in_pan",
        kind: "IN_PAN",
        finds: "permanent account numbers of India",
        anchor: Anchor::Digits(&[5]),
        pattern: r"[A-Z]{3}[ABCFGHLJPT][A-Z][0-9]{4}[A-Z]",
        left: Left::Word,
        check: |seen| !seen.text.starts_with("AAAAA"),
        source: "Income Tax Department of India; Presidio InPanRecognizer",
        matches: &["ABCPK1234F", "AFZPK7190K"],
        misses: &["ABCXK1234F", "abcpk1234f", "ABCPK12345"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "au_tfn",
        kind: "AU_TFN",
        finds: "tax file numbers of Australia near their name",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[0-9]{3}[ \x2d]?[0-9]{3}[ \x2d]?[0-9]{2,3}",
        near: &["tfn", "tax file*"],
        check: is_tfn,
        source: "Australian Taxation Office; Presidio AuTfnRecognizer",
        matches: &["TFN: «876 543 210»", "tax file number is «459599230»"],
        misses: &["TFN: 876 543 211", "876543210"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "au_abn",
        kind: "AU_ABN",
        finds: "business numbers of Australia near their name",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[1-9][0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}",
        near: &["abn", "australian business number"],
        check: is_abn,
        source: "Australian Business Register, format of the ABN; Presidio AuAbnRecognizer",
        matches: &["ABN «51 824 753 556»"],
        misses: &["ABN 51 824 753 557", "51 824 753 556"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "cn_resident_id",
        kind: "CN_RESIDENT_ID",
        finds: "resident identity numbers of China: birth date, check character",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[1-9][0-9]{16}[0-9X]",
        check: is_chinese_id,
        source: "GB 11643-1999; ISO 7064 MOD 11-2",
        matches: &["11010519491231002X", "440524198001010013"],
        misses: &["110105194912310021", "110105194913310021"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "kr_rrn",
        kind: "KR_RRN",
        finds: "resident registration numbers of Korea: birth date, check digit",
        anchor: Anchor::Digits(&[0]),
        pattern: r"[0-9]{6}-[1-4][0-9]{6}",
        check: is_korean_id,
        source: "Presidio KrRrnRecognizer; Ministry of the Interior and Safety",
        matches: &["960121-1234561"],
        misses: &["960121-1234562", "969921-1234567"],
        ..Rule::NATIONAL
    },
    Rule {
        id: "sg_nric",
        kind: "SG_NRIC",
        finds: "identity numbers of Singapore, with their check letter",
        anchor: Anchor::Digits(&[1]),
        pattern: r"[STFG][0-9]{7}[A-Z]",
        check: is_nric,
        left: Left::Word,
        source: "Presidio SgFinRecognizer; Immigration & Checkpoints Authority",
        matches: &["S1234567D", "T1234567J"],
        misses: &["S1234567A", "X1234567D"],
        ..Rule::NATIONAL
    },
];
