//! The proposer: asks a model for texts, reads its replies and checks the texts. An optimizer turns ideas into candidates
//! with it.
//!
//! [`prompt`] writes the prompts, [`reading`] reads the replies, [`cases`] renders rows of the pool, and [`copying`] finds
//! texts that quote a row.
//!
//! **Invariant:** the proposer is shown rows of the pool only. Candidates are not scored on these rows, so a text that
//! memorizes them gains nothing. A text that quotes a visible row, changes nothing, cannot be read, or would be refused by
//! the gate never becomes a candidate. All of these are counted and reported.

pub mod cases;
mod copying;
pub mod prompt;
mod reading;

use std::collections::BTreeMap;

use proofmark_runtime::{Candidate, Digest, Module, Param, digest};

use crate::{
    effects::{Ask, Event, Stop},
    lab::Lab,
    rounds,
    wording::path,
};
use copying::RowText;
use prompt::Prompt;

/// A proposer at work: it asks, reads, checks and counts.
pub struct Proposer {
    rows: RowText,
    /// The number of times that each question was asked, so that a repeated question is a new draw.
    asked: BTreeMap<Digest, u32>,
    tally: Tally,
}

/// A question to the proposer.
#[derive(Clone)]
pub struct Query {
    /// The purpose; the journal names it.
    pub purpose: &'static str,
    /// The two messages.
    pub prompt: Prompt,
    /// The sampling temperature; 0 is greedy.
    pub temperature: f64,
    /// The greatest number of texts that are taken from the reply.
    pub most: usize,
}

/// A request for a new instruction of one module.
#[derive(Clone)]
pub struct Rewrite<'r> {
    /// The question.
    pub query: Query,
    /// The candidate whose instruction is replaced.
    pub base: &'r Candidate,
    /// The module whose instruction is replaced.
    pub module: &'r Module,
    /// The candidates that the new one is made from.
    pub parents: Vec<&'r Candidate>,
    /// How it is made, in a few words.
    pub how: String,
}

/// A candidate that the proposer wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The candidate.
    pub candidate: Candidate,
    /// The place of its request in the list of rewrites.
    pub of: usize,
}

/// The numbers of questions, accepted texts and dropped texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    asked: usize,
    accepted: usize,
    unreadable: usize,
    unchanged: usize,
    copied: usize,
    refused: usize,
}

impl Proposer {
    /// Runs a search with a proposer. The baseline is measured on the first rows before the search; after it, also after an
    /// error, the counts of accepted and dropped texts are reported.
    ///
    /// # Errors
    /// The errors of the search.
    pub fn run<'a, T>(
        lab: &mut Lab<'a>,
        search: impl FnOnce(&mut Lab<'a>, &mut Self) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        lab.register(&Candidate::baseline(), &[], "the task as written")?;
        rounds::screen(lab, &[])?;
        let rows = lab.train().examples().iter().chain(lab.val().examples());
        let rows = RowText::new(lab.program(), rows);
        let mut proposer = Self { rows, asked: BTreeMap::new(), tally: Tally::default() };
        let result = search(lab, &mut proposer);
        if proposer.tally.asked > 0 {
            lab.note(Event::Remark { text: proposer.tally.phrase() });
        }
        result
    }

    /// Asks questions and returns the texts of each reply; no texts if there is no readable reply.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn consult(&mut self, lab: &mut Lab<'_>, queries: &[Query]) -> Result<Vec<Vec<String>>, Stop> {
        let asks: Vec<Ask> = queries.iter().map(|query| self.ask(query)).collect();
        let replies = if asks.is_empty() { Vec::new() } else { lab.ask(&asks)? };
        self.tally.asked += asks.len();
        let mut all = Vec::with_capacity(queries.len());
        for (query, reply) in queries.iter().zip(replies) {
            let texts = reply.map_or_else(Vec::new, |reply| reading::texts(&reply, query.most));
            self.tally.unreadable += usize::from(texts.is_empty());
            all.push(texts);
        }
        Ok(all)
    }

    /// Asks for instructions and returns the new candidates, each registered with its lineage.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn rewrite(&mut self, lab: &mut Lab<'_>, rewrites: &[Rewrite<'_>]) -> Result<Vec<Draft>, Stop> {
        let queries: Vec<Query> = rewrites.iter().map(|rewrite| rewrite.query.clone()).collect();
        let replies = self.consult(lab, &queries)?;
        let mut drafts = Vec::new();
        for (of, (rewrite, texts)) in rewrites.iter().zip(replies).enumerate() {
            for text in texts {
                let candidate = worded(rewrite.base, rewrite.module, &text);
                if self.admits(lab, &candidate, &text) {
                    let many = lab.program().modules().len() > 1;
                    let place = if many { format!("{}: ", rewrite.module.name) } else { String::new() };
                    lab.register(&candidate, &rewrite.parents, format!("{place}{}", rewrite.how))?;
                    drafts.push(Draft { candidate, of });
                }
            }
        }
        Ok(drafts)
    }

    /// Whether a text may become part of a candidate. The reason for a refusal is counted.
    pub fn admits(&mut self, lab: &Lab<'_>, candidate: &Candidate, text: &str) -> bool {
        let copied = self.rows.quoted_in(text);
        let known = lab.board().get(candidate.id()).is_some();
        let refused = !copied && !known && lab.is_refused(candidate);
        let accepted = !copied && !known && !refused;
        self.tally.copied += usize::from(copied);
        self.tally.unchanged += usize::from(known && !copied);
        self.tally.refused += usize::from(refused);
        self.tally.accepted += usize::from(accepted);
        accepted
    }

    /// Drops and counts the texts that quote a row, and returns the others.
    pub fn unquoted(&mut self, mut texts: Vec<String>) -> Vec<String> {
        let before = texts.len();
        texts.retain(|text| !self.rows.quoted_in(text));
        self.tally.copied += before - texts.len();
        texts
    }

    fn ask(&mut self, query: &Query) -> Ask {
        let Query { purpose, prompt, temperature, .. } = query;
        let count = self.asked.entry(digest(&(purpose, &prompt.system, &prompt.user))).or_default();
        let replicate = *count;
        *count += 1;
        Ask {
            purpose,
            system: prompt.system.clone(),
            user: prompt.user.clone(),
            temperature: *temperature,
            replicate,
        }
    }
}

impl Tally {
    fn phrase(self) -> String {
        let Self { asked, accepted, unreadable, unchanged, copied, refused } = self;
        format!(
            "the proposer was asked {asked} times: {accepted} new texts; dropped: {copied} that quote a row, {refused} \
             that the gate would refuse unmeasured, {unchanged} that change nothing, {unreadable} replies without a text"
        )
    }
}

/// The base candidate with this instruction for a module. The text of the task as written removes the parameter.
pub fn worded(base: &Candidate, module: &Module, text: &str) -> Candidate {
    let path = path(&module.name);
    if text == module.signature.instructions {
        base.clone().without(&path)
    } else {
        base.clone().with(path, Param::Instruction(text.to_owned()))
    }
}

/// The instruction of a module with a candidate laid over it.
pub fn instruction<'t>(candidate: &'t Candidate, module: &'t Module) -> &'t str {
    match candidate.get(&path(&module.name)) {
        Some(Param::Instruction(text)) => text,
        _ => &module.signature.instructions,
    }
}

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
