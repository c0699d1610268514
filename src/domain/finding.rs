//! Findings: what the sanitizer saw in a request or an answer, and what it did about it.

use std::sync::Arc;

/// What is done about a match. The order is that of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It is not looked for.
    Off,
    /// It is counted and passes.
    Log,
    /// It is replaced by `[REDACTED|KIND]`, or by the pattern's own replacement.
    Redact,
    /// It is replaced by a placeholder, which becomes the original again in the reply.
    Mask,
    /// The request or the answer is refused.
    Block,
}

impl Action {
    /// Every action, by severity.
    pub const ALL: [Self; 5] = [Self::Off, Self::Log, Self::Redact, Self::Mask, Self::Block];

    /// The stable name, in the configuration and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Log => "log",
            Self::Redact => "redact",
            Self::Mask => "mask",
            Self::Block => "block",
        }
    }

    /// Reads the stable name back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

/// The families of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Keys, tokens, passwords, private keys.
    Credentials,
    /// Personal data.
    Pii,
    /// The operator's own patterns.
    Custom,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 3] = [Self::Credentials, Self::Pii, Self::Custom];

    /// The stable name, in the configuration and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Pii => "pii",
            Self::Custom => "custom",
        }
    }

    /// Reads the stable name back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == text)
    }
}

/// Which way a text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the client to the provider.
    Request,
    /// From the provider to the client.
    Response,
}

impl Direction {
    /// Both directions.
    pub const ALL: [Self; 2] = [Self::Request, Self::Response];

    /// The stable name, in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }

    /// Reads the stable name back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|direction| direction.as_str() == text)
    }
}

/// The matches of one rule at one place of a request or an answer.
///
/// Never holds what matched, nor any other text of the request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Finding {
    /// Which way the text went.
    pub direction: Direction,
    /// The rule's id (`aws_access_key_id`), for an own pattern its name.
    pub rule: Arc<str>,
    /// The kind that stands in `[REDACTED|KIND]`.
    pub kind: Arc<str>,
    /// The rule's family.
    pub category: Category,
    /// Which text, as a path into the body (`messages[2].content`).
    pub place: Arc<str>,
    /// What was done about it.
    pub action: Action,
    /// How many matches.
    pub count: u32,
}

impl Finding {
    /// Whether `other` tells of the same rule, place and action, so that both can be counted as one.
    pub fn is_like(&self, other: &Self) -> bool {
        self.rule == other.rule
            && self.place == other.place
            && (self.direction, self.action, self.category) == (other.direction, other.action, other.category)
            && self.kind == other.kind
    }
}
