//! The thin layer: applies events to the model, draws its frames once per animation frame, and does its errands.
//!
//! Invariants: nothing is decided here, and text reaches the document only as text nodes and attributes. Nothing is called
//! inside `view!`, which would take it for something that changes and wrap it in an effect of its own; and what Sycamore is
//! handed has one of few types (`live`, `text`, `changing`, `derived`, `effect`, `on`), for it compiles all of its own code
//! again for each.

mod browser;
mod dialog;
mod feed;
mod header;
mod modules;
mod navigation;
mod overlay;
mod overview;
mod pane;
mod report;
mod sheet;
mod wire;

use std::cell::{Cell, RefCell, RefMut};
use std::rc::Rc;

use sycamore::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::model::frame::{Frame, Overlay};
use crate::model::inspect;
use crate::model::keys::{self, Command};
use crate::model::route::Route;
use crate::model::trouble::Trouble;
use crate::model::{Errand, Event, Model};

/// The page: one for the life of the tab, so handles to it are plain references.
#[derive(Clone, Copy)]
pub(crate) struct Page(&'static Inner);

struct Inner {
    model: RefCell<Model>,
    frame: Signal<Rc<Frame>>,
    scheduled: Cell<bool>,
    feed: RefCell<Option<feed::Feed>>,
    /// The address as it was last read or written.
    address: RefCell<String>,
    menu: Signal<bool>,
}

/// Runs when the module has been loaded.
#[wasm_bindgen(start)]
pub(crate) fn start() {
    std::panic::set_hook(Box::new(|panic| browser::report_panic(&panic.to_string())));
    sycamore::render(|| {
        let page = Page::new();
        page.listen();
        feed::open(page);
        let menu = page.menu();
        let covered = page.part(|frame| frame.overlay != Overlay::None);
        let [header, navigation] = [header::header(page), navigation::navigation(page)];
        let [notice, narrow, problem] =
            [header::notice(page), header::narrow(page), header::filter_problem(page)];
        let [overview, sheet] = [overview::overview(page), sheet::sheet(page)];
        let [pane, wire] = [pane::pane(page), wire::wire(page)];
        let [overlay, report] = [overlay::overlay(page), report::report(page)];
        view! {
            div(class=move || if menu.get() { "page menu-open" } else { "page" }, inert=covered) {
                (header)
                (navigation)
                main(class="main") {
                    (notice)
                    (narrow)
                    (problem)
                    (overview)
                    (sheet)
                }
                (pane)
                (wire)
            }
            (overlay)
            (report)
        }
    });
}

impl Page {
    fn new() -> Self {
        let mut model = Model::default();
        if let Some(theme) = browser::kept_theme() {
            model.apply(Event::Theme(theme), browser::now());
        }
        model.apply(Event::Views(browser::kept_views()), browser::now());
        let address = browser::hash();
        model.apply(Event::Went(address.clone()), browser::now());
        let frame = create_signal(Rc::new(model.frame(browser::now())));
        let inner = Inner {
            model: RefCell::new(model),
            frame,
            scheduled: Cell::new(false),
            feed: RefCell::new(None),
            address: RefCell::new(address),
            menu: create_signal(false),
        };
        Self(Box::leak(Box::new(inner)))
    }

    /// Takes an event; the next animation frame shows what came of it.
    pub(crate) fn apply(self, event: Event) {
        self.0.model.borrow_mut().apply(event, browser::now());
        self.schedule();
    }

    /// Does what a button's key would do.
    pub(crate) fn command(self, command: Command) {
        self.apply(Event::Do(command));
    }

    /// Takes what concerns the logs, the terminal or the owner tree.
    pub(crate) fn inspect(self, event: inspect::Event) {
        self.apply(Event::Inspect(event));
    }

    /// Whether the kinds are drawn over the page, where there is no room beside it.
    pub(crate) fn menu(self) -> Signal<bool> {
        self.0.menu
    }

    /// The model, to be asked; borrowed no longer than one statement.
    pub(crate) fn model(self) -> RefMut<'static, Model> {
        self.0.model.borrow_mut()
    }

    pub(crate) fn set_feed(self, feed: feed::Feed) {
        *self.0.feed.borrow_mut() = Some(feed);
        self.schedule();
    }

    /// Does something with the feed, once there is one.
    pub(crate) fn with_feed<R>(self, act: impl FnOnce(&mut feed::Feed) -> R) -> Option<R> {
        self.0.feed.borrow_mut().as_mut().map(act)
    }

    /// One part of the frame; whoever reads it runs again only when it changes.
    pub(crate) fn part<T: PartialEq + 'static>(self, read: impl Fn(&Frame) -> T + 'static) -> ReadSignal<T> {
        derived(move || read(&self.0.frame.get_clone()))
    }

    fn schedule(self) {
        if !self.0.scheduled.replace(true) {
            browser::on_next_frame(move || {
                self.0.scheduled.set(false);
                self.draw();
            });
        }
    }

    fn draw(self) {
        self.heed_address();
        let frame = self.0.model.borrow_mut().frame(browser::now());
        feed::follow(self);
        feed::send(self);
        self.follow_address(&frame.hash);
        browser::set_title(&frame.title);
        browser::set_theme(frame.theme);
        if frame.detail.as_ref().is_some_and(|detail| detail.writing) {
            self.schedule();
        }
        self.0.frame.set(Rc::new(frame));
        loop {
            let errand = self.0.model.borrow_mut().errand();
            let Some(errand) = errand else { break };
            self.do_errand(errand);
        }
    }

    /// Goes where the reader has changed the address to. The browser tells of it late: a frame in between must not write
    /// the old view back.
    fn heed_address(self) {
        let shown = browser::hash();
        if self.0.address.replace(shown.clone()) != shown {
            // What is typed next is for the view that was gone to.
            browser::leave("filter", "rows");
            self.0.model.borrow_mut().apply(Event::Went(shown), browser::now());
        }
    }

    /// Writes the view into the address: another table or object is a step in the history, a filter is not.
    fn follow_address(self, hash: &str) {
        let shown = browser::hash();
        if shown == hash {
            return;
        }
        let (old, new) = (Route::parse(&shown), Route::parse(hash));
        browser::set_hash(hash, !shown.is_empty() && (old.kind != new.kind || old.open != new.open));
        self.0.address.replace(browser::hash());
    }

    fn listen(self) {
        browser::on_window("hashchange", move |_| {
            self.0.menu.set(false);
            self.heed_address();
            self.schedule();
        });
        browser::on_window("keydown", move |event| {
            let Some(event) = event.dyn_ref::<web_sys::KeyboardEvent>() else { return };
            self.press(event);
        });
        // Another tab has kept or removed one.
        browser::on_window("storage", move |_| self.apply(Event::Views(browser::kept_views())));
        browser::every(1_000, move || self.schedule());
    }

    fn do_errand(self, errand: Errand) {
        match errand {
            Errand::FocusFilter => browser::focus("filter"),
            Errand::FocusJump => browser::focus("jump"),
            Errand::FocusName => browser::focus("name"),
            Errand::FocusRows => browser::focus("rows"),
            Errand::FocusDialog => browser::focus("dialog-first"),
            Errand::FocusEditor => browser::focus("editor"),
            Errand::FocusTerminal => browser::focus("terminal"),
            Errand::ScrollLog(top) => browser::scroll("log", top),
            Errand::KeepViews => browser::keep_views(&self.model().kept_views()),
            Errand::ScrollTo(top) => browser::scroll("rows", top),
            Errand::FocusLine(by) => browser::focus_among(".boards .line", by),
        }
    }

    fn press(self, event: &web_sys::KeyboardEvent) {
        let (held, mut key) = (browser::is_held(event), event.key());
        if held {
            key = format!("Ctrl+{}", key.to_ascii_lowercase());
        }
        if event.alt_key() || held && keys::command(&key, true).is_none() {
            return;
        }
        let target = browser::focused_tag();
        let typing = matches!(target.as_str(), "INPUT" | "TEXTAREA");
        let (pressable, chooses) = (
            matches!(target.as_str(), "A" | "BUTTON" | "SUMMARY" | "CHECKBOX"),
            matches!(target.as_str(), "SELECT" | "RADIO"),
        );
        if pressable && key == "Enter" || chooses && key.starts_with("Arrow") {
            return;
        }
        if target == "SELECT" && !held {
            if key == "Escape" {
                browser::focus("rows");
            }
            return;
        }
        if keys::command(&key, typing).is_some() || typing && matches!(key.as_str(), "ArrowDown" | "ArrowUp")
        {
            event.prevent_default();
        }
        self.inspect(inspect::Event::Line(browser::place_among(pane::LINES)));
        self.apply(Event::Key { key, typing });
        // At once, so that the next key already finds the focus where this one has put it.
        self.draw();
    }
}

