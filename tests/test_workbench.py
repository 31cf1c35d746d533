"""The workbench keeps what a person says, shows what the machine sees, and gives all of it away."""

import csv
import io
import json
import threading
import time
import zipfile

import numpy as np
import pytest
from places import PHOTOS
from workbench import FILES, LABELS, Served

import digitprep as dp


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A workbench with all of the sample photos."""
    started = Served(tmp_path_factory.mktemp("projects") / "forty photos")
    for file in FILES:
        assert started.bring(file)[0] == 201
    yield started
    assert started.close() == 0


@pytest.fixture
def fresh(tmp_path):
    """A workbench with nothing in it yet."""
    started = Served(tmp_path / "project")
    yield started
    started.close()


def photo_of(served, name):
    return next(photo for photo in served.seen()["photos"] if photo["name"] == name)


def change(served, photo, **changes):
    return served.done("PATCH", f"api/photos/{photo['id']}", {"revision": photo["revision"], **changes})


def say(served, name, **said):
    """Say something of the one digit of a photo."""
    return change(served, photo_of(served, name), samples={"": said})


def test_what_is_read_of_each_photo_is_what_predict_reads(served):
    for photo in served.seen()["photos"]:
        (digit,) = photo["look"]["samples"]
        verdict = dp.judge(dp.prepare(PHOTOS / photo["name"])[None])[0]
        assert (digit["digit"], digit["doubt"]) == (verdict.digit, verdict.reason)
        assert digit["confidence"] == pytest.approx(verdict.confidence, abs=1e-3)
        assert len(digit["probabilities"]) == 10
        assert sum(digit["probabilities"]) == pytest.approx(1, abs=1e-2)


def test_every_step_is_shown_with_the_card_that_it_belongs_to_and_what_it_decided(served):
    photo = photo_of(served, "03.jpg")
    cards = served.whole()["pipeline"]["steps"]
    told = served.done("POST", f"api/photos/{photo['id']}/steps", {"key": ""})
    assert [panel["name"] for panel in told["panels"]] == ["", *(card["step"]["name"] for card in cards)]
    assert [panel["card"] for panel in told["panels"]] == [None, *range(len(cards))]
    assert all(panel["picture"].startswith("data:image/png;base64,") for panel in told["panels"])
    cards[2]["on"] = False  # without invert the paper is the ink
    other = served.done("POST", f"api/photos/{photo['id']}/steps", {"key": "", "steps": cards})
    assert [panel["card"] for panel in other["panels"]] == [
        None,
        0,
        1,
        *range(3, 3 + len(other["panels"]) - 3),
    ]
    assert other["sample"] != told["sample"]
    assert served.whole()["pipeline"]["text"] == told["text"], "a look at other steps changed the project's"


def test_the_dataset_is_the_one_that_clean_makes_of_the_same_photos(served, run, tmp_path):
    served.done("POST", "api/accept", {})
    names = {photo["name"]: photo for photo in served.whole()["photos"]}
    for name, label in LABELS.items():  # the few that are read otherwise, or are doubtful
        if names[name]["samples"].get("", {}).get("label") != label:
            change(served, names[name], samples={"": {"label": label}})
    (tmp_path / "taken.npz").write_bytes(served.done("GET", "api/export?format=npz"))
    (tmp_path / "labels.csv").write_bytes(served.done("GET", "api/labels"))
    recipe = served.done("GET", "api/recipe").decode().strip()
    run("clean", PHOTOS, "-o", "cleaned.npz", "--labels", PHOTOS / "labels.csv", "--pipeline", recipe)
    assert run("diff", "taken.npz", "cleaned.npz").stdout == "same: 20 images (train 20)\n"
    rows = list(csv.DictReader((tmp_path / "labels.csv").open()))
    assert {row["file"]: int(row["label"]) for row in rows} == LABELS


@pytest.mark.parametrize(
    "name", ["idx", "csv", "pngjson", "parquet", "webdataset", "classfolders", "npypair"]
)
def test_every_format_can_be_taken_away(served, name, tmp_path):
    served.done("POST", "api/accept", {})
    data = served.done("GET", f"api/export?format={name}&which=all")
    said = served.answer_headers["content-disposition"]
    file = tmp_path / said.partition('filename="')[2].rstrip('"')
    file.write_bytes(data)
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as archive:
            archive.extractall(tmp_path / "out")
        (file,) = (entry for entry in (tmp_path / "out").iterdir() if not entry.name.endswith(".json"))
    split = dp.read(file)["train"]
    assert len(split) == len(FILES)
    assert split.labels.tolist() == [LABELS[file.name] for file in FILES]
    assert served.done("GET", f"api/export?format={name}&which=all") == data, "other bytes for the same"


def test_a_page_on_all_photos_can_be_taken_away(served):
    page = served.done("GET", "api/report").decode()
    assert all(file.name in page for file in FILES)


def test_what_a_person_says_is_kept_undone_and_out_of_the_dataset_where_it_is_rejected(fresh):
    for file in FILES[:3]:
        fresh.bring(file)
    names = [file.name for file in FILES[:3]]
    assert say(fresh, names[0], label=7)["samples"][""]["label"] == 7
    say(fresh, names[1], label=1, rejected=True)
    assert fresh.ask("GET", "api/export?format=npz")[0] == 200
    kept = np.load(io.BytesIO(fresh.done("GET", "api/export?format=npz")))
    assert kept["y_train"].tolist() == [7]
    undone = fresh.done("POST", "api/undo")
    assert [photo["name"] for photo in undone["photos"]] == [names[1]]
    assert undone["photos"][0]["samples"] == {}
    fresh.done("POST", "api/undo")
    assert all(photo["samples"] == {} for photo in fresh.whole()["photos"])
    assert fresh.ask("POST", "api/undo")[0] == 409
    assert "no digit has a label yet" in fresh.ask("GET", "api/export?format=npz")[1]["error"]


def test_a_box_says_where_the_digit_is(fresh):
    file = FILES[0]
    fresh.bring(file)
    (before,) = photo_of(fresh, file.name)["look"]["samples"]
    x, y, width, height = before["box"]
    half = [x, y, max(1, width // 2), height]
    (after,) = say(fresh, file.name, box=half)["look"]["samples"]
    assert after["box"] == half
    assert after["image"] != before["image"]
    (again,) = say(fresh, file.name, box=None)["look"]["samples"]
    assert again == before


def test_a_page_becomes_a_grid_of_digits_and_one_can_be_added_by_hand(fresh, tmp_path):
    from PIL import Image

    digits = dp.read(PHOTOS.parent / "digits" / "digits.npz")["test"]
    chosen = [int(np.flatnonzero(digits.labels == label)[0]) for label in (3, 1, 4, 5)]
    row = np.concatenate([np.pad(np.kron(digits.images[n], np.ones((3, 3))), 30) for n in chosen], axis=1)
    Image.fromarray((255 - row).astype(np.uint8)).save(tmp_path / "page.png")
    fresh.bring(tmp_path / "page.png")
    photo = change(fresh, photo_of(fresh, "page.png"), many=True)
    found = photo["look"]["samples"]
    assert [(one["key"], one["digit"]) for one in found] == [
        ("r1-c01", 3),
        ("r1-c02", 1),
        ("r1-c03", 4),
        ("r1-c04", 5),
    ]
    added = change(fresh, photo, samples={"b1": {"box": found[0]["box"], "label": 3}})
    assert [one["key"] for one in added["look"]["samples"]][-1] == "b1"
    assert added["look"]["samples"][-1]["digit"] == 3
    fresh.done("POST", "api/accept", {})
    taken = np.load(io.BytesIO(fresh.done("GET", "api/export?format=npz")))
    assert taken["y_train"].tolist() == [3, 1, 4, 5, 3]
    removed = change(fresh, photo_of(fresh, "page.png"), samples={"b1": {"box": None}})
    assert "b1" not in removed["samples"]


def test_the_same_bytes_are_one_photo_and_two_of_one_name_are_told_apart(fresh):
    first, second = FILES[:2]
    assert fresh.bring(first)[0] == 201
    assert fresh.bring(first)[0] == 200
    assert fresh.bring(second, name=first.name)[0] == 201
    stem, suffix = first.name.split(".")
    assert [photo["name"] for photo in fresh.whole()["photos"]] == [first.name, f"{stem} (2).{suffix}"]


def test_what_is_no_photo_is_refused_and_leaves_nothing_behind(fresh):
    status, answer = fresh.bring_bytes("notes.jpg", b"not a photo")
    assert status == 422
    assert "notes.jpg: expected an image" in answer["error"]
    assert fresh.whole()["photos"] == []
    assert list((fresh.project / "photos").iterdir()) == []


def test_a_change_from_a_window_that_has_not_seen_the_last_one_is_refused_with_how_it_is_now(fresh):
    fresh.bring(FILES[0])
    seen = photo_of(fresh, FILES[0].name)
    change(fresh, seen, samples={"": {"label": 4}})
    stale = {"revision": seen["revision"], "samples": {"": {"label": 9}}}
    status, answer = fresh.ask("PATCH", f"api/photos/{seen['id']}", stale)
    assert status == 409
    assert answer["photo"]["samples"][""]["label"] == 4
    pipeline = fresh.whole()["pipeline"]
    fresh.done("PUT", "api/pipeline", {"revision": pipeline["revision"], "text": "grayscale | invert"})
    status, answer = fresh.ask("PUT", "api/pipeline", {"revision": pipeline["revision"], "text": "grayscale"})
    assert (status, answer["pipeline"]["text"]) == (409, "grayscale | invert")


def test_a_step_that_is_off_stays_a_card_and_is_left_out_of_the_text(fresh):
    pipeline = fresh.whole()["pipeline"]
    pipeline["steps"][3]["on"] = False
    off = fresh.done("PUT", "api/pipeline", {"revision": pipeline["revision"], "steps": pipeline["steps"]})
    assert "even_light" not in off["text"]
    text = off["text"].replace("thicken | ", "")
    typed = fresh.done("PUT", "api/pipeline", {"revision": off["revision"], "text": text})
    assert typed["text"] == text
    assert [card["step"]["name"] for card in typed["steps"] if not card["on"]] == ["even_light"]
    assert dp.Pipeline.parse(typed["text"])
    assert fresh.done("POST", "api/undo")["pipeline"]["text"] == off["text"]


@pytest.mark.parametrize(
    "text", ["", "inver", "__import__('os').system('true')", "resize(size=1e9)", "a" * 10**5]
)
def test_a_text_that_is_no_pipeline_is_said_and_changes_nothing(served, text):
    before = served.whole()["pipeline"]
    status, answer = served.ask("PUT", "api/pipeline", {"revision": before["revision"], "text": text})
    assert status == 400
    assert answer["error"]
    assert served.whole()["pipeline"] == before


def test_a_pipeline_that_makes_other_sizes_says_what_to_do(fresh):
    fresh.bring(FILES[0])
    revision = fresh.whole()["pipeline"]["revision"]
    fresh.done("PUT", "api/pipeline", {"revision": revision, "text": "grayscale | invert | resize(size=30)"})
    (digit,) = photo_of(fresh, FILES[0].name)["look"]["samples"]
    said = "the network takes 28 x 28, the pipeline made 30 x 30; end it with center(size=28)"
    assert digit["reason"] == said
    assert digit["digit"] is None


def test_a_killed_server_has_lost_nothing_when_it_is_started_again(fresh):
    for file in FILES[:4]:
        fresh.bring(file)
    say(fresh, FILES[0].name, label=5)
    say(fresh, FILES[1].name, box=[1, 2, 30, 40], rejected=True)
    before = {photo["name"]: photo for photo in fresh.seen()["photos"]}
    fresh.kill()
    fresh.start()
    assert {photo["name"]: photo for photo in fresh.seen()["photos"]} == before
    for file in FILES[:4]:
        kept = fresh.project / "photos" / f"{before[file.name]['id']:04}{file.suffix}"
        assert kept.read_bytes() == file.read_bytes()
    assert fresh.done("POST", "api/undo")["photos"][0]["name"] == FILES[1].name


def test_a_server_killed_while_photos_come_in_has_all_that_it_said_it_had(fresh):
    said = []

    def bring():
        for file in FILES:
            try:
                said.append((file.name, fresh.bring(file)[0]))
            except OSError:
                return

    thread = threading.Thread(target=bring)
    thread.start()
    while len(said) < 5:
        time.sleep(0.01)
    fresh.kill()
    thread.join()
    fresh.start()
    there = {photo["name"] for photo in fresh.seen()["photos"]}
    assert {name for name, status in said if status == 201} <= there
    assert not list(fresh.project.glob(".digitprep-*")) or fresh.bring(FILES[0])[0] in (200, 201)


def test_one_project_is_open_once_and_a_foreign_folder_is_left_alone(fresh, run, tmp_path):
    said = run("serve", fresh.project, "--no-open", check=1).stderr
    assert "is open in another `digitprep serve`" in said
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    said = run("serve", "mine", "--no-open", check=2).stderr
    assert "mine is no project: it holds letter.txt" in said
    assert [entry.name for entry in (tmp_path / "mine").iterdir() if entry.suffix] == ["letter.txt"]


NO_PROJECT = "expected the JSON of a project", "put back an older copy"
LATER = "expected a project of version 1, found version 2", "a newer digitprep reads it"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *((text, NO_PROJECT) for text in ("", "[]", "{}", "[" * 5000, "null")),
        ('{"format": "digitprep project", "version": 2}', LATER),
    ],
)
def test_a_project_that_cannot_be_read_is_said_and_not_written_over(tmp_path, run, text, words):
    project = tmp_path / "project"
    project.mkdir()
    (project / "project.json").write_text(text)
    said = run("serve", project, "--no-open", check=3).stderr
    assert all(part in said for part in words)
    assert (project / "project.json").read_text() == text


def test_windows_are_told_what_happens_in_others(fresh):
    import http.client

    line = http.client.HTTPConnection(fresh.host, fresh.port, timeout=60)
    line.request("GET", f"/{fresh.token}/api/events")
    answer = line.getresponse()
    assert answer.getheader("content-type").startswith("text/event-stream")
    fresh.bring(FILES[0])
    told = {}
    while "photo" not in told:
        name = answer.readline().decode().strip()
        if name.startswith("event: "):
            told[name[7:]] = json.loads(answer.readline().decode().partition(": ")[2])
    line.close()
    assert told["photo"]["name"] == FILES[0].name


def test_training_on_the_labels_is_told_as_it_goes_and_its_network_can_be_taken_away(served, tmp_path):
    served.done("POST", "api/accept", {})
    served.done("POST", "api/training", {"start": "bundled", "epochs": 2})
    assert served.ask("POST", "api/training", {"start": "bundled", "epochs": 2})[0] == 409
    until = time.monotonic() + 120
    while (training := served.whole()["training"])["state"] == "running":
        assert time.monotonic() < until
        time.sleep(0.1)
    assert training["state"] == "done", training
    assert [epoch["number"] for epoch in training["history"]] == [1, 2]
    assert 0 <= training["before"] <= 1
    while "trained" not in served.whole()["networks"]:
        time.sleep(0.05)
    (tmp_path / "mine.npz").write_bytes(served.done("GET", "api/network/file"))
    model = dp.load_model(tmp_path / "mine.npz")
    served.done("PUT", "api/network", {"network": "trained"})
    for photo in served.seen()["photos"][:5]:
        (digit,) = photo["look"]["samples"]
        assert digit["digit"] == model.predict(dp.prepare(PHOTOS / photo["name"]))[0]
    found = served.done("POST", "api/evaluation", {"network": "trained"})
    assert found["count"] == sum(map(sum, found["confusion"])) > 0
    assert found["right"] == sum(row[place] for place, row in enumerate(found["confusion"]))
    served.done("PUT", "api/network", {"network": "bundled"})


def test_a_training_can_be_stopped_and_too_few_labels_are_said(fresh):
    fresh.bring(FILES[0])
    assert fresh.ask("POST", "api/training", {})[0] == 422
    fresh.done("POST", "api/accept", {})
    status, answer = fresh.ask("POST", "api/training", {"start": "bundled", "epochs": 5})
    assert (status, answer["error"]) == (400, "to train takes at least 10 labelled digits, found 1")
    for file in FILES:
        fresh.bring(file)
    fresh.done("POST", "api/accept", {})
    fresh.done("POST", "api/training", {"start": "scratch", "epochs": 200})
    fresh.done("DELETE", "api/training")
    until = time.monotonic() + 120
    while fresh.whole()["training"]["state"] == "running":
        assert time.monotonic() < until
        time.sleep(0.1)
    assert fresh.whole()["training"]["state"] == "stopped"


def test_a_photo_whose_file_has_gone_is_told_as_such_and_keeps_nobody_waiting(fresh):
    for file in FILES[:2]:
        fresh.bring(file)
    photo = photo_of(fresh, FILES[0].name)
    (fresh.project / "photos" / "0001.jpg").unlink()
    gone = change(fresh, photo, samples={"": {"label": 3, "box": [1, 2, 3, 4]}})
    # What its process still remembers may do; after the next start it has to read the file.
    fresh.close()
    fresh.start()
    gone = photo_of(fresh, FILES[0].name)
    assert gone["look"]["reason"] == f"{FILES[0].name}: cannot be read: No such file or directory"
    assert gone["samples"][""]["label"] == 3
    assert change(fresh, gone, samples={"": {"box": None}})["look"]["samples"] == []
    fresh.done("POST", "api/accept", {})
    assert len(np.load(io.BytesIO(fresh.done("GET", "api/export?format=npz")))["y_train"]) == 1


def test_a_label_outlives_a_pipeline_that_makes_nothing_of_its_photo(fresh):
    fresh.bring(FILES[0])
    say(fresh, FILES[0].name, label=3)
    revision = fresh.whole()["pipeline"]["revision"]
    nothing = 'grayscale | threshold(method="fixed", level=255, ink="dark") | crop'
    fresh.done("PUT", "api/pipeline", {"revision": revision, "text": "grayscale | invert | resize(size=30)"})
    status, answer = fresh.ask("POST", "api/evaluation", {})
    assert (status, "end it with center(size=28)" in answer["error"]) == (422, True)
    revision = fresh.seen()["pipeline"]["revision"]
    fresh.done("PUT", "api/pipeline", {"revision": revision, "text": nothing})
    fresh.seen()
    assert fresh.done("GET", "api/labels").decode() == f"file,label\n{FILES[0].name},3\n"
