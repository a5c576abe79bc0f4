//! Plays a script: to the server's side and to the informer's, step by step.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::player::{Act, InformerOptions, Player};
use crate::script::{Scenario, Step};
use crate::server::{Request, Server};
use crate::trace::Trace;

/// So long one step may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Plays a scenario to one player.
pub(crate) async fn play(scenario: &Scenario, mut player: Player, trace: &Trace) -> Result<()> {
    let server = Server::start()?;
    player.make(&InformerOptions { server: server.address(), ..scenario.options.clone() })?;
    let trace = trace.clone();
    let mut stage = Stage { server, player, trace, open: None, before: Instant::now() };
    for Step { whom, text } in &scenario.steps {
        if whom.is_some_and(|whom| whom != stage.player.name()) {
            continue;
        }
        let step = tokio::time::timeout(PATIENCE, stage.step(text)).await;
        step.with_context(|| format!("not within {PATIENCE:?}: {text}"))?.with_context(|| text.clone())?;
    }
    Ok(())
}

struct Stage {
    server: Server,
    player: Player,
    trace: Trace,
    /// The request being answered.
    open: Option<Request>,
    /// When the last answer of the server was given.
    before: Instant,
}

impl Stage {
    async fn step(&mut self, text: &str) -> Result<()> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "run" => self.act(Act::Run).await,
            "stop" => {
                self.act(Act::Stop).await?;
                self.trace.saw("stopped", 1).await;
                Ok(())
            }
            "handler" => {
                let (name, resync) = rest.split_once(" resync=").unwrap_or((rest, ""));
                let resync_ms = if resync.is_empty() { None } else { Some(resync.parse()?) };
                self.act(Act::AddHandler { name, resync_ms }).await
            }
            "remove" => self.act(Act::RemoveHandler(rest)).await,
            "synced" => {
                self.act(Act::WaitForSync(rest)).await?;
                self.trace.saw(&format!("synced {rest}"), 1).await;
                Ok(())
            }
            "check" => self.check(rest).await,
            "saw" => {
                let (line, count) = rest.rsplit_once(" x").unwrap_or((rest, "1"));
                match count.parse() {
                    Ok(count) => self.trace.saw(line, count).await,
                    Err(_) => self.trace.saw(rest, 1).await,
                }
                Ok(())
            }
            "sleep" => {
                tokio::time::sleep(Duration::from_millis(rest.parse()?)).await;
                Ok(())
            }
            "ask" => self.ask(rest).await,
            _ => {
                let done = self.answer(word, rest).await;
                self.before = Instant::now();
                done
            }
        }
    }

    async fn act(&mut self, act: Act<'_>) -> Result<()> {
        self.player.act(act, &self.trace).await
    }

    async fn check(&mut self, name: &str) -> Result<()> {
        self.act(Act::Check(name)).await?;
        self.trace.began(&format!("check {name} ")).await;
        Ok(())
    }

    async fn ask(&mut self, least: &str) -> Result<()> {
        let request = self.server.request().await?;
        let mut text = request.text.clone();
        if !least.is_empty() {
            let (least, waited) = (Duration::from_millis(least.parse()?), self.before.elapsed());
            if waited < least {
                bail!("it came after {waited:?}");
            }
            text += " after a wait";
        }
        self.trace.tell(text);
        self.open = Some(request);
        Ok(())
    }

    async fn answer(&mut self, word: &str, rest: &str) -> Result<()> {
        match word {
            "down" => {
                self.open = None;
                self.server.down().await;
                return Ok(());
            }
            "up" => return self.server.up(),
            "cut" => {
                self.open.take().context("nothing is open")?;
                return Ok(());
            }
            "close" => {
                // Whether the other side still listens is its own affair, here and below.
                let _ = self.open.take().context("nothing is open")?.close().await;
                return Ok(());
            }
            _ => {}
        }
        let mut request = self.open.take().context("nothing was asked")?;
        if word == "reply" {
            return self.reply(request, rest).await;
        }
        let _ = request.chunk(&event(&request, word, rest)?).await;
        self.open = Some(request);
        Ok(())
    }

    async fn reply(&mut self, mut request: Request, rest: &str) -> Result<()> {
        let (what, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        match what {
            "stream" => {
                let _ = request.open().await;
                self.open = Some(request);
            }
            "list" => {
                let body = list(&request, rest)?.to_string();
                let _ = request.whole(200, "application/json", "", &body).await;
            }
            "status" => {
                let (status, headers) = status(rest)?;
                let code =
                    status["code"].as_u64().and_then(|code| u16::try_from(code).ok()).context("a code")?;
                let _ = request.whole(code, "application/json", &headers, &status.to_string()).await;
            }
            "html" => {
                let _ = request.whole(rest.parse()?, "text/html", "", "<html>not an API</html>").await;
            }
            "body" => {
                let _ = request.whole(200, "application/json", "", rest).await;
            }
            "nothing" => {}
            _ => bail!("no such reply"),
        }
        Ok(())
    }
}

