"""Whether a service answers over HTTP."""

from __future__ import annotations

import urllib.error
import urllib.request


def answers(url: str, timeout_seconds: float) -> bool:
    """Whether `url` is answered; a service that asks for credentials counts."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_seconds):
            return True
    except urllib.error.HTTPError as error:
        return error.code in (401, 403)
    except (OSError, ValueError):
        return False
