//! How a command begins, in place of the `crt1-command.o` of Debian's wasi-libc (2022-05-10), with which commands that call the
//! system through an adapter, as those for wasm32-wasip2 do, are unsound for two reasons:
//!
//! - It does not run the constructors itself. The linker then wraps every export in a function that does, before, and runs the
//!   destructors, after. Exports that are no beginning, `cabi_realloc` for one, start and end the library anew with each call.
//! - The library's allocator takes all memory up to its end for its own when it is first asked. The adapter has its state in
//!   pages that it adds at the end when the system is first called, which the library's constructors do before anything is
//!   allocated: the heap grows over it.
//!
//! Only the Debian road of the guest toolchain uses this. Reactors, as plugins are, begin by `_initialize` and are not concerned.
#![no_std]

use core::hint::black_box;

unsafe extern "C" {
    fn malloc(size: usize) -> *mut u8;
    fn free(block: *mut u8);
    fn __wasm_call_ctors();
    fn __wasm_call_dtors();
    fn __original_main() -> i32;
    fn __wasi_proc_exit(code: i32) -> !;
}

/// Runs the program, once. That the constructors are called here is what keeps the linker from calling them elsewhere.
#[unsafe(no_mangle)]
pub extern "C" fn _start() {
    // SAFETY: these are the library's own functions, and what it wants of a beginning: constructors first and once, destructors
    // last. `exit` runs destructors itself and does not come back. The allocator needs no constructor: it sets itself up when it is
    // first asked, which is now.
    unsafe {
        free(black_box(malloc(1)));
        __wasm_call_ctors();
        let code = __original_main();
        __wasm_call_dtors();
        if code != 0 {
            __wasi_proc_exit(code);
        }
    }
}
