"""The tables of a fold without Faust are those that Faust declares."""

import pytest

from streams.agent.app import program as agent_program
from streams.agent.app import tables as agent_tables
from streams.agent.tables import AgentTables
from streams.fold.application import THE_AGENT, THE_INSTITUTIONS, Application
from streams.fold.effects import Table
from streams.institutions.app import program as institution_program
from streams.institutions.app import tables as institution_tables
from streams.institutions.tables import InstitutionTables
from streams.worker.program import FoldProgram

EACH = pytest.mark.parametrize(
    ("application", "program", "declared", "made"),
    [
        (THE_AGENT, agent_program, agent_tables, AgentTables.in_memory()),
        (THE_INSTITUTIONS, institution_program, institution_tables, InstitutionTables.in_memory()),
    ],
)


@EACH
def test_tables_in_memory_are_those_of_faust(
    application: Application,
    program: FoldProgram,
    declared: AgentTables | InstitutionTables,
    made: AgentTables | InstitutionTables,
) -> None:
    """By name and changelog, in the same order, the books included; and they read what Faust's have written."""
    mine = (*made.all(), application.policies(), application.control())
    theirs = (*declared.all(), program.policies, program.control)
    assert [(one.name, one.topic) for one in mine] == [(one.name, one.topic) for one in theirs]
    assert application.name == program.fold.application
    assert application.log == program.fold.source_topic
    for table, other in zip(mine, theirs, strict=True):
        assert _reads(table) == _reads(other)


def _reads(table: Table) -> object:
    """Tell what a table makes of an empty record: the record it is of, or the fields that are missing."""
    try:
        return table.decode(b"{}")
    except Exception as error:  # noqa: BLE001 - whichever table it is
        return str(error.__cause__ or error)
