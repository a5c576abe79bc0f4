//! Which kinds there are, asked again and again: the first answer is what the page needs, later ones find new kinds.
//!
//! A server that marks its answer (ETag) is asked often, for it answers "not modified" with no body at all.

use std::time::Duration;

use portolan::{Error, ErrorKind};

use super::Page;
use super::patience::patiently;
use super::source::{self, Source};
use crate::model::Event;
use crate::model::trouble::Trouble;

/// How long a wait follows a failure, an answer with a mark, and one without.
const AFTER_FAILURE: Duration = Duration::from_secs(3);
const MARKED: Duration = Duration::from_secs(3);
const UNMARKED: Duration = Duration::from_secs(30);

const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/// Tells the page of every kind that can be listed and watched, for ever.
pub(super) async fn discover(page: Page, source: Source) {
    let runtime = source.client.runtime().clone();
    let (mut known, mut mark) = (false, None);
    loop {
        let waiting = || {
            if !known {
                page.apply(Event::Outside(Some(Trouble::waiting(&source.address))));
            }
        };
        let wait = match patiently(&runtime, find(&source, &mut mark), waiting).await {
            Ok(found) => {
                if let Some(found) = found {
                    page.apply(found);
                }
                page.apply(Event::Outside(None));
                known = true;
                if mark.is_some() { MARKED } else { UNMARKED }
            }
            Err(error) => {
                if !known {
                    let reach = source::reach(&source).await;
                    let trouble =
                        Trouble::of_server(error.kind(), &error.to_string(), &source.address, reach);
                    page.apply(Event::Outside(Some(trouble)));
                }
                AFTER_FAILURE
            }
        };
        runtime.sleep(wait).await;
    }
}

/// The kinds there are, unless they are those of `mark`, which is brought up to date.
async fn find(source: &Source, mark: &mut Option<String>) -> Result<Option<Event>, Error> {
    let asked = source.client.rest().get().abs_path("/apis").header("accept", ACCEPT);
    let asked = match mark {
        Some(mark) => asked.header("if-none-match", mark),
        None => asked,
    };
    let fresh = match asked.send().await {
        Ok(answer) => answer.headers().get("etag").and_then(|mark| mark.to_str().ok()).map(str::to_owned),
        Err(error) if is_not_modified(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let discovery = source.client.discovery().server_groups_and_resources().await?;
    *mark = fresh;
    let watchable = discovery.preferred_resources().into_iter();
    let watchable = watchable.filter(|found| found.can("list") && found.can("watch"));
    Ok(Some(Event::Discovered(watchable.map(|found| found.resource.clone()).collect())))
}

fn is_not_modified(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Api(status) if status.code == Some(304))
}
