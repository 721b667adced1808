"""The same archive as a Hugo site: the same pages, from templates with the same text wherever possible.

Hugo renders parts that many pages share only once (`partialCached`), as Pressline does.
"""

# ruff: noqa: E501 -- the templates have the long lines of the pages

from __future__ import annotations

import json
from pathlib import Path
from zoneinfo import ZoneInfo

from shared.model.slug import slug_of
from shared.site.sites import Site
from tests.bench.archive import stories

_WHEN = '<time dir="auto" datetime="{{ .Date.Format "2006-01-02T15:04:05Z07:00" }}">{{ .Date.Format "2 January 2006 15:04" }}</time>'
_CARD = f"""<article class="card" data-section="{{{{ .Section }}}}" data-article="{{{{ .Params.article }}}}">
<div class="card__words">
<p class="kicker"><bdi>{{{{ .CurrentSection.Title }}}}</bdi></p>
<h3 class="card__headline" dir="ltr"><a href="{{{{ .RelPermalink }}}}">{{{{ .Title }}}}</a></h3>
<p class="card__time">{_WHEN}</p>
</div>
</article>
"""
_SECTIONS = """<ul class="sections">
{{ $here := .Section }}{{ range site.Sections }}<li data-section="{{ .Section }}"><a href="{{ .RelPermalink }}"
{{- if eq .Section $here }} aria-current="true"{{ end }}>{{ .Title }}</a></li>
{{ end }}</ul>
"""
_MASTHEAD = """<header class="masthead" id="epn-top">
<div class="masthead__name">
<a class="wordmark" href="/">{{ site.Title }}</a>
<p class="tagline">{{ site.Params.tagline }}</p>
<details class="menu">
<summary>Sections</summary>
<nav aria-label="Sections">{{ partial "sections.html" . }}<p class="find"><a href="/search/">Search</a></p></nav>
</details>
</div>
<nav class="bar" aria-label="Sections">{{ partial "sections.html" . }}<p class="find"><a href="/search/">Search</a></p></nav>
</header>
"""
_FOOT = """<footer class="foot">
<p class="foot__name"><a class="wordmark" href="/">{{ site.Title }}</a> <span class="tagline">{{ site.Params.tagline }}</span></p>
{{ partial "sections.html" . }}<ul class="foot__links">
<li><a href="/archive/">Archive</a></li>
<li><a href="/search/">Search</a></li>
<li><a href="/feed.xml">Feeds</a></li>
</ul>
<p class="foot__top"><a href="#epn-top">Back to top</a></p>
</footer>
"""
_BASE = """<!doctype html>
<html lang="{{ site.Language.Locale }}" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ .Title }} | {{ site.Title }}</title>
<link rel="stylesheet" href="/assets/site.css">
<script src="/assets/site.js" defer></script>
<link rel="icon" type="image/svg+xml" href="/assets/icon.svg">
<link rel="apple-touch-icon" href="/assets/icon-apple.png">
<link rel="manifest" href="/manifest.webmanifest">
<link rel="search" type="application/opensearchdescription+xml" title="{{ site.Title }}" href="/opensearch.xml">
<meta name="theme-color" content="#fdfcfa" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#141517" media="(prefers-color-scheme: dark)">
<meta name="description" content="{{ .Params.standfirst }}">
<meta name="robots" content="max-image-preview:large">
<link rel="canonical" href="{{ .Permalink }}">
<meta property="og:type" content="article">
<meta property="og:site_name" content="{{ site.Title }}">
<meta property="og:title" content="{{ .Title }}">
<meta property="og:description" content="{{ .Params.standfirst }}">
<meta property="og:url" content="{{ .Permalink }}">
<meta property="twitter:card" content="summary">
<meta property="twitter:title" content="{{ .Title }}">
<meta property="twitter:description" content="{{ .Params.standfirst }}">
{{ with .Section }}<link rel="alternate" type="application/rss+xml" title="{{ $.CurrentSection.Title }} (RSS)" href="/{{ . }}/feed.xml">
<link rel="alternate" type="application/atom+xml" title="{{ $.CurrentSection.Title }} (Atom)" href="/{{ . }}/atom.xml">
<link rel="alternate" type="application/feed+json" title="{{ $.CurrentSection.Title }} (JSON Feed)" href="/{{ . }}/feed.json">
{{ end }}<link rel="alternate" type="application/rss+xml" title="{{ site.Title }} (RSS)" href="/feed.xml">
<link rel="alternate" type="application/atom+xml" title="{{ site.Title }} (Atom)" href="/atom.xml">
<link rel="alternate" type="application/feed+json" title="{{ site.Title }} (JSON Feed)" href="/feed.json">
{{ block "head" . }}{{ end }}</head>
<body>
<a class="skip" href="#epn-main">Skip to the story</a>
{{ partialCached "masthead.html" . .Section }}<div class="layout">
<main id="epn-main" tabindex="-1">{{ block "main" . }}{{ end }}</main>
<aside class="side">
<section class="rail rail--latest" aria-labelledby="epn-rail-latest">
<div class="rail__head">
<h2 class="rail__title" id="epn-rail-latest">Latest News</h2>
<p class="rail__more"><a href="/">All the news on the front page</a></p>
</div>
<div class="rail__slot" data-rail="/_rail/latest.html" data-loading="Loading …"></div>
</section>
</aside>
</div>
{{ partialCached "foot.html" . }}</body>
</html>
"""
_ARTICLE = f"""{{{{ define "head" }}}}<meta property="article:published_time" content="{{{{ .Date.Format "2006-01-02T15:04:05Z07:00" }}}}">
<meta property="article:section" content="{{{{ .CurrentSection.Title }}}}">
{{{{ range .Params.authors }}}}<meta property="article:author" content="{{{{ printf "authors/%s/" (urlize .) | absURL }}}}">
{{{{ end }}}}{{{{ range .Params.topics }}}}<meta property="article:tag" content="{{{{ . }}}}">
{{{{ end }}}}<script type="application/ld+json">
{{{{ $authors := slice }}}}{{{{ range .Params.authors }}}}{{{{ $authors = $authors | append (dict "@type" "Person" "name" .
 "url" (printf "authors/%s/" (urlize .) | absURL)) }}}}{{{{ end }}}}
{{{{ dict "@context" "https://schema.org" "@type" "NewsArticle" "headline" .Title "description" .Params.standfirst
 "url" .Permalink "mainEntityOfPage" (dict "@type" "WebPage" "@id" .Permalink) "datePublished" .Date
 "dateModified" .Date "author" $authors "publisher" (dict "@type" "NewsMediaOrganization" "name" site.Title "url" site.BaseURL)
 "articleSection" .CurrentSection.Title "inLanguage" "en" "isAccessibleForFree" true "wordCount" .WordCount
 "keywords" (append .Params.keywords .Params.topics) | jsonify | safeJS }}}}</script>
<script type="application/ld+json">
{{{{ dict "@context" "https://schema.org" "@type" "BreadcrumbList" "itemListElement" (slice
 (dict "@type" "ListItem" "position" 1 "name" site.Title "item" site.BaseURL)
 (dict "@type" "ListItem" "position" 2 "name" .CurrentSection.Title "item" .CurrentSection.Permalink)
 (dict "@type" "ListItem" "position" 3 "name" .Title "item" .Permalink)) | jsonify | safeJS }}}}</script>
<meta name="revision" content="{{{{ .Params.revision }}}}">
{{{{ end }}}}
{{{{ define "main" }}}}<article class="story" data-section="{{{{ .Section }}}}" data-article="{{{{ .Params.article }}}}">
<header class="story__head">
<nav class="crumbs" aria-label="You are here">
<ol>
<li><a href="/">Home</a></li>
<li><a href="{{{{ .CurrentSection.RelPermalink }}}}">{{{{ .CurrentSection.Title }}}}</a></li>
</ol>
</nav>
<h1>{{{{ .Title }}}}</h1>
<p class="standfirst">{{{{ .Params.standfirst }}}}</p>
</header>
<div class="story__meta">
<div class="meta">
<p class="byline">{{{{ range .Params.authors }}}}<a href="/authors/{{{{ . | urlize }}}}/" rel="author">{{{{ . }}}}</a> {{{{ end }}}}</p>
<p class="times">{_WHEN}</p>
<p class="length">{{{{ .ReadingTime }}}} min read</p>
</div>
<div class="share" role="group" aria-labelledby="epn-share">
<p class="share__title" id="epn-share">Share</p>
<ul>
<li><a href="mailto:?{{{{ querify "subject" .Title "body" .Permalink | safeURL }}}}" rel="noopener nofollow">Email</a></li>
<li><a href="https://wa.me/?{{{{ querify "text" (printf "%s %s" .Title .Permalink) | safeURL }}}}" rel="noopener nofollow">WhatsApp</a></li>
<li><a href="https://x.com/intent/post?{{{{ querify "text" .Title "url" .Permalink | safeURL }}}}" rel="noopener nofollow">X</a></li>
<li><a href="https://www.facebook.com/sharer/sharer.php?{{{{ querify "u" .Permalink | safeURL }}}}" rel="noopener nofollow">Facebook</a></li>
<li><button type="button" data-copy="{{{{ .Permalink }}}}" data-done="Copied" disabled>Copy link</button></li>
</ul>
</div>
</div>
<div class="story__text">
<div class="body">
{{{{ .Content }}}}
</div>
<footer class="story__foot">
<h2>Topics</h2>
<ul class="tags">
{{{{ range .Params.topics }}}}<li><a href="/topics/{{{{ . | urlize }}}}/" rel="tag">{{{{ . }}}}</a></li>
{{{{ end }}}}</ul>
</footer>
</div>
</article>
<section class="rail rail--also" aria-labelledby="epn-also">
<h2 class="rail__title" id="epn-also">Also Read</h2>
<ul class="rail__list">
{{{{ range first 4 (site.RegularPages.Related .) }}}}<li>{{{{ partial "card.html" . }}}}</li>
{{{{ end }}}}</ul>
</section>
{{{{ end }}}}
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
    """Write a Hugo site with `number` articles; its deployment target is the Go Cloud URL `target` of a bucket."""
    for path, text in {
        "hugo.toml": _settings(site, target),
        "static/assets/site.css": "body{max-width:70rem;margin:auto;font:1rem/1.5 system-ui}",
        "layouts/_default/baseof.html": _BASE,
        "layouts/_default/single.html": _ARTICLE,
        "layouts/_default/section.html": _SECTION,
        "layouts/_default/term.html": _LIST,
        "layouts/_default/taxonomy.html": _TERMS,
        "layouts/index.html": _FRONT,
        "layouts/partials/card.html": _CARD,
        "layouts/partials/sections.html": _SECTIONS,
        "layouts/partials/masthead.html": _MASTHEAD,
        "layouts/partials/foot.html": _FOOT,
    }.items():
        _write(folder / path, text)
    zone = ZoneInfo(site.zone)
    for section in site.sections:
        _write(folder / "content" / section.id / "_index.md", json.dumps({"title": section.name}))
    for story in stories(site, number):
        facts, slug = story.enriched.facts, slug_of(story.enriched.facts.headline)
        day = f"{story.created_at.astimezone(zone):%Y-%m-%d}"
        about = {
            "title": facts.headline,
            "date": story.created_at.isoformat(),
            "slug": slug,
            "standfirst": facts.standfirst,
            "article": story.enriched.article,
            "revision": story.enriched.revision,
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
allowContent = ["^text/(html|markdown)$"]  # the articles are trusted HTML: Markdown would cost Hugo more time
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
