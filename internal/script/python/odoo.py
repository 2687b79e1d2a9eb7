"""The small part of Odoo's modules that scripts use."""
import datetime
import decimal
import math


class UserError(Exception):
    """Says something to the caller. Its text is the answer."""


class ValidationError(UserError):
    pass


class AccessError(UserError):
    pass


class MissingError(UserError):
    pass


class Command:
    """The tuples that change relations."""

    @staticmethod
    def create(values):
        return (0, 0, values)

    @staticmethod
    def update(id, values):
        return (1, id, values)

    @staticmethod
    def delete(id):
        return (2, id, 0)

    @staticmethod
    def unlink(id):
        return (3, id, 0)

    @staticmethod
    def link(id):
        return (4, id, 0)

    @staticmethod
    def clear():
        return (5, 0, 0)

    @staticmethod
    def set(ids):
        return (6, 0, list(ids))


def utc(moment):
    """A moment as Odoo keeps it: without a zone, in UTC."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return moment


class Datetime:
    @staticmethod
    def now():
        return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)

    @staticmethod
    def today():
        return Datetime.now().replace(hour=0, minute=0, second=0)

    @staticmethod
    def to_datetime(value):
        if not value:
            return None
        if isinstance(value, datetime.datetime):
            return utc(value)
        if isinstance(value, datetime.date):
            return datetime.datetime(value.year, value.month, value.day)
        return utc(datetime.datetime.fromisoformat(value))

    from_string = to_datetime

    @staticmethod
    def to_string(value):
        return value.strftime('%Y-%m-%d %H:%M:%S') if value else False


class Date:
    @staticmethod
    def today():
        return Datetime.now().date()

    @staticmethod
    def context_today(record=None, timestamp=None):
        return (timestamp or Datetime.now()).date()

    @staticmethod
    def to_date(value):
        if not value:
            return None
        if isinstance(value, datetime.datetime):
            return value.date()
        if isinstance(value, datetime.date):
            return value
        return datetime.date.fromisoformat(value[:10])

    from_string = to_date

    @staticmethod
    def to_string(value):
        return value.strftime('%Y-%m-%d') if value else False


def translated(text, *args, **kwargs):
    """_(): texts of scripts are in the language they are written in."""
    return text % (args or kwargs) if args or kwargs else text


def rounding(digits, step):
    if (digits is None) == (step is None):
        raise ValueError('give precision_digits or precision_rounding')
    if step is None:
        return 10.0 ** -digits
    if step <= 0:
        raise ValueError('precision_rounding must be positive')
    return step


MODES = {'HALF-UP': decimal.ROUND_HALF_UP, 'HALF-DOWN': decimal.ROUND_HALF_DOWN, 'HALF-EVEN': decimal.ROUND_HALF_EVEN,
         'UP': decimal.ROUND_UP, 'DOWN': decimal.ROUND_DOWN}


def float_round(value, precision_digits=None, precision_rounding=None, rounding_method='HALF-UP'):
    step = rounding(precision_digits, precision_rounding)
    if not value or not math.isfinite(value):
        return value + 0.0
    exact = decimal.Decimal(repr(step)) if precision_digits is None else decimal.Decimal(10) ** -precision_digits
    steps = (decimal.Decimal(repr(float(value))) / exact).to_integral_value(MODES[rounding_method])
    return float(steps * exact)


def float_compare(value1, value2, precision_digits=None, precision_rounding=None):
    """-1, 0 or 1, after rounding."""
    a = float_round(value1, precision_digits, precision_rounding)
    b = float_round(value2, precision_digits, precision_rounding)
    return (a > b) - (a < b)


def float_is_zero(value, precision_digits=None, precision_rounding=None):
    return float_round(value, precision_digits, precision_rounding) == 0.0
