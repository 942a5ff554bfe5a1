//! End to end: every test here drives the real binary or the whole library.
