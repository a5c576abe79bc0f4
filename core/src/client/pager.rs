//! A list in pages: whole, or as a stream of pages or of objects.
//!
//! Follows client-go 0.37 `tools/pager/pager.go`. Differs: a stream asks for a page when it is asked for one and fetches
//! none ahead, so that no task runs behind it and dropping it stops everything; and later pages name no version in
//! either form, which the server demands and `eachListChunk` forgets.

use futures::{Stream, TryStreamExt, stream};

use super::Api;
use crate::error::Error;
use crate::meta::{ListOptions, Object, ResourceVersion};
use crate::rest::ObjectList;

/// How many objects a page holds unless told otherwise. client-go's `defaultPageSize`.
pub const DEFAULT_PAGE_SIZE: u32 = 500;

/// Lists in pages. client-go's `pager.ListPager`.
#[derive(Clone, Debug)]
pub struct ListPager<K> {
    /// How many objects a page holds when the options name no limit; [`DEFAULT_PAGE_SIZE`] unless changed.
    pub page_size: u32,
    /// Whether [`ListPager::list`] asks for the whole list at once when the server has forgotten the version of the first
    /// page (410) before the last one was asked for. True unless changed.
    pub full_list_if_expired: bool,
    /// What it lists. client-go's `PageFn`.
    pub api: Api<K>,
}

impl<K: Object> ListPager<K> {
    /// Lists what `api` lists.
    pub fn new(api: Api<K>) -> Self {
        Self { page_size: DEFAULT_PAGE_SIZE, full_list_if_expired: true, api }
    }

    /// All objects that `options` select, asked for in pages. The version is that of the first page, which all pages
    /// share. client-go's `ListPager.List`.
    pub async fn list(&self, options: &ListOptions) -> Result<ObjectList<K>, Error> {
        let mut next = self.first(options);
        let mut whole: Option<ObjectList<K>> = None;
        loop {
            let page = match self.api.list(&next).await {
                Err(error)
                    if self.full_list_if_expired && !next.continue_token.is_end() && error.is_expired() =>
                {
                    let full =
                        ListOptions { limit: None, continue_token: Default::default(), ..options.clone() };
                    return self.api.list(&full).await;
                }
                page => page?,
            };
            let goes_on = follow(&mut next, &page);
            let mut list = match whole.take() {
                None => page,
                Some(mut list) => {
                    list.items.extend(page.items);
                    list
                }
            };
            if !goes_on {
                list.head.continue_token = Default::default();
                list.head.remaining = None;
                return Ok(list);
            }
            whole = Some(list);
        }
    }

    /// The pages, one after the other. An error, 410 among them, ends the stream. client-go's `eachListChunk`.
    pub fn pages(&self, options: &ListOptions) -> impl Stream<Item = Result<ObjectList<K>, Error>> + use<K> {
        let api = self.api.clone();
        stream::try_unfold(Some(self.first(options)), move |next| {
            let api = api.clone();
            async move {
                let Some(mut next) = next else { return Ok(None) };
                let page = api.list(&next).await?;
                let goes_on = follow(&mut next, &page);
                Ok(Some((page, goes_on.then_some(next))))
            }
        })
    }

    /// The objects of all pages, one after the other. client-go's `ListPager.EachListItem`.
    pub fn items(&self, options: &ListOptions) -> impl Stream<Item = Result<K, Error>> + use<K> {
        self.pages(options).map_ok(|page| stream::iter(page.items.into_iter().map(Ok))).try_flatten()
    }

    fn first(&self, options: &ListOptions) -> ListOptions {
        ListOptions { limit: options.limit.or(Some(self.page_size)), ..options.clone() }
    }
}

/// Makes `next` ask for the page behind `page`; whether there is one.
fn follow<K>(next: &mut ListOptions, page: &ObjectList<K>) -> bool {
    next.continue_token = page.head.continue_token.clone();
    next.resource_version = ResourceVersion::default();
    next.resource_version_match = None;
    !next.continue_token.is_end()
}
