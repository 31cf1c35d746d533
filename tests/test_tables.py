"""The tables of the README that benches measure: each has its bench, and is put in its place alone."""

import re
import sys

import pytest
from places import ROOT

BENCHES = ROOT / "tests" / "bench"
sys.path.insert(0, str(BENCHES))  # where scripts find the modules beside them

import ablation  # noqa: E402
import bench_formats  # noqa: E402
import tables  # noqa: E402
from readme_table import OtherShapeError, marked_table, print_table, rows, table_names, times  # noqa: E402

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = """# A page with 7 of 9

<!-- table: first -->
| what | share |
|---|---|
| 3 crops, 8 cells | 7 of 9 |
| idx2numpy | - |

<!-- table: second -->
| what | share |
|---|---|
| one | 1,000 |

7 of 9 are in the first table.
"""
CHINESE = """# 网页

<!-- table: first -->
| 什么 | 份额 |
|---|---|
| 3张和8格 | 9个里有7个 |
| idx2numpy | - |
"""
FIRST = "| what | share |\n|---|---|\n| 3 crops, 8 cells | 6 of 10 |\n| idx2numpy | - |\n"


def test_a_table_is_replaced_and_all_else_stays_byte_for_byte():
    assert tables.with_table(PAGE, "first", FIRST) == PAGE.replace("| 7 of 9 |", "| 6 of 10 |")
    assert tables.with_table(PAGE, "second", marked_table(PAGE, "second")) == PAGE


@pytest.mark.parametrize(
    "table",
    [
        FIRST + "| two | 2 of 2 |\n",
        FIRST.replace("| 6 of 10 |", "| 6 | 10 |"),
        FIRST.replace("6 of 10", "6"),
        FIRST.replace("-", "5"),
    ],
    ids=["a row more", "a column more", "a figure less", "a figure more"],
)
def test_a_table_of_another_shape_is_refused(table):
    with pytest.raises(OtherShapeError, match=r"expected .*(?s:.*)found"):
        tables.with_table(PAGE, "first", table)


@pytest.mark.parametrize(("page", "found"), [("# no table\n", 0), (PAGE + PAGE, 2)])
def test_a_page_that_does_not_have_the_table_once_is_refused(page, found):
    with pytest.raises(OtherShapeError, match=rf"one table after <!-- table: first -->, found {found}"):
        tables.with_table(page, "first", FIRST)


def test_of_a_translation_figures_alone_are_replaced_by_their_place():
    new = tables.with_figures(marked_table(CHINESE, "first"), FIRST)
    assert new == "| 什么 | 份额 |\n|---|---|\n| 3张和8格 | 6个里有10个 |\n| idx2numpy | - |\n"


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("**99.8 %** of 1,000", ["99.8", "1,000"]),
        ("idx2numpy 1.6, torchvision 4.6", ["1.6", "4.6"]),
        ("zlib 0.96、分块读1.06、共12个", ["0.96", "1.06", "12"]),
        ("hangyin2020/cs5330_p5", []),
    ],
)
def test_a_figure_is_a_number_that_is_no_part_of_a_name(text, figures):
    assert tables.FIGURE.findall(text) == figures


@pytest.fixture
def pages(tmp_path, monkeypatch):
    """An English and a Chinese page, and the file with what benches printed."""
    english, chinese = tmp_path / "README.md", tmp_path / "README.zh-CN.md"
    english.write_bytes(PAGE.encode())
    chinese.write_bytes(CHINESE.encode())
    monkeypatch.setattr(tables, "PAGES", (english, chinese))
    return english, chinese


def test_what_a_bench_prints_goes_into_both_pages_and_changes_are_told(pages, capsys):
    header, _, *body = rows(FIRST)
    print_table("first", [cell.strip() for cell in header], ([cell.strip() for cell in row] for row in body))
    assert tables.written_everywhere("first", "beside it\n" + capsys.readouterr().out + "and after\n")
    assert pages[0].read_bytes().decode() == PAGE.replace("| 7 of 9 |", "| 6 of 10 |")
    assert pages[1].read_bytes().decode() == CHINESE.replace("9个里有7个", "6个里有10个")
    assert capsys.readouterr().out.splitlines() == [
        "README.md, first, 3 crops, 8 cells: 7 of 9 -> 6 of 10",
        "README.zh-CN.md, first, 3张和8格: 9个里有7个 -> 6个里有10个",
    ]


def test_a_translation_is_left_to_people_where_words_changed(pages, capsys):
    table = FIRST.replace("crops", "photos")
    assert not tables.written_everywhere("first", f"<!-- table: first -->\n{table}")
    assert table in pages[0].read_text()
    assert pages[1].read_bytes() == CHINESE.encode()
    assert "other words in README.md, to be translated in README.zh-CN.md" in capsys.readouterr().out


def test_a_table_that_the_bench_did_not_print_changes_nothing(pages, capsys):
    assert not tables.written_everywhere("first", "nothing\n")
    assert pages[0].read_bytes() == PAGE.encode()
    assert "expected one table after <!-- table: first -->, found 0" in capsys.readouterr().out


def test_every_marked_table_of_the_readme_has_its_bench_and_the_other_way_round():
    assert sorted(table_names(README)) == sorted(tables.TABLES)
    sources = "\n".join(file.read_text(encoding="utf-8") for file in BENCHES.glob("*.py"))
    for name, bench in tables.TABLES.items():
        assert (BENCHES / bench.command.split()[0]).is_file()
        assert len(re.findall(rf'print_table\(\s*"{name}"', sources)) == 1, name


def test_the_words_of_the_readme_are_those_that_the_benches_print():
    written = {row[0].strip(): row[-1].strip() for row in rows(marked_table(README, "formats"))[2:]}
    assert written.keys() == bench_formats.README_ROWS.keys()
    for name, cell in bench_formats.README_ROWS.items():
        assert tables.FIGURE.sub("", written[name]) == re.sub("{.+?}", "", cell)
    written = {row[0].strip(): row[-1].strip() for row in rows(marked_table(README, "ablation"))[2:]}
    assert written == {f"`{step}`": words for step, words in ablation.HURTS_MOST.items()}


@pytest.mark.parametrize(("ratio", "text"), [(0.964, "0.96"), (1.06, "1.1"), (34.2, "34")])
def test_ratios_have_two_figures(ratio, text):
    assert times(ratio) == text
