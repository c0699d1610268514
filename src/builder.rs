//! A gateway built in code: providers, strategy, limits and cache without a config file.
//!
//! It reads neither files nor the environment by itself; what it is told becomes a configuration that is checked like
//! any other.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use crate::{
    app::{AppError, Gateway},
    config::{self, Config, ConfigErrors, LimitSet, Strategy, quote},
    own::{self, Provider, Served},
};

/// A provider that is called over HTTP.
///
/// ```
/// use llm_gateway::ProviderConfig;
/// let provider = ProviderConfig::new("groq").key("gsk_key").model("llama-3.3-70b-versatile");
/// let local = ProviderConfig::new("vllm").kind("local").endpoint("http://localhost:8000");
/// ```
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    id: String,
    keys: Vec<(&'static str, String)>,
    secret: Option<crate::domain::Secret>,
}

impl ProviderConfig {
    /// A provider by its id. `openai`, `anthropic`, `gemini`, `groq` and other ids of known services need nothing else
    /// but a key.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), keys: Vec::new(), secret: None }
    }

    /// Its `provider_type`, for an id that is not known.
    #[must_use]
    pub fn kind(self, provider_type: &str) -> Self {
        self.with("provider_type", provider_type)
    }

    /// Its key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.secret = Some(crate::domain::Secret::new(key.into()));
        self
    }

    /// What the provider's own SDK takes as base URL.
    #[must_use]
    pub fn base_url(self, url: &str) -> Self {
        self.with("base_url", url)
    }

    /// The root of a server.
    #[must_use]
    pub fn endpoint(self, url: &str) -> Self {
        self.with("endpoint", url)
    }

    /// The model of requests that name none.
    #[must_use]
    pub fn model(self, model: &str) -> Self {
        self.with("default_model", model)
    }

    fn with(mut self, key: &'static str, value: &str) -> Self {
        self.keys.push((key, quote(value)));
        self
    }

    fn block(&self) -> String {
        let mut block = format!("\n[[providers]]\nid = {}\n", quote(&self.id));
        let secret = self.secret.as_ref().map(|secret| ("api_key", quote(secret.expose())));
        for (key, value) in self.keys.iter().chain(&secret) {
            block.push_str(&format!("{key} = {value}\n"));
        }
        block
    }
}

/// Builds a [`Gateway`]; see [`Gateway::builder`].
#[derive(Default)]
pub struct GatewayBuilder {
    data_dir: PathBuf,
    toml: String,
    env: BTreeMap<String, String>,
    providers: Vec<ProviderConfig>,
    own: Vec<(String, Arc<dyn Provider>)>,
    strategy: Option<Strategy>,
    limits: LimitSetRequest,
    cache: Option<Duration>,
}

/// Limits of all requests together, as they were asked for.
#[derive(Clone, Copy, Debug, Default)]
struct LimitSetRequest {
    requests_per_minute: Option<u64>,
    requests_per_hour: Option<u64>,
    tokens_per_minute: Option<u64>,
    burst: Option<u64>,
}

impl std::fmt::Debug for GatewayBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let own: Vec<&str> = self.own.iter().map(|(id, _)| id.as_str()).collect();
        f.debug_struct("GatewayBuilder")
            .field("data_dir", &self.data_dir)
            .field("providers", &self.providers)
            .field("own", &own)
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// Begins to build a gateway in code; its records and keys are kept in `data_dir`, which is made if need be.
    ///
    /// A limit of sixty requests a minute, answers kept for an hour, one question:
    ///
    /// ```
    /// # use futures_util::future::BoxFuture;
    /// # use llm_gateway::{Provider, ProviderAnswer, ProviderError, ProviderRequest};
    /// # struct Stand;
    /// # impl Provider for Stand {
    /// #     fn models(&self) -> Vec<String> { vec!["gpt-4".to_owned()] }
    /// #     fn complete(&self, _: ProviderRequest) -> BoxFuture<'_, Result<ProviderAnswer, ProviderError>> {
    /// #         Box::pin(async { Ok(ProviderAnswer::text("Hello!")) })
    /// #     }
    /// # }
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let data = directory.path();
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use std::time::Duration;
    /// use llm_gateway::{CompletionRequest, Gateway, ProviderConfig};
    ///
    /// let gateway = Gateway::builder(data)
    ///     .provider(ProviderConfig::new("anthropic").key("sk-ant-key"))
    ///     # .own("openai-like", Stand)
    ///     .requests_per_minute(60)
    ///     .cache(Duration::from_secs(3600))
    ///     .build()
    ///     .await?;
    ///
    /// let answer = gateway.complete(&CompletionRequest::new("gpt-4", "Hello!")).await?;
    /// println!("{}", answer.content);
    /// # assert_eq!(answer.content, "Hello!");
    /// # let again = gateway.complete(&CompletionRequest::new("gpt-4", "Hello!")).await?;
    /// # let stats = gateway.stats().await?;
    /// # assert_eq!((again.content, stats.totals.total_requests, stats.totals.cached_requests), (answer.content, 2, 1));
    /// gateway.close().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn builder(data_dir: impl Into<PathBuf>) -> GatewayBuilder {
        GatewayBuilder { data_dir: data_dir.into(), ..GatewayBuilder::default() }
    }
}

