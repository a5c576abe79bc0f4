//! Reads YAML: a module of its own, which a page fetches only when an edit is first reviewed.

use serde_json::{Value, json};
use wasm_bindgen::prelude::wasm_bindgen;

/// What `text` is, as JSON: `{"read": …}`; or what is wrong with it and where:
/// `{"problem": "…", "place": "line 2, column 1"}`, with a place only where one is known.
#[wasm_bindgen]
pub fn read(text: &str) -> String {
    let answer = match serde_saphyr::from_str::<Value>(text) {
        Ok(read) => json!({ "read": read }),
        Err(error) => {
            let place = error.location();
            let place = place.map(|place| format!("line {}, column {}", place.line(), place.column()));
            json!({ "problem": error.without_snippet().to_string(), "place": place })
        }
    };
    answer.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_a_text_is_or_where_it_goes_wrong() {
        assert_eq!(read("a: [1, 2.5, x]\nb:\n"), r#"{"read":{"a":[1,2.5,"x"],"b":null}}"#);
        let twice: Value = serde_json::from_str(&read("a: 1\na: 2\n")).unwrap();
        assert_eq!(twice["place"], "line 2, column 1");
        assert!(twice["problem"].as_str().unwrap().contains("duplicate"), "{twice}");
    }
}
