//! The decoders against serde_json, against every way to cut a body, and against damaged bodies.

use std::panic::catch_unwind;

use bytes::Bytes;
use serde_json::Value;

use super::generate::{Random, bracketed, object, space, value};
use super::{ListDecoder, WatchDecoder};
use crate::codec::{EventKind, Limits, ListHead};
use crate::error::Error;

type Items = Vec<Vec<u8>>;

fn list_of(chunks: impl Iterator<Item = Bytes>, limits: Limits) -> Result<(Items, ListHead), Error> {
    let (mut decoder, mut items) = (ListDecoder::new(limits), Vec::new());
    for chunk in chunks {
        decoder.push(chunk);
        while let Some(item) = decoder.next_item()? {
            items.push(item.to_vec());
        }
    }
    Ok((items, decoder.finish()?))
}

fn whole_list(text: &str) -> Result<(Items, ListHead), Error> {
    list_of(std::iter::once(Bytes::copy_from_slice(text.as_bytes())), Limits::default())
}

fn cut(text: &[u8], step: usize) -> impl Iterator<Item = Bytes> {
    text.chunks(step).map(Bytes::copy_from_slice)
}

fn events_of(chunks: impl Iterator<Item = Bytes>) -> Result<Vec<(EventKind, Vec<u8>)>, Error> {
    let (mut decoder, mut events) = (WatchDecoder::new(Limits::default()), Vec::new());
    for chunk in chunks {
        decoder.push(chunk);
        while let Some(event) = decoder.next_event()? {
            events.push((event.kind, event.object.to_vec()));
        }
    }
    decoder.finish()?;
    Ok(events)
}

/// A list that holds every trap we know of, and how many items it has.
const TRICKY: &str = r#"
{ "items" : [ {"metadata":{"name":"a","items":[{"x":1}]},"text":"]},{\"items\":[\\"} ,
  {"a":"\\\\\"","b":{"items":[[],{},[{}]]}}, {},	{"unicode":"\ud83e\udded🧭"}
 ],
 "m\u0065tadata" : { "items": [ {"not":"an item"} ], "resourceVersion":"12\u0033", "continue":"a\"b",
   "remainingItemCount": 5 , "selfLink":"]}" },
 "extra": [{"items":[{"also":"none"}]}, "}", null, -0.5e+7],
 "kind":"PodList","apiVersion":"v1" }
 "#;

#[test]
fn a_tricky_list_decodes_however_it_is_cut() {
    let reference: Value = serde_json::from_str(TRICKY).unwrap();
    for step in 1..=TRICKY.len() {
        let (items, head) = list_of(cut(TRICKY.as_bytes(), step), Limits::default()).unwrap();
        let parsed: Vec<Value> = items.iter().map(|item| serde_json::from_slice(item).unwrap()).collect();
        assert_eq!(Value::from(parsed), reference["items"], "chunks of {step}");
        assert_eq!((head.kind.as_str(), head.api_version.as_str()), ("PodList", "v1"));
        assert_eq!(head.resource_version.as_str(), "123");
        assert_eq!((head.continue_token.as_str(), head.remaining), ("a\"b", Some(5)));
    }
}

#[test]
fn lists_of_nothing_are_lists() {
    for items in ["[]", "null", "[ \n ]"] {
        let text = format!(
            r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"9"}},"items":{items}}}"#
        );
        for step in 1..text.len() {
            let (items, head) = list_of(cut(text.as_bytes(), step), Limits::default()).unwrap();
            assert!(items.is_empty() && head.continue_token.is_end() && head.remaining.is_none());
            assert_eq!(head.resource_version.as_str(), "9");
        }
    }
}

