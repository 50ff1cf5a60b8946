"""docs/resources.md: its errors are those of the committed coefficients, and these of the table."""

import re
from pathlib import Path
from typing import Any

from tilewright.hw.lib.resources import coefficients
from tilewright.hw.lib.structure import FAMILIES, Structure

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "resources.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"<!-- errors -->\n(.*?)<!-- end -->", re.DOTALL)
WHAT = {"lut": "LUT", "ff": "FF", "period": "clock period"}


def expected_table(table: dict[str, Any]) -> str:
    """Errors of each family as the page shows them."""
    lines = ["| family | of | designs fitted | held out | mean error | worst |",
             "|---|---|---:|---:|---:|---:|"]  # fmt: skip
    for family, found in table["families"].items():
        for name, errors in found["accuracy"].items():
            lines.append(
                f"| {family} | {WHAT[name]} | {errors['fitted']} | {errors['held_out']} | "
                f"{100 * errors['mean']:.1f} % | {100 * errors['worst']:.1f} % |"
            )
    return "\n".join(lines) + "\n"


def sentence(table: dict[str, Any]) -> str:
    """What the README says of them: the largest of all families."""
    found = [family["accuracy"] for family in table["families"].values()]
    mean, worst = (max(100 * each["lut"][name] for each in found) for name in ("mean", "worst"))
    period = max(100 * each["period"]["mean"] for each in found if "period" in each)
    return (
        f"`estimate` is off by up to {mean:.0f} % of the LUTs on average, {worst:.0f} % at worst, "
        f"and by {period:.0f} % of the clock period, on designs that it has not seen"
    )


def test_the_readme_has_the_errors_too() -> None:
    assert sentence(dict(coefficients())) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_page_has_the_errors_of_the_coefficients() -> None:
    found = BLOCK.search(PAGE)
    assert found is not None
    assert found[1] == expected_table(dict(coefficients()))


def test_every_word_of_the_builder_is_explained() -> None:
    words = {name for name in vars(Structure) if not name.startswith("_")}
    told = {word for line in re.findall(r"^\| `.*", PAGE, re.MULTILINE)
            for word in re.findall(r"`(\w+)\(", line.split("|")[1])}  # fmt: skip
    composed = {"logic", "gates", "fifo"}
    assert told == words - composed


def test_sizes_of_multipliers_are_those_of_the_code() -> None:
    for family, text in (("ecp5", "18 x 18 on ECP5"), ("xc7", "25 x 18 on 7 series"),
                         ("xcup", "27 x 18 on UltraScale+")):  # fmt: skip
        wide, narrow = FAMILIES[family].dsp_sizes
        assert f"{wide} x {narrow} on" in text
        assert text in PAGE.replace("\n", " ")


if __name__ == "__main__":
    TABLE = f"<!-- errors -->\n{expected_table(dict(coefficients()))}<!-- end -->"
    (ROOT / "docs" / "resources.md").write_text(BLOCK.sub(TABLE, PAGE), encoding="utf-8")
    README = (ROOT / "README.md").read_text(encoding="utf-8")
    LINE = re.compile(r"`estimate` is off by .*? that it has not seen")
    (ROOT / "README.md").write_text(
        LINE.sub(sentence(dict(coefficients())), README), encoding="utf-8"
    )
