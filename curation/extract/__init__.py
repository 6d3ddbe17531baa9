"""The main text of web pages: what a page is about, without its menus, notices and advertisements."""

from .stage import Extract

__all__ = ["Extract"]
