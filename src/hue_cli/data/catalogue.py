"""The data sets that papers use, by name: what each is, where it comes from, under which terms, how it is divided.

Sizes and digests are those that the publishers or the checksum lists of TensorFlow Datasets give. What nobody
publishes stands here as None, and ``hue data`` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from hue_cli.data.photos import SUFFIXES
from hue_cli.data.splits import Counts, Rule, Shares, Side
from hue_cli.errors import DatasetError


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """One file that holds a whole data set.

    Attributes:
        url: the publisher's.
        size: in bytes.
        digest: ``sha256:…``, or ``md5:…`` where the publisher gives no other.
    """

    url: str
    size: int
    digest: str

    @property
    def file(self) -> str:
        """Name of the file."""
        return PurePosixPath(self.url).name


@dataclass(frozen=True, slots=True, kw_only=True)
class Kaggle:
    """A data set of Kaggle, which publishes neither size nor digest in advance.

    Attributes:
        handle: ``owner/name``.
    """

    handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSet:
    """A data set that has a name.

    Attributes:
        name: what users call it.
        title: what its makers call it.
        shows: what is on the photos.
        photos: how many there are.
        page: where it is described.
        terms: as far as known; a sentence.
        papers: those whose systems use it.
        origin: where it comes from.
        folders: folders of photos below the archive's top, each with how its photos are divided.
    """

    name: str
    title: str
    shows: str
    photos: int
    page: str
    terms: str
    papers: tuple[str, ...]
    origin: Archive | Kaggle
    folders: Mapping[str, Rule]

    def divide(self, files: Iterable[str]) -> dict[str, Side]:
        """Return the side of each file that is one of its photos and has one.

        Args:
            files: paths below any top folder, with ``/``; what is no photo of the set is passed over.
        """
        found: dict[str, dict[str, str]] = {folder: {} for folder in self.folders}
        for file in files:
            for folder, below in found.items():
                name = _below(file, folder)
                if name is not None:
                    below[name] = file
        sides: dict[str, Side] = {}
        for folder, below in found.items():
            sides |= {below[name]: side for name, side in self.folders[folder].divide(below).items()}
        return dict(sorted(sides.items()))

    @property
    def taken(self) -> int:
        """How many of the photos are used."""
        return min(self.photos, sum(rule.total or self.photos for rule in self.folders.values()))

    @property
    def rule(self) -> str:
        """How it is divided, in words."""
        return "; ".join(f"{folder}: {rule}" for folder, rule in self.folders.items())


def _below(file: str, folder: str) -> str | None:
    """Return the part of a photo's path below ``folder``, wherever that lies; None if it lies elsewhere."""
    path = PurePosixPath(file)
    # macOS leaves "._name.jpg" beside the photos of its archives.
    if path.suffix.lower() not in SUFFIXES or path.name.startswith("._"):
        return None
    _, found, name = f"/{file}".partition(f"/{folder}/")
    return name if found else None


_DEEPCOLOR = "004 (DeepColor)"
_DEEPCOLOR_SPLIT = Counts(train=4000, val=1000)

SETS: tuple[NamedSet, ...] = (
    NamedSet(
        name="kaggle",
        title="Image Colorization Dataset (aayush9753)",
        shows="everyday scenes, 400×400",
        photos=5739,
        page="https://www.kaggle.com/datasets/aayush9753/image-colorization-dataset",
        terms="unknown here; see its page at Kaggle",
        papers=("000 (residual autoencoder)",),
        origin=Kaggle(handle="aayush9753/image-colorization-dataset"),
        folders={"train_color": Counts(train=4500, val=500), "test_color": Counts(test=739)},
    ),
    NamedSet(
        name="landscape",
        title="Landscape Image Colorization (theblackmamba31)",
        shows="buildings, mountains, streets, glaciers, trees",
        photos=7129,
        page="https://www.kaggle.com/datasets/theblackmamba31/landscape-image-colorization",
        terms="unknown here; see its page at Kaggle",
        papers=("003 (AE-RGB, AE-LAB, ColorGAN)",),
        origin=Kaggle(handle="theblackmamba31/landscape-image-colorization"),
        folders={"landscape Images/color": Counts(train=6000, val=1000)},
    ),
    NamedSet(
        name="mirflickr25k",
        title="MIRFLICKR-25000",
        shows="Flickr photos of every kind",
        photos=25000,
        page="https://press.liacs.nl/mirflickr/",
        terms="each photo under a Creative Commons licence of its own; made for research",
        papers=("002 (Deep Koalarization and its variants)",),
        origin=Archive(
            url="https://press.liacs.nl/mirflickr/mirflickr25k.v3b/mirflickr25k.zip",
            size=3_069_184_257,
            digest="md5:a23d0a8564ee84cda5622a6c2f947785",
        ),
        folders={"mirflickr": Shares(train=90, val=5, test=5)},
    ),
    NamedSet(
        name="coco",
        title="COCO 2017, validation images",
        shows="everyday scenes with objects in their context",
        photos=5000,
        page="https://cocodataset.org",
        terms="Flickr photos, each under its own licence; annotations CC BY 4.0",
        papers=(_DEEPCOLOR,),
        origin=Archive(
            url="http://images.cocodataset.org/zips/val2017.zip",
            size=815_585_330,
            digest="sha256:4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
        ),
        folders={"val2017": _DEEPCOLOR_SPLIT},
    ),
    NamedSet(
        name="places365",
        title="Places365-Standard, small validation images",
        shows="scenes, indoors and out, 256×256",
        photos=36500,
        page="http://places2.csail.mit.edu",
        terms="non-commercial research and education only",
        papers=(_DEEPCOLOR,),
        origin=Archive(
            url="http://data.csail.mit.edu/places/places365/val_256.tar",
            size=525_158_400,
            digest="sha256:24b4e639ef12a0012af525bc4cb443e4ab4aaea8369a1fb009b70e4a4aad5d48",
        ),
        folders={"val_256": _DEEPCOLOR_SPLIT},
    ),
    NamedSet(
        name="ade20k",
        title="ADE20K, SceneParsing (ADEChallengeData2016)",
        shows="scenes with everything in them",
        photos=22210,
        page="https://groups.csail.mit.edu/vision/datasets/ADE20K/",
        terms="non-commercial research and education only",
        papers=(_DEEPCOLOR,),
        origin=Archive(
            url="http://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip",
            size=967_382_037,
            digest="sha256:7ff1be44964418441f542a7cc1e1a650e7dc0fc275f5d23252bc9bbdbc977b29",
        ),
        folders={"images": _DEEPCOLOR_SPLIT},
    ),
)

NAMES: tuple[str, ...] = tuple(each.name for each in SETS)


def find_set(name: str) -> NamedSet:
    """Return the data set of this name.

    Raises:
        DatasetError: none has it; the message lists those there are.
    """
    found = next((each for each in SETS if each.name == name), None)
    if found is None:
        raise DatasetError(f"No data set is called {name!r}. There are: {', '.join(NAMES)}.")
    return found
