//! A trial that ended undecided goes on with fresh rows.
//!
//! The trial has spent its error, and its rows are used up. What goes on costs what a first question to the fresh rows
//! costs, and what the old rows said is not thrown away: the p-values of both are combined with weights that were fixed
//! before anything was seen ([`combined`], [`level`]), so the number of fresh rows may hang on what the trial said.
//!
//! Why that holds, whichever undecided trial goes on: a trial's continuation is tested at the level that the trial itself was
//! granted, or at the price of a question to the fresh rows if that is less. Summed over all trials, their continuations
//! together stay within the error that the ledger allows for one set of rows, and so does everything asked of the fresh ones.
//!
//! A trial may go on in several ways, with these fresh rows or with those. If each were a first question, one of many would be
//! accepted sooner or later. So every question that was asked of the old rows since the trial ended, and is no part of this
//! continuation, makes it dearer, as questions to one set of rows do.
//!
//! There is one look, when all fresh rows are in. Guards are asked about all rows together, at levels that hold over the
//! looks before. A continuation that is undecided again can go on in the same way.
//!
//! **Invariant:** fresh rows were never part of the trial, and the ledger counts a continuation as a question to the old rows
//! as well as to the fresh ones.

use proofmark_runtime::{Digest, digest};

use super::{
    accepted::Accepted,
    bounds::Gain,
    certificate::Stage,
    contrast::{Contrast, HALF_POINTS},
    diagnosis::Diagnosis,
    error::GateError,
    judge::{Finalist, Gate, Turn, refuse_unsealed},
    judgement::{Judgement, TrialResult},
    ledger::{Ledger, Look, next_price},
    look::{CommonLevels, Levels, LookRecord, Position},
    measure::Measure,
    policy::{CLAIM_ALPHA, SHARES},
    reading::Read,
    scores::{Answers, score},
    sealed::Sealed,
    statistics::{
        combination::{combined, level},
        interval::last_rejected,
    },
    trial::{Contestant, ScoreSheet, Trial, TrialPlan},
    verdict::Verdict,
};

/// A trial that ended undecided, as it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndecidedTrial {
    /// The finalists of its chain, in order.
    pub finalists: Vec<Digest>,
    /// Which of them goes on.
    pub position: usize,
}

/// An undecided trial and the fresh rows that it goes on with.
#[derive(Clone, Copy, Debug)]
pub struct Continuation<'a> {
    /// The trial.
    pub trial: &'a UndecidedTrial,
    /// The finalist that goes on.
    pub finalist: &'a Finalist,
    /// The rows of the trial.
    pub first: &'a Sealed,
    /// The fresh rows, one set after the other.
    pub fresh: &'a [Sealed],
}

/// Everything that was measured so far.
struct State<'a> {
    finalist: &'a Finalist,
    /// All rows, the first trial's first.
    sealed: Sealed,
    sheet: ScoreSheet,
    /// The primary contrast of each set of rows alone.
    contrasts: Vec<Contrast>,
    stages: Vec<Stage>,
    looks: Vec<LookRecord>,
    /// The nominal level of the last test of each set of rows.
    levels: Vec<f64>,
    /// The turn of the trial at its rows.
    turn: u32,
    /// The level that the trial was granted.
    granted: f64,
    /// The finalist's part of it.
    share: f64,
}

impl Gate {
    /// Goes on with a trial that ended undecided: with one set of fresh rows after the other, until one decides. What the
    /// first rows were asked is answered from what was measured then, if the measure remembers it.
    ///
    /// # Errors
    /// [`GateError`]; [`GateError::NeverAsked`] if the trial is not on record, or if there are no fresh rows.
    pub fn go_on<M: Measure + ?Sized>(
        &self,
        continuation: Continuation<'_>,
        measure: &mut M,
        ledger: &mut dyn Ledger,
    ) -> Result<Judgement, GateError<M::Error>> {
        let mut state = self.undecided(continuation, measure, ledger)?;
        let mut last = Err(GateError::NeverAsked);
        for rows in continuation.fresh {
            let judgement = self.stage(&mut state, rows, measure, ledger)?;
            let decided = !matches!(judgement.verdict(), Verdict::Inconclusive { .. });
            last = Ok(judgement);
            if decided {
                break;
            }
        }
        last
    }

