//! The implementations the derive writes.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Error, Field, Fields, Ident, Result, Type};

use crate::attributes::{Attributes, Column, Scale};

/// All of them.
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let attributes = Attributes::of(input)?;
    let fields = fields(input)?;
    let Some(metadata) = fields.iter().find(|field| *field.name == "metadata") else {
        return Err(Error::new(input.ident.span(), "a custom resource has a field `metadata: ObjectMeta`"));
    };
    let name = &input.ident;
    let has_status = fields.iter().any(|field| *field.name == "status");
    let identity = identity(name, &attributes, metadata);
    let wire = wire(name, &fields);
    let definition =
        attributes.has_schema.then(|| definition(input, &attributes, &fields, has_status)).into_iter();
    let status = has_status.then(|| quote!(impl ::portolan::client::HasStatus for #name {})).into_iter();
    let scale =
        attributes.scale.as_ref().map(|_| quote!(impl ::portolan::client::HasScale for #name {})).into_iter();
    Ok(quote!(#identity #wire #(#definition)* #(#status)* #(#scale)*))
}

/// A field, by name and type.
struct Member<'a> {
    name: &'a Ident,
    kind: &'a Type,
    field: &'a Field,
}

impl Member<'_> {
    /// Attributes of serde and schemars, and what it says of itself.
    fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        let known = ["serde", "schemars", "doc"];
        self.field
            .attrs
            .iter()
            .filter(move |attribute| known.iter().any(|name| attribute.path().is_ident(name)))
    }

    /// The same without those that only a schema knows.
    fn serde(&self) -> impl Iterator<Item = &Attribute> {
        self.field.attrs.iter().filter(|attribute| attribute.path().is_ident("serde"))
    }

    fn is_option(&self) -> bool {
        let Type::Path(path) = self.kind else { return false };
        path.path.segments.last().is_some_and(|segment| segment.ident == "Option")
    }
}

fn fields(input: &DeriveInput) -> Result<Vec<Member<'_>>> {
    if let Some(parameter) = input.generics.params.first() {
        return Err(Error::new_spanned(
            parameter,
            "a custom resource has no parameters: its kind is one type",
        ));
    }
    let Data::Struct(data) = &input.data else {
        return Err(Error::new(input.ident.span(), "a custom resource is a struct"));
    };
    let Fields::Named(named) = &data.fields else {
        return Err(Error::new(
            input.ident.span(),
            "a custom resource has named fields: metadata, spec, status",
        ));
    };
    let members = named
        .named
        .iter()
        .filter_map(|field| Some(Member { name: field.ident.as_ref()?, kind: &field.ty, field }));
    Ok(members.collect())
}

/// k8s-openapi's traits.
fn identity(name: &Ident, attributes: &Attributes, metadata: &Member<'_>) -> TokenStream {
    let Attributes { group, version, plural, kind, namespaced, .. } = attributes;
    let (api_version, list_kind) = (format!("{group}/{version}"), format!("{kind}List"));
    let scope = if *namespaced { quote!(NamespaceResourceScope) } else { quote!(ClusterResourceScope) };
    let object_meta = metadata.kind;
    quote! {
        impl ::k8s_openapi::Resource for #name {
            const API_VERSION: &'static str = #api_version;
            const GROUP: &'static str = #group;
            const KIND: &'static str = #kind;
            const VERSION: &'static str = #version;
            const URL_PATH_SEGMENT: &'static str = #plural;
            type Scope = ::k8s_openapi::#scope;
        }

        impl ::k8s_openapi::ListableResource for #name {
            const LIST_KIND: &'static str = #list_kind;
        }

        impl ::k8s_openapi::Metadata for #name {
            type Ty = #object_meta;

            fn metadata(&self) -> &Self::Ty {
                &self.metadata
            }

            fn metadata_mut(&mut self) -> &mut Self::Ty {
                &mut self.metadata
            }
        }
    }
}

