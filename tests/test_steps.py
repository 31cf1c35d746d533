"""What each step is for, seen from outside: MNIST's arithmetic, light, polarity, lines and clutter."""

import gzip
from math import ceil, floor

import cv2
import numpy as np
import pytest
from places import DATA, needs_data

from digitprep.errors import StepError
from digitprep.steps import STEPS

MNIST = DATA / "mnist"
RNG = np.random.default_rng(0)


def step(text, image):
    return STEPS.parse(text)(image)


def box(image):
    """The ink's (x, y, width, height)."""
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return columns[0], rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1


def centre_of_mass(image):
    """(row, column) of the ink, in pixel indices."""
    weights = image / image.sum()
    return weights.sum(axis=1) @ np.arange(len(image)), weights.sum(axis=0) @ np.arange(image.shape[1])


def lines(*points, size=(200, 160), thickness=8, closed=False):
    """A mask with strokes through points (x, y)."""
    image = np.zeros(size, np.uint8)
    for stroke in points:
        cv2.polylines(image, [np.array(stroke, np.int32)], closed, 255, thickness)
    return image


ONE = lines([(80, 40), (80, 160)])
FOUR = lines([(95, 35), (50, 115), (125, 115)], [(100, 80), (100, 165)])
SEVEN = lines([(50, 40), (115, 40), (75, 165)], [(62, 100), (110, 100)])
FIVE = lines([(65, 50), (60, 95), (95, 95), (110, 125), (90, 160), (55, 155)])
FIVES_BAR = lines([(72, 44), (115, 38)])


def on_paper(ink, paper=225, dark=45):
    return np.where(ink > 0, dark, paper)


# Area and place: the arithmetic of MNIST's makers


def by_area(square, size):
    """Each input pixel spreads over the output cells that it covers, by the share that it covers."""
    side = len(square)
    cover = np.zeros((size, side))
    for pixel in range(side):
        left, right = pixel * size / side, (pixel + 1) * size / side
        for cell in range(floor(left), min(size, ceil(right))):
            cover[cell, pixel] = max(0.0, min(right, cell + 1) - max(left, cell))
    weights = cover / cover.sum(axis=1, keepdims=True)
    return weights @ square @ weights.T


@pytest.mark.parametrize("side", [20, 21, 30, 37, 40, 63, 100, 257])
def test_resize_spreads_each_pixel_over_the_cells_that_it_covers(side):
    square = np.where(RNG.random((side, side)) < 0.4, 255, 0).astype(np.uint8)
    assert np.abs(step("resize(size=20)", square) - by_area(square, 20)).max() <= 1


@pytest.mark.parametrize(("height", "width"), [(40, 20), (20, 40), (61, 30), (30, 61), (200, 1)])
def test_resize_pads_to_a_centred_square_and_keeps_the_aspect(height, width):
    ink = np.full((height, width), 255, np.uint8)
    longer = max(height, width)
    square = np.zeros((longer, longer), np.uint8)
    top, left = (longer - height) // 2, (longer - width) // 2
    square[top : top + height, left : left + width] = 255
    assert np.abs(step("resize(size=20)", ink) - by_area(square, 20)).max() <= 1


@pytest.mark.parametrize(("height", "width", "shown"), [(1, 1, (2, 2)), (4, 2, (8, 4)), (10, 5, (20, 10))])
def test_a_dot_is_doubled_as_part_of_a_square_of_ten_pixels_and_stays_a_dot(height, width, shown):
    x, y, w, h = box(step("resize(size=20)", np.full((height, width), 255, np.uint8)))
    assert (h, w) == shown
    assert abs(2 * x + w - 20) <= 2
    assert abs(2 * y + h - 20) <= 2


