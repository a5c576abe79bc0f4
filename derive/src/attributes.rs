//! What `#[resource(…)]` says. Invariant: a wrong or missing key is an error at its place that says what is possible.

use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::{DeriveInput, Error, LitInt, LitStr, Result, Token, bracketed};

const KEYS: &str = "`group`, `version`, `plural`, `kind`, `singular`, `scope`, `short_names`, `categories`, `scale`, \
                    `column` or `schema`";

/// All of it.
pub(crate) struct Attributes {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) kind: String,
    pub(crate) singular: String,
    pub(crate) namespaced: bool,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) scale: Option<Scale>,
    pub(crate) columns: Vec<Column>,
    pub(crate) has_schema: bool,
}

/// Where the replicas are.
pub(crate) struct Scale {
    pub(crate) spec: String,
    pub(crate) status: String,
    pub(crate) selector: Option<String>,
}

/// A column of `kubectl get`.
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) path: String,
    pub(crate) description: Option<String>,
    pub(crate) format: Option<String>,
    pub(crate) priority: Option<i32>,
}

/// As it is read, before anything is known to be missing.
#[derive(Default)]
struct Given {
    texts: Vec<(String, LitStr)>,
    short_names: Vec<String>,
    categories: Vec<String>,
    scale: Option<Scale>,
    columns: Vec<Column>,
}

impl Attributes {
    /// Reads them.
    pub(crate) fn of(input: &DeriveInput) -> Result<Self> {
        let mut given = Given::default();
        for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("resource")) {
            attribute.parse_nested_meta(|meta| given.read(&meta))?;
        }
        let name = input.ident.to_string();
        let required = |key: &str| {
            let missing =
                || Error::new(input.ident.span(), format!("`#[resource({key} = \"…\")]` is missing"));
            given.text(key).map(LitStr::value).ok_or_else(missing)
        };
        let kind = given.text("kind").map_or_else(|| name.clone(), LitStr::value);
        let attributes = Self {
            group: required("group")?,
            version: required("version")?,
            plural: required("plural")?,
            singular: given.text("singular").map_or_else(|| kind.to_lowercase(), LitStr::value),
            namespaced: one_of(given.text("scope"), ["Namespaced", "Cluster"])? != Some("Cluster"),
            has_schema: one_of(given.text("schema"), ["none"])?.is_none(),
            kind,
            short_names: given.short_names,
            categories: given.categories,
            scale: given.scale,
            columns: given.columns,
        };
        if attributes.plural != attributes.plural.to_lowercase() {
            let what = "`plural` is written in lower case, as in the API's paths";
            return Err(Error::new(input.ident.span(), what));
        }
        Ok(attributes)
    }
}

impl Given {
    fn text(&self, key: &str) -> Option<&LitStr> {
        self.texts.iter().find(|(name, _)| name == key).map(|(_, text)| text)
    }

    fn read(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let key = key(meta);
        match key.as_str() {
            "short_names" => self.short_names = texts(meta)?,
            "categories" => self.categories = texts(meta)?,
            "scale" => self.scale = Some(scale(meta)?),
            "column" => self.columns.push(column(meta)?),
            "group" | "version" | "plural" | "kind" | "singular" | "scope" | "schema" => {
                if self.text(&key).is_some() {
                    return Err(meta.error(format!("`{key}` is given twice")));
                }
                self.texts.push((key, meta.value()?.parse()?));
            }
            _ => return Err(meta.error(format!("expected {KEYS}"))),
        }
        Ok(())
    }
}

fn scale(meta: &ParseNestedMeta<'_>) -> Result<Scale> {
    let mut parts = Parts::read(meta, &["spec", "status", "selector"])?;
    Ok(Scale {
        spec: parts.required("spec")?,
        status: parts.required("status")?,
        selector: parts.take("selector"),
    })
}

fn column(meta: &ParseNestedMeta<'_>) -> Result<Column> {
    let mut parts = Parts::read(meta, &["name", "type", "path", "description", "format", "priority"])?;
    let priority = parts.take("priority").map(|text| text.parse());
    Ok(Column {
        name: parts.required("name")?,
        kind: parts.required("type")?,
        path: parts.required("path")?,
        description: parts.take("description"),
        format: parts.take("format"),
        priority: priority.transpose().map_err(|_| Error::new(parts.span, "`priority` is a small number"))?,
    })
}

/// The keys within `scale(…)` or `column(…)`.
struct Parts {
    span: Span,
    given: Vec<(String, String)>,
}

impl Parts {
    fn read(meta: &ParseNestedMeta<'_>, known: &[&str]) -> Result<Self> {
        let mut given = Vec::new();
        meta.parse_nested_meta(|part| {
            let key = key(&part);
            if !known.contains(&key.as_str()) {
                return Err(part.error(format!("expected one of `{}`", known.join("`, `"))));
            }
            let value = part.value()?;
            let text = if value.peek(LitInt) {
                value.parse::<LitInt>()?.base10_digits().to_owned()
            } else {
                value.parse::<LitStr>()?.value()
            };
            given.push((key, text));
            Ok(())
        })?;
        let span = meta.path.get_ident().map_or_else(Span::call_site, syn::Ident::span);
        Ok(Self { span, given })
    }

    fn take(&mut self, key: &str) -> Option<String> {
        let at = self.given.iter().position(|(name, _)| name == key)?;
        Some(self.given.remove(at).1)
    }

    fn required(&mut self, key: &str) -> Result<String> {
        let span = self.span;
        self.take(key).ok_or_else(|| Error::new(span, format!("`{key} = \"…\"` is missing")))
    }
}

/// The name before `=` or `(`; `type` is a name here too.
fn key(meta: &ParseNestedMeta<'_>) -> String {
    meta.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
}

fn texts(meta: &ParseNestedMeta<'_>) -> Result<Vec<String>> {
    let value = meta.value()?;
    let inside;
    bracketed!(inside in value);
    let texts: Punctuated<LitStr, Token![,]> = Punctuated::parse_terminated(&inside)?;
    Ok(texts.iter().map(LitStr::value).collect())
}

fn one_of<const N: usize>(
    text: Option<&LitStr>,
    possible: [&'static str; N],
) -> Result<Option<&'static str>> {
    let Some(text) = text else { return Ok(None) };
    let found = possible.into_iter().find(|word| *word == text.value());
    found
        .map(Some)
        .ok_or_else(|| Error::new(text.span(), format!("expected `\"{}\"`", possible.join("\"` or `\""))))
}
