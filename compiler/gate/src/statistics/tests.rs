//! Against scipy and statsmodels; `fixtures.py` made the values.

use serde_json::Value as Json;

use super::{
    combination::{combined, level},
    futility::{conditional_power, refusal_power},
    holm, interval,
    looks::Spending,
    normal::{upper_quantile, upper_t_quantile},
    power::mid_p_mcnemar,
    regression::least_squares,
    selection::SelectionNoise,
    shrinkage::{Part, shrunk},
    signflip::p_greater,
    simultaneous::intervals,
    spread::{Spread, intraclass},
    stagewise::bound_level,
};

fn fixtures(name: &str) -> Vec<Json> {
    let all: Json = serde_json::from_str(include_str!("fixtures.json")).unwrap();
    all[name].as_array().unwrap().clone()
}

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn groups(json: &Json) -> Vec<Vec<f64>> {
    json.as_array().unwrap().iter().map(numbers).collect()
}

fn number(json: &Json) -> f64 {
    json.as_f64().unwrap()
}

fn count(json: &Json) -> usize {
    usize::try_from(json.as_u64().unwrap()).unwrap()
}

#[track_caller]
fn same(found: f64, expected: f64, relative: f64) {
    assert!((found - expected).abs() <= relative * expected.abs().max(1e-300), "{found} is not {expected}");
}

#[test]
fn quantiles_are_those_of_scipy() {
    for case in fixtures("normal") {
        let z = number(&case["z"]);
        assert!((upper_quantile(number(&case["p"])) - z).abs() < 1e-9, "{case}");
    }
    for case in fixtures("student") {
        same(upper_t_quantile(number(&case["p"]), number(&case["freedom"])), number(&case["t"]), 1e-7);
    }
}

#[test]
fn sign_flips_are_those_of_scipy() {
    for case in fixtures("sign_flip") {
        let scores: Vec<_> = case["scores"].as_array().unwrap().iter().map(|x| x.as_i64().unwrap()).collect();
        same(p_greater(&scores), number(&case["p"]), 1e-12);
    }
    for case in fixtures("mcnemar") {
        same(mid_p_mcnemar(count(&case["wins"]), count(&case["losses"])), number(&case["p"]), 1e-9);
    }
}

#[test]
fn intervals_are_those_of_statsmodels() {
    for case in fixtures("wilson") {
        let limits = numbers(&case["limits"]);
        let found = interval::wilson(number(&case["successes"]), count(&case["n"]), upper_quantile(0.025));
        assert!((found.lower - limits[0]).abs() < 1e-9 && (found.upper - limits[1]).abs() < 1e-9, "{case}");
    }
    for case in fixtures("newcombe") {
        let [both, candidate, baseline, neither] = [0, 1, 2, 3].map(|i| count(&case["pairs"][i]));
        let pairs = interval::Pairs { both, candidate, baseline, neither };
        let (found, limits) = (interval::newcombe(pairs, upper_quantile(0.025)), numbers(&case["limits"]));
        assert!((found.lower - limits[0]).abs() < 1e-9 && (found.upper - limits[1]).abs() < 1e-9, "{case}");
    }
}

/// Table II of Newcombe 1998: 36, 12, 2, 0 gives .0569 to .3404.
#[test]
fn newcombes_own_example() {
    let pairs = interval::Pairs { both: 36, candidate: 12, baseline: 2, neither: 0 };
    let found = interval::newcombe(pairs, 1.959_964);
    assert!((found.lower - 0.0569).abs() < 5e-5 && (found.upper - 0.3404).abs() < 5e-5, "{found:?}");
}

#[test]
fn levels_of_looks_are_those_of_the_multivariate_normal() {
    for case in fixtures("looks") {
        let spending = if case["kind"] == "pocock" { Spending::Pocock } else { Spending::ObrienFleming };
        let levels = spending.levels(number(&case["alpha"]), &numbers(&case["times"]));
        for (found, expected) in levels.iter().zip(numbers(&case["levels"])) {
            same(*found, expected, 1e-4);
        }
    }
}

#[test]
fn adjusted_values_are_those_of_statsmodels() {
    for case in fixtures("holm") {
        for (found, expected) in
            holm::adjust(&numbers(&case["p"])).into_iter().zip(numbers(&case["adjusted"]))
        {
            same(found, expected, 1e-12);
        }
    }
}

#[test]
fn correlation_and_clustered_errors_are_those_of_statsmodels() {
    for case in fixtures("intraclass") {
        same(intraclass(&groups(&case["seeds"])).unwrap(), number(&case["icc"]), 1e-9);
    }
    for case in fixtures("clustered") {
        let means: Vec<_> = groups(&case["seeds"]).iter().map(|rows| Spread::of(rows).mean).collect();
        same(Spread::of(&means).se(), number(&case["se"]), 1e-9);
    }
}

