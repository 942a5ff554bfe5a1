//! `compress`: a shorter prompt that does as well, after the fact: for a prompt that is good and dear.
//!
//! Everything that can be left out of the prompt, or said in fewer words, is a part of a joint
//! [space](crate::space::Space::of_brevity). Points that leave out about half of the parts are measured on the first rows;
//! from them a model learns what each part is worth. Then parts are left out together, the idlest first, as in delta
//! debugging (Zeller and Hildebrandt 2002, IEEE Transactions on Software Engineering 28:2, algorithm ddmin): where a group
//! does harm it is halved.
//!
//! What it finds is no better than what it began with, so the gate judges it by the policy `noninferior`, and no other.
//!
//! Cost: at most 16 points on 20 rows, then for each group as many rows as it takes to see harm, all common rows if there
//! is none; two groups at most for each part that is needed and each halving. Lay it over a shipped prompt with
//! `proofmark compile TASK --baseline ARTIFACT --optimizer compress`.

use proofmark_runtime::Candidate;
use rand::rngs::ChaCha8Rng;

use crate::{
    Optimizer,
    board::Aim,
    effects::{Event, Stop, Trial},
    lab::Lab,
    rounds::first_rows,
    screen::{SPREAD, Screen},
    space::{Point, Space},
};

/// A group does harm if so few of all luck would put it as far behind.
const HARM: f64 = 0.1;

/// See the [module](self).
pub struct Compress;

impl Optimizer for Compress {
    fn name(&self) -> &'static str {
        "compress"
    }

    fn about(&self) -> &'static str {
        "a shorter prompt that does as well: leaves out demonstrations, phrases, descriptions and words"
    }

    fn aim(&self) -> Aim {
        Aim::Brevity
    }

    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        lab.seek(self.aim());
        lab.born(&Candidate::baseline(), &[], "the task as written")?;
        let space = Space::of_brevity(lab.program());
        let mut rng = lab.rng("compress");
        let model = Screen::spread(lab, (&space, SPREAD), &mut rng)?.learn(lab);
        let best = |(dimension, options): (usize, usize)| {
            let rated = (1..options).map(|option| (model.effect(dimension, option), dimension, option));
            rated.max_by(|a, b| a.0.total_cmp(&b.0))
        };
        let sizes = space.dimensions.iter().map(|dimension| dimension.options.len()).enumerate();
        let mut parts: Vec<(f64, usize, usize)> = sizes.filter_map(best).collect();
        parts.sort_by(|a, b| b.0.total_cmp(&a.0));
        let parts: Vec<Part> = parts.into_iter().map(|(_, dimension, option)| (dimension, option)).collect();
        trim(lab, &space, parts, &mut rng)
    }
}

/// A dimension, and the option that leaves something out there.
type Part = (usize, usize);

/// Leaves out all parts that do no harm together.
fn trim(lab: &mut Lab<'_>, space: &Space, parts: Vec<Part>, rng: &mut ChaCha8Rng) -> Result<(), Stop> {
    let mut kept_out: Point = vec![0; space.dimensions.len()];
    let mut groups = vec![parts];
    while let Some(mut group) = groups.pop() {
        let mut point = kept_out.clone();
        for &(dimension, option) in &group {
            point[dimension] = option;
        }
        lab.note(Event::Stage { name: format!("leaving out {} parts", group.len()) });
        let (candidate, how) = space.realize(lab.program(), &point, rng);
        if candidate.is_baseline() {
            continue;
        }
        lab.born(&candidate, &[], how)?;
        if does_no_harm(lab, &candidate)? {
            kept_out = point;
        } else if group.len() > 1 {
            // The idler half is tried first.
            let rest = group.split_off(group.len() / 2);
            groups.extend([rest, group]);
        }
    }
    Ok(())
}

/// Whether a candidate does no worse than the task as written, on more and more rows as long as none is seen.
fn does_no_harm(lab: &mut Lab<'_>, candidate: &Candidate) -> Result<bool, Stop> {
    let mut rows = first_rows(lab).len();
    loop {
        let trial =
            |candidate: &Candidate| Trial { candidate: candidate.clone(), rows: lab.rows()[..rows].to_vec() };
        let trials = [trial(&Candidate::baseline()), trial(candidate)];
        lab.measure(&trials)?;
        let Some(standing) = lab.board().ranking(&[candidate.id()], rows).pop() else { return Ok(false) };
        if standing.p > 1.0 - HARM {
            return Ok(false);
        }
        if rows == lab.rows().len() {
            return Ok(lab.board().is_worth_it(&standing));
        }
        rows = (2 * rows).min(lab.rows().len());
    }
}
