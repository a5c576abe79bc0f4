//! What the page asks of the browser, each in one place: time, address, title, focus, scrolling, theme.

use js_sys::Function;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlElement};

use crate::model::age::Millis;

/// Milliseconds since the Unix epoch.
pub(crate) fn now() -> Millis {
    js_sys::Date::now() as Millis
}

/// Runs `action` before the next picture is drawn.
pub(crate) fn on_next_frame(action: impl FnOnce() + 'static) {
    let action = Closure::once_into_js(action);
    if let Some(window) = web_sys::window() {
        report(window.request_animation_frame(action.unchecked_ref::<Function>()).map(drop));
    }
}

/// Waits until a picture has been drawn.
pub(crate) async fn next_frame() {
    let (drawn, wait) = futures::channel::oneshot::channel::<()>();
    on_next_frame(move || drop(drawn));
    // The picture comes as the end of the sender.
    let _ = wait.await;
}

/// Runs `action` every `period` milliseconds for the life of the page.
pub(crate) fn every(period: i32, action: impl Fn() + 'static) {
    let action = Closure::<dyn Fn()>::new(action).into_js_value();
    if let Some(window) = web_sys::window() {
        let function = action.unchecked_ref::<Function>();
        report(window.set_interval_with_callback_and_timeout_and_arguments_0(function, period).map(drop));
    }
}

/// Listens to the window for the life of the page.
pub(crate) fn on_window(name: &str, action: impl Fn(web_sys::Event) + 'static) {
    let action = Closure::<dyn Fn(web_sys::Event)>::new(action).into_js_value();
    if let Some(window) = web_sys::window() {
        report(window.add_event_listener_with_callback(name, action.unchecked_ref::<Function>()));
    }
}

/// Runs `action` whenever `node` changes its size, until the returned value is dropped.
pub(crate) fn on_resize(node: &web_sys::Node, action: impl Fn() + 'static) -> Option<Resize> {
    let closure = Closure::<dyn Fn()>::new(action);
    let observer = web_sys::ResizeObserver::new(closure.as_ref().unchecked_ref::<Function>()).ok()?;
    observer.observe(node.dyn_ref::<Element>()?);
    Some(Resize { observer, _closure: closure })
}

/// See [`on_resize`].
pub(crate) struct Resize {
    observer: web_sys::ResizeObserver,
    _closure: Closure<dyn Fn()>,
}

impl Drop for Resize {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// The address's hash, `#` included.
pub(crate) fn hash() -> String {
    web_sys::window().and_then(|window| window.location().hash().ok()).unwrap_or_default()
}

/// Changes the address's hash; `step` makes it a step in the history.
pub(crate) fn set_hash(hash: &str, step: bool) {
    let Some(history) = web_sys::window().and_then(|window| window.history().ok()) else { return };
    let done = if step {
        history.push_state_with_url(&JsValue::NULL, "", Some(hash))
    } else {
        history.replace_state_with_url(&JsValue::NULL, "", Some(hash))
    };
    report(done);
}

/// The value of `name` in the address's query.
pub(crate) fn query(name: &str) -> Option<String> {
    let search = web_sys::window()?.location().search().ok()?;
    web_sys::UrlSearchParams::new_with_str(&search).ok()?.get(name)
}

/// Sets the document's title.
pub(crate) fn set_title(title: &str) {
    if let Some(document) = document()
        && document.title() != title
    {
        document.set_title(title);
    }
}

/// Sets the theme: `auto`, `light` or `dark`; it is kept for the next visit.
pub(crate) fn set_theme(theme: &str) {
    let Some(root) = document().and_then(|document| document.document_element()) else { return };
    if root.get_attribute("data-theme").as_deref() != Some(theme) {
        report(root.set_attribute("data-theme", theme));
        if let Some(storage) = storage() {
            report(storage.set_item("portolan-theme", theme));
        }
    }
}

/// The theme kept from the last visit.
pub(crate) fn kept_theme() -> Option<&'static str> {
    let kept = storage()?.get_item("portolan-theme").ok()??;
    ["light", "dark"].into_iter().find(|theme| *theme == kept)
}

/// The kept views, as text.
pub(crate) fn kept_views() -> String {
    let kept = storage().and_then(|storage| storage.get_item(VIEWS).ok().flatten());
    kept.unwrap_or_default()
}

/// Keeps the views for the next visit.
pub(crate) fn keep_views(text: &str) {
    if let Some(storage) = storage() {
        report(storage.set_item(VIEWS, text));
    }
}

const VIEWS: &str = "portolan-views";

/// The tag of the element that has the caret.
pub(crate) fn focused_tag() -> String {
    let Some(active) = document().and_then(|document| document.active_element()) else {
        return String::new();
    };
    match active.dyn_ref::<web_sys::HtmlInputElement>().map(web_sys::HtmlInputElement::type_) {
        Some(kind) if matches!(kind.as_str(), "checkbox" | "radio") => kind.to_ascii_uppercase(),
        _ => active.tag_name(),
    }
}

/// Whether a key is pressed with Control or Command held: such a key writes no text.
pub(crate) fn is_held(event: &web_sys::KeyboardEvent) -> bool {
    event.ctrl_key() || event.meta_key()
}

