"""Prepares the process of `chalice local` and `chalice deploy`, which have no hook of their own.

Only app.py imports this module, and only under Chalice's command line. Chalice does not deploy it: a bundle contains
app.py, chalicelib/ and vendor/ (docs/decisions/0010-a-hook-for-chalices-command-line.md).
"""

import sys
from collections.abc import Sequence


def prepare(argv: Sequence[str] | None = None) -> None:
    """Prepares the command of a Chalice command line. Does nothing for other commands.

    `chalice local` by itself verifies no token. It gets the strict gateway and the settings of the cloud that
    `make run` started. `chalice deploy` is refused for a stage that is not configured.

    Raises:  SystemExit with one message
    """
    words = sys.argv if argv is None else argv
    # A word can also be a stage or a folder. Both functions parse the command line and ignore other commands.
    if "local" in words:
        from local.attach import attach

        attach(argv=words)
    if "deploy" in words:
        from infra.trial_configuration import refuse_unconfigured

        refuse_unconfigured(words)
