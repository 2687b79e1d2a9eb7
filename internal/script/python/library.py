"""What scripts can import and which names they have without it.

Modules are handed out as Module objects that nobody can change, and the classes
in them are sealed, so that a run leaves nothing behind for the next one.
"""
import base64
import builtins
import collections
import ctypes
import datetime
import decimal
import fractions
import functools
import hashlib
import hmac
import html
import itertools
import json
import math
import operator
import random
import re
import statistics
import string
import sys
import textwrap
import time
import types
import unicodedata
import urllib.parse
import uuid
import _strptime  # strptime would look for its file inside the sandbox

from kartoteka import dateparser, odoo, relativedelta, zones


class Module:
    """An imported module: its public names, for reading only."""

    def __init__(self, name, values):
        object.__setattr__(self, '__name__', name)
        for key, value in values.items():
            object.__setattr__(self, key, value)

    def __setattr__(self, name, value):
        raise AttributeError('modules cannot be changed: %s.%s' % (self.__name__, name))

    def __delattr__(self, name):
        raise AttributeError('modules cannot be changed: %s.%s' % (self.__name__, name))

    def __getattr__(self, name):
        raise AttributeError('module %r has no attribute %r' % (self.__name__, name) + HINTS.get((self.__name__, name), ''))

    def __repr__(self):
        return '<module %r>' % self.__name__


QUEUED = ': pushes are queued by themselves, scripts need no queue'
HINTS = {
    ('odoo', 'api'): ': env is given, there is no api.Environment to make',
    ('odoo', 'models'): ': scripts define no models',
    ('odoo', 'addons'): QUEUED,
}


class Both:
    """A class and a module (or a function) of the same name: datetime.now() and
    datetime.datetime.now() are both usual."""

    def __init__(self, cls, values, call=None):
        object.__setattr__(self, '_parts', (cls, values, call or cls))

    def __call__(self, *args, **kwargs):
        return self._parts[2](*args, **kwargs)

    def __getattr__(self, name):
        cls, values, _ = self._parts
        return values[name] if name in values else getattr(cls, name)

    def __setattr__(self, name, value):
        raise AttributeError('modules cannot be changed: %s' % name)

    def __delattr__(self, name):
        raise AttributeError('modules cannot be changed: %s' % name)

    def __instancecheck__(self, thing):
        return isinstance(thing, self._parts[0])

    def __subclasscheck__(self, cls):
        return issubclass(cls, self._parts[0])

    def __mro_entries__(self, bases):
        return (self._parts[0],)

    def __or__(self, other):
        return self._parts[0] | other

    def __repr__(self):
        return repr(self._parts[0])


def picked(module, names=None):
    """The public names of a module, or those that are named."""
    if names is None:
        names = getattr(module, '__all__', None) or [n for n in dir(module) if not n.startswith('_')]
        names = [n for n in names if not isinstance(getattr(module, n, None), types.ModuleType)]
    else:
        names = names.split()
    return Module(module.__name__, {n: getattr(module, n) for n in names})


def timezone(zone, *name):
    """timezone('Europe/Kyiv') besides timezone(timedelta(hours=2))."""
    if isinstance(zone, str):
        return zones.zone(zone)
    return datetime.timezone(zone, *name)


TIMEZONE = Both(datetime.timezone, {}, timezone)
DATETIME = Both(datetime.datetime, {
    n: getattr(datetime, n) for n in ('datetime', 'date', 'time', 'timedelta', 'timezone', 'tzinfo', 'UTC', 'MINYEAR', 'MAXYEAR')})
PARSER = Module('dateutil.parser', {
    'parse': dateparser.parse, 'isoparse': dateparser.isoparse, 'ParserError': dateparser.ParserError})
RELATIVEDELTA = Module('dateutil.relativedelta', {
    n: getattr(relativedelta, n) for n in 'relativedelta MO TU WE TH FR SA SU'.split()})
TZ = Module('dateutil.tz', {n: getattr(zones, n) for n in 'UTC gettz tzutc tzlocal tzoffset'.split()})
DATEUTIL = Module('dateutil', {'parser': PARSER, 'relativedelta': RELATIVEDELTA, 'tz': TZ, 'timezone': TIMEZONE})
URLLIB_PARSE = picked(urllib.parse)
EXCEPTIONS = Module('odoo.exceptions', {
    n: getattr(odoo, n) for n in 'UserError ValidationError AccessError MissingError'.split()})
FIELDS = Module('odoo.fields', {'Command': odoo.Command, 'Datetime': odoo.Datetime, 'Date': odoo.Date})
FLOATS = Module('odoo.tools.float_utils', {
    n: getattr(odoo, n) for n in 'float_compare float_round float_is_zero'.split()})
TOOLS = Module('odoo.tools', {'float_utils': FLOATS, **{n: getattr(FLOATS, n) for n in 'float_compare float_round float_is_zero'.split()}})
ODOO = Module('odoo', {
    'fields': FIELDS, 'exceptions': EXCEPTIONS, 'tools': TOOLS, 'Command': odoo.Command, '_': odoo.translated})

