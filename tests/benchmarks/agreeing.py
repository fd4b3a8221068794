"""Say whether the product and a script raised the same flags of the contract's 25 rules.

Example: python tests/benchmarks/agreeing.py flags_of_triage.parquet flags_of_script.parquet
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import duckdb

CONTRACT_RULES = (
    *("REF-01", "REF-02", "REF-04", "REF-05", "REF-07", "REF-08", "REF-11", "REF-14"),
    *("DEC-01", "DEC-02", "DEC-03", "DEC-04", "DEC-05", "DEC-06", "DEC-07", "DEC-08", "DEC-10"),
    *("ALL-01", "ALL-02", "PRO-02", "PRO-03", "PRO-08", "DQ-05", "DQ-06", "CMP-01"),
)

COUNTS = """
WITH
product AS (
    SELECT rule, referral_id FROM read_parquet($product)
    WHERE subject = 'referral' AND list_contains($rules, rule)
),
script AS (SELECT rule, referral_id FROM read_parquet($script)),
only_product AS (
    SELECT rule, count(*) AS n FROM (FROM product EXCEPT ALL FROM script) GROUP BY rule
),
only_script AS (
    SELECT rule, count(*) AS n FROM (FROM script EXCEPT ALL FROM product) GROUP BY rule
)
SELECT rule, count(*), coalesce(any_value(only_product.n), 0), coalesce(any_value(only_script.n), 0)
FROM (FROM product UNION ALL FROM script)
LEFT JOIN only_product USING (rule)
LEFT JOIN only_script USING (rule)
GROUP BY rule
ORDER BY rule
"""


def differences(product: Path, script: Path) -> list[str]:
    """Return a sentence for each rule whose flags differ; none where every flag is in both.

    A flag that one of them raises twice and the other once is a difference too, and so is a rule
    that neither raises once: with no flag to compare, nothing was shown.
    """
    asked = {"product": str(product), "script": str(script), "rules": list(CONTRACT_RULES)}
    with duckdb.connect() as database:
        rows = database.execute(COUNTS, asked).fetchall()
    found = [
        f"{rule}: {of_product:,} flags of the product alone, {of_script:,} of the script alone"
        for rule, _, of_product, of_script in rows
        if of_product or of_script
    ]
    silent = sorted({*CONTRACT_RULES} - {rule for rule, *_ in rows})
    return found + [f"{rule}: raised by neither, so nothing was compared" for rule in silent]


def main() -> int:
    """Print what differs; end with 1 where anything does."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("product", type=Path)
    parser.add_argument("script", type=Path)
    options = parser.parse_args()
    found = differences(options.product, options.script)
    sys.stdout.writelines(f"{sentence}\n" for sentence in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
