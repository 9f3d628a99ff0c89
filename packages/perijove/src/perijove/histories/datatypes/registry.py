"""The types that datasets may have, named by extension as Galaxy names them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from perijove.core.errors import BadRequestError

AUTO = frozenset({"auto", "_sniff_", ""})
_EXT = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}$")


@dataclass(frozen=True)
class Datatype:
    """One type. `inspect`: a confined process can tell more about it than its first bytes do."""

    ext: str
    description: str
    mime: str = "application/octet-stream"
    text: bool = False
    inspect: bool = False


_TYPES = (
    Datatype("data", "Any data"),
    Datatype("txt", "Text", "text/plain", text=True),
    Datatype("md", "Markdown", "text/markdown", text=True),
    Datatype("tabular", "Table, tab-separated", "text/tab-separated-values", text=True),
    Datatype("bed", "Genome intervals (BED)", "text/plain", text=True),
    Datatype("tsv", "Table, tab-separated", "text/tab-separated-values", text=True),
    Datatype("csv", "Table, comma-separated", "text/csv", text=True),
    Datatype("json", "JSON", "application/json", text=True),
    Datatype("jsonl", "JSON lines", "application/x-ndjson", text=True),
    Datatype("yaml", "YAML", "application/yaml", text=True),
    Datatype("ipynb", "Jupyter notebook", "application/x-ipynb+json", text=True, inspect=True),
    Datatype("py", "Python script", "text/x-python", text=True),
    Datatype("html", "HTML", "text/html", text=True),
    Datatype("xml", "XML", "application/xml", text=True),
    Datatype("svg", "Scalable vector graphics", "image/svg+xml", text=True),
    Datatype("fasta", "Sequences", "text/plain", text=True),
    Datatype("fastq", "Sequences with qualities", "text/plain", text=True),
    Datatype("pdb", "Protein structure (PDB)", "chemical/x-pdb", text=True),
    Datatype("a3m", "Sequence alignment", "text/plain", text=True),
    Datatype("h5", "HDF5", "application/x-hdf5", inspect=True),
    Datatype("onnx", "ONNX model", inspect=True),
    Datatype("keras", "Keras model", "application/zip", inspect=True),
    Datatype("npy", "NumPy array", inspect=True),
    Datatype("npz", "NumPy arrays", "application/zip", inspect=True),
    Datatype("parquet", "Parquet table", "application/vnd.apache.parquet"),
    Datatype("sqlite", "SQLite database", "application/vnd.sqlite3"),
    Datatype("nii", "NIfTI image"),
    Datatype("nii.gz", "NIfTI image, compressed", "application/gzip"),
    Datatype("dcm", "DICOM image", "application/dicom"),
    Datatype("png", "PNG image", "image/png", inspect=True),
    Datatype("jpg", "JPEG image", "image/jpeg"),
    Datatype("gif", "GIF image", "image/gif"),
    Datatype("tiff", "TIFF image", "image/tiff"),
    Datatype("pdf", "PDF", "application/pdf"),
    Datatype("zip", "Zip archive", "application/zip", inspect=True),
    Datatype("tar", "Tar archive", "application/x-tar"),
    Datatype("tar.gz", "Tar archive, compressed", "application/gzip"),
    Datatype("gz", "gzip file", "application/gzip"),
    Datatype("bz2", "bzip2 file", "application/x-bzip2"),
    Datatype("xz", "xz file", "application/x-xz"),
    Datatype("zst", "Zstandard file", "application/zstd"),
)
DATATYPES = {datatype.ext: datatype for datatype in _TYPES}
_SYNONYMS = {
    "hdf5": "h5",
    "jpeg": "jpg",
    "tif": "tiff",
    "text": "txt",
    "tgz": "tar.gz",
    "htm": "html",
    "yml": "yaml",
    "fa": "fasta",
    "fq": "fastq",
}


def normalise(ext: str) -> str:
    """The extension as we store it. BadRequestError for what can be no extension."""
    lowered = ext.strip().lower().lstrip(".")
    lowered = _SYNONYMS.get(lowered, lowered)
    if not _EXT.match(lowered):
        raise BadRequestError(
            f"{ext[:40]!r} is no type of dataset.",
            advice="Send `auto`, or one that /api/datatypes lists.",
        )
    return lowered


def datatype(ext: str) -> Datatype:
    """The type of an extension; an unknown extension is plain data under its own name."""
    return DATATYPES.get(ext) or Datatype(ext, ext)


def by_name(name: str) -> Datatype | None:
    """The type that a file's name suggests."""
    lowered = name.lower()
    for ending in sorted([*DATATYPES, *_SYNONYMS], key=len, reverse=True):
        if lowered.endswith(f".{ending}"):
            return DATATYPES[_SYNONYMS.get(ending, ending)]
    return None
