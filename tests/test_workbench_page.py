"""The workbench as a person uses it, in a browser: bring, see, fix, take away; and what a crash leaves."""

import json
import os
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from places import PHOTOS
from workbench import FILES, LABELS, Served

import digitprep as dp

# That the photos have been looked at, and how many there are.
LOOKED_AT = "document.querySelectorAll('#photos img.small').length"
READING = "document.querySelector('#reading').textContent"
FINAL = "document.querySelector('#result-image').src"
CARD = """[...document.querySelectorAll("#steps [data-step=threshold] img")].map(image => image.src).join()"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    started = Served(tmp_path_factory.mktemp("projects") / "forty photos")
    yield started
    started.close()


@pytest.fixture(scope="module")
def page(browser, served):
    """The workbench, open in the browser, with the sample photos given to it by hand."""
    browser.ask("Network.setExtraHTTPHeaders", headers={"Accept-Language": "en"})
    browser.ask("Emulation.setLocaleOverride", locale="en-US")
    browser.open(served.address)
    browser.give_files("#choose", FILES)
    browser.until(f"{LOOKED_AT} === {len(FILES)}")
    return browser


def choose(page, name):
    """Look at the photo of that name."""
    page.until(
        f"""(() => {{
            const all = [...document.querySelectorAll("#photos [data-photo]")];
            const found = all.find(entry => entry.textContent.includes({json.dumps(name)}));
            if (document.querySelector("#photo-name").textContent === {json.dumps(name)}) return true;
            found?.querySelector("button").focus();
            found?.querySelector("button").click(); // once more where an undo has just led elsewhere
            return false;
        }})()"""
    )
    page.until("document.querySelectorAll('#steps img').length > 2")


def set_value(page, selector, value, event="change"):
    """Set a control as a person does."""
    page.value(
        f"""(() => {{
            const control = document.querySelector({json.dumps(selector)});
            control.value = {json.dumps(value)};
            control.dispatchEvent(new Event({json.dumps(event)}, {{ bubbles: true }}));
        }})()"""
    )


def undo(page):
    """Take the last thing back, until the page has gone where that was."""
    page.value("document.querySelector('#status').textContent = ''")
    page.click("#undo")
    page.until("document.querySelector('#status').textContent !== ''")


def test_photos_are_brought_and_each_shows_what_is_read(page, served):
    read = {photo["name"]: photo["look"]["samples"][0]["digit"] for photo in served.seen()["photos"]}
    assert read == {file.name: dp.judge(dp.prepare(file)[None])[0].digit for file in FILES}
    choose(page, "03.jpg")
    assert page.until(READING) == str(read["03.jpg"])
    assert page.value("document.querySelectorAll('#probabilities > li').length") == 10
    assert page.complaints == []


def test_every_step_has_a_card_with_its_image(page, served):
    choose(page, "03.jpg")
    names = [card["step"]["name"] for card in served.whole()["pipeline"]["steps"]]
    shown = "[...document.querySelectorAll('#steps [data-step]')].map(card => card.dataset.step)"
    page.until(f"{shown}.filter(Boolean).length >= {len(names)}")
    assert [name for name in page.value(shown) if name] == names
    sizes = page.value("[...document.querySelectorAll('#steps img')].map(image => image.naturalWidth)")
    assert min(sizes) > 0


def test_another_threshold_changes_its_image_and_what_comes_of_it(page, served):
    choose(page, "03.jpg")
    before, final = page.until(CARD), page.until(FINAL)
    text = served.whole()["pipeline"]["text"]
    other = text.replace('threshold(method="hysteresis")', 'threshold(method="fixed", level=60)')
    set_value(page, "#text", other, "input")
    page.click("#apply")
    page.until(f"{CARD} !== {json.dumps(before)}")
    page.until(f"{FINAL} !== {json.dumps(final)}")
    assert served.whole()["pipeline"]["text"] == other
    undo(page)
    page.until(f"document.querySelector('#text').value === {json.dumps(text)}")
    page.until(f"{FINAL} === {json.dumps(final)}")


def test_a_slider_changes_the_image_while_it_moves_and_the_pipeline_when_it_is_let_go(page, served):
    choose(page, "03.jpg")
    slider = "#steps [data-step=thicken] input[type=range]"
    assert page.value(f"Boolean(document.querySelector('{slider}'))")
    text = served.whole()["pipeline"]["text"]
    final = page.until(FINAL)
    high = page.value(f"document.querySelector('{slider}').max")
    set_value(page, slider, high, "input")
    page.until(f"{FINAL} !== {json.dumps(final)}")
    assert served.whole()["pipeline"]["text"] == text
    set_value(page, slider, high, "change")
    page.until(f"document.querySelector('#text').value !== {json.dumps(text)}")
    undo(page)
    page.until(f"document.querySelector('#text').value === {json.dumps(text)}")
    page.until(f"{FINAL} === {json.dumps(final)}")


def test_a_seven_that_is_drawn_is_read_as_a_seven(page, served):
    page.click("#draw")
    page.until("document.querySelector('#drawing').open")
    x, y, width, height = page.value(
        "(() => { const b = document.querySelector('#canvas').getBoundingClientRect();"
        " return [b.x, b.y, b.width, b.height]; })()"
    )
    corners = [(0.3, 0.25), (0.7, 0.25), (0.45, 0.78)]
    places = []
    for (left, top), (right, bottom) in pairwise(corners):
        for share in np.linspace(0, 1, 12):
            across, down = left + (right - left) * share, top + (bottom - top) * share
            places.append((float(x + width * across), float(y + height * down)))
    page.drag(places)
    page.click("#take")
    page.until(f"{LOOKED_AT} === {len(FILES) + 1}")
    page.value("document.querySelector('#drawing').close()")
    drawing = next(photo for photo in served.seen()["photos"] if photo["name"] not in LABELS)
    assert drawing["name"].startswith("drawing-")
    assert drawing["look"]["samples"][0]["digit"] == 7
    choose(page, drawing["name"])
    assert page.until(READING) == "7"
    page.press("x")  # it is not one of the photos
    page.until("document.querySelector('#reject').getAttribute('aria-pressed') === 'true'")


def test_a_key_labels_a_photo_and_goes_on_and_undo_takes_it_back(page, served):
    choose(page, "06.jpg")
    page.press("3")
    page.until("document.querySelector('#photo-name').textContent !== '06.jpg'")
    assert said(served, "06.jpg")["label"] == 3
    page.press("z", control=True)
    until(lambda: said(served, "06.jpg")["label"] is None)
    choose(page, "06.jpg")
    page.press("Enter")
    until(lambda: said(served, "06.jpg")["label"] == LABELS["06.jpg"])


def test_a_box_is_drawn_by_hand(page, served):
    choose(page, "09.jpg")
    page.press("b")
    page.middle("#picture img")  # which scrolls to it
    x, y, width, height = page.value(
        "(() => { const b = document.querySelector('#picture img').getBoundingClientRect();"
        " return [b.x, b.y, b.width, b.height]; })()"
    )
    places = [(x + width * share, y + height * share) for share in (0.2, 0.5, 0.8)]
    page.drag(places)
    until(lambda: said(served, "09.jpg")["box"] is not None)
    photo = next(photo for photo in served.seen()["photos"] if photo["name"] == "09.jpg")
    across, down = photo["look"]["width"], photo["look"]["height"]
    expected = (0.2 * across, 0.2 * down, 0.6 * across, 0.6 * down)
    assert said(served, "09.jpg")["box"] == pytest.approx(expected, abs=0.05 * max(across, down))
    undo(page)
    until(lambda: said(served, "09.jpg")["box"] is None)
    page.press("b")


def test_a_box_moved_by_arrows_is_kept_when_the_label_follows_at_once(page, served):
    choose(page, "08.jpg")
    page.press("b")
    for _ in range(3):
        page.press("ArrowRight")
    page.press("7")
    until(lambda: said(served, "08.jpg")["label"] == 7)
    until(lambda: said(served, "08.jpg")["box"] is not None)
    page.press("b")
    for left in (1, 0):
        undo(page)
        until(lambda left=left: len(list(filter(None, said(served, "08.jpg").values()))) == left)


def test_enter_says_nothing_of_an_image_that_no_network_has_read(page, served):
    pipeline = served.whole()["pipeline"]
    asked = {"revision": pipeline["revision"], "text": "grayscale | invert | resize(size=20)"}
    served.done("PUT", "api/pipeline", asked)
    choose(page, "07.jpg")
    page.until(f"!/[0-9]/.test({READING})")
    page.press("Enter")
    assert said(served, "07.jpg")["label"] is None
    served.done("POST", "api/undo")
    page.until(f"document.querySelector('#text').value === {json.dumps(pipeline['text'])}")
    served.seen()


def test_what_another_window_says_is_seen_here(page, served):
    choose(page, "10.jpg")
    photo = next(photo for photo in served.whole()["photos"] if photo["name"] == "10.jpg")
    said_there = {"revision": photo["revision"], "samples": {"": {"label": 8}}}
    served.done("PATCH", f"api/photos/{photo['id']}", said_there)
    page.until("document.querySelector('#label').textContent.includes('8')")
    served.done("POST", "api/undo")


def test_a_killed_server_is_found_again_with_all_the_work_in_it(page, served):
    choose(page, "12.jpg")
    page.press("4")
    until(lambda: said(served, "12.jpg")["label"] == 4)
    before = {photo["name"]: photo["samples"] for photo in served.whole()["photos"]}
    served.kill()
    page.until("!document.querySelector('#away').hidden")
    served.start()
    page.open(served.address)
    page.until(f"{LOOKED_AT} === {len(FILES) + 1}")
    assert {photo["name"]: photo["samples"] for photo in served.whole()["photos"]} == before
    choose(page, "12.jpg")
    page.until("document.querySelector('#label').textContent.includes('4')")
    undo(page)
    until(lambda: said(served, "12.jpg")["label"] is None)


def test_the_dataset_that_is_taken_away_is_the_one_of_clean(page, served, run, tmp_path):
    page.click("#take-away")
    page.until("document.querySelector('#take-dialog').open")
    page.click("#accept-all")
    until(lambda: sum(said(served, name)["label"] is not None for name in LABELS) >= len(LABELS) - 2)
    page.value("document.querySelector('#take-dialog').close()")
    for name, label in LABELS.items():
        if said(served, name)["label"] != label:
            choose(page, name)
            page.press(str(label))
            until(lambda name=name, label=label: said(served, name)["label"] == label)
    page.click("#take-away")
    downloads = tmp_path / "downloads"
    page.ask("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
    set_value(page, "#format", "npz")
    page.click("#download")
    until(lambda: (downloads / "digits.npz").exists())
    page.value("document.querySelector('#take-dialog').close()")
    run("clean", PHOTOS, "-o", "cleaned.npz", "--labels", PHOTOS / "labels.csv")
    assert run("diff", downloads / "digits.npz", "cleaned.npz").stdout == "same: 20 images (train 20)\n"


def test_training_shows_its_curves_and_what_it_was_worth(page, served):
    page.click("#train")
    page.until("document.querySelector('#train-dialog').open")
    set_value(page, "#epochs", "2")
    page.click("#start-training")
    until(lambda: (served.whole()["training"] or {}).get("state") == "done")
    page.until("document.querySelectorAll('#curves svg').length > 0")
    page.until("document.querySelector('#after').textContent.includes('%')")
    page.click("#evaluate")
    page.until("document.querySelector('#evaluation table') !== null")
    page.value("document.querySelector('#train-dialog').close()")
    assert page.complaints == []


def test_of_two_languages_the_one_that_was_chosen_last_is_spoken_however_long_the_other_takes(page, served):
    page.open(served.address)
    page.until(f"{LOOKED_AT} === {len(FILES) + 1}")
    page.value(
        """(() => {
            const ask = window.fetch;
            window.fetch = async (path, ...rest) => {
                if (!path.includes("words.zh")) return ask(path, ...rest);
                await new Promise((done) => { window.answer = done; });
                const words = await (await ask(path, ...rest)).json();
                return { json: async () => { setTimeout(() => { window.taken = true; }); return words; } };
            };
        })()"""
    )
    set_value(page, "#language", "zh")
    set_value(page, "#language", "en")
    page.until("window.answer !== undefined")
    page.value("window.answer()")
    page.until("window.taken")
    assert page.value("document.documentElement.lang") == "en"


# axe-core looks at the first of the languages: so every two of width, light and language meet.
@pytest.mark.parametrize(
    ("width", "dark", "languages"),
    [(320, False, "en zh"), (320, True, "zh en"), (1200, False, "zh en"), (1200, True, "en zh")],
)
def test_it_fits_any_width_speaks_two_languages_and_can_be_used_by_everybody(
    page, served, width, dark, languages
):
    axe = os.environ.get("AXE_CORE")
    page.open(served.address, width=width, dark=dark)
    page.until(f"{LOOKED_AT} === {len(FILES) + 1}")
    for language in reversed(languages.split()):
        set_value(page, "#language", language)
        page.until(f"document.documentElement.lang === '{language}'")
        assert page.value("document.documentElement.scrollWidth <= innerWidth")
        text = page.value("document.querySelector('#take-away').textContent")
        assert any("\u4e00" <= letter <= "\u9fff" for letter in text) == (language == "zh")
        assert page.value("[...document.querySelectorAll('[data-word]')].every(e => e.textContent.trim())")
    if not axe:
        pytest.skip("no axe-core: npm pack axe-core, and AXE_CORE says where its axe.min.js is")
    page.value(Path(axe).read_text(encoding="utf-8") + "; true")
    for dialog in (None, "drawing", "keys", "take-dialog", "train-dialog"):
        if dialog:
            page.value(f"document.getElementById('{dialog}').showModal()")
        found = page.value("axe.run({ resultTypes: ['violations'] }).then(found => found.violations)")
        serious = [
            (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
        ]
        assert serious == [], dialog
        if dialog:
            page.value(f"document.getElementById('{dialog}').close()")


UNSAID = {"label": None, "box": None, "rejected": False}


def said(served, name):
    """What was said of the one digit of a photo."""
    photo = next(photo for photo in served.whole()["photos"] if photo["name"] == name)
    return photo["samples"].get("", UNSAID)


def until(condition):
    """Wait for something to come true."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.05)
