//! Lowering values into a guest and lifting them out: the canonical ABI's machinery, without any particular type.
//!
//! A value crosses the boundary as core values ("flat") or through linear memory. Flat values are carried as `u64` slots that
//! hold bit patterns: with that, the joins that the specification demands for the payloads of variants (an `f32` in an `i32`
//! slot, anything in an `i64` slot) need no conversion at all; whoever reads a slot takes as many low bits as its type has.
//!
//! [`LowerContext`] may run guest code (`realloc`), so it never keeps a view of memory across it. [`LiftContext`] cannot, so it
//! lends one. Both check every guest pointer for alignment and bounds with arithmetic that cannot wrap before it is used.
//! How each type is lowered and lifted is the affair of `typed` and `val`.

use crate::component::ComponentInner;
use crate::error::{Error, LimitExceeded, Result};
use crate::ir::{CanonicalOptions, StringEncoding};
use crate::store::{InstanceId, Runtime};
use crate::types::{MAX_FLAT_PARAMS, Types};
use std::borrow::Cow;
use std::cell::Cell;
use std::ptr::NonNull;
use wasmer::{FunctionEnv, Memory, StoreMut, TypedFunction};

/// `cabi_realloc`: old pointer, old size, alignment, new size; the new pointer.
pub(crate) type Realloc = TypedFunction<(i32, i32, i32, i32), i32>;

/// The core values of one call's parameters, in order, as bit patterns.
#[derive(Debug, Default)]
pub struct FlatWriter {
    slots: [u64; MAX_FLAT_PARAMS],
    len: usize,
}

impl FlatWriter {
    /// Adds a value; 32-bit ones with the upper half zero.
    #[inline]
    pub fn push(&mut self, slot: u64) {
        if let Some(place) = self.slots.get_mut(self.len) {
            *place = slot;
        }
        self.len += 1;
    }

    /// Fills up to `len` slots with zeros: the unused slots of a variant's payload.
    #[inline]
    pub fn pad_to(&mut self, len: usize) {
        while self.len < len {
            self.push(0);
        }
    }

    /// Slots written so far.
    #[inline]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn as_slice(&self) -> Result<&[u64]> {
        self.slots
            .get(..self.len)
            .ok_or_else(|| Error::trap("more flat values than the type has"))
    }
}

/// Core values, read in order.
#[derive(Debug)]
pub struct FlatReader<'a> {
    slots: &'a [u64],
    next: usize,
}

impl<'a> FlatReader<'a> {
    pub(crate) fn new(slots: &'a [u64]) -> FlatReader<'a> {
        FlatReader { slots, next: 0 }
    }

    /// The next value's bits.
    ///
    /// # Errors
    /// A trap when there is none, which only a type that lies about its flat count brings about.
    #[inline]
    pub fn pop(&mut self) -> Result<u64> {
        let slot = self
            .slots
            .get(self.next)
            .copied()
            .ok_or_else(|| Error::trap("fewer flat values than the type has"))?;
        self.next += 1;
        Ok(slot)
    }

    /// The next value as 32 bits: the low half of its slot.
    #[inline]
    pub fn pop_u32(&mut self) -> Result<u32> {
        Ok(self.pop()? as u32)
    }

    /// Slots read so far.
    #[inline]
    pub fn position(&self) -> usize {
        self.next
    }

    /// Goes on behind slot `position`: skips the unused slots of a variant's payload.
    #[inline]
    pub fn skip_to(&mut self, position: usize) {
        self.next = self.next.max(position);
    }
}

/// What is needed to lower values into one guest.
pub struct LowerContext<'a> {
    pub(crate) store: StoreMut<'a>,
    pub(crate) runtime: &'a FunctionEnv<Runtime>,
    pub(crate) component: &'a ComponentInner,
    pub(crate) instance: InstanceId,
    pub(crate) options: &'a CanonicalOptions,
    memory: Option<Memory>,
    realloc: Option<Realloc>,
    base: NonNull<u8>,
    len: usize,
}