def test_a_small_digit_is_doubled_by_repeating_pixels_before_it_is_fitted():
    small = np.where(RNG.random((13, 13)) < 0.5, 255, 0).astype(np.uint8)
    expected = by_area(small.repeat(2, axis=0).repeat(2, axis=1), 20)
    assert np.abs(step("resize(size=20)", small) - expected).max() <= 1
    tiny = np.where(RNG.random((10, 10)) < 0.5, 255, 0).astype(np.uint8)
    assert np.array_equal(step("resize(size=20)", tiny), tiny.repeat(2, axis=0).repeat(2, axis=1))


def test_stretching_fills_the_box_and_loses_the_aspect():
    ink = np.full((60, 30), 255, np.uint8)
    assert (step('resize(size=28, mode="stretch")', ink) == 255).all()
    assert (step("resize(size=28)", ink) == 255).all(axis=0).sum() == 14


@pytest.mark.parametrize("case", range(20))
def test_center_puts_the_corner_at_fifteen_less_the_centre_of_mass(case):
    rng = np.random.default_rng(case)
    ink = np.zeros((20, 20), np.uint8)
    ink[rng.integers(0, 8) : 20 - rng.integers(0, 8), rng.integers(0, 8) : 20 - rng.integers(0, 8)] = 255
    ink[rng.random((20, 20)) < 0.5] //= 3
    row, column = (place + 0.5 for place in centre_of_mass(ink))
    top, left = int(15 - row), int(15 - column)
    expected = np.zeros((28, 28), np.uint8)
    expected[top : top + 20, left : left + 20] = ink
    assert np.array_equal(step("center(size=28)", ink), expected)


@pytest.mark.parametrize("corner", [(0, 0), (0, 19), (19, 0), (19, 19)])
def test_center_never_pushes_ink_off_the_canvas(corner):
    heavy = np.full((20, 20), 1, np.uint8)
    heavy[corner] = 255
    centred = step("center(size=22)", heavy)
    assert sorted(centred[centred > 0]) == sorted(heavy.ravel())


def test_center_by_box_leaves_equal_margins():
    ink = lines([(3, 2), (3, 11), (8, 11)], size=(20, 20), thickness=1)
    x, y, width, height = box(step('center(size=28, by="box")', ink))
    assert abs(28 - width - 2 * x) <= 1
    assert abs(28 - height - 2 * y) <= 1


def test_ink_that_does_not_fit_is_refused_with_advice():
    with pytest.raises(StepError, match="30 x 5 px does not fit into 28 x 28; put resize before it"):
        step("center(size=28)", np.full((30, 5), 9, np.uint8))


@pytest.fixture(scope="module")
def mnist():
    """The first 1,000 images of MNIST's test set."""
    with gzip.open(MNIST / "t10k-images-idx3-ubyte.gz") as data:
        return np.frombuffer(data.read(16 + 1000 * 784)[16:], np.uint8).reshape(-1, 28, 28)


@needs_data("mnist")
def test_mnists_own_digits_are_put_back_where_mnist_has_them(mnist):
    moved, exact = [], 0
    for image in mnist:
        x, y, width, height = box(image)
        again = step("center(size=28)", image[y : y + height, x : x + width])
        moved.append(centre_of_mass(again))
        exact += np.array_equal(again, image)
    assert np.min(moved) >= 13.5 - 1e-9
    assert np.max(moved) <= 14.5 + 1e-9
    # The makers centred the 20 x 20 square, not its ink: corners may fall one pixel apart.
    assert exact / len(mnist) > 0.9


@needs_data("mnist")
def test_mnists_own_digits_pass_through_crop_resize_and_center_unharmed(mnist):
    for image in mnist[:300]:
        again = step("center", step("brighten", step("resize(size=20)", step("crop", image))))
        assert max(box(again)[2:]) in (19, 20)
        assert np.minimum(again, image).sum() / np.maximum(again, image, dtype=int).sum() > 0.75


