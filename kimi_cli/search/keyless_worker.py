"""The worker of `keyless`: a query as JSON on stdin, results or a failure as JSON on stdout."""

from __future__ import annotations

import json
import re
import sys
from typing import Any, Final

SECONDS: Final = 8
"""For one engine."""
REASON_LIMIT: Final = 300
_ADDRESS: Final = re.compile(r"(https?://[^/?#\s'\")]+)[^\s'\")]*")
"""Of an address the engine's name says enough; the rest of it is the query."""


def main() -> int:
    """Searches once."""
    asked = json.load(sys.stdin)
    json.dump(answer(asked["query"], results=asked["results"]), sys.stdout)
    return 0


def answer(query: str, *, results: int) -> dict[str, Any]:
    """What the library finds. `failure` is `limited`, `missing`, or the library's own reason."""
    try:
        from ddgs import DDGS
        from ddgs.exceptions import DDGSException, RatelimitException
    except ImportError:
        return {"failure": "missing"}
    try:
        return {"results": list(DDGS(timeout=SECONDS).text(query, max_results=results))}
    except RatelimitException:
        return {"failure": "limited"}
    except DDGSException as error:
        if "no results" in str(error).lower():  # which the library takes for a failure
            return {"results": []}
        reason = _ADDRESS.sub(r"\1", " ".join(str(error).split()))
        return {"failure": reason[:REASON_LIMIT] or type(error).__name__}


if __name__ == "__main__":
    sys.exit(main())
