"""Maps the repository's top folders to subpackages of `tilewright`; all else is in pyproject.toml.

Packages are found, not listed: a list would drop a new subpackage without a word.
"""

from setuptools import find_packages, setup

FOLDERS = ("hw", "dataflow", "sim", "dse", "boards")
packages = find_packages(include=["tilewright", "tilewright.*"])
for folder in FOLDERS:
    packages += [f"tilewright.{folder}"]
    packages += [f"tilewright.{folder}.{name}" for name in find_packages(folder)]

setup(
    packages=packages,
    package_dir={"tilewright": "tilewright"} | {f"tilewright.{f}": f for f in FOLDERS},
)
