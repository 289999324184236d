"""What deploy/ gives: the image's Dockerfile and the systemd unit fit the program.  No daemon is needed: files are read, and the program is asked."""

import configparser
import glob
import os
import re
import shlex
import shutil
import subprocess

from cli_test import contains, equal

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
CASES = []
INSTRUCTIONS = {"FROM", "RUN", "WORKDIR", "COPY", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD", "ENV", "ARG", "LABEL"}


def case(function):
    CASES.append(function)
    return function


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


class Dockerfile:
    """Stages of (instruction, text)."""

    def __init__(self, text):
        text = re.sub(r"^\s*#.*\n", "", text, flags=re.M)
        text = re.sub(r"\\\n", " ", text)
        self.stages = []
        for line in filter(None, (l.strip() for l in text.split("\n"))):
            name, _, rest = line.partition(" ")
            if name == "FROM":
                self.stages.append([])
            self.stages[-1].append((name, rest.strip()))

    def all(self, name, stage):
        return [rest for n, rest in self.stages[stage] if n == name]

    def packages(self, stage):
        found = []
        for run in self.all("RUN", stage):
            for command in re.split(r"&&|;", run):
                words = shlex.split(command)
                if words[:2] == ["apt-get", "install"]:
                    found += [w for w in words[2:] if not w.startswith("-")]
        return found


def the_image():
    return Dockerfile(read("deploy", "Dockerfile"))


def json_words(text):
    assert text.startswith("["), "the shell form runs a shell as process 1, which signals do not pass: " + text
    return [w.strip().strip('"') for w in text.strip("[]").split(",")]


def options_of(sluice):
    text = subprocess.run([sluice, "server", "--help"], capture_output=True, text=True, timeout=20).stdout
    return set(re.findall(r"--[a-z-]+", text))


@case
def the_images_instructions(options):
    image = the_image()
    names = {name for stage in image.stages for name, _ in stage}
    equal(names - INSTRUCTIONS, set(), "instructions that Docker does not know")
    equal(len(image.stages), 2)
    for stage in image.stages:
        contains(stage[0][1], "debian:12-slim")
    for stage in range(2):
        for run in image.all("RUN", stage):
            for part in re.findall(r"apt-get install[^&]*", run):
                contains(part, "-y --no-install-recommends")
            if "apt-get install" in run:
                contains(run, "apt-get update &&")
    for copy in image.all("COPY", 0) + image.all("COPY", 1):
        words = [w for w in copy.split() if not w.startswith("--")]
        if "--from=" not in copy:
            for source in words[:-1]:
                assert os.path.exists(os.path.join(ROOT, source)), f"COPY of {source}, which is not there"
        else:
            contains(copy, "--from=build")
    equal(image.all("USER", 1), ["sluice"], "who it runs as")
    equal(image.all("STOPSIGNAL", 1), ["SIGTERM"])


@case
def the_image_runs_what_the_program_has(options):
    image = the_image()
    sluice = os.path.abspath(os.path.join(options.bin, "sluice"))
    words = json_words(image.all("ENTRYPOINT", 1)[0])
    equal(words[:2], ["sluice", "server"])
    equal({w for w in words if w.startswith("--")} - options_of(sluice), set(), "options that the program does not have")
    health = image.all("HEALTHCHECK", 1)[0]
    path = re.search(r"https://127\.0\.0\.1:(\d+)(/\S*?)\"", health)
    contains(read("server", "endpoint.c"), f'{{"GET", "{path[2]}", ROLE_NONE, ENDPOINT_ALWAYS')
    equal(image.all("EXPOSE", 1), [path[1]])
    contains(read("deploy", "server.properties"), f"listeners=https://0.0.0.0:{path[1]}")
    # make's targets and variables of the build.
    build = " ".join(image.all("RUN", 0))
    for target in ("deps", "install"):
        contains(build, f"make {target}")
        assert re.search(rf"^{target}:", read("Makefile"), re.M), f"make has no target {target}"
    for variable in ("DESTDIR", "prefix"):
        contains(read("Makefile"), f"$({variable})")


@case
def the_image_has_the_libraries(options):
    """Each library that the program needs, or loads by name, comes with a package of the image."""
    from check import Skipped
    if shutil.which("dpkg") is None or shutil.which("ldd") is None:
        raise Skipped("dpkg and ldd are not there")
    packages = set(the_image().packages(1))
    paths = re.findall(r"=> (/\S+)", subprocess.run(["ldd", os.path.join(options.bin, "sluice")], capture_output=True, text=True).stdout)
    loaded = set()
    for path in glob.glob(os.path.join(ROOT, "*", "**", "*.c"), recursive=True):
        if not os.path.relpath(path, ROOT).startswith(("build", "tests", "examples", "bench", "docs")):
            with open(path, encoding="utf-8") as f:
                loaded |= set(re.findall(r'"(lib[a-z0-9_+-]+\.so\.\d+)"', f.read()))
    assert len(loaded) >= 8, loaded
    known = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True).stdout
    for name in loaded:
        found = re.search(rf"^\s*{re.escape(name)} .*=> (\S+)", known, re.M)
        if found:
            paths.append(found[1])
    missing = {}
    for path in paths:
        owner = ""
        for place in (os.path.realpath(path), path, os.path.realpath(path).replace("/usr/lib/", "/lib/"), path.replace("/lib/", "/usr/lib/", 1)):
            owner = owner or subprocess.run(["dpkg", "-S", place], capture_output=True, text=True).stdout.split(":")[0]
        priority = subprocess.run(["dpkg-query", "-W", "-f", "${Essential} ${Priority} ${Package}", owner or "none"], capture_output=True, text=True).stdout
        # Those of every Debian system: libc6, libgcc-s1, libstdc++6 come with apt itself.
        if owner not in packages and owner not in ("libc6", "libgcc-s1", "libstdc++6", "libtinfo6") and "required" not in priority:
            missing[os.path.basename(path)] = owner
    equal(missing, {}, "libraries of no package that the image installs")