fn event(request: &Request, word: &str, rest: &str) -> Result<String> {
    if word == "raw" {
        return Ok(rest.to_owned());
    }
    let (api_version, kind) = request.kind();
    let bookmark = |annotations: Value| {
        json!({ "apiVersion": api_version, "kind": kind,
                "metadata": { "resourceVersion": rest, "annotations": annotations } })
    };
    let (name, object) = match word.split_at(1) {
        ("b", "") => ("BOOKMARK", bookmark(json!({}))),
        ("e", "") => ("BOOKMARK", bookmark(json!({ "k8s.io/initial-events-end": "true" }))),
        ("!", "") => ("ERROR", status(rest)?.0),
        ("+", other) => ("ADDED", object(request, other, rest)?),
        ("~", other) => ("MODIFIED", object(request, other, rest)?),
        ("-", other) => ("DELETED", object(request, other, rest)?),
        _ => bail!("no such step"),
    };
    Ok(json!({ "type": name, "object": object }).to_string() + "\n")
}

/// `10 [continue=T] a@5 b@6`.
fn list(request: &Request, text: &str) -> Result<Value> {
    let mut words = text.split_whitespace().peekable();
    let version = words.next().context("a list has a version")?;
    let version = if version == "-" { "" } else { version };
    let token = words.peek().and_then(|word| word.strip_prefix("continue=")).unwrap_or_default();
    if !token.is_empty() {
        words.next();
    }
    let items = words.map(|word| object(request, "", word)).collect::<Result<Vec<_>>>()?;
    Ok(request.list(version, token, &items))
}

/// `410 Expired [retry-after=S] [cause=C]`: a Status, and the headers it comes with.
fn status(text: &str) -> Result<(Value, String)> {
    let mut words = text.split_whitespace();
    let code: u16 = words.next().context("a status has a code")?.parse()?;
    let reason = words.next().unwrap_or_default();
    let (mut details, mut headers) = (json!({}), String::new());
    for word in words {
        match word.split_once('=') {
            Some(("retry-after", seconds)) => {
                details["retryAfterSeconds"] = seconds.parse::<u32>()?.into();
                headers = format!("retry-after: {seconds}\r\n");
            }
            Some(("cause", cause)) => details["causes"] = json!([{ "reason": cause, "message": "scripted" }]),
            _ => bail!("no part of a status: {word}"),
        }
    }
    let status = json!({ "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "reason": reason,
        "message": "as the script says", "details": details });
    Ok((status, headers))
}

/// `[namespace/]name[#uid]@version[{label}]`, of another kind when that is named.
fn object(request: &Request, other_kind: &str, text: &str) -> Result<Value> {
    let (text, label) = text.split_once('{').unwrap_or((text, ""));
    let (key, version) = text.split_once('@').context("an object is key@version")?;
    let (key, uid) = key.split_once('#').unwrap_or((key, key));
    let (namespace, name) = key.split_once('/').unwrap_or(("n", key));
    let (api_version, kind) = if other_kind.is_empty() { request.kind() } else { ("v1", other_kind) };
    let mut metadata = json!({ "name": name, "namespace": namespace, "uid": format!("uid-{uid}"), "resourceVersion": version });
    if let Some(label) = label.strip_suffix('}') {
        metadata["labels"] = json!({ "label": label });
    }
    Ok(json!({ "apiVersion": api_version, "kind": kind, "metadata": metadata }))
}
