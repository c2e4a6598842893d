//! What the standard library of Rust 1.96 names and Debian's wasi-libc (2022-05-10) does not have.
//!
//! Only the Debian road of the guest toolchain uses this: one object file, put into its `libc.a`.
//! It is Rust rather than C so that no C compiler for wasm has to be downloaded. Every function
//! answers as a wasi-libc without threads and sockets would, so a guest that calls `thread::spawn`
//! or `TcpStream::connect` gets an `io::Error`. Parameters are all `usize` wide (i32 on wasm32),
//! because only their number matters: a wasm call must match the signature it names.
#![no_std]
#![feature(thread_local)]

// Values of wasi-libc's <errno.h> and <netdb.h>.
const ENOSYS: i32 = 52;
const ENOTSUP: i32 = 58;
const EAI_FAIL: i32 = -4;

unsafe extern "C" {
    #[thread_local]
    static mut errno: i32;
}

fn no_such_call() -> i32 {
    // SAFETY: libc's own variable, and a guest has one thread only.
    unsafe { errno = ENOSYS };
    -1
}

macro_rules! stubs {
    ($($name:ident($($parameter:ident)*) -> $result:ty = $body:expr;)*) => {$(
        #[unsafe(no_mangle)]
        pub extern "C" fn $name($(_: stubs!(@width $parameter)),*) -> $result {
            $body
        }
    )*};
    (@width $parameter:ident) => { usize };
}

stubs! {
    pthread_attr_init(attr) -> i32 = 0;
    pthread_attr_setstacksize(attr size) -> i32 = 0;
    pthread_attr_destroy(attr) -> i32 = 0;
    pthread_create(thread attr start argument) -> i32 = ENOTSUP;
    pthread_join(thread result) -> i32 = ENOTSUP;
    pthread_detach(thread) -> i32 = ENOTSUP;

    chmod(path mode) -> i32 = no_such_call();
    fchmod(fd mode) -> i32 = no_such_call();
    realpath(path buffer) -> usize = { no_such_call(); 0 };

    socket(domain kind protocol) -> i32 = no_such_call();
    bind(fd address length) -> i32 = no_such_call();
    connect(fd address length) -> i32 = no_such_call();
    listen(fd backlog) -> i32 = no_such_call();
    getpeername(fd address length) -> i32 = no_such_call();
    getsockname(fd address length) -> i32 = no_such_call();
    setsockopt(fd level name value length) -> i32 = no_such_call();
    recvfrom(fd buffer length flags address address_length) -> i32 = no_such_call();
    sendto(fd buffer length flags address address_length) -> i32 = no_such_call();
    getaddrinfo(node service hints results) -> i32 = EAI_FAIL;
    gai_strerror(code) -> usize = c"name resolution is not supported".as_ptr() as usize;
}

#[unsafe(no_mangle)]
pub extern "C" fn freeaddrinfo(_: usize) {}
