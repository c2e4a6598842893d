//! Rules that the validator and the translator of this release do not know.
//!
//! - Names of one scope are *strongly unique*: also when hyphens are left out and letters are taken as lower case, `foo-bar` and
//!   `fooBar` being one name in some language; and no method is called like its own resource.
//! - A value takes less than 2^28 bytes in memory, with 64-bit pointers.
//!
//! - Labels of records, variants and flags are the same label whatever the case of their letters, so two components that differ in
//!   it can be composed. The translator's adapters compare them letter by letter, panic, and panic once more while that unwinds, which
//!   ends the process: such components are refused ([`Rules::clash`]).
//!
//! They are checked on the payloads of a component as they come, before it is translated; whatever else is wrong with them is left to the
//! validator. What cannot be known from one component alone (types that come out of instances) counts as one byte.
//!
//! Source: component-model, Explainer ("Name Uniqueness") and CanonicalABI ("Element Size").

use std::collections::HashMap;
use wasmtime_environ::wasmparser::{
    ComponentAlias, ComponentDefinedType, ComponentExternalKind, ComponentInstance,
    ComponentOuterAliasKind, ComponentType, ComponentTypeDeclaration, ComponentTypeRef,
    ComponentValType, Encoding, InstanceTypeDeclaration, Payload, PrimitiveValType, TypeBounds,
};

/// Bytes that every value takes less than.
const MAX_VALUE_SIZE: u64 = 1 << 28;

/// Bytes and alignment of a value in memory, with 64-bit pointers.
#[derive(Debug, Clone, Copy)]
struct Layout {
    size: u64,
    align: u64,
}

impl Layout {
    const POINTER_PAIR: Layout = Layout { size: 16, align: 8 };
    /// Of what is not known.
    const LEAST: Layout = Layout { size: 1, align: 1 };

    const fn scalar(size: u64) -> Layout {
        Layout { size, align: size }
    }

    fn record(fields: impl Iterator<Item = Layout>) -> Layout {
        let mut record = Layout { size: 0, align: 1 };
        for field in fields {
            let offset = record.size.next_multiple_of(field.align);
            record.size = offset.saturating_add(field.size).min(MAX_VALUE_SIZE);
            record.align = record.align.max(field.align);
        }
        record.size = record.size.next_multiple_of(record.align);
        record
    }

    fn variant(cases: usize, payloads: impl Iterator<Item = Layout>) -> Layout {
        let discriminant = Layout::scalar(u64::from(crate::types::discriminant_size(cases)));
        let payload = payloads.fold(Layout { size: 0, align: 1 }, |a, b| Layout {
            size: a.size.max(b.size),
            align: a.align.max(b.align),
        });
        Layout::record([discriminant, payload].into_iter())
    }
}

/// The names and types that one component, or one type of a component or an instance, has in it.
#[derive(Debug, Default)]
struct Scope {
    imports: HashMap<String, String>,
    exports: HashMap<String, String>,
    types: Vec<Layout>,
}

/// Checks the payloads of a component, in their order.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// Innermost last.
    scopes: Vec<Scope>,
    /// Whether the innermost thing that is open is a core module.
    modules: usize,
    /// How many components there are, nested ones and the outermost.
    components: usize,
    /// Labels of types as they were first written, by what they are in lower case.
    labels: HashMap<String, String>,
    /// Two labels that differ in case only.
    clash: Option<(String, String)>,
}

