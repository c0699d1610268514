//! What routing wants to know of every model of a provider, looked up once for each definition of the provider
//! instead of once for each request: a choice among thousands of models must not search thousands of names.
//!
//! It holds what does not depend on the time. A price that does (one begins on a later day, or holds in some
//! hours only) is asked for when it is needed.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
};

use arc_swap::ArcSwap;

use super::{BUNDLED, Catalog, Known};
use crate::{config::Provider, domain::Timestamp};

/// The models of one provider.
#[derive(Debug, Default)]
pub struct Shelf {
    /// In the order of [`Catalog::models_known_of`]; `None` for a name that stands before it already.
    offers: Vec<Option<Offer>>,
    by_model: HashMap<Box<str>, usize>,
}

/// One model at one provider.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offer {
    /// What the catalog knows of it.
    pub known: Known,
    /// Microcents per million prompt and output tokens.
    pub price: OfferPrice,
}

/// What a model costs by the price lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferPrice {
    /// This from now on; `None` when it is not known.
    Settled(Option<(u64, u64)>),
    /// It depends on the time: see [`Catalog::list_price`].
    Changing,
}

/// The shelves that were made, each with the definition that it was made of.
#[derive(Debug, Default)]
pub(super) struct Shelves(ArcSwap<Vec<(Weak<Provider>, Arc<Shelf>)>>);

impl Shelf {
    /// What is known of each of [`Catalog::models_known_of`].
    pub fn offers(&self) -> &[Option<Offer>] {
        &self.offers
    }

    /// What is known of one of them.
    pub fn offer(&self, model: &str) -> Option<Offer> {
        self.offers.get(*self.by_model.get(model)?).copied().flatten()
    }
}

impl Shelves {
    fn get(&self, provider: &Arc<Provider>) -> Option<Arc<Shelf>> {
        let shelves = self.0.load();
        let found = shelves.iter().find(|(made_of, _)| std::ptr::eq(made_of.as_ptr(), Arc::as_ptr(provider)));
        found.map(|(_, shelf)| Arc::clone(shelf))
    }

    /// A weak reference keeps the address taken, so that no other definition can be found under it.
    fn put(&self, provider: &Arc<Provider>, shelf: &Arc<Shelf>) {
        self.0.rcu(|shelves| {
            let is_used = |(made_of, _): &&(Weak<Provider>, Arc<Shelf>)| made_of.strong_count() > 0;
            let mut kept: Vec<_> = shelves.iter().filter(is_used).cloned().collect();
            kept.push((Arc::downgrade(provider), Arc::clone(shelf)));
            kept
        });
    }
}

impl Catalog {
    /// The names that a provider is known to serve: its own list; else the catalog's and its default model,
    /// which may be the same.
    pub fn models_known_of<'a>(&self, provider: &'a Provider) -> impl Iterator<Item = &'a str> + use<'a> {
        let is_told = !provider.models.is_empty();
        let known = Self::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url);
        let listed = known.filter(|_| !is_told).map_or(&[][..], |known| self.models_of(known));
        let default = provider.default_model.as_deref().filter(|_| !is_told);
        provider.models.iter().map(String::as_str).chain(listed.iter().map(|card| card.id)).chain(default)
    }

    /// What is known of a provider's models now, made at the first call for each definition of the provider.
    pub fn shelf(&self, provider: &Arc<Provider>) -> Arc<Shelf> {
        self.shelves.get(provider).unwrap_or_else(|| {
            let shelf = Arc::new(self.new_shelf(provider, Timestamp::now()));
            self.shelves.put(provider, &shelf);
            shelf
        })
    }

    /// The same if it was made already.
    pub fn shelf_at_hand(&self, provider: &Arc<Provider>) -> Option<Arc<Shelf>> {
        self.shelves.get(provider)
    }

    fn new_shelf(&self, provider: &Provider, at: Timestamp) -> Shelf {
        let (mut shelf, mut seen) = (Shelf::default(), HashSet::new());
        for (place, model) in self.models_known_of(provider).enumerate() {
            let offer = seen.insert(model).then(|| {
                shelf.by_model.insert(Box::from(model), place);
                let is_settled = self.price_is_settled(provider, model, at);
                let price = if is_settled {
                    OfferPrice::Settled(self.list_price(provider, model, at))
                } else {
                    OfferPrice::Changing
                };
                Offer { known: self.known(provider, model), price }
            });
            shelf.offers.push(offer);
        }
        shelf
    }

    /// Whether the price of a model at a provider is the same from now on, whatever the time.
    fn price_is_settled(&self, provider: &Provider, model: &str, at: Timestamp) -> bool {
        if provider.pricing.is_some() || self.price_override_for(&provider.id, model).is_some() {
            return true;
        }
        let known = Self::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url);
        known.and_then(|known| BUNDLED.find(known, model)).is_none_or(|found| found.is_settled(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn providers(toml: &str) -> Vec<Arc<Provider>> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("config.toml"), toml).unwrap();
        let options =
            config::LoadOptions { working_dir: directory.path().to_owned(), ..config::LoadOptions::default() };
        config::load(&options).unwrap().providers
    }

    #[test]
    fn a_shelf_says_what_the_catalog_says() {
        let catalog = Catalog::bundled(&[]);
        let mut changing = 0;
        for provider in providers(
            "[[providers]]\nid = \"openai\"\napi_key = \"k\"\n[[providers]]\nid = \"deepseek\"\napi_key = \"k\"\n\
             default_model = \"deepseek-chat\"\n[[providers]]\nid = \"mine\"\nprovider_type = \"local\"\n\
             endpoint = \"http://localhost:1\"\nmodels = [\"a\", \"b\", \"a\"]\n[providers.pricing]\ninput = 1\noutput = 2\n",
        ) {
            let (shelf, now) = (catalog.shelf(&provider), Timestamp::now());
            assert!(Arc::ptr_eq(&shelf, &catalog.shelf_at_hand(&provider).unwrap()));
            let models: Vec<_> = catalog.models_known_of(&provider).collect();
            assert_eq!(models.len(), shelf.offers().len());
            for (place, model) in models.iter().enumerate() {
                let offer = shelf.offer(model).unwrap();
                let is_first = models.iter().position(|other| other == model) == Some(place);
                assert_eq!(shelf.offers()[place], is_first.then_some(offer), "{model}");
                assert_eq!(offer.known, catalog.known(&provider, model), "{model}");
                match offer.price {
                    OfferPrice::Settled(price) => {
                        assert_eq!(price, catalog.list_price(&provider, model, now), "{model}")
                    }
                    OfferPrice::Changing => changing += 1,
                }
            }
            assert!(shelf.offer("unheard-of").is_none());
        }
        assert!(changing < 5, "{changing}");
    }

    #[test]
    fn another_definition_has_another_shelf_and_old_ones_go() {
        let catalog = Catalog::bundled(&[]);
        let toml = "[[providers]]\nid = \"mine\"\nprovider_type = \"local\"\nendpoint = \"http://localhost:1\"\nmodels = [\"a\"]\n";
        let before = providers(toml);
        assert!(catalog.shelf(&before[0]).offer("b").is_none());
        let after = providers(&toml.replace("\"a\"", "\"b\""));
        assert!(catalog.shelf_at_hand(&after[0]).is_none());
        assert!(catalog.shelf(&after[0]).offer("b").is_some());
        drop(before);
        let third = providers(toml);
        catalog.shelf(&third[0]);
        assert_eq!(catalog.shelves.0.load().len(), 2);
    }
}
