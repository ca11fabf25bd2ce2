"""Other names for customers, accounts and logins, the same all over an export; and commands without links."""
