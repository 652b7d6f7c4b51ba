"""The pages in a real Chromium, with the network cut: they show, they load nothing, only our script runs."""

import os
import shutil
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from incident_lib import response
from incident_lib.errors import UsageError
from incident_lib.response.home import renew_home, renew_list
from incident_lib.run import pdf
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
    for number in range(12):
        response.note(
            case.folder, f"note-{number} of {sample.HOSTILE}", at=sample.AT + timedelta(seconds=number)
        )
    response.add_task(case.folder, "read the log of the backend", "Ben", at=sample.AT)
    response.decide(case.folder, "no rollback", at=sample.AT)
    renew_home(case.settings, case.folder)
    renew_list(case.settings, case.settings.incidents)
    return case.folder.path / "runs" / "20260115T144503Z" / "html"


def place(pages: Path, name: str) -> Path:
    """Return the file of a page of the run, the home of its incident, or the list of all incidents."""
    places = {"home": pages.parents[2] / "index.html", "incidents": pages.parents[3] / "index.html"}
    return places.get(name, pages / f"{name}.html")


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
    assert all(Path(link.removeprefix("file://").partition("#")[0]).is_file() for link in links)
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


@pytest.mark.parametrize("name", ["index", "00_triage", "60_postmortem", "home", "incidents"])
def test_a_page_is_for_everybody(browser, pages, name):
    visit = Visit(browser, place(pages, name))
    assert visit.elsewhere() == []
    visit.page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text())
    for scheme in ("light", "dark"):
        visit.page.emulate_media(color_scheme=scheme)
        assert visit.page.evaluate(CONTRAST) == []
        for width, height in ((1280, 900), (800, 1000), (390, 844)):
            visit.page.set_viewport_size({"width": width, "height": height})
            assert visit.page.evaluate(AXE, [] if scheme == "light" else ["color-contrast"]) == [], (
                scheme,
                width,
            )
            assert visit.width_beyond() <= 0
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.className") == "iw-skip"
    assert visit.complaints == []
    visit.context.close()


@pytest.mark.parametrize("name", ["index", "20_database", "home"])
def test_a_page_prints_whole(browser, pages, name):
    visit = Visit(browser, place(pages, name), viewport={"width": 700, "height": 1000})
    visit.page.emulate_media(media="print")
    visit.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert visit.page.locator("details:not([open])").count() == 0
    assert visit.page.evaluate(CLIPPED) == []
    visit.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert visit.page.locator("details[open]").count() == 0
    visit.context.close()


def test_what_matters_is_in_the_first_two_screens_of_a_phone(browser, pages):
    screens = 2 * 844
    for name, last in (("index", ".iw-hypothesis"), ("home", "#cause li")):
        visit = Visit(browser, place(pages, name), viewport={"width": 390, "height": 844})
        for what in (".verdict", ".lead .iw-command", last):
            box = visit.page.locator(what).first.bounding_box()
            assert box["y"] < screens, (name, what)
        assert visit.page.locator(".verdict").bounding_box()["y"] < 844
        visit.context.close()


def test_links_lead_from_a_cause_to_the_statement_that_was_sent(browser, pages):
    visit = Visit(browser, pages / "index.html")
    page = visit.page
    link = page.locator("#causes .iw-for a").first
    card = page.locator(f'[id="{link.get_attribute("href")[1:]}"]')
    link.click()
    assert card.is_visible()
    basis = card.locator(".iw-basis a").first
    row = page.locator(f'[id="{basis.get_attribute("href")[1:]}"]')
    assert not row.is_visible()
    basis.click()
    assert row.is_visible()
    assert (pages / row.locator("a").get_attribute("href")).resolve().is_file()
    section = row.locator("xpath=ancestor::section[1]")
    section.locator("summary").click()
    assert section.locator("pre").first.is_visible()
    names = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(names) == len(set(names))
    visit.context.close()


def test_tables_are_searched_sorted_grouped_and_copied_in_the_readers_zone(browser, pages):
    visit = Visit(browser, place(pages, "home"), timezone_id="Asia/Kolkata")
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page, table = visit.page, visit.page.locator("#timeline table")
    tools = page.locator("#timeline .iw-tools").last
    rows = table.locator("tbody tr:visible")
    everything = rows.count()
    tools.get_by_role("searchbox").fill("note-1")
    assert rows.count() == 3
    assert tools.get_by_role("status").inner_text() == f"3 of {everything} rows"
    table.get_by_role("button", name="occurred").click()
    assert table.locator("th[aria-sort=ascending]").count() == 1
    assert "note-1 of" in rows.first.inner_text()
    tools.get_by_role("button", name="Copy").click()
    tools.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").count("\n") == 3
    tools.get_by_role("searchbox").fill("")
    tools.get_by_role("combobox").select_option(label="By kind")
    assert table.locator("th[scope=rowgroup]", has_text="decision: 1").is_visible()
    assert "20:01" in page.locator(".masthead .facts").inner_text()
    page.get_by_role("button", name="Times: UTC").click()
    assert "20:15:03" in table.inner_text()
    axis = page.locator(".iw-axis").first
    dots = axis.locator(".iw-dot:visible")
    before = dots.count()
    axis.get_by_label("people").uncheck()
    assert dots.count() < before
    axis.get_by_label("people").check()
    dots.last.focus()
    page.keyboard.press("Enter")
    assert page.locator("tr:target").is_visible()
    assert visit.complaints == []
    visit.context.close()


def test_without_scripts_everything_is_there(browser, pages):
    visit = Visit(browser, place(pages, "home"), java_script_enabled=False)
    assert visit.page.locator("#timeline tbody tr").count() > 12
    assert visit.page.locator(".iw-tools").count() == 0
    assert visit.page.locator("#tasks").get_by_text("Ben").is_visible()
    assert visit.page.locator(".iw-dot").first.is_visible()
    visit.context.close()


def test_the_index_is_printed_as_pdf_or_it_is_said_why_not(browser, pages, tmp_path, monkeypatch):
    monkeypatch.setenv("CHROMIUM", CHROMIUM)
    pdf.print_page(pages / "index.html", tmp_path / "index.pdf")
    assert (tmp_path / "index.pdf").read_bytes().startswith(b"%PDF-")
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="--pdf needs a browser"):
        pdf.print_page(pages / "index.html", tmp_path / "other.pdf")


AXE = """async rules => (await axe.run(rules.length ? {runOnly: rules} : {})).violations.map(
  found => found.id + ': ' + found.nodes.map(node => node.html.slice(0, 120)).join(' | '))"""
# What reaches beyond the paper, or beyond the box that cuts it.
CLIPPED = """() => [...document.querySelectorAll('main *')].filter(one => {
  if (!one.getClientRects().length || one.closest('svg, .iw-axis')) return false;
  const cuts = ['auto', 'scroll', 'hidden'].includes(getComputedStyle(one).overflowX);
  return one.getBoundingClientRect().right > innerWidth + 1
    || (cuts && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1));
}).map(one => one.tagName + '.' + one.className + ': ' + one.textContent.trim().slice(0, 40))"""
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
