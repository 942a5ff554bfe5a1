"""Values of independent implementations (scipy, statsmodels) for the tests of this folder.

    pip install scipy statsmodels && python fixtures.py > fixtures.json
"""
import json
import sys
import warnings

import numpy as np
import pandas as pd
import scipy
import statsmodels
import statsmodels.api as sm
from scipy.optimize import brentq
from scipy.stats import binom, combine_pvalues, multivariate_normal, norm, permutation_test, t
from statsmodels.formula.api import ols
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

warnings.filterwarnings("ignore")
rng = np.random.default_rng(20260)


def sign_flip(scores):
    """Exact mid-p by scipy's enumeration of all sign patterns: the mean of P(S >= s) and P(S > s)."""
    zero = np.zeros(len(scores))
    test = lambda side: permutation_test((np.array(scores, float), zero), lambda a, b, axis: np.sum(a - b, axis=axis),
                                         permutation_type="samples", alternative=side, n_resamples=np.inf).pvalue
    return (test("greater") + 1 - test("less")) / 2


def looks(kind, alpha, times):
    """Boundaries by root finding on scipy's multivariate normal distribution function."""
    spent = {"obrien_fleming": lambda s: 2 * norm.sf(norm.isf(alpha / 2) / np.sqrt(s)),
             "pocock": lambda s: alpha * np.log(1 + (np.e - 1) * s)}[kind]
    bounds = []
    for k, s in enumerate(times):
        cov = np.array([[np.sqrt(min(a, b) / max(a, b)) for a in times[: k + 1]] for b in times[: k + 1]])
        stay = lambda b: multivariate_normal.cdf(bounds + [b], np.zeros(k + 1), cov, abseps=1e-10, releps=1e-10,
                                                 maxpts=2_000_000) if k else norm.cdf(b)
        bounds.append(brentq(lambda b: 1 - stay(b) - spent(s), 0, 9, xtol=1e-9))
    return [norm.sf(b) for b in bounds]


def intraclass(groups):
    """Mean squares of statsmodels' analysis of variance in the estimator for unequal groups."""
    rows = pd.DataFrame([(g, y) for g, ys in enumerate(groups) for y in ys], columns=["g", "y"])
    table = sm.stats.anova_lm(ols("y ~ C(g)", rows).fit())
    msb, msw = table["mean_sq"]
    sizes = np.array([len(ys) for ys in groups])
    m0 = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(sizes) - 1)
    return (msb - msw) / (msb + (m0 - 1) * msw)


def clustered(groups):
    """Standard error of the mean by statsmodels' cluster-robust covariance."""
    y = np.concatenate(groups)
    cluster = np.repeat(np.arange(len(groups)), [len(g) for g in groups])
    return sm.OLS(y, np.ones(len(y))).fit(cov_type="cluster", cov_kwds={"groups": cluster}).bse[0]


def regression(rows, outcomes, clusters):
    """Least squares of statsmodels with its cluster-robust covariance."""
    fit = sm.OLS(outcomes, rows).fit(cov_type="cluster", cov_kwds={"groups": clusters})
    return {"rows": rows.tolist(), "outcomes": outcomes.tolist(), "clusters": clusters.tolist(),
            "estimates": fit.params.tolist(), "errors": fit.bse.tolist()}


