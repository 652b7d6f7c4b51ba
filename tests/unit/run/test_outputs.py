"""What a notebook wrote is redacted, whatever it is made of, and markup stays markup."""

from nbformat.v4 import new_code_cell, new_notebook, new_output

from incident_lib.redact import Redactor
from incident_lib.run import outputs


def test_a_secret_in_a_table_cell_is_hidden_and_the_table_stays():
    html = "<table><tr><td>postgresql://app:hunter2@db/shop</td><td>ok</td></tr></table>"
    assert outputs.redact_data("text/html", html, Redactor()) == (
        "<table><tr><td>postgresql://app:[secret]@db/shop</td><td>ok</td></tr></table>"
    )


def test_an_entity_hides_nothing():
    html = "<p>password=&#x27;hunter2&#x27; &amp; more</p>"
    kept = outputs.redact_data("text/html", html, Redactor())
    assert "hunter2" not in kept
    assert kept.endswith("&amp; more</p>")


def test_an_attribute_is_redacted_too():
    kept = outputs.redact_data("image/svg+xml", '<rect data-token="abcd1234"/>', Redactor())
    assert kept == '<rect data-token="[secret]"/>'


def test_a_picture_is_left_alone():
    assert outputs.redact_data("image/png", "cGFzc3dvcmQ9eA==", Redactor()) == "cGFzc3dvcmQ9eA=="


def test_every_kind_of_output_is_redacted():
    cell = new_code_cell("login(password='hunter2')")
    cell.outputs = [
        new_output("stream", name="stdout", text="password=hunter2\n"),
        new_output("error", ename="E", evalue="password=hunter2", traceback=["password=hunter2"]),
        new_output("execute_result", data={"application/json": {"password": "hunter2"}, "text/plain": ["x"]}),
    ]
    made = new_notebook(cells=[cell])
    outputs.redact(made, Redactor())
    assert "hunter2" not in str(made)


def test_what_cannot_be_seen_is_left_out_but_for_the_colours_of_a_trace():
    hidden = "a\u202eb\x1b[2Jc\u2066d\x07"
    trace = "\x1b[0;31mValueError\x1b[0m: " + hidden
    cell = new_code_cell("1")
    cell.outputs = [
        new_output("stream", name="stdout", text=hidden),
        new_output("error", ename="E", evalue=hidden, traceback=[trace]),
        new_output("execute_result", data={"text/html": f"<p>{hidden}&#8238;</p>", "text/plain": [hidden]}),
    ]
    made = new_notebook(cells=[cell])
    outputs.redact(made, Redactor())
    stream, error, result = cell.outputs
    assert stream.text == error.evalue == result.data["text/plain"] == "ab[2Jcd"
    assert error.traceback == ["\x1b[0;31mValueError\x1b[0m: ab[2Jcd"]
    assert result.data["text/html"] == "<p>ab[2Jcd</p>"
