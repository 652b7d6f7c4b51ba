"""Charts in a real Chromium: letters can be read in both schemes and on a phone, and nothing is cut off."""

import pytest

from incident_lib.plots import chart
from incident_lib.resources import resource
from tests.browser.test_pages import browser
from tests.unit.plots.test_charts import EXTREMES, FAILING, ONSET, WINDOW, changed, plot_rates

__all__ = ["browser"]
pytestmark = pytest.mark.browser
PAGE = '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><style>{}</style>'


@pytest.mark.parametrize("width", [1280, 800, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_of_a_chart_can_be_read_and_is_inside(browser, tmp_path, width, scheme):
    styles = "".join(resource("templates", "page", name).read_text() for name in ("blocks.css", "page.css"))
    marked = plot_rates(FAILING, window=WINDOW, onset=ONSET, changes=[changed(4), changed(13)])
    charts = "".join(map(chart.to_html, (marked, *EXTREMES.values())))
    file = tmp_path / "charts.html"
    file.write_text(f'{PAGE.format(styles)}<body class="iw-page"><main class="wrap">{charts}</main></html>')
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(file.as_uri())
    assert page.evaluate(BAD_TEXTS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


# Texts under 9 px or under 4.5 to 1 against the page, outside the window, or upon each other in one chart.
BAD_TEXTS = """() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const f = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * f(r) + .7152 * f(g) + .0722 * f(b);
  const ground = light(parts(getComputedStyle(document.body).backgroundColor));
  const bad = [];
  for (const svg of document.querySelectorAll('.iw-chart svg')) {
    const texts = [...svg.querySelectorAll('text')].map(text => [text, text.getBoundingClientRect()]);
    texts.forEach(([text, box], at) => {
      const ink = light(parts(getComputedStyle(text).fill));
      const ratio = (Math.max(ink, ground) + .05) / (Math.min(ink, ground) + .05);
      const size = parseFloat(getComputedStyle(text).fontSize) * svg.getBoundingClientRect().width
        / svg.viewBox.baseVal.width;
      if (ratio < 4.5 || size < 9 || box.left < -1 || box.right > innerWidth + 1)
        bad.push([text.textContent, ratio.toFixed(2), size.toFixed(1), box.left, box.right]);
      for (const [other, there] of texts.slice(at + 1)) {
        const wide = Math.min(box.right, there.right) - Math.max(box.left, there.left);
        const high = Math.min(box.bottom, there.bottom) - Math.max(box.top, there.top);
        if (wide > 2 && high > Math.min(box.height, there.height) / 2)
          bad.push([text.textContent, 'is upon', other.textContent]);
      }
    });
  }
  return bad; }"""
