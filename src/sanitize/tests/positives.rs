//! Samples of every kind, made from the public descriptions of the formats and of nothing else.

use rand::{Rng as _, rngs::StdRng};

/// Writes out a template: `{12:h}` is twelve hexadecimal digits; `{20-40:a}` twenty to forty letters
/// or digits. Classes: `d`igits, `h`ex, `l`ower case and digits, `U`pper case and digits, `u`pper
/// case, `a`lphanumeric, `w` with `_` and `-`, `b`ase64.
pub(super) fn expand(template: &str, random: &mut StdRng) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (field, behind) = after.split_once('}').unwrap();
        let (counts, class) = field.split_once(':').unwrap();
        let (least, most) = counts.split_once('-').unwrap_or((counts, counts));
        let many = random.random_range(least.parse::<usize>().unwrap()..=most.parse().unwrap());
        out.push_str(before);
        let letters = alphabet(class);
        out.extend((0..many).map(|_| char::from(letters[random.random_range(0..letters.len())])));
        rest = behind;
    }
    out + rest
}

fn alphabet(class: &str) -> &'static [u8] {
    match class {
        "d" => b"0123456789",
        "h" => b"0123456789abcdef",
        "l" => b"abcdefghijklmnopqrstuvwxyz0123456789",
        "U" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        "u" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "a" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        "w" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-",
        "b" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "2" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        "q" => b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
        other => panic!("no class {other}"),
    }
}

