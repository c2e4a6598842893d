//! Walking a stack that goes through the host, wasmer's change of stacks, and a guest.
//!
//! Everything is read from the process while the thread is stopped. The address of a frame decides how it is left: by the tables of
//! its file, or, where there is no file, by the frame pointer.

use std::collections::HashMap;
use std::io::IoSliceMut;

use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64, UnwinderX86_64};
use framehop::{FrameAddress, Unwinder};
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

use crate::guest_map::GuestMap;
use crate::host_modules::{Bytes, Memory};

/// A stack deeper than this is cut off: it is a recursion, or nonsense.
const DEEPEST: usize = 512;

/// Memory is read in pieces of this many bytes, at multiples of it.
const PIECE: u64 = 1024;

/// What every coroutine of wasmer's begins in: there the stack of the guest ends, and the one that it was called from goes on.
const CHANGE_OF_STACKS: &str = "stack_init_trampoline";

/// Where a host function that a guest calls goes back to the stack of the host. Its frame, on the guest's stack, is left by its frame
/// pointer: with the tables the unwinder does not get across.
const CALL_ON_HOST_STACK: &str = "stack_call_trampoline";

/// `push rbp; mov rbp, rsp`, with which compiled functions begin that have a frame.
const PROLOGUE: [u8; 4] = [0x55, 0x48, 0x89, 0xe5];
const RETURN: u8 = 0xc3;

/// Walks stacks of one process.
pub struct Walker {
    process: Pid,
    unwinder: UnwinderX86_64<Bytes>,
    cache: CacheX86_64,
}

/// A stack as addresses, the innermost first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    /// For each frame an address inside the function.
    pub frames: Vec<u64>,
    /// Whether the outermost frame was reached.
    pub whole: bool,
}

struct Registers {
    ip: u64,
    sp: u64,
    bp: u64,
}

impl Walker {
    pub fn new(process: Pid, memory: &Memory) -> Self {
        let mut unwinder = UnwinderX86_64::new();
        for file in &memory.files {
            unwinder.add_module(file.module());
        }
        Self {
            process,
            unwinder,
            cache: CacheX86_64::new(),
        }
    }

    /// The stack of a thread that is stopped. `guests` may be empty: functions without a frame are then not seen through.
    pub fn walk(
        &mut self,
        registers: &nix::libc::user_regs_struct,
        memory: &Memory,
        guests: &GuestMap,
    ) -> Addresses {
        let mut reader = Reader::new(self.process);
        let mut stack = Addresses::default();
        let mut at = Registers {
            ip: registers.rip,
            sp: registers.rsp,
            bp: registers.rbp,
        };
        let mut first = true;
        while stack.frames.len() < DEEPEST {
            // A return address may be that of the next function already, if the call never returns.
            let inside = if first { at.ip } else { at.ip.wrapping_sub(1) };
            stack.frames.push(inside);
            let outer = match memory.file(inside) {
                Some(file) if file.function(inside) == Some(CHANGE_OF_STACKS) => {
                    change_of_stacks(&at, &mut reader)
                }
                Some(file) if file.function(inside) == Some(CALL_ON_HOST_STACK) => {
                    frame_of_pointer(&at, &mut reader)
                }
                Some(_) => match self.host_frame(&at, first, &mut reader) {
                    Ok(outer) => outer,
                    // The tables say that this is the end.
                    Err(End) => {
                        stack.whole = true;
                        return stack;
                    }
                },
                None if memory.is_made_at_run_time(inside) => {
                    guest_frame(&at, first, guests, &mut reader)
                }
                None => None,
            };
            let Some(outer) = outer else {
                // Not every table says where the end is.
                stack.whole = matches!(
                    memory.file(inside).and_then(|file| file.function(inside)),
                    Some("_start" | "clone3" | "__clone3" | "clone" | "__clone")
                );
                return stack;
            };
            // So the ABI marks the outermost frame.
            if outer.ip == 0 {
                stack.whole = true;
                return stack;
            }
            at = outer;
            first = false;
        }
        stack
    }

