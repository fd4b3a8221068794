"""Opens a workbook in a process of its own, under limits, to see whether that can be done.

Run as a script with nothing of the product imported: the folder that holds python_calamine, the
bytes of memory and the seconds it may take, and the workbook. Before a sheet is read its name is
printed, so that the last name is that of the sheet at fault. The exit code is 0 when the workbook
can be read, 3 when its reader says in order why not, and 4 when it says so of one sheet; anything
else means that it must not be read.
"""

from __future__ import annotations

import sys
from itertools import islice

_ROWS_AT_ONCE = 20_000
"""As many rows as the reading that follows holds at once."""


def main(library: str, memory: str, seconds: str, path: str) -> int:
    """Open every sheet of a workbook and go through its rows."""
    sys.path.insert(0, library)
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

    limit(int(memory), int(seconds))
    with open(path, "rb") as file:
        try:
            book = CalamineWorkbook.from_filelike(file)
        except CalamineError:
            return 3
    kept = []
    for name in [one.name for one in book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]:
        sys.stdout.buffer.write(name.encode("utf-8", "replace") + b"\n")
        sys.stdout.flush()
        try:
            sheet = book.get_sheet_by_name(name)
        except CalamineError:
            return 4
        kept.append(sheet)
        rows = sheet.iter_rows()
        while list(islice(rows, _ROWS_AT_ONCE)):
            pass
    return 0


def limit(memory: int, seconds: int) -> None:
    """Let this process have so much more memory than it has now, where the system can do that."""
    try:
        import resource

        with open("/proc/self/statm") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + memory, now + memory))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):
        return


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
