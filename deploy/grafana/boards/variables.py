"""What a reader of a dashboard can choose: Prometheus, components, processes, partitions, where the runbooks are."""

from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable, TextBoxVariable
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import VariableModel, VariableOption, VariableRefresh, VariableSort

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
EVERY = {"job": "txpush-.+", "instance": ".+", "partition": ".+"}
"""What stands for all values of a variable, as a regular expression."""
RUNBOOKS = "deploy/runbooks"
"""Where the pages are until somebody says where they can be read."""


def of(*, by_partition: bool) -> list[Builder[VariableModel]]:
    """Give the variables of a dashboard, in the order in which they are shown."""
    chosen = [
        _query(
            "job", "component", 'label_values(up{job=~"txpush-.+"}, job)', "Its job: agents and institution agents."
        ),
        _query("instance", "process", 'label_values(up{job=~"$job"}, instance)', "Where a process is scraped."),
    ]
    if by_partition:
        query = 'label_values(txpush_agent_lag_messages{job=~"$job"}, partition)'
        chosen.append(_query("partition", "partition", query, "Of the inbound log, or of institution.signals."))
    return [_source(), *chosen, _runbooks()]


def _source() -> DatasourceVariable:
    made = DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    return made.description("The Prometheus that scrapes the processes and evaluates deploy/prometheus/rules.")


def _query(name: str, label: str, query: str, what: str) -> QueryVariable:
    made = QueryVariable(name).label(label).description(what).datasource(SOURCE).definition(query)
    made = made.query({"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"})
    made = made.multi(multi=True).include_all(include_all=True).all_value(EVERY[name])
    made = made.current(VariableOption(selected=True, text=["All"], value=["$__all"]))
    return made.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.NATURAL_ASC)


def _runbooks() -> TextBoxVariable:
    made = TextBoxVariable("runbooks").label("runbooks at").default_value(RUNBOOKS)
    made = made.current(VariableOption(selected=True, text=RUNBOOKS, value=RUNBOOKS))
    return made.description("Address of the folder deploy/runbooks, where your browser can read it: panels lead there.")
