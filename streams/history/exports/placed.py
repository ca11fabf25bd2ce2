"""The name of a customer in an export: in the partition of the id that it stands for, as readers check keys."""

from streams.fold.intake import partition_of


def placed(name: str, identity: str, partitions: int) -> str:
    """Give a pseudonym, with a dot and a number behind it where it needs one to lie in the partition of an id."""
    place, number, found = partition_of(identity, partitions), 0, name
    while partition_of(found, partitions) != place:
        number += 1
        found = f"{name}.{number}"
    return found
