"""Matplotlib's SVG as an element of a page: no styles or ids that reach beyond it."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree

from triage.report.texts import readable

_FONTS: Final = "Arial, 'Liberation Sans', sans-serif"
_POINTED: Final = re.compile(r"url\(#([^)]+)\)")
_FAMILY: Final = re.compile(r"font-family: [^;]+;?\s*")
_NOT_TURNED: Final = re.compile(r"rotate\(-?0 [^)]*\)")


def in_a_page(text: str, title: str, alternative: str, number: int) -> str:
    """Return a picture as it may stand in a page beside others.

    It is one image with a name and a description. Matplotlib's own style sheet would hold for all
    of the page, and its ids for every chart on it; so the first becomes an attribute, and of the
    others those that are used are numbered.
    """
    root = ElementTree.fromstring(text)
    names = _used(root)
    new = {old: f"chart-{number}-{place}" for place, old in enumerate(names, 1)}
    for parent in root.iter():
        for child in list(parent):
            if _local(child.tag) in ("metadata", "style", "title") or _is_empty(child):
                parent.remove(child)
    for element in root.iter():
        element.tag = _local(element.tag)
        element.attrib = {
            _local(name): value
            for name, value in ((key, _value(key, one, new)) for key, one in element.items())
            if value
        }
        if element.tag != "text":
            element.text = None
        element.tail = "\n"
    root.tail = None
    heads = {
        "title": (title, f"chart-{number}-title"),
        "desc": (alternative, f"chart-{number}-desc"),
    }
    for place, (tag, (told, name)) in enumerate(heads.items()):
        head = ElementTree.Element(tag, id=name)
        head.text = " ".join(readable(told).split())
        head.tail = "\n"
        root.insert(place, head)
    root.attrib = {
        "xmlns": "http://www.w3.org/2000/svg",
        "class": "chart",
        "role": "img",
        "aria-labelledby": f"chart-{number}-title chart-{number}-desc",
        "viewBox": root.attrib["viewBox"],
        "width": root.attrib["width"],
        "height": root.attrib["height"],
        "style": f"font-family: {_FONTS}; stroke-linejoin: round; stroke-linecap: butt",
    }
    return ElementTree.tostring(root, encoding="unicode")


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _is_empty(element: ElementTree.Element) -> bool:
    return _local(element.tag) == "g" and len(element) == 0


def _used(root: ElementTree.Element) -> list[str]:
    found: dict[str, None] = {}
    for element in root.iter():
        for name, value in element.items():
            pointed = _POINTED.findall(value)
            if _local(name) == "href":
                pointed.append(value.removeprefix("#"))
            found.update(dict.fromkeys(pointed))
    return list(found)


def _value(name: str, value: str, new: dict[str, str]) -> str:
    """Return an attribute's value with the new ids, empty where the attribute is for nothing."""
    match _local(name):
        case "id":
            return new.get(value, "")
        case "href":
            return f"#{new[value.removeprefix('#')]}"
        case "transform":
            return _NOT_TURNED.sub("", value).strip()
        case "style":
            value = _FAMILY.sub("", value)
    return _POINTED.sub(lambda found: f"url(#{new[found[1]]})", value)
