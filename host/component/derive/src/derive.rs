//! `ComponentType`, `Lift` and `Lower` for structs and enums.
//!
//! A type is first read into a [`Shape`], where everything that may be wrong with it is found; making the three
//! implementations from a shape cannot fail but for what one of them alone forbids.

use crate::names::component_name;
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Fields, Generics, Member, Type, parse_quote};

/// A Rust type as the component type it stands for.
pub struct Shape<'a> {
    ident: &'a Ident,
    generics: &'a Generics,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Record(Vec<Field<'a>>),
    Variant(Vec<Case<'a>>),
    Enum(Vec<Case<'a>>),
}

struct Field<'a> {
    member: Member,
    name: String,
    ty: &'a Type,
}

struct Case<'a> {
    ident: &'a Ident,
    name: String,
    /// The payload and its field, which may be named or not.
    payload: Option<(Member, &'a Type)>,
}

impl<'a> Shape<'a> {
    /// Reads a type with its `#[component(...)]` attributes.
    pub fn of(input: &'a DeriveInput) -> syn::Result<Shape<'a>> {
        let wanted = declared_kind(input)?;
        let kind = match (&input.data, wanted.to_string().as_str()) {
            (Data::Struct(data), "record") => Kind::Record(fields(&data.fields)?),
            (Data::Enum(data), "variant") => Kind::Variant(cases(data)?),
            (Data::Enum(data), "enum") => {
                let cases = cases(data)?;
                if let Some(case) = cases.iter().find(|case| case.payload.is_some()) {
                    return Err(syn::Error::new(
                        case.ident.span(),
                        "a case of an enum has no payload; for one that has, say #[component(variant)]",
                    ));
                }
                Kind::Enum(cases)
            }
            (Data::Struct(_), _) => {
                return Err(syn::Error::new(
                    wanted.span(),
                    "a struct can only be a record",
                ));
            }
            (Data::Enum(_), _) => {
                return Err(syn::Error::new(
                    wanted.span(),
                    "an enum can be a variant or an enum",
                ));
            }
            (Data::Union(_), _) => {
                return Err(syn::Error::new(
                    input.ident.span(),
                    "a union stands for no component type",
                ));
            }
        };
        Ok(Shape {
            ident: &input.ident,
            generics: &input.generics,
            kind,
        })
    }

    /// `impl<..> ::wasmer_component::Trait for Type<..> where ..`, every type parameter bounded by the trait.
    fn implement(&self, which: &str, body: TokenStream) -> TokenStream {
        let which = Ident::new(which, Span::call_site());
        let mut generics = self.generics.clone();
        for param in generics.type_params_mut() {
            param.bounds.push(parse_quote!(::wasmer_component::#which));
        }
        let ident = self.ident;
        let (params, _, clause) = generics.split_for_impl();
        let (_, args, _) = self.generics.split_for_impl();
        quote! {
            #[automatically_derived]
            impl #params ::wasmer_component::#which for #ident #args #clause {
                #body
            }
        }
    }
}

/// The word in `#[component(record)]`.
fn declared_kind(input: &DeriveInput) -> syn::Result<Ident> {
    let mut kind: Option<Ident> = None;
    for attr in input
        .attrs
        .iter()
        .filter(|attr| attr.path().is_ident("component"))
    {
        attr.parse_args_with(|stream: syn::parse::ParseStream<'_>| {
            // `enum` is a keyword, and still an identifier of the token stream
            let word = syn::ext::IdentExt::parse_any(stream)?;
            if kind.replace(word).is_some() {
                return Err(stream.error("said twice what the type is"));
            }
            Ok(())
        })?;
    }
    match kind {
        Some(kind)
            if ["record", "variant", "enum"]
                .iter()
                .any(|known| kind == known) =>
        {
            Ok(kind)
        }
        Some(kind) => Err(syn::Error::new(
            kind.span(),
            "expected `record`, `variant` or `enum`",
        )),
        None => Err(syn::Error::new(
            input.ident.span(),
            "say what the type is: #[component(record)], #[component(variant)] or #[component(enum)]",
        )),
    }
}

fn fields(fields: &Fields) -> syn::Result<Vec<Field<'_>>> {
    let Fields::Named(named) = fields else {
        return Err(syn::Error::new(
            fields.span(),
            "the fields of a record have names; a Rust tuple is a tuple",
        ));
    };
    let mut out = Vec::new();
    for field in &named.named {
        let Some(ident) = &field.ident else { continue };
        out.push(Field {
            name: component_name(ident, &field.attrs)?,
            member: Member::Named(ident.clone()),
            ty: &field.ty,
        });
    }
    if out.is_empty() {
        return Err(syn::Error::new(
            fields.span(),
            "a record has at least one field",
        ));
    }
    Ok(out)
}

