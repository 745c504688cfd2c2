"""What is measured against what, and in which unit."""

import json
from collections.abc import Callable, Mapping
from importlib.metadata import version

from authorizers import policy_document
from benchmarks import node_peers, peers, plain, tokens
from benchmarks.ours import ARN_BASE, decision, line_to_nowhere, one_line, rules, verifier
from benchmarks.round_trips import state_table
from benchmarks.rounds import Ratio, Timer, race, timer

GATEHOUSE, GATEHOUSE_AGAIN = "Gatehouse, first sight", "Gatehouse, repeat"
LINE = "its log line by itself"
PLAIN = "a plain authorizer"
STATE = "the state read's client, without the network"
REMEMBERED, ANEW = "remembered", "built anew"


def verifiers(token: str, node: Mapping[str, Timer]) -> dict[str, Timer]:
    """Token in, claims or principal out."""
    contestants = {
        GATEHOUSE: timer(_bound(_honest(verifier(remember=0), token), token)),
        GATEHOUSE_AGAIN: timer(_bound(verifier(remember=1), token)),
    }
    for package, make in peers.PYTHON.items():
        contestants[f"{package} {version(package)}"] = timer(_bound(_honest(make(), token), token))
    return contestants | dict(node)


def decisions() -> dict[str, Timer]:
    """Event in, result out: through Chalice, with the tables answering at once."""
    contestants = {}
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
            f"{PLAIN}, {groups}": timer(lambda event=event, rows=rows: plain.authorize(event, rows)),
        }
    return contestants


def parts() -> dict[str, Timer]:
    """What a decision is followed, and preceded, by."""
    state, principal = state_table(), verifier(remember=0)(tokens.natural())
    return {LINE: timer(one_line(tokens.natural())), STATE: timer(lambda: state.read(principal))}


def natural(rounds: int) -> dict[str, Ratio]:
    token = tokens.natural()
    with node_peers.contestants(token) as node:
        return race({**verifiers(token, node), **decisions(), **parts()}, tokens.unit(token), rounds)


def large(rounds: int) -> dict[str, Ratio]:
    token = tokens.large()
    with node_peers.contestants(token) as node:
        return race(verifiers(token, node), tokens.unit(token), rounds)


def documents(rounds: int) -> tuple[dict[str, Ratio], dict[str, int]]:
    """Ten groups with ten statements each, no two alike, as JSON in units of concatenation; and the bytes."""
    paths = [[f"/department{group}/reports/{number}" for number in range(10)] for group in range(10)]
    naive = [[plain.rule(path) for path in group] for group in paths]
    statements = tuple(statement for group in paths for statement in rules(group))
    remembered = policy_document(statements, ARN_BASE)
    contestants = {
        REMEMBERED: timer(lambda: json.dumps(remembered)),
        ANEW: timer(lambda: json.dumps(policy_document(statements, ARN_BASE))),
    }
    ratios = race(contestants, timer(lambda: json.dumps(plain.concatenate(naive))), rounds)
    return ratios, {PLAIN: len(json.dumps(plain.concatenate(naive))), GATEHOUSE: len(json.dumps(remembered))}


def unit_microseconds() -> float:
    unit = tokens.unit(tokens.natural())
    return min(unit(100) for _ in range(50)) / 100 * 1e6


def _bound(verify: Callable[[str], object], token: str) -> Callable[[], object]:
    return lambda: verify(token)


def _honest(verify: Callable[[str], object], token: str) -> Callable[[str], object]:
    """The verifier, once it has refused a token that was changed after it was signed."""
    try:
        verify(tokens.forged(token))
    except Exception:
        return verify
    raise AssertionError(f"{verify} accepts a forged token")