impl GatewayBuilder {
    /// Adds a provider that is called over HTTP.
    #[must_use]
    pub fn provider(mut self, provider: ProviderConfig) -> Self {
        self.providers.push(provider);
        self
    }

    /// Adds a back end of one's own under an id.
    #[must_use]
    pub fn own(mut self, id: impl Into<String>, provider: impl Provider) -> Self {
        self.own.push((id.into(), Arc::new(provider)));
        self
    }

    /// How providers that serve the same model are chosen among; by default in the order in which they were added.
    #[must_use]
    pub const fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = Some(strategy);
        self
    }

    /// Most requests in a minute.
    #[must_use]
    pub const fn requests_per_minute(mut self, requests: u64) -> Self {
        self.limits.requests_per_minute = Some(requests);
        self
    }

    /// Most requests in an hour.
    #[must_use]
    pub const fn requests_per_hour(mut self, requests: u64) -> Self {
        self.limits.requests_per_hour = Some(requests);
        self
    }

    /// Most tokens, of prompts and answers, in a minute.
    #[must_use]
    pub const fn tokens_per_minute(mut self, tokens: u64) -> Self {
        self.limits.tokens_per_minute = Some(tokens);
        self
    }

    /// Most requests at once, where requests are limited.
    #[must_use]
    pub const fn burst(mut self, requests: u64) -> Self {
        self.limits.burst = Some(requests);
        self
    }

    /// Keeps answers in memory for so long, and gives them again to the same question.
    #[must_use]
    pub const fn cache(mut self, ttl: Duration) -> Self {
        self.cache = Some(ttl);
        self
    }

    /// Everything else, in the words of the config file (TOML); what the other calls say wins over it.
    #[must_use]
    pub fn toml(mut self, text: &str) -> Self {
        self.toml.push_str(text);
        self.toml.push('\n');
        self
    }

    /// The variables that `${NAME}` may name and by which providers appear (`OPENAI_API_KEY`, …).
    #[must_use]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.env.extend(variables);
        self
    }

    /// Checks everything and opens the data directory.
    ///
    /// # Errors
    /// When what was said is no configuration, or the data directory cannot be used.
    pub async fn build(self) -> Result<Gateway, AppError> {
        let mut served = Vec::new();
        for (id, provider) in &self.own {
            let own = own::serve(Arc::clone(provider)).await.map_err(AppError::Runtime)?;
            served.push((id.as_str(), provider.models(), own));
        }
        let config = self.config(&served)?;
        let served: Vec<Served> = served.into_iter().map(|(.., own)| own).collect();
        Ok(Gateway::from_config(config).await?.keeping(served))
    }

    fn config(&self, served: &[(&str, Vec<String>, Served)]) -> Result<Config, ConfigErrors> {
        let mut toml = self.toml.clone();
        self.providers.iter().for_each(|provider| toml.push_str(&provider.block()));
        for (id, models, own) in served {
            let models: Vec<String> = models.iter().map(|model| quote(model)).collect();
            toml.push_str(&format!(
                "\n[[providers]]\nid = {}\nprovider_type = \"openai_compatible\"\nbase_url = {}\napi_key = {}\nmodels = [{}]\n",
                quote(id),
                quote(&own.base_url),
                quote(own.key.expose()),
                models.join(", "),
            ));
            if let Some(first) = models.first() {
                toml.push_str(&format!("default_model = {first}\n"));
            }
        }
        let mut config = config::from_toml(&toml, &self.env)?;
        config.storage.path.clone_from(&self.data_dir);
        if let Some(strategy) = self.strategy {
            config.routing.strategy = strategy;
        }
        if let Some(ttl) = self.cache {
            config.cache.enabled = true;
            config.cache.ttl = ttl;
        }
        if let Some(limits) = self.limits.checked()? {
            config.limits.global = limits;
        }
        Ok(config)
    }
}

impl LimitSetRequest {
    fn checked(self) -> Result<Option<LimitSet>, ConfigErrors> {
        let stated = [
            ("requests_per_minute", self.requests_per_minute),
            ("requests_per_hour", self.requests_per_hour),
            ("tokens_per_minute", self.tokens_per_minute),
            ("burst", self.burst),
        ];
        let object: serde_json::Map<String, serde_json::Value> =
            stated.into_iter().filter_map(|(key, amount)| Some((key.to_owned(), amount?.into()))).collect();
        if object.is_empty() {
            return Ok(None);
        }
        LimitSet::from_json(&serde_json::Value::Object(object).to_string(), "limits").map(Some)
    }
}
