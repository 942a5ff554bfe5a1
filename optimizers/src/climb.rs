//! The climb: rounds of random steps from the best candidate so far, each round a race of its own, until two rounds in a
//! row bring nothing, no further gain could be shown ([`resolution`](crate::resolution)), or the calls are spent.
//!
//! **Invariant:** a step is taken only if it beats the best on the same rows by more than chance would in one case of
//! four ([`Board::beats`](crate::board::Board::beats)); the best is never measured again for it.

use proofmark_runtime::Candidate;
use rand::rngs::ChaCha8Rng;

use crate::{
    board::Standing,
    effects::{Event, Stop},
    lab::Lab,
    resolution::is_enough,
};

/// Candidates of a round.
const PER_ROUND: usize = 6;
/// Rounds without a gain after which the climb ends.
const PATIENCE: usize = 2;
/// Steps that are drawn for each candidate of a round: some do not apply, some lead to what is known.
const TRIES: usize = 10;

/// A random step from a candidate, with what it does in words; nothing if it does not apply.
pub(crate) type Step<'s> = dyn Fn(&Candidate, &mut ChaCha8Rng) -> Option<(Candidate, String)> + 's;

/// Climbs from the first of the finalists, or from the baseline if it does not lead.
///
/// # Errors
/// [`Stop`].
pub(crate) fn climb(
    lab: &mut Lab<'_>,
    finalists: &[Standing],
    step: &Step<'_>,
    rng: &mut ChaCha8Rng,
) -> Result<(), Stop> {
    let leading = finalists.first().filter(|first| first.lead > 0.0);
    let mut best = leading.map_or_else(Candidate::baseline, |first| first.candidate.clone());
    let mut patience = PATIENCE;
    while patience > 0 && !is_enough(lab, &best)? {
        let batch = around(lab, &best, step, rng)?;
        if batch.is_empty() {
            break;
        }
        lab.note(Event::Stage { name: format!("refining the best: {} changes", batch.len()) });
        let winner = lab.race(&batch, 1)?.into_iter().next();
        let better = winner.filter(|winner| lab.board().beats(winner.candidate.id(), best.id()));
        patience = if better.is_some() { PATIENCE } else { patience - 1 };
        best = better.map_or(best, |winner| winner.candidate);
    }
    Ok(())
}

/// As many candidates as a round can pay for, each a step from `best`, none of them known.
fn around(
    lab: &mut Lab<'_>,
    best: &Candidate,
    step: &Step<'_>,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Candidate>, Stop> {
    let room = lab.affordable((&[], PER_ROUND), 1, lab.remaining_calls());
    let mut batch = Vec::new();
    for _ in 0..room * TRIES {
        let Some((next, how)) = step(best, rng) else { continue };
        if batch.len() < room && lab.board().get(next.id()).is_none() {
            lab.born(&next, &[best], how)?;
            batch.push(next);
        }
    }
    Ok(batch)
}
