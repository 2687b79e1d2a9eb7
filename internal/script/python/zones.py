"""Time zones from our own data: the sandbox has no files."""
import base64
import datetime
import io
import zoneinfo

UTC = datetime.timezone.utc
DATA = {name: base64.b64decode(data) for name, data in BOOT['zones'].items()}  # the contents of TZif files


def zone(name):
    """The zone of a name; fails with zoneinfo.ZoneInfoNotFoundError."""
    if name in ('UTC', 'Z'):
        return UTC
    data = DATA.get(name)
    if data is None:
        raise zoneinfo.ZoneInfoNotFoundError('there is no time zone %r' % name)
    return zoneinfo.ZoneInfo.from_file(io.BytesIO(data), key=name)


def gettz(name=None):
    """As dateutil has it: None for a zone that is not known."""
    try:
        return zone(name) if name else UTC
    except zoneinfo.ZoneInfoNotFoundError:
        return None


def tzutc():
    return UTC


def tzlocal():
    """Scripts run in UTC, wherever the server is."""
    return UTC


def tzoffset(name, offset):
    """offset is seconds or a timedelta."""
    if not isinstance(offset, datetime.timedelta):
        offset = datetime.timedelta(seconds=offset)
    return datetime.timezone(offset, name) if name else datetime.timezone(offset)