    /// The trial as it ended.
    fn undecided<'a, M: Measure + ?Sized>(
        &self,
        continuation: Continuation<'a>,
        measure: &mut M,
        ledger: &mut dyn Ledger,
    ) -> Result<State<'a>, GateError<M::Error>> {
        let Continuation { trial, finalist, first, .. } = continuation;
        let question = self.question(first, &trial.finalists);
        let looks = ledger.looks(first.holdout())?;
        refuse_unsealed(&looks)?;
        let ended = looks.iter().find(|look| look.question == question && look.accepted.is_some());
        let shares = trial.finalists.len().checked_sub(1).and_then(|others| SHARES.get(others));
        let share = shares.and_then(|shares| shares.get(trial.position));
        let (Some(look), Some(share)) = (ended, share) else { return Err(GateError::NeverAsked) };

        let id = trial.finalists[trial.position];
        let contestant = Contestant { position: 0, id, alpha: look.alpha * share, share: *share };
        let plan = self.plan(first, self.order(first));
        let mut sheet = ScoreSheet::new(first, 1);
        let Trial { verdict, looks, .. } = plan.run(contestant, &mut sheet, measure)?;
        if !matches!(verdict, Verdict::Inconclusive { .. }) {
            return Err(GateError::Decided { sentence: verdict.sentence() });
        }
        // A trial that was given up early has rows left, and they count.
        sheet.fill(first, &plan.order, 0, measure)?;
        let mut state = State {
            finalist,
            sealed: first.clone(),
            sheet,
            contrasts: vec![],
            stages: vec![],
            levels: plan.levels(contestant).test.last().copied().into_iter().collect(),
            looks,
            turn: look.t,
            granted: look.alpha,
            share: *share,
        };
        state.file(self, first, 0, question);
        Ok(state)
    }

    /// One set of fresh rows.
    fn stage<M: Measure + ?Sized>(
        &self,
        state: &mut State<'_>,
        fresh: &Sealed,
        measure: &mut M,
        ledger: &mut dyn Ledger,
    ) -> Result<Judgement, GateError<M::Error>> {
        let old = &state.sealed;
        let repeated = fresh.holdout().rows.intersection(&old.holdout().rows).count();
        if repeated > 0 {
            return Err(GateError::NotFresh { rows: repeated });
        }
        let joined = old.with(fresh);
        let asked = ledger.looks(joined.holdout())?;
        refuse_unsealed(&asked)?;
        let before = state.stages.last().map(|stage| stage.question);
        let question =
            digest(&("gate goes on 1", before, fresh.design(), fresh.division(), state.finalist.id));
        // Questions to the old rows alone do not make the fresh ones dearer.
        let of_fresh = ledger.looks(fresh.holdout())?;
        let only_old: Vec<_> =
            asked.iter().filter(|look| !of_fresh.contains(look)).map(|look| look.question).collect();
        let is_of_fresh = |look: &&Look| !only_old.contains(&look.question);
        let is_other_way = |look: &&Look| {
            look.t > state.turn && !state.stages.iter().any(|stage| stage.question == look.question)
        };
        let price = |looks: Vec<Look>| next_price(self.policy.alpha(), &looks);
        let look = ledger.take(joined.holdout(), question, &|looks| {
            let of_fresh = price(looks.iter().filter(is_of_fresh).cloned().collect());
            let other_ways = price(looks.iter().filter(is_other_way).cloned().collect());
            state.granted.min(of_fresh).min(other_ways)
        })?;

        let begins = old.units.len();
        state.sealed = joined;
        state.sheet.extend_to(state.sealed.rows.len());
        let all: Vec<_> = (0..state.sealed.units.len()).collect();
        let read = state.finalist.reading.against(&state.sealed);
        let result = match read.as_ref().and_then(Read::objection) {
            Some(kind) => {
                let Trial { verdict, gain, pass_rate, .. } = Trial::refused(kind);
                let finalist = state.finalist.named();
                let alpha = look.alpha * state.share;
                TrialResult { finalist, verdict, alpha, gain, looks: state.looks.clone(), pass_rate, read }
            }
            None => {
                state.sheet.fill(&state.sealed, &all[begins..], 0, measure)?;
                state.sheet.demand_tokens(&self.demands)?;
                state.file(self, fresh, begins, question);
                self.judge_all(state, read, &look, measure)?
            }
        };
        let plan = self.plan(&state.sealed, all);
        let certificate = self
            .certify(
                &plan,
                &state.sheet,
                std::slice::from_ref(&result),
                Turn { look: &look, shares: &[state.share] },
            )
            .map(|certificate| certificate.with_stages(state.stages.clone()));
        ledger.answer(state.sealed.holdout(), question, certificate.is_some())?;
        state.looks.clone_from(&result.looks);
        Ok(Judgement {
            trials: vec![result],
            accepted: certificate.map(|certificate| Accepted::new(0, certificate)),
            look,
            holdout: state.sealed.holdout().clone(),
            open: state.sealed.open,
            policy: self.policy,
            calls: state.sheet.calls(),
        })
    }

    /// What all rows together say.
    fn judge_all<M: Measure + ?Sized>(
        &self,
        state: &mut State<'_>,
        read: Option<Read>,
        granted: &Look,
        measure: &mut M,
    ) -> Result<TrialResult, GateError<M::Error>> {
        let finalist = state.finalist;
        let all: Vec<_> = (0..state.sealed.units.len()).collect();
        let alpha = granted.alpha * state.share;
        let levels = state.levels(alpha);
        let claim = level(&state.levels, levels.claim);
        state.levels.extend(levels.test.last());
        let position = Position {
            sealed: &state.sealed,
            policy: self.policy,
            demands: &self.demands,
            units: &all,
            k: state.stages.len() - 1,
            levels: &levels,
            alpha,
        };
        let answers = state.sheet.answers(0);
        let p = state.stages.iter().map(|stage| stage.p).reduce(combined).unwrap_or(1.0);
        let look = LookRecord { p, ..position.with_slices(position.look(answers), answers) };
        let gain = state.gain(position.gain(answers), claim);
        let (pass_rate, verdict) = if look.is_proven() && look.is_guarded() {
            let contestant = Contestant { position: 0, id: finalist.id, alpha, share: state.share };
            let plan = self.plan(&state.sealed, all.clone());
            plan.held_to_target(contestant, &mut state.sheet, measure)?
        } else {
            let evidence = &self.evidence;
            let diagnosis =
                Diagnosis { position, answers, look: &look, gain, finalist: finalist.id, evidence };
            (None, diagnosis.verdict())
        };
        let accepted = verdict == Verdict::Accept;
        let read = read.map(|read| read.with_gain(if accepted { gain.estimate } else { 0.0 }));
        let looks = state.looks.iter().cloned().chain([look]).collect();
        Ok(TrialResult {
            finalist: finalist.named(),
            verdict,
            alpha,
            gain: Some(gain),
            looks,
            pass_rate,
            read,
        })
    }

    fn plan<'a>(&'a self, sealed: &'a Sealed, order: Vec<usize>) -> TrialPlan<'a> {
        TrialPlan::new(sealed, self.policy, &self.demands, &self.evidence, order)
    }
}

