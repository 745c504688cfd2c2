"""Writes the pages that are the fork's own from the start: its README and its list of changes."""

import re

from operations.forking.tree import Tree

# What the fork's README takes over, word for word.
SECTIONS = ("Change what a group may do", "On AWS", "The guarantee", "Add a route", "More")
_CHANGES = "# Changes\n\n## Unreleased\n\n- Forked from Gatehouse.\n"
_HEAD = """# {title}

{title} is a fork of Gatehouse: sign-in and permissions in front of an API on AWS. Amazon Cognito signs in people and
machines. API Gateway rejects every request without a valid token. The policies of a caller's groups decide the rest.
The service contains no authentication code.

```sh
make run      # the whole system on this machine; it needs no AWS account and no Docker
make demo     # in another terminal: requests that show it
make test     # all tests
```

`make run` needs Python 3.11, 3.12, 3.13 or 3.14 and `make`, on Linux or macOS. It also serves the console: open
`http://localhost:4566/` in a browser.

| to change | open |
|---|---|
| routes and their authorizers | `app.py` |
| what a group or a machine may do | `policies/*.yaml`, then `make policies` while the cloud runs |
| groups, scopes, how people sign in, how long tokens live | `infra/identity.yaml` |
| one stage: its domain, company provider, alarms, lifetimes | `infra/stages/<stage>.yaml` |
| settings of the Lambdas | [docs/settings.md](docs/settings.md) |
"""


def rewrite_pages(tree: Tree, title: str) -> None:
    tree.replace("README.md", "\n".join([_HEAD.format(title=title), *_sections(tree.read("README.md"))]))
    tree.replace("CHANGELOG.md", _CHANGES)


def _sections(readme: str) -> list[str]:
    return [part for part in re.split(r"^(?=## )", readme, flags=re.MULTILINE) if _title(part) in SECTIONS]


def _title(part: str) -> str:
    return part.partition("\n")[0].removeprefix("## ").strip()
