"""Judges an exported log with another implementation: pymerkle hashes the entries, gives the root and checks proofs.

    judge.py LOG-FOLDER < proofs.json

The folder holds `checkpoint` and `tile/…` as C2SP tlog-tiles has them. Standard input is a list of
{"index": N, "proof": ["hex", …]}: our inclusion proofs in the tree of the checkpoint's size. Nothing of ours is
imported; only the reading of the files stands here. Exits 0 and prints what it judged, or 1 and the first difference.
"""

import base64
import json
import struct
import sys
from pathlib import Path

from pymerkle import InmemoryTree, verify_inclusion
from pymerkle.proof import InclusionProof

WIDTH = 256


def main(folder):
    size, root = checkpoint(folder / "checkpoint")
    tree = InmemoryTree(algorithm="sha256")
    for number, entries in enumerate(bundles(folder, size)):
        first = number * WIDTH
        for entry in entries:
            tree.append_entry(entry)
        leaves = b"".join(tree.get_leaf(first + at + 1) for at in range(len(entries)))
        require(tile(folder, "0", number, size) == leaves, f"tile 0/{number} is not of these entries")
    require(tree.get_root(size) == root, f"another root at size {size}")
    proofs = json.load(sys.stdin)
    for proof in proofs:
        judge(tree, size, root, proof["index"], [bytes.fromhex(text) for text in proof["proof"]])
    print(f"size {size}: root and {len(proofs)} proofs hold")


def judge(tree, size, root, index, proof):
    """Their check of our proof: the way up is theirs, the hashes are ours."""
    leaf = tree.get_leaf(index + 1)
    theirs = tree.prove_inclusion(index + 1, size)
    require(theirs.path == [leaf, *proof], f"another proof of event {index} at size {size}")
    ours = InclusionProof("sha256", True, size, index + 1, theirs.rule, [leaf, *proof])
    verify_inclusion(leaf, root, ours, index=index + 1, size=size)


def checkpoint(path):
    """Size and root, from the second and third line."""
    lines = path.read_text(encoding="utf-8").split("\n")
    return int(lines[1]), base64.b64decode(lines[2], validate=True)


def bundles(folder, size):
    """Each bundle's entries: a length of two bytes, big-endian, in front of each."""
    for number in range(-(-size // WIDTH)):
        bundle, entries = tile(folder, "entries", number, size), []
        while bundle:
            (length,) = struct.unpack(">H", bundle[:2])
            entries.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
        require(len(entries) == min(WIDTH, size - number * WIDTH), f"bundle {number} has {len(entries)} entries")
        yield entries


def tile(folder, level, number, size):
    """A file of the lowest level: 1234067 is x001/x234/067, and a partial one names its width."""
    groups = [f"{number % 1000:03}"]
    while number_left := number // 1000 ** len(groups):
        groups.insert(0, f"x{number_left % 1000:03}")
    width = min(WIDTH, size - number * WIDTH)
    partial = f".p/{width}" if width < WIDTH else ""
    return (folder / "tile" / level / ("/".join(groups) + partial)).read_bytes()


def require(holds, otherwise):
    if not holds:
        sys.exit(f"judge.py: {otherwise}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