impl State<'_> {
    /// Files what a set of rows says, which begin at this unit.
    fn file(&mut self, gate: &Gate, rows: &Sealed, begins: usize, question: Digest) {
        let units = &self.sealed.units[begins..];
        let rows_of = units.iter().map(|unit| &unit.primary);
        let contrast = Contrast::of(&self.answers().pairs(rows_of, score));
        self.stages.push(Stage {
            question,
            holdout: rows.fingerprint(),
            units: rows.units(),
            p: contrast.p_better(gate.policy.margin()),
            scores: contrast.unit_scores(),
        });
        self.contrasts.push(contrast);
    }

    fn answers(&self) -> Answers<'_> {
        self.sheet.answers(0)
    }

    /// Levels of a trial whose looks are its stages.
    fn levels(&self, alpha: f64) -> Levels {
        let total = self.sealed.units.len() as f64;
        let so_far = |units: &mut usize, stage: &Stage| {
            *units += stage.units;
            Some(*units as f64 / total)
        };
        let fractions: Vec<_> = self.stages.iter().scan(0, so_far).collect();
        let claim = CLAIM_ALPHA * self.share;
        Levels {
            test: vec![level(&self.levels, alpha); fractions.len()],
            lower: vec![claim; fractions.len()],
            claim,
            common: CommonLevels::of(&fractions),
            fractions,
        }
    }

    /// The gain of all rows with the lower bound that inverts the combined test: all gains that it would not reject, to half
    /// a point outwards. Among the gains above 0 the test is at most as likely to cross as it is for no gain, since what goes
    /// on did not cross for no gain before.
    fn gain(&self, observed: Gain, claim: f64) -> Gain {
        let rejects = |half_points: i64| {
            let p = self.contrasts.iter().map(|contrast| contrast.p_above(half_points)).reduce(combined);
            p.is_some_and(|p| p <= claim)
        };
        let lower = last_rejected(HALF_POINTS, rejects) as f64 / HALF_POINTS as f64;
        let lower = lower.min(observed.estimate);
        Gain { lower, lower_level: claim, ..observed }
    }
}
