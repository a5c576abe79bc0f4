//! The host's end of a guest's exchanges.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::channel::mpsc::{
    Receiver, Sender, TrySendError, UnboundedReceiver, UnboundedSender, channel, unbounded,
};
use futures::future::{AbortHandle, abortable, select};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, SinkExt, Stream, StreamExt};
use http::Request;
use portolan::Error;
use portolan::portable::BoxFuture;
use portolan::status::{failure, reason};
use portolan::transport::{Body, Message, Socket, Transport};
use portolan_host::wire::{Command, Event, ExchangeId, Headers, Piece, Upload, header_map, headers_of};

use super::Options;

/// Those that are open.
pub(super) struct Exchanges {
    transport: Arc<dyn Transport>,
    plugin: String,
    most: usize,
    open: BTreeMap<ExchangeId, Open>,
    /// The number of the exchange begun last. Each is greater, so that nothing told of one can be taken for another's.
    last: ExchangeId,
    tasks: FuturesUnordered<BoxFuture<'static, ()>>,
    teller: UnboundedSender<Event>,
    told: UnboundedReceiver<Event>,
}

struct Open {
    abort: AbortHandle,
    takes: Sender<()>,
    gives: Sender<Given>,
}

/// What a guest has to send; `Finish` is the end of it.
enum Given {
    Piece(Piece),
    Finish,
}

/// What the task of an exchange holds.
struct Exchange {
    id: ExchangeId,
    takes: Receiver<()>,
    gives: Receiver<Given>,
    teller: UnboundedSender<Event>,
}

impl Exchanges {
    pub(super) fn new(transport: Arc<dyn Transport>, options: &Options) -> Self {
        let (teller, told) = unbounded();
        Self {
            transport,
            plugin: options.name.clone(),
            most: options.max_exchanges,
            open: BTreeMap::new(),
            last: 0,
            tasks: FuturesUnordered::new(),
            teller,
            told,
        }
    }

    pub(super) fn are_none_open(&self) -> bool {
        self.open.is_empty()
    }

    /// Does what the guest wants of its exchanges; an error says which rule it broke.
    pub(super) fn carry_out(&mut self, command: Command) -> Result<(), &'static str> {
        match command {
            Command::Send { id, method, uri, headers, body } => {
                let request = request(&method, &uri, &headers);
                self.begin(id, |exchange, transport| exchange.send(transport, request, body))
            }
            Command::Connect { id, uri, headers, protocols } => {
                let request = request("GET", &uri, &headers);
                self.begin(id, |exchange, transport| exchange.connect(transport, request, protocols))
            }
            // An exchange that is over on this side may still be used on the other, which has not heard of it.
            Command::Take(id) => self.pass(id, |open| passed(&open.takes.try_send(()))),
            Command::Give(id, piece) => {
                self.pass(id, |open| passed(&open.gives.try_send(Given::Piece(piece))))
            }
            Command::Finish(id) => self.pass(id, |open| passed(&open.gives.try_send(Given::Finish))),
            Command::Drop(id) => {
                if let Some(open) = self.open.remove(&id) {
                    open.abort.abort();
                }
                Ok(())
            }
            Command::Say(_) | Command::Done(_) => Ok(()),
        }
    }

    fn pass(&mut self, id: ExchangeId, pass: impl FnOnce(&mut Open) -> bool) -> Result<(), &'static str> {
        match self.open.get_mut(&id).is_none_or(pass) {
            true => Ok(()),
            false => Err("it asks for a piece, or gives one, before the last was through"),
        }
    }

    fn begin<Running>(
        &mut self,
        id: ExchangeId,
        task: impl FnOnce(Exchange, Arc<dyn Transport>) -> Running,
    ) -> Result<(), &'static str>
    where
        Running: Future<Output = Result<(), Error>> + Send + 'static,
    {
        if id <= self.last {
            return Err("it begins an exchange whose number is not greater than the last one's");
        }
        self.last = id;
        if self.open.len() >= self.most {
            self.refuse(id);
            return Ok(());
        }
        let (takes, taking) = channel(0);
        let (gives, giving) = channel(0);
        let exchange = Exchange { id, takes: taking, gives: giving, teller: self.teller.clone() };
        let teller = self.teller.clone();
        let running = task(exchange, self.transport.clone());
        let (running, abort) = abortable(async move {
            let last = match running.await {
                Ok(()) => Event::End(id),
                Err(error) => Event::Failed(id, error),
            };
            // Nobody listens once the guest has ended.
            drop(teller.unbounded_send(last));
        });
        self.tasks.push(Box::pin(running.map(drop)));
        self.open.insert(id, Open { abort, takes, gives });
        Ok(())
    }

    fn refuse(&self, id: ExchangeId) {
        let (plugin, most) = (&self.plugin, self.most);
        tracing::warn!(target: "portolan::plugin", plugin, most, "refused: too many exchanges at once");
        let message = format!(
            "the host lets the plugin {plugin:?} have {most} requests, watches and sockets open at once"
        );
        let error = Error::api(failure(429, reason::TOO_MANY_REQUESTS, message));
        drop(self.teller.unbounded_send(Event::Failed(id, error)));
    }

    /// The next events, as soon as there is one.
    pub(super) async fn events(&mut self) -> Vec<Event> {
        poll_fn(|context| self.poll_events(context)).await
    }

    fn poll_events(&mut self, context: &mut Context<'_>) -> Poll<Vec<Event>> {
        while let Poll::Ready(Some(())) = self.tasks.poll_next_unpin(context) {}
        let mut events = Vec::new();
        while let Poll::Ready(Some(event)) = Pin::new(&mut self.told).poll_next(context) {
            match &event {
                // Of a dropped one nothing is told.
                Event::End(id) | Event::Failed(id, _) => drop(self.open.remove(id)),
                _ => {}
            }
            events.push(event);
        }
        if events.is_empty() { Poll::Pending } else { Poll::Ready(events) }
    }
}