@case
def the_systemd_unit(options):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read_string(read("deploy", "sluice.service"))
    words = shlex.split(unit["Service"]["ExecStart"])
    equal(words[1], "server")
    equal({w for w in words if w.startswith("--")} - options_of(os.path.abspath(os.path.join(options.bin, "sluice"))), set(), "options that the program does not have")
    equal(unit["Service"]["Type"], "notify")
    if shutil.which("systemd-analyze") is None:
        return
    # The program need not be installed where the unit expects it.
    place = os.path.join(options.build, "sluice.service")
    with open(place, "w", encoding="utf-8") as f:
        f.write(read("deploy", "sluice.service").replace("/usr/local/bin/sluice", os.path.abspath(os.path.join(options.bin, "sluice"))))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", place], capture_output=True, text=True, timeout=60)
    about_it = [l for l in (done.stdout + done.stderr).splitlines() if "sluice" in l]
    equal(about_it, [], "what systemd finds")


@case
def the_settings_files(options):
    """Each setting of deploy/server.properties is one, also those that stand there as an example."""
    rows = set(re.findall(r'^\t\{"([a-z0-9._]+)",', read("common", "setting_server.c") + read("common", "setting.c"), re.M))
    names = re.findall(r"^#?([a-z][a-z0-9._]+)=", read("deploy", "server.properties"), re.M)
    assert len(names) > 4, names
    for name in names:
        assert name in rows or name.startswith("security."), f"{name} is no setting"


def run_all(options):
    for function in CASES:
        if options.only not in function.__name__:
            continue
        try:
            function(options)
            yield function.__name__, None
        except (AssertionError, OSError, KeyError, TypeError, subprocess.TimeoutExpired) as e:
            yield function.__name__, f"{type(e).__name__}: {e}"
