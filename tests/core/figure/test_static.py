"""Static images: what is in them, that they are safe on a page, and that matplotlib is left as it was."""

import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest

from pellucid.core.errors import InputError, MissingExtraError, StoreError
from pellucid.core.figure import Axis, Bars, Event, Figure, Heat, Lines, Panel, Parallel, Tiles
from pellucid.core.figure.static import png, save, svg
from pellucid.core.figure.static.events import labels_of, lanes
from pellucid.core.figure.static.frame import rulers_of
from pellucid.core.figure.static.key import entries_of, line_colours
from pellucid.core.figure.static.plan import grid_of
from pellucid.core.figure.static.sheet import SMALL, Sheet, broken, clip, shortened, width_of
from pellucid.core.finding import Level
from pellucid.core.theme import DARK, GROUPS, LIGHT, Theme
from tests.core.figure.pictures import NASTY, figure, histograms, hostile_axes, hostile_marks, panels

SPACE = "{http://www.w3.org/2000/svg}"


def texts(source: str) -> list[str]:
    """Return the texts of an SVG."""
    return ["".join(one.itertext()) for one in ET.fromstring(source).iter(f"{SPACE}text")]  # noqa: S314 - ours


def ids(source: str) -> list[str]:
    """Return the ids of an SVG."""
    return [one.attrib["id"] for one in ET.fromstring(source).iter() if "id" in one.attrib]  # noqa: S314 - ours


@pytest.mark.parametrize("name", panels())
def test_marks_as_svg(name: str) -> None:
    """Every mark gives well-formed SVG with title and verdict as text, the same bytes each time."""
    drawn = figure(panels()[name], verdict="ok: 3 checks passed", caveat="Local.")
    source = svg(drawn)
    assert source.startswith("<svg ")
    words = texts(source)
    assert "Title" in words
    assert "✓ ok: 3 checks passed" in words
    assert "Local." in words
    assert svg(drawn) == source
    assert "fe01" not in source
    assert "fe02" not in source


@pytest.mark.parametrize("name", hostile_marks())
def test_hostile_marks_as_svg(name: str) -> None:
    """Nothing, NaN, infinite and huge values on axes that do not fit give well-formed SVG, without a warning."""
    marks = hostile_marks()[name]
    for axis in hostile_axes(marks).values():
        panel = Panel(title=NASTY, note=NASTY, marks=marks, x=axis, y=axis, level=Level.WARN)
        source = svg(Figure(title=NASTY, panels=(panel,), columns=2, verdict=NASTY, caveat=NASTY, alt=NASTY))
        root = ET.fromstring(source)  # noqa: S314 - ours
        assert not list(root.iter(f"{SPACE}script"))
        assert not [
            path for path in re.findall(r' (?:d|x|y|transform)="([^"]*)"', source) if "nan" in path or "inf" in path
        ]


def test_a_name_stays_as_it_is() -> None:
    """A name that looks like markup, mathematics or one of our place holders is shown letter by letter."""
    name = 'fc <script> $x_1$ #fe0100 id="a" d="1.23456" url(#q) & \\alpha'
    source = svg(figure(Panel(title=name, marks=panels()["bars"].marks)))
    assert name in texts(source)
    assert "<script" not in source


def test_ids_do_not_clash() -> None:
    """Different figures share no id, every reference is answered, and nothing reaches outside the picture."""
    sources = [svg(figure(panels()[name])) for name in ("curves", "heat", "surface", "cloud")]
    sources.append(svg(figure(panels()["curves"]), theme="dark"))
    every = [one for source in sources for one in ids(source)]
    assert len(every) == len(set(every))
    for source in sources:
        own = set(ids(source))
        assert set(re.findall(r'(?:url\(#|href="#)([^")]+)', source)) <= own
        styles = re.findall(r"<style>(.*?)</style>", source)
        rules = re.findall(r"([^{}]+)\{", styles[0])
        assert len(styles) == 1
        assert all(rule.startswith(("#pel-", "@media")) for rule in rules)


