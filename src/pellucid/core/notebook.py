"""What a notebook shows: text for every front end, HTML that is complete in itself, light or dark like its page."""

from collections.abc import Iterable
from html import escape

from pellucid.core.drawing import drawings_of
from pellucid.core.errors import MissingExtraError
from pellucid.core.figure.marks import Figure
from pellucid.core.figure.text import figure_text
from pellucid.core.figure.words import amount, plain
from pellucid.core.finding import Finding, Level
from pellucid.core.result import Result
from pellucid.core.theme import LEVEL_SYMBOLS, css
from pellucid.core.verdict import QUIET, SPOKEN, verdict_text

_STYLE = (
    ".pellucid{background:var(--paper);color:var(--ink);padding:12px 16px;border-radius:6px;overflow-x:auto;"
    "font:14px/1.5 var(--font,system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif)}"
    ".pellucid ul{list-style:none;margin:0;padding:0}.pellucid li{margin:0 0 10px}.pellucid li li{margin:6px 0 0 18px}"
    ".pellucid p{margin:2px 0 0;color:var(--ink)}.pellucid .pellucid-why{color:var(--muted)}"
    ".pellucid b{color:inherit}.pellucid summary{color:var(--muted);cursor:pointer}.pellucid svg{display:block}"
    ".pellucid pre{background:none;color:var(--ink);line-height:1.15;overflow-x:auto;margin:8px 0 0}"
)


def bundle(result: Result) -> dict[str, str]:
    """Return a result for a notebook: its findings and its first picture.

    Args:
        result: What to show.

    Returns:
        "text/plain" and "text/html"; the HTML needs no network and no script.
    """
    findings = result.findings
    html, text = _findings_html(findings), verdict_text(findings, how="print(result.findings.text(all=True))")
    if drawings_of(type(result)):
        figure = result.figure()
        html += _figure_html(figure)
        text += "\n\n" + figure_text(figure)
    return {"text/plain": text, "text/html": _page(html)}


def figure_bundle(figure: Figure) -> dict[str, str]:
    """Return a figure for a notebook: SVG where matplotlib is installed, else the picture in characters.

    Args:
        figure: What to show.

    Returns:
        "text/plain" and "text/html".
    """
    return {"text/plain": figure_text(figure), "text/html": _page(_figure_html(figure))}


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


def _figure_html(figure: Figure) -> str:
    from pellucid.core.figure.static import svg

    try:
        return svg(figure)
    except MissingExtraError:
        alt = escape(plain(figure.alt or figure.title), quote=True)
        return f'<pre role="img" aria-label="{alt}">{escape(figure_text(figure))}</pre>'


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
    empty = f'<p class="pellucid-why">{_sign(Level.NOT_MEASURED)} not-measured: no check looked at this.</p>'
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
