//! The proposer: asks a model for texts, reads its replies and checks what it wrote. All that optimizers need to turn
//! an idea into candidates.
//!
//! Prompts are written by [`prompt`], replies read by [`reading`], rows of the pool told by [`cases`], and texts that quote
//! a row are found by [`copying`].
//!
//! **Invariant:** the proposer is shown rows of the pool only, never one that candidates are scored on, so a text that
//! memorizes what it was shown gains nothing by it. A text that quotes a visible row, says nothing new, cannot be read, or
//! says what the gate refuses never becomes a candidate; all of them are counted and told.

pub(crate) mod cases;
mod copying;
pub(crate) mod prompt;
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

/// Asks, reads, checks and counts.
pub(crate) struct Proposer {
    rows: RowText,
    /// How often each question was put, so that the same question is another draw.
    asked: BTreeMap<Digest, u32>,
    tally: Tally,
}

/// A question to the proposer.
#[derive(Clone)]
pub(crate) struct Question {
    /// Names the purpose in the journal.
    pub(crate) purpose: &'static str,
    pub(crate) prompt: Prompt,
    /// 0 is greedy.
    pub(crate) temperature: f64,
    /// Texts that the reply may hold.
    pub(crate) most: usize,
}

/// A question for another instruction of one module.
#[derive(Clone)]
pub(crate) struct Rewrite<'r> {
    pub(crate) question: Question,
    /// What the instruction is laid over.
    pub(crate) base: &'r Candidate,
    /// Whose instruction it is.
    pub(crate) module: &'r Module,
    /// What it is made from.
    pub(crate) parents: Vec<&'r Candidate>,
    /// How, in a few words.
    pub(crate) how: String,
}

/// A candidate that the proposer wrote.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    pub(crate) candidate: Candidate,
    /// Which of the rewrites it answers.
    pub(crate) of: usize,
}

/// What became of all that was asked.
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
    /// Runs a search with a proposer: the baseline is measured first, and in the end, however it comes, the search tells
    /// what became of the proposals.
    ///
    /// # Errors
    /// Those of the search.
    pub(crate) fn run<'a, T>(
        lab: &mut Lab<'a>,
        search: impl FnOnce(&mut Lab<'a>, &mut Self) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        lab.born(&Candidate::baseline(), &[], "the task as written")?;
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

    /// Puts questions; for each the texts of its reply, none if there was no reply that could be read.
    ///
    /// # Errors
    /// [`Stop`].
    pub(crate) fn consult(
        &mut self,
        lab: &mut Lab<'_>,
        questions: &[Question],
    ) -> Result<Vec<Vec<String>>, Stop> {
        let asks: Vec<Ask> = questions.iter().map(|question| self.ask(question)).collect();
        let replies = if asks.is_empty() { Vec::new() } else { lab.ask(&asks)? };
        self.tally.asked += asks.len();
        let texts = questions.iter().zip(replies).map(|(question, reply)| {
            let texts = reply.map_or_else(Vec::new, |reply| reading::texts(&reply, question.most));
            self.tally.unreadable += usize::from(texts.is_empty());
            texts
        });
        Ok(texts.collect())
    }

    /// Puts questions for instructions; the candidates that came of it, each new and told where it comes from.
    ///
    /// # Errors
    /// [`Stop`].
    pub(crate) fn rewrite(
        &mut self,
        lab: &mut Lab<'_>,
        rewrites: &[Rewrite<'_>],
    ) -> Result<Vec<Draft>, Stop> {
        let questions: Vec<Question> = rewrites.iter().map(|rewrite| rewrite.question.clone()).collect();
        let replies = self.consult(lab, &questions)?;
        let mut drafts = Vec::new();
        for (of, (rewrite, texts)) in rewrites.iter().zip(replies).enumerate() {
            for text in texts {
                let candidate = worded(rewrite.base, rewrite.module, &text);
                if self.admits(lab, &candidate, &text) {
                    let many = lab.program().modules().len() > 1;
                    let place = if many { format!("{}: ", rewrite.module.name) } else { String::new() };
                    lab.born(&candidate, &rewrite.parents, format!("{place}{}", rewrite.how))?;
                    drafts.push(Draft { candidate, of });
                }
            }
        }
        Ok(drafts)
    }

    /// Whether a text may become part of a candidate; if not, it is counted why.
    pub(crate) fn admits(&mut self, lab: &Lab<'_>, candidate: &Candidate, text: &str) -> bool {
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

    /// The texts that quote no row; the others are counted.
    pub(crate) fn unquoted(&mut self, mut texts: Vec<String>) -> Vec<String> {
        let before = texts.len();
        texts.retain(|text| !self.rows.quoted_in(text));
        self.tally.copied += before - texts.len();
        texts
    }

    fn ask(&mut self, question: &Question) -> Ask {
        let Question { purpose, prompt, temperature, .. } = question;
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

/// The candidate with this instruction in a module; left out where it says what is written anyway.
pub(crate) fn worded(base: &Candidate, module: &Module, text: &str) -> Candidate {
    let path = path(&module.name);
    if text == module.signature.instructions {
        base.clone().without(&path)
    } else {
        base.clone().with(path, Param::Instruction(text.to_owned()))
    }
}

/// The instruction of a module under a candidate.
pub(crate) fn instruction<'t>(candidate: &'t Candidate, module: &'t Module) -> &'t str {
    match candidate.get(&path(&module.name)) {
        Some(Param::Instruction(text)) => text,
        _ => &module.signature.instructions,
    }
}

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