def test_the_page_gives_the_colours() -> None:
    """Text, axes and curves take the page's variables, and have a light and a dark colour without them."""
    source = svg(figure(panels()["curves"]))
    for name in ("ink", "muted", "faint", "tone-accent", "tone-warn"):
        assert f"var(--pel-{name})" in source
        assert f"--pel-{name}:var(--{name},{LIGHT.variables()[f'--{name}']})" in source
    assert "@media (prefers-color-scheme:dark)" in source
    assert "var(--font,system-ui" in source
    assert "var(" not in re.sub(r"var\(--font", "", svg(figure(panels()["curves"]), theme="light"))


def test_for_readers_who_do_not_see() -> None:
    """The picture is announced as an image with its title and its description."""
    source = svg(histograms(2))
    root = ET.fromstring(source)  # noqa: S314 - ours
    assert root.attrib["role"] == "img"
    assert [root[0].text, root[1].text] == ["Activations", "Histograms of the activations of twelve layers."]
    assert root.attrib["aria-labelledby"].split() == [root[0].attrib["id"], root[1].attrib["id"]]
    plain = ET.fromstring(svg(figure(panels()["bars"], verdict="ok")))  # noqa: S314 - ours
    assert plain[1].text == "Title ok"


def test_axes_and_events_are_labelled() -> None:
    """Axis titles with units, ticks, keys and events are texts of the picture."""
    words = texts(svg(figure(panels()["curves"])))
    for one in ("step", "cross-entropy, nats", "training", "validation", "▲ spike", "✖ second spike", "guessing", "0"):
        assert one in words


def test_groups_keep_their_colours() -> None:
    """Few points are drawn as shapes, each in the colour of its group."""
    source = svg(figure(panels()["cloud"]))
    assert all(colour in source for colour in GROUPS[:3])
    assert GROUPS[3] not in source


def test_paths_have_the_colours_of_their_names() -> None:
    """Each path on a surface is drawn in the colour under which the key names it."""
    source = svg(figure(panels()["race"]), theme="light")
    assert {"SGD", "Adam"} <= set(texts(source))
    assert LIGHT.tones["accent"] in source
    assert LIGHT.tones["second"] in source
    assert LIGHT.tones["third"] not in source


def test_parallel_axes_have_titles_and_ticks_of_their_own() -> None:
    """Titles with units, ends of log axes, names of categories; also on a narrow sheet."""
    named = {"learning rate", "depth, layers", "optimizer", "loss, nats", "SGD", "Adam", "0.001", "0.1", "loss (nats)"}
    assert named <= set(texts(svg(figure(panels()["parallel"]))))
    assert named <= set(texts(svg(figure(panels()["parallel"]), narrow=True)))


def brightness(colour: str) -> float:
    """Return the relative luminance of "#rrggbb", as the accessibility guidelines have it."""
    parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_lines_that_stand_for_values_are_seen_on_their_paper(theme: Theme) -> None:
    """At least 3 : 1, from the lowest to the highest value."""
    colours = line_colours(Sheet(100, 100, theme, clear=False), np.linspace(0, 5, 40))
    paper = brightness(theme.paper) + 0.05
    assert len(set(colours)) > 30
    for one in colours:
        assert max((brightness(one) + 0.05) / paper, paper / (brightness(one) + 0.05)) >= 3


def test_few_parallel_lines_have_their_names_at_their_ends() -> None:
    """None over another, and none below the axis; many have none."""
    mark = Parallel(
        axes=(Axis(label="a", categories=("a long name of one model", "another")), Axis(label="b")),
        rows=np.array([[0, 1.0], [1, 1.01], [0, 9.0]]),
        names=("first", "second", "third"),
    )
    shown = svg(figure(Panel(marks=(mark,))))
    found = {name: float(y) for y, name in re.findall(r'<text[^>]* y="([\d.]+)"[^>]*>([a-z ]+)</text>', shown)}
    assert found["third"] < found["second"] <= found["first"] - 10
    assert "a long name of one model" in found
    many = Parallel(axes=mark.axes, rows=np.ones((9, 2)), names=tuple(f"run{place}" for place in range(9)))
    assert not any("run" in one for one in texts(svg(figure(Panel(marks=(many,))))))


