"""Routes that accept an article and return its state."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from services.ingest.endpoint.answers import PREFER, REPLY_HEADERS, answer
from services.ingest.endpoint.auth import RequireRead
from services.ingest.endpoint.body import read_body
from services.ingest.endpoint.deps import deps_of, threads_of
from services.ingest.endpoint.idempotency import TAKES_IDEMPOTENCY_KEY
from services.ingest.endpoint.preferences import parse_prefer
from services.ingest.endpoint.problems import ProblemError, documented
from services.ingest.endpoint.replies import (
    ArticleReply,
    ArticleStateReply,
    DryRunReply,
    json_response,
    links_to,
)
from services.ingest.endpoint.signatures import RequireSender
from services.ingest.endpoint.sites import ARTICLE, FeedName, SiteName, SiteNames
from services.ingest.endpoint.submission import submission_of
from shared.model.lane import Lane

LaneName = Annotated[
    Literal["live", "bulk"],
    Query(description="`live`: news. `bulk`: imports, processed after news and refused first when queues are long."),
]
_RESPONSES: dict[int | str, dict[str, Any]] = {
    202: {"model": ArticleReply, "description": "Stored; publication follows.", "headers": REPLY_HEADERS},
    200: {
        "model": ArticleReply | DryRunReply,
        "description": "Final: live or killed (with `Prefer: wait`), duplicate, superseded, held or unmatched. "
        "With `dry_run=1`: the result that the post would have.",
        "headers": REPLY_HEADERS,
    },
    **documented(400, 401, 403, 408, 409, 413, 415, 422, 503),
}
DryRun = Annotated[
    bool,
    Query(
        description="`1`: change nothing. The reply has the report, the canonical article, its page and the public "
        "files that the post would change."
    ),
]
FeedPath = Annotated[str, Path(max_length=40, description="The sender's feed, as in the site's settings.")]
router = APIRouter(tags=["articles"])


@router.post(
    "/v1/articles",
    summary="Post an article",
    operation_id="postArticle",
    dependencies=[TAKES_IDEMPOTENCY_KEY],
    status_code=202,
    response_model=None,
    responses=_RESPONSES,
    openapi_extra={"parameters": [PREFER]},
)
async def post_article(
    request: Request,
    caller: RequireSender,
    site: SiteNames = None,
    feed: FeedName = None,
    lane: LaneName = "live",
    dry_run: DryRun = False,  # noqa: FBT002 -- a query parameter
) -> Response:
    """Accept an article in a supported format, named by its Content-Type or detected from its content.

    A 202 is a promise: the article is stored, and `Location` is its receipt. The same bytes again are a `duplicate`,
    so it is safe to repeat a post whose answer was lost. `status: canceled` or `withheld` removes an article and needs
    the scope `takedown`.

    A document may hold several entries, such as a feed: `entries` in the answer has the result of each. An entry that
    is not an article to publish is `held`, `media` or `refused`, with a reason; it never becomes a page.

    The article's identity is the site, the source and `source_id`. The source is the item's own, otherwise the
    feed's: `?feed=wire`, or the token's only one. So an update or a kill under another token of the feed reaches the
    same article. `POST /v1/feeds/{feed}` is the same for one feed.

    A removal whose identity matches no article is `unmatched`: it is stored and applies to later revisions.

    Imports use `?lane=bulk`: they are processed after the news, and are the first to get 503 when queues are long.
    Removals are always accepted.

    `?site=a&site=b` posts one article to several sites. Each site has its own article, revisions and receipt (`also`
    in the answer). The first site is canonical, and the pages of the others link to it. A section that a further site
    does not have becomes its default section, with a warning. The token must be bound to all named sites.

    A later revision, or a `status: canceled`, reaches the sites that it is posted to. Kill, withdraw and restore act
    on one site's article. `Prefer: wait` waits for the canonical one.

    `?dry_run=1` changes nothing. The reply is the result that the post would have, with the canonical article, its page
    and the public files that would change. `Prefer` is ignored, and refusals are those of a post.
    """
    deps, settings = deps_of(request), deps_of(request).settings
    preferences = parse_prefer(request.headers.getlist("prefer"), wait_limit_seconds=settings.wait_limit_seconds)
    first, *further = caller.named_sites(site)
    raw = await read_body(request, max_bytes=settings.max_article_bytes, timeout_seconds=deps.body_timeout_seconds)
    for each in (first, *further):
        caller.feed(each, feed)  # refuses the item at all sites if the token has no feed at one of them
    submission = submission_of(request, caller, Lane(lane), feed, further)
    if dry_run:
        return json_response(200, await submission.dry_run(raw, first))
    process = submission.submit if preferences.is_async else submission.accept
    reply = await process(raw, first)
    return await answer(request, reply, preferences)


@router.post(
    "/v1/feeds/{feed}",
    summary="Post an article of one feed",
    operation_id="postFeedItem",
    dependencies=[TAKES_IDEMPOTENCY_KEY],
    status_code=202,
    response_model=None,
    responses=_RESPONSES,
    openapi_extra={"parameters": [PREFER]},
)
async def post_feed_item(
    request: Request,
    caller: RequireSender,
    feed: FeedPath,
    site: SiteNames = None,
    lane: LaneName = "live",
    dry_run: DryRun = False,  # noqa: FBT002 -- a query parameter
) -> Response:
    """Accept an article as `POST /v1/articles` does, with the feed's source, formats and defaults.

    Superdesk's HTTP push and Ghost's webhooks post here without a token: they sign the body with the feed's secret.
    """
    return await post_article(request, caller, site, feed, lane, dry_run)


@router.get(
    "/v1/articles/{article}",
    summary="Get the state of an article",
    operation_id="getArticle",
    response_model=None,
    responses={200: {"model": ArticleStateReply}, **documented(401, 403, 404, 422, 503)},
)
async def get_article(request: Request, caller: RequireRead, article: str, site: SiteName = None) -> Response:
    """Return the latest and the live revision of an article."""
    chosen_site = caller.site(site)
    state = None
    if ARTICLE.match(article):
        state = await threads_of(request).run(deps_of(request).article, chosen_site.id, article)
    if state is None:
        raise ProblemError(404, "there is no such article on this site")
    links = links_to(state.site, None, state.article)
    return json_response(200, ArticleStateReply(**dict(state), links=links))