def test_crop_keeps_the_ink_and_the_margin_that_there_is():
    x, y, width, height = box(ONE)
    assert np.array_equal(step("crop", ONE), ONE[y : y + height, x : x + width])
    assert step("crop(margin_px=5)", ONE).shape == (height + 10, width + 10)
    assert np.array_equal(step("crop(margin_px=9999)", ONE), ONE)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((1200, 600), (600, 300)), ((56, 28), (112, 56)), ((300, 200), (300, 200)), ((1, 900), (1, 600))],
)
def test_rescale_brings_the_longer_side_between_its_bounds(shape, expected):
    assert step("rescale(smallest_px=112, largest_px=600)", np.zeros(shape, np.uint8)).shape == expected
    colour = np.zeros((*shape, 3), np.uint8)
    assert step("rescale(smallest_px=112, largest_px=600)", colour).shape == (*expected, 3)


# Brightness


def test_grey_is_luminance():
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [10, 10, 10]]], np.uint8)
    assert step("grayscale", colours).tolist() == [[76, 150, 29, 255, 10]]


def test_brighten_scales_to_full_and_leaves_nothing_alone():
    assert step("brighten", np.array([[0, 40, 100]], np.uint8)).tolist() == [[0, 102, 255]]
    assert step("brighten", np.array([[0, 254, 255]], np.uint8)).tolist() == [[0, 254, 255]]
    assert not step("brighten", np.zeros((3, 3), np.uint8)).any()


def test_brighten_rounds_ties_up_as_mnists_makers_did():
    assert step("brighten", np.array([[50, 100]], np.uint8)).tolist() == [[128, 255]]


TOUCHING = lines([(0, 100), (90, 100), (90, 0)], [(90, 100), (159, 199)], thickness=10)
SLOPE = np.linspace(-60, 60, 160)[None, :].repeat(200, axis=0)
INKS = {"1": ONE, "4": FOUR, "7": SEVEN, "5": FIVE + FIVES_BAR, "touching the border": TOUCHING}


@pytest.mark.parametrize(
    "light", [0, SLOPE, SLOPE[:, ::-1], -20], ids=["even", "from right", "from left", "dim"]
)
@pytest.mark.parametrize("ink", INKS.values(), ids=INKS)
def test_invert_auto_makes_ink_bright_whichever_side_it_was_on(ink, light):
    dark = np.clip(on_paper(ink, 170, 90) + light, 0, 255).astype(np.uint8)
    bright = np.clip(on_paper(ink, 90, 170) + light, 0, 255).astype(np.uint8)
    assert np.array_equal(step('invert(when="auto")', dark), 255 - dark)
    assert np.array_equal(step('invert(when="auto")', bright), bright)


def test_invert_auto_judges_colour_by_its_luminance():
    photo = np.where(SEVEN[..., None] > 0, (20, 20, 160), (250, 240, 200)).astype(np.uint8)
    assert np.array_equal(step('invert(when="auto")', photo), 255 - photo)
    assert np.array_equal(step('invert(when="auto")', 255 - photo), 255 - photo)


def test_even_light_takes_a_shadow_away_and_leaves_the_stroke():
    shadow = 1 - 0.55 / (1 + np.exp(-np.linspace(-6, 6, 160)))
    photo = 255 - (on_paper(SEVEN, 230, 70) * shadow).astype(np.uint8)
    even = step("even_light", photo)
    away = cv2.dilate(SEVEN, np.ones((9, 9), np.uint8)) == 0
    core = cv2.erode(SEVEN, np.ones((5, 5), np.uint8)) > 0
    assert np.ptp(photo[away].astype(int)) > 100
    assert np.percentile(even[away], 99) < 30
    assert even[core].min() > 120


def test_the_edge_of_a_hard_shadow_is_no_ink():
    photo = on_paper(cv2.resize(SEVEN, (480, 600)), 230, 40).astype(np.float64)
    rows, columns = np.ogrid[:600, :480]
    photo[columns + 0.4 * rows > 330] *= 0.4
    even = step("even_light", 255 - photo.astype(np.uint8))
    assert np.array_equal(step('threshold(method="hysteresis")', even) > 0, photo <= 40)


