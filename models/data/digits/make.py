"""Packs scikit-learn's digits.csv.gz into digits.bin (see README.md). Standard library only."""

import csv
import gzip
import sys

source, target = sys.argv[1:]
packed = bytearray()
with gzip.open(source, "rt", newline="") as lines:
    for row in csv.reader(lines):
        *pixels, label = (int(float(value)) for value in row)
        assert len(pixels) == 64 and all(0 <= pixel <= 16 for pixel in pixels) and 0 <= label <= 9
        # 64 pixels of 5 bits, first pixel in the lowest bits, then 8 bits for the label.
        bits = label << 320
        for place, pixel in enumerate(pixels):
            bits |= pixel << (5 * place)
        packed += bits.to_bytes(41, "little")
with open(target, "wb") as out:
    out.write(packed)
