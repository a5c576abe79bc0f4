//! Sends the calls that the model makes and hands it the answers.

use portolan::Error;
use portolan::client::Client;
use serde_json::Value;
use wasm_bindgen_futures::spawn_local;

use super::super::{browser, modules};
use super::Page;
use super::patience::patiently;
use crate::model::Event;
use crate::model::calls::{Action, Question, Request};

/// Sends those that are due. Each is answered once, in the end by the want of an answer.
pub(crate) fn send(page: Page) {
    page.with_feed(|feed| {
        for call in std::iter::from_fn(|| page.model().call(browser::now())) {
            let client = feed.source.client.clone();
            spawn_local(async move {
                let outcome = patiently(client.runtime(), ask(&client, call.question), || {}).await;
                page.apply(Event::Answered { id: call.id, outcome });
            });
        }
    });
}

async fn ask(client: &Client, question: Question) -> Result<Value, Error> {
    let request = match question {
        Question::Server(request) => request,
        Question::Yaml(text) => return modules::read_yaml(&text).await,
    };
    let Request { resource, target, subresource, query, action } = *request;
    let asked = match &action {
        Action::Delete(options) => client.rest().delete().json(options),
        Action::Patch(patch) => client.rest().patch().patch_body(patch),
        Action::Ask(review) => client.rest().post().json(review),
        Action::Print => client.rest().get(),
    };
    let mut asked = asked.api_resource(&resource).namespace_if_scoped(&target.namespace, resource.namespaced);
    if let Action::Print = action {
        asked = asked.as_table();
    }
    if !target.name.is_empty() {
        asked = asked.name(&target.name);
    }
    if !subresource.is_empty() {
        asked = asked.subresource(subresource);
    }
    asked.params(query.into_iter().map(|(name, value)| (name, value.to_owned()))).into().await
}
