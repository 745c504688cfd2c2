"""Hooks of MkDocs: pages of the project's root, links out of docs/, the navigation, and the script of the diagrams.

MkDocs calls the functions `on_...` by their names (https://www.mkdocs.org/user-guide/plugins/#events).
"""

import posixpath
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import ConfigurationError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

PROJECT = Path(__file__).resolve().parents[1]
# Pages outside docs/ that the site shows, too. The other files are links to the repository.
ROOT_PAGES = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md", "SECURITY.md": "security.md"}
_SCRIPT = "assets/mermaid.min.js"
_FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_CELL = re.compile(r"<td(.*?)>(.*?)</td>", re.DOTALL)
_NAME = re.compile(r"<code>([^\s<]+)</code>")
_SHORT = 30  # characters of a name that stays whole
_FIGURE = re.compile(r"[\d.,%×→ \[\]]+(?: ms)?")
_TAG = re.compile(r"<[^>]+>")
_LONG, _MEDIUM = 60, 20  # characters; on a phone, site.css gives a minimum width to cells with more text
_OUTPUT = re.compile(r'<div class="language-text highlight">(.*?</div>)', re.DOTALL)
_COLUMNS = re.compile(r"\S {3,}\S")
_CODE = re.compile(r"<code\b.*?</code>", re.DOTALL)
_OPTION = re.compile(r"(?<=[\s>])--[a-z][\w-]*")
_WIDE = re.compile(r"^\|(?: *:?-+:? *\|){5,}$", re.MULTILINE)  # a table of five columns or more
_LINK = re.compile(r"(\[(?:[^\[\]]|\[[^\]]*\])*\])\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Completes the navigation. An item such as `how-to/*` stands for the pages that the navigation does not name."""
    pages = sorted(path.relative_to(config.docs_dir).as_posix() for path in Path(config.docs_dir).rglob("*.md"))
    named = set(_named(config.nav))
    config.nav = _completed(config.nav, [page for page in pages if page not in named])
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages of the project's root and Mermaid."""
    for source, page in ROOT_PAGES.items():
        files.append(File.generated(config, page, content=(PROJECT / source).read_text("utf-8")))
    script = PROJECT / config.extra["mermaid"]
    if not script.exists():
        raise ConfigurationError(f"{script} is missing. Run `npm ci --prefix website`, or `make site`.")
    files.append(File.generated(config, _SCRIPT, content=script.read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 (MkDocs passes it)
    """Rewrites links to files that the site does not contain: to the repository, or to plain text without one.

    A page with a wide table has no table of contents, because the table needs its space.
    """
    if _WIDE.search(markdown):
        page.meta.setdefault("hide", ["toc"])
    source = next((root for root, target in ROOT_PAGES.items() if target == page.file.src_uri), None)
    here = source or f"docs/{page.file.src_uri}"

    def rewritten(link: re.Match[str]) -> str:
        text, target, anchor = link[1], link[2], link[3] or ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), target))
        inside = ROOT_PAGES.get(path) or path.removeprefix("docs/")
        if inside != path:
            return f"{text}({posixpath.relpath(inside, posixpath.dirname(page.file.src_uri) or '.')}{anchor})"
        if not (PROJECT / path).exists():
            return link[0]  # MkDocs reports it
        return f"{text}({config.repo_url.rstrip('/')}/blob/main/{path}{anchor})" if config.repo_url else text[1:-1]

    return _outside_fences(markdown, lambda part: _LINK.sub(rewritten, part))


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Removes the backslash from `\\|` in the cells of tables. GitHub does so, and Python-Markdown does not.

    Also marks cells by their length, short names, the places where a browser can break a long name, options, figures,
    and outputs with columns and help texts, which a browser must not wrap.
    """
    return _CODE.sub(_with_whole_options, _OUTPUT.sub(_output, _NAME.sub(_name, _CELL.sub(_cell, html))))


def _output(block: re.Match[str]) -> str:
    has_columns = "Usage: " in block[1] or len(_COLUMNS.findall(block[1])) > 1
    return block[0].replace("language-text", "language-text columns", 1) if has_columns else block[0]


def _with_whole_options(code: re.Match[str]) -> str:
    return _OPTION.sub(r'<span class="option">\g<0></span>', code[0])


def _cell(cell: re.Match[str]) -> str:
    content = cell[2].replace("\\|", "|")
    return f"<td{cell[1]}{_mark(_TAG.sub('', content))}>{content}</td>"


def _mark(text: str) -> str:
    if len(text) <= _SHORT and _FIGURE.fullmatch(text):
        return ' class="name"'
    if "::" in text:  # the name of a test
        return ' class="wide"'
    return ' class="long"' if len(text) > _LONG else ' class="medium"' if len(text) > _MEDIUM else ""


def _name(name: re.Match[str]) -> str:
    if len(name[1]) <= _SHORT and "://" not in name[1]:  # a URL breaks at its slashes
        return f'<code class="name">{name[1]}</code>'
    return re.sub(r"(?<=\w[_/:])(?=\w)|(?<=//)(?=\w)", "<wbr>", name[0])


def _outside_fences(markdown: str, edit: Any) -> str:
    parts, position = [], 0
    for fence in _FENCE.finditer(markdown):
        parts += [edit(markdown[position : fence.start()]), fence[0]]
        position = fence.end()
    return "".join([*parts, edit(markdown[position:])])


def _named(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    children = nav.values() if isinstance(nav, dict) else nav
    return [name for child in children for name in _named(child)]


def _completed(nav: Any, others: list[str]) -> Any:
    if isinstance(nav, dict):
        return {title: _completed(child, others) for title, child in nav.items()}
    if not isinstance(nav, list):
        return nav
    items = []
    for item in nav:
        pattern = isinstance(item, str) and "*" in item
        items += [page for page in others if fnmatchcase(page, item)] if pattern else [_completed(item, others)]
    return items
