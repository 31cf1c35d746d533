"""Files in layouts of our own, as the first version wrote them, mean today what they meant.

The files are those of `golden_files.py`; datasets in every format are in `contracts/test_formats.py`.
"""

import json
import shutil

import golden_files as golden
import numpy as np
import pytest
from golden_files import GOLDEN

import digitprep as dp
from digitprep import formats
from digitprep.contents import difference, fingerprint
from digitprep.errors import DataError, ModelError, UsageError
from digitprep.labels import find_labels
from digitprep.nn.checkpoint import Checkpoint
from digitprep.nn.log import LOGS, read_log
from digitprep.nn.store import npz_bytes
from digitprep.pipeline import Pipeline
from digitprep.recipes import recipe
from digitprep.serve.entries import Sample
from digitprep.serve.project import Project
from digitprep.shards import from_bytes
from digitprep.spool import Spool


@pytest.mark.parametrize("name", golden.WRITERS)
def test_no_golden_file_is_missing(name):
    assert (GOLDEN / name).is_dir(), "python tests/golden_files.py writes it; look at it, and commit it"


@pytest.fixture
def copied(tmp_path):
    """A copy of a golden folder, for what is changed by its use."""

    def copy(name):
        return shutil.copytree(GOLDEN / name, tmp_path / name)

    return copy


def numbered(file, member, version):
    """Another version's number in an .npz."""
    with np.load(file) as stored:
        arrays = dict(stored) | {member: np.array(version, "<i8")}
    file.write_bytes(npz_bytes(arrays))
    return file


def test_the_fingerprint_of_a_dataset_stays_what_it_was():
    expected = "d3c4c18b90ccc995ff29de041b230c4dfe894b8ba0fdb9173835782811d732e3"
    assert fingerprint(golden.DATA.values()) == expected


@pytest.mark.parametrize("name", ["inside.npz", "beside"])
def test_class_names_and_provenance_are_read(name, tmp_path):
    path = GOLDEN / "told" / name
    assert formats.origin(path) == golden.ORIGIN | {"counts": {"train": 4}}
    assert difference(formats.stream(path), golden.TOLD.values()) is None
    assert formats.read(path)["train"].class_names == golden.NAMES
    golden.write_told(tmp_path)
    assert formats.origin(tmp_path / name) == formats.origin(path)


def test_a_model_is_read_and_written_as_ever(tmp_path):
    file = GOLDEN / "model" / "model.npz"
    found, expected = dp.load_model(file), golden.model()
    assert (found.text, found.image_shape, found.class_names, found.metadata) == (
        expected.text,
        expected.image_shape,
        expected.class_names,
        expected.metadata,
    )
    images = golden.TRAINED_ON.images
    np.testing.assert_array_equal(found.logits(images), expected.logits(images))
    found.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == file.read_bytes()


def test_a_model_of_a_later_layout_is_refused(copied):
    file = numbered(copied("model") / "model.npz", "digitprep_model", 2)
    with pytest.raises(ModelError, match="expected a model of layout 1, found 2; a newer digitprep may"):
        dp.load_model(file)


def test_training_goes_on_from_a_checkpoint(copied):
    file = copied("checkpoint") / "run.checkpoint.npz"
    (first,) = Checkpoint.load(file).history
    model = golden.model()
    epochs = list(dp.train(model, golden.TRAINED_ON, checkpoint=file, resume=True, **golden.TRAINING))
    assert [epoch.number for epoch in epochs] == [1, 2]
    assert (epochs[0].loss, epochs[0].seconds) == (first["loss"], first["seconds"])
    straight = list(dp.train(golden.model(), golden.TRAINED_ON, **golden.TRAINING))
    assert [epoch.loss for epoch in epochs] == pytest.approx([epoch.loss for epoch in straight], rel=1e-3)


def test_a_checkpoint_of_a_later_layout_is_refused(copied):
    file = numbered(copied("checkpoint") / "run.checkpoint.npz", "digitprep_checkpoint", 3)
    with pytest.raises(ModelError, match="expected a checkpoint of layout 2, found 3; remove the file"):
        Checkpoint.load(file)