def test_a_digit_so_thick_that_it_could_be_a_shadow_stays_whole_under_even_light():
    blot = np.zeros((200, 160), np.uint8)
    cv2.circle(blot, (85, 125), 65, 255, -1)  # the loop of a 6, filled with ink
    cv2.line(blot, (35, 110), (80, 0), 255, 30)
    even = step("even_light", 255 - on_paper(blot, 235, 60).astype(np.uint8))
    assert np.array_equal(step('threshold(method="hysteresis")', even), blot)


@pytest.mark.parametrize("soft", [2, 8])
def test_a_digit_in_a_shadow_that_keeps_off_the_border_is_no_part_of_the_shadow(soft):
    light = np.full((400, 400), 210, np.float32)
    light[60:340, 60:340] = 120
    light = cv2.GaussianBlur(light, (0, 0), soft)
    ink = np.zeros((400, 400), np.uint8)
    cv2.putText(ink, "5", (150, 250), cv2.FONT_HERSHEY_SIMPLEX, 5, 255, 14)
    photo = np.where(ink > 0, 40, light).astype(np.uint8)
    found = step('threshold(method="hysteresis")', step("even_light", 255 - photo))
    assert found[ink > 0].all()
    assert not found[110:290, 110:140].any()


@pytest.mark.parametrize("method", ["otsu", "adaptive", "hysteresis"])
def test_a_threshold_finds_the_ink_of_a_noisy_page(method):
    photo = np.clip(on_paper(SEVEN, 40, 200) + RNG.normal(0, 8, SEVEN.shape), 0, 255).astype(np.uint8)
    found = step(f'threshold(method="{method}")', photo)
    assert set(np.unique(found)) == {0, 255}
    assert (found != SEVEN).mean() < 0.01
    dark = step(f'threshold(method="{method}", ink="dark")', 255 - photo)
    assert np.array_equal(dark, found)


def test_hysteresis_keeps_a_faint_stroke_whole_and_drops_faint_specks():
    faint_end = np.where(ONE > 0, np.linspace(230, 150, 200)[:, None], 20)
    specks = lines([(20, 20), (24, 20)], [(130, 180), (134, 180)], thickness=3)
    photo = np.where(specks > 0, 125, faint_end).astype(np.uint8)
    assert step('threshold(method="otsu")', photo)[specks > 0].all()
    assert np.array_equal(step('threshold(method="hysteresis")', photo), ONE)


def test_hysteresis_finds_a_digit_that_covers_less_than_three_thousandths_of_a_grainy_page():
    digit = np.zeros((600, 450), np.uint8)
    digit[300:326, 200:216] = cv2.resize(SEVEN, (16, 26), interpolation=cv2.INTER_AREA)
    page = np.where(digit > 127, 170.0, 12.0) + np.random.default_rng(1).normal(0, 5, digit.shape)
    assert 20 < (digit > 127).sum() < 0.001 * digit.size
    found = step('threshold(method="hysteresis")', np.clip(page, 0, 255).astype(np.uint8))
    assert np.array_equal(found > 0, digit > 127)


def test_dust_on_a_page_of_faint_pencil_does_not_count_as_its_ink():
    faint = np.where(SEVEN > 0, 45, 5).astype(np.uint8)
    faint[10:15, 140:145] = 250
    found = step('threshold(method="hysteresis")', faint)
    assert found[SEVEN > 0].all()


def test_a_fixed_threshold_asks_nothing_of_the_image():
    row = np.array([[0, 149, 150, 255]], np.uint8)
    assert step('threshold(method="fixed", level=150)', row).tolist() == [[0, 0, 255, 255]]
    assert step('threshold(method="fixed", level=150, ink="dark")', row).tolist() == [[255, 255, 0, 0]]


