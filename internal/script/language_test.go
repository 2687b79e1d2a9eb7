//go:build linux

package script

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestLanguage runs what the documented examples use, group by group: the value of
// each script is a list of checks, of which none may be false.
func TestLanguage(t *testing.T) {
	e := engine(t)
	for _, c := range []struct{ name, source string }{
		{"literals", `
"""A docstring."""
x = ['a', "b"]  # a comment
n = 3
class P: pass
p = P(); p.name = 'Ann'
[1 == 1, 1.5 == 3 / 2, r'\d' == '\\d', f"{', '.join(x)}" == 'a, b', f"{p.name.upper()!r}" == "'ANN'", f'{n:.2f}' == '3.00', f'{n=}' == 'n=3',
 True, not False, None is None, [1, (2, 3), {'a': 4}][2]['a'] == 4]`},
		{"operators", `
a = 7
a += 1
[a - 1 == 7, a * 2 == 16, a / 2 == 4.0, a ** 2 == 64, a % 3 == 2, a > 1 and a >= 8 and a < 9 and a <= 8 and a != 3, 1 in [1], 2 not in [1],
 ('x' if a else 'y') == 'x', '%s-%d' % ('a', 2) == 'a-2', 'a' + 'b' == 'ab', -a == -8, a // 3 == 2, a & 8 == 8, 1 < a < 9, a is a]`},
		{"access", `
d = {'a': [1, 2, 3]}
d['a'][0] = 5
class P: pass
p = P(); p.x = 1
def f(a, b=2, *rest, c=3, **more): return (a, b, rest, c, more)
[d['a'][1:] == [2, 3], d['a'][-1] == 3, d['a'][0] == 5, p.x == 1, f(1, c=4) == (1, 2, (), 4, {}), f(*[1, 2, 3], **{'z': 1}) == (1, 2, (3,), 3, {'z': 1}),
 [k + str(v) for k, v in {'q': 1}.items()] == ['q1']]`},
		{"statements", `
def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1)
def outer(x):
    def inner():
        nonlocal x
        x += 1
        return x
    return inner()
found = []
for i in range(10):
    if i == 1: continue
    elif i == 4: break
    else: found.append(i)
while True:
    break
else:
    found = None
actions = {'up': lambda s: s.upper()}
try:
    int('x')
except ValueError as e:
    caught = str(e)
try:
    try: raise TimeoutError('late')
    except Exception: raise
except: bare = True
finally: last = True
try:
    {}['x']
except (KeyError, IndexError) as e:
    try:
        raise RuntimeError('y') from e
    except RuntimeError as second:
        chained = str(second)
assert found
with_list = [n := 5]
del with_list
[factorial(5) == 120, outer(1) == 2, found == [0, 2, 3], actions['up']('a') == 'A', 'invalid literal' in caught, bare, last, n == 5, chained == 'y']`},
		{"comprehensions", `[[x for x in range(5) if x % 2] == [1, 3], {x for x in 'aab'} == {'a', 'b'}, {k: v for k, v in [('a', 1)]} == {'a': 1}, sum(x for x in range(4)) == 6]`},
		{"functions", `
print('a', 1, sep='-')
[len('ab') == 2, str(1) == '1', int('5') == 5, float('1.5') == 1.5, list('ab') == ['a', 'b'], dict(a=1) == {'a': 1}, min(1, 2) == 1, sum([1, 2]) == 3,
 all([1]), list(range(2)) == [0, 1], list(enumerate('a')) == [(0, 'a')], list(filter(str.isdigit, 'a1')) == ['1'], list(map(int, '12')) == [1, 2],
 isinstance(1, int), getattr('a', 'nope', 3) == 3, 'env' in locals(), sorted([2, 1]) == [1, 2], list(reversed('ab')) == ['b', 'a'], list(zip('a', 'b')) == [('a', 'b')],
 any([0, 1]), max([1, 3]) == 3, abs(-1) == 1, round(2.567, 2) == 2.57, divmod(7, 2) == (3, 1), hasattr('', 'upper'), ord('a') == 97, chr(97) == 'a', hex(255) == '0xff',
 bin(2) == '0b10', next(iter([1])) == 1, callable(len), bytes([1]) == b'\x01', repr('a') == "'a'", type(1) is int, tuple([1]) == (1,), bool(1), pow(2, 3) == 8]`},
		{"texts and lists", `
items = [1]; items.extend([2, 3]); last = items.pop()
d = {'a': 1}; d.update(b=2)
[' Ab '.strip().lower() == 'ab', 'a,b'.split(',') == ['a', 'b'], 'abc'.startswith('ab'), 'aa'.replace('a', 'b') == 'bb', '5'.isdigit(), 'a5'.isalnum(),
 'є'.encode('utf-8').decode() == 'є', 'привіт'.encode('cp1251').decode('windows-1251') == 'привіт', 'x'.encode('koi8-u') == b'x', last == 3, items == [1, 2], d.get('z', 9) == 9,
 list(d.keys()) == ['a', 'b'], d.pop('a') == 1, '{} {x}'.format(1, x=2) == '1 2', 'a'.upper() == 'A', ', '.join(['a']) == 'a']`},
		{"dates", `
import time as clock
from datetime import datetime as dt
began = time.time(); time.sleep(0.001)
d = datetime.strptime('2024-02-29 10:20', '%Y-%m-%d %H:%M')
kyiv = dateutil.tz.gettz('Europe/Kyiv')
[datetime.now() - datetime.now() < timedelta(1), datetime.now(timezone.utc).tzinfo is not None, d.strftime('%d.%m.%Y') == '29.02.2024', d.isoformat() == '2024-02-29T10:20:00',
 (d + timedelta(days=1)).day == 1, (d - timedelta(hours=1)).hour == 9, (d - datetime(2024, 2, 28)).total_seconds() == 123600.0, time.time() > began, clock.gmtime(0).tm_year == 1970,
 isinstance(d, datetime), isinstance(d, dt), datetime.datetime.now().year > 2000, datetime.date(2024, 1, 2) == date(2024, 1, 2), d.weekday() == 3, time.strftime('%Y', time.localtime(0)) == '1970',
 datetime.fromisoformat('2024-07-01T12:00:00+00:00').astimezone(kyiv).hour == 15, timezone('Europe/Kyiv').key == 'Europe/Kyiv', timezone(timedelta(hours=2)).utcoffset(None).seconds == 7200,
 dateutil.tz.gettz('No/Such') is None, datetime(2024, 1, 1).replace(tzinfo=timezone.utc).isoformat().endswith('+00:00')]`},
		{"dateutil", `
from dateutil import timezone as tz, parser
from dateutil.relativedelta import relativedelta as rd, MO, FR
from dateutil.parser import parse
[parse(a).isoformat() == b for a, b in [('2024-01-02', '2024-01-02T00:00:00'), ('2024-01-02T03:04:05Z', '2024-01-02T03:04:05+00:00'), ('5 Jan 2024 3pm', '2024-01-05T15:00:00'),
   ('01/02/2024', '2024-01-02T00:00:00'), ('13.02.2024 10:20', '2024-02-13T10:20:00'), ('Thu Sep 25 10:36:28 2003', '2003-09-25T10:36:28'), ('20240102T101112', '2024-01-02T10:11:12'),
   ('Jan 5, 2024 10:00:01.25 +0200', '2024-01-05T10:00:01.250000+02:00'), ('2024-01-02 10:11:12-05:00', '2024-01-02T10:11:12-05:00'), ('25-Dec-2023', '2023-12-25T00:00:00')]
] + [parser.parse('02.01.2024', dayfirst=True).month == 1, date(2024, 1, 31) + rd(months=1) == date(2024, 2, 29), datetime(2024, 3, 1) - rd(days=1, hour=0) == datetime(2024, 2, 29),
 rd(datetime(2024, 3, 1), datetime(2023, 1, 31)).years == 1, rd(date(2024, 5, 20), date(1990, 5, 21)).years == 33, date(2024, 1, 1) + rd(weekday=FR(+2)) == date(2024, 1, 12),
 rd(months=14).years == 1, date(2024, 2, 29) + rd(years=1) == date(2025, 2, 28), date(2024, 1, 17) + rd(weekday=MO(-1)) == date(2024, 1, 15), tz.utc is timezone.utc, rd(years=1) + rd(months=1) == rd(months=13)]`},
		{"other modules", `
import json, re, hmac, hashlib, base64, math, string, uuid, decimal, collections, itertools, functools, operator, textwrap, html, urllib.parse, unicodedata, statistics, random
from base64 import b64encode
from collections import defaultdict, Counter, namedtuple
from functools import reduce
from urllib.parse import urlencode
signature = hmac.new(b'key', b'text', hashlib.sha256).hexdigest()
[re.sub(r'\D', '', '+38 (044)') == '38044', re.sub(r'(a)(b)', r'\2\1', 'ab') == 'ba', len({random.Random().random() for _ in range(3)}) == 3, uuid.uuid4() != uuid.uuid4(),
 0 <= random.SystemRandom().random() < 1, datetime.strptime('2024', '%Y').year == 2024, decimal.Decimal('2').sqrt() > 1, random.choice([1]) == 1, re.match(r'^\w+@\w+\.\w+$', 'a@b.c') is not None, json.dumps({'a': 'є'}, ensure_ascii=False, sort_keys=True) == '{"a": "є"}', json.loads('[1]') == [1],
 b64encode('a'.encode()).decode('utf-8') == 'YQ==', len(signature) == 64, hmac.compare_digest(signature, signature), math.ceil(1.2) == 2, decimal.Decimal('0.1') * 3 == decimal.Decimal('0.3'),
 Counter('aab')['a'] == 2, defaultdict(int)['x'] == 0, reduce(lambda a, b: a + b, [1, 2]) == 3, urlencode({'a': 'b c'}) == 'a=b+c', urllib.parse.quote('є') == '%D1%94', html.escape('<') == '&lt;',
 unicodedata.normalize('NFC', 'é') == 'é', statistics.mean([1, 3]) == 2, len(str(uuid.uuid4())) == 36, 0 <= random.random() < 1, list(itertools.chain([1], [2])) == [1, 2],
 namedtuple('P', 'x y')(1, 2).y == 2, string.digits == '0123456789', operator.itemgetter(0)([5]) == 5, textwrap.shorten('a b c', 9) is not None, float_compare(1.001, 1.002, precision_digits=2) == 0,
 float_round(2.675, precision_digits=2) == 2.68, hashlib.md5(b'').hexdigest().startswith('d41d8')]`},
		{"logging", `
import logging
log = logging.getLogger(__name__)
log.info('number %d', 5)
try: 1 / 0
except Exception: log.exception('bad')
_logger.warning('w')
[True]`},
		{"Unicode", `
ім_я = 'Оля'
def привіт(хто: str) -> str: return f'Привіт, {хто}!'
[привіт(ім_я) == 'Привіт, Оля!']`},
		{"classes", `
class A:
    kind = 'a'
    def __init__(self, n): self.n = n
    @property
    def twice(self): return self.n * 2
    def __enter__(self): return self
    def __exit__(self, *args): return True
class B(A):
    def __init__(self, n):
        super().__init__(n + 1)
class Refused(UserError): pass
with B(1) as b: raise ValueError('swallowed')
[b.twice == 4, isinstance(b, A), issubclass(Refused, UserError)]`},
		{"match and generators", `
def numbers():
    yield 1
    yield from [2, 3]
match {'kind': 'x', 'n': 3}:
    case {'kind': 'x', 'n': n}: found = n
first, *rest = numbers()
[found == 3, first == 1, rest == [2, 3]]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := run(t, e, noHost{}, request(c.source))
			var checks []bool
			if err := json.Unmarshal([]byte(valueOf(t, r)), &checks); err != nil || len(checks) == 0 {
				t.Fatalf("it gives %s", r.Value)
			}
			for i, ok := range checks {
				if !ok {
					t.Errorf("check %d is false", i)
				}
			}
			switch c.name {
			case "functions":
				if r.Log != "a-1\n" {
					t.Errorf("it prints %q", r.Log)
				}
			case "logging":
				if r.Log != "INFO: number 5\nERROR: bad\nZeroDivisionError: division by zero\nWARNING: w\n" {
					t.Errorf("it logs %q", r.Log)
				}
			}
		})
	}
}

// TestModes: which value a script gives.
func TestModes(t *testing.T) {
	e := engine(t)
	for _, c := range []struct {
		name   string
		mode   Mode
		source string
		value  string
		has    bool
	}{
		{"last expression", Evaluate, "import math\nx = 2\nmath.pow(x, 2)", "4.0", true},
		{"indented", Evaluate, "\n\n    x = 2\n    x * 2\n\n", "4", true},
		{"indented by tabs and CRLF", Evaluate, "\tx = 2\r\n\tx * 2\r\n", "4", true},
		{"no expression", Evaluate, "x = 2", "null", false},
		{"result", Evaluate, "result = 5", "5", true},
		{"an expression wins", Evaluate, "result = 5\n6", "6", true},
		{"result of None", Execute, "result = None", "null", false},
		{"for its effect", Execute, "request_data['a'] = 1\n7", "null", false},
		{"executed with a result", Execute, "if True:\n  result = [1]", "[1]", true},
		{"entry point", Evaluate, "def transform_inbound(data):\n  return {'n': data['n'] + 1}", `{"n":2}`, true},
		{"entry point of the other direction", Execute, "def transform_outbound(data):\n  return data['n']", "1", true},
		{"entry point of a header", Evaluate, "def compute_auth_header(sync_line):\n  return sync_line['token']", `"t"`, true},
		{"entry point and an expression", Evaluate, "def transform_inbound(data):\n  return 1\n9", "9", true},
		{"empty", Evaluate, "", "null", false},
		{"comment", Evaluate, "# nothing", "null", false},
		{"None", Evaluate, "None", "null", true},
		{"False", Evaluate, "False", "false", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := request(c.source)
			req.Mode = c.mode
			req.Items[0] = inputs(t, "request_data", map[string]int{"n": 1}, "sync_line", map[string]string{"token": "t"})
			r := run(t, e, noHost{}, req)
			if got := valueOf(t, r); got != c.value || r.HasValue != c.has {
				t.Errorf("it gives %s, %v", got, r.HasValue)
			}
		})
	}
}

// TestValues: what leaves a script, and as which type.
func TestValues(t *testing.T) {
	e := engine(t)
	for _, c := range []struct{ source, value, kind string }{
		{"1", "1", "int"}, {"10 ** 30", "1000000000000000000000000000000", "int"}, {"'є\\n'", `"\u0454\n"`, "str"}, {"True", "true", "bool"}, {"None", "null", "None"},
		{"(1, [2])", "[1,[2]]", "tuple"}, {"{1}", "[1]", "set"}, {"{'a': {1: date(2024, 1, 2)}}", `{"a":{"1":"2024-01-02"}}`, "dict"},
		{"datetime(2024, 1, 2, 3, 4, 5)", `"2024-01-02T03:04:05Z"`, "datetime"}, {"datetime(2024, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))", `"2024-01-02T01:00:00Z"`, "datetime"},
		{"date(2024, 1, 2)", `"2024-01-02"`, "date"}, {"b'ab'", `"YWI="`, "bytes"}, {"import decimal\ndecimal.Decimal('1.5')", "1.5", "Decimal"}, {"map(str, [1])", `["1"]`, "object"},
		{"import collections\ncollections.OrderedDict(a=1)", `{"a":1}`, "object"}, {"{date(2024, 1, 2): 1}", `{"2024-01-02":1}`, "dict"},
	} {
		r := run(t, e, noHost{}, request(c.source))
		if got := valueOf(t, r); got != c.value || r.Type != c.kind {
			t.Errorf("%s gives %s of type %s", c.source, got, r.Type)
		}
	}
	for source, says := range map[string]string{
		"float('nan')": "infinite or none", "x = []\nx.append(x)\nx": "nested too deeply", "lambda: 1": "type function cannot leave", "json": "cannot leave",
	} {
		if err := failed(t, run(t, e, noHost{}, request(source))); !strings.Contains(err.Message, says) {
			t.Errorf("%s fails with %v", source, err)
		}
	}
	req := request("status = 403\nbody = {'message': inputs['n'] + n}\nheaders['X'] = 'y'\nrequest_data = b'ab'")
	req.Mode, req.Outputs = Execute, []string{"status", "body", "headers", "missing", "request_data"}
	req.Shared = inputs(t, "n", 1, "inputs", map[string]int{"n": 2})
	req.Items[0] = inputs(t, "headers", map[string]string{})
	r := run(t, e, noHost{}, req)
	valueOf(t, r)
	if got := string(encode(t, r.Outputs)); got != `{"body":{"message":3},"headers":{"X":"y"},"request_data":"YWI=","status":403}` {
		t.Errorf("the outputs are %s", got)
	}
	if r.Types["request_data"] != "bytes" || r.Types["status"] != "int" {
		t.Errorf("their types are %v", r.Types)
	}
}

// TestErrors: whose matter an error is, and where it happened.
func TestErrors(t *testing.T) {
	e := engine(t)
	for _, c := range []struct {
		source string
		kind   Kind
		typ    string
		line   int
		says   string
	}{
		{"raise UserError('No phone')", KindUser, "UserError", 1, "No phone"},
		{"\n\ndef f():\n  raise ValidationError('bad')\nf()", KindUser, "ValidationError", 4, "bad"},
		{"from odoo.exceptions import UserError as E\nclass Own(E): pass\nraise Own('own')", KindUser, "Own", 3, "own"},
		{"x = 1\nif x:\n  raise ValueError('negative')", KindUser, "ValueError", 3, "negative"},
		{"int('x')", KindBug, "ValueError", 1, "invalid literal"},
		{"from odoo.exceptions import AccessError, MissingError\nraise AccessError('no')", KindAccess, "AccessError", 2, "no"},
		{"from odoo.exceptions import MissingError\nraise MissingError('gone')", KindMissing, "MissingError", 2, "gone"},
		{"x = {}\nx['a']", KindBug, "KeyError", 2, "'a'"},
		{"nope", KindBug, "NameError", 1, "nope"},
		{"1 / 0", KindBug, "ZeroDivisionError", 1, "division"},
		{"raise SystemExit(1)", KindBug, "SystemExit", 1, "1"},
		{"raise KeyboardInterrupt()", KindBug, "KeyboardInterrupt", 1, ""},
		{"def f(n): return f(n + 1)\nf(0)", KindBug, "RecursionError", 1, "recursion"},
		{"class E(Exception):\n  def __str__(self): raise ValueError()\nraise E()", KindBug, "E", 3, "cannot be had"},
		{"sorted([3, 'a'])", KindBug, "TypeError", 1, "not supported"},
		{"x = 1\nif x", KindSource, "SyntaxError", 2, "expected ':'"},
		{"return 5", KindSource, "SyntaxError", 1, "outside function"},
		{"x.__class__", KindSource, "SyntaxError", 1, "two leading underscores"},
		{"eval('1')", KindSource, "SyntaxError", 1, "eval is not available"},
		{"a = open", KindSource, "SyntaxError", 1, "open is not available"},
		{"getattr('', '__class__')", KindBug, "AttributeError", 1, "two leading underscores"},
		{"import os", KindBug, "ImportError", 1, "os is not available"},
		{"import sys", KindBug, "ImportError", 1, "sys is not available"},
		{"from socket import socket", KindBug, "ImportError", 1, "socket is not available"},
		{"import subprocess", KindBug, "ImportError", 1, "not available"},
		{"import builtins, io", KindBug, "ImportError", 1, "not available"},
		{"import requests", KindBug, "ImportError", 1, "network access is disabled for this script"},
		{"from odoo.addons.queue_job.job import job", KindBug, "ImportError", 1, "pushes are queued by themselves"},
		{"from odoo import api", KindBug, "ImportError", 1, "env is given"},
		{"import odoo\nodoo.api.Environment", KindBug, "AttributeError", 2, "env is given"},
		{"from math import nope", KindBug, "ImportError", 1, "cannot import name 'nope'"},
		{"(" + strings.Repeat("(", 5000) + "1", KindSource, "SyntaxError", 1, ""},
		{"x = " + strings.Repeat("-", 30000) + "1", KindSource, "SyntaxError", 1, ""},
		{"'\x00'", KindSource, "SyntaxError", 1, "null"},
	} {
		err := failed(t, run(t, e, noHost{}, request(c.source)))
		if err.Kind != c.kind || err.Type != c.typ || err.Line != c.line || !strings.Contains(err.Message, c.says) || err.Script != "test" {
			t.Errorf("%.60q fails with %s, %+v", c.source, err.Kind, err)
		}
	}
}

func TestCheck(t *testing.T) {
	e := engine(t)
	for _, c := range []struct {
		source, names, imports string
		errors                 []Problem
	}{
		{"import json\nfrom datetime import datetime\ndef f(a): return a + b\nprint(f(record.x), json, [y for y in z])", "b record z", "datetime json", nil},
		{"x = 1\nif x", "", "", []Problem{{2, 5, "expected ':'"}}},
		{"    x = 1\n    if x", "", "", []Problem{{2, 9, "expected ':'"}}},
		{"import os\ny = x.__dict__", "x", "os", []Problem{{1, 1, "import of os is not available in scripts"},
			{2, 5, "attributes with two leading underscores are not available: __dict__"}}},
		{"import requests", "", "requests", nil},
		{"return 1", "", "", []Problem{{1, 1, "'return' outside function"}}},
	} {
		got, err := e.Check(t.Context(), "1", "test", c.source, Evaluate)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Join(got.Names, " ") != c.names || strings.Join(got.Imports, " ") != c.imports || string(encode(t, got.Errors)) != string(encode(t, append([]Problem{}, c.errors...))) {
			t.Errorf("%q: %+v", c.source, got)
		}
	}
	if _, err := e.Check(t.Context(), "1", "test", strings.Repeat("x", SourceMax+1), Evaluate); err == nil || !strings.Contains(err.Error(), "at most 65536") {
		t.Errorf("a long source: %v", err)
	}
	deep, err := e.Check(t.Context(), "1", "test", strings.Repeat("(", 30000), Evaluate)
	if err != nil || len(deep.Errors) == 0 {
		t.Errorf("a deep source: %+v, %v", deep, err)
	}
}
