"""The command that hands a network to other programs: export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digitprep.cli.options import Overwrite
from digitprep.cli.terminal import say
from digitprep.errors import UsageError
from digitprep.place import check_destination


def export(
    model: Annotated[
        Path, typer.Argument(metavar="M.npz", help="A network of digitprep; 'digitnet' is the bundled one.")
    ],
    output: Annotated[Path, typer.Argument(metavar="M.onnx", help="The file to write.")],
    overwrite: Overwrite = False,
) -> None:
    """Write a network as ONNX, which OpenCV, onnxruntime, browsers and phones run.

    Its input "images" is (N, 1 or 3, H, W), from 0 for paper to 1 for ink; its output "probabilities".
    """
    from digitprep.nn import load_model
    from digitprep.nn.onnx import export_onnx

    if output.suffix.lower() != ".onnx":
        raise UsageError(f"expected a name that ends in .onnx, found {output}; networks are exported to ONNX")
    check_destination(output, overwrite)
    bundled = str(model) == "digitnet" and not model.exists()
    export_onnx(load_model(None if bundled else model), output, overwrite)
    say(f"{output}: {output.stat().st_size:,} bytes")
