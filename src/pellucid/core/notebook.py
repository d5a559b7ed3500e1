"""What a notebook shows: text for every front end, HTML that is complete in itself, light or dark like its page."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from pellucid.core.drawing import drawings_of
from pellucid.core.errors import MissingScriptError
from pellucid.core.figure.live import frozen, holds_every_setting, notebook_html, picture_html
from pellucid.core.figure.marks import Figure
from pellucid.core.figure.text import figure_text
from pellucid.core.figure.words import amount, plain
from pellucid.core.finding import UNJUDGED, Finding, Level
from pellucid.core.frame import Frame
from pellucid.core.result import Result
from pellucid.core.theme import LEVEL_SYMBOLS, css
from pellucid.core.verdict import QUIET, SPOKEN, verdict_text

if TYPE_CHECKING:
    from pellucid.core.view import View

_STYLE = (
    ".pellucid{background:var(--paper);color:var(--ink);padding:12px 16px;border-radius:6px;overflow-x:auto;"
    "font:14px/1.5 var(--font,system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif)}"
    ".pellucid ul{list-style:none;margin:0;padding:0}.pellucid li{margin:0 0 10px}.pellucid li li{margin:6px 0 0 18px}"
    ".pellucid p{margin:2px 0 0;color:var(--ink)}.pellucid .pellucid-why{color:var(--muted)}"
    ".pellucid b{color:inherit}.pellucid summary{color:var(--muted);cursor:pointer}"
    ".pellucid pre{background:none;color:var(--ink);line-height:1.15;overflow-x:auto;margin:8px 0 0}"
)


def bundle(result: Result) -> dict[str, str]:
    """Return a result for a notebook: its findings and its first picture.

    Args:
        result: What to show.

    Returns:
        "text/plain" and "text/html"; the HTML needs no network.
    """
    findings = result.findings
    html = _page(_findings_html(findings))
    text = verdict_text(findings, how="print(result.findings.text(all=True))")
    if drawings_of(type(result)):
        figure = result.figure()
        html += _picture_html([Frame(figure=figure)])
        text += "\n\n" + figure_text(figure)
    return {"text/plain": text, "text/html": html}


def figure_bundle(figure: Figure) -> dict[str, str]:
    """Return a figure for a notebook: the living picture, or the picture in characters where it was not built.

    Args:
        figure: What to show.

    Returns:
        "text/plain" and "text/html".
    """
    return {"text/plain": figure_text(figure), "text/html": _picture_html([Frame(figure=figure)])}


def view_bundle(view: "View") -> dict[str, str]:
    """Return a view for a notebook: a picture whose controls move over a grid that was drawn beforehand.

    Args:
        view: What to show. While something of it is left to bind, its name and what is missing is all there is.

    Returns:
        "text/plain" and "text/html".

    Cost:
        At most 48 calls of the view.
    """
    if view.needs:
        words = f"View {view.name!r}: {view.title}. Not about anything yet: bind({', '.join(view.needs)})."
        return {"text/plain": words, "text/html": _page(f"<p>{_words(words)}</p>")}
    frames = frozen(view)
    text = "\n\n".join(one for one in (view.summary, figure_text(frames[0].figure)) if one)
    head = _page(f"<p>{_words(view.summary)}</p>") if view.summary else ""
    teaching = _teaching_html(view, where="" if holds_every_setting(view, frames) else " in pellucid open")
    return {"text/plain": text, "text/html": head + _picture_html(frames) + teaching}


def _teaching_html(view: "View", *, where: str) -> str:
    tries = "".join(f"<li>{_words(one)}</li>" for one in view.tries)
    parts = f'<p class="pellucid-why">Try{where}:</p><ul>{tries}</ul>' if tries else ""
    parts += "".join(f"<p>{_words(one)}</p>" for one in view.teaches)
    return _page(f"<details><summary>What to try, and why</summary>{parts}</details>") if parts else ""


def findings_bundle(findings: Iterable[Finding]) -> dict[str, str]:
    """Return findings for a notebook.

    Args:
        findings: In the order in which they are to be read.

    Returns:
        "text/plain" and "text/html".
    """
    given = list(findings)
    return {"text/plain": verdict_text(given), "text/html": _page(_findings_html(given))}


def _page(body: str) -> str:
    return f'<div class="pellucid"><style>{css(".pellucid")}{_STYLE}</style>{body}</div>'


def _picture_html(frames: Sequence[Frame]) -> str:
    try:
        return notebook_html(frames)
    except MissingScriptError:
        return _page(picture_html(frames[0].figure, width=80))


def _findings_html(findings: Iterable[Finding]) -> str:
    given = list(findings)
    spoken = [one for one in given if any(deep.level in SPOKEN for deep in one.all)]
    html = f"<ul>{''.join(_item(one) for one in spoken)}</ul>" if spoken else ""
    for level, words in QUIET:
        every = [deep for one in given for deep in one.all if deep.level is level]
        if every:
            titles = ", ".join(dict.fromkeys(_words(f"{one.title} [{one.code}]") for one in every))
            summary = f"{_sign(level)} {amount(len(every), 'check')} {words}: {titles}"
            html += (
                f"<details><summary>{summary}</summary><ul>{''.join(_quiet_item(one) for one in every)}</ul></details>"
            )
    empty = f'<p class="pellucid-why">{_sign(Level.NOT_MEASURED)} not-measured: {UNJUDGED}.</p>'
    return html or empty


def _quiet_item(finding: Finding) -> str:
    place = f" at {_words(finding.where)}" if finding.where else ""
    step = f" Next: {_words(finding.next_step)}" if finding.next_step else ""
    code = f'<span class="pellucid-why">[{_words(finding.code)}]</span>'
    return f"<li>{_words(finding.title)}{place} {code}<p>{_words(finding.message)}{step}</p></li>"


def _item(finding: Finding) -> str:
    place = f" at {_words(finding.where)}" if finding.where else ""
    onset = f" from step {finding.step:,}" if finding.step is not None else ""
    colour = "var(--muted)" if finding.level is Level.NOT_MEASURED else f"var(--tone-{finding.level.value})"
    head = (
        f'<b style="color:{colour}">{_sign(finding.level)} {finding.level.value}: {_words(finding.title)}</b>'
        f'{place}{onset} <span class="pellucid-why">[{_words(finding.code)}]</span>'
    )
    parts = [f"<p>{_words(finding.message)}</p>"]
    parts += [f'<p class="pellucid-why">Cause: {_words(finding.cause)}</p>'] if finding.cause else []
    parts += [f"<p>Next: {_words(finding.next_step)}</p>"] if finding.next_step else []
    if finding.folded:
        items = "".join(_item(one) for one in finding.folded)
        summary = f"Follows from it: {amount(len(finding.folded), 'finding')}"
        parts.append(f"<details><summary>{summary}</summary><ul>{items}</ul></details>")
    return f"<li>{head}{''.join(parts)}</li>"


def _sign(level: Level) -> str:
    return LEVEL_SYMBOLS[level]


def _words(text: str) -> str:
    return escape(plain(text), quote=True)
