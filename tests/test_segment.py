"""Pages of digits: found, in reading order, whichever way up, and as labelled samples."""

import contextlib
import json

import cv2
import numpy as np
import pytest
from html_page import Page
from PIL import Image
from places import DIGITS

import digitprep as dp
from digitprep.recipes import recipe
from digitprep.segment.reading import DIGIT

ROWS = ("0123456", "789 4502")


@pytest.fixture(scope="module")
def net():
    return dp.load_model()


@pytest.fixture(scope="module")
def digits(net):
    """One clearly written digit of each class, as ink of 0..1 in a box of its own."""
    data = dp.read(DIGITS)["test"]
    likely = net.probabilities(data.images)
    chosen = {}
    for label in range(10):
        image = data.images[int(np.argmax(np.where(data.labels == label, likely[:, label], 0)))]
        large = cv2.GaussianBlur(
            cv2.resize(image, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC), (0, 0), 1.5
        )
        rows, columns = np.flatnonzero(large.max(axis=1) > 100), np.flatnonzero(large.max(axis=0) > 100)
        ink = large[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        chosen[str(label)] = np.clip((ink.astype(float) - 70) / 90, 0, 1)
    return chosen


def written(digits, rows=ROWS, gap=28, height=520, width=900, left=60, top=60, pitch=150):
    """Ink of 0..1 (height, width), and the box (x, y, width, height) of each digit."""
    ink, boxes = np.zeros((height, width)), []
    for number, row in enumerate(rows):
        x, y = left, top + number * pitch
        for character in row:
            if character == " ":
                x += 110
                continue
            shape = digits[character]
            h, w = shape.shape
            part = ink[y : y + h, x : x + w]
            np.maximum(part, shape, out=part)
            boxes.append((x, y, w, h))
            x += w + gap
    return ink, boxes


def on_paper(ink, paper=235, pen=40, grain=2.0):
    noise = np.random.default_rng(0).normal(0, grain, ink.shape)
    return np.clip(paper + (pen - paper) * ink + noise, 0, 255).astype(np.uint8)


def text_of(net, pixels):
    return dp.read_page(net, pixels).text


def test_a_page_is_read_row_by_row_with_a_blank_between_rows_and_groups(net, digits):
    ink, boxes = written(digits)
    reading = dp.read_page(net, on_paper(ink))
    assert reading.text == " ".join(ROWS)
    assert [digit.row for digit in reading.page.digits] == [0] * 7 + [1] * 7
    assert [digit.group for digit in reading.page.digits] == [0] * 7 + [0] * 3 + [1] * 4
    assert all(0.5 < digit.confidence <= 1 for digit in reading.digits)
    for digit, box in zip(reading.page.digits, boxes, strict=True):
        assert digit.image.shape == (28, 28)
        assert np.abs(np.subtract(digit.box, box)).max() <= 4


def test_a_digit_of_a_page_is_made_as_the_default_recipe_makes_one():
    assert recipe().steps[-len(DIGIT.steps) :] == DIGIT.steps


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_page_that_lies_on_its_side_is_turned_and_its_boxes_are_where_the_photo_has_them(
    net, digits, quarters
):
    ink, boxes = written(digits)
    pixels = np.ascontiguousarray(np.rot90(on_paper(ink), quarters))
    reading = dp.read_page(net, pixels)
    assert reading.text == " ".join(ROWS)
    assert (reading.page.quarter_turns + quarters) % 4 == 0
    x, y, w, h = boxes[0]
    height, width = ink.shape
    corner = {1: (y, width - x - w), 2: (width - x - w, height - y - h), 3: (height - y - h, x)}[quarters]
    assert np.abs(np.subtract(reading.page.digits[0].box[:2], corner)).max() <= 4


def test_tiny_digits_on_a_large_page_are_read_as_others_are(net, digits):
    rows = ("0123456", "789 4502", "8642097", "531 6480")
    small = cv2.resize(
        written(digits, rows, height=700)[0], None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA
    )
    ink = np.zeros((1600, 2400))
    ink[700 : 700 + small.shape[0], 900 : 900 + small.shape[1]] = small
    assert text_of(net, on_paper(ink, grain=6)) == " ".join(rows)


@pytest.mark.parametrize("degrees", [-7, 7])
def test_rows_may_be_tilted(net, digits, degrees):
    ink, _ = written(digits, height=700, top=180)
    turn = cv2.getRotationMatrix2D((450, 350), degrees, 1)
    assert text_of(net, on_paper(cv2.warpAffine(ink, turn, (900, 700)))) == " ".join(ROWS)


def test_bright_ink_on_a_dark_ground_is_read_as_well(net, digits):
    ink, _ = written(digits)
    assert text_of(net, on_paper(ink, paper=40, pen=230)) == " ".join(ROWS)


def test_pencil_is_read_across_the_hard_edge_of_a_shadow(net, digits):
    ink, _ = written(digits)
    pixels = on_paper(ink, paper=220, pen=130).astype(float)
    pixels[:, 430:] *= 0.5
    assert text_of(net, pixels.astype(np.uint8)) == " ".join(ROWS)


@pytest.mark.parametrize(("start", "slope"), [(250, 0.5), (200, 0.3), (400, -0.6)])
def test_thick_pencil_is_read_where_the_edge_of_a_shadow_runs_through_it(net, digits, start, slope):
    ink, _ = written(digits, rows=("0864953", "8960385"), height=600, gap=13)
    pixels = on_paper(cv2.dilate(ink, np.ones((5, 5))), paper=215, pen=165) * np.linspace(1.15, 0.75, 900)
    rows, columns = np.mgrid[:600, :900]
    pixels[columns > start + slope * rows] *= 0.4
    pixels = cv2.GaussianBlur(pixels, (0, 0), 1.5).clip(0, 255)
    assert text_of(net, pixels.astype(np.uint8)) == "0864953 8960385"


@pytest.mark.parametrize("both", [False, True], ids=["ruled", "squared"])
def test_printed_rules_are_not_read(net, digits, both):
    ink, _ = written(digits)
    pixels = on_paper(ink)
    rules = np.zeros(ink.shape, bool)
    rules[25::75] = rules[26::75] = True
    if both:
        rules[:, 40::75] = rules[:, 41::75] = True
    pixels[rules] = np.minimum(pixels[rules], 165)
    assert text_of(net, pixels) == " ".join(ROWS)


def test_a_table_is_read_by_its_cells_and_what_lies_around_it_is_not(net, digits):
    cell, pixels = 100, np.full((620, 720), 235, np.uint8)
    expected = ["0123", "4567", "8902", "3456"]
    ink = np.zeros(pixels.shape)
    for row, line in enumerate(expected):
        for column, character in enumerate(line):
            shape = digits[character]
            y, x = (
                110 + row * cell + (cell - shape.shape[0]) // 2,
                90 + column * cell + (cell - shape.shape[1]) // 2,
            )
            ink[y : y + shape.shape[0], x : x + shape.shape[1]] = shape
    outside = digits["7"]
    ink[20 : 20 + outside.shape[0], 600 : 600 + outside.shape[1]] = outside
    pixels = on_paper(ink)
    for place in range(5):
        cv2.line(pixels, (90, 110 + place * cell), (490, 110 + place * cell), 60, 2)
        cv2.line(pixels, (90 + place * cell, 110), (90 + place * cell, 510), 60, 2)
    assert text_of(net, pixels) == " ".join(expected)


def test_boxes_around_digits_are_not_read_though_they_overlap_and_are_no_table(net, digits):
    ink, boxes = written(digits, rows=("012345", "789 450"), gap=34, pitch=200, height=620)
    pixels = on_paper(ink)
    for place, (x, y, w, h) in enumerate(boxes):
        low = 5 * (place % 3)
        corner = (x + w // 2 - 46, y + h // 2 - 62 + low)
        cv2.rectangle(pixels, corner, (corner[0] + 92, corner[1] + 124), 60, 3)
    assert text_of(net, pixels) == "012345 789 450"


def test_specks_dashes_and_what_comes_in_from_the_edge_are_not_read(net, digits):
    ink, _ = written(digits)
    pixels = on_paper(ink)
    for x, y in [(30, 400), (500, 30), (700, 480), (820, 300)]:
        cv2.circle(pixels, (x, y), 4, 60, -1)
    cv2.line(pixels, (290, 240), (325, 240), 60, 5)
    cv2.ellipse(pixels, (900, 520), (110, 80), 0, 0, 360, 120, -1)
    assert text_of(net, pixels) == " ".join(ROWS)


@pytest.mark.parametrize("margin", [0, 6])
def test_a_strip_cut_close_to_thick_digits_is_read(net, digits, margin):
    ink, boxes = written(digits, rows=("3850472",))
    ink = cv2.dilate(ink, np.ones((5, 5)))
    x, y = (min(box[axis] for box in boxes) - 2 - margin for axis in (0, 1))
    right, bottom = (max(box[axis] + box[axis + 2] for box in boxes) + 2 + margin for axis in (0, 1))
    assert text_of(net, on_paper(ink[y:bottom, x:right])) == "3850472"


def test_a_photo_cut_through_other_things_is_read_without_them(net, digits):
    pixels = on_paper(written(digits)[0])
    cv2.line(pixels, (0, 30), (899, 12), 60, 4)
    cv2.circle(pixels, (0, 300), 60, 90, -1)
    assert text_of(net, pixels) == " ".join(ROWS)


def test_words_beside_digits_are_not_read(net, digits):
    pixels = on_paper(written(digits, top=110)[0])
    cv2.putText(pixels, "Phone number", (60, 60), cv2.FONT_HERSHEY_DUPLEX, 1.6, 40, 3, cv2.LINE_AA)
    assert text_of(net, pixels) == " ".join(ROWS)


def test_stems_above_each_other_between_rules_are_no_rule():
    from digitprep.segment.paper import Ink
    from digitprep.segment.rules import without_rules

    mask, darkness = np.zeros((900, 900), bool), np.zeros((900, 900), np.float32)
    for place in range(150, 800, 100):
        mask[:, place : place + 2] = True
    mask[150, :] = mask[750, :] = True
    darkness[mask] = 0.3
    mask[:, 50:57] = True
    darkness[:, 50:57] = 0.7
    stems = np.zeros_like(mask)
    stems[300:380, 196:203] = stems[388:470, 196:203] = True
    mask |= stems
    darkness[stems] = 0.7
    rest, _ = without_rules(Ink(mask, darkness))
    assert (rest & stems).sum() >= 0.95 * stems.sum()


def test_digits_that_touch_are_cut_apart(net, digits):
    ink, _ = written(digits, rows=("3853", "2750"), gap=-3)
    assert text_of(net, on_paper(ink)) == "3853 2750"


def test_a_broken_digit_is_put_together(net, digits):
    ink, boxes = written(digits, rows=("2502",))
    x, y, w, h = boxes[1]
    ink[y + h // 5 : y + h // 5 + 3, x : x + w] = 0
    reading = dp.read_page(net, on_paper(ink))
    assert reading.text == "2502"


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_page_without_ink_says_so(net, value):
    with pytest.raises(dp.StepError, match="no ink"):
        dp.read_page(net, np.full((300, 400), value, np.uint8))


def test_specks_alone_are_no_digits(net):
    pixels = np.full((600, 800), 235, np.uint8)
    pixels[100:102, 100:102] = 30
    with pytest.raises(dp.StepError, match=r"ink"):
        dp.read_page(net, pixels)


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (900, 2), (20, 20, 3)])
def test_a_page_of_any_shape_is_read_or_refused_with_a_reason(net, shape):
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    with contextlib.suppress(dp.StepError):
        assert dp.read_page(net, pixels).text


def test_a_network_for_other_images_is_refused():
    other = dp.Model.build("flatten | dense(width=10)", image_shape=(14, 14))
    with pytest.raises(dp.ModelError, match=r"\(28, 28\)"):
        dp.read_page(other, np.full((300, 400), 200, np.uint8))


def test_pages_on_the_command_line(run, tmp_path, digits):
    Image.fromarray(on_paper(written(digits)[0])).save(tmp_path / "page.png")
    Image.new("L", (300, 200), 200).save(tmp_path / "blank.png")
    assert run("predict", "--many", "page.png").stdout == f"page.png\t{' '.join(ROWS)}\n"
    done = run("predict", "--many", "--json", "blank.png", "page.png", check=7)
    blank, page = map(json.loads, done.stdout.splitlines())
    assert (blank["text"], blank["digits"]) == (None, [])
    assert "no ink" in blank["reason"]
    assert (page["text"], page["reason"]) == (" ".join(ROWS), None)
    assert [str(digit["digit"]) for digit in page["digits"]] == list("".join(ROWS).replace(" ", ""))
    assert [digit["row"] for digit in page["digits"]] == [0] * 7 + [1] * 7
    assert len(page["digits"][0]["box"]) == 4


def doubtful_page(digits):
    """Two rows, with a letter in the place of the fourth digit of the second."""
    ink, boxes = written(digits)
    x, y, w, h = boxes[10]
    ink[y - 5 : y + h + 5, x - 5 : x + w + 5] = 0
    letter = np.zeros(ink.shape, np.uint8)
    cv2.putText(letter, "R", (x, y + h), cv2.FONT_HERSHEY_SIMPLEX, h / 22, 255, 5, cv2.LINE_AA)
    return on_paper(np.maximum(ink, letter / 255))


def test_a_doubtful_digit_of_a_page_is_told_with_its_place_and_reason(net, digits):
    reading = dp.read_page(net, doubtful_page(digits))
    assert [digit.reason is None for digit in reading.digits] == [True] * 10 + [False] + [True] * 3
    assert reading.reason.startswith(f"digit 4 in row 2, read as {reading.digits[10].digit}: ")
    assert reading.digits[10].reason in reading.reason
    assert dp.read_page(net, on_paper(written(digits)[0])).reason is None


@pytest.mark.parametrize(("digit", "scale", "said"), [("4", 0.52, "0.5"), ("1", 1.9, "1.9")])
def test_a_digit_much_lower_or_higher_than_the_others_is_doubtful(net, digits, digit, scale, said):
    odd = cv2.resize(digits[digit], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    ink, _ = written({**digits, "x": odd}, rows=("2365 x", "8902357"), pitch=240)
    reading = dp.read_page(net, on_paper(ink))
    assert reading.text == f"2365 {digit} 8902357"
    assert f"digit 5 in row 1, read as {digit}: it is {said} times as high as the others" in reading.reason


def test_pages_with_a_doubt_are_rejected_where_that_is_asked_for(run, tmp_path, digits):
    Image.fromarray(doubtful_page(digits)).save(tmp_path / "doubtful.png")
    Image.fromarray(on_paper(written(digits)[0])).save(tmp_path / "page.png")
    name, text, reason = run("predict", "--many", "doubtful.png").stdout.rstrip("\n").split("\t")
    assert (name, text[:11]) == ("doubtful.png", "0123456 789")
    assert reason.startswith("digit 4 in row 2")
    done = run("predict", "--many", "--reject", "doubtful.png", "page.png", check=7)
    assert done.stdout == f"doubtful.png\t-\t{reason}\npage.png\t{' '.join(ROWS)}\n"
    assert "1 of 2 photos could not be read for certain" in done.stderr
    read = json.loads(run("predict", "--many", "--json", "--reject", "doubtful.png", check=7).stdout)
    assert (read["text"], read["reason"]) == (None, reason)
    assert [place for place, digit in enumerate(read["digits"]) if digit["reason"]] == [10]


def test_the_doubtful_samples_of_a_page_are_listed(run, tmp_path, digits):
    Image.fromarray(doubtful_page(digits)).save(tmp_path / "page.png")
    done = run("clean", "--many", "page.png", "-o", "set.npz")
    assert "set.npz: 14 images" in done.stderr
    assert "1 doubtful" in done.stderr
    _header, row = (tmp_path / "set.doubtful.csv").read_text().splitlines()
    assert row.startswith("page-r2-c04.png,")
    text = ["--text", "0123456 788 4502", "--report", "told.html"]
    run("clean", "--many", "page.png", "-o", "told.npz", *text)
    assert "0123456 788 4502" in Page((tmp_path / "told.html").read_bytes()).text
    rows = (tmp_path / "told.doubtful.csv").read_text().splitlines()[1:]
    assert rows[0] == 'page-r2-c03.png,"it reads as 9, the text says 8"'


def test_one_image_is_not_called_several(run, tmp_path, digits):
    Image.fromarray(on_paper(written(digits, rows=("7",))[0])).save(tmp_path / "page.png")
    assert "set.npz: 1 image," in run("clean", "--many", "page.png", "-o", "set.npz").stderr
    assert (
        "found 1 in 1 row (1)"
        in run("clean", "--many", "page.png", "-o", "b.npz", "--text", "77", check=3).stderr
    )


def test_pages_are_read_by_several_processes_as_by_one(run, tmp_path, digits):
    for number, row in enumerate(ROWS):
        Image.fromarray(on_paper(written(digits, rows=(row,))[0])).save(tmp_path / f"page{number}.png")
    one = run("predict", "--many", "--json", "page0.png", "page1.png").stdout
    assert run("predict", "--many", "--json", "--jobs", "2", "page0.png", "page1.png").stdout == one
    assert [json.loads(line)["text"] for line in one.splitlines()] == list(ROWS)
    run("clean", "--many", "--jobs", "2", "page0.png", "page1.png", "-o", "set.npz")
    assert len(dp.read(tmp_path / "set.npz")["train"]) == 14


def test_pages_that_are_done_are_kept_when_the_run_stops(run, tmp_path, digits):
    for number, row in enumerate(ROWS):
        Image.fromarray(on_paper(written(digits, rows=(row,))[0])).save(tmp_path / f"page{number}.png")
    command = ("clean", "--many", "--no-sheet", "--on-error", "fail", "page0.png", "page1.png", "-o")
    run(*command, "whole.npz")
    (tmp_path / "page1.png").rename(tmp_path / "away.png")
    assert "1 photo done; the same command goes on" in run(*command, "set.npz", check=3).stderr
    (tmp_path / "away.png").rename(tmp_path / "page1.png")
    assert "going on after 1 photo" in run(*command, "set.npz").stderr
    for name in ("npz", "photos.csv"):
        assert (tmp_path / f"set.{name}").read_bytes() == (tmp_path / f"whole.{name}").read_bytes()


def test_a_page_becomes_a_labelled_dataset_with_a_sample_a_digit(run, tmp_path, digits):
    Image.fromarray(on_paper(written(digits)[0])).save(tmp_path / "page.png")
    run("clean", "--many", "page.png", "-o", "set.npz", "--text", "0123456 789 4502")
    split = dp.read(tmp_path / "set.npz")["train"]
    assert split.labels.tolist() == [int(c) for c in "01234567894502"]
    assert split.images.shape == (14, 28, 28)
    assert Image.open(tmp_path / "set.sheet.png").format == "PNG"
    rows = (tmp_path / "set.photos.csv").read_text().splitlines()
    assert rows[3].startswith("2,train,page-r1-c03.png,2,")
    run("clean", "--many", "page.png", "-o", "bare.npz")
    assert dp.read(tmp_path / "bare.npz")["train"].labels is None


def test_samples_are_named_after_their_photo_row_and_place(net, tmp_path, digits):
    from digitprep.segment.samples import samples_of

    page = tmp_path / "page.png"
    Image.fromarray(on_paper(written(digits)[0])).save(page)
    names = [sample.photo.name for sample in samples_of(page.read_bytes(), page, net)]
    assert names[:2] == ["page-r1-c01.png", "page-r1-c02.png"]
    assert names[-1] == "page-r2-c07.png"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0123456 789 450", 3),
        ("012345 6789 4502", 3),
        ("0123456789", 3),
        ("0123456 789 45x2", 2),
        ("", 2),
    ],
)
def test_a_text_that_does_not_fit_the_page_makes_no_dataset(run, tmp_path, digits, text, code):
    Image.fromarray(on_paper(written(digits)[0])).save(tmp_path / "page.png")
    run("clean", "--many", "page.png", "-o", "set.npz", "--text", text, check=code)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.png"]


def test_a_text_that_does_not_fit_is_told_row_by_row(run, tmp_path, digits):
    Image.fromarray(on_paper(written(digits)[0])).save(tmp_path / "page.png")
    done = run("clean", "--many", "page.png", "-o", "set.npz", "--text", "012345 7894502", check=3)
    assert "expected 13 digits (6 + 7)" in done.stderr
    assert "found 14 in 2 rows (7 + 7)" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("predict", "--many", "--recipe", "mnist", "p.png"), "--recipe"),
        (("clean", "--many", "--pipeline", "invert", "p.png", "-o", "s.npz"), "--pipeline"),
        (("clean", "--many", "--labels", "name", "p.png", "-o", "s.npz"), "--labels"),
        (("clean", "--text", "12", "p.png", "-o", "s.npz"), "--many"),
        (("clean", "--many", "--text", "12", "p.png", "q.png", "-o", "s.npz"), "one photo"),
    ],
)
def test_options_that_do_not_go_with_pages_are_refused(run, arguments, word):
    assert word in run(*arguments, check=2).stderr