/// Gives the element `id` the caret: a box with its text selected, a text area at its beginning; without such an element
/// takes the caret away.
pub(crate) fn focus(id: &str) {
    if let Some(element) = html(element(id)) {
        report(element.focus());
        if let Some(input) = element.dyn_ref::<web_sys::HtmlInputElement>() {
            input.select();
        }
        if let Some(area) = element.dyn_ref::<web_sys::HtmlTextAreaElement>() {
            report(area.set_selection_range(0, 0));
            area.set_scroll_top(0);
        }
    } else if let Some(active) = html(document().and_then(|document| document.active_element())) {
        report(active.blur());
    }
}

/// Gives the focus that the element `id` has to the element `next`.
pub(crate) fn leave(id: &str, next: &str) {
    if document().and_then(|document| document.active_element()).is_some_and(|active| active.id() == id) {
        focus(next);
    }
}

/// Gives the focus to the element so many after the one that has it, among those `selector` finds; to the first when none
/// has it.
pub(crate) fn focus_among(selector: &str, by: isize) {
    let last = found(selector).len().saturating_sub(1);
    focus_at(selector, place_among(selector).map_or(0, |place| place.saturating_add_signed(by).min(last)));
}

/// The place of the focus among what `selector` finds.
pub(crate) fn place_among(selector: &str) -> Option<usize> {
    let active = document()?.active_element()?;
    found(selector).iter().position(|element| *element == active)
}

/// Gives the focus to the element at `place` among what `selector` finds.
pub(crate) fn focus_at(selector: &str, place: usize) {
    if let Some(element) = html(found(selector).into_iter().nth(place)) {
        report(element.focus());
    }
}

/// Gives the element `id` the focus, unless the reader has just selected some text.
pub(crate) fn focus_unless_selecting(id: &str) {
    let selection = web_sys::window().and_then(|window| window.get_selection().ok()?);
    if selection.is_none_or(|selection| selection.is_collapsed()) {
        focus(id);
    }
}

/// How wide and high the inside of `node` is, in CSS pixels.
pub(crate) fn inner_size(node: &web_sys::Node) -> Option<(f64, f64)> {
    let bounds = node.dyn_ref::<Element>()?.get_bounding_client_rect();
    Some((bounds.width(), bounds.height()))
}

/// How far `node` is scrolled down and how high its inside is, in CSS pixels.
pub(crate) fn scrolled(node: &web_sys::Node) -> Option<(f64, f64)> {
    let element = node.dyn_ref::<Element>()?;
    Some((f64::from(element.scroll_top()), f64::from(element.client_height())))
}

/// Scrolls the element `id` so that `top` pixels are above.
pub(crate) fn scroll(id: &str, top: f64) {
    if let Some(element) = element(id) {
        element.set_scroll_top(top as i32);
    }
}

/// Sets a style property through CSSOM, which a strict content security policy allows.
pub(crate) fn style(node: &web_sys::Node, name: &str, value: &str) {
    if let Some(element) = node.dyn_ref::<HtmlElement>() {
        report(element.style().set_property(name, value));
    }
}

/// What the input, select or text area that fired `event` holds.
pub(crate) fn value(event: &web_sys::Event) -> String {
    let Some(target) = event.target() else { return String::new() };
    if let Some(input) = target.dyn_ref::<web_sys::HtmlInputElement>() {
        return input.value();
    }
    if let Some(area) = target.dyn_ref::<web_sys::HtmlTextAreaElement>() {
        return area.value();
    }
    target.dyn_ref::<web_sys::HtmlSelectElement>().map(web_sys::HtmlSelectElement::value).unwrap_or_default()
}

/// What the text area that fired `event` holds; it is empty afterwards.
pub(crate) fn take_value(event: &web_sys::Event) -> String {
    let target = event.target();
    let Some(area) = target.as_ref().and_then(|target| target.dyn_ref::<web_sys::HtmlTextAreaElement>())
    else {
        return String::new();
    };
    let text = area.value();
    area.set_value("");
    text
}

/// Shows what a panic said: the module is dead after it.
pub(crate) fn report_panic(text: &str) {
    web_sys::console::error_1(&text.into());
    let Some(document) = document() else { return };
    if let (Ok(bar), Some(body)) = (document.create_element("div"), document.body()) {
        bar.set_class_name("fatal");
        bar.set_text_content(Some(&format!("The page has failed and must be loaded again: {text}")));
        report(body.append_child(&bar).map(drop));
    }
}

fn document() -> Option<web_sys::Document> {
    web_sys::window()?.document()
}

fn element(id: &str) -> Option<Element> {
    document()?.get_element_by_id(id)
}

fn found(selector: &str) -> Vec<Element> {
    let Some(Ok(found)) = document().map(|document| document.query_selector_all(selector)) else {
        return Vec::new();
    };
    (0..found.length()).filter_map(|at| found.get(at)?.dyn_into().ok()).collect()
}

fn html(element: Option<Element>) -> Option<HtmlElement> {
    element?.dyn_into().ok()
}

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok()?
}

fn report(result: Result<(), JsValue>) {
    if let Err(error) = result {
        web_sys::console::warn_1(&error);
    }
}
