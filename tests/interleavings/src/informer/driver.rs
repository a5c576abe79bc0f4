//! The driver of an informer whose server says what a test wants: what core's does to the locks, with no connection.

use std::cell::RefCell;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use portolan::cache::Reflector;
use portolan::meta::{Encoded, Format, Object};
use portolan::rest::WatchEvent;
use portolan::time::Instant;

use super::shared::{Applied, Shared};

/// What the server says next, of objects as `name@version`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Said {
    List(&'static [&'static str]),
    Added(&'static str),
    Modified(&'static str),
    Deleted(&'static str),
}

thread_local! {
    static SCRIPT: RefCell<Vec<Said>> = const { RefCell::new(Vec::new()) };
}

/// The next informer that starts hears this, and then nothing more until it is stopped.
pub(super) fn script(said: &[Said]) {
    SCRIPT.set(said.to_vec());
}

pub(super) struct Driver<T> {
    shared: Arc<Shared<T>>,
    reflector: Reflector<T>,
    script: Vec<Said>,
}

impl<T: Object> Driver<T> {
    pub(super) fn new(shared: Arc<Shared<T>>, reflector: Reflector<T>) -> Self {
        Self { shared, reflector, script: SCRIPT.take() }
    }

    pub(super) async fn run(mut self) {
        for said in std::mem::take(&mut self.script) {
            self.hear(said);
            while self.advance() {
                self.command(true).await;
            }
        }
        while !self.shared.is_stopped() {
            self.command(false).await;
        }
        self.shared.handle_ended();
    }

    /// Whether a handler pauses it.
    fn advance(&mut self) -> bool {
        let Applied { changed, paused } = self.shared.apply(Instant::default(), &mut self.reflector);
        self.reflector.set_paused(Instant::default(), paused);
        let reflector = &self.reflector;
        self.shared.publish(changed, |status| {
            status.phase = reflector.phase();
            status.counters = *reflector.counters();
            status.paused = paused;
        });
        paused && !self.shared.is_stopped()
    }

    async fn command(&self, paused: bool) {
        poll_fn(|context| {
            let comes = self.shared.poll_command(context, paused);
            if comes { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn hear(&mut self, said: Said) {
        let now = Instant::default();
        drop(self.reflector.poll_action(now));
        match said {
            Said::List(objects) => {
                for object in objects {
                    self.reflector.handle_list_item(now, self.object(object));
                }
                self.reflector.handle_list_page(now, "1".into(), Default::default());
            }
            Said::Added(object) => self.happen(WatchEvent::Added(self.object(object))),
            Said::Modified(object) => self.happen(WatchEvent::Modified(self.object(object))),
            Said::Deleted(object) => self.happen(WatchEvent::Deleted(self.object(object))),
        }
    }

    fn happen(&mut self, event: WatchEvent<Arc<T>>) {
        self.reflector.handle_watch_open(Instant::default());
        self.reflector.handle_watch_event(Instant::default(), event);
    }

    fn object(&self, text: &str) -> Arc<T> {
        let (name, version) = text.split_once('@').unwrap();
        let text =
            format!(r#"{{"metadata":{{"name":"{name}","uid":"{name}","resourceVersion":"{version}"}}}}"#);
        let resource = self.shared.api().api_resource();
        Arc::new(T::read(Encoded::new(Format::Json, text.as_bytes(), resource)).unwrap())
    }
}
