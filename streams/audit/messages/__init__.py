"""What decisions name, held against what is written: each message in its place and order, and nothing beside them."""
