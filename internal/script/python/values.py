"""Values between scripts and the server, which speaks JSON."""
import base64
import collections.abc
import datetime
import decimal
import fractions
import json
import uuid

SEARCHED_MAX = 10000


def moment(value):
    """ISO text: a time without a zone is one of UTC."""
    if value.tzinfo is not None:
        value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return value.isoformat() + 'Z'


def plain(value):
    """What the server gets for a value that JSON does not have."""
    from kartoteka import records
    if isinstance(value, records.Records):
        return value.ids
    if isinstance(value, datetime.datetime):
        return moment(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, (decimal.Decimal, fractions.Fraction)):
        return float(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, (set, frozenset, collections.abc.KeysView, collections.abc.ValuesView, range, map, filter, zip)):
        return list(value)
    if isinstance(value, collections.abc.Mapping):
        return dict(value)
    raise TypeError('a value of type %s cannot leave the script' % type(value).__name__)


ENCODER = json.JSONEncoder(default=plain, allow_nan=False, check_circular=False, separators=(',', ':'))


def encoded(value):
    """JSON of a value; fails with a message for the script's author."""
    try:
        return ENCODER.encode(keyed(value))
    except RecursionError:
        raise ValueError('the value is nested too deeply or holds itself') from None
    except ValueError as error:
        if 'JSON compliant' in str(error):
            raise ValueError('a number that is infinite or none (NaN) cannot leave the script') from None
        raise


def keyed(value):
    """Keys must be texts: dates and the like become ones."""
    if type(value) is dict:
        if all(type(k) is str for k in value):
            for v in value.values():
                if type(v) in (dict, list, tuple):
                    break
            else:
                return value
        return {k if isinstance(k, (str, int, float, bool)) or k is None else str(plain(k)): keyed(v) for k, v in value.items()}
    if type(value) in (list, tuple):
        return [keyed(v) for v in value] if any(type(v) in (dict, list, tuple) for v in value) else value
    return value


def relational(kind):
    return kind in ('many2one', 'one2many', 'many2many')


def date_of(text):
    return datetime.date.fromisoformat(text[:10])


def datetime_of(text):
    found = datetime.datetime.fromisoformat(text)
    if found.tzinfo is not None:
        found = found.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return found
