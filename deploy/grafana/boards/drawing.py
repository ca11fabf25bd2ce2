"""Turns boards into what Grafana reads, by its own builders."""

import json
from itertools import count
from typing import TypeVar

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as modes
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from deploy.grafana.boards import variables
from deploy.grafana.boards.panels import Board, Form, Limits, Panel, Query

TAG = "txpush"
RANGED = {Form.LINES, Form.STACK}
"""Forms that show a time; the others show the present."""

P = TypeVar("P", timeseries.Panel, stat.Panel, bargauge.Panel, table.Panel)


def drawn(board: Board) -> str:
    """Give a dashboard as JSON: the same bytes for the same board."""
    made = dashboard.Dashboard(board.title).uid(board.uid).description(board.what).tags([TAG]).timezone("browser")
    made = made.time(board.since, "now").refresh(board.refresh).tooltip(models.DashboardCursorSync.CROSSHAIR).readonly()
    made = made.variables(variables.of(by_partition=board.by_partition)).link(_to_others())
    numbers = count(1)
    for row in board.rows:
        headline = dashboard.Row(row.title).id(next(numbers))
        panels = [_panel(panel).id(next(numbers)).height(row.height).span(panel.width) for panel in row.panels]
        for one in panels if row.folded else ():
            headline = headline.with_panel(one)
        made = made.with_row(headline)
        for one in () if row.folded else panels:
            made = made.with_panel(one)
    return json.dumps(made.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def _to_others() -> dashboard.DashboardLink:
    made = dashboard.DashboardLink("Other dashboards of txpush").type(models.DashboardLinkType.DASHBOARDS).tags([TAG])
    return made.as_dropdown(as_dropdown=True).include_vars(include_vars=True).keep_time(keep_time=True)


def _panel(panel: Panel) -> timeseries.Panel | stat.Panel | bargauge.Panel | table.Panel:
    if panel.form is Form.NUMBER:
        return _said(_number(panel), panel)
    if panel.form is Form.BARS:
        return _said(_bars(), panel)
    if panel.form is Form.TABLE:
        return _said(_table(panel), panel)
    return _said(_lines(panel), panel)


def _said(made: P, panel: Panel) -> P:
    """Say what all forms say."""
    pages: list[Builder[models.DashboardLink]] = [_runbook(name) for name in panel.runbooks]
    made = (
        made.datasource(variables.SOURCE).title(panel.title).description(f"{panel.what}\n\n**Normal:** {panel.normal}")
    )
    made = made.unit(panel.unit).no_value(panel.nothing).links(pages).thresholds(_thresholds(panel.limits))
    for number, query in enumerate(panel.queries):
        made = made.with_target(_target(query, chr(ord("A") + number), panel.form))
    if panel.words:
        made = made.mappings(
            [models.ValueMap({value: models.ValueMappingResult(text=text) for value, text in panel.words})]
        )
    return made


def _number(panel: Panel) -> stat.Panel:
    text = modes.BigValueTextMode.AUTO if len(panel.queries) == 1 else modes.BigValueTextMode.VALUE_AND_NAME
    color = dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS)
    made = stat.Panel().graph_mode(modes.BigValueGraphMode.NONE).color_mode(modes.BigValueColorMode.BACKGROUND)
    return made.text_mode(text).color_scheme(color).reduce_options(_latest())


def _bars() -> bargauge.Panel:
    return bargauge.Panel().orientation(modes.VizOrientation.HORIZONTAL).reduce_options(_latest()).min(0)


def _latest() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def _lines(panel: Panel) -> timeseries.Panel:
    """Colours follow names, so that a thing keeps its own from one panel to the next; limits are dashed."""
    style = modes.GraphThresholdsStyleMode.DASHED if panel.limits.steps else modes.GraphThresholdsStyleMode.OFF
    color = dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC_BY_NAME)
    legend = common.VizLegendOptions().display_mode(modes.LegendDisplayMode.TABLE).show_legend(show_legend=True)
    legend = (
        legend.placement(modes.LegendPlacement.BOTTOM)
        .calcs(["lastNotNull", "max"])
        .sort_by("Max")
        .sort_desc(sort_desc=True)
    )
    made = timeseries.Panel().color_scheme(color).legend(legend).min(0)
    made = made.thresholds_style(common.GraphThresholdsStyleConfig().mode(style))
    made = made.tooltip(
        common.VizTooltipOptions().mode(modes.TooltipDisplayMode.MULTI).sort(modes.SortOrder.DESCENDING)
    )
    if panel.form is Form.STACK:
        return made.stacking(common.StackingConfig().mode(modes.StackingMode.NORMAL)).fill_opacity(40)
    return made.fill_opacity(8)


def _table(panel: Panel) -> table.Panel:
    """One line for each series: its labels, which lead to the runbook of an alert, and its value."""
    shown = {"excludeByName": {"Time": True}, "renameByName": {"Value": panel.queries[0].legend}}
    page = _runbook("${__value.raw}")
    made = table.Panel().with_transformation(models.DataTransformerConfig(id_val="organize", options=shown))
    links = models.DynamicConfigValue(id_val="links", value=[page.build()])
    return made.override_by_name("alertname", [links])


def _runbook(name: str) -> dashboard.DashboardLink:
    made = dashboard.DashboardLink(name).type(models.DashboardLinkType.LINK).url(f"${{runbooks:raw}}/{name}.md")
    return made.target_blank(target_blank=True)


def _thresholds(limits: Limits) -> dashboard.ThresholdsConfig:
    steps = [models.Threshold(value=None, color=limits.base)]
    steps += [models.Threshold(value=value, color=color) for value, color in limits.steps]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _target(query: Query, name: str, form: Form) -> Builder[Dataquery]:
    made = prometheus.Dataquery().ref_id(name).expr(query.expr).legend_format(query.legend).datasource(variables.SOURCE)
    made = made.format(PromQueryFormat.TABLE if form is Form.TABLE else PromQueryFormat.TIME_SERIES)
    return made.range() if form in RANGED else made.instant()
