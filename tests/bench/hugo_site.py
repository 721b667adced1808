"""The same archive as a Hugo site: the same pages, by templates that say as much."""

from __future__ import annotations

import json
from pathlib import Path
from zoneinfo import ZoneInfo

from shared.sites import Site
from tests.bench.archive import stories

_CARD = (
    '{{ define "partials/card.html" }}<article class="card"><p class="kicker">{{ .Section }}</p>'
    '<h3><a href="{{ .RelPermalink }}">{{ .Title }}</a></h3><p>{{ .Params.standfirst }}</p>'
    '<p class="by">{{ .Params.byline }} <time datetime="{{ .Date.Format "2006-01-02T15:04:05Z07:00" }}">'
    '{{ .Date.Format "2 January 2006, 15:04" }}</time></p></article>{{ end }}'
)
_BASE = """<!doctype html>
<html lang="{{ site.Language.Locale }}" dir="ltr">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ .Title }} | {{ site.Title }}</title><link rel="canonical" href="{{ .Permalink }}">
<meta name="description" content="{{ .Params.standfirst }}"><link rel="stylesheet" href="/assets/site.css">
<link rel="alternate" type="application/rss+xml" href="/index.xml">
<meta property="og:title" content="{{ .Title }}"><meta property="og:type" content="article">
<meta property="og:url" content="{{ .Permalink }}"><meta property="og:description" content="{{ .Params.standfirst }}">
<meta name="twitter:card" content="summary"><meta name="twitter:title" content="{{ .Title }}">
{{ block "head" . }}{{ end }}</head>
<body><a class="skip" href="#main">Skip to the text</a><header><a class="brand" href="/">{{ site.Title }}</a>
<nav aria-label="Sections"><ul>{{ range site.Sections }}<li><a href="{{ .RelPermalink }}">{{ .Title }}</a></li>{{ end }}
</ul></nav></header><main id="main">{{ block "main" . }}{{ end }}</main>
<footer><p>{{ site.Title }}: {{ site.Params.tagline }}</p><ul>
{{ range site.Sections }}<li><a href="{{ .RelPermalink }}">{{ .Title }}</a></li>{{ end }}</ul></footer></body></html>
"""
_ARTICLE = """{{ define "head" }}<script type="application/ld+json">
{{ dict "@context" "https://schema.org" "@type" "NewsArticle" "headline" .Title "datePublished" .Date "url" .Permalink
 "articleSection" .Section "description" .Params.standfirst "author" .Params.authors | jsonify | safeJS }}</script>
{{ end }}
{{ define "main" }}<article><nav aria-label="Breadcrumb"><a href="/">Home</a>
<a href="/{{ .Section }}/">{{ .Section }}</a></nav><h1>{{ .Title }}</h1>
<p class="standfirst">{{ .Params.standfirst }}</p><p class="by">
{{ range .Params.authors }}<a href="/authors/{{ . | urlize }}/">{{ . }}</a> {{ end }}
<time datetime="{{ .Date.Format "2006-01-02T15:04:05Z07:00" }}">{{ .Date.Format "2 January 2006, 15:04" }}</time></p>
{{ .Content }}<ul>{{ range .Params.topics }}<li><a href="/topics/{{ . | urlize }}/">{{ . }}</a></li>{{ end }}</ul>
</article>
<aside><h2>Also Read</h2>{{ range first 4 (site.RegularPages.Related .) }}{{ partial "card.html" . }}{{ end }}</aside>
{{ end }}
"""
_LIST = """{{ define "main" }}<h1>{{ .Title }}</h1>
{{ range first 200 .Pages.ByDate.Reverse }}{{ partial "card.html" . }}{{ end }}{{ end }}
"""
_FRONT = """{{ define "main" }}<h1>{{ .Title }}</h1>
{{ range first 30 site.RegularPages.ByDate.Reverse }}{{ partial "card.html" . }}{{ end }}{{ end }}
"""
_SECTION = _LIST.replace("first 200", "first 30")
_TERMS = """{{ define "main" }}<h1>{{ .Title }}</h1>
<ul>{{ range .Pages }}<li><a href="{{ .RelPermalink }}">{{ .Title }}</a></li>{{ end }}</ul>{{ end }}
"""


def write_site(folder: Path, site: Site, number: int, target: str) -> None:
    """Write a Hugo site of so many articles, to be deployed to `target` (a bucket's URL as Go Cloud reads it)."""
    for path, text in {
        "hugo.toml": _settings(site, target),
        "static/assets/site.css": "body{max-width:70rem;margin:auto;font:1rem/1.5 system-ui}",
        "layouts/_default/baseof.html": _BASE,
        "layouts/_default/single.html": _ARTICLE,
        "layouts/_default/section.html": _SECTION,
        "layouts/_default/term.html": _LIST,
        "layouts/_default/taxonomy.html": _TERMS,
        "layouts/index.html": _FRONT,
        "layouts/partials/card.html": _CARD.removeprefix('{{ define "partials/card.html" }}').removesuffix("{{ end }}"),
    }.items():
        _write(folder / path, text)
    zone = ZoneInfo(site.zone)
    for section in site.sections:
        _write(folder / "content" / section.id / "_index.md", json.dumps({"title": section.name}))
    for story in stories(site, number):
        facts, slug = story.enriched.facts, story.enriched.slug
        day = f"{story.created_at.astimezone(zone):%Y-%m-%d}"
        about = {
            "title": facts.headline,
            "date": story.created_at.isoformat(),
            "slug": slug,
            "standfirst": facts.standfirst,
            "byline": facts.byline,
            "topics": sorted({topic.name for topic in facts.topics}),
            "authors": [author.name for author in facts.authors],
            "keywords": list(facts.keywords),
            "days": [day],
            "sdays": [f"{facts.section} {day}"],
        }
        _write(folder / "content" / facts.section / f"{slug}.html", f"{json.dumps(about)}\n{story.enriched.body}")


def _settings(site: Site, target: str) -> str:
    return f"""baseURL = "https://hugo.example/"
title = "{site.name}"
timeZone = "{site.zone}"
locale = "{site.language}"
[security]
allowContent = ["^text/(html|markdown)$"]  # the articles are HTML, and our own: Markdown would cost Hugo more
[params]
tagline = "{site.tagline}"
[taxonomies]
topic = "topics"
author = "authors"
day = "days"
sday = "sdays"
[outputs]
home = ["html", "rss"]
section = ["html", "rss"]
taxonomy = ["html"]
term = ["html"]
[services.rss]
limit = 30
[permalinks.page]
"/" = "/:sections/:year/:month/:day/:slug/"
[related]
threshold = 10
includeNewer = false
[[related.indices]]
name = "topics"
weight = 80
[[related.indices]]
name = "keywords"
weight = 60
[[deployment.targets]]
name = "store"
URL = "{target}"
"""


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
