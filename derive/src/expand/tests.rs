//! What is wrong is said in the words of the one who wrote it.

use syn::parse_str;

use super::expand;

fn complaint(code: &str) -> String {
    expand(&parse_str(code).unwrap()).unwrap_err().to_string()
}

const FIELDS: &str = "struct Widget { metadata: ObjectMeta, spec: Spec }";

#[test]
fn a_missing_key_is_named() {
    assert_eq!(complaint(FIELDS), "`#[resource(group = \"…\")]` is missing");
    let half = format!("#[resource(group = \"g\", version = \"v1\")] {FIELDS}");
    assert_eq!(complaint(&half), "`#[resource(plural = \"…\")]` is missing");
    let scale = format!(
        "#[resource(group = \"g\", version = \"v1\", plural = \"ws\", scale(spec = \".a\"))] {FIELDS}"
    );
    assert_eq!(complaint(&scale), "`status = \"…\"` is missing");
}

#[test]
fn an_unknown_key_is_answered_with_the_known_ones() {
    let complain = |keys: &str| complaint(&format!("#[resource({keys})] {FIELDS}"));
    assert!(complain("grop = \"g\"").starts_with("expected `group`, `version`"));
    assert!(complain("column(title = \"x\")").starts_with("expected one of `name`, `type`"));
    assert_eq!(complain("group = \"g\", group = \"h\""), "`group` is given twice");
    let head = "group = \"g\", version = \"v1\", plural = \"ws\"";
    assert_eq!(
        complain(&format!("{head}, scope = \"cluster\"")),
        "expected `\"Namespaced\"` or `\"Cluster\"`"
    );
    assert!(complain("group = \"g\", version = \"v1\", plural = \"Ws\"").contains("lower case"));
}

#[test]
fn only_structs_with_metadata_are_resources() {
    let complain = |item: &str| {
        complaint(&format!("#[resource(group = \"g\", version = \"v1\", plural = \"ws\")] {item}"))
    };
    assert!(complain("struct Widget { spec: Spec }").contains("`metadata: ObjectMeta`"));
    assert!(complain("struct Widget(Spec);").contains("named fields"));
    assert!(complain("enum Widget { A }").contains("is a struct"));
    assert!(complain("struct Widget<T> { metadata: ObjectMeta, spec: T }").contains("no parameters"));
}
