//! A component with its imports found: what is left of instantiating when the same component is instantiated again.

use super::{Definition, Linker};
use crate::component::Component;
use crate::core_link::CoreProvider;
use crate::error::Result;
use crate::func::supervise;
use crate::instance::{Instance, instantiate, with_store};
use crate::store::AsContextMut;
use std::marker::PhantomData;
use std::sync::Arc;

/// A component whose imports were found and checked by [`Linker::instantiate_pre`], so that each instance costs no search. Cheap
/// to clone, and good for any store of the component's engine.
pub struct InstancePre<T> {
    component: Component,
    imports: Arc<[Definition]>,
    core: Option<CoreProvider>,
    data: PhantomData<fn() -> T>,
}

impl<T> Clone for InstancePre<T> {
    fn clone(&self) -> Self {
        InstancePre {
            component: self.component.clone(),
            imports: self.imports.clone(),
            core: self.core.clone(),
            data: PhantomData,
        }
    }
}

impl<T> std::fmt::Debug for InstancePre<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InstancePre")
            .field("component", &self.component)
            .finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Linker<T> {
    /// Finds and checks what a component imports, once for all instances to come. Definitions that the linker gets later are
    /// not among them.
    ///
    /// # Errors
    /// [`crate::Error::Link`] naming the first import that is missing or of another type; [`crate::Error::Engine`] when a core
    /// module was made with another engine.
    pub fn instantiate_pre(&self, component: &Component) -> Result<InstancePre<T>> {
        let imports = self.resolve(component)?;
        for import in &imports {
            if let Definition::Module(module) = import {
                component
                    .engine()
                    .expect_same(&module.engine, "an imported core module")?;
            }
        }
        Ok(InstancePre {
            component: component.clone(),
            imports: imports.into(),
            core: self.core.clone(),
            data: PhantomData,
        })
    }
}

impl<T: Send + 'static> InstancePre<T> {
    /// The component.
    pub fn component(&self) -> &Component {
        &self.component
    }

    /// Instantiates the component.
    ///
    /// # Errors
    /// [`crate::Error::Engine`] when the store was made with another engine; [`crate::Error::Trap`] when a start function traps;
    /// [`crate::Error::Limit`] when the store's limits do not allow the component's memories.
    pub fn instantiate(&self, mut store: impl AsContextMut<Data = T>) -> Result<Instance> {
        let engine = store.as_context_mut().runtime().engine.clone();
        engine.expect_same(self.component.engine(), "the component")?;
        let outcome = with_store(&mut store, |store, runtime| {
            supervise(store, runtime, |store| {
                instantiate(
                    store,
                    runtime,
                    &self.component,
                    &self.imports,
                    self.core.as_ref(),
                )
            })
        });
        match outcome {
            Ok(result) => result.map_err(|e| e.in_function("the start function")),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}
