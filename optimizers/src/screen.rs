//! Screening: the way from a space to finalists. Points are spread over the space and measured on the first rows. Then waves
//! of new points are drawn from the model that all earlier points taught. Then the best race.
//!
//! **Invariant:** every candidate is measured on the same first rows as the baseline. These are the rows of the race's first
//! rung, so nothing is paid for twice.

use proofmark_runtime::Candidate;
use rand::rngs::ChaCha8Rng;

use crate::{
    additive::{Additive, ScoredPoint},
    board::Standing,
    effects::{Event, Stop, Trial},
    lab::Lab,
    rounds::first_rows,
    space::{Point, Space},
};

/// The greatest number of points that are spread.
pub(crate) const SPREAD: usize = 16;
/// The first points get one call in `SPREAD_SHARE`.
const SPREAD_SHARE: u64 = 4;
/// The share of the remaining calls that waves and race get, in percent.
const RACE_SHARE: u64 = 85;
/// The number of waves of new points.
const WAVES: usize = 2;
/// One in `GOING_ON` of the first points goes on to the race.
const GOING_ON: usize = 4;
/// The greatest number of new points.
const NEW: usize = 48;
/// The number of candidates that are measured on all common rows.
const KEEP: usize = 3;

/// A candidate and the point that it was made from.
struct Screened {
    point: Point,
    candidate: Candidate,
}

/// The candidates of a space that were screened so far.
pub(crate) struct Screen<'s> {
    space: &'s Space,
    screened: Vec<Screened>,
}

impl<'s> Screen<'s> {
    /// Measures at most `most` points spread over the space.
    pub(crate) fn spread(
        lab: &mut Lab<'_>,
        space: &'s Space,
        most: usize,
        rng: &mut ChaCha8Rng,
    ) -> Result<Self, Stop> {
        let rows = first_rows(lab).len();
        let per_candidate = (rows * lab.program().calls_per_record()).max(1) as u64;
        let affordable = lab.remaining_calls() / SPREAD_SHARE / per_candidate;
        let count = usize::try_from(affordable).unwrap_or(most).saturating_sub(1).min(most);
        lab.note(Event::Stage { name: format!("headroom: {count} candidates on {rows} rows") });
        let mut screen = Self { space, screened: Vec::new() };
        let points = space.spread(count, rng);
        screen.measure(lab, points, rng)?;
        Ok(screen)
    }

    /// The standings of the candidates on the first rows, best first.
    pub(crate) fn standings(&self, lab: &Lab<'_>) -> Vec<Standing> {
        let ids: Vec<_> = self.screened.iter().map(|one| one.candidate.id()).collect();
        lab.board().ranking(&ids, first_rows(lab).len())
    }

    /// Learns the effects of the options from all points, each with all rows that it was measured on.
    pub(crate) fn learn(&self, lab: &Lab<'_>) -> Additive {
        let board = lab.board();
        let mut points = Vec::with_capacity(self.screened.len());
        for Screened { point, candidate } in &self.screened {
            let rows = board.depth(candidate.id());
            let standing = board.ranking(&[candidate.id()], rows).into_iter().next();
            let gain = standing.map_or(0.0, |standing| board.worth(&standing));
            points.push(ScoredPoint { point: point.clone(), gain, rows });
        }
        Additive::learn(self.space, &points)
    }

    /// Measures waves of new points and races them against the best of the first points, with most of the calls.
    pub(crate) fn race(&mut self, lab: &mut Lab<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Standing>, Stop> {
        let calls = lab.remaining_calls() * RACE_SHARE / 100;
        self.race_within(lab, rng, calls)
    }

    /// Like [`Screen::race`], with at most this many calls.
    pub(crate) fn race_within(
        &mut self,
        lab: &mut Lab<'_>,
        rng: &mut ChaCha8Rng,
        calls: u64,
    ) -> Result<Vec<Standing>, Stop> {
        let kept_back = lab.remaining_calls() - calls;
        let best = self.standings(lab).into_iter().take(self.screened.len().div_ceil(GOING_ON));
        let mut field: Vec<Candidate> = best.map(|standing| standing.candidate).collect();
        let room = lab.affordable(&field, NEW, KEEP, calls);
        lab.note(Event::Stage { name: format!("racing {} candidates", field.len() + room) });
        for wave in 0..WAVES {
            let model = self.learn(lab);
            let count = room * (wave + 1) / WAVES - room * wave / WAVES;
            let points = (0..count).map(|_| model.draw(rng)).collect();
            let before = self.screened.len();
            self.measure(lab, points, rng)?;
            field.extend(self.screened[before..].iter().map(|one| one.candidate.clone()));
        }
        let calls = lab.remaining_calls().saturating_sub(kept_back);
        lab.race_within(&field, KEEP, calls)
    }

    /// Makes candidates from points and measures them and the baseline on the first rows. Candidates that are on the board
    /// already are left out.
    fn measure(&mut self, lab: &mut Lab<'_>, points: Vec<Point>, rng: &mut ChaCha8Rng) -> Result<(), Stop> {
        let before = self.screened.len();
        for point in points {
            let (candidate, how) = self.space.realize(lab.program(), &point, rng);
            if lab.board().get(candidate.id()).is_none() {
                lab.register(&candidate, &[], format!("{how}; draw {}", self.screened.len() + 1))?;
                self.screened.push(Screened { point, candidate });
            }
        }
        let rows = first_rows(lab).to_vec();
        let trial = |candidate: &Candidate| Trial { candidate: candidate.clone(), rows: rows.clone() };
        let new = self.screened[before..].iter().map(|one| trial(&one.candidate));
        lab.measure(&std::iter::once(trial(&Candidate::baseline())).chain(new).collect::<Vec<_>>())
    }
}
