//! `flags!`: a set of named bits.

use crate::names::component_name;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Token, Visibility, braced};

/// More than these would need several core values.
const MAX: usize = 32;

/// `/// docs  pub Name { #[component(name = "read")] const READ; ... }`
pub struct Declaration {
    attrs: Vec<Attribute>,
    visibility: Visibility,
    ident: Ident,
    flags: Vec<Flag>,
}

struct Flag {
    attrs: Vec<Attribute>,
    ident: Ident,
    name: String,
}

impl Parse for Declaration {
    fn parse(input: ParseStream<'_>) -> syn::Result<Declaration> {
        let attrs = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        if input.peek(Token![struct]) {
            input.parse::<Token![struct]>()?;
        }
        let ident: Ident = input.parse()?;
        let content;
        braced!(content in input);
        let mut flags = Vec::new();
        while !content.is_empty() {
            let attrs = content.call(Attribute::parse_outer)?;
            content.parse::<Token![const]>()?;
            let ident: Ident = content.parse()?;
            content.parse::<Token![;]>()?;
            let name = component_name(&ident, &attrs)?;
            let attrs = attrs
                .into_iter()
                .filter(|attr| !attr.path().is_ident("component"))
                .collect();
            flags.push(Flag { attrs, ident, name });
        }
        if flags.is_empty() || flags.len() > MAX {
            return Err(syn::Error::new(
                ident.span(),
                format!("between 1 and {MAX} flags, please"),
            ));
        }
        Ok(Declaration {
            attrs,
            visibility,
            ident,
            flags,
        })
    }
}

pub fn expand(declaration: &Declaration) -> TokenStream {
    let Declaration {
        attrs,
        visibility,
        ident,
        flags,
    } = declaration;
    let count = flags.len();
    let width = if count <= 8 {
        8
    } else if count <= 16 {
        16
    } else {
        32
    };
    let int = format_ident!("u{width}");
    let docs = flags.iter().map(|flag| &flag.attrs);
    let idents: Vec<_> = flags.iter().map(|flag| &flag.ident).collect();
    let names: Vec<_> = flags.iter().map(|flag| &flag.name).collect();
    let bits = (0..count)
        .map(|i| Literal::u32_unsuffixed(1 << i))
        .collect::<Vec<_>>();
    let all = Literal::u32_unsuffixed(u32::MAX >> (MAX - count));
    quote! {
        #(#attrs)*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
        #visibility struct #ident { bits: #int }

        #[allow(dead_code, missing_docs)]
        impl #ident {
            #(
                #(#docs)*
                pub const #idents: Self = Self { bits: #bits };
            )*

            /// None of the flags.
            pub const fn empty() -> Self {
                Self { bits: 0 }
            }

            /// All of the flags.
            pub const fn all() -> Self {
                Self { bits: #all }
            }

            /// The flags as bits, the first one lowest.
            pub const fn bits(self) -> #int {
                self.bits
            }

            /// From bits; those that stand for no flag are ignored.
            pub const fn from_bits_truncate(bits: #int) -> Self {
                Self { bits: bits & #all }
            }

            /// Whether no flag is set.
            pub const fn is_empty(self) -> bool {
                self.bits == 0
            }

            /// Whether all flags of `other` are set.
            pub const fn contains(self, other: Self) -> bool {
                self.bits & other.bits == other.bits
            }

            /// Whether any flag of `other` is set.
            pub const fn intersects(self, other: Self) -> bool {
                self.bits & other.bits != 0
            }

            /// Sets the flags of `other`.
            pub fn insert(&mut self, other: Self) {
                self.bits |= other.bits;
            }

            /// Clears the flags of `other`.
            pub fn remove(&mut self, other: Self) {
                self.bits &= !other.bits;
            }
        }

        impl ::core::ops::BitOr for #ident {
            type Output = Self;
            fn bitor(self, other: Self) -> Self {
                Self { bits: self.bits | other.bits }
            }
        }

        impl ::core::ops::BitOrAssign for #ident {
            fn bitor_assign(&mut self, other: Self) {
                self.bits |= other.bits;
            }
        }

        impl ::core::ops::BitAnd for #ident {
            type Output = Self;
            fn bitand(self, other: Self) -> Self {
                Self { bits: self.bits & other.bits }
            }
        }

        impl ::core::ops::BitAndAssign for #ident {
            fn bitand_assign(&mut self, other: Self) {
                self.bits &= other.bits;
            }
        }

        impl ::core::ops::Sub for #ident {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self { bits: self.bits & !other.bits }
            }
        }

        impl ::core::ops::Not for #ident {
            type Output = Self;
            fn not(self) -> Self {
                Self { bits: !self.bits & #all }
            }
        }

        impl ::core::fmt::Debug for #ident {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::wasmer_component::__internal::debug_flags(f, ::core::convert::From::from(self.bits), &[#(#names),*])
            }
        }

        impl ::wasmer_component::ComponentType for #ident {
            const ABI: ::wasmer_component::__internal::Abi = ::wasmer_component::__internal::Abi::flags(#count);

            fn flat_types(out: &mut ::std::vec::Vec<::wasmer_component::__internal::FlatType>) {
                out.push(::wasmer_component::__internal::FlatType::I32);
            }

            fn typecheck(
                ty: ::wasmer_component::__internal::Type,
                types: &::wasmer_component::__internal::Types,
            ) -> ::core::result::Result<(), ::wasmer_component::__internal::TypeMismatch> {
                ::wasmer_component::__internal::check_flags(ty, types, &[#(#names),*])
            }
        }

        impl ::wasmer_component::Lower for #ident {
            fn lower_flat(
                &self,
                _: &mut ::wasmer_component::__internal::LowerContext<'_>,
                _: ::wasmer_component::__internal::Type,
                dst: &mut ::wasmer_component::__internal::FlatWriter,
            ) -> ::wasmer_component::Result<()> {
                dst.push(::core::convert::From::from(self.bits));
                ::core::result::Result::Ok(())
            }

            fn store(
                &self,
                cx: &mut ::wasmer_component::__internal::LowerContext<'_>,
                _: ::wasmer_component::__internal::Type,
                offset: u32,
            ) -> ::wasmer_component::Result<()> {
                cx.write(offset, &self.bits.to_le_bytes())
            }
        }

        impl ::wasmer_component::Lift for #ident {
            fn lift_flat(
                _: &mut ::wasmer_component::__internal::LiftContext<'_>,
                _: ::wasmer_component::__internal::Type,
                src: &mut ::wasmer_component::__internal::FlatReader<'_>,
            ) -> ::wasmer_component::Result<Self> {
                ::core::result::Result::Ok(Self::from_bits_truncate(src.pop_u32()? as #int))
            }

            fn load(
                _: &mut ::wasmer_component::__internal::LiftContext<'_>,
                _: ::wasmer_component::__internal::Type,
                bytes: &[u8],
            ) -> ::wasmer_component::Result<Self> {
                let own = ::wasmer_component::__internal::array(bytes)?;
                ::core::result::Result::Ok(Self::from_bits_truncate(#int::from_le_bytes(own)))
            }
        }
    }
}
