"""The report of a scoring as one page that opens from the disk: gathered while it runs, assembled at its end."""
