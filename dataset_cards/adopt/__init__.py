"""Adopting outside data: recognising the shape of its rows and giving them the row types of `versions.schemas`."""
