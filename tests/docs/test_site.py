"""The documentation as a site: every page can be reached, every link leads somewhere."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
HEADING = re.compile(r"^#+\s+(.+?)\s*$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$|^ {4}[^\n]*$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def nav(entries) -> Iterator[str]:
    for entry in entries:
        for value in entry.values():
            yield from nav(value) if isinstance(value, list) else [value]


def anchors(page: Path) -> set[str]:
    """As the site makes them of headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    plain = (re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in HEADING.findall(text))
    return {re.sub(r"[-\s]+", "-", heading) for heading in plain}


def test_the_menu_lists_every_page_once():
    listed = list(nav(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))
    assert sorted(listed) == [page.relative_to(DOCS).as_posix() for page in PAGES]


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_are_there(page):
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    for match in LINK.finditer(text):
        path, _, anchor = (match[1] or match[2]).partition("#")
        if "://" in path or path.startswith("mailto:"):
            continue
        target = page if not path else (page.parent / path).resolve()
        assert target.exists(), f"{page.name}: {path}"
        if page.parent == DOCS:
            assert target.is_relative_to(DOCS), f"{page.name}: {path} is not on the site"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{page.name}: {path}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_heading_begins_with_a_digit(page):
    """The theme's script looks for anchors as CSS selectors and stops at such a one."""
    assert not [one for one in anchors(page) if one[:1].isdigit()]


def test_every_picture_is_shown_somewhere():
    shown = "".join(page.read_text(encoding="utf-8") for page in [ROOT / "README.md", *PAGES])
    pictures = [path for path in DOCS.rglob("*") if path.suffix in (".png", ".webp", ".gif")]
    assert [path.name for path in pictures if path.name not in shown] == []


@pytest.mark.slow
@pytest.mark.skipif(find_spec("properdocs") is None, reason="the extra `docs` is not installed")
def test_the_site_is_built_without_a_warning(tmp_path):
    options = ["--strict", "-f", str(ROOT / "mkdocs.yml"), "-d", str(tmp_path / "site")]
    command = [sys.executable, "-m", "properdocs", "build", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for page in PAGES:
        assert (tmp_path / "site" / page.relative_to(DOCS).with_suffix(".html")).is_file()
