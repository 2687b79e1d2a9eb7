"""env and recordsets. Whatever they do is a call of the server."""
import functools

from kartoteka import odoo
from kartoteka.values import SEARCHED_MAX, date_of, datetime_of, relational

PREFETCHED = 1000  # how many records are read with the first of them


class Cursor:
    """env.cr: transactions are the server's."""
    __slots__ = ()

    def commit(self):
        return None

    rollback = flush = commit


CURSOR = Cursor()


class Environment:
    __slots__ = ('_run', 'context')

    def __init__(self, run, context=None):
        self._run = run
        self.context = dict(run.context if context is None else context)

    @property
    def cr(self):
        return CURSOR

    def __getitem__(self, name):
        if not isinstance(name, (str, int)):
            raise KeyError(name)
        about = self._run.model(str(name))
        return Records(self, about['name'], ())

    def __contains__(self, name):
        try:
            self[name]
        except KeyError:
            return False
        return True

    def __call__(self, context=None, **kwargs):
        return Environment(self._run, context)

    @property
    def user(self):
        return self._run.user(self)

    @property
    def uid(self):
        return self.user.id

    @property
    def lang(self):
        return self.context.get('lang') or 'en_US'

    @property
    def company(self):
        return self._run.reference(self._run.call('company', {}), self)

    def ref(self, code, raise_if_not_found=True):
        found = self._run.call('ref', {'code': str(code)})
        if found is not None:
            return self._run.reference(found, self)
        if raise_if_not_found:
            raise ValueError('External ID not found in the system: %s' % code)
        return None


class Fields(dict):
    """_fields: name -> Field, also by the other names of fields"""

    def __init__(self, fields, names):
        super().__init__(fields)
        self._names = names

    def key(self, name):
        return name if dict.__contains__(self, name) else self._names.get(name, name)

    def __contains__(self, name):
        return dict.__contains__(self, self.key(name))

    def __getitem__(self, name):
        return dict.__getitem__(self, self.key(name))

    def get(self, name, default=None):
        return dict.get(self, self.key(name), default)


class Field:
    def __init__(self, name, about):
        self.name = name
        self.type = about.get('type', 'char')
        self.comodel_name = about.get('relation')
        self.string = about.get('string', name)
        self.required = bool(about.get('required'))
        self.readonly = bool(about.get('readonly'))


