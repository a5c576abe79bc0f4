//! Which kinds there are, asked again and again: the first answer is what the page needs, later ones find new kinds.
//!
//! A server that marks its answer (ETag) is asked often, for it answers "not modified" with no body at all.

use std::time::Duration;

use portolan::{Error, ErrorKind};

use super::Page;
use super::patience::{patiently, promptly};
use super::source::{self, Source};
use crate::model::Event;
use crate::model::trouble::{Reach, Trouble, is_unanswered};

/// How long a wait follows a failure, an answer with a mark, and one without.
const AFTER_FAILURE: Duration = Duration::from_secs(3);
const MARKED: Duration = Duration::from_secs(3);
const UNMARKED: Duration = Duration::from_secs(30);

const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/// Tells the page of every kind that can be listed, for ever. Once they are known the question is also how the
/// page learns that nobody is there any more: a dead connection tells its watch nothing.
pub(super) async fn discover(page: Page, source: Source) {
    let runtime = source.client.runtime().clone();
    let outside = |trouble| page.apply(Event::Outside(trouble));
    let (mut known, mut silent, mut mark) = (false, false, None);
    loop {
        let waiting = || outside(Some(Trouble::waiting(&source.address)));
        let question = find(&source, &mut mark);
        let outcome = match known {
            true => promptly(&runtime, question, waiting).await,
            false => patiently(&runtime, question, waiting).await,
        };
        let wait = match outcome {
            Ok(found) => {
                found.into_iter().for_each(|found| page.apply(found));
                outside(None);
                if std::mem::take(&mut silent) {
                    page.with_feed(|feed| feed.wake());
                }
                known = true;
                if mark.is_some() { MARKED } else { UNMARKED }
            }
            Err(error) if known && !is_unanswered(error.kind()) => {
                // Somebody answers: what the informers meet is what there is to say.
                outside(None);
                AFTER_FAILURE.max(error.retry_after().unwrap_or_default())
            }
            Err(error) => {
                let reach = source::reach(&source).await;
                let trouble = Trouble::of_server(error.kind(), &error.to_string(), &source.address, reach);
                silent |= known && error.status().is_none();
                match known && reach == Reach::Answers {
                    // It was the connection: those of the watches may be dead as well.
                    true => {
                        outside(None);
                        if std::mem::take(&mut silent) {
                            page.with_feed(|feed| feed.wake());
                        }
                    }
                    false => outside(Some(trouble)),
                }
                AFTER_FAILURE.max(error.retry_after().unwrap_or_default())
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
    let (mut watchable, mut listable) = (Vec::new(), Vec::new());
    for found in discovery.preferred_resources().into_iter().filter(|found| found.can("list")) {
        let kinds = if found.can("watch") { &mut watchable } else { &mut listable };
        kinds.push(found.resource.clone());
    }
    Ok(Some(Event::Discovered(watchable, listable)))
}

fn is_not_modified(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Api(status) if status.code == Some(304))
}
