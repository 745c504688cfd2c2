"""Defines the contestants of each race, and their unit."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version

from authorizers.policy_document import build
from benchmarks import node_peers, peers, plain, tokens
from benchmarks.ours import ARN_BASE, decision, line_to_nowhere, one_line, rules, verifier
from benchmarks.rounds import Ratio, Timer, race, ratio, take, timer

GATEHOUSE, GATEHOUSE_AGAIN = "Gatehouse, first sight", "Gatehouse, repeat"
LINE = "the log line alone"
PLAIN = "a plain authorizer"
UNIT = "unit"
VERIFICATION = "verification of a token at first sight, relative to aws-jwt-verify"
DECISION = "decision, token at first sight, 1 group, relative to a plain authorizer"
CACHED, REBUILT = "cached", "built again"


def verifiers(token: str, node: Mapping[str, Timer]) -> dict[str, Timer]:
    """Returns the verifiers: token in, claims or principal out."""
    contestants = {
        GATEHOUSE: timer(_bound(_checked(verifier(remember=0), token), token)),
        GATEHOUSE_AGAIN: timer(_bound(verifier(remember=1), token)),
    }
    for package, make in peers.PYTHON.items():
        contestants[f"{package} {version(package)}"] = timer(_bound(_checked(make(), token), token))
    return contestants | dict(node)


def decisions() -> dict[str, Timer]:
    """Returns the authorizers: event in, result out, through Chalice and with in-memory tables."""
    contestants: dict[str, Timer] = {}
    for count in (1, 10):
        token, groups = tokens.natural(count), f"{count} group{'s' if count > 1 else ''}"
        event = {"authorizationToken": f"Bearer {token}"}
        rows = {group: json.dumps([plain.rule(f"/{group}/reports/*")]) for group in tokens.groups(count)}
        contestants |= {
            f"first sight, {groups}": timer(decision(token, remember=0)),
            f"first sight, {groups}, with its log line": timer(
                decision(token, remember=0, decision_log=line_to_nowhere())
            ),
            f"repeat, {groups}": timer(decision(token)),
            f"repeat, {groups}, with its log line": timer(decision(token, decision_log=line_to_nowhere())),
            f"{PLAIN}, {groups}": timer(partial(plain.authorize, event, rows)),
        }
    return contestants


def natural(rounds: int) -> tuple[dict[str, Ratio], dict[str, Ratio]]:
    """Returns the times in units, and those of two contestants relative to a peer in the same rounds."""
    token = tokens.natural()
    with node_peers.contestants(token) as node:
        line = {LINE: timer(one_line(token))}
        taken = take({UNIT: tokens.unit(token), **verifiers(token, node), **decisions(), **line}, rounds)
    pairs = {
        VERIFICATION: (GATEHOUSE, next((name for name in taken if name.startswith("aws-jwt-verify")), None)),
        DECISION: ("first sight, 1 group", f"{PLAIN}, 1 group"),
    }
    relative = {what: ratio(taken[one], taken[peer]) for what, (one, peer) in pairs.items() if peer}
    return {name: ratio(taken[name], taken[UNIT]) for name in taken if name != UNIT}, relative


def large(rounds: int) -> dict[str, Ratio]:
    token = tokens.large()
    with node_peers.contestants(token) as node:
        return race(verifiers(token, node), tokens.unit(token), rounds)


def documents(rounds: int) -> tuple[dict[str, Ratio], dict[str, int]]:
    """Measures policy documents of ten groups with ten different statements each, in units of concatenation.

    Returns the ratios and the sizes in bytes.
    """
    paths = [[f"/department{group}/reports/{number}" for number in range(10)] for group in range(10)]
    naive = [[plain.rule(path) for path in group] for group in paths]
    statements = tuple(statement for group in paths for statement in rules(group))
    cached = build(statements, ARN_BASE)
    contestants = {
        CACHED: timer(lambda: json.dumps(cached)),
        REBUILT: timer(lambda: json.dumps(build(statements, ARN_BASE))),
    }
    ratios = race(contestants, timer(lambda: json.dumps(plain.concatenate(naive))), rounds)
    return ratios, {PLAIN: len(json.dumps(plain.concatenate(naive))), GATEHOUSE: len(json.dumps(cached))}


def unit_microseconds() -> float:
    unit = tokens.unit(tokens.natural())
    return min(unit(100) for _ in range(50)) / 100 * 1e6


def _bound(verify: Callable[[str], object], token: str) -> Callable[[], object]:
    return lambda: verify(token)


def _checked(verify: Callable[[str], object], token: str) -> Callable[[str], object]:
    """Returns the verifier. Raises AssertionError if it accepts a forged token."""
    try:
        verify(tokens.forged(token))
    except Exception:
        return verify
    raise AssertionError(f"{verify} accepts a forged token")