impl Rules {
    /// The next payload. What cannot be read is passed over.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn payload(&mut self, payload: &Payload<'_>) -> Result<(), String> {
        match payload {
            Payload::Version {
                encoding: Encoding::Component,
                ..
            } => {
                self.components += 1;
                self.scopes.push(Scope::default());
            }
            Payload::Version { .. } => self.modules += 1,
            Payload::End(_) if self.modules > 0 => self.modules -= 1,
            Payload::End(_) => drop(self.scopes.pop()),
            Payload::ComponentTypeSection(types) => {
                for ty in types.clone().into_iter().map_while(Result::ok) {
                    self.ty(&ty)?;
                }
            }
            Payload::ComponentAliasSection(aliases) => {
                for alias in aliases.clone().into_iter().map_while(Result::ok) {
                    self.alias(&alias);
                }
            }
            Payload::ComponentImportSection(imports) => {
                for import in imports.clone().into_iter().map_while(Result::ok) {
                    self.import(import.name.name, &import.ty)?;
                }
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports.clone().into_iter().map_while(Result::ok) {
                    if let Some(scope) = self.scopes.last_mut() {
                        unique(&mut scope.exports, "export", export.name.name)?;
                        if export.kind == ComponentExternalKind::Type {
                            let layout = scope.types.get(export.index as usize).copied();
                            scope.types.push(layout.unwrap_or(Layout::LEAST));
                        }
                    }
                }
            }
            Payload::ComponentInstanceSection(instances) => {
                for instance in instances.clone().into_iter().map_while(Result::ok) {
                    if let ComponentInstance::FromExports(exports) = instance {
                        let mut names = HashMap::new();
                        for export in &exports {
                            unique(&mut names, "export", export.name.name)?;
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Two labels that would confuse the adapters between components, if there are any.
    pub fn clash(&self) -> Option<&(String, String)> {
        self.clash.as_ref().filter(|_| self.components > 1)
    }

    fn labels(&mut self, ty: &ComponentDefinedType<'_>) {
        match ty {
            ComponentDefinedType::Record(fields) => {
                fields.iter().for_each(|(label, _)| self.label(label));
            }
            ComponentDefinedType::Variant(cases) => {
                cases.iter().for_each(|case| self.label(case.name));
            }
            ComponentDefinedType::Flags(labels) => {
                labels.iter().for_each(|label| self.label(label));
            }
            _ => {}
        }
    }

    fn label(&mut self, label: &str) {
        let known = self.labels.entry(label.to_ascii_lowercase());
        let known = known.or_insert_with(|| label.to_string());
        if known != label && self.clash.is_none() {
            self.clash = Some((known.clone(), label.to_string()));
        }
    }

    fn push(&mut self, layout: Layout) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.types.push(layout);
        }
    }

    fn ty(&mut self, ty: &ComponentType<'_>) -> Result<(), String> {
        let layout = match ty {
            ComponentType::Defined(ty) => {
                self.labels(ty);
                let layout = self.defined(ty);
                if layout.size >= MAX_VALUE_SIZE {
                    return Err(format!(
                        "a value type exceeds maximum byte size, {} bytes",
                        MAX_VALUE_SIZE - 1
                    ));
                }
                layout
            }
            ComponentType::Component(declarations) => {
                self.scopes.push(Scope::default());
                for declaration in declarations {
                    match declaration {
                        ComponentTypeDeclaration::Type(ty) => self.ty(ty)?,
                        ComponentTypeDeclaration::Alias(alias) => self.alias(alias),
                        ComponentTypeDeclaration::Export { name, ty } => {
                            self.export(name.name, ty)?;
                        }
                        ComponentTypeDeclaration::Import(import) => {
                            self.import(import.name.name, &import.ty)?;
                        }
                        ComponentTypeDeclaration::CoreType(_) => {}
                    }
                }
                self.scopes.pop();
                Layout::LEAST
            }
            ComponentType::Instance(declarations) => {
                self.scopes.push(Scope::default());
                for declaration in declarations {
                    match declaration {
                        InstanceTypeDeclaration::Type(ty) => self.ty(ty)?,
                        InstanceTypeDeclaration::Alias(alias) => self.alias(alias),
                        InstanceTypeDeclaration::Export { name, ty } => {
                            self.export(name.name, ty)?;
                        }
                        InstanceTypeDeclaration::CoreType(_) => {}
                    }
                }
                self.scopes.pop();
                Layout::LEAST
            }
            _ => Layout::LEAST,
        };
        self.push(layout);
        Ok(())
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) {
        match alias {
            ComponentAlias::InstanceExport {
                kind: ComponentExternalKind::Type,
                ..
            } => self.push(Layout::LEAST),
            ComponentAlias::Outer {
                kind: ComponentOuterAliasKind::Type,
                count,
                index,
            } => {
                let scope = self.scopes.iter().rev().nth(*count as usize);
                let layout = scope.and_then(|scope| scope.types.get(*index as usize));
                self.push(layout.copied().unwrap_or(Layout::LEAST));
            }
            _ => {}
        }
    }

    fn import(&mut self, name: &str, ty: &ComponentTypeRef) -> Result<(), String> {
        if let Some(scope) = self.scopes.last_mut() {
            unique(&mut scope.imports, "import", name)?;
        }
        self.bound(ty);
        Ok(())
    }

    fn export(&mut self, name: &str, ty: &ComponentTypeRef) -> Result<(), String> {
        if let Some(scope) = self.scopes.last_mut() {
            unique(&mut scope.exports, "export", name)?;
        }
        self.bound(ty);
        Ok(())
    }

    /// An import or an export of a type is a type by itself.
    fn bound(&mut self, ty: &ComponentTypeRef) {
        match ty {
            ComponentTypeRef::Type(TypeBounds::Eq(index)) => {
                let scope = self.scopes.last();
                let layout = scope.and_then(|scope| scope.types.get(*index as usize));
                self.push(layout.copied().unwrap_or(Layout::LEAST));
            }
            ComponentTypeRef::Type(TypeBounds::SubResource) => self.push(Layout::LEAST),
            _ => {}
        }
    }

    fn value(&self, ty: &ComponentValType) -> Layout {
        match ty {
            ComponentValType::Primitive(ty) => primitive(*ty),
            ComponentValType::Type(index) => self
                .scopes
                .last()
                .and_then(|scope| scope.types.get(*index as usize))
                .copied()
                .unwrap_or(Layout::LEAST),
        }
    }

    fn defined(&self, ty: &ComponentDefinedType<'_>) -> Layout {
        use ComponentDefinedType as D;
        match ty {
            D::Primitive(ty) => primitive(*ty),
            D::Record(fields) => Layout::record(fields.iter().map(|(_, ty)| self.value(ty))),
            D::Tuple(types) => Layout::record(types.iter().map(|ty| self.value(ty))),
            D::Variant(cases) => {
                let payloads = cases.iter().filter_map(|case| case.ty.as_ref());
                Layout::variant(cases.len(), payloads.map(|ty| self.value(ty)))
            }
            D::Option(ty) => Layout::variant(2, std::iter::once(self.value(ty))),
            D::Result { ok, err } => {
                let payloads = [ok, err].into_iter().filter_map(Option::as_ref);
                Layout::variant(2, payloads.map(|ty| self.value(ty)))
            }
            D::List(_) | D::Map(..) => Layout::POINTER_PAIR,
            D::FixedLengthList(ty, count) => {
                let element = self.value(ty);
                let size = element.size.saturating_mul(u64::from(*count));
                Layout {
                    size: size.min(MAX_VALUE_SIZE),
                    align: element.align,
                }
            }
            D::Enum(cases) => Layout::variant(cases.len(), std::iter::empty()),
            D::Flags(names) => match names.len() {
                0..=8 => Layout::scalar(1),
                9..=16 => Layout::scalar(2),
                _ => Layout::scalar(4),
            },
            D::Own(_) | D::Borrow(_) | D::Future(_) | D::Stream(_) => Layout::scalar(4),
        }
    }
}

fn primitive(ty: PrimitiveValType) -> Layout {
    use PrimitiveValType as P;
    match ty {
        P::Bool | P::S8 | P::U8 => Layout::scalar(1),
        P::S16 | P::U16 => Layout::scalar(2),
        P::S32 | P::U32 | P::F32 | P::Char | P::ErrorContext => Layout::scalar(4),
        P::S64 | P::U64 | P::F64 => Layout::scalar(8),
        P::String => Layout::POINTER_PAIR,
    }
}

/// Adds a name to those of its scope, if it is unlike them all.
fn unique(names: &mut HashMap<String, String>, kind: &str, name: &str) -> Result<(), String> {
    match names.insert(strong(name), name.to_string()) {
        None => Ok(()),
        Some(previous) => Err(format!(
            "{kind} name `{name}` conflicts with previous name `{previous}`"
        )),
    }
}

/// What must be unique of a name.
fn strong(name: &str) -> String {
    let label = |text: &str| text.replace('-', "").to_lowercase();
    // Names of interfaces, and whatever is not made of labels.
    if name.contains([':', '/', '=', '<']) {
        return name.to_string();
    }
    match name.split_once(']') {
        None => label(name),
        Some((_, member)) if member.contains('.') => {
            let (resource, member) = member.split_once('.').unwrap_or((member, ""));
            match (label(resource), label(member)) {
                (resource, member) if resource == member => resource,
                (resource, member) => format!("{resource}.{member}"),
            }
        }
        Some((annotation, resource)) => format!("{annotation}]{}", label(resource)),
    }
}

#[cfg(test)]
mod tests {
    use super::strong;

    #[test]
    fn names_that_look_alike_are_alike() {
        for (a, b) in [
            ("foo-bar", "foobar"),
            ("foo-bar", "FOOB-ar"),
            ("foo-bar", "[method]foo-bar.foobar"),
            ("[method]a.b", "[static]A.b"),
        ] {
            assert_eq!(strong(a), strong(b), "{a} {b}");
        }
        for (a, b) in [
            ("foo", "bar"),
            ("foo", "[constructor]foo"),
            ("a", "[method]a.b"),
            ("ns:a/foo-bar", "ns:a/foobar"),
        ] {
            assert_ne!(strong(a), strong(b), "{a} {b}");
        }
    }
}
