"""`manage.py bench scaling`: simulates load for docs/scaling.md where a formula alone would be wrong.

It answers three questions. How often is the busiest copy of the state read (`benchmarks/copies.py`)? How many decisions
read the hot key of the state if `POLICY_MAX_STALENESS_SECONDS` is set? The shipped use case runs in simulated Lambda
environments for both. Which share of a burst is refused or waits?
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import copies
from benchmarks.chart import Panel, draw
from benchmarks.fleet import Account, Agenda, Fleet, arrivals
from chalicelib.authorize import Authorize
from chalicelib.core.policy import Policy
from chalicelib.core.principal import Principal
from chalicelib.ports import AuthorizationState

SEED = 20261122
# Assumptions, because nothing ran on AWS: seconds of an authorizer with and without a read, and of the service.
WITH_READ, WITHOUT_READ, SERVICE = 0.015, 0.004, 0.040
ONE_KEY = 3_000  # strongly consistent reads a second of one item
CONCURRENCY = 1_000  # the default of an account

RATES = (500, 1_000, 2_000, 4_000, 8_000)
STALENESS = (1, 2, 5, 10, 20)
CALLERS = {"10 callers": 10, "1,000 callers": 1_000, "100,000 callers": 100_000}
BURSTS = (100, 200, 400, 800, 1_600, 3_200)
STARTS = {"cold start 0.5 s": 0.5, "cold start 1 s": 1.0, "cold start 2 s": 2.0}

COPIES = (32, 48, 64, 100)
LARGE_RATES = (10_000, 25_000, 50_000, 100_000)

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, PICTURES = DOCS / "scaling.md", DOCS / "scaling"
BEGIN, END = "<!-- written by `manage.py bench scaling` -->", "<!-- end of what it writes -->"


class CountingState:
    """Implements StateReader. It counts the reads. Every read includes the hot key, the generation."""

    reads = 0

    def read(self, principal: Principal) -> AuthorizationState:  # noqa: ARG002
        self.reads += 1
        return AuthorizationState(generation=1)


class NoPolicies:
    """Implements PolicyReader without policies. The policy table is not part of the simulation."""

    def read(self, subjects: Iterable[str]) -> Mapping[str, Policy]:  # noqa: ARG002
        return {}


@dataclass(frozen=True, slots=True)
class Reads:
    """The result of a constant load: reads of the hot key a second, and the number of environments."""

    per_second: float
    environments: int


def state_reads(rate: int, callers: int, staleness: float) -> Reads:
    """Counts the state reads of a constant load, after the caches have filled."""
    seconds = max(2.0, staleness)
    chance = random.Random(SEED)  # noqa: S311  # reproducible, not a secret
    state, fleet, agenda = CountingState(), Fleet(), Agenda()
    users = [_user(number) for number in range(callers)]
    use_cases: dict[int, Authorize] = {}
    warm_up, now, before = staleness + 1.0, 0.0, 0

    def authorize(environment: int) -> Authorize:
        if environment not in use_cases:
            use_cases[environment] = Authorize(
                lambda token: users[int(token)], state, NoPolicies(), staleness, now=lambda: now
            )
        return use_cases[environment]

    for now in arrivals(rate, warm_up + seconds, chance):  # `now` is also the clock of the use cases
        for _, _, finished in agenda.due(now):
            fleet.give_back(finished)
        taken = fleet.take(now)
        assert taken is not None, "a fleet without an account has no concurrency limit"
        reads = state.reads
        authorize(taken[0])(str(chance.randrange(callers)), "GET", "/reports")
        agenda.add(now + (WITH_READ if state.reads > reads else WITHOUT_READ), fleet, taken[0])
        before = state.reads if now < warm_up else before
    return Reads((state.reads - before) / seconds, fleet.size)


@dataclass(frozen=True, slots=True)
class Burst:
    """The shares of the requests of a burst that were refused, and that waited for a cold start."""

    refused: float
    waited: float


def burst(rate: int, cold_start: float, seconds: float = 5.0, concurrency: int = CONCURRENCY) -> Burst:
    """Simulates a burst of `rate` requests a second without warm environments. Each calls authorizer and service."""
    account, agenda = Account(concurrency), Agenda()
    authorizer, service = Fleet(account), Fleet(account)
    total = refused = waited = 0
    cold: set[int] = set()  # authorizer environments whose request has already waited for a cold start

    def end(until: float) -> None:
        nonlocal refused, waited
        for moment, fleet, environment in agenda.due(until):
            fleet.give_back(environment)
            if fleet is service:
                continue
            taken = service.take(moment)
            refused += taken is None
            if taken is not None:
                waited += taken[1] or environment in cold
                agenda.add(moment + SERVICE + cold_start * taken[1], service, taken[0])
            cold.discard(environment)

    for now in arrivals(rate, seconds, random.Random(SEED)):  # noqa: S311
        end(now)
        total += 1
        taken = authorizer.take(now)
        if taken is None:
            refused += 1
            continue
        if taken[1]:
            cold.add(taken[0])
        agenda.add(now + WITH_READ + cold_start * taken[1], authorizer, taken[0])
    end(float("inf"))
    return Burst(refused / total, waited / total)


def _user(number: int) -> Principal:
    name = f"person-{number}"
    return Principal(name, "web", name, ("group:readers",), frozenset(), f"session-{number}", 0, 2**31)


def write_page() -> str:
    """Runs the simulations, and writes the tables and pictures of the page. Returns the tables."""
    by_rate = {name: [state_reads(rate, callers, 5) for rate in RATES] for name, callers in CALLERS.items()}
    by_staleness = {
        name: [state_reads(4_000, callers, staleness) for staleness in STALENESS] for name, callers in CALLERS.items()
    }
    bursts = {name: [burst(rate, start) for rate in BURSTS] for name, start in STARTS.items()}
    by_copies = {shards: copies.load(100_000, shards) for shards in COPIES}
    by_load = {rate: copies.load(rate, 64) for rate in LARGE_RATES}
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / "copies.svg").write_text(copies_picture(by_copies, by_load), encoding="utf-8")
    (PICTURES / "hot-key.svg").write_text(hot_key_picture(by_rate, by_staleness), encoding="utf-8")
    (PICTURES / "burst.svg").write_text(burst_picture(bursts), encoding="utf-8")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"docs/scaling.md must contain both comments: {BEGIN} and {END}")
    machine = copies.load(100_000, 64, is_machine=True)
    tables = f"{copies_table(by_load, machine)}\n{reads_table(by_rate)}\n{bursts_table(bursts)}"
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables}\n{END}{after}", encoding="utf-8")
    return tables


def copies_picture(by_copies: Mapping[int, copies.Load], by_load: Mapping[int, copies.Load]) -> str:
    def panel(title: str, name: str, loads: Mapping[int, copies.Load]) -> Panel:
        limit: list[float] = [ONE_KEY] * len(loads)
        series = {"limit of one key": limit, "busiest copy": [it.busiest for it in loads.values()]}
        return Panel(title, list(loads), name, "reads a second", series)

    panels = [
        panel("100,000 decisions a second", "STATE_SHARDS", by_copies),
        panel("STATE_SHARDS = 64", "decisions a second", by_load),
    ]
    return draw(panels, "Reads of the busiest copy of the state")


def copies_table(by_load: Mapping[int, copies.Load], machine: copies.Load) -> str:
    loads, largest = by_load.values(), max(by_load)
    costs = [copies.dollars_a_month(rate, one.keys) for rate, one in by_load.items()]
    return _table(
        ["decisions a second, `STATE_SHARDS` 64", *(f"{rate:,}" for rate in by_load), f"{largest:,} of one machine"],
        [
            ["reads of the busiest copy a second", *(f"{it.busiest:,.0f}" for it in (*loads, machine))],
            ["keys that a decision reads", *(f"{it.keys:.0f}" for it in (*loads, machine))],
            ["Lambda instances of the authorizer", *(f"{it.environments:,}" for it in (*loads, machine))],
            ["policy reads within 0.1 s of a change", *(f"{it.policy_reads:,}" for it in (*loads, machine))],
            [
                "state reads, $ a month",
                *(f"{cost:,.0f}" for cost in costs),
                f"{copies.dollars_a_month(largest, machine.keys):,.0f}",
            ],
            [
                "API Gateway and Lambda, $ a month",
                *(f"{copies.others_a_month(rate):,.0f}" for rate in (*by_load, largest)),
            ],
        ],
    )


def hot_key_picture(by_rate: Mapping[str, list[Reads]], by_staleness: Mapping[str, list[Reads]]) -> str:
    def series(rows: Mapping[str, list[Reads]]) -> dict[str, list[float]]:
        read = {name: [reads.per_second for reads in row] for name, row in rows.items()}
        return {"limit of one key": [ONE_KEY] * len(next(iter(rows.values()))), **read}

    panels = [
        Panel("POLICY_MAX_STALENESS_SECONDS = 5", RATES, "requests a second", "reads a second", series(by_rate)),
        Panel("4,000 requests a second", STALENESS, "staleness in seconds", "reads a second", series(by_staleness)),
    ]
    return draw(panels, "Reads of the hot key")


def burst_picture(bursts: Mapping[str, list[Burst]]) -> str:
    share, rates = "% of the requests of five seconds", "requests a second without warm Lambda instances"
    refused = {name: [100 * one.refused for one in row] for name, row in bursts.items()}
    waited = {name: [100 * one.waited for one in row] for name, row in bursts.items()}
    panels = [Panel("Refused", BURSTS, rates, share, refused), Panel("Waited", BURSTS, rates, share, waited)]
    return draw(panels, "Requests of a burst")


def reads_table(rows: Mapping[str, list[Reads]]) -> str:
    largest = list(rows.values())[-1]
    return _table(
        ["requests a second", *(f"{rate:,}" for rate in RATES)],
        [
            *(
                [f"reads of the hot key a second: {name}", *(f"{one.per_second:,.0f}" for one in row)]
                for name, row in rows.items()
            ),
            [f"Lambda instances, with {list(rows)[-1]}", *(f"{one.environments:,}" for one in largest)],
        ],
    )


def bursts_table(rows: Mapping[str, list[Burst]]) -> str:
    return _table(
        ["requests a second without warm Lambda instances", *(f"{rate:,}" for rate in BURSTS)],
        [
            [f"{name}: refused, waited", *(f"{one.refused:.0%}, {one.waited:.0%}" for one in row)]
            for name, row in rows.items()
        ],
    )


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [head, ["---"] * len(head), *rows])
