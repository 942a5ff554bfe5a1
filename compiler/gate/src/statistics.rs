//! The statistics of the gate: pure functions, no randomness but seeded, no knowledge of prompts or models.
//!
//! The *unit* of every test is one original row with all its perturbed variants. Rows of one unit are not
//! independent; a test that treats them so rejects a true null more than twice as often as it says.
//!
//! **Invariant:** every function is checked against brute force on small inputs, against simulation, or against values of an
//! independent implementation (`fixtures.json`, made by `fixtures.py`); what decides a verdict, against two of these.
//!
//! Read in this order: [`signflip`] (the test), [`looks`] (several of them), [`interval`] and [`stagewise`] (how large
//! the gain is), [`futility`] and [`power`] (how many rows), [`holm`], [`selection`] and [`simultaneous`] (many tests),
//! [`combination`] (a trial that goes on), [`spread`] (how rows vary), [`exact`] (a counted rate), [`bounded`] (a mean score against a target), [`regression`]
//! (what parts of a prompt do), [`betting`] (has a model changed since).

pub mod betting;
pub mod bounded;
pub mod combination;
pub mod exact;
pub mod futility;
pub mod holm;
pub mod interval;
pub mod looks;
pub mod normal;
pub mod power;
pub mod regression;
pub mod selection;
pub mod shrinkage;
pub mod signflip;
pub mod simultaneous;
pub mod spread;
pub mod stagewise;

#[cfg(test)]
mod tests;
