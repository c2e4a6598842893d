//! Limits on linear memory and tables.
//!
//! Wasmer creates memories and tables through the tunables of its engine. Ours wrap wasmer's own and refuse to grow, or to
//! create, beyond the store's limit; they also remember that they did, so that the trap which usually follows (an
//! allocator that gives up) can be reported as the exceeded limit it is.
//!
//! The limit is per store, over all memories of all its instances together: a component cannot get more by having
//! more memories. Time is limited in `deadline`; list sizes are limited where they are lifted.

use crate::engine::Compiler;
use crate::error::{Error, LimitExceeded};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use wasmer::sys::vm::{LinearMemory, VMMemoryDefinition};
use wasmer::sys::vm::{VMMemory, VMTable, VMTableDefinition};
use wasmer::sys::{BaseTunables, Tunables};
use wasmer::{MemoryError, MemoryStyle, MemoryType, Pages, TableStyle, TableType, WASM_PAGE_SIZE};

/// How much the instances of one store may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreLimits {
    /// Bytes of linear memory, all memories together. None: what the machine has.
    pub memory_bytes: Option<u64>,
    /// Elements of a table. None: what the component's tables allow.
    pub table_elements: Option<u32>,
    /// Bytes that all lists and strings of one value, or of one call's parameters, may take in the host when they are lifted out of the
    /// guest: their elements there, or what they are in the guest if that is more. A guest of one page can describe lists of
    /// lists of any size.
    pub list_bytes: usize,
}

impl Default for StoreLimits {
    fn default() -> StoreLimits {
        StoreLimits {
            memory_bytes: None,
            table_elements: None,
            list_bytes: 1 << 30,
        }
    }
}

/// What a store's memories use, and whether a limit was hit.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    limits: StoreLimits,
    memory_bytes: AtomicU64,
    memory_refused: AtomicBool,
    table_refused: AtomicBool,
}

impl Usage {
    pub fn new(limits: StoreLimits) -> Arc<Usage> {
        Arc::new(Usage {
            limits,
            ..Usage::default()
        })
    }

    pub fn limits(&self) -> &StoreLimits {
        &self.limits
    }

    /// Bytes of linear memory, all memories together.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes.load(Ordering::Relaxed)
    }

    /// Begins anew: what was refused until now is no reason of what fails from now on.
    #[inline]
    pub fn forget_refusal(&self) {
        // Looked at first, because writing costs more and is hardly ever needed.
        if self.memory_refused.load(Ordering::Relaxed) || self.table_refused.load(Ordering::Relaxed)
        {
            self.memory_refused.store(false, Ordering::Relaxed);
            self.table_refused.store(false, Ordering::Relaxed);
        }
    }

    /// The limit that was hit since the last time this was asked.
    pub fn take_refusal(&self) -> Option<Error> {
        if self.memory_refused.swap(false, Ordering::Relaxed) {
            return Some(LimitExceeded::memory(
                self.limits.memory_bytes.unwrap_or(u64::MAX),
            ));
        }
        if self.table_refused.swap(false, Ordering::Relaxed) {
            return Some(LimitExceeded::table(
                self.limits.table_elements.unwrap_or(u32::MAX),
            ));
        }
        None
    }

    /// Takes `bytes` more, if the limit allows.
    fn take(&self, bytes: u64) -> bool {
        let limit = self.limits.memory_bytes.unwrap_or(u64::MAX);
        let taken = self
            .memory_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= limit)
            });
        if taken.is_err() {
            self.memory_refused.store(true, Ordering::Relaxed);
        }
        taken.is_ok()
    }

    fn give_back(&self, bytes: u64) {
        self.memory_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn refused(&self) -> MemoryError {
        MemoryError::Generic("the store's limit of linear memory is reached".to_string())
    }
}

/// How compiled code gets at memories.
///
/// Without checks, in address space that is reserved as a whole, but not where LLVM compiles: what wasmer 7.4 does then is right only for
/// some components, whose one memory is compiled without checks all the same (`sole_memory`).
pub(crate) fn memory_style(compiler: Compiler) -> MemoryStyle {
    match compiler {
        Compiler::Llvm => MemoryStyle::Dynamic {
            offset_guard_size: GUARD_BYTES,
        },
        _ => MemoryStyle::Static,
    }
}

/// What follows a memory that is checked: constant offsets up to this need no check of their own.
const GUARD_BYTES: u64 = 1 << 16;

/// Wasmer's own tunables, with the store's limits around them.
pub(crate) struct LimitingTunables {
    base: BaseTunables,
    usage: Arc<Usage>,
    memory: MemoryStyle,
}

