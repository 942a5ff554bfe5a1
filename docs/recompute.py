#!/usr/bin/env python3
"""Recomputes what a certificate claims, from the counts that it holds, with Python's standard library alone.

    python3 recompute.py artifact.json [--all]      the stamp of an accepted prompt
    python3 recompute.py unsealed.json [--all]      a list of trials, as `--unseal` writes it

Prints what is claimed, what comes out here, and `ok` or `DIFFERS`: every number with --all, else those of the test and
the lead and whatever differs. Exit code 0: all agree; 1: something differs; 2: this is no such file. It shares no code
with the gate and takes other ways to the same numbers where there are any.

Tolerances, relative: 1e-9 for what is exact; 1e-6 for Student's t, Clopper-Pearson and normal approximations; 1e-4 for
levels of several looks, which are integrals, and for chances that rest on one. Graded scores are held in steps of
1/1200, so means and standard errors agree to half a step; bounds are then computed from the mean and the standard error
that are claimed.

Not in the file, so taken as given: tokens (`observed`, `se` and `most` of limits), `newly_failed`, `search`, margins of
the task's own metrics, means of tables, `discordance` and `intraclass` where seeds have several rows or unequally many.
Deduced: which earlier questions were accepted, the error of the first trial of one that went on; for an `unsealed.json`
also policy, plan and share.
"""
import json
import math
import sys
from fractions import Fraction
from functools import lru_cache
from statistics import NormalDist

EXACT, SOLVED, INTEGRAL = 1e-9, 1e-6, 1e-4
ALPHA = {"strict": 0.05, "balanced": 0.10, "noninferior": 0.05}
SHARES = [[1.0, 0.70, 0.60], [0.30, 0.25], [0.15]]  # by place among the finalists
STEPS, LEAST_SEEDS, CLAIM = 1200, 15, 0.05


# Distributions

def tail(z):
    """P(Z > z), normal."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def quantile(p):
    """The z with P(Z > z) = p."""
    return -NormalDist().inv_cdf(min(max(p, sys.float_info.min), 1 - 2**-53))


def root(falling, low, high):
    """Where a falling function crosses 0, by bisection."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2


@lru_cache(None)
def t_quantile(p, freedom):
    """The t with P(T > t) = p. With t = sqrt(f) cot(a) that is the integral of sin^(f - 1) from 0 to a, by Simpson's rule,
    over the one from 0 to pi, which is sqrt(pi) gamma(f / 2) / gamma((f + 1) / 2)."""
    log = 0.5 * math.log(math.pi) + math.lgamma(freedom / 2) - math.lgamma((freedom + 1) / 2)

    def above(angle):
        step = angle / 1000
        heights = ((4 if i % 2 else 2) * math.sin(i * step) ** (freedom - 1) for i in range(1, 1000))
        return p * math.exp(log) - step / 3 * (sum(heights) + math.sin(angle) ** (freedom - 1))
    return math.sqrt(freedom) / math.tan(root(above, 0.0, math.pi / 2))


def binomial_bound(hits, n, level):
    """Clopper and Pearson 1934: the rate at which at most `hits` of n still have this probability."""
    if hits >= n:
        return 1.0
    ways = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(hits + 1)]

    def at_most(rate):
        return sum(math.exp(w + k * math.log(rate) + (n - k) * math.log1p(-rate)) for k, w in enumerate(ways)) - level
    return root(at_most, 1e-18, 1 - 1e-16)


# The test on seeds

