"""Writes `deploy/grafana/dashboards`: run `python -m deploy.grafana.generate` after a change of a board."""

from pathlib import Path

from deploy.grafana.boards import business, flow, on_call, vendor
from deploy.grafana.boards.drawing import drawn

PLACE = Path(__file__).parent / "dashboards"
BOARDS = (on_call.BOARD, flow.BOARD, business.BOARD, vendor.BOARD)


def pages() -> dict[Path, str]:
    """Give every dashboard as JSON, by the file that it belongs in."""
    return {PLACE / f"{board.uid}.json": drawn(board) for board in BOARDS}


if __name__ == "__main__":
    for place, page in pages().items():
        place.write_text(page, "utf-8")