/// Kind and template of a whole token. Prefixes are cut so that no file here looks like a leak.
pub(super) const TOKENS: &[(&str, &str)] = &[
    ("ANTHROPIC_KEY", concat!("sk-", "ant-api03-{93:w}AA")),
    ("ANTHROPIC_KEY", concat!("sk-", "ant-admin01-{93:w}AA")),
    ("OPENAI_KEY", concat!("sk-", "{20:a}T3BlbkFJ{20:a}")),
    ("OPENAI_KEY", concat!("sk-", "proj-{74:w}T3BlbkFJ{73:w}A")),
    ("OPENAI_KEY", concat!("sk-", "svcacct-{58:w}T3BlbkFJ{57:w}A")),
    ("OPENROUTER_KEY", concat!("sk-", "or-v1-{64:h}")),
    ("GOOGLE_API_KEY", concat!("AI", "za{34:w}x")),
    ("GOOGLE_OAUTH", concat!("GOC", "SPX-{27:w}x")),
    ("GOOGLE_OAUTH", concat!("ya", "29.a0{120-160:w}x")),
    ("GROQ_KEY", concat!("gs", "k_{52:a}")),
    ("XAI_KEY", concat!("xa", "i-{80:a}")),
    ("PERPLEXITY_KEY", concat!("pp", "lx-{48:a}")),
    ("REPLICATE_TOKEN", concat!("r", "8_{37:a}")),
    ("HUGGINGFACE_TOKEN", concat!("h", "f_{34:a}")),
    ("DATABRICKS_TOKEN", concat!("da", "pi{32:h}")),
    ("NVIDIA_KEY", concat!("nva", "pi-{63:w}x")),
    ("LANGSMITH_KEY", concat!("ls", "v2_pt_{32:h}_{10:h}")),
    ("AWS_ACCESS_KEY_ID", concat!("AK", "IA{16:2}")),
    ("AWS_ACCESS_KEY_ID", concat!("AS", "IA{16:2}")),
    ("AZURE_CLIENT_SECRET", concat!("{3:a}", "8Q~{33:a}x")),
    ("AZURE_OPENAI_KEY", concat!("{52:a}", "JQQJ99{26:a}")),
    ("DIGITALOCEAN_TOKEN", concat!("do", "p_v1_{64:h}")),
    ("HEROKU_KEY", concat!("HR", "KU-AA{57:w}x")),
    ("FLYIO_TOKEN", concat!("fo", "1_{42:w}x")),
    ("VERCEL_TOKEN", concat!("vc", "p_{56:a}")),
    ("NETLIFY_TOKEN", concat!("nf", "p_{36:a}")),
    ("SUPABASE_TOKEN", concat!("sb", "p_{40:h}")),
    ("GITHUB_TOKEN", concat!("gh", "p_{36:a}")),
    ("GITHUB_TOKEN", concat!("gh", "s_{36:a}")),
    ("GITHUB_TOKEN", concat!("github", "_pat_{22:a}_{59:a}")),
    ("GITLAB_TOKEN", concat!("gl", "pat-{19:w}x")),
    ("GITLAB_TOKEN", concat!("gl", "pat-{27:w}.01.{9:l}")),
    ("NPM_TOKEN", concat!("np", "m_{36:a}")),
    ("PYPI_TOKEN", concat!("py", "pi-AgEIcHlwaS5vcmc{140-170:w}x")),
    ("RUBYGEMS_TOKEN", concat!("ruby", "gems_{48:h}")),
    ("CRATES_IO_TOKEN", concat!("c", "io{32:a}")),
    ("DOCKER_TOKEN", concat!("dc", "kr_pat_{26:w}x")),
    ("ATLASSIAN_TOKEN", concat!("AT", "ATT3xFfGF0{170-180:w}={8:U}")),
    ("VAULT_TOKEN", concat!("hv", "s.{90-100:w}x")),
    ("TERRAFORM_TOKEN", concat!("{14:a}", ".atlasv1.{66:w}x")),
    ("DOPPLER_TOKEN", concat!("dp", ".pt.{43:a}")),
    ("ONEPASSWORD_TOKEN", concat!("A", "3-{6:U}-{6:U}-{5:U}-{5:U}-{5:U}-{5:U}")),
    ("SLACK_TOKEN", concat!("xo", "xb-{12:d}-{12:d}-{24:a}")),
    ("SLACK_WEBHOOK", concat!("https://hooks.sla", "ck.com/services/T{10:U}/B{10:U}/{24:a}")),
    ("DISCORD_WEBHOOK", concat!("https://discord.com/api/web", "hooks/{18:d}/{67:w}x")),
    ("DISCORD_TOKEN", concat!("MT", "{23:a}.{6:a}.{38:w}")),
    ("TELEGRAM_TOKEN", concat!("{10:d}", ":AA{33:w}")),
    ("STRIPE_KEY", concat!("sk_", "live_{24:a}")),
    ("STRIPE_KEY", concat!("rk_", "live_{99:a}")),
    ("SQUARE_TOKEN", concat!("EA", "AA{59:w}x")),
    ("TWILIO_KEY", concat!("S", "K{32:h}")),
    ("SENDGRID_KEY", concat!("S", "G.{22:w}.{42:w}x")),
    ("MAILGUN_KEY", concat!("key", "-{32:h}")),
    ("MAIL_API_KEY", concat!("{32:h}", "-us{2:d}")),
    ("NOTION_TOKEN", concat!("nt", "n_{11:d}{35:a}")),
    ("LINEAR_KEY", concat!("lin", "_api_{40:a}")),
    ("NEWRELIC_KEY", concat!("NR", "AK-{27:U}")),
    ("SENTRY_TOKEN", concat!("snt", "ryu_{64:h}")),
    ("GRAFANA_TOKEN", concat!("gl", "sa_{32:a}_{8:h}")),
    ("SHOPIFY_TOKEN", concat!("shp", "at_{32:h}")),
    ("SERVICE_TOKEN", concat!("PM", "AK-{24:h}-{34:h}")),
    (
        "PRIVATE_KEY",
        concat!("-----BEGIN RSA PRIV", "ATE KEY-----\n{64:b}\n{64:b}\n{64:b}\n{22:b}==\n-----END RSA PRIVATE KEY-----"),
    ),
    (
        "PRIVATE_KEY",
        concat!("-----BEGIN PRIV", "ATE KEY-----\\n{64:b}\\n{64:b}\\n{30:b}\\n-----END PRIVATE KEY-----\\n"),
    ),
    ("PRIVATE_KEY", concat!("AGE-SECRET-", "KEY-1{58:q}")),
    ("JWT", concat!("ey", "JhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIi{40-90:w}.{43:w}")),
];