/// A text that follows what it is read from.
pub(crate) type Text = Box<dyn Fn() -> String>;

/// What `read` reads, anew whenever what it was read from changes.
pub(crate) fn live<T: Into<String>>(read: impl Fn() -> T + 'static) -> Text {
    Box::new(move || read().into())
}

/// One text of an item that may have gone by the time it is read.
pub(crate) fn text<T: 'static>(item: ReadSignal<Option<T>>, read: impl Fn(&T) -> String + 'static) -> Text {
    live(move || look(item, &|item| item.as_ref().map(&read).unwrap_or_default()))
}

fn look<T, R>(signal: ReadSignal<T>, read: &dyn Fn(&T) -> R) -> R {
    signal.with(|value| read(value))
}

/// What `read` makes of other signals; whoever reads it runs again only when it changes.
pub(crate) fn derived<T: PartialEq + 'static>(read: impl Fn() -> T + 'static) -> ReadSignal<T> {
    create_selector(Box::new(read) as Box<dyn Fn() -> T>)
}

/// A view that is drawn anew whenever what it was read from changes.
pub(crate) fn changing(view: impl Fn() -> View + 'static) -> View {
    View::from_dynamic(Box::new(view) as Box<dyn Fn() -> View>)
}

/// Does something now, and again whenever what it has read changes.
pub(crate) fn effect(act: impl Fn() + 'static) {
    create_effect(Box::new(act) as Box<dyn Fn()>);
}

