//! How long the gate itself takes: 1,000 units with four rows each, 20 slices, three finalists of which none is accepted
//! early. Run with `cargo bench -p proofmark-gate --bench gate`.

use proofmark_gate::{
    Demands, Evidence, Finalist, Gate, MemoryLedger, Policy, Reading, Subject,
    table::{Format, Paired, Table},
};
use proofmark_runtime::{digest, stamp::AskedBy};

fn main() {
    divan::main();
}

/// Right and wrong, or scores in hundredths: about two thirds right; finalists gain a point, so that every look is taken.
fn table(prompt: u64, graded: bool) -> Option<Table> {
    let line = |seed: u64, variant: u64| {
        let luck = digest(&(seed, variant, prompt)).as_bytes()[0];
        let right = u8::from(luck < if prompt == 0 { 168 } else { 172 });
        let right = if graded { f64::from(100 * right / 2 + luck / 6) / 100.0 } else { f64::from(right) };
        let variant = ["clean", "typo", "case", "filler"][variant as usize];
        format!(r#"{{"seed":{seed},"variant":"{variant}","score":{right},"slice":"{}"}}"#, seed % 17)
    };
    let lines: Vec<_> = (0..1000).flat_map(|seed| (0..4).map(move |variant| line(seed, variant))).collect();
    Table::parse(&format!("prompt {prompt}"), &lines.join("\n"), Format::JsonLines).ok()
}

#[divan::bench(args = [false, true])]
fn judge(bencher: divan::Bencher<'_, '_>, graded: bool) {
    let tables: Vec<_> = (0..4).filter_map(|prompt| table(prompt, graded)).collect();
    let finalists =
        [1, 2, 3].map(|i| Finalist { name: i.to_string(), id: digest(&i), reading: Reading::default() });
    let (policy, demands, evidence) = (Policy::Strict, Demands::default(), Evidence::default());
    let subject = Subject { baseline: digest("baseline"), task: None, asked: AskedBy::Table };
    let gate = Gate { policy, demands, context: digest("bench"), seed: 1, evidence, subject };
    bencher.with_inputs(|| Paired::new(&tables[0], &tables[1..]).ok()).bench_values(|paired| {
        let mut paired = paired?;
        let (sealed, mut scores) = paired.parts();
        gate.judge(sealed, &finalists, &mut scores, &mut MemoryLedger::default()).ok()
    });
}
