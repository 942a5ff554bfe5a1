"""What looks cost and save: the table under "Looks" of docs/gate.md.

    pip install numpy scipy && python3 benches/looks.py

Paths of the probit model of compiler/src/gate/simulation/probit.rs, tested by the normal approximation of the sign-flip test,
without guards and slices. The whole gate with them is simulated in Rust; this compares rules that the gate does not have.
"""
import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

LEADS, SEEDS, ALPHA, LEAST_LEAD, LEAST_SD, LEAST_SEEDS, LEAST_PART = (
    (-0.05, 0.0, 0.05, 0.10, 0.15), (50, 100, 200, 400), 0.05, 0.02, 0.15, 15, 0.25)


def differences(rng, seeds, lead, runs):
    """The mean difference of each seed over three variants: one row of numbers per run."""
    draw = lambda variance, *shape: rng.normal(0, variance ** 0.5, (runs, seeds, *shape))
    hard, harder = draw(0.70, 1), draw(0.08, 3)
    right = [norm.ppf(p) + hard + draw(0.12, 1) + harder + draw(0.10, 3) > 0 for p in (0.62, 0.62 + lead)]
    return (right[1].astype(float) - right[0]).mean(axis=2)


def bounds(spent, parts):
    """The bounds of z at which as much error is spent as may be, by recursive integration."""
    points = mass = before = None
    used, found = 0.0, []
    for part in parts:
        spend, used = spent(part) - used, spent(part)
        if before is None:
            bound, density = norm.isf(spend), norm.pdf
        else:
            scale, sd = (part / before) ** 0.5, ((part - before) / before) ** 0.5
            crossing = lambda z: np.sum(mass * norm.sf((z * scale - points) / sd)) - spend
            bound = brentq(crossing, -8, 30)
            density = lambda z: (mass * norm.pdf((z[:, None] * scale - points) / sd)).sum(axis=1) * scale / sd
        nodes, weights = np.polynomial.legendre.leggauss(96)
        z = (bound - 9) / 2 + (bound + 9) / 2 * nodes
        points, mass, before = z, weights * (bound + 9) / 2 * density(z), part
        found.append(bound)
    return np.array(found)


def obrien_fleming(part):
    return 2 * norm.sf(norm.isf(ALPHA / 2) / part ** 0.5)


def pocock(part):
    return ALPHA * np.log(1 + (np.e - 1) * part)


def trials(x, looks, hoped, patience):
    """How many trials are accepted, how many refused, and the mean part of the seeds that they use."""
    runs, n = x.shape
    at = np.unique(np.ceil(np.arange(1, looks + 1) * n / looks).astype(int))
    silent = int(np.sum(at / n < LEAST_PART))
    test = np.r_[np.full(silent, np.inf), bounds(obrien_fleming, at[silent:] / n)]
    claim = bounds(pocock, at / n)
    sums, squares = np.cumsum(x, axis=1), np.cumsum(x * x, axis=1)
    used, done, accepted, refused = np.full(runs, n), *np.zeros((3, runs), bool)
    for look, (t, bar, certain) in enumerate(zip(at, test, claim)):
        total, lead = sums[:, t - 1], sums[:, t - 1] / t
        variance = np.maximum(squares[:, t - 1] - total * lead, 0)
        crossed = ~done & (t >= LEAST_SEEDS) & (total / np.sqrt(np.maximum(squares[:, t - 1], 1e-9)) >= bar)
        reach = certain * np.sqrt(variance / t) / np.sqrt(max(t - certain ** 2, 0.1)) if t > certain ** 2 else 2.0
        useless = lead + reach < LEAST_LEAD
        if t == n:
            ends = ~done & ~crossed
        else:
            sd, rest = np.maximum(np.sqrt(variance / (t - 1)), LEAST_SD), n - t
            left = sd * np.sqrt(rest)
            power = norm.cdf((total + rest * np.maximum(hoped, lead) - norm.isf(ALPHA) * sd * np.sqrt(n)) / left)
            refusal = norm.cdf((LEAST_LEAD * n - claim[-1] * sd * np.sqrt(n) - total - rest * lead) / left)
            ends = ~done & ~crossed & (power < 0.10) & (useless | (refusal < 0.5) | (not patience))
            ends &= (t >= LEAST_SEEDS) | (not patience)
        accepted, refused = accepted | crossed, refused | (ends & useless)
        used[crossed | ends], done = t, done | crossed | ends
    return accepted.mean(), refused.mean(), used.mean() / n


def main():
    rng = np.random.default_rng(5)
    cells = [(n, lead, differences(rng, n, lead, 3000 if n < 400 else 1500)) for n in SEEDS for lead in LEADS]
    rules = [("all seeds, one look", 1, 0.08, False), ("4 looks, 8 points", 4, 0.08, False),
             ("10 looks, 5 points, patience", 10, 0.05, True), ("8 looks, 6 points, no patience", 8, 0.06, False)]
    for name, *rule in rules:
        found = {(n, lead): trials(x, *rule) for n, lead, x in cells}
        of = lambda which, lead: " / ".join(f"{100 * found[n, lead][which]:.1f}" for n in SEEDS)
        median = np.median([part for _, _, part in found.values()])
        print(f"{name}: calls {100 * median:.1f} %, accepted at 0 {of(0, 0.0)}, at +5 {of(0, 0.05)}, at +10 {of(0, 0.10)}, "
              f"rejected at -5 {of(1, -0.05)}")


main()
