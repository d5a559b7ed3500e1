"""The live widget: answers frames, tells errors in words, and never takes the kernel down."""

import sys
from typing import Annotated, Any

import pytest

from pellucid.core.errors import InputError, MissingExtraError
from pellucid.core.figure import Figure
from pellucid.core.figure.live import widget
from pellucid.core.figure.live.widget import answer
from pellucid.core.frame import unpack
from pellucid.core.view import Range, view


@view
def sized(size: Annotated[int, Range(0, 9)] = 1) -> Figure:
    """Draw a number."""
    if size == 7:
        raise ZeroDivisionError("seven")
    return Figure(title=str(size), panels=())


def test_a_request_is_answered_with_a_frame() -> None:
    """Under the id that came."""
    message, frames = answer(sized, {"id": 5, "parameters": {"size": 3}})
    assert message == {"id": 5}
    assert unpack(frames[0]).figure.title == "3"
    assert unpack(answer(sized, {"id": 6})[1][0]).figure.title == "1"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"id": 1, "parameters": {"size": 99}}, {"id": 1, "error": "'size' takes 0 to 9, got '99'."}),
        ({"id": 1, "parameters": {"size": 7}}, {"id": 1, "error": "ZeroDivisionError: seven"}),
        (
            {"id": 1, "parameters": 3},
            {"id": 1, "error": "The parameters of a picture are a mapping of names to values."},
        ),
    ],
)
def test_errors_are_told_in_the_picture(content: Any, expected: dict[str, Any]) -> None:
    """Those of the reader and those of the view."""
    assert answer(sized, content) == (expected, [])


def test_a_message_of_another_kind_is_answered_like_an_empty_one() -> None:
    """Whatever comes, nothing is raised."""
    assert answer(sized, "hello")[0] == {"id": None}


def test_without_anywidget_the_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, and it is the extra."""
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(MissingExtraError) as caught:
        sized.live()
    assert str(caught.value) == (
        "A living picture in a notebook needs anywidget, which is not installed. Run: pip install 'pellucid[notebook]'"
    )


def test_a_view_that_is_not_bound_is_refused() -> None:
    """Before a widget is made."""

    @view
    def unbound(run: object) -> Figure:
        return Figure(title=str(run), panels=())

    with pytest.raises(InputError, match=r"^The view 'unbound' is not about anything yet\."):
        unbound.live()


def test_the_widget_hears_and_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message of the page comes back as a frame; the module exports the half that asks."""
    pytest.importorskip("anywidget")
    monkeypatch.setattr(widget, "script", lambda: "globalThis.pellucid = {widget: {}};")
    shown = sized.live()
    assert shown._esm.endswith("export default globalThis.pellucid.widget;\n")
    sent: list[tuple[Any, Any]] = []
    monkeypatch.setattr(type(shown), "send", lambda _, content, buffers: sent.append((content, buffers)))
    shown._handle_custom_msg({"id": 2, "parameters": {"size": 4}}, [])
    ((message, frames),) = sent
    assert message == {"id": 2}
    assert unpack(frames[0]).parameters == {"size": 4}
    shown.close()


def test_without_a_kernel_there_is_a_still_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the widget, whose state is not saved as a rule; a picture that cannot be drawn is left out."""
    pytest.importorskip("anywidget")
    monkeypatch.setattr(widget, "script", lambda: "globalThis.pellucid = {widget: {}};")
    monkeypatch.setattr(
        "pellucid.core.figure.live.carrying.notebook_html", lambda frames: f"still {frames[0].controls}"
    )
    shown = sized.live()
    bundle: Any = shown._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert data["text/html"] == "still ()"
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == shown.model_id
    shown.close()
    assert widget.with_fallback({"text/plain": "x"}, sized.bind(size=7)) == {"text/plain": "x"}
    assert widget.with_fallback(None, sized) is None