@pytest.mark.parametrize("method", ["otsu", "adaptive", "hysteresis"])
@pytest.mark.parametrize("spread", [0, 3])
def test_a_blank_page_has_no_ink_and_the_reason_says_what_to_do(method, spread):
    blank = (120 + RNG.integers(0, spread + 1, (90, 90))).astype(np.uint8)
    with pytest.raises(
        StepError, match=r"no ink.*at least 20.*photograph the digit closer or in better light"
    ):
        step(f'threshold(method="{method}")', blank)


# Telling the digit from everything else


def thin(*points):
    return lines(*points, thickness=5)


WRITTEN = {
    "1": (thin([(80, 40), (80, 160)]), ONE),
    "4": (thin([(95, 35), (50, 115), (125, 115)], [(100, 80), (100, 165)]), FOUR),
    "7": (thin([(50, 40), (115, 40), (95, 165)], [(62, 100), (110, 100)]), SEVEN),
    "5": (thin([(65, 50), (60, 95), (95, 95), (110, 125), (90, 160), (55, 155)]), FIVE),
}


def ruled(*rows, thickness=2, slope=0.0):
    """Lines across the whole width, as of exercise paper."""
    image = np.zeros((200, 160), np.uint8)
    for row in rows:
        cv2.line(image, (0, row), (159, round(row + slope * 160)), 255, thickness)
    return image


@pytest.mark.parametrize("slope", [0, 0.03, -0.03], ids=["level", "falling", "rising"])
@pytest.mark.parametrize("digit", WRITTEN)
def test_ruled_lines_go_and_the_digit_stays(digit, slope):
    ink, _ = WRITTEN[digit]
    rules = ruled(22, 70, 135, 180, slope=slope)
    left = step("remove_lines", ink | rules)
    assert (left[(rules > 0) & (cv2.dilate(ink, np.ones((9, 9))) == 0)] > 0).mean() < 0.05
    assert (left[ink > 0] > 0).mean() > 0.97


@pytest.mark.parametrize("digit", ["1", "4", "7"])
def test_ruled_lines_go_where_a_thick_stroke_crosses_them(digit):
    _, ink = WRITTEN[digit]
    rules = ruled(22, 70, 128, 180)
    left = step("remove_lines", ink | rules)
    assert (left[(rules > 0) & (cv2.dilate(ink, np.ones((9, 9))) == 0)] > 0).mean() < 0.05


@pytest.mark.parametrize("row", [40, 37, 100], ids=["through the top", "along the top", "through the bar"])
def test_a_ruled_line_that_a_thick_stroke_lies_along_goes_and_the_stroke_stays(row):
    rules = ruled(row)
    left = step("remove_lines", SEVEN | rules)
    assert (left[(rules > 0) & (cv2.dilate(SEVEN, np.ones((9, 9))) == 0)] > 0).mean() < 0.05
    assert (left[SEVEN > 0] > 0).mean() > 0.97


@pytest.mark.parametrize("digit", [ONE, FOUR, SEVEN, FIVE], ids=["1", "4", "7", "5"])
@pytest.mark.parametrize("turned", [False, True], ids=["", "turned"])
def test_without_ruled_lines_no_stroke_is_taken_for_one(digit, turned):
    image = np.ascontiguousarray(digit.T) if turned else digit
    assert np.array_equal(step("remove_lines", image), image)


@pytest.mark.parametrize("thickness", [3, 8])
def test_a_one_from_edge_to_edge_is_a_digit_and_no_line(thickness):
    one = lines([(80, 0), (80, 199)], thickness=thickness)
    assert np.array_equal(step("remove_lines", one), one)


BOX = [(25, 18), (135, 18), (135, 170), (25, 170)]


