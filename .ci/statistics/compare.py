"""Asks the program the same questions as other libraries, and compares the answers."""

import json
import math
import subprocess
import sys
import warnings
from collections import defaultdict

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter
from scipy import stats
from statsmodels.stats.contingency_tables import Table2x2
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

Z = 1.959964
ALPHA = 2 * stats.norm.sf(Z)
CLOSE = 1e-9

program, seed = sys.argv[1], int(sys.argv[2])
random = np.random.default_rng(seed)
questions, checks = [], []


def ask(question, check):
    """Adds a question, and what compares its answer."""
    questions.append(json.dumps(question))
    checks.append((question, check))


def close(found, expected, what):
    if found is None or expected is None:
        assert found is None and expected is None, f"{what}: {found} instead of {expected}"
        return
    assert abs(found - expected) <= CLOSE * max(1, abs(expected)), f"{what}: {found} instead of {expected}"


def both(found, expected, what):
    for one, other in zip(found, expected, strict=True):
        close(one, other, what)


def wilson():
    n = int(random.integers(1, 500))
    part = int(random.integers(0, n + 1))
    expected = proportion_confint(part, n, alpha=ALPHA, method="wilson")
    ask({"of": "wilson", "part": part, "n": n}, lambda found: both(found, expected, "Wilson"))


def mean():
    values = random.normal(1.2, 0.7, int(random.integers(1, 60))).tolist()
    described = DescrStatsW(values)
    expected = None if len(values) == 1 else described.tconfint_mean(alpha=0.05)

    def check(found):
        close(found["value"], described.mean, "mean")
        if expected is None:
            assert found["interval"] is None
        else:
            both(found["interval"], expected, "t interval")

    ask({"of": "mean", "values": values}, check)


def quantile():
    values, share = random.gamma(2, 30, int(random.integers(1, 80))).tolist(), float(random.random())
    expected = np.quantile(values, share)
    ask({"of": "quantile", "values": values, "share": share}, lambda found: close(found, expected, "quantile"))


def odds():
    arms = []
    for _ in range(2):
        events = int(random.integers(1, 80))
        arms.append((int(random.integers(0, events + 1)), events))
    (a, m), (c, n) = arms
    table = Table2x2([[a + 0.5, m - a + 0.5], [c + 0.5, n - c + 0.5]])

    def check(found):
        close(found["ratio"]["value"], table.oddsratio, "odds ratio")
        both(found["ratio"]["interval"], table.oddsratio_confint(alpha=ALPHA), "interval of the odds ratio")
        close(found["riskDifference"], a / m - c / n, "risk difference")

    ask({"of": "odds", "arms": arms}, check)


def survival(weighted):
    n = int(random.integers(2, 80))
    days = random.integers(0, 200, n)
    ended = random.random(n) < 0.6
    weights = np.where(ended, 1.0, random.uniform(0.1, 1) if weighted else 1.0)
    fitter = KaplanMeierFitter(alpha=ALPHA).fit(days, ended, weights=weights)
    curve = fitter.survival_function_.iloc[:, 0]
    bands = fitter.confidence_interval_

    def first(values, bound):
        below = [day for day, value in values.items() if value <= bound + CLOSE]
        return float(below[0]) if below else None

    def check(found):
        assert [step[0] for step in found["steps"]] == sorted(set(days[ended].tolist()))
        for day, value, low, high in found["steps"]:
            # With weights lifelines does not come down to 0 where no case is left.
            if value > CLOSE or not weighted:
                close(value, curve.loc[day], f"survival on day {day}")
            # With weights lifelines takes another variance.
            if value > CLOSE and not weighted:
                both((low, high), bands.loc[day], f"interval on day {day}")
        assert (found["n"], found["events"]) == (n, int(ended.sum()))
        for name, share in (("p25", 0.25), ("p50", 0.5), ("p75", 0.75)):
            quartiles = {step[0]: step[1] for step in found["steps"]} if weighted else curve
            close(found[name], first(quartiles, 1 - share), name)
        # Where no case is left, lifelines has no interval.
        if curve.iloc[-1] > CLOSE and not weighted:
            both(found["p50Interval"], [first(bands.iloc[:, at], 0.5) for at in (0, 1)], "interval of the median")
        close(found["naiveP50"], float(np.median(days[ended])) if ended.any() else None, "median of the ended")

    cases = [(int(day), bool(end), float(weight)) for day, end, weight in zip(days, ended, weights)]
    ask({"of": "survival", "cases": cases}, check)


def distribution(amounts, chances):
    """The probabilities of all sums, by convolution."""
    whole = np.zeros(sum(amounts) + 1)
    whole[0] = 1
    for amount, chance in zip(amounts, chances):
        moved = np.zeros_like(whole)
        moved[amount:] = whole[: len(whole) - amount]
        whole = whole * (1 - chance) + moved * chance
    return whole


def sums(n, largest, exact):
    amounts = random.integers(1, largest, n).tolist()
    chances = random.uniform(0.05, 0.95, n).tolist()
    goal = int(sum(amounts) * random.uniform(0.2, 0.8))
    expected = distribution(amounts, chances)[goal:].sum()

    def check(found):
        assert found["low"] - 1e-12 <= expected <= found["high"] + 1e-12, f"{found} without {expected}"
        assert found["high"] - found["low"] < 0.001, f"{found} is wide"
        if exact:
            close(found["value"], expected, "probability of a sum")

    ask({"of": "sum", "goal": goal, "wins": list(zip(amounts, chances))}, check)


