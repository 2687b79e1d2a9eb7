"""Reads dates as people write them, as dateutil.parser.parse does."""
import datetime
import re

from kartoteka import zones


class ParserError(ValueError):
    pass


MONTHS = {}
for number, names in enumerate((
        'jan january', 'feb february', 'mar march', 'apr april', 'may', 'jun june', 'jul july', 'aug august',
        'sep sept september', 'oct october', 'nov november', 'dec december'), 1):
    for name in names.split():
        MONTHS[name] = number
WEEKDAYS = {}
for number, names in enumerate(('mon monday', 'tue tuesday tues', 'wed wednesday', 'thu thursday thur thurs', 'fri friday',
                                'sat saturday', 'sun sunday')):
    for name in names.split():
        WEEKDAYS[name] = number
FILLERS = frozenset(('at', 'on', 'and', 'ad', 'of', 'st', 'nd', 'rd', 'th', 'm', 't'))

CLOCK = re.compile(r'(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?|(\d{1,2})h(?:\s*(\d{1,2})m(?:in)?)?(?:\s*(\d{1,2})s)?(?![a-z])', re.I)
HALF = re.compile(r'(?:(?<![\d.:])(\d{1,2})\s*)?(?<![a-z])([ap])\.?m\.?(?![a-z])', re.I)
OFFSET = re.compile(r'(?:(?<![a-z])(UTC|GMT|Z)(?![a-z]))?\s*(?:([+-])(\d{2}):?(\d{2})?(?!\d))?$', re.I)
COMPACT = re.compile(r'(?<!\d)(\d{4})(\d{2})(\d{2})(?:T?(\d{2})(\d{2})(\d{2})?)?(?!\d)', re.I)
DATE = re.compile(r'(?<!\d)(\d{1,4})([./-])(\d{1,2}|[a-z]{3,9})(?:\2(\d{1,4}))?(?!\d)', re.I)
WORD = re.compile(r'\d+|[^\W\d_]+')


class State:
    def __init__(self, text):
        self.text = text
        self.year = self.month = self.day = self.weekday = None
        self.hour = self.minute = self.second = self.microsecond = None
        self.zone = None

    def cut(self, match):
        """Takes what was understood out of the text."""
        self.text = self.text[:match.start()] + ' ' + self.text[match.end():]


def parse(timestr, parserinfo=None, default=None, ignoretz=False, tzinfos=None, dayfirst=False, yearfirst=False, fuzzy=False):
    """Gives a datetime; what the text leaves out comes from default, today at midnight."""
    if isinstance(timestr, (bytes, bytearray)):
        timestr = bytes(timestr).decode()
    if not isinstance(timestr, str):
        raise TypeError('Parser must be a string or character stream, not %s' % type(timestr).__name__)
    if default is None:
        default = datetime.datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
    state = State(timestr.strip())
    if not state.text:
        raise ParserError('String does not contain a date: %s' % timestr)
    try:
        compact(state)
        clock(state, tzinfos)
        numbers(state, dayfirst, yearfirst)
        words(state, fuzzy, dayfirst, yearfirst)
        found = built(state, default)
    except ParserError as error:
        raise ParserError('%s: %s' % (error, timestr)) from None
    except (ValueError, OverflowError) as error:
        raise ParserError('%s: %s' % (error, timestr)) from None
    return found.replace(tzinfo=None) if ignoretz else found


def compact(state):
    match = COMPACT.search(state.text)
    if match:
        year, month, day, hour, minute, second = match.groups()
        state.year, state.month, state.day = int(year), int(month), int(day)
        if hour:
            state.hour, state.minute, state.second = int(hour), int(minute), int(second or 0)
        tail(state, match)


def clock(state, tzinfos):
    match = CLOCK.search(state.text)
    if match:
        state.hour = int(match[1] or match[5])
        state.minute = int(match[2] or match[6] or 0)
        state.second = int(match[3] or match[7] or 0)
        state.microsecond = int((match[4] or '0')[:6].ljust(6, '0'))
        tail(state, match)
    half = HALF.search(state.text)
    if half and (half[1] or state.hour is not None):
        if half[1] and state.hour is None:
            state.hour, state.minute = int(half[1]), 0
        if not 0 <= state.hour <= 12:
            raise ParserError('Invalid hour specified for 12-hour clock')
        state.hour = state.hour % 12 + (12 if half[2].lower() == 'p' else 0)
        state.cut(half)
    if state.hour is None:
        return
    state.text = state.text.rstrip()
    offset = OFFSET.search(state.text)
    if offset and (offset[1] or offset[2]):
        state.zone = zones.UTC
        if offset[2]:
            minutes = int(offset[3]) * 60 + int(offset[4] or 0)
            state.zone = datetime.timezone(datetime.timedelta(minutes=-minutes if offset[2] == '-' else minutes))
        state.cut(offset)
    elif isinstance(tzinfos, dict):
        named(state, tzinfos)


