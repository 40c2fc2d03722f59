#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An SVG picture of a heap is well-formed, stays inside its page and uses only colours it declares.

Usage: check_svg.py FILE [CLASS=AREA..]

CLASS=AREA: the shapes of that class, legend and chart left out, cover that many square pixels in all.
"""
import collections
import re
import sys
import xml.etree.ElementTree as ElementTree

NS = "{http://www.w3.org/2000/svg}"
KNOWN = {"svg", "style", "rect", "text", "title", "g", "path"}
BOX = re.compile(r"M(\d+) (\d+)h(\d+)v(\d+)h-(\d+)z")
LEGEND_END = 110
CHART = 180


def boxes(element):
    """Yields (x, y, width, height) of a shape."""
    if element.tag == NS + "rect":
        yield tuple(int(element.get(key, "0")) for key in ("x", "y", "width", "height"))
    elif element.tag == NS + "path" and element.get("class") != "line":
        path = element.get("d")
        if BOX.sub("", path) != "":
            raise SystemExit(f"path is no row of boxes: {path[:60]}")
        for x, y, width, height, back in (map(int, box) for box in BOX.findall(path)):
            if width != back:
                raise SystemExit(f"box that does not close at {x}, {y}")
            yield x, y, width, height


def main():
    root = ElementTree.parse(sys.argv[1]).getroot()
    page_width, page_height = int(root.get("width")), int(root.get("height"))
    style = "".join(element.text for element in root.iter(NS + "style"))
    declared = set(re.findall(r"\.(\w+)", style))
    area = collections.Counter()
    for element in root.iter():
        name = element.tag.removeprefix(NS)
        css = element.get("class")
        if name not in KNOWN:
            raise SystemExit(f"unexpected element {element.tag}")
        if css is not None and css not in declared:
            raise SystemExit(f"class {css} is not in the style sheet")
        for x, y, width, height in boxes(element):
            if width == 0 or height == 0 or x + width > page_width or y + height > page_height:
                raise SystemExit(f"{css}: box {x} {y} {width} {height} leaves the page or is empty")
            if LEGEND_END <= y < page_height - CHART:
                area[css] += width * height
        if name == "text" and not 0 < int(element.get("y")) < page_height:
            raise SystemExit(f"text outside of the page: {element.text}")
    for expectation in sys.argv[2:]:
        css, _, wanted = expectation.partition("=")
        if area[css] != int(wanted):
            raise SystemExit(f"class {css} covers {area[css]} square pixels, not {wanted}")


main()
