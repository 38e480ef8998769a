"""Brings the files that pages link to outside ``docs/`` onto the site; a hook of MkDocs, named in mkdocs.yml.

In the repository a link such as ``../../weights/hue-s/README.md`` leads to the file. The site holds nothing but
``docs/``, so there the file becomes a page below ``repository/`` and the link is turned to it.
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PLACE = "repository"
_LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")


def _outside(page: Path, link: str) -> Path | None:
    """Return the linked file's path from the root where it lies outside ``docs/``, else None."""
    target = (page.parent / link).resolve()
    is_outside = target.is_file() and target.is_relative_to(ROOT) and not target.is_relative_to(DOCS)
    return target.relative_to(ROOT) if is_outside else None


def _name(path: Path) -> str:
    return f"{PLACE}/{path.as_posix().removesuffix('.md')}.md"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each file outside that a page links to; pages of code show it whole."""
    linked = {
        path
        for page in DOCS.rglob("*.md")
        for link in _LINK.findall(page.read_text(encoding="utf-8"))
        if (path := _outside(page, link)) is not None
    }
    for path in sorted(linked):
        text = (ROOT / path).read_text(encoding="utf-8")
        if path.suffix != ".md":
            text = f"# {path.as_posix()}\n\n````{path.suffix.removeprefix('.')}\n{text}````\n"
        files.append(File.generated(config, _name(path), content=text))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Turn links that lead outside to the pages that were added for them."""
    source = page.file.abs_src_path
    if source is None:  # one of those pages
        return markdown
    here = Path(source)
    up = "../" * page.file.src_uri.count("/")

    def turned(match: re.Match[str]) -> str:
        path = _outside(here, match[1])
        return match[0] if path is None else f"]({up}{_name(path)}"

    return _LINK.sub(turned, markdown)
