"""`txpush`: every service and tool of the project under one command, each loaded only when it is asked for."""

import errno
import sys
from importlib import import_module

import click

from streams.exits import EXIT_INTERRUPTED, EXIT_NOTHING, EXIT_OTHERWISE, drop_output, outlive_readers, refuse
from streams.groups import Commands
from streams.settings import SettingsError

COMMANDS = {
    "agent": ("streams.agent.command:agent", "Fold the inbound log into remediation commands."),
    "audit": ("streams.audit.command:audit", "Prove that what was decided is still what is written."),
    "bridge": ("streams.bridge.command:bridge", "Receive the vendor's notifications over HTTP."),
    "canary": ("streams.canary.command:canary", "Send a sign of life all the way, every minute, and time it."),
    "dead-letter": ("streams.operate.letters.command:dead_letter", "See what was set aside, and put it back."),
    "demo": ("streams.demo.command:demo", "See the whole flow on this machine, in about a minute."),
    "doctor": ("streams.doctor.command:doctor", "Say what is wrong here, and what to do."),
    "executor": ("streams.executor.command:executor", "Open customers' links at the vendor, and look accounts up."),
    "export": ("streams.export.command:export", "Write topics to files that stand alone."),
    "explain": ("streams.explain.command:explain", "Tell why a customer was contacted, or was not."),
    "forget": ("streams.operate.forget:forget", "Have a customer forgotten."),
    "import": ("streams.export.restoring.command:restore", "Restore an empty cluster from a whole export."),
    "institutions": ("streams.institutions.command:institutions", "Fold signals into support tickets."),
    "kafka": ("streams.kafka.embedded.command:kafka", "Run a real Apache Kafka in the foreground."),
    "move": ("streams.operate.moving.command:move", "Move all to a cluster with another number of partitions."),
    "override": ("streams.operate.override:override", "Decide over the rules, with a name and a reason."),
    "policy": ("streams.operate.policy:policy", "Show, check and activate the rules."),
    "pseudonym": ("streams.operate.pseudonym:pseudonym", "Print what the log calls a customer."),
    "replay": ("streams.replay.command:replay", "Derive decisions again, and compare them with those recorded."),
    "sandbox": ("streams.sandbox.command:sandbox", "Stand in for the vendor, to develop against."),
    "simulate": ("streams.simulate.command:simulate", "See what a file of events would have led to, without Kafka."),
    "snapshot": ("streams.snapshots.command:snapshot", "Keep the state of the logs, for a replay to go on from."),
    "subscribe": ("streams.subscriptions.command:subscribe", "Have the vendor tell of changes of accounts."),
    "sweep": ("streams.sweep.command:sweep", "Read all accounts at the vendor, and publish what was missed."),
    "topics": ("streams.kafka.command:topics", "Create and check the topics."),
    "vendor": ("streams.operate.vendor:vendor", "See whether the vendor's credentials may be tried."),
    "unsubscribe": ("streams.subscriptions.command:unsubscribe", "End subscriptions, and forget their keys."),
}
"""Name, place, and one line of help."""

PRINTERS = frozenset({"simulate"})
"""Commands that do nothing but print: they end when nobody reads them any more."""

NO_ROOM = frozenset({errno.EDQUOT, errno.EFBIG, errno.ENOSPC})
"""Faults that no trace explains: mostly of standard output, as files are named in words of their own."""


class LazyCommands(Commands):
    """A group that imports a command when it is run: `txpush topics` does not pay for Faust."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names."""
        del ctx
        return sorted(COMMANDS)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; an end by Ctrl-C is none of its answers, of which 1 may say that something differs."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            refuse("interrupted", EXIT_INTERRUPTED)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in sorted(COMMANDS.items())])


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="txpush-remediation")
@click.pass_context
def txpush(ctx: click.Context) -> None:
    """Turn Mastercard Open Finance notifications into exact remediation commands on Kafka.

    Settings come from the environment (TXPUSH_...), from the TOML file that TXPUSH_SETTINGS_FILE names, and secrets
    from the files of the folder that TXPUSH_SECRETS_DIR names.

    \b
    Examples:
      txpush demo
      txpush simulate events.jsonl
      txpush kafka --port 9092
      TXPUSH_PARTITIONS=3 TXPUSH_REPLICATION=1 txpush topics apply
      TXPUSH_CALLBACK_TOKENS=$(openssl rand -hex 24) txpush bridge
      TXPUSH_INSTANCE=agent-0 txpush agent
      txpush sandbox --port 8099
    """  # noqa: D301 - click wants the real character
    if ctx.invoked_subcommand not in PRINTERS:
        outlive_readers()


def main() -> None:
    """Run the command line.

    Settings that cannot be used end it with 2 and the list of problems, a disk that is full with 1.
    """
    try:
        txpush()
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_NOTHING)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        drop_output()
        click.echo(f"not all could be written: {error.strerror}; what was printed is not complete", err=True)
        sys.exit(EXIT_OTHERWISE)


if __name__ == "__main__":
    main()
