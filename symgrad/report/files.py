"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile

from symgrad.errors import InputError

__all__ = ["write_whole"]


def write_whole(path: str | os.PathLike[str], content: str | bytes) -> pathlib.Path:
    """Write the file through a temporary one beside it, so that a failure leaves nothing half-done.

    Raises `InputError` with the path and the system's reason.
    """
    target = pathlib.Path(path)
    data = content.encode("utf-8") if isinstance(content, str) else content
    name = ""
    try:
        if target.is_dir():
            raise IsADirectoryError(21, "Is a directory")
        handle, name = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.name}.", suffix=".part"
        )
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, target)
    except OSError as error:
        if name:
            with contextlib.suppress(OSError):
                os.unlink(name)
        raise InputError(f"{target}: cannot be written: {error.strerror or error}") from None
    except BaseException:
        if name:
            with contextlib.suppress(OSError):
                os.unlink(name)
        raise
    return target
