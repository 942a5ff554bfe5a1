//! Looks save calls; a replay ends in the same bytes.
