//! `compress`: shortens a good but expensive prompt at about the same score.
//!
//! Everything that can be left out of the prompt, or said in fewer words, is a part of a joint
//! [space](crate::space::Space::of_brevity). Points that leave out about half of the parts are measured on the first rows, and
//! a model learns the effect of each part. Then groups of parts are left out, the least useful parts first, as in delta
//! debugging (Zeller and Hildebrandt 2002, IEEE Transactions on Software Engineering 28:2, algorithm ddmin): a group that
//! does harm is halved.
//!
//! The result scores no higher than the prompt it began with, so the gate always judges it by the policy `noninferior`.
//!
//! Cost: at most 16 points on 20 rows; then for each group as many rows as it takes to see harm, or all common rows; at most
//! two groups for each part that is needed and each halving. Use it on a shipped prompt with
//! `proofmark compile TASK --baseline ARTIFACT --optimizer compress`.

use proofmark_runtime::Candidate;
use rand::rngs::ChaCha8Rng;

use crate::{
    Optimizer,
    additive::Additive,
    board::Aim,
    effects::{Event, Stop, Trial},
    lab::Lab,
    rounds::first_rows,
    screen::{SPREAD, Screen},
    space::{Point, Space},
};

/// A group does harm if the one-sided p of its loss is below this.
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
        lab.set_aim(self.aim());
        lab.register(&Candidate::baseline(), &[], "the task as written")?;
        let space = Space::of_brevity(lab.program());
        let mut rng = lab.rng("compress");
        let model = Screen::spread(lab, &space, SPREAD, &mut rng)?.learn(lab);
        trim(lab, &space, parts(&space, &model), &mut rng)
    }
}

/// A part that can be left out.
struct Part {
    /// The place of the dimension.
    dimension: usize,
    /// The option that leaves the part out.
    option: usize,
    /// The learned effect of leaving it out.
    effect: f64,
}

/// The best option of every dimension, the least useful part first.
fn parts(space: &Space, model: &Additive) -> Vec<Part> {
    let mut parts = Vec::new();
    for (dimension, options) in space.dimensions.iter().map(|one| one.options.len()).enumerate() {
        let options =
            (1..options).map(|option| Part { dimension, option, effect: model.effect(dimension, option) });
        parts.extend(options.max_by(|a, b| a.effect.total_cmp(&b.effect)));
    }
    parts.sort_by(|a, b| b.effect.total_cmp(&a.effect));
    parts
}

/// Leaves out all parts that do no harm together.
fn trim(lab: &mut Lab<'_>, space: &Space, parts: Vec<Part>, rng: &mut ChaCha8Rng) -> Result<(), Stop> {
    let mut kept_out: Point = vec![0; space.dimensions.len()];
    let mut groups = vec![parts];
    while let Some(mut group) = groups.pop() {
        let mut point = kept_out.clone();
        for part in &group {
            point[part.dimension] = part.option;
        }
        lab.note(Event::Stage { name: format!("leaving out {} parts", group.len()) });
        let (candidate, how) = space.realize(lab.program(), &point, rng);
        if candidate.is_baseline() {
            continue;
        }
        lab.register(&candidate, &[], how)?;
        if does_no_harm(lab, &candidate)? {
            kept_out = point;
        } else if group.len() > 1 {
            // The less useful half is tried first.
            let rest = group.split_off(group.len() / 2);
            groups.extend([rest, group]);
        }
    }
    Ok(())
}

/// Whether a candidate scores no lower than the task as written; measures more and more rows until harm is seen.
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
