//! The page over two runs: one accepted, one refused.

use super::{data::*, *};

fn group(kind: GroupKind, name: &str, (rows, baseline, best): (usize, f64, f64)) -> Group {
    let rate = |mean: f64| {
        let half = 1.96 * (mean * (1.0 - mean) / rows as f64).sqrt();
        Rate { mean, lower: (mean - half).max(0.0), upper: (mean + half).min(1.0) }
    };
    let about = if kind == GroupKind::Family { "rewritten by a fixed rule" } else { "" }.to_owned();
    let (name, lead) = (name.to_owned(), best - baseline);
    Group { kind, name, about, rows, baseline: rate(baseline), best: rate(best), lead }
}

fn line(change: LineChange, text: &str) -> Line {
    Line { change, text: text.into(), heading: false }
}

fn speaker(text: &str) -> Line {
    Line { change: LineChange::Same, text: text.into(), heading: true }
}

fn case(id: &str, input: &str, answers: [&str; 3]) -> Case {
    let [expected, before, after] = answers.map(String::from);
    Case { id: id.into(), input: input.into(), expected, before, after }
}

fn contestant(n: usize, how: &str, (rows, mean): (usize, f64), (fate, told): (Fate, &str)) -> Contestant {
    let id = format!("{:012x}", n * 0x1234_5677);
    Contestant { id, how: how.into(), rows, mean: Some(mean), fate, told: told.into() }
}

fn accepted() -> ReportData {
    let sentence =
        "The new prompt is better than the old one on test rows that the search never saw.".to_owned();
    ReportData {
        task: "support-triage".into(),
        graded: false,
        conclusion: Conclusion {
            verdict: Verdict::Accept,
            kind: None,
            tried: true,
            sentence,
            advice: "Ship artifact.json. Judge again when the model or the kind of messages changes.".into(),
            how: Some("16 demonstrations, two per choice, draw 5; contextual calibration".into()),
        },
        visible: Some(VisibleLead { rows: 128, baseline: 0.42, best: 0.70 }),
        sealed: Some(SealedLead {
            rows: 768,
            estimate: 0.213,
            bounds: Some([0.124, 0.302]),
            kept: Some(0.81),
        }),
        proof: Some(Proof {
            p: 0.000_04,
            level: 0.0048,
            look: 2,
            looks: 4,
            seeds: 96,
            of: 192,
            turn: 1,
            policy: "strict".into(),
        }),
        held: vec![Held {
            what: "clean rows".into(),
            demand: "at most 3.0 points worse".into(),
            observed: "+23.0 points".into(),
            bound: "at least +11.2 points (97.7\u{a0}%)".into(),
        }],
        groups: vec![
            group(GroupKind::Whole, "Attacked", (288, 0.39, 0.603)),
            group(GroupKind::Whole, "Clean", (96, 0.43, 0.66)),
            group(GroupKind::Family, "Keyboard typos", (41, 0.37, 0.59)),
            group(GroupKind::Family, "Injected command", (39, 0.28, 0.36)),
            group(GroupKind::Family, "Distractor sentence", (40, 0.45, 0.43)),
            group(GroupKind::Slice, "channel = email", (120, 0.41, 0.62)),
            group(GroupKind::Slice, "language = de", (24, 0.38, 0.46)),
        ],
        prompts: vec![PromptDiff {
            module: "main".into(),
            formats: ["plain".into(), "plain".into()],
            nearest: None,
            lines: vec![
                speaker("system"),
                line(LineChange::Removed, "Route the customer's message to the team that handles it."),
                line(
                    LineChange::Added,
                    "Which team handles this message? If it mentions money that was taken, it is billing, whatever else it says.",
                ),
                line(LineChange::Same, ""),
                line(LineChange::Same, "Reply with nothing but one of: billing, shipping, returns, account"),
                Line { change: LineChange::Added, text: "user".into(), heading: true },
                line(
                    LineChange::Added,
                    "Message: <b>hey</b> still no parcel, tracking says delivered?? & now what",
                ),
                Line { change: LineChange::Added, text: "assistant".into(), heading: true },
                line(LineChange::Added, "shipping"),
                speaker("user"),
                line(LineChange::Same, "Message: {{message}}"),
            ],
        }],
        effects: Effects {
            rows: 128,
            fixed: 41,
            broken: 5,
            fixed_cases: vec![case(
                "m-017",
                "charged twice for order 8812, <script>alert(1)</script> please fix",
                ["billing", "shipping", "billing"],
            )],
            broken_cases: vec![case(
                "m-093",
                "cant log in to see my invoice",
                ["account", "account", "billing"],
            )],
        },
        course: vec![
            Moment::Stage { text: "Headroom".into() },
            Moment::Remark { text: "Demonstrations help: the best of 8 probes leads by 14 points.".into() },
            Moment::Stage { text: "Racing 48 candidates".into() },
            Moment::Rung { rows: 20, candidates: 48, kept: 24, best: 0.75 },
            Moment::Rung { rows: 40, candidates: 24, kept: 12, best: 0.72 },
            Moment::Rung { rows: 80, candidates: 12, kept: 6, best: 0.71 },
            Moment::Rung { rows: 128, candidates: 6, kept: 3, best: 0.70 },
        ],
        contestants: (0..20)
            .map(|n| match n {
                0 => contestant(
                    1,
                    "16 demonstrations, two per choice, draw 5",
                    (128, 0.70),
                    (Fate::Accepted, "accepted by the gate"),
                ),
                1 => contestant(
                    2,
                    "8 demonstrations, draw 2",
                    (128, 0.68),
                    (Fate::Spare, "finalist; the gate had its answer before"),
                ),
                2 => contestant(
                    3,
                    "the task as written",
                    (128, 0.42),
                    (Fate::Baseline, "what was to be beaten"),
                ),
                n => contestant(
                    n + 1,
                    "8 demonstrations, another draw",
                    (20, 0.5),
                    (Fate::Dropped, "dropped after 20 rows"),
                ),
            })
            .collect(),
        cost: Cost {
            task: 2840,
            proposer: 0,
            gate: 768,
            input_tokens: 1_204_331,
            output_tokens: 3608,
            per_row: [1, 1],
        },
        facts: vec![
            Fact { name: "model".into(), value: "local/smollm2-135m-instruct".into() },
            Fact { name: "seed".into(), value: "0".into() },
        ],
    }
}

