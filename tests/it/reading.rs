//! The text check lets through what this project's own optimizers write.

use std::path::Path;

use proofmark::{
    data::Splits,
    gate::{
        Cell, Contender, Demands, Evidence, Finalist, Gate, GateError, Measure, Measured, MemoryLedger,
        Policy, Reading, Subject,
    },
    task::Task,
};
use proofmark_optimizers::{
    blocks::{blocks, shortest},
    demos::ExamplePool,
};
use proofmark_runtime::{Candidate, Param, ParamPath, Slot, digest, stamp::AskedBy};

/// A measure that stops the trial at its first row.
#[derive(Debug)]
struct Unmeasured;

impl Measure for Unmeasured {
    type Error = Self;

    fn measure(&mut self, _: Contender, _: &[Cell<'_>]) -> Result<Vec<Measured>, Self> {
        Err(Self)
    }
}

fn gate() -> Gate {
    Gate {
        policy: Policy::Strict,
        demands: Demands::default(),
        context: digest("reading"),
        seed: 1,
        evidence: Evidence::default(),
        subject: Subject { baseline: digest("baseline"), task: None, asked: AskedBy::Gate },
    }
}

/// What our own optimizers put into a prompt, on a real task: every building block, and demonstrations of every row.
#[test]
fn what_the_optimizers_of_this_project_write_has_no_finding() {
    for name in ["support-triage", "shortcut-trap"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
        let task = Task::load(&folder).unwrap();
        let (splits, _) = Splits::load(&task).unwrap();
        let visible: Vec<_> = splits.train.examples().iter().chain(splits.val.examples()).collect();
        let pool = ExamplePool::labelled(&task.program, splits.train.examples().iter()).remove(0);
        let module = &task.program.modules()[0];
        let all = blocks(module, Some(&pool)).into_iter().map(|block| block.text);
        let written = &module.signature.instructions;
        let longer = all.clone().collect::<Vec<_>>().join(" ");
        let texts = all.map(|text| format!("{written} {text}")).chain([format!("{written} {longer}")]);
        for text in texts.chain(shortest(module).map(|block| block.text)) {
            let shown = pool.demonstrations().take(12).cloned().collect();
            let candidate = Candidate::baseline()
                .with(ParamPath::new(&module.name, Slot::Instruction), Param::Instruction(text.clone()))
                .with(ParamPath::new(&module.name, Slot::Demonstrations), Param::Demonstrations(shown));
            let after = task.program.apply(&candidate).unwrap();
            let reading = Reading::of(&task.program, &after, &visible);
            let finalist = Finalist { name: text.clone(), id: candidate.id().0, reading };
            // A finalist that the text check refuses ends the trial before any row is measured.
            let judged =
                gate().judge(&splits.gate, &[finalist], &mut Unmeasured, &mut MemoryLedger::default());
            assert!(matches!(judged, Err(GateError::Measure(Unmeasured))), "{text}: {judged:?}");
        }
    }
}
