"""Writes the tables and the picture of docs/performance.md."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.chart import Panel, draw
from benchmarks.clients import READ, WARM
from benchmarks.cold_import import AUTHORIZER, BESIDES_SDK, NEED_NO_SDK, WITH_SDK
from benchmarks.growth import EACH, LOOKUP
from benchmarks.node_peers import NAMES as NODE_NAMES
from benchmarks.races import CACHED, DECISION, GATEHOUSE, LINE, PLAIN, REBUILT, VERIFICATION

BEGIN, END = "<!-- written by `make bench` -->", "<!-- end of what `make bench` writes -->"

Results = Mapping[str, Any]

# occasion → maximum number of round trips
ROUND_TRIPS = {
    "cold: the first decision of a Lambda, 1 group": 2,
    "cold, 100 groups": 2,
    "warm, 1 group": 1,
    "warm, 100 groups": 1,
    "the first after a policy change": 2,
    "within POLICY_MAX_STALENESS_SECONDS": 0,
}


PEERS = {VERIFICATION: 1.0, DECISION: 0.45}
CLIENTS = {READ: 0.25, WARM: 0.3}


def replaced(page: str, results: Results) -> str:
    """Returns the page with a new text between its two comments."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page must contain both comments: {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{tables(results)}\n{END}{after}"


def tables(results: Results) -> str:
    return "\n".join(
        [
            _conditions(results),
            _goals(results),
            _verifiers(results),
            _decisions(results),
            _cold_imports(results),
            _growth(results),
        ]
    )


def picture(results: Results) -> str:
    growth = results["growth"]
    units = "times one RSA verification"
    limit = (results["most_statements"] + 1, "8 KB: refused")
    panels = [
        Panel("Groups of a user, with ten common statements", **growth["groups"], size_name="groups", value_name=units),
        Panel(
            "Statements without common parts",
            **growth["statements"],
            size_name="statements",
            value_name=units,
            limit=limit,
        ),
        Panel("A repeated token among others", **growth["tokens"], size_name="cached tokens", value_name=units),
        Panel("Memory of a cached token", **growth["memory"], size_name="cached tokens", value_name="kilobytes"),
    ]
    return draw(panels, "Growth of a decision with groups, statements and cached tokens")


def _conditions(results: Results) -> str:
    return (
        f"Measured on {results['date']} by `{results['command']}`, {results['rounds']} rounds: {results['machine']}.\n"
        f"One unit, the RSA verification, took {results['unit_microseconds']} µs at best. "
        f"The natural token has {results['natural_token_bytes']:,} bytes, the large one "
        f"{results['large_token_bytes']:,}. In brackets, the quartiles of the rounds.\n"
    )


def _goals(results: Results) -> str:
    natural, documents, trips = results["natural"], results["documents"], results["round_trips"]
    relative = results["clients"]["relative"]
    rows = [
        *(_goal(what, most, results["peers"][what]) for what, most in PEERS.items() if what in results["peers"]),
        *(_goal(f"{what}, relative to boto3", most, relative[what]) for what, most in CLIENTS.items()),
        _goal("log line of a decision, relative to one RSA verification", 1.0, natural[LINE]),
        _goal("policy document of 10 × 10 statements as JSON, relative to concatenation", 0.4, documents[CACHED]),
        *_cold_goals(results),
        *(_trips(occasion, goal, trips[occasion]) for occasion, goal in ROUND_TRIPS.items()),
    ]
    return _table(("goal", "maximum", "measured", "reached"), rows)


def _goal(what: str, most: float, ratio: Sequence[float]) -> tuple[str, ...]:
    return what, f"{most} ×", _shown(ratio), "yes" if ratio[0] <= most else "no"


