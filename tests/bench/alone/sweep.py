"""What the sweep's book of accounts takes: `python -m tests.bench.alone.sweep [ACCOUNTS]`."""

import gc
import resource
import sys
import time
from pathlib import Path

from streams.kafka.view import ViewRecord
from streams.sweep.book import Book

ACCOUNTS = 1_000_000
VALUE = (
    '{{"customer_id":"{customer}","account_id":"{account}","institution_id":"102105","institution_login_id":"{login}",'
    '"phase":"customer_action","code":185,"attempted_at":"2026-11-01T08:00:00Z","heard_at":"2026-11-01T08:00:01.234Z",'
    '"healthy_at":"2026-10-01T08:00:01Z","otp":"no","is_unresponsive":false,"commands":[]}}'
)


def main(accounts: int) -> None:
    """Fill a book with two accounts a customer, and say what that took."""
    gc.collect()
    before, started = resident(), time.process_time()
    book = Book()
    for number in range(accounts):
        book.hear(record(number))
    seconds, taken = time.process_time() - started, resident() - before
    sys.stdout.write(
        f"accounts                       {len(book):,}\n"
        f"bytes an account               {taken / accounts:.0f}\n"
        f"MB in all, and of the process  {taken / 1e6:.0f}, {resident() / 1e6:.0f}\n"
        f"µs a record                    {seconds / accounts * 1e6:.1f}\n"
    )


def record(number: int) -> ViewRecord:
    """Give the health of an account."""
    customer, account = 7_000_000_000 + number // 2, 5_900_000_000 + number
    value = VALUE.format(customer=customer, account=account, login=7_100_000_000 + number // 2)
    return ViewRecord("account.health", 0, number, f"{customer}/{account}".encode(), value.encode(), 0)


def resident() -> int:
    """Give the bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ACCOUNTS)