/// Kind and template of a value (between `«` and `»`) that its name betrays.
pub(super) const NAMED: &[(&str, &str)] = &[
    ("AWS_SECRET_KEY", "aws_secret_access_key = «{40:b}»"),
    ("AWS_SECRET_KEY", "export AWS_SECRET_ACCESS_KEY=\"«{40:b}»\""),
    (
        "AZURE_STORAGE_KEY",
        "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=«{86:b}==»;EndpointSuffix=core.windows.net",
    ),
    ("AZURE_OPENAI_KEY", "AZURE_OPENAI_API_KEY=«{32:h}»"),
    ("GCP_SERVICE_ACCOUNT", "{\"type\": \"service_account\", \"private_key_id\": \"«{40:h}»\"}"),
    ("CLOUDFLARE_TOKEN", "CLOUDFLARE_API_TOKEN: «{40:a}»"),
    ("TWILIO_KEY", "client = Client(sid, TWILIO_AUTH_TOKEN := '«{32:h}»')"),
    ("DATADOG_KEY", "DD_API_KEY=«{32:h}»"),
    ("OKTA_TOKEN", "OKTA_API_TOKEN=«00{40:a}»"),
    ("CONNECTION_STRING", "DATABASE_URL=postgres://«svc:{14:a}»@db.corp.io:5432/app"),
    ("CONNECTION_STRING", "mongodb+srv://«api:{16:a}»@cluster0.ab1cd.mongodb.net/?retryWrites=true"),
    ("CONNECTION_STRING", "amqps://«worker:{12:a}»@rabbit.corp.io/vhost"),
    ("URL_CREDENTIALS", "git clone https://«deploy:{20:a}»@git.corp.io/team/repo.git"),
    ("AUTH_HEADER", "curl -H 'Authorization: Bearer «{40:a}»' https://api.corp.io"),
    ("AUTH_HEADER", "Authorization: Basic «{26:b}==»"),
    ("PASSWORD", "DB_PASSWORD=«{4:a}7{6:a}»\nDB_HOST=db"),
    ("PASSWORD", "{\"user\": \"ops\", \"password\": \"«{5:a}#{3:a}9»\"}"),
    ("PASSWORD", "Server=tcp:sql.corp.io,1433;User ID=sa;Password=«{6:a}!{3:d}»;Encrypt=True;"),
    ("PASSWORD", "Hi, the wifi password is «{5:l}{3:d}!x», see you"),
    ("PASSWORD", "password: «{8:a}42»\nhost: localhost"),
    ("PASSWORD", "conn = connect(host=\"db\", passwd='«{7:a}$1»')"),
    ("PASSWORD", "private static final String PASSWORD = \"«{8:a}9!»\";"),
    ("SECRET", "API_KEY=«{32:a}»"),
    ("SECRET", "\"client_secret\": \"«{40:a}»\","),
    ("SECRET", "const apiKey = '«{24:a}»';"),
    ("SECRET", "secret_key_base: «{64:h}»"),
    ("DATE_OF_BIRTH", "Date of birth: «198{1:d}-03-1{1:d}»"),
    ("DATE_OF_BIRTH", "She was born on «March 1{1:d}, 197{1:d}» in Oslo."),
    ("DATE_OF_BIRTH", "Geburtsdatum: «1{1:d}.03.196{1:d}»"),
    ("PHONE", "Tel.: «030 9018{4:d}», Berlin"),
    ("PHONE", "\"phone\": \"«0170 55{5:d}»\""),
    ("PHONE", "call me at «(212) 555-01{2:d}» tonight"),
    ("PHONE", "my number: «+49 151 2{7:d}»"),
    ("PHONE", "WhatsApp «+5511 9{4:d}-{4:d}»"),
    ("PHONE", "«+1 415 555 01{2:d}» is the office"),
    ("EMAIL", "mail «{6:l}.k@{5:l}mail.com» now"),
    ("EMAIL", "\"email\":\"«anna+{3:d}@{8:l}.co.uk»\""),
    ("EMAIL", "<«x{4:l}@dept.{6:l}.edu»>"),
    ("EMAIL", "联系我«li.{5:l}@{5:l}.cn»谢谢"),
    ("SSN", "SSN «52{1:d}-4{1:d}-1{3:d}»"),
    ("SSN", "social security number: «52{1:d}4{1:d}1{3:d}»"),
    ("UK_NINO", "NI number «AB{6:d}C»"),
    ("IN_PAN", "PAN: «ABCP{1:u}{4:d}K»"),
    ("IP_ADDRESS", "client 9{1:d}.11{1:d}.4.7 — as «84.1{2:d}.16{1:d}.77» before"),
    ("IP_ADDRESS", "login from «2a02:81{2:h}:8ac0:1c{2:h}:4d1e:9f3b:77{2:h}:1a2b»"),
    ("MAC_ADDRESS", "ether «a4:5e:60:{2:h}:{2:h}:9f» txqueuelen 1000"),
    ("MAC_ADDRESS", "MAC «3C-52-82-{1:d}A-{1:d}B-0C»"),
];

/// Numbers with check digits, computed as their issuers describe.
pub(super) fn checked(random: &mut StdRng) -> Vec<(&'static str, String)> {
    [cards(random), accounts(random), persons(random)].concat()
}

fn digits(random: &mut StdRng, many: usize) -> Vec<u32> {
    (0..many).map(|_| random.random_range(0..10)).collect()
}

fn text(digits: &[u32]) -> String {
    digits.iter().map(u32::to_string).collect()
}

/// In groups of four.
fn grouped(text: &str, sign: &str) -> String {
    let groups: Vec<_> = text.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    groups.join(sign)
}

