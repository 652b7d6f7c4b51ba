"""The pages in a real Chromium, with the network cut: they show, they load nothing, they run nothing."""

import os
import shutil
from pathlib import Path

import pytest

from incident_lib.run.batch import Batch, run_notebooks
from tests import services
from tests.notebooks import sample
from tests.notebooks.made import notebook, save

pytestmark = pytest.mark.browser

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE_OUTPUT = f"""
class Hostile:
    def _repr_html_(self):
        return {sample.HOSTILE!r} + '<img src="http://127.0.0.1:9/x.png"><b>shown</b>'
Hostile()
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    case = sample.made(folder)
    made = {
        "20_database": notebook("6 * 7"),
        "40_network": notebook("1 / 0"),
        "hostile": notebook(HOSTILE_OUTPUT),
    }
    run_notebooks(
        Batch(
            case=case,
            directory=case.folder.path / "runs" / "20260115T144503Z",
            notebooks=(
                "00_triage",
                "60_postmortem",
                *(str(save(one, folder / f"{name}.ipynb")) for name, one in made.items()),
            ),
            parameters={"incident": str(case.folder.path), "config": ""},
        )
    )
    return case.folder.path / "runs" / "20260115T144503Z" / "html"


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        services.missing("no Chromium: install it, or set CHROMIUM to its path")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


class Visit:
    """One page, opened offline, with everything it asked for and complained about."""

    def __init__(self, browser, path: Path, **options):
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.context.set_offline(True)
        self.page = self.context.new_page()
        self.requests, self.complaints = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(path.as_uri())

    def elsewhere(self):
        return [url for url in self.requests if not url.startswith(("file://", "data:"))]

    def width_beyond(self):
        return self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )


@pytest.mark.parametrize("name", ["index", "00_triage", "20_database", "40_network", "60_postmortem"])
@pytest.mark.parametrize(
    "options", [{}, {"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 800}}]
)
def test_a_page_is_whole_without_a_network(browser, pages, name, options):
    visit = Visit(browser, pages / f"{name}.html", **options)
    assert visit.elsewhere() == []
    assert visit.complaints == []
    assert visit.page.title().endswith(sample.HOSTILE)
    assert "owned" not in visit.page.title().replace(sample.HOSTILE, "")
    assert visit.width_beyond() <= 0
    visit.context.close()


def test_the_index_answers_first(browser, pages):
    visit = Visit(browser, pages / "index.html")
    lead = visit.page.locator(".lead")
    assert "keeps everybody waiting" in lead.inner_text()
    assert lead.bounding_box()["y"] < 500
    assert visit.page.locator(".iw-finding.iw-critical").count() == 3
    assert "cache" in visit.page.locator("text=What is not known?").locator("..").inner_text()
    visit.context.close()


def test_every_link_of_the_index_leads_to_a_page(browser, pages):
    visit = Visit(browser, pages / "index.html")
    links = visit.page.eval_on_selector_all("a", "all => all.map(one => one.href)")
    assert links
    assert all(Path(link.removeprefix("file://")).is_file() for link in links)
    visit.context.close()


def test_what_strangers_wrote_is_text(browser, pages):
    visit = Visit(browser, pages / "index.html")
    assert visit.page.locator("main script, main img").count() == 0
    assert sample.HOSTILE in visit.page.locator("h1").inner_text()
    visit.context.close()


def test_the_output_of_a_hostile_notebook_runs_nothing_and_loads_nothing(browser, pages):
    visit = Visit(browser, pages / "hostile.html")
    assert visit.page.locator("main b", has_text="shown").is_visible()
    assert "owned" not in visit.page.title().replace(sample.HOSTILE, "")
    assert visit.elsewhere() == []
    visit.context.close()


def test_a_failed_notebook_says_so_at_the_top_and_still_answers(browser, pages):
    visit = Visit(browser, pages / "40_network.html")
    banner = visit.page.locator("[role=alert]")
    assert "ZeroDivisionError" in banner.inner_text()
    assert banner.bounding_box()["y"] < 500
    visit.context.close()


@pytest.mark.parametrize("name", ["index", "00_triage", "60_postmortem"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(browser, pages, name, scheme):
    visit = Visit(browser, pages / f"{name}.html", color_scheme=scheme)
    assert visit.page.evaluate(CONTRAST) == []
    visit.context.close()


# Every text, against the first background below it that is no glass: at least 4.5 to 1 (WCAG AA).
CONTRAST = """() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const f = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => {
    return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
  const ground = one => { for (let at = one; at; at = at.parentElement) {
    const found = parts(getComputedStyle(at).backgroundColor);
    if (found.length < 4 || found[3] > 0) return found; } return [255, 255, 255]; };
  const bad = [];
  for (const one of document.querySelectorAll('main *, header *, footer *')) {
    const own = [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || one.closest('svg, style') || !one.getClientRects().length) continue;
    const a = light(parts(getComputedStyle(one).color)), b = light(ground(one));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const said = one.textContent.trim().slice(0, 30);
    if (ratio < 4.5) bad.push(one.className + ': ' + said + ' ' + ratio.toFixed(2));
  }
  return bad; }"""
