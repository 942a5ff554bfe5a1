//! `auto`: the default. Spends a budget without being told how.
//!
//! 1. *Headroom*: points spread over the joint space of demonstrations, wording, format and calibration, on the first
//!    rows. If the best is not 2 points ahead of the task as written and chance explains what it is ahead (p above 0.2),
//!    there is nothing to be had this way: the search says so and stops (arXiv:2604.14585).
//! 2. *Race*: more points, drawn by what the first ones taught about each option, race against the best of them.
//! 3. *Refinement*: rounds of small changes to the best (another demonstration, another order, an edit of the wording,
//!    another option), until two rounds in a row bring nothing or the calls are spent.
//!
//! Cost: all the calls it is given, as long as there is something to gain: a quarter for the first part, half for the
//! second. Good from 400 calls on.

use proofmark_runtime::Candidate;
use rand::rngs::ChaCha8Rng;

use crate::{
    Optimizer,
    board::Standing,
    bootstrap::Shelves,
    demos::Shelf,
    effects::{Event, Stop, Trial},
    lab::Lab,
    moves::Moves,
    space::{Point, Space, Weights},
};

/// Most points of the headroom test.
const SPREAD: usize = 16;
/// With fewer points the headroom test proves nothing.
const LEAST_SPREAD: usize = 8;
/// Rows of the headroom test; also those of a race's first rung, so they are paid for once.
const FIRST_ROWS: usize = 20;
/// The headroom test gets one in so many calls.
const HEADROOM_SHARE: u64 = 4;
/// Teachers get one in so many calls, where labels do not serve every module.
const TEACHER_SHARE: u64 = 8;
/// The race gets so many hundredths of what the headroom test leaves.
const RACE_SHARE: u64 = 65;
/// Most candidates of the race.
const FIELD: usize = 48;
/// Candidates that are measured on all common rows.
const KEEP: usize = 3;
/// A lead up to this, where chance explains it, is no headroom.
const LEAD: f64 = 0.02;
/// Chance explains a lead with a paired p above this.
const CHANCE: f64 = 0.2;
/// Candidates of a round of refinement.
const PER_ROUND: usize = 6;
/// Rounds without a gain after which the search ends.
const PATIENCE: usize = 2;

/// See the [module](self).
pub struct Auto;

/// A measured point.
struct Measured {
    point: Point,
    candidate: Candidate,
    mean: f64,
}

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
        let first = spread(lab, &space, &mut rng)?;
        if is_hopeless(lab, &first) {
            lab.concede("nothing that was tried is better than the task as written");
            return Ok(());
        }
        let known: Vec<_> = first.iter().map(|measured| (measured.point.clone(), measured.mean)).collect();
        let weights = Weights::learn(&space, &known);
        let finalists = race(lab, (&space, &weights), first, &mut rng)?;
        refine(lab, (&space, &weights), &finalists, &mut rng)
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
    let named = stock.kinds().into_iter();
    Ok(named.flat_map(|(kind, shelves)| shelves.into_iter().map(move |shelf| (kind, shelf))).collect())
}

/// Measures points spread over the space on the first rows, and the baseline with them.
fn spread(lab: &mut Lab<'_>, space: &Space, rng: &mut ChaCha8Rng) -> Result<Vec<Measured>, Stop> {
    let rows = lab.rows()[..FIRST_ROWS.min(lab.rows().len())].to_vec();
    let per_candidate = (rows.len() * lab.program().calls_per_record()).max(1) as u64;
    let affordable = lab.remaining_calls() / HEADROOM_SHARE / per_candidate;
    let count = usize::try_from(affordable).unwrap_or(SPREAD).saturating_sub(1).min(SPREAD);
    lab.note(Event::Stage { name: format!("headroom: {count} candidates on {} rows", rows.len()) });
    let points = space.prior().draw(count, rng);
    let candidates = born(lab, space, points, rng)?;
    let baseline = Trial { candidate: Candidate::baseline(), rows: rows.clone() };
    let trials =
        candidates.iter().map(|(_, candidate)| Trial { candidate: candidate.clone(), rows: rows.clone() });
    lab.measure(&std::iter::once(baseline).chain(trials).collect::<Vec<_>>())?;
    let mut measured: Vec<Measured> = Vec::new();
    for (point, candidate) in candidates {
        let mean = crate::board::mean(&lab.board().scores(candidate.id(), rows.len()));
        measured.push(Measured { point, candidate, mean });
    }
    measured.sort_by(|a, b| b.mean.total_cmp(&a.mean));
    Ok(measured)
}

/// Whether the best of enough points is not worth going on for.
fn is_hopeless(lab: &Lab<'_>, measured: &[Measured]) -> bool {
    let ids: Vec<_> = measured.iter().map(|measured| measured.candidate.id()).collect();
    let rows = FIRST_ROWS.min(lab.rows().len());
    let best = lab.board().ranking(&ids, rows).into_iter().next();
    measured.len() >= LEAST_SPREAD && best.is_some_and(|best| best.lead <= LEAD && best.p > CHANCE)
}

/// Races the better half of the first points against new ones.
fn race(
    lab: &mut Lab<'_>,
    (space, weights): (&Space, &Weights),
    first: Vec<Measured>,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Standing>, Stop> {
    let calls = lab.remaining_calls() * RACE_SHARE / 100;
    let room = lab.affordable(FIELD, KEEP, calls);
    let half = first.len().div_ceil(2).min(room);
    let mut field: Vec<Candidate> = first.into_iter().take(half).map(|measured| measured.candidate).collect();
    lab.note(Event::Stage { name: format!("racing {room} candidates") });
    let newcomers = born(lab, space, weights.draw(room - half, rng), rng)?;
    field.extend(newcomers.into_iter().map(|(_, candidate)| candidate));
    lab.race_within(&field, KEEP, calls)
}

/// Rounds of small changes to the best.
fn refine(
    lab: &mut Lab<'_>,
    (space, weights): (&Space, &Weights),
    finalists: &[Standing],
    rng: &mut ChaCha8Rng,
) -> Result<(), Stop> {
    let others: Vec<Candidate> = finalists.iter().map(|standing| standing.candidate.clone()).collect();
    let leading = finalists.first().filter(|first| first.lead > 0.0);
    let mut best = leading.map_or_else(Candidate::baseline, |first| first.candidate.clone());
    let moves = Moves { program: lab.program(), space, weights, others: &others };
    let mut patience = PATIENCE;
    while patience > 0 {
        let room = lab.affordable(PER_ROUND, 1, lab.remaining_calls());
        let mut batch: Vec<Candidate> = Vec::new();
        for _ in 0..room * 10 {
            let Some((next, how)) = moves.step(&best, rng) else { continue };
            if batch.len() < room && lab.board().get(next.id()).is_none() {
                lab.born(&next, &[&best], how)?;
                batch.push(next);
            }
        }
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

/// Makes candidates of points; those that are the task as written are left out.
fn born(
    lab: &mut Lab<'_>,
    space: &Space,
    points: Vec<Point>,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<(Point, Candidate)>, Stop> {
    let mut candidates = Vec::new();
    for point in points {
        let (candidate, how) = space.realize(lab.program(), &point, rng);
        if !candidate.is_baseline() && lab.board().get(candidate.id()).is_none() {
            let draw = lab.board().entries().len();
            lab.born(&candidate, &[], format!("{how}; draw {draw}"))?;
            candidates.push((point, candidate));
        }
    }
    Ok(candidates)
}