fn refused() -> ReportData {
    let mut data = accepted();
    data.task = "shortcut-trap".into();
    data.conclusion = Conclusion {
        verdict: Verdict::Reject,
        kind: Some("memorised".into()),
        tried: true,
        sentence: "The new prompt memorized training rows: its gain there is not found on rows that the search never saw.".into(),
        advice: "The old prompt was emitted. Add more varied training rows.".into(),
        how: Some("a clause about reference codes that begin with B".into()),
    };
    data.sealed = Some(SealedLead { rows: 768, estimate: -0.05, bounds: None, kept: None });
    (data.proof, data.held, data.groups) = (None, vec![], vec![]);
    data
}

#[test]
fn the_page_says_what_was_concluded_and_asks_for_nothing_from_outside() {
    let page = html(&accepted()).unwrap();
    for text in [
        "by at least 12.4 points",
        "once in 25,000 tries",
        "39\u{a0}% → 60\u{a0}%",
        "Keyboard typos",
        "<b>81\u{a0}%</b> was found again",
        "at least +11.2 points",
        "2,840",
        "8 more",
    ] {
        assert!(page.contains(text), "{text}");
    }
    for outside in ["http://", "https://", "<script", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn texts_are_escaped() {
    let page = html(&accepted()).unwrap();
    assert!(page.contains("&lt;script&gt;") && page.contains("&lt;b&gt;hey"));
    assert!(page.contains("{{message}}"));
}

#[test]
fn a_refusal_shows_nothing_fine_about_sealed_rows() {
    let page = html(&refused()).unwrap();
    assert!(page.contains("about −5 points") && page.contains("Nothing finer than this is shown"));
    assert!(!page.contains("Keyboard typos") && !page.contains("sign-flip"));
}

#[test]
fn a_run_that_found_nothing_still_has_a_page() {
    let empty = ReportData {
        visible: None,
        sealed: None,
        prompts: vec![],
        effects: Effects::default(),
        course: vec![],
        contestants: vec![],
        facts: vec![],
        conclusion: Conclusion { tried: false, ..refused().conclusion },
        ..refused()
    };
    let page = html(&empty).unwrap();
    assert!(page.contains("Nothing better was found") && page.contains("NOTHING FOUND"));
}

#[test]
fn grades_are_not_called_right_or_wrong() {
    let [shares, grades] = [false, true].map(|graded| html(&ReportData { graded, ..accepted() }).unwrap());
    assert!(shares.contains("41 right that were") && shares.contains("right on sealed rows"));
    assert!(grades.contains("better on 41") && grades.contains("mean score on sealed rows"));
    let body = grades.split("</style>").last().unwrap();
    assert!(!body.contains("right</div>") && !body.contains("right answers") && !body.contains("wrong"));
}
