"""One run of a script: its names, its calls of the server, its outcome."""
import decimal
import json
import opcode
import sys
import time
import types

from kartoteka import compiler, library, modules, odoo, records, values

RAISE = opcode.opmap['RAISE_VARARGS']
DEEPEST = 200  # calls of functions inside each other, beyond ours
OURS = 60
FLUSHED_BYTES = 1 << 16
FLUSHED_SECONDS = 0.05
COMPILED = {}  # (source, name, mode) -> Compiled; a child serves few scripts
COMPILED_MAX = 200
KINDS = frozenset(('bool int float str bytes list tuple set frozenset dict date datetime time timedelta Decimal').split())

# The errors of the server that scripts can catch by name.
ERRORS = {c.__name__: c for c in (
    odoo.UserError, odoo.ValidationError, odoo.AccessError, odoo.MissingError, KeyError, ValueError, TypeError, AttributeError,
    RuntimeError, ImportError, modules.ConnectionError, modules.Timeout)}

library.seal_all()
for sealed in (records.Records, records.Environment, records.Cursor, records.Field, records.Fields, modules.Logger, modules.Response,
               modules.Headers, modules.RequestException, modules.HTTPError, modules.ConnectionError, modules.Timeout):
    library.seal(sealed)


class Run:
    """What the runs of one message of the server have; begin() forgets the last one."""

    def __init__(self, answers, message):
        self.answers, self.message = answers, message
        self.context = message.get('context') or {}
        self.modules = {}
        self.people = None
        self.libraries = {}
        for told in message.get('libraries') or ():
            self.libraries.setdefault(told['model'], []).append(told)
        self.sources = frozenset([message['name'], *(told['name'] for told in message.get('libraries') or ())])
        log = self.module('logging')
        self.given = {
            **library.NAMES,
            '__name__': message['name'],
            '__builtins__': {**library.BUILTINS, 'print': self.print, '__import__': self.imports},
            'logging': log,
            '_logger': log.getLogger(message['name']),
        }

    def begin(self):
        self.models, self.cache, self.extra, self.functions = {}, {}, {}, {}
        self.output, self.room = [], self.message['output']

    # -- calls of the server

    def call(self, method, args):
        answer = self.answers.call(method, args)
        error = answer.get('error')
        if error is None:
            return answer.get('ok')
        raise ERRORS.get(error['type'], RuntimeError)(error['message'])

    def model(self, name):
        about = self.models.get(name)
        if about is None:
            told = self.call('fields', {'model': name})
            fields = records.Fields(((n, records.Field(n, f)) for n, f in told['fields'].items()), told.get('names') or {})
            about = {'name': told.get('model') or name, 'fields': fields, 'methods': frozenset(told.get('methods') or ())}
            self.models[name] = self.models[about['name']] = about
        return about

    def library(self, name):
        """The functions of a model's libraries, by name."""
        found = self.functions.get(name)
        if found is None:
            found = self.functions[name] = {}
            for told in self.libraries.get(name, ()):
                names = self.given.copy()
                names['__name__'] = told['name']
                names['env'] = records.Environment(self)
                exec(prepared(told['source'], told['name'], 'execute').code, names)
                found.update((n, f) for n, f in names.items() if isinstance(f, types.FunctionType) and f.__globals__ is names)
        return found

    def method(self, recordset, name, args, kwargs):
        return self.reference(self.call('call', {
            'model': recordset._name, 'ids': recordset.ids, 'method': name, 'args': args, 'kwargs': kwargs}), recordset.env)

    def http(self, args):
        return self.call('http', args)

    def user(self, env):
        if self.people is None:
            self.people = self.message.get('user') or self.call('user', {})
        return self.reference(self.people, env)

    def forget(self):
        self.cache.clear()

    def reference(self, told, env):
        """Records for {"model", "ids", "values"}, anything else as it is."""
        if not (isinstance(told, dict) and 'model' in told and 'ids' in told):
            return told
        rows = self.cache.setdefault(told['model'], {})
        for row in told.get('values') or ():
            rows.setdefault(row['id'], {}).update(row)
        return records.Records(env, told['model'], told['ids'])

    # -- output

    def write(self, text):
        if self.room <= 0:
            return
        text = text[:self.room]
        self.room -= len(text.encode('utf-8', 'replace'))
        self.output.append(text)
        if self.room <= 0:
            self.output.append('\n... the rest is cut\n')

    def log(self, level, text):
        self.write('%s: %s\n' % (level, text))

    def print(self, *things, sep=' ', end='\n', file=None, flush=False):
        self.write((' ' if sep is None else sep).join(map(str, things)) + ('\n' if end is None else end))

    def handled(self):
        return sys.exception()

    # -- names

    def module(self, name):
        if name not in self.modules:
            if name == 'logging':
                self.modules[name] = modules.logging(self)
            elif name == 'random':
                self.modules[name] = modules.random()
            elif not self.message.get('http'):
                raise ImportError('network access is disabled for this script', name=name)
            else:
                self.modules['requests'] = modules.requests(self)
                self.modules['requests.exceptions'] = self.modules['requests'].exceptions
        return self.modules[name]

    def imports(self, name, globals=None, locals=None, fromlist=(), level=0):
        if level:
            raise ImportError('relative imports are not available')
        if type(fromlist) is list:
            return None  # not the script's: code in C, which then looks where all modules are
        return library.imported(self.module, name, fromlist)

    def names(self, item):
        env = records.Environment(self)
        found = self.given.copy()
        found['env'] = env
        found['context'] = env.context
        for part in (self.message.get('shared'), item):
            if part:
                found.update(part.get('inputs') or {})
                for name, told in (part.get('records') or {}).items():
                    found[name] = self.reference(told, env)
        return found


