# SPDX-License-Identifier: Apache-2.0
# Files of all kinds: text, binary, append, seek, rename, links, times, temporary, mmap, shutil.
import glob
import mmap
import os
import pathlib
import shutil
import stat
import tempfile

base = pathlib.Path("out")
base.mkdir()
(base / "text.txt").write_text("line 1\nline 2\näöü\n", encoding="utf-8")
with open(base / "text.txt", "a", encoding="utf-8") as f:
    f.write("line 4\n")
print((base / "text.txt").read_text(encoding="utf-8").splitlines())
with open(base / "binary", "w+b") as f:
    f.write(bytes(range(256)) * 4096)
    f.seek(1000)
    f.write(b"patched")
    f.seek(995)
    print(f.read(20))
    f.truncate(500_000)
    f.flush()
    os.fsync(f.fileno())
    with mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as view:
        print(view[1000:1007], view.find(b"patched"), len(view))
os.utime(base / "binary", (1_000_000_000, 1_000_000_000))
os.chmod(base / "binary", 0o640)
info = os.stat(base / "binary")
print(info.st_size, info.st_mtime, stat.filemode(info.st_mode), info.st_nlink)
os.symlink("text.txt", base / "link")
os.link(base / "text.txt", base / "hard")
print(os.readlink(base / "link"), os.stat(base / "hard").st_nlink, os.path.samefile(base / "link", base / "hard"))
for i in range(200):
    (base / f"sub{i % 5}").mkdir(exist_ok=True)
    (base / f"sub{i % 5}" / f"f{i}.dat").write_bytes(b"x" * i)
print(len(glob.glob("out/sub*/*.dat")), sum(p.stat().st_size for p in base.rglob("*.dat")))
shutil.copytree(base / "sub1", base / "copy")
shutil.rmtree(base / "sub2")
os.rename(base / "sub3", base / "renamed")
os.replace(base / "hard", base / "moved")
print(sorted(entry.name for entry in os.scandir(base)))
print(sorted((len(d), len(f)) for _, d, f in os.walk(base)))
with tempfile.TemporaryDirectory(dir=".") as folder, tempfile.NamedTemporaryFile(dir=folder) as f:
    f.write(b"temporary")
    f.flush()
    print(os.path.getsize(f.name), os.listdir(folder) == [os.path.basename(f.name)])
for action in (lambda: open("absent"), lambda: os.mkdir("out"), lambda: os.rmdir("out"),
               lambda: os.listdir("out/text.txt"), lambda: open("out", "w")):
    try:
        action()
    except OSError as error:
        print(type(error).__name__, error.errno, error)
