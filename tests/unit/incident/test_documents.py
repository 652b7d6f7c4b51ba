import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_lib.incident import documents
from incident_lib.incident.documents import hide, hide_markdown, hide_markup
from incident_lib.redact import Redactor


def hidden(name, text, *secrets):
    return hide(text.encode(), name, Redactor(secrets)).decode()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", "<tr><td>password</td><td>set</td></tr><td>token</td><td>5</td>"),
        ("a.html", '<path d="M1 2L3 4" class="token"/><style>.secret{color:#fff}</style>'),
        ("a.html", "<!-- incident:begin impact 04a7dca38c1a -->\n<p>a&amp;b</p><!-- incident:end impact -->"),
        ("a.md", "<!-- incident:begin token 04a7dca38c1a -->\ntext\n<!-- incident:end token -->\n"),
        ("a.md", "| token | password |\n|:--|--:|\n| 5 | set \\| unset |\r\n\n```sql\nSELECT 1\n```\n"),
        ("a.md", "# Password\n\nchanged by hand \\_at\\_ 5\n"),
        ("snapshot.json", json.dumps({"id": "1", "hidden": {"token": 5, "secret": 3}})),
        ("findings.json", json.dumps({"findings": [{"evidence_hashes": {"db/redis.auth": "5f" * 32}}]})),
        ("a.json", '{"a": [1, null, true, 1.5], "b": {"c": "d"}}'),
        ("a.ipynb", '{"cells": [{"cell_type": "code", "source": ["a\\n", "b"], "outputs": []}]}'),
        ("a.txt", "all is well\r\n"),
    ],
)
def test_what_holds_no_secret_stays_byte_for_byte(name, text):
    assert hidden(name, text) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", "<p>password=hunter2</p>"),
        ("a.html", "<p>password=&quot;hunter2&quot;</p>"),
        ("a.html", '<b title="password=hunter2">x</b>'),
        ("a.html", "<b title=password=hunter2>x</b>"),
        ("a.html", '<input name="password" value="hunter2">'),
        ("a.html", '<b data-password="hunter2">x</b>'),
        ("a.html", '<meta content="hunter2" name="password">'),
        ("a.html", "<!-- password=hunter2 -->"),
        ("a.html", "<script>const password = 'hunter2'</script>"),
        ("a.html", "<p>password=hunter2"),
        ("a.html", "<style>/* password=hunter2 */"),
        ("a.html", '<img src="data:image/png;base64,password=hunter2">'),
        ("a.svg", "<svg><text>password=hunter2</text></svg>"),
        ("a.md", "| a | password=hunter2 |\n"),
        ("a.md", "```\npassword=hunter2\n```\n"),
        ("a.md", "<!-- password=hunter2 -->\n"),
        ("a.md", "password\\=hunter2\n"),
        ("a.json", '{"password": "hunter2"}'),
        ("a.json", '{"password": "hunter2"'),
        ("snapshot.json", '{"hidden": {"password=hunter2": 1}, "text": "password=hunter2"}'),
        ("snapshot.json", '{"hidden": {"password": "hunter2"}}'),
        ("a.ipynb", '{"cells": [{"cell_type": "code", "source": ["password=", "\'hunter2\'"]}]}'),
        (
            "findings.json",
            '{"findings": [{"evidence_hashes": {"password": "hunter2"}, "a": "password=hunter2"}]}',
        ),
        ("findings.json", '{"password": "hunter2", "findings": [5, {"password": "hunter2"}]}'),
        ("a.ipynb", '{"cells": [{"password": "hunter2", "outputs": [{"password": "hunter2"}]}]}'),
        ("a.ipynb", '{"cells": [], "metadata": {"password": "hunter2"}}'),
        ("a.ipynb", '{"cells": ["password=hunter2", 5]}'),
        ("a.ipynb", '{"cells": [{"source": 5, "outputs": [{"text": ["password=hunter2"]}]}]}'),
        ("a.ipynb", '{"cells": [{"outputs": [{"data": {"image/png": "password=hunter2"}}]}]}'),
        ("a.csv", "a,b\npassword=hunter2,5\n"),
        ("noname", "password=hunter2"),
    ],
)
def test_what_is_secret_is_hidden_wherever_it_stands(name, text):
    done = hidden(name, text)
    assert "hunter2" not in done
    assert hidden(name, done) == done


def test_a_document_stays_what_it_was():
    notebook = {"cells": [{"cell_type": "code", "source": ["a = 1\n", "password='hunter2'\n", "b"]}], "x": 1}
    done = json.loads(hidden("a.ipynb", json.dumps(notebook)))
    assert done["cells"][0]["source"][0] == "a = 1\n"
    assert done["cells"][0]["source"][2] == "b"
    assert json.loads(hidden("a.json", '{"a": {"password": "x1y2z3"}, "n": 5}'))["n"] == 5


def test_a_known_secret_is_found_under_backslashes():
    assert "hun" not in hidden("a.md", "we typed hun\\_ter\\*2 there\n", "hun_ter*2")
    assert "hun" not in hidden("a.html", "<td>hun&#95;ter&lt;2</td>", "hun_ter<2")


def test_what_is_no_text_is_refused():
    with pytest.raises(UnicodeDecodeError):
        hide(b"\xff\xfe", "a.md", Redactor())


@pytest.mark.parametrize(
    "text", ["[" * 200_000, "<" * 200_000, "<a " * 60_000, "<!--" * 60_000, "| " * 100_000]
)
def test_hostile_text_ends(text):
    for name in ("a.json", "a.html", "a.md", "a.ipynb"):
        hide(text.encode(), name, Redactor())


@given(st.text(alphabet=st.sampled_from("<>=\"'|`\\ \n&;#-!/aspswordtk5:{}[]"), max_size=80))
def test_nothing_raises_and_the_second_time_changes_nothing(text):
    redactor = Redactor()
    for of in (hide_markup, hide_markdown):
        done = of(text, redactor)
        assert of(done, redactor) == done
    documents.hide(text.encode(), "a.json", redactor)
    if text and not text.isspace():
        msgspec.json.decode(hide(msgspec.json.encode({"a": text}), "a.json", redactor))
