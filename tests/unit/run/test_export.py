"""Outputs of any kind become HTML that neither runs nor loads anything."""

import pytest
from nbformat.v4 import new_output

from incident_lib.run.export import chart_in, show_output


def shown(data):
    return str(show_output(new_output("display_data", data=data)))


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<script src='http://x/'>",
        "<SCRIPT>alert(1)",
        "<img src=http://x/a.png onerror=alert(1)>",
        '<svg onload="alert(1)"></svg>',
        '<meta http-equiv="refresh" content="0;url=http://x/">',
        "<iframe src='http://x/'></iframe>",
        "<base href='http://x/'>",
    ],
)
def test_html_of_a_stranger_is_disarmed(hostile):
    kept = (
        shown({"text/html": f"{hostile}<b>kept</b>"})
        if "SCRIPT" not in hostile
        else shown({"text/html": hostile})
    )
    for word in ("script", "onerror", "onload", "refresh", "iframe", "<base", "src="):
        assert word not in kept.lower()


def test_a_picture_inside_the_page_is_kept():
    assert "data:image/png" in shown({"text/html": '<img src="data:image/png;base64,AAAA">'})


def test_the_style_of_a_block_is_left_to_the_page():
    assert shown({"text/html": "<style data-iw>.iw{}</style><div>x</div>"}) == "<div>x</div>"


def test_html_comes_before_text():
    assert shown({"text/plain": "plain", "text/html": "<b>rich</b>"}) == "<b>rich</b>"


def test_text_is_escaped_and_loses_its_colours():
    assert shown({"text/plain": "\x1b[31m<b>\x1b[0m"}) == '<pre class="stream" tabindex="0">&lt;b&gt;</pre>'


def test_javascript_is_named_and_not_shown():
    assert "application/javascript is not shown" in shown({"application/javascript": "alert(1)"})


def test_an_error_is_escaped_and_its_trace_folded():
    kept = str(show_output(new_output("error", ename="E", evalue="<b>", traceback=["line <i>"])))
    assert "<b>E</b> &lt;b&gt;" in kept
    assert kept.index("<details") < kept.index("line &lt;i&gt;")


def test_markdown_of_a_stranger_is_text():
    assert "<script" not in shown({"text/markdown": "**x** <script>alert(1)</script>"})


def test_the_chart_of_a_service_is_found_in_a_notebook_without_what_runs():
    from nbformat import v4

    figure = '<figure class="iw-chart"><figcaption>{}: errors</figcaption><svg onload="x()"></svg></figure>'
    html = "<p>before</p>" + figure.format("db") + figure.format("a&amp;b") + "<p>after</p>"
    cell = v4.new_code_cell(outputs=[v4.new_output("display_data", data={"text/html": html})])
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("# x"), cell])
    assert chart_in(notebook, "a&b: ") == figure.format("a&amp;b").replace(' onload="x()"', "")
    assert chart_in(notebook, "web: ") == ""
