//! End to end: every test here drives the real binary, or looks at the workspace as a whole.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod architecture;
mod attack;
mod bad_input;
mod certificate;
mod cli;
mod compare;
mod ensemble;
mod gate;
mod more;
mod planted;
mod proposers;
mod reading;
mod readme;
mod resume;
mod rewrite;
mod sensitivity;
mod session;
mod support;
mod verify;
