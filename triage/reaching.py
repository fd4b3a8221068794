"""Why a server could not be reached, in a few words: the same for mail and for calls."""

from __future__ import annotations

import socket
import ssl

from triage.vocabulary import counted


def why_unreached(error: BaseException, seconds: int) -> str:
    """Return what kept a server from being reached, or from answering within so many seconds."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message})"
        case ssl.SSLError():
            return f"no encrypted connection came about ({error.reason or 'without a reason'})"
        case TimeoutError():
            return f"it gave no answer within {counted(seconds, 'second')}"
        case ConnectionRefusedError():
            return "it refuses connections"
        case ConnectionError():
            return "it closed the connection"
        case socket.gaierror() | UnicodeError():
            return "no machine of that name is known"
        case OSError():
            return f"it cannot be reached ({error.strerror or type(error).__name__})"
    return f"its answer makes no sense ({type(error).__name__})"
