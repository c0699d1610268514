//! What rows are grouped and filtered by.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::View;

macro_rules! dimensions {
    ($($(#[doc = $doc:literal])+ $name:ident $text:literal [$($view:ident)+],)+) => {
        /// What rows are grouped and filtered by. Its text is the snake-case name; a tag's is `tag:` and its key.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Dimension {
            $($(#[doc = $doc])+ $name,)+
            /// The value of a tag of requests, by its key.
            Tag(Arc<str>),
        }

        impl Dimension {
            /// Every dimension but the tags.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable name; `tag` for tags.
            pub const fn as_str(&self) -> &'static str {
                match self { $(Self::$name => $text,)+ Self::Tag(_) => "tag" }
            }

            /// The views that have it.
            pub const fn views(&self) -> &'static [View] {
                match self { $(Self::$name => &[$(View::$view),+],)+ Self::Tag(_) => &[View::Requests] }
            }
        }
    };
}

dimensions! {
    /// Provider id: who answered last; in attempts who was called, in route steps who was considered.
    Provider "provider" [Requests Attempts Incidents RouteSteps Findings Signals],
    /// Model that answered; in attempts the one that was asked for.
    Model "model" [Requests Attempts RouteSteps Findings Signals],
    /// Model as the client named it.
    ModelRequested "model_requested" [Requests],
    /// The family of the model: see [`super::family_of`].
    Family "family" [Requests Attempts RouteSteps Findings Signals],
    /// Project.
    Project "project" [Requests Attempts RouteSteps Findings Signals],
    /// Requester (`source`).
    Requester "requester" [Requests Attempts RouteSteps Findings],
    /// Team of the key.
    Team "team" [Requests Attempts RouteSteps Findings],
    /// Virtual key: its label, its id where it has none.
    Key "key" [Requests Attempts RouteSteps Findings Signals Budgets],
    /// Routing profile.
    Profile "profile" [Requests Attempts RouteSteps Findings],
    /// `x-session-id`.
    Session "session" [Requests],
    /// Endpoint that was called.
    Endpoint "endpoint" [Requests Attempts RouteSteps Findings],
    /// API that the client spoke.
    ClientApi "client_api" [Requests Attempts Findings],
    /// API that the provider spoke.
    ProviderApi "provider_api" [Requests Attempts],
    /// `ok`, `error`, `refused`, `client_disconnected`.
    Outcome "outcome" [Requests Attempts Findings],
    /// HTTP status, as text; in attempts the provider's.
    Status "status" [Requests Attempts],
    /// Error kind.
    ErrorKind "error_kind" [Requests Attempts],
    /// Why the answer ended, in the provider's word.
    FinishReason "finish_reason" [Requests],
    /// `hit`, `miss`, `bypass`.
    Cache "cache" [Requests],
    /// `true` or `false`: whether a stream was asked for.
    Streamed "streamed" [Requests Attempts],
    /// `true` or `false`: whether the request was answered after a failed attempt.
    FailedOver "failed_over" [Requests],
    /// Category of what the sanitizer found: `credentials`, `pii`, `custom`. On requests: has such a finding.
    FindingCategory "finding_category" [Requests Findings],
    /// Kind of what the sanitizer found. On requests: has such a finding.
    FindingKind "finding_kind" [Requests Findings],
    /// What the sanitizer did: `log`, `redact`, `mask`, `block`. On requests: has such a finding.
    FindingAction "finding_action" [Requests Findings],
    /// `request` or `response`.
    FindingDirection "finding_direction" [Findings],
    /// The incident's kind.
    IncidentKind "incident_kind" [Incidents],
    /// `notice`, `mitigated`, `customer_impacting`.
    Impact "impact" [Incidents],
    /// `open` or `closed`.
    IncidentState "incident_state" [Incidents],
    /// What the incident is about.
    Subject "subject" [Incidents],
    /// Routing layer that removed the candidate: `policy`, `capability`, `availability`, `score`, `selection`.
    Layer "layer" [RouteSteps],
    /// Why it was removed.
    DropReason "drop_reason" [RouteSteps],
    /// What was judged.
    SignalKind "signal_kind" [Signals],
    /// `human` or `automatic`.
    SignalOrigin "signal_origin" [Signals],
    /// What the model was used for.
    Task "task" [Signals],
    /// What a budget is for: `global`, `key`, `project`, `team`, `requester`, `provider`.
    BudgetScope "budget_scope" [Budgets],
    /// Whom the budget is for: the key's label, the project …
    BudgetOwner "budget_owner" [Budgets],
    /// `day`, `week`, `month`.
    BudgetPeriod "budget_period" [Budgets],
    /// Clock hours.
    Hour "hour" [Requests Attempts Incidents RouteSteps Findings Signals],
    /// Days.
    Day "day" [Requests Attempts Incidents RouteSteps Findings Signals],
    /// Weeks, from Monday.
    Week "week" [Requests Attempts Incidents RouteSteps Findings Signals],
    /// Calendar months.
    Month "month" [Requests Attempts Incidents RouteSteps Findings Signals],
    /// Calendar quarters.
    Quarter "quarter" [Requests Attempts Incidents RouteSteps Findings Signals],
    /// Calendar years.
    Year "year" [Requests Attempts Incidents RouteSteps Findings Signals],
    /// Hour of the day, `0` to `23`.
    HourOfDay "hour_of_day" [Requests Attempts Incidents RouteSteps Findings Signals],
    /// `Monday` to `Sunday`.
    Weekday "weekday" [Requests Attempts Incidents RouteSteps Findings Signals],
}

impl Dimension {
    /// Whether it cuts the window into consecutive pieces, so that a result by it is a zero-filled series.
    pub const fn is_grain(&self) -> bool {
        matches!(self, Self::Hour | Self::Day | Self::Week | Self::Month | Self::Quarter | Self::Year)
    }

    /// Whether it is one of those that most questions are about: who asked whom.
    pub const fn is_core(&self) -> bool {
        matches!(
            self,
            Self::Provider | Self::Model | Self::Family | Self::Project | Self::Requester | Self::Team | Self::Key
        )
    }

    /// Whether a view has it.
    pub fn is_in(&self, view: View) -> bool {
        self.views().contains(&view)
    }

    /// Reads the stable text back.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("tag", key)) if !key.is_empty() => Some(Self::Tag(Arc::from(key))),
            _ => Self::ALL.iter().find(|dimension| dimension.as_str() == text).cloned(),
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(key) => write!(f, "tag:{key}"),
            other => f.write_str(other.as_str()),
        }
    }
}

impl Serialize for Dimension {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Dimension {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("there is no dimension {text:?}")))
    }
}
