"""Saying no: what is no digit is doubted with a reason to act on, what is one is believed."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image
from places import SAMPLES

import digitprep as dp
from digitprep import acceptance
from digitprep.acceptance import ADVICE, DIGITS, gate, gate_for, verdicts

CROSS = [[(30, 30), (130, 130)], [(130, 30), (30, 130)]]
SMALL_M = [[(20, 130), (35, 30), (80, 110), (125, 30), (140, 130)]]
BIG_A = [[(30, 140), (80, 20), (130, 140)], [(48, 95), (112, 95)]]
BIG_H = [[(35, 20), (35, 140)], [(125, 20), (125, 140)], [(35, 80), (125, 80)]]
BIG_E = [[(120, 20), (40, 20), (40, 140), (120, 140)], [(40, 80), (105, 80)]]
SHAPES = {"X": CROSS, "M": SMALL_M, "A": BIG_A, "H": BIG_H, "E": BIG_E}


def photo(strokes, pen_px=9):
    """(160, 160, 3): strokes drawn with a dark pen on light paper."""
    page = np.full((160, 160, 3), 235, np.uint8)
    for stroke in strokes:
        cv2.polylines(page, [np.array(stroke, np.int32)], False, (40, 40, 50), pen_px)
    return page


class Told:
    """A gate that says what it was told to."""

    def __init__(self, **shares):
        self.row = np.zeros(13, np.float32)
        for name, share in shares.items():
            self.row[gate().class_names.index(name.strip("_"))] = share

    def probabilities(self, images):
        return np.tile(self.row, (len(images), 1))


def reason_for(probabilities, opinion=None, image=None):
    shares = np.zeros(10, np.float32)
    for digit, share in probabilities.items():
        shares[digit] = share
    image = np.full((28, 28), 255, np.uint8) if image is None else image
    (verdict,) = verdicts(image[None], shares[None], DIGITS, opinion)
    assert verdict.accepted == (verdict.reason is None)
    assert verdict.digit == max(probabilities, key=probabilities.get)
    return verdict.reason


def test_the_gates_classes_are_the_digits_and_what_there_is_advice_for():
    assert gate().class_names == (*"0123456789", *ADVICE)


def test_digits_that_were_prepared_are_accepted():
    found = dp.judge(dp.read(SAMPLES / "digits" / "idx")["test"].images)
    assert np.mean([verdict.accepted for verdict in found]) >= 0.95


def test_a_verdict_says_what_the_network_reads_accepted_or_not():
    images = dp.read(SAMPLES / "digits" / "idx")["test"].images[:40]
    digits, confidences = dp.load_model().predict(images)
    found = dp.judge(images)
    assert [verdict.digit for verdict in found] == digits.tolist()
    assert [verdict.confidence for verdict in found] == pytest.approx(confidences.tolist(), abs=1e-5)


def test_an_empty_image_has_no_ink_however_sure_the_network_is():
    (verdict,) = dp.judge(np.zeros((1, 28, 28), np.uint8))
    assert not verdict.accepted
    assert "no ink" in verdict.reason


@pytest.mark.parametrize("darker_side", [0.75, 0.9])
def test_a_blank_page_lit_from_one_side_has_no_ink(darker_side):
    grain = np.random.default_rng(0).normal(0, 2, (160, 160))
    page = 240 * np.linspace(darker_side, 1, 160) + grain
    with pytest.raises(dp.StepError, match="no ink"):
        dp.prepare(page.astype(np.uint8))


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("pen_px", [6, 12])
def test_letters_are_doubted(name, pen_px):
    (verdict,) = dp.judge(dp.prepare(photo(SHAPES[name], pen_px))[None])
    assert verdict.reason in ADVICE.values()


def test_two_digits_in_one_image_are_told_to_try_many():
    test = dp.read(SAMPLES / "digits" / "idx")["test"]
    tail = dp.Pipeline.parse("crop | resize(size=20) | brighten | center(size=28)")
    pairs = [
        tail(np.concatenate([test.images[start][:, 4:24], test.images[start + 1][:, 4:24]], axis=1))
        for start in range(0, 60, 2)
    ]
    found = dp.judge(np.stack(pairs))
    assert sum("try --many" in (verdict.reason or "") for verdict in found) >= 25


def test_what_the_gate_hardly_finds_a_digit_is_what_the_gate_finds_likeliest_instead():
    sure = {3: 0.99, 8: 0.01}
    assert reason_for(sure, Told(_3=0.9, letter=0.1)) is None
    assert reason_for(sure, Told(_3=0.3, _5=0.3, letter=0.4)) is None
    assert reason_for(sure, Told(letter=0.9, _3=0.1)) == ADVICE["letter"]
    assert reason_for(sure, Told(drawing=0.9, _3=0.1)) == ADVICE["drawing"]
    assert reason_for(sure, Told(several=0.5, drawing=0.4, _3=0.1)) == ADVICE["several"]


def test_a_network_that_is_not_sure_names_both_digits():
    assert "could be 3 or 8" in reason_for({3: 0.45, 8: 0.4, 5: 0.15})
    assert "could be 3 or 8" in reason_for({3: 0.45, 8: 0.4, 5: 0.15}, Told(_3=1.0))
    assert reason_for({3: 0.55, 8: 0.45}) is None


def test_without_ink_nothing_else_is_asked():
    empty = np.zeros((28, 28), np.uint8)
    assert reason_for({1: 1.0}, Told(_1=1.0), empty) == acceptance.NO_INK


def test_the_gate_judges_digits_of_mnists_size_alone():
    layers = "flatten | dense(width=10)"
    assert gate_for(dp.Model.build(layers)) is gate()
    assert gate_for(dp.Model.build(layers, (32, 32))) is None
    assert gate_for(dp.Model.build(layers, class_names=tuple("abcdefghij"))) is None
    assert gate_for(dp.Model.build("flatten | dense(width=3)", classes=3)) is None


def test_other_networks_are_asked_for_ink_and_confidence_alone():
    letters = dp.Model.build("flatten | dense(width=3)", classes=3, class_names=("a", "b", "c"))
    for params in letters.params:
        for array in params.values():
            array[...] = 0
    (doubtful, empty) = dp.judge(
        np.stack([np.full((28, 28), 9, np.uint8), np.zeros((28, 28), np.uint8)]), letters
    )
    assert doubtful.reason.startswith("it could be c or b")
    assert empty.reason == acceptance.NO_INK


def test_predict_keeps_what_it_read_and_says_why_it_is_doubtful(run, tmp_path):
    Image.fromarray(photo(BIG_H)).save(tmp_path / "h.png")
    good = SAMPLES / "photos" / "03.jpg"
    sure, doubtful = map(json.loads, run("predict", "--json", good, "h.png").stdout.splitlines())
    assert (sure["text"], sure["reason"]) == ("2", None)
    assert doubtful["text"] == str(doubtful["digits"][0]["digit"])
    assert doubtful["reason"] in ADVICE.values()
    name, digit, confidence, reason = run("predict", "h.png").stdout.rstrip("\n").split("\t")
    assert (name, digit, reason) == ("h.png", doubtful["text"], doubtful["reason"])
    assert confidence.endswith("%")


def test_reject_gives_no_digit_where_it_is_doubtful_and_says_so_at_the_end(run, tmp_path):
    Image.fromarray(photo(BIG_H)).save(tmp_path / "h.png")
    good = SAMPLES / "photos" / "03.jpg"
    done = run("predict", "--json", "--reject", good, "h.png", check=7)
    sure, doubtful = map(json.loads, done.stdout.splitlines())
    assert (sure["text"], doubtful["text"]) == ("2", None)
    assert doubtful["reason"] in ADVICE.values()
    assert "1 of 2 photos" in done.stderr
    assert run("predict", "--reject", "h.png", check=7).stdout == f"h.png\t-\t{doubtful['reason']}\n"