class Records:
    __slots__ = ('env', '_name', '_ids', '_prefetch', '_run')

    def __init__(self, env, name, ids, prefetch=None):
        put = object.__setattr__
        put(self, 'env', env)
        put(self, '_run', env._run)
        put(self, '_name', name)
        put(self, '_ids', tuple(ids))
        put(self, '_prefetch', prefetch or self._ids)

    # -- identity

    @property
    def id(self):
        return self._one()._ids[0] if self._ids else False

    @property
    def ids(self):
        return list(self._ids)

    @property
    def _fields(self):
        return self._run.model(self._name)['fields']

    @property
    def display_name(self):
        return self._value('display_name') if self._ids else False

    def _one(self):
        if len(self._ids) != 1:
            raise ValueError('Expected singleton: %r' % self)
        return self

    ensure_one = _one

    def _set(self, ids, prefetch=None):
        return Records(self.env, self._name, ids, prefetch)

    def _call(self, method, **args):
        args['model'] = self._name
        if self.env.context:
            args['context'] = self.env.context
        return self._run.call(method, args)

    def exists(self):
        if not self._ids:
            return self
        there = set(self._call('exists', ids=self.ids))
        return self._set([i for i in self._ids if i in there])

    def with_context(self, *args, **kwargs):
        context = dict(args[0] if args else self.env.context, **kwargs)
        return Records(Environment(self._run, context), self._name, self._ids, self._prefetch)

    def with_env(self, env):
        return Records(env, self._name, self._ids, self._prefetch)

    def sudo(self, *args):
        self._run.log('WARNING', 'sudo() gives no more rights')
        return self

    with_user = with_company = sudo

    # -- queries

    def search(self, domain=(), offset=0, limit=None, order=None, count=False):
        if count:
            return self.search_count(domain, limit)
        limit = SEARCHED_MAX if limit is None or limit is False else min(limit, SEARCHED_MAX)
        return self._set(self._call('search', domain=list(domain), offset=offset, limit=limit, order=order))

    def search_count(self, domain=(), limit=None):
        return self._call('search_count', domain=list(domain), limit=limit)

    def search_read(self, domain=(), fields=None, offset=0, limit=None, order=None):
        return self.search(domain, offset, limit, order).read(fields)

    def name_search(self, name='', args=(), operator='ilike', limit=100):
        found = self._call('name_search', name=name, domain=list(args or ()), operator=operator, limit=limit)
        return [tuple(pair) for pair in found]

    def browse(self, ids=()):
        if isinstance(ids, Records):
            ids = ids.ids
        elif not ids:
            ids = ()
        elif isinstance(ids, (int, str)):
            ids = (ids,)
        return self._set([numbered(i) for i in ids])

    def read(self, fields=None, load=None):
        if not self._ids:
            return []
        known = self._fields
        rows = self._call('read', ids=self.ids, fields=list(fields) if fields is not None else None)
        return [{n: self._read_value(known.get(n), v) for n, v in row.items()} for row in rows]

    def _read_value(self, field, value):
        if field is None or value is None:
            return False if value is None and field is not None else value
        if field.type == 'many2one':
            return tuple(value) if isinstance(value, list) else value
        return value if relational(field.type) else self._plain_value(field, value)

    def fields_get(self, allfields=None, attributes=None):
        return {n: {'type': f.type, 'string': f.string, 'relation': f.comodel_name, 'required': f.required, 'readonly': f.readonly}
                for n, f in self._fields.items() if not allfields or n in allfields}

    # -- changes

    def create(self, values):
        many = isinstance(values, (list, tuple))
        ids = self._call('create', values=list(values) if many else [values])
        self._run.forget()
        return self._set(ids)

    def write(self, values):
        if self._ids:
            self._call('write', ids=self.ids, values=values)
            self._run.forget()
        return True

    update = write

    def unlink(self):
        if self._ids:
            self._call('unlink', ids=self.ids)
            self._run.forget()
        return True

    def copy(self, default=None):
        return self._set(self._call('copy', ids=[self._one().id], values=default or {}))

    def message_post(self, body='', **kwargs):
        return self._call('message_post', ids=self.ids, body=str(body), options=kwargs)

    # -- functions

    def mapped(self, what):
        if callable(what):
            return self._joined([what(r) for r in self])
        found = self
        for name in what.split('.'):
            if not isinstance(found, Records):
                raise AttributeError('%r is no relation, so it has no %r' % (found, name))
            found = found._column(name)
        return found

    def _column(self, name):
        field = self._fields.get(name)
        if field is not None and relational(field.type):
            empty = Records(self.env, field.comodel_name, ())
            return empty.union(*[r._value(name) for r in self])
        return [r[name] for r in self]

    def _joined(self, found):
        if found and all(isinstance(v, Records) for v in found):
            return found[0].union(*found[1:])
        return found

    def _test(self, what):
        return what if callable(what) else lambda r: bool(r.mapped(what) if '.' in what else r[what])

    def filtered(self, what):
        test = self._test(what)
        return self._set([r._ids[0] for r in self if test(r)], self._prefetch)

    def filtered_domain(self, domain):
        if not self._ids:
            return self
        found = set(self.search(['&'] * bool(domain) + [('id', 'in', self.ids)] + joined(list(domain))).ids)
        return self._set([i for i in self._ids if i in found], self._prefetch)

    def sorted(self, key=None, reverse=False):
        if key is None:
            key = 'id'
        by = key if callable(key) else lambda r: r[key]
        if isinstance(key, str):
            by = lambda r: ranked(r[key])
        return self._set([r._ids[0] for r in sorted(self, key=by, reverse=reverse)], self._prefetch)

    def grouped(self, key):
        groups = {}
        for r in self:
            groups.setdefault(key(r) if callable(key) else r[key], []).append(r._ids[0])
        return {k: self._set(ids, self._prefetch) for k, ids in groups.items()}

    # -- operators

    def __iter__(self):
        for i in self._ids:
            yield self._set((i,), self._prefetch)

    def __reversed__(self):
        return iter(self._set(self._ids[::-1], self._prefetch))

    def __len__(self):
        return len(self._ids)

    def __bool__(self):
        return bool(self._ids)

    def __hash__(self):
        return hash((self._name, frozenset(self._ids)))

    def __eq__(self, other):
        if not isinstance(other, Records):
            return NotImplemented
        return self._name == other._name and set(self._ids) == set(other._ids)

    def __contains__(self, thing):
        if isinstance(thing, str):
            return thing in self._fields
        return isinstance(thing, Records) and thing._name == self._name and len(thing) == 1 and thing._ids[0] in self._ids

    def _same(self, other):
        if not isinstance(other, Records) or other._name != self._name:
            raise TypeError('records of %s cannot be put together with %r' % (self._name, other))
        return other._ids

    def union(self, *others):
        ids = list(self._ids)
        for other in others:
            ids += self._same(other)
        return self._set(dict.fromkeys(ids))

    def concat(self, *others):
        return self._set(sum((self._same(o) for o in others), self._ids))

    def __or__(self, other):
        return self.union(other)

    def __add__(self, other):
        return self.concat(other)

    def __and__(self, other):
        common = set(self._same(other))
        return self._set([i for i in dict.fromkeys(self._ids) if i in common])

    def __sub__(self, other):
        without = set(self._same(other))
        return self._set([i for i in self._ids if i not in without])

    def __le__(self, other):
        return set(self._ids) <= set(self._same(other))

    def __lt__(self, other):
        return set(self._ids) < set(self._same(other))

    def __ge__(self, other):
        return set(self._ids) >= set(self._same(other))

    def __gt__(self, other):
        return set(self._ids) > set(self._same(other))

    def __repr__(self):
        return '%s%r' % (self._name, self._ids)

    # -- values

    def __getitem__(self, key):
        if isinstance(key, str):
            return getattr(self, key) if key in ('id', 'ids', 'display_name') else self._named(key, KeyError)
        if isinstance(key, slice):
            return self._set(self._ids[key], self._prefetch)
        return self._set((self._ids[key],), self._prefetch)

    def __setitem__(self, key, value):
        self._assign(key, value)

    def __getattr__(self, name):
        if name.startswith('__'):
            raise AttributeError(name)
        return self._named(name, AttributeError)

    def __setattr__(self, name, value):
        self._assign(name, value)

    def _named(self, name, missing):
        about = self._run.model(self._name)
        if name in about['fields']:
            return self._value(name)
        if len(self._ids) == 1:
            extra = self._run.extra.get((self._name, self._ids[0]))
            if extra is not None and name in extra:
                return extra[name]
        function = self._run.library(self._name).get(name)
        if function is not None:
            takes = function.__code__.co_varnames[:function.__code__.co_argcount]
            return functools.partial(function, self) if takes[:1] in (('self',), ('record',)) else function
        if name in about['methods']:
            return lambda *args, **kwargs: self._run.method(self, name, args, kwargs)
        hint = ': pushes are queued by themselves' if name == 'with_delay' else ''
        raise missing('%r has no attribute %r%s' % (self._name, name, hint))

    def _assign(self, name, value):
        if name in ('id', 'ids', 'env') or name.startswith('_'):
            raise AttributeError('%s cannot be set' % name)
        elif name in self._fields:
            self.write({name: value})
        else:
            self._run.extra.setdefault((self._name, self._one()._ids[0]), {})[name] = value

    def _value(self, name):
        name = self._fields.key(name)
        field = self._fields.get(name)
        if not self._ids:
            return Records(self.env, field.comodel_name, ()) if field and relational(field.type) else False
        self._one()
        rows = self._run.cache.setdefault(self._name, {})
        row = rows.get(self._ids[0])
        if row is None or name not in row:
            self._fetch(rows, name)
            row = rows.get(self._ids[0])
            if row is None:
                raise odoo.MissingError('Record does not exist or has been deleted: %r' % self)
        return self._converted(field, row.get(name))

    def _fetch(self, rows, name):
        """Reads a field of all records that this one came with; all fields of a lone one."""
        wanted, names = [self._ids[0]], None
        if len(self._prefetch) > 1:
            rest = [i for i in self._prefetch if i != self._ids[0] and name not in rows.get(i, ())]
            wanted, names = wanted + rest[:PREFETCHED - 1], [name]
        for row in self._call('read', ids=wanted, fields=names):
            rows.setdefault(row['id'], {}).update(row)
        for i in wanted:
            if i in rows:
                rows[i].setdefault(name, None)

    def _converted(self, field, value):
        if field is not None and field.type == 'many2one':
            if isinstance(value, list):
                value = value[0] if value else None
            elif isinstance(value, dict):
                value = value.get('id')
            return Records(self.env, field.comodel_name, (value,) if value else ())
        if field is not None and relational(field.type):
            return Records(self.env, field.comodel_name, value or ())
        return self._plain_value(field, value)

    def _plain_value(self, field, value):
        if value is None or field is None:
            return False if value is None else value
        if field.type == 'date' and isinstance(value, str):
            return date_of(value)
        if field.type == 'datetime' and isinstance(value, str):
            return datetime_of(value)
        return value


def numbered(id):
    """Ids of records are numbers, also those that come as texts; others are names."""
    return int(id) if isinstance(id, str) and id.isascii() and id.isdecimal() and id[0] != '0' else id


def joined(domain):
    """A domain as one operand: Odoo's lists leave out the & between their parts."""
    parts = 0
    for item in domain:
        if item in ('&', '|'):
            parts -= 1
        elif item != '!':
            parts += 1
    return ['&'] * (parts - 1) + domain


def ranked(value):
    """Unset values come first, whatever the others are."""
    if isinstance(value, Records):
        value = value.ids
    return (value is not False and value is not None, value or 0) if not isinstance(value, bool) else (value, 0)