def masks(edits, rows, calls):
    """Random halves of some edits, each answer of one row; later rows have fewer answers than earlier ones."""
    draw = np.random.default_rng(7)
    cluster = np.concatenate([np.arange(rows), draw.integers(0, rows // 2, calls - rows)])
    easy, full = draw.normal(0, 0.2, rows), draw.integers(0, 2, rows)
    mask = draw.integers(0, 2, (calls, edits)) - 0.5
    y = (0.5 + mask @ draw.normal(0, 0.1, edits) + easy[cluster] + draw.normal(0, 0.3, calls)).round(3)
    return regression(np.column_stack([np.ones(calls), mask, full[cluster]]), y, cluster)


def newcombe(a, b, c, d, level=0.05):
    """Method 10 of Newcombe 1998 on statsmodels' Wilson intervals."""
    n = a + b + c + d
    p1, p2 = (a + b) / n, (a + c) / n
    l1, u1 = proportion_confint(a + b, n, level, "wilson")
    l2, u2 = proportion_confint(a + c, n, level, "wilson")
    cov = a * d - b * c
    cov = max(cov - n / 2, 0) if cov > 0 else cov
    norm_ = np.sqrt((a + b) * (c + d) * (a + c) * (b + d))
    phi = cov / norm_ if norm_ else 0
    root = lambda r, s: np.sqrt(r * r - 2 * phi * r * s + s * s)
    return [p1 - p2 - root(p1 - l1, u2 - p2), p1 - p2 + root(u1 - p1, p2 - l2)]


def continued(before, alpha):
    """The level of the combined p-value of what did not cross before, by scipy's bivariate normal distribution function."""
    rho = np.sqrt(1 / 3)
    stay, cov = norm.isf(before), [[1, rho], [rho, 1]]
    crosses = lambda c: norm.cdf(stay) - multivariate_normal.cdf([stay, c], [0, 0], cov, abseps=1e-12, releps=1e-12) - alpha
    return norm.sf(brentq(crosses, 0, 8, xtol=1e-12))


def stagewise(levels, times, p, alpha):
    """The level of the stage-wise bound by root finding on scipy's multivariate normal distribution function."""
    bounds, z = [norm.isf(level) for level in levels] + [norm.isf(p)], norm.isf(p)
    cov = np.array([[np.sqrt(min(a, b) / max(a, b)) for a in times] for b in times])
    crosses = lambda drift: 1 - multivariate_normal.cdf(bounds, drift * np.sqrt(times), cov, abseps=1e-10, releps=1e-10,
                                                        maxpts=2_000_000) - alpha
    drift = brentq(crosses, -6, 8, xtol=1e-9)
    return norm.sf(z - drift * np.sqrt(times[-1]))


def mean_bounds(values, lower, upper):
    mean, se, n = np.mean(values), np.std(values, ddof=1) / np.sqrt(len(values)), len(values)
    return [mean - t.isf(lower, n - 1) * se, mean + t.isf(upper, n - 1) * se]


def flipped(values, level):
    """The mean that the normal approximation of the sign-flip test just does not reject, by root finding."""
    x, z = np.array(values), norm.isf(level)
    gap = lambda d: np.sum(x - d) - z * np.sqrt(np.sum((x - d) ** 2))
    return brentq(gap, x.mean() - 2, x.mean(), xtol=1e-13)


def shrunken(leads, errors, whole):
    """Each lead drawn to the whole, whose true variance makes the weighted sum of squares what it is on average."""
    d, se = np.array(leads) - whole, np.array(errors)
    excess = lambda tau2: np.sum((d ** 2 - tau2) / se ** 2) - len(leads)
    tau2 = brentq(excess, 0, 10) if excess(0) > 0 else 0.0
    return {"leads": leads, "errors": errors, "whole": whole, "shrunk": (whole + d * tau2 / (tau2 + se ** 2)).tolist()}


def patterns(n):
    return 1 - 2 * ((np.arange(2 ** n)[:, None] >> np.arange(n)) & 1)


def largest(leads):
    """The largest mean over candidates under every sign pattern, the same signs for all; none is below 0."""
    return np.maximum((patterns(len(leads[0])) @ np.array(leads).T / len(leads[0])).max(axis=1), 0)


def reach(leads, confidence):
    """How many standard errors the largest Studentized mean of centred leads stays within, by all sign patterns."""
    signs, n = patterns(len(leads[0])), len(leads[0])
    t_of = lambda x: np.abs((signs * x).mean(axis=1)) / ((signs * x).std(axis=1, ddof=1) / np.sqrt(n))
    return np.quantile(np.max([t_of(np.array(lead) - np.mean(lead)) for lead in leads], axis=0), confidence)


leads = [[0.5 * ((i * (k + 2) + k) % 3 - 1) + 0.05 * ((i + k) % 5) for i in range(13)] for k in range(3)]
scores = [rng.integers(-3, 4, n).tolist() for n in (2, 4, 7, 10, 13)] + [rng.integers(-90, 91, 12).tolist()]
uneven = [rng.normal(0.1, 0.3, m).round(3).tolist() for m in (3, 2, 3, 4, 1, 3, 2)]
even = [(rng.normal(0, 0.4) + rng.normal(0.1, 0.3, 3)).round(3).tolist() for _ in range(40)]
json.dump({
    "made_by": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "numpy": np.__version__},
    "normal": [{"p": p, "z": norm.isf(p)} for p in (0.5, 0.2, 0.05, 1e-3, 1e-6, 1e-12)],
    "student": [{"p": p, "freedom": f, "t": t.isf(p, f)} for p in (0.2, 0.05, 1e-3, 1e-5) for f in (3, 14, 49, 999)],
    "sign_flip": [{"scores": s, "p": sign_flip(s)} for s in scores],
    "mcnemar": [{"wins": w, "losses": l, "p": binom.sf(w, w + l, 0.5) + 0.5 * binom.pmf(w, w + l, 0.5)}
                for w, l in ((0, 0), (5, 1), (30, 18), (260, 240))],
    "wilson": [{"successes": s, "n": n, "limits": proportion_confint(s, n, 0.05, "wilson")}
               for s, n in ((0, 10), (7, 20), (50, 50), (311, 500))],
    "newcombe": [{"pairs": list(p), "limits": newcombe(*p)} for p in ((36, 12, 2, 0), (40, 8, 5, 47), (0, 5, 9, 1), (54, 0, 0, 6))],
    "looks": [{"kind": k, "alpha": a, "times": s, "levels": looks(k, a, s)}
              for k in ("obrien_fleming", "pocock") for a in (0.05, 0.03, 0.2)
              for s in ([0.25, 0.5, 0.75, 1.0], [0.3, 0.7, 1.0])],
    "combination": [{"p": p, "combined": combine_pvalues(p, method="stouffer", weights=[1, 2 ** 0.5]).pvalue}
                    for p in ([0.5, 0.5], [0.06, 0.04], [0.3, 1e-4], [0.9, 0.002], [1e-8, 1e-3])],
    "continued": [{"before": a, "alpha": b, "level": continued(a, b)}
                  for a, b in ((0.042, 0.05), (0.026, 0.03), (0.012, 0.0167))],
    "stagewise": [{"levels": l, "times": s, "p": p, "alpha": a, "level": stagewise(l, s, p, a)}
                  for l, s, p, a in (([1e-4], [0.25, 0.5], 0.001, 0.05), ([1e-4, 0.006], [0.25, 0.5, 0.75], 0.003, 0.05),
                                     ([1e-4, 0.006, 0.022], [0.25, 0.5, 0.75, 1.0], 0.03, 0.05), ([0.002], [0.5, 1.0], 0.01, 0.03))],
    "student_bounds": [{"values": v, "lower": 0.05, "upper": 0.02, "bounds": mean_bounds(v, 0.05, 0.02)}
                       for v in ([0.0, 0.25, -0.5, 0.75, 0.5, 0.25], [g[0] for g in even])],
    "futility": [{"n": n, "mean": m, "sd": s, "total": k, "alpha": a, "design": d,
                  "power": norm.sf(norm.isf(a) * s * np.sqrt(k), n * m + (k - n) * max(m, d), s * np.sqrt(k - n))}
                 for n, m, s, k, a, d in ((25, 0.02, 0.3, 100, 0.05, 0.08), (50, -0.1, 0.5, 200, 0.03, 0.08), (30, 0.2, 0.4, 60, 0.05, 0.03))],
    "refusal": [{"n": n, "mean": m, "sd": s, "total": k, "alpha": a, "least": l,
                 "power": norm.cdf(k * l - norm.isf(a) * s * np.sqrt(k), k * m, s * np.sqrt(k - n))}
                for n, m, s, k, a, l in ((25, -0.08, 0.3, 100, 0.02, 0.02), (60, -0.02, 0.25, 100, 0.011, 0.0), (30, 0.1, 0.4, 60, 0.02, 0.02))],
    "shrinkage": [shrunken(leads, errors, 0.1) for leads, errors in (([0.2, 0.0, 0.35], [0.05, 0.05, 0.1]), ([0.11, 0.09], [0.05, 0.04]))],
    "flipped": [{"values": v, "level": l, "lower": flipped(v, l)}
                for v, l in (([g[0] for g in even], 0.05), ([g[0] for g in even], 0.01), (uneven[0] + uneven[3] + uneven[5], 0.1))],
    "selection": [{"leads": leads, "mean": largest(leads).mean(), "at": 0.2, "p": np.mean(largest(leads) >= 0.2)}],
    "simultaneous": [{"leads": leads, "confidence": 0.945, "reach": reach(leads, 0.945)}],
    "holm": [{"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()}
             for p in ([0.01, 0.04, 0.03, 0.005], [0.5, 0.5, 0.001], [0.2])],
    "intraclass": [{"seeds": g, "icc": intraclass(g)} for g in (uneven, even)],
    "clustered": [{"seeds": even, "se": clustered(even)}],
    "regression": [masks(3, 12, 40)],
}, sys.stdout, indent=1, default=float)
print()
