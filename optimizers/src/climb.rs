//! Hill climbing: rounds of random steps from the best candidate so far. Each round is a race of its own. It ends after two
//! rounds in a row without a gain, if the sealed rows could show no further gain ([`resolution`](crate::resolution)), or if
//! the calls are spent.
//!
//! **Invariant:** a step is taken only if it beats the best on the same rows with a paired p below 0.25
//! ([`Board::beats`](crate::board::Board::beats)). The best is not measured again for it.

use proofmark_runtime::Candidate;
use rand::rngs::ChaCha8Rng;

use crate::{
    board::Standing,
    effects::{Event, Stop},
    lab::Lab,
    resolution::is_enough,
};

/// The number of candidates of a round.
const PER_ROUND: usize = 6;
/// The number of rounds in a row without a gain that end the climb.
const PATIENCE: usize = 2;
/// The number of steps that are drawn per candidate of a round: some do not apply, and some give a known candidate.
const TRIES: usize = 10;

/// A function that draws a random step from a candidate; it returns the new candidate and a description, or none if the step
/// does not apply.
pub type RandomStep<'s> = dyn Fn(&Candidate, &mut ChaCha8Rng) -> Option<(Candidate, String)> + 's;

/// Climbs from the first finalist, or from the baseline if that finalist has no gain.
///
/// # Errors
/// [`Stop`].
pub fn climb(
    lab: &mut Lab<'_>,
    finalists: &[Standing],
    step: &RandomStep<'_>,
    rng: &mut ChaCha8Rng,
) -> Result<(), Stop> {
    let ahead = finalists.first().filter(|first| first.gain > 0.0);
    let mut best = ahead.map_or_else(Candidate::baseline, |first| first.candidate.clone());
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

/// Makes the new candidates of a round, each a step from `best`, as many as the calls allow.
fn around(
    lab: &mut Lab<'_>,
    best: &Candidate,
    step: &RandomStep<'_>,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Candidate>, Stop> {
    let room = lab.affordable(&[], PER_ROUND, 1, lab.remaining_calls());
    let mut batch = Vec::new();
    for _ in 0..room * TRIES {
        let Some((next, how)) = step(best, rng) else { continue };
        if batch.len() < room && lab.board().get(next.id()).is_none() {
            lab.register(&next, &[best], how)?;
            batch.push(next);
        }
    }
    Ok(batch)
}
