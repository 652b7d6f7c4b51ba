"""What the documentation site adds to `docs/`: the pages that stand next to the README, and links."""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_ROOT = Path(__file__).parent.parent
_NEXT_TO_README = ("SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)#:\s]+)(#[^)]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Return the files of `docs/` with the pages that stand next to the README."""
    for name in _NEXT_TO_README:
        text = (_ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page whose links lead to pages of the site, by their titles; those to sources become text."""
    here = posixpath.dirname(page.file.src_uri)

    def link(found: re.Match[str]) -> str:
        text, target, anchor = found.groups()
        path = posixpath.normpath(posixpath.join(here, target))
        path = path.removeprefix("../") if path.removeprefix("../") in _NEXT_TO_README else path
        linked = files.get_file_from_path(path)
        if linked is None:
            return text if (_ROOT / path.removeprefix("../")).exists() else found[0]
        if posixpath.basename(text) == posixpath.basename(target):
            text = linked.content_string.partition("\n")[0].removeprefix("# ")
        return f"[{text}]({posixpath.relpath(path, here or '.')}{anchor or ''})"

    return _LINK.sub(link, markdown)
