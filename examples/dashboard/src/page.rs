//! The page as plain DOM. What the cluster says is set as text, so no browser reads it as HTML.

use portolan::meta::Key;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element, Event, HtmlElement, HtmlInputElement};

/// The elements of index.html.
#[derive(Clone)]
pub(crate) struct Page {
    document: Document,
    server: Element,
    standing: Element,
    problem: Element,
    count: Element,
    filter: HtmlInputElement,
    rows: Element,
}

impl Page {
    /// # Errors
    /// When index.html lacks an element.
    pub(crate) fn find() -> Result<Self, JsValue> {
        let document = web_sys::window().and_then(|window| window.document()).ok_or("this is no page")?;
        let [server, standing, problem, count, filter, rows] =
            ["server", "standing", "problem", "count", "filter", "rows"].map(|id| {
                document.get_element_by_id(id).ok_or_else(|| format!("index.html has no element {id}"))
            });
        let (server, standing, problem, count, rows) = (server?, standing?, problem?, count?, rows?);
        let filter = filter?.dyn_into().map_err(|_| "the filter is no input")?;
        Ok(Self { document, server, standing, problem, count, filter, rows })
    }

    pub(crate) fn tell_server(&self, version: &str) {
        self.server.set_text_content(Some(version));
    }

    pub(crate) fn tell_standing(&self, words: &str) {
        self.standing.set_text_content(Some(words));
    }

    pub(crate) fn tell_problem(&self, words: &str) {
        self.problem.set_text_content(Some(words));
    }

    pub(crate) fn tell_count(&self, words: &str) {
        self.count.set_text_content(Some(words));
    }

    /// What is typed in the filter.
    pub(crate) fn filter(&self) -> String {
        self.filter.value()
    }

    pub(crate) fn clear_rows(&self) {
        self.rows.set_text_content(None);
    }

    /// Adds a row: the key, the cells, and a button that deletes.
    pub(crate) fn add_row(&self, key: &Key, cells: &[&str]) -> Result<(), JsValue> {
        let row = self.add(&self.rows, "tr")?;
        for text in [key.as_str()].iter().chain(cells) {
            self.add(&row, "td")?.set_text_content(Some(text));
        }
        let button = self.add(&self.add(&row, "td")?, "button")?;
        button.set_text_content(Some("Delete"));
        button.set_attribute("data-key", key.as_str())
    }

    pub(crate) fn on_filter(&self, mut act: impl FnMut() + 'static) -> Result<(), JsValue> {
        listen(&self.filter, "input", move |_| act())
    }

    /// One listener serves the buttons of all rows.
    pub(crate) fn on_delete(&self, mut act: impl FnMut(Key) + 'static) -> Result<(), JsValue> {
        listen(&self.rows, "click", move |event| {
            let pressed = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
            let key = pressed.and_then(|button| button.get_attribute("data-key"));
            if let Some(key) = key.and_then(|key| key.parse().ok()) {
                act(key);
            }
        })
    }

    fn add(&self, parent: &Element, name: &str) -> Result<Element, JsValue> {
        let child = self.document.create_element(name)?;
        parent.append_child(&child)?;
        Ok(child)
    }
}

/// `act` is called for each event as long as the page is there.
fn listen(element: &Element, event: &str, act: impl FnMut(Event) + 'static) -> Result<(), JsValue> {
    let closure = Closure::<dyn FnMut(Event)>::new(act).into_js_value();
    element.add_event_listener_with_callback(event, closure.unchecked_ref())
}
