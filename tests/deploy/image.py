"""A Dockerfile's own steps in clean Debian roots, where no container engine is at hand. Needs root.

FROM becomes a copy of a root that debootstrap made, RUN a `chroot ... sh -c`, COPY a copy. What an engine
alone does (layers, namespaces, the health check's clock) is not here.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"
BOUND = '/bin/mount --bind /proc "$root/proc"; /bin/mount --bind /dev "$root/dev"'
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
HERE = {"PIP_CERT": "/run/authorities.crt", "PIP_NO_INPUT": "1"}
"""this machine's way to packages"""


@dataclass
class Step:
    """One instruction: its word in capitals, and the rest in one line."""

    word: str
    rest: str


@dataclass
class Stage:
    """What the steps so far came to."""

    root: Path
    folder: str = "/"
    environ: dict[str, str] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)


def steps(text: str) -> list[Step]:
    """The instructions of a Dockerfile, comments gone, continued lines joined."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", lines)
    return [Step(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


class Builder:
    """Builds the stages below `place`, each from a copy of `base`."""

    def __init__(self, base: Path, context: Path, place: Path) -> None:
        self._base, self._context, self._place = base, context, place
        self.stages: dict[str, Stage] = {}

    def build(self, text: str) -> Stage:
        """Run every step; the last stage. A step that fails is an AssertionError."""
        stage = Stage(self._base)
        for step in steps(text):
            if step.word == "FROM":
                stage = self._begin(step.rest)
            else:
                getattr(self, f"_{step.word.lower()}", self._note)(stage, step)
        return stage

    def _begin(self, rest: str) -> Stage:
        name = rest.split(" AS ")[1] if " AS " in rest else f"stage{len(self.stages)}"
        root = self._place / name
        subprocess.run(["cp", "--archive", self._base, root], check=True)
        for given, target in (
            (AUTHORITIES, HERE["PIP_CERT"]),
            (Path("/etc/resolv.conf"), "/etc/resolv.conf"),
        ):
            if given.exists():
                shutil.copy(given, root / target.lstrip("/"))
        stage = self.stages[name] = Stage(root)
        return stage

    def _run(self, stage: Stage, step: Step) -> None:
        self.run(stage, ["sh", "-c", f"cd {stage.folder} && {step.rest}"])

    def run(self, stage: Stage, words: list[str], *, user: str = "0:0") -> subprocess.CompletedProcess[str]:
        """A command in the root of a stage, as a user, with the stage's environment."""
        environ = {"PATH": SYSTEM, "HOME": "/root", **HERE, **stage.environ}
        call = inside(stage.root, user, BOUND, words)
        done = subprocess.run(call, env=environ, check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{words}: {done.stdout[-1000:]} {done.stderr[-2000:]}"
        return done

    def _copy(self, stage: Stage, step: Step) -> None:
        *sources, target = [word for word in step.rest.split() if not word.startswith("--")]
        origin = re.search(r"--from=(\S+)", step.rest)
        root = self.stages[origin[1]].root if origin else self._context
        into = stage.root / Path(stage.folder, target).as_posix().lstrip("/")
        for source in sources:
            found = root / source.lstrip("/")
            if found.is_dir():
                shutil.copytree(found, into, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                whole = into / found.name if target.endswith("/") else into
                shutil.copy(found, whole)

    def _workdir(self, stage: Stage, step: Step) -> None:
        stage.folder = step.rest
        (stage.root / step.rest.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def _env(self, stage: Stage, step: Step) -> None:
        stage.environ |= dict(word.split("=", 1) for word in shlex.split(step.rest))

    def _note(self, stage: Stage, step: Step) -> None:
        stage.last[step.word] = step.rest


def inside(root: Path, user: str, mounts: str, words: list[str]) -> list[str | Path]:
    """A call in a root, with mounts that no other process sees and that end with it, however it ends."""
    enter = 'exec /usr/sbin/chroot --userspec="$user" "$root" "$@"'
    script = f"set -e; root=$1; user=$2; shift 2; {mounts}; {enter}"
    unshare = shutil.which("unshare") or "/usr/bin/unshare"
    return [unshare, "--mount", "--propagation", "private", "sh", "-c", script, "sh", root, user, *words]


def words_of(stage: Stage, word: str) -> list[str]:
    """The JSON list of ENTRYPOINT, CMD, or a HEALTHCHECK's command."""
    found: list[str] = json.loads(stage.last[word][stage.last[word].index("[") :])
    return found
