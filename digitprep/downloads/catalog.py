"""The datasets that can be downloaded. To add one, add an entry to `SOURCES`; nothing else is edited."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class File:
    """A file that every mirror must send just so.

    name: there and here
    size: in bytes
    sha256: in hexadecimal digits
    """

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Source:
    """A dataset that can be downloaded.

    summary: what it is
    mirrors: the addresses that a file's name is put after, best first
    files: all that it is made of
    members: of its one file, a zip: those that are kept, in its place
    checksums: the name of the list of their SHA-256, by which they are known again
    """

    summary: str
    mirrors: tuple[str, ...]
    files: tuple[File, ...]
    members: tuple[str, ...] = ()
    checksums: str = ""


def emnist(name: str, summary: str) -> Source:
    """One of EMNIST's sets, all of which are in one zip."""
    return Source(
        f"EMNIST {name}: {summary}, of 28 x 28",
        (
            "https://biometrics.nist.gov/cs_links/EMNIST/",
            "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/",
        ),
        (File("gzip.zip", 561753746, "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"),),
        tuple(
            f"gzip/emnist-{name}-{split}-{kind}-ubyte.gz"
            for split in ("train", "test")
            for kind in ("images-idx3", "labels-idx1")
        ),
        f"emnist-{name}.sha256",
    )


SOURCES = {
    "mnist": Source(
        "handwritten digits, 60,000 and 10,000 of 28 x 28",
        (
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "http://yann.lecun.com/exdb/mnist/",
        ),
        (
            File(
                "train-images-idx3-ubyte.gz",
                9912422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            File(
                "train-labels-idx1-ubyte.gz",
                28881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            File(
                "t10k-images-idx3-ubyte.gz",
                1648877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            File(
                "t10k-labels-idx1-ubyte.gz",
                4542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ),
    ),
    "fashion": Source(
        "Fashion-MNIST: ten kinds of clothes, 60,000 and 10,000 of 28 x 28",
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        (
            File(
                "train-images-idx3-ubyte.gz",
                26421880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            File(
                "train-labels-idx1-ubyte.gz",
                29515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            File(
                "t10k-images-idx3-ubyte.gz",
                4422102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            File(
                "t10k-labels-idx1-ubyte.gz",
                5148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        ),
    ),
    "kmnist": Source(
        "Kuzushiji-MNIST: ten cursive Japanese characters, 60,000 and 10,000 of 28 x 28",
        ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
        (
            File(
                "train-images-idx3-ubyte.gz",
                18165135,
                "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            ),
            File(
                "train-labels-idx1-ubyte.gz",
                29497,
                "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            ),
            File(
                "t10k-images-idx3-ubyte.gz",
                3041136,
                "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            ),
            File(
                "t10k-labels-idx1-ubyte.gz",
                5120,
                "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
            ),
        ),
    ),
    "emnist": emnist("digits", "digits, 240,000 and 40,000"),
    "emnist-letters": emnist("letters", "26 letters, upper and lower case as one"),
    "emnist-balanced": emnist("balanced", "47 digits and letters, as many of each"),
    "emnist-bymerge": emnist("bymerge", "the same 47 as often as they were written"),
    "emnist-byclass": emnist("byclass", "62 digits, capitals and small letters"),
    "emnist-mnist": emnist("mnist", "digits, 60,000 and 10,000"),
}
