"""Who may ask the page for what: hosts, origins, a token, and what a browser may do with the answers.

Reading is open on the loopback interface, unless another ``Host`` than its names is asked for: a page elsewhere that
rebinds its name to 127.0.0.1 gets nothing. Beyond loopback everything takes the token. What acts on a run takes the
token and the page's own origin everywhere.
"""

import hmac
import ipaddress
from collections.abc import Collection
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Styles: Plotly makes an empty <style> and fills it by rules, which scripts of the page may; the hash is of no content.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; "
    "img-src 'self' data: blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
_SAFE = ("GET", "HEAD")
TAKES_TOKEN = "This takes the page's token. Open the address that `automl board` printed: it holds the token."
# The key of a request's scope that says whether who asks knows the token.
KNOWS = "automl.knows_token"


class Guard:
    """An ASGI application in front of another one.

    token: what whoever acts has to know: in a cookie, which ``?token=`` in an address sets, or as
        ``Authorization: Bearer``.
    hosts: the names by which the page is reached beyond loopback's own; with any, reading takes the token too.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: Collection[str] = ()) -> None:
        self.app, self.token = app, token
        self.names = {*_LOOPBACK_NAMES, *(host.lower() for host in hosts)}
        self.reading_is_open = not hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is refused; pass on all else."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        answer = self._refusal(scope)
        await (self.app if answer is None else answer)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _name(host) not in self.names:
            return PlainTextResponse(f"This page is not reached as '{_name(host)[:80]}'.", 421)
        acts = scope["method"] not in _SAFE
        if not acts and (redirect := self._with_token(scope, host)):
            return redirect
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        knows = self._is_token(bearer) or self._is_token(self._cookie(headers, host))
        scope[KNOWS] = knows
        if not knows and (acts or not self.reading_is_open):
            return PlainTextResponse(TAKES_TOKEN, 401)
        # A request by a program that knows the token comes from no page.
        if acts and not self._is_token(bearer) and headers.get("origin") != f"{scope['scheme']}://{host}":
            return PlainTextResponse("This is done from the page itself only.", 403)
        return None

    def _with_token(self, scope: Scope, host: str) -> Response | None:
        """Turn an address with the token into a cookie and the address without it."""
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for name, value in query if name == "token"]
        if not given or not self._is_token(given[-1]):
            return None
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        # Two slashes at the beginning would name another host.
        path = "/" + scope["raw_path"].decode("latin-1").lstrip("/")
        redirect = RedirectResponse(path + (f"?{rest}" if rest else ""), 303)
        redirect.set_cookie(cookie_name(host), self.token, httponly=True, samesite="strict", path="/")
        return redirect

    def _cookie(self, headers: Headers, host: str) -> str:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(cookie_name(host))
        except CookieError:
            return ""
        return found.value if found else ""

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())


def cookie_name(host: str) -> str:
    """Return the cookie's name: cookies do not tell ports apart, and several pages may run."""
    return f"automl_board_{urlsplit(f'//{host}').port or 80}"


def is_loopback(host: str) -> bool:
    """Return whether an address to bind to is this machine's own alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name(host: str) -> str:
    try:
        parts = urlsplit(f"//{host}")
        return (parts.hostname or "").lower() if parts.port != 0 else ""
    except ValueError:
        return ""