    fn host_frame(
        &mut self,
        at: &Registers,
        first: bool,
        reader: &mut Reader,
    ) -> Result<Option<Registers>, End> {
        let address = if first {
            FrameAddress::from_instruction_pointer(at.ip)
        } else {
            match FrameAddress::from_return_address(at.ip) {
                Some(address) => address,
                None => return Ok(None),
            }
        };
        let mut registers = UnwindRegsX86_64::new(at.ip, at.sp, at.bp);
        let outer =
            self.unwinder
                .unwind_frame(address, &mut registers, &mut self.cache, &mut |address| {
                    reader.word(address).ok_or(())
                });
        match outer {
            Ok(Some(ip)) => Ok(Some(Registers {
                ip,
                sp: registers.sp(),
                bp: registers.bp(),
            })),
            Ok(None) => Err(End),
            Err(_) => Ok(None),
        }
    }
}

struct End;

/// Compiled code keeps a frame pointer, but for functions that call no other and need no memory.
fn guest_frame(
    at: &Registers,
    first: bool,
    guests: &GuestMap,
    reader: &mut Reader,
) -> Option<Registers> {
    if first {
        // Where on the stack the return address is while the frame is not there, or not any more.
        let bytes = |reader: &mut Reader, address| reader.word(address).map(u64::to_le_bytes);
        let missing = match guests.find(at.ip) {
            Some(function) => {
                let begin = bytes(reader, function.start)?;
                let framed = begin.starts_with(&PROLOGUE);
                match at.ip - function.start {
                    0 => Some(0),
                    1 if framed => Some(8),
                    _ if !framed => Some(0),
                    _ => None,
                }
            }
            None => None,
        };
        let missing = missing.or_else(|| (bytes(reader, at.ip)?[0] == RETURN).then_some(0));
        if let Some(offset) = missing {
            return Some(Registers {
                ip: reader.word(at.sp.checked_add(offset)?)?,
                sp: at.sp.checked_add(offset)?.checked_add(8)?,
                bp: if offset == 8 {
                    reader.word(at.sp)?
                } else {
                    at.bp
                },
            });
        }
    }
    frame_of_pointer(at, reader)
}

/// Leaves a frame by its frame pointer.
fn frame_of_pointer(at: &Registers, reader: &mut Reader) -> Option<Registers> {
    Some(Registers {
        ip: reader.word(at.bp.checked_add(8)?)?,
        sp: at.bp.checked_add(16)?,
        bp: reader.word(at.bp)?,
    })
}

/// At its base, a coroutine's frame pointer points at a link to the stack that it was called from, on which three registers lie.
fn change_of_stacks(at: &Registers, reader: &mut Reader) -> Option<Registers> {
    let frame = reader.word(at.bp)?.checked_add(24)?;
    Some(Registers {
        ip: reader.word(frame.checked_sub(16)?)?,
        sp: frame,
        bp: reader.word(frame.checked_sub(24)?)?,
    })
}

/// Reads another process's memory; what is not there is none.
struct Reader {
    process: Pid,
    pieces: HashMap<u64, Option<Box<[u8]>>>,
}

impl Reader {
    fn new(process: Pid) -> Self {
        Self {
            process,
            pieces: HashMap::new(),
        }
    }

    fn word(&mut self, address: u64) -> Option<u64> {
        let mut word = [0; 8];
        for (offset, byte) in (0_u64..).zip(&mut word) {
            let address = address.checked_add(offset)?;
            let piece = self.piece(address / PIECE)?;
            *byte = *piece.get(usize::try_from(address % PIECE).ok()?)?;
        }
        Some(u64::from_le_bytes(word))
    }

    fn piece(&mut self, number: u64) -> Option<&[u8]> {
        let process = self.process;
        let read = || {
            let length = usize::try_from(PIECE).ok()?;
            let mut bytes = vec![0; length].into_boxed_slice();
            let base = usize::try_from(number.checked_mul(PIECE)?).ok()?;
            let remote = [RemoteIoVec { base, len: length }];
            let read = process_vm_readv(process, &mut [IoSliceMut::new(&mut bytes)], &remote);
            (read == Ok(length)).then_some(bytes)
        };
        self.pieces.entry(number).or_insert_with(read).as_deref()
    }
}
