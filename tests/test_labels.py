"""Labels of photos: from folders, names, patterns, JSON and CSV, each with an error that says what to do."""

import codecs
import json
from pathlib import Path

import pytest

from digitprep.errors import DataError, UsageError
from digitprep.labels import find_labels


def labels(photos, how, classes=10):
    """Labels, with an error as its message."""
    found = find_labels([Path(photo) for photo in photos], str(how), classes)
    return [str(label) if isinstance(label, DataError) else label for label in found]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A current folder with two photos in it, one of them deeper down."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "deep/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_the_folder_says_the_label(tmp_path, monkeypatch):
    (tmp_path / "3").mkdir()
    monkeypatch.chdir(tmp_path / "3")
    assert labels(["7/a.png", tmp_path / "0" / "b 5.jpg", "a.png", "../4/c.png"], "folder") == [7, 0, 3, 4]


def test_a_link_lies_in_the_folder_where_it_stands(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "8").mkdir()
    (tmp_path / "store" / "abc").touch()
    (tmp_path / "8" / "a.png").symlink_to(tmp_path / "store" / "abc")
    assert labels([tmp_path / "8" / "a.png"], "folder") == [8]


def test_the_one_number_in_a_name_is_the_label():
    assert labels(["digit 7.png", "3.jpg", "x/09.png", "2021/five5.png"], "name") == [7, 3, 9, 5]


@pytest.mark.parametrize("name", ["a1b2.png", "none.png", "1.5.png"])
def test_a_name_with_no_number_or_several_asks_for_a_pattern(name):
    [message] = labels([name], "name")
    assert name in message
    assert "{label}" in message


def test_a_pattern_picks_the_label_out_of_a_name():
    photos = ["digit_7_anna_12.png", "x/digit_0_.jpg", "digit_12_a.png"]
    assert labels(photos, "digit_{label}_*", classes=20) == [7, 0, 12]
    assert labels(["scan.3.png"], "scan.{label}.png") == [3]
    assert labels(["(4)+[x].png"], "({label})+[x]") == [4]


def test_a_name_that_does_not_match_is_said_and_the_others_go_on():
    first, second = labels(["other.png", "digit_7_x.png"], "digit_{label}_*")
    assert "other.png" in first
    assert "digit_{label}_*" in first
    assert second == 7


@pytest.mark.parametrize("how", ["{label}{label}", "a{label}b{label}", "guess", "", "labels.xlsx"])
def test_any_other_source_is_a_usage_error_that_lists_what_there_is(how):
    with pytest.raises(UsageError, match="label"):
        find_labels([Path("1.png")], how)


@pytest.mark.parametrize("written", ["10", "-1", "x", "AB", "", "1.0", "²", "٣", "None"])
def test_a_label_that_is_no_class_is_said_with_the_range_and_the_photo(folder, written):
    (folder / "l.csv").write_text(f'file,label\na.png,"{written}"\n', encoding="utf-8")
    [message] = labels(["a.png"], "l.csv")
    assert "a.png" in message
    assert "a label from 0 to 9" in message
    assert repr(written) in message


def test_the_range_of_labels_is_the_callers(folder):
    (folder / "l.csv").write_text("a.png,25\ndeep/b.png,26\n")
    found = labels(["a.png", "deep/b.png"], "l.csv", classes=26)
    assert found[0] == 25
    assert "0 to 25" in found[1]


