"""The views: the values of a page, and a theme's only input.

A pure function of an article or of cards makes a view. A view contains no clock, no set and no build stamp, so the same
input gives the same bytes. Every time and every label is ready to print; a template only places them.
"""

from services.render.domain.view.article import ArticleView, article_view
from services.render.domain.view.cards import CardView, card_view
from services.render.domain.view.fronts import FrontView, front_view
from services.render.domain.view.lists import CardsView, DaysView, RailView, cards_view, days_view, rail_view
from services.render.domain.view.shell import ShellView, notice_view, search_view

__all__ = [
    "ArticleView",
    "CardView",
    "CardsView",
    "DaysView",
    "FrontView",
    "RailView",
    "ShellView",
    "article_view",
    "card_view",
    "cards_view",
    "days_view",
    "front_view",
    "notice_view",
    "rail_view",
    "search_view",
]
