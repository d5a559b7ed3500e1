"""Figures as living pictures: the script that draws them, and what carries them into a page.

The third renderer, beside text and static. `picture.js` is built from web/ (`make web`) and not kept in the repository.
"""

from pellucid.core.figure.live.carrying import carried, notebook_html, picture_html, place
from pellucid.core.figure.live.frozen import frozen, holds_every_setting
from pellucid.core.figure.live.script import script

__all__ = ["carried", "frozen", "holds_every_setting", "notebook_html", "picture_html", "place", "script"]
