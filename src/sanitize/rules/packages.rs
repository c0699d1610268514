//! Tokens of code hosts, package registries and build tools.

use super::{Anchor, Left, Rule, checks};

const PLAIN: Rule = Rule { check: checks::is_token, ..Rule::USUAL };
const HYPHENS: Rule = Rule { left: Left::WordAnd(b"-"), ..PLAIN };

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "github_token",
        kind: "GITHUB_TOKEN",
        finds: "personal, OAuth, app and refresh tokens of GitHub",
        anchor: Anchor::Starts(&["ghp_", "gho_", "ghu_", "ghs_", "ghr_"]),
        pattern: r"gh[pousr]_[A-Za-z0-9]{36,255}",
        source: "GitHub documentation, token formats; gitleaks github-pat and others",
        matches: &[
            concat!("ghp_", "fakeFAKE0123456789fakeFAKE0123456789"),
            concat!("ghs_", "fakeFAKE0123456789fakeFAKE0123456789"),
        ],
        misses: &["ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "ghp_short", "ghs_0123"],
        ..PLAIN
    },
    Rule {
        id: "github_fine_grained_token",
        kind: "GITHUB_TOKEN",
        finds: "fine-grained personal access tokens of GitHub",
        anchor: Anchor::Starts(&["github_pat_"]),
        pattern: r"github_pat_[A-Za-z0-9_]{82}",
        source: "GitHub documentation, token formats; gitleaks github-fine-grained-pat",
        matches: &[concat!(
            "github_pat_",
            "11FAKE0123456789fake00_fake0123FAKE4567fake0123FAKE4567fake0123FAKE4567fake0123FAK"
        )],
        misses: &["github_pat_...", "github_pat_11FAKE"],
        ..PLAIN
    },
    Rule {
        id: "gitlab_token",
        kind: "GITLAB_TOKEN",
        finds: "personal, deploy, runner, trigger and other tokens of GitLab",
        anchor: Anchor::Starts(&[
            "glpat-", "gldt-", "glrt-", "glrtr-", "glft-", "glcbt-", "glptt-", "glimt-", "glagent-", "glsoat-",
            "gloas-", "glffct-",
        ]),
        pattern: r"gl(?:pat|dt|rtr|rt|ft|cbt|ptt|imt|agent|soat|oas|ffct)-[A-Za-z0-9_-]{20,300}(?:\.[0-9a-z]{2}\.[0-9a-z]{7,9})?",
        source: "GitLab documentation, token prefixes; gitleaks gitlab rules",
        matches: &[
            concat!("glpat-", "fakeFAKE0123456789ab"),
            concat!("glpat-", "fakeFAKE0123456789_fakeFAKE01.01.0123abcde"),
            concat!("glrt-", "fakeFAKE_0123-456789"),
        ],
        misses: &["glpat-xxxxxxxxxxxxxxxxxxxx", "glpat-short"],
        ..HYPHENS
    },
    Rule {
        id: "npm_token",
        kind: "NPM_TOKEN",
        finds: "access tokens of npm",
        anchor: Anchor::Starts(&["npm_"]),
        pattern: r"npm_[A-Za-z0-9]{36}",
        source: "npm documentation, access tokens; gitleaks npm-access-token",
        matches: &[concat!("npm_", "fakeFAKE0123456789fakeFAKE0123456789")],
        misses: &["npm_config_registry", "npm_package_version"],
        ..PLAIN
    },
    Rule {
        id: "pypi_token",
        kind: "PYPI_TOKEN",
        finds: "upload tokens of PyPI and its test site",
        anchor: Anchor::Starts(&["pypi-AgE"]),
        pattern: r"pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw)[A-Za-z0-9_-]{50,400}",
        source: "PyPI documentation, API tokens; gitleaks pypi-upload-token",
        matches: &[concat!(
            "pypi-",
            "AgEIcHlwaS5vcmc",
            "CJGZha2UwMTIzRkFLRTQ1NjdmYWtlMDEyM0ZBS0U0NTY3ZmFrZTAxMjNGQUtFNDU2Nw"
        )],
        misses: &["pypi-AgEIcHlwaS5vcmc...", "pypi-server"],
        ..HYPHENS
    },
    Rule {
        id: "rubygems_token",
        kind: "RUBYGEMS_TOKEN",
        finds: "API keys of RubyGems",
        anchor: Anchor::Starts(&["rubygems_"]),
        pattern: r"rubygems_[0-9a-f]{48}",
        source: "gitleaks rubygems-api-token",
        matches: &[concat!("rubygems_", "0123456789abcdeffedcba98765432100123456789abcdef")],
        misses: &["rubygems_version", "rubygems_0123"],
        ..PLAIN
    },
    Rule {
        id: "crates_io_token",
        kind: "CRATES_IO_TOKEN",
        finds: "API tokens of crates.io",
        anchor: Anchor::Starts(&["cio"]),
        pattern: r"cio[A-Za-z0-9]{32}",
        check: |seen| checks::is_token(seen) && checks::has_digit(seen.text),
        source: "crates.io source, token prefix; kingfisher crates.io",
        matches: &[concat!("cio", "fakeFAKE0123456789fakeFAKE012345")],
        misses: &["cio", "ciofakeFAKE"],
        ..PLAIN
    },
    Rule {
        id: "docker_token",
        kind: "DOCKER_TOKEN",
        finds: "access tokens of Docker Hub",
        anchor: Anchor::Starts(&["dckr_pat_", "dckr_oat_"]),
        pattern: r"dckr_[po]at_[A-Za-z0-9_-]{27,32}",
        source: "Docker documentation, access tokens; trufflehog dockerhub v2",
        matches: &[concat!("dckr_", "pat_fakeFAKE0123456789_fakeFAKE")],
        misses: &["dckr_pat_...", "dckr_pat_short"],
        ..PLAIN
    },
    Rule {
        id: "nuget_api_key",
        kind: "NUGET_KEY",
        finds: "API keys of NuGet",
        anchor: Anchor::Starts(&["oy2"]),
        pattern: r"oy2[a-z0-9]{43}",
        source: "kingfisher nuget; trufflehog nuget",
        matches: &[concat!("oy2", "fakefake0123456789fakefake0123456789fakefak")],
        misses: &["oy2", "oy2fake"],
        ..PLAIN
    },
    Rule {
        id: "atlassian_token",
        kind: "ATLASSIAN_TOKEN",
        finds: "API tokens of Atlassian and app passwords of Bitbucket",
        anchor: Anchor::Starts(&["ATATT3", "ATCTT3", "ATBB"]),
        pattern: r"(?:AT[AC]TT3[A-Za-z0-9_=-]{60,240}|ATBB[A-Za-z0-9]{32})",
        right: super::Right::Any,
        source: "gitleaks atlassian-api-token; trufflehog atlassian, bitbucketapppassword",
        matches: &[
            concat!("ATATT3", "xFfGF0fake0123FAKE4567fake0123FAKE_4567fake0123-FAKE4567fake0123FAKE4567fake=01234567"),
            concat!("ATBB", "fakeFAKE0123456789fakeFAKE012345"),
        ],
        misses: &["ATATT3", "ATBBfake"],
        ..PLAIN
    },
    Rule {
        id: "vault_token",
        kind: "VAULT_TOKEN",
        finds: "service, batch and recovery tokens of HashiCorp Vault",
        anchor: Anchor::Starts(&["hvs.", "hvb.", "hvr."]),
        pattern: r"hv[sbr]\.[A-Za-z0-9_-]{24,400}",
        source: "Vault documentation, tokens; gitleaks vault-service-token, vault-batch-token",
        matches: &[
            concat!("hvs.", "fakeFAKE0123456789fakeFA"),
            concat!("hvb.", "AAAAAQfake0123FAKE4567fake0123FAKE_4567fake0123FAKE"),
        ],
        misses: &["hvs.token", "hvs.xxxxxxxxxxxxxxxxxxxxxxxxxxxx"],
        ..PLAIN
    },
    Rule {
        id: "terraform_cloud_token",
        kind: "TERRAFORM_TOKEN",
        finds: "tokens of Terraform Cloud",
        anchor: Anchor::Around { marks: &[".atlasv1."], run: |byte| byte.is_ascii_alphanumeric(), most: 14 },
        pattern: r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}",
        source: "gitleaks hashicorp-tf-api-token",
        matches: &[concat!(
            "fakeFAKE012345",
            ".atlasv1.",
            "fakeFAKE0123456789fakeFAKE0123456789fakeFAKE0123456789fakeFAKE0123"
        )],
        misses: &["x.atlasv1.y", "fakeFAKE012345.atlasv1."],
        ..PLAIN
    },
    Rule {
        id: "doppler_token",
        kind: "DOPPLER_TOKEN",
        finds: "personal, service, CLI, SCIM and audit tokens of Doppler",
        anchor: Anchor::Starts(&["dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."]),
        pattern: r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}",
        source: "Doppler documentation, auth token formats; gitleaks doppler-api-token",
        matches: &[
            concat!("dp.", "pt.", "fakeFAKE0123456789fakeFAKE0123456789fakeFAK"),
            concat!("dp.", "st.dev.", "fakeFAKE0123456789fakeFAKE0123456789fakeFAK"),
        ],
        misses: &["dp.pt.x", "dp.st.dev"],
        ..PLAIN
    },
    Rule {
        id: "onepassword_token",
        kind: "ONEPASSWORD_TOKEN",
        finds: "service account tokens and secret keys of 1Password",
        anchor: Anchor::Starts(&["ops_eyJ", "A3-"]),
        pattern: r"(?:ops_eyJ[A-Za-z0-9+/_-]{250,1000}={0,3}|A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5})",
        right: super::Right::Any,
        source: "gitleaks 1password-service-account-token, 1password-secret-key",
        matches: &[concat!("A3-", "FAKE01-FAKE2345678-FAKE9-01FAK-E2345")],
        misses: &["A3-size", "ops_eyJ0"],
        ..HYPHENS
    },
    Rule {
        id: "pulumi_token",
        kind: "PULUMI_TOKEN",
        finds: "access tokens of Pulumi",
        anchor: Anchor::Starts(&["pul-"]),
        pattern: r"pul-[0-9a-f]{40}",
        source: "gitleaks pulumi-api-token",
        matches: &[concat!("pul-", "0123456789abcdeffedcba987654321001234567")],
        misses: &["pul-up", "pul-0123"],
        ..HYPHENS
    },
];
