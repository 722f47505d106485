#!/usr/bin/env python3
"""Draws the pictures of docs/figures.md and docs/demo.md from the API.

Start a server on a demo (docs/demo.md says how), then:

    python3 -m venv .venv && .venv/bin/pip install -r examples/notebook/requirements.txt
    CALLSHOT_PASSWORD=… .venv/bin/python examples/notebook/pictures.py --email MANAGER docs/pictures

Each function asks one question and draws one picture: a starting point for a notebook of your own.
"""

import argparse
import datetime
import json
import os
import pathlib
import sys
import urllib.request

import matplotlib

matplotlib.use("svg")
import matplotlib.dates
import matplotlib.pyplot as pyplot

INK, BLUE, ORANGE, GRAY, LIGHT = "#333333", "#1f6f9f", "#d9822b", "#9aa5ad", "#dfe5e8"

# The same file for the same data.
matplotlib.rcParams.update(
    {
        "svg.hashsalt": "callshot",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": GRAY,
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "figure.figsize": (7.5, 3.2),
    }
)


class Api:
    """A server, with the token of the user who signed in."""

    def __init__(self, url, email, password):
        self.url, self.token = url, None
        document = "mutation($input: SignInInput!) { signIn(input: $input) { session { accessToken } userErrors { message } } }"
        answer = self.ask(document, input={"email": email, "password": password})["signIn"]
        if answer["userErrors"]:
            sys.exit(" ".join(error["message"] for error in answer["userErrors"]))
        self.token = answer["session"]["accessToken"]

    def ask(self, document, **variables):
        """Returns the data of a document."""
        headers = {"content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        body = json.dumps({"query": document, "variables": variables}).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url, body, headers)) as response:
            answer = json.load(response)
        if answer.get("errors"):
            sys.exit(json.dumps(answer["errors"], indent=2))
        return answer["data"]


def day(text):
    return datetime.date.fromisoformat(text[:10])


def days_before(on, days):
    return (on - datetime.timedelta(days=days)).isoformat()


def euros(money):
    return float(money["amount"])


def save(figure, folder, name, description):
    figure.tight_layout()
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Title": description})
    pyplot.close(figure)
    print(folder / f"{name}.svg")


def months(axes):
    axes.xaxis.set_major_formatter(matplotlib.dates.ConciseDateFormatter(matplotlib.dates.AutoDateLocator()))


def presence(api, folder, on):
    """How touches make us present at a target, and how presence fades."""
    document = """query($from: Date!, $to: Date!, $since: DateTime!) {
      targets(first: 50, filter: {status: [AGREED]}) { nodes { account {
        name
        presence { series(from: $from, to: $to, every: DAY) { on presence ready } }
        touches(first: 100, filter: {status: [COMPLETED], at: {gte: $since}}) { nodes { at kind responded direction } }
      } } } }"""
    since = days_before(on, 270)
    found = api.ask(document, **{"from": since, "to": on.isoformat(), "since": f"{since}T00:00:00Z"})
    accounts = [target["account"] for target in found["targets"]["nodes"]]

    def changes(account):
        points = [point["presence"] >= 0.5 for point in account["presence"]["series"]]
        return sum(one != other for one, other in zip(points, points[1:]))

    account = max(accounts, key=lambda account: (min(changes(account), 8), account["name"]))
    series = account["presence"]["series"]
    figure, axes = pyplot.subplots()
    axes.plot([day(point["on"]) for point in series], [point["presence"] for point in series], color=BLUE, label="presence")
    axes.axhline(0.5, color=GRAY, linewidth=0.8, linestyle="--")
    axes.annotate("threshold", (day(since), 0.51), color=GRAY, fontsize=8)
    ready = [point["ready"] for point in series]
    axes.fill_between([day(point["on"]) for point in series], 0, 1, where=ready, color=LIGHT, label="ready")
    for answered, color in [(True, BLUE), (False, GRAY)]:
        touches = [
            touch
            for touch in account["touches"]["nodes"]
            if (touch["responded"] or touch["direction"] == "INBOUND" or touch["kind"] == "MEETING") == answered
        ]
        label = "answered touch" if answered else "one-way touch"
        axes.plot([day(touch["at"]) for touch in touches], [0.015] * len(touches), "|", color=color, markersize=9, label=label)
    axes.set_ylim(0, 1)
    axes.set_title(f"Presence at {account['name']}", loc="left")
    axes.legend(loc="upper center", ncols=4, frameon=False, fontsize=8, bbox_to_anchor=(0.5, -0.1))
    months(axes)
    save(figure, folder, "presence", "Presence at an account over nine months")


def focus(api, folder, on):
    """How much of a seller's time goes to targets, week by week."""
    document = """query($range: DateRange!) { users(filter: {role: [SELLER]}, first: 50) { nodes {
      name focus(range: $range) { minutesShare byWeek { startsOn minutes targetMinutes } } } } }"""
    found = api.ask(document, range={"from": days_before(on, 181), "to": on.isoformat()})
    sellers = [user for user in found["users"]["nodes"] if user["focus"] and user["focus"]["minutesShare"]]
    sellers.sort(key=lambda user: user["focus"]["minutesShare"])
    chosen = [sellers[0], sellers[-1]]
    figure, both = pyplot.subplots(1, 2, sharey=True)
    for axes, user in zip(both, chosen):
        weeks = user["focus"]["byWeek"]
        starts = [day(week["startsOn"]) for week in weeks]
        targets = [week["targetMinutes"] / 60 for week in weeks]
        others = [(week["minutes"] - week["targetMinutes"]) / 60 for week in weeks]
        axes.bar(starts, targets, width=6, color=BLUE, label="targets")
        axes.bar(starts, others, width=6, bottom=targets, color=LIGHT, label="others")
        axes.set_title(f"{user['name']}: {user['focus']['minutesShare']:.0%} on targets", loc="left")
        months(axes)
    both[0].set_ylabel("hours with clients a week")
    both[0].legend(frameon=False, fontsize=8)
    save(figure, folder, "focus", "Hours with targets and with others, week by week, of two sellers")


def goal(api, folder, on):
    """How bookings come along towards a goal."""
    year = on.year - 1
    document = """query($year: Int!, $from: Date!, $to: Date!) { goals(first: 100, filter: {year: {eq: $year}}) { nodes {
      account { name } amount { amount } progress { reachedOn series(from: $from, to: $to, every: WEEK) {
        on booked { amount } expected { amount } } } } } }"""
    found = api.ask(document, **{"year": year, "from": f"{year}-01-01", "to": f"{year}-12-31"})
    goals = [goal for goal in found["goals"]["nodes"] if goal["progress"] and goal["progress"]["reachedOn"]]
    chosen = max(goals, key=lambda goal: (goal["progress"]["reachedOn"] < f"{year}-11-01", euros(goal["amount"])))
    series = chosen["progress"]["series"]
    days = [day(point["on"]) for point in series]
    figure, axes = pyplot.subplots()
    axes.step(days, [euros(point["booked"]) / 1e3 for point in series], where="post", color=BLUE, label="booked")
    axes.plot(days, [euros(point["expected"]) / 1e3 for point in series], color=GRAY, linestyle="--", label="expected")
    axes.axhline(euros(chosen["amount"]) / 1e3, color=ORANGE, linewidth=0.9, label="goal")
    reached = day(chosen["progress"]["reachedOn"])
    axes.annotate(f"reached on {reached}", (reached, euros(chosen["amount"]) / 1e3), (0, -14), textcoords="offset points", color=ORANGE)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("thousand euros")
    axes.set_title(f"The goal of {chosen['account']['name']} for {year}", loc="left")
    axes.legend(frameon=False, fontsize=8)
    months(axes)
    save(figure, folder, "goal", "Bookings of an account and what was expected, over a year")


def weeks(api, folder, on):
    """How full this week and the next ones are."""
    parts = [
        ("keyPeopleMinutes", "key people", BLUE),
        ("targetMinutes", "others at targets", "#7fb3d0"),
        ("otherMinutes", "other accounts", LIGHT),
        ("blankMinutes", "blank", "#ffffff"),
    ]
    monday = on - datetime.timedelta(days=on.weekday())
    mondays = [monday + datetime.timedelta(weeks=week) for week in range(-2, 3)]
    aliases = " ".join(
        f'w{place}: week(containing: "{of}") {{ {" ".join(part for part, _, _ in parts)} }}' for place, of in enumerate(mondays)
    )
    found = api.ask(f"{{ users(filter: {{role: [SELLER]}}, first: 50) {{ nodes {{ name {aliases} }} }} }}")
    users = [user for user in found["users"]["nodes"] if user["w0"]]
    user = max(users, key=lambda user: user["w3"]["keyPeopleMinutes"] + user["w3"]["targetMinutes"])
    labels = ["two weeks ago", "last week", "this week", "next week", "in two weeks"]
    figure, axes = pyplot.subplots()
    left = [0.0] * len(mondays)
    for part, label, color in parts:
        hours = [user[f"w{place}"][part] / 60 for place in range(len(mondays))]
        axes.barh(labels, hours, left=left, color=color, edgecolor=GRAY, linewidth=0.4, label=label)
        left = [one + other for one, other in zip(left, hours)]
    axes.invert_yaxis()
    axes.set_xlabel("hours of working time")
    axes.set_title(f"The calendar of {user['name']}", loc="left")
    axes.legend(loc="upper center", ncols=4, frameon=False, fontsize=8, bbox_to_anchor=(0.5, -0.2))
    save(figure, folder, "weeks", "The working time of five weeks, by what it is spent on")


def readiness(api, folder, on):
    """How large target lists are, and how many of their accounts we are ready at."""
    document = """query($from: Date!, $to: Date!) { users(filter: {role: [SELLER]}, first: 50) { nodes {
      name targetList { series(from: $from, to: $to, every: MONTH) { on size readiness } } } } }"""
    found = api.ask(document, **{"from": days_before(on, 730), "to": on.isoformat()})
    users = [user for user in found["users"]["nodes"] if user["targetList"]]
    figure, axes = pyplot.subplots()
    averages = {}
    for user in users:
        points = [point for point in user["targetList"]["series"] if point["readiness"] is not None]
        axes.plot([day(point["on"]) for point in points], [point["readiness"] for point in points], color=LIGHT, linewidth=0.9)
        for point in points:
            averages.setdefault(day(point["on"]), []).append((point["readiness"] * point["size"], point["size"]))
    whole = {on: sum(ready for ready, _ in of) / max(1, sum(size for _, size in of)) for on, of in sorted(averages.items())}
    axes.plot(list(whole), list(whole.values()), color=BLUE, label="all sellers")
    axes.plot([], [], color=LIGHT, label="each seller")
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.set_title("Targets at which we are ready", loc="left")
    axes.legend(frameon=False, fontsize=8)
    months(axes)
    save(figure, folder, "readiness", "The share of targets at which each seller is ready, over two years")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--url", default="http://127.0.0.1:8000/graphql")
    arguments.add_argument("--email", required=True, help="who asks: an administrator or a manager sees most")
    given = arguments.parse_args()
    password = os.environ.get("CALLSHOT_PASSWORD") or sys.exit("CALLSHOT_PASSWORD is not set")
    api = Api(given.url, given.email, password)
    on = day(api.ask("{ me { today { on } } }")["me"]["today"]["on"])
    given.folder.mkdir(parents=True, exist_ok=True)
    for draw in [presence, focus, goal, weeks, readiness]:
        draw(api, given.folder, on)


if __name__ == "__main__":
    main()
