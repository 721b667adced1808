"""The `pressline` command line."""

from __future__ import annotations

import sys

import typer
from pydantic import ValidationError

from services.desk.commands import (
    act,
    backup,
    dead_letters,
    front,
    import_ndjson,
    post,
    rebuild,
    reindex,
    replay,
    run,
    stack,
    status,
    tokens,
    verify,
    why,
)
from shared.runtime.errors import PresslineError

app = typer.Typer(
    name="pressline",
    help="Publish news: post articles, see what became of them, look after the line.\n\n"
    "Run inside a folder where `make up` has started a stack, it finds everything by itself; elsewhere set "
    "PRESSLINE_API_URL and PRESSLINE_TOKEN (and PRESSLINE_S3_… for tokens).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(post.post)
app.command()(status.status)
app.command()(why.why)
app.add_typer(import_ndjson.app, name="import")
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


def main() -> None:
    """Run the command line; a store or a Redis that is away is said in a line, not in a traceback."""
    try:
        app()
    except PresslineError as error:
        sys.exit(f"pressline: {error}")
    except ValidationError as error:
        faults = "; ".join(f"PRESSLINE_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors())
        sys.exit(f"pressline: a setting is wrong: {faults}")


if __name__ == "__main__":
    main()
