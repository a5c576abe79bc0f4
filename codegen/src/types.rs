//! A schema as Rust types.

use std::collections::BTreeSet;
use std::fmt::Write;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};

use crate::names;

const DERIVES: &str = "Clone, Debug, PartialEq";
const VALUE: &str = "Value";
const INT_OR_STRING: &str = "IntOrString";

/// What the types use beside Rust's own, and from where.
const IMPORTS: [(&str, &str); 4] = [
    ("BTreeMap", "std::collections::BTreeMap"),
    (INT_OR_STRING, "k8s_openapi::apimachinery::pkg::util::intstr::IntOrString"),
    ("ObjectMeta", "k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta"),
    (VALUE, "serde_json::Value"),
];

/// Names that are taken before any type of a definition is.
const TAKEN: [&str; 11] = [
    "BTreeMap",
    "CustomResource",
    "Default",
    "Deserialize",
    "IntOrString",
    "ObjectMeta",
    "Option",
    "Serialize",
    "String",
    "Value",
    "Vec",
];

/// The types so far, in the order in which they are met.
pub(crate) struct Types {
    /// Each with its place, which is taken before those within it are written.
    written: Vec<String>,
    names: BTreeSet<String>,
}

impl Default for Types {
    fn default() -> Self {
        Self { written: Vec::new(), names: TAKEN.map(str::to_owned).into() }
    }
}

/// A Rust type, and whether it has a default.
struct Rust {
    name: String,
    has_default: bool,
}

impl Rust {
    fn plain(name: &str) -> Self {
        Self { name: name.to_owned(), has_default: true }
    }
}

impl Types {
    /// The custom resource itself; `resource` is what the derive is told.
    pub(crate) fn resource(&mut self, name: &str, schema: &JSONSchemaProps, resource: &str) {
        let place = self.place(name);
        let mut fields = "    pub metadata: ObjectMeta,\n".to_owned();
        let of_the_type = ["apiVersion", "kind", "metadata"];
        let has_default = self.fields(name, schema, &of_the_type, &mut fields);
        let default = if has_default { ", Default" } else { "" };
        self.written[place] = format!(
            "{}#[derive(CustomResource, {DERIVES}{default})]\n#[resource({resource})]\npub struct {name} {{\n{fields}}}\n",
            documentation(schema, "")
        );
    }

    /// All of them, after what they import.
    pub(crate) fn code(&self) -> String {
        let types = self.written.join("\n");
        let fields = types.lines().filter(|line| line.starts_with("    pub "));
        let words: BTreeSet<&str> = fields
            .flat_map(|line| line.split(|letter: char| !letter.is_alphanumeric() && letter != '_'))
            .collect();
        let mut imports: Vec<&str> =
            IMPORTS.into_iter().filter(|(name, _)| words.contains(name)).map(|(_, path)| path).collect();
        imports.push("portolan_derive::CustomResource");
        if types.contains("#[derive(Serialize") {
            imports.push("serde::{Deserialize, Serialize}");
        }
        let lines: String = imports.iter().map(|path| format!("use {path};\n")).collect();
        format!("{lines}\n{types}")
    }

    fn place(&mut self, name: &str) -> usize {
        self.names.insert(name.to_owned());
        self.written.push(String::new());
        self.written.len() - 1
    }

    /// The type of a value; a type of its own is called `name`.
    fn of(&mut self, name: &str, schema: &JSONSchemaProps) -> Rust {
        if schema.x_kubernetes_int_or_string == Some(true) {
            return Rust::plain(INT_OR_STRING);
        }
        if schema.x_kubernetes_embedded_resource == Some(true) {
            return Rust::plain(VALUE);
        }
        match schema.type_.as_deref() {
            Some("boolean") => Rust::plain("bool"),
            Some("integer") if schema.format.as_deref() == Some("int32") => Rust::plain("i32"),
            Some("integer") => Rust::plain("i64"),
            Some("number") => Rust::plain("f64"),
            Some("string") if schema.enum_.as_ref().is_some_and(|values| !values.is_empty()) => {
                self.enumeration(name, schema)
            }
            Some("string") => Rust::plain("String"),
            Some("array") => match &schema.items {
                Some(JSONSchemaPropsOrArray::Schema(items)) => {
                    Rust::plain(&format!("Vec<{}>", self.of(&format!("{name}Item"), items).name))
                }
                _ => Rust::plain(&format!("Vec<{VALUE}>")),
            },
            Some("object") => self.object(name, schema),
            _ => Rust::plain(VALUE),
        }
    }

