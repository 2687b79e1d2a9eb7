"""Modules that belong to one run: its log and, if allowed, its calls of other servers."""
import base64
import json
import random as randomness
import urllib.parse

from kartoteka import entropy, library

LEVELS = {'DEBUG': 10, 'INFO': 20, 'WARNING': 30, 'ERROR': 40, 'CRITICAL': 50}


class Logger:
    def __init__(self, run, name):
        self._run, self.name = run, name

    def _say(self, level, text, args, exc_info=None, **kwargs):
        try:
            text = str(text) % args if args else str(text)
        except (TypeError, ValueError):
            text = '%s %r' % (text, args)
        if exc_info:
            found = exc_info if isinstance(exc_info, BaseException) else self._run.handled()
            if found is not None:
                text += '\n' + '%s: %s' % (type(found).__name__, found)
        self._run.log(level, text)

    def debug(self, text, *args, **kwargs):
        self._say('DEBUG', text, args, **kwargs)

    def info(self, text, *args, **kwargs):
        self._say('INFO', text, args, **kwargs)

    def warning(self, text, *args, **kwargs):
        self._say('WARNING', text, args, **kwargs)

    warn = warning

    def error(self, text, *args, **kwargs):
        self._say('ERROR', text, args, **kwargs)

    def critical(self, text, *args, **kwargs):
        self._say('CRITICAL', text, args, **kwargs)

    def exception(self, text, *args, **kwargs):
        self._say('ERROR', text, args, **{'exc_info': True, **kwargs})

    def setLevel(self, level):
        return None

    def isEnabledFor(self, level):
        return True


def logging(run):
    root = Logger(run, 'root')
    names = {n: getattr(root, n) for n in 'debug info warning warn error critical exception'.split()}
    names.update(LEVELS, getLogger=lambda name=None: Logger(run, name or 'root'))
    return library.Module('logging', names)


def random():
    own = entropy.generator()
    names = [n for n in randomness.__all__ if n not in ('Random', 'SystemRandom')]
    return library.Module('random', {
        'Random': randomness.Random, 'SystemRandom': randomness.SystemRandom, **{n: getattr(own, n) for n in names}})


class RequestException(OSError):
    def __init__(self, text='', response=None):
        super().__init__(text)
        self.response = response


class HTTPError(RequestException):
    pass


class ConnectionError(RequestException):
    pass


class Timeout(RequestException):
    pass


class Headers(dict):
    """Names in any case."""

    def __init__(self, values):
        super().__init__({k: v for k, v in values.items()})
        self._lower = {k.lower(): v for k, v in values.items()}

    def __getitem__(self, name):
        return self._lower[name.lower()]

    def __contains__(self, name):
        return name.lower() in self._lower

    def get(self, name, default=None):
        return self._lower.get(name.lower(), default)


class Response:
    def __init__(self, answer):
        self.status_code = answer['status']
        self.headers = Headers(answer.get('headers') or {})
        self.content = base64.b64decode(answer.get('body') or '')
        self.url = answer.get('url', '')
        self.reason = answer.get('reason', '')

    @property
    def ok(self):
        return self.status_code < 400

    @property
    def text(self):
        return self.content.decode('utf-8', 'replace')

    def json(self, **kwargs):
        return json.loads(self.content, **kwargs)

    def raise_for_status(self):
        if not self.ok:
            raise HTTPError('%d %s for url: %s' % (self.status_code, self.reason, self.url), self)

    def __bool__(self):
        return self.ok


def requests(run):
    def request(method, url, params=None, data=None, json=None, headers=None, auth=None, timeout=None, **kwargs):
        if kwargs:
            raise TypeError('requests: %s is not available' % ', '.join(sorted(kwargs)))
        return Response(run.http(asked(method, url, params, data, json, headers, auth, timeout)))

    def of(method):
        return lambda url, *args, **kwargs: request(method, url, *args, **kwargs)

    def getter(url, params=None, **kwargs):
        return request('GET', url, params=params, **kwargs)

    def poster(method):
        return lambda url, data=None, json=None, **kwargs: request(method, url, data=data, json=json, **kwargs)

    names = {'RequestException': RequestException, 'HTTPError': HTTPError, 'ConnectionError': ConnectionError, 'Timeout': Timeout}
    return library.Module('requests', {
        'request': request, 'get': getter, 'post': poster('POST'), 'put': poster('PUT'), 'patch': poster('PATCH'),
        'delete': of('DELETE'), 'head': of('HEAD'), 'options': of('OPTIONS'), 'Response': Response,
        'exceptions': library.Module('requests.exceptions', names), **names})


def asked(method, url, params, data, body, headers, auth, timeout):
    """What the server is asked to send."""
    headers = {str(k): str(v) for k, v in (headers or {}).items()}
    lower = {k.lower() for k in headers}
    kind = None
    if params:
        url = str(url) + ('&' if '?' in str(url) else '?') + urllib.parse.urlencode(params, doseq=True)
    if body is not None:
        data, kind = json.dumps(body), 'application/json'
    elif isinstance(data, (dict, list, tuple)):
        data, kind = urllib.parse.urlencode(data, doseq=True), 'application/x-www-form-urlencoded'
    if kind and 'content-type' not in lower:
        headers['Content-Type'] = kind
    if auth:
        pair = '%s:%s' % tuple(auth)
        headers['Authorization'] = 'Basic ' + base64.b64encode(pair.encode()).decode()
    if isinstance(data, str):
        data = data.encode()
    if isinstance(timeout, (tuple, list)):
        timeout = timeout[-1]
    return {'method': method.upper(), 'url': str(url), 'headers': headers, 'timeout': timeout,
            'body': base64.b64encode(data).decode() if data else ''}
