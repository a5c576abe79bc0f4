//! Why something the reader asked for was not done: in the server's words, and what to do.

use portolan::status::{Status, StatusCause};
use portolan::{Error, ErrorKind};

use super::access::Right;
use super::trouble::Trouble;

/// What to say of `error`, which the server answered to somebody who used `right`.
pub(super) fn refusal(error: &Error, right: &Right) -> Trouble {
    let text = match error.status().map(causes) {
        Some(causes) if !causes.is_empty() => causes.join("\n"),
        _ => error.to_string(),
    };
    let (title, advice) = words(error);
    let command = match error.code() {
        Some(403) => return right.trouble(title, text),
        Some(401) => "kubectl auth whoami",
        _ => "",
    };
    Trouble { title, text, advice: advice.to_owned(), command: command.to_owned(), refused: true }.revealed()
}

fn words(error: &Error) -> (String, &'static str) {
    let coded = |title: &str| match error.code() {
        Some(code) => format!("{title} ({code})"),
        None => title.to_owned(),
    };
    match (error.code(), error.kind()) {
        (Some(400 | 422), _) => (coded("Not valid"), "Correct what is named and try again."),
        (Some(401), _) => (
            coded("Not signed in"),
            "The proxy's credentials are missing or have run out: sign in and restart it.",
        ),
        (Some(403), _) => (coded("Not allowed"), ""),
        (Some(404), _) => {
            (coded("It is not there"), "It has been deleted meanwhile, or the server has no such part of it.")
        }
        (Some(405), _) => (coded("Not possible"), "The server does not do this to objects of this kind."),
        (Some(409), _) => {
            (coded("It has changed meanwhile"), "Nothing was done. Look at what it is now and try again.")
        }
        (Some(429), _) => (coded("The server is busy"), "Nothing was done. Wait a little and try again."),
        (None, ErrorKind::Transport(_) | ErrorKind::Timeout) => (
            "No answer".to_owned(),
            "Whether it was done is not known: look at the object before you try again.",
        ),
        _ => (coded("The server failed"), "Look at the object before you try again."),
    }
}

/// The fields that the server names, each with what is wrong there.
fn causes(status: &Status) -> Vec<String> {
    let causes = status.details.as_ref().and_then(|details| details.causes.as_deref()).unwrap_or_default();
    let line = |cause: &StatusCause| {
        let message = cause.message.as_deref().unwrap_or_default();
        // Before a field that it does not know the server repeats the whole object, a Secret's values too.
        if let Some((_, unknown)) = message.split_once("strict decoding error: ") {
            return unknown.to_owned();
        }
        match cause.field.as_deref() {
            Some(field) if !field.is_empty() => format!("{field}: {message}"),
            _ => message.to_owned(),
        }
    };
    causes.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use portolan::meta::ApiResource;
    use serde_json::json;

    fn told(code: i32, details: &serde_json::Value) -> Trouble {
        let status = json!({"code": code, "message": "said", "details": details});
        let error = Error::api(serde_json::from_value(status).unwrap());
        let pods = ApiResource::new("v1", "Pod", "pods", true).unwrap();
        refusal(&error, &Right::new("delete", &pods, "", "shop"))
    }

    #[test]
    fn each_refusal_says_what_the_server_said_and_what_to_do() {
        let forbidden = told(403, &json!({}));
        assert_eq!((forbidden.title.as_str(), forbidden.text.as_str()), ("Not allowed (403)", "said"));
        assert_eq!(forbidden.command, "kubectl auth can-i delete pods -n shop");
        assert!(forbidden.advice.contains("delete pods in shop"));
        let invalid = told(
            422,
            &json!({"causes": [{"field": "spec.replicas", "message": "must be positive"}, {"message": "odd"}]}),
        );
        assert_eq!(
            (invalid.title.as_str(), invalid.text.as_str()),
            ("Not valid (422)", "spec.replicas: must be positive\nodd")
        );
        let repeated = "Invalid value: \"{...}\": strict decoding error: unknown field \"spec.x\"";
        let unknown = told(422, &json!({"causes": [{"field": "patch", "message": repeated}]}));
        assert_eq!(unknown.text, "unknown field \"spec.x\"");
        assert!(told(409, &json!({})).title.starts_with("It has changed meanwhile"));
        assert!(told(404, &json!({})).title.starts_with("It is not there"));
        assert!(told(500, &json!({})).title.starts_with("The server failed"));
    }

    #[test]
    fn without_an_answer_nobody_claims_that_nothing_was_done() {
        let pods = ApiResource::new("v1", "Pod", "pods", true).unwrap();
        let told = refusal(&Error::timeout("no answer within 30 s"), &Right::new("delete", &pods, "", ""));
        assert_eq!(told.title, "No answer");
        assert!(told.advice.contains("not known"));
    }
}