def test_names_at_a_slant_begin_inside_the_picture() -> None:
    """The first ones are shortened, and their letters do not meet."""
    names = tuple(f"blocks.{place}.attention.projection" for place in range(30))
    bars = Bars(edges=np.arange(31) - 0.5, heights=np.ones(30))
    panel = Panel(marks=(bars,), x=Axis(categories=names))
    rulers = rulers_of(panel, 260, 150)
    assert rulers.tilted
    assert np.diff([place for place, _ in rulers.x]).min() * (260 - rulers.left) / 30 >= 10
    first = next(one for one in texts(svg(figure(panel), narrow=True)) if "…" in one)
    assert 0.7 * width_of(first, SMALL) <= rulers.left + 8


def test_a_path_over_a_matrix_has_a_rim() -> None:
    """Of the colour of the paper, below the line; a curve on paper has none."""
    line = Lines(x=np.arange(3), y=np.arange(3), tone="second")
    rimmed = svg(figure(Panel(marks=(Heat(values=np.ones((3, 3))), line))), theme="light")
    assert rimmed.count(f"stroke: {LIGHT.paper}") == 1
    assert rimmed.index(f"stroke: {LIGHT.paper}") < rimmed.index(f"stroke: {LIGHT.tones['second']}")
    assert f"stroke: {LIGHT.paper}" not in svg(figure(Panel(marks=(line,))), theme="light")


def test_many_parallel_lines_stay_small() -> None:
    """Thousands of lines are stored as an image."""
    assert len(svg(figure(Panel(marks=hostile_marks()["many rows"])))) < 1_500_000


def test_labels_of_events_do_not_meet() -> None:
    """Labels in one lane do not overlap, and no line passes through a label of a lower lane."""
    marks = (Lines(x=np.arange(100), y=np.arange(100)), *(Event(at=at, text=f"event {at}") for at in range(5, 95, 12)))
    placed = labels_of(Panel(marks=marks), (0, 99), 300)
    assert lanes(placed) > 1
    shown = [one for one in placed if one.lane >= 0]
    for one in shown:
        end = one.start + width_of(one.words, SMALL)
        for other in shown:
            if other is not one and other.lane == one.lane:
                assert other.start >= end or other.start + width_of(other.words, SMALL) <= one.start
            if other.lane >= one.lane:
                assert not one.start <= other.place <= end


def test_a_shared_key_stands_once() -> None:
    """What the colours mean is said once above many panels."""
    assert texts(svg(histograms(6))).count("non-zero") == 1