impl LimitingTunables {
    /// For memories of this style, where a compiled module does not say which style it was compiled for.
    pub fn new(memory: MemoryStyle, usage: Arc<Usage>) -> LimitingTunables {
        LimitingTunables {
            base: BaseTunables::new(),
            usage,
            memory,
        }
    }

    fn limited(
        &self,
        ty: &MemoryType,
        make: impl FnOnce() -> Result<VMMemory, MemoryError>,
    ) -> Result<VMMemory, MemoryError> {
        let initial = u64::from(ty.minimum.0) * WASM_PAGE_SIZE as u64;
        if !self.usage.take(initial) {
            return Err(self.usage.refused());
        }
        match make() {
            Ok(memory) => {
                let limited: Box<dyn LinearMemory + Send + Sync> = Box::new(LimitedMemory {
                    memory,
                    usage: self.usage.clone(),
                });
                Ok(VMMemory::from_custom(limited))
            }
            Err(e) => {
                self.usage.give_back(initial);
                Err(e)
            }
        }
    }

    /// The table's type with the limit as its maximum.
    fn limited_table(&self, ty: &TableType) -> Result<TableType, String> {
        let mut ty = crate::tables::declared(ty);
        if let Some(limit) = self.usage.limits.table_elements {
            if ty.minimum > limit {
                self.usage.table_refused.store(true, Ordering::Relaxed);
                return Err(format!(
                    "a table of {} elements exceeds the limit of {limit}",
                    ty.minimum
                ));
            }
            ty.maximum = Some(ty.maximum.map_or(limit, |max| max.min(limit)));
        }
        Ok(ty)
    }
}

impl Tunables for LimitingTunables {
    fn memory_style(&self, _: &MemoryType) -> MemoryStyle {
        self.memory
    }

    fn table_style(&self, table: &TableType) -> TableStyle {
        self.base.table_style(table)
    }

    fn create_host_memory(
        &self,
        ty: &MemoryType,
        style: &MemoryStyle,
    ) -> Result<VMMemory, MemoryError> {
        self.limited(ty, || self.base.create_host_memory(ty, style))
    }

    unsafe fn create_vm_memory(
        &self,
        ty: &MemoryType,
        style: &MemoryStyle,
        location: NonNull<VMMemoryDefinition>,
    ) -> Result<VMMemory, MemoryError> {
        // SAFETY: the caller's promise about `location` is passed on unchanged.
        self.limited(ty, || unsafe {
            self.base.create_vm_memory(ty, style, location)
        })
    }

    fn create_host_table(&self, ty: &TableType, style: &TableStyle) -> Result<VMTable, String> {
        self.base.create_host_table(&self.limited_table(ty)?, style)
    }

    unsafe fn create_vm_table(
        &self,
        ty: &TableType,
        style: &TableStyle,
        location: NonNull<VMTableDefinition>,
    ) -> Result<VMTable, String> {
        let ty = self.limited_table(ty)?;
        // SAFETY: the caller's promise about `location` is passed on unchanged.
        unsafe { self.base.create_vm_table(&ty, style, location) }
    }
}

/// A memory that asks before it grows.
#[derive(Debug)]
struct LimitedMemory {
    memory: VMMemory,
    usage: Arc<Usage>,
}

impl LinearMemory for LimitedMemory {
    fn ty(&self) -> MemoryType {
        self.memory.ty()
    }

    fn size(&self) -> Pages {
        self.memory.size()
    }

    fn style(&self) -> MemoryStyle {
        self.memory.style()
    }

    fn grow(&mut self, delta: Pages) -> Result<Pages, MemoryError> {
        let bytes = u64::from(delta.0) * WASM_PAGE_SIZE as u64;
        if !self.usage.take(bytes) {
            return Err(self.usage.refused());
        }
        self.memory
            .grow(delta)
            .inspect_err(|_| self.usage.give_back(bytes))
    }

    fn vmmemory(&self) -> NonNull<VMMemoryDefinition> {
        self.memory.vmmemory()
    }

    fn try_clone(&self) -> Result<Box<dyn LinearMemory + Send + Sync + 'static>, MemoryError> {
        self.memory.0.try_clone()
    }

    fn copy(&self) -> Result<Box<dyn LinearMemory + Send + Sync + 'static>, MemoryError> {
        Err(MemoryError::UnsupportedOperation {
            message: "a limited memory cannot be copied".to_string(),
        })
    }
}

impl Drop for LimitedMemory {
    fn drop(&mut self) {
        self.usage
            .give_back(u64::from(self.memory.size().0) * WASM_PAGE_SIZE as u64);
    }
}