@pytest.mark.parametrize("open_at", ["nowhere", "left", "below"])
@pytest.mark.parametrize("thickness", [2, 4])
def test_a_box_goes_where_the_digit_touches_it_and_where_the_photo_cuts_it_off(open_at, thickness):
    box = {"left": [(-9, 18), *BOX[1:3], (-9, 170)], "below": [(25, 220), *BOX[:2], (135, 220)]}
    frame = lines(box.get(open_at, BOX), thickness=thickness, closed=open_at == "nowhere")
    digit = SEVEN | lines([(76, 160), (72, 169)])
    assert cv2.connectedComponents(frame | digit)[0] == (3 if open_at == "below" else 2)
    left = step("remove_lines", frame | digit)
    assert (left[(frame > 0) & (cv2.dilate(digit, np.ones((9, 9))) == 0)] > 0).mean() < 0.05
    assert (left[digit > 0] > 0).mean() > 0.97


def test_a_zero_drawn_as_a_box_is_a_digit_and_no_frame():
    zero = lines(BOX, thickness=4, closed=True)
    assert np.array_equal(step("remove_lines", zero), zero)


def test_upright_lines_go_too():
    digit, rules = SEVEN[20:180], np.ascontiguousarray(ruled(15, 150)[:160].T)
    left = step("remove_lines", digit | rules)
    assert not left[:, 12:19].any()
    assert (left[digit > 0] > 0).mean() > 0.95


def test_keep_digit_keeps_the_bar_of_a_five_and_drops_what_is_far():
    far = lines([(10, 180), (20, 190)], [(140, 10), (150, 10)], thickness=5)
    kept = step("keep_digit", FIVE | FIVES_BAR | far)
    assert np.array_equal(kept, FIVE | FIVES_BAR)


def test_keep_digit_keeps_both_strokes_of_an_open_four():
    angle, stem = lines([(60, 40), (45, 110), (88, 110)]), lines([(104, 60), (104, 165)])
    assert np.array_equal(step("keep_digit", angle | stem), angle | stem)


def test_keep_digit_prefers_the_middle_to_clutter_at_the_border_however_large():
    clutter = np.zeros_like(SEVEN)
    clutter[:18] = clutter[:, 146:] = 255
    assert np.array_equal(step("keep_digit", SEVEN | clutter), SEVEN)


@pytest.mark.parametrize("thickness", [1, 3, 6])
def test_a_frame_around_the_digit_is_dropped(thickness):
    frame = lines([(12, 6), (148, 6), (148, 194), (12, 194)], thickness=thickness, closed=True)
    for digit in (ONE, SEVEN, FIVE | FIVES_BAR):
        assert np.array_equal(step("keep_digit", digit | frame), digit)


def test_a_frame_that_a_tall_digit_nearly_fills_is_dropped_too():
    frame = lines([(20, 12), (140, 12), (140, 188), (20, 188)], thickness=3, closed=True)
    assert np.array_equal(step("keep_digit", SEVEN | frame), SEVEN)


def test_a_zero_around_its_dot_is_no_frame():
    zero = np.zeros((200, 160), np.uint8)
    cv2.ellipse(zero, (80, 100), (40, 65), 0, 0, 360, 255, 10)
    dotted = zero.copy()
    cv2.circle(dotted, (80, 100), 4, 255, -1)
    assert np.array_equal(step("keep_digit", zero), zero)
    assert (step("keep_digit", dotted)[zero > 0] == 255).all()


def test_the_grey_of_what_is_kept_stays():
    shades = np.where(SEVEN > 0, RNG.integers(1, 256, SEVEN.shape), 0).astype(np.uint8)
    assert np.array_equal(step("keep_digit", shades), shades)


@pytest.mark.parametrize("text", ["keep_digit", "crop", "center"])
def test_an_image_without_ink_is_refused_in_words(text):
    with pytest.raises(StepError, match=f"^{text}: .*no ink"):
        step(text, np.zeros((30, 20), np.uint8))