    fn object(&mut self, name: &str, schema: &JSONSchemaProps) -> Rust {
        if schema.properties.as_ref().is_some_and(|properties| !properties.is_empty()) {
            return self.structure(name, schema);
        }
        match &schema.additional_properties {
            Some(JSONSchemaPropsOrBool::Schema(values)) => {
                let values = self.of(&format!("{name}Value"), values).name;
                Rust::plain(&format!("BTreeMap<String, {values}>"))
            }
            _ => Rust::plain(VALUE),
        }
    }

    fn structure(&mut self, name: &str, schema: &JSONSchemaProps) -> Rust {
        let name = self.free(name);
        let place = self.place(&name);
        let mut fields = String::new();
        let has_default = self.fields(&name, schema, &[], &mut fields);
        let default = if has_default { ", Default" } else { "" };
        self.written[place] = format!(
            "#[derive(Serialize, Deserialize, {DERIVES}{default})]\n#[serde(rename_all = \"camelCase\")]\npub struct {name} {{\n{fields}}}\n"
        );
        Rust { name, has_default }
    }

    /// Writes the fields, and says whether all of them have a default.
    fn fields(&mut self, owner: &str, schema: &JSONSchemaProps, without: &[&str], out: &mut String) -> bool {
        let required = schema.required.as_deref().unwrap_or_default();
        let (mut all_have_default, mut taken) = (true, BTreeSet::from(["other_fields".to_owned()]));
        for (name, property) in schema.properties.iter().flatten() {
            if without.contains(&name.as_str()) {
                continue;
            }
            let mut field = names::snake(name);
            while !taken.insert(field.clone()) {
                field.push('_');
            }
            let rust = self.of(&format!("{owner}{}", names::pascal(name)), property);
            let is_required = required.contains(name);
            let is_option = !is_required || property.nullable == Some(true);
            out.push_str(&documentation(property, "    "));
            let mut serde = Vec::new();
            if names::camel(&field) != *name {
                serde.push(format!("rename = {name:?}"));
            }
            if !is_required {
                serde.push("skip_serializing_if = \"Option::is_none\"".to_owned());
            }
            if !serde.is_empty() {
                let _ = writeln!(out, "    #[serde({})]", serde.join(", "));
            }
            let kind = if is_option { format!("Option<{}>", rust.name) } else { rust.name };
            let _ = writeln!(out, "    pub {field}: {kind},");
            all_have_default &= is_option || rust.has_default;
        }
        if schema.x_kubernetes_preserve_unknown_fields == Some(true) {
            let _ = write!(
                out,
                "    /// What the definition does not name.\n    #[serde(flatten)]\n    pub other_fields: BTreeMap<String, {VALUE}>,\n"
            );
        }
        all_have_default
    }

    fn enumeration(&mut self, name: &str, schema: &JSONSchemaProps) -> Rust {
        let name = self.free(name);
        let place = self.place(&name);
        let (mut variants, mut taken) = (String::new(), BTreeSet::from(["Other".to_owned()]));
        for value in schema.enum_.iter().flatten() {
            let Some(text) = value.0.as_str() else { continue };
            let mut variant = names::pascal(text);
            while !taken.insert(variant.clone()) {
                variant.push('_');
            }
            let _ = write!(variants, "    #[serde(rename = {text:?})]\n    {variant},\n");
        }
        self.written[place] = format!(
            "#[derive(Serialize, Deserialize, {DERIVES})]\npub enum {name} {{\n{variants}    /// A word of a newer definition.\n    #[serde(untagged)]\n    Other(String),\n}}\n"
        );
        Rust { name, has_default: false }
    }

    /// `name`, or the first like it that no type has yet.
    fn free(&self, name: &str) -> String {
        let mut free = name.to_owned();
        while self.names.contains(&free) {
            free.push('_');
        }
        free
    }
}

/// What a schema says of itself, as a comment in which nothing is code: rustdoc would run it.
fn documentation(schema: &JSONSchemaProps, indent: &str) -> String {
    let text = schema.description.as_deref().unwrap_or_default();
    let lines = text.lines().map(|line| line.trim().replace("```", "'''"));
    lines.map(|line| format!("{indent}/// {line}").trim_end().to_owned() + "\n").collect()
}
