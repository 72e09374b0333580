"""Images: the bases that the Dockerfile and compose.yaml name, and ours."""

from __future__ import annotations

import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.containers.engine import SMALLEST, Engine, run

ROOT = Path(__file__).resolve().parents[2]
_BASES = Path(__file__).with_name("bases")
# What stands for each where no registry can be reached.
_STAND_INS = {"python": "python", "postgres": "postgres", "prom/prometheus": "prometheus"}
# As Debian's own image does it.
_EXCLUDED = "".join(f"path-exclude=/usr/share/{what}/*\n" for what in ("doc", "info", "locale", "man"))
_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


def build(engine: Engine, names: dict[str, str], **arguments: str) -> None:
    """Build ours: each target of the Dockerfile by the name it is given, and get what compose.yaml names besides. Raises Failed.

    By docker and not by Compose, which without its plugin for builds builds one after the other and caches nothing.
    """
    given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]

    def built(target: str) -> None:
        engine.docker("build", "--quiet", "--target", target, "--tag", names[target], *given, str(ROOT))

    # Another's engine gets no stand-ins under public names.
    can_pull = not engine.ours or engine.can_pull(SMALLEST)
    if not can_pull:
        print("No registry can be reached: bases are made of Debian's packages.", flush=True)
        _make_debian(engine)
    with ThreadPoolExecutor(4) as builders:
        bases = _bases_of_ours() - {SMALLEST}
        get = _pull if can_pull else _make
        beside = [builders.submit(get, engine, image) for image in _named_by_compose()]
        for image in bases:
            get(engine, image)
        built("product")
        beside += [builders.submit(built, target) for target in names]
        for each in beside:
            each.result()


def _bases_of_ours() -> set[str]:
    text = (ROOT / "Dockerfile").read_text()
    return set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) - set(
        re.findall(r"^FROM .* AS (\S+)", text, re.MULTILINE)
    )


def _named_by_compose() -> set[str]:
    return {image for image in re.findall(r"image: (\S+)", (ROOT / "compose.yaml").read_text()) if "$" not in image}


def _pull(engine: Engine, image: str) -> None:
    engine.docker("pull", "--quiet", image)


def _make(engine: Engine, image: str) -> None:
    stand_in = _STAND_INS[image.rpartition(":")[0]]
    engine.docker("build", "--quiet", "--tag", image, "--file", str(_BASES / f"{stand_in}.Dockerfile"), str(_BASES))


def _make_debian(engine: Engine) -> None:
    """Make Debian's smallest system from the mirror that this machine uses."""
    root = Path(engine.address.removeprefix("unix://")).parent / "debian"
    run("debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", root, _mirror(), seconds=240)
    for what in (
        "usr/share/doc",
        "usr/share/info",
        "usr/share/locale",
        "usr/share/man",
        "var/cache/apt",
        "var/lib/apt/lists",
    ):
        for each in (root / what).iterdir():
            shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
    (root / "etc/dpkg/dpkg.cfg.d/docker").write_text(f"force-unsafe-io\n{_EXCLUDED}")
    if _AUTHORITIES.exists():
        shutil.copy(_AUTHORITIES, root / "etc/ssl/certs")
    path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as packed:
        assert packed.stdout
        engine.docker("import", "-c", path, "-", SMALLEST, standard_input=packed.stdout)
    shutil.rmtree(root)


def _mirror() -> str:
    """The first that this machine's apt gets Debian's packages from."""
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    text = "\n".join(file.read_text() for file in files if file.is_file())
    found = re.search(r"^(?:URIs:|deb (?:\[[^]]*\] )?)\s*(\S+/debian/?)(?=\s|$)", text, re.MULTILINE)
    return found[1] if found else "http://deb.debian.org/debian"