@pytest.mark.parametrize("suffix", LOGS)
def test_logs_of_training_are_read(suffix):
    assert read_log(GOLDEN / "logs" / f"log{suffix}") == golden.EPOCHS


def test_a_log_with_columns_of_a_later_version_is_refused(copied):
    file = copied("logs") / "log.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("seconds", "minutes"), encoding="utf-8")
    with pytest.raises(DataError, match=r"row 1: expected number, loss, .*seconds.*found .*minutes"):
        read_log(file)


def test_what_a_run_of_clean_kept_is_read(copied):
    folder = copied("partial")
    found = from_bytes((folder / "data.npz.partial" / "000000.npz").read_bytes())
    assert [stamp for stamp, _ in found] == [stamp for stamp, _ in golden.DONE]
    for (_, (one,)), (_, (other,)) in zip(found, golden.DONE, strict=True):
        for name in ("image", "thumbnail"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert one.photo.name == other.photo.name
        rest = {"image": None, "thumbnail": None, "photo": None}
        assert vars(one) | rest == vars(other) | rest
    spool = Spool(folder / "data.npz", golden.FACTS)
    assert spool.was_begun()
    with spool:
        assert spool.photos == 2


def test_a_later_version_does_not_go_on_with_what_an_earlier_one_kept(copied):
    spool = Spool(copied("partial") / "data.npz", golden.FACTS | {"digitprep": "0.2.0"})
    with pytest.raises(UsageError, match=r"its digitprep was 0\.1\.0, now 0\.2\.0; repeat that one"), spool:
        pass


def test_the_lists_beside_a_dataset_are_written_as_ever_and_label_its_photos(tmp_path):
    golden.write_lists(tmp_path / "lists")
    for name in ("photos", "rejected", "doubtful"):
        file = f"data.{name}.csv"
        assert (tmp_path / "lists" / file).read_bytes() == (GOLDEN / "lists" / file).read_bytes()
    unlike = [folder / "data.unlike.csv" for folder in (GOLDEN / "lists", tmp_path / "lists")]
    assert len({file.read_text(encoding="utf-8").partition("\n")[0] for file in unlike}) == 1
    photos = GOLDEN / "lists" / "photos" / "a.png"
    assert find_labels([photos], str(GOLDEN / "lists" / "data.photos.csv")) == [4]


def test_a_project_of_the_workbench_opens_and_its_last_change_can_be_undone(copied):
    project = Project(copied("project"))
    try:
        assert [photo.name for photo in project.photos.values()] == ["photo ü 1.png", "photo ü 2.png"]
        assert project.photo(1).samples == {"": Sample(7, (1, 2, 10, 12), rejected=True)}
        assert project.pipeline == Pipeline.parse(json.loads(texts())["recipes"]["mnist"])
        for photo in project.photos.values():
            assert project.with_bytes(project.path_of(photo).read_bytes()) == photo
        project.undo()
        assert project.photo(1).samples == {}
    finally:
        project.close()


def test_a_project_of_a_later_version_is_refused(copied):
    folder = copied("project")
    text = (folder / "project.json").read_text(encoding="utf-8").replace('"version": 1', '"version": 2')
    (folder / "project.json").write_text(text, encoding="utf-8")
    message = "project.json: expected a project of version 1, found version 2; a newer digitprep reads it"
    with pytest.raises(DataError, match=message):
        Project(folder)


def texts():
    return (GOLDEN / "texts" / "texts.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", golden.KINDS)
def test_every_name_and_option_is_known_and_what_is_left_out_means_the_same(kind):
    registry = golden.KINDS[kind]
    for name, text in json.loads(texts())[kind].items():
        spec = registry.parse(text)
        assert str(spec) == str(registry.parse(str(spec)))
        if "=..." not in registry.template(name):
            assert registry.parse(name) == spec, "a default has changed: files that leave it out mean another"


def test_networks_and_recipes_of_the_first_version_can_be_built():
    told = json.loads(texts())
    for text in told["networks"].values():
        assert dp.Model.build(text).text == text
    for name, text in told["recipes"].items():
        assert Pipeline.parse(str(Pipeline.parse(text))) == Pipeline.parse(text)
        assert recipe(name)
