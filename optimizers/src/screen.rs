//! Screening: from a space to finalists. Points spread over the space, then waves of points drawn by what all before
//! taught, each on the first rows; then a race.
//!
//! **Invariant:** every candidate is measured on the same first rows as the baseline, and those are the rows of the
//! race's first rung, so nothing is paid for twice.

use proofmark_runtime::Candidate;
use rand::rngs::ChaCha8Rng;

use crate::{
    additive::{Additive, Measured},
    board::Standing,
    effects::{Event, Stop, Trial},
    lab::Lab,
    rounds::first_rows,
    space::{Point, Space},
};

/// Most points that are spread.
pub(crate) const SPREAD: usize = 16;
/// The first points get one in so many calls.
const SPREAD_SHARE: u64 = 4;
/// Waves and race get so many hundredths of what the first points leave.
const RACE_SHARE: u64 = 85;
/// Waves of new points.
const WAVES: usize = 2;
/// One in so many of the first points goes on to the race.
const GOING_ON: usize = 4;
/// Most new points.
const NEW: usize = 48;
/// Candidates that are measured on all common rows.
const KEEP: usize = 3;

/// A candidate and the point that it was made of.
type Made = (Point, Candidate);

/// The candidates made of points so far.
pub(crate) struct Screen<'s> {
    space: &'s Space,
    made: Vec<Made>,
}

impl<'s> Screen<'s> {
    /// Measures at most so many points spread over the space.
    pub(crate) fn spread(
        lab: &mut Lab<'_>,
        (space, most): (&'s Space, usize),
        rng: &mut ChaCha8Rng,
    ) -> Result<Self, Stop> {
        let rows = first_rows(lab).len();
        let per_candidate = (rows * lab.program().calls_per_record()).max(1) as u64;
        let affordable = lab.remaining_calls() / SPREAD_SHARE / per_candidate;
        let count = usize::try_from(affordable).unwrap_or(most).saturating_sub(1).min(most);
        lab.note(Event::Stage { name: format!("headroom: {count} candidates on {rows} rows") });
        let mut screen = Self { space, made: Vec::new() };
        let points = space.spread(count, rng);
        screen.measure(lab, points, rng)?;
        Ok(screen)
    }

    /// How the points stand on the first rows, best first.
    pub(crate) fn standings(&self, lab: &Lab<'_>) -> Vec<Standing> {
        let ids: Vec<_> = self.made.iter().map(|(_, candidate)| candidate.id()).collect();
        lab.board().ranking(&ids, first_rows(lab).len())
    }

    /// What the points teach about their options; those that went further in the race teach more.
    pub(crate) fn learn(&self, lab: &Lab<'_>) -> Additive {
        let board = lab.board();
        let measured = self.made.iter().map(|(point, candidate)| {
            let rows = board.depth(candidate.id());
            let standing = board.ranking(&[candidate.id()], rows).into_iter().next();
            Measured {
                point: point.clone(),
                lead: standing.map_or(0.0, |standing| board.worth(&standing)),
                rows,
            }
        });
        Additive::learn(self.space, &measured.collect::<Vec<_>>())
    }

    /// Waves of new points, then the race of all of them and the best of the first ones, with most of the calls.
    pub(crate) fn race(&mut self, lab: &mut Lab<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Standing>, Stop> {
        let calls = lab.remaining_calls() * RACE_SHARE / 100;
        self.race_within(lab, rng, calls)
    }

    /// Like [`Screen::race`], with at most so many calls.
    pub(crate) fn race_within(
        &mut self,
        lab: &mut Lab<'_>,
        rng: &mut ChaCha8Rng,
        calls: u64,
    ) -> Result<Vec<Standing>, Stop> {
        let kept_back = lab.remaining_calls() - calls;
        let best = self.standings(lab).into_iter().take(self.made.len().div_ceil(GOING_ON));
        let mut field: Vec<Candidate> = best.map(|standing| standing.candidate).collect();
        let room = lab.affordable((&field, NEW), KEEP, calls);
        lab.note(Event::Stage { name: format!("racing {} candidates", field.len() + room) });
        for wave in 0..WAVES {
            let model = self.learn(lab);
            let count = room * (wave + 1) / WAVES - room * wave / WAVES;
            let points = (0..count).map(|_| model.draw(rng)).collect();
            let before = self.made.len();
            self.measure(lab, points, rng)?;
            field.extend(self.made[before..].iter().map(|(_, candidate)| candidate.clone()));
        }
        let calls = lab.remaining_calls().saturating_sub(kept_back);
        lab.race_within(&field, KEEP, calls)
    }

    /// Makes candidates of points and measures them on the first rows, and the baseline with them. Points that are the
    /// task as written, or known, are left out.
    fn measure(&mut self, lab: &mut Lab<'_>, points: Vec<Point>, rng: &mut ChaCha8Rng) -> Result<(), Stop> {
        let before = self.made.len();
        for point in points {
            let (candidate, how) = self.space.realize(lab.program(), &point, rng);
            if lab.board().get(candidate.id()).is_none() {
                lab.born(&candidate, &[], format!("{how}; draw {}", self.made.len() + 1))?;
                self.made.push((point, candidate));
            }
        }
        let rows = first_rows(lab).to_vec();
        let trial = |candidate: &Candidate| Trial { candidate: candidate.clone(), rows: rows.clone() };
        let new = self.made[before..].iter().map(|(_, candidate)| trial(candidate));
        lab.measure(&std::iter::once(trial(&Candidate::baseline())).chain(new).collect::<Vec<_>>())
    }
}
