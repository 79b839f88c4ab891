"""Files that are read within a limit, and files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile

from symgrad.errors import InputError

__all__ = ["read_text", "write_whole"]


def read_text(path: str | os.PathLike[str], most: int) -> str:
    """The UTF-8 text of a file of at most `most` bytes; raises `InputError` with path and law."""
    source = os.fspath(path)
    try:
        with open(source, "rb") as file:
            raw = file.read(most + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(f"{source}: {getattr(error, 'strerror', None) or error}") from None
    if len(raw) > most:
        raise InputError(f"{source}: a file of at most {most} bytes is read")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: not UTF-8 text (byte {error.start})") from None


def write_whole(path: str | os.PathLike[str], content: str | bytes) -> pathlib.Path:
    """Write the file through a temporary one beside it, so that a failure leaves nothing half-done.

    A device such as /dev/stdout or /dev/full is written as it is. Raises `InputError` with the path
    and the system's reason.
    """
    target = pathlib.Path(path)
    name = ""
    try:
        data = content.encode("utf-8") if isinstance(content, str) else content
        if target.is_dir():
            raise IsADirectoryError(21, "Is a directory")
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return target
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".symgrad.", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, target)
        name = ""
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{target}: cannot be written: {why}") from None
    finally:
        if name:
            with contextlib.suppress(OSError):
                os.unlink(name)
    return target