def outcome(run, compiled, item):
    """Runs one item; returns the JSON of its result, without the brackets."""
    names = run.names(item)
    known = names.get('result')
    exec(compiled.code, names)
    value, has = None, False
    if compiled.has_value:
        value, has = names.get(compiler.VALUE), True
    elif compiled.entry:
        argument = 'sync_line' if compiled.entry == 'compute_auth_header' else 'request_data'
        value, has = names[compiled.entry](names.get(argument)), True
    elif names.get('result') is not known:
        value, has = names['result'], True
    made = '"has":%s,"value":%s,"type":"%s"' % ('true' if has else 'false', values.encoded(value), kind(value))
    outputs = {n: names[n] for n in run.message.get('outputs') or () if n in names}
    if outputs:
        types = {n: kind(v) for n, v in outputs.items()}
        made += ',"outputs":%s,"types":%s' % (values.encoded(outputs), json.dumps(types))
    return made


def kind(value):
    """What a value is, in ASCII: for those who take the JSON."""
    if isinstance(value, records.Records):
        return 'records'
    name = type(value).__name__
    return 'None' if value is None else name if name in KINDS else 'object'


def one(run, item):
    """The JSON of what happened to one item."""
    run.begin()
    decimal.setcontext(decimal.Context())
    depth = sys.getrecursionlimit()
    try:
        compiled = prepared(*(run.message[k] for k in ('source', 'name', 'mode')))
        sys.setrecursionlimit(DEEPEST + OURS)
        made = outcome(run, compiled, item)
    except BaseException as error:
        sys.setrecursionlimit(depth)
        made = '"error":%s' % json.dumps(failure(error, run))
    finally:
        sys.setrecursionlimit(depth)
    if run.output:
        made += ',"log":%s' % json.dumps(''.join(run.output))
    return '{%s}' % made


def prepared(*key):
    """What is compiled of a source, its name and its mode."""
    made = COMPILED.get(key)
    if made is None:
        if len(COMPILED) >= COMPILED_MAX:
            COMPILED.clear()
        made = COMPILED[key] = compiler.compiled(*key)
    return made


