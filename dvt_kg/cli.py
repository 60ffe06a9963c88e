"""The command line: each command is one call of the library."""

from __future__ import annotations

import errno
from importlib.metadata import version as package_version
from typing import Any

import click

from dvt_kg.cohort_command import cohort_command
from dvt_kg.endpoint_commands import publish_command
from dvt_kg.errors import DvtKgError, RecordError, UsageError
from dvt_kg.knowledge_commands import (
    check,
    queries_command,
    query_command,
    rules_command,
    template,
    terms,
)
from dvt_kg.record_commands import classify_command, compare_command, explain_command, recommend
from dvt_kg.release_commands import build, diff, docs
from dvt_kg.server_command import serve
from dvt_kg.work import FAILED, INTERRUPTED, REFUSED


class _Program(click.Group):
    """Turns the package's errors into one sentence and an exit status."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise click.UsageError(str(error)) from None
        except RecordError as error:
            click.echo(f"refused: {error}", err=True)
            ctx.exit(REFUSED)
        except DvtKgError as error:
            click.echo(f"dvt-kg: {error}", err=True)
            ctx.exit(FAILED)
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read the output has gone
                raise
            click.echo(f"dvt-kg: {error.strerror or error}", err=True)
            ctx.exit(FAILED)
        except KeyboardInterrupt:
            click.echo("dvt-kg: interrupted; nothing was written", err=True)
            ctx.exit(INTERRUPTED)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_version("dvt-kg"), prog_name="dvt-kg")
def main() -> None:
    """Rated management for deep vein thrombosis from a patient record, with its reasons.

    For research and information, for review by a professional; not medical advice.

    Exit status: 0 answered; 1 some input was refused, the rest is answered; 2 wrong usage;
    3 a record contradicts itself, the rest is answered; 4 no answer could be given.
    """


for command in (
    *(recommend, explain_command, compare_command, classify_command, cohort_command),
    *(query_command, queries_command, terms, rules_command, check, template, build, diff, docs),
    *(publish_command, serve),
):
    main.add_command(command)
