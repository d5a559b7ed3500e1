"""A view as a widget of a running notebook: the picture asks, the kernel computes and answers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from pellucid.core.errors import InputError, PellucidError
from pellucid.core.extras import require
from pellucid.core.figure.live.script import script
from pellucid.core.frame import pack

if TYPE_CHECKING:
    from pellucid.core.view import View

# The script defines the name `pellucid`; a module hands out the half that talks to the kernel.
_EXPORT = "\nexport default globalThis.pellucid.widget;\n"


def live(view: "View") -> Any:
    """Return a view as an anywidget.

    Args:
        view: Nothing of it may be left to bind.

    Returns:
        The widget.

    Raises:
        MissingExtraError: anywidget is not installed.
        MissingScriptError: The script was not built.
        InputError: Something of the view is left to bind.
    """
    view.controls()  # what cannot be drawn is told here, not in the page
    anywidget: Any = require("anywidget", extra="notebook", purpose="a living picture in a notebook")
    base: Any = anywidget.AnyWidget

    def shown(self: Any, **options: Any) -> Any:
        return with_fallback(base._repr_mimebundle_(self, **options), view)  # a name of IPython's

    kind = type("LiveView", (base,), {"_esm": script() + _EXPORT, "_repr_mimebundle_": shown})
    widget = kind()

    def heard(_: Any, content: Any, buffers: Any) -> None:
        del buffers
        message, frames = answer(view, content)
        widget.send(message, frames)

    widget.on_msg(heard)
    return widget


def with_fallback(bundle: Any, view: "View") -> Any:
    """Add the picture as it comes to what a widget shows of itself.

    A front end that has no widget, and a page that was made without its state, shows that instead of nothing.

    Args:
        bundle: What the widget returned: data by type of content, or that and metadata; None for nothing.
        view: What it shows.

    Returns:
        The same with "text/html"; as it was where the view cannot be drawn, which the widget says itself.
    """
    from pellucid.core.figure.live.carrying import notebook_html

    data = bundle[0] if isinstance(bundle, tuple) else bundle
    if not isinstance(data, dict):
        return bundle
    try:
        # Nothing moves in it: its controls would compute.
        html = notebook_html([replace(view.frame(), controls=())])
    except Exception:  # noqa: BLE001 - see above
        return bundle
    whole = {**cast("dict[str, Any]", data), "text/html": html}
    return (whole, *cast("tuple[Any, ...]", bundle)[1:]) if isinstance(bundle, tuple) else whole


def answer(view: "View", content: Any) -> tuple[dict[str, Any], list[bytes]]:
    """Answer one message of the picture.

    Args:
        view: What is shown.
        content: `{"id": n, "parameters": {...}}`, not checked yet.

    Returns:
        `{"id": n}` and the frame; or `{"id": n, "error": words}` and nothing.
    """
    said: Mapping[str, Any] = cast("Mapping[str, Any]", content) if isinstance(content, Mapping) else {}
    number, parameters = said.get("id"), said.get("parameters", {})
    try:
        if not isinstance(parameters, Mapping):
            raise InputError("The parameters of a picture are a mapping of names to values.")
        return {"id": number}, [pack(view.frame(cast("Mapping[str, Any]", parameters)))]
    except PellucidError as error:
        return {"id": number, "error": str(error)}, []
    except Exception as error:  # noqa: BLE001 - whatever a view raises is told in the picture; the kernel goes on
        return {"id": number, "error": f"{type(error).__name__}: {error}"}, []
