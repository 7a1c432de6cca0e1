"""What a database says when it cannot answer, told in the words of whoever can mend it."""

import re

import sqlalchemy as sa

from adapters.contract import CertificateRefused, CredentialsRefused, SourceError, Unreachable

_CREDENTIALS = re.compile(
    r"password authentication failed|no password supplied|no pg_hba\.conf entry|role \".*\" does not exist|"
    r"access denied for user|login failed|ORA-01017|authentication plugin",
    re.I,
)
_CERTIFICATE = re.compile(r"certificate|SSL error|SSL connection", re.I)
_NO_DATABASE = re.compile(r"database \".*\" does not exist|unknown database", re.I)
_NO_COLUMN = re.compile(
    r"column \S+ does not exist|unknown column|no such column|undefined ?column|invalid column name|ORA-00904", re.I
)
_NO_TABLE = re.compile(
    r"relation \S+ does not exist|table \S+ doesn't exist|no such table|undefined ?table|invalid object name|ORA-00942",
    re.I,
)
_DENIED = re.compile(r"permission denied|command denied|insufficient ?privilege|ORA-01031", re.I)
_TOO_SLOW = re.compile(r"statement timeout|max_statement_time|maximum statement execution time|interrupted", re.I)
_WRITES = re.compile(r"read[ -]only|readonly", re.I)
_SYNTAX = re.compile(r"syntax", re.I)
_AWAY = re.compile(
    r"connect|connection|server closed|gone away|lost|timed? ?out|shutting down|starting up|unable to open|refused|"
    r"no route|resolve|name or service|terminat",
    re.I,
)


def explain(error: sa.exc.SQLAlchemyError | OSError, url: sa.URL) -> SourceError:
    """The source's failure, naming the address (never the password) and what to do."""
    where = url.render_as_string(hide_password=True)
    said = _said(error)
    if _CREDENTIALS.search(said):
        return CredentialsRefused(
            f"{where} refuses the user {url.username!r}: {said}. If its password was changed, put the new one where "
            "the source's `password` points; it is read anew at the next try"
        )
    if _NO_COLUMN.search(said):
        return SourceError(
            f"{where}: a column that is read is not there (any more): {said}. Ask the tenant what became of it, then "
            "mend the source's `query` or `columns`; what was read before stays, and grows stale"
        )
    if _NO_TABLE.search(said):
        return SourceError(f"{where}: a table of the query is not there: {said}. Mend the source's `query`")
    if _NO_DATABASE.search(said):
        return SourceError(f"{where}: there is no such database: {said}. Mend the source's `url`")
    if _DENIED.search(said):
        return SourceError(
            f"{where}: the user {url.username!r} may not read this: {said}. Ask the tenant for SELECT on it"
        )
    if _TOO_SLOW.search(said):
        return SourceError(
            f"{where}: the query did not end in its time: {said}. Ask the tenant for an index on the time of change, "
            "or raise timeout_seconds"
        )
    if _WRITES.search(said):
        return SourceError(f"{where}: the query writes, and the hub only reads: {said}. Mend the source's `query`")
    if _SYNTAX.search(said):
        return SourceError(f"{where} does not understand the query: {said}. Mend the source's `query`")
    if _CERTIFICATE.search(said):
        return CertificateRefused(f"{where}: its certificate does not hold: {said}")
    if isinstance(error, OSError) or _AWAY.search(said):
        return Unreachable(f"{where} does not answer: {said}. Is the database running, and may this machine reach it?")
    return SourceError(f"{where}: {said}")


def _said(error: sa.exc.SQLAlchemyError | OSError) -> str:
    """The driver's own words, on one line."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error
    arguments = cause.args
    text = str(arguments[1]) if len(arguments) > 1 and isinstance(arguments[0], int) else str(cause)
    return " ".join(text.split())[:300].rstrip(".") or type(cause).__name__