def _cold_goals(results: Results) -> list[tuple[str, ...]]:
    measured = results["cold_import"]
    if not measured:
        return []
    return [
        _goal(
            "import of a new authorizer, relative to Chalice's bundle",
            0.45,
            measured["handlers"][AUTHORIZER][BESIDES_SDK],
        ),
        _goal(
            "processor time from a new interpreter to the first decision, relative to boto3",
            0.45,
            measured["first_decision"],
        ),
        *(
            _goal(f"first response of {name}, relative to a build at the first request", 0.35, figures["relative"])
            for name, figures in measured["responses"].items()
        ),
    ]


def _trips(occasion: str, most: int, counted: int) -> tuple[str, ...]:
    return f"DynamoDB round trips, {occasion}", str(most), str(counted), "yes" if counted <= most else "no"


def _verifiers(results: Results) -> str:
    natural, large = results["natural"], results["large"]
    rows = [(name, _shown(natural[name]), _shown(large[name])) for name in sorted(large, key=lambda n: natural[n][0])]
    rows += [(name, "not measured: no Node", "") for name in NODE_NAMES if not any(n.startswith(name) for n in large)]
    return _table(("token in, claims out", "natural token", "large token"), rows)


def _decisions(results: Results) -> str:
    natural, verifiers = results["natural"], results["large"]
    rows = [(name, _shown(ratio)) for name, ratio in natural.items() if name not in verifiers]
    clients = [(name, _shown(ratio)) for name, ratio in results["clients"]["units"].items()]
    documents, size = results["documents"], results["document_bytes"]
    return "\n".join(
        [
            _table(("event in, result out", "units"), rows),
            _table(("with DynamoDB over TLS on the loopback interface", "units"), clients),
            "The policy document of 10 groups with 10 different statements each takes "
            f"{_shown(documents[CACHED])} of the time of concatenation if it is cached, and "
            f"{_shown(documents[REBUILT])} if it is built again. "
            f"It has {size[GATEHOUSE]:,} bytes instead of {size[PLAIN]:,}.\n",
        ]
    )


def _cold_imports(results: Results) -> str:
    measured = results["cold_import"]
    if not measured:
        return "Cold imports were not measured: the bundle for Lambda runs only on Linux on x86_64.\n"
    rows = [
        (
            f"`{handler}`",
            "imports no SDK" if handler in NEED_NO_SDK else _shown(ratios[WITH_SDK]),
            _shown(ratios[BESIDES_SDK]),
        )
        for handler, ratios in measured["handlers"].items()
    ]
    chalice, ours = measured["zipped_bytes"]
    responses = [
        (name, f"{figures['before']} ms", f"{figures['after']} ms", _shown(figures["relative"]))
        for name, figures in measured["responses"].items()
    ]
    return "\n".join(
        [
            _table(("import from the bundle, relative to Chalice's", WITH_SDK, BESIDES_SDK), rows),
            _table(
                ("first event to response, with 0.29 of a processor", "built at the request", "in the init phase", ""),
                responses,
            ),
            f"{measured['rounds']} rounds of new interpreters; the bundle has {ours / 1e6:.1f} MB, Chalice's "
            f"{chalice / 1e6:.1f} MB.\n",
        ]
    )


def _growth(results: Results) -> str:
    growth = results["growth"]
    tokens, memory = growth["tokens"], growth["memory"]
    return (
        "![How a decision grows](growth.svg)\n\n"
        f"An authorizer result can contain {results['most_statements']} statements without common parts. One more "
        "would exceed API Gateway's 8 KB, and is refused. "
        f"A repeated token costs {tokens['series'][LOOKUP][0]:.2f} × among {tokens['sizes'][0]} cached tokens and "
        f"{tokens['series'][LOOKUP][-1]:.2f} × among {tokens['sizes'][-1]:,}. Each cached token takes "
        f"{memory['series'][EACH][-1]:.1f} kB.\n"
    )


def _shown(ratio: Sequence[float]) -> str:
    median, low, high = ratio
    return f"{median:.2f} × [{low:.2f}, {high:.2f}]"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"
