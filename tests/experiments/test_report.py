"""Figures of reports."""

from matplotlib.figure import Figure

from experiments.report import to_svg


def test_a_figure_that_is_drawn_again_is_the_same_file():
    """Results are committed: what has not changed must not show in a diff (a property; no date, no random ids)."""

    def draw() -> str:
        figure = Figure()
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], marker="o", clip_on=True)
        axes.set_title("rates")
        return to_svg(figure)

    text = draw()
    assert text == draw()
    assert text.startswith("<svg")
    assert "dc:date" not in text
    assert "<text" not in text, "words are paths, which look the same everywhere"
