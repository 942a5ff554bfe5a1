//! End to end: every test here drives the real binary, or looks at the workspace as a whole.

mod architecture;
mod cli;
mod resume;
mod support;
