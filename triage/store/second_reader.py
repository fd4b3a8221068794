"""Reads SQLite into columns, in a process that does nothing else (``triage.store.beside``).

It is run as a file, by itself: asked line by line on standard input, it answers each query with a
stream of Arrow and a line on standard output, and ends at the first thing that goes wrong.
"""

from __future__ import annotations

import json
import sys
from typing import Any, BinaryIO, Final

import adbc_driver_sqlite.dbapi as sqlite
import pyarrow as pa

DONE: Final = b"done\n"
"""What follows an answer that is whole."""


def answer(opened: Any, query: str, rows: int, out: BinaryIO) -> None:
    """Write what a query finds, so many rows at a time."""
    with opened.cursor() as cursor:
        cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(rows)})
        cursor.execute(query)
        found = cursor.fetch_record_batch()
        with pa.ipc.new_stream(out, found.schema) as stream:
            for batch in found:
                batch.validate(full=True)
                stream.write_batch(batch)
    out.write(DONE)
    out.flush()


def main() -> None:
    """Answer what is asked of one file, all of it of one moment."""
    with sqlite.connect(sys.argv[1]) as opened:
        for line in sys.stdin:
            query, rows = json.loads(line)
            answer(opened, query, rows, sys.stdout.buffer)


if __name__ == "__main__":
    main()
