"""The script that draws living pictures."""

from functools import cache
from importlib import resources

from pellucid.core.errors import MissingScriptError


@cache
def script() -> str:
    """Return the built script, fit to stand inside a script element.

    Returns:
        JavaScript that defines `pellucid` and brings the pictures of its page to life.

    Raises:
        MissingScriptError: It was not built.
    """
    file = resources.files("pellucid.core.figure.live").joinpath("picture.js")
    if not file.is_file():
        raise MissingScriptError(
            f"The script that draws living pictures, {file}, was not built. In a checkout of pellucid run `make web`, "
            "or install it anew with `pip install -e .`."
        )
    # Inside strings, the only place where these may be, the stroke changes nothing; outside them a page would end.
    return file.read_text(encoding="utf-8").replace("</script", "<\\/script").replace("<!--", "<\\!--")
