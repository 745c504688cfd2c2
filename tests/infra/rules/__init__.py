"""The controls of docs/controls.md that a template can keep or break, each as a rule that tells what breaks it."""

from collections.abc import Callable, Iterable, Iterator

from tests.infra.intrinsics import Unresolvable
from tests.infra.parameters import Refused
from tests.infra.resolve import Stack, Template

Sets = Iterable[dict[str, str]]
Rule = Callable[[Template, Sets], Iterator[str]]


def for_each_stack(rule: Callable[[Stack], Iterator[str]]) -> Rule:
    """Make a rule about a stack one about a template: it holds under all sets of parameters that are taken."""

    def over(template: Template, sets: Sets) -> Iterator[str]:
        for given in sets:
            try:
                stack = template.resolve(given)
            except (Refused, Unresolvable):  # told by the rule about these
                continue
            for finding in rule(stack):
                yield f"{finding}; under {given}"

    return over
