//! Guest programs (`tests/wasi-guests`, built by `just wasi-guests`) with and without grants, on trees in memory and on the
//! host's. A program asserts what it sees and exits; the tests here say what it is granted, and look at what it has left behind.

mod common;
mod filesystem;
mod network;
mod system;