@lru_cache(None)
def sign_flip(counts):
    """P(S > s) + P(S = s) / 2 where every score has a random sign, exactly. The polynomial prod (1 + x^size), which counts
    sign patterns by the sum T of what is positive (S = 2 T - total), is held in one whole number: x is a power of two
    that is so large that counts never run into each other."""
    sizes = sorted(abs(score) for score, count in counts for _ in range(count) if score)
    if not sizes:
        return Fraction(1, 2)
    unit, bits, ways = math.gcd(*sizes), len(sizes) + 1, 1
    for size in sizes:
        ways += ways << (bits * (size // unit))
    digit = 2**bits - 1
    rest = ways >> bits * (sum(score * count for score, count in counts if score > 0) // unit)
    above = (rest >> bits) % digit  # the sum of all digits
    return Fraction(2 * above + (rest & digit), 2 ** len(sizes) * 2)


def pairs(scores):
    return tuple(sorted((int(score), count) for score, count in scores["counts"].items()))


def shifted(scores, by, steps):
    """The p-value of the scores with `by`, a whole number of `steps`-ths, added to each seed's mean."""
    unit = min(scores["unit"] * steps // math.gcd(scores["unit"], steps), STEPS)
    moved = {}
    for score, count in pairs(scores):
        exact = (Fraction(score, scores["unit"]) + by) * unit
        whole = int(abs(exact) + Fraction(1, 2)) * (1 if exact > 0 else -1)
        moved[whole] = moved.get(whole, 0) + count
    return sign_flip(tuple(sorted(moved.items())))


def p_better(scores, policy):
    """A noninferior prompt may lose three points. Where no seed lost anything, signs say nothing about unseen losses: then
    it is at least the chance to see none in n seeds if so many lose everything that the mean falls by what it may."""
    if policy != "noninferior":
        return sign_flip(pairs(scores))
    p, n = shifted(scores, Fraction(3, 100), 100), sum(scores["counts"].values())
    if any(score < 0 for score, _ in pairs(scores)):
        return p
    gain = sum(score * count for score, count in pairs(scores)) / scores["unit"] / n
    return max(p, sys.float_info.min, min(1.0, max(0.0, 0.97 - gain)) ** n)


def combined(ps):
    """Inverse normal combination (Lehmacher and Wassmer 1999): a third of the weight to all before, two to the next."""
    before = ps[0]
    for p in ps[1:]:
        before = tail(math.sqrt(1 / 3) * quantile(before) + math.sqrt(2 / 3) * quantile(p))
    return before


# Several looks

class Path:
    """Brownian motion without drift that has not crossed a bound yet: points with weights, at a time (Armitage, McPherson
    and Rowe 1969, by Simpson's rule in steps of a sixth of the least increment's standard deviation)."""

    def __init__(self, times):
        self.time, self.points = 0.0, [(0.0, 1.0)]
        self.step = math.sqrt(min(b - a for a, b in zip([0.0] + times, times))) / 6

    def crossing(self, time, z):
        sd = math.sqrt(time - self.time)
        return sum(mass * tail((z * math.sqrt(time) - at) / sd) for at, mass in self.points)

    def go_on(self, time, z):
        low, high, gap = -8.5 * math.sqrt(time), z * math.sqrt(time), time - self.time
        halves = max(4, math.ceil((high - low) / self.step / 2))
        step, points = (high - low) / (2 * halves), []
        for i in range(2 * halves + 1):
            at = low + i * step
            density = sum(mass * math.exp(-(at - u) ** 2 / (2 * gap)) for u, mass in self.points)
            weight = 1 if i in (0, 2 * halves) else 4 if i % 2 else 2
            points.append((at, weight * step / 3 * density / math.sqrt(2 * math.pi * gap)))
        self.time, self.points = time, points


@lru_cache(None)
def spending_levels(kind, alpha, times):
    """Nominal levels under a spending function (Lan and DeMets 1983): 2 P(Z > z_{alpha/2} / sqrt t) like O'Brien and
    Fleming's, or alpha ln(1 + (e - 1) t) like Pocock's."""
    path, spent, levels = Path(list(times)), 0.0, []
    for time in times:
        until = alpha * math.log(1 + (math.e - 1) * time)
        if kind == "obrien":
            until = 2 * tail(quantile(alpha / 2) / math.sqrt(time))
        z = root(lambda z: path.crossing(time, z) - (until - spent), -8.0, 38.0)
        levels, spent = levels + [tail(z)], until
        path.go_on(time, z)
    return levels


def stagewise_level(times, levels, p, alpha):
    """The level of a bound where the test first crossed, in the order of Tsiatis, Rosner and Mehta 1984. With drift d a
    point b at time t has exp(d b - d^2 t / 2) times the density that it has without (Girsanov): one walk serves all."""
    path, now, z = Path(list(times)), times[-1], quantile(p)
    for time, level in zip(times, levels):
        path.go_on(time, quantile(level))
    path.go_on(now, z)

    def weaker(drift):
        return sum(mass * math.exp(drift * b - drift * drift * now / 2) for b, mass in path.points) - (1 - alpha)
    return min(tail(z - root(weaker, -5 / math.sqrt(now), z / math.sqrt(now)) * math.sqrt(now)), alpha)


def continued_level(before, alpha):
    """The level of a combined p-value where none before crossed: each set of rows trebles the information."""
    times = [3.0 ** (i - len(before)) for i in range(len(before) + 1)]
    path = Path(times)
    for time, level in zip(times, before):
        path.go_on(time, quantile(level))
    return tail(root(lambda z: path.crossing(1.0, z) - alpha, -8.0, 38.0))


# Bounds

def wilson(rate, n, z):
    """Wilson 1927: rates that are z of their own standard errors from the observed one, as roots of a quadratic."""
    a, b, c = 1 + z * z / n, -(2 * rate + z * z / n), rate * rate
    reach = math.sqrt(max(0.0, b * b - 4 * a * c))
    return max(0.0, (-b - reach) / (2 * a)), min(1.0, (-b + reach) / (2 * a))


def newcombe(fell, level):
    """The lower bound of Newcombe 1998, method 10; the upper one is that of the opposite difference."""
    a, b, c, d = fell
    n, z = sum(fell), quantile(level)
    first, second = (a + b) / n, (a + c) / n
    excess = a * d - b * c
    excess = max(0.0, excess - n / 2) if excess > 0 else excess
    product = (a + b) * (c + d) * (a + c) * (b + d)
    phi = excess / math.sqrt(product) if product else 0.0
    r, s = first - wilson(first, n, z)[0], wilson(second, n, z)[1] - second
    return max(-1.0, first - second - math.sqrt(max(0.0, r * r - 2 * phi * r * s + s * s)))


def inverted(scores, level):
    """The largest mean, in steps of half a point or less, that the sign-flip test rejects as too small."""
    unit = scores["unit"] * (200 // scores["unit"] + 1)
    low, high = -unit, unit + 1
    while high - low > 1:
        middle = (low + high) // 2
        p = sign_flip(tuple((x * (unit // scores["unit"]) - middle, count) for x, count in pairs(scores)))
        low, high = (middle, high) if p <= level else (low, middle)
    return low / unit


def lead_bounds(lead, scores, lower_level, upper_level):
    """Bounds that invert the sign-flip test (Lehmann and Romano 2005, 5.8): exactly below 30 seeds, or where its normal
    approximation D -+ z s / sqrt(n - z^2) says otherwise about 0 than the test; the rule of three without spread."""
    n, mean, se = lead["seeds"], lead["estimate"], lead["se"]
    if se * math.sqrt(n) <= 2**-52:
        return max(-1.0, mean - 1 + lower_level ** (1 / n)), min(1.0, mean + 1 - upper_level ** (1 / n))

    def reach(level):
        z = quantile(level)
        return z * se * math.sqrt((n - 1) / (n - z * z)) if n > z * z else 2.0
    lower, upper = max(-1.0, mean - reach(lower_level)), min(1.0, mean + reach(upper_level))
    p = sign_flip(pairs(scores))
    if n >= 30 and (lower > 0) == (p <= lower_level) and (upper < 0) == (1 - p <= upper_level):
        return lower, upper
    mirror = {"unit": scores["unit"], "counts": {-x: count for x, count in pairs(scores)}}
    return inverted(scores, lower_level), -inverted(mirror, upper_level)


def power(n, mean, se, total, alpha, design):
    """Lan, Simon and Halperin 1982: the chance to reject in the end if other seeds have the larger of two leads."""
    rest, sd = total - n, max(0.15, se * math.sqrt(n))
    distance = n * mean + rest * max(mean, design) - quantile(alpha) * sd * math.sqrt(total)
    return tail(-distance / (sd * math.sqrt(rest)))


# What is claimed

class Report:
    def __init__(self):
        self.rows, self.part, self.main = [], "", False

    def begin(self, part, main=False):
        self.part, self.main = part, main

    def check(self, what, claimed, found, relative=EXACT, slack=1e-30):
        """`slack` is what may be lost besides, in absolute terms."""
        if isinstance(found, (bool, str)):
            same = claimed == found
        else:
            same = claimed == found or abs(claimed - found) <= relative * abs(found) + slack
        self.rows.append((f"{self.part}{what}", claimed, found, same, self.main))

    def show(self, everything):
        for what, claimed, found, same, main in self.rows:
            if everything or main or not same:
                told = [f"{float(x):.9g}" if isinstance(x, (float, Fraction)) else str(x) for x in (claimed, found)]
                print(f"{what:<46} {told[0]:>16} {told[1]:>16}  {'ok' if same else 'DIFFERS'}")
        wrong = sum(not row[3] for row in self.rows)
        print(f"{len(self.rows)} numbers recomputed, " + (f"{wrong} differ" if wrong else "all agree"))
        return 1 if wrong else 0


def check_mean(report, scores, seeds, mean, se):
    """Names are those of the certificate; a score of `unit` is a difference of 1 on every row of a seed."""
    counts, unit = pairs(scores), scores["unit"]
    n, half = sum(count for _, count in counts), 0.5 / unit if unit >= STEPS else 0.0
    found = Fraction(sum(x * count for x, count in counts), n * unit)
    squares = sum((Fraction(x, unit) - found) ** 2 * count for x, count in counts)
    report.check("seeds", seeds, n)
    report.check("mean", mean, found, slack=1e-12 + half)
    below = max(1, n - 1)
    report.check("standard error", se, math.sqrt(squares / below / n), slack=1e-9 + half / math.sqrt(below))


def check_t(report, it, middle, lowest, highest):
    """Bounds of the mean: D -+ t s / sqrt n."""
    for side, sign in (("lower", -1), ("upper", 1)):
        found = middle + sign * t_quantile(it[side + "_level"], it["seeds"] - 1) * it["se"]
        report.check(side, it[side], min(highest, max(lowest, found)), SOLVED, 1e-9)


def check_guard(report, guard, lower_level, upper_level):
    check_mean(report, guard["scores"], guard["seeds"], guard["estimate"], guard["se"])
    report.check("lower level", guard["lower_level"], lower_level, INTEGRAL)
    report.check("upper level", guard["upper_level"], upper_level, INTEGRAL)
    if "pairs" not in guard:
        return check_t(report, guard, guard["estimate"], -1.0, 1.0)
    both, finalist, baseline, neither = (guard["pairs"][name] for name in ("both", "candidate", "baseline", "neither"))
    counts = dict(pairs(guard["scores"]))
    fell = (counts.get(1, 0), counts.get(-1, 0), counts.get(0, 0))
    report.check("pairs", str((finalist, baseline, both + neither)), str(fell))
    lower = newcombe((both, finalist, baseline, neither), guard["lower_level"])
    upper = -newcombe((both, baseline, finalist, neither), guard["upper_level"])
    report.check("lower", guard["lower"], lower, SOLVED, 1e-9)
    report.check("upper", guard["upper"], upper, SOLVED, 1e-9)


def check_slices(report, name, look):
    """Harm (Holm 1979); and drawn to the whole by the part that is chance (DerSimonian and Laird 1986)."""
    slices = look["slices"]
    sure = [(s["se"] ** -2, (s["estimate"] - look["lead"]) ** 2) for s in slices if s["se"] > 0]
    weights = sum(weight for weight, _ in sure)
    truth = max(0.0, (sum(weight * far for weight, far in sure) - len(sure)) / weights) if sure else 0.0
    harms = [s["p_harm"] for s in slices]
    for s in slices:
        report.begin(f"{name}, {s['name']}: ")
        check_mean(report, s["scores"], s["seeds"], s["estimate"], s["se"])
        report.check("p of harm", s["p_harm"], 1 - sign_flip(pairs(s["scores"])))
        adjusted = max(p * sum(q >= p for q in harms) for p in harms if p <= s["p_harm"])
        report.check("p of harm, adjusted", s["p_adjusted"], min(1.0, adjusted))
        kept = truth / (truth + s["se"] ** 2) if truth + s["se"] > 0 else 1.0
        report.check("shrunken lead", s["shrunk"], look["lead"] + (s["estimate"] - look["lead"]) * kept, slack=1e-9)


def is_proven(look):
    return look["p"] <= look["level"] and look["tested"] >= LEAST_SEEDS


def is_guarded(look):
    guards = [look["validity"], *filter(None, [look["clean"]]), *look.get("metrics", {}).values()]
    return (all(guard["lower"] > -guard["margin"] for guard in guards) and look["newly_failed"] == 0
            and all(limit["upper"] <= limit["most"] for limit in look.get("limits", []))
            and all(s["p_adjusted"] > CLAIM for s in look["slices"]))


class Design:
    """The levels of all looks: of the test, of lenient and firm guards, and of claims."""

    def __init__(self, plan, alpha, share, policy):
        self.plan, self.alpha, self.policy, self.share = plan, alpha, policy, share
        self.times = tuple(seeds / plan[-1] for seeds in plan)
        silent = sum(time < 0.25 for time in self.times)
        self.test = [0.0] * silent + spending_levels("obrien", alpha, self.times[silent:])
        self.clean, self.firm = (spending_levels("obrien", error, self.times) for error in (0.20, CLAIM))
        self.claim = spending_levels("pocock", CLAIM, self.times)
        self.lower = spending_levels("obrien", CLAIM * share, self.times)


def check_look(report, look, design, k, level, p):
    name = f"look at {look['seeds']} seeds"
    clean, firm, claim = design.clean[k], design.firm[k], design.claim[k]
    report.begin(f"{name}: ", main=True)
    report.check("seeds", look["seeds"], design.plan[k])
    report.check("p", look["p"], p)
    report.check("level", look["level"], level, INTEGRAL)
    check_mean(report, look["scores"], look["tested"], look["lead"], look["lead_se"])
    rest, n = design.plan[-1] - look["seeds"], look["tested"]
    if rest:
        margin, least = (0.03, -0.03) if design.policy == "noninferior" else (0.0, 0.02)
        good, bad = look["lead"] + margin, least - look["lead"]
        chance = power(n, good, look["lead_se"], n + rest, design.alpha, margin or 0.05)
        report.check("conditional power", look["conditional_power"], chance, SOLVED, 1e-9)
        chance = power(n, bad, look["lead_se"], n + rest, design.claim[-1], bad)
        report.check("refusal power", look["refusal_power"], chance, INTEGRAL, 1e-9)
    guards = [("usable answers", look["validity"], firm), ("clean rows", look["clean"], clean)]
    guards += [(own, guard, clean) for own, guard in look.get("metrics", {}).items()]
    for what, guard, lower_level in filter(lambda guard: guard[1], guards):
        report.begin(f"{name}, {what}: ")
        report.check("margin", guard["margin"], {"clean rows": 0.03, "usable answers": 0.02}.get(what, guard["margin"]))
        check_guard(report, guard, lower_level, claim)
    for limit in look.get("limits", []):
        report.begin(f"{name}, {limit['name']}: ")
        report.check("lower level", limit["lower_level"], claim, INTEGRAL)
        report.check("upper level", limit["upper_level"], firm, INTEGRAL)
        check_t(report, limit, limit["observed"], -math.inf, math.inf)
    check_slices(report, name, look)


def bounds_at(look, lower_level, upper_level):
    lead = {"seeds": look["tested"], "estimate": look["lead"], "se": look["lead_se"]}
    return lead_bounds(lead, look["scores"], lower_level, upper_level)


def lower_level(looks, design, accepted):
    """The level of the lower bound and the look it rests on: where the lead was first proven, or the trial ended."""
    first = next((k for k, look in enumerate(looks) if is_proven(look)), None)
    if not accepted or first is None:
        return design.lower[len(looks) - 1], len(looks) - 1
    mute = sum(look["level"] <= 0 or look["tested"] < LEAST_SEEDS for look in looks[:first])
    if mute == first:
        return CLAIM * design.share, first
    times, levels = design.times[mute:first + 1], design.test[mute:first]
    return stagewise_level(times, levels, looks[first]["p"], CLAIM * design.share), first


def check_lead(report, lead, looks, design, accepted, lower=None):
    """`lower` is level and bound of a trial that went on."""
    last, k = looks[-1], len(design.plan) - 1 if lower else len(looks) - 1
    report.begin("lead: ", main=True)
    for name, of_look in (("seeds", "tested"), ("estimate", "lead"), ("se", "lead_se")):
        report.check(name, lead[name], last[of_look])
    level, at = (lower[0], k) if lower else lower_level(looks, design, accepted)
    report.check("lower level", lead["lower_level"], level, INTEGRAL)
    bound = lower[1] if lower else bounds_at(looks[at], lead["lower_level"], design.claim[at])[0]
    half = 0.005 if lower and last["scores"]["unit"] >= STEPS else 0.0
    report.check("lower", lead["lower"], min(bound, lead["estimate"]) if accepted else bound, SOLVED, 1e-9 + half)
    report.check("upper level", lead["upper_level"], design.claim[k], INTEGRAL)
    own = CLAIM * design.share if lower else design.lower[k]
    report.check("upper", lead["upper"], bounds_at(last, own, lead["upper_level"])[1], SOLVED, 1e-9)


def planned(seeds):
    """Ten looks, fewer where there are fewer seeds."""
    return sorted({math.ceil(Fraction(k * seeds, 10)) for k in range(1, 11)})


def check_trial(report, looks, design):
    for k, look in enumerate(looks):
        check_look(report, look, design, k, design.test[k], p_better(look["scores"], design.policy))


def check_continued(report, it):
    """A trial that went on: its first looks, then one look at the end of each set of rows."""
    stages, looks, policy = it["stages"], it["looks"], it["policy"]
    begun, later = looks[:len(looks) - len(stages) + 1], looks[len(looks) - len(stages) + 1:]
    plan = planned(stages[0]["seeds"])
    tested = next((look for look in begun if look["level"] > 0), None)
    alpha = it["alpha"]
    if tested:  # the first level is what is spent, 2 P(Z > z_{alpha/2} / sqrt t)
        alpha = 2 * tail(math.sqrt(tested["seeds"] / plan[-1]) * quantile(tested["level"] / 2))
    design = Design(plan, alpha, it["share"], policy)
    check_trial(report, begun, design)
    levels, claim = [design.test[-1]], 0.0
    for i, look in enumerate(later, 1):
        so_far = [sum(stage["seeds"] for stage in stages[:j + 1]) for j in range(i + 1)]
        design = Design(so_far, it["alpha"], it["share"], policy)
        level, claim = (continued_level(levels, error) for error in (it["alpha"], CLAIM * it["share"]))
        check_look(report, look, design, i, level, combined([stage["p"] for stage in stages[:i + 1]]))
        levels.append(level)
    for i, stage in enumerate(stages, 1):
        report.begin(f"rows {i}: ", main=True)
        report.check("seeds", sum(count for _, count in pairs(stage["scores"])), stage["seeds"])
        report.check("p", stage["p"], p_better(stage["scores"], policy))
    if looks[-1]["scores"]["unit"] < STEPS:
        wholes = [sum(Fraction(x * count, scores["unit"]) for x, count in pairs(scores))
                  for scores in [looks[-1]["scores"]] + [stage["scores"] for stage in stages]]
        report.check("and all before, sum of scores", wholes[0], sum(wholes[1:]))
    low, high = -200, 201
    while high - low > 1:  # the largest lead, in half points, that the combined test rejects as too small
        middle = (low + high) // 2
        p = combined([shifted(stage["scores"], Fraction(-middle, 200), 200) for stage in stages])
        low, high = (middle, high) if p <= claim else (low, middle)
    check_lead(report, it["lead"], looks, design, True, (claim, low / 200))
    return so_far


def price(alpha, turn, accepted):
    """Of the turn-th question to the same rows, after so many that were accepted."""
    if accepted == 0:
        return 2 * alpha / (turn * (turn + 1))
    return alpha / 2**accepted / (turn * (turn + 1) * max(1, math.comb(turn - 1, accepted)))


def nearest(claimed, candidates):
    return min(candidates, key=lambda found: abs(found - claimed))


def check_tables(report, it):
    last = it["looks"][-1]
    looked = {"primary": last["scores"], **{s["name"]: s["scores"] for s in last["slices"]}}
    if last["clean"]:
        looked["clean"] = last["clean"]["scores"]
    for table in it["tables"]:
        report.begin(f"table {table['name']}: ")
        rates = [table[who] for who in ("baseline", "finalist")]
        for who, rate in zip(("baseline", "finalist"), rates):
            bounds = wilson(rate["mean"], table["rows"], 1.96) if table["rows"] else (0.0, 1.0)
            report.check(f"{who} lower", rate["lower"], bounds[0], slack=1e-9)
            report.check(f"{who} upper", rate["upper"], bounds[1], slack=1e-9)
        scores, lead = table["scores"], table["lead"]
        seeds = sum(scores["counts"].values())
        if seeds:
            check_mean(report, scores, seeds, lead, table["lead_se"])
        if table["name"] in looked:
            report.check("scores", str(pairs(scores)), str(pairs(looked[table["name"]])))
        if table["rows"] in (seeds, seeds * scores["unit"]):  # equally many rows of every seed
            report.check("difference of means", rates[1]["mean"] - rates[0]["mean"], lead, slack=1e-9)


def check_spread(report, it):
    """Discordance from scores where each seed has one row; the correlation (Donner 1986) from the discordance where all
    have equally many. The units of scores tell."""
    last, rows = it["looks"][-1], next(table["rows"] for table in it["tables"] if table["name"] == "primary")
    n, unit, counts = last["tested"], last["scores"]["unit"], pairs(last["scores"])
    if rows != n * unit:
        return
    squares = Fraction(sum(x * x * count for x, count in counts), unit * unit)
    if unit == 1:
        return report.check("discordance", it["discordance"], squares / n)
    mean = Fraction(sum(x * count for x, count in counts), n * unit)
    between = unit * (squares - n * mean * mean)
    within = it["discordance"] * rows - unit * squares
    msb, msw = between / (n - 1), within / (rows - n)
    if it["intraclass"] is not None:
        report.check("intraclass", it["intraclass"], (msb - msw) / (msb + (unit - 1) * msw), slack=1e-9)


def check_target(report, it, share):
    """Clopper-Pearson for scores of 0 and 1; at the level / e for others (Bentkus 2004)."""
    report.begin("target: ", main=True)
    n, rate, target = it["seeds"], it["rate"], it["target"]
    report.check("level", it["level"], CLAIM * share)
    hits = round(n * rate) if abs(n * rate - round(n * rate)) < 1e-9 else n * rate

    def bounds(level):
        return 1 - binomial_bound(n - math.floor(hits), n, level), binomial_bound(math.ceil(hits), n, level)
    level = it["level"] if it["scale"] == "binary" else it["level"] / math.e
    lower, upper = bounds(level)
    report.check("lower", it["lower"], lower, SOLVED, 1e-9)
    report.check("upper", it["upper"], upper, SOLVED, 1e-9)
    outcome = "met" if lower >= target else "missed" if upper < target else "undecided"
    report.check("outcome", it["outcome"], outcome)
    if outcome == "undecided":
        reach = quantile(level) * math.sqrt(target * (1 - target)) + quantile(0.20) * math.sqrt(rate * (1 - rate))
        alike = math.log(level) / math.log(target if rate >= target else 1 - target)
        needed = max(n + 1, math.ceil(max((reach / max(abs(rate - target), 0.02)) ** 2, alike)))
        step = 10 ** max(0, len(str(needed)) - 2)
        report.check("seeds needed", it["n_needed"], -(-needed // step) * step)


def check_certificate(report, stamp):
    it = stamp["certificate"]
    looks, lead, policy = it["looks"], it["lead"], it["policy"]
    if it.get("stages"):
        plan, prices = check_continued(report, it), range(1, it["turn"] + 1)
    else:
        plan, prices = planned(it["seeds"]), [it["turn"]]
        design = Design(plan, it["alpha"], it["share"], policy)
        check_trial(report, looks, design)
        check_lead(report, lead, looks, design, True)
    report.begin("", main=True)
    report.check("plan", str(it["plan"]), str(plan))
    report.check("seeds", it["seeds"], plan[-1])
    report.check("error of the turn", it["turn_alpha"],
                 nearest(it["turn_alpha"], [price(ALPHA[policy], t, b) for t in prices for b in range(t)]))
    shares = sum(SHARES, []) if it.get("stages") else SHARES[len(it["earlier"])]
    report.check("share", it["share"], nearest(it["share"], shares))
    report.check("error of the finalist", it["alpha"], it["turn_alpha"] * it["share"])
    report.check("proven and guarded only at the last look", True,
                 [is_proven(look) and is_guarded(look) for look in looks] == [False] * (len(looks) - 1) + [True])
    copied = {"seeds": looks[-1]["seeds"], "p": looks[-1]["p"], "lead": lead["estimate"], "lower95": lead["lower"]}
    for name, found in copied.items():
        report.check(f"stamp, {name}", stamp[name], found)
    check_spread(report, it)
    check_tables(report, it)
    if it.get("target"):
        check_target(report, it["target"], it["share"])
    if it.get("audited"):
        audit = it["audited"]
        report.begin("audit: ")
        report.check("upper bound", audit["upper95"], binomial_bound(audit["invalid"], audit["read"], CLAIM), SOLVED)


def check_heard(report, it, place):
    """A trial of an `unsealed.json`. The first level of the guards says how many seeds were planned."""
    looks = it["looks"]
    if not looks:
        return
    z = quantile(CLAIM / 2) / quantile(looks[0]["validity"]["lower_level"] / 2)
    plan = planned(round(looks[0]["seeds"] / z**2))
    policy = min(("strict", "noninferior"), key=lambda name: abs(looks[0]["p"] - p_better(looks[0]["scores"], name)))
    if looks[-1]["seeds"] > plan[-1]:
        raise ValueError("a trial that went on; a list of trials does not hold what its sets of rows said")
    accepted = it["verdict"]["verdict"] == "accept" or it["verdict"].get("kind") == "below_target"
    designs = [Design(plan, it["alpha"], share, policy) for share in SHARES[place]]
    claimed = it["lead"]["lower_level"]
    design = min(designs, key=lambda design: abs(lower_level(looks, design, accepted)[0] - claimed))
    check_trial(report, looks, design)
    check_lead(report, it["lead"], looks, design, accepted)
    report.check("proven and guarded", accepted, is_proven(looks[-1]) and is_guarded(looks[-1]))
    if it.get("pass_rate"):
        check_target(report, it["pass_rate"], design.share)


def main(arguments):
    paths = [argument for argument in arguments if argument != "--all"]
    if len(paths) != 1:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    report = Report()
    try:
        with open(paths[0], encoding="utf-8") as file:
            it = json.load(file)
        if isinstance(it, list):
            for place, heard in enumerate(it):
                check_heard(report, heard, place)
        else:
            if "certificate" not in it["stamp"].get("accepted", {}):
                raise ValueError("nothing was accepted")
            check_certificate(report, it["stamp"]["accepted"])
    except OSError as error:
        print(f"cannot read {paths[0]}: {error.strerror}; name an artifact.json or an unsealed.json", file=sys.stderr)
        return 2
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, StopIteration) as error:
        print(f"{paths[0]} holds no certificate that can be recomputed ({error!r})", file=sys.stderr)
        return 2
    return report.show("--all" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