/// serde's traits: the fields with apiVersion and kind before them.
fn wire(name: &Ident, fields: &[Member<'_>]) -> TokenStream {
    let names: Vec<_> = fields.iter().map(|field| field.name).collect();
    let written = fields.iter().map(|Member { name, kind, .. }| quote!(#name: &'a #kind));
    let written: Vec<_> = written
        .zip(fields)
        .map(|(written, field)| {
            let (serde, skip) = (field.serde(), skip(field));
            quote!(#(#serde)* #skip #written)
        })
        .collect();
    let read = fields.iter().map(|field| {
        let (Member { name, kind, .. }, serde) = (field, field.serde());
        let default = (*name == "metadata").then(|| quote!(#[serde(default)])).into_iter();
        quote!(#(#serde)* #(#default)* #name: #kind)
    });
    quote! {
        const _: () = {
            #[derive(::serde::Serialize)]
            #[serde(rename_all = "camelCase")]
            struct Written<'a> {
                api_version: &'static str,
                kind: &'static str,
                #(#written,)*
            }

            #[derive(::serde::Deserialize)]
            #[serde(rename_all = "camelCase")]
            struct Read {
                #[serde(default)]
                api_version: ::std::option::Option<::std::string::String>,
                #[serde(default)]
                kind: ::std::option::Option<::std::string::String>,
                #(#read,)*
            }

            impl ::serde::Serialize for #name {
                fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                    let written = Written {
                        api_version: <Self as ::k8s_openapi::Resource>::API_VERSION,
                        kind: <Self as ::k8s_openapi::Resource>::KIND,
                        #(#names: &self.#names,)*
                    };
                    ::serde::Serialize::serialize(&written, serializer)
                }
            }

            impl<'de> ::serde::Deserialize<'de> for #name {
                fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                    let read = <Read as ::serde::Deserialize>::deserialize(deserializer)?;
                    ::portolan::client::expect_kind::<Self, D::Error>(read.api_version.as_deref(), read.kind.as_deref())?;
                    ::std::result::Result::Ok(Self { #(#names: read.#names,)* })
                }
            }
        };
    }
}

/// A field that holds nothing is not written, unless serde was told otherwise.
fn skip(field: &Member<'_>) -> TokenStream {
    let told = field.serde().any(|attribute| quote!(#attribute).to_string().contains("skip_serializing"));
    if field.is_option() && !told {
        quote!(#[serde(skip_serializing_if = "::std::option::Option::is_none")])
    } else {
        TokenStream::new()
    }
}

/// Portolan's `CustomResource`.
fn definition(
    input: &DeriveInput,
    attributes: &Attributes,
    fields: &[Member<'_>],
    has_status: bool,
) -> TokenStream {
    let Attributes { singular, short_names, categories, .. } = attributes;
    let name = &input.ident;
    let columns = attributes.columns.iter().map(column);
    let scale = option(attributes.scale.as_ref().map(scale));
    let docs = input.attrs.iter().filter(|attribute| attribute.path().is_ident("doc"));
    let members = fields.iter().filter(|field| *field.name != "metadata").map(|field| {
        let (Member { name, kind, .. }, attributes) = (field, field.attributes());
        quote!(#(#attributes)* #name: #kind)
    });
    quote! {
        impl ::portolan::client::CustomResource for #name {
            fn definition() -> ::portolan::client::Definition {
                #(#docs)*
                #[derive(::schemars::JsonSchema)]
                #[serde(rename_all = "camelCase")]
                #[expect(dead_code, reason = "it is there for its schema")]
                struct Object {
                    #(#members,)*
                }
                let settings = ::schemars::generate::SchemaSettings::draft2020_12().with(|settings| {
                    settings.inline_subschemas = true;
                });
                let schema = settings.into_generator().into_root_schema_for::<Object>();
                ::portolan::client::Definition {
                    singular: #singular.into(),
                    short_names: ::std::vec![#(#short_names.into()),*],
                    categories: ::std::vec![#(#categories.into()),*],
                    columns: ::std::vec![#(#columns),*],
                    has_status: #has_status,
                    scale: #scale,
                    schema: schema.to_value(),
                }
            }
        }
    }
}

fn column(column: &Column) -> TokenStream {
    let Column { name, kind, path, .. } = column;
    let description = option(column.description.as_ref().map(|text| quote!(#text.into())));
    let format = option(column.format.as_ref().map(|text| quote!(#text.into())));
    let priority = option(column.priority.map(|number| quote!(#number)));
    quote! {
        ::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceColumnDefinition {
            name: #name.into(),
            type_: #kind.into(),
            json_path: #path.into(),
            description: #description,
            format: #format,
            priority: #priority,
        }
    }
}

fn scale(scale: &Scale) -> TokenStream {
    let Scale { spec, status, selector } = scale;
    let selector = option(selector.as_ref().map(|text| quote!(#text.into())));
    quote! {
        ::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceSubresourceScale {
            spec_replicas_path: #spec.into(),
            status_replicas_path: #status.into(),
            label_selector_path: #selector,
        }
    }
}

fn option(value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(
        || quote!(::std::option::Option::None),
        |value| quote!(::std::option::Option::Some(#value)),
    )
}

#[cfg(test)]
mod tests;