/// What is done at an event.
pub(crate) fn on<E: 'static>(act: impl FnMut(E) + 'static) -> Box<dyn FnMut(E)> {
    Box::new(act)
}

/// What the server said of a trouble, what to do, and the command for it.
pub(crate) fn told(trouble: ReadSignal<Option<Trouble>>) -> View {
    let said = text(trouble, |trouble| trouble.text.clone());
    let advice = text(trouble, |trouble| trouble.advice.clone());
    let command = text(trouble, |trouble| trouble.command.clone());
    view! {
        p(class="said") { (said) }
        p() { (advice) }
        code(class="command") { (command) }
    }
}

/// Looks once `node` is in the document, and again whenever its size changes.
pub(crate) fn on_size(node: NodeRef, look: impl Fn() + Copy + 'static) {
    let resize = Rc::new(RefCell::new(None));
    let resized = resize.clone();
    on_mount(move || {
        look();
        *resized.borrow_mut() = node.try_get().and_then(|node| browser::on_resize(&node, look));
    });
    on_cleanup(move || drop(resize.take()));
}

/// `view` while `shown`, nothing otherwise.
pub(crate) fn when(shown: ReadSignal<bool>, page: Page, view: fn(Page) -> View) -> View {
    changing(move || if shown.get() { view(page) } else { View::default() })
}

/// A view per item of a list in the frame. Items keep their place in the document; only what changed in them is drawn.
pub(crate) fn each<T: PartialEq + 'static>(
    page: Page,
    count: impl Fn(&Frame) -> usize + 'static,
    read: impl Fn(&Frame, usize) -> Option<T> + Copy + 'static,
    view: impl Fn(ReadSignal<Option<T>>) -> View + 'static,
) -> View {
    at_each(places(page.part(count)), move |place| view(page.part(move |frame| read(frame, place))))
}

/// The places of so many things.
pub(crate) fn places(count: ReadSignal<usize>) -> ReadSignal<Vec<usize>> {
    create_memo(move || (0..count.get()).collect())
}

/// A view at each place, which stays until the place goes.
pub(crate) fn at_each(places: ReadSignal<Vec<usize>>, view: impl Fn(usize) -> View + 'static) -> View {
    let view: Box<dyn Fn(usize) -> View> = Box::new(view);
    view! { Indexed(list=places, view=view) }
}