CSV = {
    "a header": "file,label\na.png,1\ndeep/b.png,2\n",
    "other names and order": "y,source,Path\n1,x,a.png\n2,x,deep/b.png\n",
    "no header": "a.png,1\ndeep/b.png,2\n",
    "Windows lines": "file,label\r\na.png,1\r\ndeep/b.png,2\r\n",
    "Windows paths": "file,label\na.png,1\ndeep\\b.png,2\n",
    "names alone": "file,label\na.png,1\nb.png,2\n",
    "other rows": "file,label\nz.png,9\na.png,1\nb.png,2\nc.png,x\n",
    "blank lines and spaces": "\nfile, label \n a.png , 1 \n\n,\nb.png,2\n\n",
    "quotes": '"file","label"\n"a.png","1"\n"deep/b.png","2"\n',
    "no last newline": "a.png,1\nb.png,2",
    "the same row twice": "a.png,1\nb.png,2\na.png,1\n",
    "a column of numbers": ",file,label\n0,a.png,1\n1,b.png,2\n",
    "semicolons": "file;label\r\na.png;1\r\ndeep/b.png;2\r\n",
    "semicolons without a header": "a.png;1\ndeep/b.png;2\n",
    "semicolons and decimal commas": "file;width;label\na.png;1,5;1\nb.png;2,5;2\n",
    "tabs": "\nlabel\tfile\n1\ta.png\n2\tdeep/b.png\n",
    "semicolons within names": 'file,label\na.png,1\n"deep/b.png",2\n"c;d;e.png",3\n',
}


@pytest.mark.parametrize("bom", [b"", codecs.BOM_UTF8], ids=["", "BOM"])
@pytest.mark.parametrize("content", CSV.values(), ids=CSV)
def test_a_csv_file_is_read_however_it_was_written(folder, content, bom):
    for name in ("labels.CSV", "labels.tsv"):
        (folder / name).write_bytes(bom + content.encode())
        assert labels(["a.png", "deep/b.png"], name) == [1, 2]


def test_paths_in_a_table_are_those_from_its_own_folder(folder):
    (folder / "deep" / "l.csv").write_text("b.png,2\n../a.png,1\n")
    assert labels([folder / "a.png", "deep/b.png"], "deep/l.csv") == [1, 2]


def test_two_files_of_one_name_are_told_apart_by_their_folders(folder):
    (folder / "l.csv").write_text("file,label\nx/1.png,1\ny/1.png,2\n")
    assert labels(["y/1.png", "x/1.png"], "l.csv") == [2, 1]
    [message] = labels(["elsewhere/1.png"], "l.csv")
    assert "2 of that name" in message


@pytest.mark.parametrize("table", ["l.csv", "l.json"])
def test_a_row_with_a_path_at_which_there_is_a_file_says_nothing_of_its_namesakes(folder, table):
    write_table(folder / table, {"deep/b.png": 3})
    (folder / "other").mkdir()
    (folder / "other" / "b.png").touch()
    label, message = labels(["deep/b.png", "other/b.png"], table)
    assert label == 3
    assert "other/b.png" in message
    assert f"a row for another file, {folder / 'deep' / 'b.png'}" in message
    assert "another file" in labels(["other/b.png"], table)[0]


@pytest.mark.parametrize("table", ["l.csv", "l.json"])
def test_a_bare_name_that_several_photos_have_is_none_of_theirs(folder, table):
    write_table(folder / table, {"b.png": 3})
    (folder / "other").mkdir()
    (folder / "other" / "b.png").touch()
    for message in labels(["deep/b.png", "other/b.png"], table):
        assert "2 photos of that name" in message
        assert "write the photo's path there" in message
    assert labels(["deep/b.png", folder / "deep" / "b.png"], table) == [3, 3]  # one photo, given twice


def test_a_loop_of_links_is_a_photo_without_a_row(folder):
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "l.csv").write_text("a.png,1\n")
    first, second = labels(["a.png", "loop.png"], "l.csv")
    assert first == 1
    assert "no row for it" in second


def write_table(file, rows):
    lines = [f"{name},{label}" for name, label in rows.items()]
    file.write_text(json.dumps(rows) if file.suffix == ".json" else "\n".join(["file,label", *lines]))


def test_a_photo_without_a_row_is_said_and_the_others_go_on(folder):
    (folder / "l.csv").write_text("file,label\nb.png,2\n")
    first, second = labels(["a.png", "deep/b.png"], "l.csv")
    assert "a.png" in first
    assert "l.csv" in first
    assert second == 2


