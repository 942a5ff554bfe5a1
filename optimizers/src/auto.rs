//! `auto`: the default. Spends a budget without being told how.
//!
//! 1. *Headroom*: points spread over the joint space of demonstrations, wording, format and calibration, on the first
//!    rows. If the best is not 2 points ahead of the task as written and chance explains what it is ahead (p above 0.2),
//!    there is nothing to be had this way: the search says so and stops (arXiv:2604.14585).
//! 2. *Race*: more points, drawn by what those before taught about each option, race against the best of the first.
//! 3. *Refinement*: rounds of small changes to the best (another demonstration, another order, an edit of the wording,
//!    another option), until two rounds in a row bring nothing or the calls are spent.
//!
//! Cost: all the calls it is given, as long as there is something to gain: a quarter for the first part, most of the rest
//! for the second. Good from 400 calls on.

use proofmark_runtime::Candidate;

use crate::{
    Optimizer, board::Standing, bootstrap::Shelves, climb::climb, demos::Shelf, effects::Stop, lab::Lab,
    moves::Moves, screen::Screen, space::Space,
};

/// With fewer points the headroom test proves nothing.
const LEAST_POINTS: usize = 8;
/// A lead up to this, where chance explains it, is no headroom.
const LEAD: f64 = 0.02;
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
        let mut screen = Screen::spread(lab, &space, &mut rng)?;
        if is_hopeless(&screen.standings(lab)) {
            lab.concede("nothing that was tried is better than the task as written");
            return Ok(());
        }
        let finalists = screen.race(lab, &mut rng)?;
        let model = screen.learn(lab);
        let others: Vec<Candidate> = finalists.iter().map(|standing| standing.candidate.clone()).collect();
        let moves = Moves { program: lab.program(), space: &space, model: &model, others: &others };
        climb(lab, &finalists, &|best, rng| moves.step(best, rng), &mut rng)
    }
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