impl Drop for Exchanges {
    fn drop(&mut self) {
        self.open.values().for_each(|open| open.abort.abort());
    }
}

/// Whether a channel took something, or nobody is there to want it any more.
fn passed<T>(sent: &Result<(), TrySendError<T>>) -> bool {
    sent.as_ref().err().is_none_or(TrySendError::is_disconnected)
}

fn request(method: &str, uri: &str, headers: &Headers) -> Result<Request<()>, Error> {
    let mut request = Request::builder().method(method).uri(uri).body(()).map_err(|error| {
        Error::config("the plugin's request has no proper method or address").with_source(error)
    })?;
    *request.headers_mut() = header_map(headers)
        .map_err(|error| Error::config("the plugin's request has too many headers").with_source(error))?;
    Ok(request)
}

impl Exchange {
    fn tell(&self, event: Event) {
        // Nobody listens once the guest has ended.
        drop(self.teller.unbounded_send(event));
    }

    async fn send(
        mut self,
        transport: Arc<dyn Transport>,
        request: Result<Request<()>, Error>,
        body: Upload,
    ) -> Result<(), Error> {
        let body = match body {
            Upload::Empty => Body::Empty,
            Upload::Whole(bytes) => Body::Bytes(bytes),
            Upload::Pieces => Body::Stream(Box::pin(self.upload())),
        };
        let (parts, mut body) = transport.send(request?.map(|()| body)).await?.into_parts();
        let status = parts.status.as_u16();
        self.tell(Event::Head { id: self.id, status, headers: headers_of(&parts.headers) });
        while self.takes.next().await.is_some() {
            match body.chunk().await {
                Some(chunk) => self.tell(Event::Piece(self.id, Piece::Chunk(chunk?))),
                None => break,
            }
        }
        Ok(())
    }

    /// A request's body, whose pieces are confirmed as they are sent.
    fn upload(&mut self) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
        let nobody = channel(0).1;
        let (gives, teller, id) = (std::mem::replace(&mut self.gives, nobody), self.teller.clone(), self.id);
        futures::stream::unfold(Some(gives), move |gives| {
            let teller = teller.clone();
            async move {
                let mut gives = gives?;
                let given = gives.next().await;
                drop(teller.unbounded_send(Event::Taken(id)));
                match given {
                    Some(Given::Piece(Piece::Chunk(bytes))) => Some((Ok(bytes), Some(gives))),
                    Some(Given::Finish) => None,
                    Some(Given::Piece(Piece::Message(_))) => {
                        Some((Err(Error::config("a message in the body of a request")), None))
                    }
                    None => Some((Err(Error::canceled("the guest has left its request")), None)),
                }
            }
        })
    }

    async fn connect(
        self,
        transport: Arc<dyn Transport>,
        request: Result<Request<()>, Error>,
        protocols: Vec<String>,
    ) -> Result<(), Error> {
        let protocols: Vec<&str> = protocols.iter().map(String::as_str).collect();
        let socket = transport.connect(request?, &protocols).await?;
        self.tell(Event::Opened { id: self.id, protocol: socket.protocol().map(str::to_owned) });
        self.exchange_messages(socket).await
    }

    async fn exchange_messages(self, socket: Socket) -> Result<(), Error> {
        let Self { id, mut takes, mut gives, teller } = self;
        let (mut sink, mut stream) = socket.split();
        let incoming = async {
            while takes.next().await.is_some() {
                match stream.next().await {
                    Some(message) => drop(teller.unbounded_send(Event::Piece(id, Piece::Message(message?)))),
                    None => break,
                }
            }
            Ok(())
        };
        let outgoing = async {
            while let Some(given) = gives.next().await {
                match given {
                    Given::Piece(Piece::Message(message)) => sink.send(message).await?,
                    Given::Piece(Piece::Chunk(bytes)) => sink.send(Message::Binary(bytes)).await?,
                    Given::Finish => sink.close().await?,
                }
                drop(teller.unbounded_send(Event::Taken(id)));
            }
            // The guest has dropped the exchange: so is this.
            std::future::pending().await
        };
        select(Box::pin(incoming), Box::pin(outgoing)).await.factor_first().0
    }
}
