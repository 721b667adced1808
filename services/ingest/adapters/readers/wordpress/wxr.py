"""Reads WordPress's export (WXR): each item of the file is a post, an attachment or something else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from services.ingest.adapters.readers.addresses import host_of
from services.ingest.adapters.readers.elements import children, find, name_of
from services.ingest.adapters.readers.entries import read_each
from services.ingest.adapters.readers.facts import PictureFile, SentPicture
from services.ingest.adapters.readers.wordpress.about import WXR_FORMAT
from services.ingest.adapters.readers.wordpress.article import read_post
from services.ingest.adapters.readers.wordpress.post import NOTHING, Post, Sent, Term, Times
from services.ingest.adapters.readers.wordpress.restricted import find_restriction
from services.ingest.domain import prose
from services.ingest.ports import Document, Entry, ReadingContext, RefusedError

_NAMESPACE = re.compile(r"https?://wordpress\.org/export/([\d.]{1,8})/")
_CREDIT = re.compile(r's:\d{1,3}:"credit";s:\d{1,4}:"([^"]{1,300})"')
_CREDIT_KEYS = ("_media_credit", "media_credit", "_credit", "credit", "_navis_media_credit_org", "_image_credit")
_LOGIN = re.compile(r"[a-z0-9_.-]{1,60}")
_PRIVATE = "are never published"


@dataclass(frozen=True, slots=True)
class _Channel:
    """The facts of the whole file: language, authors' names by login, hosts of the site, and its attachments."""

    language: Sent
    names: Mapping[str, str]
    hosts: frozenset[str]
    attachments: Mapping[str, SentPicture]
    attached_to: Mapping[str, tuple[str, ...]]


class WxrReader:
    """Reads the export file of a WordPress site."""

    format = WXR_FORMAT

    def recognises(self, document: Document) -> bool:
        """Return whether the document is RSS that declares WordPress's export namespace."""
        return document.root_name == "rss" and _version_of(document.find_xml()) is not None

    def read(self, document: Document, context: ReadingContext) -> list[Entry]:
        """Return an entry for each item: posts, and everything else with the reason why it is no page.

        Raises:
            RefusedError: 400, 413 or 422; 415 if the document is another kind of RSS.
        """
        root = document.xml()
        version = _version_of(root)
        if version is None:
            raise RefusedError(415, "the document is no WordPress export: it declares no namespace of WXR")
        channel = find(root, "channel")
        items = [(f"/rss/channel/item[{place}]", item) for place, item in enumerate(children(channel, "item"), 1)]
        facts = _facts_of(channel, items)
        twice = _guids_sent_twice(items)
        return read_each(
            items,
            lambda each: read_post(
                _post_of(*each, facts, is_copy=each[0] in twice), f"wxr-{version}", context, is_live=False
            ),
            lambda each: _text(each[1], "title").text or _text(each[1], "guid").text,
            f"wxr-{version}",
        )


def _version_of(root: etree._Element | None) -> str | None:
    """Return the version in the namespace of the root or, for a hand-made file, of an element below."""
    if root is None:
        return None
    elements = [root, *children(root, "channel"), *children(find(root, "channel"), "item")][:20]
    for element in elements:
        for uri in element.nsmap.values():
            if found := _NAMESPACE.match(str(uri)):
                return found[1]
    return None


def _facts_of(channel: etree._Element | None, items: list[tuple[str, etree._Element]]) -> _Channel:
    pictures: dict[str, SentPicture] = {}
    attached_to: dict[str, tuple[str, ...]] = {}
    nested = [
        (f"{where}/item[{place}]", each)
        for where, item in items
        for place, each in enumerate(children(item, "item"), 1)
    ]
    for where, item in (*items, *nested):
        if _text(item, "post_type").text == "attachment" and (number := _text(item, "post_id").text):
            pictures[number] = _picture_of(where, item)
            parent = _text(item, "post_parent").text
            attached_to[parent] = (*attached_to.get(parent, ()), number)[:100]
    names = {}
    for author in children(channel, "author"):
        login, name = _text(author, "author_login").text, _text(author, "author_display_name").text
        if login:
            names[login] = name
    addresses = (_text(channel, name).text for name in ("link", "base_site_url", "base_blog_url"))
    return _Channel(
        language=_text(channel, "language", where="/rss/channel"),
        names=names,
        hosts=frozenset(host for each in addresses if (host := host_of(each))),
        attachments=pictures,
        attached_to=attached_to,
    )


def _guids_sent_twice(items: list[tuple[str, etree._Element]]) -> frozenset[str]:
    """Return the places of the items whose guid an earlier item with another number has."""
    owners: dict[str, str] = {}
    found = set()
    for where, item in items:
        guid, number = _text(item, "guid").text, _text(item, "post_id").text
        if guid and owners.setdefault(guid, number) != number:
            found.add(where)
    return frozenset(found)