def test_thicken_brings_a_hairline_to_the_width_that_survives_being_made_small():
    hairline = np.zeros((300, 300), np.uint8)
    cv2.line(hairline, (50, 20), (250, 280), 255, 1)
    assert 10 <= step("thicken", hairline)[:, 150].astype(bool).sum() <= 40
    thick = np.zeros((300, 300), np.uint8)
    cv2.line(thick, (50, 20), (250, 280), 255, 30)
    assert np.array_equal(step("thicken", thick), thick)


@pytest.mark.parametrize("shape", [(300, 1), (1, 300), (200, 9), (60, 60)])
def test_thicken_does_at_the_edges_what_it_does_amid_paper(shape):
    image = np.where(RNG.random(shape) < 0.02, 255, 0).astype(np.uint8)
    image[0, 0] = image[-1, -1] = 255
    amid = step("thicken", np.pad(image, 400))[400:-400, 400:-400]
    assert np.array_equal(step("thicken", image), amid)


def test_hysteresis_follows_a_stroke_that_fades():
    """A stroke whose ink gets paler, down to a quarter, is kept to its end; pale marks far away are not."""
    image = np.zeros((120, 120), np.uint8)
    for row in range(20, 100):
        image[row, 55:63] = 200 - 150 * (row - 20) // 80
    image[110:113, 5:30] = 55  # as pale as the stroke's end
    kept = step('threshold(method="hysteresis")', image)
    assert kept[20:98, 57:61].all()
    assert not kept[105:].any()


def test_hysteresis_keeps_the_paper_around_strong_ink_clean():
    """Half as strong as the ink nearby is the edge: a blurred stroke does not get wider than that."""
    image = np.zeros((120, 120), np.uint8)
    image[20:100, 56:64] = 220
    blurred = cv2.GaussianBlur(image, (0, 0), 3)
    widths = (step('threshold(method="hysteresis")', blurred) > 0).sum(axis=1)[30:90]
    assert 7 <= widths.min() <= widths.max() <= 12  # at a fifth of its strength it is 15 px wide


def squared_paper(rows, columns):
    """Ink of lines two pixels thick, of these rows and columns, right across 300 x 300."""
    image = np.zeros((300, 300), np.uint8)
    for start in rows:
        image[start : start + 2] = 255
    for start in columns:
        image[:, start : start + 2] = 255
    return image


def test_a_stroke_that_lies_along_one_of_many_lines_stays():
    image = squared_paper(range(10, 300, 20), range(10, 300, 20))
    digit = np.zeros_like(image)
    digit[107:115, 60:240] = 255  # the bar of a 7, on the line at 110
    cv2.line(digit, (235, 111), (140, 250), 255, 8)
    rest = step("remove_lines", np.maximum(image, digit))
    assert (rest[digit > 0] > 0).mean() > 0.9
    assert (rest[digit == 0] > 0).mean() < 0.015  # dots where lines cross are left to keep_digit


def test_what_a_digit_kept_of_many_lines_goes():
    image = squared_paper(range(10, 300, 20), range(10, 300, 20))
    image[:, 150:152] = 0
    image[40:100, 150:152] = 255  # a line that was only seen in part
    cv2.ellipse(image, (151, 151), (40, 60), 0, 0, 360, 255, 9)
    rest = step("remove_lines", image)
    assert (rest[40:80, 150:152] > 0).mean() < 0.2  # but for the dots where other lines cross
    assert rest[85:97, 151].any()


def test_a_line_that_a_digit_cuts_in_two_goes_with_the_others():
    image = squared_paper([40, 150, 260], [])
    cv2.circle(image, (150, 150), 50, 255, 18)
    image[140:160, 90:210] = 255  # a blot as wide as no gap in a line may be
    rest = step("remove_lines", image)
    assert not rest[145:157, :60].any()
    assert not rest[145:157, 240:].any()
    assert rest[150, 150]