BAD_CSV = {
    "contradiction": ("a.png,1\na.png,2\n", "a.png.*one label.*'1' and '2'"),
    "contradiction by another path": ("a.png,1\n./a.png,2\n", "one label"),
    "empty": ("", "found none"),
    "blank": ("\n,\n", "found none"),
    "three columns without a header": ("a,b,c\n1,2,3\n", "a column named file.*found a, b, c"),
    "a short row": ("id,file,label\n1,a.png,7\n\n2,b.png\n", "line 4.*a file name and a label"),
    "a first line further down": ("\n\na,b,c\n1,2,3\n", "line 3.*a column named file"),
    "spaces between columns": ("a.png 1\nb.png 2\n", "line 1.*a column named file.*found a.png 1"),
    "semicolons, a short row": ("id;file;label\n1;a.png;7\n2;b.png\n", "line 3.*a file name and a label"),
    "a field beyond reason": ("a.png," + "1" * 200_000, "cannot be read"),
}


@pytest.mark.parametrize(("content", "reason"), BAD_CSV.values(), ids=BAD_CSV)
def test_a_csv_file_that_makes_no_sense_is_a_data_error_naming_it(folder, content, reason):
    (folder / "l.csv").write_text(content)
    with pytest.raises(DataError, match=f"(?s)l.csv.*{reason}"):
        labels(["a.png"], "l.csv")


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_table_in_another_encoding_says_what_to_save_it_as(folder, encoding):
    (folder / "l.csv").write_text("file;label\nä.png;1\n", encoding=encoding)
    with pytest.raises(DataError, match=r"l\.csv.*save it as UTF-8"):
        labels(["a.png"], "l.csv")


def test_json_maps_names_to_labels_or_lists_them_in_order(folder):
    (folder / "m.json").write_text(json.dumps({"deep/b.png": 2, "a.png": "1", "other.png": None}))
    assert labels(["a.png", "deep/b.png"], "m.json") == [1, 2]
    (folder / "l.json").write_bytes(codecs.BOM_UTF8 + b'[3, "4"]')
    assert labels(["a.png", "b.png"], "l.json") == [3, 4]


def test_a_whole_number_of_json_is_a_label_however_it_is_written(folder):
    (folder / "m.json").write_text('{"a.png": 7.0, "b.png": 1e0, "c.png": 1.5, "d.png": NaN, "e.png": true}')
    found = labels(["a.png", "b.png", "c.png", "d.png", "e.png"], "m.json")
    assert found[:2] == [7, 1]
    assert [word in text for word, text in zip(("'1.5'", "'nan'", "'True'"), found[2:], strict=True)] == [
        True
    ] * 3
    (folder / "l.json").write_text("[7.0, 2.5]")
    first, second = labels(["a.png", "b.png"], "l.json")
    assert first == 7
    assert "'2.5'" in second


BAD_JSON = {
    "a cut file": (b'{"a.png": 1', "line 1, column 12.*JSON"),
    "no object": (b"7", "an object of file names.*found int"),
    "too few": (b"[1]", "each of 2 photos, found 1"),
    "no UTF-8": (b'["\xff"]', "cannot be read"),
    "too deep": (b"[" * 100_000, "cannot be read"),
    "a number beyond reason": (b"[1, " + b"1" * 5000 + b"]", "cannot be read"),
    "contradiction": (b'{"a.png": 1, "./a.png": 2}', "one label"),
    "a key twice": (b'{"a.png": 1, "b.png": 3, "a.png": 2}', "a.png.*one label.*'1' and '2'"),
    "a null character": (b'{"a\\u0000.png": 1}', "names of files"),
}


@pytest.mark.parametrize(("content", "reason"), BAD_JSON.values(), ids=BAD_JSON)
def test_a_json_file_that_makes_no_sense_is_a_data_error_naming_it(folder, content, reason):
    (folder / "m.json").write_bytes(content)
    with pytest.raises(DataError, match=f"(?s)m.json.*{reason}"):
        labels(["a.png", "b.png"], "m.json")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("how", ["no.csv", "no.json"])
def test_a_missing_file_of_labels_is_a_data_error_naming_it(how):
    with pytest.raises(DataError, match=rf"^{how}: cannot be read: No such file or directory$"):
        labels(["a.png"], how)
