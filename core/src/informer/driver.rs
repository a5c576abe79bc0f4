//! The task of one informer: connection, decoder, reflector, queue, store and fan-out are polled here, in this order.
//!
//! Invariant: no lock is held at an await point, and handlers run in tasks of their own.

use std::future::{Future, pending, poll_fn};
use std::iter;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use super::consistency;
use super::exchange::{Exchange, Progress};
use super::shared::{Applied, Shared};
use crate::cache::{Notice, Reflector};
use crate::codec::{self, EventKind, WatchFrame};
use crate::error::Error;
use crate::meta::{ApiResource, Encoded, Format, Key, Object};
use crate::portable::BoxFuture;
use crate::rest::read_event;
use crate::time::{Instant, Slice};

/// Drives one informer until it is stopped.
pub(super) struct Driver<T> {
    shared: Arc<Shared<T>>,
    reflector: Reflector<T>,
    exchange: Exchange,
    /// What the reflector did and met, until the observer is told. A read may bring any number, of which the reflector
    /// keeps the newest only.
    notices: Vec<Notice>,
    /// Armed for a moment at or before the reflector's next timeout.
    timer: Option<(Instant, BoxFuture<'static, ()>)>,
    /// Bytes of exchanges that have ended.
    bytes: u64,
    last_activity: Option<Instant>,
    paused: bool,
}

enum Input {
    Command,
    Exchange(Result<Progress, Error>),
    Timer,
}

impl<T: Object> Driver<T> {
    pub(super) fn new(shared: Arc<Shared<T>>, reflector: Reflector<T>) -> Self {
        Self {
            shared,
            reflector,
            exchange: Exchange::Closed,
            notices: Vec::new(),
            timer: None,
            bytes: 0,
            last_activity: None,
            paused: false,
        }
    }

    /// Runs until the informer is stopped.
    pub(super) async fn run(mut self) {
        let _ended = Ended(self.shared.clone());
        let mut slice = Slice::begin(self.shared.runtime());
        while !self.shared.is_stopped() {
            self.advance();
            slice.end_turn().await;
            let waited_since = self.now();
            let input = self.wait().await;
            let now = self.now();
            if now > waited_since {
                slice.waited(now);
            }
            match input {
                Input::Command => {}
                Input::Timer => self.reflector.handle_timeout(now),
                Input::Exchange(progress) => self.handle_progress(now, progress),
            }
        }
        self.close();
    }

    /// Brings everything up to what the reflector knows, and begins what it asks for.
    fn advance(&mut self) {
        let now = self.now();
        if self.shared.take_wake() {
            self.reflector.handle_wake(now);
        }
        let Applied { changed, paused } = self.shared.apply(now, &mut self.reflector);
        if paused != self.paused {
            self.paused = paused;
            self.reflector.set_paused(now, paused);
        }
        if let Some(action) = self.reflector.poll_action(now) {
            self.close();
            self.exchange = Exchange::begin(self.shared.api(), action);
        }
        self.notices.extend(iter::from_fn(|| self.reflector.poll_notice()));
        for notice in self.notices.drain(..) {
            self.shared.observe(&notice);
            if self.shared.checks(&notice) && !paused {
                consistency::check(&self.shared, &self.shared.store());
            }
        }
        self.publish(changed);
    }

    fn close(&mut self) {
        self.bytes += self.exchange.bytes();
        self.exchange = Exchange::Closed;
    }

    fn publish(&self, changed: bool) {
        let (reflector, exchange) = (&self.reflector, &self.exchange);
        self.shared.publish(changed, |status| {
            status.phase = reflector.phase();
            // Only a new error, for what a handler or the consistency check met stands there too.
            if status.counters.errors != reflector.counters().errors {
                status.last_error = reflector.last_error().map(str::to_owned);
                status.last_error_kind = reflector.last_error_kind().cloned();
            }
            status.counters = *reflector.counters();
            status.bytes = self.bytes + exchange.bytes();
            status.paused = self.paused;
            status.watching = matches!(exchange, Exchange::Watch(_));
            status.over_socket = matches!(exchange, Exchange::Watch(body) if body.is_socket());
            status.last_activity = self.last_activity;
        });
    }

    async fn wait(&mut self) -> Input {
        self.arm();
        let paused = self.paused;
        let (shared, timer) = (&self.shared, &mut self.timer);
        let exchange = &mut self.exchange;
        let mut progress = pin!(async { if paused { pending().await } else { exchange.progress().await } });
        let input = poll_fn(|context| {
            if shared.poll_command(context, paused) {
                return Poll::Ready(Input::Command);
            }
            if let Poll::Ready(progress) = progress.as_mut().poll(context) {
                return Poll::Ready(Input::Exchange(progress));
            }
            match timer {
                Some((_, sleep)) => sleep.as_mut().poll(context).map(|()| Input::Timer),
                None => Poll::Pending,
            }
        })
        .await;
        if matches!(input, Input::Timer) {
            self.timer = None;
        }
        input
    }

    /// Sees that a timer is armed for the next timeout. One that is armed for an earlier moment stays: most timeouts
    /// move back with every byte, and an early timer costs less than a new one each time.
    fn arm(&mut self) {
        let next = self.reflector.poll_timeout().map(|(at, _)| at);
        let armed = self.timer.as_ref().map(|(at, _)| *at);
        match (next, armed) {
            (None, _) => self.timer = None,
            (Some(next), Some(armed)) if armed <= next => {}
            (Some(next), _) => self.timer = Some((next, self.shared.runtime().clock.sleep_until(next))),
        }
    }

