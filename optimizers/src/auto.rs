//! `auto`: the default. Spends a budget without being told how.
//!
//! 1. *Headroom*: points spread over the joint space of demonstrations, wording, format and calibration, on the first
//!    rows; where a proposer is named, also a step of reflection on mistakes, as in [`protegi`](crate::protegi). If the
//!    best is not 2 points ahead of the task as written and chance explains what it is ahead (p above 0.2), there is
//!    nothing to be had this way: the search says so and stops (arXiv:2604.14585).
//! 2. *Race*: more points, drawn by what those before taught about each option, race against the best of the first.
//!    *Reflection* takes its place if its first steps are ahead of the points; if they are not, it goes on from the best
//!    of a shorter race; if they brought nothing, it ends there.
//! 3. *Refinement*: rounds of small changes to the best (another demonstration, another order, an edit of the wording,
//!    another option), until two rounds in a row bring nothing or the calls are spent.
//!
//! It stops after the first part, and before every round of the last, if no further gain could be shown on the sealed rows:
//! the lead of the best is large enough to be shown, and what is left to gain is too small to be (`resolution`).
//!
//! On the planted landscapes it keeps up with the best single optimizer of each, which is another one for each.
//!
//! Cost: all the calls it is given, as long as there is something to gain: a quarter for the first part, most of the rest
//! for the second. Good from 400 calls on.

use proofmark_runtime::Candidate;
use rand::rngs::ChaCha8Rng;

use crate::{
    Optimizer,
    board::Standing,
    bootstrap::Shelves,
    climb::climb,
    demos::Shelf,
    effects::Stop,
    lab::Lab,
    moves::Moves,
    proposer::Proposer,
    protegi::{BEAM, Descent, PATIENCE},
    resolution::is_enough,
    screen::{SPREAD, Screen},
    space::Space,
};

/// With fewer points the headroom test proves nothing.
const LEAST_POINTS: usize = 8;
/// A lead up to this, where chance explains it, is no headroom.
const LEAD: f64 = 0.02;
/// Steps of reflection without success after which it is left alone.
const TRIED: usize = 2;
/// Points where reflection is tried beside them.
const FEWER: usize = 10;
/// Chance explains a lead with a paired p above this.
const CHANCE: f64 = 0.2;
/// Teachers get one in so many calls, where labels do not serve every module.
const TEACHER_SHARE: u64 = 8;

/// See the [module](self).
pub struct Auto;

impl Optimizer for Auto {
    fn name(&self) -> &'static str {
        "auto"
    }

    fn about(&self) -> &'static str {
        "the default: headroom test, then demonstrations, wording, format and calibration jointly, then refinement"
    }

    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        lab.born(&Candidate::baseline(), &[], "the task as written")?;
        let space = Space::new(lab.program(), lab.abilities(), shelves(lab)?);
        let mut rng = lab.rng("auto");
        let most = if lab.has_proposer() { FEWER } else { SPREAD };
        let mut screen = Screen::spread(lab, (&space, most), &mut rng)?;
        let first = screen.standings(lab).into_iter().find(|first| first.lead > 0.0);
        if is_enough(lab, &first.map_or_else(Candidate::baseline, |first| first.candidate))? {
            return Ok(());
        }
        let finalists = if lab.has_proposer() {
            Proposer::run(lab, |lab, proposer| reflect(lab, proposer, &mut screen, &mut rng))?
        } else if is_hopeless(&screen.standings(lab)) {
            None
        } else {
            Some(screen.race(lab, &mut rng)?)
        };
        let Some(finalists) = finalists else {
            lab.concede("nothing that was tried is better than the task as written");
            return Ok(());
        };
        let model = screen.learn(lab);
        let others: Vec<Candidate> = finalists.iter().map(|standing| standing.candidate.clone()).collect();
        let moves = Moves { program: lab.program(), space: &space, model: &model, others: &others };
        climb(lab, &finalists, &|best, rng| moves.step(best, rng), &mut rng)
    }
}

/// The race, or reflection, or both, by what a step of reflection on the task as written brought beside the points.
/// Nothing if there is no headroom either way.
fn reflect(
    lab: &mut Lab<'_>,
    proposer: &mut Proposer,
    screen: &mut Screen<'_>,
    rng: &mut ChaCha8Rng,
) -> Result<Option<Vec<Standing>>, Stop> {
    let mut descent = Descent::new(lab, "auto reflection");
    descent.run(lab, proposer, (TRIED, 1))?;
    let (written, points) = (Candidate::baseline(), screen.standings(lab));
    let reflected = descent.best();
    if !lab.board().beats(reflected.id(), written.id()) {
        return if is_hopeless(&points) { Ok(None) } else { screen.race(lab, rng).map(Some) };
    }
    let best = points.first().map_or(&written, |standing| &standing.candidate);
    let ahead = lab.board().beats(reflected.id(), best.id());
    let raced = if ahead { points } else { screen.race_within(lab, rng, lab.remaining_calls() / 2)? };
    descent.join(lab, raced.into_iter().map(|standing| standing.candidate));
    descent.run(lab, proposer, if ahead { (PATIENCE, BEAM) } else { (1, 1) })?;
    descent.finish(lab).map(Some)
}

/// What the pool offers. Teachers are asked only where labels do not serve every module.
fn shelves(lab: &mut Lab<'_>) -> Result<Vec<(&'static str, Shelf)>, Stop> {
    let labelled = Shelves::labelled(lab);
    let served = lab.program().modules().iter().all(|module| {
        module.effective() == module.signature
            && labelled.labelled.iter().any(|shelf| shelf.module == module.name)
    });
    let stock = if served { labelled } else { Shelves::stock(lab, TEACHER_SHARE)? };
    Ok(stock.named())
}

/// Whether the best of enough points is not worth going on for.
fn is_hopeless(standings: &[Standing]) -> bool {
    let best = standings.first().filter(|_| standings.len() >= LEAST_POINTS);
    best.is_some_and(|best| best.lead <= LEAD && best.p > CHANCE)
}