def equal_sums():
    n = int(random.integers(1, 60))
    chances = random.uniform(0, 1, n).tolist()
    wins = int(random.integers(1, n + 1))
    expected = stats.poisson_binom(chances).sf(wins - 1)
    ask(
        {"of": "sum", "goal": wins * 500, "wins": [(500, chance) for chance in chances]},
        lambda found: close(found["value"], expected, "probability of some wins"),
    )


def draws(sellers):
    """The bootstrap, with NumPy's generator in the state that the program's begins with."""
    mask, multiplier = (1 << 128) - 1, 0x2360ED051FC65DA44385DF649FCCF645
    increment = (3 << 1) | 1
    state = ((20_170_401 + increment) * multiplier + increment) & mask
    generator = np.random.PCG64()
    generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": state, "inc": increment},
        "has_uint32": 0,
        "uinteger": 0,
    }
    raw = generator.random_raw(1000 * len(sellers)).reshape(1000, len(sellers))
    chosen = ((raw >> np.uint64(32)) * np.uint64(len(sellers)) >> np.uint64(32)).astype(int)
    drawn = sellers[chosen]
    return drawn[:, :, 0].sum(axis=1) / drawn[:, :, 1].sum(axis=1)


def growth():
    n = int(random.integers(2, 250))
    frame = pd.DataFrame(
        {
            "seller": random.integers(0, int(random.integers(1, 20)), n),
            "before": np.where(random.random(n) < 0.3, 0, random.gamma(1, 40_000, n).round(2)),
            "booked": random.gamma(1, 50_000, n).round(2),
            "goal": random.random(n) < 0.4,
        }
    )
    ordered = np.sort(frame.before)
    cuts = np.array([ordered[(n * fifth + 4) // 5 - 1] for fifth in range(1, 5)])
    frame["fifth"] = [int((value > cuts).sum()) for value in frame.before]
    frame["growth"] = np.log((frame.booked + 1) / (frame.before + 1))
    strata, counts = defaultdict(lambda: np.zeros(2)), [0, 0]
    for (seller, _), stratum in frame.groupby(["seller", "fifth"]):
        with_goal, without = stratum[stratum.goal], stratum[~stratum.goal]
        if len(with_goal) and len(without):
            strata[seller] += len(stratum) * np.array([with_goal.growth.mean() - without.growth.mean(), 1])
            counts[0] += len(with_goal)
            counts[1] += len(without)
    sellers = np.array([strata[seller] for seller in sorted(strata)]).reshape(-1, 2)

    def check(found):
        k = len(sellers)
        assert (found["with"], found["without"], found["sellers"]) == (*counts, k)
        close(found["value"], sellers[:, 0].sum() / sellers[:, 1].sum() if k else None, "effect on growth")
        if k < 2:
            assert found["interval"] is None
            return
        half = stats.t.ppf(0.975, k - 1) * draws(sellers).std() * math.sqrt(k / (k - 1))
        both(found["interval"], (found["value"] - half, found["value"] + half), "interval of the effect")

    rows = [(int(row.seller), row.before, row.booked, bool(row.goal)) for row in frame.itertuples()]
    ask({"of": "growth", "accounts": rows}, check)


def openings():
    minutes, shares = random.uniform(0, 4000, 130).tolist(), random.gamma(1, 0.5, 52).tolist()
    first, start, end = 1000, 1060, 1111
    weeks = list(range(1060, 1150))
    padded = np.concatenate([np.zeros(200), minutes, np.zeros(200)])

    def of(week):
        return padded[week - first + 200]

    exposed = np.array([sum(of(week - lag) for week in range(start, end + 1)) for lag in range(52)])
    hazard = np.where(exposed > 0, np.array(shares) / np.where(exposed > 0, exposed, 1), 0)
    expected = [float(sum(of(week - lag) * hazard[lag] for lag in range(52))) for week in weeks]
    question = {"of": "openings", "shares": shares, "first": first, "minutes": minutes, "from": start, "to": end}
    ask(question | {"weeks": weeks}, lambda found: both(found, expected, "expected openings"))


warnings.simplefilter("ignore")
for _ in range(200):
    wilson()
    mean()
    quantile()
    odds()
    equal_sums()
for number in range(200):
    survival(weighted=number % 2 == 1)
    growth()
for _ in range(100):
    sums(int(random.integers(1, 30)), 300, exact=True)
for _ in range(20):
    sums(int(random.integers(40, 120)), 5_000, exact=False)
    openings()

answers = subprocess.run([program], input="\n".join(questions), capture_output=True, text=True, check=False)
if answers.returncode:
    sys.exit(answers.stderr)
found = answers.stdout.splitlines()
assert len(found) == len(checks), f"{len(found)} answers to {len(checks)} questions"
counts, failed = defaultdict(int), 0
for (question, check), answer in zip(checks, found):
    counts[question["of"]] += 1
    try:
        check(json.loads(answer))
    except AssertionError as failure:
        failed += 1
        if failed <= 10:
            print(f"{failure}\n  {json.dumps(question)[:300]}")
print(", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
if failed:
    sys.exit(f"{failed} answers differ.")
print("All answers are the same to nine digits.")
