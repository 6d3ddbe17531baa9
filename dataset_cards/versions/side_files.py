"""The tables that lie beside the rows of a version, and what their columns are called."""

import pyarrow as pa

_TEXT, _NUMBER = pa.string(), pa.float64()

# `ledger/rows.parquet`: the rows that were read and not kept, each with its one reason.
GONE = pa.schema([(name, _TEXT) for name in ("id", "source", "stage", "reason", "duplicate_of")])

# `ledger/quarantine.parquet`: pieces of input that gave no row.
QUARANTINE = pa.schema([(name, _TEXT) for name in ("file", "position", "reason", "excerpt")])

# `ledger/examples.parquet`: rows to look at; `role` is kept, dropped or just-kept, `cut` says that `text` is its begin.
EXAMPLES = pa.schema(
    [
        *((name, _TEXT) for name in ("role", "stage", "reason", "signal")),
        *((name, _NUMBER) for name in ("value", "limit")),
        *((name, _TEXT) for name in ("id", "source", "url", "text")),
        ("cut", pa.bool_()),
    ]
)
EXAMPLE_CHARACTERS = 4000
EXAMPLES_PER_REASON = 8
EXAMPLES_KEPT = 20
