"""Augmentation: each by what it promises, and the sampling that all warps share against plain NumPy."""

import numpy as np
import pytest

from digitprep.nn import AUGMENTATIONS
from digitprep.nn import augment as module
from digitprep.nn.augment import Affine, Elastic, Thickness, sampled


def noise(shape) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def bilinear(image, rows, columns):
    """(H, W) at real coordinates (H, W): the definition, pixel by pixel."""
    height, width = image.shape
    result = np.zeros(rows.shape)
    for place in np.ndindex(rows.shape):
        top, left = int(np.floor(rows[place])), int(np.floor(columns[place]))
        for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
            if 0 <= row < height and 0 <= column < width:
                share = (1 - abs(rows[place] - row)) * (1 - abs(columns[place] - column))
                result[place] += share * image[row, column]
    return result


@pytest.mark.parametrize("shape", [(5, 9, 7), (3, 6, 8, 3), (2, 1, 1)])
def test_sampling_agrees_with_its_definition(shape):
    """Between the pixels, on them, on the edge, half outside and far outside."""
    images = noise(shape)
    height, width = shape[1:3]
    rng = np.random.default_rng(1)
    rows = rng.uniform(-3, height + 2, (len(images), height, width)).astype(np.float32)
    columns = rng.uniform(-3, width + 2, (len(images), height, width)).astype(np.float32)
    rows[:, 0] = np.round(rows[:, 0])
    result = sampled(images, np.stack([rows, columns], axis=1))
    planes, results = (array.reshape(*shape[:3], -1) for array in (images, result))
    for image, channel in np.ndindex(len(images), planes.shape[3]):
        expected = bilinear(planes[image, ..., channel], rows[image], columns[image])
        # OpenCV before 5.0 rounds coordinates to 1/32 of a pixel: 8 grey levels a direction.
        np.testing.assert_allclose(results[image, ..., channel], expected, atol=17)
        assert abs(results[image, ..., channel] - expected).mean() < 4


def test_more_images_than_fit_one_sheet_are_sampled_alike():
    """Across the limit of OpenCV, each image still gets its own pixels."""
    images = noise((1300, 28, 28))
    where = np.broadcast_to(np.indices((28, 28), np.float32), (1300, 2, 28, 28))
    np.testing.assert_array_equal(sampled(images, where), images)
    where = where + np.array([0, 1], np.float32)[:, None, None]
    np.testing.assert_array_equal(sampled(images, where)[:, :, :-1], images[:, :, 1:])


