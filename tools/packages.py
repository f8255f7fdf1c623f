"""Debian packages as a folder: what `tools/image --packages` puts into the disk.

apt says which packages a list of names needs (as if nothing were installed),
apt-get download fetches them, dpkg -x unpacks them.  No script of a package
runs, and no root's rights are needed.  What was fetched and unpacked stays in
a cache folder, so that the second time costs nothing.

The layout is Debian's: /bin, /sbin, /lib and /lib64 are links into /usr.  Our
own programs are whole in /lectern; /usr/bin has a link to each of them for
which Debian has no program, so that Debian's `ls` is Debian's and `faults` is
there too.
"""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

MERGED = ("bin", "sbin", "lib", "lib64")        # links into /usr
ALWAYS = ["base-files"]                         # the folders themselves, /etc/profile
OWN = "lectern"


class PackageError(Exception):
    """apt or dpkg could not do it; the text says why."""


def command(words, folder=None):
    """A command's output, in English, or PackageError with what it said."""
    try:
        done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env=dict(os.environ, LC_ALL="C"))
    except FileNotFoundError:
        raise PackageError("%s is missing: packages are Debian's" % words[0])
    if done.returncode:
        raise PackageError("%s\n%s" % (" ".join(words), done.stderr.strip()))
    return done.stdout


def resolve(names, cache):
    """The packages that these names need, as name=version, in apt's order."""
    nothing = cache / "nothing-installed"
    nothing.write_text("")
    said = command(["apt-get", "--simulate", "-o", "Dir::State::status=%s" % nothing.resolve(),
                    "-o", "APT::Install-Recommends=false", "-o", "Debug::NoLocking=true",
                    "install"] + names)
    return ["%s=%s" % found for found in re.findall(r"^Inst (\S+) \((\S+)", said, re.M)]


def fetch(chosen, cache):
    """Downloads what the cache does not have yet; gives the .deb files."""
    def file_of(package):
        name, _, version = package.partition("=")
        quoted = version.replace(":", "%3a")
        return next(iter(cache.glob("%s_%s_*.deb" % (name.partition(":")[0], quoted))), None)
    missing = [package for package in chosen if not file_of(package)]
    if missing:
        command(["apt-get", "-q", "-o", "Debug::NoLocking=true", "download"] + missing, cache)
    files = [file_of(package) for package in chosen]
    if None in files:
        raise PackageError("apt-get did not download %s" % chosen[files.index(None)])
    return files


def unpack(files, tree):
    """dpkg -x of each, then the folders merged as Debian's usrmerge has them."""
    for file in files:
        command(["dpkg", "-x", str(file), str(tree)])
    for name in MERGED:
        (tree / "usr" / name).mkdir(parents=True, exist_ok=True)
        if (tree / name).is_dir() and not (tree / name).is_symlink():
            merge(tree / name, tree / "usr" / name)
        if not (tree / name).is_symlink():
            (tree / name).symlink_to("usr/" + name)


def merge(source, target):
    """Moves a folder's content into another; what is there already stays."""
    for path in list(source.iterdir()):
        goal = target / path.name
        if path.is_dir() and not path.is_symlink() and goal.is_dir():
            merge(path, goal)
        elif os.path.lexists(goal):
            path.unlink()
        else:
            shutil.move(str(path), str(goal))
    source.rmdir()


def library_cache(tree):
    """/etc/ld.so.cache, where this host's ldconfig can make it; the loader
    finds everything without it, a little slower."""
    tool = shutil.which("ldconfig", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if tool:
        subprocess.run([tool, "-r", str(tree)], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)


def tree_of(names, cache):
    """A folder with the packages unpacked, from the cache if it is there."""
    cache = pathlib.Path(cache)
    cache.mkdir(parents=True, exist_ok=True)
    chosen = resolve(sorted(set(names + ALWAYS)), cache)
    key = hashlib.sha256("\n".join(chosen).encode()).hexdigest()[:16]
    tree = cache / ("tree-" + key)
    if not tree.exists():
        fresh = cache / ("new-%s-%d" % (key, os.getpid()))
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        unpack(fetch(chosen, cache), fresh)
        library_cache(fresh)
        fresh.rename(tree)
    return tree


def own_programs(tree):
    """Behind the programs of --add: links in /usr/bin where Debian has none."""
    own, usr = tree / OWN / "bin", tree / "usr/bin"
    if not own.is_dir():
        return
    for path in sorted(own.iterdir()):
        if not os.path.lexists(usr / path.name):
            (usr / path.name).symlink_to("/%s/bin/%s" % (OWN, path.name))