MODULES = {
    'base64': picked(base64, 'b64encode b64decode standard_b64encode standard_b64decode urlsafe_b64encode urlsafe_b64decode '
                     'b32encode b32decode b16encode b16decode'),
    'collections': picked(collections),
    'datetime': DATETIME,
    'dateutil': DATEUTIL,
    'dateutil.parser': PARSER,
    'dateutil.relativedelta': RELATIVEDELTA,
    'dateutil.tz': TZ,
    'decimal': picked(decimal),
    'fractions': picked(fractions, 'Fraction'),
    'functools': picked(functools),
    'hashlib': picked(hashlib, 'md5 sha1 sha224 sha256 sha384 sha512 sha3_256 sha3_512 blake2b blake2s new'),
    'hmac': picked(hmac, 'new digest compare_digest HMAC'),
    'html': picked(html, 'escape unescape'),
    'itertools': picked(itertools),
    'json': picked(json, 'dumps loads JSONDecodeError JSONEncoder JSONDecoder'),
    'math': picked(math),
    'odoo': ODOO,
    'odoo.exceptions': EXCEPTIONS,
    'odoo.fields': FIELDS,
    'odoo.tools': TOOLS,
    'odoo.tools.float_utils': FLOATS,
    'operator': picked(operator),
    're': picked(re),
    'statistics': picked(statistics),
    'string': picked(string),
    'textwrap': picked(textwrap),
    'time': picked(time, 'time sleep strftime strptime gmtime localtime mktime monotonic perf_counter time_ns struct_time'),
    'unicodedata': picked(unicodedata),
    'urllib': Module('urllib', {'parse': URLLIB_PARSE}),
    'urllib.parse': URLLIB_PARSE,
    'uuid': picked(uuid, 'UUID uuid3 uuid4 uuid5 NAMESPACE_DNS NAMESPACE_URL NAMESPACE_OID NAMESPACE_X500'),
}
# Made for each run: they hold its output and its calls.
OF_A_RUN = frozenset(('logging', 'random', 'requests', 'requests.exceptions'))

# Names that need no import, besides those of a run.
NAMES = {
    'time': MODULES['time'], 'datetime': DATETIME, 'timedelta': datetime.timedelta, 'date': datetime.date,
    'dateutil': DATEUTIL, 'relativedelta': relativedelta.relativedelta, 'timezone': TIMEZONE,
    'json': MODULES['json'], 're': MODULES['re'], 'math': MODULES['math'],
    'b64encode': base64.b64encode, 'b64decode': base64.b64decode,
    'UserError': odoo.UserError, 'ValidationError': odoo.ValidationError, 'Command': odoo.Command, 'fields': FIELDS,
    'float_compare': odoo.float_compare, 'float_round': odoo.float_round,
}


def known(name):
    return name in MODULES or name in OF_A_RUN


def refusal(name):
    """Why a module cannot be imported."""
    if name.split('.')[:2] == ['odoo', 'addons'] or name == 'queue_job':
        return 'import of %s is not available' % name + QUEUED
    return 'import of %s is not available in scripts' % name


def imported(of_run, name, names):
    """Does the work of __import__: of_run are the modules of the run, names those
    of "from name import names"."""
    if not known(name):
        raise ImportError(refusal(name), name=name)
    find = lambda full: of_run(full) if full in OF_A_RUN else MODULES[full]
    if not names:
        return find(name.split('.')[0])
    module = find(name)
    for wanted in names:
        if not hasattr(module, wanted):
            hint = HINTS.get((name, wanted), '')
            raise ImportError('cannot import name %r from %r' % (wanted, name) + hint, name=name)
    return module


def guarded(function):
    """getattr and the like, for names that a dot could reach, too."""
    def call(thing, name, *rest):
        if isinstance(name, str) and name.startswith('__') and name not in ('__name__', '__init__'):
            raise AttributeError('attributes with two leading underscores are not available: %s' % name)
        return function(thing, name, *rest)
    call.__name__ = call.__qualname__ = function.__name__
    return call


def local_names():
    """locals(): a copy, without our own names."""
    return {k: v for k, v in sys._getframe(1).f_locals.items() if not k.startswith('__')}


REMOVED = ('eval exec open compile __import__ globals vars input breakpoint help exit quit copyright credits license '
           'aiter anext __loader__ __spec__ __debug__').split()
BUILTINS = {k: v for k, v in vars(builtins).items() if k not in REMOVED and not isinstance(v, types.ModuleType)}
BUILTINS.update(getattr=guarded(getattr), setattr=guarded(setattr), delattr=guarded(delattr), locals=local_names)

IMMUTABLE = 1 << 8  # Py_TPFLAGS_IMMUTABLETYPE
FLAGS = 168  # the offset of tp_flags in PyTypeObject, 64 bits


def seal(cls):
    """Makes a class refuse new values of its attributes, as those written in C do."""
    if not cls.__flags__ & IMMUTABLE:
        ctypes.c_ulong.from_address(id(cls) + FLAGS).value |= IMMUTABLE
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(cls))


def seal_all():
    """Seals every class that scripts can name."""
    probe = type('probe', (), {})
    flags = ctypes.c_ulong.from_address(id(probe) + FLAGS).value
    if flags != probe.__flags__:
        return  # another layout: a foreign interpreter
    seen = [Module, Both]
    for module in (collections, datetime, decimal, fractions, functools, hmac, json, odoo, random, re, relativedelta, dateparser,
                   statistics, string, textwrap, urllib.parse, uuid, zones):
        seen += [v for v in vars(module).values() if isinstance(v, type)]
    for cls in seen:
        seal(cls)