impl<'a> LowerContext<'a> {
    #[inline]
    pub(crate) fn new(
        mut store: StoreMut<'a>,
        runtime: &'a FunctionEnv<Runtime>,
        component: &'a ComponentInner,
        instance: InstanceId,
        options: &'a CanonicalOptions,
    ) -> Result<LowerContext<'a>> {
        let (mut memory, mut realloc) = (None, None);
        if options.memory.is_some() || options.realloc.is_some() {
            let state = runtime.as_mut(&mut store).instance(instance)?;
            if let Some(index) = options.memory {
                memory = Some(state.memory(index)?);
            }
            if let Some(index) = options.realloc {
                realloc = Some(state.realloc(index)?);
            }
        }
        let mut cx = LowerContext {
            store,
            runtime,
            component,
            instance,
            options,
            memory,
            realloc,
            base: NonNull::dangling(),
            len: 0,
        };
        cx.refresh();
        Ok(cx)
    }

    /// The component's types.
    pub fn types(&self) -> &'a Types {
        &self.component.ir.types
    }

    /// Looks up the memory anew: after anything that may have grown it.
    fn refresh(&mut self) {
        if let Some(memory) = &self.memory {
            let view = memory.view(&self.store);
            self.len = usize::try_from(view.data_size()).unwrap_or(usize::MAX);
            self.base = NonNull::new(view.data_ptr()).unwrap_or(NonNull::dangling());
        }
    }

    /// Allocates `size` bytes in the guest, aligned to `align`, and checks what the guest says.
    ///
    /// # Errors
    /// A trap when the guest traps, has no `realloc`, or returns a pointer that is not aligned or not in its memory.
    pub fn alloc(&mut self, align: u32, size: usize) -> Result<u32> {
        self.reallocate(0, 0, align, size)
    }

    /// Makes an allocation smaller or larger, keeping its contents. Errors as [`LowerContext::alloc`].
    pub fn reallocate(
        &mut self,
        old: u32,
        old_size: usize,
        align: u32,
        size: usize,
    ) -> Result<u32> {
        let Some(realloc) = self.realloc.clone() else {
            return Err(Error::trap(
                "a value must be passed in memory and the component gives no realloc for it",
            ));
        };
        let (Ok(old_size), Ok(new_size)) = (u32::try_from(old_size), u32::try_from(size)) else {
            return Err(Error::trap("a value is larger than a 32-bit memory"));
        };
        let saved = Runtime::set_may_leave(
            self.runtime,
            &mut self.store,
            self.instance,
            self.options.instance,
            false,
        )?;
        let result = Runtime::in_guest(self.runtime, &mut self.store, |store| {
            realloc.call(
                store,
                old as i32,
                old_size as i32,
                align as i32,
                new_size as i32,
            )
        });
        self.refresh();
        let ptr = result.map_err(crate::core::guest_error)? as u32;
        Runtime::set_may_leave(
            self.runtime,
            &mut self.store,
            self.instance,
            self.options.instance,
            saved,
        )?;
        if !ptr.is_multiple_of(align) {
            return Err(Error::trap("realloc return: result not aligned"));
        }
        if ptr as usize > self.len || size > self.len - ptr as usize {
            return Err(Error::trap("realloc return: beyond end of memory"));
        }
        Ok(ptr)
    }

    /// `len` bytes of the guest's memory at `offset`, to be written.
    ///
    /// # Errors
    /// A trap when they are not all in memory.
    #[inline]
    pub fn bytes_mut(&mut self, offset: u32, len: usize) -> Result<&mut [u8]> {
        let offset = offset as usize;
        if offset > self.len || len > self.len - offset {
            return Err(Error::trap("pointer not in bounds of the guest's memory"));
        }
        // SAFETY: `base` and `len` describe the guest's memory as it is now: they are renewed after every guest call this
        // context makes, and nobody else can make one while the context borrows the store. The range was just checked.
        // The slice borrows `self` mutably, so no other view of the memory exists beside it and `alloc` cannot be called.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr().add(offset), len) })
    }

    /// Writes bytes to the guest's memory. Errors as [`LowerContext::bytes_mut`].
    #[inline]
    pub fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<()> {
        self.bytes_mut(offset, bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    /// Copies a byte list into the guest: one allocation, one copy. Gives pointer and length.
    ///
    /// # Errors
    /// As [`LowerContext::alloc`].
    pub fn lower_bytes(&mut self, bytes: &[u8]) -> Result<(u32, u32)> {
        let ptr = self.alloc(1, bytes.len())?;
        self.write(ptr, bytes)?;
        Ok((ptr, bytes.len() as u32))
    }

    /// Allocates `len` bytes in the guest and has `fill` write them there. `fill` says how many it has written; the
    /// allocation is made as small. Gives pointer and length.
    ///
    /// # Errors
    /// As [`LowerContext::alloc`], and those of `fill`.
    pub fn fill_bytes(
        &mut self,
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<usize>,
    ) -> Result<(u32, u32)> {
        let ptr = self.alloc(1, len)?;
        let written = fill(self.bytes_mut(ptr, len)?)?;
        if written > len {
            return Err(Error::trap(format!(
                "{written} bytes were announced as written into a buffer of {len}"
            )));
        }
        let ptr = if written < len {
            self.reallocate(ptr, len, 1, written)?
        } else {
            ptr
        };
        Ok((ptr, written as u32))
    }

    /// Copies a string into the guest in the encoding it wants. Gives pointer and tagged length.
    ///
    /// # Errors
    /// As [`LowerContext::alloc`].
    pub fn lower_string(&mut self, string: &str) -> Result<(u32, u32)> {
        match self.options.string_encoding {
            StringEncoding::Utf8 => self.lower_bytes(string.as_bytes()),
            StringEncoding::Utf16 => self.lower_utf16(string),
            StringEncoding::CompactUtf16 => {
                if string.chars().any(|c| u32::from(c) > 0xFF) {
                    let (ptr, units) = self.lower_utf16(string)?;
                    return Ok((ptr, units | UTF16_TAG));
                }
                let latin1: Vec<u8> = string.chars().map(|c| u32::from(c) as u8).collect();
                let ptr = self.alloc(2, latin1.len())?;
                self.write(ptr, &latin1)?;
                Ok((ptr, latin1.len() as u32))
            }
        }
    }

    fn lower_utf16(&mut self, string: &str) -> Result<(u32, u32)> {
        let units: Vec<u8> = string.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let ptr = self.alloc(2, units.len())?;
        self.write(ptr, &units)?;
        Ok((ptr, (units.len() / 2) as u32))
    }

    /// The runtime's state, for handles.
    pub(crate) fn runtime(&mut self) -> &mut Runtime {
        self.runtime.as_mut(&mut self.store)
    }
}

const UTF16_TAG: u32 = 1 << 31;

/// What is needed to lift values out of one guest.
pub struct LiftContext<'a> {
    pub(crate) component: &'a ComponentInner,
    pub(crate) options: &'a CanonicalOptions,
    pub(crate) instance: InstanceId,
    pub(crate) runtime: &'a mut Runtime,
    memory: &'a [u8],
    list_limit: usize,
    /// What is left of the limit for this crossing.
    list_left: Cell<usize>,
}