def failure(error, run):
    """What went wrong and where: the last line of the script that was reached."""
    name = run.message['name']
    if isinstance(error, compiler.Rejected):
        first = error.errors[0]
        return {'type': 'SyntaxError', 'kind': 'source', 'message': first['message'], 'line': first['line'], 'column': first['column']}
    line, raised, frames = 0, False, []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == name:
            line = trace.tb_lineno
            frames.append('line %d, in %s' % (line, code.co_name))
        raised = code.co_filename in run.sources and code.co_code[trace.tb_lasti] == RAISE
        trace = trace.tb_next
    return {'type': type(error).__name__, 'kind': sort(error, raised), 'message': text_of(error), 'line': line,
            'traceback': '\n'.join(frames[-20:])[:4000]}


def sort(error, raised):
    """Whose matter an error is: 'user' for one that the script raises for the caller."""
    if isinstance(error, MemoryError):
        return 'limit'
    if isinstance(error, odoo.AccessError):
        return 'access'
    if isinstance(error, odoo.MissingError):
        return 'missing'
    if isinstance(error, odoo.UserError) or raised and isinstance(error, ValueError):
        return 'user'
    return 'bug'


def text_of(error):
    try:
        if isinstance(error, KeyError) and len(error.args) == 1:
            return repr(error.args[0])[:4000]
        return str(error)[:4000]
    except BaseException:
        return 'its text cannot be had'


class Answers:
    """The channel of a message of the server: everything that goes out has its number,
    and results leave before calls of other items."""

    def __init__(self, channel, number):
        self.channel, self.number = channel, number
        self.done, self.size, self.sent, self.called = [], 0, time.monotonic(), False

    def call(self, method, args):
        self.flush()
        self.called = True
        self.channel.send('{"id":%d,"call":%s,"args":%s}' % (self.number, json.dumps(method), values.encoded(args)))
        return self.channel.receive()

    def add(self, made):
        """Keeps a result. The server counts the time of each item from the last one
        that it got; after a call it must know whose calls the next ones are."""
        self.done.append(made)
        self.size += len(made)
        if self.called or self.size >= FLUSHED_BYTES or time.monotonic() - self.sent >= FLUSHED_SECONDS:
            self.flush()

    def flush(self):
        if self.done:
            self.send('')
        self.size, self.sent, self.called = 0, time.monotonic(), False

    def send(self, more):
        self.channel.send('{"id":%d,"done":[%s]%s}' % (self.number, ','.join(self.done), more))
        self.done.clear()

    def end(self):
        self.send(',"end":true')


def run(channel, message):
    """Answers a message of the server: all its items, each in a run of its own."""
    answers = Answers(channel, message['id'])
    runs = Run(answers, message)
    for item in message['items']:
        answers.add(one(runs, item))
    answers.end()


class Nowhere:
    """A channel that takes what nobody wants."""

    def send(self, text):
        return None


# What a child runs before it is ready, for nobody: of both modes, and each a little
# different, since what was compiled is kept.
WARMING = (
    ('evaluate', 'def f(a): return a\nf(request_data["a"])'),
    ('execute', 'total = 0\nfor n in range(3):\n    total += len({"n": str(n)})\nresult = {"total": total, "a": request_data["a"]}'),
    ('evaluate', 'request_data["a"] * 2'),
    ('execute', 'result = [n for n in (1, 2) if n > 1]'),
)


def warm():
    """Runs scripts for nobody: the memory that any run touches is then this process's
    own, which takes longer than the run itself."""
    for mode, source in WARMING:
        message = {'id': 0, 'name': '', 'source': source, 'mode': mode, 'output': 0, 'items': [{'inputs': {'request_data': {'a': 1}}}]}
        run(Nowhere(), json.loads(json.dumps(message)))


def check(message):
    return compiler.checked(message['source'], message['name'], message['mode'])