#[test]
fn regressions_with_clustered_errors_are_those_of_statsmodels() {
    for case in fixtures("regression") {
        let rows: Vec<_> = groups(&case["rows"]);
        let clusters: Vec<_> = case["clusters"].as_array().unwrap().iter().map(count).collect();
        let fit = least_squares(&rows, &numbers(&case["outcomes"]), &clusters);
        let expected = numbers(&case["estimates"]).into_iter().zip(numbers(&case["errors"]));
        for (found, (estimate, se)) in fit.coefficients.iter().zip(expected) {
            let found = found.unwrap();
            same(found.estimate, estimate, 1e-8);
            same(found.se, se, 1e-8);
        }
    }
}

#[test]
fn combined_p_values_and_their_levels_are_those_of_scipy() {
    for case in fixtures("combination") {
        let p = numbers(&case["p"]);
        same(combined(p[0], p[1]), number(&case["combined"]), 1e-9);
    }
    for case in fixtures("continued") {
        same(level(&[number(&case["before"])], number(&case["alpha"])), number(&case["level"]), 1e-6);
    }
}

#[test]
fn stagewise_levels_are_those_of_the_multivariate_normal() {
    for case in fixtures("stagewise") {
        let (levels, times) = (numbers(&case["levels"]), numbers(&case["times"]));
        let level = bound_level(&levels, &times, number(&case["p"]), number(&case["alpha"]));
        same(level, number(&case["level"]), 1e-4);
    }
}

#[test]
fn bounds_of_a_mean_are_those_of_scipy() {
    for case in fixtures("student_bounds") {
        let spread = Spread::of(&numbers(&case["values"]));
        let bounds = interval::student(spread, number(&case["lower"]), number(&case["upper"]));
        let expected = numbers(&case["bounds"]);
        same(bounds.lower, expected[0], 1e-7);
        same(bounds.upper, expected[1], 1e-7);
    }
}

#[test]
fn conditional_power_is_that_of_scipy() {
    for case in fixtures("futility") {
        let spread = Spread { n: count(&case["n"]), mean: number(&case["mean"]), sd: number(&case["sd"]) };
        let (alpha, design) = (number(&case["alpha"]), number(&case["design"]));
        same(conditional_power(spread, count(&case["total"]), alpha, design), number(&case["power"]), 1e-9);
    }
}

#[test]
fn chances_of_a_refusal_are_those_of_scipy() {
    for case in fixtures("refusal") {
        let spread = Spread { n: count(&case["n"]), mean: number(&case["mean"]), sd: number(&case["sd"]) };
        let (alpha, least) = (number(&case["alpha"]), number(&case["least"]));
        same(refusal_power(spread, count(&case["total"]), alpha, least), number(&case["power"]), 1e-9);
    }
}

#[test]
fn shrunken_slices_are_the_roots_that_scipy_finds() {
    for case in fixtures("shrinkage") {
        let both = numbers(&case["leads"]).into_iter().zip(numbers(&case["errors"]));
        let parts: Vec<_> = both.map(|(gain, se)| Part { gain, se }).collect();
        let gains = shrunk(&parts, number(&case["whole"]));
        for (found, expected) in gains.into_iter().zip(numbers(&case["shrunk"])) {
            same(found, expected, 1e-6);
        }
    }
}

#[test]
fn quick_inversions_are_the_roots_that_scipy_finds() {
    for case in fixtures("flipped") {
        let level = number(&case["level"]);
        let bounds = interval::flipped(Spread::of(&numbers(&case["values"])), level, level);
        same(bounds.lower, number(&case["lower"]), 1e-7);
    }
}

/// numpy goes through all sign patterns; here they are drawn.
#[test]
fn joint_sign_flips_are_those_of_all_patterns() {
    for case in fixtures("selection") {
        let noise = SelectionNoise::of(&groups(&case["leads"]), [3; 32]);
        assert!((noise.mean() - number(&case["mean"])).abs() < 0.015, "{} {case}", noise.mean());
        assert!((noise.p(number(&case["at"])) - number(&case["p"])).abs() < 0.04, "{case}");
    }
    for case in fixtures("simultaneous") {
        let gains = groups(&case["leads"]);
        for ((mean, bounds), gain) in intervals(&gains, number(&case["confidence"])).iter().zip(&gains) {
            let reach = number(&case["reach"]) * Spread::of(gain).se();
            same(bounds.upper - mean, reach, 0.03);
            same(mean - bounds.lower, reach, 0.03);
        }
    }
}