/// A number of this length with Luhn's check digit.
fn with_luhn(random: &mut StdRng, prefix: &[u32], length: usize) -> String {
    let mut all = prefix.to_vec();
    all.extend(digits(random, length - 1 - prefix.len()));
    let last = (0..10).find(|last| luhn_sum(&all, *last).is_multiple_of(10)).unwrap();
    all.push(last);
    text(&all)
}

fn cards(random: &mut StdRng) -> Vec<(&'static str, String)> {
    let mut card = |prefix: &[u32], length: usize| with_luhn(random, prefix, length);
    vec![
        ("CARD", format!("pay with «{}» please", card(&[4], 16))),
        ("CARD", format!("card: «{}», exp 04/29", grouped(&card(&[5, 3], 16), " "))),
        ("CARD", format!("{{\"number\":\"«{}»\"}}", card(&[3, 7], 15))),
        ("CARD", format!("«{}»", grouped(&card(&[6, 0, 1, 1], 16), "-"))),
    ]
}

fn accounts(random: &mut StdRng) -> Vec<(&'static str, String)> {
    let bank = text(&digits(random, 18));
    let german = format!("DE{:02}{bank}", 98 - remainder(&format!("{bank}131400"), 97));
    let account = text(&digits(random, 14));
    let british = format!("GB{:02}NWBK{account}", 98 - remainder(&format!("23321120{account}161100"), 97));
    vec![
        ("IBAN", format!("IBAN «{german}»")),
        ("IBAN", format!("transfer to «{}» today", grouped(&german, " "))),
        ("IBAN", format!("acct=«{british}»;")),
    ]
}

/// Nine or eight digits and one that their weighted sum, from the weight `first` down, gives; `None` when it has none.
fn with_sum(random: &mut StdRng, many: usize, check: fn(u32) -> Option<u32>) -> String {
    loop {
        let mut all = digits(random, many);
        let first = u32::try_from(many).unwrap() + 1;
        let sum: u32 = all.iter().zip((2..=first).rev()).map(|(digit, weight)| digit * weight).sum();
        if let Some(last) = check(sum) {
            all.push(last);
            return text(&all);
        }
    }
}

fn persons(random: &mut StdRng) -> Vec<(&'static str, String)> {
    let sin = with_luhn(random, &[1, 3, 0], 9);
    let person = with_luhn(random, &[8, 1, 0, 4, 2, 3], 10);
    let nir = format!("185037512{}", text(&digits(random, 4)));
    let nhs = with_sum(random, 9, |sum| (sum % 11 != 1).then_some((11 - sum % 11) % 11));
    let bsn = with_sum(random, 8, |sum| (sum % 11 < 10 && sum > 0).then_some(sum % 11));
    let dni = text(&digits(random, 8));
    let letter = char::from(b"TRWAGMYFPDXBNJZSQVHLCKE"[remainder(&dni, 23) as usize]);
    vec![
        ("CA_SIN", format!("SIN: «{sin}»")),
        ("SE_PERSONNUMMER", format!("personnummer «{}-{}»", &person[..6], &person[6..])),
        ("FR_NIR", format!("numéro «{nir}{:02}»", 97 - remainder(&nir, 97))),
        ("BR_CPF", format!("CPF «{}»", cpf(random))),
        ("UK_NHS", format!("NHS number «{} {} {}»", &nhs[..3], &nhs[3..6], &nhs[6..])),
        ("NL_BSN", format!("BSN «{bsn}»")),
        ("ES_DNI", format!("DNI «{dni}{letter}»")),
        ("PL_PESEL", format!("PESEL: «{}»", pesel(random))),
    ]
}

fn cpf(random: &mut StdRng) -> String {
    let mut all = digits(random, 9);
    for many in [9, 10] {
        let sum: u32 = all.iter().zip((2..=many + 1).rev()).map(|(digit, weight)| digit * weight).sum();
        all.push(sum * 10 % 11 % 10);
    }
    let all = text(&all);
    format!("{}.{}.{}-{}", &all[..3], &all[3..6], &all[6..9], &all[9..])
}

fn pesel(random: &mut StdRng) -> String {
    let mut all = vec![8, 5, 0, 3, 1, 2];
    all.extend(digits(random, 4));
    let sum: u32 = all.iter().zip([1, 3, 7, 9].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    all.push((10 - sum % 10) % 10);
    text(&all)
}

fn luhn_sum(digits: &[u32], last: u32) -> u32 {
    let all = digits.iter().chain([&last]).rev().enumerate();
    all.map(|(index, digit)| if index % 2 == 0 { *digit } else { [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][*digit as usize] })
        .sum()
}

fn remainder(digits: &str, divisor: u64) -> u64 {
    digits.bytes().fold(0, |rest, byte| (rest * 10 + u64::from(byte - b'0')) % divisor)
}
