"""The directory that a session's tools work in, and the only way from a name to an open file.

A name is resolved, links included, and must then lie in the directory. What is opened is reached from the directory's
own descriptor, one component after the other and none of them a link: so a directory that is exchanged for a link
between the look and the opening is not followed.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from kimi_cli.tools.failure import OutsideError, ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_DIRECTORY: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NO_LINK
_FILE: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | _NO_LINK
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK
_HAS_DIRECTORY_FD: Final = {os.open, os.mkdir, os.stat, os.unlink, os.rename} <= os.supports_dir_fd
"""Windows has none of them: what is opened there is looked at once more instead."""
_NAME_BYTES: Final = 255
_ENTRIES: Final = 200_000
"""Names of one directory that are looked at; whoever has more in one does not want to read them."""
_KERNELS_OWN: Final = tuple(map(Path, ("/proc", "/sys", "/dev")))
"""Where names stand for the proxy's own memory, environment and descriptors, or for devices."""


class Place:
    """One directory. Paths that are given are absolute, or relative to it.

    What lies in `closed` is outside as well. `is_over` is asked now and then, by what may take long; it stops there
    once that is true.
    """

    def __init__(self, root: Path, *, closed: Sequence[Path] = (), is_over: Callable[[], bool] = lambda: False) -> None:
        self.root = Path(os.path.realpath(root))
        self.closed = (*_KERNELS_OWN, *(Path(os.path.realpath(path)) for path in closed))
        self._is_over = is_over

    def until(self, is_over: Callable[[], bool]) -> Place:
        """The same directory for one call, which ends when `is_over` says so."""
        return Place(self.root, closed=self.closed, is_over=is_over)

    def check_time(self) -> None:
        """Stop where nobody waits any more.

        Raises:
            ToolError: that is so.
        """
        if self._is_over():
            raise ToolError("This took too long.")

    def resolve(self, text: str) -> Path:
        """The file or directory that a name means, whether it is there or not.

        Raises:
            ToolError: it is no name, or one of something outside.
        """
        try:
            is_name = text and "\0" not in text and all(len(os.fsencode(p)) <= _NAME_BYTES for p in Path(text).parts)
        except ValueError:  # a surrogate, which no name holds
            is_name = False
        if not is_name:
            raise ToolError(f"{text[:200]!r} is not the name of a file.")
        if text == "~" or text.startswith("~/"):
            text = str(Path.home()) + text[1:]
        path = Path(os.path.realpath(self.root / text))
        if not self._holds(path):
            raise OutsideError(text)
        return path

    def shown(self, path: Path) -> str:
        """A path inside as it is told: relative to the directory."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)

    def may_read(self, text: str) -> bool:
        """Whether `reading` would open this file, as far as its name and kind go."""
        try:
            path = self.resolve(text)
            with self.directory(path.parent, text) as directory:
                self._check(os.stat(self._at(path, directory), dir_fd=directory, follow_symlinks=False), path, text)
        except (ToolError, OSError):
            return False
        return True

    @contextmanager
    def reading(self, text: str) -> Iterator[IO[bytes]]:
        """A regular file, open.

        Raises:
            ToolError: it is outside, missing, something else than a file, or may not be read.
        """
        path = self.resolve(text)
        with self.directory(path.parent, text) as directory:
            try:
                # Before the opening as well: to open a device is to use it.
                self._check(os.stat(self._at(path, directory), dir_fd=directory, follow_symlinks=False), path, text)
                descriptor = self._open(path, _FILE, directory)
            except OSError as error:
                raise self._failure(error, text) from error
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor
            self._check(os.fstat(file.fileno()), path, text)
            yield file

    def write(self, text: str, data: bytes) -> None:
        """Put a file in the place of the one that is there, or where none is, with the directories above it.

        What has another name outside keeps its content there. Raises as `reading` does.
        """
        path = self.resolve(text)
        if path == self.root:
            raise ToolError(f"{text} is a directory.")
        self._make_directories(path.parent, text)
        with self.directory(path.parent, text) as directory:
            mode: int | None = None
            with suppress(FileNotFoundError):
                found = os.stat(self._at(path, directory), dir_fd=directory, follow_symlinks=False)
                self._check(found, path, text, for_writing=True)
                if not os.access(self._at(path, directory), os.W_OK, dir_fd=directory):
                    raise ToolError(f"{text} may not be written: Permission denied.")
                mode = stat.S_IMODE(found.st_mode)
            temporary = path.with_name(f".kimi-{os.urandom(6).hex()}.tmp")
            try:
                descriptor = self._open(temporary, _NEW_FILE, directory)
                with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
                    if mode is not None and hasattr(os, "fchmod"):
                        os.fchmod(descriptor, mode)
                    file.write(data)
                os.replace(
                    self._at(temporary, directory),
                    self._at(path, directory),
                    src_dir_fd=directory,
                    dst_dir_fd=directory,
                )
            except OSError as error:
                with suppress(OSError):
                    os.unlink(self._at(temporary, directory), dir_fd=directory)
                raise self._failure(error, text) from error

    def walk(self, text: str) -> Iterator[tuple[Path, list[str], list[str]]]:
        """A directory and all below it: path, names of directories and of the rest, sorted.

        Links are not followed, and what cannot be opened is passed over. Directories that the caller takes out of
        their list are not entered.

        Raises:
            ToolError: it is outside, missing, or no directory.
        """
        top = self.resolve(text)
        if not top.is_dir():
            raise ToolError(f"{text} is not a directory." if top.exists() else f"{text} does not exist.")
        left = [top]
        while left:
            self.check_time()
            here = left.pop()
            try:
                folders, files = self._listed(here, text)
            except (ToolError, OSError):
                if here == top:
                    raise
                continue
            yield here, folders, files
            left += (here / name for name in reversed(folders) if self._holds(here / name))

    def _holds(self, path: Path) -> bool:
        is_inside = path == self.root or path.is_relative_to(self.root)
        return is_inside and not any(path == closed or path.is_relative_to(closed) for closed in self.closed)

    def _listed(self, path: Path, text: str) -> tuple[list[str], list[str]]:
        folders: list[str] = []
        files: list[str] = []
        with self.directory(path, text) as directory, os.scandir(path if directory is None else directory) as entries:
            for entry in islice(entries, _ENTRIES):
                (folders if entry.is_dir(follow_symlinks=False) else files).append(entry.name)
        return sorted(folders), sorted(files)

    @contextmanager
    def directory(self, path: Path, text: str) -> Iterator[int | None]:
        """A descriptor of a directory inside, reached without a link; None where the system has none."""
        if not _HAS_DIRECTORY_FD:
            yield None
            return
        try:
            descriptor = os.open(self.root, _DIRECTORY)
        except OSError as error:
            raise ToolError(f"The working directory cannot be opened: {error.strerror}.") from error
        try:
            for part in path.relative_to(self.root).parts:
                try:
                    below = os.open(part, _DIRECTORY, dir_fd=descriptor)
                except OSError as error:
                    raise self._failure(error, text) from error
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)

    def _make_directories(self, path: Path, text: str) -> None:
        missing: list[Path] = []
        while not os.path.lexists(path):
            missing.append(path)
            path = path.parent
        for directory in reversed(missing):
            with self.directory(directory.parent, text) as descriptor:
                try:
                    os.mkdir(self._at(directory, descriptor), dir_fd=descriptor)
                except FileExistsError:
                    pass
                except OSError as error:
                    raise self._failure(error, text) from error

    def _open(self, path: Path, flags: int, directory: int | None, mode: int = 0o666) -> int:
        return os.open(self._at(path, directory), flags, mode, dir_fd=directory)

    def _at(self, path: Path, directory: int | None) -> str:
        return str(path) if directory is None else path.name

    def _check(self, found: os.stat_result, path: Path, text: str, *, for_writing: bool = False) -> None:
        if stat.S_ISDIR(found.st_mode):
            raise ToolError(f"{text} is a directory.")
        if not stat.S_ISREG(found.st_mode):
            raise ToolError(f"{text} is not a regular file.")
        if found.st_nlink > 1 and not for_writing:
            raise ToolError(f"{text} has other names (hard links), which may be outside of the working directory.")
        if not _HAS_DIRECTORY_FD and not Path(os.path.realpath(path)).is_relative_to(self.root):
            raise OutsideError(text)

    def _failure(self, error: OSError, text: str) -> ToolError:
        if isinstance(error, FileNotFoundError):
            return ToolError(f"File does not exist. Note: your current working directory is {self.root}.")
        if isinstance(error, PermissionError):
            return ToolError(f"{text} may not be opened: {error.strerror}.")
        if isinstance(error, IsADirectoryError):
            return ToolError(f"{text} is a directory.")
        # A link that was not there a moment ago is refused in one of several ways.
        return ToolError(f"{text} cannot be opened: {error.strerror or error}.")