def named(state, tzinfos):
    for name, zone in tzinfos.items():
        match = re.search(r'(?<!\w)%s(?!\w)' % re.escape(name), state.text)
        if match:
            state.zone = zone if isinstance(zone, datetime.tzinfo) else zones.tzoffset(name, zone)
            state.cut(match)


def tail(state, match):
    """Cuts a time, and the T before it."""
    start = match.start()
    if start and state.text[start - 1] in 'Tt' and state.text[start - 2:start - 1].isdigit():
        start -= 1
    state.text = state.text[:start] + ' ' + state.text[match.end():]


def numbers(state, dayfirst, yearfirst):
    """A date of numbers with . / or - between them."""
    match = DATE.search(state.text)
    if not match or state.day is not None:
        return
    first, _, second, third = match.groups()
    if second.isalpha():
        month = MONTHS.get(second.lower())
        if month is None:
            return
        state.month = month
        if third is None and len(first) > 2:
            state.year, third = int(first), None
        elif len(first) > 2:
            state.year, state.day = int(first), int(third)
        else:
            state.day = int(first)
            state.year = None if third is None else century(third)
    elif len(first) > 2:
        state.year, state.month = int(first), int(second)
        if third is not None:
            state.day = int(third)
            if dayfirst and state.day <= 12 or state.month > 12:
                state.month, state.day = state.day, state.month
    elif third is None:
        if match[2] == '.':
            return  # a number, not a date
        state.month, state.day = (int(second), int(first)) if dayfirst or int(first) > 12 else (int(first), int(second))
    else:
        ordered(state, first, second, third, dayfirst, yearfirst)
    state.cut(match)


def ordered(state, first, second, third, dayfirst, yearfirst):
    """Three short numbers: month/day/year unless they say otherwise."""
    if int(first) > 31 or yearfirst and len(third) <= 2 and int(third) <= 31:
        state.year, state.month, state.day = century(first), int(second), int(third)
        if dayfirst:
            state.month, state.day = state.day, state.month
        return
    state.year = century(third)
    if int(first) > 12 or dayfirst and int(second) <= 12:
        state.day, state.month = int(first), int(second)
    else:
        state.month, state.day = int(first), int(second)


def century(text):
    """A year of two digits lies within fifty years of now."""
    year = int(text)
    if len(text) > 2:
        return year
    now = datetime.date.today().year
    year += now // 100 * 100
    if year >= now + 50:
        return year - 100
    return year + 100 if year < now - 50 else year


def words(state, fuzzy, dayfirst, yearfirst):
    loose = []
    for match in WORD.finditer(state.text):
        word = match[0].lower()
        if word.isdigit():
            loose.append(word)
        elif word in MONTHS:
            state.month = MONTHS[word]
        elif word in WEEKDAYS:
            state.weekday = WEEKDAYS[word]
        elif word not in FILLERS and not fuzzy:
            raise ParserError('Unknown string format')
    if not fuzzy and len(loose) > 3:
        raise ParserError('Unknown string format')
    for word in loose:
        if len(word) > 2 or int(word) > 31 or state.day is not None:
            if state.year is not None and not fuzzy:
                raise ParserError('Unknown string format')
            state.year = century(word)
        else:
            state.day = int(word)


def built(state, default):
    found = {n: getattr(state, n) for n in ('year', 'month', 'day', 'hour', 'minute', 'second', 'microsecond')}
    found = {n: v for n, v in found.items() if v is not None}
    if not found and state.weekday is None:
        raise ParserError('String does not contain a date')
    if 'day' not in found and ('month' in found or 'year' in found):
        year, month = found.get('year', default.year), found.get('month', default.month)
        last = (datetime.date(year + month // 12, month % 12 + 1, 1) - datetime.timedelta(1)).day
        found['day'] = min(default.day, last)
    result = default.replace(**found)
    if state.weekday is not None and state.day is None:
        result += datetime.timedelta((state.weekday - result.weekday()) % 7)
    return result.replace(tzinfo=state.zone) if state.zone else result


def isoparse(text):
    """ISO 8601 only."""
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise ParserError(str(error)) from None
