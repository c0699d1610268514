//! What a model can do, as the catalog knows it, requests need it and profiles demand it.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One thing that a model can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Calls tools.
    Tools,
    /// Reads images.
    Vision,
    /// Hears audio.
    Audio,
    /// Reads documents such as PDF.
    Documents,
    /// Answers in a JSON schema.
    JsonSchema,
    /// Reasons before it answers.
    Reasoning,
    /// Streams.
    Streaming,
    /// Answers in words: chats, completions, tasks.
    Chat,
    /// Turns texts into vectors.
    Embeddings,
    /// Makes images.
    Images,
    /// Makes speech of text.
    Speech,
    /// Makes text of speech.
    Transcription,
    /// Judges texts by a policy.
    Moderation,
    /// Orders documents by how well they answer.
    Rerank,
}

impl Ability {
    /// Every ability, for tables and tests; what a model is for before what it can do besides.
    pub const ALL: [Self; 14] = [
        Self::Chat,
        Self::Embeddings,
        Self::Images,
        Self::Speech,
        Self::Transcription,
        Self::Moderation,
        Self::Rerank,
        Self::Tools,
        Self::Vision,
        Self::Audio,
        Self::Documents,
        Self::JsonSchema,
        Self::Reasoning,
        Self::Streaming,
    ];

    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Vision => "vision",
            Self::Audio => "audio",
            Self::Documents => "documents",
            Self::JsonSchema => "json_schema",
            Self::Reasoning => "reasoning",
            Self::Streaming => "streaming",
            Self::Chat => "chat",
            Self::Embeddings => "embeddings",
            Self::Images => "images",
            Self::Speech => "speech",
            Self::Transcription => "transcription",
            Self::Moderation => "moderation",
            Self::Rerank => "rerank",
        }
    }

    /// Reads the name back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ability| ability.as_str() == text)
    }

    /// The place of its bit is stored with every decision: new abilities go to the end.
    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of abilities; a list of names in JSON, a number in compact forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities(u16);

impl Abilities {
    /// None.
    pub const NONE: Self = Self(0);

    /// What models are for: of each endpoint that asks a model, one of them is needed.
    pub const PURPOSES: Self = Self::NONE
        .with(Ability::Chat)
        .with(Ability::Embeddings)
        .with(Ability::Images)
        .with(Ability::Speech)
        .with(Ability::Transcription)
        .with(Ability::Moderation)
        .with(Ability::Rerank);

    /// What models can do besides.
    pub const SKILLS: Self = Self::NONE
        .with(Ability::Tools)
        .with(Ability::Vision)
        .with(Ability::Audio)
        .with(Ability::Documents)
        .with(Ability::JsonSchema)
        .with(Ability::Reasoning)
        .with(Ability::Streaming);

    /// The same set with one more.
    #[must_use]
    pub const fn with(self, ability: Ability) -> Self {
        Self(self.0 | ability.bit())
    }

    /// Whether it is in the set.
    pub const fn has(self, ability: Ability) -> bool {
        self.0 & ability.bit() != 0
    }

    /// Whether the set is empty.
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// What both sets have.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What either set has.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What this set has and the other has not.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The abilities one by one.
    pub fn iter(self) -> impl Iterator<Item = Ability> {
        Ability::ALL.into_iter().filter(move |ability| self.has(*ability))
    }
}

impl FromIterator<Ability> for Abilities {
    fn from_iter<I: IntoIterator<Item = Ability>>(abilities: I) -> Self {
        abilities.into_iter().fold(Self::NONE, Self::with)
    }
}

impl Serialize for Abilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_seq(self.iter()) } else { self.0.serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for Abilities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return Ok(Vec::<Ability>::deserialize(deserializer)?.into_iter().collect());
        }
        // Bits of abilities that this version does not know are nothing to it.
        u16::deserialize(deserializer).map(Self)
    }
}

impl Serialize for Ability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Ability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| serde::de::Error::custom("unknown ability"))
    }
}