def digit(count: int = 64, colour: bool = False) -> np.ndarray:
    """A bar with a hook, in the middle of 28 x 28."""
    image = np.zeros((28, 28), np.uint8)
    image[6:22, 13:16] = 255
    image[6:9, 9:13] = 180
    image = np.stack([image] * 3, axis=-1) if colour else image
    return np.repeat(image[None], count, axis=0)


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("name", sorted(set(AUGMENTATIONS) - {"styles"}))  # which asks for labels
def test_augmentations_give_new_images_that_follow_from_the_seed(name, colour):
    """Every image changes in its own way, the originals stay, and a seed repeats the result."""
    images = digit(colour=colour)
    kept = images.copy()
    first, again, other = (AUGMENTATIONS[name]()(images, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(images, kept)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert len(np.unique(first.reshape(64, -1), axis=0)) > 50
    assert 0.3 < first.mean() / images.mean() < 3


@pytest.mark.parametrize("name", AUGMENTATIONS)
@pytest.mark.parametrize("shape", [(4, 28, 28), (3, 20, 31, 3), (2, 1, 1), (0, 28, 28)])
def test_shape_and_type_stay_and_paper_stays_paper(name, shape):
    """Any size, colour too; where there is no ink, none appears."""
    augmentation = AUGMENTATIONS[name]()
    images = noise(shape)
    result = augmentation(images, np.random.default_rng(0))
    assert result.shape == shape
    assert result.dtype == np.uint8
    assert not augmentation(np.zeros(shape, np.uint8), np.random.default_rng(0)).any()


def test_elastic_of_no_strength_is_the_image_itself():
    images = noise((6, 28, 28))
    np.testing.assert_array_equal(Elastic(strength_px=0)(images, np.random.default_rng(0)), images)


def displacements(monkeypatch, elastic, shape) -> np.ndarray:
    """(N, 2, H, W): how far each pixel's source lies from it."""
    seen = []
    monkeypatch.setattr(module, "sampled", lambda images, source: seen.append(source) or images)
    elastic(np.zeros(shape, np.uint8), np.random.default_rng(0))
    return seen[0] - np.indices(shape[1:])


@pytest.mark.parametrize(("strength", "smoothness"), [(1, 4), (2.5, 4), (1, 1), (1, 7.5), (0.5, 40)])
def test_elastic_displaces_by_its_strength_everywhere(monkeypatch, strength, smoothness):
    """The mean distance is `strength_px`, at the corner and the edge as in the middle."""
    elastic = Elastic(strength_px=strength, smoothness_px=smoothness)
    distance = np.hypot(*displacements(monkeypatch, elastic, (3000, 28, 28)).transpose(1, 0, 2, 3))
    assert distance.mean() == pytest.approx(strength, rel=0.05)
    for row, column in ((0, 0), (13, 14), (27, 5)):
        assert distance[:, row, column].mean() == pytest.approx(strength, rel=0.07)


def test_neighbours_move_together_the_more_so_the_smoother(monkeypatch):
    """Noise smoothed by a Gaussian: at distance d the correlation is exp(-d**2 / (4 sigma**2))."""
    for smoothness in (3, 6):
        elastic = Elastic(smoothness_px=smoothness)
        moves = displacements(monkeypatch, elastic, (2000, 28, 28))[:, 0]
        for apart in (1, 4, 8):
            correlation = np.corrcoef(moves[:, 10, 10], moves[:, 10, 10 + apart])[0, 1]
            assert correlation == pytest.approx(np.exp(-(apart**2) / (4 * smoothness**2)), abs=0.05)


def test_elastic_moves_the_ink_but_keeps_most_of_it():
    """A bar is bent, neither lost nor doubled."""
    bar = np.zeros((200, 28, 28), np.uint8)
    bar[:, 6:22, 12:16] = 255
    bent = Elastic(strength_px=1.5)(bar, np.random.default_rng(0)).astype(float)
    assert bent.mean() == pytest.approx(bar.mean(), rel=0.03)
    assert (bent != bar).any(axis=(1, 2)).all()


def test_affine_shifts_by_whole_pixels_exactly(monkeypatch):
    """A shift of one pixel is a copy, with paper where nothing was."""
    monkeypatch.setattr(module, "_uniform", lambda _, bound, shape: np.full(shape, bound, np.float32))
    images = noise((3, 10, 12))
    shifted = Affine(angle_degrees=0, scale=0, shear=0, shift_px=1)(images, np.random.default_rng(0))
    np.testing.assert_array_equal(shifted[:, :-1, :-1], images[:, 1:, 1:])
    assert not shifted[:, -1].any()


def test_affine_of_nothing_is_the_image_itself():
    """With all amounts at zero, not one pixel changes."""
    still = Affine(angle_degrees=0, scale=0, shear=0, shift_px=0)
    np.testing.assert_array_equal(still(digit(), np.random.default_rng(0)), digit())


def test_affine_moves_ink_as_far_as_it_says_and_fills_with_paper():
    """Shifts reach their bound and no further; what comes in from outside is paper."""
    rng = np.random.default_rng(0)
    shifted = Affine(angle_degrees=0, scale=0, shear=0, shift_px=3)(digit(400), rng).astype(float)
    rows = (shifted.sum(axis=2) * np.arange(28)).sum(axis=1) / shifted.sum(axis=(1, 2))
    still = digit(1)[0].astype(float)
    offsets = rows - (still.sum(axis=1) * np.arange(28)).sum() / still.sum()
    assert 2.8 < np.abs(offsets).max() < 3.05
    full = np.full((50, 28, 28), 255, np.uint8)
    far = Affine(shift_px=100)(full, rng)
    assert (far.reshape(50, -1).max(axis=1) == 0).any()


def test_affine_turns_about_the_centre():
    """A point in the centre of an odd image stays where it is under any turn."""
    image = np.zeros((30, 9, 9), np.uint8)
    image[:, 4, 4] = 200
    turned = Affine(angle_degrees=180, scale=0, shear=0, shift_px=0)(image, np.random.default_rng(0))
    assert (np.abs(turned[:, 4, 4].astype(int) - 200) <= 1).all()


def test_thickness_thickens_some_and_thins_others():
    """Ink changes in both directions; with no room in either, nothing changes."""
    ink = Thickness()(digit(), np.random.default_rng(0)).sum(axis=(1, 2), dtype=float)
    before = digit(1).sum()
    assert ink.min() < 0.9 * before < 1.1 * before < ink.max()
    unchanged = Thickness(thicker=0, thinner=0)(digit(), np.random.default_rng(0))
    np.testing.assert_array_equal(unchanged, digit())