fn cases(data: &syn::DataEnum) -> syn::Result<Vec<Case<'_>>> {
    let mut out = Vec::new();
    for variant in &data.variants {
        if let Some((_, value)) = &variant.discriminant {
            return Err(syn::Error::new(
                value.span(),
                "discriminants are the component model's; leave this out",
            ));
        }
        let mut payloads = variant.fields.iter();
        let payload = payloads.next().map(|field| {
            let member = match &field.ident {
                Some(ident) => Member::Named(ident.clone()),
                None => Member::Unnamed(0.into()),
            };
            (member, &field.ty)
        });
        if let Some(second) = payloads.next() {
            return Err(syn::Error::new(
                second.span(),
                "a case has one payload at most; for more, use a tuple or a record as its payload",
            ));
        }
        out.push(Case {
            ident: &variant.ident,
            name: component_name(&variant.ident, &variant.attrs)?,
            payload,
        });
    }
    if out.is_empty() {
        return Err(syn::Error::new(
            data.enum_token.span(),
            "there is no value of a type without cases",
        ));
    }
    Ok(out)
}

/// `&[<A as ComponentType>::ABI, ...]`
fn field_abis(fields: &[Field<'_>]) -> TokenStream {
    let types = fields.iter().map(|field| field.ty);
    quote! { &[#(<#types as ::wasmer_component::ComponentType>::ABI),*] }
}

/// `&[None, Some(<A as ComponentType>::ABI), ...]`
fn case_abis(cases: &[Case<'_>]) -> TokenStream {
    let abis = cases.iter().map(|case| match &case.payload {
        None => quote! { ::core::option::Option::None },
        Some((_, ty)) => {
            quote! { ::core::option::Option::Some(<#ty as ::wasmer_component::ComponentType>::ABI) }
        }
    });
    quote! { &[#(#abis),*] }
}

/// `u32` literals: a type has at most as many cases as its source has lines.
fn number(n: usize) -> TokenStream {
    let n = proc_macro2::Literal::u32_suffixed(u32::try_from(n).unwrap_or(u32::MAX));
    quote! { #n }
}

pub fn component_type(shape: &Shape<'_>) -> syn::Result<TokenStream> {
    let body = match &shape.kind {
        Kind::Record(fields) => {
            let abis = field_abis(fields);
            let types = fields.iter().map(|field| field.ty).collect::<Vec<_>>();
            let names = fields.iter().map(|field| &field.name);
            quote! {
                const ABI: ::wasmer_component::__internal::Abi = ::wasmer_component::__internal::Abi::record(#abis);

                fn flat_types(out: &mut ::std::vec::Vec<::wasmer_component::__internal::FlatType>) {
                    #(<#types as ::wasmer_component::ComponentType>::flat_types(out);)*
                }

                fn typecheck(
                    ty: ::wasmer_component::__internal::Type,
                    types: &::wasmer_component::__internal::Types,
                ) -> ::core::result::Result<(), ::wasmer_component::__internal::TypeMismatch> {
                    ::wasmer_component::__internal::check_record(
                        ty,
                        types,
                        &[#((#names, <#types as ::wasmer_component::ComponentType>::typecheck)),*],
                    )
                }
            }
        }
        Kind::Variant(cases) => {
            let abis = case_abis(cases);
            let payloads = cases
                .iter()
                .filter_map(|case| case.payload.as_ref().map(|(_, ty)| ty));
            let checks = cases.iter().map(|case| {
                let name = &case.name;
                match &case.payload {
                    None => quote! { (#name, ::core::option::Option::None) },
                    Some((_, ty)) => quote! {
                        (#name, ::core::option::Option::Some(<#ty as ::wasmer_component::ComponentType>::typecheck as _))
                    },
                }
            });
            quote! {
                const ABI: ::wasmer_component::__internal::Abi = ::wasmer_component::__internal::Abi::variant(#abis);

                fn flat_types(out: &mut ::std::vec::Vec<::wasmer_component::__internal::FlatType>) {
                    ::wasmer_component::__internal::flat_variant(
                        out,
                        &[#(<#payloads as ::wasmer_component::ComponentType>::flat_types),*],
                    );
                }

                fn typecheck(
                    ty: ::wasmer_component::__internal::Type,
                    types: &::wasmer_component::__internal::Types,
                ) -> ::core::result::Result<(), ::wasmer_component::__internal::TypeMismatch> {
                    ::wasmer_component::__internal::check_variant(ty, types, &[#(#checks),*])
                }
            }
        }
        Kind::Enum(cases) => {
            let count = cases.len();
            let names = cases.iter().map(|case| &case.name);
            quote! {
                const ABI: ::wasmer_component::__internal::Abi = ::wasmer_component::__internal::Abi::scalar(
                    ::wasmer_component::__internal::discriminant_size(#count),
                );

                fn flat_types(out: &mut ::std::vec::Vec<::wasmer_component::__internal::FlatType>) {
                    out.push(::wasmer_component::__internal::FlatType::I32);
                }

                fn typecheck(
                    ty: ::wasmer_component::__internal::Type,
                    types: &::wasmer_component::__internal::Types,
                ) -> ::core::result::Result<(), ::wasmer_component::__internal::TypeMismatch> {
                    ::wasmer_component::__internal::check_enum(ty, types, &[#(#names),*])
                }
            }
        }
    };
    Ok(shape.implement("ComponentType", body))
}

pub fn lower(shape: &Shape<'_>) -> syn::Result<TokenStream> {
    let (flat, store) = match &shape.kind {
        Kind::Record(fields) => {
            let abis = field_abis(fields);
            let members: Vec<_> = fields.iter().map(|field| &field.member).collect();
            let types: Vec<_> = fields.iter().map(|field| field.ty).collect();
            let indices: Vec<_> = (0..fields.len()).map(syn::Index::from).collect();
            (
                quote! {
                    #(
                        let part = ::wasmer_component::__internal::field_type(cx.types(), ty, #indices)?;
                        <#types as ::wasmer_component::Lower>::lower_flat(&self.#members, cx, part, dst)?;
                    )*
                    ::core::result::Result::Ok(())
                },
                quote! {
                    #(
                        let part = ::wasmer_component::__internal::field_type(cx.types(), ty, #indices)?;
                        let at = offset + const { ::wasmer_component::__internal::Abi::field_offset(#abis, #indices) };
                        <#types as ::wasmer_component::Lower>::store(&self.#members, cx, part, at)?;
                    )*
                    ::core::result::Result::Ok(())
                },
            )
        }
        Kind::Variant(cases) => {
            let abis = case_abis(cases);
            let arms = |to_memory: bool| {
                let abis = abis.clone();
                cases.iter().enumerate().map(move |(i, case)| {
                    let (ident, index, abis) = (case.ident, number(i), &abis);
                    let count = cases.len();
                    let discriminant = if to_memory {
                        quote! { ::wasmer_component::__internal::store_case::<#count>(cx, offset, #index)?; }
                    } else {
                        quote! { dst.push(::core::convert::From::from(#index)); }
                    };
                    let Some((member, ty)) = &case.payload else {
                        return quote! { Self::#ident { .. } => { #discriminant } };
                    };
                    let payload = if to_memory {
                        quote! {
                            let at = offset + const { ::wasmer_component::__internal::Abi::payload_offset(#abis) };
                            <#ty as ::wasmer_component::Lower>::store(payload, cx, part, at)?;
                        }
                    } else {
                        quote! { <#ty as ::wasmer_component::Lower>::lower_flat(payload, cx, part, dst)?; }
                    };
                    quote! {
                        Self::#ident { #member: payload } => {
                            #discriminant
                            let part = ::wasmer_component::__internal::case_type(cx.types(), ty, #index)?;
                            #payload
                        }
                    }
                })
            };
            let (flat_arms, store_arms) = (arms(false), arms(true));
            (
                quote! {
                    let end = dst.len() + ::wasmer_component::__internal::flat_count::<Self>();
                    match self { #(#flat_arms)* }
                    dst.pad_to(end);
                    ::core::result::Result::Ok(())
                },
                quote! {
                    match self { #(#store_arms)* }
                    ::core::result::Result::Ok(())
                },
            )
        }
        Kind::Enum(cases) => {
            let count = cases.len();
            let idents: Vec<_> = cases.iter().map(|case| case.ident).collect();
            let indices: Vec<_> = (0..count).map(number).collect();
            (
                quote! {
                    let case: u32 = match self { #(Self::#idents { .. } => #indices,)* };
                    dst.push(::core::convert::From::from(case));
                    ::core::result::Result::Ok(())
                },
                quote! {
                    let case: u32 = match self { #(Self::#idents { .. } => #indices,)* };
                    ::wasmer_component::__internal::store_case::<#count>(cx, offset, case)
                },
            )
        }
    };
    Ok(shape.implement(
        "Lower",
        quote! {
            #[allow(unused_variables)]
            fn lower_flat(
                &self,
                cx: &mut ::wasmer_component::__internal::LowerContext<'_>,
                ty: ::wasmer_component::__internal::Type,
                dst: &mut ::wasmer_component::__internal::FlatWriter,
            ) -> ::wasmer_component::Result<()> {
                #flat
            }

            #[allow(unused_variables)]
            fn store(
                &self,
                cx: &mut ::wasmer_component::__internal::LowerContext<'_>,
                ty: ::wasmer_component::__internal::Type,
                offset: u32,
            ) -> ::wasmer_component::Result<()> {
                #store
            }
        },
    ))
}

pub fn lift(shape: &Shape<'_>) -> syn::Result<TokenStream> {
    let (flat, load) = match &shape.kind {
        Kind::Record(fields) => {
            let abis = field_abis(fields);
            let members: Vec<_> = fields.iter().map(|field| &field.member).collect();
            let types: Vec<_> = fields.iter().map(|field| field.ty).collect();
            let indices: Vec<_> = (0..fields.len()).map(syn::Index::from).collect();
            (
                quote! {
                    ::core::result::Result::Ok(Self { #(
                        #members: {
                            let part = ::wasmer_component::__internal::field_type(cx.types(), ty, #indices)?;
                            <#types as ::wasmer_component::Lift>::lift_flat(cx, part, src)?
                        },
                    )* })
                },
                quote! {
                    ::core::result::Result::Ok(Self { #(
                        #members: {
                            let part = ::wasmer_component::__internal::field_type(cx.types(), ty, #indices)?;
                            let at = const { ::wasmer_component::__internal::Abi::field_offset(#abis, #indices) };
                            let own = ::wasmer_component::__internal::part::<#types>(bytes, at)?;
                            <#types as ::wasmer_component::Lift>::load(cx, part, own)?
                        },
                    )* })
                },
            )
        }
        Kind::Variant(cases) => {
            let abis = case_abis(cases);
            let count = cases.len();
            let arms = |from_memory: bool| {
                let abis = abis.clone();
                cases.iter().enumerate().map(move |(i, case)| {
                    let (ident, index, abis) = (case.ident, number(i), &abis);
                    let Some((member, ty)) = &case.payload else {
                        return quote! { #index => Self::#ident {}, };
                    };
                    let payload = if from_memory {
                        quote! {{
                            let at = const { ::wasmer_component::__internal::Abi::payload_offset(#abis) };
                            let own = ::wasmer_component::__internal::part::<#ty>(bytes, at)?;
                            <#ty as ::wasmer_component::Lift>::load(cx, part, own)?
                        }}
                    } else {
                        quote! { <#ty as ::wasmer_component::Lift>::lift_flat(cx, part, src)? }
                    };
                    let built = match member {
                        Member::Named(member) => quote! { Self::#ident { #member: #payload } },
                        Member::Unnamed(_) => quote! { Self::#ident(#payload) },
                    };
                    quote! {
                        #index => {
                            let part = ::wasmer_component::__internal::case_type(cx.types(), ty, #index)?;
                            #built
                        }
                    }
                })
            };
            let (flat_arms, load_arms) = (arms(false), arms(true));
            (
                quote! {
                    let end = src.position() + ::wasmer_component::__internal::flat_count::<Self>();
                    let value = match src.pop_u32()? {
                        #(#flat_arms)*
                        other => return ::core::result::Result::Err(::wasmer_component::__internal::no_such_case(other, #count)),
                    };
                    src.skip_to(end);
                    ::core::result::Result::Ok(value)
                },
                quote! {
                    ::core::result::Result::Ok(match ::wasmer_component::__internal::load_case::<#count>(bytes)? {
                        #(#load_arms)*
                        other => return ::core::result::Result::Err(::wasmer_component::__internal::no_such_case(other, #count)),
                    })
                },
            )
        }
        Kind::Enum(cases) => {
            let count = cases.len();
            let idents: Vec<_> = cases.iter().map(|case| case.ident).collect();
            let indices: Vec<_> = (0..count).map(number).collect();
            let from = quote! {
                #(#indices => Self::#idents {},)*
                other => return ::core::result::Result::Err(::wasmer_component::__internal::no_such_case(other, #count)),
            };
            (
                quote! { ::core::result::Result::Ok(match src.pop_u32()? { #from }) },
                quote! {
                    ::core::result::Result::Ok(match ::wasmer_component::__internal::load_case::<#count>(bytes)? { #from })
                },
            )
        }
    };
    Ok(shape.implement(
        "Lift",
        quote! {
            #[allow(unused_variables)]
            fn lift_flat(
                cx: &mut ::wasmer_component::__internal::LiftContext<'_>,
                ty: ::wasmer_component::__internal::Type,
                src: &mut ::wasmer_component::__internal::FlatReader<'_>,
            ) -> ::wasmer_component::Result<Self> {
                #flat
            }

            #[allow(unused_variables)]
            fn load(
                cx: &mut ::wasmer_component::__internal::LiftContext<'_>,
                ty: ::wasmer_component::__internal::Type,
                bytes: &[u8],
            ) -> ::wasmer_component::Result<Self> {
                #load
            }
        },
    ))
}