def _post_of(where: str, item: etree._Element, channel: _Channel, *, is_copy: bool) -> Post:
    number, kind = _text(item, "post_id").text, _text(item, "post_type", where=where)
    guid, link = _text(item, "guid", where=where), _text(item, "link", where=where)
    if is_copy:
        guid = Sent(f"{guid.text}#{number}", guid.origin)
    meta = {_text(each, "meta_key").text: _text(each, "meta_value").text for each in children(item, "postmeta")}
    is_attachment = find(item, "attachment_url") is not None
    return Post(
        origin=where,
        number=number,
        guid=guid,
        is_copy=is_copy,
        kind="attachment" if is_attachment else (kind.text.lower() or "post"),
        status=_text(item, "status", where=where),
        is_locked=bool(_text(item, "post_password")),
        restriction=find_restriction(
            (_text(each, "meta_key").text, _text(each, "meta_value").text) for each in children(item, "postmeta")
        ),
        title=_text(item, "title", where=where),
        content=_encoded(item, where, "content"),
        excerpt=_encoded(item, where, "excerpt"),
        slug=_text(item, "post_name", where=where),
        link=link,
        is_link_old=not channel.hosts or host_of(link.text) in channel.hosts,
        canonical=Sent(meta.get("_yoast_wpseo_canonical", "").strip(), f"{where}/postmeta"),
        language=channel.language,
        times=Times(
            date_gmt=_text(item, "post_date_gmt", where=where),
            date=_text(item, "post_date", where=where),
            modified_gmt=_text(item, "post_modified_gmt", where=where),
            modified=_text(item, "post_modified", where=where),
            pub_date=_text(item, "pubDate", where=where),
        ),
        authors=_authors_of(item, where, channel),
        terms=tuple(_terms_of(item, where)),
        sticky=Sent("1", f"{where}/is_sticky") if _text(item, "is_sticky").text == "1" else NOTHING,
        thumbnail=channel.attachments.get(meta.get("_thumbnail_id", "").strip()),
        attachments=channel.attachments,
        own_attachments=channel.attached_to.get(number, ()) if number not in ("", "0") else (),
        unused=(*_unused(item, where, meta), *_bare_login(item, where, channel)),
    )


def _authors_of(item: etree._Element, where: str, channel: _Channel) -> tuple[Sent, ...]:
    """Return the authors' names: those of the plug-in Co-Authors if it names any, otherwise the creator's."""
    found = [
        Sent(channel.names.get((each.get("nicename") or "").removeprefix("cap-")) or _content(each), place)
        for place, each in _each(item, where, "category")
        if each.get("domain") == "author"
    ]
    creator = _text(item, "creator", where=where)
    if found or not creator or next(_bare_login(item, where, channel), None):
        return tuple(found)
    return (Sent(channel.names.get(creator.text) or creator.text, creator.origin),)


def _bare_login(item: etree._Element, where: str, channel: _Channel) -> Iterator[tuple[str, str]]:
    """Yield the creator as a part left out if the export has no name for it: a login is no byline."""
    creator = _text(item, "creator", where=where)
    is_login = creator.text in channel.names or _LOGIN.fullmatch(creator.text) is not None
    if creator and is_login and not channel.names.get(creator.text):
        yield creator.origin, "is a login name without an author's name"


def _terms_of(item: etree._Element, where: str) -> Iterator[Term]:
    for place, each in _each(item, where, "category"):
        taxonomy, name = each.get("domain") or "category", prose.unescaped(_content(each))
        if name and taxonomy not in ("author", "post_format"):
            yield Term(taxonomy, name, (each.get("nicename") or "").strip(), place)


def _unused(item: etree._Element, where: str, meta: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    comments = sum(1 for _ in children(item, "comment"))
    if comments:
        yield f"{where}/comment", f"{'comments' if comments > 1 else 'a comment'} of readers {_PRIVATE} ({comments})"
    if others := sum(1 for key in meta if key and not key.startswith("_")):
        yield f"{where}/postmeta", f"custom fields are not used ({others})"


def _picture_of(where: str, item: etree._Element) -> SentPicture:
    meta = {_text(each, "meta_key").text: _text(each, "meta_value").text for each in children(item, "postmeta")}
    credit = next((meta[key] for key in _CREDIT_KEYS if meta.get(key, "").strip()), "")
    if not credit and (found := _CREDIT.search(meta.get("_wp_attachment_metadata", "")[:20_000])):
        credit = found[1]
    url = _text(item, "attachment_url").text
    return SentPicture(
        where=where,
        files=(PictureFile(f"{where}/attachment_url", url),) if url else (),
        caption=prose.plain(_encoded(item, where, "excerpt").text) or None,
        credit=prose.plain(credit) or None,
        alt=prose.plain(meta.get("_wp_attachment_image_alt", "")) or None,
    )


def _each(item: etree._Element, where: str, name: str) -> Iterator[tuple[str, etree._Element]]:
    for place, each in enumerate(children(item, name), 1):
        yield f"{where}/{name}[{place}]", each


def _content(element: etree._Element) -> str:
    """Return the text of an element; a faulty export has mark-up where text should be."""
    if not len(element):
        return (element.text or "").strip()
    return str(etree.tostring(element, method="text", encoding="unicode", with_tail=False)).strip()


def _text(element: etree._Element | None, name: str, *, where: str = "") -> Sent:
    found = find(element, name)
    return Sent(_content(found), f"{where}/{name}") if found is not None else NOTHING


def _encoded(item: etree._Element, where: str, kind: str) -> Sent:
    """Return the element `encoded` of a namespace: `content` or `excerpt`."""
    for each in children(item, "encoded"):
        if f"/{kind}/" in (etree.QName(each).namespace or "") and name_of(each) == "encoded":
            return Sent(_content(each), f"{where}/{kind}:encoded")
    return NOTHING