def test_a_narrow_picture_has_one_column() -> None:
    """Its panels stand one below the other, on a sheet that a telephone shows, and it shares no id with the other."""
    wide, narrow = svg(histograms(12)), svg(histograms(12), narrow=True)
    (width, height), (narrow_width, narrow_height) = (
        map(float, re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', one)[0]) for one in (wide, narrow)
    )
    assert (width, narrow_width) == (900, 280)
    assert narrow_height > 2 * height
    assert set(ids(wide)) & set(ids(narrow)) == set()
    assert set(texts(wide)) - set(texts(narrow)) <= {word for word in texts(wide) if " " in word or len(word) < 6}


def test_wide_panels_have_rows_of_their_own() -> None:
    """The others share rows; frames that stand below each other begin on one line."""
    marks = panels()["curves"].marks
    some = tuple(Panel(title=name, marks=marks, wide=name == "a") for name in "abc")
    grid = grid_of(Figure(title="", panels=some, columns=2), narrow=False)
    assert grid.rows == [[0], [1, 2]]
    assert grid.width(0) == 2 * grid.width(1) + 22
    assert [grid.is_lowest(place) for place in range(3)] == [True, True, True]
    assert grid_of(Figure(title="", panels=some, columns=2), narrow=True).rows == [[0], [1], [2]]


def test_names_along_an_axis_do_not_meet() -> None:
    """Where there is no room side by side they are written at a slant, also at the ends of the axis."""
    for count in range(2, 14):
        names = tuple(f"generator.{place}.weight" for place in range(count))
        panel = Panel(marks=(Lines(x=np.arange(count), y=np.arange(count)),), x=Axis(categories=names))
        rulers = rulers_of(panel, 540, 230)
        if not rulers.tilted:
            wide = max(width_of(name, SMALL) for name in names)
            # The outer names are pushed inwards by what would stand out of the frame.
            room = (540 - rulers.left) / (count - 1) - (wide / 2 - 10)
            assert room >= wide, count
    assert rulers.tilted


def test_the_band_of_a_single_point_is_seen() -> None:
    """As a bar: an area of no width would be invisible."""
    one = Lines(x=np.arange(1), y=np.ones(1), low=np.zeros(1), high=np.full(1, 2.0))
    without = Lines(x=np.arange(1), y=np.ones(1))
    assert len(re.findall("<path", svg(figure(Panel(marks=(one,)))))) > len(
        re.findall("<path", svg(figure(Panel(marks=(without,)))))
    )


def test_long_texts_are_broken_or_cut() -> None:
    """No line is wider than its room."""
    assert all(width_of(line, SMALL) <= 100 for line in broken("word " * 50 + "x" * 200, SMALL, 100))
    assert width_of(clip("x" * 300, SMALL, 50), SMALL) <= 50
    assert clip("short", SMALL, 500) == "short"


def test_names_that_end_differently_stay_different() -> None:
    """A name along an axis is cut in its middle."""
    names = [f"block1.attention.{one}.weight" for one in ("query", "key", "value")]
    short = [shortened(name, SMALL, 80) for name in names]
    assert len(set(short)) == 3
    assert all(width_of(one, SMALL) <= 80 and one.startswith("block1") for one in short)
    assert shortened("head", SMALL, 80) == "head"
    assert shortened("head", SMALL, 0) == "…d"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ending", ["png", "svg", "pdf", "PNG"])
def test_saving(ending: str, theme: str, tmp_path: Path) -> None:
    """A figure is written as PNG, SVG or PDF, the same bytes each time."""
    path = tmp_path / f"picture.{ending}"
    assert histograms(2).save(path, theme=theme) == path
    content = path.read_bytes()
    starts = {"png": b"\x89PNG", "svg": b"<svg", "pdf": b"%PDF"}
    assert content.startswith(starts[ending.lower()])
    histograms(2).save(path, theme=theme)
    assert path.read_bytes() == content


def test_png_has_the_size_of_the_page() -> None:
    """A figure of four columns is 900 points wide, at 144 dots an inch."""
    assert struct.unpack(">I", png(histograms(4))[16:20]) == (1800,)


def test_other_endings_and_themes(tmp_path: Path) -> None:
    """Another ending or theme is refused with those that exist, and a folder that is not there is named."""
    with pytest.raises(InputError) as caught:
        save(histograms(1), tmp_path / "a.gif")
    assert str(caught.value) == "Cannot write 'a.gif': the ending '.gif' is not one of .png, .svg, .pdf."
    with pytest.raises(InputError, match=r"^Theme 'sepia' does not exist\. Give 'light' or 'dark'\.$"):
        save(histograms(1), tmp_path / "a.png", theme="sepia")
    with pytest.raises(InputError, match=r"^Theme 'sepia' does not exist\. Give 'light' or 'dark'\.$"):
        svg(histograms(1), theme="sepia")
    with pytest.raises(StoreError):
        save(histograms(1), tmp_path / "none" / "a.png")
    with pytest.raises(InputError, match=r"^path='' came; expected the name of a file, a text or a pathlib\.Path\.$"):
        histograms(1).save("")


def test_matplotlib_is_left_as_it_was() -> None:
    """The user's settings are the same afterwards, do not change the picture, and pyplot stays unloaded."""
    before = svg(figure(panels()["curves"]))
    with mpl.rc_context({"text.usetex": True, "axes.facecolor": "pink", "svg.hashsalt": "mine", "font.size": 40}):
        settings = dict(mpl.rcParams)
        assert svg(figure(panels()["curves"])) == before
        assert dict(mpl.rcParams) == settings
    code = (
        "import sys; from tests.core.figure.pictures import histograms; histograms(1).svg(); "
        "import matplotlib; assert 'matplotlib.pyplot' not in sys.modules"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, env={"PYTHONPATH": f"{root}/src:{root}"})


def test_matplotlib_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without matplotlib the install is named."""
    from pellucid.core.figure.static import sheet

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    sheet.families.cache_clear()
    with pytest.raises(MissingExtraError) as caught:
        png(histograms(1))
    assert str(caught.value) == (
        "Drawing a static image needs matplotlib, which is not installed. Run: pip install 'pellucid[static]'"
    )


def test_twelve_panels_are_small() -> None:
    """Twelve histograms take less than 100 kB as SVG."""
    assert len(svg(histograms(12))) < 100_000


def test_large_data_stay_small() -> None:
    """A million cells, a long curve and many points are stored as can be seen, not as they are."""
    heat = svg(figure(Panel(marks=hostile_marks()["large heat"])))
    line = svg(figure(Panel(marks=hostile_marks()["long line"], x=Axis(label="step"))))
    assert len(heat) < 300_000
    assert len(line) < 100_000


def drawn_pixels(panel: Panel, tmp_path: Path) -> np.ndarray[Any, Any]:
    """The colours of a picture, [row, column, 4], 0 to 1."""
    return mpl.image.imread(figure(panel).save(tmp_path / "drawn.png"))


def test_a_matrix_lies_over_its_picture(tmp_path: Path) -> None:
    """Where it is 0 the picture is as it was, and elsewhere red or blue, the more so the larger its opacity."""
    left, right = np.array([[1.0, 0, -1.0]]), np.full((3, 9), 0.5)
    red = [
        int((pixels[..., 0] > pixels[..., 2] + 0.25).sum())
        for pixels in (
            drawn_pixels(Panel(marks=(Heat(values=left, under=right, signed=True, opacity=opacity),)), tmp_path)
            for opacity in (0.0, 0.5, 1.0)
        )
    ]
    assert red[0] == 0 < red[1] < red[2]
    pixels = drawn_pixels(Panel(marks=(Heat(values=left, under=right, signed=True),)), tmp_path)
    middle = pixels[pixels.shape[0] // 2]
    grey = np.isclose(middle[:, :3], 128 / 255, atol=0.01).all(axis=1)
    assert grey.sum() > 3  # between for and against the picture is seen


def test_a_picture_alone_needs_no_key() -> None:
    """Its colours are its own."""
    assert entries_of(panels()["picture alone"]) == []
    assert [one.over for one in entries_of(panels()["overlay"])] == [True]


def test_tiles_have_room_for_their_titles_and_a_border() -> None:
    """Titles are whole, and a white tile can be told from white paper."""
    titles = tuple(f"{one}: −0.{one:02d}21" for one in range(36))
    panel = Panel(title="tiles", marks=(Tiles(images=np.ones((36, 5, 5, 3)), titles=titles),))
    source = svg(Figure(title="t", panels=(panel,) * 3, columns=3), theme="light")
    assert set(titles) <= set(texts(source))
    assert source.count(LIGHT.faint) >= 3 * 36
