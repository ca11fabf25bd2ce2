"""Topics as files: the folder of an export, its manifest, its files and their lines, read as history."""