    fn handle_progress(&mut self, now: Instant, progress: Result<Progress, Error>) {
        if progress.is_ok() {
            self.last_activity = Some(now);
        }
        let outcome = match progress {
            Ok(Progress::Opened) => {
                if matches!(self.exchange, Exchange::Watch(_)) {
                    self.reflector.handle_watch_open(now);
                }
                return;
            }
            Ok(Progress::Filled) => {
                self.reflector.handle_activity(now);
                self.read(now)
            }
            Ok(Progress::Ended) => self.read(now).map(|()| self.end(now)),
            Err(error) => Err(error),
        };
        let Err(error) = outcome else { return };
        let is_list = self.exchange.is_list();
        self.close();
        if is_list {
            self.reflector.handle_list_error(now, &error);
        } else {
            self.reflector.handle_watch_error(now, &error);
        }
    }

    /// Takes out of the buffer what is whole.
    fn read(&mut self, now: Instant) -> Result<(), Error> {
        let Self { shared, reflector, exchange, notices, .. } = self;
        match exchange {
            Exchange::List(body) => {
                let (format, repeats) = (body.format(), reflector.repeats());
                let trusted = reflector.is_trusting();
                while let Some(item) = body.next_item()? {
                    match take_in(shared, format, item, repeats, trusted) {
                        Ok(object) => reflector.handle_list_item(now, object),
                        Err(error) => {
                            let (error, held) = left_out(shared, format, item, error)?;
                            reflector.handle_unreadable_item(now, held, &error);
                        }
                    }
                    notices.extend(iter::from_fn(|| reflector.poll_notice()));
                }
            }
            Exchange::Watch(body) => {
                while let Some(frame) = body.next_frame()? {
                    notices.extend(iter::from_fn(|| reflector.poll_notice()));
                    if let Some(error) = unexpected(shared.api().api_resource(), &frame) {
                        // Garbled bytes name no other kind: they end the watch, and nothing is lost.
                        codec::check(frame.format, frame.object)?;
                        reflector.handle_unexpected_event(now, &error);
                        continue;
                    }
                    let repeats = reflector.repeats() && frame.kind == EventKind::Added;
                    let (format, trusted) = (frame.format, reflector.is_trusting());
                    match read_event(&frame, |bytes| take_in(shared, format, bytes, repeats, trusted)) {
                        Ok(event) => reflector.handle_watch_event(now, event),
                        Err(error) => {
                            let (error, held) = left_out(shared, format, frame.object, error)?;
                            reflector.handle_unreadable_event(now, frame.kind, held, &error);
                        }
                    }
                }
            }
            Exchange::Closed | Exchange::OpeningList(_) | Exchange::OpeningWatch(_) => {}
        }
        Ok(())
    }

    /// The body has ended, and all that was whole has been taken out.
    fn end(&mut self, now: Instant) {
        self.bytes += self.exchange.bytes();
        match std::mem::take(&mut self.exchange) {
            Exchange::List(body) => match body.finish() {
                Ok(head) => self.reflector.handle_list_page(now, head.resource_version, head.continue_token),
                Err(error) => self.reflector.handle_list_error(now, &error),
            },
            Exchange::Watch(_) => self.reflector.handle_watch_end(now),
            Exchange::Closed | Exchange::OpeningList(_) | Exchange::OpeningWatch(_) => {}
        }
    }

    fn now(&self) -> Instant {
        self.shared.runtime().clock.now()
    }
}

/// Says that the driver has ended, also when it ends by a panic of an index function or a transform.
struct Ended<T: Object>(Arc<Shared<T>>);

impl<T: Object> Drop for Ended<T> {
    fn drop(&mut self) {
        self.0.handle_ended();
    }
}

/// The object in `bytes`: where it may be one that the store has already, that one, and nothing more of `bytes` is looked
/// at; else read and transformed.
fn take_in<T: Object>(
    shared: &Shared<T>,
    format: Format,
    bytes: &[u8],
    repeats: bool,
    trusted: bool,
) -> Result<Arc<T>, Error> {
    if repeats
        && let Some(meta) = codec::identity(format, bytes)
        && let Some(held) = shared.store().unchanged(meta)
    {
        return Ok(held.clone());
    }
    let resource = shared.api().api_resource();
    let object = T::read(Encoded { format, bytes, resource, drop_managed_fields: true, trusted })?;
    Ok(Arc::new(shared.transform(object)))
}

/// What to say of an object that could not be read only because it nests deeper than any type can hold: it is left out, for
/// it would keep all others away, and what the store has of it stays. Any other error is handed back.
fn left_out<T: Object>(
    shared: &Shared<T>,
    format: Format,
    bytes: &[u8],
    error: Error,
) -> Result<(Error, Option<Arc<T>>), Error> {
    if !codec::is_too_deep_for_types(format, bytes) {
        return Err(error);
    }
    let key = codec::identity(format, bytes).map(|meta| Key::new(meta.namespace, meta.name));
    let held = key.as_ref().and_then(|key| shared.store().get(key).cloned());
    let name = key.map_or_else(|| "an object".to_owned(), |key| key.to_string());
    let text = format!("left out {name}, which nests too deep for its type: hold it as Lazy");
    Ok((Error::decode(text).with_source(error), held))
}

/// What to say of an event whose object names another type than the resource's. The metadata of an object of any kind
/// may come in its stead, and an ERROR event brings a Status.
fn unexpected(resource: &ApiResource, frame: &WatchFrame<'_>) -> Option<Error> {
    let (api_version, kind) = codec::type_names(frame.format, frame.object)?;
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let is_expected = (kind.is_empty() || kind == resource.kind)
        && (api_version.is_empty() || (group == resource.group && version == resource.version));
    if is_expected || frame.kind == EventKind::Error || kind == "PartialObjectMetadata" {
        return None;
    }
    let text = format!("left out an event about a {kind} of {api_version} in a watch of {resource}");
    Some(Error::decode(text))
}