impl<'a> LiftContext<'a> {
    #[inline]
    pub(crate) fn new(
        store: &'a mut StoreMut<'_>,
        runtime: &FunctionEnv<Runtime>,
        component: &'a ComponentInner,
        instance: InstanceId,
        options: &'a CanonicalOptions,
    ) -> Result<LiftContext<'a>> {
        let memory: &'a [u8] = match options.memory {
            None => &[],
            Some(index) => {
                let memory = runtime.as_mut(store).instance(instance)?.memory(index)?;
                let view = memory.view(store);
                let len = usize::try_from(view.data_size()).unwrap_or(0);
                match NonNull::new(view.data_ptr()) {
                    None => &[],
                    // SAFETY: pointer and length are the memory's own, read just now. Neither changes before a guest
                    // runs or the store is used otherwise, and the context borrows the store mutably for 'a. `runtime`
                    // below is a reborrow of the same store, but of the host's own state, which lies outside of
                    // the guest's memory.
                    Some(base) => unsafe { std::slice::from_raw_parts(base.as_ptr(), len) },
                }
            }
        };
        let runtime = runtime.as_mut(store);
        let list_limit = runtime.usage.limits().list_bytes;
        Ok(LiftContext {
            component,
            options,
            instance,
            runtime,
            memory,
            list_limit,
            list_left: Cell::new(list_limit),
        })
    }

    /// The component's types.
    pub fn types(&self) -> &'a Types {
        &self.component.ir.types
    }

    /// The guest's whole memory.
    pub fn memory(&self) -> &'a [u8] {
        self.memory
    }

    /// `count` elements of `size` bytes each at `ptr`, whose alignment is `align`.
    ///
    /// # Errors
    /// A trap when they are not aligned or not all in memory, [`crate::LimitKind::ListSize`] when they are too many.
    #[inline]
    pub fn list(&self, ptr: u32, count: u32, size: u32, align: u32) -> Result<&'a [u8]> {
        if !ptr.is_multiple_of(align) {
            return Err(Error::trap("list pointer is not aligned"));
        }
        let bytes = usize::try_from(u64::from(count) * u64::from(size)).unwrap_or(usize::MAX);
        let list = self
            .memory
            .get(ptr as usize..)
            .and_then(|rest| rest.get(..bytes))
            .ok_or_else(|| Error::trap("list pointer/length out of bounds of memory"))?;
        self.charge(bytes)?;
        Ok(list)
    }

    /// Takes `bytes` from what the lists of this crossing may use. Lists of lists may overlap in the guest's memory: what
    /// comes of them here has no bound but this one.
    #[inline]
    pub(crate) fn charge(&self, bytes: usize) -> Result<()> {
        match self.list_left.get().checked_sub(bytes) {
            Some(left) => {
                self.list_left.set(left);
                Ok(())
            }
            None => Err(LimitExceeded::list(self.list_limit)),
        }
    }

    /// As [`LiftContext::charge`], for a list of `count` elements which take `host_size` bytes each in the host and were charged
    /// with `size` by [`LiftContext::list`].
    #[inline]
    pub(crate) fn charge_elements(&self, count: u32, size: u32, host_size: usize) -> Result<()> {
        let more = host_size.saturating_sub(size as usize);
        self.charge((count as usize).saturating_mul(more))
    }

    /// A value of `size` bytes at `ptr`, whose alignment is `align`.
    ///
    /// # Errors
    /// A trap when it is not aligned or not in memory.
    #[inline]
    pub fn value(&self, ptr: u32, size: u32, align: u32) -> Result<&'a [u8]> {
        if !ptr.is_multiple_of(align) {
            return Err(Error::trap("pointer not aligned"));
        }
        self.memory
            .get(ptr as usize..)
            .and_then(|rest| rest.get(..size as usize))
            .ok_or_else(|| Error::trap("pointer out of bounds of memory"))
    }

    /// A string, borrowed from the guest's memory where its encoding is ours.
    ///
    /// # Errors
    /// A trap when it is not in memory, not aligned, or not well-formed in the guest's encoding.
    pub fn string(&self, ptr: u32, tagged_len: u32) -> Result<Cow<'a, str>> {
        match self.options.string_encoding {
            StringEncoding::Utf8 => {
                let bytes = self.string_bytes(ptr, tagged_len, 1, 1)?;
                match std::str::from_utf8(bytes) {
                    Ok(s) => Ok(Cow::Borrowed(s)),
                    Err(e) => Err(Error::trap(format!(
                        "invalid utf-8 at byte {} of a string",
                        e.valid_up_to()
                    ))),
                }
            }
            StringEncoding::Utf16 => self.utf16(ptr, tagged_len),
            StringEncoding::CompactUtf16 if tagged_len & UTF16_TAG != 0 => {
                self.utf16(ptr, tagged_len & !UTF16_TAG)
            }
            StringEncoding::CompactUtf16 => {
                let bytes = self.string_bytes(ptr, tagged_len, 1, 2)?;
                Ok(Cow::Owned(bytes.iter().map(|b| char::from(*b)).collect()))
            }
        }
    }

    /// The bytes of a string that nobody has checked yet; none where the guest's encoding is not UTF-8. For who checks as they
    /// read, or many strings together: [`LiftContext::string`] has the trap for what is not well-formed.
    ///
    /// # Errors
    /// A trap when it is not in memory.
    #[inline]
    pub fn unchecked_utf8(&self, ptr: u32, len: u32) -> Result<Option<&'a [u8]>> {
        match self.options.string_encoding {
            StringEncoding::Utf8 => self.string_bytes(ptr, len, 1, 1).map(Some),
            _ => Ok(None),
        }
    }

    /// The bytes of a string: a list, but for the words.
    fn string_bytes(&self, ptr: u32, units: u32, size: u32, align: u32) -> Result<&'a [u8]> {
        self.list(ptr, units, size, align).map_err(|e| match e {
            Error::Trap(_) if !ptr.is_multiple_of(align) => {
                Error::trap("string pointer not aligned to 2")
            }
            Error::Trap(_) => Error::trap("string pointer/length out of bounds of memory"),
            limit => limit,
        })
    }

    fn utf16(&self, ptr: u32, units: u32) -> Result<Cow<'a, str>> {
        let bytes = self.string_bytes(ptr, units, 2, 2)?;
        let units = bytes
            .chunks_exact(2)
            .map(|c| u16::from_le_bytes([c[0], c[1]]));
        let string: Result<String, _> = char::decode_utf16(units).collect();
        string
            .map(Cow::Owned)
            .map_err(|_| Error::trap("unpaired surrogate in a utf-16 string"))
    }
}
