"""`manage.py bench cost`: computes the monthly costs from list prices and writes them into docs/cost.md."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import inf
from pathlib import Path

from authorizers.decision_log import DecisionLog
from benchmarks import prices
from chalicelib.authorize import Authorization, EffectivePermissions
from chalicelib.core.decision import decide
from chalicelib.core.policy_json import parse_statements
from chalicelib.core.principal import Principal

PROJECT = Path(__file__).resolve().parents[1]
PAGE = PROJECT / "docs/cost.md"
BEGIN, END = "<!-- written by `manage.py bench cost` -->", "<!-- end of what it writes -->"
REQUESTS = (1_000, 1_000_000, 1_000_000_000)

_LOG_EVENT = 26  # bytes that CloudWatch Logs adds to each event


@dataclass(frozen=True, slots=True)
class Load:
    """The assumptions about a month. Replace them by your own numbers.

    authorizer_seconds, service_seconds  billed time of a warm invocation
    cold_share, cold_seconds             share of invocations with a cold start, and the added time
    state_keys                           keys of a user: generation, and revocations of subject, session, app client
    policy_reads                         policy reads for each decision; most decisions use the cache
    platform_log_bytes                   log bytes that Lambda itself writes for each invocation
    metrics                              metrics of decisions: two for each of 4 outcomes and about 8 codes
    """

    authorizer_seconds: float = 0.015
    service_seconds: float = 0.040
    cold_share: float = 0.001
    cold_seconds: float = 1.0
    memory_gb: float = 0.5
    state_keys: int = 4
    policy_reads: float = 0.02
    platform_log_bytes: int = 300
    log_retention_months: int = 12
    log_compressed: float = 0.15
    response_bytes: int = 1_500
    requests_per_active_user: int = 1_000
    metrics: int = 24


@dataclass(frozen=True, slots=True)
class Line:
    """One row: the item, its quantity for one request or one month, and the dollars for each of REQUESTS."""

    item: str
    quantity: str
    dollars: tuple[float, ...]


def every_request(load: Load) -> list[Line]:
    """Returns the costs of every request, with either authorizer."""
    gb_seconds = load.memory_gb * (load.service_seconds + load.cold_share * load.cold_seconds)
    return [
        _line("API Gateway", "1 request", lambda n: prices.API_CALL.of(n)),
        _line(
            "Lambda, the service",
            f"1 invocation, {gb_seconds:.4f} GB-s",
            lambda n: prices.INVOCATION.of(n) + prices.GB_SECOND.of(n * gb_seconds),
        ),
        _line("its log", f"{load.platform_log_bytes} bytes", lambda n: _log(load, n * load.platform_log_bytes)),
        _line(
            "responses to the internet",
            f"{load.response_bytes:,} bytes",
            lambda n: _gb(prices.OUT_GB, n * load.response_bytes),
        ),
    ]


def decisions(load: Load) -> list[Line]:
    """Returns the additional costs of a request of use case 2."""
    gb_seconds = load.memory_gb * (load.authorizer_seconds + load.cold_share * load.cold_seconds)
    units = load.state_keys + load.policy_reads
    written = load.platform_log_bytes + _LOG_EVENT + decision_line_bytes()
    return [
        _line(
            "Lambda, the authorizer",
            f"1 invocation, {gb_seconds:.4f} GB-s",
            lambda n: prices.INVOCATION.of(n) + prices.GB_SECOND.of(n * gb_seconds),
        ),
        _line("DynamoDB", f"{units:g} strong reads of up to 4 KB", lambda n: prices.READ_UNIT.of(n * units)),
        _line(
            "its log",
            f"{written} bytes, of which the decision log has {decision_line_bytes()}",
            lambda n: _log(load, n * written),
        ),
        _line("decision metrics", f"{load.metrics} a month", lambda _: prices.METRIC.of(load.metrics)),
    ]


def fixed(load: Load) -> list[Line]:
    """Returns the fixed costs and the costs of users."""
    templates = [(PROJECT / name).read_text("utf-8") for name in ("infra/identity.yaml", ".chalice/package.json")]
    alarms = len(re.findall("AWS::CloudWatch::Alarm", "".join(templates)))
    users = load.requests_per_active_user
    return [
        _line(
            "alarms and the secret of the machine client",
            f"{alarms} alarms and 1 secret",
            lambda _: prices.ALARM.of(alarms) + prices.SECRET.of(1),
        ),
        _line("Cognito", f"1 active user for {users:,} requests", lambda n: prices.ACTIVE_USER.of(n / users)),
    ]


@cache
def decision_line_bytes() -> int:
    """Returns the size of the line that the shipped code writes for a typical decision."""
    statements = parse_statements(
        [{"sid": "read-reports", "effect": "Allow", "methods": ["GET"], "paths": ["/reports", "/reports/*"]}]
    )
    person = Principal(
        subject="c1e7c000-0000-4000-8000-000000000000",
        client_id="1example23456789abcdefghij",
        username="c1e7c000-0000-4000-8000-000000000000",
        policy_subjects=("group:readers",),
        scopes=frozenset(),
        session="5e551000-0000-4000-8000-000000000000",
        issued_at=0,
        expires_at=2**31,
    )
    lines: list[str] = []
    clock = iter((1_800_000_000.0, 1_800_000_000.0123)).__next__
    decision_log = DecisionLog(function="gatehouse-prod-policy_authorizer", write_line=lines.append, now=clock)
    path = "/reports/7e907000-0000-4000-8000-000000000000"
    permissions = EffectivePermissions(statements, ("group:readers@12",), 1_800_000_000_123)
    decision_log.record_request("GET", path)
    decision_log.record_decision(Authorization(person, permissions, decide(statements, "GET", path)))
    return len(lines[0].encode()) + 1


def tables(load: Load) -> str:
    every, added, due = every_request(load), decisions(load), fixed(load)
    first, second = _sum([*every, *due]), _sum([*every, *added, *due])
    numbers = [f"{count:,} requests" for count in REQUESTS]
    rows = [
        *([line.item, line.quantity, *_dollars(line.dollars)] for line in [*due, *every]),
        ["**use case 1, total**", "", *(f"**{text}**" for text in _dollars(first))],
        *([line.item, line.quantity, *_dollars(line.dollars)] for line in added),
        ["**use case 2, total**", "", *(f"**{text}**" for text in _dollars(second))],
        ["use case 2, without Cognito", "", *_dollars(_without(second, due[-1].dollars))],
    ]
    listed = [[price.unit, _steps(price), price.evidence, price.source] for price in prices.ALL]
    return "\n".join(
        [
            _table(["US dollars a month", "for each request, or each month", *numbers], rows),
            _table(["unit", f"US dollars, us-east-1, read on {prices.READ_ON}", "evidence", "source"], listed),
        ]
    )


def _line(item: str, quantity: str, dollars: Callable[[float], float]) -> Line:
    return Line(item, quantity, tuple(dollars(count) for count in REQUESTS))


def _gb(price: prices.Price, size: float) -> float:
    return price.of(size / 1e9)


def _log(load: Load, size: float) -> float:
    """Returns the costs of ingestion and of storage. In a steady state, each month adds as much as expires."""
    return _gb(prices.LOG_GB, size) + _gb(prices.LOG_GB_MONTH, size * load.log_retention_months * load.log_compressed)


def _sum(lines: Iterable[Line]) -> tuple[float, ...]:
    return tuple(map(sum, zip(*(line.dollars for line in lines), strict=True)))


def _without(total: Sequence[float], part: Sequence[float]) -> tuple[float, ...]:
    return tuple(whole - less for whole, less in zip(total, part, strict=True))


def _dollars(amounts: Iterable[float]) -> list[str]:
    return [
        "less than 0.01" if 0 < amount < 0.01 else f"{amount:,.0f}" if amount >= 1_000 else f"{amount:.2f}"
        for amount in amounts
    ]


def _steps(price: prices.Price) -> str:
    ends = ["" if most == inf else f" up to {most:,.0f}" for most, _ in price.steps]
    return ", then ".join(f"{_rate(dollars)}{end}" for (_, dollars), end in zip(price.steps, ends, strict=True))


def _rate(dollars: float) -> str:
    return f"{dollars * 1e6:.3f} a million" if 0 < dollars < 0.001 else f"{dollars:g}"


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [head, ["---"] * len(head), *rows])


def write_page() -> str:
    """Writes the tables of the page, and returns them."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"docs/cost.md must contain both comments: {BEGIN} and {END}")
    written = tables(Load())
    PAGE.write_text(f"{before}{BEGIN}\n\n{written}\n{END}{after}", encoding="utf-8")
    return written
