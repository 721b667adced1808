"""The `pressline` command line."""

from __future__ import annotations

import sys

import typer
from pydantic import ValidationError

from services.desk.commands import (
    act,
    audit,
    backup,
    dead_letters,
    feeds,
    front,
    imports,
    post,
    rebuild,
    reindex,
    replay,
    run,
    stack,
    status,
    tokens,
    verify,
    webhooks,
    why,
)
from shared.runtime.errors import PresslineError

app = typer.Typer(
    name="pressline",
    help="Post articles, follow them to the site, and operate the pipeline.\n\n"
    "In a folder where `make up` started a stack, the settings come from that stack. Elsewhere set "
    "PRESSLINE_API_URL and PRESSLINE_TOKEN. Commands that read the buckets or Redis also need PRESSLINE_S3_… and "
    "PRESSLINE_REDIS_URL.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(post.post)
app.command()(status.status)
app.command()(why.why)
app.add_typer(imports.app, name="import")
app.add_typer(front.app, name="front")
app.command()(replay.replay)
app.command()(run.run)
app.add_typer(dead_letters.app, name="dead-letters")
app.command()(act.kill)
app.command()(act.withdraw)
app.command()(act.restore)
app.command()(rebuild.rebuild)
app.command()(reindex.reindex)
app.command()(verify.verify)
app.command()(backup.backup)
app.add_typer(stack.app, name="stack")
app.add_typer(tokens.app, name="tokens")
app.command()(audit.audit)
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(feeds.app, name="feeds")


def main() -> None:
    """Run the command line; an error of the store, Redis or a setting is one line, not a traceback."""
    try:
        app()
    except PresslineError as error:
        sys.exit(f"pressline: {error}")
    except ValidationError as error:
        faults = "; ".join(f"PRESSLINE_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors())
        sys.exit(f"pressline: a setting is wrong: {faults}")


if __name__ == "__main__":
    main()
