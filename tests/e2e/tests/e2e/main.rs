//! End-to-end tests of the command, one module a topic; linked once, since they share everything.

mod api_0_1_0;
mod bad_input;
mod bad_plugins;
mod cache;
mod cli;
mod combinations;
mod configuration;
mod core_modules;
mod cuts;
mod fixtures;
mod follow;
mod interruption;
mod jobs;
mod new;
mod packets;
mod profile;
mod real_traces;
mod sandbox;
mod tables;
