"""When two URLs are the same address: what RFC 3986 (section 6.2) lets a reader change without asking the server."""

import polars as pl

# Scheme, user, host (or address in brackets), port, path, query, fragment. Whatever does not look so is left alone.
_URL = (
    r"(?s)^([A-Za-z][A-Za-z0-9+.\-]*)://([^/?#@]*@)?(\[[^\]/?#@]*\]|[^:/?#@\[\]]*)(?::([0-9]*))?"
    r"(/[^?#]*)?(\?[^#]*)?(#.*)?$"
)
_PARTS = ("scheme", "user", "host", "port", "path", "query", "fragment")
_PORTS = {"http": "80", "https": "443"}


def normal(urls: pl.Series) -> pl.Series:
    """URLs as they are compared; null where there is none.

    Folded: blanks around, the case of scheme and host, the port that the scheme has anyway, an empty port, an empty
    path (`/`), and the fragment, unless it begins with `!` or `/` (pages made by a script name themselves so). Not
    folded, because servers may and do give different pages: http and https, `www.`, a slash at the end, the case and
    the percent-escapes of path and query, the order of parameters, and parameters that only track the reader.
    """
    stripped = urls.str.strip_chars().replace("", None).alias("url")
    parts = stripped.str.extract_groups(_URL).struct.rename_fields(list(_PARTS)).struct.unnest()
    scheme, port, fragment = pl.col("scheme").str.to_lowercase(), pl.col("port"), pl.col("fragment")
    usual = (port == "") | (port == scheme.replace_strict(_PORTS, default=None))
    written = pl.concat_str(
        scheme,
        pl.lit("://"),
        pl.col("user").fill_null(""),
        pl.col("host").str.to_lowercase(),
        pl.when(port.is_not_null() & ~usual.fill_null(False)).then(pl.lit(":") + port).otherwise(pl.lit("")),
        pl.col("path").fill_null("/"),
        pl.col("query").fill_null(""),
        pl.when(fragment.str.contains("^#[!/]")).then(fragment).otherwise(pl.lit("")),
    )
    return parts.with_columns(stripped).select(pl.coalesce(written, "url").alias(urls.name)).to_series()
