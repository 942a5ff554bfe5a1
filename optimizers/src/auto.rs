//! `auto`: the default optimizer. It chooses by itself how to spend the budget.
//!
//! 1. *Headroom*: points are spread over the joint space of demonstrations, wording, format and calibration, and measured
//!    on the first rows. If a proposer is named, a step of reflection on mistakes is tried too, as in
//!    [`protegi`](crate::protegi). If the best gain is at most 2 points with a paired p above 0.2, there is no headroom: the
//!    search reports it and stops (arXiv:2604.14585).
//! 2. *Race*: more points are drawn from the learned effects of the options and race against the best first points.
//!    *Reflection* replaces the race if its first steps score higher than the points. If they score lower, it goes on from
//!    the best of a shorter race. If they bring no gain, it ends.
//! 3. *Refinement*: rounds of small changes to the best (another demonstration, another order, an edit of the wording,
//!    another option), until two rounds in a row bring no gain or the calls are spent.
//!
//! It stops after the first part, and before every round of the last, if the sealed rows could not show any further gain:
//! the gain of the best is large enough to be shown, and the rest up to a perfect score is too small (`resolution`).
//!
//! On the planted landscapes it keeps up with the best single optimizer of each landscape.
//!
//! Cost: all calls, as long as there is a gain: a quarter for the first part, most of the rest for the second. It needs at
//! least 400 calls.

use proofmark_runtime::Candidate;
use rand::rngs::ChaCha8Rng;

use crate::{
    Optimizer,
    board::Standing,
    bootstrap::ExamplePools,
    climb::climb,
    demos::ExamplePool,
    effects::Stop,
    lab::Lab,
    moves::Moves,
    proposer::Proposer,
    protegi::{BEAM, BeamSearch, PATIENCE},
    resolution::is_enough,
    screen::{SPREAD, Screen},
    space::Space,
};

/// The least number of points for the headroom test.
const LEAST_POINTS: usize = 8;
/// A gain up to this with a paired p above [`CHANCE`] is no headroom.
const NO_HEADROOM: f64 = 0.02;
/// The number of steps of reflection in a row without a gain that end it.
const TRIED: usize = 2;
/// The number of points if reflection is tried too.
const FEWER: usize = 10;
/// With a paired p above this, chance explains a gain.
const CHANCE: f64 = 0.2;
/// Teachers get one call in `TEACHER_SHARE`, if some module needs traces.
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
        lab.register(&Candidate::baseline(), &[], "the task as written")?;
        let space = Space::new(lab.program(), lab.abilities(), pools(lab)?);
        let mut rng = lab.rng("auto");
        let most = if lab.has_proposer() { FEWER } else { SPREAD };
        let mut screen = Screen::spread(lab, &space, most, &mut rng)?;
        let first = screen.standings(lab).into_iter().find(|first| first.gain > 0.0);
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
            lab.give_up("nothing that was tried is better than the task as written");
            return Ok(());
        };
        let model = screen.learn(lab);
        let others: Vec<Candidate> = finalists.iter().map(|standing| standing.candidate.clone()).collect();
        let moves = Moves { program: lab.program(), space: &space, model: &model, others: &others };
        climb(lab, &finalists, &|best, rng| moves.step(best, rng), &mut rng)
    }
}

/// Races or reflects or both, depending on the first steps of reflection on the task as written and on the points. None if
/// neither shows headroom.
fn reflect(
    lab: &mut Lab<'_>,
    proposer: &mut Proposer,
    screen: &mut Screen<'_>,
    rng: &mut ChaCha8Rng,
) -> Result<Option<Vec<Standing>>, Stop> {
    let mut beam_search = BeamSearch::new(lab, "auto reflection");
    beam_search.run(lab, proposer, TRIED, 1)?;
    let written = Candidate::baseline();
    let points = screen.standings(lab);
    let reflected = beam_search.best();
    if !lab.board().beats(reflected.id(), written.id()) {
        return if is_hopeless(&points) { Ok(None) } else { screen.race(lab, rng).map(Some) };
    }
    let best = points.first().map_or(&written, |standing| &standing.candidate);
    let ahead = lab.board().beats(reflected.id(), best.id());
    let raced = if ahead { points } else { screen.race_within(lab, rng, lab.remaining_calls() / 2)? };
    beam_search.join(lab, raced.into_iter().map(|standing| standing.candidate));
    if ahead {
        beam_search.run(lab, proposer, PATIENCE, BEAM)?;
    } else {
        beam_search.run(lab, proposer, 1, 1)?;
    }
    beam_search.finish(lab).map(Some)
}

/// The pools of demonstrations with their names. Teachers run only if some module needs traces.
fn pools(lab: &mut Lab<'_>) -> Result<Vec<(&'static str, ExamplePool)>, Stop> {
    let labelled = ExamplePools::labelled(lab);
    let served = lab.program().modules().iter().all(|module| {
        module.effective() == module.signature
            && labelled.labelled.iter().any(|pool| pool.module == module.name)
    });
    let stock = if served { labelled } else { ExamplePools::with_traces(lab, TEACHER_SHARE)? };
    Ok(stock.named())
}

/// Whether enough points were measured and the best of them shows no headroom.
fn is_hopeless(standings: &[Standing]) -> bool {
    let best = standings.first().filter(|_| standings.len() >= LEAST_POINTS);
    best.is_some_and(|best| best.gain <= NO_HEADROOM && best.p > CHANCE)
}
