"""Rules for the controls of docs/controls.md. Each rule yields what breaks its control in a template."""

from collections.abc import Callable, Iterable, Iterator

from tests.infra.intrinsics import Unresolvable
from tests.infra.parameters import Refused
from tests.infra.resolve import Stack, Template

Sets = Iterable[dict[str, str]]
Rule = Callable[[Template, Sets], Iterator[str]]


def for_each_stack(rule: Callable[[Stack], Iterator[str]]) -> Rule:
    """Turns a rule about one stack into a rule about the stacks of all accepted sets of parameters."""

    def over(template: Template, sets: Sets) -> Iterator[str]:
        for given in sets:
            try:
                stack = template.resolve(given)
            except (Refused, Unresolvable):  # the rule `resolvable` reports these
                continue
            for finding in rule(stack):
                yield f"{finding}; under {given}"

    return over
