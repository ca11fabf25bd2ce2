"""`--authenticate`: our credentials are shown to the vendor once, and only if the gate lets it."""

from streams.doctor.checks.vendor import _tried
from streams.doctor.findings import Status
from streams.vendor import MemoryGate
from streams.vendor.gate import MemoryLog
from tests.component.vendor.double import Reply, serving, settings_of


async def test_good_credentials_are_told() -> None:
    """The vendor gives a token."""
    async with serving() as upstream, MemoryGate() as gate:
        finding = await _tried(settings_of(upstream), gate)
        assert (finding.status, upstream.attempts) == (Status.OK, 1)


async def test_refused_ones_are_tried_once_however_often_it_is_asked() -> None:
    """The second run finds the refusal in the gate, as every process of ours does; no attempt is spent."""
    log = MemoryLog()
    async with serving() as upstream:
        upstream.default_token = Reply(401, {"code": "10001", "message": "Invalid credentials"})
        for _ in range(3):
            async with MemoryGate(log) as gate:
                finding = await _tried(settings_of(upstream), gate)
            assert (finding.status, "TXPUSH_PARTNER_SECRETS" in finding.remedy) == (Status.WRONG, True), finding
            assert "canary" not in finding.what
        assert upstream.attempts == 1


async def test_a_vendor_in_trouble_is_no_refusal() -> None:
    """Nothing is known of the credentials then."""
    async with serving() as upstream, MemoryGate() as gate:
        upstream.default_token = Reply(503)
        finding = await _tried(settings_of(upstream), gate)
        assert (finding.status, finding.what.startswith("no token was given")) == (Status.WARNING, True)
