"""Where the rules and the sample council lie: beside the package, or inside an installed one."""

from __future__ import annotations

from pathlib import Path

from triage.errors import CallError

_PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """Return the folder ``rules`` or ``sample_data`` that came with the product.

    Raises:
        CallError: when the installation lacks it.
    """
    for folder in (_PACKAGE / "shipped" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise CallError(f"the installation lacks its folder {name}; install the package again.")
