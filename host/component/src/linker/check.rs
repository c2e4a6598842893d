//! Whether a linker offers everything that a component imports, by the letter of the specification: also what the component never
//! refers to, and with resources that are the same where the component says so.
//!
//! [`Linker::instantiate`] looks only at what will be used, because toolchains leave imports behind that nobody calls. Whoever wants to
//! know before, or strictly, asks here.

use super::{Item, Linker, kind_error};
use crate::component::Component;
use crate::error::{Error, LinkError, Result, TypeMismatch};
use crate::instance::missing_import;
use crate::names;
use crate::resource::ResourceType;
use crate::types::{ExternType, Types};
use std::collections::HashMap;

impl<T: Send + 'static> Linker<T> {
    /// Checks that everything a component imports is offered with the right type, also what it never refers to.
    ///
    /// Instances from which nothing is wanted need not be there; nor need types that are equal to others.
    ///
    /// # Errors
    /// [`Error::Link`] naming the first import that is missing or of another type.
    pub fn check_imports(&self, component: &Component) -> Result<()> {
        let ir = &component.inner.ir;
        let mut check = ImportCheck {
            types: &ir.types,
            resources: HashMap::new(),
        };
        for (name, wanted) in &ir.imports {
            let offered = names::find(&self.items, name).map(|(_, item)| item);
            check.item(name, wanted, offered)?;
        }
        match component.core_imports().next() {
            Some((module, name, _)) if self.core.is_none() => {
                Err(crate::core_link::missing(module, name))
            }
            _ => Ok(()),
        }
    }
}

struct ImportCheck<'a> {
    types: &'a Types,
    /// What stands for each of the component's resources.
    resources: HashMap<u32, ResourceType>,
}

impl ImportCheck<'_> {
    fn item(&mut self, name: &str, wanted: &ExternType, offered: Option<&Item>) -> Result<()> {
        match (wanted, offered) {
            (ExternType::Type(_), _) => Ok(()),
            (ExternType::Instance(wanted), Some(Item::Instance(offered))) => {
                self.items(name, wanted, offered)
            }
            (ExternType::Instance(wanted), None) => self.items(name, wanted, &[]),
            (ExternType::Resource(table), offered) => {
                let table = self.types.resource_tables.get(table.0 as usize);
                let resource = table.copied().flatten().map(|table| table.resource);
                let known = resource.and_then(|resource| self.resources.get(&resource));
                match (offered, known) {
                    (Some(Item::Resource(ty, _)), None) => {
                        if let Some(resource) = resource {
                            self.resources.insert(resource, *ty);
                        }
                        Ok(())
                    }
                    (Some(Item::Resource(ty, _)), Some(known)) if ty == known => Ok(()),
                    (Some(Item::Resource(..)), Some(_)) => Err(Error::Link(LinkError::Type {
                        import: name.to_string(),
                        mismatch: TypeMismatch::new(
                            "another resource",
                            "wants the one that it imports before",
                        ),
                    })),
                    (None, Some(_)) => Ok(()),
                    (None, None) => Err(missing_import(name.to_string(), wanted.kind(), None)),
                    (Some(other), _) => {
                        Err(kind_error(name.to_string(), wanted.kind(), other.kind()))
                    }
                }
            }
            (wanted, None) => Err(missing_import(name.to_string(), wanted.kind(), None)),
            (ExternType::Func(id), Some(Item::Func(_, check))) => {
                let ty = self
                    .types
                    .func(*id)
                    .ok_or_else(|| Error::Engine("an import has no type".to_string()))?;
                check(ty, self.types).map_err(|mismatch| mismatched(name, mismatch))
            }
            (ExternType::Module(wanted), Some(Item::Module(module))) => wanted
                .satisfied_by(&module.ty())
                .map_err(|mismatch| mismatched(name, mismatch)),
            (wanted, Some(other)) => Err(kind_error(name.to_string(), wanted.kind(), other.kind())),
        }
    }

    fn items(
        &mut self,
        within: &str,
        wanted: &[(String, ExternType)],
        offered: &[(String, Item)],
    ) -> Result<()> {
        wanted.iter().try_for_each(|(name, wanted)| {
            let offered = offered.iter().find(|(n, _)| n == name);
            let item = offered.map(|(_, item)| item);
            self.item(&format!("{within}#{name}"), wanted, item)
        })
    }
}

fn mismatched(import: &str, mismatch: TypeMismatch) -> Error {
    Error::Link(LinkError::Type {
        import: import.to_string(),
        mismatch,
    })
}
