//! The whole program from outside: files and arguments in, tables, words and an exit
//! status out. One crate, so that the ways to run it and to read its tables are there once.

#![expect(
    unreachable_pub,
    reason = "what the modules share is public to each other, and this crate is public to nobody"
)]

mod availability;
mod changing_links;
mod command_line;
mod conservation;
mod costs;
mod data;
mod desk;
mod determinism;
mod devices;
mod dropout_zero;
mod everything;
mod interrupted;
mod placement;
mod product;
mod resolved;
mod schedules;
mod tables;
mod trace;
mod wrong_input;