#[test]
fn what_is_not_a_list_is_an_error_that_says_why() {
    for (text, why) in [
        ("", "the body is empty"),
        ("  \n", "the body is empty"),
        ("<html><body>secret</body></html>", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("{}", "names no apiVersion"),
        (r#"{"kind":"Status","apiVersion":"v1","metadata":{},"message":"secret","code":500}"#, "a Status"),
        (r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"secret"}}"#, "has no items"),
        (r#"{"kind":"PodList","apiVersion":"v1","items":{}}"#, "`items` is not an array"),
        (r#"{"kind":"PodList","apiVersion":"v1","items":"secret"}"#, "`items` is not an array"),
        (r#"{"kind":"PodList","apiVersion":"v1","items":[],"items":[]}"#, "a second `items`"),
        (r#"{"kind":"PodList","apiVersion":"v1","items":null,"items":[]}"#, "a second `items`"),
        (r#"{"kind":"PodList","apiVersion":"v1","items":[null]}"#, "an item is not an object"),
        (r#"{"kind":"PodList","apiVersion":"v1","items":["secret"]}"#, "an item is not an object"),
        (r#"{"kind":"PodList","apiVersion":"v1","items":[{},]}"#, "an item is not an object"),
        (r#"{"kind":"PodList","apiVersion":"v1","items":[{} {}]}"#, "not valid JSON"),
        (r#"{"kind":"PodList","apiVersion":"v1","items":[{}]}{}"#, "follows the list's end"),
        (r#"{"kind":"PodList","apiVersion":"v1","items":[{}]}]"#, "follows the list's end"),
        (
            r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":7},"items":[]}"#,
            "metadata is not",
        ),
        (r#"{"kind":["secret"],"apiVersion":"v1","items":[]}"#, "kind is not a string"),
        (r#"{"kind":"PodList","apiVersion":"v1",secret:1,"items":[]}"#, "a member's name is not"),
        (r#"{"kind":"PodList","apiVersion":"v1","x":secret,"items":[]}"#, "not valid JSON"),
        (r#"{"kind":"PodList""apiVersion":"v1"}"#, "not valid JSON"),
        (r#"{"kind":"PodList","apiVersion":"v1","items":[{}]"#, "ends before the list does"),
    ] {
        for step in [1, 2, 7, text.len().max(1)] {
            let error = list_of(cut(text.as_bytes(), step), Limits::default()).unwrap_err();
            assert!(error.is_decode() && error.to_string().contains(why), "{text}: {error}");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }
}

#[test]
fn a_truncated_list_is_an_error_wherever_it_ends() {
    let text = TRICKY.trim_end();
    for end in 0..text.len() {
        let error = list_of(cut(&text.as_bytes()[..end], 16), Limits::default()).unwrap_err();
        assert!(error.is_decode(), "cut at {end}");
    }
}

#[test]
fn limits_hold_whether_an_object_straddles_chunks_or_not() {
    let item = format!(r#"{{"a":"{}","deep":[[[]]]}}"#, "x".repeat(200));
    let text = format!(r#"{{"kind":"List","apiVersion":"v1","items":[{item}]}}"#);
    for step in [1, 64, 4096] {
        let decode = |object_bytes, depth| {
            let limits = Limits { object_bytes, depth };
            list_of(cut(text.as_bytes(), step), limits).map(|(items, _)| items.len())
        };
        assert_eq!(decode(item.len(), 4).unwrap(), 1);
        assert!(decode(item.len() - 1, 4).unwrap_err().to_string().contains("larger than"));
        assert!(decode(item.len(), 3).unwrap_err().to_string().contains("nested"));
    }
    let deepest = Limits::default().depth;
    let deep = format!("{}1{}", "[".repeat(deepest), "]".repeat(deepest));
    let within = |item: &str| whole_list(&format!(r#"{{"kind":"L","apiVersion":"v1","items":[{item}]}}"#));
    within(&format!("{{\"a\":{}}}", &deep[1..deep.len() - 1])).unwrap();
    assert!(within(&format!("{{\"a\":{deep}}}")).is_err());
}

#[test]
fn a_failed_decoder_stays_failed() {
    let mut decoder = ListDecoder::new(Limits::default());
    decoder.push("[".into());
    assert!(decoder.next_item().is_err() && decoder.next_item().is_err() && decoder.finish().is_err());
    let mut decoder = WatchDecoder::new(Limits::default());
    decoder.push("<".into());
    assert!(decoder.next_event().is_err() && decoder.next_event().is_err() && decoder.finish().is_err());
}

#[test]
fn items_not_taken_are_not_lost_quietly() {
    let mut decoder = ListDecoder::new(Limits::default());
    decoder.push(r#"{"kind":"List","apiVersion":"v1","items":[{},{"#.into());
    decoder.push("}]}".into());
    assert_eq!(decoder.next_item().unwrap(), Some(&b"{}"[..]));
    assert!(decoder.finish().unwrap_err().to_string().contains("before its last item"));
}

#[test]
fn what_is_within_an_item_or_event_is_for_its_reader_to_check() {
    let text = b"{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[{\"a\":\"\xff\"},{\"b\":tru}]}";
    let (items, _) = list_of(cut(text, 9), Limits::default()).unwrap();
    assert_eq!(items, [&b"{\"a\":\"\xff\"}"[..], b"{\"b\":tru}"]);
    let events = events_of(cut(br#"{"type":"ADDED","object":{"b":tru}}"#, 9)).unwrap();
    assert_eq!(events, [(EventKind::Added, b"{\"b\":tru}".to_vec())]);
}

/// A random list of the given items.
fn random_list(random: &mut Random, items: &[String]) -> String {
    let items = bracketed(random, '[', items, ']');
    let mut members = vec![
        format!(r#""items"{}:{}{items}"#, space(random), space(random)),
        r#""kind":"PodList""#.to_owned(),
        r#""apiVersion": "v1""#.to_owned(),
        r#""metadata":{"resourceVersion":"77"}"#.to_owned(),
        format!(r#""other":{}"#, value(random, 3)),
    ];
    let turn = random.below(members.len());
    members.rotate_left(turn);
    space(random).to_owned() + &bracketed(random, '{', &members, '}') + space(random)
}

#[test]
fn random_lists_decode_as_serde_json_reads_them() {
    let mut random = Random::new(11);
    for _ in 0..1_500 {
        let items: Vec<_> = (0..random.below(5)).map(|_| object(&mut random, 4)).collect();
        let text = random_list(&mut random, &items);
        let step = 1 + random.below(text.len());
        let (found, head) = list_of(cut(text.as_bytes(), step), Limits::default()).unwrap();
        assert_eq!(head.resource_version.as_str(), "77");
        let found: Vec<_> = found.into_iter().map(|item| String::from_utf8(item).unwrap()).collect();
        assert_eq!(found, items, "chunks of {step}: {text}");
    }
}

/// Changes, drops or doubles one byte.
fn damage(random: &mut Random, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    let at = random.below(bytes.len());
    match random.below(4) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = b"{}[]\",:\\ 0n\xff"[random.below(12)],
        2 => drop(bytes.remove(at)),
        _ => bytes.insert(at, bytes[at]),
    }
}

/// Damaged bodies: an answer, an error, and never a panic; what is whole for one way of cutting is so for another.
#[test]
fn damaged_bodies_never_panic_and_never_depend_on_how_they_are_cut() {
    let mut random = Random::new(2);
    let (mut whole, mut broken) = (0, 0);
    for case in 0..50_000 {
        let item = object(&mut random, 2);
        let mut list = match random.below(2) {
            0 => format!(r#"{{"kind":"L","apiVersion":"v1","items":[{item}]}}"#),
            _ => format!(r#"{{"items":[{item}],"kind":"L","apiVersion":"v1"}}"#),
        }
        .into_bytes();
        damage(&mut random, &mut list);
        let step = 1 + random.below(list.len() + 8);
        let outcome = |step: usize| {
            let list = list.clone();
            catch_unwind(move || list_of(cut(&list, step), Limits::default()).map(|(items, _)| items).ok())
                .unwrap_or_else(|_| panic!("case {case} panics"))
        };
        let found = outcome(step);
        match found {
            Some(_) => whole += 1,
            None => broken += 1,
        }
        if case % 8 == 0 {
            assert_eq!(found, outcome(1), "case {case}: {:?}", String::from_utf8_lossy(&list));
        }
    }
    assert!(whole > 1_000 && broken > 10_000, "{whole} whole, {broken} broken");
}

#[test]
fn a_watch_decodes_however_it_is_cut() {
    let text = concat!(
        r#"{"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"type","object":{"type":"x"}}}}"#,
        "\n",
        r#"{"object":{"a":"}\\\"{"},"type":"MODIFIED"}{"type":"DELETED","object":{}}"#,
        "\r\n \t",
        r#" { "t\u0079pe" : "BOOKMARK", "more": [{}], "object" : {"metadata":{"resourceVersion":"8"}} }"#,
        r#"{"type":"ERROR","object":{"kind":"Status","code":410}}"#,
        "\n"
    );
    let expected = vec![
        (EventKind::Added, br#"{"kind":"Pod","metadata":{"name":"type","object":{"type":"x"}}}"#.to_vec()),
        (EventKind::Modified, br#"{"a":"}\\\"{"}"#.to_vec()),
        (EventKind::Deleted, b"{}".to_vec()),
        (EventKind::Bookmark, br#"{"metadata":{"resourceVersion":"8"}}"#.to_vec()),
        (EventKind::Error, br#"{"kind":"Status","code":410}"#.to_vec()),
    ];
    for step in 1..=text.len() {
        assert_eq!(events_of(cut(text.as_bytes(), step)).unwrap(), expected, "chunks of {step}");
    }
    assert!(events_of(std::iter::empty()).unwrap().is_empty());
}

#[test]
fn what_is_not_an_event_is_an_error_that_says_why() {
    for (text, why) in [
        ("<html>secret", "no JSON object begins here"),
        ("null", "no JSON object begins here"),
        (r#"{"kind":"Pod","message":"secret"}"#, "no `type` and `object`"),
        (r#"{"type":"ADDED"}"#, "no `type` and `object`"),
        (r#"{"object":{}}"#, "no `type` and `object`"),
        (r#"{"type":"ADDED","type":"ADDED","object":{}}"#, "no `type` and `object`"),
        (r#"{"type":["secret"],"object":{}}"#, "no `type` and `object`"),
        (r#"{"type":"SECRET","object":{}}"#, "none of a watch's"),
        (r#"{"type":"ADDED","object":null}"#, "not an object"),
        (r#"{"type":"ADDED","object":[]}"#, "not an object"),
        (r#"{"type":"ADDED","object":{"a":secret},"b":0}"#, "not valid JSON"),
        (r#"{"type":"ADDED","object":{},"object":{}}"#, "no `type` and `object`"),
        (r#"{"type":"ADDED","object":{},secret}"#, "not valid JSON"),
        (r#"{"type":"ADDED","object":{"a":"secret"}"#, "ends within an event"),
        (r#"{"type":"ADDED","object":{}},"#, "no JSON object begins here"),
    ] {
        for step in [1, 3, text.len()] {
            let error = events_of(cut(text.as_bytes(), step)).unwrap_err();
            assert!(error.is_decode() && error.to_string().contains(why), "{text}: {error}");
            assert!(!format!("{error:?}").to_lowercase().contains("secret\""), "{error:?}");
        }
    }
}

#[test]
fn damaged_watches_never_panic() {
    let mut random = Random::new(3);
    let (mut whole, mut broken) = (0, 0);
    for case in 0..50_000 {
        let mut body = Vec::new();
        for _ in 0..1 + random.below(2) {
            let kind = random.pick(&["ADDED", "MODIFIED", "BOOKMARK"]);
            let frame = format!(r#"{{"type":"{kind}","object":{}}}"#, object(&mut random, 1));
            body.extend_from_slice(frame.as_bytes());
            body.extend_from_slice(space(&mut random).as_bytes());
        }
        damage(&mut random, &mut body);
        let step = 1 + random.below(body.len() + 8);
        let outcome = catch_unwind(move || events_of(cut(&body, step)).is_ok());
        match outcome.unwrap_or_else(|_| panic!("case {case} panics")) {
            true => whole += 1,
            false => broken += 1,
        }
    }
    assert!(whole > 1_000 && broken > 10_000, "{whole} whole, {broken} broken");
}

#[test]
fn a_list_in_one_chunk_lends_its_items_from_it() {
    let text = Bytes::from_static(br#"{"kind":"L","apiVersion":"v1","items":[{"a":1},{"b":2}]}"#);
    let mut decoder = ListDecoder::new(Limits::default());
    decoder.push(text.clone());
    while let Some(item) = decoder.next_item().unwrap() {
        assert!(text.as_ptr_range().contains(&item.as_ptr()), "an item was copied");
    }
    assert!(whole_list(std::str::from_utf8(&text).unwrap()).is_ok());
}
